//! The one money command. What is true of the money, state by state:
//!
//! - before `WriteCharge` is carried out: nothing left the kiosk (`NeverSent`)
//! - from its first byte to a fitting `b`: nobody knows; NAK, silence and a lost line prove nothing (`NoAnswer`)
//! - a fitting `b`: what it says (`Answered`)
//!
//! An answered `E` is no proof either: only the charge's own `b` is.

use super::{Dialogue, Now, OpenCharge, Step, Task};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::TerminalReport;
use crate::terminal::smartro::packet::{Frame, approve_data};
use crate::terminal::smartro::transaction::read_answer;

/// More than the attempts of one session.
const ATTEMPTS_REMEMBERED: usize = 64;
const REFUSALS: u8 = 3;

pub(super) struct Charge {
    pub(super) attempt: AttemptId,
    /// `None` once the terminal has taken the command.
    ack_due_ms: Option<u64>,
    window_end_ms: u64,
    /// Nobody showed a card until then: call it off.
    card_due_ms: Option<u64>,
    card_seen: bool,
    call_off: CallOff,
    refusals_left: u8,
}

enum CallOff {
    No,
    /// As soon as the terminal has taken the command.
    Wanted,
    Asking,
    /// The terminal would not: it is busy with the card, its answer will come.
    Unanswered,
    Granted {
        until_ms: u64,
    },
}

impl Charge {
    /// The card company may be at work from now on: a call-off that crossed it waits until `grace_end_ms`.
    pub(super) fn card_seen(&mut self, grace_end_ms: u64) {
        self.card_due_ms = None;
        self.card_seen = true;
        if let CallOff::Granted { until_ms } = &mut self.call_off {
            *until_ms = grace_end_ms.max(*until_ms);
        }
    }

    /// A broken answer shows that the command arrived: from now on only the answer is awaited.
    pub(super) fn broken(&mut self, job: Option<u8>) -> &mut u8 {
        if job == Some(b'b') {
            self.ack_due_ms = None;
        }
        &mut self.refusals_left
    }

    pub(super) fn deadline_ms(&self) -> u64 {
        let grace = match self.call_off {
            CallOff::Granted { until_ms } => Some(until_ms),
            CallOff::No | CallOff::Wanted | CallOff::Asking | CallOff::Unanswered => None,
        };
        let soonest = [self.ack_due_ms, self.card_due_ms, grace].into_iter().flatten().min();
        soonest.map_or(self.window_end_ms, |ms| ms.min(self.window_end_ms))
    }
}

impl Dialogue {
    pub(super) fn charge(&mut self, attempt: AttemptId, amount: Amount, card_ms: u64, now: Now) {
        if matches!(&self.task, Task::Charge(charge) if charge.attempt == attempt) {
            return;
        }
        if self.sent.contains(&attempt) {
            return self.no_answer(attempt, "this attempt was sent before and is never sent twice");
        }
        let Some(data) = approve_data(amount.0) else {
            return self.never_sent(attempt, "the terminal cannot take this amount");
        };
        match std::mem::replace(&mut self.task, Task::Idle) {
            Task::Ready { baseline, .. } if self.line_up => {
                self.send_charge(OpenCharge { attempt, amount, baseline }, data, card_ms, now);
            }
            Task::Ready { .. } => self.never_sent(attempt, "the line to the card terminal is gone"),
            other @ (Task::Idle | Task::Probe | Task::Prepare(_) | Task::Charge(_) | Task::Undo(_) | Task::Ask(_)) => {
                self.task = other;
                self.never_sent(attempt, "the terminal was not prepared for a charge");
            }
        }
    }

    fn send_charge(&mut self, open: OpenCharge, data: Vec<u8>, card_ms: u64, now: Now) {
        let after = |ms: u64| now.ms.saturating_add(ms);
        self.task = Task::Charge(Charge {
            attempt: open.attempt,
            ack_due_ms: Some(after(self.limits.ack_ms)),
            window_end_ms: after(self.limits.answer_ms.max(card_ms)),
            card_due_ms: (card_ms > 0).then(|| after(card_ms)),
            card_seen: false,
            call_off: CallOff::No,
            refusals_left: REFUSALS,
        });
        self.remember_sent(open.attempt);
        self.open = Some(open);
        self.restarted = false;
        self.card_in = false;
        self.exchange = None;
        self.probe_at_ms = after(self.limits.probe_ms);
        let frame = Frame::request(b'B', &self.terminal_id, now.stamp, data);
        self.steps.push(Step::WriteCharge(frame.encode()));
    }

    pub(super) fn remember_sent(&mut self, attempt: AttemptId) {
        if self.sent.len() == ATTEMPTS_REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(attempt);
    }

    /// Not one byte of the charge or undo could be written.
    pub fn charge_never_left(&mut self) -> Vec<Step> {
        self.undo_never_left();
        if let Task::Charge(charge) = &self.task {
            let attempt = charge.attempt;
            self.task = Task::Idle;
            self.open = None;
            self.never_sent(attempt, "the line to the card terminal was already gone");
        }
        self.take()
    }

