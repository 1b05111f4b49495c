//! What a session has written down, line by line.

use super::numbers::Counters;
use super::outbox::Request;
use super::payment::Entry;
use super::staff::AuditEntry;
use super::tries::Tried;

/// One line of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Entry(Entry),
    /// For the hospital, beside any payment.
    Request(Box<Request>),
    /// Counters as they stand now: no number is ever given twice.
    Counters(Counters),
    /// A look-up counted.
    Tries(Box<Tried>),
    Audit(AuditEntry),
    /// Staff have read of the damaged database.
    SetAsideRead,
}

impl Line {
    /// What must be frozen for the hospital with it.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Entry(entry) => entry.request_to_queue(),
            Self::Request(request) => Some(request),
            Self::Counters(_) | Self::Tries(_) | Self::Audit(_) | Self::SetAsideRead => None,
        }
    }
}
