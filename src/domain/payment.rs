//! What is known of the money, and the journal entries that make it known after a power cut.
//!
//! ```text
//! Intent(attempt, request, amount, baseline) -> Sent -> Answered(raw) -> Committed -> Settled(hospital told)
//!                                    └--> InDoubt -> Answered | Committed | NotPaid | NeedsStaff
//! NotPaid -> NeedsStaff, if an approval turns up after all
//! Committed | Settled | NeedsStaff -> Reversed, by an undo (see [`super::undo`])
//! NeedsStaff -> Committed | NotPaid, by staff with evidence; InDoubt, if they have the terminal asked again
//! ```
//! A batch is durable before the effects that follow from it begin, so each arrow is on disk before the next byte leaves.

use super::attempt::{AttemptId, Booking, CardTransaction, LastTransaction, PaymentState};
use super::closing::ClosingEntry;
use super::money::Amount;
use super::outbox::Request;
use super::paper::Receipt;
use super::reason::StaffReason;
use super::undo::{UndoEntry, UndoRecord, UndoState};
use super::zone::Zone;
use chrono::{DateTime, FixedOffset, NaiveDate};

/// One line of the journal. Recording one is durable before the next effect begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Nothing has left the kiosk yet.
    Intent {
        attempt: AttemptId,
        number: String,
        amount: Amount,
        request: Box<Request>,
        receipt: Box<Receipt>,
        baseline: LastTransaction,
    },
    /// The next byte out is the amount.
    Sent {
        attempt: AttemptId,
    },
    /// The terminal's frame, as it came. Durable before the terminal hears that it may book (`Booking::Unconfirmed`).
    Answered {
        attempt: AttemptId,
        raw: Vec<u8>,
        transaction: Box<CardTransaction>,
        booking: Booking,
    },
    /// Paid. In one transaction with the queued request (which now holds the payment) and the receipt.
    Committed {
        attempt: AttemptId,
        transaction: Box<CardTransaction>,
        request: Box<Request>,
        receipt: Box<Receipt>,
    },
    NotPaid {
        attempt: AttemptId,
        reason: String,
    },
    InDoubt {
        attempt: AttemptId,
        reason: String,
    },
    NeedsStaff {
        attempt: AttemptId,
        reason: StaffReason,
        /// What was booked, where that is known: it can be undone by it.
        transaction: Option<Box<CardTransaction>>,
    },
    /// How staff found out about it. Kept beside what they settle.
    Evidence {
        attempt: AttemptId,
        text: String,
    },
    /// Of an undo of a payment.
    Undo(UndoEntry),
    /// Of the end of the terminal's day.
    Closing(ClosingEntry),
    /// The printer proved that the receipt came out.
    ReceiptPrinted {
        attempt: AttemptId,
    },
}

impl Entry {
    /// Where this line brings its payment; `None` where it tells of something else.
    #[must_use]
    pub const fn state(&self) -> Option<PaymentState> {
        match self {
            Self::Intent { .. } => Some(PaymentState::Intent),
            Self::Sent { .. } => Some(PaymentState::Sent),
            Self::Answered { .. } => Some(PaymentState::Answered),
            Self::Committed { .. } => Some(PaymentState::Committed),
            Self::NotPaid { .. } => Some(PaymentState::NotPaid),
            Self::InDoubt { .. } => Some(PaymentState::InDoubt),
            Self::NeedsStaff { .. } => Some(PaymentState::NeedsStaff),
            Self::Undo(UndoEntry::Reversed { .. }) => Some(PaymentState::Reversed),
            Self::Evidence { .. } | Self::Undo(_) | Self::Closing(_) | Self::ReceiptPrinted { .. } => None,
        }
    }

    /// The request that is queued for the hospital in the same transaction.
    #[must_use]
    pub const fn request_to_queue(&self) -> Option<&Request> {
        match self {
            Self::Committed { request, .. } | Self::Undo(UndoEntry::Reversed { cancellation: Some(request), .. }) => {
                Some(request)
            }
            Self::Intent { .. }
            | Self::Sent { .. }
            | Self::Answered { .. }
            | Self::NotPaid { .. }
            | Self::InDoubt { .. }
            | Self::NeedsStaff { .. }
            | Self::Evidence { .. }
            | Self::Undo(_)
            | Self::Closing(_)
            | Self::ReceiptPrinted { .. } => None,
        }
    }
}

/// A payment as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    pub attempt: AttemptId,
    /// Shown to patients and staff (`K3-0047`).
    pub number: String,
    pub state: PaymentState,
    pub amount: Amount,
    pub request: Request,
    pub receipt: Receipt,
    pub baseline: LastTransaction,
    pub transaction: Option<CardTransaction>,
    /// Of the answer in the journal, if there is one.
    pub booking: Booking,
    /// Why it stands as it does, in words for lists.
    pub reason: Option<String>,
    /// Why it is for staff, while it is. `None` where an older version wrote words that are not known.
    pub staff_reason: Option<StaffReason>,
    /// How staff found out, where they had to.
    pub evidence: Option<String>,
    pub started_at: DateTime<FixedOffset>,
    pub receipt_printed: bool,
    /// The latest try to take it back.
    pub undo: Option<UndoRecord>,
    /// The terminal's day was closed since, or may have been: by its receipt it cannot be undone any more.
    pub day_closed: bool,
}

impl PaymentRecord {
    /// The day on which it began, by the town's clocks.
    #[must_use]
    pub fn day(&self, zone: &Zone) -> NaiveDate {
        zone.at(&self.started_at).date_naive()
    }

    /// It, or an undo of it, keeps the terminal: no other payment may begin.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.is_open() || self.undo.as_ref().is_some_and(|undo| undo.state.is_open())
    }

    /// In words for the trail.
    #[must_use]
    pub fn standing(&self) -> String {
        let undo = self.undo.as_ref().map_or_else(String::new, |undo| format!(", undo {}", undo.state.word()));
        format!("{}{undo}", self.state.word())
    }

    /// On the staff list: nobody knows whether it was paid, or whether it was given back.
    #[must_use]
    pub fn needs_staff(&self) -> bool {
        self.state == PaymentState::NeedsStaff || self.undo_in_doubt()
    }

    /// Staff have to find out whether it was given back.
    #[must_use]
    pub fn undo_in_doubt(&self) -> bool {
        self.undo.as_ref().is_some_and(|undo| undo.state == UndoState::NeedsStaff)
    }
}
