//! The trail of what staff did and of who was looked up: rows are only added, and each is linked to the one before it under
//! a key ([`chain`]), so that a row changed, taken out, put in later or moved shows, and so does an end that is cut off.
//! Whoever holds the store's key could write all of it anew, or put yesterday's file back: only a head that is kept
//! elsewhere shows that (`AnchorPlace`). The oldest rows go by `keep_audit_days`; the number and hash of the last that went
//! stay, and the chain begins there.

mod chain;
mod check;

pub(super) use chain::ChainKey;
pub(super) use check::Walk;

use super::fault::Result;
use crate::domain::person::Who;
use crate::domain::staff::AuditEntry;
use crate::domain::trail::{Anchor, AnchorPlace, TrailHead};
use crate::ports::AuditRow;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// So many, whatever `keep_audit_days` says: no command in a loop fills the disk. Above what two years of the most look-ups a
/// day bring ([`super::look_ups`]), so that nobody can push younger rows out.
pub(super) const ROWS_MAX: i64 = 1_400_000;
/// Heads the hospital took that are remembered here.
const ANCHORS_MAX: i64 = 100;

const HEAD: &str = "head";
const CUT: &str = "cut";
const SEAL: &str = "seal";

pub(super) fn append(
    tx: &Transaction<'_>,
    key: &ChainKey,
    entry: &AuditEntry,
    patient: Option<&str>,
    at: DateTime<FixedOffset>,
) -> rusqlite::Result<()> {
    let about = [entry.about.as_str(), patient.unwrap_or_default()];
    let row = AuditRow {
        sequence: 0,
        at: at.to_rfc3339(),
        who: entry.who.to_string(),
        act: entry.act.word().to_owned(),
        about: about.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
        result: entry.result.clone(),
        hash: String::new(),
        was: entry.was.clone(),
        became: entry.became.clone(),
    };
    add(tx, key, row).map(|_| ())
}

/// Linked to the row that was written last, whatever the last row is now: an end that was cut off is not healed by what is
/// written after it.
fn add(tx: &Transaction<'_>, key: &ChainKey, mut row: AuditRow) -> rusqlite::Result<TrailHead> {
    let last = last(tx, key)?;
    row.sequence = last.sequence + 1;
    row.hash = key.link(&last.hash, &row);
    tx.execute(
        "INSERT INTO audit (sequence, at, who, act, about, result, hash, was, became)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![row.sequence, row.at, row.who, row.act, row.about, row.result, row.hash, row.was, row.became],
    )?;
    let head = TrailHead { sequence: row.sequence, hash: row.hash };
    set_mark(tx, key, HEAD, &head)?;
    Ok(head)
}

/// What the next row follows. A mark that is not ours makes a link that fits nothing, for good. Its number is beyond every
/// other: a row that somebody put in at the end does not keep the kiosk from writing.
fn last(connection: &Connection, key: &ChainKey) -> rusqlite::Result<TrailHead> {
    let youngest = youngest(connection)?;
    let sequence = youngest.as_ref().map_or(0, |head| head.sequence);
    Ok(match mark(connection, key, HEAD)? {
        Mark::Ours(head) => TrailHead { sequence: sequence.max(head.sequence), ..head },
        Mark::None if youngest.is_none() => TrailHead::default(),
        Mark::None | Mark::Another => TrailHead { sequence, hash: "the end of the trail was changed".to_owned() },
    })
}

/// The last row that is there, or the last that went.
fn youngest(connection: &Connection) -> rusqlite::Result<Option<TrailHead>> {
    let read = |row: &Row<'_>| Ok(TrailHead { sequence: row.get(0)?, hash: row.get(1)? });
    let last = "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1";
    let found = connection.query_row(last, [], read).optional()?;
    if found.is_some() {
        return Ok(found);
    }
    connection.query_row("SELECT sequence, hash FROM audit_cut", [], read).optional()
}

enum Mark {
    None,
    Ours(TrailHead),
    /// Without our key.
    Another,
}

fn mark(connection: &Connection, key: &ChainKey, what: &str) -> rusqlite::Result<Mark> {
    let sql = "SELECT sequence, hash, tag FROM audit_marks WHERE what = ?1";
    let read = |row: &Row<'_>| {
        let (head, tag): (_, String) = (TrailHead { sequence: row.get(0)?, hash: row.get(1)? }, row.get(2)?);
        Ok(if key.mark(what, head.sequence, &head.hash) == tag { Mark::Ours(head) } else { Mark::Another })
    };
    Ok(connection.query_row(sql, [what], read).optional()?.unwrap_or(Mark::None))
}

fn set_mark(tx: &Transaction<'_>, key: &ChainKey, what: &str, head: &TrailHead) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO audit_marks (what, sequence, hash, tag) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (what) DO UPDATE
         SET sequence = excluded.sequence, hash = excluded.hash, tag = excluded.tag",
        params![what, head.sequence, head.hash, key.mark(what, head.sequence, &head.hash)],
    )?;
    Ok(())
}

