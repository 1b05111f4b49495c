//! Ticket, claim and attempt numbers: none is given twice, whatever the clock does.
//!
//! Each day counts for itself and goes on where it ended: a clock that comes back to a day it has left does not begin it
//! anew. A claim number names month and day only, so its count goes on over the years too. Nothing of it is ever
//! forgotten: a day is a short row, some 150 KB in ten years, and to forget "old" days one would have to believe the clock.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};
use std::collections::BTreeMap;

/// How many of each were given on a day; of claims, on this month and day of all years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    pub day: NaiveDate,
    pub tickets: u32,
    pub claims: u32,
    pub attempts: u32,
}

impl Counters {
    /// The larger of each: a count never goes back.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            day: self.day,
            tickets: self.tickets.max(other.tickets),
            claims: self.claims.max(other.claims),
            attempts: self.attempts.max(other.attempts),
        }
    }
}

/// What a store knows of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// In the order of the days.
    pub days: Vec<Counters>,
    /// What the clock said when the last number was given: the last in order, not the latest of all.
    pub last_at: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    Ticket,
    Claim,
    Attempt,
}

#[derive(Debug, Default)]
pub struct Numbers(BTreeMap<NaiveDate, Counters>);

impl Numbers {
    #[must_use]
    pub fn new(given: &[Counters]) -> Self {
        Self(given.iter().map(|counters| (counters.day, *counters)).collect())
    }

    /// The day's counters with one number more of `what`.
    pub fn give(&mut self, what: Numbered, day: NaiveDate) -> Counters {
        let same = |other: &&Counters| (other.day.month(), other.day.day()) == (day.month(), day.day());
        let claims = self.0.values().filter(same).map(|other| other.claims).max().unwrap_or(0);
        let known = self.0.get(&day).copied().unwrap_or(Counters { day, ..Counters::default() });
        let mut counters = Counters { claims, ..known };
        let count = match what {
            Numbered::Ticket => &mut counters.tickets,
            Numbered::Claim => &mut counters.claims,
            Numbered::Attempt => &mut counters.attempts,
        };
        *count = count.saturating_add(1);
        self.0.insert(day, counters);
        counters
    }
}
