//! The small traits behind which everything that can break lives. Named after the field's words (`XFS4IoT`, FHIR).

mod in_force;

pub use in_force::InForce;

use crate::domain::clock::Standing;
use crate::domain::closing::{ClosingId, DayBook};
use crate::domain::moment::Moment;
use crate::domain::outbox::{Delivery, QueueRow, QueueState, QueuedRequest, Request};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::{AttemptId, Entry, PaymentRecord, PaymentState};
use crate::domain::person::{Person, Role, StaffNumber};
use crate::domain::reason::{Delay, Together};
use crate::domain::session::{
    Counters, Given, Line, PrintJob, PrinterState, Question, Reply, StaffAnswer, StaffOrder, TerminalCommand, Tried,
    TriesKept,
};
use crate::domain::set_aside::SetAside;
use crate::domain::staff::{AuditEntry, Gate, LookUp, Noted, Parked, Pin};
use crate::domain::trail::{Anchor, TrailCheck, TrailHead};
use crate::domain::undo::UndoState;
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use uuid::Uuid;

/// Where a device's worker sends what happened. Cheap to clone; never blocks for long.
pub type Reports<R> = Arc<dyn Fn(R) + Send + Sync>;
pub type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A card terminal. Commands are queued to its own worker thread and answered by reports; none blocks the caller.
pub trait CardTerminal: Send + Sync {
    fn command(&self, command: TerminalCommand);
}

/// A one-bit picture: rows of `width_dots / 8` bytes, most significant bit first, 1 = black.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    pub width_dots: u32,
    pub height_dots: u32,
    pub rows: Vec<u8>,
}

/// A receipt printer. Jobs are queued to its own worker thread; each is answered by exactly one report that is not `State`.
pub trait Printer: Send + Sync {
    /// Told of by one `PrinterReport::Job` with the same id.
    fn print(&self, job: PrintJob, raster: Raster);
    /// Throw away what the printer still holds.
    fn clear(&self);
    /// What it last said of itself.
    fn state(&self) -> PrinterState;
}

/// A code reader; codes go to the `Reports<ScannedCode>` it was built with.
pub trait Scanner: Send + Sync {
    /// Its line is open.
    fn is_there(&self) -> bool;
    /// A visit is over: half a code of it never becomes the next one's.
    fn forget(&self);
}

/// The hospital's server. Look-ups answer within their own time limit; `deliver` is one try of one request.
pub trait HospitalServer: Send + Sync {
    /// `Reply::Unreachable` when the server cannot be asked, `Reply::Unreadable` when its answer cannot be read: the caller
    /// then tries the cache.
    fn ask(&self, question: Question) -> Answer<'_, Reply>;
    /// Its answers tell its time, to whoever made it: asked for that alone, where the clock wants to know.
    fn tell_time(&self) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }
    /// The frozen transaction bundle of a request, once and for all; empty where there is none (an arrival).
    fn freeze(&self, request: &Request) -> Vec<u8>;
    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery>;
    /// How many requests [`Self::deliver_together`] may be given.
    fn together_max(&self) -> usize {
        1
    }
    /// How many of these, from the first, fit into one transaction.
    fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        queued.len()
    }
    /// One try of several requests of different visits in one transaction. `Err` says what the server has against them as a
    /// whole: it may have kept a part, and each has to go alone.
    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>> {
        let _ = queued;
        Box::pin(std::future::ready(Err(Delay::Together(Together::One))))
    }
    /// Leaves the head of the trail there, where nobody who holds this machine can change it. A repeat does no harm.
    fn leave_head<'a>(&'a self, _head: &'a TrailHead, _at: DateTime<FixedOffset>) -> Answer<'a, Result<(), NoAnchor>> {
        Box::pin(std::future::ready(Err(NoAnchor::NotTaken)))
    }
    /// The newest heads that were left there. `Err` says why that is not known.
    fn heads_left(&self) -> Answer<'_, Result<Vec<Anchor>, String>> {
        Box::pin(std::future::ready(Err("this server keeps none".to_owned())))
    }
    /// Today's schedule for the cache: patients and appointments.
    fn schedule(&self, day: NaiveDate) -> Answer<'_, Result<Vec<(Patient, Appointment)>, NoSchedule>>;
    /// What of the day changed since `mark`; all of it without one, and where the server cannot tell.
    fn schedule_since<'a>(
        &'a self,
        day: NaiveDate,
        _mark: Option<&'a str>,
    ) -> Answer<'a, Result<ScheduleNews, NoSchedule>> {
        let all = self.schedule(day);
        Box::pin(async move { all.await.map(|rows| ScheduleNews { whole: true, rows, ..ScheduleNews::default() }) })
    }
}

/// The sender of what is queued, as the rest of a kiosk knows it.
pub trait Outbox: Send + Sync {
    /// There is something new to send.
    fn queued(&self);
    /// Staff want what waits to be tried now, whatever it waits for. One try; then it waits again as long as it must.
    fn try_now(&self);
    /// Until when nothing is tried although something waits: the hospital's server named the time, or several tries failed.
    fn held_until(&self) -> Option<DateTime<Utc>>;
}

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

/// Where the last pull of a day ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleMark {
    pub mark: String,
    /// When the whole day was pulled last.
    pub whole_at: DateTime<FixedOffset>,
}

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

