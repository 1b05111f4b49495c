//! The kiosk's memory over a power cut: payment journal, outbox, today's schedule and the day's counters in one
//! `SQLCipher` file. What a call returned from is on the disk (WAL, `synchronous = FULL`).

mod aside;
mod audit;
mod closing;
mod column;
mod counters;
mod damage;
mod database;
mod door;
mod fault;
mod journal;
mod key;
mod keycheck;
mod lock;
mod look_ups;
mod memory;
mod older;
mod outbox;
mod persons;
mod retention;
mod room;
mod salvage;
mod schedule;
mod schema;
mod schema_pages;
mod set;
mod staff;
mod tables;
mod tally;
#[cfg(test)]
mod tests;
mod tries;
mod undo;
mod wal;

use crate::config;
use crate::domain::attempt::AttemptId;
use crate::domain::closing::{ClosingId, DayBook};
use crate::domain::ledger;
use crate::domain::line::Line;
use crate::domain::numbers::Given;
use crate::domain::outbox::{Delivery, QueueRow, QueuedRequest};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::PaymentRecord;
use crate::domain::set_aside::SetAside;
use crate::domain::staff::{Noted, Parked};
use crate::domain::tries::TriesKept;
use crate::ports::{
    Frozen, InForce, Journal, Queue, QueueList, Retention, ScheduleCache, ScheduleMark, ScheduleNews, Tally, Upkeep,
};
use chrono::{DateTime, FixedOffset, NaiveDate, SubsecRound};
use fault::{Result, other};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fmt;
use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use uuid::Uuid;

pub use schema::FORMAT;

/// What is done about a database that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// Set aside whole, and a fresh one begun: only the kiosk at work does that.
    SetAside,
    /// Said, and nothing is changed.
    Refuse,
}

#[derive(Debug)]
pub struct Opened {
    pub store: SqliteStore,
    /// For staff and the log, if a damaged database was set aside: what it held is not in `store`.
    pub notice: Option<String>,
}

/// Opens the store of `settings.folder`, making folder, key and database where they are missing.
///
/// # Errors
/// Another program has the folder open, the key is missing, exposed or another one, the database is of a newer version,
/// the disk is full or cannot be written.
pub fn open(settings: &config::Store, on_damage: OnDamage) -> Result<Opened> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    open_as(settings, credentials.as_deref(), on_damage)
}

/// Whether the key is the one that the store was made with. Nothing is made, locked or changed; a kiosk may be at work on it.
/// False: the key cannot be seen from here.
///
/// # Errors
/// It is another one, exposed, or there is none.
pub fn key_fits(settings: &config::Store) -> Result<bool> {
    if !database::was_used(&settings.folder) {
        return Ok(true);
    }
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let secret = key::of_database(settings, credentials.as_deref(), Path::new("/"))?;
    secret.as_ref().map_or(Ok(()), |secret| database::refuse_other_key(&settings.folder, secret))?;
    Ok(secret.is_some())
}

/// [`open`] as the kiosk at work does, with systemd's credential folder named by the caller.
///
/// # Errors
/// As [`open`].
pub fn open_with_credentials(settings: &config::Store, credentials: Option<&Path>) -> Result<Opened> {
    open_as(settings, credentials, OnDamage::SetAside)
}

fn open_as(settings: &config::Store, credentials: Option<&Path>, on_damage: OnDamage) -> Result<Opened> {
    make_folder(&settings.folder)?;
    let lock = lock::take(&settings.folder)?;
    let secret = key::load(settings, credentials, Path::new("/"), database::was_used(&settings.folder))?;
    open_locked(settings, &secret, lock, on_damage)
}

fn open_locked(
    settings: &config::Store,
    secret: &key::Secret,
    lock: lock::FolderLock,
    on_damage: OnDamage,
) -> Result<Opened> {
    let folder = &settings.folder;
    let (connection, notice) = database::open(folder, secret, on_damage)?;
    if !memory::is_locked() {
        tracing::warn!(
            "the store's memory may be swapped out: give the process more LimitMEMLOCK, or the machine no swap"
        );
    }
    database::limit_size(&connection, settings.size_max_mib)?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| other(format!("cannot write the data folder: {error}")))?;
    let store = SqliteStore {
        connection: Mutex::new(connection),
        folder: folder.clone(),
        keep: retention::Periods::from(settings),
        trail_key: audit::ChainKey::of(secret),
        patients: look_ups::PatientKey::of(secret),
        facility: OnceLock::new(),
        log_holds_erased: AtomicBool::new(false),
        _lock: lock,
    };
    Ok(Opened { store, notice })
}

/// Whoever may read in the folder can lock the kiosk out of it.
fn for_its_owner_only(folder: &Path) -> std::io::Result<()> {
    let mode = folder.metadata()?.permissions().mode();
    let (of_others, own) = (mode & 0o077, mode & !0o077);
    if of_others == 0 {
        return Ok(());
    }
    tracing::warn!(folder = %folder.display(), "others could enter the data folder: now only its owner can");
    fs::set_permissions(folder, Permissions::from_mode(own))
}

