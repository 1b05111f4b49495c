//! The trail of what staff did: rows are only added, and each holds the SHA-256 of the row before it and its own words,
//! so that a row changed, taken out or put in later shows. What is cut off at the end does not show by itself: compare
//! with an earlier `kiosk audit export`. The oldest go by `keep_audit_days`; the number and hash of the last that went stay,
//! and the chain begins there.

use super::fault::Result;
use crate::domain::staff::AuditEntry;
use crate::ports::{AuditRow, AuditTrail};
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// So many, whatever `keep_audit_days` says: no command in a loop fills the disk. At the screen nobody writes so many in the
/// longest time that can be set, ten years: the lock on the PIN leaves about a hundred tries a day.
pub(super) const ROWS_MAX: i64 = 500_000;

pub(super) fn append(tx: &Transaction<'_>, who: &str, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<()> {
    let (sequence, before) = last(tx)?;
    let mut row = AuditRow {
        sequence: sequence + 1,
        at: at.to_rfc3339(),
        who: who.to_owned(),
        act: entry.act.word().to_owned(),
        about: entry.about.clone(),
        result: entry.result.clone(),
        hash: String::new(),
    };
    row.hash = hash(&before, &row);
    tx.execute(
        "INSERT INTO audit (sequence, at, who, act, about, result, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![row.sequence, row.at, row.who, row.act, row.about, row.result, row.hash],
    )?;
    Ok(())
}

fn last(connection: &Connection) -> Result<(i64, String)> {
    let sql = "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1";
    let last = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(if let Some(last) = last { last } else { cut(connection)? })
}

/// The last row that went, or zero.
fn cut(connection: &Connection) -> Result<(i64, String)> {
    let found = connection
        .query_row("SELECT sequence, hash FROM audit_cut", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// True if any went. Rows go from the oldest on and up to the first that is to stay, so that a clock that was wrong for a
/// while makes no hole; if it was far ahead, what follows stays longer.
pub(super) fn forget_before(tx: &Transaction<'_>, oldest_s: i64, rows_max: i64) -> Result<bool> {
    let newest = last(tx)?.0;
    let first_kept = "SELECT sequence FROM audit WHERE unixepoch(at) >= ?1 ORDER BY sequence LIMIT 1";
    let first_kept: Option<i64> = tx.query_row(first_kept, [oldest_s], |row| row.get(0)).optional()?;
    let goes = first_kept.map_or(newest, |first| first - 1).max(newest - rows_max);
    tx.execute(
        "INSERT INTO audit_cut (only_row, sequence, hash) SELECT 1, sequence, hash FROM audit WHERE sequence = ?1
         ON CONFLICT (only_row) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
        [goes],
    )?;
    Ok(tx.execute("DELETE FROM audit WHERE sequence <= ?1", [goes])? > 0)
}

pub(super) fn all(connection: &Connection) -> Result<AuditTrail> {
    let (gone, before) = cut(connection)?;
    let mut statement =
        connection.prepare("SELECT sequence, at, who, act, about, result, hash FROM audit ORDER BY sequence")?;
    let rows = statement.query_map([], read)?;
    Ok(AuditTrail { gone, before, rows: rows.collect::<rusqlite::Result<_>>()? })
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        sequence: row.get(0)?,
        at: row.get(1)?,
        who: row.get(2)?,
        act: row.get(3)?,
        about: row.get(4)?,
        result: row.get(5)?,
        hash: row.get(6)?,
    })
}

/// Each field with its length before it: no two different rows are the same bytes.
fn hash(before: &str, row: &AuditRow) -> String {
    let sequence = row.sequence.to_string();
    let mut sha = Sha256::new();
    for field in [before, &sequence, &row.at, &row.who, &row.act, &row.about, &row.result] {
        sha.update(field.len().to_be_bytes());
        sha.update(field.as_bytes());
    }
    sha.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first row that is not what it was when it was written, or does not follow the one before it.
#[must_use]
pub fn first_broken(trail: &AuditTrail) -> Option<i64> {
    let mut before = trail.before.as_str();
    for (row, sequence) in trail.rows.iter().zip(trail.gone + 1..) {
        if row.sequence != sequence || hash(before, row) != row.hash {
            return Some(row.sequence);
        }
        before = &row.hash;
    }
    None
}
