//! Requests to the hospital: one business act each, frozen when it is queued, delivered exactly once in effect.

use super::attempt::CardTransaction;
use super::document::OrderLine;
use super::language::Language;
use super::money::Amount;
use super::patient::{InsuranceAnswer, PatientNumber};
use super::reason::{ClosedByHand, Delay, InPart, KeptOut, ParkReason, Parts, Told, Undelivered};
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
    /// What the tries so far showed to be at the hospital of it.
    pub in_part: Option<InPart>,
    /// The first entries of its bundle, which the hospital has: it goes there in parts.
    pub taken: Vec<Taken>,
}

/// How often a request was tried, and what that may have left at the hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tries {
    pub count: u32,
    /// The last one began, and nobody saw its end.
    pub in_try: bool,
    /// One whose end was seen may have got through.
    pub maybe_delivered: bool,
}

impl Tries {
    /// Reconcile before it is sent again.
    #[must_use]
    pub const fn may_be_there(self) -> bool {
        self.maybe_delivered || self.in_try
    }
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

/// A row of the queue as staff may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueRow {
    pub sequence: i64,
    pub id: Uuid,
    pub kind: String,
    pub state: QueueState,
    pub queued_at: DateTime<FixedOffset>,
    pub tries: u32,
    /// What became of it last, in words for lists: nothing is decided by them.
    pub note: Option<String>,
    /// Why the hospital has not got it; `None` before its first try, and where an older version wrote words that are not known.
    #[serde(skip)]
    pub undelivered: Option<Undelivered>,
    /// What is at the hospital of it all the same.
    #[serde(skip)]
    pub in_part: Option<InPart>,
    #[serde(skip)]
    pub closed_by_hand: Option<ClosedByHand>,
}

impl QueueRow {
    /// The hospital took it, and staff should know this all the same. What they closed themselves is no news to them.
    #[must_use]
    pub fn told(&self) -> Option<&str> {
        let is_news = self.state == QueueState::Sent && self.closed_by_hand.is_none();
        self.note.as_deref().filter(|_| is_news)
    }
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The hospital has it. `note`: what staff should know all the same.
    Done { note: Option<Told> },
    /// The hospital has the first entries of it, `taken`, and the rest goes there at once: the server takes no more together.
    /// With nothing taken, less has to go at once.
    Part { taken: Vec<Taken>, parts: Parts },
    /// Try again; `after_s` if the server named a time. `maybe_delivered` if it may have got through. `away`: nothing of the
    /// server was heard, or it cannot serve now (5xx); else it is there, and this alone did not work.
    Later { reason: Delay, after_s: Option<u64>, maybe_delivered: bool, away: bool },
    /// The server is there, has done nothing and asks to be left alone for a while (429).
    Busy { after_s: Option<u64> },
    /// The server will never take it as it is.
    Park { reason: ParkReason },
    /// This kiosk was kept out, by the server or by something before it that answered instead: nothing is refused, and what goes
    /// through once that is mended is not parked.
    Hold { reason: KeptOut },
}

impl Delivery {
    /// Why the hospital has not got it, or not whole.
    #[must_use]
    pub fn undelivered(&self) -> Option<Undelivered> {
        Some(match self {
            Self::Done { .. } => return None,
            Self::Part { parts, .. } => Undelivered::InParts(parts.clone()),
            Self::Later { reason, .. } => Undelivered::Later(reason.clone()),
            Self::Busy { .. } => Undelivered::Busy,
            Self::Park { reason } => Undelivered::Parked(reason.clone()),
            Self::Hold { reason } => Undelivered::KeptOut(reason.clone()),
        })
    }
}
