//! The trail of what staff did: rows are only added, and each holds the SHA-256 of the row before it and its own words,
//! so that a row changed, taken out or put in later shows. What is cut off at the end does not show by itself: compare
//! with an earlier `kiosk audit export`.

use super::fault::Result;
use crate::domain::staff::AuditEntry;
use crate::ports::AuditRow;
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

pub(super) fn append(tx: &Transaction<'_>, who: &str, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<()> {
    let last: Option<(i64, String)> = tx
        .query_row("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (sequence, before) = last.unwrap_or_default();
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

pub(super) fn all(connection: &Connection) -> Result<Vec<AuditRow>> {
    let mut statement =
        connection.prepare("SELECT sequence, at, who, act, about, result, hash FROM audit ORDER BY sequence")?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
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
pub fn first_broken(trail: &[AuditRow]) -> Option<i64> {
    let mut before = "";
    for (row, sequence) in trail.iter().zip(1..) {
        if row.sequence != sequence || hash(before, row) != row.hash {
            return Some(row.sequence);
        }
        before = &row.hash;
    }
    None
}
