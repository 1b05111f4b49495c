//! Undos in the journal: one row per try.

use super::column::{id, json, json_or_null, time, to_json, undo_state, undo_word};
use super::fault::Result;
use super::set::Set;
use crate::domain::attempt::AttemptId;
use crate::domain::ledger::{NewUndo, SetUndo};
use crate::domain::money::Amount;
use crate::domain::undo::{UndoRecord, UndoState};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

const COLUMNS: &str = "undo, attempt, way, state, amount, card, answer, reason, started_at";
/// Payments with an undo that is not at its end.
pub(super) const UNFINISHED: &str = "SELECT attempt FROM undos WHERE state NOT IN ('reversed', 'not-reversed')";

/// The latest undo of each payment.
pub(super) fn latest(connection: &Connection) -> Result<BTreeMap<AttemptId, UndoRecord>> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM undos ORDER BY sequence"))?;
    let rows = statement.query_map([], undo)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn latest_of(connection: &Connection, attempt: AttemptId) -> Result<Option<UndoRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM undos WHERE attempt = ?1 ORDER BY sequence DESC LIMIT 1");
    let found = connection.query_row(&sql, [attempt.0.to_string()], undo).optional()?;
    Ok(found.map(|(_, record)| record))
}

/// Whether there is one in one of these states.
pub(super) fn exists(tx: &Transaction<'_>, states: &str) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM undos WHERE state IN ({states}))");
    Ok(tx.query_row(&sql, [], |row| row.get(0))?)
}

fn undo(row: &Row<'_>) -> rusqlite::Result<(AttemptId, UndoRecord)> {
    let record = UndoRecord {
        undo: AttemptId(id(row, 0)?),
        way: json(row, 2)?,
        state: undo_state(row, 3)?,
        amount: Amount(row.get(4)?),
        transaction: json(row, 5)?,
        answer: json_or_null(row, 6)?,
        reason: row.get(7)?,
        started_at: time(row, 8)?,
    };
    Ok((AttemptId(id(row, 1)?), record))
}

pub(super) fn find(tx: &Transaction<'_>, of: AttemptId) -> Result<Option<(AttemptId, UndoRecord)>> {
    let sql = format!("SELECT {COLUMNS} FROM undos WHERE undo = ?1");
    Ok(tx.query_row(&sql, [of.0.to_string()], undo).optional()?)
}

pub(super) fn insert(tx: &Transaction<'_>, new: &NewUndo<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO undos (undo, attempt, way, state, amount, card, started_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        params![
            new.undo.0.to_string(),
            new.of.0.to_string(),
            to_json(&new.way)?,
            undo_word(UndoState::Intent),
            new.card.amount.0,
            to_json(new.card)?,
            new.at.to_rfc3339()
        ],
    )?;
    Ok(())
}

pub(super) fn update(tx: &Transaction<'_>, undo: AttemptId, new: &SetUndo<'_>) -> Result<()> {
    let mut set = Set::default();
    set.put("state", undo_word(new.state).to_owned());
    set.put("reason", new.reason.as_deref().map(str::to_owned));
    set.put("changed_at", new.at.to_rfc3339());
    if let Some((raw, answer)) = new.answer {
        set.put("raw_answer", raw.to_vec());
        set.put("answer", to_json(answer)?);
    }
    Ok(set.write(tx, "undos", "undo", undo.0.to_string())?)
}
