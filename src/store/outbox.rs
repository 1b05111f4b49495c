//! Requests on their way to the hospital: first in first out within a visit, free across visits.

use super::column::{count, id, json, json_or_null, queue_state, queue_word, time, to_json};
use super::fault::Result;
use super::set::Set;
use crate::domain::ledger::{Left, Queued, SetRequest, Waiting, Waits, Which};
use crate::domain::outbox::{QueueRow, QueueState, QueuedRequest, Request, Tries};
use crate::domain::reason::ClosedByHand;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::borrow::Cow;
use uuid::Uuid;

/// Delivered rows shown to staff beside all undelivered ones.
const DELIVERED_SHOWN_MAX: u32 = 1000;

pub(super) fn queued(tx: &Transaction<'_>, request: Uuid) -> Result<Option<Queued<'static>>> {
    let sql = "SELECT request, bundle FROM outbox WHERE id = ?1";
    let read = |row: &Row<'_>| {
        let bundle = row.get::<_, Option<Vec<u8>>>(1)?.unwrap_or_default();
        Ok(Queued { request: json_or_null(row, 0)?.map(Cow::Owned), bundle: Cow::Owned(bundle) })
    };
    Ok(tx.query_row(sql, [request.to_string()], read).optional()?)
}

pub(super) fn waiting(tx: &Transaction<'_>, which: Which) -> Result<Option<Waiting>> {
    let (column, of) = match which {
        Which::Sequence(sequence) => ("sequence", Value::from(sequence)),
        Which::Id(id) => ("id", Value::from(id.to_string())),
    };
    let sql =
        format!("SELECT sequence, state, tries, in_try, maybe_delivered, in_part FROM outbox WHERE {column} = ?1");
    let read = |row: &Row<'_>| {
        let (sequence, state) = (row.get(0)?, queue_state(row, 1)?);
        Ok(Waiting { sequence, state, tries: tries(row, 2)?, in_part: json_or_null(row, 5)? })
    };
    Ok(tx.query_row(&sql, [of], read).optional()?)
}

/// Three columns, from `first` on.
fn tries(row: &Row<'_>, first: usize) -> rusqlite::Result<Tries> {
    Ok(Tries { count: count(row, first)?, in_try: row.get(first + 1)?, maybe_delivered: row.get(first + 2)? })
}

pub(super) fn request(tx: &Transaction<'_>, sequence: i64) -> Result<Option<Request>> {
    let sql = "SELECT request FROM outbox WHERE sequence = ?1";
    Ok(tx.query_row(sql, [sequence], |row| json_or_null(row, 0))?)
}

pub(super) fn insert(tx: &Transaction<'_>, request: &Request, bundle: &[u8]) -> Result<()> {
    tx.execute(
        "INSERT INTO outbox (id, visit, kind, state, queued_at, request, bundle) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            request.id.to_string(),
            request.visit.to_string(),
            request.act.kind(),
            queue_word(QueueState::Waiting),
            request.made_at.to_rfc3339(),
            to_json(request)?,
            bundle
        ],
    )?;
    Ok(())
}

pub(super) const NEXT: &str =
    "SELECT sequence, request, bundle, tries, in_try, maybe_delivered, state, in_part, taken FROM outbox AS mine
     WHERE state = 'waiting' AND NOT EXISTS (SELECT 1 FROM outbox AS older
         WHERE older.visit = mine.visit AND older.sequence < mine.sequence AND older.state IN ('waiting', 'parked'))
         AND visit NOT IN (SELECT value FROM json_each(?1))
     ORDER BY sequence LIMIT ?2";

/// The oldest waiting requests whose visit has nothing older waiting or parked and is not among `step_over`; so each is of
/// another visit.
pub(super) fn next(connection: &Connection, step_over: &[Uuid], most: usize) -> Result<Vec<QueuedRequest>> {
    let step_over = step_over.iter().map(Uuid::to_string).collect::<Vec<_>>();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare(NEXT)?;
    let next = statement.query_map(params![serde_json::Value::from(step_over).to_string(), most], queued_request)?;
    Ok(next.collect::<rusqlite::Result<_>>()?)
}

fn queued_request(row: &Row<'_>) -> rusqlite::Result<QueuedRequest> {
    let tries = tries(row, 3)?;
    Ok(QueuedRequest {
        sequence: row.get(0)?,
        request: json(row, 1)?,
        bundle: row.get::<_, Option<Vec<u8>>>(2)?.unwrap_or_default(),
        tries: tries.count,
        maybe_delivered: tries.may_be_there(),
        state: queue_state(row, 6)?,
        in_part: json_or_null(row, 7)?,
        taken: json_or_null(row, 8)?.unwrap_or_default(),
    })
}

