//! How journeys end.

use super::money::Amount;
use uuid::Uuid;

/// How a journey ended: the words of `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub kind: JourneyKind,
    pub outcome: Outcome,
    pub charged: Amount,
    pub claim: Option<String>,
    /// The request that must reach the hospital, if any.
    pub request: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JourneyKind {
    CheckIn,
    Documents,
    Information,
    Unfinished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Registered,
    RegisteredSeeDesk,
    NotRegistered,
    Paid,
    RequestedUnpaid,
    NotPaid,
    InDoubt,
    HandedOff,
    Informed,
    Reprinted,
    Cancelled,
    TimedOut,
}
