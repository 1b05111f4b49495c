//! People with a purpose: each looks at the screen and does what somebody who wants that would do, or what they are
//! known for: tap twice, cancel, walk away, start over.

use super::chance::Chance;
use super::facility;
use super::faults::{Allowed, Fault};
use crate::domain::language::Language;
use crate::domain::patient::{InsuranceAnswer, Patient as Person, ScannedCode};
use crate::domain::screen::{
    DateEntry, DocumentRow, NumberEntry, NumberOf, PaymentPrompt, RowPrice, Screen, Service, ServiceRow, Tap, View,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A document that costs something.
    Papers,
    FreePaper,
    CheckIn,
    Receipt,
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Tap(Tap),
    /// And once more so much later.
    TapTwice(Tap, u64),
    Scan(ScannedCode),
    ShowCard,
    /// Cancels, and shows the card all the same so much later.
    CancelAndShow(u64),
    TakeCardOut,
    /// Nothing, until the screen changes.
    Wait,
    Leave,
}

/// More than this and they give up.
const ACTS_MAX: u32 = 120;

pub struct Patient {
    person: Person,
    wants: Wants,
    quirk: Option<Fault>,
    /// The quirk shows at this act, where it has a place of its own.
    quirk_at: u32,
    types_number: bool,
    papers: u64,
    retries: u32,
    acts: u32,
    began: bool,
    reprinted: bool,
    /// A quirk that came out.
    pub fired: Option<Fault>,
}

impl Patient {
    #[must_use]
    pub fn new(allowed: &Allowed, chance: &mut Chance) -> Self {
        let wants = match chance.below(100) {
            0..=84 => Wants::Papers,
            85..=89 => Wants::FreePaper,
            90..=95 => Wants::CheckIn,
            _ => Wants::Receipt,
        };
        let quirks = allowed.of(&[Fault::DoubleTap, Fault::Cancels, Fault::WalksAway, Fault::StartsOver]);
        let quirk = if chance.percent(30) { chance.pick(&quirks) } else { None };
        Self {
            person: facility::patient(u32::try_from(chance.below(u64::from(facility::PATIENTS))).unwrap_or(0)),
            wants,
            quirk,
            quirk_at: u32::try_from(chance.between(3, 24)).unwrap_or(3),
            types_number: chance.percent(10),
            papers: chance.between(1, 2),
            retries: u32::try_from(chance.below(3)).unwrap_or(0),
            acts: 0,
            began: false,
            reprinted: false,
            fired: None,
        }
    }

    pub fn act(&mut self, view: &View, chance: &mut Chance) -> Act {
        // Whoever comes to a kiosk in use waits.
        if !self.began && !matches!(view.screen, Screen::Idle) {
            return Act::Wait;
        }
        if self.began && matches!(view.screen, Screen::Idle) {
            return Act::Leave;
        }
        self.began = true;
        self.acts += 1;
        if self.acts > ACTS_MAX {
            return Act::Leave;
        }
        if self.acts >= self.quirk_at {
            if self.quirk == Some(Fault::WalksAway) {
                self.fired = self.quirk.take();
                return Act::Leave;
            }
            if self.quirk == Some(Fault::StartsOver) {
                self.fired = self.quirk.take();
                return Act::Tap(Tap::StartOver);
            }
        }
        self.answer(&view.screen, chance)
    }

    fn answer(&mut self, screen: &Screen, chance: &mut Chance) -> Act {
        Act::Tap(match screen {
            Screen::Idle => Tap::Start,
            Screen::Language { .. } => {
                Tap::Language(chance.pick(&[Language::Ko, Language::En]).unwrap_or(Language::Ko))
            }
            Screen::Services { rows } => return self.service(rows),
            Screen::ForWhom => Tap::ForMe,
            Screen::Number(entry) if entry.of == NumberOf::Patient => return self.number(&entry.digits),
            Screen::Number(entry) => return Self::payment(entry, chance),
            Screen::BirthDate(entry) => self.birth_date(entry),
            Screen::Wait { .. } => return Act::Wait,
            Screen::Insurance => Tap::Insurance(InsuranceAnswer::Yes),
            Screen::Appointments { can_go_on, .. } => {
                if *can_go_on {
                    Tap::Next
                } else {
                    Tap::StartOver
                }
            }
            Screen::Sorry { retry, .. } => {
                if *retry && self.retries > 0 {
                    self.retries -= 1;
                    Tap::TryAgain
                } else {
                    Tap::Finish
                }
            }
            Screen::Documents { rows, count, .. } => self.choose(rows, *count, chance),
            Screen::Options { copies, copies_max, .. } => {
                if copies < copies_max && chance.percent(30) {
                    Tap::More
                } else {
                    Tap::Next
                }
            }
            Screen::Consent { .. } => return self.impatient(Tap::Agree, chance),
            Screen::Payment(payment) => return self.pay(payment.prompt, payment.can_cancel, chance),
            Screen::InDoubt(doubt) if doubt.seconds_left.is_some() => return Act::Wait,
            Screen::NotPaid { retry, .. } if *retry && self.retries > 0 => {
                self.retries -= 1;
                return self.impatient(Tap::TryAgain, chance);
            }
            Screen::Done(done) if done.can_reprint && !self.reprinted && chance.percent(10) => {
                self.reprinted = true;
                Tap::PrintAgain
            }
            Screen::Reprint(sight) => {
                if sight.can_print && !self.reprinted {
                    self.reprinted = true;
                    Tap::Next
                } else {
                    Tap::Finish
                }
            }
            Screen::Review(_) => Tap::Next,
            Screen::StillHere { .. } => Tap::StillHere,
            Screen::EasyAccess | Screen::Notice(_) | Screen::Staff(_) | Screen::Help { .. } => Tap::Back,
            Screen::OutOfService { .. } => return Act::Leave,
            Screen::InDoubt(_)
            | Screen::NotPaid { .. }
            | Screen::Done(_)
            | Screen::CheckedIn(_)
            | Screen::Information { .. } => Tap::Finish,
        })
    }

