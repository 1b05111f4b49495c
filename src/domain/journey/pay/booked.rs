//! Which booking belongs to which payment: none is ever given to two. The store looks once more when it commits.

use super::Till;
use crate::domain::payment::{AttemptId, CardTransaction};
use crate::domain::session::StaffAnswer;
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

/// More than a terminal can mix up: it tells of its last transaction only.
const BOOKED_MAX: usize = 256;

/// Shared by the session and its copy from before the last list.
#[derive(Clone, Default)]
pub(super) struct Booked(Arc<VecDeque<Line>>);

#[derive(Clone)]
struct Line {
    attempt: AttemptId,
    booking: CardTransaction,
    /// Committed by this till.
    paid: bool,
}

impl Booked {
    pub fn add(&mut self, attempt: AttemptId, booking: &CardTransaction) {
        self.push(attempt, booking, false);
    }

    pub fn add_paid(&mut self, attempt: AttemptId, booking: &CardTransaction) {
        self.push(attempt, booking, true);
    }

    fn push(&mut self, attempt: AttemptId, booking: &CardTransaction, paid: bool) {
        let booked = Arc::make_mut(&mut self.0);
        booked.retain(|line| line.attempt != attempt || line.booking != *booking);
        if booked.len() >= BOOKED_MAX {
            booked.pop_front();
        }
        booked.push_back(Line { attempt, booking: booking.clone(), paid });
    }

    /// It is the booking that this payment was committed with.
    pub fn is_paid(&self, attempt: AttemptId, booking: &CardTransaction) -> bool {
        self.0.iter().any(|line| line.paid && line.attempt == attempt && line.booking.is_same_booking(booking))
    }

    /// It belongs to a payment other than this one.
    pub fn is_of_another(&self, attempt: AttemptId, booking: &CardTransaction) -> bool {
        self.0.iter().any(|line| line.attempt != attempt && line.booking.is_same_booking(booking))
    }
}

impl Till {
    /// What the journal knew at start.
    pub fn know_booked(&mut self, booked: &[(AttemptId, CardTransaction)]) {
        for (attempt, transaction) in booked {
            self.booked.add(*attempt, transaction);
        }
    }

    /// For whoever gave these orders.
    pub fn take_answers(&mut self) -> Vec<(Uuid, StaffAnswer)> {
        std::mem::take(&mut self.answers)
    }
}
