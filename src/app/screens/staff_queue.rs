use super::staff_payments::when;
use super::ui::{App, NoteKind, ParkedItem, ParkedNews, ParkedReason, StaffQueueData};
use super::words::{Words, int, rows};
use crate::domain::screen::staff::{Note, NoteRow, ParkedDone, ParkedRow, ParkedWhy, StaffQueue};
use slint::{ComponentHandle, SharedString};

pub(super) fn show(app: &App, words: &Words, queue: &StaffQueue) {
    let global = app.global::<StaffQueueData>();
    global.set_waiting(int(queue.waiting));
    global.set_oldest_min(queue.oldest_min.map_or(-1, int));
    global.set_last(queue.last_delivered.map(|at| when(words, at)).unwrap_or_default());
    global.set_held(queue.held_until.map(|until| when(words, until)).unwrap_or_default());
    global.set_parked(int(queue.parked));
    global.set_not_kept(queue.not_kept);
    global.set_readable(!queue.unreadable);
    let parked = queue.rows.iter().enumerate().map(|(at, row)| item(words, at, row));
    let items = parked.chain(queue.notes.iter().enumerate().map(|(at, row)| note(words, at, row))).collect();
    global.set_rows(rows(global.get_rows(), items));
}

pub(super) fn item(words: &Words, at: usize, row: &ParkedRow) -> ParkedItem {
    let (why, status) = match &row.why {
        ParkedWhy::Refused { status } => (refused(status), status.as_str()),
        ParkedWhy::TakenApart => (ParkedReason::TakenApart, ""),
        ParkedWhy::FoundTwice => (ParkedReason::FoundTwice, ""),
        ParkedWhy::Unreadable => (ParkedReason::Unreadable, ""),
        ParkedWhy::Other(note) => (ParkedReason::Other, note.as_str()),
    };
    ParkedItem {
        id: SharedString::from(format!("Put aside {}", at + 1)),
        arrival: row.arrival,
        since: when(words, row.queued_at),
        why,
        status: status.into(),
        news: match row.done {
            None => ParkedNews::None,
            Some(ParkedDone::SentAgain) => ParkedNews::SentAgain,
            Some(ParkedDone::Closed) => ParkedNews::Closed,
        },
        note: NoteKind::None,
        ticket: SharedString::default(),
        from: SharedString::default(),
        to: SharedString::default(),
    }
}

fn note(words: &Words, at: usize, row: &NoteRow) -> ParkedItem {
    let (note, status, from, to) = match &row.what {
        Note::Cancelled => (NoteKind::Cancelled, "", "", ""),
        Note::Deleted => (NoteKind::Deleted, "", "", ""),
        Note::OtherDay => (NoteKind::OtherDay, "", "", ""),
        Note::NotBooked => (NoteKind::NotBooked, "", "", ""),
        Note::AtDesk => (NoteKind::AtDesk, "", "", ""),
        Note::OtherTime { from, to } => (NoteKind::OtherTime, "", from.as_str(), to.as_str()),
        Note::OtherPlace => (NoteKind::OtherPlace, "", "", ""),
        Note::Twice => (NoteKind::Twice, "", "", ""),
        Note::Other(said) => (NoteKind::Other, said.as_str(), "", ""),
    };
    ParkedItem {
        id: SharedString::from(format!("Note {}", at + 1)),
        arrival: row.arrival,
        since: when(words, row.at),
        why: ParkedReason::Other,
        status: status.into(),
        news: ParkedNews::None,
        note,
        ticket: row.ticket.as_str().into(),
        from: from.into(),
        to: to.into(),
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
