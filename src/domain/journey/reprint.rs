//! "Receipt or payment problem": what became of a payment, for whoever knows enough of it; and its receipt once more.
//!
//! ```text
//! First ─Next─▶ (Held) ─▶ Finding ─┬ found ───▶ Shown ─Print again─▶ printing ─Printed─▶ printed (journalled)
//!   digits of payment or card      ├ nothing ─▶ Second ─Next─▶ (Held) ─▶ Finding ─┬ found ───▶ Shown
//!                                  └ tried too often, or cannot be read ─▶ HandOff └ nothing ─▶ First, a wrong try
//! ```
//! Money: was paid or not before, in every state; nothing here can charge. Paper: a duplicate, after its row in the audit
//! trail; once a visit, so that the next patient cannot take it.

use super::step::entry::Digits;
use super::step::hand_off::{HandOff, Next};
use super::step::identify::wait;
use super::{Flow, Kept, Leaving, NotKept, Rest};
use crate::domain::enquiry::{Became, DIGITS, Enquired, Known, PaymentSight};
use crate::domain::finished::{JourneyKind, Outcome};
use crate::domain::limits::LOOK_UP_LIMIT_MS;
use crate::domain::line::Line;
use crate::domain::moment::Tick;
use crate::domain::paper::{Paper, Receipt};
use crate::domain::person::Who;
use crate::domain::screen::{
    EntryProblem, NumberEntry, NumberOf, PrintState, Screen, SightScreen, SorryWhy, Tap, Waiting,
};
use crate::domain::session::guess::Counting;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, IfKept, IfNotKept};
use crate::domain::staff::{AuditEntry, StaffAct};
use crate::domain::tries::{Miss, Named, SLOW_LOOK_UP_MS};
use uuid::Uuid;

pub struct Reprint {
    visit: Uuid,
    state: State,
    digits: Digits,
    problem: Option<EntryProblem>,
    /// What was typed first, while the other number is asked for.
    first: Option<Digits>,
    finished: bool,
}

enum State {
    Asking,
    Held { until: Tick },
    Finding { until: Tick },
    Shown { sight: Box<PaymentSight>, sent: bool, printed: bool },
    HandOff(HandOff),
}

impl Reprint {
    #[must_use]
    pub fn new(kiosk: &Kiosk) -> Self {
        Self {
            visit: kiosk.now.fresh_id("enquiry"),
            state: State::Asking,
            digits: Digits::default(),
            problem: None,
            first: None,
            finished: false,
        }
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        match &self.state {
            State::Asking => self.tap_digits(tap, kiosk),
            State::Held { .. } | State::Finding { .. } => {
                if tap == Tap::Back {
                    self.begin_anew(kiosk);
                }
                Flow::Stay
            }
            State::Shown { .. } => self.tap_shown(tap, kiosk),
            State::HandOff(hand_off) => match hand_off.tap(tap) {
                Next::Flow(flow) => flow,
                Next::Again => {
                    self.begin_anew(kiosk);
                    Flow::Stay
                }
            },
        }
    }

    fn tap_digits(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if self.digits.tap(tap, usize::from(DIGITS)) {
            self.problem = None;
        } else if tap == Tap::Next {
            self.look_up(kiosk);
        } else if tap == Tap::Back && self.first.is_some() {
            self.begin_anew(kiosk);
        } else if tap == Tap::Back {
            return Flow::Home;
        }
        Flow::Stay
    }

    /// An answer that is still on its way belongs to the enquiry before.
    fn begin_anew(&mut self, kiosk: &Kiosk) {
        *self = Self { finished: self.finished, ..Self::new(kiosk) };
    }

    fn look_up(&mut self, kiosk: &mut Kiosk) {
        if self.digits.len() < usize::from(DIGITS) {
            self.problem = Some(EntryProblem::Incomplete);
            return;
        }
        let (first, second) = (self.typed_first(), self.typed_second());
        if [Some(first), second].iter().flatten().any(|digits| kiosk.is_locked(Named::Payment(digits))) {
            self.hand_off(SorryWhy::TooManyTries, false);
            return;
        }
        self.state = State::Held { until: kiosk.look_up_from() };
        self.time(kiosk);
    }

    fn typed_first(&self) -> String {
        self.first.as_ref().unwrap_or(&self.digits).as_str().to_owned()
    }

    fn typed_second(&self) -> Option<String> {
        self.first.as_ref().map(|_| self.digits.as_str().to_owned())
    }

    /// What this answer counts as; `None` if nobody waits for it. A wrong try is one of both numbers, or changing one of them
    /// would never lock the other.
    pub fn count(&self, visit: Uuid, answer: &Enquired, kiosk: &Kiosk) -> Option<Counting> {
        if visit != self.visit || !matches!(self.state, State::Finding { .. }) {
            return None;
        }
        let (first, second, counting) = (self.typed_first(), self.typed_second(), kiosk.counting());
        let first = Named::Payment(&first);
        Some(match (answer, &second) {
            (Enquired::Sight(_), _) => counting.found(first, kiosk),
            (Enquired::Nothing, Some(second)) => {
                counting.missed(Named::Payment(second), Miss::ByHospital, kiosk).missed(first, Miss::ByHospital, kiosk)
            }
            (Enquired::Nothing, None) => counting.missed(first, Miss::ByHospital, kiosk),
            (Enquired::CannotTell, _) => counting,
        })
    }

