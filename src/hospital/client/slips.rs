//! What an appointment slip's code is worth. It stands for a person, for whoever holds it sees that appointment and checks it
//! in: nobody may be able to make one up. Told without any of them.

use super::super::wire::{self, Booking, Found};
use super::Client;
use super::schedule::Way;
use std::collections::BTreeSet;

/// Looked at, of today's.
const LOOKED_AT: usize = 50;
/// Random bits that a code needs at least. With 64, a kiosk that lets six an hour through is never guessed in a lifetime.
const BITS_MIN: u32 = 64;
/// Fewer say nothing of how they differ.
const ALIKE_MIN: usize = 3;
/// Numbers so close together are counted up, not drawn.
const STEP_MAX: u128 = 1_000;

impl Client {
    /// What a technician should know of today's slips; `None` if there is nothing to say, or nothing to look at.
    pub(super) async fn weak_slips(&self) -> Option<String> {
        let (from, until) = self.bounds(self.today());
        let rows = LOOKED_AT.to_string();
        let mut way = Way::default();
        let answer = loop {
            let query = way.query(&[("date", from.as_str()), ("date", &until)], &rows);
            let answer = self.http.get("Appointment", &query, self.look_up_timeout()).await.ok()?;
            if let Some(bundle) = answer.resource("Bundle").filter(|_| answer.is_success()) {
                break bundle.clone();
            }
            way = way.after_refusal()?;
        };
        let found = Found::read(&answer, "Appointment");
        let slip =
            |resource: &&serde_json::Value| match wire::read_booking(resource, &self.settings, &self.facility.now()) {
                Booking::Is(booking) => booking.slip,
                Booking::Never | Booking::Unreadable => None,
            };
        weakness(&found.matches.iter().filter_map(slip).collect())
    }
}

/// Of different codes, what is wrong with them all.
fn weakness(codes: &BTreeSet<String>) -> Option<String> {
    if codes.is_empty() {
        return None;
    }
    let bits = bits_of(codes);
    let what = if are_counted_up(codes) {
        "follow each other".to_owned()
    } else if bits < BITS_MIN {
        format!("have some {bits} random bits at most")
    } else {
        return None;
    };
    Some(format!(
        "WARNING: the codes of today's appointment slips ({} looked at) {what}, so that others can be guessed from one, and a slip is all that check-in asks for: let the hospital put at least {BITS_MIN} random bits, or a MAC, into them (13 letters and digits drawn at random)",
        codes.len()
    ))
}

/// At most so many bits are random in the shortest of them: in what is not the same in all, by the letters it is made of.
fn bits_of(codes: &BTreeSet<String>) -> u32 {
    let codes: Vec<Vec<char>> = codes.iter().map(|code| code.chars().collect()).collect();
    let comparable = codes.len() >= ALIKE_MIN && codes.iter().all(|code| code.len() == codes[0].len());
    let varies = |at: usize| !comparable || codes.iter().any(|code| code[at] != codes[0][at]);
    let varying: Vec<Vec<char>> = codes
        .iter()
        .map(|code| {
            let own = code.iter().enumerate().filter(|(at, letter)| letter.is_alphanumeric() && varies(*at));
            own.map(|(_, letter)| *letter).collect()
        })
        .collect();
    let shortest = varying.iter().map(Vec::len).min().unwrap_or(0);
    u32::try_from(shortest).unwrap_or(u32::MAX).saturating_mul(tenths_of_a_bit(&varying.concat())) / 10
}

/// What a letter of such a text is worth: digits, hexadecimal, one case or both.
fn tenths_of_a_bit(letters: &[char]) -> u32 {
    let has = |what: fn(&char) -> bool| letters.iter().any(what);
    let is_hex = |letter: &char| letter.is_ascii_hexdigit();
    match (has(char::is_ascii_lowercase), has(char::is_ascii_uppercase)) {
        (false, false) => 33,
        (true, true) => 59,
        (true, false) | (false, true) if letters.iter().all(is_hex) => 40,
        (true, false) | (false, true) => 51,
    }
}

/// The numbers in them, where all else is the same, lie close together.
fn are_counted_up(codes: &BTreeSet<String>) -> bool {
    let mut numbers = Vec::new();
    let mut frame = None;
    for code in codes {
        let start = code.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        let (before, digits) = code.split_at(start);
        let Ok(number) = digits.parse::<u128>() else { return false };
        if *frame.get_or_insert(before) != before {
            return false;
        }
        numbers.push(number);
    }
    numbers.sort_unstable();
    numbers.len() >= ALIKE_MIN
        && numbers.windows(2).filter(|pair| pair[1] - pair[0] <= STEP_MAX).count() * 2 >= numbers.len()
}

#[cfg(test)]
mod tests {
    use super::weakness;

    #[test]
    fn short_and_counted_codes_are_told_and_random_ones_are_not() {
        let counted = (40_021..40_031).map(|number| format!("AS-{number}")).collect::<Vec<_>>();
        let padded = (1..9).map(|number| format!("2026112500000000000000000{number:04}")).collect::<Vec<_>>();
        let random = ["7Q2M9XK4RT8WB", "M3ZP0QH7YC5LD", "T8KJ1VN6BG2SX", "0RWD5FA9UE3HZ"].map(str::to_owned).to_vec();
        let hex = ["9f86d081884c7d65", "2c26b46b68ffc68f", "fcde2b2edba56bf4"].map(str::to_owned).to_vec();
        let short = ["71630298", "18204476", "55019387"].map(str::to_owned).to_vec();
        // A long frame around five random digits.
        let framed =
            ["VISIT-2026-11-25-71630", "VISIT-2026-11-25-18204", "VISIT-2026-11-25-55019"].map(str::to_owned).to_vec();
        for (codes, wanted) in [
            (counted, Some("follow each other")),
            (padded, Some("follow each other")),
            (short, Some("some 26 random bits")),
            (framed, Some("some 16 random bits")),
            (vec!["AS-40021".to_owned()], Some("random bits")),
            (random, None),
            (hex, None),
            (Vec::new(), None),
        ] {
            let said = weakness(&codes.iter().cloned().collect());
            assert_eq!(said.is_some(), wanted.is_some(), "{codes:?}: {said:?}");
            let said = said.unwrap_or_default();
            assert!(wanted.is_none_or(|words| said.contains(words)), "{said}");
            assert!(codes.iter().all(|code| !said.contains(code.as_str())), "{said}");
        }
    }
}
