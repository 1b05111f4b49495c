//! How queue and journal stand, in counts. Cheap with 100,000 rows: indexes are counted, nothing is unpacked.

use super::column::{payment_word, queue_word, time, undo_word};
use super::damage;
use super::fault::Result;
use super::outbox::{IS_NEWS, NEWEST};
use crate::domain::attempt::PaymentState;
use crate::domain::outbox::QueueState;
use crate::domain::undo::UndoState;
use crate::ports::Tally;
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn read(connection: &Connection) -> Result<Tally> {
    Ok(Tally {
        waiting: count(connection, "outbox", queue_word(QueueState::Waiting))?,
        parked: count(connection, "outbox", queue_word(QueueState::Parked))?,
        noted: noted(connection)?,
        oldest_queued_at: oldest(connection)?,
        last_delivered_at: last_delivered(connection)?,
        payments_in_doubt: count(connection, "payments", payment_word(PaymentState::InDoubt))?
            + count(connection, "undos", undo_word(UndoState::InDoubt))?,
        payments_need_staff: count(connection, "payments", payment_word(PaymentState::NeedsStaff))?
            + count(connection, "undos", undo_word(UndoState::NeedsStaff))?,
        set_aside: damage::unread(connection)?.is_some(),
    })
}

/// `table` is one of ours.
fn count(connection: &Connection, table: &str, state: &str) -> Result<u64> {
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE state = ?1");
    let count: i64 = connection.query_row(&sql, [state], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn oldest(connection: &Connection) -> Result<Option<DateTime<FixedOffset>>> {
    let of = |state: QueueState| {
        connection
            .query_row(
                "SELECT queued_at FROM outbox WHERE state = ?1 ORDER BY sequence LIMIT 1",
                [queue_word(state)],
                |row| time(row, 0),
            )
            .optional()
    };
    Ok([of(QueueState::Waiting)?, of(QueueState::Parked)?].into_iter().flatten().min())
}

fn noted(connection: &Connection) -> Result<u64> {
    let sql = format!(
        "SELECT COUNT(*) FROM
             (SELECT note, closed_by_hand FROM outbox WHERE state = ?1 ORDER BY sequence DESC LIMIT ?2) WHERE {IS_NEWS}"
    );
    let count: i64 = connection.query_row(&sql, params![queue_word(QueueState::Sent), NEWEST], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// What staff closed was not delivered.
fn last_delivered(connection: &Connection) -> Result<Option<DateTime<FixedOffset>>> {
    let mut statement = connection.prepare(
        "SELECT delivered_at FROM outbox WHERE state = ?1 AND delivered_at IS NOT NULL
             AND closed_by_hand IS NULL ORDER BY sequence DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![queue_word(QueueState::Sent), NEWEST], |row| time(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().max())
}
