//! A damaged database that was set aside: what came over from it, as staff are told.

use chrono::{DateTime, FixedOffset};
use std::fmt;

/// Payments are closed from then on until staff have acknowledged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its name in the data folder.
    pub file: String,
    pub at: DateTime<FixedOffset>,
    /// What was found, in the store's own words.
    pub why: String,
    /// That came over into the fresh one.
    pub payments: u64,
    pub requests: u64,
    /// Rows of any kind that could not be read, at most.
    pub unread: u64,
    /// Not even the beginning of the file could be read: nothing came over.
    pub nothing: bool,
}

impl SetAside {
    /// Something of it may be lost.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        self.nothing || self.unread > 0
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, why, payments, requests, unread, nothing, .. } = self;
        write!(out, "the database is damaged and was set aside as {file}: {why}; ")?;
        if *nothing {
            return write!(
                out,
                "nothing of it could be read, and payments before are known to the terminal and the card company only"
            );
        }
        write!(out, "{payments} payments and {requests} requests came over into a fresh one")?;
        match unread {
            0 => write!(out, ", all that was there"),
            _ => write!(out, ", up to {unread} rows could not be read"),
        }
    }
}
