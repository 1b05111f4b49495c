use super::staff_payments::when;
use super::ui::{App, NoteKind, ParkedItem, ParkedNews, ParkedReason, StaffQueueData};
use super::words::{Words, int, rows};
use crate::domain::reason::{Meanwhile, Told};
use crate::domain::screen::staff::{Note, NoteRow, ParkedDone, ParkedRow, ParkedWhy, StaffQueue};
use chrono::NaiveTime;
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
        ParkedWhy::Refused { status } => (refused(*status), status.to_string()),
        ParkedWhy::TakenApart => (ParkedReason::TakenApart, String::new()),
        ParkedWhy::FoundTwice => (ParkedReason::FoundTwice, String::new()),
        ParkedWhy::Unreadable => (ParkedReason::Unreadable, String::new()),
        ParkedWhy::Other(note) => (ParkedReason::Other, note.clone()),
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
    let (note, ticket, said) = match &row.what {
        Note::Told(Told::Appointment { meanwhile, ticket }) => (kind(*meanwhile), ticket.as_str(), ""),
        Note::Told(Told::Twice) => (NoteKind::Twice, "", ""),
        Note::Other(said) => (NoteKind::Other, "", said.as_str()),
    };
    let (from, to) = match &row.what {
        Note::Told(Told::Appointment { meanwhile: Meanwhile::OtherTime { from, to }, .. }) => {
            (clock(*from), clock(*to))
        }
        Note::Told(_) | Note::Other(_) => Default::default(),
    };
    ParkedItem {
        id: SharedString::from(format!("Note {}", at + 1)),
        arrival: row.arrival,
        since: when(words, row.at),
        why: ParkedReason::Other,
        status: said.into(),
        news: ParkedNews::None,
        note,
        ticket: ticket.into(),
        from,
        to,
    }
}

const fn kind(meanwhile: Meanwhile) -> NoteKind {
    match meanwhile {
        Meanwhile::Cancelled => NoteKind::Cancelled,
        Meanwhile::Deleted => NoteKind::Deleted,
        Meanwhile::OtherDay => NoteKind::OtherDay,
        Meanwhile::NotBooked => NoteKind::NotBooked,
        Meanwhile::AtDesk => NoteKind::AtDesk,
        Meanwhile::OtherTime { .. } => NoteKind::OtherTime,
        Meanwhile::OtherPlace => NoteKind::OtherPlace,
    }
}

fn clock(time: NaiveTime) -> SharedString {
    SharedString::from(time.format("%H:%M").to_string())
}

/// What a status means to somebody at the hospital.
const fn refused(status: u16) -> ParkedReason {
    match status {
        404 | 410 => ParkedReason::NotThere,
        400 | 422 => ParkedReason::NotTaken,
        _ => ParkedReason::Refused,
    }
}
