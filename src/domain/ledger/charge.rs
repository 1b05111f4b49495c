//! Lines about a payment itself: only the arrows of its diagram. The ledger is the last to look before money moves, so it also
//! refuses what no journey should ever ask for: a second open payment, and a second attempt at a request whose first is not
//! known to be unpaid.

use super::change::{Change, NewPayment, SetPayment, Standing, Write};
use super::refusal::Refusal;
use super::{Rows, Time, queue, refuse_beside_open};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction, PaymentState};
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::paper::Receipt;
use crate::domain::patient::PatientNumber;
use crate::domain::payment::{Entry, PaymentRecord};
use crate::domain::reason::StaffReason;
use std::borrow::Cow;
use uuid::Uuid;

pub(super) fn record<'a, R: Rows>(
    entry: &'a Entry,
    bundle: &'a [u8],
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    match entry {
        Entry::Intent { attempt, number, amount, request, receipt, baseline } => {
            intend(NewPayment { attempt: *attempt, number, amount: *amount, request, receipt, baseline, at }, rows)
        }
        Entry::Sent { attempt } => advance(*attempt, PaymentState::Sent, None, at, rows),
        Entry::Answered { attempt, raw, transaction, booking } => {
            answer(*attempt, raw, transaction, *booking, at, rows)
        }
        Entry::Committed { attempt, transaction, request, receipt } => {
            commit(*attempt, transaction, (request, bundle), receipt, at, rows)
        }
        Entry::NotPaid { attempt, reason } => not_paid(*attempt, reason, at, rows),
        Entry::InDoubt { attempt, reason } => advance(*attempt, PaymentState::InDoubt, Some(reason), at, rows),
        Entry::NeedsStaff { attempt, reason, transaction } => {
            hand_to_staff(*attempt, reason, transaction.as_deref(), at, rows)
        }
        Entry::Evidence { attempt, text } => keep_evidence(*attempt, text, rows),
        Entry::ReceiptPrinted { attempt } => keep_receipt_printed(*attempt, rows),
        Entry::Undo(_) | Entry::Closing(_) => Ok(Change::default()),
    }
}

pub(super) fn find<R: Rows>(attempt: AttemptId, rows: &R) -> Result<Cow<'_, PaymentRecord>, R::Error> {
    rows.payment(attempt)?.ok_or_else(|| Refusal::UnknownPayment.into())
}

fn intend<'a, R: Rows>(new: NewPayment<'a>, rows: &R) -> Result<Change<'a>, R::Error> {
    if let Some(known) = rows.payment(new.attempt)? {
        let is_same = known.state == PaymentState::Intent
            && (known.number.as_str(), known.amount, &known.request) == (new.number, new.amount, new.request)
            && (&known.receipt, &known.baseline) == (new.receipt, new.baseline);
        let no_way = Refusal::NoWay { from: known.state, to: PaymentState::Intent };
        return if is_same { Ok(Change::default()) } else { Err(no_way.into()) };
    }
    refuse_beside_open(rows, Some(new.attempt))?;
    refuse_second_charge(new.request.id, rows)?;
    Ok(Change::of(Write::NewPayment(new)))
}

/// At most one charge may ever stand for a request.
fn refuse_second_charge<R: Rows>(request: Uuid, rows: &R) -> Result<(), R::Error> {
    let may_stand = |(_, state): &(AttemptId, PaymentState)| *state != PaymentState::NotPaid;
    if rows.payments_of(request)?.iter().any(may_stand) { Err(Refusal::MaybeCharged.into()) } else { Ok(()) }
}

/// The same state again is harmless; its reason may be told anew.
fn move_to<'a, R: Rows>(
    known: &PaymentRecord,
    to: PaymentState,
    reason: Option<&'a str>,
    at: Time,
    rows: &R,
) -> Result<Standing<'a>, R::Error> {
    if known.state != to && !known.state.may_become(to) {
        return Err(Refusal::NoWay { from: known.state, to }.into());
    }
    if to.is_open() {
        refuse_beside_open(rows, Some(known.attempt))?;
    }
    Ok(stand_at(known, to, reason, at))
}

