//! The tables under the ledger's rules (`domain::ledger`): the rows that they ask for are read, and what they come to is
//! written. Nothing is decided here.

use super::column::{payment_word, undo_word, words};
use super::fault::Result;
use super::{closing, journal, outbox, undo};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::closing::{ClosingId, ClosingRecord};
use crate::domain::ledger::{Booked, Change, Queued, Refusal, Rows, Waiting, Which, Write};
use crate::domain::outbox::Request;
use crate::domain::payment::PaymentRecord;
use crate::domain::undo::{UndoRecord, UndoState};
use crate::ports::StoreError;
use rusqlite::Transaction;
use std::borrow::Cow;
use uuid::Uuid;

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}

/// Writes what a rule comes to. True if personal data was erased.
pub(super) fn apply<'a>(tx: &Transaction<'_>, rule: impl FnOnce(&Tables<'_>) -> Result<Change<'a>>) -> Result<bool> {
    write(tx, rule(&Tables(tx))?)
}

/// The same of a rule that may come to nothing: then `None`.
pub(super) fn apply_if<'a>(
    tx: &Transaction<'_>,
    rule: impl FnOnce(&Tables<'_>) -> Result<Option<Change<'a>>>,
) -> Result<Option<bool>> {
    rule(&Tables(tx))?.map(|change| write(tx, change)).transpose()
}

fn write(tx: &Transaction<'_>, change: Change<'_>) -> Result<bool> {
    for write in change.writes {
        match write {
            Write::NewPayment(new) => journal::insert(tx, &new)?,
            Write::Payment { attempt, set } => journal::update(tx, attempt, &set)?,
            Write::NewUndo(new) => undo::insert(tx, &new)?,
            Write::Undo { undo, set } => undo::update(tx, undo, &set)?,
            Write::NewClosing(new) => closing::insert(tx, &new)?,
            Write::Closing { closing, end, at } => closing::update(tx, closing, end, at)?,
            Write::NewRequest { request, bundle } => outbox::insert(tx, request, bundle)?,
            Write::Request { sequence, set } => outbox::update(tx, sequence, &set)?,
            Write::Over { sequence, left } => outbox::erase(tx, sequence, &left)?,
        }
    }
    Ok(change.erases)
}

/// As they stand within a transaction.
pub(super) struct Tables<'t>(&'t Transaction<'t>);

impl Rows for Tables<'_> {
    type Error = StoreError;

    fn payment(&self, attempt: AttemptId) -> Result<Option<Cow<'_, PaymentRecord>>> {
        Ok(journal::find(self.0, attempt)?.map(Cow::Owned))
    }

    fn has_payment(&self, stands: fn(PaymentState) -> bool, but: Option<AttemptId>) -> Result<bool> {
        let states = PaymentState::ALL.into_iter().filter(|state| stands(*state)).map(payment_word);
        journal::exists(self.0, &words(states), but)
    }

    fn has_undo(&self, stands: fn(UndoState) -> bool) -> Result<bool> {
        let states = UndoState::ALL.into_iter().filter(|state| stands(*state)).map(undo_word);
        undo::exists(self.0, &words(states))
    }

    fn payments_of(&self, request: Uuid) -> Result<Vec<(AttemptId, PaymentState)>> {
        journal::of_request(self.0, request)
    }

    fn bookings_like(&self, card: &CardTransaction) -> Result<Vec<Booked>> {
        journal::bookings_like(self.0, card)
    }

    fn undo(&self, undo: AttemptId) -> Result<Option<(AttemptId, Cow<'_, UndoRecord>)>> {
        Ok(undo::find(self.0, undo)?.map(|(of, record)| (of, Cow::Owned(record))))
    }

    fn closing(&self, closing: ClosingId) -> Result<Option<Cow<'_, ClosingRecord>>> {
        Ok(closing::find(self.0, closing)?.map(|(_, record)| Cow::Owned(record)))
    }

    fn last_places(&self) -> Result<(i64, i64)> {
        closing::last_places(self.0)
    }

    fn queued(&self, request: Uuid) -> Result<Option<Queued<'_>>> {
        outbox::queued(self.0, request)
    }

    fn waiting(&self, which: Which) -> Result<Option<Waiting>> {
        outbox::waiting(self.0, which)
    }

    fn request(&self, sequence: i64) -> Result<Option<Cow<'_, Request>>> {
        Ok(outbox::request(self.0, sequence)?.map(Cow::Owned))
    }
}
