//! After a restart: what the journal still holds open is taken up again, one payment after the other.
//!
//! | journal says | what is true | what is done |
//! |---|---|---|
//! | Intent | nothing left the kiosk | `NotPaid` |
//! | Sent, InDoubt | money may have moved | ask the terminal, as soon as it is there |
//! | Answered, approved | money moved | `Committed` at once |
//! | Answered, unconfirmed | moved only if the terminal heard `Confirm` | ask |
//! | Answered, refused | no money moved, unless the refusal proves nothing | `NotPaid`, or ask |

use super::booked::Booked;
use super::{Attempt, Conclusion, Next, Phase, Till};
use crate::domain::payment::{Booking, CardTransaction, Entry, PaymentRecord, PaymentState};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;

impl Till {
    /// Takes up the open payments; they are worked on by [`Till::time`], the first at once.
    pub fn recover(&mut self, open: Vec<PaymentRecord>, kiosk: &mut Kiosk) {
        self.watched = false;
        self.preparing = None;
        for record in open.iter().filter(|record| !record.state.is_open()) {
            self.recover_undo(record.clone(), kiosk);
        }
        for record in open.into_iter().filter(|record| record.state.is_open()) {
            if self.place(record.attempt).is_none() {
                let attempt = taken_up(record, &self.booked, kiosk);
                self.attempts.push_back(attempt);
            }
        }
    }
}

/// What is known already is written down first (`Unkept`), and nothing is asked that need not be.
pub(super) fn taken_up(record: PaymentRecord, booked: &Booked, kiosk: &Kiosk) -> Attempt {
    let (state, transaction, booking) = (record.state, record.transaction, record.booking);
    let mut attempt = Attempt {
        id: record.attempt,
        number: record.number,
        amount: record.amount,
        request: record.request,
        receipt: record.receipt,
        baseline: record.baseline,
        started_at: record.started_at,
        // Whatever stopped the kiosk may have stopped the terminal too.
        maybe_restarted: true,
        phase: Phase::Doubt { asks: 0, next: Next::At(kiosk.tick()) },
        called_off: None,
        refused: Some(NotPaidWhy::TakenBack),
        withdrawn: false,
        ticket: None,
        doubt_since: Some(kiosk.tick()),
    };
    if let Some((entry, conclusion)) =
        known(&attempt, state, transaction.as_ref().map(|answer| (answer, booking)), booked, kiosk)
    {
        attempt.phase =
            Phase::Unkept { entries: vec![entry], conclusion, retry_at: kiosk.tick(), wait_ms: super::RETRY_FIRST_MS };
    }
    attempt
}

fn known(
    attempt: &Attempt,
    state: PaymentState,
    answer: Option<(&CardTransaction, Booking)>,
    booked: &Booked,
    kiosk: &Kiosk,
) -> Option<(Entry, Conclusion)> {
    match state {
        PaymentState::Intent => {
            let reason = "the kiosk stopped before anything was sent".to_owned();
            Some((Entry::NotPaid { attempt: attempt.id, reason }, Conclusion::NotPaid(NotPaidWhy::Checked)))
        }
        PaymentState::Answered => answer.map(|(answer, booking)| match booking {
            Booking::Unconfirmed if answer.approved => {
                let reason = "the kiosk stopped while the terminal waited for its word".to_owned();
                (Entry::InDoubt { attempt: attempt.id, reason }, Conclusion::Doubt)
            }
            Booking::Unconfirmed | Booking::Final => attempt.judge(answer, false, booked, kiosk),
        }),
        PaymentState::Sent => {
            let reason = "the kiosk stopped after the amount was sent".to_owned();
            Some((Entry::InDoubt { attempt: attempt.id, reason }, Conclusion::Doubt))
        }
        PaymentState::InDoubt
        | PaymentState::Committed
        | PaymentState::Settled
        | PaymentState::NotPaid
        | PaymentState::NeedsStaff
        | PaymentState::Reversed => None,
    }
}
