//! The simulated terminal as a pure value. It knows what the card company has booked: the oracle of every test.

mod cancel;
pub mod manners;
mod power;

use super::sale::{self, Sale};
use super::setup::{CardAction, Fault, Setup};
use crate::domain::money::Amount;
use crate::terminal::smartro::packet::{ACK, Frame, ID_BYTES, NAK, STAMP_BYTES};
use crate::terminal::smartro::reader::{Item, Reader};
use cancel::{Cancel, Mark};
use manners::{Manner, Manners};
use std::collections::{BTreeMap, VecDeque};

/// A line in the card company's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub amount: Amount,
    pub approval_number: String,
}

/// What the line must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    Send(Vec<u8>),
    /// Byte by byte.
    SendSlowly(Vec<u8>),
    LineDown,
    LineUp,
}

/// Invented: no source tells what a terminal answers to a charge that was called off.
const CALLED_OFF: [u8; 2] = *b"7F";
const REFUSED_AT_ONCE: [u8; 2] = *b"B3";
/// The terminal heard nothing from its host: no proof either way.
const HOST_TIMED_OUT: [u8; 2] = *b"0C";
const ANSWER_SENDS: u8 = 3;
const CARD_OUT_MS: u64 = 100;
const REQUESTS_KEPT: usize = 1_000;
const EVENT: u8 = b'@';

pub struct Model {
    pub setup: Setup,
    /// What it does in its own way.
    pub manners: Manners,
    pub bookings: Vec<Booking>,
    reversals: Vec<Booking>,
    /// Job codes of the good frames that arrived, the latest [`REQUESTS_KEPT`].
    pub requests: Vec<u8>,
    /// The mistakes that were really made, and what cards really did, since somebody took note of them.
    pub made: Vec<Fault>,
    pub shown: Vec<CardAction>,
    /// Its own ways that took effect since then.
    pub ways: Vec<Manner>,
    /// Approval numbers of sales that it gave back although another was named.
    pub astray: Vec<String>,
    /// Whichever card is shown next: any number that is no other's.
    pub held: u32,
    /// What the card company knows of each sale beside its amount, by its approval number.
    marks: BTreeMap<String, Mark>,
    /// It hears nothing until then.
    busy_until_ms: u64,
    charges_seen: usize,
    reader: Reader,
    noise: u64,
    terminal_id: [u8; ID_BYTES],
    stamp: [u8; STAMP_BYTES],
    armed: VecDeque<CardAction>,
    faults: Vec<Fault>,
    charge: Option<Charge>,
    /// Approved or declined data, as `l` gives it back.
    last: Option<Vec<u8>>,
    before_last: Option<Vec<u8>>,
    unacknowledged: Option<Answer>,
    card_in: bool,
    state: State,
    plans: Vec<(u64, Plan)>,
    outs: Vec<Out>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    On,
    Unplugged,
    Restarting,
}

struct Charge {
    amount: i64,
    card_shown: bool,
    ack_held: bool,
    /// It gives a sale back.
    cancel: Option<Cancel>,
}

struct Answer {
    frame: Vec<u8>,
    sends_left: u8,
    due_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    ShowCard,
    HostAnswers(CardAction),
    TakeCardOut,
    PlugIn,
    Started,
    Send(Vec<u8>),
}

