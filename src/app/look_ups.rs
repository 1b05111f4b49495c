//! Who was looked up at this machine stands in the trail before the answer is shown; what cannot be written down is not shown.

use super::effects::Ports;
use crate::domain::question::{Question, Reply};
use crate::domain::staff::{LookUp, LookUpOutcome, LookedUpBy};

/// Blocks on the disk. `offline`: the answer is from today's cache.
pub(super) fn written_down(ports: &Ports, asked: &Question, reply: Reply, offline: bool) -> Reply {
    let Some(look_up) = look_up(asked, &reply, offline) else { return reply };
    match ports.store.looked_up(&look_up, ports.clock.now().wall) {
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
        Reply::Unreadable | Reply::Obscured => LookUpOutcome::Unreadable,
        Reply::Unreachable | Reply::Appointments { .. } | Reply::Quoted { .. } | Reply::NotQuoted { .. } => {
            LookUpOutcome::NoAnswer
        }
    };
    // Who else was asked then had nobody either.
    let offline = offline && outcome != LookUpOutcome::Unreadable;
    Some(LookUp { whose, by, offline, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::patient::{BirthDate, PatientNumber};

    #[test]
    fn an_answer_that_cannot_be_read_is_no_missing_answer() {
        let birth_date = BirthDate("1977-02-28".parse().unwrap());
        let asked = Question::FindPatient { number: PatientNumber("30571926".into()), birth_date, by_card: false };
        for (reply, offline, words) in [
            (Reply::Unreadable, true, "unreadable, by number, online"),
            (Reply::Obscured, true, "unreadable, by number, online"),
            (Reply::Unreachable, true, "no answer, by number, offline"),
            (Reply::NotFound, false, "not found, by number, online"),
        ] {
            assert_eq!(look_up(&asked, &reply, offline).unwrap().words(), words);
        }
    }
}
