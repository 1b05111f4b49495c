//! What moved between two ends of the terminal's day.

use super::{PaymentRecord, Tables, sequence};
use crate::domain::attempt::{CardTransaction, PaymentState};
use crate::domain::closing::{ClosingId, ClosingRecord, DayBook, Moved, Span};
use crate::domain::undo::UndoState;

impl Tables {
    /// The last charge that the terminal may not find by its receipt any more.
    pub(super) fn closed_to(&self) -> i64 {
        let hiding = self.closings.iter().filter(|known| known.divides().may_hide_receipts());
        hiding.map(|known| known.charges_to).max().unwrap_or(0)
    }

    pub(super) fn day_book(&self, closing: ClosingId) -> DayBook {
        let Some(at) = self.closings.iter().position(|known| known.closing == closing) else {
            return DayBook::default();
        };
        let anew = |known: &ClosingRecord| known.divides().begins_anew();
        let from = self.closings[..at].iter().rposition(anew).unwrap_or(0);
        let closings = self.closings[from..=at].to_vec();
        let Some(span) = Span::of(&closings) else { return DayBook::default() };
        let (charges, undos) = (self.charges(span), self.undos(span));
        DayBook::of(closings, span, charges, undos)
    }

    fn charges(&self, span: Span) -> Vec<(Moved<PaymentState>, Option<CardTransaction>)> {
        let moved = |(place, payment): (usize, &PaymentRecord)| {
            let moved = Moved {
                place: sequence(place),
                attempt: payment.attempt,
                number: payment.number.clone(),
                at: payment.started_at,
                amount: payment.amount,
                state: payment.state,
            };
            (moved, payment.transaction.clone())
        };
        let all = self.payments.iter().enumerate().map(moved);
        all.filter(|(moved, _)| moved.place > span.charges.0 && moved.place <= span.charges.1).collect()
    }

    fn undos(&self, span: Span) -> Vec<Moved<UndoState>> {
        let all = self.undos.iter().enumerate().filter_map(|(place, (of, undo))| {
            let payment = &self.payments[self.place_of(*of)?];
            Some(Moved {
                place: sequence(place),
                attempt: *of,
                number: payment.number.clone(),
                at: undo.started_at,
                amount: undo.amount,
                state: undo.state,
            })
        });
        all.filter(|moved| moved.place > span.undos.0 && moved.place <= span.undos.1).collect()
    }
}
