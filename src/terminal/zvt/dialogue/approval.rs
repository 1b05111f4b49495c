//! The commit point (PA00P015 2.2.8): what is true of the money, state by state.
//!
//! - a result with rc 00 came, nobody has decided: reserved; the terminal undoes it if we stay silent
//! - `Book` and our `80 00 00` on the wire: booked if it arrived, undone if not; only 06 0F proves the first
//! - `Undo` and our `84 66 00`: undone if it arrived; 06 1E proves it
//!
//! A copy of the result gets the same answer, whenever it comes. A 04 0F in answer to an accepted registration or status
//! enquiry (against 3.1, but seen) tells of no sale: a terminal that takes a command does not wait at a commit point.

use super::charge::{Charge, Stage};
use super::questions::Exchange;
use super::{Dialogue, Now, Step, Task, bmp, request, result_code};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::TerminalReport;
use crate::terminal::clock;
use crate::terminal::zvt::message::Message;
use crate::terminal::zvt::transaction::{is_same, read};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Book,
    Undo,
}

pub(super) struct Approval {
    attempt: AttemptId,
    transaction: CardTransaction,
    decision: Option<Decision>,
    /// The decision is on the wire.
    told: bool,
    /// A copy waits for its answer: when it gets `84 9C 00`.
    hold_until_ms: Option<u64>,
    give_up_ms: u64,
    /// After the decision another result came: whatever ends it proves nothing.
    strange: bool,
}

impl Approval {
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let undecided = self.decision.is_none().then_some(self.give_up_ms);
        [self.hold_until_ms, undecided].into_iter().flatten().min()
    }
}

impl Dialogue {
    /// 04 0F: of a question that was accepted, a copy, the charge's, or nobody's.
    pub(super) fn result(&mut self, message: &Message, raw: Vec<u8>, now: Now) {
        if self.exchange.as_ref().is_some_and(Exchange::takes_result) {
            return self.question_told(message, raw, now);
        }
        if self.is_information(message) {
            return self.informed(message, raw, now);
        }
        if message.bytes(bmp::RESULT).is_none() {
            // It says neither yes nor no, and must not be booked.
            self.restarted = true;
            return self.not_heard(now);
        }
        let transaction = self.sale(read(message, &now.stamp), message);
        if !transaction.approved && self.charge_runs() && self.is_told_again(&transaction) {
            return self.not_heard(now);
        }
        let decided = matches!(&self.task, Task::Charge(charge) if charge.decided());
        if !transaction.approved {
            self.reply(&request::positive(), now);
            if decided {
                return self.taken_back();
            }
            return self.declined(transaction, raw, now);
        }
        if self.approval.as_ref().is_some_and(|approval| is_same(&approval.transaction, &transaction)) {
            return self.copy(now);
        }
        if decided {
            return self.another_result(now);
        }
        if message.bytes(bmp::AMOUNT).is_none() && !matches!(self.task, Task::Charge(_)) {
            // Of no sale at all; refused, it could undo one.
            return self.reply(&request::positive(), now);
        }
        let Some(open) = self.open.as_ref().or(self.closed.as_ref()) else {
            // A result from before we started, or of a sale that was never ours: it must not be booked.
            return self.reply(&request::refuse(), now);
        };
        if is_again(&open.baseline, &transaction) {
            // Booked long ago. But while ours runs, a "yes" or "no" may be taken for one to what is behind it: it is asked
            // for again, and the terminal gives up in time if it has nothing else to say.
            let runs = matches!(&self.task, Task::Charge(_));
            return self.reply(&if runs { request::ask_again() } else { request::positive() }, now);
        }
        let (attempt, compared) = (open.attempt, open.baseline != LastTransaction::Unknown);
        if !compared && !self.is_told_twice(&transaction) {
            return self.reply(&request::ask_again(), now);
        }
        self.approved(attempt, transaction, raw, now);
    }