fn stand_at<'a>(known: &PaymentRecord, to: PaymentState, reason: Option<&'a str>, at: Time) -> Standing<'a> {
    let reason = reason.map(Cow::Borrowed).or_else(|| known.reason.clone().map(Cow::Owned));
    Standing { state: to, reason, staff_reason: None, at }
}

fn advance<'a, R: Rows>(
    attempt: AttemptId,
    to: PaymentState,
    reason: Option<&'a str>,
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let standing = Some(move_to(find(attempt, rows)?.as_ref(), to, reason, at, rows)?);
    Ok(Change::of_payment(attempt, SetPayment { standing, ..SetPayment::default() }))
}

/// A terminal may repeat its answer; a different answer to the same attempt is never written over the first.
fn answer<'a, R: Rows>(
    attempt: AttemptId,
    raw: &'a [u8],
    card: &'a CardTransaction,
    booking: Booking,
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let known = find(attempt, rows)?;
    if known.state == PaymentState::Answered {
        refuse_other_card(&known, card)?;
        return Ok(Change::default());
    }
    if booking == Booking::Unconfirmed && card.approved {
        refuse_second_use(attempt, card, rows)?;
    }
    let standing = Some(move_to(&known, PaymentState::Answered, None, at, rows)?);
    let set = SetPayment { standing, card: Some(card), answer: Some((raw, booking)), ..SetPayment::default() };
    Ok(Change::of_payment(attempt, set))
}

fn refuse_other_card(known: &PaymentRecord, card: &CardTransaction) -> Result<(), Refusal> {
    if known.transaction.as_ref() == Some(card) { Ok(()) } else { Err(Refusal::OtherAnswer) }
}

/// The last look: no line of the card company's books is ever given to two payments.
fn refuse_second_use<R: Rows>(attempt: AttemptId, card: &CardTransaction, rows: &R) -> Result<(), R::Error> {
    use PaymentState::{Intent, NotPaid, Sent};
    for other in rows.bookings_like(card)? {
        let holds_it = !matches!(other.state, Intent | Sent | NotPaid) && other.card.approved;
        if other.attempt != attempt && holds_it && other.card.is_same_booking(card) {
            return Err(Refusal::BookedForAnother { number: other.number }.into());
        }
    }
    Ok(())
}

/// Paid, and in the same change queued for the hospital: neither can be without the other.
fn commit<'a, R: Rows>(
    attempt: AttemptId,
    card: &'a CardTransaction,
    (request, bundle): (&'a Request, &'a [u8]),
    receipt: &'a Receipt,
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let known = find(attempt, rows)?;
    if request.id != known.request.id || !carries(request, card) {
        return Err(Refusal::OtherRequest.into());
    }
    if known.state.is_paid() {
        refuse_other_card(&known, card)?;
        return Ok(Change::default());
    }
    refuse_second_use(attempt, card, rows)?;
    let standing = Standing { reason: None, ..move_to(&known, PaymentState::Committed, None, at, rows)? };
    let set = SetPayment {
        standing: Some(standing),
        request: Some(Cow::Borrowed(request)),
        receipt: Some(receipt),
        card: Some(card),
        ..SetPayment::default()
    };
    let mut change = Change::of_payment(attempt, set);
    change.writes.extend(queue::queue(request, bundle, rows)?.writes);
    Ok(change)
}

fn carries(request: &Request, card: &CardTransaction) -> bool {
    paid_by(request) == Some(card)
}

/// The card transaction that paid for it.
pub(super) fn paid_by(request: &Request) -> Option<&CardTransaction> {
    match &request.act {
        Act::Documents { payment: PaymentOfRequest::Card { transaction, .. }, .. } => Some(transaction),
        Act::Documents { payment: PaymentOfRequest::Free | PaymentOfRequest::Unpaid, .. }
        | Act::Arrival { .. }
        | Act::Cancellation { .. } => None,
    }
}

