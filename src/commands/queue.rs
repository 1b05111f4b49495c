//! `kiosk queue list|show ID|retry ID|close ID`: requests waiting, sent, parked. Never a patient's data.

use super::{Answer, Refusal, no, usage, write_down};
use crate::domain::outbox::{QueueRow, QueueState};
use crate::domain::person::Who;
use crate::domain::reason::{InPart, ParkReason, Undelivered};
use crate::domain::staff::{AuditEntry, StaffAct};
use crate::ports::{Outbox, QueueList, Store, StoreError, Tally};
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// What staff write down of a request they closed: a line, no report.
const EVIDENCE_CHARS_MAX: usize = 300;

/// Every row; as text under the summary.
///
/// # Errors
/// The store cannot be read, in words for staff.
pub fn list(queue: &dyn QueueList, as_json: bool, now: &DateTime<Utc>) -> Answer {
    let rows = queue.requests().map_err(usage)?;
    if as_json {
        return Ok(rows.iter().map(|row| value(row).to_string()).collect());
    }
    let mut lines = vec![format!("{} requests", rows.len())];
    if !rows.is_empty() {
        lines.extend(summary_lines(&queue.tally().map_err(usage)?, &rows, now));
    }
    lines.extend(rows.iter().map(line));
    Ok(lines)
}

/// How many wait and since when, the last success, what is parked and why, and what was delivered with a note for staff.
/// `held_until`: nothing of what waits is tried before.
///
/// # Errors
/// The store cannot be read, in words for staff.
pub fn summary(queue: &dyn QueueList, as_json: bool, now: &DateTime<Utc>, held_until: Option<DateTime<Utc>>) -> Answer {
    let tally = queue.tally().map_err(usage)?;
    let rows = queue.attention().map_err(usage)?;
    let held_until = held_until.filter(|until| until > now && tally.waiting > 0);
    if as_json {
        let mut value = summary_value(&tally, &rows, now);
        value["held_until"] = json!(held_until.map(|until| until.to_rfc3339()));
        return Ok(vec![value.to_string()]);
    }
    let mut lines = summary_lines(&tally, &rows, now);
    let held = held_until.map(|until| {
        let (until, left) = (until.to_rfc3339_opts(SecondsFormat::Secs, true), ago(*now, &until));
        format!("HELD until {until}, for {left} more: `kiosk queue retry ID` of one that waits tries at once")
    });
    lines.extend(held);
    Ok(lines)
}

fn parked(rows: &[QueueRow]) -> impl Iterator<Item = &QueueRow> {
    rows.iter().filter(|row| row.state == QueueState::Parked)
}

/// The hospital has them, and staff should know something all the same.
fn noted(rows: &[QueueRow]) -> impl Iterator<Item = (&QueueRow, &str)> {
    rows.iter().filter_map(|row| Some((row, row.told()?)))
}

/// # Errors
/// No such request.
pub fn show(queue: &dyn QueueList, id: Uuid, as_json: bool) -> Answer {
    let row = find(queue, id)?;
    if as_json {
        return Ok(vec![value(&row).to_string()]);
    }
    let advice = (row.state == QueueState::Parked).then(|| format!("  {}", advice(&row)));
    Ok([line(&row)].into_iter().chain(advice).collect())
}

fn find(queue: &dyn QueueList, id: Uuid) -> Result<QueueRow, Refusal> {
    let row = queue.request_row(id).map_err(usage)?;
    row.ok_or_else(|| no(format!("no request {id}; `kiosk queue list` shows them")))
}

/// # Errors
/// 1: no such parked request. 2: the store or the trail cannot be written.
pub fn retry(store: &dyn Store, id: Uuid, as_json: bool) -> Answer {
    on_parked(store, id, StaffAct::Retry, "ordered", "waits again", || store.retry(id))?;
    let retried = json!({ "id": id, "retried": true });
    Ok(vec![if as_json { retried.to_string() } else { format!("{id} will be sent again") }])
}