    pub fn time(&mut self, kiosk: &mut Kiosk) {
        let now = kiosk.tick();
        match self.state {
            State::Held { until } if now >= until => {
                self.state = State::Finding { until: now.plus_ms(LOOK_UP_LIMIT_MS) };
                let known = Known { first: self.typed_first(), second: self.typed_second() };
                kiosk.emit(Effect::FindPayment { visit: self.visit, known });
            }
            State::Finding { until } if now >= until => self.hand_off(SorryWhy::CannotRecord, true),
            State::Asking | State::Held { .. } | State::Finding { .. } | State::Shown { .. } | State::HandOff(_) => {}
        }
    }

    /// What it counts as is durable by now; `to_desk`: it was one wrong try too many.
    pub fn enquired(&mut self, answer: Enquired, to_desk: bool, kiosk: &Kiosk) {
        match answer {
            Enquired::Sight(sight) => {
                self.digits.clear();
                self.state = State::Shown { sight, sent: false, printed: false };
            }
            Enquired::Nothing if to_desk => self.hand_off(SorryWhy::TooManyTries, false),
            Enquired::Nothing if self.first.is_none() => {
                // Later than a quarter of an hour it takes both; that there is none is not said.
                self.first = Some(std::mem::take(&mut self.digits));
                self.state = State::Asking;
            }
            Enquired::Nothing => {
                self.begin_anew(kiosk);
                self.problem = Some(EntryProblem::NotFound);
            }
            Enquired::CannotTell => self.hand_off(SorryWhy::CannotRecord, true),
        }
    }

    fn tap_shown(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        let State::Shown { sight, printed, .. } = &self.state else { return Flow::Stay };
        if matches!(tap, Tap::Next | Tap::PrintAgain) && may_print(sight, *printed) && kiosk.can_print_again() {
            let result = "sent to the printer, marked as a duplicate";
            let entry = AuditEntry::new(Who::Patient, StaffAct::Reprint, sight.number.clone(), result);
            kiosk.commit([Line::Audit(entry)], IfKept::Visit(Kept::Reprint), IfNotKept::Visit(NotKept::Request));
            return Flow::Stay;
        }
        end(tap)
    }

    /// Its row is in the trail.
    pub fn print(&mut self, kiosk: &mut Kiosk) {
        if let State::Shown { sight, sent, .. } = &mut self.state {
            *sent = true;
            let receipt = Receipt { duplicate: true, ..sight.receipt.clone() };
            kiosk.print(Paper::Receipt(receipt), Some(sight.attempt));
        }
    }

    pub fn receipt_printed(&mut self, kiosk: &mut Kiosk) {
        // A paper of this patient before is not this receipt.
        if let State::Shown { sent: true, printed, .. } = &mut self.state {
            *printed = true;
            self.finish(Outcome::Reprinted, kiosk);
        }
    }

    fn hand_off(&mut self, why: SorryWhy, retry: bool) {
        self.digits.clear();
        self.first = None;
        self.state = State::HandOff(HandOff { why, retry });
    }

    /// What was to be counted, or its row in the trail, could not be kept: nothing is told and nothing printed.
    pub fn not_kept(&mut self) {
        self.hand_off(SorryWhy::CannotRecord, true);
    }

    fn finish(&mut self, outcome: Outcome, kiosk: &mut Kiosk) {
        if !self.finished {
            self.finished = true;
            kiosk.finish(JourneyKind::Unfinished, outcome);
        }
    }

    pub fn leave(&mut self, why: Leaving, kiosk: &mut Kiosk) {
        let outcome = match why {
            Leaving::ByPatient => Outcome::Informed,
            Leaving::TimedOut => Outcome::TimedOut,
        };
        self.finish(outcome, kiosk);
    }

    #[must_use]
    pub fn screen(&self, kiosk: &Kiosk) -> Screen {
        match &self.state {
            State::Asking => Screen::Number(NumberEntry {
                of: if self.first.is_some() { NumberOf::PaymentToo } else { NumberOf::Payment },
                digits: self.digits.as_str().to_owned(),
                slots: DIGITS,
                problem: self.problem,
            }),
            State::Held { until } => wait(Waiting::LookUp, *until, SLOW_LOOK_UP_MS, kiosk),
            State::Finding { until } => wait(Waiting::LookUp, *until, LOOK_UP_LIMIT_MS, kiosk),
            State::Shown { sight, sent, printed } => Screen::Reprint(SightScreen {
                number: sight.number.clone(),
                amount: sight.amount,
                at: kiosk.facility.zone.at(&sight.at),
                became: sight.became,
                can_print: may_print(sight, *printed),
                desk: kiosk.cashier_desk(),
                // A paper of this patient before is not this receipt.
                printing: if *sent { kiosk.print_state() } else { PrintState::Idle },
            }),
            State::HandOff(hand_off) => hand_off.screen(kiosk.cashier_desk()),
        }
    }

    pub fn rest(&self) -> Rest {
        match &self.state {
            State::Held { .. } | State::Finding { .. } => Rest::Busy,
            State::Asking | State::Shown { .. } | State::HandOff(_) => Rest::Asking,
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        match &self.state {
            State::Held { until } | State::Finding { until } => Some(*until),
            State::Asking | State::Shown { .. } | State::HandOff(_) => None,
        }
    }
}

/// Of what was not paid here there is none, and what was given back or is in doubt must not look paid.
fn may_print(sight: &PaymentSight, printed: bool) -> bool {
    !printed && sight.became == Became::Paid
}

const fn end(tap: Tap) -> Flow {
    if matches!(tap, Tap::Finish) {
        Flow::End
    } else if matches!(tap, Tap::Back) {
        Flow::Home
    } else {
        Flow::Stay
    }
}
