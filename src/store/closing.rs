//! Ends of the terminal's day in the journal, and what moved between them.

use super::column::{self, id, json_or_null, payment_state, time, to_json, undo_state};
use super::fault::Result;
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::closing::{ClosingEnd, ClosingId, ClosingRecord, DayBook, Divides, Moved, Span};
use crate::domain::money::Amount;
use crate::domain::undo::UndoState;
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

const COLUMNS: &str = "closing, asked_at, ended, charges_to, undos_to";

/// The ends that are so, as a list in SQL.
pub(super) fn words(are: fn(Divides) -> bool) -> String {
    column::words(Divides::ALL.into_iter().filter(|divides| are(*divides)).map(Divides::word))
}

/// The last ones ever given: those rows themselves may be forgotten by now.
pub(super) fn last_places(connection: &Connection) -> Result<(i64, i64)> {
    let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'payments'), 0),
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'undos'), 0)";
    Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

pub(super) fn insert(tx: &Transaction<'_>, new: &ClosingRecord) -> Result<()> {
    tx.execute(
        "INSERT INTO closings (closing, divides, charges_to, undos_to, asked_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![
            new.closing.0.to_string(),
            new.divides().word(),
            new.charges_to,
            new.undos_to,
            new.asked_at.to_rfc3339()
        ],
    )?;
    Ok(())
}

pub(super) fn update(
    tx: &Transaction<'_>,
    closing: ClosingId,
    end: &ClosingEnd,
    at: DateTime<FixedOffset>,
) -> Result<()> {
    tx.execute(
        "UPDATE closings SET divides = ?2, ended = ?3, changed_at = ?4 WHERE closing = ?1",
        params![closing.0.to_string(), Divides::after(Some(end)).word(), to_json(end)?, at.to_rfc3339()],
    )?;
    Ok(())
}

pub(super) fn find(connection: &Connection, closing: ClosingId) -> Result<Option<(i64, ClosingRecord)>> {
    let sql = format!("SELECT {COLUMNS}, sequence FROM closings WHERE closing = ?1");
    let found = connection.query_row(&sql, [closing.0.to_string()], |row| Ok((row.get(5)?, read(row)?)));
    Ok(found.optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ClosingRecord> {
    Ok(ClosingRecord {
        closing: ClosingId(id(row, 0)?),
        asked_at: time(row, 1)?,
        end: json_or_null(row, 2)?,
        charges_to: row.get(3)?,
        undos_to: row.get(4)?,
    })
}

pub(super) fn day_book(connection: &Connection, closing: ClosingId) -> Result<DayBook> {
    let Some((sequence, _)) = find(connection, closing)? else { return Ok(DayBook::default()) };
    let anew = words(Divides::begins_anew);
    let sql = format!("SELECT coalesce(max(sequence), 0) FROM closings WHERE divides IN ({anew}) AND sequence < ?1");
    let from: i64 = connection.query_row(&sql, [sequence], |row| row.get(0))?;
    let sql = format!("SELECT {COLUMNS} FROM closings WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([from, sequence], read)?;
    let closings = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let Some(span) = Span::of(&closings) else { return Ok(DayBook::default()) };
    let (charges, undos) = (charges(connection, span)?, undos(connection, span)?);
    Ok(DayBook::of(closings, span, charges, undos))
}

type Charge = (Moved<PaymentState>, Option<CardTransaction>);

fn charges(connection: &Connection, span: Span) -> Result<Vec<Charge>> {
    let mut statement = connection.prepare(
        "SELECT sequence, attempt, number, started_at, amount, state, card FROM payments
         WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence",
    )?;
    let rows = statement.query_map(span.charges, |row| Ok((moved(row, payment_state)?, json_or_null(row, 6)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn undos(connection: &Connection, span: Span) -> Result<Vec<Moved<UndoState>>> {
    let mut statement = connection.prepare(
        "SELECT undos.sequence, undos.attempt, number, undos.started_at, undos.amount, undos.state
         FROM undos JOIN payments ON payments.attempt = undos.attempt
         WHERE undos.sequence > ?1 AND undos.sequence <= ?2 ORDER BY undos.sequence",
    )?;
    let rows = statement.query_map(span.undos, |row| moved(row, undo_state))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn moved<S>(row: &Row<'_>, state: fn(&Row<'_>, usize) -> rusqlite::Result<S>) -> rusqlite::Result<Moved<S>> {
    let (place, attempt, number) = (row.get(0)?, AttemptId(id(row, 1)?), row.get(2)?);
    Ok(Moved { place, attempt, number, at: time(row, 3)?, amount: Amount(row.get(4)?), state: state(row, 5)? })
}