/// The only source of time and of fresh identifiers. A clock that is made up is always believed.
pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;
    /// The hospital's clock is `ahead_s` seconds ahead of the machine's, an answer says that no cache gave.
    fn heard(&self, _ahead_s: i64) {}
    /// Whether `now` is to be believed.
    fn standing(&self) -> Standing {
        Standing::Agreed
    }
    /// What `now` adds to the machine's own clock, by the hospital's.
    fn correction_s(&self) -> i64 {
        0
    }
    /// One more answer of the hospital's server would say more about it.
    fn wants_answer(&self) -> bool {
        false
    }
    /// `told` hears of each change of [`Self::standing`]. To be called once.
    fn on_change(&self, _told: Box<dyn Fn(Standing) + Send + Sync>) {}
    /// A technician says that the machine's clock is right, whatever the hospital's says.
    fn accept(&self) {}
}

/// The staff's PIN, what they look at, and the trail of what they did. Durable and failing as [`Store`] is.
#[expect(clippy::missing_errors_doc, reason = "said once, at Store")]
pub trait StaffBook: Send + Sync {
    /// Is there a PIN, and what is asked for?
    fn gate(&self, at: DateTime<FixedOffset>) -> Result<Gate, StoreError>;
    /// One try, with a number unless the gate asks for none. Slow on purpose: call it where nobody waits. It counts before
    /// it is looked at, so pulling the plug gives no more tries; the outcome is in the trail. A number that nobody has
    /// takes as long and is answered as one that somebody has.
    fn try_pin(&self, number: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate, StoreError>;
    /// The PIN of whoever is inside once more. Counts and waits as [`Self::try_pin`] does.
    fn confirm_pin(&self, who: StaffNumber, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate, StoreError>;
    /// The clock was moved by so much. Locks and waits move along: none ends earlier or later for it.
    fn clock_moved(&self, by: TimeDelta) -> Result<(), StoreError>;
    /// Also who was removed, last.
    fn persons(&self) -> Result<Vec<Person>, StoreError>;
    /// `None`: a number is drawn. `Refused`: the name or the number is somebody's.
    fn add_person(
        &self,
        name: &str,
        role: Role,
        number: Option<StaffNumber>,
        at: DateTime<FixedOffset>,
    ) -> Result<Person, StoreError>;
    fn set_role(&self, whose: StaffNumber, role: Role, at: DateTime<FixedOffset>) -> Result<Person, StoreError>;
    fn remove_person(&self, whose: StaffNumber, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// A new PIN; unlocks. Slow on purpose. `None`: of the only person, and of the first if there is none.
    fn set_pin(&self, whose: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Person, StoreError>;
    /// How many persons are locked.
    fn locked(&self, at: DateTime<FixedOffset>) -> Result<u64, StoreError>;
    /// Somebody was looked up, or was not found: a row before the answer is shown to anybody.
    fn looked_up(&self, look_up: &LookUp, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// What stands in the trail for this patient.
    fn mark_of(&self, number: &PatientNumber) -> String;
    /// The oldest parked requests, as many as a screen may list; [`Store::tally`] counts them all.
    fn parked(&self) -> Result<Vec<Parked>, StoreError>;
    /// The newest deliveries that staff should know of, newest first.
    fn noted(&self) -> Result<Vec<Noted>, StoreError>;
    /// Appends one line to the trail.
    fn audit(&self, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// The rows of the trail after the one numbered `after`, of the day `from` and later ones, oldest first and at most `most`
    /// of them.
    fn trail(&self, after: i64, from: Option<NaiveDate>, most: usize) -> Result<Vec<AuditRow>, StoreError>;
    /// Reads the whole trail, and compares it with what is remembered of it: `anchors`, and the store's own list of what the
    /// hospital took. Takes its time: a second for some hundred thousand rows.
    fn check_trail(&self, anchors: &[Anchor]) -> Result<TrailCheck, StoreError>;
    /// Its last row.
    fn trail_head(&self) -> Result<TrailHead, StoreError>;
    /// What the hospital took of it last.
    fn last_anchor(&self) -> Result<Option<Anchor>, StoreError>;
    /// The hospital has this head.
    fn anchored(&self, head: &TrailHead, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
}

/// One line of the trail as it is kept: `hash` is HMAC-SHA256 over the hash of the line before and this one's words, SHA-256
/// in lines of older versions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditRow {
    pub sequence: i64,
    pub at: String,
    pub who: String,
    pub act: String,
    pub about: String,
    pub result: String,
    pub hash: String,
    /// How what it is about was before, and how it is after.
    pub was: String,
    pub became: String,
}

/// A kiosk at work, as staff's commands reach it.
pub trait StaffDesk: Send + Sync {
    /// The first answer may be `Begun`, then another follows; none comes if the desk is behind or ends, and nothing was
    /// done then.
    fn order(&self, attempt: AttemptId, order: StaffOrder) -> Receiver<StaffAnswer>;
    /// The end of the terminal's day, answered in the same way.
    fn close_day(&self) -> Receiver<StaffAnswer>;
    /// What became of a damaged store was acknowledged by a command.
    fn payments_opened(&self);
}
