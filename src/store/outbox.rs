//! Requests on their way to the hospital: first in first out within a visit, free across visits.

use super::column::{count, id, json, json_or_null, queue_state, queue_word, time, to_json};
use super::fault::{Result, other};
use super::journal;
use crate::domain::outbox::{Act, Delivery, PaymentOfRequest, QueueRow, QueueState, QueuedRequest, Request, Taken};
use crate::domain::reason::{ClosedByHand, InPart, Told, Undelivered};
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

/// Delivered rows shown to staff beside all undelivered ones.
const DELIVERED_SHOWN_MAX: u32 = 1000;

/// The same request again is harmless; another one under its identifier is not.
pub(super) fn insert(tx: &Transaction<'_>, request: &Request, bundle: &[u8]) -> Result<()> {
    let known: Option<(Option<Request>, Option<Vec<u8>>)> = tx
        .query_row("SELECT request, bundle FROM outbox WHERE id = ?1", [request.id.to_string()], |row| {
            Ok((json_or_null(row, 0)?, row.get(1)?))
        })
        .optional()?;
    match known {
        None => insert_new(tx, request, bundle),
        // Delivered and erased: it is with the hospital.
        Some((None, _)) => Ok(()),
        Some((Some(queued), frozen)) if &queued == request && frozen.as_deref() == Some(bundle) => Ok(()),
        Some((Some(_), _)) => Err(other("another request is already queued under this identifier")),
    }
}

fn insert_new(tx: &Transaction<'_>, request: &Request, bundle: &[u8]) -> Result<()> {
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
    "SELECT sequence, request, bundle, tries, maybe_delivered OR in_try, state, in_part, taken FROM outbox AS mine
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
    let next = statement.query_map(params![serde_json::Value::from(step_over).to_string(), most], queued)?;
    Ok(next.collect::<rusqlite::Result<_>>()?)
}

fn queued(row: &Row<'_>) -> rusqlite::Result<QueuedRequest> {
    Ok(QueuedRequest {
        sequence: row.get(0)?,
        request: json(row, 1)?,
        bundle: row.get::<_, Option<Vec<u8>>>(2)?.unwrap_or_default(),
        tries: count(row, 3)?,
        maybe_delivered: row.get(4)?,
        state: queue_state(row, 5)?,
        in_part: json_or_null(row, 6)?,
        taken: json_or_null(row, 7)?.unwrap_or_default(),
    })
}

/// `in_try` outlives a power cut: a try whose end nobody saw may have got through.
pub(super) fn trying(tx: &Transaction<'_>, sequence: i64) -> Result<()> {
    let changed = tx.execute(
        "UPDATE outbox SET tries = tries + 1, maybe_delivered = maybe_delivered OR in_try, in_try = 1
         WHERE sequence = ?1 AND state = ?2",
        params![sequence, queue_word(QueueState::Waiting)],
    )?;
    if changed == 0 {
        return Err(other("no such request is waiting in the queue"));
    }
    Ok(())
}

/// True if personal data was erased. What comes after delivery changes nothing.
pub(super) fn tried(
    tx: &Transaction<'_>,
    sequence: i64,
    delivery: &Delivery,
    at: DateTime<FixedOffset>,
) -> Result<bool> {
    let (state, before) = tx
        .query_row("SELECT state, in_part FROM outbox WHERE sequence = ?1", [sequence], |row| {
            Ok((queue_state(row, 0)?, json_or_null(row, 1)?))
        })
        .optional()?
        .ok_or_else(|| other("the queue knows no such request"))?;
    if state == QueueState::Sent {
        return Ok(false);
    }
    match delivery {
        Delivery::Done { note } => {
            deliver(tx, sequence, &note.as_ref().map_or(End::Delivered, End::Told), at)?;
            return Ok(true);
        }
        Delivery::Part { taken, .. } => keep_part(tx, sequence, taken)?,
        // An earlier try that may have got through stays so, whatever this one met.
        Delivery::Later { maybe_delivered, .. } => keep(tx, sequence, state, *maybe_delivered)?,
        // A refusal may have come in the middle of a bundle: look before it is sent again.
        Delivery::Park { .. } => keep(tx, sequence, QueueState::Parked, true)?,
        Delivery::Hold { .. } | Delivery::Busy { .. } => keep(tx, sequence, state, false)?,
    }
    if let Some(reason) = delivery.undelivered() {
        keep_reason(tx, sequence, &reason, before)?;
    }
    Ok(false)
}

