//! The Smartro protocol: the real dialogue, and the model that knows the card company's books.

use super::chance::Chance;
use super::ends::{Astray, Booked, Machine, Out, Speaker};
use super::faults::Fault;
use super::manners;
use crate::rehearsal::terminal::model::Model;
use crate::rehearsal::terminal::model::manners::Approval;
use crate::rehearsal::terminal::{CardAction, Fault as Mistake};
use crate::terminal::smartro::dialogue::{Dialogue, Limits};
use crate::terminal::smartro::packet::EVENT;

const TERMINAL_ID: &str = "KIOSK1114915545";
/// After STX, the terminal's id and the time.
const JOB_AT: usize = 31;
const ACK_MS: u64 = 3_000;
const ANSWER_MS: u64 = 120_000;

/// A dialogue as the driver builds it at start.
#[must_use]
pub fn speaker() -> Box<dyn Speaker> {
    Box::new(Dialogue::new(TERMINAL_ID, Limits::new(ACK_MS, ANSWER_MS)))
}

/// The model, and what was noticed of its faults.
pub struct Terminal {
    model: Model,
    fired: Vec<Fault>,
    undos_seen: usize,
}

impl Terminal {
    #[must_use]
    pub fn new(chance: &mut Chance, keeps_last: bool, falls_back: bool) -> Self {
        let mut model = Model::new(chance.bits());
        model.setup.keeps_last = keeps_last;
        model.setup.falls_back = falls_back;
        model.setup.keeps_declines = chance.percent(30);
        model.setup.answers_call_off = chance.percent(70);
        model.setup.cancel_names_sale = chance.percent(70);
        Self { model, fired: Vec::new(), undos_seen: 0 }
    }

    const fn reboot_fault(&self) -> Fault {
        let setup = &self.model.setup;
        if setup.keeps_last {
            Fault::RebootKeeps
        } else if setup.falls_back {
            Fault::RebootFallsBack
        } else {
            Fault::RebootLoses
        }
    }

    /// What the kiosk can know of the card company's number.
    fn told(&self, number: &str) -> String {
        let hidden = self.model.manners.approval == Some(Approval::Blank);
        if hidden { String::new() } else { number.to_owned() }
    }

    const fn fault_of(&self, card: CardAction) -> Option<Fault> {
        match card {
            CardAction::Approve => None,
            CardAction::Decline => Some(Fault::Declined),
            CardAction::Silence => Some(Fault::Silence),
            CardAction::Late => Some(Fault::Late),
            CardAction::Unplug => Some(Fault::Unplugged),
            CardAction::TimesOut => Some(Fault::HostTimesOut),
            CardAction::Reboot => Some(self.reboot_fault()),
        }
    }
}

const MISTAKES: [(Fault, Mistake); 12] = [
    (Fault::AckLost, Mistake::DropAck),
    (Fault::AckFlipped, Mistake::FlipAck),
    (Fault::ChargeNaked, Mistake::NakCharge),
    (Fault::AckGlued, Mistake::GlueAck),
    (Fault::AnswerSplit, Mistake::SplitAnswer),
    (Fault::Noise, Mistake::NoiseBeforeAnswer),
    (Fault::Noise, Mistake::NoiseAfterAnswer),
    (Fault::OddEvents, Mistake::OddEvents),
    (Fault::AnswerCorrupt, Mistake::CorruptAnswer),
    (Fault::AnswerOther, Mistake::AnswerForOtherAmount),
    (Fault::AnswerTwice, Mistake::AnswerTwice),
    (Fault::AnswerOld, Mistake::AnswerIsOld),
];

impl Machine for Terminal {
    // Every frame of the kiosk tells it.
    fn set_clock(&mut self, _stamp: &[u8; 14]) {}

    fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        let asked = self.model.requests.len();
        self.model.bytes(bytes, now_ms);
        self.undos_seen += self.model.requests.iter().skip(asked).filter(|job| **job == b'C').count();
        let heard = self.model.requests.last().filter(|_| asked < self.model.requests.len());
        if heard == Some(&b'A') && !self.model.setup.host_up {
            self.fired.push(Fault::HostAway);
        } else if heard == Some(&b'M') && self.model.setup.card_stays {
            self.fired.push(Fault::CardStays);
        }
        // The model keeps the latest only: it is emptied before it forgets on its own.
        if self.model.requests.len() > 900 {
            self.model.requests.clear();
        }
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        self.model.tick(now_ms)
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.model.deadline_ms()
    }

    fn books(&self) -> Vec<Booked> {
        let booked = |booking: &crate::rehearsal::terminal::Booking| Booked {
            amount: booking.amount,
            approval_number: self.told(&booking.approval_number),
            astray: self.model.astray.contains(&booking.approval_number).then_some(Astray::GivenBack),
            stands: !self.model.reversals().contains(booking),
        };
        self.model.bookings.iter().map(booked).collect()
    }

    fn booking_count(&self) -> usize {
        self.model.bookings.len()
    }

    fn money_seen(&self) -> usize {
        self.model.charges_seen() + self.undos_seen
    }

    fn undone_count(&self) -> usize {
        self.model.reversals().len()
    }

    fn takes_on(&mut self, personality: Fault, chance: &mut Chance) {
        manners::smartro(&mut self.model.manners, personality, chance);
        if self.model.manners.starts_empty {
            self.model.forget();
        }
    }

    fn hold(&mut self, card: u32) {
        self.model.held = card;
    }

    fn card(&mut self, what: Option<Fault>, chance: &mut Chance) {
        let setup = &mut self.model.setup;
        setup.host_ms = chance.between(200, 4_000);
        setup.late_ms = chance.between(5_000, 160_000);
        setup.away_ms = chance.between(300, 20_000);
        setup.reboot_ms = chance.between(500, 40_000);
        setup.decline_code = chance.pick(&[*b"6B", *b"7A", *b"9P"]).unwrap_or(*b"6B");
        setup.unplug_books = chance.percent(50);
        setup.reboot_books = chance.percent(50);
        setup.silence_books = chance.percent(50);
        setup.time_out_books = chance.percent(50);
        self.model.card(match what {
            Some(Fault::Declined) => CardAction::Decline,
            Some(Fault::HostTimesOut) => CardAction::TimesOut,
            Some(Fault::Silence) => CardAction::Silence,
            Some(Fault::Late) => CardAction::Late,
            Some(Fault::Unplugged) => CardAction::Unplug,
            Some(Fault::RebootKeeps | Fault::RebootLoses | Fault::RebootFallsBack) => CardAction::Reboot,
            _ => CardAction::Approve,
        });
    }

    fn mistake(&mut self, fault: Fault, chance: &mut Chance, _now_ms: u64) -> bool {
        match fault {
            Fault::LastEmpty => {
                self.model.forget();
                self.fired.push(fault);
            }
            Fault::HostAway => self.model.setup.host_up = false,
            Fault::CardStays => self.model.setup.card_stays = true,
            _other => {
                let known: Vec<Mistake> =
                    MISTAKES.iter().filter(|(name, _)| *name == fault).map(|(_, mistake)| *mistake).collect();
                let Some(mistake) = chance.pick(&known) else { return false };
                self.model.fault(mistake);
            }
        }
        true
    }

    fn over(&mut self, fault: Fault, now_ms: u64) {
        if fault == Fault::HostAway {
            self.model.setup.host_up = true;
        } else if fault == Fault::CardStays {
            self.model.take_card_out(now_ms);
        }
    }

    fn take_card_out(&mut self, now_ms: u64) {
        self.model.take_card_out(now_ms);
    }

    fn restart(&mut self, now_ms: u64) {
        self.model.restart(now_ms);
    }

    fn hung_up(&mut self, _now_ms: u64) {}

    fn pull_plug(&mut self, now_ms: u64) {
        self.model.pull_plug(now_ms);
    }

    fn is_event(&self, bytes: &[u8]) -> bool {
        bytes.get(JOB_AT) == Some(&EVENT)
    }

    fn calm(&mut self) {
        self.model.setup.host_up = true;
        self.model.setup.card_stays = false;
        self.model.forgive();
    }

    fn take_fired(&mut self) -> Vec<Fault> {
        let mut fired = std::mem::take(&mut self.fired);
        let name = |mistake: Mistake| MISTAKES.iter().find(|(_, known)| *known == mistake).map(|(fault, _)| *fault);
        fired.extend(std::mem::take(&mut self.model.made).into_iter().filter_map(name));
        let shown = std::mem::take(&mut self.model.shown);
        fired.extend(shown.into_iter().filter_map(|card| self.fault_of(card)));
        fired.extend(manners::named(&manners::SMARTRO, std::mem::take(&mut self.model.ways)));
        fired
    }
}
