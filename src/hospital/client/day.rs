//! A day of the schedule while it is read, and how much of one is kept until it is written down.

use super::super::wire::{Party, Person};
use crate::domain::language::LocalText;
use crate::domain::patient::{Appointment, Patient};
use crate::ports::ScheduleNews;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// A hospital's day.
pub const ROWS_MAX: usize = 40_000;
/// Of all that is kept of it until it is written down; a day of 15,000 appointments has a fifth of this.
pub const DAY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What a row takes besides its texts.
pub const ROW_BYTES: usize = 400;

/// A day while it is read.
pub struct Day {
    pub date: NaiveDate,
    /// By appointment and number: an appointment may be of several patients, and a patient may have several numbers.
    pub rows: BTreeMap<(String, String), (Patient, Appointment)>,
    pub gone: Vec<String>,
    pub patients: BTreeMap<Party, Vec<Person>>,
    pub singles: usize,
    pub unreadable: usize,
    /// Patients that were too many to be asked for.
    pub left_out: usize,
    /// Appointments that were on a page already.
    pub seen: BTreeSet<String>,
    /// About how much memory all of it takes.
    pub bytes: usize,
}

impl Day {
    pub fn new(day: NaiveDate) -> Self {
        Self {
            date: day,
            rows: BTreeMap::new(),
            gone: Vec::new(),
            patients: BTreeMap::new(),
            singles: 0,
            unreadable: 0,
            left_out: 0,
            seen: BTreeSet::new(),
            bytes: 0,
        }
    }

    pub fn is_too_much(&self) -> bool {
        let rows = self.rows.len().max(self.seen.len()).max(self.gone.len()).max(self.patients.len());
        rows > ROWS_MAX || self.bytes > DAY_BYTES_MAX
    }

    pub fn into_news(self) -> ScheduleNews {
        let rows = self.rows.into_values().collect();
        ScheduleNews { rows, gone: self.gone, unreadable: self.unreadable, ..ScheduleNews::default() }
    }
}

pub fn weight(booking: &Appointment) -> usize {
    let texts = |text: &LocalText| text.0.values().map(String::len).sum::<usize>();
    let slip = booking.slip.as_ref().map_or(0, String::len);
    ROW_BYTES
        + booking.server_ref.len() * 2
        + booking.version.len()
        + slip
        + texts(&booking.clinic)
        + texts(&booking.place)
}

pub fn weight_of(person: &Person) -> usize {
    ROW_BYTES
        + person.server_ref.len()
        + person.masked_name.len()
        + person.numbers.iter().map(String::len).sum::<usize>()
}
