//! `kiosk payments list|show ID|ask ID|settle ID|cancel ID` and `kiosk reprint`: what the journal knows, and what staff
//! do about it. The masked card is as the terminal masked it.

use super::{Answer, Refusal, no, usage, write_down};
use crate::domain::attempt::AttemptId;
use crate::domain::order::{StaffAnswer, StaffOrder, StaffRefusal};
use crate::domain::payment::PaymentRecord;
use crate::domain::person::Who;
use crate::domain::staff::{AuditEntry, StaffAct};
use crate::ports::{Journal, StaffOrders, Store, Trail};
use serde_json::{Value, json};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The terminal is made ready, a card presented and the card company asked in the meantime.
pub const ANSWER_LIMIT: Duration = Duration::from_mins(10);
/// Between two tries at a kiosk that is only just starting.
const AGAIN: Duration = Duration::from_millis(500);

/// # Errors
/// The store cannot be read, in words for staff.
pub fn list(journal: &dyn Journal, as_json: bool) -> Answer {
    let payments = journal.payments().map_err(usage)?;
    let mut lines = if as_json { Vec::new() } else { vec![format!("{} payments", payments.len())] };
    lines.extend(payments.iter().map(|payment| if as_json { as_value(payment).to_string() } else { line(payment) }));
    Ok(lines)
}

/// `id` is the attempt's number (`K3-0047`), the same with its day (`2026-11-25/K3-0047`), or its identifier.
///
/// # Errors
/// No such payment, or several: numbers begin anew every day.
pub fn show(journal: &dyn Journal, id: &str, as_json: bool) -> Answer {
    let payment = find(journal, id)?;
    Ok(vec![if as_json { as_value(&payment).to_string() } else { line(&payment) }])
}

fn find(journal: &dyn Journal, id: &str) -> Result<PaymentRecord, Refusal> {
    let dated = |payment: &PaymentRecord| format!("{}/{}", payment.started_at.date_naive(), payment.number);
    // Whichever the journal keeps: more than the list shows.
    let mut found = match (Uuid::parse_str(id), id.split_once('/')) {
        (Ok(attempt), _) => journal.payment(AttemptId(attempt)).map_err(usage)?.into_iter().collect(),
        (Err(_), Some((_, number))) => journal.payments_numbered(number).map_err(usage)?,
        (Err(_), None) => journal.payments_numbered(id).map_err(usage)?,
    };
    found.retain(|payment| !id.contains('/') || dated(payment) == id);
    match (found.pop(), found.len()) {
        (None, _) => Err(no(format!("no payment {id}; `kiosk payments list` shows them"))),
        (Some(one), 0) => Ok(one),
        // Another day's money must not be moved by a number that came again.
        (Some(last), others) => {
            let which = |payment: &PaymentRecord| format!("{} (or {})", dated(payment), payment.attempt.0);
            let all = found.iter().chain([&last]).map(which).collect::<Vec<_>>().join(", ");
            Err(no(format!("{} payments are numbered {id}: say which: {all}", others + 1)))
        }
    }
}

/// Has a kiosk at work carry out `order`. For `patience` it is tried again while the kiosk is only starting: its terminal
/// has not answered yet, or what it found open is not finished.
///
/// # Errors
/// 1: it was refused, or nobody knows yet. 2: it could not be tried.
pub fn order(
    store: &dyn Store,
    desk: &dyn StaffOrders,
    id: &str,
    order: &StaffOrder,
    as_json: bool,
    patience: Duration,
) -> Answer {
    let payment = find(store, id)?;
    audit(store, &payment, order, "ordered", "")?;
    let answer = answered(patience, || desk.order(payment.attempt, order.clone()))?;
    let became = answer.leaves(&payment.standing());
    let told = told(&payment, answer, as_json);
    let result = told.as_ref().map_or_else(|refusal| refusal.why.as_str(), |_| "done");
    // The money's own journal is the truth by now.
    if let Err(refusal) = audit(store, &payment, order, result, &became) {
        tracing::error!("{}", refusal.why);
    }
    told
}

/// The receipt of `id`, or of the last payment that was paid.
///
/// # Errors
/// As [`order`].
pub fn reprint(store: &dyn Store, desk: &dyn StaffOrders, id: Option<&str>, patience: Duration) -> Answer {
    let id = if let Some(id) = id {
        id.to_owned()
    } else {
        let paid = |payment: &PaymentRecord| payment.state.is_paid();
        let last = store.payments().map_err(usage)?.into_iter().rev().find(paid);
        last.ok_or_else(|| no("no payment has a receipt"))?.attempt.0.to_string()
    };
    order(store, desk, &id, &StaffOrder::Reprint, false, patience)
}

/// Before the order leaves, and how it ended. Evidence is kept with the payment.
fn audit(
    trail: &dyn Trail,
    payment: &PaymentRecord,
    order: &StaffOrder,
    result: &str,
    became: &str,
) -> Result<(), Refusal> {
    let act = match order {
        StaffOrder::Ask => StaffAct::Ask,
        StaffOrder::Settle { paid: true, .. } => StaffAct::MarkPaid,
        StaffOrder::Settle { paid: false, .. } => StaffAct::MarkNotPaid,
        StaffOrder::Cancel { .. } => StaffAct::GiveBack,
        StaffOrder::Reprint => StaffAct::PrintReceipt,
    };
    let entry = AuditEntry::new(Who::Shell, act, payment.number.clone(), result);
    write_down(trail, &entry.changing(payment.standing(), became))
}

