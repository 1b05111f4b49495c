//! The kiosk's power, and the store as it is while the power or the disk fails.
//!
//! Whatever must survive passes a boundary before and after it happens. At any of them the power may go: from then on
//! nothing more is done, until the kiosk is built anew from the store alone.

use super::shelf::DayStore;
use crate::domain::attempt::AttemptId;
use crate::domain::closing::{ClosingId, DayBook};
use crate::domain::line::Line;
use crate::domain::numbers::Given;
use crate::domain::outbox::{Delivery, QueuedRequest};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::{Entry, PaymentRecord};
use crate::domain::tries::TriesKept;
use crate::ports::{Frozen, Journal, Queue, Retention, ScheduleCache, ScheduleMark, ScheduleNews, StoreError};
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

#[derive(Default)]
struct State {
    off: bool,
    /// Boundaries until the power goes.
    boundaries_left: Option<u64>,
    passed: u64,
    /// Where the power went, and how often.
    cut_at: BTreeMap<&'static str, u64>,
    /// Writes until the disk is full, and how many then fail.
    disk: Option<(u64, u64)>,
    disk_failures: u64,
}

#[derive(Clone, Default)]
pub struct Power(Arc<Mutex<State>>);

impl Power {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place where the power may go. `false` if it has gone.
    #[expect(clippy::must_use_candidate, reason = "the last boundary of an act asks nothing")]
    pub fn boundary(&self, place: &'static str) -> bool {
        let mut state = self.state();
        if state.off {
            return false;
        }
        state.passed += 1;
        match &mut state.boundaries_left {
            Some(0) => {
                state.boundaries_left = None;
                state.off = true;
                *state.cut_at.entry(place).or_default() += 1;
                false
            }
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.state().off
    }

    pub fn cut_after(&self, boundaries: u64) {
        self.state().boundaries_left = Some(boundaries);
    }

    pub fn cut_never(&self) {
        self.state().boundaries_left = None;
    }

    pub fn cut_now(&self) {
        self.state().off = true;
    }

    pub fn restore(&self) {
        self.state().off = false;
    }

    pub fn fill_disk(&self, after_writes: u64, failing: u64) {
        self.state().disk = Some((after_writes, failing));
    }

    pub fn free_disk(&self) {
        self.state().disk = None;
    }

    /// How often the power went at each place since the last call.
    #[must_use]
    pub fn take_cuts(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.state().cut_at)
    }

    #[must_use]
    pub fn take_disk_failures(&self) -> u64 {
        std::mem::take(&mut self.state().disk_failures)
    }

    fn disk_takes_it(&self) -> bool {
        let mut state = self.state();
        match &mut state.disk {
            None | Some((_, 0)) => return true,
            Some((0, failing)) => *failing -= 1,
            Some((after, _)) => {
                *after -= 1;
                return true;
            }
        }
        state.disk_failures += 1;
        false
    }
}

/// A store under [`Power`].
pub struct Powered {
    pub store: Arc<dyn DayStore>,
    pub power: Power,
}

impl Powered {
    fn write<T>(
        &self,
        (before, after): (&'static str, &'static str),
        work: impl FnOnce(&dyn DayStore) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.power.boundary(before) {
            return Err(gone());
        }
        if !self.power.disk_takes_it() {
            return Err(StoreError::DiskFull);
        }
        let done = work(self.store.as_ref())?;
        if self.power.boundary(after) { Ok(done) } else { Err(gone()) }
    }
}

fn gone() -> StoreError {
    StoreError::Other("the power is off".to_owned())
}

