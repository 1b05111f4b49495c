//! `kiosk payments list|show ID`: what the journal knows. The masked card is as the terminal masked it.

use super::{Answer, no, usage};
use crate::domain::payment::PaymentRecord;
use crate::ports::Store;
use serde_json::{Value, json};

/// # Errors
/// The store cannot be read, in words for staff.
pub fn list(store: &dyn Store, as_json: bool) -> Answer {
    let payments = store.payments().map_err(usage)?;
    let mut lines = if as_json { Vec::new() } else { vec![format!("{} payments", payments.len())] };
    lines.extend(payments.iter().map(|payment| if as_json { as_value(payment).to_string() } else { line(payment) }));
    Ok(lines)
}

/// `id` is the attempt's number (`K3-0047`) or its identifier.
///
/// # Errors
/// No such payment.
pub fn show(store: &dyn Store, id: &str, as_json: bool) -> Answer {
    let payments = store.payments().map_err(usage)?;
    let found = payments.iter().rev().find(|payment| payment.number == id || payment.attempt.0.to_string() == id);
    let payment = found.ok_or_else(|| no(format!("no payment {id}; `kiosk payments list` shows them")))?;
    Ok(vec![if as_json { as_value(payment).to_string() } else { line(payment) }])
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
    })
}

fn line(payment: &PaymentRecord) -> String {
    let approval = payment.transaction.as_ref().map_or("-", |transaction| transaction.approval_number.as_str());
    let state = json!(payment.state);
    format!(
        "{}  {:<12} {:>9}  {}  approval={} claim={} {}",
        payment.number,
        state.as_str().unwrap_or_default(),
        payment.amount.0,
        payment.started_at.to_rfc3339(),
        approval,
        payment.receipt.claim,
        payment.reason.as_deref().unwrap_or("")
    )
}
