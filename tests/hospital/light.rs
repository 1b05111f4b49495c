//! A queue that costs next to nothing a row, so that a test can have a hundred thousand rows or ten thousand kiosks. It
//! counts what the sender takes into memory.

use super::fixture::documents;
use chrono::{DateTime, FixedOffset, NaiveDate};
use hospital_kiosk::domain::outbox::{Delivery, PaymentOfRequest, QueueState, QueuedRequest, Request};
use hospital_kiosk::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use hospital_kiosk::ports::{Queue, Retention, ScheduleCache, ScheduleMark, ScheduleNews, StoreError};
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

impl Queue for LightStore {
    fn next_requests(&self, step_over: &[Uuid], most: usize) -> Result<Vec<QueuedRequest>, StoreError> {
        let mut rows = self.rows();
        rows.stepped_over_most = rows.stepped_over_most.max(step_over.len());
        let (mut stepped_over, mut found) = (step_over.iter().map(Uuid::as_u128).collect::<BTreeSet<_>>(), Vec::new());
        for (sequence, (visit, maybe_delivered)) in &rows.waiting {
            if found.len() == most {
                break;
            }
            if !rows.parked.contains(visit) && stepped_over.insert(*visit) {
                found.push(QueuedRequest {
                    sequence: *sequence,
                    request: Request {
                        visit: Uuid::from_u128(*visit),
                        ..documents(u128::try_from(*sequence).unwrap_or_default(), PaymentOfRequest::Free)
                    },
                    bundle: b"light".to_vec(),
                    tries: 0,
                    maybe_delivered: *maybe_delivered,
                    state: QueueState::Waiting,
                    in_part: None,
                    taken: Vec::new(),
                });
            }
        }
        rows.loaded += found.len() as u64;
        Ok(found)
    }

    fn begin_tries(&self, _: &[i64]) -> Result<(), StoreError> {
        if self.rows().full { Err(StoreError::DiskFull) } else { Ok(()) }
    }

    fn end_tries(&self, tried: &[(i64, Delivery)], _: DateTime<FixedOffset>) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if rows.full {
            return Err(StoreError::DiskFull);
        }
        for (sequence, delivery) in tried {
            match delivery {
                Delivery::Done { .. } => drop(rows.waiting.remove(sequence)),
                Delivery::Park { .. } => {
                    if let Some((visit, _)) = rows.waiting.remove(sequence) {
                        rows.parked.insert(visit);
                    }
                }
                Delivery::Later { maybe_delivered, .. } => {
                    if let Some(row) = rows.waiting.get_mut(sequence) {
                        row.1 |= maybe_delivered;
                    }
                }
                Delivery::Part { .. } | Delivery::Hold { .. } | Delivery::Busy { .. } => {}
            }
        }
        Ok(())
    }
}

impl Retention for LightStore {
    fn forget_old(&self, now: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.rows().forgot.push(now);
        Ok(())
    }
}

/// Holds no day at all.
pub struct NoCache;

impl ScheduleCache for NoCache {
    fn update_schedule(&self, _: NaiveDate, _: &ScheduleNews, _: DateTime<FixedOffset>) -> Result<(), StoreError> {
        Ok(())
    }

    fn schedule_mark(&self, _: NaiveDate) -> Result<Option<ScheduleMark>, StoreError> {
        Ok(None)
    }

    fn cached_patient(&self, _: NaiveDate, _: &PatientNumber, _: BirthDate) -> Result<Option<Patient>, StoreError> {
        Ok(None)
    }

    fn cached_appointments(&self, _: NaiveDate, _: &PatientNumber) -> Result<Vec<Appointment>, StoreError> {
        Ok(Vec::new())
    }

    fn cached_slip(&self, _: NaiveDate, _: &str) -> Result<Option<(Patient, Appointment)>, StoreError> {
        Ok(None)
    }

    fn wipe_schedule_except(&self, _: NaiveDate) -> Result<(), StoreError> {
        Ok(())
    }
}
