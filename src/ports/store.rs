use super::{ScheduleNews, StaffBook, Trail};
use crate::domain::attempt::AttemptId;
use crate::domain::closing::{ClosingId, DayBook};
use crate::domain::line::Line;
use crate::domain::numbers::Given;
use crate::domain::outbox::{Delivery, QueueRow, QueuedRequest};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::PaymentRecord;
use crate::domain::set_aside::SetAside;
use crate::domain::staff::{Noted, Parked};
use crate::domain::tries::TriesKept;
use chrono::{DateTime, FixedOffset, NaiveDate};
use uuid::Uuid;

/// Why the store could not do it, in words for staff.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the disk is full: free some space; nothing was lost")]
    DiskFull,
    #[error(
        "the database was written by a newer version ({found}, this program knows {known}): install that version or newer"
    )]
    TooNew { found: i64, known: i64 },
    #[error(
        "the database is damaged ({why}): nothing was changed. Start the kiosk: it takes over what can be read, and sets the file aside, whole"
    )]
    DamagedStill { why: String },
    /// Nothing was read and nothing changed.
    #[error(
        "this is not the key that the store in {folder} was made with: put the right key back (the sealed credential store-key, or [store] key_file), or move what is in {folder} elsewhere to start afresh"
    )]
    WrongKey { folder: String },
    /// As [`Self::WrongKey`], of a store that older versions made: nothing tells a wrong key from damage there.
    #[error(
        "the store in {folder} cannot be opened: this is not its key, or the file is damaged at its beginning. Put the right key back (the sealed credential store-key, or [store] key_file), or move what is in {folder} elsewhere to start afresh"
    )]
    UnknownKey { folder: String },
    /// Against the rules of the journal: it will never be taken.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Other(String),
}

/// A line with what the hospital gets for it, frozen once and for all; empty where it gets nothing.
#[derive(Debug, Clone)]
pub struct Frozen<'a> {
    pub line: &'a Line,
    pub bundle: Vec<u8>,
}

/// The payment journal, and the numbers and tries that are written in the same batches. Every writing call of a store is
/// durable when it returns; every call can fail as [`StoreError`] says, and has then changed nothing.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Journal: Send + Sync {
    /// All of these lines, in order and in one transaction. An entry with a request to queue queues it in the same.
    fn commit(&self, lines: &[Frozen<'_>], at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// Every unfinished payment and the newest finished ones, oldest first.
    fn payments(&self) -> Result<Vec<PaymentRecord>, StoreError>;
    /// Every payment of this number that is kept, of each day one, oldest first.
    fn payments_numbered(&self, number: &str) -> Result<Vec<PaymentRecord>, StoreError>;
    fn payment(&self, attempt: AttemptId) -> Result<Option<PaymentRecord>, StoreError>;
    /// What is known around this end of day.
    fn day_book(&self, closing: ClosingId) -> Result<DayBook, StoreError>;
    /// Every number that was ever given.
    fn counters(&self) -> Result<Given, StoreError>;
    /// The look-ups counted today; `None` if there were none.
    fn tries(&self) -> Result<Option<TriesKept>, StoreError>;
}

/// What waits for the hospital, as its sender works it off.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait Queue: Send + Sync {
    /// The next `most` requests that may be sent now, each of another visit: those of the lowest sequence whose visit has no
    /// earlier row waiting or parked, and is not among `step_over`.
    fn next_requests(&self, step_over: &[Uuid], most: usize) -> Result<Vec<QueuedRequest>, StoreError>;
    /// They are about to be tried, together: from now on they may have reached the server.
    fn begin_tries(&self, sequences: &[i64]) -> Result<(), StoreError>;
    /// What became of it. `Done` of a request with a card payment also settles that payment.
    fn end_tries(&self, tried: &[(i64, Delivery)], at: DateTime<FixedOffset>) -> Result<(), StoreError>;
}

