//! Hospital time: a zone of the IANA database, or the fixed offset of a hospital that names none.
//!
//! Clocks are put forward and back: of one local hour a year there are two instants, of another there is none. Which of
//! them is meant is decided here, once: what begins, begins at the first; what ends, ends at the last; and an hour that no
//! clock shows is the moment at which the clocks were put forward. Days need not begin at midnight (America/Santiago).

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc,
};
use jiff::tz::{AmbiguousOffset, Offset};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(Rules);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rules {
    Named(jiff::tz::TimeZone),
    Fixed(FixedOffset),
}

impl Zone {
    /// `Europe/Berlin`; small and capital letters are the same. `None` if the database has no such zone.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        jiff::tz::TimeZone::get(name).ok().map(|zone| Self(Rules::Named(zone)))
    }

    #[must_use]
    pub const fn fixed(offset: FixedOffset) -> Self {
        Self(Rules::Fixed(offset))
    }

    /// Every zone there is.
    #[must_use]
    pub fn names() -> Vec<String> {
        jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect()
    }

    /// The instant as the town's clocks show it.
    #[must_use]
    pub fn at<T: TimeZone>(&self, instant: &DateTime<T>) -> DateTime<FixedOffset> {
        instant.with_timezone(&self.offset_at(instant.timestamp()))
    }

    /// The instant at which the clocks show this for the first time.
    #[must_use]
    pub fn first(&self, local: NaiveDateTime) -> DateTime<FixedOffset> {
        match self.offset_of(local) {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                self.instant(local, offset)
            }
            AmbiguousOffset::Gap { after, .. } => self.put_forward(local, after),
        }
    }

    /// The instant at which the clocks show this for the last time.
    #[must_use]
    pub fn last(&self, local: NaiveDateTime) -> DateTime<FixedOffset> {
        match self.offset_of(local) {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { after: offset, .. } => {
                self.instant(local, offset)
            }
            AmbiguousOffset::Gap { after, .. } => self.put_forward(local, after),
        }
    }

    /// The first instant of a day; of a day that was left out, the first after it.
    #[must_use]
    pub fn day_begins(&self, day: NaiveDate) -> DateTime<FixedOffset> {
        self.first(day.and_time(NaiveTime::MIN))
    }

    /// Every instant that a clock of this town may mean by `local`: two in the hour that comes twice, and two in the hour
    /// that is left out, for a clock may be late in being put forward.
    #[must_use]
    pub fn readings(&self, local: NaiveDateTime) -> [DateTime<FixedOffset>; 2] {
        let (one, other) = match self.offset_of(local) {
            AmbiguousOffset::Unambiguous { offset } => (offset, offset),
            AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => (before, after),
        };
        [self.instant(local, one), self.instant(local, other)]
    }

    fn offset_at(&self, second: i64) -> FixedOffset {
        match &self.0 {
            Rules::Fixed(offset) => *offset,
            Rules::Named(zone) => {
                // Beyond the year 9999 nobody has decided anything.
                let second = second.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
                let offset = jiff::Timestamp::from_second(second).map(|at| zone.to_offset(at));
                as_chrono(offset.unwrap_or(Offset::UTC))
            }
        }
    }

    fn offset_of(&self, local: NaiveDateTime) -> AmbiguousOffset {
        let unambiguous = |offset| AmbiguousOffset::Unambiguous { offset };
        match &self.0 {
            Rules::Fixed(offset) => unambiguous(Offset::from_seconds(offset.local_minus_utc()).unwrap_or(Offset::UTC)),
            Rules::Named(zone) => {
                as_jiff(local).map_or(unambiguous(Offset::UTC), |local| zone.to_ambiguous_timestamp(local).offset())
            }
        }
    }

    fn instant(&self, local: NaiveDateTime, offset: Offset) -> DateTime<FixedOffset> {
        let utc = local.checked_sub_signed(TimeDelta::seconds(offset.seconds().into())).unwrap_or(local);
        self.at(&utc.and_utc())
    }

    /// `local` is in a gap that ends with the offset `after`: read with it, it lies before the gap.
    fn put_forward(&self, local: NaiveDateTime, after: Offset) -> DateTime<FixedOffset> {
        let before = self.instant(local, after);
        let gap = if let Rules::Named(zone) = &self.0
            && let Ok(from) = jiff::Timestamp::from_second(before.timestamp())
        {
            zone.following(from).next().and_then(|next| DateTime::from_timestamp(next.timestamp().as_second(), 0))
        } else {
            None
        };
        gap.map_or(before, |gap| self.at::<Utc>(&gap))
    }
}

