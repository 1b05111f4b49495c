//! A simulated ZVT terminal as a pure value: bytes and time in, bytes out. It knows what the card company has booked: the
//! oracle of every test. It books when the kiosk says `80 00 00` to its result, and undoes what nobody acknowledged.
//! Made by its own hand; nothing of the kiosk's codec is in it.

mod day;
pub mod manners;
mod mouth;
mod power;
mod refund;
mod sale;
mod says;
mod setup;
mod undo;
mod wire;

use super::{Booking, CardAction, FarEnd, Out};
use crate::domain::money::Amount;
use manners::{Manner, Manners, NoStatus, Refusal, StatusResult, Untold};
use mouth::Said;
use says::Record;
pub use setup::{Fault, Setup};
use std::collections::VecDeque;
use wire::{Ear, Heard};

const CARD_OUT_MS: u64 = 100;
const REQUESTS_KEPT: usize = 1_000;
const RESULT: u8 = 0x0f;
/// Ends every card, unless somebody holds another one.
const EVERYBODYS_CARD: u32 = 4_711;
/// ISO 4217: before anybody has registered.
const EURO: [u8; 2] = [0x09, 0x78];

pub struct Model {
    pub setup: Setup,
    /// What it does in its own way.
    pub manners: Manners,
    /// Standing sales.
    pub bookings: Vec<Booking>,
    /// What it told of each closed day: how many sales, and their amount.
    pub days: Vec<(u32, Amount)>,
    /// What really stood of each.
    pub stood: Vec<Amount>,
    /// Traces after this one are of the day that is not closed yet.
    closed_to: u32,
    /// Every sale ever booked, whatever became of it.
    pub books: Vec<Booking>,
    /// Class and instruction of the commands that arrived, the latest [`REQUESTS_KEPT`].
    pub requests: Vec<u16>,
    /// The mistakes that were really made, and what cards really did, since somebody took note of them.
    pub made: Vec<Fault>,
    pub shown: Vec<CardAction>,
    /// Its own ways that took effect since then.
    pub ways: Vec<Manner>,
    /// Numbers of sales that it gave back although another was named, and of those it booked although it was told not to.
    pub astray: Vec<String>,
    pub kept: Vec<String>,
    /// What it gave to cards that had paid nothing of the kind, or had it back already.
    pub strangers: Vec<Amount>,
    /// The last digits of whichever card is shown next.
    pub held: u32,
    gave_back: usize,
    /// What it gave back since its last end of day, of sales before that.
    gave_of_before: i64,
    charges_seen: usize,
    cards_seen: u32,
    /// Busy after a card until then.
    busy_until_ms: u64,
    /// 06 0F of an abort is on its way, and it hears nothing.
    completing: bool,
    ear: Ear,
    armed: VecDeque<CardAction>,
    faults: Vec<Fault>,
    records: Vec<Record>,
    undone: Vec<u32>,
    last: Option<Record>,
    before_last: Option<Record>,
    /// Booked, and not its last transaction yet.
    late: VecDeque<Record>,
    questions_for_last: u32,
    trace: u32,
    charge: Option<Charge>,
    /// APDUs still to be said, each after the answer to the one before.
    queue: VecDeque<Vec<u8>>,
    said: Option<Said>,
    card_in: bool,
    away: bool,
    registered_with: [u8; 2],
    /// Its own clock, `MMDDhhmmss`. ZVT tells it no time: whoever makes the time up sets it.
    pub time: String,
    plans: Vec<(u64, Plan)>,
    outs: Vec<Out>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a step of its own")]
struct Charge {
    amount: i64,
    refund: bool,
    card_shown: bool,
    reserved: Option<Record>,
    /// It is in the books already.
    booked: bool,
    /// The lines of its slip are part of the commit, and are being said.
    printing: bool,
    asked: u8,
    until_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    ShowCard,
    /// The charge that waits until then has got no card.
    NoCard(u64),
    HostAnswers(CardAction),
    WrongPin(CardAction),
    SayResult,
    /// What was booked a while ago becomes its last transaction.
    TellLast,
    CompleteAbort,
    TakeCardOut,
    Back,
}

impl Model {
    /// A terminal that has sold something before.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut model = Self {
            setup: Setup::default(),
            manners: Manners::default(),
            bookings: Vec::new(),
            days: Vec::new(),
            stood: Vec::new(),
            closed_to: 0,
            books: Vec::new(),
            requests: Vec::new(),
            made: Vec::new(),
            shown: Vec::new(),
            ways: Vec::new(),
            astray: Vec::new(),
            kept: Vec::new(),
            strangers: Vec::new(),
            held: EVERYBODYS_CARD,
            gave_back: 0,
            gave_of_before: 0,
            charges_seen: 0,
            cards_seen: 0,
            busy_until_ms: 0,
            completing: false,
            ear: Ear::default(),
            armed: VecDeque::new(),
            faults: Vec::new(),
            records: Vec::new(),
            undone: Vec::new(),
            last: None,
            before_last: None,
            late: VecDeque::new(),
            questions_for_last: 0,
            trace: u32::try_from(seed % 9_000).unwrap_or(0),
            charge: None,
            queue: VecDeque::new(),
            said: None,
            card_in: false,
            away: false,
            registered_with: EURO,
            time: "1125100000".to_owned(),
            plans: Vec::new(),
            outs: Vec::new(),
        };
        model.last = Some(model.record(0, 1_000));
        // That sale is of a day before.
        model.closed_to = model.trace;
        model
    }

    pub fn card(&mut self, action: CardAction) {
        self.armed.push_back(action);
        if self.charge.is_some() {
            self.plans.push((0, Plan::ShowCard));
        }
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Forgets every transaction, as a new terminal.
    pub fn forget(&mut self) {
        self.last = None;
    }

    #[must_use]
    pub fn booked(&self) -> Amount {
        let stands = self.bookings.iter().map(|booking| booking.amount.0).sum::<i64>();
        Amount(stands - self.strangers.iter().map(|amount| amount.0).sum::<i64>())
    }

    /// How many 06 01 ever arrived.
    #[must_use]
    pub const fn charges_seen(&self) -> usize {
        self.charges_seen
    }

    pub fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        for byte in bytes {
            if self.away {
                return;
            }
            let heard = if self.setup.network { self.ear.hear_bare(*byte) } else { self.ear.hear(*byte) };
            match heard {
                Some(Heard::Ack) => self.acknowledged(now_ms),
                Some(Heard::Nak) => self.say_again(now_ms),
                Some(Heard::Bad) => self.send_sign(0x15),
                Some(Heard::Apdu(apdu)) => self.take(&apdu, now_ms),
                None => {}
            }
        }
    }

    /// Carries out what is due and gives all that is to be sent since the last call.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        while let Some(at) = self.plans.iter().position(|(due_ms, _)| *due_ms <= now_ms) {
            let (_, plan) = self.plans.remove(at);
            self.carry_out(plan, now_ms);
        }
        if self.said.as_ref().is_some_and(|said| now_ms >= said.due_ms) {
            self.say_again(now_ms);
        }
        std::mem::take(&mut self.outs)
    }

    /// When to call [`Self::tick`] at the latest.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        let said = self.said.as_ref().map(|said| said.due_ms);
        self.plans.iter().map(|(due_ms, _)| *due_ms).chain(said).min()
    }

    fn carry_out(&mut self, plan: Plan, now_ms: u64) {
        match plan {
            Plan::ShowCard => self.show_card(now_ms),
            Plan::NoCard(until_ms) => {
                let waits = |charge: &Charge| !charge.card_shown && charge.until_ms == until_ms;
                if self.charge.as_ref().is_some_and(waits) {
                    self.give_up(0x6c, now_ms);
                }
            }
            Plan::HostAnswers(action) => self.host_answers(action, now_ms),
            Plan::WrongPin(action) => self.wrong_pin(action, now_ms),
            Plan::CompleteAbort => {
                self.completing = false;
                self.queue.push_back(says::DONE.to_vec());
                self.say_next(now_ms);
            }
            Plan::SayResult => self.say_result(now_ms),
            Plan::TellLast => self.told_late(),
            Plan::TakeCardOut => self.card_in &= self.setup.card_stays,
            Plan::Back => {
                self.away = false;
                self.outs.push(Out::LineUp);
            }
        }
    }

    /// A command, or the kiosk's answer to what was said.
    fn take(&mut self, apdu: &[u8], now_ms: u64) {
        let [class, instruction, _, data @ ..] = apdu else { return };
        if matches!(class, 0x80 | 0x84) {
            self.send_sign(0x06);
            return self.answered(*class, *instruction, now_ms);
        }
        let code = u16::from_be_bytes([*class, *instruction]);
        if self.requests.len() == REQUESTS_KEPT {
            self.requests.remove(0);
        }
        self.requests.push(code);
        let busy = self.charge.is_some() || self.said.is_some() || self.completing;
        self.charges_seen += usize::from(code == 0x0601);
        if busy && code != 0x06b0 {
            // Not its turn: the terminal is master and hears nothing.
            return;
        }
        let to_a_card = matches!(code, 0x0601 | 0x0631);
        if to_a_card && self.takes(Fault::NakCharge) {
            return self.send_sign(0x15);
        }
        if to_a_card && self.takes(Fault::FlipAck) {
            self.send_sign(0x15);
        } else if !(to_a_card && self.takes(Fault::DropAck)) {
            self.send_sign(0x06);
        }
        self.command(code, data, now_ms);
    }

    fn command(&mut self, code: u16, data: &[u8], now_ms: u64) {
        if code != 0x06b0 && self.takes(Fault::BusyOnce) {
            return self.send_block(says::BUSY);
        }
        if self.is_waiting(code, now_ms) {
            return self.send_block(says::BUSY);
        }
        if self.manners.refuses_field.is_some_and(|part| part.stands_in(code, data)) {
            self.shows(Manner::RefusesField);
            return self.send_block(says::WRONG_PARAMETER);
        }
        match code {
            0x0600 => self.register(data.get(4..6), now_ms),
            0x0501 => self.tell_status(now_ms),
            0x0601 => {
                let amount = data.get(1..7).map_or(0, says::number_at);
                match self.refusal_now() {
                    Some(refusal) => self.refuse_at_once(refusal, amount, now_ms),
                    None => self.begin(amount, false, now_ms),
                }
            }
            0x0631 => self.begin(data.get(4..10).map_or(0, says::number_at), true, now_ms),
            0x0620 => self.tell_last(now_ms),
            0x0630 => self.reverse(data.get(4..6).map_or(0, says::number_at), now_ms),
            0x0650 => self.close_day(now_ms),
            0x06b0 => self.abort(now_ms),
            _ => self.send_block(says::UNKNOWN_COMMAND),
        }
    }

    fn register(&mut self, currency: Option<&[u8]>, now_ms: u64) {
        if self.refuses_currency(currency) {
            let failed = self.failed(says::WRONG_CURRENCY);
            return self.answer_with([failed], now_ms);
        }
        if let Some(&[high, low]) = currency {
            self.registered_with = [high, low];
        }
        let first = self.status_result(|way| way.at_registration);
        let registered = says::registered(self.currency());
        self.answer_with(first.into_iter().chain([registered]), now_ms);
    }

    fn tell_status(&mut self, now_ms: u64) {
        let waits = now_ms < self.busy_until_ms;
        let code = if self.card_in {
            0xdc
        } else if waits {
            says::STATUS_WAIT
        } else {
            self.setup.status
        };
        let told = match self.manners.no_status_byte {
            Some(NoStatus::Unknown) => {
                self.shows(Manner::NoStatusByte);
                return self.send_block(says::UNKNOWN_COMMAND);
            }
            Some(NoStatus::Empty) => says::DONE.to_vec(),
            Some(NoStatus::Result) => says::DONE_WITH_RESULT.to_vec(),
            None => says::status(code, self.card_in, self.manners.padded_tlv),
        };
        if self.manners.no_status_byte.is_some() {
            self.shows(Manner::NoStatusByte);
        } else if code == says::STATUS_WAIT {
            self.shows(Manner::Waits);
        }
        if self.manners.padded_tlv.is_some() {
            self.shows(Manner::PaddedTlv);
        }
        let first = self.status_result(|way| way.at_status);
        self.answer_with(first.into_iter().chain([told]), now_ms);
    }

    fn status_result(&mut self, applies: impl Fn(StatusResult) -> bool) -> Option<Vec<u8>> {
        self.manners.status_result.filter(|way| applies(*way))?;
        self.shows(Manner::StatusResult);
        Some(says::no_transaction())
    }

    fn tell_last(&mut self, now_ms: u64) {
        self.questions_for_last += 1;
        let untold = self.manners.last_untold.filter(|way| match way {
            Untold::AbortedEvery(every) => *every > 0 && self.questions_for_last.is_multiple_of(*every),
            Untold::Aborted | Untold::Refused => true,
        });
        if let Some(way) = untold {
            self.shows(Manner::LastUntold);
            return match way {
                Untold::Refused => self.send_block(says::UNKNOWN_COMMAND),
                Untold::Aborted | Untold::AbortedEvery(_) => self.answer_with([says::aborted(0x6c)], now_ms),
            };
        }
        let empty = self.takes(Fault::EmptyLast);
        match (self.last.clone().filter(|_| !empty), self.manners.empty_repeat) {
            (Some(last), _) => {
                let told = self.result(&last);
                self.answer_with([told, says::DONE.to_vec()], now_ms);
            }
            (None, Some(code)) if !empty => {
                self.shows(Manner::EmptyRepeat);
                self.answer_with([says::aborted(code)], now_ms);
            }
            (None, _) => self.answer_with([says::DONE.to_vec()], now_ms),
        }
    }

    /// 04 0F of this record, in the terminal's own way.
    fn result(&mut self, record: &Record) -> Vec<u8> {
        let Manners { no_approval_number, padded_tlv, .. } = self.manners;
        if no_approval_number.is_some() && record.result == 0 {
            self.shows(Manner::NoApprovalNumber);
        }
        if padded_tlv.is_some() {
            self.shows(Manner::PaddedTlv);
        }
        says::result(record, self.currency(), no_approval_number, padded_tlv)
    }

    /// The end of something that failed.
    fn failed(&mut self, code: u8) -> Vec<u8> {
        if self.manners.errors_in_completion {
            self.shows(Manner::ErrorsInCompletion);
            return says::ended(code);
        }
        says::aborted(code)
    }

    fn is_waiting(&mut self, code: u16, now_ms: u64) -> bool {
        let money = matches!(code, 0x0601 | 0x0630 | 0x0631 | 0x0650) && !self.late.is_empty();
        let refuses = money || self.manners.waits.is_some_and(|waits| waits.refuses);
        let waiting = refuses && code != 0x06b0 && now_ms < self.busy_until_ms;
        if waiting {
            self.shows(Manner::Waits);
        }
        waiting
    }

    fn refusal_now(&self) -> Option<Refusal> {
        let way = self.manners.refuses_at_once?;
        let seen = u32::try_from(self.charges_seen).unwrap_or(u32::MAX);
        (way.every > 0 && seen.is_multiple_of(way.every)).then_some(way.how)
    }

    fn shows(&mut self, manner: Manner) {
        self.ways.push(manner);
    }

    fn answer_with(&mut self, says: impl IntoIterator<Item = Vec<u8>>, now_ms: u64) {
        self.send_block(says::OK);
        self.queue.extend(says);
        self.say_next(now_ms);
    }

    fn refuses_currency(&self, asked: Option<&[u8]>) -> bool {
        let own = self.setup.currency.filter(|_| self.setup.checks_currency);
        own.is_some_and(|own| asked.is_some_and(|asked| asked != own))
    }

    fn currency(&self) -> [u8; 2] {
        self.setup.currency.unwrap_or(self.registered_with)
    }

    /// True once for each time the fault was ordered.
    fn takes(&mut self, fault: Fault) -> bool {
        let at = self.faults.iter().position(|ordered| *ordered == fault);
        at.map(|at| self.made.push(self.faults.remove(at))).is_some()
    }
}

fn number(record: &Record) -> String {
    format!("{:06}", record.trace)
}

impl FarEnd for Model {
    fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        Self::bytes(self, bytes, now_ms);
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        Self::tick(self, now_ms)
    }

    fn hung_up(&mut self, now_ms: u64) {
        Self::hung_up(self, now_ms);
    }
}