impl Model {
    /// A terminal that has sold something before.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut model = Self {
            setup: Setup::default(),
            manners: Manners::default(),
            bookings: Vec::new(),
            reversals: Vec::new(),
            requests: Vec::new(),
            made: Vec::new(),
            shown: Vec::new(),
            ways: Vec::new(),
            astray: Vec::new(),
            held: 0,
            marks: BTreeMap::new(),
            busy_until_ms: 0,
            charges_seen: 0,
            reader: Reader::default(),
            noise: seed ^ 0x9e37_79b9_7f4a_7c15,
            terminal_id: [0; ID_BYTES],
            stamp: *b"20260101000000",
            armed: VecDeque::new(),
            faults: Vec::new(),
            charge: None,
            last: None,
            before_last: None,
            unacknowledged: None,
            card_in: false,
            state: State::On,
            plans: Vec::new(),
            outs: Vec::new(),
        };
        model.last = Some(model.sale(1_000).1);
        model
    }

    pub fn card(&mut self, action: CardAction) {
        self.armed.push_back(action);
        if self.charge.is_some() {
            self.plans.push((0, Plan::ShowCard));
        }
    }

    pub fn no_cards(&mut self) {
        self.armed.clear();
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Forgets every transaction, as a new terminal.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// How many `B` frames ever arrived.
    #[must_use]
    pub const fn charges_seen(&self) -> usize {
        self.charges_seen
    }

    pub fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        if self.state != State::On {
            return;
        }
        for item in self.reader.push(bytes) {
            match item {
                Item::Ack => self.acknowledged(now_ms),
                Item::Nak => self.repeat_answer(now_ms),
                Item::Frame { frame, .. } => self.request(&frame, now_ms),
                Item::Broken { .. } => self.send(vec![NAK]),
                Item::Noise => {}
            }
        }
    }

    /// Carries out what is due and gives all that is to be sent since the last call.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        while let Some(at) = self.plans.iter().position(|(due_ms, _)| *due_ms <= now_ms) {
            let (_, plan) = self.plans.remove(at);
            self.carry_out(plan, now_ms);
        }
        if self.unacknowledged.as_ref().is_some_and(|answer| now_ms >= answer.due_ms) {
            self.repeat_answer(now_ms);
        }
        std::mem::take(&mut self.outs)
    }

    /// When to call [`Self::tick`] at the latest.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        let repeat = self.unacknowledged.as_ref().map(|answer| answer.due_ms);
        self.plans.iter().map(|(due_ms, _)| *due_ms).chain(repeat).min()
    }

    fn carry_out(&mut self, plan: Plan, now_ms: u64) {
        match plan {
            Plan::ShowCard => self.show_card(now_ms),
            Plan::HostAnswers(action) => self.host_answers(action, now_ms),
            Plan::TakeCardOut => {
                if !self.setup.card_stays && self.card_in {
                    self.card_in = false;
                    self.event(b'O');
                }
            }
            Plan::PlugIn => {
                self.state = State::On;
                self.outs.push(Out::LineUp);
            }
            Plan::Started => self.state = State::On,
            Plan::Send(bytes) => self.send(bytes),
        }
    }

    /// While the card company is asked the terminal hears nothing.
    fn is_busy(&self) -> bool {
        self.charge.as_ref().is_some_and(|charge| charge.card_shown)
    }

    fn request(&mut self, frame: &Frame, now_ms: u64) {
        if self.requests.len() == REQUESTS_KEPT {
            self.requests.remove(0);
        }
        self.requests.push(frame.job);
        self.charges_seen += usize::from(frame.job == b'B');
        self.terminal_id = frame.terminal_id;
        self.stamp = frame.stamp;
        if self.is_busy() {
            return;
        }
        if let Some(waits) = self.manners.waits.filter(|_| now_ms < self.busy_until_ms) {
            self.shows(Manner::Waits);
            if waits.naks {
                self.send(vec![NAK]);
            }
            return;
        }
        match frame.job {
            b'A' => self.reply(b'a', vec![b'O', b'O', if self.setup.host_up { b'O' } else { b'F' }, b'N']),
            b'B' => self.take_charge(&frame.data, now_ms),
            b'C' => self.take_cancel(&frame.data, now_ms),
            b'E' => self.standby(now_ms),
            b'L' => {
                let last = self.told_last();
                self.reply(b'l', last);
            }
            b'M' => self.reply(b'm', vec![if self.card_in { b'O' } else { b'X' }]),
            b'R' => {
                self.send(vec![ACK]);
                self.restart(now_ms);
            }
            b'S' => self.reply(b's', b"555".to_vec()),
            b'V' => self.reply(b'v', b"TL3500_18041101".repeat(3)),
            _ => self.send(vec![NAK]),
        }
    }

    fn take_charge(&mut self, data: &[u8], now_ms: u64) {
        let digits = data.get(1..11).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(amount) = digits.and_then(|digits| digits.parse().ok()) else { return self.send(vec![NAK]) };
        if self.charge.is_some() || data.len() != 30 || data[0] != b'1' || self.takes(Fault::NakCharge) {
            return self.refuse();
        }
        let ack_held = self.acknowledge_money(now_ms);
        if self.declines_at_once() {
            self.shows(Manner::RefusesAtOnce);
            let data = self.own_decline(REFUSED_AT_ONCE, "거래 불가");
            return self.answer(b'b', data, ack_held, now_ms);
        }
        self.charge = Some(Charge { amount, card_shown: false, ack_held, cancel: None });
        if !self.armed.is_empty() {
            self.plan(now_ms, self.setup.present_ms, Plan::ShowCard);
        }
    }

    fn show_card(&mut self, now_ms: u64) {
        let Some(charge) = &mut self.charge else { return };
        if charge.card_shown {
            return;
        }
        let Some(action) = self.armed.pop_front() else { return };
        charge.card_shown = true;
        let ack_held = charge.ack_held;
        self.card_in = true;
        if !ack_held {
            self.event(b'I');
        }
        let late_ms = if action == CardAction::Late { self.setup.late_ms } else { self.setup.host_ms };
        self.plan(now_ms, late_ms, Plan::HostAnswers(action));
    }

    fn host_answers(&mut self, action: CardAction, now_ms: u64) {
        let Some(charge) = self.charge.take() else { return };
        let amount = charge.amount;
        self.shown.push(action);
        if let Some(cancel) = &charge.cancel {
            return self.host_answers_cancel(action, cancel, charge.ack_held, now_ms);
        }
        match action {
            CardAction::Approve | CardAction::Late => {
                let before = self.last.clone();
                let mut data = self.book(amount);
                if self.takes(Fault::AnswerForOtherAmount) {
                    data = self.sale(amount + 1).1;
                }
                if self.takes(Fault::AnswerIsOld) {
                    data = before.unwrap_or_else(sale::empty);
                }
                self.answer(b'b', data, charge.ack_held, now_ms);
            }
            CardAction::Decline => {
                let data = self.own_decline(self.setup.decline_code, "잔액 부족");
                if self.manners.forgets_at_decline {
                    self.shows(Manner::ForgetsAtDecline);
                    self.last = None;
                } else if self.setup.keeps_declines {
                    self.last = Some(data.clone());
                }
                self.answer(b'b', data, charge.ack_held, now_ms);
            }
            CardAction::TimesOut => {
                self.book_if(self.setup.time_out_books, amount);
                self.answer(b'b', sale::declined(HOST_TIMED_OUT, "무응답"), charge.ack_held, now_ms);
            }
            CardAction::Silence => {
                self.book_if(self.setup.silence_books, amount);
                self.plan(now_ms, CARD_OUT_MS, Plan::TakeCardOut);
            }
            CardAction::Unplug => {
                self.book_if(self.setup.unplug_books, amount);
                self.pull_plug(now_ms);
            }
            CardAction::Reboot => {
                self.book_if(self.setup.reboot_books, amount);
                self.restart(now_ms);
            }
        }
    }

    /// Called off: whatever was pending is gone; if the card was never shown nothing was booked.
    fn standby(&mut self, now_ms: u64) {
        self.send(vec![ACK]);
        if let Some(charge) = self.charge.take().filter(|_| self.setup.answers_call_off) {
            let job = if charge.cancel.is_some() { b'c' } else { b'b' };
            self.answer(job, sale::declined(CALLED_OFF, "사용자 취소"), false, now_ms);
        }
        let standby = self.frame(b'e', Vec::new());
        self.plan(now_ms, 20, Plan::Send(standby));
    }

    fn reply(&mut self, job: u8, data: Vec<u8>) {
        let frame = self.frame(job, data);
        self.send(vec![ACK]);
        if self.takes(Fault::OddEvents) {
            self.event(b'M');
        }
        self.event_between();
        self.send(frame);
    }

    fn answer(&mut self, job: u8, data: Vec<u8>, glue_ack: bool, now_ms: u64) {
        if !glue_ack {
            self.event_between();
        }
        let frame = self.frame(job, data);
        let mut sent = Vec::new();
        if glue_ack {
            sent.push(ACK);
        }
        if self.takes(Fault::NoiseBeforeAnswer) {
            sent.extend(self.noise_bytes());
        }
        sent.extend_from_slice(&frame);
        if self.takes(Fault::CorruptAnswer)
            && let Some(check) = sent.last_mut()
        {
            // Two bits: one more flipped on the line cannot make it right again.
            *check ^= 0x41;
        }
        if self.takes(Fault::AnswerTwice) {
            sent.extend_from_slice(&frame);
        }
        if self.takes(Fault::NoiseAfterAnswer) {
            sent.extend(self.noise_bytes());
        }
        let slowly = self.takes(Fault::SplitAnswer);
        self.outs.push(if slowly { Out::SendSlowly(sent) } else { Out::Send(sent) });
        let due_ms = now_ms + self.setup.repeat_ms;
        self.unacknowledged = Some(Answer { frame, sends_left: ANSWER_SENDS - 1, due_ms });
    }

    fn acknowledged(&mut self, now_ms: u64) {
        if self.unacknowledged.take().is_some() {
            self.plan(now_ms, CARD_OUT_MS, Plan::TakeCardOut);
            self.busy_until_ms = now_ms + self.manners.waits.map_or(0, |waits| waits.ms);
        }
    }

    fn repeat_answer(&mut self, now_ms: u64) {
        let Some(mut answer) = self.unacknowledged.take() else { return };
        if answer.sends_left == 0 {
            return self.plan(now_ms, 0, Plan::TakeCardOut);
        }
        answer.sends_left -= 1;
        answer.due_ms = now_ms + self.setup.repeat_ms;
        self.send(answer.frame.clone());
        self.unacknowledged = Some(answer);
    }

    fn book_if(&mut self, books: bool, amount: i64) {
        if books {
            self.book(amount);
        }
    }

    fn book(&mut self, amount: i64) -> Vec<u8> {
        let (approval_number, data) = self.sale(amount);
        let time = String::from_utf8_lossy(&self.own_stamp()).into_owned();
        self.marks.insert(approval_number.clone(), Mark { card: self.held, time });
        self.bookings.push(Booking { amount: Amount(amount), approval_number });
        self.before_last = self.last.replace(data.clone());
        data
    }

    fn sale(&mut self, amount: i64) -> (String, Vec<u8>) {
        // Of one day's sales no two have the same, or the rehearsal's own books could not tell them apart.
        let mut approval_number = format!("{:08}", self.random() % 100_000_000);
        while self.bookings.iter().any(|booking| booking.approval_number == approval_number) {
            approval_number = format!("{:08}", self.random() % 100_000_000);
        }
        let time = String::from_utf8_lossy(&self.own_stamp()).into_owned();
        let unique_number = format!("{}{:06}", time.get(2..8).unwrap_or("000000"), self.random() % 1_000_000);
        let sale = Sale { amount, approval_number: &approval_number, time: &time, unique_number: &unique_number };
        let data = self.own_approval(sale::approved(&sale));
        (approval_number, data)
    }

    fn event(&mut self, kind: u8) {
        let frame = self.frame(EVENT, vec![kind]);
        self.send(frame);
    }

    fn frame(&mut self, job: u8, data: Vec<u8>) -> Vec<u8> {
        let mut terminal_id = self.terminal_id;
        if self.manners.blanks_in_id && terminal_id.ends_with(&[0]) {
            self.shows(Manner::BlankPaddedId);
            let used = terminal_id.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            terminal_id[used..].fill(b' ');
        }
        Frame { terminal_id, stamp: self.own_stamp(), job, response_code: 0, data }.encode()
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if self.state == State::On {
            self.outs.push(Out::Send(bytes));
        }
    }

    fn plan(&mut self, now_ms: u64, after_ms: u64, plan: Plan) {
        self.plans.push((now_ms.saturating_add(after_ms), plan));
    }

    /// True once for each time the fault was ordered.
    fn takes(&mut self, fault: Fault) -> bool {
        let at = self.faults.iter().position(|ordered| *ordered == fault);
        at.map(|at| self.made.push(self.faults.remove(at))).is_some()
    }

    fn noise_bytes(&mut self) -> Vec<u8> {
        let count = 1 + self.random() % 8;
        (0..count).map(|_| self.random().to_le_bytes()[0]).collect()
    }

    /// splitmix64: the same seed, the same run.
    fn random(&mut self) -> u64 {
        self.noise = self.noise.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.noise;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