fn not_paid<'a, R: Rows>(attempt: AttemptId, reason: &'a str, at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    let known = find(attempt, rows)?;
    let standing = Some(move_to(&known, PaymentState::NotPaid, Some(reason), at, rows)?);
    let set = SetPayment { standing, request: Some(forget_person(&known)), ..SetPayment::default() };
    Ok(Change { erases: true, ..Change::of_payment(attempt, set) })
}

/// A booking may have turned up; what a terminal answered first is not written over.
fn hand_to_staff<'a, R: Rows>(
    attempt: AttemptId,
    reason: &'a StaffReason,
    booking: Option<&'a CardTransaction>,
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let known = find(attempt, rows)?;
    let standing = move_to(&known, PaymentState::NeedsStaff, None, at, rows)?;
    let words = Some(Cow::Owned(reason.to_string()));
    let standing = Some(Standing { reason: words, staff_reason: Some(reason), ..standing });
    let has_booking = known.transaction.as_ref().is_some_and(|card| card.approved);
    let card = booking.filter(|_| !has_booking);
    Ok(Change::of_payment(attempt, SetPayment { standing, card, ..SetPayment::default() }))
}

/// Added to what was found out before; the same words again are harmless.
fn keep_evidence<'a, R: Rows>(attempt: AttemptId, text: &str, rows: &R) -> Result<Change<'a>, R::Error> {
    let known = find(attempt, rows)?;
    if !known.needs_staff() {
        return Err(Refusal::NoEvidenceNeeded(known.state).into());
    }
    let all = match &known.evidence {
        Some(before) if before.lines().any(|line| line == text) => return Ok(Change::default()),
        Some(before) => format!("{before}\n{text}"),
        None => text.to_owned(),
    };
    Ok(Change::of_payment(attempt, SetPayment { evidence: Some(all), ..SetPayment::default() }))
}

fn keep_receipt_printed<'a, R: Rows>(attempt: AttemptId, rows: &R) -> Result<Change<'a>, R::Error> {
    let state = find(attempt, rows)?.state;
    if !matches!(state, PaymentState::Committed | PaymentState::Settled | PaymentState::Reversed) {
        return Err(Refusal::NoReceipt(state).into());
    }
    Ok(Change::of_payment(attempt, SetPayment { receipt_printed: true, ..SetPayment::default() }))
}

/// Given back. The patient's number stays while the request still waits.
pub(super) fn reverse<'a, R: Rows>(attempt: AttemptId, at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    let known = find(attempt, rows)?;
    let standing = Some(move_to(&known, PaymentState::Reversed, None, at, rows)?);
    let erases = known.state == PaymentState::NeedsStaff;
    let request = erases.then(|| forget_person(&known));
    Ok(Change { erases, ..Change::of_payment(attempt, SetPayment { standing, request, ..SetPayment::default() }) })
}

/// The hospital has the request: what paid for it is settled, and the patient's number leaves the journal. Beside that payment
/// there may be one that was taken for unpaid, was booked after all, and was given back.
pub(super) fn settle<'a, R: Rows>(request: Uuid, at: Time, rows: &R) -> Result<Vec<Write<'a>>, R::Error> {
    let mut writes = Vec::new();
    for (attempt, state) in rows.payments_of(request)? {
        if !matches!(state, PaymentState::Committed | PaymentState::Reversed) {
            continue;
        }
        let known = find(attempt, rows)?;
        let standing = (state == PaymentState::Committed).then(|| stand_at(&known, PaymentState::Settled, None, at));
        let set = SetPayment { standing, request: Some(forget_person(&known)), ..SetPayment::default() };
        writes.push(Write::Payment { attempt, set: Box::new(set) });
    }
    Ok(writes)
}

/// Receipt and masked card stay for a reprint; who it was does not.
fn forget_person<'a>(known: &PaymentRecord) -> Cow<'a, Request> {
    let patient = PatientNumber(String::new());
    Cow::Owned(Request { patient, patient_ref: None, ..known.request.clone() })
}