fn make_folder(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| for_its_owner_only(folder))
        .map_err(|error| other(format!("cannot make the data folder {}: {error}", folder.display())))
}

pub struct SqliteStore {
    connection: Mutex<Connection>,
    folder: PathBuf,
    keep: retention::Periods,
    trail_key: audit::ChainKey,
    patients: look_ups::PatientKey,
    /// In the trail all times are the hospital's, whoever writes them.
    facility: OnceLock<InForce>,
    /// What was erased still stands in the write-ahead log, which could not be emptied (a full disk): again next time.
    log_holds_erased: AtomicBool,
    /// Declared last: the folder is given free after the database is closed.
    _lock: lock::FolderLock,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SqliteStore")
    }
}

impl SqliteStore {
    /// Once, before anything is written: the town whose clocks the trail goes by.
    pub fn keep_time_of(&self, facility: InForce) {
        self.facility.get_or_init(|| facility);
    }

    fn as_clocks_show(&self, at: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
        self.facility.get().map_or(at, |facility| facility.now().zone.at(&at))
    }

    /// For people to read.
    fn as_told(&self, at: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
        self.as_clocks_show(at).trunc_subsecs(0)
    }

    /// A panic elsewhere cannot leave half a transaction: dropping it rolled it back.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One durable transaction: all of `work` or nothing.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        if self.log_holds_erased.load(Ordering::Relaxed) {
            self.empty_log(&connection);
        }
        Ok(done)
    }

    /// [`Self::write`]; if personal data was erased, which is what it tells, it leaves the write-ahead log as well.
    fn write_erasing(&self, work: impl FnOnce(&Transaction<'_>) -> Result<bool>) -> Result<bool> {
        let erased = self.write(work)?;
        if erased {
            self.empty_log(&self.connection());
        }
        Ok(erased)
    }

    fn empty_log(&self, connection: &Connection) {
        self.log_holds_erased.store(!database::truncate_log(connection), Ordering::Relaxed);
    }
}

/// The lock goes to whoever comes first, which without a pause would be the next part of the same work: a patient's
/// request would wait for a whole day of appointments.
fn give_way() {
    std::thread::sleep(Duration::from_millis(2));
}

impl SqliteStore {
    /// True if personal data was erased.
    fn put(
        &self,
        tx: &Transaction<'_>,
        Frozen { line, bundle }: &Frozen<'_>,
        at: DateTime<FixedOffset>,
    ) -> Result<bool> {
        match line {
            Line::Entry(entry) => return tables::apply(tx, |rows| ledger::record(entry, bundle, at, rows)),
            Line::Request(request) => return tables::apply(tx, |rows| ledger::queue(request, bundle, rows)),
            Line::Counters(counters) => counters::save(tx, counters, at)?,
            Line::Tries(tried) => return tries::save(tx, tried),
            Line::Audit(entry) => self.append(tx, entry, at)?,
            Line::SetAsideRead => drop(damage::acknowledge(tx, at)?),
        }
        Ok(false)
    }

    /// Part by part, each a transaction. If the power fails in between, the mark still tells the pull before.
    fn change_schedule(
        &self,
        day: NaiveDate,
        whole: bool,
        rows: &[(Patient, Appointment)],
        gone: &[String],
        mark: Option<(&str, DateTime<FixedOffset>)>,
    ) -> Result<()> {
        let rows = schedule::prepare(rows)?;
        let mut erased = false;
        for part in rows.chunks(schedule::ROWS_AT_ONCE) {
            erased |= self.write(|tx| schedule::put(tx, day, part))?;
            give_way();
        }
        let stale = schedule::not_among(&self.connection(), day, &rows, whole)?;
        for part in stale.chunks(schedule::ROWS_AT_ONCE) {
            erased |= self.write(|tx| schedule::remove_stale(tx, day, part))?;
            give_way();
        }
        for part in gone.chunks(schedule::ROWS_AT_ONCE) {
            erased |= self.write(|tx| schedule::remove(tx, day, part))?;
            give_way();
        }
        self.write(|tx| schedule::set_mark(tx, day, whole, mark))?;
        if erased {
            database::truncate_log(&self.connection());
        }
        Ok(())
    }
}

impl Journal for SqliteStore {
    fn commit(&self, lines: &[Frozen<'_>], at: DateTime<FixedOffset>) -> Result<()> {
        self.write_erasing(|tx| lines.iter().try_fold(false, |erased, line| Ok(erased | self.put(tx, line, at)?)))?;
        Ok(())
    }

    fn payments(&self) -> Result<Vec<PaymentRecord>> {
        journal::all(&self.connection())
    }

    fn payments_numbered(&self, number: &str) -> Result<Vec<PaymentRecord>> {
        journal::numbered(&self.connection(), number)
    }

    fn payment(&self, attempt: AttemptId) -> Result<Option<PaymentRecord>> {
        journal::find(&self.connection(), attempt)
    }

    fn day_book(&self, closing: ClosingId) -> Result<DayBook> {
        closing::day_book(&self.connection(), closing)
    }

    fn counters(&self) -> Result<Given> {
        counters::load(&self.connection())
    }

    fn tries(&self) -> Result<Option<TriesKept>> {
        tries::load(&self.connection())
    }
}

impl Queue for SqliteStore {
    fn next_requests(&self, step_over: &[Uuid], most: usize) -> Result<Vec<QueuedRequest>> {
        outbox::next(&self.connection(), step_over, most)
    }

