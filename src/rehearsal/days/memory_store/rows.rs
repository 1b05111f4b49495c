//! What the ledger's rules ask, looked up in the lists.

use super::{Row, Tables, sequence};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::closing::{ClosingId, ClosingRecord};
use crate::domain::ledger::{Booked, Queued, Refusal, Rows, Waiting, Which};
use crate::domain::outbox::Request;
use crate::domain::payment::PaymentRecord;
use crate::domain::undo::{UndoRecord, UndoState};
use std::borrow::Cow;
use uuid::Uuid;

type Found<T> = Result<T, Refusal>;

impl Rows for Tables {
    type Error = Refusal;

    fn payment(&self, attempt: AttemptId) -> Found<Option<Cow<'_, PaymentRecord>>> {
        Ok(self.place_of(attempt).map(|at| Cow::Borrowed(&self.payments[at])))
    }

    fn has_payment(&self, stands: fn(PaymentState) -> bool, but: Option<AttemptId>) -> Found<bool> {
        Ok(self.payments.iter().any(|payment| stands(payment.state) && Some(payment.attempt) != but))
    }

    fn has_undo(&self, stands: fn(UndoState) -> bool) -> Found<bool> {
        Ok(self.undos.iter().any(|(_, undo)| stands(undo.state)))
    }

    fn payments_of(&self, request: Uuid) -> Found<Vec<(AttemptId, PaymentState)>> {
        let theirs = self.payments.iter().filter(|payment| payment.request.id == request);
        Ok(theirs.map(|payment| (payment.attempt, payment.state)).collect())
    }

    fn bookings_like(&self, card: &CardTransaction) -> Found<Vec<Booked>> {
        let like = |payment: &PaymentRecord| {
            let card = payment.transaction.as_ref().filter(|known| known.shares_mark(card))?.clone();
            Some(Booked { attempt: payment.attempt, number: payment.number.clone(), state: payment.state, card })
        };
        Ok(self.payments.iter().filter_map(like).collect())
    }

    fn undo(&self, undo: AttemptId) -> Found<Option<(AttemptId, Cow<'_, UndoRecord>)>> {
        let found = self.undos.iter().rev().find(|(_, known)| known.undo == undo);
        Ok(found.map(|(of, known)| (*of, Cow::Borrowed(known))))
    }

    fn closing(&self, closing: ClosingId) -> Found<Option<Cow<'_, ClosingRecord>>> {
        Ok(self.closings.iter().find(|known| known.closing == closing).map(Cow::Borrowed))
    }

    /// Nothing is ever forgotten here.
    fn last_places(&self) -> Found<(i64, i64)> {
        let last = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        Ok((last(self.payments.len()), last(self.undos.len())))
    }

    fn queued(&self, request: Uuid) -> Found<Option<Queued<'_>>> {
        let row = self.outbox.iter().rev().find(|row| row.id == request);
        Ok(row
            .map(|row| Queued { request: row.request.as_ref().map(Cow::Borrowed), bundle: Cow::Borrowed(&row.bundle) }))
    }

    fn waiting(&self, which: Which) -> Found<Option<Waiting>> {
        let at = match which {
            Which::Sequence(sequence) => index(sequence),
            Which::Id(id) => self.outbox.iter().rposition(|row| row.id == id),
        };
        let row = at.and_then(|at| Some((sequence(at), self.outbox.get(at)?)));
        let waiting = |(sequence, row): (i64, &Row)| Waiting {
            sequence,
            state: row.state,
            tries: row.tries,
            in_part: row.in_part,
        };
        Ok(row.map(waiting))
    }

    fn request(&self, sequence: i64) -> Found<Option<Cow<'_, Request>>> {
        let row = index(sequence).and_then(|at| self.outbox.get(at));
        Ok(row.and_then(|row| row.request.as_ref()).map(Cow::Borrowed))
    }
}

impl Tables {
    pub(super) fn place_of(&self, attempt: AttemptId) -> Option<usize> {
        self.payments.iter().rposition(|payment| payment.attempt == attempt)
    }
}

pub(super) fn index(sequence: i64) -> Option<usize> {
    usize::try_from(sequence - 1).ok()
}
