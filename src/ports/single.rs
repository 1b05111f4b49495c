//! One line, one request, one day: stores work in lots, and some callers have no more than one.

use super::{Frozen, Journal, Queue, ScheduleCache, ScheduleNews, StoreError};
use crate::domain::line::Line;
use crate::domain::numbers::Counters;
use crate::domain::outbox::{Delivery, QueuedRequest, Request};
use crate::domain::patient::{Appointment, Patient};
use crate::domain::payment::Entry;
use crate::domain::tries::Tried;
use chrono::{DateTime, FixedOffset, NaiveDate};

#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait JournalLines: Journal {
    fn record(&self, entry: &Entry, bundle: &[u8], at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.commit(&[Frozen { line: &Line::Entry(entry.clone()), bundle: bundle.to_vec() }], at)
    }

    fn queue(&self, request: &Request, bundle: &[u8]) -> Result<(), StoreError> {
        let line = Line::Request(Box::new(request.clone()));
        self.commit(&[Frozen { line: &line, bundle: bundle.to_vec() }], request.made_at)
    }

    /// A day's counters; none goes back, whatever is saved. `at` is what the clock says.
    fn save_counters(&self, counters: &Counters, at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.commit(&[Frozen { line: &Line::Counters(*counters), bundle: Vec::new() }], at)
    }

    /// One look-up more, or one that counts no longer. What was kept of another day, or under another salt, goes.
    fn save_tries(&self, tried: &Tried) -> Result<(), StoreError> {
        let line = Line::Tries(Box::new(tried.clone()));
        self.commit(&[Frozen { line: &line, bundle: Vec::new() }], tried.at)
    }
}

impl<T: Journal + ?Sized> JournalLines for T {}

#[expect(clippy::missing_errors_doc, reason = "as the port")]
pub trait SingleRequests: Queue {
    fn next_request(&self) -> Result<Option<QueuedRequest>, StoreError> {
        Ok(self.next_requests(&[], 1)?.pop())
    }

    fn begin_try(&self, sequence: i64) -> Result<(), StoreError> {
        self.begin_tries(&[sequence])
    }

    fn end_try(&self, sequence: i64, delivery: &Delivery, at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.end_tries(&[(sequence, delivery.clone())], at)
    }
}

impl<T: Queue + ?Sized> SingleRequests for T {}

#[expect(clippy::missing_errors_doc, reason = "as the port")]
pub trait WholeSchedule: ScheduleCache {
    /// Replaces the cached day.
    fn cache_schedule(&self, day: NaiveDate, rows: &[(Patient, Appointment)]) -> Result<(), StoreError> {
        let news = ScheduleNews { whole: true, rows: rows.to_vec(), ..ScheduleNews::default() };
        self.update_schedule(day, &news, DateTime::UNIX_EPOCH.fixed_offset())
    }
}

impl<T: ScheduleCache + ?Sized> WholeSchedule for T {}