fn as_chrono(offset: Offset) -> FixedOffset {
    FixedOffset::east_opt(offset.seconds()).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

fn as_jiff(local: NaiveDateTime) -> Option<jiff::civil::DateTime> {
    let small = |value: u32| i8::try_from(value).ok();
    jiff::civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn what_begins_begins_at_the_first_and_what_ends_at_the_last() {
        for (name, shown, first, last) in [
            ("Asia/Seoul", "2026-11-25T10:00:00", "2026-11-25T10:00:00+09:00", "2026-11-25T10:00:00+09:00"),
            ("Europe/Berlin", "2026-07-15T08:00:00", "2026-07-15T08:00:00+02:00", "2026-07-15T08:00:00+02:00"),
            // Twice.
            ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
            ("Europe/Dublin", "2026-10-25T01:30:00", "2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00"),
            ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"),
            ("America/Santiago", "2026-04-04T23:30:00", "2026-04-04T23:30:00-03:00", "2026-04-04T23:30:00-04:00"),
            ("Africa/Casablanca", "2026-02-15T02:30:00", "2026-02-15T02:30:00+01:00", "2026-02-15T02:30:00+00:00"),
            // Never: the moment at which the clocks were put forward.
            ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"),
            ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-04T02:30:00+11:00", "2026-10-04T02:30:00+11:00"),
            ("America/Santiago", "2026-09-06T00:30:00", "2026-09-06T01:00:00-03:00", "2026-09-06T01:00:00-03:00"),
            ("Africa/Casablanca", "2026-03-22T02:00:00", "2026-03-22T03:00:00+01:00", "2026-03-22T03:00:00+01:00"),
        ] {
            assert_eq!(zone(name).first(local(shown)).to_rfc3339(), first, "{name} {shown}");
            assert_eq!(zone(name).last(local(shown)).to_rfc3339(), last, "{name} {shown}");
        }
    }

    #[test]
    fn a_day_begins_when_the_clocks_say_so() {
        for (name, day, begins) in [
            ("Asia/Seoul", "2026-11-25", "2026-11-25T00:00:00+09:00"),
            ("Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00"),
            ("Europe/Berlin", "2026-03-30", "2026-03-30T00:00:00+02:00"),
            // No midnight, and midnight twice.
            ("America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00"),
            ("America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"),
            ("America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00"),
            // A day that was left out.
            ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"),
        ] {
            let day = day.parse().unwrap();
            assert_eq!(zone(name).day_begins(day).to_rfc3339(), begins, "{name} {day}");
        }
    }

    #[test]
    fn a_clock_may_mean_either_hour_of_a_change() {
        let berlin = zone("Europe/Berlin");
        let readings = |text| berlin.readings(local(text)).map(|at| at.to_utc().to_rfc3339());
        assert_eq!(readings("2026-10-25T02:30:00"), ["2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00"]);
        assert_eq!(readings("2026-03-29T02:30:00"), ["2026-03-29T01:30:00+00:00", "2026-03-29T00:30:00+00:00"]);
        assert_eq!(readings("2026-07-15T12:00:00"), ["2026-07-15T10:00:00+00:00", "2026-07-15T10:00:00+00:00"]);
    }

    #[test]
    fn names_are_those_of_the_database() {
        assert!(Zone::names().len() > 400);
        assert_eq!(Zone::named("asia/seoul"), Zone::named("Asia/Seoul"));
        for name in ["", "Seoul", "+09:00", "KST", "Europe", "Europe/", "../../etc/localtime", "Asia/Seoul\0"] {
            assert_eq!(Zone::named(name), None, "{name:?}");
        }
    }

    #[test]
    fn far_away_years_have_an_offset_too() {
        for zone in [zone("Europe/Berlin"), Zone::fixed(FixedOffset::east_opt(9 * 3600).unwrap())] {
            for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                let _ = zone.at(&at);
            }
            for day in [NaiveDate::MIN, NaiveDate::MAX] {
                let _ = zone.day_begins(day);
            }
        }
        assert_eq!(
            zone("Europe/Berlin").day_begins("2090-07-01".parse().unwrap()).to_rfc3339(),
            "2090-07-01T00:00:00+02:00"
        );
    }
}