    pub(super) fn call_off(&mut self, now: Now) {
        match &mut self.task {
            Task::Charge(charge) => {
                if matches!(charge.call_off, CallOff::No | CallOff::Unanswered) {
                    charge.call_off = CallOff::Wanted;
                }
                self.start_call_off(now);
            }
            Task::Prepare(_) => {
                self.task = Task::Idle;
                self.exchange = None;
                self.not_ready("called off");
            }
            Task::Ready { .. } => self.task = Task::Idle,
            // An undo is not called off: nobody could say afterwards what became of it.
            Task::Idle | Task::Probe | Task::Undo(_) | Task::Ask(_) => {}
        }
    }

    /// Not before the command was taken: an ACK must not be mistaken for the other one's.
    fn start_call_off(&mut self, now: Now) {
        if let Task::Charge(charge) = &mut self.task
            && matches!(charge.call_off, CallOff::Wanted)
            && charge.ack_due_ms.is_none()
        {
            charge.card_due_ms = None;
            charge.call_off = CallOff::Asking;
            self.query(b'E', super::queries::SENDS, now);
        }
    }

    pub(super) fn charge_acknowledged(&mut self, now: Now) {
        if let Task::Charge(charge) = &mut self.task {
            charge.ack_due_ms = None;
        }
        self.start_call_off(now);
    }

    pub(super) fn charge_refused(&mut self) {
        if matches!(&self.task, Task::Charge(charge) if charge.ack_due_ms.is_some()) {
            self.give_up_charge("the terminal answered NAK");
        }
    }

    pub(super) fn call_off_granted(&mut self, now: Now) {
        if let Task::Charge(charge) = &mut self.task {
            let limits = &self.limits;
            let grace_ms = if charge.card_seen { limits.card_grace_ms } else { limits.call_off_grace_ms };
            let until_ms = now.ms.saturating_add(grace_ms);
            charge.call_off = CallOff::Granted { until_ms };
        }
    }

    pub(super) fn call_off_unanswered(&mut self) {
        if let Task::Charge(charge) = &mut self.task {
            charge.call_off = CallOff::Unanswered;
        }
    }

    pub(super) fn tick_charge(&mut self, now: Now) {
        let Task::Charge(charge) = &mut self.task else { return };
        if charge.ack_due_ms.is_some_and(|due| now.ms >= due) {
            self.restarted = true;
            return self.give_up_charge("the terminal did not acknowledge the charge");
        }
        if now.ms >= charge.window_end_ms {
            self.restarted = true;
            return self.give_up_charge("the terminal did not answer in time");
        }
        if matches!(charge.call_off, CallOff::Granted { until_ms } if now.ms >= until_ms) {
            return self.give_up_charge("called off");
        }
        if charge.card_due_ms.is_some_and(|due| now.ms >= due) {
            charge.card_due_ms = None;
            self.call_off(now);
        }
    }

    fn give_up_charge(&mut self, reason: &str) {
        if let Task::Charge(charge) = &self.task {
            let attempt = charge.attempt;
            self.task = Task::Idle;
            self.exchange = None;
            self.no_answer(attempt, reason);
        }
    }

    /// A `b`: ours, a copy of an old one, or something that proves nothing. Already acknowledged.
    pub(super) fn answer(&mut self, frame: &Frame, raw: Vec<u8>) {
        if raw == self.answered_raw {
            return;
        }
        let Some(open) = &self.open else { return self.too_late(frame, raw) };
        match read_answer(frame, open.amount) {
            Ok(transaction) if !is_again(&open.baseline, &transaction) => self.answered(raw, transaction),
            // Its own answer may still come; a patient whose card was refused twice cannot be left waiting for it.
            Ok(transaction) if transaction.approved => {}
            Ok(_) => self.give_up_charge("the terminal repeats the refusal that it gave before"),
            Err(reason) => self.give_up_charge(&reason),
        }
    }

    /// Nothing is open: an approval contradicts what was concluded, anything else is an old story.
    fn too_late(&mut self, frame: &Frame, raw: Vec<u8>) {
        let Some(closed) = &self.closed else { return };
        if let Ok(transaction) = read_answer(frame, closed.amount)
            && transaction.approved
            && !is_again(&closed.baseline, &transaction)
        {
            let (attempt, transaction) = (closed.attempt, Box::new(transaction));
            self.steps.push(Step::Report(TerminalReport::Answered {
                attempt,
                raw,
                transaction,
                booking: Booking::Final,
            }));
        }
    }

    fn answered(&mut self, raw: Vec<u8>, transaction: CardTransaction) {
        let Some(open) = self.open.take() else { return };
        let attempt = open.attempt;
        self.closed = Some(open);
        self.answered_raw.clone_from(&raw);
        if matches!(self.task, Task::Charge(_)) {
            self.task = Task::Idle;
            self.exchange = None;
        }
        let transaction = Box::new(transaction);
        self.steps.push(Step::Report(TerminalReport::Answered { attempt, raw, transaction, booking: Booking::Final }));
    }

    pub(super) fn never_sent(&mut self, attempt: AttemptId, reason: &str) {
        self.steps.push(Step::Report(TerminalReport::NeverSent { attempt, reason: reason.to_owned() }));
    }
}

/// The terminal repeats the transaction before ours: not an answer to us. A refusal often carries neither time nor
/// number, so the same one again may be new or old: it proves nothing.
fn is_again(baseline: &LastTransaction, transaction: &CardTransaction) -> bool {
    match baseline {
        LastTransaction::Known(known) => **known == *transaction,
        LastTransaction::Empty | LastTransaction::Unknown => false,
    }
}
