//! The terminal's clock beside this machine's: what it stamps its bookings with decides whether a payment in doubt can be
//! its own, so a technician is told when it is wrong.

use super::dialogue::STAMP_BYTES;
use chrono::NaiveDateTime;

/// A minute or two pass between a booking and its answer.
pub const APART_MIN: i64 = 5;
const FORMAT: &str = "%Y%m%d%H%M%S";

pub fn stamp(at: NaiveDateTime) -> [u8; STAMP_BYTES] {
    let mut stamp = [b'0'; STAMP_BYTES];
    for (slot, digit) in stamp.iter_mut().zip(at.format(FORMAT).to_string().bytes()) {
        *slot = digit;
    }
    stamp
}

/// `YYYYMMDDhhmmss`; `None` for anything else.
pub fn read(stamp: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(stamp, FORMAT).ok()
}

pub fn minutes_ahead(terminal: NaiveDateTime, ours: NaiveDateTime) -> i64 {
    (terminal - ours).num_minutes()
}

/// In words for a technician, if they are too far apart.
pub fn difference(terminal: NaiveDateTime, ours: NaiveDateTime) -> Option<String> {
    let ahead = minutes_ahead(terminal, ours);
    let which = if ahead > 0 { "ahead of" } else { "behind" };
    (ahead.abs() > APART_MIN).then(|| format!("{} minutes {which} this machine's", ahead.abs()))
}

/// Of an approval that has just come.
pub fn wrong(terminal_time: &str, ours: &[u8; STAMP_BYTES]) -> Option<String> {
    let ours = read(std::str::from_utf8(ours).ok()?)?;
    let apart = difference(read(terminal_time)?, ours)?;
    Some(format!("the card terminal's clock is {apart}: set it, or what becomes of a payment in doubt may need people"))
}
