//! The rules of what the kiosk keeps: which line of the journal may follow which, and what becomes of a request in the queue.
//!
//! Pure. A rule asks [`Rows`] for what it has to know, and for that alone, and comes to a [`Change`] or to a [`Refusal`]. The
//! store on the disk and the rehearsal's in memory look rows up and write changes; what may be is decided here.

mod change;
mod charge;
mod closing;
mod queue;
mod refusal;
#[cfg(test)]
mod tests;
mod undo;

pub use change::{Change, Left, NewPayment, NewUndo, SetPayment, SetRequest, SetUndo, Standing, Waits, Write};
pub use queue::{begin_try, close_by_hand, end_try, queue, retry};
pub use refusal::Refusal;

use super::attempt::{AttemptId, CardTransaction, PaymentState};
use super::closing::{ClosingId, ClosingRecord};
use super::outbox::{QueueState, Request, Tries};
use super::payment::{Entry, PaymentRecord};
use super::reason::InPart;
use super::undo::{UndoRecord, UndoState};
use chrono::{DateTime, FixedOffset};
use std::borrow::Cow;
use uuid::Uuid;

type Time = DateTime<FixedOffset>;

/// What the rules have to know of what is kept already. Nothing is read that no rule asks for.
#[expect(clippy::missing_errors_doc, reason = "an error is the store's own: a row cannot be read")]
pub trait Rows {
    type Error: From<Refusal>;

    /// With its latest undo.
    fn payment(&self, attempt: AttemptId) -> Result<Option<Cow<'_, PaymentRecord>>, Self::Error>;
    /// Whether a payment other than `but` stands so.
    fn has_payment(&self, stands: fn(PaymentState) -> bool, but: Option<AttemptId>) -> Result<bool, Self::Error>;
    /// Whether an undo stands so.
    fn has_undo(&self, stands: fn(UndoState) -> bool) -> Result<bool, Self::Error>;
    /// Every payment of this request, oldest first.
    fn payments_of(&self, request: Uuid) -> Result<Vec<(AttemptId, PaymentState)>, Self::Error>;
    /// The payments whose card transaction has a mark in common with this one ([`CardTransaction::shares_mark`]).
    fn bookings_like(&self, card: &CardTransaction) -> Result<Vec<Booked>, Self::Error>;
    /// With the payment that it is of.
    fn undo(&self, undo: AttemptId) -> Result<Option<(AttemptId, Cow<'_, UndoRecord>)>, Self::Error>;
    fn closing(&self, closing: ClosingId) -> Result<Option<Cow<'_, ClosingRecord>>, Self::Error>;
    /// The last places that were ever given to a payment and to an undo: those rows themselves may be gone.
    fn last_places(&self) -> Result<(i64, i64), Self::Error>;
    /// Under this identifier in the queue.
    fn queued(&self, request: Uuid) -> Result<Option<Queued<'_>>, Self::Error>;
    fn waiting(&self, which: Which) -> Result<Option<Waiting>, Self::Error>;
    /// `None` once it is over.
    fn request(&self, sequence: i64) -> Result<Option<Cow<'_, Request>>, Self::Error>;
}

/// A row of the queue, by its place or by its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Sequence(i64),
    Id(Uuid),
}

/// A payment with the card transaction that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub attempt: AttemptId,
    pub number: String,
    pub state: PaymentState,
    pub card: CardTransaction,
}

/// What the queue holds under an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued<'r> {
    /// `None` once it is over: nothing is left that another could be compared with.
    pub request: Option<Cow<'r, Request>>,
    pub bundle: Cow<'r, [u8]>,
}

/// How a request in the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub sequence: i64,
    pub state: QueueState,
    pub tries: Tries,
    pub in_part: Option<InPart>,
}

/// What this line of the journal changes. `bundle` is what the hospital gets with it, frozen; empty where it gets nothing.
///
/// # Errors
/// It may not follow what is there: [`Refusal`], now and for ever. Or a row could not be read.
pub fn record<'a, R: Rows>(entry: &'a Entry, bundle: &'a [u8], at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    match entry {
        Entry::Undo(entry) => undo::record(entry, bundle, at, rows),
        Entry::Closing(entry) => closing::record(entry, at, rows),
        Entry::Intent { .. }
        | Entry::Sent { .. }
        | Entry::Answered { .. }
        | Entry::Committed { .. }
        | Entry::NotPaid { .. }
        | Entry::InDoubt { .. }
        | Entry::NeedsStaff { .. }
        | Entry::Evidence { .. }
        | Entry::ReceiptPrinted { .. } => charge::record(entry, bundle, at, rows),
    }
}

/// One terminal, one money operation at a time; `but` is the payment that is to be moved itself.
fn refuse_beside_open<R: Rows>(rows: &R, but: Option<AttemptId>) -> Result<(), R::Error> {
    if rows.has_payment(PaymentState::is_open, but)? {
        return Err(Refusal::PaymentOpen.into());
    }
    if rows.has_undo(UndoState::is_open)? {
        return Err(Refusal::UndoOpen.into());
    }
    Ok(())
}
