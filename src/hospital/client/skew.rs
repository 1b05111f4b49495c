//! How far the machine's clock is from the hospital's, by the `Date` of its answers (RFC 9110, 6.6.1).
//!
//! Tokens carry times, receipts too: beyond a minute somebody must look. The machine's own clock is measured here, not the
//! port `KioskClock`, which rehearsals make up; that one hears of each measure and decides what is believed. An answer out of a
//! cache tells when it was written, not what time it is: with an `Age` (RFC 9111, 5.1) nothing is measured.

use crate::domain::clock::is_possible;
use crate::ports::KioskClock;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use reqwest::header::{AGE, DATE, HeaderMap};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

/// Beyond this it is told as an error.
pub const ALARM_S: i64 = 60;
const UNKNOWN: i64 = i64::MIN;
/// An answer that took longer says too little of when it was written.
const ROUND_TRIP_MAX: TimeDelta = TimeDelta::seconds(10);

pub struct Skew {
    seconds: AtomicI64,
    /// When it was last heard, in seconds since 1970.
    heard_at_s: AtomicI64,
    alarmed: AtomicBool,
    /// Its last `Date` was impossible.
    nonsense: AtomicBool,
    clock: OnceLock<Arc<dyn KioskClock>>,
}

impl Default for Skew {
    fn default() -> Self {
        Self {
            seconds: AtomicI64::new(UNKNOWN),
            heard_at_s: AtomicI64::new(UNKNOWN),
            alarmed: AtomicBool::new(false),
            nonsense: AtomicBool::new(false),
            clock: OnceLock::new(),
        }
    }
}

impl Skew {
    /// `clock` hears of each measure; once.
    pub fn tell(&self, clock: Arc<dyn KioskClock>) {
        let _ = self.clock.set(clock);
    }

    /// Seconds by which the hospital's clock is ahead of ours.
    pub fn seconds(&self) -> Option<i64> {
        Some(self.seconds.load(Ordering::Relaxed)).filter(|seconds| *seconds != UNKNOWN)
    }

    pub fn heard_at_s(&self) -> Option<i64> {
        Some(self.heard_at_s.load(Ordering::Relaxed)).filter(|at| *at != UNKNOWN)
    }

    /// What the kiosk itself adds to the machine's clock.
    pub fn believed_s(&self) -> i64 {
        self.clock.get().map_or(0, |clock| clock.correction_s())
    }

    /// An answer came, asked for at `sent`.
    pub fn answered(&self, headers: &HeaderMap, sent: DateTime<Utc>, received: DateTime<Utc>) {
        self.heard_at_s.store(received.timestamp(), Ordering::Relaxed);
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let Some(date) = text(DATE).filter(|_| is_fresh(text(AGE))) else { return };
        match measured(date, sent, received) {
            Measured::Nothing => {}
            Measured::Ahead(seconds) => {
                self.nonsense.store(false, Ordering::Relaxed);
                self.note(seconds);
            }
            Measured::Impossible => {
                if !self.nonsense.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        date,
                        "the hospital's server tells a time that cannot be: its clock is not believed"
                    );
                }
            }
        }
    }

    /// The server is so many seconds ahead.
    pub fn note(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
        let far = seconds.unsigned_abs() > ALARM_S.unsigned_abs();
        if far != self.alarmed.swap(far, Ordering::Relaxed) {
            if far {
                tracing::error!("{}: set the machine's time (timedatectl, NTP)", words(seconds));
            } else {
                tracing::info!("{}", words(seconds));
            }
        }
        if let Some(clock) = self.clock.get() {
            clock.heard(seconds);
        }
    }
}

/// No cache kept it. What cannot be read was written by one all the same.
fn is_fresh(age: Option<&str>) -> bool {
    age.is_none_or(|age| age.trim().parse() == Ok(0_u32))
}

#[derive(Debug, PartialEq, Eq)]
enum Measured {
    Nothing,
    Ahead(i64),
    Impossible,
}

