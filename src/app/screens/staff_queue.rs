use super::staff_payments::when;
use super::ui::{App, ParkedItem, ParkedReason, StaffQueueData};
use super::words::{Words, int, rows};
use crate::domain::screen::staff::{ParkedRow, ParkedWhy, StaffQueue};
use slint::{ComponentHandle, SharedString};

pub(super) fn show(app: &App, words: &Words, queue: &StaffQueue) {
    let global = app.global::<StaffQueueData>();
    global.set_waiting(int(queue.waiting));
    global.set_oldest_min(queue.oldest_min.map_or(-1, int));
    global.set_last(queue.last_delivered.map(|at| when(words, at)).unwrap_or_default());
    global.set_parked(int(queue.parked));
    global.set_not_kept(queue.not_kept);
    global.set_readable(!queue.unreadable);
    let items = queue.rows.iter().enumerate().map(|(at, row)| item(words, at, row)).collect();
    global.set_rows(rows(global.get_rows(), items));
}

fn item(words: &Words, at: usize, row: &ParkedRow) -> ParkedItem {
    let (why, status) = match &row.why {
        ParkedWhy::Refused { status } => (refused(status), status.as_str()),
        ParkedWhy::TakenApart => (ParkedReason::TakenApart, ""),
        ParkedWhy::FoundTwice => (ParkedReason::FoundTwice, ""),
        ParkedWhy::Unreadable => (ParkedReason::Unreadable, ""),
        ParkedWhy::Other(note) => (ParkedReason::Other, note.as_str()),
    };
    ParkedItem {
        id: SharedString::from(format!("Send again {}", at + 1)),
        arrival: row.arrival,
        since: when(words, row.queued_at),
        why,
        status: status.into(),
        retried: row.retried,
    }
}

/// What a status means to somebody at the hospital.
fn refused(status: &str) -> ParkedReason {
    if ["404", "410"].contains(&status) {
        ParkedReason::NotThere
    } else if ["400", "422"].contains(&status) {
        ParkedReason::NotTaken
    } else {
        ParkedReason::Refused
    }
}