/// The same queue as staff see it.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait QueueList: Send + Sync {
    /// Everything not yet erased, oldest first; delivered rows keep no personal data.
    fn requests(&self) -> Result<Vec<QueueRow>, StoreError>;
    /// The same, only what somebody should look at: the oldest parked rows, and the newest delivered ones with a note.
    fn attention(&self) -> Result<Vec<QueueRow>, StoreError>;
    /// One of them.
    fn request_row(&self, id: Uuid) -> Result<Option<QueueRow>, StoreError>;
    /// False if it is not parked.
    fn retry(&self, id: Uuid) -> Result<bool, StoreError>;
    /// People entered a parked request at the hospital: it ends as a delivered one does, `evidence` says how that is known.
    /// False if it is not parked; then nothing changed.
    fn close_by_hand(&self, id: Uuid, evidence: &str, at: DateTime<FixedOffset>) -> Result<bool, StoreError>;
    /// How queue and journal stand.
    fn tally(&self) -> Result<Tally, StoreError>;
    /// The oldest parked requests, as many as a screen may list; [`Self::tally`] counts them all.
    fn parked(&self) -> Result<Vec<Parked>, StoreError>;
    /// The newest deliveries that staff should know of, newest first.
    fn noted(&self) -> Result<Vec<Noted>, StoreError>;
}

/// Today's schedule, for when the line is down.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait ScheduleCache: Send + Sync {
    /// Takes over what a pull brought. Other callers of the store get their turn in between: a day is long.
    fn update_schedule(&self, day: NaiveDate, news: &ScheduleNews, at: DateTime<FixedOffset>)
    -> Result<(), StoreError>;
    /// Where the next pull of the day may go on; `None`: it must be whole.
    fn schedule_mark(&self, day: NaiveDate) -> Result<Option<ScheduleMark>, StoreError>;
    /// The patient as the cache knows them, `offline` set.
    fn cached_patient(
        &self,
        day: NaiveDate,
        number: &PatientNumber,
        birth_date: BirthDate,
    ) -> Result<Option<Patient>, StoreError>;
    fn cached_appointments(&self, day: NaiveDate, number: &PatientNumber) -> Result<Vec<Appointment>, StoreError>;
    fn cached_slip(&self, day: NaiveDate, code: &str) -> Result<Option<(Patient, Appointment)>, StoreError>;
    /// Midnight: nothing of another day stays.
    fn wipe_schedule_except(&self, day: NaiveDate) -> Result<(), StoreError>;
}

/// What is kept for a time only.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait Retention: Send + Sync {
    /// Once a day: what is kept longer than configured goes.
    fn forget_old(&self, now: DateTime<FixedOffset>) -> Result<(), StoreError>;
}

/// The disk under a store, and what became of a database that was damaged.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait Upkeep: Send + Sync {
    /// Whether there is room on the disk, and it may be written; with `try_it`, something is written as well.
    fn check_writable(&self, try_it: bool) -> Result<(), StoreError>;
    /// A damaged database that was set aside, and that staff have not acknowledged yet.
    fn set_aside(&self) -> Result<Option<SetAside>, StoreError>;
    /// Staff have read of it. False if there was nothing to acknowledge.
    fn acknowledge_set_aside(&self, at: DateTime<FixedOffset>) -> Result<bool, StoreError>;
}

/// All that a kiosk keeps.
pub trait Store: Journal + Queue + QueueList + ScheduleCache + Retention + Upkeep + StaffBook + Trail {}

impl<T: Journal + Queue + QueueList + ScheduleCache + Retention + Upkeep + StaffBook + Trail> Store for T {}

/// Where the last pull of a day ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleMark {
    pub mark: String,
    /// When the whole day was pulled last.
    pub whole_at: DateTime<FixedOffset>,
}

/// How queue and journal stand, in counts and times: never anything personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub waiting: u64,
    pub parked: u64,
    /// Of the newest deliveries, those with a note: the hospital has them, and staff should know something all the same.
    pub noted: u64,
    /// The oldest request that the hospital does not have.
    pub oldest_queued_at: Option<DateTime<FixedOffset>>,
    pub last_delivered_at: Option<DateTime<FixedOffset>>,
    /// Payments, and money on its way back, that are neither the one nor the other yet.
    pub payments_in_doubt: u64,
    pub payments_need_staff: u64,
    /// A damaged database was set aside, and staff have not acknowledged it yet.
    pub set_aside: bool,
}
