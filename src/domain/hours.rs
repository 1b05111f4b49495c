//! Opening hours and holidays.

use super::facility::Facility;
use super::language::LocalText;
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use std::collections::BTreeMap;

/// Monday first. `None` = closed that day. Closing is exclusive of service, inclusive for "ready by".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeekHours(pub [Option<(NaiveTime, NaiveTime)>; 7]);

/// How far ahead an opening is looked for, in days. A counter closed for longer never opens.
const SEARCH_DAYS: u64 = 400;

/// One counter's week together with the holidays on which it is closed. All times are hospital time.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    pub week: &'a WeekHours,
    pub holidays: &'a BTreeMap<NaiveDate, LocalText>,
}

impl<'a> Calendar<'a> {
    /// The calendar of the hours table `key`; `None` if there is no such table, which `config` refuses at start.
    #[must_use]
    pub fn of(facility: &'a Facility, key: &str) -> Option<Self> {
        facility.hours.get(key).map(|week| Self { week, holidays: &facility.holidays })
    }

    #[must_use]
    pub fn is_holiday(&self, day: NaiveDate) -> bool {
        self.holidays.contains_key(&day)
    }

    /// Opening and closing time of `day`, `None` if closed all day.
    #[must_use]
    pub fn opening(&self, day: NaiveDate) -> Option<(NaiveTime, NaiveTime)> {
        if self.is_holiday(day) {
            return None;
        }
        let weekday = usize::try_from(day.weekday().num_days_from_monday()).ok()?;
        self.week.0.get(weekday).copied().flatten()
    }

    /// Somebody serves at this moment; at the closing minute nobody does any more.
    #[must_use]
    pub fn is_open_at(&self, at: NaiveDateTime) -> bool {
        self.opening(at.date()).is_some_and(|(opens, closes)| opens <= at.time() && at.time() < closes)
    }

    /// The last moment of `day`, inclusive, at which something that takes `ready_minutes` can still be ready by
    /// closing. `None` if the day is closed or too short for it.
    #[must_use]
    pub fn last_order(&self, day: NaiveDate, ready_minutes: u32) -> Option<NaiveDateTime> {
        let (opens, closes) = self.opening(day)?;
        let last = day.and_time(closes).checked_sub_signed(minutes(ready_minutes))?;
        (last >= day.and_time(opens)).then_some(last)
    }

    /// The next moment after `at` at which the counter opens: still today if it has not opened yet.
    #[must_use]
    pub fn next_opening(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        (0..SEARCH_DAYS)
            .filter_map(|ahead| at.date().checked_add_days(Days::new(ahead)))
            .filter_map(|day| self.opening(day).map(|(opens, _)| day.and_time(opens)))
            .find(|opening| *opening > at)
    }
}

/// A span of whole minutes.
#[must_use]
pub fn minutes(count: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(count))
}
