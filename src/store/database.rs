//! Opening the database file: unlock, check, migrate; what is damaged is set aside and never deleted. A key that is not the
//! store's own reads nothing and changes nothing.

use super::aside::{NAME, beside, exists};
use super::audit::ChainKey;
use super::fault::{Result, is_damage, other};
use super::key::Secret;
use super::keycheck::{self, Verdict};
use super::wal::{self, Log};
use super::{OnDamage, aside, damage, memory, salvage, schema, schema_pages};
use crate::domain::attempt::PaymentState;
use crate::domain::set_aside::SetAside;
use crate::domain::undo::UndoState;
use crate::ports::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::File;
use std::path::Path;

/// Of `SQLite` and of `SQLCipher`, unless told otherwise.
const PAGE_BYTES: i64 = 4_096;
/// What a connection keeps decrypted in memory. The default of 2 MiB fills as slowly as the store grows, and looks like a leak.
const PAGES_KEPT_KIB: i64 = 256;
/// What lies beside it tells that there was one.
const LOG_DAMAGED: &str = "its log is damaged, and what was written last is lost";
const GONE: &str = "the database file is empty or gone, and what lies beside it tells that this kiosk has been in use";

/// The database, and the words for staff if a damaged one was set aside.
pub(super) fn open(folder: &Path, secret: &Secret, on_damage: OnDamage) -> Result<(Connection, Option<String>)> {
    let path = folder.join(NAME);
    let key = match keycheck::verdict(folder, secret) {
        // The check value may be what is damaged: a database that this key opens is its own.
        Verdict::Another if opens(&path, secret) => Verdict::Unknown,
        Verdict::Another if was_used(folder) => {
            return Err(StoreError::WrongKey { folder: folder.display().to_string() });
        }
        verdict @ (Verdict::Ours | Verdict::Another | Verdict::Unknown) => verdict,
    };
    aside::finish(folder)?;
    if !holds_something(&path) && was_used(folder) {
        return begin_anew(folder, secret, on_damage, Damage { why: GONE.to_owned(), lost: 0 });
    }
    let log = wal::look(&beside(&path, "-wal"));
    if let Log::Damaged(lost) = log
        && (key == Verdict::Ours || opens(&path, secret))
    {
        return begin_anew(folder, secret, on_damage, Damage { why: LOG_DAMAGED.to_owned(), lost });
    }
    let opened = match try_open(&path, secret)? {
        Opening::Sound(connection) => {
            if log == Log::Torn {
                tracing::warn!("the last thing that was written may be lost: what was to be sent may have been sent");
                may_have_been_sent(&connection)?;
            }
            (connection, None)
        }
        Opening::Unreadable if key == Verdict::Unknown => {
            return Err(StoreError::UnknownKey { folder: folder.display().to_string() });
        }
        Opening::Unreadable => begin_anew(folder, secret, on_damage, "its beginning is no database".to_owned().into())?,
        Opening::Damaged(why) => begin_anew(folder, secret, on_damage, why.into())?,
    };
    if key != Verdict::Ours {
        // A full disk is no reason not to open what is there: the next start tries again.
        if let Err(error) = keycheck::write(folder, secret) {
            tracing::warn!("what tells a wrong key from damage could not be written: {error}");
        }
    }
    // Also so that what a power cut left in the log is no longer there.
    truncate_log(&opened.0);
    Ok(opened)
}

/// Nothing is changed, and a kiosk may be at work on it. Without a check value (a store of an older version) nothing is said.
pub(super) fn refuse_other_key(folder: &Path, secret: &Secret) -> Result<()> {
    if keycheck::verdict(folder, secret) == Verdict::Another && !opens(&folder.join(NAME), secret) {
        return Err(StoreError::WrongKey { folder: folder.display().to_string() });
    }
    Ok(())
}

struct Damage {
    why: String,
    /// Transactions that were written after what can be read.
    lost: u64,
}

impl From<String> for Damage {
    fn from(why: String) -> Self {
        Self { why, lost: 0 }
    }
}

/// The journal's line that money was to be sent is there, and the one that it was sent may be what is lost.
fn may_have_been_sent(connection: &Connection) -> Result<()> {
    let payment = [PaymentState::Intent.word(), PaymentState::Sent.word()];
    connection.execute("UPDATE payments SET state = ?2 WHERE state = ?1", payment)?;
    let undo = [UndoState::Intent.word(), UndoState::Sent.word()];
    connection.execute("UPDATE undos SET state = ?2 WHERE state = ?1", undo)?;
    Ok(())
}

fn begin_anew(
    folder: &Path,
    secret: &Secret,
    on_damage: OnDamage,
    damage: Damage,
) -> Result<(Connection, Option<String>)> {
    if on_damage == OnDamage::Refuse {
        return Err(StoreError::DamagedStill { why: damage.why });
    }
    let number = aside::next_number(folder)?;
    // A fresh one beside none is a swap that was broken off, and this has not come so far.
    if !folder.join(NAME).exists() {
        File::create(folder.join(NAME)).map_err(|error| aside::cannot(&error))?;
    }
    let new = aside::fresh(folder, number);
    aside::remove(&new)?;
    let told = make_fresh(folder, &new, secret, aside::name(number), damage)?;
    aside::swap(folder, number)?;
    match try_open(&folder.join(NAME), secret)? {
        Opening::Sound(connection) => Ok((connection, Some(told.to_string()))),
        Opening::Damaged(why) => Err(other(format!("a fresh database is damaged as well: {why}"))),
        Opening::Unreadable => Err(other("a fresh database cannot be read")),
    }
}