/// As [`retry`], by a kiosk at work: what waits to be sent is tried now, however long the sender would wait still.
///
/// # Errors
/// 1: it is over already, or not there. 2: the store or the trail cannot be written.
pub fn retry_at_work(store: &dyn Store, outbox: &dyn Outbox, id: Uuid, as_json: bool) -> Answer {
    let row = find(store, id)?;
    if row.state != QueueState::Waiting {
        let told = retry(store, id, as_json)?;
        outbox.try_now();
        return Ok(told);
    }
    let ordered = "ordered: what waits is tried now".to_owned();
    write_down(store, &AuditEntry::new(Who::Shell, StaffAct::Retry, id.to_string(), ordered))?;
    outbox.try_now();
    let retried = json!({ "id": id, "retried": true });
    Ok(vec![if as_json { retried.to_string() } else { format!("{id} waits to be sent: what waits is tried now") }])
}

/// A parked request that people entered at the hospital is over. `evidence` is kept with it, and in the trail.
///
/// # Errors
/// 1: it is not parked, or nothing was said of how it is known. 2: the store or the trail cannot be written.
pub fn close(store: &dyn Store, id: Uuid, evidence: &str, as_json: bool, at: DateTime<FixedOffset>) -> Answer {
    let words = one_line(evidence)?;
    let said = format!("ordered: {words}");
    on_parked(store, id, StaffAct::CloseRequest, &said, "closed", || store.close_by_hand(id, &words, at))?;
    let text = format!("{id} is closed: it is not sent any more, and what it held of the patient is erased");
    Ok(vec![if as_json { json!({ "id": id, "closed": true }).to_string() } else { text }])
}

/// `act` on a parked request: a line in the trail before it, durable, and one that tells how it ended.
fn on_parked(
    store: &dyn Store,
    id: Uuid,
    act: StaffAct,
    said: &str,
    ended: &str,
    done: impl FnOnce() -> Result<bool, StoreError>,
) -> Result<(), Refusal> {
    let row = find(store, id)?;
    if row.state != QueueState::Parked {
        return Err(not_parked(&row));
    }
    write_down(store, &AuditEntry::new(Who::Shell, act, id.to_string(), said).changing("parked", ""))?;
    let done = done();
    // The queue is the truth by now.
    if let Err(refusal) = write_down(store, &AuditEntry::of_parked(Who::Shell, act, id, &done, ended)) {
        tracing::error!("{}", refusal.why);
    }
    if done.map_err(usage)? { Ok(()) } else { Err(not_parked(&find(store, id)?)) }
}

/// Lists have a row a line.
fn one_line(evidence: &str) -> Result<String, Refusal> {
    let apart = |letter: char| letter.is_whitespace() || letter.is_control();
    let words = evidence.split(apart).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return Err(no("write down how it is known that the hospital has it: --evidence TEXT (it is kept)"));
    }
    if words.chars().count() > EVIDENCE_CHARS_MAX {
        return Err(no(format!("the evidence is longer than {EVIDENCE_CHARS_MAX} characters: say it in one line")));
    }
    Ok(words)
}

fn not_parked(row: &QueueRow) -> Refusal {
    let id = row.id;
    no(match row.state {
        QueueState::Waiting => {
            format!(
                "{id} waits to be sent, and nothing was done: only what the hospital refused can be retried or closed (a \
                 kiosk at work tries what waits at once)"
            )
        }
        QueueState::Sent => {
            format!("{id} is over already, and nothing was done: `kiosk queue show {id}` tells how it ended")
        }
        QueueState::Parked => format!("{id} was sent again meanwhile and refused again: try once more"),
    })
}

fn summary_lines(tally: &Tally, rows: &[QueueRow], now: &DateTime<Utc>) -> Vec<String> {
    let oldest =
        tally.oldest_queued_at.map_or_else(String::new, |at| format!(", the oldest for {}", ago(at.to_utc(), now)));
    let last = tally.last_delivered_at.map_or_else(
        || "none was delivered yet".to_owned(),
        |at| format!("the last was delivered {} ago, at {}", ago(at.to_utc(), now), at.to_rfc3339()),
    );
    let mut lines = vec![format!("{} wait, {} parked{oldest}; {last}", tally.waiting, tally.parked)];
    for row in parked(rows) {
        let note = row.note.as_deref().unwrap_or("no reason was kept");
        lines.push(format!("PARKED {} ({}): {note}", row.id, row.kind));
        lines.push(format!("  {}", advice(row)));
    }
    let notes = noted(rows).map(|(row, note)| format!("NOTE {} ({}): {note}", row.id, row.kind));
    lines.extend(notes);
    lines
}

