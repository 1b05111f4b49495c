//! The end of the card terminal's day: what it says it booked, beside what the journal holds.
//!
//! To close the day moves no card-holder's money, but it cannot be asked again: the terminal counts from nothing
//! afterwards. So it is in the journal before it is asked for, and again with the answer:
//!
//! ```text
//! Asked -> Ended(told: totals | untold: open, closed, unknown, not kept)
//! ```
//! `Asked` without `Ended` (a power cut, a lost answer) is the same as `unknown`: the totals of that day are not known,
//! and the next totals may begin there or not.

mod book;
mod compare;

pub use book::{Moved, Span};
pub use compare::{Comparison, Finding, Period, Sums, Verdict, compare, period};

use super::attempt::{AttemptId, PaymentState};
use super::money::Amount;
use super::terminal::{TerminalDay, TerminalTotals};
use super::undo::UndoState;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClosingId(pub Uuid);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosingEnd {
    Told(TerminalTotals),
    Untold {
        #[serde(rename = "batch")]
        day: TerminalDay,
        reason: String,
    },
}

/// One line of the journal about an end of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosingEntry {
    /// The next thing the terminal is asked for. Refused beside any open money operation.
    Asked {
        closing: ClosingId,
    },
    Ended {
        closing: ClosingId,
        end: ClosingEnd,
    },
}

/// An end of day as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosingRecord {
    pub closing: ClosingId,
    pub asked_at: DateTime<FixedOffset>,
    /// `None`: no answer was ever written down.
    pub end: Option<ClosingEnd>,
    /// The last charge and the last giving-back before it, by their place in the journal: clocks go back, places do not.
    pub charges_to: i64,
    pub undos_to: i64,
}

/// Whether the terminal counts from nothing after an end of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divides {
    Surely,
    /// Asked, and no answer is known.
    Perhaps,
    Not,
    /// It counts nothing: the journal does.
    KeptNowhere,
}

impl Divides {
    pub const ALL: [Self; 4] = [Self::Surely, Self::Perhaps, Self::Not, Self::KeptNowhere];

    #[must_use]
    pub const fn after(end: Option<&ClosingEnd>) -> Self {
        match end {
            Some(ClosingEnd::Told(_) | ClosingEnd::Untold { day: TerminalDay::Closed, .. }) => Self::Surely,
            Some(ClosingEnd::Untold { day: TerminalDay::Unknown, .. }) | None => Self::Perhaps,
            Some(ClosingEnd::Untold { day: TerminalDay::Open, .. }) => Self::Not,
            Some(ClosingEnd::Untold { day: TerminalDay::NotKept, .. }) => Self::KeptNowhere,
        }
    }

    /// As in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Surely => "surely",
            Self::Perhaps => "perhaps",
            Self::Not => "not",
            Self::KeptNowhere => "kept-nowhere",
        }
    }

    /// The next comparison begins here.
    #[must_use]
    pub const fn begins_anew(self) -> bool {
        matches!(self, Self::Surely | Self::KeptNowhere)
    }

    /// By its receipt a sale from before is perhaps not found any more; a terminal that keeps no days finds all.
    #[must_use]
    pub const fn may_hide_receipts(self) -> bool {
        matches!(self, Self::Surely | Self::Perhaps)
    }
}

impl ClosingRecord {
    #[must_use]
    pub const fn divides(&self) -> Divides {
        Divides::after(self.end.as_ref())
    }
}

/// Money that moved at the terminal, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The payment's; its number (`K3-0047`) begins anew every day.
    pub attempt: AttemptId,
    pub number: String,
    pub at: DateTime<FixedOffset>,
    pub kind: MoveKind,
    pub amount: Amount,
    /// `false`: it is with staff, nobody knows yet.
    pub sure: bool,
    /// The terminal's, of a charge.
    pub receipt: Option<u16>,
    /// Its place among those of its kind in the journal.
    pub place: i64,
}

/// Whether a payment in this state moved money. `Some(false)`: perhaps. What was given back moved twice.
#[must_use]
pub const fn was_charged(state: PaymentState) -> Option<bool> {
    match state {
        PaymentState::Committed | PaymentState::Settled | PaymentState::Reversed => Some(true),
        PaymentState::Sent | PaymentState::Answered | PaymentState::InDoubt | PaymentState::NeedsStaff => Some(false),
        PaymentState::Intent | PaymentState::NotPaid => None,
    }
}

/// The same of an undo.
#[must_use]
pub const fn was_given_back(state: UndoState) -> Option<bool> {
    match state {
        UndoState::Reversed => Some(true),
        UndoState::Sent | UndoState::Answered | UndoState::InDoubt | UndoState::NeedsStaff => Some(false),
        UndoState::Intent | UndoState::NotReversed => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoveKind {
    Charge,
    GivenBack,
}

/// What the journal knows around one end of day, which is the last of `closings`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayBook {
    /// Oldest first, from the last one before it after which the terminal surely counted from nothing.
    pub closings: Vec<ClosingRecord>,
    /// Since that one, oldest first.
    pub moves: Vec<Move>,
    /// Receipt numbers of everything the journal had an answer to since, also of refused cards.
    pub receipts: Vec<u16>,
    /// Payments since that the journal no longer keeps.
    pub forgotten: u64,
}

/// The receipt number in a terminal's unique number `RRRR-TTTTTT` (ZVT); others tell none.
#[must_use]
pub fn receipt_in(unique_number: &str) -> Option<u16> {
    let (receipt, _) = unique_number.split_once('-')?;
    if receipt.len() == 4 { receipt.parse().ok() } else { None }
}
