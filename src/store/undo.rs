//! Undos in the journal: one row per try, only the arrows of `domain::undo`, and never one beside another money
//! operation.

use super::column::{id, json, json_or_null, payment_word, time, to_json, undo_state, undo_word};
use super::fault::{Result, refused};
use super::{journal, outbox};
use crate::domain::money::Amount;
use crate::domain::payment::{AttemptId, CardTransaction, PaymentRecord, PaymentState};
use crate::domain::session::{UndoAnswer, UndoWay};
use crate::domain::undo::{UndoEntry, UndoRecord, UndoState};
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

type Time = DateTime<FixedOffset>;

const COLUMNS: &str = "undo, attempt, way, state, amount, card, answer, reason, started_at";
/// Payments with an undo that is not at its end.
pub(super) const UNFINISHED: &str = "SELECT attempt FROM undos WHERE state NOT IN ('reversed', 'not-reversed')";

/// True if personal data was erased.
pub(super) fn record(tx: &Transaction<'_>, entry: &UndoEntry, bundle: &[u8], at: Time) -> Result<bool> {
    match entry {
        UndoEntry::Intent { undo, of, way, transaction } => intend(tx, *undo, *of, *way, transaction, at)?,
        UndoEntry::Sent { undo } => advance(tx, *undo, UndoState::Sent, None, at)?,
        UndoEntry::Answered { undo, raw, answer } => answered(tx, *undo, raw, answer, at)?,
        UndoEntry::NotReversed { undo, reason } => {
            advance(tx, *undo, UndoState::NotReversed, Some(reason), at)?;
        }
        UndoEntry::InDoubt { undo, reason } => advance(tx, *undo, UndoState::InDoubt, Some(reason), at)?,
        UndoEntry::NeedsStaff { undo, reason } => advance(tx, *undo, UndoState::NeedsStaff, Some(reason), at)?,
        UndoEntry::Reversed { undo, cancellation } => {
            advance(tx, *undo, UndoState::Reversed, None, at)?;
            if let Some(cancellation) = cancellation {
                outbox::insert(tx, cancellation, bundle)?;
            }
            return journal::reversed(tx, payment_of(tx, *undo)?, at);
        }
    }
    Ok(false)
}

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

/// One terminal, one money operation at a time.
pub(super) fn refuse_beside_open(tx: &Transaction<'_>, but: Option<AttemptId>) -> Result<()> {
    let but = but.map(|undo| undo.0.to_string()).unwrap_or_default();
    let open: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM undos WHERE state IN ('intent', 'sent', 'answered', 'in-doubt') AND undo <> ?1)",
        [but],
        |row| row.get(0),
    )?;
    if open {
        return Err(refused("a payment is being given back: nothing else may begin"));
    }
    Ok(())
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

fn find(tx: &Transaction<'_>, of: AttemptId) -> Result<Option<(AttemptId, UndoRecord)>> {
    let sql = format!("SELECT {COLUMNS} FROM undos WHERE undo = ?1");
    Ok(tx.query_row(&sql, [of.0.to_string()], undo).optional()?)
}

fn intend(
    tx: &Transaction<'_>,
    undo: AttemptId,
    of: AttemptId,
    way: UndoWay,
    card: &CardTransaction,
    at: Time,
) -> Result<()> {
    if let Some((known_of, known)) = find(tx, undo)? {
        let same = known.state == UndoState::Intent && (known_of, known.way, &known.transaction) == (of, way, card);
        return if same { Ok(()) } else { Err(impossible(known.state, UndoState::Intent)) };
    }
    let payment = journal::find(tx, of)?.ok_or_else(|| refused("the journal knows no such payment attempt"))?;
    refuse_impossible(&payment, card)?;
    journal::refuse_second_open(tx, of)?;
    refuse_beside_open(tx, None)?;
    tx.execute(
        "INSERT INTO undos (undo, attempt, way, state, amount, card, started_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        params![
            undo.0.to_string(),
            of.0.to_string(),
            to_json(&way)?,
            undo_word(UndoState::Intent),
            card.amount.0,
            to_json(card)?,
            at.to_rfc3339()
        ],
    )?;
    Ok(())
}

/// Only what was booked for this payment, and only once.
fn refuse_impossible(payment: &PaymentRecord, card: &CardTransaction) -> Result<()> {
    let unsettled = payment.undo.as_ref().is_some_and(|undo| undo.state != UndoState::NotReversed);
    if !payment.state.may_become(PaymentState::Reversed) || unsettled {
        return Err(refused(format!("a payment that is {} cannot be given back now", payment_word(payment.state))));
    }
    if payment.transaction.as_ref() != Some(card) || !card.approved {
        return Err(refused("only the booking of a payment can be given back"));
    }
    Ok(())
}

fn impossible(from: UndoState, to: UndoState) -> crate::ports::StoreError {
    refused(format!("an undo that is {} cannot become {}", undo_word(from), undo_word(to)))
}

fn payment_of(tx: &Transaction<'_>, undo: AttemptId) -> Result<AttemptId> {
    find(tx, undo)?.map(|(of, _)| of).ok_or_else(|| refused("the journal knows no such undo"))
}

/// The same state again is harmless.
fn advance(tx: &Transaction<'_>, undo: AttemptId, to: UndoState, reason: Option<&str>, at: Time) -> Result<()> {
    let (_, known) = find(tx, undo)?.ok_or_else(|| refused("the journal knows no such undo"))?;
    if known.state != to && !known.state.may_become(to) {
        return Err(impossible(known.state, to));
    }
    tx.execute(
        "UPDATE undos SET state = ?2, reason = coalesce(?3, reason), changed_at = ?4 WHERE undo = ?1",
        params![undo.0.to_string(), undo_word(to), reason, at.to_rfc3339()],
    )?;
    Ok(())
}

/// A terminal may repeat its answer; another one is never written over the first.
fn answered(tx: &Transaction<'_>, undo: AttemptId, raw: &[u8], answer: &UndoAnswer, at: Time) -> Result<()> {
    let known = find(tx, undo)?.map(|(_, known)| known);
    if let Some(known) = known.filter(|known| known.state == UndoState::Answered) {
        let same = known.answer.as_ref() == Some(answer);
        return if same { Ok(()) } else { Err(refused("the terminal's answer differs from the one in the journal")) };
    }
    advance(tx, undo, UndoState::Answered, None, at)?;
    tx.execute(
        "UPDATE undos SET raw_answer = ?2, answer = ?3 WHERE undo = ?1",
        params![undo.0.to_string(), raw, to_json(answer)?],
    )?;
    Ok(())
}