/// The header has whole seconds, so half of one is added; the answer was written somewhere between the two moments.
fn measured(date: &str, sent: DateTime<Utc>, received: DateTime<Utc>) -> Measured {
    let round_trip = received - sent;
    if round_trip < TimeDelta::zero() || round_trip > ROUND_TRIP_MAX {
        return Measured::Nothing;
    }
    let Some(server) = http_date(date) else { return Measured::Nothing };
    if !is_possible(server) {
        return Measured::Impossible;
    }
    let server = server + TimeDelta::milliseconds(500);
    Measured::Ahead((server - (sent + round_trip / 2)).num_seconds())
}

/// In each of the three forms that have to be read (RFC 9110, 5.6.7): today's, RFC 850's, and asctime's.
pub fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(date.to_utc());
    }
    let old = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    old.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).map(|date| date.and_utc())
}

/// As a technician says it.
pub fn words(seconds: i64) -> String {
    match seconds {
        -1..=1 => "its clock and this machine's agree".to_owned(),
        2.. => format!("this machine's clock is {seconds} s behind the hospital's"),
        _ => format!("this machine's clock is {} s ahead of the hospital's", seconds.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_measured_from_the_middle_of_the_exchange() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
        let sent = at("2026-11-25T01:00:00Z");
        for (date, received, seconds) in [
            ("Wed, 25 Nov 2026 01:00:00 GMT", "2026-11-25T01:00:01Z", Measured::Ahead(0)),
            ("Wed, 25 Nov 2026 01:01:35 GMT", "2026-11-25T01:00:01Z", Measured::Ahead(95)),
            ("Wed, 25 Nov 2026 00:58:20 GMT", "2026-11-25T01:00:01Z", Measured::Ahead(-100)),
            ("Wed, 25 Nov 2026 01:00:04 GMT", "2026-11-25T01:00:09Z", Measured::Ahead(0)),
            ("Wed, 25 Nov 2026 01:00:05 GMT", "2026-11-25T01:00:11Z", Measured::Nothing),
            ("Wed, 25 Nov 2026 01:00:05 GMT", "2026-11-25T00:59:59Z", Measured::Nothing),
            ("Wednesday, 25-Nov-26 01:01:35 GMT", "2026-11-25T01:00:01Z", Measured::Ahead(95)),
            ("Wed Nov 25 01:01:35 2026", "2026-11-25T01:00:01Z", Measured::Ahead(95)),
            ("yesterday", "2026-11-25T01:00:01Z", Measured::Nothing),
            ("Thu, 01 Jan 1970 00:00:00 GMT", "2026-11-25T01:00:01Z", Measured::Impossible),
            ("Wed, 31 Dec 2098 23:59:59 GMT", "2026-11-25T01:00:01Z", Measured::Impossible),
            ("Mon, 31 Dec 262142 23:59:59 GMT", "2026-11-25T01:00:01Z", Measured::Impossible),
        ] {
            assert_eq!(measured(date, sent, at(received)), seconds, "{date} {received}");
        }
    }

    #[test]
    fn an_answer_out_of_a_cache_measures_nothing() {
        let sent = DateTime::parse_from_rfc3339("2026-11-25T01:00:00Z").expect("a time").to_utc();
        for (age, seconds) in [
            (None, Some(-3_600)),
            (Some("0"), Some(-3_600)),
            (Some(" 0 "), Some(-3_600)),
            (Some("1"), None),
            (Some("3600"), None),
            (Some("-1"), None),
            (Some("old"), None),
            (Some(""), None),
        ] {
            let skew = Skew::default();
            let mut headers = HeaderMap::new();
            headers.insert(DATE, "Wed, 25 Nov 2026 00:00:00 GMT".parse().expect("a header"));
            if let Some(age) = age {
                headers.insert(AGE, age.parse().expect("a header"));
            }
            let received = sent + TimeDelta::seconds(1);
            skew.answered(&headers, sent, received);
            assert_eq!(skew.seconds(), seconds, "{age:?}");
            assert_eq!(skew.heard_at_s(), Some(received.timestamp()), "it was heard all the same");
        }
    }
}
