//! Ends of the terminal's day in the journal, and what moved between them. `divides` says from where the terminal counts:
//! `surely`, `perhaps` (asked, and no answer known), `not`, or `kept-nowhere` (it counts nothing; the journal does).

use super::column::{id, json, json_or_null, payment_state, time, to_json, undo_state};
use super::fault::{Result, refused};
use super::{journal, undo};
use crate::domain::closing::{
    ClosingEnd, ClosingEntry, ClosingId, ClosingRecord, DayBook, Divides, Move, MoveKind, receipt_in, was_charged,
    was_given_back,
};
use crate::domain::money::Amount;
use crate::domain::payment::{AttemptId, CardTransaction};
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

const COLUMNS: &str = "closing, asked_at, ended, charges_to, undos_to";

pub(super) fn record(tx: &Transaction<'_>, entry: &ClosingEntry, at: DateTime<FixedOffset>) -> Result<()> {
    match entry {
        ClosingEntry::Asked { closing } => asked(tx, *closing, at),
        ClosingEntry::Ended { closing, end } => ended(tx, *closing, end, at),
    }
}

/// Never beside a money operation: it would be in neither day's totals for sure. The places are the last ones ever given:
/// those rows themselves may be forgotten by now.
fn asked(tx: &Transaction<'_>, closing: ClosingId, at: DateTime<FixedOffset>) -> Result<()> {
    if let Some((_, record)) = find(tx, closing)? {
        return if record.end.is_none() { Ok(()) } else { Err(refused("this end of day has gone further")) };
    }
    journal::refuse_second_open(tx, AttemptId(Uuid::nil()))?;
    undo::refuse_beside_open(tx, None)?;
    tx.execute(
        "INSERT INTO closings (closing, divides, charges_to, undos_to, asked_at, changed_at) VALUES (?1, ?2,
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'payments'), 0),
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'undos'), 0), ?3, ?3)",
        params![closing.0.to_string(), Divides::Perhaps.word(), at.to_rfc3339()],
    )?;
    Ok(())
}

/// Said twice it is harmless; an answer is never written over another.
fn ended(tx: &Transaction<'_>, closing: ClosingId, end: &ClosingEnd, at: DateTime<FixedOffset>) -> Result<()> {
    let Some((_, known)) = find(tx, closing)? else {
        return Err(refused("the journal knows no such end of day"));
    };
    match known.end {
        Some(known) if known == *end => return Ok(()),
        Some(_) => return Err(refused("the terminal's totals differ from those already in the journal")),
        None => {}
    }
    tx.execute(
        "UPDATE closings SET divides = ?2, ended = ?3, changed_at = ?4 WHERE closing = ?1",
        params![closing.0.to_string(), Divides::after(Some(end)).word(), to_json(end)?, at.to_rfc3339()],
    )?;
    Ok(())
}

fn find(connection: &Connection, closing: ClosingId) -> Result<Option<(i64, ClosingRecord)>> {
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
    let Some((sequence, last)) = find(connection, closing)? else { return Ok(DayBook::default()) };
    let from: i64 = connection.query_row(
        "SELECT coalesce(max(sequence), 0) FROM closings WHERE divides IN ('surely', 'kept-nowhere') AND sequence < ?1",
        [sequence],
        |row| row.get(0),
    )?;
    let sql = format!("SELECT {COLUMNS} FROM closings WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([from, sequence], read)?;
    let closings = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let first = closings.first().filter(|first| first.closing != closing && first.divides().begins_anew());
    let (charges_from, undos_from) = first.map_or((0, 0), |first| (first.charges_to, first.undos_to));
    let (mut moves, receipts, kept) = charges(connection, charges_from, last.charges_to)?;
    moves.extend(undos(connection, undos_from, last.undos_to)?);
    moves.sort_by_key(|moved| moved.at);
    let forgotten = u64::try_from(last.charges_to - charges_from - kept).unwrap_or(0);
    Ok(DayBook { closings, moves, receipts, forgotten })
}

/// Those that moved or may have; the receipts of all; and how many rows there are.
fn charges(connection: &Connection, from: i64, to: i64) -> Result<(Vec<Move>, Vec<u16>, i64)> {
    let mut statement = connection.prepare(
        "SELECT sequence, number, state, amount, card, started_at, attempt FROM payments WHERE sequence > ?1 AND sequence <= ?2",
    )?;
    let (mut moves, mut receipts, mut kept) = (Vec::new(), Vec::new(), 0);
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        kept += 1;
        let card: Option<CardTransaction> = json_or_null(row, 4)?;
        let receipt = card.and_then(|card| receipt_in(&card.unique_number));
        receipts.extend(receipt);
        let Some(sure) = was_charged(payment_state(row, 2)?) else { continue };
        let (kind, attempt, place, number) = (MoveKind::Charge, AttemptId(id(row, 6)?), row.get(0)?, row.get(1)?);
        moves.push(Move {
            attempt,
            number,
            at: time(row, 5)?,
            kind,
            amount: Amount(row.get(3)?),
            sure,
            receipt,
            place,
        });
    }
    Ok((moves, receipts, kept))
}

fn undos(connection: &Connection, from: i64, to: i64) -> Result<Vec<Move>> {
    let mut statement = connection.prepare(
        "SELECT undos.sequence, number, undos.state, undos.amount, undos.card, undos.started_at, undos.attempt
         FROM undos JOIN payments ON payments.attempt = undos.attempt
         WHERE undos.sequence > ?1 AND undos.sequence <= ?2",
    )?;
    let mut moves = Vec::new();
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let Some(sure) = was_given_back(undo_state(row, 2)?) else { continue };
        let given_back: CardTransaction = json(row, 4)?;
        let (kind, attempt, place, number) = (MoveKind::GivenBack, AttemptId(id(row, 6)?), row.get(0)?, row.get(1)?);
        let (at, amount, receipt) = (time(row, 5)?, given_back.amount, None);
        moves.push(Move { attempt, number, at, kind, amount, sure, receipt, place });
    }
    Ok(moves)
}
