//! Taking a booked payment back: a money operation of its own, with the same discipline as a charge.
//!
//! ```text
//! Intent(of, way, booking) -> Sent -> Answered(raw) -> Reversed | NotReversed | InDoubt
//!    └-> NotReversed           └-> InDoubt -> NeedsStaff -> Reversed | NotReversed
//! ```
//! It can be in doubt, and no terminal can be asked about it afterwards: then people find out.

use super::attempt::{AttemptId, CardTransaction};
use super::money::Amount;
use super::outbox::Request;
use super::terminal::{UndoAnswer, UndoWay};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// One line of the journal about an undo; `undo` is an identifier of its own, sent to the terminal once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoEntry {
    /// Nothing has left the kiosk yet.
    Intent {
        undo: AttemptId,
        of: AttemptId,
        way: UndoWay,
        transaction: Box<CardTransaction>,
    },
    /// The next byte out is the undo.
    Sent {
        undo: AttemptId,
    },
    Answered {
        undo: AttemptId,
        raw: Vec<u8>,
        answer: UndoAnswer,
    },
    /// In one transaction with the payment, which is then `Reversed`, and the queued cancellation, where the hospital has
    /// the request or will get it.
    Reversed {
        undo: AttemptId,
        cancellation: Option<Box<Request>>,
    },
    /// The sale stands.
    NotReversed {
        undo: AttemptId,
        reason: String,
    },
    InDoubt {
        undo: AttemptId,
        reason: String,
    },
    NeedsStaff {
        undo: AttemptId,
        reason: String,
    },
}

impl UndoEntry {
    #[must_use]
    pub const fn undo(&self) -> AttemptId {
        match self {
            Self::Intent { undo, .. }
            | Self::Sent { undo }
            | Self::Answered { undo, .. }
            | Self::Reversed { undo, .. }
            | Self::NotReversed { undo, .. }
            | Self::InDoubt { undo, .. }
            | Self::NeedsStaff { undo, .. } => *undo,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoState {
    Intent,
    Sent,
    Answered,
    Reversed,
    NotReversed,
    InDoubt,
    NeedsStaff,
}

impl UndoState {
    pub const ALL: [Self; 7] =
        [Self::Intent, Self::Sent, Self::Answered, Self::Reversed, Self::NotReversed, Self::InDoubt, Self::NeedsStaff];

    /// As in the table and in the lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Reversed => "reversed",
            Self::NotReversed => "not-reversed",
            Self::InDoubt => "in-doubt",
            Self::NeedsStaff => "needs-staff",
        }
    }

    /// No payment and no other undo begins while one is here.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Intent | Self::Sent | Self::Answered | Self::InDoubt)
    }

    /// It may have given back this sale, another one, or none.
    #[must_use]
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::InDoubt | Self::NeedsStaff)
    }

    /// The arrows above. An answer may come late, even to what staff have by then.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Intent => matches!(to, Self::Sent | Self::NotReversed),
            Self::Sent => matches!(to, Self::Answered | Self::InDoubt | Self::NotReversed),
            Self::Answered => matches!(to, Self::Reversed | Self::NotReversed | Self::InDoubt),
            Self::InDoubt => matches!(to, Self::Answered | Self::NeedsStaff),
            Self::NeedsStaff => matches!(to, Self::Answered | Self::Reversed | Self::NotReversed),
            Self::Reversed | Self::NotReversed => false,
        }
    }
}

/// The latest undo of a payment, as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoRecord {
    pub undo: AttemptId,
    pub way: UndoWay,
    pub state: UndoState,
    pub amount: Amount,
    pub transaction: CardTransaction,
    pub answer: Option<UndoAnswer>,
    pub reason: Option<String>,
    pub started_at: DateTime<FixedOffset>,
}