    /// The terminal did not tell its last transaction before this charge. What it repeats after `84 9C` is this charge's;
    /// an older sale that it tells by mistake it tells once. True also of what no running charge waits for.
    fn is_told_twice(&mut self, transaction: &CardTransaction) -> bool {
        let Task::Charge(charge) = &mut self.task else { return true };
        let before = charge.told_once.replace(transaction.clone());
        before.is_some_and(|before| is_same(&before, transaction))
    }

    /// 51.00 of another currency are not 5100 of ours: with no amount it is nobody's answer, and never booked.
    pub(super) fn sale(&self, transaction: CardTransaction, message: &Message) -> CardTransaction {
        if transaction.approved && !self.merchant.is_in_our_currency(message) {
            return CardTransaction { amount: Amount::ZERO, ..transaction };
        }
        transaction
    }

    /// In answer to a registration or status enquiry that was accepted: it has no amount, or there was no charge.
    fn is_information(&self, message: &Message) -> bool {
        let no_sale = message.bytes(bmp::AMOUNT).is_none() || (self.open.is_none() && self.closed.is_none());
        no_sale && self.exchange.as_ref().is_some_and(Exchange::takes_information)
    }

    /// Another transaction's result, or one that cannot be read, while our charge runs: if ours is behind it, the terminal
    /// undoes it now, and its end says so.
    fn not_heard(&mut self, now: Now) {
        if let Task::Charge(charge) = &mut self.task {
            charge.refused = true;
        }
        self.reply(&request::refuse(), now);
    }

    fn approved(&mut self, attempt: AttemptId, transaction: CardTransaction, raw: Vec<u8>, now: Now) {
        if !matches!(self.task, Task::Charge(_)) {
            self.give_up_task("a late result of an earlier payment came in", now);
            self.task = Task::Charge(Charge::late(attempt));
        }
        self.refusal_taken_back();
        for charge in [&mut self.open, &mut self.closed].into_iter().flatten().filter(|it| it.attempt == attempt) {
            charge.refused = false;
        }
        if let Task::Charge(charge) = &mut self.task {
            charge.stage = Stage::Deciding;
        }
        self.approval = Some(Approval {
            attempt,
            transaction: transaction.clone(),
            decision: None,
            told: false,
            hold_until_ms: Some(now.ms.saturating_add(self.limits.hold_ms)),
            give_up_ms: now.ms.saturating_add(self.limits.decide_ms),
            strange: false,
        });
        self.steps.extend(clock::wrong(&transaction.terminal_time, &now.stamp).map(Step::Tell));
        let (transaction, booking) = (Box::new(transaction), Booking::Unconfirmed);
        self.steps.push(Step::Report(TerminalReport::Answered { attempt, raw, transaction, booking }));
    }

    fn copy(&mut self, now: Now) {
        let hold_until_ms = now.ms.saturating_add(self.limits.hold_ms);
        let Some(approval) = &mut self.approval else { return };
        match approval.decision {
            Some(decision) => {
                approval.told = true;
                self.reply(&answer_to(decision), now);
            }
            None => approval.hold_until_ms = Some(hold_until_ms),
        }
    }

    /// One charge, two results: the second can only be the undoing of the first.
    fn another_result(&mut self, now: Now) {
        let Some(approval) = &mut self.approval else { return };
        approval.strange = true;
        let undoing = approval.decision.is_some();
        self.reply(&if undoing { request::positive() } else { request::refuse() }, now);
    }

    /// A reversal or a refusal after the approval: what stands, only the terminal's last transaction can tell.
    fn taken_back(&mut self) {
        if let Some(approval) = &mut self.approval {
            approval.strange = true;
            approval.hold_until_ms = None;
        }
    }

