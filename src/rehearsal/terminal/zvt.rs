//! A simulated ZVT terminal as a pure value: bytes and time in, bytes out. It knows what the card company has booked: the
//! oracle of every test. It books when the kiosk says `80 00 00` to its result, and undoes what nobody acknowledged.
//! Made by its own hand; nothing of the kiosk's codec is in it.

mod day;
mod mouth;
mod power;
mod says;
mod setup;
mod wire;

use super::{Booking, CardAction, FarEnd, Out};
use crate::domain::money::Amount;
use mouth::Said;
use says::Record;
pub use setup::{Fault, Setup};
use std::collections::VecDeque;
use wire::{Ear, Heard};

const CARD_OUT_MS: u64 = 100;
const REQUESTS_KEPT: usize = 1_000;
const RESULT: u8 = 0x0f;
/// ISO 4217: before anybody has registered.
const EURO: [u8; 2] = [0x09, 0x78];

pub struct Model {
    pub setup: Setup,
    /// Standing sales.
    pub bookings: Vec<Booking>,
    /// How many standing sales each closed day had, and their amount.
    pub days: Vec<(u32, Amount)>,
    /// Traces after this one are of the day that is not closed yet.
    closed_to: u32,
    /// Every sale ever booked, whatever became of it.
    pub books: Vec<Booking>,
    /// Class and instruction of the commands that arrived, the latest [`REQUESTS_KEPT`].
    pub requests: Vec<u16>,
    /// The mistakes that were really made, and what cards really did, since somebody took note of them.
    pub made: Vec<Fault>,
    pub shown: Vec<CardAction>,
    charges_seen: usize,
    ear: Ear,
    armed: VecDeque<CardAction>,
    faults: Vec<Fault>,
    records: Vec<Record>,
    undone: Vec<u32>,
    last: Option<Record>,
    before_last: Option<Record>,
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

struct Charge {
    amount: i64,
    refund: bool,
    card_shown: bool,
    reserved: Option<Record>,
    asked: u8,
    until_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    ShowCard,
    /// The charge that waits until then has got no card.
    NoCard(u64),
    HostAnswers(CardAction),
    SayResult,
    TakeCardOut,
    Back,
}

impl Model {
    /// A terminal that has sold something before.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut model = Self {
            setup: Setup::default(),
            bookings: Vec::new(),
            days: Vec::new(),
            closed_to: 0,
            books: Vec::new(),
            requests: Vec::new(),
            made: Vec::new(),
            shown: Vec::new(),
            charges_seen: 0,
            ear: Ear::default(),
            armed: VecDeque::new(),
            faults: Vec::new(),
            records: Vec::new(),
            undone: Vec::new(),
            last: None,
            before_last: None,
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
        Amount(self.bookings.iter().map(|booking| booking.amount.0).sum())
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
            match self.ear.hear(*byte) {
                Some(Heard::Ack) => self.acknowledged(now_ms),
                Some(Heard::Nak) => self.say_again(now_ms),
                Some(Heard::Bad) => self.send(vec![0x15]),
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
            Plan::SayResult => self.say_result(now_ms),
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
            self.send(vec![0x06]);
            return self.answered(*class, *instruction, now_ms);
        }
        let code = u16::from_be_bytes([*class, *instruction]);
        if self.requests.len() == REQUESTS_KEPT {
            self.requests.remove(0);
        }
        self.requests.push(code);
        let busy = self.charge.is_some() || self.said.is_some();
        self.charges_seen += usize::from(code == 0x0601);
        if busy && code != 0x06b0 {
            // Not its turn: the terminal is master and hears nothing.
            return;
        }
        if code == 0x0601 && self.takes(Fault::NakCharge) {
            return self.send(vec![0x15]);
        }
        if code == 0x0601 && self.takes(Fault::FlipAck) {
            self.send(vec![0x15]);
        } else if !(code == 0x0601 && self.takes(Fault::DropAck)) {
            self.send(vec![0x06]);
        }
        self.command(code, data, now_ms);
    }

