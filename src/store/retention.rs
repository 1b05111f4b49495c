//! How long the store keeps what is over: delivered requests (identifier, kind, time) and finished payments.

use super::column::{payment_word, queue_word};
use super::fault::Result;
use super::undo::UNFINISHED;
use crate::config;
use crate::domain::outbox::QueueState;
use crate::domain::payment::PaymentState;
use chrono::{DateTime, Days, FixedOffset};
use rusqlite::{Transaction, params};

#[derive(Debug, Clone, Copy)]
pub(super) struct Periods {
    delivered_days: u32,
    payments_days: u32,
}

impl From<&config::Store> for Periods {
    fn from(settings: &config::Store) -> Self {
        Self { delivered_days: settings.keep_delivered_days, payments_days: settings.keep_payments_days }
    }
}

/// True if anything went. What waits, is parked or in doubt stays however old it is: also a payment that is being given
/// back or was given back lately, and one whose request the hospital does not have.
pub(super) fn forget_old(tx: &Transaction<'_>, periods: Periods, now: DateTime<FixedOffset>) -> Result<bool> {
    let requests = tx.execute(
        "DELETE FROM outbox WHERE state = ?1 AND unixepoch(delivered_at) < ?2",
        params![queue_word(QueueState::Sent), before(now, periods.delivered_days)],
    )?;
    let payments = tx.execute(
        &format!(
            "DELETE FROM payments WHERE state IN (?1, ?2, ?3) AND unixepoch(changed_at) < ?4
                 AND attempt NOT IN ({UNFINISHED})
                 AND NOT EXISTS (SELECT 1 FROM undos WHERE undos.attempt = payments.attempt AND unixepoch(undos.changed_at) >= ?4)
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = payments.request_id AND outbox.state <> ?5)"
        ),
        params![
            payment_word(PaymentState::Settled),
            payment_word(PaymentState::NotPaid),
            payment_word(PaymentState::Reversed),
            before(now, periods.payments_days),
            queue_word(QueueState::Sent)
        ],
    )?;
    // What was given back goes with its payment.
    let undos = tx.execute("DELETE FROM undos WHERE attempt NOT IN (SELECT attempt FROM payments)", [])?;
    Ok(requests + payments + undos > 0)
}

fn before(now: DateTime<FixedOffset>, days: u32) -> i64 {
    now.checked_sub_days(Days::new(days.into())).unwrap_or(now).timestamp()
}
