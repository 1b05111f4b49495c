//! What a session is told of the journal when it starts, made in one place for the product and the rehearsal.

use super::{Given, Input};
use crate::domain::payment::{AttemptId, CardTransaction, LastTransaction, PaymentRecord, PaymentState};
use crate::domain::undo::UndoRecord;
use chrono::{DateTime, FixedOffset};

/// A payment or an undo, when it began, and the terminal's last transaction before it, if that is known.
type Began = (DateTime<FixedOffset>, AttemptId, LastTransaction);

impl Input {
    /// From all payments of the journal, the newest last.
    #[must_use]
    pub fn restarted(payments: Vec<PaymentRecord>, given: Given) -> Self {
        let undos = || payments.iter().filter_map(|payment| payment.undo.as_ref());
        let last_unprinted = payments.iter().rev().find(|payment| awaits_receipt(payment)).cloned().map(Box::new);
        let booked = payments.iter().filter_map(booked).collect();
        let strayed =
            undos().filter(|undo| undo.state.is_in_doubt()).map(|undo| (undo.undo, undo.started_at)).collect();
        let mut began: Vec<Began> = payments.iter().map(began).chain(undos().map(undo_began)).collect();
        // Stable: payments that began in the same second stay in order.
        began.sort_by_key(|(at, _, _)| *at);
        let began = began.into_iter().map(|(_, attempt, baseline)| (attempt, baseline)).collect();
        let open = payments.into_iter().filter(PaymentRecord::is_open).collect();
        Self::Restarted { open, booked, began, strayed, given, last_unprinted }
    }
}

fn began(payment: &PaymentRecord) -> Began {
    (payment.started_at, payment.attempt, payment.baseline.clone())
}

/// What the terminal told before an undo is not kept.
fn undo_began(undo: &UndoRecord) -> Began {
    (undo.started_at, undo.undo, LastTransaction::Unknown)
}

/// The booking that belongs to this payment and to no other.
fn booked(payment: &PaymentRecord) -> Option<(AttemptId, DateTime<FixedOffset>, CardTransaction)> {
    let booking = payment.transaction.as_ref().filter(|booking| booking.approved)?;
    (payment.state != PaymentState::NotPaid).then(|| (payment.attempt, payment.started_at, booking.clone()))
}

/// Paid here, and no proof that its receipt came out.
fn awaits_receipt(payment: &PaymentRecord) -> bool {
    matches!(payment.state, PaymentState::Committed | PaymentState::Settled) && !payment.receipt_printed
}
