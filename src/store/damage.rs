//! What the store knows of the damaged databases before it: what came over, and whether staff have read of it. The file goes
//! `keep_payments_days` after they did.

use super::aside;
use super::column::time;
use super::fault::Result;
use super::salvage::Rescued;
use crate::domain::set_aside::SetAside;
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::path::Path;

pub(super) fn told(file: String, why: String, rescued: Rescued, at: DateTime<FixedOffset>) -> SetAside {
    let Rescued { payments, requests, unread, nothing } = rescued;
    SetAside { file, at, why, payments, requests, unread, nothing }
}

pub(super) fn write_down(connection: &Connection, told: &SetAside) -> Result<()> {
    let SetAside { file, at, why, payments, requests, unread, nothing } = told;
    let number = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT OR REPLACE INTO damage (file, at, why, payments, requests, unread, lost_all) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![file, at.to_rfc3339(), why, number(payments), number(requests), number(unread), nothing],
    )?;
    Ok(())
}

/// The newest that staff have not acknowledged, with what was lost in all that they have not.
pub(super) fn unread(connection: &Connection) -> Result<Option<SetAside>> {
    let sql = "SELECT file, at, why, payments, requests, lost.unread, lost.all_of_one FROM damage,
                   (SELECT sum(unread) AS unread, max(lost_all) AS all_of_one FROM damage WHERE acknowledged_at IS NULL) AS lost
               WHERE acknowledged_at IS NULL ORDER BY damage.rowid DESC LIMIT 1";
    Ok(connection.query_row(sql, [], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SetAside> {
    let number = |column| row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(SetAside {
        file: row.get(0)?,
        at: time(row, 1)?,
        why: row.get(2)?,
        payments: number(3)?,
        requests: number(4)?,
        unread: number(5)?,
        nothing: row.get(6)?,
    })
}

/// False if there was none.
pub(super) fn acknowledge(tx: &Transaction<'_>, at: DateTime<FixedOffset>) -> Result<bool> {
    Ok(tx.execute("UPDATE damage SET acknowledged_at = ?1 WHERE acknowledged_at IS NULL", [at.to_rfc3339()])? > 0)
}

/// The files of those that were acknowledged before `oldest_s` go; that there was one stays in the table.
pub(super) fn purge(connection: &Connection, folder: &Path, oldest_s: i64) -> Result<()> {
    let mut statement = connection.prepare("SELECT file FROM damage WHERE unixepoch(acknowledged_at) < ?1")?;
    let files = statement.query_map([oldest_s], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    aside::purge(folder, &files)
}
