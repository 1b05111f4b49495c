//! Giving money back, and closing the day. 06 30 (reversal, by the receipt number of the sale) and 06 31 (refund, the card
//! is presented) are money commands with the rules of a charge: written once, in doubt unless the terminal says how it
//! ended. "Already reversed" (B4) is as good as reversed.

use super::questions::{End, How};
use super::{Dialogue, Now, Step, Task, result_code};
use crate::domain::closing::Batch;
use crate::domain::payment::{AttemptId, CardTransaction};
use crate::domain::session::{TerminalReport, UndoAnswer, UndoWay};
use crate::terminal::zvt::message::Message;
use crate::terminal::zvt::transaction::{read_totals, receipt_of, refusal};

const ALREADY_REVERSED: u8 = 0xb4;
/// A time-out or abort tells what happened at the reader, not what the card company did.
const TIMED_OUT: u8 = 0x6c;

pub(super) struct Undo {
    attempt: AttemptId,
    apdu: Vec<u8>,
    /// Its first byte may have left.
    left: bool,
}

impl Dialogue {
    pub(super) fn undo(&mut self, attempt: AttemptId, sale: &CardTransaction, way: UndoWay, now: Now) {
        if matches!(&self.task, Task::Undo(undo) if undo.attempt == attempt) {
            return;
        }
        if self.sent.contains(&attempt) {
            return self.no_answer(attempt, "this attempt was sent before and is never sent twice");
        }
        let apdu = match way {
            UndoWay::WithoutCard => receipt_of(sale).and_then(|receipt| self.merchant.reverse(receipt, sale.amount)),
            UndoWay::WithCard => self.merchant.refund(sale.amount),
        };
        let Some(apdu) = apdu else {
            return self
                .never_sent(attempt, "the sale has no receipt number or amount by which the terminal could find it");
        };
        match self.task {
            Task::Idle | Task::Probe | Task::Ready { .. } if self.line_up => {}
            Task::Idle | Task::Probe | Task::Ready { .. } => {
                return self.never_sent(attempt, "the card terminal is not connected");
            }
            Task::Prepare { .. } | Task::Charge(_) | Task::Ask(_) | Task::Undo(_) | Task::EndOfDay { .. } => {
                return self.never_sent(attempt, "the card terminal is busy with something else");
            }
        }
        self.task = Task::Undo(Undo { attempt, apdu, left: false });
        self.begin(now);
    }

    /// The terminal is idle: the undo leaves now, and only now.
    pub(super) fn undo_apdu(&mut self) -> Option<Vec<u8>> {
        let Task::Undo(undo) = &mut self.task else { return None };
        if undo.left {
            return None;
        }
        undo.left = true;
        let (attempt, apdu) = (undo.attempt, undo.apdu.clone());
        self.remember(attempt);
        Some(apdu)
    }

    pub(super) fn undo_over(&mut self, end: End, now: Now) {
        let Task::Undo(Undo { attempt, .. }) = std::mem::replace(&mut self.task, Task::Idle) else { return };
        let result = end.result.as_ref().and_then(|(message, _)| result_code(message));
        let code = match &end.how {
            How::Done(message) => result.or(result_code(message)),
            How::Aborted(code) | How::Refused(code) => result.filter(|code| *code != 0).or(Some(*code)),
        };
        let broken_off = matches!(end.how, How::Aborted(_)) && result == Some(0);
        let raw = end.result.map_or(end.raw, |(_, raw)| raw);
        let answer = match code {
            None | Some(TIMED_OUT) => None,
            Some(_) if broken_off => None,
            Some(0) => Some(UndoAnswer::Reversed),
            Some(ALREADY_REVERSED) => Some(UndoAnswer::AlreadyReversed),
            Some(code) => {
                let decline = refusal(code);
                Some(UndoAnswer::Refused { code: decline.code, message: decline.message })
            }
        };
        self.end_charge(now);
        match answer {
            Some(answer) => self.steps.push(Step::Report(TerminalReport::Undone { undo: attempt, raw, answer })),
            None => self.no_answer(attempt, "the terminal ended the undoing in a way that proves nothing"),
        }
    }

    pub(super) fn undo_given_up(&mut self, undo: &Undo, reason: &str) {
        if undo.left {
            self.may_pend = true;
            self.no_answer(undo.attempt, reason);
        } else {
            self.never_sent(undo.attempt, reason);
        }
    }

    /// A money command left and nothing answers to it.
    pub(super) fn money_in_doubt(&mut self, reason: &str, now: Now) {
        self.in_flight.clear();
        self.give_up_task(reason, now);
    }

    /// Not one byte of the money command could be written.
    pub(super) fn money_never_left(&mut self) {
        let attempt = match &self.task {
            Task::Charge(charge) => charge.attempt,
            Task::Undo(undo) => undo.attempt,
            Task::Idle
            | Task::Probe
            | Task::Prepare { .. }
            | Task::Ready { .. }
            | Task::Ask(_)
            | Task::EndOfDay { .. } => {
                return;
            }
        };
        self.task = Task::Idle;
        self.exchange = None;
        self.open = None;
        self.never_sent(attempt, "the line to the card terminal was already gone");
    }

    pub(super) fn end_of_day(&mut self, now: Now) {
        match self.task {
            Task::Idle | Task::Probe | Task::Ready { .. } if self.line_up => {
                self.task = Task::EndOfDay { left: false };
                self.begin(now);
            }
            Task::Idle | Task::Probe | Task::Ready { .. } => {
                self.no_totals(Batch::Open, "the card terminal is not connected");
            }
            Task::EndOfDay { .. } => {}
            Task::Prepare { .. } | Task::Charge(_) | Task::Ask(_) | Task::Undo(_) => {
                self.no_totals(Batch::Open, "the card terminal is busy with something else");
            }
        }
    }

    /// The terminal is idle: the end of day leaves now, and only now.
    pub(super) fn totals_leave(&mut self) -> bool {
        let Task::EndOfDay { left } = &mut self.task else { return false };
        !std::mem::replace(left, true)
    }

    /// Totals count only if the terminal said that all is done. Broken off after them, or by a time-out, it proves nothing.
    pub(super) fn totals_over(&mut self, end: &End, now: Now) {
        self.end_charge(now);
        let told = end.result.as_ref().map(|(message, _)| message);
        let failed = |message: &Message| result_code(message).filter(|code| *code != 0);
        let code = match &end.how {
            How::Done(message) => failed(message).or(told.and_then(failed)),
            How::Aborted(code) | How::Refused(code) => Some(*code),
        };
        match (code, told.and_then(read_totals)) {
            (None, Some(totals)) => self.steps.push(Step::Report(TerminalReport::Totals(totals))),
            (None, None) => self.no_totals(Batch::Closed, "the terminal closed its day without telling totals"),
            (Some(TIMED_OUT), _) | (Some(_), Some(_)) => {
                self.no_totals(Batch::Unknown, "the terminal broke the end of day off");
            }
            (Some(code), None) => {
                self.no_totals(Batch::Open, &format!("the terminal did not close its day ({code:02X})"));
            }
        }
    }
}
