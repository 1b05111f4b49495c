//! Opening hours and holidays.

use super::language::LocalText;
use super::zone::Zone;
use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta};
use std::collections::BTreeMap;

/// Monday first. `None` = closed that day. Closing is exclusive of service, inclusive for "ready by".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeekHours(pub [Option<(NaiveTime, NaiveTime)>; 7]);

/// How far ahead an opening is looked for, in days. A counter closed for longer never opens.
const SEARCH_DAYS: u64 = 400;

/// One counter's week together with the holidays on which it is closed, by the town's clocks.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    pub week: &'a WeekHours,
    pub holidays: &'a BTreeMap<NaiveDate, LocalText>,
    pub zone: &'a Zone,
}

impl Calendar<'_> {
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

    /// When it opens on `day`.
    #[must_use]
    pub fn opens(&self, day: NaiveDate) -> Option<DateTime<FixedOffset>> {
        self.opening(day).map(|(opens, _)| self.zone.first(day.and_time(opens)))
    }

    /// When it closes on `day`.
    #[must_use]
    pub fn closes(&self, day: NaiveDate) -> Option<DateTime<FixedOffset>> {
        self.opening(day).map(|(_, closes)| self.zone.last(day.and_time(closes)))
    }

    /// Somebody serves at this moment of hospital time; at the closing minute nobody does any more.
    #[must_use]
    pub fn is_open_at(&self, at: DateTime<FixedOffset>) -> bool {
        let day = at.date_naive();
        self.opens(day).zip(self.closes(day)).is_some_and(|(opens, closes)| opens <= at && at < closes)
    }

    /// The last moment of `day`, inclusive, at which something that takes `ready_minutes` can still be ready by
    /// closing. `None` if the day is closed or too short for it.
    #[must_use]
    pub fn last_order(&self, day: NaiveDate, ready_minutes: u32) -> Option<DateTime<FixedOffset>> {
        let last = self.closes(day)?.checked_sub_signed(minutes(ready_minutes))?;
        (last >= self.opens(day)?).then(|| self.zone.at(&last))
    }

    /// The next moment after `at`, in hospital time, at which the counter opens: still today if it has not opened yet.
    #[must_use]
    pub fn next_opening(&self, at: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
        (0..SEARCH_DAYS)
            .filter_map(|ahead| at.date_naive().checked_add_days(Days::new(ahead)))
            .filter_map(|day| self.opens(day))
            .find(|opening| *opening > at)
    }
}

/// A span of whole minutes.
#[must_use]
pub fn minutes(count: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(count))
}