/// Once, in the step that brought the key: what an older version wrote is sealed as it stands by the first row with a key.
pub(super) fn take_over(tx: &Transaction<'_>, key: &ChainKey) -> rusqlite::Result<()> {
    let Some(old) = youngest(tx)? else { return Ok(()) };
    let cut = tx.query_row("SELECT sequence, hash FROM audit_cut", [], |row| {
        Ok(TrailHead { sequence: row.get(0)?, hash: row.get(1)? })
    });
    if let Some(cut) = cut.optional()? {
        set_mark(tx, key, CUT, &cut)?;
    }
    set_mark(tx, key, HEAD, &old)?;
    let at: Option<String> =
        tx.query_row("SELECT at FROM audit ORDER BY sequence DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    let offset = at.and_then(|at| DateTime::parse_from_rfc3339(&at).ok()).map(|at| *at.offset());
    let now = Utc::now();
    let seal = AuditRow {
        sequence: 0,
        at: offset.map_or_else(|| now.to_rfc3339(), |offset| now.with_timezone(&offset).to_rfc3339()),
        who: Who::Kiosk.to_string(),
        act: SEAL.to_owned(),
        about: format!("rows up to {}", old.sequence),
        result: "from here on rows are linked under the kiosk's key".to_owned(),
        hash: String::new(),
        was: old.to_string(),
        became: String::new(),
    };
    let head = add(tx, key, seal)?;
    set_mark(tx, key, SEAL, &head)
}

/// True if any went. Rows go from the oldest on and up to the first that is to stay, so that a clock that was wrong for a
/// while makes no hole; if it was far ahead, what follows stays longer.
pub(super) fn forget_before(tx: &Transaction<'_>, key: &ChainKey, oldest_s: i64, rows_max: i64) -> Result<bool> {
    let newest = youngest(tx)?.map_or(0, |head| head.sequence);
    let first_kept = "SELECT sequence FROM audit WHERE unixepoch(at) >= ?1 ORDER BY sequence LIMIT 1";
    let first_kept: Option<i64> = tx.query_row(first_kept, [oldest_s], |row| row.get(0)).optional()?;
    let goes = first_kept.map_or(newest, |first| first - 1).max(newest - rows_max);
    let hash = tx.query_row("SELECT hash FROM audit WHERE sequence = ?1", [goes], |row| row.get(0)).optional()?;
    let Some(hash) = hash else { return Ok(false) };
    tx.execute(
        "INSERT INTO audit_cut (only_row, sequence, hash) VALUES (1, ?1, ?2)
         ON CONFLICT (only_row) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
        params![goes, hash],
    )?;
    set_mark(tx, key, CUT, &TrailHead { sequence: goes, hash })?;
    tx.execute("DELETE FROM audit_anchors WHERE sequence <= ?1", [goes])?;
    Ok(tx.execute("DELETE FROM audit WHERE sequence <= ?1", [goes])? > 0)
}

const ROW: &str = "sequence, at, who, act, about, result, hash, was, became";

/// The rows after `after`, of `from` and later days, at most `most` of them, oldest first.
pub(super) fn rows(
    connection: &Connection,
    after: i64,
    from: Option<NaiveDate>,
    most: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    // The day as the clocks showed it.
    let sql =
        format!("SELECT {ROW} FROM audit WHERE sequence > ?1 AND substr(at, 1, 10) >= ?2 ORDER BY sequence LIMIT ?3");
    let from = from.map_or_else(String::new, |day| day.format("%Y-%m-%d").to_string());
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params![after, from, i64::try_from(most).unwrap_or(i64::MAX)], read)?;
    rows.collect()
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
        was: row.get(7)?,
        became: row.get(8)?,
    })
}

/// The end of the trail as it is.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<TrailHead> {
    Ok(youngest(connection)?.unwrap_or_default())
}

/// The hospital has this head.
pub(super) fn anchored(tx: &Transaction<'_>, head: &TrailHead, at: DateTime<FixedOffset>) -> Result<()> {
    tx.execute(
        "INSERT INTO audit_anchors (sequence, hash, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (sequence) DO UPDATE SET hash = excluded.hash, at = excluded.at",
        params![head.sequence, head.hash, at.to_rfc3339()],
    )?;
    tx.execute(
        "DELETE FROM audit_anchors WHERE sequence NOT IN
             (SELECT sequence FROM audit_anchors ORDER BY sequence DESC LIMIT ?1)",
        [ANCHORS_MAX],
    )?;
    Ok(())
}

/// What of them is remembered here, oldest first.
pub(super) fn anchors(connection: &Connection) -> rusqlite::Result<Vec<Anchor>> {
    let mut statement = connection.prepare("SELECT sequence, hash, at FROM audit_anchors ORDER BY sequence")?;
    let anchors = statement.query_map([], |row| {
        let head = TrailHead { sequence: row.get(0)?, hash: row.get(1)? };
        Ok(Anchor { place: AnchorPlace::Own, head, at: Some(super::column::time(row, 2)?) })
    })?;
    anchors.collect()
}
