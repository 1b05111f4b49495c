//! The end of the day: all is quiet, and everything must fit together.

use super::{Misled, Oracle, Promise, Stray, was_paid};
use crate::domain::attempt::{AttemptId, PaymentState};
use crate::domain::paper::Paper;
use crate::domain::payment::PaymentRecord;
use crate::domain::undo::UndoState;
use crate::hospital::wire;
use crate::rehearsal::days::ends::{Astray, Booked};
use crate::rehearsal::days::hospital::Stored;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

impl Oracle {
    /// All is quiet: the hospital was up, the outbox is empty, the kiosk was restarted once.
    pub fn judge(&mut self, books: &[Booked], journal: &[PaymentRecord], stored: &BTreeMap<Uuid, Stored>) {
        for ((_, known), now) in self.booked.iter_mut().zip(books) {
            known.clone_from(now);
        }
        let states: BTreeMap<AttemptId, &PaymentRecord> =
            journal.iter().map(|record| (record.attempt, record)).collect();
        self.judge_twice();
        self.judge_lost(&states, stored);
        self.judge_guessed(&states);
        self.judge_hospital(&states, stored);
        self.judge_papers(&states);
        self.judge_told(&states);
        self.judge_numbers(journal);
    }

    fn judge_twice(&mut self) {
        let requests: BTreeSet<Uuid> = self.attempts.values().map(|attempt| attempt.request).collect();
        for request in requests {
            let ours = |attempt: &AttemptId| self.attempts.get(attempt).is_some_and(|known| known.request == request);
            let standing = self.booked.iter().filter(|(attempt, booked)| booked.stands && ours(attempt)).count();
            self.check(Promise::NeverTwice, standing <= 1, || {
                format!("{standing} bookings stand for request {request}")
            });
        }
    }

    fn judge_lost(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>, stored: &BTreeMap<Uuid, Stored>) {
        for (attempt, booked) in self.booked.clone().into_iter().filter(|(_, booked)| booked.stands) {
            let record = states.get(&attempt);
            let with = |stored: &Stored| {
                stored.amount.is_some()
                    && stored.approval_number.as_deref().unwrap_or_default() == booked.approval_number
            };
            let own = self.attempts.get(&attempt).and_then(|known| stored.get(&known.request));
            // Without a number of the card company only the request tells whose it is.
            let times = if booked.approval_number.is_empty() {
                usize::from(own.is_some_and(with))
            } else {
                stored.values().filter(|stored| with(stored)).count()
            };
            // What staff found out may have no number of the card company on it.
            let by_evidence = |own: &Stored| {
                record.is_some_and(|record| record.evidence.is_some())
                    && own.approval_number.as_deref().is_none_or(str::is_empty)
            };
            let delivered = own.is_some_and(|own| {
                own.amount == Some(booked.amount) && (with(own) || by_evidence(own)) && times == usize::from(with(own))
            });
            let listed = record.is_some_and(|record| record.amount == booked.amount && !record.number.is_empty());
            let holds = match record.map(|record| record.state) {
                Some(PaymentState::NeedsStaff) => listed && times == 0,
                _ => delivered,
            };
            self.check(Promise::NeverLost, holds, || {
                let state = record.map(|record| record.state);
                format!(
                    "booked {} with approval {}: at the hospital {times} times, in the journal {state:?}",
                    booked.amount.0, booked.approval_number
                )
            });
        }
        for (attempt, record) in states {
            self.check(Promise::NeverLost, !record.is_open(), || {
                let undo = record.undo.as_ref().map(|undo| undo.state);
                format!("attempt {} ({}) is still {:?}, {undo:?}", attempt.0, record.number, record.state)
            });
        }
    }

    fn judge_guessed(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>) {
        for (attempt, record) in states {
            let stands = self.stands(*attempt).is_some();
            let fits = match record.state {
                PaymentState::Committed | PaymentState::Settled => {
                    stands || record.undo_in_doubt() || self.was_taken_for_another(*attempt)
                }
                PaymentState::NotPaid | PaymentState::Reversed => !stands,
                PaymentState::NeedsStaff
                | PaymentState::Intent
                | PaymentState::Sent
                | PaymentState::Answered
                | PaymentState::InDoubt => true,
            };
            self.check(Promise::NeverGuessed, fits, || {
                format!("the journal says {:?} of {}, the booking stands: {stands}", record.state, record.number)
            });
            let Some(known) = self.attempts.get(attempt) else { continue };
            let (paid, not_paid) = (known.shown_paid, known.shown_not_paid);
            let agrees = (!paid || was_paid(record.state)) && (!not_paid || record.state == PaymentState::NotPaid);
            self.check(Promise::NeverGuessed, agrees, || {
                format!("the screen said paid: {paid}, not paid: {not_paid}; the journal says {:?}", record.state)
            });
        }
    }

