//! FHIR's primitive values in every form that the standard, and JSON, allow. What has none of them cannot be read: it is
//! never taken for something near it.

use crate::domain::format;
use chrono::{DateTime, FixedOffset};
use serde_json::Value;

/// No name of a clinic or a place is longer; what is shows on no screen and no ticket.
pub const TEXT_CHARS_MAX: usize = 200;
/// FHIR's ids have 64 characters at most (R4 2.24.0.1), hospital's numbers fewer. Some servers are generous; none is so generous.
pub const ID_BYTES_MAX: usize = 256;

/// The beginning of a text, as much of it as is kept: one line, in the direction of its letters.
#[must_use]
pub fn cut(text: &str) -> String {
    one_line(text, TEXT_CHARS_MAX)
}

/// Without what would break the line or turn it round.
#[must_use]
pub fn one_line(text: &str, chars_max: usize) -> String {
    let seen = text.chars().filter(|letter| !format::turns_the_line(*letter));
    seen.map(|letter| if letter.is_control() { ' ' } else { letter }).take(chars_max).collect()
}

/// A resource's own id, or another short name of something.
#[must_use]
pub fn id(value: &Value) -> Option<&str> {
    value.as_str().filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX)
}

/// An `instant`, or a `dateTime` that names a moment: with `Z` or an offset, and fractions of any length (R4 2.24.0.1).
/// Seconds left out and an offset without its colon are no FHIR, but can mean one moment only. A day, a time without an
/// offset and `24:00` can mean several.
#[must_use]
pub fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok().or_else(|| {
        let (day, rest) = text.split_once(['T', 't'])?;
        let (time, zone) = rest.split_at_checked(rest.find(['Z', 'z', '+', '-'])?)?;
        let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
        let digits = zone.replace(':', "");
        let zone = match (digits.len(), digits.split_at_checked(3)) {
            (3, Some((hours, ""))) => format!("{hours}:00"),
            (5, Some((hours, minutes))) => format!("{hours}:{minutes}"),
            _ => zone.to_owned(),
        };
        DateTime::parse_from_rfc3339(&format!("{day}T{time}{zone}")).ok()
    })
}

/// A number without a fraction, however it is written: `6`, `6.0`, `5100.00`, `5.1e3`.
#[must_use]
pub fn whole(value: &Value) -> Option<u64> {
    let Value::Number(number) = value else { return None };
    number.as_u64().or_else(|| whole_of_decimal(&number.to_string()))
}

fn whole_of_decimal(text: &str) -> Option<u64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let cut = i64::try_from(digits.len() - significant.len()).ok()?;
    let shift = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(after.len()).ok()?)?.checked_add(cut)?;
    let power = 10_u64.checked_pow(u32::try_from(shift).ok()?)?;
    significant.parse::<u64>().ok()?.checked_mul(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_the_end_of_a_letter() {
        for letter in ["a", "가", "🏥", "ß"] {
            let (short, long) = (letter.repeat(TEXT_CHARS_MAX), letter.repeat(70_000));
            assert_eq!(cut(&short), short);
            assert_eq!(cut(&long), short);
        }
        assert_eq!(cut(""), "");
        assert_eq!(cut("Eye\nclinic\u{1b}[31m \u{202E}10:30"), "Eye clinic [31m 10:30");
    }

    #[test]
    fn an_instant_is_read_in_every_form_that_names_one_moment() {
        for (text, utc) in [
            ("2026-11-25T10:30:00+09:00", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T01:30:00Z", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T01:30:00z", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-24T21:00:00.0-04:30", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T01:30:00.5Z", Some("2026-11-25T01:30:00.500+00:00")),
            ("2026-11-25T10:30:00.123456789012345+09:00", Some("2026-11-25T01:30:00.123456789+00:00")),
            ("2026-11-25T10:30:00+0900", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T10:30:00.000+09", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T10:30+09:00", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T01:30Z", Some("2026-11-25T01:30:00+00:00")),
            ("2026-11-25T23:59:60Z", Some("2026-11-25T23:59:60+00:00")),
            ("2026-11-25", None),
            ("2026-11", None),
            ("2026-11-25T10:30:00", None),
            ("2026-11-25T24:00:00+09:00", None),
            ("2026-02-30T10:30:00+09:00", None),
            ("25.11.2026 10:30", None),
            ("T+", None),
            ("", None),
        ] {
            let read = instant(text).map(|at| at.to_utc().to_rfc3339());
            assert_eq!(read.as_deref(), utc, "{text}");
        }
    }

    #[test]
    fn a_count_is_read_however_it_is_written() {
        for (text, count) in [
            ("6", Some(6)),
            ("6.0", Some(6)),
            ("5100.00", Some(5_100)),
            ("5.1e3", Some(5_100)),
            ("51E2", Some(5_100)),
            ("5.1E+3", Some(5_100)),
            ("60e-1", Some(6)),
            ("0.0", Some(0)),
            ("0", Some(0)),
            ("6.5", None),
            ("5.1e0", None),
            ("-6", None),
            ("1e300", None),
            ("\"6\"", None),
            ("true", None),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(whole(&value), count, "{text}");
        }
    }
}