    fn command(&mut self, code: u16, data: &[u8], now_ms: u64) {
        if code != 0x06b0 && self.takes(Fault::BusyOnce) {
            return self.send_block(says::BUSY);
        }
        match code {
            0x0600 if self.refuses_currency(data.get(4..6)) => {
                self.answer_with([says::aborted(says::WRONG_CURRENCY)], now_ms);
            }
            0x0600 => {
                if let Some(&[high, low]) = data.get(4..6) {
                    self.registered_with = [high, low];
                }
                self.answer_with([says::registered(self.currency())], now_ms);
            }
            0x0501 => self.answer_with([says::status(if self.card_in { 0xdc } else { self.setup.status })], now_ms),
            0x0601 => self.begin(data.get(1..7).map_or(0, says::number_at), false, now_ms),
            0x0631 => self.begin(data.get(4..10).map_or(0, says::number_at), true, now_ms),
            0x0620 => {
                let empty = self.takes(Fault::EmptyLast);
                let told = self.last.as_ref().filter(|_| !empty).map(|last| says::result(last, self.currency()));
                self.answer_with(told.into_iter().chain([says::DONE.to_vec()]), now_ms);
            }
            0x0630 => self.reverse(data.get(4..6).map_or(0, says::number_at), now_ms),
            0x0650 => self.close_day(now_ms),
            0x06b0 => self.abort(now_ms),
            _ => self.send_block(&[0x84, 0x83, 0x00]),
        }
    }

    fn answer_with(&mut self, says: impl IntoIterator<Item = Vec<u8>>, now_ms: u64) {
        self.send_block(says::OK);
        self.queue.extend(says);
        self.say_next(now_ms);
    }

    fn begin(&mut self, amount: i64, refund: bool, now_ms: u64) {
        let until_ms = now_ms + self.setup.card_wait_ms;
        self.charge = Some(Charge { amount, refund, card_shown: false, reserved: None, asked: 0, until_ms });
        self.plans.push((until_ms, Plan::NoCard(until_ms)));
        self.answer_with([says::INSERT_CARD.to_vec()], now_ms);
        if !self.armed.is_empty() {
            self.plans.push((now_ms + self.setup.present_ms, Plan::ShowCard));
        }
    }

    fn refuses_currency(&self, asked: Option<&[u8]>) -> bool {
        let own = self.setup.currency.filter(|_| self.setup.checks_currency);
        own.is_some_and(|own| asked.is_some_and(|asked| asked != own))
    }

    fn currency(&self) -> [u8; 2] {
        self.setup.currency.unwrap_or(self.registered_with)
    }

    /// Only until a card was shown; later the terminal does not care.
    fn abort(&mut self, now_ms: u64) {
        self.send_block(says::OK);
        if self.setup.heeds_abort && self.charge.as_ref().is_some_and(|charge| !charge.card_shown) {
            self.give_up(0x6c, now_ms);
        }
    }

    fn give_up(&mut self, code: u8, now_ms: u64) {
        self.charge = None;
        self.said = None;
        self.queue.clear();
        self.queue.push_back(says::aborted(code));
        self.say_next(now_ms);
        self.plans.retain(|(_, plan)| matches!(plan, Plan::Back));
        self.plans.push((now_ms + CARD_OUT_MS, Plan::TakeCardOut));
    }

    fn show_card(&mut self, now_ms: u64) {
        let Some(charge) = self.charge.as_mut().filter(|charge| !charge.card_shown) else { return };
        let Some(action) = self.armed.pop_front() else { return };
        charge.card_shown = true;
        self.shown.push(action);
        self.card_in = true;
        self.queue.push_back(says::PLEASE_WAIT.to_vec());
        self.say_next(now_ms);
        let wait_ms = if action == CardAction::Late { self.setup.late_ms } else { self.setup.host_ms };
        self.plans.push((now_ms + wait_ms, Plan::HostAnswers(action)));
    }

    fn host_answers(&mut self, action: CardAction, now_ms: u64) {
        let Some(charge) = &self.charge else { return };
        let (amount, refund) = (charge.amount, charge.refund);
        match action {
            CardAction::Approve | CardAction::Late => {
                let record = self.record(0, amount);
                if let Some(charge) = &mut self.charge {
                    charge.reserved = Some(record);
                    charge.until_ms = now_ms + self.setup.decide_ms;
                }
                self.say_result(now_ms);
            }
            CardAction::Decline => {
                let record = self.record(self.setup.decline_code, amount);
                if self.setup.keeps_declines {
                    self.before_last = self.last.replace(record.clone());
                }
                self.queue.push_back(says::result(&record, self.currency()));
                self.queue.push_back(says::aborted(self.setup.decline_code));
                self.charge = None;
                self.say_next(now_ms);
                self.plans.push((now_ms + CARD_OUT_MS, Plan::TakeCardOut));
            }
            CardAction::Silence => self.fall_silent(now_ms),
            // The host did not answer: nothing is reserved.
            CardAction::TimesOut => self.give_up(0x6c, now_ms),
            CardAction::Unplug => self.vanish(self.setup.away_ms, now_ms),
            CardAction::Reboot => {
                // A terminal that undoes nothing on its own may have told its host and keep the sale.
                if self.setup.reboot_books && !refund {
                    let record = self.record(0, amount);
                    self.book(record);
                }
                self.reboot(now_ms);
            }
        }
    }