fn summary_value(tally: &Tally, rows: &[QueueRow], now: &DateTime<Utc>) -> Value {
    let parked_rows: Vec<Value> = parked(rows)
        .map(|row| json!({"id": row.id, "kind": row.kind, "why": row.note, "advice": advice(row)}))
        .collect();
    let notes: Vec<Value> =
        noted(rows).map(|(row, note)| json!({"id": row.id, "kind": row.kind, "note": note})).collect();
    json!({
        "waiting": tally.waiting,
        "parked": tally.parked,
        "oldest_queued_at": tally.oldest_queued_at.map(|at| at.to_rfc3339()),
        "oldest_age_s": tally.oldest_queued_at.map(|at| age(at.to_utc(), now).num_seconds()),
        "last_delivered_at": tally.last_delivered_at.map(|at| at.to_rfc3339()),
        "parked_requests": parked_rows,
        "notes": notes,
    })
}

fn value(row: &QueueRow) -> Value {
    let mut value = json!(row);
    if row.state == QueueState::Parked {
        value["advice"] = json!(advice(row));
    }
    value
}

/// What somebody at the hospital can do about a parked request.
fn advice(row: &QueueRow) -> String {
    let in_part = row.in_part.is_some();
    let reason = row.undelivered.clone().and_then(Undelivered::park_reason);
    let what = match (row.in_part, reason) {
        (Some(InPart::TakenApart), _) | (_, Some(ParkReason::TakenApart { .. })) => {
            "let the server run transaction bundles as a whole"
        }
        (_, Some(ParkReason::Status { status: 404 | 410, .. })) => {
            "the server does not know the patient or the appointment, or [hospital] url leads elsewhere: put right what is missing"
        }
        (_, Some(ParkReason::FoundTwice)) => {
            "two records carry one number: merge them at the hospital, or put a unique index on the identifier"
        }
        (_, Some(ParkReason::Status { status: 413, .. })) => {
            "it is too large for the server: let it take larger requests"
        }
        (_, Some(ParkReason::Status { status: 400 | 422, .. })) => {
            "the server finds something in it wrong: show its administrator this line and let the server take it; if it takes \
             fewer entries in a transaction, write their number as [hospital] transaction_entries_max"
        }
        (_, Some(ParkReason::Status { .. } | ParkReason::Unreadable) | None) => {
            "let the hospital's administrator look at the reason"
        }
    };
    let (id, by_hand) = (row.id, if in_part { "enter there by hand what it lacks" } else { "enter it there by hand" });
    format!("{what}; then `kiosk queue retry {id}`. Or {by_hand}; then `kiosk queue close {id} --evidence TEXT`")
}

fn age(at: DateTime<Utc>, now: &DateTime<Utc>) -> TimeDelta {
    (*now - at).max(TimeDelta::zero())
}

/// `3 min`, `2 h 5 min`, `4 days`.
fn ago(at: DateTime<Utc>, now: &DateTime<Utc>) -> String {
    let age = age(at, now);
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (2.., _, _) => format!("{} days", age.num_days()),
        (_, 1.., minutes) => format!("{} h {} min", age.num_hours(), minutes % 60),
        (_, _, 1..) => format!("{} min", age.num_minutes()),
        (_, _, _) => format!("{} s", age.num_seconds()),
    }
}

fn line(row: &QueueRow) -> String {
    let state = format!("{:?}", row.state).to_lowercase();
    let note = row.note.as_deref().unwrap_or("-");
    format!("{}  {:<10} {:<8} {} tries={} {}", row.id, row.kind, state, row.queued_at.to_rfc3339(), row.tries, note)
}

#[cfg(test)]
mod tests {
    use super::ago;
    use chrono::{TimeDelta, Utc};

    #[test]
    fn ages_are_said_as_people_say_them() {
        let now = Utc::now();
        for (seconds, said) in
            [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (7_500, "2 h 5 min"), (172_800, "2 days")]
        {
            assert_eq!(ago(now - TimeDelta::seconds(seconds), &now), said);
        }
    }
}
