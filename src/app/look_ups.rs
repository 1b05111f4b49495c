//! Who was looked up at this machine stands in the trail before the answer is shown; what cannot be written down is not shown.

use super::effects::Ports;
use crate::domain::session::{Question, Reply};
use crate::domain::staff::{LookUp, LookUpOutcome, LookedUpBy};

/// Blocks on the disk. `offline`: the answer is from today's cache.
pub(super) fn written_down(ports: &Ports, asked: &Question, reply: Reply, offline: bool) -> Reply {
    let (Some(look_up), Some(book)) = (look_up(asked, &reply, offline), ports.store.staff_book()) else { return reply };
    match book.looked_up(&look_up, ports.clock.now().wall) {
        Ok(()) => reply,
        Err(error) => {
            tracing::error!("a look-up could not be written down, and its answer is not shown: {error}");
            Reply::Unreachable
        }
    }
}

/// What follows for somebody who was found (appointments, a quote) is part of the same look-up.
fn look_up(asked: &Question, reply: &Reply, offline: bool) -> Option<LookUp> {
    let (whose, by) = match (asked, reply) {
        (Question::FindPatient { number, by_card: true, .. }, _) => (number.0.clone(), LookedUpBy::Card),
        (Question::FindPatient { number, .. }, _) => (number.0.clone(), LookedUpBy::Number),
        (Question::Slip { .. }, Reply::Slip { patient, .. }) => (patient.number.0.clone(), LookedUpBy::Slip),
        (Question::Slip { code }, _) => (code.clone(), LookedUpBy::Slip),
        (Question::Appointments { .. } | Question::Quote { .. }, _) => return None,
    };
    let outcome = match reply {
        Reply::Found(_) | Reply::Slip { .. } => LookUpOutcome::Found,
        Reply::NotFound => LookUpOutcome::NotFound,
        Reply::Ambiguous => LookUpOutcome::Ambiguous,
        Reply::Unreadable
        | Reply::Unreachable
        | Reply::Obscured
        | Reply::Appointments { .. }
        | Reply::Quoted { .. }
        | Reply::NotQuoted { .. } => LookUpOutcome::NoAnswer,
    };
    Some(LookUp { whose, by, offline, outcome })
}