/// Whole and closed, with all that could be read of the damaged one.
fn make_fresh(folder: &Path, new: &Path, secret: &Secret, file: String, found: Damage) -> Result<SetAside> {
    let mut fresh = connect(new)?;
    fresh.execute_batch("PRAGMA cipher_log_level = NONE")?;
    secret.unlock(&fresh)?;
    can_encrypt(&fresh)?;
    set_up(&fresh)??;
    let now = chrono::Utc::now();
    let mut rescued = salvage::rescue(folder, secret, &mut fresh, now.date_naive())?;
    if found.lost > 0 {
        rescued.unread += found.lost;
        may_have_been_sent(&fresh)?;
        salvage::skip_numbers(&fresh, now.date_naive())?;
    }
    let told = damage::told(file, found.why, rescued, now.fixed_offset());
    damage::write_down(&fresh, &told)?;
    if truncate_log(&fresh) {
        fresh.close().map_err(|(_, error)| error)?;
        Ok(told)
    } else {
        Err(other("the fresh database could not be written out"))
    }
}

/// A database, or the log of one.
fn holds_something(path: &Path) -> bool {
    exists(path) || exists(&beside(path, "-wal"))
}

/// There is a database in the folder, or there was one: what is written beside it once it is open stays when it goes.
pub(super) fn was_used(folder: &Path) -> bool {
    let path = folder.join(NAME);
    holds_something(&path)
        || aside::half_done(folder).is_some()
        || keycheck::is_there(folder)
        || exists(&beside(&path, schema_pages::ENDING))
}

/// Looks at its first page, and changes nothing.
fn opens(path: &Path, secret: &Secret) -> bool {
    let Some(path) = path.to_str() else { return false };
    let name = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    memory::take_over();
    let look = || {
        let connection = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)?;
        connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
        secret.unlock(&connection)?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))
    };
    look().is_ok_and(|tables| tables > 0)
}

/// Empties the write-ahead log, which otherwise keeps what was just erased. False if it could not be done now.
pub(super) fn truncate_log(connection: &Connection) -> bool {
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    let emptied = emptied.is_ok_and(|busy| busy == 0);
    if emptied {
        schema_pages::keep(connection);
    }
    emptied
}

/// No queue, however long, may take the disk from the system it runs on. What is larger already stays and grows no more.
pub(super) fn limit_size(connection: &Connection, size_max_mib: u32) -> Result<()> {
    let pages = (i64::from(size_max_mib) * 1024 * 1024 / PAGE_BYTES).max(1);
    Ok(connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))?)
}

enum Opening {
    Sound(Connection),
    /// Its first page is not what this key would make: damage, or another key.
    Unreadable,
    Damaged(String),
}

fn try_open(path: &Path, secret: &Secret) -> Result<Opening> {
    if let Some(why) = cannot_be_ours(path) {
        return Ok(Opening::Damaged(why.to_owned()));
    }
    // What turns out to be damaged is set aside as it was found, its log not written into it.
    let has_log = exists(&beside(path, "-wal"));
    let mut connection = connect(path)?;
    if has_log {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    match prepare(&mut connection, secret) {
        Ok(Ok(None)) => {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            Ok(Opening::Sound(connection))
        }
        Ok(Ok(Some(why))) => Ok(Opening::Damaged(why)),
        Ok(Err(refusal)) => Err(refusal),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Ok(Opening::Unreadable),
        Err(error) if is_damage(&error) => Ok(Opening::Damaged("its pages do not fit together".to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// `SQLite` would take these for a new database and delete the log with all that is in it.
fn cannot_be_ours(path: &Path) -> Option<&'static str> {
    let orphaned = !exists(path) && exists(&beside(path, "-wal"));
    orphaned.then_some("the file is empty or gone and its log is not")
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let ours = memory::take_over();
    let connection = Connection::open_with_flags(path, flags)?;
    if !ours {
        connection.execute_batch("PRAGMA cipher_memory_security = ON")?;
    }
    Ok(connection)
}

/// Outer error: the database's. Inner: a refusal, or what is wrong with the content. Writes nothing until all is checked.
fn prepare(connection: &mut Connection, secret: &Secret) -> rusqlite::Result<Result<Option<String>>> {
    // Its own lines on stderr say nothing that our errors do not. What it holds in memory is protected by `memory.rs`.
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    secret.unlock(connection)?;
    if let Err(refusal) = can_encrypt(connection) {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = schema::refuse_newer(connection, schema::STEPS)? {
        return Ok(Err(refusal));
    }
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Ok(Ok(Some(verdict)));
    }
    if let Err(refusal) = set_up(connection)? {
        return Ok(Err(refusal));
    }
    schema::migrate_with(connection, schema::STEPS, &ChainKey::of(secret))?;
    Ok(Ok(None))
}

/// Without `SQLCipher` the key pragma does nothing and says nothing.
fn can_encrypt(connection: &Connection) -> Result<()> {
    match connection.query_row("PRAGMA cipher_version", [], |row| row.get::<_, String>(0)) {
        Ok(version) if !version.is_empty() => Ok(()),
        Ok(_) | Err(_) => Err(other("this program was built without SQLCipher: it would store patients in the clear")),
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<Result<()>> {
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL")?;
    connection.pragma_update(None, "cache_size", -PAGES_KEPT_KIB)?;
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    let erases: i64 = connection.query_row("PRAGMA secure_delete = ON", [], |row| row.get(0))?;
    Ok(if journal == "wal" && erases == 1 {
        Ok(())
    } else {
        Err(other("the data folder cannot hold a durable database (no write-ahead log): use a local disk"))
    })
}
