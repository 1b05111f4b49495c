//! What staff order about a payment that the till has handed to them.

use super::recover::taken_up;
use super::{Conclusion, Phase, RETRY_FIRST_MS, Till};
use crate::domain::payment::{Entry, PaymentRecord, PaymentState};
use crate::domain::session::StaffOrder;
use crate::domain::session::kiosk::Kiosk;

impl Till {
    /// Carried out at the next wake-up; nothing happens while another payment is open.
    pub fn staff(&mut self, order: &StaffOrder, payment: PaymentRecord, kiosk: &Kiosk) {
        if self.is_open() || payment.state != PaymentState::NeedsStaff {
            return;
        }
        match order {
            StaffOrder::Ask => {
                let mut attempt = taken_up(payment, kiosk);
                let reason = "staff had the terminal asked once more".to_owned();
                attempt.phase = Phase::Unkept {
                    entries: vec![Entry::InDoubt { attempt: attempt.id, reason }],
                    conclusion: Conclusion::Doubt,
                    retry_at: kiosk.tick(),
                    wait_ms: RETRY_FIRST_MS,
                };
                self.attempts.push_back(attempt);
            }
            StaffOrder::Settle { .. } | StaffOrder::Cancel { .. } => {}
        }
    }
}