    fn say_result(&mut self, now_ms: u64) {
        let Some(record) = self.charge.as_ref().and_then(|charge| charge.reserved.clone()) else { return };
        let mut told = record;
        if self.takes(Fault::OtherAmount) {
            told.amount += 1;
        }
        if self.takes(Fault::OldResult)
            && let Some(last) = &self.last
        {
            told = last.clone();
        }
        self.queue.push_back(says::result(&told, self.currency()));
        self.say_next(now_ms);
    }

    /// The kiosk's word on what was said last.
    fn answered(&mut self, class: u8, instruction: u8, now_ms: u64) {
        let Some(said) = self.said.take() else { return };
        let result = said.apdu.first() == Some(&0x04) && said.apdu.get(1) == Some(&RESULT);
        if result && self.charge.as_ref().is_some_and(|charge| charge.reserved.is_some()) {
            return self.decided(class, instruction, now_ms);
        }
        self.say_next(now_ms);
    }

    fn decided(&mut self, class: u8, instruction: u8, now_ms: u64) {
        let Some(charge) = &mut self.charge else { return };
        match (class, instruction) {
            (0x80, _) | (0x84, 0) => {
                if self.takes(Fault::ResultAgain) {
                    return self.say_result(now_ms);
                }
                self.confirmed(now_ms);
            }
            (_, 0x9c) => {
                charge.asked += 1;
                if charge.asked > self.setup.asks_max || now_ms >= charge.until_ms {
                    return self.give_up(0x6c, now_ms);
                }
                self.plans.push((now_ms + self.setup.ask_again_ms, Plan::SayResult));
            }
            (_, _) => self.give_up(0x64, now_ms),
        }
    }

    /// The commit point. What goes wrong after it is for the kiosk to find out.
    fn confirmed(&mut self, now_ms: u64) {
        if self.takes(Fault::AbortAfterConfirm) {
            return self.give_up(0x6c, now_ms);
        }
        if self.takes(Fault::RebootBeforeBooking) {
            return self.reboot(now_ms);
        }
        let Some(charge) = self.charge.take() else { return };
        if let Some(record) = charge.reserved {
            if charge.refund {
                self.bookings.pop();
                self.before_last = self.last.replace(record);
            } else {
                self.book(record);
            }
        }
        if self.takes(Fault::RebootAfterBooking) {
            return self.reboot(now_ms);
        }
        if self.takes(Fault::SilentAfterBooking) {
            return self.fall_silent(now_ms);
        }
        if self.setup.prints {
            self.queue.push_back(says::RECEIPT_LINE.to_vec());
        }
        self.queue.push_back(says::DONE.to_vec());
        self.say_next(now_ms);
        self.plans.push((now_ms + CARD_OUT_MS, Plan::TakeCardOut));
    }

    fn reverse(&mut self, receipt: i64, now_ms: u64) {
        let code = match self.records.iter().find(|record| i64::from(record.receipt) == receipt) {
            Some(record) if self.undone.contains(&record.receipt) => 0xb4,
            Some(record) if !self.setup.finds_closed && !self.is_of_today(record) => 0xb5,
            Some(record) if self.bookings.iter().any(|booking| booking.approval_number == number(record)) => 0,
            Some(_) | None => 0xb5,
        };
        let silent = self.takes(Fault::SilentAfterUndo);
        if code == 0 {
            let undone = self.records.iter().find(|record| i64::from(record.receipt) == receipt).cloned();
            if let Some(sale) = undone {
                self.bookings.retain(|booking| booking.approval_number != number(&sale));
                self.undone.push(sale.receipt);
                let record = Record { original_trace: Some(sale.trace), ..self.record(0, sale.amount) };
                self.before_last = self.last.replace(record.clone());
                if silent {
                    self.send_block(says::OK);
                    return self.fall_silent(now_ms);
                }
                return self.answer_with([says::result(&record, self.currency()), says::DONE.to_vec()], now_ms);
            }
        }
        self.answer_with([says::aborted(code)], now_ms);
    }

    fn book(&mut self, record: Record) {
        let booking = Booking { amount: Amount(record.amount), approval_number: number(&record) };
        self.books.push(booking.clone());
        self.bookings.push(booking);
        self.before_last = self.last.replace(record);
    }

    fn record(&mut self, result: u8, amount: i64) -> Record {
        self.trace += 1;
        let record = Record {
            result,
            amount,
            receipt: self.trace % 10_000,
            trace: self.trace,
            time: self.time.clone(),
            original_trace: None,
        };
        self.records.push(record.clone());
        record
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
}
