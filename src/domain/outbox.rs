//! Requests to the hospital: one business act each, frozen when it is queued, delivered exactly once in effect.

use super::document::OrderLine;
use super::language::Language;
use super::money::Amount;
use super::patient::{InsuranceAnswer, PatientNumber};
use super::payment::CardTransaction;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One request. Its `id` is the root of every identifier the hospital sees (uuid v5 of it and the entry's name).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub id: Uuid,
    /// Requests of one visit are delivered in order; other visits are free across.
    pub visit: Uuid,
    pub made_at: DateTime<FixedOffset>,
    pub language: Language,
    pub patient: PatientNumber,
    /// `Patient/<id>`, where known; else the bundle refers conditionally.
    pub patient_ref: Option<String>,
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Kept as (appointment, version seen, target); its patch is built when it is sent.
    Arrival {
        appointment_ref: String,
        version_seen: String,
        ticket: String,
        insurance: Option<InsuranceAnswer>,
        see_desk: bool,
    },
    Documents {
        claim: String,
        lines: Vec<OrderLine>,
        total: Amount,
        currency: String,
        consent_version: String,
        payment: PaymentOfRequest,
    },
    /// The payment of an earlier request was given back: the hospital need not make what was ordered.
    Cancellation { of: Uuid, claim: String, amount: Amount, currency: String, attempt_number: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentOfRequest {
    /// Nothing to pay.
    Free,
    /// Pay at the desk.
    Unpaid,
    Card {
        attempt_number: String,
        transaction: Box<CardTransaction>,
    },
}

impl Act {
    /// One word for lists and the audit trail.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Arrival { .. } => "arrival",
            Self::Documents { .. } => "documents",
            Self::Cancellation { .. } => "cancellation",
        }
    }
}

/// A queued request as the sender sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedRequest {
    /// Order of queueing; order by this, never by clock.
    pub sequence: i64,
    pub request: Request,
    /// The frozen transaction bundle; empty for an arrival.
    pub bundle: Vec<u8>,
    /// How often it was tried.
    pub tries: u32,
    /// A try may have reached the server: reconcile before sending again.
    pub maybe_delivered: bool,
    pub state: QueueState,
    /// Last answer in plain words for staff.
    pub note: Option<String>,
    /// The first entries of its bundle, which the hospital has: it goes there in parts.
    pub taken: Vec<Taken>,
}

/// Where the server keeps an entry of a bundle (`ChargeItem/4711`); `None` where it did not say.
pub type Taken = Option<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueState {
    Waiting,
    Sent,
    /// Staff must look; the request's own visit waits, others do not.
    Parked,
}

/// How the reason begins when a bundle was not taken as a whole: some of it is there. The store keeps it over later tries.
pub const CAME_APART: &str = "the server took the request apart";

/// How the note begins of a request that goes to the hospital in parts, until it has all of them. The store keeps it over later
/// tries: whoever enters it by hand must know.
pub const PART_THERE: &str = "the hospital has a part of it";

/// How the note of a request begins that people entered at the hospital themselves. It ends as a delivered one does, and
/// this tells the two apart: nothing of it came from the kiosk.
pub const CLOSED_BY_HAND: &str = "closed by staff: ";

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The hospital has it. `note` for staff (such as "was cancelled meanwhile").
    Done { note: Option<String> },
    /// The hospital has the first entries of it, `taken`, and the rest goes there at once: the server takes no more together.
    /// With nothing taken, less has to go at once. `note` for staff.
    Part { taken: Vec<Taken>, note: String },
    /// Try again; `after_s` if the server named a time. `maybe_delivered` if it may have got through. `away`: nothing of the
    /// server was heard, or it cannot serve now (5xx); else it is there, and this alone did not work.
    Later { reason: String, after_s: Option<u64>, maybe_delivered: bool, away: bool },
    /// The server is there, has done nothing and asks to be left alone for a while (429).
    Busy { reason: String, after_s: Option<u64> },
    /// The server will never take it as it is.
    Park { reason: String },
    /// This kiosk was kept out, by the server or by something before it that answered instead: nothing is refused, and what goes
    /// through once that is mended is not parked.
    Hold { reason: String },
}
