//! Giving money back, and closing the day. 06 30 (reversal, by the receipt number of the sale) and 06 31 (refund, the card
//! is presented) are money commands with the rules of a charge: written once, in doubt unless the terminal says how it
//! ended. "Already reversed" (B4) is as good as reversed.
//!
//! 06 31 names no sale: the terminal gives the amount to whichever card is shown, of whatever day the sale is, and cannot
//! know that it was given back before ("already reversed" to it is a refusal), or that it was never booked. So it leaves
//! only for a sale that surely stands. Its result is a commit point like a charge's (2.2.8): a terminal that tells another amount,
//! another currency or another card than the sale was paid with is told `84 66 00` and undoes it. What it told before us
//! already, it is asked for again (`84 9C 00`).
//!
//! A giving-back is believed only if the terminal reports the amount of the sale, and the sale: by its trace (BMP 37), or
//! where it tells none by its receipt number (87). A terminal that reverses its last sale whatever receipt it is told
//! (seen) reports another one, or its own new number: that is for staff, unless its last transaction was this very sale
//! and no payment began since. So is "already reversed" from one whose last transaction is the reversal of another sale.

use super::approval::is_again;
use super::questions::{End, How};
use super::{Dialogue, Now, Step, TIMED_OUT, Task, bmp, request, result_code};
use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction};
use crate::domain::terminal::TerminalDay;
use crate::domain::terminal::{TerminalReport, UndoAnswer, UndoWay};
use crate::terminal::zvt::decode::{hex, number};
use crate::terminal::zvt::message::Message;
use crate::terminal::zvt::request::Merchant;
use crate::terminal::zvt::transaction::{
    are_of_two_cards, is_same, read, read_totals, receipt_of, refusal, refusal_with, trace_of,
};

const ALREADY_REVERSED: u8 = 0xb4;
pub(super) const MAYBE_GONE: &str = "an undo before may have given this sale back, and the terminal could not tell";
pub(super) const MAYBE_NEVER_BOOKED: &str =
    "nobody knows whether it was booked, and the terminal would give the amount away all the same: settle it first";

pub(super) struct Undo {
    attempt: AttemptId,
    apdu: Vec<u8>,
    sale: Box<CardTransaction>,
    way: UndoWay,
    /// The terminal told this very sale as its last transaction, and no payment began since.
    is_last: bool,
    /// What its last transaction was before.
    baseline: LastTransaction,
    /// Its first byte may have left.
    left: bool,
    /// Its result was agreed to.
    agreed: bool,
    /// Its result was refused, and why.
    refused: Option<String>,
}

/// What is said to a 04 0F that belongs to a question.
enum Word {
    Positive,
    AskAgain,
    Refuse,
}

impl Undo {
    /// A refund waits for our word on what it is about to give, and to which card.
    fn word_on(&mut self, message: &Message, merchant: Merchant, now: Now) -> Word {
        if self.way == UndoWay::WithoutCard || result_code(message).is_some_and(|code| code != 0) {
            return Word::Positive;
        }
        let told = read(message, &now.stamp);
        if is_again(&self.baseline, &told) {
            return Word::AskAgain;
        }
        let fits = if result_code(message).is_none() {
            Err("the terminal's result cannot be read".to_owned())
        } else if are_of_two_cards(&self.sale.masked_card, &told.masked_card) {
            Err("another card was shown than the one that paid".to_owned())
        } else {
            self.reported(message, merchant)
        };
        match fits {
            Ok(()) if self.refused.is_none() => {
                self.agreed = true;
                Word::Positive
            }
            Ok(()) => Word::Refuse,
            Err(reason) => {
                self.refused.get_or_insert(reason);
                Word::Refuse
            }
        }
    }

    /// How a refund ended that was refused at its result. Nothing of one that was agreed to before.
    fn withdrawn(&self, how: &How) -> Option<UndoAnswer> {
        let reason = self.refused.clone()?;
        let code = match how {
            How::Done(message) => result_code(message).unwrap_or(0),
            How::Aborted(code) | How::Refused(code) => *code,
        };
        let is_undone = code != 0 || matches!(how, How::Aborted(_) | How::Refused(_));
        Some(if is_undone { UndoAnswer::Withdrawn { reason } } else { UndoAnswer::Unlike { reason } })
    }

    /// # Errors
    /// Why what the terminal reports is not the giving-back of this sale, in words for staff.
    fn reported(&self, message: &Message, merchant: Merchant) -> Result<(), String> {
        if !merchant.is_in_our_currency(message) {
            return Err("the terminal gave back money of another currency".to_owned());
        }
        match message.bytes(bmp::AMOUNT).and_then(number) {
            Some(amount) if amount == self.sale.amount.0 => {}
            Some(amount) => return Err(format!("the terminal gave back another amount, {amount}")),
            None => return Err("the terminal does not tell which amount it gave back".to_owned()),
        }
        let digits = |tag| message.bytes(tag).map(hex);
        let trace = trace_of(&self.sale);
        match (digits(bmp::ORIGINAL_TRACE), digits(bmp::RECEIPT)) {
            // It went to a card that was shown, whatever sale it comes from.
            _ if self.way == UndoWay::WithCard => Ok(()),
            (Some(of), _) if trace.is_some_and(|trace| trace == of) => Ok(()),
            (Some(of), _) if trace.is_some() => Err(format!("the terminal gave back another sale, of trace {of}")),
            (_, Some(of)) if receipt_of(&self.sale).is_some_and(|receipt| hex(&receipt) == of) => Ok(()),
            _ if self.is_last => Ok(()),
            (_, Some(of)) => Err(format!("the terminal reports receipt {of} as given back")),
            (_, None) => Err("the terminal does not tell which sale it gave back".to_owned()),
        }
    }

