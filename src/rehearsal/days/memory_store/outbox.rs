//! The queue: what is sent next, and what becomes of it.

use super::{Done, Tables, Time};
use crate::domain::ledger;
use crate::domain::outbox::{Delivery, QueueState, QueuedRequest};
use uuid::Uuid;

impl Tables {
    pub(super) fn next(&self, step_over: &[Uuid], most: usize) -> Vec<QueuedRequest> {
        let (mut held, mut found) = (step_over.to_vec(), Vec::new());
        for (sequence, at) in &self.undelivered {
            let row = &self.outbox[*at];
            if found.len() == most {
                break;
            }
            if row.state == QueueState::Waiting
                && !held.contains(&row.visit)
                && let Some(request) = &row.request
            {
                found.push(QueuedRequest {
                    sequence: *sequence,
                    request: request.clone(),
                    bundle: row.bundle.clone(),
                    tries: row.tries.count,
                    maybe_delivered: row.tries.may_be_there(),
                    state: row.state,
                    in_part: row.in_part,
                    taken: row.taken.clone(),
                });
            }
            held.push(row.visit);
        }
        found
    }

    pub(super) fn begin_tries(&mut self, sequences: &[i64]) -> Done<()> {
        self.all(sequences, |tables, sequence| {
            let change = ledger::begin_try(*sequence, tables)?;
            tables.write(change);
            Ok(())
        })
    }

    pub(super) fn end_tries(&mut self, tried: &[(i64, Delivery)], at: Time) -> Done<()> {
        self.all(tried, |tables, (sequence, delivery)| {
            let change = ledger::end_try(*sequence, delivery, at, tables)?;
            tables.write(change);
            Ok(())
        })
    }

    pub(super) fn retry_parked(&mut self) {
        let parked = self.outbox.iter().filter(|row| row.state == QueueState::Parked);
        for id in parked.map(|row| row.id).collect::<Vec<Uuid>>() {
            if let Ok(Some(change)) = ledger::retry(id, self) {
                self.write(change);
            }
        }
    }
}
