//! What lies between two ends of day, put together from the journal's rows.

use super::{ClosingRecord, DayBook, Move, MoveKind, receipt_in, was_charged, was_given_back};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::money::Amount;
use crate::domain::undo::UndoState;
use chrono::{DateTime, FixedOffset};

/// Where the payments and the undos of a day lie in the journal: behind the first place, up to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub charges: (i64, i64),
    pub undos: (i64, i64),
}

/// A payment or an undo, as far as the book needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved<S> {
    pub place: i64,
    /// The payment's, as the number.
    pub attempt: AttemptId,
    pub number: String,
    pub at: DateTime<FixedOffset>,
    pub amount: Amount,
    pub state: S,
}

impl Span {
    /// `closings` end with the day that is looked at. If another one is the first, the terminal counted from nothing after it,
    /// or the journal knows of no such end.
    #[must_use]
    pub fn of(closings: &[ClosingRecord]) -> Option<Self> {
        let last = closings.last()?;
        let first = closings.first().filter(|first| first.closing != last.closing && first.divides().begins_anew());
        let (charges_from, undos_from) = first.map_or((0, 0), |first| (first.charges_to, first.undos_to));
        Some(Self { charges: (charges_from, last.charges_to), undos: (undos_from, last.undos_to) })
    }
}

impl DayBook {
    /// All payments of the span that are left, with what the terminal answered, and all undos; oldest first.
    #[must_use]
    pub fn of(
        closings: Vec<ClosingRecord>,
        span: Span,
        charges: Vec<(Moved<PaymentState>, Option<CardTransaction>)>,
        undos: Vec<Moved<UndoState>>,
    ) -> Self {
        let places = span.charges.1 - span.charges.0;
        let forgotten = u64::try_from(places).unwrap_or(0).saturating_sub(charges.len() as u64);
        let mut book = Self { closings, forgotten, ..Self::default() };
        for (charge, card) in charges {
            let receipt = card.and_then(|card| receipt_in(&card.unique_number));
            book.receipts.extend(receipt);
            book.moves.extend(was_charged(charge.state).map(|sure| charge.moved(MoveKind::Charge, sure, receipt)));
        }
        for undo in undos {
            book.moves.extend(was_given_back(undo.state).map(|sure| undo.moved(MoveKind::GivenBack, sure, None)));
        }
        book.moves.sort_by_key(|moved| moved.at);
        book
    }
}

impl<S> Moved<S> {
    fn moved(self, kind: MoveKind, sure: bool, receipt: Option<u16>) -> Move {
        let Self { place, attempt, number, at, amount, .. } = self;
        Move { attempt, number, at, kind, amount, sure, receipt, place }
    }
}
