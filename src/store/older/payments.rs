//! Why a payment is for staff.

use crate::domain::money::Amount;
use crate::domain::reason::{StaffReason, TakenFor};
use rusqlite::{Transaction, params};

/// Beginnings: more may follow.
const STAFF_REASONS: [(&str, StaffReason); 17] = [
    ("the terminal does not tell its last transaction", StaffReason::TerminalSilent),
    ("the terminal says it has no last transaction", StaffReason::TerminalEmpty),
    ("the terminal gave two different answers", StaffReason::TwoAnswers),
    ("the terminal told of no transaction before this payment", StaffReason::EmptyBefore),
    ("the last transaction before this payment is not known", StaffReason::NoBaseline),
    (
        "the terminal's last transaction looks like the one before, but carries no mark of its own",
        StaffReason::LooksTheSame,
    ),
    (
        "the terminal tells of no booking, but did not say that it was ready and reached the card company",
        StaffReason::CardCompanyAway,
    ),
    ("the terminal did not book it, but could not reach the card company", StaffReason::CardCompanyAway),
    (
        "the terminal did not book it, but was not ready or could not reach the card company",
        StaffReason::CardCompanyAway,
    ),
    ("the terminal may have restarted and forgotten it", StaffReason::TerminalForgot),
    ("the terminal's last transaction is a refusal", StaffReason::LastRefused),
    ("the terminal's last transaction has another amount", StaffReason::OtherAmount),
    ("the terminal's last transaction is of another time", StaffReason::OtherTime),
    ("the terminal's last transaction belongs to another payment", StaffReason::OtherPayment),
    ("the terminal's last transaction may belong to a later payment", StaffReason::LaterPayment),
    ("the journal refuses what the terminal says", StaffReason::Contradiction),
    (
        "it is paid, but its request to the hospital was lost with a damaged database: mark it as paid",
        StaffReason::RequestLost,
    ),
];
const BOOKED_AFTER: &str = "approved after it was ";
/// What came between [`BOOKED_AFTER`] and the amount.
const TAKEN_FOR: [(&str, TakenFor); 2] =
    [("taken for not paid", TakenFor::NotPaid), ("handed to staff", TakenFor::WithStaff)];

/// Of every payment that is for staff.
pub(in crate::store) fn name_staff_reasons(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut for_staff = tx.prepare(
        "SELECT sequence, amount, reason FROM payments WHERE state = 'needs-staff' AND reason IS NOT NULL
         ORDER BY sequence",
    )?;
    let rows =
        for_staff.query_map([], |row| Ok((row.get::<_, i64>(0)?, Amount(row.get(1)?), row.get::<_, String>(2)?)))?;
    for row in rows {
        let (sequence, amount, text) = row?;
        let named = staff_reason(&text, amount).and_then(|reason| serde_json::to_string(&reason).ok());
        tx.execute("UPDATE payments SET staff_reason = ?2 WHERE sequence = ?1", params![sequence, named])?;
    }
    Ok(())
}

/// `amount` is the payment's own, where the sentence does not tell what was booked.
fn staff_reason(text: &str, amount: Amount) -> Option<StaffReason> {
    if let Some(rest) = text.strip_prefix(BOOKED_AFTER) {
        return Some(booked_after_all(rest, amount));
    }
    STAFF_REASONS.into_iter().find(|(words, _)| text.starts_with(words)).map(|(_, reason)| reason)
}

fn booked_after_all(rest: &str, amount: Amount) -> StaffReason {
    let known = TAKEN_FOR.into_iter().find_map(|(words, what)| Some((what, rest.strip_prefix(words)?)));
    let (taken_for, rest) = known.unwrap_or((TakenFor::NotPaid, rest));
    let booked = rest.strip_prefix(": amount ").and_then(|rest| rest.split_once(", approval number "));
    let told = booked.and_then(|(amount, number)| Some((Amount(amount.parse().ok()?), number.to_owned())));
    let (amount, approval_number) = told.unwrap_or((amount, String::new()));
    StaffReason::BookedAfterAll { taken_for, amount, approval_number }
}
