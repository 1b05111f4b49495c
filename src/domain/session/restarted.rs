//! What a session is told of the journal when it starts, made in one place for the product and the rehearsal.

use super::{Given, Input, TriesKept, UndoAnswer};
use crate::domain::payment::{AttemptId, CardTransaction, LastTransaction, PaymentRecord, PaymentState};
use crate::domain::undo::{UndoRecord, UndoState};
use chrono::{DateTime, FixedOffset};

/// A payment or an undo, when it began, and the terminal's last transaction before it, if that is known.
type Began = (DateTime<FixedOffset>, AttemptId, LastTransaction);

impl Input {
    /// From all payments of the journal, the newest last.
    #[must_use]
    pub fn restarted(payments: Vec<PaymentRecord>, given: Given, tries: Option<TriesKept>) -> Self {
        let undos = || payments.iter().filter_map(|payment| payment.undo.as_ref());
        let booked = payments.iter().filter_map(booked).collect();
        let strayed = undos().filter(|undo| may_have_strayed(undo)).map(|undo| (undo.undo, undo.started_at)).collect();
        let mut began: Vec<Began> = payments.iter().map(began).chain(undos().map(undo_began)).collect();
        // Stable: payments that began in the same second stay in order.
        began.sort_by_key(|(at, _, _)| *at);
        let began = began.into_iter().map(|(_, attempt, baseline)| (attempt, baseline)).collect();
        let open = payments.into_iter().filter(PaymentRecord::is_open).collect();
        Self::Restarted { open, booked, began, strayed, given, tries: tries.map(Box::new) }
    }
}

fn began(payment: &PaymentRecord) -> Began {
    (payment.started_at, payment.attempt, payment.baseline.clone())
}

/// What the terminal told before an undo is not kept.
fn undo_began(undo: &UndoRecord) -> Began {
    (undo.started_at, undo.undo, LastTransaction::Unknown)
}

/// In doubt; or told to have hit another sale, also where staff know by now that it did not hit this one.
fn may_have_strayed(undo: &UndoRecord) -> bool {
    undo.state.is_in_doubt()
        || undo.state != UndoState::Reversed && matches!(undo.answer, Some(UndoAnswer::Unlike { .. }))
}

/// The booking that belongs to this payment and to no other.
fn booked(payment: &PaymentRecord) -> Option<(AttemptId, DateTime<FixedOffset>, CardTransaction)> {
    let booking = payment.transaction.as_ref().filter(|booking| booking.approved)?;
    (payment.state != PaymentState::NotPaid).then(|| (payment.attempt, payment.started_at, booking.clone()))
}

#[cfg(test)]
mod tests {
    use super::may_have_strayed;
    use crate::domain::money::Amount;
    use crate::domain::payment::{AttemptId, CardTransaction};
    use crate::domain::session::{UndoAnswer, UndoWay};
    use crate::domain::undo::{UndoRecord, UndoState};
    use chrono::DateTime;
    use uuid::Uuid;

    #[test]
    fn an_undo_that_hit_another_sale_is_remembered_though_staff_settled_it() {
        let sale = CardTransaction {
            approved: true,
            amount: Amount(5_100),
            approval_number: String::new(),
            masked_card: String::new(),
            issuer: String::new(),
            acquirer: String::new(),
            terminal_time: String::new(),
            unique_number: "0012-000012".to_owned(),
            merchant_number: String::new(),
            decline: None,
        };
        let unlike = || Some(UndoAnswer::Unlike { reason: "another amount".to_owned() });
        for (state, answer, wanted) in [
            (UndoState::NeedsStaff, None, true),
            (UndoState::InDoubt, None, true),
            (UndoState::NotReversed, unlike(), true),
            (UndoState::Reversed, unlike(), false),
            (
                UndoState::NotReversed,
                Some(UndoAnswer::Refused { code: "B5".to_owned(), message: String::new() }),
                false,
            ),
            (UndoState::NotReversed, None, false),
            (UndoState::Reversed, Some(UndoAnswer::Reversed), false),
        ] {
            let undo = UndoRecord {
                undo: AttemptId(Uuid::nil()),
                way: UndoWay::WithoutCard,
                state,
                amount: Amount(5_100),
                transaction: sale.clone(),
                answer,
                reason: None,
                started_at: DateTime::UNIX_EPOCH.fixed_offset(),
            };
            assert_eq!(may_have_strayed(&undo), wanted, "{:?} {:?}", undo.state, undo.answer);
        }
    }
}