/// What becomes of an order. For `patience` it is given again while the kiosk is only starting.
pub(super) fn answered(patience: Duration, give: impl Fn() -> Receiver<StaffAnswer>) -> Result<StaffAnswer, Refusal> {
    let end = Instant::now() + patience;
    loop {
        let answer = last(&give())?;
        let starting = matches!(answer, StaffAnswer::Refused(StaffRefusal::TerminalAway | StaffRefusal::AnotherOpen));
        if !starting || Instant::now() >= end {
            return Ok(answer);
        }
        std::thread::sleep(AGAIN);
    }
}

fn last(answers: &Receiver<StaffAnswer>) -> Result<StaffAnswer, Refusal> {
    let mut begun = false;
    loop {
        match answers.recv_timeout(ANSWER_LIMIT) {
            Ok(StaffAnswer::Begun) => begun = true,
            Ok(answer) => return Ok(answer),
            Err(_) if begun => {
                return Err(no("there is no answer yet: `kiosk payments list` shows what becomes of it"));
            }
            Err(_) => return Err(usage("the kiosk is too busy to take the order: nothing was done, try again")),
        }
    }
}

fn told(payment: &PaymentRecord, answer: StaffAnswer, as_json: bool) -> Answer {
    let number = &payment.number;
    let (word, text) = match answer {
        StaffAnswer::Paid => ("paid", format!("{number} was paid; the hospital gets the request")),
        StaffAnswer::NotPaid => ("not-paid", format!("{number} was not paid; nothing was charged")),
        StaffAnswer::Reversed => ("reversed", format!("{number} was given back")),
        StaffAnswer::Printed => ("printed", format!("the receipt of {number} was printed")),
        StaffAnswer::NotReversed { reason } => return Err(no(format!("{number} was not given back: {reason}"))),
        StaffAnswer::StillOpen { reason } => return Err(no(format!("{number} is on the staff list: {reason}"))),
        StaffAnswer::NotPrinted => return Err(no("the printer did not print it: look at its paper, then try again")),
        // No order about a payment is answered by an end of day.
        StaffAnswer::Begun | StaffAnswer::DayEnded { .. } => return Err(no("there is no answer yet")),
        StaffAnswer::Refused(why) => return Err(refused(number, why)),
    };
    let line = json!({ "id": payment.attempt.0, "number": number, "answer": word });
    Ok(vec![if as_json { line.to_string() } else { text }])
}

/// What only a device or the disk stands in the way of could not be tried.
fn refused(number: &str, why: StaffRefusal) -> Refusal {
    let text = format!("{number}: {why}");
    match why {
        StaffRefusal::TerminalAway
        | StaffRefusal::TerminalNotReady
        | StaffRefusal::PrinterAway
        | StaffRefusal::CannotRecord => usage(text),
        StaffRefusal::UnknownPayment
        | StaffRefusal::AnotherOpen
        | StaffRefusal::NotForStaff(_)
        | StaffRefusal::NoEvidence
        | StaffRefusal::NothingToUndo(_)
        | StaffRefusal::NotToday
        | StaffRefusal::DayClosed
        | StaffRefusal::UndoUnsettled
        | StaffRefusal::NoReceipt(_) => no(text),
    }
}

fn as_value(payment: &PaymentRecord) -> Value {
    let transaction = payment.transaction.as_ref();
    json!({
        "id": payment.attempt.0,
        "number": payment.number,
        "state": payment.state,
        "amount": payment.amount,
        "started_at": payment.started_at.to_rfc3339(),
        "card": transaction.map(|transaction| &transaction.masked_card),
        "approval_number": transaction.map(|transaction| &transaction.approval_number),
        "claim": payment.receipt.claim,
        "receipt_printed": payment.receipt_printed,
        "reason": payment.reason,
        "evidence": payment.evidence,
        "needs_staff": payment.needs_staff(),
        "undo": payment.undo.as_ref().map(|undo| json!({
            "id": undo.undo.0,
            "way": undo.way,
            "state": undo.state,
            "started_at": undo.started_at.to_rfc3339(),
            "reason": undo.reason,
        })),
    })
}

fn line(payment: &PaymentRecord) -> String {
    let approval = payment.transaction.as_ref().map_or("-", |transaction| transaction.approval_number.as_str());
    let state = json!(payment.state);
    let undo = payment.undo.as_ref().map_or_else(String::new, |undo| {
        let state = json!(undo.state);
        format!(" undo={} {}", state.as_str().unwrap_or_default(), undo.reason.as_deref().unwrap_or(""))
    });
    format!(
        "{}  {:<12} {:>9}  {}  approval={} claim={} {}{undo}",
        payment.number,
        state.as_str().unwrap_or_default(),
        payment.amount.0,
        payment.started_at.to_rfc3339(),
        approval,
        payment.receipt.claim,
        payment.reason.as_deref().unwrap_or("")
    )
}