/// The answer to a part ends the doubt of the tries before it.
fn keep_part(tx: &Transaction<'_>, sequence: i64, taken: &[Taken]) -> Result<()> {
    let some = if taken.is_empty() { None } else { Some(to_json(&taken)?) };
    tx.execute(
        "UPDATE outbox SET in_try = 0, maybe_delivered = maybe_delivered AND ?2 IS NULL, taken = ?2 WHERE sequence = ?1",
        params![sequence, some],
    )?;
    Ok(())
}

fn keep(tx: &Transaction<'_>, sequence: i64, state: QueueState, maybe_delivered: bool) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = ?2, in_try = 0, maybe_delivered = maybe_delivered OR ?3 WHERE sequence = ?1",
        params![sequence, queue_word(state), maybe_delivered],
    )?;
    Ok(())
}

/// With its words beside it. That a part is there, or may be, stays known until all of it is: whoever enters it by hand must
/// know.
fn keep_reason(tx: &Transaction<'_>, sequence: i64, reason: &Undelivered, before: Option<InPart>) -> Result<()> {
    let in_part = reason.in_part().max(before).map(|part| to_json(&part)).transpose()?;
    tx.execute(
        "UPDATE outbox SET undelivered = ?2, in_part = ?3, note = ?4 WHERE sequence = ?1",
        params![sequence, to_json(reason)?, in_part, reason.words(before)],
    )?;
    Ok(())
}

/// How a request ends.
enum End<'a> {
    Delivered,
    /// And staff should know something all the same.
    Told(&'a Told),
    ByHand(&'a ClosedByHand),
}

/// Identifier, kind and time stay; not even that two requests were of one visit.
fn deliver(tx: &Transaction<'_>, sequence: i64, end: &End<'_>, at: DateTime<FixedOffset>) -> Result<()> {
    let request: Option<Request> =
        tx.query_row("SELECT request FROM outbox WHERE sequence = ?1", [sequence], |row| json_or_null(row, 0))?;
    if let Some(request) = request.filter(paid_by_card) {
        journal::settle(tx, request.id, at)?;
    }
    let (note, told, closed_by) = match end {
        End::Delivered => (None, None, None),
        End::Told(told) => (Some(told.to_string()), Some(to_json(told)?), None),
        End::ByHand(closed) => (Some(closed.to_string()), None, Some(closed.evidence.as_str())),
    };
    tx.execute(
        "UPDATE outbox SET state = ?2, in_try = 0, visit = '', request = NULL, bundle = NULL, taken = NULL,
             undelivered = NULL, in_part = NULL, note = ?3, told = ?4, closed_by_hand = ?5, delivered_at = ?6
         WHERE sequence = ?1",
        params![sequence, queue_word(QueueState::Sent), note, told, closed_by, at.to_rfc3339()],
    )?;
    Ok(())
}

fn paid_by_card(request: &Request) -> bool {
    match &request.act {
        Act::Documents { payment: PaymentOfRequest::Card { .. }, .. } => true,
        Act::Documents { payment: PaymentOfRequest::Free | PaymentOfRequest::Unpaid, .. }
        | Act::Arrival { .. }
        | Act::Cancellation { .. } => false,
    }
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

/// Staff: send a parked request once more, all of it, because what was there of it may be gone. False if it is not parked.
pub(super) fn retry(tx: &Transaction<'_>, id: Uuid) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE outbox SET state = ?2, taken = NULL WHERE id = ?1 AND state = ?3",
        params![id.to_string(), queue_word(QueueState::Waiting), queue_word(QueueState::Parked)],
    )?;
    Ok(changed == 1)
}

/// Staff: a parked request that people entered at the hospital is over. False if it is not parked.
pub(super) fn close_by_hand(tx: &Transaction<'_>, id: Uuid, evidence: &str, at: DateTime<FixedOffset>) -> Result<bool> {
    let parked = tx
        .query_row(
            "SELECT sequence FROM outbox WHERE id = ?1 AND state = ?2",
            params![id.to_string(), queue_word(QueueState::Parked)],
            |row| row.get(0),
        )
        .optional()?;
    let Some(sequence) = parked else { return Ok(false) };
    deliver(tx, sequence, &End::ByHand(&ClosedByHand { evidence: evidence.to_owned() }), at)?;
    Ok(true)
}
