//! The journal's and the outbox's own words, as what staff are told in their language.

use crate::domain::outbox::{CAME_APART, PART_THERE};
use crate::domain::payment::{PaymentRecord, PaymentState};
use crate::domain::screen::staff::{Known, Note, ParkedWhy};

pub(super) fn known(record: &PaymentRecord) -> Known {
    if record.undo_in_doubt() {
        return Known::UndoInDoubt;
    }
    match record.state {
        PaymentState::Intent | PaymentState::Sent | PaymentState::Answered | PaymentState::InDoubt => {
            Known::BeingChecked
        }
        PaymentState::Committed | PaymentState::Settled => Known::Paid,
        PaymentState::Reversed => Known::GivenBack,
        PaymentState::NotPaid => Known::NotPaid,
        PaymentState::NeedsStaff => match &record.staff_reason {
            Some(reason) => Known::Because(reason.clone()),
            None => Known::Other(record.reason.clone().unwrap_or_default()),
        },
    }
}

/// How the outbox's notes on parked rows begin; written by `hospital/client/`.
const REFUSED: &str = "the server refuses the request (";
const NOTES: [(&str, ParkedWhy); 4] = [
    (CAME_APART, ParkedWhy::TakenApart),
    (PART_THERE, ParkedWhy::TakenApart),
    ("the server finds one of our identifiers, or the patient, more than once", ParkedWhy::FoundTwice),
    ("the stored bundle cannot be read", ParkedWhy::Unreadable),
];

pub(super) fn parked_why(note: &str) -> ParkedWhy {
    if let Some((status, _)) = note.strip_prefix(REFUSED).and_then(|rest| rest.split_once(')')) {
        return ParkedWhy::Refused { status: status.to_owned() };
    }
    let found = NOTES.iter().find(|(beginning, _)| note.starts_with(beginning));
    found.map_or_else(|| ParkedWhy::Other(note.to_owned()), |(_, why)| why.clone())
}

/// How the notes on delivered requests begin; written by `hospital/client/`.
const DELIVERED: [(&str, Note); 7] = [
    ("the appointment was cancelled meanwhile", Note::Cancelled),
    ("the appointment was deleted meanwhile", Note::Deleted),
    ("the appointment was moved to another day meanwhile", Note::OtherDay),
    ("the appointment is no longer booked", Note::NotBooked),
    ("the desk had registered the patient already", Note::AtDesk),
    ("its place or its staff were changed", Note::OtherPlace),
    ("the hospital has it more than once", Note::Twice),
];
const MOVED: &str = "it was moved from ";
const TICKET: &str = " (ticket ";

/// What the note says, and the ticket it names.
pub(super) fn noted(note: &str) -> (Note, String) {
    let (said, ticket) = note.strip_suffix(')').and_then(|note| note.rsplit_once(TICKET)).unwrap_or((note, ""));
    let moved = said.strip_prefix(MOVED).and_then(|times| times.split_once(" meanwhile")?.0.split_once(" to "));
    let what = match moved {
        Some((from, to)) => Note::OtherTime { from: from.to_owned(), to: to.to_owned() },
        None => DELIVERED
            .iter()
            .find(|(beginning, _)| said.starts_with(beginning))
            .map_or_else(|| Note::Other(said.to_owned()), |(_, what)| what.clone()),
    };
    (what, ticket.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason that is worded anew must be worded anew here, or staff read English.
    #[test]
    fn the_beginnings_are_those_of_the_writers() {
        let outbox =
            [include_str!("../../../hospital/client/answer.rs"), include_str!("../../../hospital/client/deliver.rs")];
        for beginning in NOTES.iter().map(|(beginning, _)| *beginning).chain([REFUSED]) {
            if [CAME_APART, PART_THERE].contains(&beginning) {
                continue; // One constant, for writer and reader.
            }
            assert!(outbox.iter().any(|source| source.contains(beginning)), "{beginning}");
        }
    }

    #[test]
    fn notes_on_what_was_delivered_are_those_of_the_client() {
        let client =
            [include_str!("../../../hospital/client/arrival.rs"), include_str!("../../../hospital/client/deliver.rs")];
        for beginning in DELIVERED.iter().map(|(beginning, _)| *beginning).chain([MOVED, TICKET]) {
            assert!(client.iter().any(|source| source.contains(beginning)), "{beginning}");
        }
        for (note, what, ticket) in [
            ("the appointment was cancelled meanwhile; no arrival was set (ticket K3-012)", Note::Cancelled, "K3-012"),
            (
                "it was moved from 10:30 to 11:00 meanwhile; the arrival was set: tell the patient (ticket K3-7)",
                Note::OtherTime { from: "10:30".to_owned(), to: "11:00".to_owned() },
                "K3-7",
            ),
            ("the hospital has it more than once: put a unique index on the identifier", Note::Twice, ""),
            ("something new (really)", Note::Other("something new (really)".to_owned()), ""),
        ] {
            assert_eq!(noted(note), (what, ticket.to_owned()), "{note}");
        }
    }

    #[test]
    fn notes_become_reasons() {
        let refused = parked_why("the server refuses the request (422); invalid Task.input[0]");
        assert_eq!(refused, ParkedWhy::Refused { status: "422".to_owned() });
        assert_eq!(parked_why("the stored bundle cannot be read"), ParkedWhy::Unreadable);
        let in_part = format!("{PART_THERE}; since then: the server refuses the request (422)");
        assert_eq!(parked_why(&in_part), ParkedWhy::TakenApart);
        assert_eq!(parked_why("something new"), ParkedWhy::Other("something new".to_owned()));
    }
}
