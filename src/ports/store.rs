use super::{ScheduleNews, StaffBook};
use crate::domain::closing::{ClosingId, DayBook};
use crate::domain::outbox::{Delivery, QueueRow, QueueState, QueuedRequest, Request};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::{AttemptId, Entry, PaymentRecord, PaymentState};
use crate::domain::session::{Counters, Given, Line, Tried, TriesKept};
use crate::domain::set_aside::SetAside;
use crate::domain::undo::UndoState;
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

/// The journal, the outbox and the caches. Every writing call is durable when it returns; every call can fail as
/// [`StoreError`] says, and has then changed nothing.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Store: Send + Sync {
    /// All of these lines, in order and in one transaction. An entry with a request to queue queues it in the same.
    fn commit(&self, lines: &[Frozen<'_>], at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// One line of the journal.
    fn record(&self, entry: &Entry, bundle: &[u8], at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.commit(&[Frozen { line: &Line::Entry(entry.clone()), bundle: bundle.to_vec() }], at)
    }
    fn queue(&self, request: &Request, bundle: &[u8]) -> Result<(), StoreError> {
        let line = Line::Request(Box::new(request.clone()));
        self.commit(&[Frozen { line: &line, bundle: bundle.to_vec() }], request.made_at)
    }
    fn payments(&self) -> Result<Vec<PaymentRecord>, StoreError>;
    fn payment(&self, attempt: AttemptId) -> Result<Option<PaymentRecord>, StoreError>;
    /// What the journal knows around this end of day; a store that keeps none knows nothing.
    fn day_book(&self, _closing: ClosingId) -> Result<DayBook, StoreError> {
        Ok(DayBook::default())
    }

    /// The next request that may be sent now: lowest sequence whose visit has no earlier row waiting or parked.
    fn next_request(&self) -> Result<Option<QueuedRequest>, StoreError>;
    /// The same, stepping over `visits` that wait for their own back-off.
    fn next_request_except(&self, visits: &[Uuid]) -> Result<Option<QueuedRequest>, StoreError> {
        Ok(self.next_request()?.filter(|queued| !visits.contains(&queued.request.visit)))
    }
    /// The next `most` of them, each of another visit.
    fn next_requests_except(&self, visits: &[Uuid], most: usize) -> Result<Vec<QueuedRequest>, StoreError> {
        let (mut step_over, mut found) = (visits.to_vec(), Vec::new());
        while found.len() < most
            && let Some(next) = self.next_request_except(&step_over)?
        {
            step_over.push(next.request.visit);
            found.push(next);
        }
        Ok(found)
    }
    /// A try is about to be made: from now on it may have reached the server.
    fn trying(&self, sequence: i64) -> Result<(), StoreError>;
    /// The same of several that travel together.
    fn trying_all(&self, sequences: &[i64]) -> Result<(), StoreError> {
        sequences.iter().try_for_each(|sequence| self.trying(*sequence))
    }
    /// What became of the try. `Done` of a request with a card payment also settles that payment.
    fn tried(&self, sequence: i64, delivery: &Delivery, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// The same of several that travelled together.
    fn tried_all(&self, tried: &[(i64, Delivery)], at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        tried.iter().try_for_each(|(sequence, delivery)| self.tried(*sequence, delivery, at))
    }
    /// Everything not yet erased, oldest first, for staff; delivered rows keep no personal data.
    fn requests(&self) -> Result<Vec<QueueRow>, StoreError>;
    /// The same, only what somebody should look at: the oldest parked rows, and the newest delivered ones with a note.
    fn attention(&self) -> Result<Vec<QueueRow>, StoreError> {
        let mut rows = self.requests()?;
        rows.retain(|row| row.state == QueueState::Parked || row.told().is_some());
        Ok(rows)
    }
    /// One of them.
    fn request_row(&self, id: Uuid) -> Result<Option<QueueRow>, StoreError> {
        Ok(self.requests()?.into_iter().find(|row| row.id == id))
    }
    fn retry(&self, id: Uuid) -> Result<bool, StoreError>;
    /// People entered a parked request at the hospital: it ends as a delivered one does, `evidence` says how that is known.
    /// False if it is not parked; then nothing changed.
    fn close_by_hand(&self, id: Uuid, evidence: &str, at: DateTime<FixedOffset>) -> Result<bool, StoreError>;
    /// How queue and journal stand.
    fn tally(&self) -> Result<Tally, StoreError> {
        Ok(Tally::count(&self.requests()?, &self.payments()?))
    }

    /// The staff's PIN and trail; `None` where the store keeps none, and then nobody gets into the staff area.
    fn staff_book(&self) -> Option<&dyn StaffBook> {
        None
    }

    /// Once a day: what is kept longer than configured goes. A store that keeps nothing for long has nothing to do.
    fn forget_old(&self, _now: DateTime<FixedOffset>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether there is room on the disk, and it may be written; with `try_it`, something is written as well.
    fn check_writable(&self, _try_it: bool) -> Result<(), StoreError> {
        Ok(())
    }
    /// A damaged database that was set aside, and that staff have not acknowledged yet.
    fn set_aside(&self) -> Result<Option<SetAside>, StoreError> {
        Ok(None)
    }
    /// Staff have read of it. False if there was nothing to acknowledge.
    fn acknowledge_set_aside(&self, _at: DateTime<FixedOffset>) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Every number that was ever given.
    fn counters(&self) -> Result<Given, StoreError>;
    /// A day's counters; none goes back, whatever is saved. `at` is what the clock says.
    fn save_counters(&self, counters: &Counters, at: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.commit(&[Frozen { line: &Line::Counters(*counters), bundle: Vec::new() }], at)
    }

    /// The look-ups counted today; `None` if there were none.
    fn tries(&self) -> Result<Option<TriesKept>, StoreError>;
    /// One look-up more, or one that counts no longer. What was kept of another day, or under another salt, goes.
    fn save_tries(&self, tried: &Tried) -> Result<(), StoreError> {
        let line = Line::Tries(Box::new(tried.clone()));
        self.commit(&[Frozen { line: &line, bundle: Vec::new() }], tried.at)
    }

    /// Replaces the cached day.
    fn cache_schedule(&self, day: NaiveDate, rows: &[(Patient, Appointment)]) -> Result<(), StoreError>;
    /// Takes over what a pull brought. Other callers of the store get their turn in between: a day is long.
    fn update_schedule(
        &self,
        day: NaiveDate,
        news: &ScheduleNews,
        _at: DateTime<FixedOffset>,
    ) -> Result<(), StoreError> {
        self.cache_schedule(day, &news.rows)
    }
    /// Where the next pull of the day may go on; `None`: it must be whole.
    fn schedule_mark(&self, _day: NaiveDate) -> Result<Option<ScheduleMark>, StoreError> {
        Ok(None)
    }
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

impl Tally {
    /// For stores that keep everything at hand; such rows do not say when they were delivered.
    fn count(requests: &[QueueRow], payments: &[PaymentRecord]) -> Self {
        let rows = |state: QueueState| requests.iter().filter(move |row| row.state == state);
        let of = |state: PaymentState, undo: UndoState| {
            let paying = payments.iter().filter(|payment| payment.state == state).count();
            paying as u64
                + payments.iter().filter_map(|payment| payment.undo.as_ref()).filter(|own| own.state == undo).count()
                    as u64
        };
        let undelivered = rows(QueueState::Waiting).chain(rows(QueueState::Parked));
        Self {
            waiting: rows(QueueState::Waiting).count() as u64,
            parked: rows(QueueState::Parked).count() as u64,
            noted: rows(QueueState::Sent).filter(|row| row.told().is_some()).count() as u64,
            oldest_queued_at: undelivered.map(|row| row.queued_at).min(),
            last_delivered_at: None,
            payments_in_doubt: of(PaymentState::InDoubt, UndoState::InDoubt),
            payments_need_staff: of(PaymentState::NeedsStaff, UndoState::NeedsStaff),
            set_aside: false,
        }
    }
}
