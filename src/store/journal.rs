//! The payment journal: one row per attempt, and only the arrows of the payment diagram.
//!
//! The store is the last to look before money moves, so it also refuses what no journey should ever ask for: a second
//! open payment, and a second attempt at a request whose first is not known to be unpaid.

use super::column::{id, json, json_or_null, payment_state, payment_word, time, to_json};
use super::fault::{Result, refused};
use super::{closing, outbox, undo};
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::paper::Receipt;
use crate::domain::patient::PatientNumber;
use crate::domain::payment::{
    AttemptId, Booking, CardTransaction, Entry, LastTransaction, PaymentRecord, PaymentState,
};
use crate::domain::reason::StaffReason;
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

type Time = DateTime<FixedOffset>;

/// Finished payments handed out beside all unfinished ones.
const FINISHED_SHOWN_MAX: u32 = 1000;
const COLUMNS: &str =
    "attempt, number, state, amount, request, receipt, baseline, card, reason, started_at, receipt_printed, booking,
     evidence, staff_reason, sequence <= (SELECT coalesce(max(charges_to), 0) FROM closings WHERE divides IN ('surely', 'perhaps'))";

/// True if personal data was erased.
pub(super) fn record(tx: &Transaction<'_>, entry: &Entry, bundle: &[u8], at: Time) -> Result<bool> {
    match entry {
        Entry::Intent { .. } => intend(tx, entry, at)?,
        Entry::Sent { attempt } => advance(tx, *attempt, PaymentState::Sent, None, at)?,
        Entry::Answered { attempt, raw, transaction, booking } => {
            answer(tx, *attempt, raw, transaction, *booking, at)?;
        }
        Entry::Committed { attempt, transaction, request, receipt } => {
            commit(tx, *attempt, transaction, request, receipt, bundle, at)?;
        }
        Entry::NotPaid { attempt, reason } => {
            advance(tx, *attempt, PaymentState::NotPaid, Some(reason), at)?;
            erase_person(tx, *attempt)?;
            return Ok(true);
        }
        Entry::InDoubt { attempt, reason } => advance(tx, *attempt, PaymentState::InDoubt, Some(reason), at)?,
        Entry::NeedsStaff { attempt, reason, transaction } => {
            advance(tx, *attempt, PaymentState::NeedsStaff, Some(&reason.to_string()), at)?;
            keep_staff_reason(tx, *attempt, reason)?;
            keep_booking(tx, *attempt, transaction.as_deref())?;
        }
        Entry::Evidence { attempt, text } => keep_evidence(tx, *attempt, text)?,
        Entry::Undo(entry) => return undo::record(tx, entry, bundle, at),
        Entry::Closing(entry) => closing::record(tx, entry, at)?,
        Entry::ReceiptPrinted { attempt } => receipt_printed(tx, *attempt)?,
    }
    Ok(false)
}

/// The hospital has the request: its payment is settled, and the patient's number leaves the journal.
pub(super) fn settle(tx: &Transaction<'_>, request: Uuid, at: Time) -> Result<()> {
    let found = tx
        .query_row(
            "SELECT attempt, state FROM payments WHERE request_id = ?1 AND state IN (?2, ?3)",
            params![request.to_string(), payment_word(PaymentState::Committed), payment_word(PaymentState::Reversed)],
            |row| Ok((id(row, 0)?, payment_state(row, 1)?)),
        )
        .optional()?;
    if let Some((attempt, state)) = found {
        if state == PaymentState::Committed {
            move_to(tx, AttemptId(attempt), PaymentState::Settled, None, at)?;
        }
        erase_person(tx, AttemptId(attempt))?;
    }
    Ok(())
}

/// Given back. True if personal data was erased: the patient's number stays while the request still waits.
pub(super) fn reversed(tx: &Transaction<'_>, attempt: AttemptId, at: Time) -> Result<bool> {
    let from = known(tx, attempt)?.state;
    advance(tx, attempt, PaymentState::Reversed, None, at)?;
    if from == PaymentState::NeedsStaff {
        erase_person(tx, attempt)?;
    }
    Ok(from == PaymentState::NeedsStaff)
}

/// Every unfinished payment and the newest finished ones, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<PaymentRecord>> {
    let finished = "('settled', 'not-paid', 'reversed')";
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM payments WHERE state NOT IN {finished} OR attempt IN ({}) OR sequence IN
         (SELECT sequence FROM payments WHERE state IN {finished} ORDER BY sequence DESC LIMIT ?1) ORDER BY sequence",
        undo::UNFINISHED
    ))?;
    let rows = statement.query_map([FINISHED_SHOWN_MAX], payment)?;
    let mut payments = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut undos = undo::latest(connection)?;
    for payment in &mut payments {
        payment.undo = undos.remove(&payment.attempt);
    }
    Ok(payments)
}

pub(super) fn find(connection: &Connection, attempt: AttemptId) -> Result<Option<PaymentRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM payments WHERE attempt = ?1");
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