    fn begin_tries(&self, sequences: &[i64]) -> Result<()> {
        self.write_erasing(|tx| {
            sequences.iter().try_fold(false, |erased, sequence| {
                Ok(erased | tables::apply(tx, |rows| ledger::begin_try(*sequence, rows))?)
            })
        })?;
        Ok(())
    }

    fn end_tries(&self, tried: &[(i64, Delivery)], at: DateTime<FixedOffset>) -> Result<()> {
        self.write_erasing(|tx| {
            tried.iter().try_fold(false, |erased, (sequence, delivery)| {
                Ok(erased | tables::apply(tx, |rows| ledger::end_try(*sequence, delivery, at, rows))?)
            })
        })?;
        Ok(())
    }
}

impl QueueList for SqliteStore {
    fn requests(&self) -> Result<Vec<QueueRow>> {
        let delivered_from = outbox::delivered_from(&self.connection())?;
        let mut rows: Vec<QueueRow> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row.sequence);
            let part = outbox::some(&self.connection(), after, delivered_from)?;
            let more = part.len() == outbox::ROWS_AT_ONCE;
            rows.extend(part);
            if !more {
                return Ok(rows);
            }
            give_way();
        }
    }

    fn attention(&self) -> Result<Vec<QueueRow>> {
        outbox::attention(&self.connection())
    }

    fn request_row(&self, id: Uuid) -> Result<Option<QueueRow>> {
        outbox::find(&self.connection(), id)
    }

    fn retry(&self, id: Uuid) -> Result<bool> {
        Ok(self.write(|tx| tables::apply_if(tx, |rows| ledger::retry(id, rows)))?.is_some())
    }

    fn close_by_hand(&self, id: Uuid, evidence: &str, at: DateTime<FixedOffset>) -> Result<bool> {
        let at = self.as_clocks_show(at);
        self.write_erasing(|tx| {
            Ok(tables::apply_if(tx, |rows| ledger::close_by_hand(id, evidence, at, rows))?.unwrap_or(false))
        })
    }

    fn tally(&self) -> Result<Tally> {
        tally::read(&self.connection())
    }

    fn parked(&self) -> Result<Vec<Parked>> {
        staff::parked(&self.connection())
    }

    fn noted(&self) -> Result<Vec<Noted>> {
        staff::noted(&self.connection())
    }
}

impl ScheduleCache for SqliteStore {
    fn update_schedule(&self, day: NaiveDate, news: &ScheduleNews, at: DateTime<FixedOffset>) -> Result<()> {
        let mark = news.mark.as_deref().map(|mark| (mark, at));
        self.change_schedule(day, news.whole, &news.rows, &news.gone, mark)
    }

    fn schedule_mark(&self, day: NaiveDate) -> Result<Option<ScheduleMark>> {
        schedule::mark(&self.connection(), day)
    }

    fn cached_patient(&self, day: NaiveDate, number: &PatientNumber, born: BirthDate) -> Result<Option<Patient>> {
        schedule::patient(&self.connection(), day, number, born)
    }

    fn cached_appointments(&self, day: NaiveDate, number: &PatientNumber) -> Result<Vec<Appointment>> {
        schedule::appointments(&self.connection(), day, number)
    }

    fn cached_slip(&self, day: NaiveDate, code: &str) -> Result<Option<(Patient, Appointment)>> {
        schedule::slip(&self.connection(), day, code)
    }

    fn wipe_schedule_except(&self, day: NaiveDate) -> Result<()> {
        while self.write(|tx| schedule::wipe_some_except(tx, day))? {
            give_way();
        }
        database::truncate_log(&self.connection());
        Ok(())
    }
}

impl Retention for SqliteStore {
    fn forget_old(&self, now: DateTime<FixedOffset>) -> Result<()> {
        self.write_erasing(|tx| retention::forget_old(tx, self.keep, &self.trail_key, now))?;
        damage::purge(&self.connection(), &self.folder, self.keep.oldest_payment_s(now))
    }
}

impl Upkeep for SqliteStore {
    fn check_writable(&self, try_it: bool) -> Result<()> {
        room::check(&self.folder)?;
        if try_it { self.write(room::touch) } else { Ok(()) }
    }

    fn set_aside(&self) -> Result<Option<SetAside>> {
        let told = damage::unread(&self.connection())?;
        Ok(told.map(|told| SetAside { at: self.as_told(told.at), ..told }))
    }

    fn acknowledge_set_aside(&self, at: DateTime<FixedOffset>) -> Result<bool> {
        self.write(|tx| damage::acknowledge(tx, at))
    }
}
