//! The ZVT protocol: the real dialogue, and the model that books only when it is told to.

use super::chance::Chance;
use super::ends::{Astray, Booked, Closed, Machine, Out, Speaker};
use super::faults::Fault;
use super::manners;
use crate::domain::money::Amount;
use crate::rehearsal::terminal::CardAction;
use crate::rehearsal::terminal::zvt::{Fault as Mistake, Model};
use crate::terminal::zvt::dialogue::{Dialogue, Limits};
use crate::terminal::zvt::request::Merchant;

/// What a terminal is shipped with; the currency of the rehearsed facility (ISO 4217).
const MERCHANT: Merchant = Merchant { password: [0, 0, 0], currency: [0x04, 0x10], terminal: None };
const ACK_MS: u64 = 5_000;
const ANSWER_MS: u64 = 120_000;
const REVERSAL: u16 = 0x0630;
const REFUND: u16 = 0x0631;
const STATUS: u16 = 0x0501;

/// A dialogue as the driver builds it at start.
#[must_use]
pub fn speaker() -> Box<dyn Speaker> {
    Box::new(Dialogue::new(MERCHANT, Limits::new(ACK_MS, ANSWER_MS)))
}

/// The same for a terminal on the network.
#[must_use]
pub fn network_speaker() -> Box<dyn Speaker> {
    Box::new(Dialogue::new(MERCHANT, Limits::new(ACK_MS, ANSWER_MS)).on_network())
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
        model.setup.heeds_abort = chance.percent(80);
        model.setup.prints = chance.percent(50);
        Self { model, fired: Vec::new(), undos_seen: 0 }
    }

    #[must_use]
    pub const fn on_network(mut self) -> Self {
        self.model.setup.network = true;
        self
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
        if self.model.manners.no_approval_number.is_some() { String::new() } else { number.to_owned() }
    }

    fn astray(&self, number: &str) -> Option<Astray> {
        let among = |list: &[String]| list.iter().any(|known| known == number);
        if among(&self.model.astray) {
            Some(Astray::GivenBack)
        } else {
            among(&self.model.kept).then_some(Astray::Kept)
        }
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

const MISTAKES: [(Fault, Mistake); 17] = [
    (Fault::AckLost, Mistake::DropAck),
    (Fault::AckFlipped, Mistake::FlipAck),
    (Fault::ChargeNaked, Mistake::NakCharge),
    (Fault::AnswerSplit, Mistake::SplitResult),
    (Fault::AnswerCorrupt, Mistake::CorruptResult),
    (Fault::AnswerOther, Mistake::OtherAmount),
    (Fault::AnswerTwice, Mistake::ResultTwice),
    (Fault::AnswerTwice, Mistake::ResultAgain),
    (Fault::AnswerOld, Mistake::OldResult),
    (Fault::LastEmpty, Mistake::EmptyLast),
    (Fault::BusyOnce, Mistake::BusyOnce),
    (Fault::AbortAfterConfirm, Mistake::AbortAfterConfirm),
    (Fault::RebootBeforeBooking, Mistake::RebootBeforeBooking),
    (Fault::RebootAfterBooking, Mistake::RebootAfterBooking),
    (Fault::SilentAfterBooking, Mistake::SilentAfterBooking),
    (Fault::SilentAfterUndo, Mistake::SilentAfterUndo),
    (Fault::SilentAfterClosing, Mistake::SilentAfterClosing),
];

impl Machine for Terminal {
    fn set_clock(&mut self, stamp: &[u8; 14]) {
        if self.model.time.as_bytes() != &stamp[4..] {
            self.model.time = String::from_utf8_lossy(&stamp[4..]).into_owned();
        }
    }

    fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        let asked = self.model.requests.len();
        self.model.bytes(bytes, now_ms);
        let heard = self.model.requests.get(asked..).unwrap_or_default();
        self.undos_seen += heard.iter().filter(|code| matches!(**code, REVERSAL | REFUND)).count();
        if heard.last() == Some(&STATUS) && self.model.setup.card_stays {
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
            stands: self.model.bookings.contains(booking),
            astray: self.astray(&booking.approval_number),
        };
        self.model.books.iter().map(booked).collect()
    }

    fn booking_count(&self) -> usize {
        self.model.books.len()
    }

    fn money_seen(&self) -> usize {
        self.model.charges_seen() + self.undos_seen
    }

    fn undone_count(&self) -> usize {
        self.model.gave_back()
    }

    fn strangers(&self) -> Vec<Amount> {
        self.model.strangers.clone()
    }

    fn days(&self) -> Vec<Closed> {
        let days = self.model.days.iter().zip(&self.model.stood);
        days.map(|(told, stood)| Closed { told: *told, stood: *stood }).collect()
    }

    fn takes_on(&mut self, personality: Fault, chance: &mut Chance) {
        manners::zvt(&mut self.model.manners, personality, chance);
        if self.model.manners.empty_repeat.is_some() {
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
        setup.reboot_books = chance.percent(50);
        setup.decline_code = chance.pick(&[0x05, 0x33, 0x64]).unwrap_or(0x05);
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
        if fault == Fault::CardStays {
            self.model.setup.card_stays = true;
            return true;
        }
        let known: Vec<Mistake> =
            MISTAKES.iter().filter(|(name, _)| *name == fault).map(|(_, mistake)| *mistake).collect();
        let Some(mistake) = chance.pick(&known) else { return false };
        self.model.fault(mistake);
        true
    }

    fn over(&mut self, fault: Fault, now_ms: u64) {
        if fault == Fault::CardStays {
            self.model.take_card_out(now_ms);
        }
    }

    fn take_card_out(&mut self, now_ms: u64) {
        self.model.take_card_out(now_ms);
    }

    fn restart(&mut self, now_ms: u64) {
        self.model.reboot(now_ms);
    }

    fn pull_plug(&mut self, now_ms: u64) {
        self.model.pull_plug(now_ms);
    }

    fn hung_up(&mut self, now_ms: u64) {
        self.model.hung_up(now_ms);
    }

    /// It says nothing that it does not repeat until it is answered.
    fn is_event(&self, _bytes: &[u8]) -> bool {
        false
    }

    fn calm(&mut self) {
        self.model.setup.card_stays = false;
        self.model.forgive();
    }

    fn take_fired(&mut self) -> Vec<Fault> {
        let mut fired = std::mem::take(&mut self.fired);
        let name = |mistake: Mistake| MISTAKES.iter().find(|(_, known)| *known == mistake).map(|(fault, _)| *fault);
        fired.extend(std::mem::take(&mut self.model.made).into_iter().filter_map(name));
        let shown = std::mem::take(&mut self.model.shown);
        fired.extend(shown.into_iter().filter_map(|card| self.fault_of(card)));
        fired.extend(manners::named(&manners::ZVT, std::mem::take(&mut self.model.ways)));
        fired
    }
}
