//! Staff as persons: a number each, a role, and who did what. Their names stay in the store.

use super::format;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

pub const NUMBER_MIN: usize = 4;
pub const NUMBER_MAX: usize = 8;
/// Letters of a name.
pub const NAME_MAX: usize = 60;

/// What a person is known by at the door and in the trail: four to eight digits, the hospital's own number or one that the
/// kiosk drew. No secret, and in no list in a lobby.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaffNumber {
    digits: [u8; NUMBER_MAX],
    length: u8,
}

impl StaffNumber {
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = (NUMBER_MIN..=NUMBER_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut digits = [0; NUMBER_MAX];
        digits.get_mut(..text.len()).filter(|_| fits)?.copy_from_slice(text.as_bytes());
        Some(Self { digits, length: u8::try_from(text.len()).ok()? })
    }
}

impl fmt::Display for StaffNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits.iter().take(self.length.into()).try_for_each(|digit| write!(out, "{}", char::from(*digit)))
    }
}

impl fmt::Debug for StaffNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl From<StaffNumber> for String {
    fn from(number: StaffNumber) -> Self {
        number.to_string()
    }
}

impl TryFrom<String> for StaffNumber {
    type Error = NoNumber;

    fn try_from(text: String) -> Result<Self, NoNumber> {
        text.parse()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a staff number is {NUMBER_MIN} to {NUMBER_MAX} digits")]
pub struct NoNumber;

impl FromStr for StaffNumber {
    type Err = NoNumber;

    fn from_str(text: &str) -> Result<Self, NoNumber> {
        Self::read(text).ok_or(NoNumber)
    }
}

/// What a person may do. A technician may all that an attendant may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Devices, paper, unfinished payments, reprints, giving back on the same day, the queue.
    Attendant,
    /// Also: to say that the clock is right.
    Technician,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Attendant, Self::Technician];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attendant => "attendant",
            Self::Technician => "technician",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is attendant or technician")]
pub struct NoRole;

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        Self::ALL.into_iter().find(|role| role.word() == text).ok_or(NoRole)
    }
}

/// Somebody who has opened the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insider {
    pub number: StaffNumber,
    pub role: Role,
}

/// Whose act it is, as the trail has it: never a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Staff(StaffNumber),
    /// Whoever has the shell of the user that the kiosk runs as.
    Shell,
    /// At the screen, without a log-in.
    Patient,
    /// At the door of the staff area, and not known to be anybody.
    Stranger,
    /// By itself.
    Kiosk,
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staff(number) => number.fmt(out),
            Self::Shell => out.write_str("shell"),
            Self::Patient => out.write_str("patient"),
            Self::Stranger => out.write_str("stranger"),
            Self::Kiosk => out.write_str("kiosk"),
        }
    }
}

/// A person as the store keeps them. One who was removed stays known, so that the trail can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub number: StaffNumber,
    pub name: String,
    pub role: Role,
    pub added_at: DateTime<FixedOffset>,
    /// Of the role.
    pub role_since: DateTime<FixedOffset>,
    /// By whom the role was given, as [`Who`] is written.
    pub granted_by: String,
    pub has_pin: bool,
    pub locked_until: Option<DateTime<FixedOffset>>,
    pub last_log_in: Option<DateTime<FixedOffset>>,
    pub removed_at: Option<DateTime<FixedOffset>>,
}

/// Has a letter, so that no PIN typed in the wrong place is taken for one, and fits on a line.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.trim() == text
        && text.chars().any(char::is_alphabetic)
        && !text.chars().any(|letter| letter.is_control() || format::is_invisible(letter))
        && text.chars().count() <= NAME_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_zeros_and_is_digits() {
        for text in ["0047", "48213", "12345678"] {
            assert_eq!(StaffNumber::read(text).unwrap().to_string(), text);
        }
        for text in ["", "123", "123456789", "12a4", "１２３４"] {
            assert_eq!(StaffNumber::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_no_number() {
        for (text, good) in [("김지영", true), ("Kim J.", true), ("40718293", false), ("", false), (" Kim", false)] {
            assert_eq!(is_name(text), good, "{text}");
        }
        assert!(!is_name(&"a".repeat(61)) && !is_name("a\nb"));
        for invisible in ["Ki\u{200B}m", "\u{202E}miK", "Kim\u{2069}", "Ki\u{AD}m"] {
            assert!(!is_name(invisible), "{invisible:?} looks like another");
        }
    }
}