fn intend(tx: &Transaction<'_>, entry: &Entry, at: Time) -> Result<()> {
    let Entry::Intent { attempt, number, amount, request, receipt, baseline } = entry else { return Ok(()) };
    if let Some(known) = find(tx, *attempt)? {
        let same = known.state == PaymentState::Intent
            && (&known.number, known.amount, &known.request) == (number, *amount, request.as_ref())
            && (&known.receipt, &known.baseline) == (receipt.as_ref(), baseline);
        return if same { Ok(()) } else { Err(impossible(known.state, PaymentState::Intent)) };
    }
    refuse_second_open(tx, *attempt)?;
    undo::refuse_beside_open(tx, None)?;
    refuse_second_charge(tx, request.id)?;
    insert(tx, (*attempt, number, *amount), request, receipt, baseline, at)
}

fn insert(
    tx: &Transaction<'_>,
    (attempt, number, amount): (AttemptId, &str, Amount),
    request: &Request,
    receipt: &Receipt,
    baseline: &LastTransaction,
    at: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO payments (attempt, number, request_id, state, amount, request, receipt, baseline, started_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        params![
            attempt.0.to_string(),
            number,
            request.id.to_string(),
            payment_word(PaymentState::Intent),
            amount.0,
            to_json(request)?,
            to_json(receipt)?,
            to_json(baseline)?,
            at.to_rfc3339()
        ],
    )?;
    Ok(())
}

/// One terminal, one money operation at a time.
pub(super) fn refuse_second_open(tx: &Transaction<'_>, attempt: AttemptId) -> Result<()> {
    let mut statement = tx.prepare("SELECT attempt, state FROM payments WHERE state IN (?1, ?2, ?3, ?4)")?;
    let open = [PaymentState::Intent, PaymentState::Sent, PaymentState::Answered, PaymentState::InDoubt];
    let rows = statement.query_map(open.map(payment_word), |row| id(row, 0))?;
    for row in rows {
        if row? != attempt.0 {
            return Err(refused("another payment is still open: no second one may begin"));
        }
    }
    Ok(())
}

/// At most one charge may ever stand for a request.
fn refuse_second_charge(tx: &Transaction<'_>, request: Uuid) -> Result<()> {
    let others: i64 = tx.query_row(
        "SELECT count(*) FROM payments WHERE request_id = ?1 AND state <> ?2",
        params![request.to_string(), payment_word(PaymentState::NotPaid)],
        |row| row.get(0),
    )?;
    if others > 0 {
        return Err(refused("this request has a payment that is not known to be unpaid: it may not be charged again"));
    }
    Ok(())
}

fn known(tx: &Transaction<'_>, attempt: AttemptId) -> Result<PaymentRecord> {
    find(tx, attempt)?.ok_or_else(|| refused("the journal knows no such payment attempt"))
}

fn impossible(from: PaymentState, to: PaymentState) -> crate::ports::StoreError {
    refused(format!("a payment that is {} cannot become {}", payment_word(from), payment_word(to)))
}

/// The same state again is harmless; its reason may be told anew.
fn advance(tx: &Transaction<'_>, attempt: AttemptId, to: PaymentState, reason: Option<&str>, at: Time) -> Result<()> {
    let from = known(tx, attempt)?.state;
    if from != to && !from.may_become(to) {
        return Err(impossible(from, to));
    }
    if to.is_open() {
        refuse_second_open(tx, attempt)?;
        undo::refuse_beside_open(tx, None)?;
    }
    move_to(tx, attempt, to, reason, at)
}

fn move_to(tx: &Transaction<'_>, attempt: AttemptId, to: PaymentState, reason: Option<&str>, at: Time) -> Result<()> {
    tx.execute(
        "UPDATE payments SET state = ?2, reason = coalesce(?3, reason), staff_reason = NULL, changed_at = ?4
         WHERE attempt = ?1",
        params![attempt.0.to_string(), payment_word(to), reason, at.to_rfc3339()],
    )?;
    Ok(())
}

/// Beside its words: whoever lists the payment asks for the reason itself.
fn keep_staff_reason(tx: &Transaction<'_>, attempt: AttemptId, reason: &StaffReason) -> Result<()> {
    tx.execute(
        "UPDATE payments SET staff_reason = ?2 WHERE attempt = ?1",
        params![attempt.0.to_string(), to_json(reason)?],
    )?;
    Ok(())
}

/// A terminal may repeat its answer; a different answer to the same attempt is never written over the first.
fn answer(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    raw: &[u8],
    card: &CardTransaction,
    booking: Booking,
    at: Time,
) -> Result<()> {
    let known = known(tx, attempt)?;
    if known.state == PaymentState::Answered {
        return same_card(&known, card);
    }
    if booking == Booking::Unconfirmed && card.approved {
        refuse_second_use(tx, attempt, card)?;
    }
    advance(tx, attempt, PaymentState::Answered, None, at)?;
    tx.execute(
        "UPDATE payments SET raw_answer = ?2, card = ?3, booking = ?4 WHERE attempt = ?1",
        params![attempt.0.to_string(), raw, to_json(card)?, to_json(&booking)?],
    )?;
    Ok(())
}

