//! How far the machine's clock is from the hospital's, by the `Date` of its answers (RFC 9110, 6.6.1).
//!
//! Tokens carry times, receipts too: beyond a minute somebody must look. The machine's own clock is measured here, not the
//! port `Clock`, which rehearsals make up.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

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
}

impl Default for Skew {
    fn default() -> Self {
        Self { seconds: AtomicI64::new(UNKNOWN), heard_at_s: AtomicI64::new(UNKNOWN), alarmed: AtomicBool::new(false) }
    }
}

impl Skew {
    /// Seconds by which the hospital's clock is ahead of ours.
    pub fn seconds(&self) -> Option<i64> {
        Some(self.seconds.load(Ordering::Relaxed)).filter(|seconds| *seconds != UNKNOWN)
    }

    pub fn heard_at_s(&self) -> Option<i64> {
        Some(self.heard_at_s.load(Ordering::Relaxed)).filter(|at| *at != UNKNOWN)
    }

    pub fn heard(&self, at: DateTime<Utc>) {
        self.heard_at_s.store(at.timestamp(), Ordering::Relaxed);
    }

    /// The hospital's time, as far as it is known.
    pub fn server_now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.seconds().unwrap_or(0))
    }

    pub fn note(&self, date: &str, sent: DateTime<Utc>, received: DateTime<Utc>) {
        let Some(seconds) = measured(date, sent, received) else { return };
        self.seconds.store(seconds, Ordering::Relaxed);
        let far = seconds.abs() > ALARM_S;
        if far != self.alarmed.swap(far, Ordering::Relaxed) {
            if far {
                tracing::error!("{}: set the machine's time (timedatectl, NTP)", words(seconds));
            } else {
                tracing::info!("{}", words(seconds));
            }
        }
    }
}

/// The header has whole seconds, so half of one is added; the answer was written somewhere between the two moments.
fn measured(date: &str, sent: DateTime<Utc>, received: DateTime<Utc>) -> Option<i64> {
    let round_trip = received - sent;
    if round_trip < TimeDelta::zero() || round_trip > ROUND_TRIP_MAX {
        return None;
    }
    let server = DateTime::parse_from_rfc2822(date).ok()?.to_utc() + TimeDelta::milliseconds(500);
    Some((server - (sent + round_trip / 2)).num_seconds())
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
            ("Wed, 25 Nov 2026 01:00:00 GMT", "2026-11-25T01:00:01Z", Some(0)),
            ("Wed, 25 Nov 2026 01:01:35 GMT", "2026-11-25T01:00:01Z", Some(95)),
            ("Wed, 25 Nov 2026 00:58:20 GMT", "2026-11-25T01:00:01Z", Some(-100)),
            ("Wed, 25 Nov 2026 01:00:04 GMT", "2026-11-25T01:00:09Z", Some(0)),
            ("Wed, 25 Nov 2026 01:00:05 GMT", "2026-11-25T01:00:11Z", None),
            ("Wed, 25 Nov 2026 01:00:05 GMT", "2026-11-25T00:59:59Z", None),
            ("yesterday", "2026-11-25T01:00:01Z", None),
        ] {
            assert_eq!(measured(date, sent, at(received)), seconds, "{date} {received}");
        }
    }
}