    /// "Already reversed" without a word of which sale: of a terminal that undoes the last one whatever it is told, it may
    /// be another.
    fn is_of_another(&self, reversed_last: Option<&str>) -> bool {
        reversed_last.is_some_and(|last| trace_of(&self.sale).is_some_and(|trace| trace != last))
    }
}

impl Dialogue {
    pub(super) fn undo(&mut self, attempt: AttemptId, sale: &CardTransaction, way: UndoWay, is_newest: bool, now: Now) {
        if matches!(&self.task, Task::Undo(undo) if undo.attempt == attempt) {
            return;
        }
        if self.sent.contains(&attempt) {
            return self.no_answer(attempt, "this attempt was sent before and is never sent twice");
        }
        let apdu = match way {
            UndoWay::WithoutCard => {
                receipt_of(sale).and_then(|receipt| self.merchant.reverse(receipt, sale.amount, self.without()))
            }
            UndoWay::WithCard => self.merchant.refund(sale.amount, self.without()),
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
        let baseline = match &self.task {
            Task::Ready { baseline, .. } => baseline.clone(),
            _not_ready => LastTransaction::Unknown,
        };
        let is_last = is_newest && matches!(&baseline, LastTransaction::Known(last) if is_same(last, sale));
        let sale = Box::new(sale.clone());
        let (left, agreed, refused) = (false, false, None);
        self.task = Task::Undo(Undo { attempt, apdu, sale, way, is_last, baseline, left, agreed, refused });
        self.begin(now);
    }

    /// 04 0F of a question that was accepted.
    pub(super) fn question_told(&mut self, message: &Message, raw: Vec<u8>, now: Now) {
        let word = match &mut self.task {
            Task::Undo(undo) => undo.word_on(message, self.merchant, now),
            _others => Word::Positive,
        };
        let answer = match word {
            Word::Positive => request::positive(),
            Word::Refuse => request::refuse(),
            Word::AskAgain => return self.reply(&request::ask_again(), now),
        };
        if let Some(exchange) = &mut self.exchange {
            exchange.result = Some((message.clone(), raw));
        }
        self.reply(&answer, now);
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
        let Task::Undo(undo) = std::mem::replace(&mut self.task, Task::Idle) else { return };
        let attempt = undo.attempt;
        let result = end.result.as_ref().and_then(|(message, _)| result_code(message));
        let last = match &end.how {
            How::Done(message) => result_code(message),
            How::Aborted(code) | How::Refused(code) => Some(*code),
        };
        // Broken off after it was reported: nothing is certain.
        let contradicts = result == Some(0) && last.is_some_and(|code| code != 0);
        let code = result.filter(|code| *code != 0).or(last).or(result);
        let told = end.result.as_ref().map(|(message, _)| message);
        let told = told.or(if let How::Done(message) = &end.how { Some(message) } else { None });
        let reported = told
            .map_or_else(|| Err("the terminal reports nothing".to_owned()), |told| undo.reported(told, self.merchant));
        let names_one = told.is_some_and(|told| told.bytes(bmp::AMOUNT).or(told.bytes(bmp::RECEIPT)).is_some());
        let answer = match code.filter(|_| !contradicts) {
            _ if undo.refused.is_some() => undo.withdrawn(&end.how).filter(|_| !undo.agreed),
            None | Some(TIMED_OUT) => None,
            Some(0) => Some(match reported {
                Ok(()) => UndoAnswer::Reversed,
                Err(reason) => UndoAnswer::Unlike { reason },
            }),
            // To a refund it says nothing of this sale: a code like others.
            Some(ALREADY_REVERSED) if undo.way == UndoWay::WithoutCard => Some(match reported.err() {
                Some(reason) if names_one => UndoAnswer::Unlike { reason },
                Some(_) if undo.is_of_another(self.reversed_last.as_deref()) => UndoAnswer::Unlike {
                    reason: "the terminal says already reversed, and its last transaction undid another sale"
                        .to_owned(),
                },
                Some(_) | None => UndoAnswer::AlreadyReversed,
            }),
            Some(code) => {
                let decline = told.map_or_else(|| refusal(code), |told| refusal_with(code, told));
                Some(UndoAnswer::Refused { code: decline.code, message: decline.message })
            }
        };
        if answer == Some(UndoAnswer::Reversed) {
            self.reversed_last = trace_of(&undo.sale).map(str::to_owned);
        }
        let raw = end.result.map_or(end.raw, |(_, raw)| raw);
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
                self.no_totals(TerminalDay::Open, "the card terminal is not connected");
            }
            Task::EndOfDay { .. } => {}
            Task::Prepare { .. } | Task::Charge(_) | Task::Ask(_) | Task::Undo(_) => {
                self.no_totals(TerminalDay::Open, "the card terminal is busy with something else");
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
        let ours = told.is_none_or(|told| self.merchant.is_in_our_currency(told));
        match (code, told.and_then(read_totals)) {
            (None, Some(_)) if !ours => {
                self.no_totals(TerminalDay::Closed, "the terminal closed its day and told totals of another currency");
            }
            (None, Some(totals)) => self.steps.push(Step::Report(TerminalReport::Totals(totals))),
            (None, None) => self.no_totals(TerminalDay::Closed, "the terminal closed its day without telling totals"),
            (Some(TIMED_OUT), _) | (Some(_), Some(_)) => {
                self.no_totals(TerminalDay::Unknown, "the terminal broke the end of day off");
            }
            (Some(code), None) => {
                self.no_totals(TerminalDay::Open, &format!("the terminal did not close its day ({code:02X})"));
            }
        }
    }
}