fn same_card(known: &PaymentRecord, card: &CardTransaction) -> Result<()> {
    if known.transaction.as_ref() == Some(card) {
        return Ok(());
    }
    Err(refused("the terminal's answer differs from the one already in the journal"))
}

/// A booking that turned up; what a terminal answered first is not written over.
fn keep_booking(tx: &Transaction<'_>, attempt: AttemptId, card: Option<&CardTransaction>) -> Result<()> {
    let Some(card) = card else { return Ok(()) };
    tx.execute(
        "UPDATE payments SET card = ?2 WHERE attempt = ?1
         AND (card IS NULL OR NOT json_extract(card, '$.approved'))",
        params![attempt.0.to_string(), to_json(card)?],
    )?;
    Ok(())
}

/// Added to what was found out before; the same words again are harmless.
fn keep_evidence(tx: &Transaction<'_>, attempt: AttemptId, text: &str) -> Result<()> {
    let known = known(tx, attempt)?;
    if !known.needs_staff() {
        return Err(refused(format!("a payment that is {} needs no evidence", payment_word(known.state))));
    }
    let all = match known.evidence {
        Some(before) if before.lines().any(|line| line == text) => return Ok(()),
        Some(before) => format!("{before}\n{text}"),
        None => text.to_owned(),
    };
    tx.execute("UPDATE payments SET evidence = ?2 WHERE attempt = ?1", params![attempt.0.to_string(), all])?;
    Ok(())
}

/// The last look: no line of the card company's books is ever given to two payments.
fn refuse_second_use(tx: &Transaction<'_>, attempt: AttemptId, card: &CardTransaction) -> Result<()> {
    let mut statement = tx.prepare(
        "SELECT number, card FROM payments WHERE attempt <> ?1 AND state NOT IN ('intent', 'sent', 'not-paid') AND (
             (?2 <> '' AND json_extract(card, '$.approval_number') = ?2)
             OR (?3 <> '' AND json_extract(card, '$.unique_number') = ?3)
             OR (?4 <> '' AND json_extract(card, '$.terminal_time') = ?4))",
    )?;
    let marks = params![attempt.0.to_string(), card.approval_number, card.unique_number, card.terminal_time];
    let rows = statement.query_map(marks, |row| Ok((row.get::<_, String>(0)?, json::<CardTransaction>(row, 1)?)))?;
    for row in rows {
        let (number, other) = row?;
        if other.approved && other.is_same_booking(card) {
            return Err(refused(format!("this booking belongs to payment {number} already")));
        }
    }
    Ok(())
}

/// Paid, and in the same transaction queued for the hospital: neither can be without the other.
fn commit(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    card: &CardTransaction,
    request: &Request,
    receipt: &Receipt,
    bundle: &[u8],
    at: Time,
) -> Result<()> {
    let known = known(tx, attempt)?;
    if request.id != known.request.id || !carries(request, card) {
        return Err(refused("the request of a paid attempt must be its own and carry the payment"));
    }
    if known.state.is_paid() {
        return same_card(&known, card);
    }
    refuse_second_use(tx, attempt, card)?;
    advance(tx, attempt, PaymentState::Committed, None, at)?;
    tx.execute(
        "UPDATE payments SET request = ?2, receipt = ?3, card = ?4, reason = NULL WHERE attempt = ?1",
        params![attempt.0.to_string(), to_json(request)?, to_json(receipt)?, to_json(card)?],
    )?;
    outbox::insert(tx, request, bundle)
}

fn carries(request: &Request, card: &CardTransaction) -> bool {
    match &request.act {
        Act::Documents { payment: PaymentOfRequest::Card { transaction, .. }, .. } => transaction.as_ref() == card,
        Act::Documents { payment: PaymentOfRequest::Free | PaymentOfRequest::Unpaid, .. }
        | Act::Arrival { .. }
        | Act::Cancellation { .. } => false,
    }
}

fn receipt_printed(tx: &Transaction<'_>, attempt: AttemptId) -> Result<()> {
    let state = known(tx, attempt)?.state;
    if !matches!(state, PaymentState::Committed | PaymentState::Settled | PaymentState::Reversed) {
        return Err(refused(format!("a payment that is {} has no receipt", payment_word(state))));
    }
    tx.execute("UPDATE payments SET receipt_printed = 1 WHERE attempt = ?1", [attempt.0.to_string()])?;
    Ok(())
}

/// Receipt and masked card stay for a reprint; who it was does not.
fn erase_person(tx: &Transaction<'_>, attempt: AttemptId) -> Result<()> {
    let mut request = known(tx, attempt)?.request;
    request.patient = PatientNumber(String::new());
    request.patient_ref = None;
    tx.execute(
        "UPDATE payments SET request = ?2 WHERE attempt = ?1",
        params![attempt.0.to_string(), to_json(&request)?],
    )?;
    Ok(())
}
