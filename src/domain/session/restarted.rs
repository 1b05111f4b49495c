//! What a session is told of the journal when it starts, made in one place for the product and the rehearsal.

use super::Input;
use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction, PaymentState};
use crate::domain::numbers::Given;
use crate::domain::payment::PaymentRecord;
use crate::domain::terminal::{UndoAnswer, UndoWay};
use crate::domain::tries::TriesKept;
use crate::domain::undo::{UndoRecord, UndoState};
use chrono::{DateTime, FixedOffset};

/// A payment or an undo, when it began, and the terminal's last transaction before it, if that is known.
type Began = (DateTime<FixedOffset>, AttemptId, LastTransaction);

/// An undo of which nobody knows what it gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrayedUndo {
    pub undo: AttemptId,
    /// The payment that it was to give back.
    pub of: AttemptId,
    /// When that began, and when the undo did.
    pub sold_at: DateTime<FixedOffset>,
    pub sent_at: DateTime<FixedOffset>,
    /// People found out that this payment stands.
    pub stands: bool,
}

impl Input {
    /// From all payments of the journal, the newest last.
    #[must_use]
    pub fn restarted(payments: Vec<PaymentRecord>, given: Given, tries: Option<TriesKept>) -> Self {
        let undos = || payments.iter().filter_map(|payment| payment.undo.as_ref());
        let booked = payments.iter().filter_map(booked).collect();
        let mut strayed: Vec<StrayedUndo> = payments.iter().filter_map(strayed).collect();
        strayed.sort_by_key(|strayed| strayed.sent_at);
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

fn strayed(payment: &PaymentRecord) -> Option<StrayedUndo> {
    let undo = payment.undo.as_ref()?;
    may_have_strayed(undo, payment.evidence.is_some()).then_some(StrayedUndo {
        undo: undo.undo,
        of: payment.attempt,
        sold_at: payment.started_at,
        sent_at: undo.started_at,
        stands: undo.state == UndoState::NotReversed,
    })
}

/// In doubt without the card; or told to have hit another sale, also where staff know by now that it did not hit this one.
/// `by_people`: they found out something of this payment. An undo that no answer ended is over by their word then: where
/// it did not hit its own sale, it may have hit another.
fn may_have_strayed(undo: &UndoRecord, by_people: bool) -> bool {
    let settled = by_people && undo.state == UndoState::NotReversed && undo.answer.is_none();
    let told = undo.state != UndoState::Reversed && matches!(undo.answer, Some(UndoAnswer::Unlike { .. }));
    told || undo.way == UndoWay::WithoutCard && (undo.state.is_in_doubt() || settled)
}

/// The booking that belongs to this payment and to no other.
fn booked(payment: &PaymentRecord) -> Option<(AttemptId, DateTime<FixedOffset>, CardTransaction)> {
    let booking = payment.transaction.as_ref().filter(|booking| booking.approved)?;
    (payment.state != PaymentState::NotPaid).then(|| (payment.attempt, payment.started_at, booking.clone()))
}

#[cfg(test)]
mod tests {
    use super::may_have_strayed;
    use crate::domain::attempt::{AttemptId, CardTransaction};
    use crate::domain::money::Amount;
    use crate::domain::terminal::{UndoAnswer, UndoWay};
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
        let refused = || Some(UndoAnswer::Refused { code: "B5".to_owned(), message: String::new() });
        let (by_hand, with_card) = (UndoWay::WithoutCard, UndoWay::WithCard);
        for (way, state, answer, by_people, wanted) in [
            (by_hand, UndoState::NeedsStaff, None, false, true),
            (by_hand, UndoState::InDoubt, None, false, true),
            (by_hand, UndoState::NotReversed, unlike(), false, true),
            (by_hand, UndoState::Reversed, unlike(), false, false),
            (by_hand, UndoState::NotReversed, refused(), false, false),
            (by_hand, UndoState::NotReversed, None, false, false),
            // No answer ever came, and people found out that the sale stands.
            (by_hand, UndoState::NotReversed, None, true, true),
            (by_hand, UndoState::Reversed, None, true, false),
            (by_hand, UndoState::Reversed, Some(UndoAnswer::Reversed), false, false),
            // The money went to the card that was shown, or nowhere.
            (with_card, UndoState::NeedsStaff, None, false, false),
            (with_card, UndoState::NotReversed, None, true, false),
            (with_card, UndoState::NotReversed, unlike(), true, true),
        ] {
            let undo = UndoRecord {
                undo: AttemptId(Uuid::nil()),
                way,
                state,
                amount: Amount(5_100),
                transaction: sale.clone(),
                answer,
                reason: None,
                started_at: DateTime::UNIX_EPOCH.fixed_offset(),
            };
            let said = may_have_strayed(&undo, by_people);
            assert_eq!(said, wanted, "{:?} {:?} {:?} {by_people}", undo.way, undo.state, undo.answer);
        }
    }
}
