//! Claim numbers: `K3-1120-047-6` = kiosk, month and day, the day's counter, check digit.
//!
//! The check digit is Luhn (ISO/IEC 7812-1 annex B) over the date's and the counter's digits: it catches every single
//! wrong digit and nearly every pair of swapped neighbours when the desk types it in.

use chrono::{Datelike, NaiveDate};

/// The claim number of the `counter`-th order of `day`. Counters above 999 simply get longer.
#[must_use]
pub fn number(prefix: &str, day: NaiveDate, counter: u32) -> String {
    let date = format!("{:02}{:02}", day.month(), day.day());
    let count = format!("{counter:03}");
    let check = check_digit(&format!("{date}{count}"));
    format!("{prefix}-{date}-{count}-{check}")
}

/// Luhn check digit of a row of digits; other characters are skipped.
#[must_use]
pub fn check_digit(digits: &str) -> u32 {
    let sum: u32 = digits.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate().map(weigh).sum();
    (10 - sum % 10) % 10
}

/// From the right, the first, third, fifth … digit counts double.
fn weigh((place, digit): (usize, u32)) -> u32 {
    let weighed = if place % 2 == 0 { digit * 2 } else { digit };
    weighed / 10 + weighed % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_luhn_digits() {
        assert_eq!(check_digit("7992739871"), 3);
        assert_eq!(check_digit("0"), 0);
    }

    #[test]
    fn every_single_wrong_digit_is_caught() {
        let right = "1120047";
        for place in 0..right.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = right.as_bytes().to_vec();
                if wrong[place] != digit {
                    wrong[place] = digit;
                    assert_ne!(check_digit(std::str::from_utf8(&wrong).unwrap()), check_digit(right));
                }
            }
        }
    }

    #[test]
    fn a_claim_reads_as_documented() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let claim = number("K3", day, 47);
        assert!(claim.starts_with("K3-1120-047-"), "{claim}");
        assert_eq!(number("K3", day, 1234).len(), "K3-1120-1234-0".len());
    }
}