    pub(super) fn decide(&mut self, attempt: AttemptId, decision: Decision, now: Now) {
        let due_ms = now.ms.saturating_add(self.limits.go_on_ms);
        let waiting =
            self.approval.as_mut().filter(|approval| approval.attempt == attempt && approval.decision.is_none());
        let Some(approval) = waiting else {
            return self.no_answer(attempt, "no result of the terminal waits for this");
        };
        approval.decision = Some(decision);
        // Told to wait, the terminal listens again when it has repeated its result.
        if approval.hold_until_ms.take().is_some() {
            approval.told = true;
            self.reply(&answer_to(decision), now);
        }
        if let Task::Charge(charge) = &mut self.task {
            charge.stage = Stage::GoingOn { due_ms };
        }
    }

    pub(super) fn tick_approval(&mut self, now: Now) {
        let Some(approval) = self.approval.as_mut().filter(|approval| approval.decision.is_none()) else { return };
        if now.ms >= approval.give_up_ms {
            let attempt = approval.attempt;
            return self.decide(attempt, Decision::Undo, now);
        }
        if approval.hold_until_ms.is_some_and(|due| now.ms >= due) {
            approval.hold_until_ms = None;
            self.reply(&request::ask_again(), now);
        }
    }

    /// The charge ends before we decided: whatever comes of it later is refused.
    pub(super) fn undecided_end(&mut self) {
        if let Some(approval) = &mut self.approval {
            approval.decision.get_or_insert(Decision::Undo);
            approval.hold_until_ms = None;
        }
    }

    /// 06 0F after the decision.
    pub(super) fn went_on(&mut self, attempt: AttemptId, message: &Message) {
        let Some(approval) = &self.approval else { return };
        let failed = result_code(message).is_some_and(|code| code != 0);
        let clear = approval.told && !approval.strange;
        match approval.decision {
            Some(Decision::Book) if clear && !failed => {
                self.closed = self.open.take().or(self.closed.take());
                self.reversed_last = None;
                self.steps.push(Step::Report(TerminalReport::Confirmed { attempt }));
            }
            Some(Decision::Undo) if clear && failed => self.withdrawn(attempt, "undone at our word"),
            Some(Decision::Book | Decision::Undo) | None => {
                self.no_answer(attempt, "the terminal ended the payment in a way that proves nothing");
            }
        }
    }

    /// 06 1E after a result.
    pub(super) fn turned_back(&mut self, attempt: AttemptId) {
        let booked = self.approval.as_ref().is_some_and(|approval| approval.decision == Some(Decision::Book));
        self.undecided_end();
        if booked {
            self.no_answer(attempt, "the terminal broke off after it was told to book");
        } else {
            self.withdrawn(attempt, "the terminal undid the payment");
        }
    }

    pub(super) fn withdrawn(&mut self, attempt: AttemptId, reason: &str) {
        self.closed = self.open.take().or(self.closed.take());
        self.steps.push(Step::Report(TerminalReport::Withdrawn { attempt, reason: reason.to_owned() }));
    }

    /// A reversal; or it was the terminal's last transaction before our charge, or was told to an earlier one. It may hide
    /// our approval: it proves nothing, and whatever waits behind it is refused.
    ///
    /// Two refusals with the same code and no number or time of their own are two: should our approval be behind the
    /// second one, nobody confirms it, and the terminal undoes it.
    fn is_told_again(&self, transaction: &CardTransaction) -> bool {
        let marked = !transaction.unique_number.is_empty() || !transaction.terminal_time.is_empty();
        let told = |told: &CardTransaction| marked && is_same(told, transaction);
        transaction.decline.is_none()
            || self.refusal.as_ref().is_some_and(told)
            || marked && self.open.as_ref().is_some_and(|open| is_again(&open.baseline, transaction))
    }
}

fn answer_to(decision: Decision) -> Vec<u8> {
    match decision {
        Decision::Book => request::positive(),
        Decision::Undo => request::refuse(),
    }
}

/// The terminal repeats the transaction before ours: not an answer to us.
pub(super) fn is_again(baseline: &LastTransaction, transaction: &CardTransaction) -> bool {
    match baseline {
        LastTransaction::Known(known) => is_same(known, transaction),
        LastTransaction::Empty | LastTransaction::Unknown => false,
    }
}
