//! What journal and outbox know, as what staff are told in their language.

use crate::domain::attempt::PaymentState;
use crate::domain::payment::PaymentRecord;
use crate::domain::reason::ParkReason;
use crate::domain::screen::staff::{Known, Note, ParkedWhy};
use crate::domain::staff::{Noted, Parked};

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

/// That a part of it is there outweighs why the rest is refused: whoever enters it by hand must know.
pub(super) fn parked_why(parked: &Parked) -> ParkedWhy {
    match (parked.in_part, &parked.reason) {
        (Some(_), _) | (None, Some(ParkReason::TakenApart { .. })) => ParkedWhy::TakenApart,
        (None, Some(ParkReason::Status { status, .. })) => ParkedWhy::Refused { status: *status },
        (None, Some(ParkReason::FoundTwice)) => ParkedWhy::FoundTwice,
        (None, Some(ParkReason::Unreadable)) => ParkedWhy::Unreadable,
        (None, None) => ParkedWhy::Other(parked.note.clone()),
    }
}

pub(super) fn note(noted: &Noted) -> Note {
    noted.told.clone().map_or_else(|| Note::Other(noted.note.clone()), Note::Told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reason::InPart;
    use chrono::DateTime;
    use uuid::Uuid;

    #[test]
    fn that_a_part_is_there_outweighs_why_the_rest_is_refused() {
        let refused = ParkReason::Status { status: 422, issues: String::new() };
        let apart = ParkReason::TakenApart { refused: Vec::new(), issues: String::new() };
        for (in_part, reason, why) in [
            (None, Some(refused.clone()), ParkedWhy::Refused { status: 422 }),
            (Some(InPart::FirstEntries), Some(refused.clone()), ParkedWhy::TakenApart),
            (Some(InPart::TakenApart), Some(refused), ParkedWhy::TakenApart),
            (Some(InPart::TakenApart), Some(apart), ParkedWhy::TakenApart),
            (None, Some(ParkReason::FoundTwice), ParkedWhy::FoundTwice),
            (None, Some(ParkReason::Unreadable), ParkedWhy::Unreadable),
            (None, None, ParkedWhy::Other("something older".to_owned())),
            (Some(InPart::FirstEntries), None, ParkedWhy::TakenApart),
        ] {
            let (id, kind, note) = (Uuid::nil(), "documents".to_owned(), "something older".to_owned());
            let parked = Parked { id, kind, queued_at: DateTime::default(), reason, in_part, note };
            assert_eq!(parked_why(&parked), why);
        }
    }
}
