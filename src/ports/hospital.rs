use super::Answer;
use crate::domain::outbox::{Delivery, QueuedRequest, Request};
use crate::domain::patient::{Appointment, Patient};
use crate::domain::question::{Question, Reply};
use crate::domain::reason::Delay;
use crate::domain::trail::{Anchor, TrailHead};
use chrono::{DateTime, FixedOffset, NaiveDate};

/// Who somebody is, what they came for and what it costs: asked while they wait, answered within its own time limit.
pub trait LookUps: Send + Sync {
    /// `Reply::Unreachable` when the server cannot be asked, `Reply::Unreadable` when its answer cannot be read: the caller
    /// then tries the cache.
    fn ask(&self, question: Question) -> Answer<'_, Reply>;
}

/// What the hospital gets, in its own words.
pub trait Bundles: Send + Sync {
    /// The frozen transaction bundle of a request, once and for all; empty where there is none (an arrival).
    fn freeze(&self, request: &Request) -> Vec<u8>;
}

/// Where queued requests go. Each call is one try, within its own time limit.
pub trait Deliveries: Send + Sync {
    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery>;
    /// How many requests [`Self::deliver_together`] may be given; 1: it is never called.
    fn together_max(&self) -> usize;
    /// How many of these, from the first, fit into one transaction.
    fn fitting(&self, queued: &[QueuedRequest]) -> usize;
    /// Several requests of different visits in one transaction. `Err` says what the server has against them as a whole: it
    /// may have kept a part, and each has to go alone.
    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>>;
}

/// The hospital's day: what time it is there, and who comes.
pub trait Schedules: Send + Sync {
    /// Its answers tell its time, to whoever made it: asked for that alone, where the clock wants to know.
    fn tell_time(&self) -> Answer<'_, ()>;
    /// What of the day changed since `mark`; all of it without one, and where the server cannot tell.
    fn schedule_since<'a>(
        &'a self,
        day: NaiveDate,
        mark: Option<&'a str>,
    ) -> Answer<'a, Result<ScheduleNews, NoSchedule>>;
}

/// Where the head of the trail is kept, so that nobody who holds this machine can change it.
pub trait Anchors: Send + Sync {
    /// A repeat does no harm.
    fn leave_head<'a>(&'a self, head: &'a TrailHead, at: DateTime<FixedOffset>) -> Answer<'a, Result<(), NoAnchor>>;
    /// The newest heads that were left there. `Err` says why that is not known.
    fn heads_left(&self) -> Answer<'_, Result<Vec<Anchor>, String>>;
}

/// A hospital's server, whole.
pub trait HospitalServer: LookUps + Bundles + Deliveries + Schedules + Anchors {}

impl<T: LookUps + Bundles + Deliveries + Schedules + Anchors> HospitalServer for T {}

/// What a hospital's server is, in its own words; empty where it keeps silent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Software {
    pub fhir: String,
    pub name: String,
    pub version: String,
}

/// What a pull of the schedule brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScheduleNews {
    /// `rows` is the whole day: what is not among them is gone.
    pub whole: bool,
    pub rows: Vec<(Patient, Appointment)>,
    /// Appointments that are no longer of this day, or no longer at all.
    pub gone: Vec<String>,
    /// From where the next pull may go on.
    pub mark: Option<String>,
    /// Why the rest is missing, where not all of it was read: `whole` is false then, and what is not named stays.
    pub cut_short: Option<NoSchedule>,
    /// Appointments of the day, and patients of them, that are there and cannot be read.
    pub unreadable: usize,
}

/// Why the schedule was not read, in words for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSchedule {
    /// Nothing of the server was heard, or it says that it cannot serve now (5xx, 429): it is away for everybody.
    #[error("{0}")]
    Away(String),
    /// It answered, and not with a schedule: it is there, and may answer everything else.
    #[error("{0}")]
    Answered(String),
}

impl NoSchedule {
    #[must_use]
    pub const fn is_away(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Answered(_) => false,
        }
    }
}

/// Why the hospital has not got a head of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnchor {
    /// It does not say that it takes such.
    NotTaken,
    /// In words for the log.
    Later(String),
}
