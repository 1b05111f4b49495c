//! The trail of what staff did and of who was looked up, as far as it can be checked: its head, and what the head was once,
//! as somebody else remembers it.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Letters of a hash: SHA-256 and HMAC-SHA256 alike, hexadecimal.
const HASH_LETTERS: usize = 64;

/// The last row of a trail at some moment. Written `SEQUENCE:HASH`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TrailHead {
    /// 0: no row was ever written.
    pub sequence: i64,
    pub hash: String,
}

impl fmt::Display for TrailHead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.sequence, self.hash)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head is written SEQUENCE:HASH, as `kiosk audit verify` and the rows of an export tell it")]
pub struct NoHead;

impl FromStr for TrailHead {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (sequence, hash) = text.trim().split_once(':').ok_or(NoHead)?;
        let sequence = sequence.parse::<i64>().ok().filter(|sequence| *sequence > 0).ok_or(NoHead)?;
        let whole = hash.len() == HASH_LETTERS && hash.bytes().all(|letter| letter.is_ascii_hexdigit());
        if whole { Ok(Self { sequence, hash: hash.to_ascii_lowercase() }) } else { Err(NoHead) }
    }
}

/// A head that somebody remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub place: AnchorPlace,
    pub head: TrailHead,
    /// When it was left there, as far as that is told.
    pub at: Option<DateTime<FixedOffset>>,
}

/// Where a head was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorPlace {
    /// In the hands of whoever asks: `--since`.
    Given,
    /// At the hospital's server, as an `AuditEvent`.
    Hospital,
    /// In this store's own list of what the hospital took. Whoever can rewrite the trail can rewrite the list too.
    Own,
}

impl AnchorPlace {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Hospital => "hospital",
            Self::Own => "own-list",
        }
    }

    /// Nobody who holds the store alone can change it.
    #[must_use]
    pub const fn is_outside(self) -> bool {
        match self {
            Self::Given | Self::Hospital => true,
            Self::Own => false,
        }
    }
}

/// What a remembered head says of the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorVerdict {
    Holds,
    /// That row went by its age: nothing can be said.
    WentByAge,
    /// The trail ends before it: it was cut off, or an earlier state of the store was put back.
    Missing,
    /// The trail has another row in its place: it was written anew.
    Differs,
}

impl AnchorVerdict {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::WentByAge => "went-by-age",
            Self::Missing => "missing",
            Self::Differs => "differs",
        }
    }

    #[must_use]
    pub const fn is_bad(self) -> bool {
        match self {
            Self::Holds | Self::WentByAge => false,
            Self::Missing | Self::Differs => true,
        }
    }
}

/// What the trail shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailFault {
    /// This row is not what was written, or does not follow the one before it.
    Row(i64),
    /// The last row is not the one that was written last.
    CutOff { last: i64 },
    /// The first rows did not go by their age.
    Beginning,
}

/// The outcome of reading the whole trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailCheck {
    pub rows: i64,
    /// How many rows went before them by age.
    pub gone: i64,
    pub head: TrailHead,
    /// The row that seals what an older version wrote without a key, where it is left.
    pub sealed_by: Option<i64>,
    pub fault: Option<TrailFault>,
    pub anchors: Vec<(Anchor, AnchorVerdict)>,
}

impl TrailCheck {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault.is_none() && !self.anchors.iter().any(|(_, verdict)| verdict.is_bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = TrailHead { sequence: 12, hash: "ab".repeat(32) };
        assert_eq!(head.to_string().parse(), Ok(head.clone()));
        assert_eq!(format!(" 12:{}\n", "AB".repeat(32)).parse(), Ok(head));
        for text in ["", "12", "12:ab", ":", &format!("0:{}", "a".repeat(64)), &format!("-1:{}", "a".repeat(64))] {
            assert_eq!(text.parse::<TrailHead>(), Err(NoHead), "{text}");
        }
    }
}
