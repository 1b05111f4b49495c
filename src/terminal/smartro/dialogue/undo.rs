//! `C`: taking a sale back. The same discipline as a charge: written once, and only a fitting answer proves anything.
//!
//! - before `WriteCharge` is carried out: nothing left the kiosk (`NeverSent`)
//! - from its first byte to a fitting `c` or `d`: nobody knows (`NoAnswer`)
//! - `c`: cancelled, or a refusal with its code; `d`: nothing of this card could be cancelled, and why
//!
//! Type 2 (the terminal's last sale, whatever it is) is never sent. Without the card, type 6 (the sale before this) only
//! where the last transaction is the one that is meant; else type 3, which names it.
//!
//! Of whatever day the sale is, its approval number, its date and its time go along, as the terminal told them then: with the
//! card (type 1) that is how the card company finds a sale of an earlier day.
//!
//! An approved cancellation is believed if the terminal's last transaction was this very sale and no payment began since (a
//! terminal may tell an older sale than its last, seen after a restart), if the card was shown (type 1
//! finds the sale by the card too), or if the terminal tells the sale's approval number. With a number of its own it may
//! have taken back its last sale, whichever was named, as types 2 and 6 do: that is for staff. So is "cancelled before"
//! without the card, which is said of the terminal's last sale; and with the card if the card's last sale, of which it is
//! said then, was made at another time.

use super::{Dialogue, Now, Step, Task};
use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::{TerminalReport, UndoAnswer, UndoWay};
use crate::terminal::smartro::layout::Data;
use crate::terminal::smartro::packet::{CancelType, Frame, cancel_data};
use crate::terminal::smartro::transaction::read_answer;

const REFUSALS: u8 = 3;
/// A `d` whose last sale was cancelled before.
const UNDONE_BEFORE: u8 = b'X';

pub(super) struct Undo {
    pub(super) id: AttemptId,
    /// `None` once the terminal has taken the command.
    ack_due_ms: Option<u64>,
    window_end_ms: u64,
    pub(super) refusals_left: u8,
}

/// An undo that left, until its answer came or the next `Prepare` is through.
pub(super) struct OpenUndo {
    undo: AttemptId,
    amount: Amount,
    approval_number: String,
    /// When the sale was made, by the terminal's clock.
    terminal_time: String,
    /// The card is shown, or the terminal's last transaction is this very sale, and is ours too: it can mean no other.
    is_plain: bool,
    /// The approval number of the terminal's last transaction, if that is another one.
    not_this: Option<String>,
}

impl Undo {
    pub(super) fn deadline_ms(&self) -> u64 {
        self.ack_due_ms.map_or(self.window_end_ms, |due| due.min(self.window_end_ms))
    }

    /// A broken answer shows that the command arrived.
    pub(super) fn broken(&mut self, job: Option<u8>) -> &mut u8 {
        if matches!(job, Some(b'c' | b'd')) {
            self.ack_due_ms = None;
        }
        &mut self.refusals_left
    }
}

impl Dialogue {
    pub(super) fn undo(
        &mut self,
        undo: AttemptId,
        transaction: &CardTransaction,
        way: UndoWay,
        is_newest: bool,
        card_ms: u64,
        now: Now,
    ) {
        if matches!(&self.task, Task::Undo(known) if known.id == undo) {
            return;
        }
        if self.sent.contains(&undo) {
            return self.no_answer(undo, "this undo was sent before and is never sent twice");
        }
        let Task::Ready { baseline, .. } = &self.task else {
            return self.never_sent(undo, "the terminal was not prepared for it");
        };
        let told_last = matches!(baseline, LastTransaction::Known(last) if last.is_same_booking(transaction));
        let is_last = is_newest && told_last;
        let kind = match way {
            UndoWay::WithCard => CancelType::WithCard,
            UndoWay::WithoutCard if is_last => CancelType::PreviousWithoutCard,
            UndoWay::WithoutCard => CancelType::NamedWithoutCard,
        };
        let not_this = match baseline {
            LastTransaction::Known(last) if !told_last => Some(last.approval_number.clone()),
            LastTransaction::Known(_) | LastTransaction::Empty | LastTransaction::Unknown => None,
        };
        self.task = Task::Idle;
        if !self.line_up {
            return self.never_sent(undo, "the line to the card terminal is gone");
        }
        let Some(data) = cancel_data(kind, transaction) else {
            return self.never_sent(undo, "the sale has no approval number or time that the terminal could find it by");
        };
        let not_this = not_this.filter(|number| !number.is_empty() && *number != transaction.approval_number);
        let (amount, approval_number) = (transaction.amount, transaction.approval_number.clone());
        let terminal_time = transaction.terminal_time.clone();
        let is_plain = is_last || way == UndoWay::WithCard;
        let open = OpenUndo { undo, amount, approval_number, terminal_time, is_plain, not_this };
        self.send_undo(open, data, card_ms, now);
    }

