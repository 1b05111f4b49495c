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
pub(super) struct Booked(Arc<VecDeque<(AttemptId, CardTransaction)>>);

impl Booked {
    pub fn add(&mut self, attempt: AttemptId, transaction: &CardTransaction) {
        if self.0.iter().any(|(known, booking)| *known == attempt && booking == transaction) {
            return;
        }
        let booked = Arc::make_mut(&mut self.0);
        if booked.len() >= BOOKED_MAX {
            booked.pop_front();
        }
        booked.push_back((attempt, transaction.clone()));
    }

    /// It belongs to a payment other than this one.
    pub fn is_of_another(&self, attempt: AttemptId, transaction: &CardTransaction) -> bool {
        self.0.iter().any(|(known, booking)| *known != attempt && booking.is_same_booking(transaction))
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
