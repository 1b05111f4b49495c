//! How long the store keeps what is over: delivered requests (identifier, kind, time), finished payments, ends of the
//! terminal's day, and the trail of what staff did. Beside them it has a row for each day on which numbers were given,
//! which stays: no clock, however wrong, may give them twice (under 200 bytes a day).

use super::audit::{self, ChainKey};
use super::closing;
use super::column::{payment_word, queue_word};
use super::fault::Result;
use super::persons;
use super::tries;
use super::undo::UNFINISHED;
use crate::config;
use crate::domain::attempt::PaymentState;
use crate::domain::closing::Divides;
use crate::domain::outbox::QueueState;
use chrono::{DateTime, Days, FixedOffset};
use rusqlite::{Transaction, params};

/// In days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Periods {
    delivered: u32,
    payments: u32,
    audit: u32,
}

impl From<&config::Store> for Periods {
    fn from(settings: &config::Store) -> Self {
        Self {
            delivered: settings.keep_delivered_days,
            payments: settings.keep_payments_days,
            audit: settings.keep_audit_days,
        }
    }
}

impl Periods {
    /// In seconds since 1970: what is over since before then goes, of payments and of damaged databases.
    pub(super) fn oldest_payment_s(self, now: DateTime<FixedOffset>) -> i64 {
        before(now, self.payments)
    }
}

/// True if anything went. What waits, is parked or in doubt stays however old it is: also a payment that is being given
/// back or was given back lately, and one whose request the hospital does not have.
pub(super) fn forget_old(
    tx: &Transaction<'_>,
    periods: Periods,
    trail_key: &ChainKey,
    now: DateTime<FixedOffset>,
) -> Result<bool> {
    let requests = tx.execute(
        "DELETE FROM outbox WHERE state = ?1 AND unixepoch(delivered_at) < ?2",
        params![queue_word(QueueState::Sent), before(now, periods.delivered)],
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
            before(now, periods.payments),
            queue_word(QueueState::Sent)
        ],
    )?;
    // What was given back goes with its payment.
    let undos = tx.execute("DELETE FROM undos WHERE attempt NOT IN (SELECT attempt FROM payments)", [])?;
    let closings = forget_closings(tx, before(now, periods.payments))?;
    let removed = persons::forget_before(tx, before(now, periods.audit))?;
    let trail = audit::forget_before(tx, trail_key, before(now, periods.audit), audit::ROWS_MAX)?;
    let tries = tries::forget_before(tx, now)?;
    Ok(requests + payments + undos + closings + removed > 0 || trail || tries)
}

/// What a day was compared with goes when its payments may, and two rows stay however old they are: the last end from where
/// the terminal counts for sure, where the next comparison begins, and the last after which nothing before it is given
/// back by its receipt.
fn forget_closings(tx: &Transaction<'_>, oldest_s: i64) -> Result<usize> {
    let sql = format!(
        "DELETE FROM closings WHERE unixepoch(changed_at) < ?1
             AND sequence <> coalesce((SELECT max(sequence) FROM closings
                 WHERE divides IN ({}) AND unixepoch(changed_at) < ?1), 0)
             AND sequence <> coalesce((SELECT max(sequence) FROM closings WHERE divides IN ({})), 0)",
        closing::words(Divides::begins_anew),
        closing::words(Divides::may_hide_receipts)
    );
    Ok(tx.execute(&sql, [oldest_s])?)
}

fn before(now: DateTime<FixedOffset>, days: u32) -> i64 {
    now.checked_sub_days(Days::new(days.into())).unwrap_or(now).timestamp()
}