/// Of what matters most in it: the last entry, for that is where it brings its payment.
fn places_of(lines: &[Frozen<'_>]) -> (&'static str, &'static str) {
    let entry =
        lines.iter().rev().find_map(|frozen| if let Line::Entry(entry) = frozen.line { Some(entry) } else { None });
    if let Some(entry) = entry {
        return places(entry);
    }
    match lines.last().map(|frozen| frozen.line) {
        Some(Line::Request(_)) => ("before queue", "after queue"),
        Some(Line::Counters(_)) => ("before counters", "after counters"),
        Some(Line::Tries(_)) => ("before tries", "after tries"),
        Some(Line::Entry(_) | Line::Audit(_) | Line::SetAsideRead) | None => ("before audit", "after audit"),
    }
}

const fn places(entry: &Entry) -> (&'static str, &'static str) {
    match entry {
        Entry::Intent { .. } => ("before intent", "after intent"),
        Entry::Sent { .. } => ("before sent", "after sent"),
        Entry::Answered { .. } => ("before answered", "after answered"),
        Entry::Committed { .. } => ("before committed", "after committed"),
        Entry::NotPaid { .. } => ("before not-paid", "after not-paid"),
        Entry::InDoubt { .. } => ("before in-doubt", "after in-doubt"),
        Entry::NeedsStaff { .. } => ("before needs-staff", "after needs-staff"),
        Entry::Evidence { .. } => ("before evidence", "after evidence"),
        Entry::Undo(_) => ("before undo", "after undo"),
        Entry::Closing(_) => ("before closing", "after closing"),
        Entry::ReceiptPrinted { .. } => ("before receipt-printed", "after receipt-printed"),
    }
}

impl Journal for Powered {
    fn commit(&self, lines: &[Frozen<'_>], at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.write(places_of(lines), |store| store.commit(lines, at))
    }

    fn payments(&self) -> Result<Vec<PaymentRecord>, StoreError> {
        self.store.payments()
    }

    fn payments_numbered(&self, number: &str) -> Result<Vec<PaymentRecord>, StoreError> {
        self.store.payments_numbered(number)
    }

    fn payment(&self, attempt: AttemptId) -> Result<Option<PaymentRecord>, StoreError> {
        self.store.payment(attempt)
    }

    fn day_book(&self, closing: ClosingId) -> Result<DayBook, StoreError> {
        self.store.day_book(closing)
    }

    fn counters(&self) -> Result<Given, StoreError> {
        self.store.counters()
    }

    fn tries(&self) -> Result<Option<TriesKept>, StoreError> {
        self.store.tries()
    }
}

impl Queue for Powered {
    fn next_requests(&self, step_over: &[Uuid], most: usize) -> Result<Vec<QueuedRequest>, StoreError> {
        self.store.next_requests(step_over, most)
    }

    fn begin_tries(&self, sequences: &[i64]) -> Result<(), StoreError> {
        self.write(("before trying", "after trying"), |store| store.begin_tries(sequences))
    }

    fn end_tries(&self, tried: &[(i64, Delivery)], at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.write(("before tried", "after tried"), |store| store.end_tries(tried, at))
    }
}

impl ScheduleCache for Powered {
    fn update_schedule(
        &self,
        day: NaiveDate,
        news: &ScheduleNews,
        at: DateTime<FixedOffset>,
    ) -> Result<(), StoreError> {
        self.store.update_schedule(day, news, at)
    }

    fn schedule_mark(&self, day: NaiveDate) -> Result<Option<ScheduleMark>, StoreError> {
        self.store.schedule_mark(day)
    }

    fn cached_patient(
        &self,
        day: NaiveDate,
        number: &PatientNumber,
        birth_date: BirthDate,
    ) -> Result<Option<Patient>, StoreError> {
        self.store.cached_patient(day, number, birth_date)
    }

    fn cached_appointments(&self, day: NaiveDate, number: &PatientNumber) -> Result<Vec<Appointment>, StoreError> {
        self.store.cached_appointments(day, number)
    }

    fn cached_slip(&self, day: NaiveDate, code: &str) -> Result<Option<(Patient, Appointment)>, StoreError> {
        self.store.cached_slip(day, code)
    }

    fn wipe_schedule_except(&self, day: NaiveDate) -> Result<(), StoreError> {
        self.store.wipe_schedule_except(day)
    }
}

/// A rehearsed day is shorter than whatever is kept.
impl Retention for Powered {
    fn forget_old(&self, _now: DateTime<FixedOffset>) -> Result<(), StoreError> {
        Ok(())
    }
}