    fn service(&self, rows: &[ServiceRow]) -> Act {
        let service = match self.wants {
            Wants::Papers | Wants::FreePaper => Service::Documents,
            Wants::CheckIn => Service::CheckIn,
            Wants::Receipt => Service::Reprint,
        };
        let open = rows.iter().any(|row| row.service == service && row.unavailable.is_none());
        Act::Tap(if open { Tap::Service(service) } else { Tap::StartOver })
    }

    fn number(&self, digits: &str) -> Act {
        let number = &self.person.number.0;
        if digits == number {
            return Act::Tap(Tap::Next);
        }
        if !self.types_number {
            return Act::Scan(ScannedCode::PatientCard(self.person.number.clone()));
        }
        let right = number.starts_with(digits);
        let next = number.as_bytes().get(digits.len()).filter(|_| right);
        Act::Tap(next.map_or(Tap::ClearAll, |digit| Tap::Digit(digit - b'0')))
    }

    /// One of the day's first payments, whoever made it; the digits of a card are nobody's here.
    fn payment(entry: &NumberEntry, chance: &mut Chance) -> Act {
        if entry.of == NumberOf::PaymentToo {
            return Act::Tap(Tap::StartOver);
        }
        Act::Tap(match entry.digits.len() {
            0..=2 => Tap::Digit(0),
            3 => Tap::Digit(u8::try_from(chance.between(1, 9)).unwrap_or(1)),
            _all => Tap::Next,
        })
    }

    fn birth_date(&self, entry: &DateEntry) -> Tap {
        let typed = entry.year.len() + entry.month.len() + entry.day.len();
        let date = self.person.birth_date.0.format("%Y%m%d").to_string();
        date.as_bytes().get(typed).map_or(Tap::Next, |digit| Tap::Digit(digit - b'0'))
    }

    fn choose(&self, rows: &[DocumentRow], count: u32, chance: &mut Chance) -> Tap {
        let wanted = if self.wants == Wants::FreePaper { 1 } else { self.papers };
        if u64::from(count) >= wanted {
            return Tap::Next;
        }
        let fits = |row: &DocumentRow| !row.chosen && (row.price == RowPrice::Free) == (self.wants == Wants::FreePaper);
        let open: Vec<u8> = (0..).zip(rows).filter(|(_, row)| fits(row)).map(|(at, _)| at).collect();
        chance.pick(&open).map_or(Tap::StartOver, Tap::Row)
    }

    /// Taps again, as nothing seems to happen.
    fn impatient(&mut self, tap: Tap, chance: &mut Chance) -> Act {
        if self.quirk == Some(Fault::DoubleTap) {
            self.fired = self.quirk.take();
            let later_ms = if chance.percent(50) { chance.below(200) } else { chance.below(6_000) };
            return Act::TapTwice(tap, later_ms);
        }
        Act::Tap(tap)
    }

    fn pay(&mut self, prompt: PaymentPrompt, can_cancel: bool, chance: &mut Chance) -> Act {
        match prompt {
            PaymentPrompt::RemoveOldCard | PaymentPrompt::RemoveCard => Act::TakeCardOut,
            PaymentPrompt::Preparing | PaymentPrompt::Working | PaymentPrompt::Cancelling => Act::Wait,
            PaymentPrompt::Present => {
                if self.quirk == Some(Fault::Cancels) && can_cancel {
                    self.fired = self.quirk.take();
                    return if chance.percent(50) {
                        Act::Tap(Tap::CancelPayment)
                    } else {
                        Act::CancelAndShow(chance.below(4_000))
                    };
                }
                Act::ShowCard
            }
        }
    }
}
