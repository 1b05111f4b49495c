//! After a restart: what the journal still holds open is taken up again, one payment after the other.
//!
//! | journal says | what is true | what is done |
//! |---|---|---|
//! | Intent (older versions wrote it alone) | nothing left the kiosk | `NotPaid` |
//! | Sent, InDoubt | money may have moved | ask the terminal, as soon as it is there |
//! | Answered, approved | money moved | `Committed` at once |
//! | Answered, unconfirmed | moved only if the terminal heard `Confirm` | ask |
//! | Answered, refused | no money moved, unless the refusal proves nothing | `NotPaid`, or ask |

use super::Work;
use super::books::Books;
use super::charge::{Charge, Conclusion, Next, Running, Sale, Stop};
use super::operation::Operation;
use super::undo::Undo;
use crate::domain::attempt::{Booking, CardTransaction, PaymentState};
use crate::domain::payment::{Entry, PaymentRecord};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;

/// The open payments, in the order in which they are worked on.
pub(super) fn recover(open: Vec<PaymentRecord>, books: &Books, kiosk: &Kiosk) -> Vec<Work> {
    let (paying, undoing): (Vec<_>, Vec<_>) = open.into_iter().partition(|record| record.state.is_open());
    let undoing = undoing.into_iter().filter_map(|record| Undo::taken_up(record, books, kiosk));
    let paying = paying.into_iter().map(|record| Work::Charging(Box::new(taken_up(record, books, kiosk))));
    undoing.map(|undo| Work::Undoing(Box::new(undo))).chain(paying).collect()
}

/// What is known already is written down first, and nothing is asked that need not be.
pub(super) fn taken_up(record: PaymentRecord, books: &Books, kiosk: &Kiosk) -> Charge {
    let (state, transaction, booking) = (record.state, record.transaction, record.booking);
    let mut charge = Charge {
        id: record.attempt,
        sale: Sale {
            number: record.number,
            amount: record.amount,
            request: record.request,
            receipt: record.receipt,
            baseline: record.baseline,
            started_at: record.started_at,
        },
        order_id: None,
        doubt_since: Some(kiosk.tick()),
        // Whatever stopped the kiosk may have stopped the terminal too.
        maybe_restarted: true,
        stop: Stop { refused: Some(NotPaidWhy::TakenBack), ..Stop::default() },
        operation: Operation::Running(Running::Doubt { asks: 0, next: Next::At(kiosk.tick()) }),
    };
    let answer = transaction.as_ref().map(|answer| (answer, booking));
    if let Some((entry, conclusion)) = known(&charge, state, answer, books, kiosk) {
        charge.operation = Operation::known(vec![entry], conclusion, kiosk.tick());
    }
    charge
}

fn known(
    charge: &Charge,
    state: PaymentState,
    answer: Option<(&CardTransaction, Booking)>,
    books: &Books,
    kiosk: &Kiosk,
) -> Option<(Entry, Conclusion)> {
    match state {
        PaymentState::Intent => {
            let reason = "the kiosk stopped before anything was sent".to_owned();
            Some((Entry::NotPaid { attempt: charge.id, reason }, Conclusion::NotPaid(NotPaidWhy::Checked)))
        }
        PaymentState::Answered => answer.map(|(answer, booking)| match booking {
            Booking::Unconfirmed if answer.approved => {
                let reason = "the kiosk stopped while the terminal waited for its word".to_owned();
                (Entry::InDoubt { attempt: charge.id, reason }, Conclusion::Doubt)
            }
            Booking::Unconfirmed | Booking::Final => charge.judge(answer, false, books, kiosk),
        }),
        PaymentState::Sent => {
            let reason = "the kiosk stopped after the amount was sent".to_owned();
            Some((Entry::InDoubt { attempt: charge.id, reason }, Conclusion::Doubt))
        }
        PaymentState::InDoubt
        | PaymentState::Committed
        | PaymentState::Settled
        | PaymentState::NotPaid
        | PaymentState::NeedsStaff
        | PaymentState::Reversed => None,
    }
}
