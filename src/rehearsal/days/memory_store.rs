//! The store without a disk, for millions of payments: plain lists under the same rules (`domain::ledger`). A test plays the
//! same days on both and compares every line of their traces; another, whatever may be recorded in whatever order.

mod batch;
mod closing;
mod outbox;
mod rows;
mod write;

use crate::domain::attempt::AttemptId;
use crate::domain::closing::{ClosingId, ClosingRecord, DayBook};
use crate::domain::numbers::{Counters, Given};
use crate::domain::outbox::{Delivery, QueueState, QueuedRequest, Request, Taken, Tries};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::PaymentRecord;
use crate::domain::reason::InPart;
use crate::domain::tries::TriesKept;
use crate::domain::undo::UndoRecord;
use crate::ports::{Frozen, Journal, Queue, Retention, ScheduleCache, ScheduleMark, ScheduleNews, StoreError};
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;
use write::Before;

type Done<T> = Result<T, StoreError>;
type Time = DateTime<FixedOffset>;

#[derive(Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    /// Each with its latest undo.
    payments: Vec<PaymentRecord>,
    /// Every undo there ever was, in order, with the payment that it is of.
    undos: Vec<(AttemptId, UndoRecord)>,
    closings: Vec<ClosingRecord>,
    outbox: Vec<Row>,
    /// Rows of the outbox that are not sent yet, by sequence: all that the sender looks at.
    undelivered: BTreeMap<i64, usize>,
    numbers: BTreeMap<NaiveDate, Counters>,
    last_number_at: Option<Time>,
    tries: Option<TriesKept>,
    schedule: Option<(NaiveDate, Vec<(Patient, Appointment)>)>,
    /// What the batch at work changed so far.
    before: Vec<Before>,
    /// It has more lines: one of them may be refused.
    remembers: bool,
}

#[derive(Clone)]
struct Row {
    id: Uuid,
    visit: Uuid,
    state: QueueState,
    /// Gone when it is delivered.
    request: Option<Request>,
    bundle: Vec<u8>,
    tries: Tries,
    in_part: Option<InPart>,
    taken: Vec<Taken>,
}

/// A queued request: where it stands, and how often it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: QueueState,
    pub tries: u32,
}

impl MemoryStore {
    /// In the order of queueing.
    #[must_use]
    pub fn queued(&self) -> Vec<Standing> {
        self.tables().outbox.iter().map(|row| Standing { state: row.state, tries: row.tries.count }).collect()
    }

    /// Everything parked is sent once more, as staff have it.
    pub fn retry_parked(&self) {
        self.tables().retry_parked();
    }

    /// How many appointments of which day are kept.
    #[must_use]
    pub fn scheduled(&self) -> Option<(NaiveDate, usize)> {
        self.tables().schedule.as_ref().map(|(day, rows)| (*day, rows.len()))
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sequence(at: usize) -> i64 {
    i64::try_from(at + 1).unwrap_or(i64::MAX)
}

impl Journal for MemoryStore {
    fn commit(&self, lines: &[Frozen<'_>], at: Time) -> Done<()> {
        self.tables().commit(lines, at)
    }

    fn payments(&self) -> Done<Vec<PaymentRecord>> {
        let tables = self.tables();
        let closed_to = tables.closed_to();
        let mut payments = tables.payments.clone();
        for (at, payment) in payments.iter_mut().enumerate() {
            payment.day_closed = sequence(at) <= closed_to;
        }
        Ok(payments)
    }

    fn payments_numbered(&self, number: &str) -> Done<Vec<PaymentRecord>> {
        Ok(self.payments()?.into_iter().filter(|payment| payment.number == number).collect())
    }

    fn payment(&self, attempt: AttemptId) -> Done<Option<PaymentRecord>> {
        let tables = self.tables();
        let found = tables.payments.iter().position(|payment| payment.attempt == attempt);
        let closed = |at| sequence(at) <= tables.closed_to();
        Ok(found.map(|at| PaymentRecord { day_closed: closed(at), ..tables.payments[at].clone() }))
    }

    fn day_book(&self, closing: ClosingId) -> Done<DayBook> {
        Ok(self.tables().day_book(closing))
    }

    fn counters(&self) -> Done<Given> {
        let tables = self.tables();
        Ok(Given { days: tables.numbers.values().copied().collect(), last_at: tables.last_number_at })
    }

    fn tries(&self) -> Done<Option<TriesKept>> {
        Ok(self.tables().tries.clone())
    }
}

impl Queue for MemoryStore {
    fn next_requests(&self, step_over: &[Uuid], most: usize) -> Done<Vec<QueuedRequest>> {
        Ok(self.tables().next(step_over, most))
    }

    fn begin_tries(&self, sequences: &[i64]) -> Done<()> {
        self.tables().begin_tries(sequences)
    }

    fn end_tries(&self, tried: &[(i64, Delivery)], at: Time) -> Done<()> {
        self.tables().end_tries(tried, at)
    }
}

/// Nothing is kept for long.
impl Retention for MemoryStore {
    fn forget_old(&self, _now: Time) -> Done<()> {
        Ok(())
    }
}

impl ScheduleCache for MemoryStore {
    fn update_schedule(&self, day: NaiveDate, news: &ScheduleNews, _at: Time) -> Done<()> {
        self.tables().schedule = Some((day, news.rows.clone()));
        Ok(())
    }

    /// Always the whole day.
    fn schedule_mark(&self, _day: NaiveDate) -> Done<Option<ScheduleMark>> {
        Ok(None)
    }

    fn cached_patient(&self, day: NaiveDate, number: &PatientNumber, born: BirthDate) -> Done<Option<Patient>> {
        let known = |patient: &Patient| patient.number == *number && patient.birth_date == born;
        Ok(self.tables().cached(day).find(|(patient, _)| known(patient)).map(|(patient, _)| offline(patient)))
    }

    fn cached_appointments(&self, day: NaiveDate, number: &PatientNumber) -> Done<Vec<Appointment>> {
        let tables = self.tables();
        let theirs = tables.cached(day).filter(|(patient, _)| patient.number == *number);
        Ok(theirs.map(|(_, appointment)| appointment.clone()).collect())
    }

    fn cached_slip(&self, day: NaiveDate, code: &str) -> Done<Option<(Patient, Appointment)>> {
        let tables = self.tables();
        let found = tables.cached(day).find(|(_, appointment)| appointment.slip.as_deref() == Some(code));
        Ok(found.map(|(patient, appointment)| (offline(patient), appointment.clone())))
    }

    fn wipe_schedule_except(&self, day: NaiveDate) -> Done<()> {
        let mut tables = self.tables();
        tables.schedule = tables.schedule.take().filter(|(known, _)| *known == day);
        Ok(())
    }
}

impl Tables {
    fn cached(&self, day: NaiveDate) -> impl Iterator<Item = &(Patient, Appointment)> {
        self.schedule.iter().filter(move |(known, _)| *known == day).flat_map(|(_, rows)| rows)
    }
}

fn offline(patient: &Patient) -> Patient {
    Patient { offline: true, ..patient.clone() }
}
