//! The payment journal: one row per attempt.

use super::column::{id, json, json_or_null, payment_state, payment_word, time, to_json};
use super::fault::Result;
use super::set::Set;
use super::{closing, undo};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::closing::Divides;
use crate::domain::ledger::{Booked, NewPayment, SetPayment};
use crate::domain::money::Amount;
use crate::domain::payment::PaymentRecord;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

/// Finished payments handed out beside all unfinished ones.
const FINISHED_SHOWN_MAX: u32 = 1000;
/// As [`payment`] reads them.
fn columns() -> String {
    format!(
        "attempt, number, state, amount, request, receipt, baseline, card, reason, started_at, receipt_printed, booking,
         evidence, staff_reason,
         sequence <= (SELECT coalesce(max(charges_to), 0) FROM closings WHERE divides IN ({}))",
        closing::words(Divides::may_hide_receipts)
    )
}

/// Every unfinished payment and the newest finished ones, oldest first; and each with an undo that did not give it back, for
/// that may have given back another.
pub(super) fn all(connection: &Connection) -> Result<Vec<PaymentRecord>> {
    let finished = "('settled', 'not-paid', 'reversed')";
    let undone = "SELECT attempt FROM undos WHERE state <> 'reversed'";
    let wanted = format!(
        "state NOT IN {finished} OR attempt IN ({undone}) OR sequence IN
         (SELECT sequence FROM payments WHERE state IN {finished} ORDER BY sequence DESC LIMIT ?1)"
    );
    select(connection, &wanted, params![FINISHED_SHOWN_MAX])
}

pub(super) fn numbered(connection: &Connection, number: &str) -> Result<Vec<PaymentRecord>> {
    select(connection, "number = ?1", params![number])
}

fn select(connection: &Connection, wanted: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<PaymentRecord>> {
    let sql = format!("SELECT {} FROM payments WHERE {wanted} ORDER BY sequence", columns());
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(values, payment)?;
    let mut payments = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut undos = undo::latest(connection)?;
    for payment in &mut payments {
        payment.undo = undos.remove(&payment.attempt);
    }
    Ok(payments)
}

pub(super) fn find(connection: &Connection, attempt: AttemptId) -> Result<Option<PaymentRecord>> {
    let sql = format!("SELECT {} FROM payments WHERE attempt = ?1", columns());
    let found = connection.query_row(&sql, [attempt.0.to_string()], payment).optional()?;
    let Some(payment) = found else { return Ok(None) };
    Ok(Some(PaymentRecord { undo: undo::latest_of(connection, attempt)?, ..payment }))
}

fn payment(row: &Row<'_>) -> rusqlite::Result<PaymentRecord> {
    Ok(PaymentRecord {
        attempt: AttemptId(id(row, 0)?),
        number: row.get(1)?,
        state: payment_state(row, 2)?,
        amount: Amount(row.get(3)?),
        request: json(row, 4)?,
        receipt: json(row, 5)?,
        baseline: json(row, 6)?,
        transaction: json_or_null(row, 7)?,
        reason: row.get(8)?,
        started_at: time(row, 9)?,
        receipt_printed: row.get(10)?,
        booking: json(row, 11)?,
        evidence: row.get(12)?,
        staff_reason: json_or_null(row, 13)?,
        undo: None,
        day_closed: row.get(14)?,
    })
}

pub(super) fn insert(tx: &Transaction<'_>, new: &NewPayment<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO payments (attempt, number, request_id, state, amount, request, receipt, baseline, started_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        params![
            new.attempt.0.to_string(),
            new.number,
            new.request.id.to_string(),
            payment_word(PaymentState::Intent),
            new.amount.0,
            to_json(new.request)?,
            to_json(new.receipt)?,
            to_json(new.baseline)?,
            new.at.to_rfc3339()
        ],
    )?;
    Ok(())
}

/// It changed when its state was said last, also when it was the same.
pub(super) fn update(tx: &Transaction<'_>, attempt: AttemptId, new: &SetPayment<'_>) -> Result<()> {
    let mut set = Set::default();
    if let Some(standing) = &new.standing {
        set.put("state", payment_word(standing.state).to_owned());
        set.put("reason", standing.reason.as_deref().map(str::to_owned));
        set.put("staff_reason", standing.staff_reason.map(to_json).transpose()?);
        set.put("changed_at", standing.at.to_rfc3339());
    }
    if let Some(request) = &new.request {
        set.put("request", to_json(request)?);
    }
    if let Some(receipt) = new.receipt {
        set.put("receipt", to_json(receipt)?);
    }
    if let Some(card) = new.card {
        set.put("card", to_json(card)?);
    }
    if let Some((raw, booking)) = new.answer {
        set.put("raw_answer", raw.to_vec());
        set.put("booking", to_json(&booking)?);
    }
    if let Some(evidence) = &new.evidence {
        set.put("evidence", evidence.clone());
    }
    if new.receipt_printed {
        set.put("receipt_printed", true);
    }
    Ok(set.write(tx, "payments", "attempt", attempt.0.to_string())?)
}

/// Whether there is one but this in one of these states.
pub(super) fn exists(tx: &Transaction<'_>, states: &str, but: Option<AttemptId>) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM payments WHERE state IN ({states}) AND attempt <> ?1)");
    let but = but.map(|attempt| attempt.0.to_string()).unwrap_or_default();
    Ok(tx.query_row(&sql, [but], |row| row.get(0))?)
}

pub(super) fn of_request(tx: &Transaction<'_>, request: Uuid) -> Result<Vec<(AttemptId, PaymentState)>> {
    let mut statement = tx.prepare("SELECT attempt, state FROM payments WHERE request_id = ?1 ORDER BY sequence")?;
    let rows =
        statement.query_map([request.to_string()], |row| Ok((AttemptId(id(row, 0)?), payment_state(row, 1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Each mark has an index.
pub(super) fn bookings_like(tx: &Transaction<'_>, card: &CardTransaction) -> Result<Vec<Booked>> {
    let mut statement = tx.prepare(
        "SELECT attempt, number, state, card FROM payments WHERE
             (?1 <> '' AND json_extract(card, '$.approval_number') = ?1)
             OR (?2 <> '' AND json_extract(card, '$.unique_number') = ?2)
             OR (?3 <> '' AND json_extract(card, '$.terminal_time') = ?3)",
    )?;
    let marks = params![card.approval_number, card.unique_number, card.terminal_time];
    let rows = statement.query_map(marks, |row| {
        let (attempt, number, state) = (AttemptId(id(row, 0)?), row.get(1)?, payment_state(row, 2)?);
        Ok(Booked { attempt, number, state, card: json(row, 3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
