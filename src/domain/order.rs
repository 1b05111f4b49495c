//! What staff may order about a payment, and what they hear of it: the same for `kiosk payments`, over the socket, and
//! for the staff area on the screen.
//!
//! An order carries an `order_id`. The shell reads the payment as the journal holds it at that moment and hands both to the
//! session as `Input::Staff`; the answer comes as `Effect::StaffAnswer` with the same `order_id`. `Begun` is followed by a
//! second answer, unless the power is cut: then the payment itself says where it stands.

use super::terminal::UndoWay;
use crate::domain::attempt::PaymentState;
use crate::domain::closing::{ClosingEnd, ClosingId};
use std::fmt;

/// What staff may do about a payment (`kiosk payments ask|settle|cancel`, the staff area).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffOrder {
    /// Ask the terminal once more for its last transaction.
    Ask,
    /// People found out; `evidence` says how, and is kept.
    Settle { paid: bool, evidence: String },
    /// Give the money back.
    Cancel { way: UndoWay },
    /// Its receipt once more, marked as a duplicate.
    Reprint,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffAnswer {
    /// The terminal is at work on it; another answer follows.
    Begun,
    /// `Committed`: the hospital gets the request.
    Paid,
    NotPaid,
    /// The money was given back; the hospital is told if it has the request.
    Reversed,
    /// The terminal refused to undo it: the sale stands.
    NotReversed {
        reason: String,
    },
    /// Nobody knows yet: it is on the staff list.
    StillOpen {
        reason: String,
    },
    /// The printer proved it.
    Printed,
    /// The printer did not take it, or holds it: it is cleared.
    NotPrinted,
    /// The terminal's day: its totals, or why there are none. `kept`: this is in the journal.
    DayEnded {
        closing: ClosingId,
        end: ClosingEnd,
        kept: bool,
    },
    /// Nothing was done.
    Refused(StaffRefusal),
}

impl StaffAnswer {
    /// For the trail.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Begun => "begun".to_owned(),
            Self::Paid => "paid".to_owned(),
            Self::NotPaid => "not paid".to_owned(),
            Self::Reversed => "given back".to_owned(),
            Self::NotReversed { reason } => format!("not given back: {reason}"),
            Self::StillOpen { reason } => format!("still not known: {reason}"),
            Self::Printed => "printed".to_owned(),
            Self::NotPrinted => "not printed".to_owned(),
            Self::DayEnded { .. } => "the terminal's day has ended".to_owned(),
            Self::Refused(refusal) => format!("nothing was done: {refusal}"),
        }
    }

    /// How a payment stands that stood as `was`, in words for the trail.
    #[must_use]
    pub fn leaves(&self, was: &str) -> String {
        match self {
            Self::Paid => PaymentState::Committed.word().to_owned(),
            Self::NotPaid => PaymentState::NotPaid.word().to_owned(),
            Self::Reversed => PaymentState::Reversed.word().to_owned(),
            Self::Begun
            | Self::NotReversed { .. }
            | Self::StillOpen { .. }
            | Self::Printed
            | Self::NotPrinted
            | Self::DayEnded { .. }
            | Self::Refused(_) => was.to_owned(),
        }
    }
}

/// Why nothing was done; `Display` says it in English with what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffRefusal {
    UnknownPayment,
    /// One money operation at a time.
    AnotherOpen,
    /// Only what needs staff can be asked about or settled.
    NotForStaff(PaymentState),
    NoEvidence,
    TerminalAway,
    /// A card may still be in it, or it cannot reach the card company.
    TerminalNotReady,
    /// Nothing is known of a booking that could be undone here.
    NothingToUndo(PaymentState),
    /// Without the card a terminal undoes sales of its own day only.
    NotToday,
    /// The terminal finds sales of its own day only, and that was closed since.
    DayClosed,
    /// An undo of it is with staff already: they have to find out about that one first.
    UndoUnsettled,
    /// Only what was paid has a receipt.
    NoReceipt(PaymentState),
    PrinterAway,
    /// The journal could not be written: nothing left the kiosk.
    CannotRecord,
}

impl fmt::Display for StaffRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::UnknownPayment => "the journal has no such payment; `kiosk payments list` shows them",
            Self::AnotherOpen => "another payment is open at the terminal: try again when it is finished",
            Self::NotForStaff(PaymentState::InDoubt) => {
                "the kiosk is still asking the terminal about this payment: wait until it needs staff"
            }
            Self::NotForStaff(_) => "only a payment that needs staff can be asked about or settled",
            Self::NoEvidence => "write down how it was found out (the evidence is kept)",
            Self::TerminalAway => "the card terminal does not answer: look at its power and its cable, then try again",
            Self::TerminalNotReady => {
                "the card terminal did not get ready: take out any card, look at its connection, then try again"
            }
            Self::NothingToUndo(PaymentState::Reversed) => "it was undone already",
            Self::NothingToUndo(_) => {
                "nothing is known of a booking that could be undone here: undo it at the terminal or with the card \
                 company, then settle it as not paid"
            }
            Self::NotToday => {
                "a payment of an earlier day is given back with the card only (`--with-card`), which its holder has to \
                 bring: else ask the card company to give the money back"
            }
            Self::DayClosed => {
                "the terminal's day was closed since: give it back with the card (`--with-card`), or ask the card company"
            }
            Self::UndoUnsettled => {
                "an undo of this payment is not settled: find out at the card company whether it was given back, then \
                 settle it"
            }
            Self::NoReceipt(_) => "only a payment that was paid and not given back has a receipt",
            Self::PrinterAway => "the printer cannot print now: look at its paper, its cover and its cable",
            Self::CannotRecord => {
                "the journal could not be written: nothing was done; look at the disk, then try again"
            }
        })
    }
}
