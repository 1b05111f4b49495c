//! `kiosk queue list|show ID|retry ID`: requests waiting, sent, parked. Never a patient's data.

use super::{Answer, no, usage};
use crate::ports::{QueueRow, Store};
use serde_json::json;
use uuid::Uuid;

/// # Errors
/// The store cannot be read, in words for staff.
pub fn list(store: &dyn Store, as_json: bool) -> Answer {
    let rows = store.requests().map_err(usage)?;
    if as_json {
        return Ok(rows.iter().map(|row| json!(row).to_string()).collect());
    }
    let mut lines = vec![format!("{} requests", rows.len())];
    lines.extend(rows.iter().map(line));
    Ok(lines)
}

/// # Errors
/// No such request.
pub fn show(store: &dyn Store, id: Uuid, as_json: bool) -> Answer {
    let rows = store.requests().map_err(usage)?;
    let row = rows
        .iter()
        .find(|row| row.id == id)
        .ok_or_else(|| no(format!("no request {id}; `kiosk queue list` shows them")))?;
    Ok(vec![if as_json { json!(row).to_string() } else { line(row) }])
}

/// # Errors
/// No such parked request.
pub fn retry(store: &dyn Store, id: Uuid, as_json: bool) -> Answer {
    if store.retry(id).map_err(usage)? {
        let retried = json!({ "id": id, "retried": true });
        Ok(vec![if as_json { retried.to_string() } else { format!("{id} will be sent again") }])
    } else {
        Err(no(format!("{id} is not parked; only a parked request can be tried again")))
    }
}

fn line(row: &QueueRow) -> String {
    let state = format!("{:?}", row.state).to_lowercase();
    let note = row.note.as_deref().unwrap_or("-");
    format!("{}  {:<10} {:<8} {} tries={} {}", row.id, row.kind, state, row.queued_at.to_rfc3339(), row.tries, note)
}
