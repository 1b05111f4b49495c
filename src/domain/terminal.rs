//! What is asked of a card terminal and what it tells, whatever its protocol.

use super::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use super::money::Amount;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalCommand {
    /// Call off whatever is pending, see that it is idle and empty, tell the last transaction. Never moves money.
    Prepare,
    /// The one money command. Sent at most once per attempt, whatever happens.
    Charge { attempt: AttemptId, amount: Amount, card_ms: u64 },
    /// The approval is durable and its request locked: the terminal may book. Only after `Booking::Unconfirmed`.
    Confirm { attempt: AttemptId },
    /// The approval could not be kept: the terminal has to undo it. Only after `Booking::Unconfirmed`.
    Refuse { attempt: AttemptId },
    /// Call off a pending charge; its own answer still decides.
    CallOff,
    /// Wait until idle, ask for the last transaction twice. Never moves money.
    AskOutcome { attempt: AttemptId },
    /// The one money command of an undo; `undo` is its own attempt. Sent at most once, whatever happens. Ends with
    /// `Undone`, `NoAnswer` or `NeverSent` of `undo`.
    /// `is_newest` if no payment and no undo began at this terminal after the one that is undone, by the journal: only then can it be
    /// the terminal's last, whatever the terminal tells.
    /// A command that names no sale (ZVT 06 31) must not leave unless it surely `stands`: it would give away what was never
    /// taken, or give it back twice.
    Undo {
        undo: AttemptId,
        transaction: Box<CardTransaction>,
        way: UndoWay,
        is_newest: bool,
        stands: Stands,
        card_ms: u64,
    },
    /// Close the terminal's day and tell its totals. Moves no card-holder's money, but counts from nothing afterwards: sent
    /// at most once. Ends with `Totals` or `NoTotals`.
    EndOfDay,
}

/// What the journal knows of a sale that is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Surely,
    /// The terminal approved it, and nobody knows whether it was booked.
    UnlessNeverBooked,
    /// Another undo may have given it back.
    UnlessGone,
}

/// What a terminal answered to an undo.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum UndoAnswer {
    Reversed,
    /// Somebody undid it before; that is as good (Smartro `d` with `X`; ZVT B4).
    AlreadyReversed,
    /// A well-formed refusal: the sale stands.
    Refused {
        code: String,
        message: String,
    },
    /// It says that it gave something back, but not this amount, or not this sale: people must look what it was.
    Unlike {
        reason: String,
    },
    /// What it was about to give back was not this; it was refused before that was booked, and says that nothing was: the
    /// sale stands.
    Withdrawn {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalReport {
    /// It answers, or stopped answering (`false`). Sent on change.
    Online(bool),
    Prepared {
        baseline: LastTransaction,
    },
    /// A card is in the slot that must come out first.
    CardStillIn,
    NotReady {
        reason: String,
    },
    /// A card was inserted, tapped or read.
    CardSeen,
    CardRemoved,
    /// A whole, well-formed answer to our charge.
    Answered {
        attempt: AttemptId,
        raw: Vec<u8>,
        transaction: Box<CardTransaction>,
        /// `Unconfirmed`: it waits for `Confirm` or `Refuse`, and undoes the sale if neither comes in time.
        booking: Booking,
    },
    /// After `Confirm`: the terminal went on, so it has booked.
    Confirmed {
        attempt: AttemptId,
    },
    /// After `Refuse`, or instead of waiting for either: the terminal says that nothing stands.
    Withdrawn {
        attempt: AttemptId,
        reason: String,
    },
    /// No proof either way: NAK, no ACK, time-out, garbage, vanished line.
    NoAnswer {
        attempt: AttemptId,
        reason: String,
    },
    /// The charge never left the kiosk (the line was already gone): nothing was sent.
    NeverSent {
        attempt: AttemptId,
        reason: String,
    },
    /// Outcome of `AskOutcome`: two answers in a row, and whether the terminal reached its host.
    Outcome {
        attempt: AttemptId,
        first: LastTransaction,
        second: LastTransaction,
        host_reachable: bool,
        maybe_restarted: bool,
    },
    /// A whole, well-formed answer to our undo.
    Undone {
        undo: AttemptId,
        raw: Vec<u8>,
        answer: UndoAnswer,
    },
    Totals(TerminalTotals),
    NoTotals {
        /// Whether it closed its day all the same.
        day: TerminalDay,
        reason: String,
    },
}

/// How a booked payment is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoWay {
    /// Same day, by the numbers of the sale, without the card (Smartro `C` types 3 and 6; ZVT 06 30 reversal).
    WithoutCard,
    /// The card is presented again, on the same day or later (Smartro `C` type 1; ZVT 06 31 refund).
    WithCard,
}

/// What a terminal says it booked since its last end of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalTotals {
    pub count: Option<u32>,
    /// Sales less what was given back.
    pub amount: Amount,
    /// The kinds of card added up, where it tells both: it may contradict itself.
    pub of_cards: Option<Amount>,
    /// Its first and last receipt number.
    pub receipts: Option<(u16, u16)>,
}

/// Whether a terminal that told no totals has closed its day all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TerminalDay {
    /// It said no, or nothing was sent: it goes on counting.
    Open,
    Closed,
    /// It was asked, and nothing proves what it did.
    Unknown,
    /// It counts nothing that could be asked for here (Smartro).
    NotKept,
}
