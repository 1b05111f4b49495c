//! A queue that costs next to nothing a row, so that a test can have a hundred thousand rows or ten thousand kiosks. It
//! counts what the sender takes into memory.

use super::fixture::{documents, not_the_senders};
use chrono::{DateTime, FixedOffset, NaiveDate};
use hospital_kiosk::domain::outbox::{Delivery, PaymentOfRequest, QueueState, QueuedRequest, Request};
use hospital_kiosk::domain::patient::{Appointment, Patient};
use hospital_kiosk::ports::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

#[derive(Default)]
pub struct LightStore {
    rows: Mutex<Rows>,
}

#[derive(Default)]
pub struct Rows {
    /// Sequence to visit and whether it may have been delivered.
    pub waiting: BTreeMap<i64, (u128, bool)>,
    pub parked: BTreeSet<u128>,
    last: i64,
    /// Rows handed out, and the longest list of visits the sender ever remembered.
    pub loaded: u64,
    pub stepped_over_most: usize,
    pub full: bool,
    /// As of when it was told to forget.
    pub forgot: Vec<DateTime<FixedOffset>>,
}

impl LightStore {
    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more request of this visit; its identifier is its sequence.
    pub fn add(&self, visit: u128) {
        let mut rows = self.rows();
        rows.last += 1;
        let last = rows.last;
        rows.waiting.insert(last, (visit, false));
    }

    pub fn is_empty(&self) -> bool {
        self.rows().waiting.is_empty()
    }
}

impl Store for LightStore {
    fn queue(&self, _: &Request, _: &[u8]) -> Result<(), StoreError> {
        unimplemented!("see add")
    }

    fn next_request(&self) -> Result<Option<QueuedRequest>, StoreError> {
        self.next_request_except(&[])
    }

    fn next_request_except(&self, visits: &[Uuid]) -> Result<Option<QueuedRequest>, StoreError> {
        let mut rows = self.rows();
        rows.stepped_over_most = rows.stepped_over_most.max(visits.len());
        let free = |visit: u128| !rows.parked.contains(&visit) && !visits.contains(&Uuid::from_u128(visit));
        let next = rows.waiting.iter().find(|(_, (visit, _))| free(*visit)).map(|(sequence, row)| (*sequence, *row));
        rows.loaded += u64::from(next.is_some());
        Ok(next.map(|(sequence, (visit, maybe_delivered))| QueuedRequest {
            sequence,
            request: Request {
                visit: Uuid::from_u128(visit),
                ..documents(u128::try_from(sequence).unwrap_or_default(), PaymentOfRequest::Free)
            },
            bundle: b"light".to_vec(),
            tries: 0,
            maybe_delivered,
            state: QueueState::Waiting,
            in_part: None,
            taken: Vec::new(),
        }))
    }

    fn forget_old(&self, now: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.rows().forgot.push(now);
        Ok(())
    }

    fn trying(&self, _: i64) -> Result<(), StoreError> {
        if self.rows().full { Err(StoreError::DiskFull) } else { Ok(()) }
    }

    fn tried(&self, sequence: i64, delivery: &Delivery, _: DateTime<FixedOffset>) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if rows.full {
            return Err(StoreError::DiskFull);
        }
        match delivery {
            Delivery::Done { .. } => drop(rows.waiting.remove(&sequence)),
            Delivery::Park { .. } => {
                if let Some((visit, _)) = rows.waiting.remove(&sequence) {
                    rows.parked.insert(visit);
                }
            }
            Delivery::Later { maybe_delivered, .. } => {
                if let Some(row) = rows.waiting.get_mut(&sequence) {
                    row.1 |= maybe_delivered;
                }
            }
            Delivery::Part { .. } | Delivery::Hold { .. } | Delivery::Busy { .. } => {}
        }
        Ok(())
    }

    fn cache_schedule(&self, _: NaiveDate, _: &[(Patient, Appointment)]) -> Result<(), StoreError> {
        Ok(())
    }

    fn wipe_schedule_except(&self, _: NaiveDate) -> Result<(), StoreError> {
        Ok(())
    }

    not_the_senders!();
}