    fn send_undo(&mut self, open: OpenUndo, data: Vec<u8>, card_ms: u64, now: Now) {
        let after = |ms: u64| now.ms.saturating_add(ms);
        self.task = Task::Undo(Undo {
            id: open.undo,
            ack_due_ms: Some(after(self.limits.ack_ms)),
            window_end_ms: after(self.limits.answer_ms.max(card_ms)),
            refusals_left: REFUSALS,
        });
        self.remember_sent(open.undo);
        self.open_undo = Some(open);
        self.card_in = false;
        self.exchange = None;
        self.probe_at_ms = after(self.limits.probe_ms);
        let frame = Frame::request(b'C', &self.terminal_id, now.stamp, data);
        self.steps.push(Step::WriteCharge(frame.encode()));
    }

    pub(super) fn undo_acknowledged(&mut self) {
        if let Task::Undo(undo) = &mut self.task {
            undo.ack_due_ms = None;
        }
    }

    pub(super) fn undo_refused(&mut self) {
        if matches!(&self.task, Task::Undo(undo) if undo.ack_due_ms.is_some()) {
            self.give_up_undo("the terminal answered NAK");
        }
    }

    pub(super) fn tick_undo(&mut self, now: Now) {
        let Task::Undo(undo) = &self.task else { return };
        if undo.ack_due_ms.is_some_and(|due| now.ms >= due) {
            self.restarted = true;
            self.give_up_undo("the terminal did not acknowledge the cancellation");
        } else if now.ms >= undo.window_end_ms {
            self.restarted = true;
            self.give_up_undo("the terminal did not answer in time");
        }
    }

    pub(super) fn undo_never_left(&mut self) {
        if let Task::Undo(undo) = &self.task {
            let undo = undo.id;
            self.task = Task::Idle;
            self.open_undo = None;
            self.never_sent(undo, "the line to the card terminal was already gone");
        }
    }

    pub(super) fn give_up_undo(&mut self, reason: &str) {
        if let Task::Undo(undo) = &self.task {
            let undo = undo.id;
            self.task = Task::Idle;
            self.no_answer(undo, reason);
        }
    }

    /// A `c` or `d`; already acknowledged. A late one still answers the undo that is open.
    pub(super) fn undo_answer(&mut self, frame: &Frame, raw: Vec<u8>) {
        // A terminal that missed our ACK repeats itself, perhaps into the next one.
        if raw == self.undone_raw {
            return;
        }
        let Some(open) = &self.open_undo else { return };
        match open.read(frame) {
            Ok(answer) => {
                let undo = open.undo;
                self.open_undo = None;
                self.undone_raw.clone_from(&raw);
                if matches!(self.task, Task::Undo(_)) {
                    self.task = Task::Idle;
                }
                self.steps.push(Step::Report(TerminalReport::Undone { undo, raw, answer }));
            }
            Err(reason) => self.give_up_undo(&reason),
        }
    }
}

impl OpenUndo {
    /// # Errors
    /// Why it proves nothing, in words for staff.
    fn read(&self, frame: &Frame) -> Result<UndoAnswer, String> {
        if frame.job == b'd' {
            return self.read_nothing_cancelled(frame);
        }
        let answer = read_answer(frame, self.amount)?;
        let told = &answer.approval_number;
        if answer.approved && self.not_this.as_ref() == Some(told) {
            let reason = format!("the terminal gave back another sale, of approval number {told}");
            return Ok(UndoAnswer::Unlike { reason });
        }
        Ok(match answer.decline {
            Some(decline) if !answer.approved => UndoAnswer::Refused { code: decline.code, message: decline.message },
            Some(_) | None if !answer.approved => return Err("the answer is no cancellation".to_owned()),
            Some(_) | None if self.is_plain || (!told.is_empty() && *told == self.approval_number) => {
                UndoAnswer::Reversed
            }
            Some(_) | None => UndoAnswer::Unlike {
                reason: format!("the terminal does not tell that it was this sale: it tells approval number {told}"),
            },
        })
    }

    /// `d` in place of `c`: nothing was cancelled now. The last sale of the card that was shown says why; only if it is of
    /// this amount and, where it tells one, of this time can it be the one that was cancelled before.
    fn read_nothing_cancelled(&self, frame: &Frame) -> Result<UndoAnswer, String> {
        let data = Data::decode(frame.job, &frame.data);
        let refused = |message: &str| {
            Ok(UndoAnswer::Refused {
                code: String::from_utf8_lossy(data.raw("status")).into_owned(),
                message: message.to_owned(),
            })
        };
        match data.raw("status").first() {
            Some(&UNDONE_BEFORE) if !self.is_plain => Ok(UndoAnswer::Unlike {
                reason: "the terminal says that its last sale was cancelled before, and that is another one".to_owned(),
            }),
            Some(&UNDONE_BEFORE) if data.number("last_amount") == Some(self.amount.0) => {
                let time = data.text("last_time");
                let is_told = !time.bytes().all(|digit| digit == b'0');
                Ok(if is_told && time != self.terminal_time {
                    UndoAnswer::Unlike {
                        reason:
                            "the terminal says that this card's last sale was cancelled before, and that was made at \
                                 another time"
                                .to_owned(),
                    }
                } else {
                    UndoAnswer::AlreadyReversed
                })
            }
            Some(&UNDONE_BEFORE) => refused("the last sale of this card is another one, which was cancelled before"),
            Some(b'O') => refused("the terminal cannot cancel the last sale of this card"),
            Some(b'0') => refused("this card has no sale that could be cancelled"),
            Some(_) | None => Err("the answer to the cancellation cannot be read".to_owned()),
        }
    }
}