    /// The hospital knows of no payment that there is none of, and of each that was given back.
    fn judge_hospital(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>, stored: &BTreeMap<Uuid, Stored>) {
        for (request, kept) in stored.iter().filter(|(_, kept)| kept.amount.is_some()) {
            let task = wire::entry_id(*request, "task").to_string();
            let aborts = stored.values().filter(|other| other.aborts.as_ref() == Some(&task)).count();
            let paid = self.attempts.iter().filter(|(_, known)| known.request == *request);
            let mut states_of = paid.filter_map(|(attempt, _)| Some((*attempt, *states.get(attempt)?)));
            let found = states_of.find(|(_, record)| was_paid(record.state));
            let holds = found.is_some_and(|(attempt, record)| match self.stands(attempt) {
                Some(_) => aborts == 0,
                None => {
                    aborts == usize::from(record.state == PaymentState::Reversed)
                        && (aborts == 1 || record.undo_in_doubt() || self.was_taken_for_another(attempt))
                }
            });
            self.check(Promise::NeverGuessed, holds, || {
                let state = found.map(|(_, record)| record.state);
                format!(
                    "the hospital has {request} with {kept:?} and {aborts} cancellations; the journal says {state:?}"
                )
            });
        }
    }

    /// A terminal that misbooks ends with staff told, never with silence.
    fn judge_told(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>) {
        for Misled { undo, meant, hit } in self.misled.clone() {
            let record = states.get(&meant).and_then(|record| record.undo.as_ref());
            let listed = record.is_some_and(|known| known.undo == undo && known.state == UndoState::NeedsStaff);
            let told = listed || self.listed.contains(&undo);
            self.check(Promise::StaffAreTold, told, || {
                let state = record.map(|known| known.state);
                format!("undo {} gave back {} in place of {}; the journal says {state:?}", undo.0, hit.0, meant.0)
            });
        }
        for Stray { undo, amount, .. } in self.strayed.clone() {
            let told = undo.is_some_and(|undo| self.listed.contains(&undo));
            self.check(Promise::StaffAreTold, told, || {
                format!("undo {undo:?} gave {} to a card that it was not due to, or that had it back", amount.0)
            });
        }
        let kept = self.booked.iter().filter(|(_, booked)| booked.astray == Some(Astray::Kept));
        for (attempt, booked) in kept.cloned().collect::<Vec<_>>() {
            let state = states.get(&attempt).map(|record| record.state);
            let told = self.listed.contains(&attempt)
                || state.is_some_and(|state| was_paid(state) || state == PaymentState::NeedsStaff);
            self.check(Promise::StaffAreTold, told, || {
                format!("{} was booked although it was refused; the journal says {state:?}", booked.amount.0)
            });
        }
    }

    /// Everything of an order or nothing, in how many parts it went; and nothing that nobody ordered.
    pub fn judge_arrived(&mut self, faults: &[(Option<Uuid>, Option<String>)]) {
        for (request, fault) in faults {
            self.check(Promise::ArrivesWhole, fault.is_none(), || {
                let which = request.map(|id| format!("of request {id}, ")).unwrap_or_default();
                format!("{which}{}", fault.as_deref().unwrap_or_default())
            });
        }
    }

    /// A number that patients and staff read names one payment of its day, whatever the clocks did.
    fn judge_numbers(&mut self, journal: &[PaymentRecord]) {
        let mut known = BTreeSet::new();
        for record in journal {
            let once = known.insert((record.started_at.date_naive(), record.number.clone()));
            self.check(Promise::NeverGuessed, once, || {
                format!("{} of {} names two payments", record.number, record.started_at.date_naive())
            });
        }
    }

    /// What a patient holds in their hand must be true, and the list must agree with it.
    fn judge_papers(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>) {
        for paper in std::mem::take(&mut self.papers) {
            match &paper {
                Paper::Receipt(receipt) => {
                    let Some(card) = &receipt.card else { continue };
                    let record = self.paid_by(receipt, card).and_then(|attempt| states.get(&attempt));
                    let holds = record.is_some_and(|record| was_paid(record.state));
                    let state = record.map(|record| record.state);
                    self.check(Promise::NeverGuessed, holds, || {
                        format!("the receipt of {} came out; the journal says {state:?}", receipt.claim)
                    });
                }
                Paper::Slip(slip) => {
                    let known = self.attempts.values().any(|known| known.number == slip.attempt_number);
                    self.check(Promise::NeverGuessed, known, || {
                        format!("a slip names {}, which was never charged", slip.attempt_number)
                    });
                }
                Paper::Ticket(_) => {}
            }
        }
    }
}