pub(super) fn update(tx: &Transaction<'_>, sequence: i64, new: &SetRequest<'_>) -> Result<()> {
    let mut set = Set::default();
    set.put("tries", new.tries.count);
    set.put("in_try", new.tries.in_try);
    set.put("maybe_delivered", new.tries.maybe_delivered);
    if let Some(state) = new.state {
        set.put("state", queue_word(state).to_owned());
    }
    if let Some(taken) = new.taken {
        set.put("taken", if taken.is_empty() { None } else { Some(to_json(&taken)?) });
    }
    if let Some(Waits { reason, in_part, note }) = &new.waits {
        set.put("undelivered", to_json(reason)?);
        set.put("in_part", in_part.as_ref().map(to_json).transpose()?);
        set.put("note", note.clone());
    }
    Ok(set.write(tx, "outbox", "sequence", sequence)?)
}

pub(super) fn erase(tx: &Transaction<'_>, sequence: i64, left: &Left<'_>) -> Result<()> {
    let told = left.told.map(to_json).transpose()?;
    let closed_by = left.closed_by_hand.as_ref().map(|closed| closed.evidence.as_str());
    tx.execute(
        "UPDATE outbox SET state = ?2, in_try = 0, visit = '', request = NULL, bundle = NULL, taken = NULL,
             undelivered = NULL, in_part = NULL, note = ?3, told = ?4, closed_by_hand = ?5, delivered_at = ?6
         WHERE sequence = ?1",
        params![sequence, queue_word(QueueState::Sent), left.note, told, closed_by, left.at.to_rfc3339()],
    )?;
    Ok(())
}

const ROW: &str = "sequence, id, kind, state, queued_at, tries, note, undelivered, in_part, closed_by_hand";
/// Of delivered rows: those that staff should know something about. What they closed themselves is no news to them.
pub(super) const IS_NEWS: &str = "note IS NOT NULL AND closed_by_hand IS NULL";
/// Deliveries are about in order, so the newest are among the last rows.
pub(super) const NEWEST: u32 = 200;
/// Of parked rows, for a summary; the list has them all.
const PARKED_SHOWN_MAX: u32 = 200;

/// More rows are not read at once: whoever waits for the store meanwhile is a patient.
pub(super) const ROWS_AT_ONCE: usize = 500;

/// From where on delivered rows are shown.
pub(super) fn delivered_from(connection: &Connection) -> Result<i64> {
    let oldest = "SELECT coalesce(min(sequence), 0) FROM
         (SELECT sequence FROM outbox WHERE state = 'sent' ORDER BY sequence DESC LIMIT ?1)";
    Ok(connection.query_row(oldest, [DELIVERED_SHOWN_MAX], |row| row.get(0))?)
}

/// Everything undelivered and the delivered rows from `delivered_from` on, oldest first: those after `after`, part by part.
pub(super) fn some(connection: &Connection, after: i64, delivered_from: i64) -> Result<Vec<QueueRow>> {
    let sql = format!(
        "SELECT {ROW} FROM outbox WHERE sequence > ?1 AND (state <> 'sent' OR sequence >= ?2) ORDER BY sequence LIMIT ?3"
    );
    rows(connection, &sql, params![after, delivered_from, i64::try_from(ROWS_AT_ONCE).unwrap_or(i64::MAX)])
}

/// What somebody should look at, oldest first, however many wait.
pub(super) fn attention(connection: &Connection) -> Result<Vec<QueueRow>> {
    let sql = format!(
        "SELECT * FROM (SELECT {ROW} FROM outbox WHERE state = 'parked' ORDER BY sequence LIMIT ?1)
         UNION ALL SELECT * FROM (SELECT {ROW} FROM outbox WHERE state = 'sent' ORDER BY sequence DESC LIMIT ?2)
             WHERE {IS_NEWS} ORDER BY sequence"
    );
    rows(connection, &sql, params![PARKED_SHOWN_MAX, NEWEST])
}

pub(super) fn find(connection: &Connection, id: Uuid) -> Result<Option<QueueRow>> {
    let sql = format!("SELECT {ROW} FROM outbox WHERE id = ?1");
    Ok(connection.query_row(&sql, [id.to_string()], queue_row).optional()?)
}

fn rows(connection: &Connection, sql: &str, limits: &[&dyn rusqlite::ToSql]) -> Result<Vec<QueueRow>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(limits, queue_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn queue_row(row: &Row<'_>) -> rusqlite::Result<QueueRow> {
    Ok(QueueRow {
        sequence: row.get(0)?,
        id: id(row, 1)?,
        kind: row.get(2)?,
        state: queue_state(row, 3)?,
        queued_at: time(row, 4)?,
        tries: count(row, 5)?,
        note: row.get(6)?,
        undelivered: json_or_null(row, 7)?,
        in_part: json_or_null(row, 8)?,
        closed_by_hand: row.get::<_, Option<String>>(9)?.map(|evidence| ClosedByHand { evidence }),
    })
}
