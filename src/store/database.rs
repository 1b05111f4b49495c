//! Opening the database file: unlock, check, migrate; what is damaged is set aside and never deleted. A key that is not the
//! store's own reads nothing and changes nothing.

use super::audit::ChainKey;
use super::fault::{Result, is_damage, other};
use super::key::Secret;
use super::keycheck::{self, Verdict};
use super::{OnDamage, memory, schema};
use crate::ports::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const NAME: &str = "kiosk.db";
/// What `SQLite` lays beside a database, by what its name ends in.
const COMPANIONS: [&str; 3] = ["-wal", "-journal", "-shm"];
/// Of `SQLite` and of `SQLCipher`, unless told otherwise.
const PAGE_BYTES: i64 = 4_096;
const ASIDE_MAX: u32 = 10_000;
/// Also what a power cut in the first second of a new kiosk leaves, so it is used and not set aside.
const WAS_EMPTY: &str = "the database file was empty: if this kiosk has been in use, what it held is lost";

/// The database, and the words for staff if a damaged one was set aside.
pub(super) fn open(folder: &Path, secret: &Secret, on_damage: OnDamage) -> Result<(Connection, Option<String>)> {
    let path = folder.join(NAME);
    let empty = path.exists() && !exists(&path);
    let key = keycheck::verdict(folder, secret);
    if key == Verdict::Another && holds_something(&path) {
        return Err(StoreError::WrongKey { folder: folder.display().to_string() });
    }
    let opened = match try_open(&path, secret)? {
        Opening::Sound(connection) => (connection, empty.then(|| WAS_EMPTY.to_owned())),
        Opening::Unreadable if key == Verdict::Unknown => {
            return Err(StoreError::UnknownKey { folder: folder.display().to_string() });
        }
        Opening::Unreadable => begin_anew(folder, secret, on_damage, "its beginning is no database".to_owned())?,
        Opening::Damaged(why) => begin_anew(folder, secret, on_damage, why)?,
    };
    if key != Verdict::Ours {
        // A full disk is no reason not to open what is there: the next start tries again.
        if let Err(error) = keycheck::write(folder, secret) {
            tracing::warn!("what tells a wrong key from damage could not be written: {error}");
        }
    }
    Ok(opened)
}

fn begin_anew(
    folder: &Path,
    secret: &Secret,
    on_damage: OnDamage,
    why: String,
) -> Result<(Connection, Option<String>)> {
    if on_damage == OnDamage::Refuse {
        return Err(StoreError::DamagedStill { why });
    }
    let aside = set_aside(folder)?;
    let notice = StoreError::Damaged { aside, why }.to_string();
    match try_open(&folder.join(NAME), secret)? {
        Opening::Sound(connection) => Ok((connection, Some(notice))),
        Opening::Damaged(why) => Err(other(format!("a fresh database is damaged as well: {why}"))),
        Opening::Unreadable => Err(other("a fresh database cannot be read")),
    }
}

/// A database, or the log of one.
fn holds_something(path: &Path) -> bool {
    exists(path) || exists(&beside(path, "-wal"))
}

pub(super) fn is_there(folder: &Path) -> bool {
    exists(&folder.join(NAME))
}

fn exists(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

/// Empties the write-ahead log, which otherwise keeps what was just erased. False if it could not be done now.
pub(super) fn truncate_log(connection: &Connection) -> bool {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).is_ok_and(|busy| busy == 0)
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
    let mut connection = connect(path)?;
    match prepare(&mut connection, secret) {
        Ok(Ok(None)) => Ok(Opening::Sound(connection)),
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
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    let erases: i64 = connection.query_row("PRAGMA secure_delete = ON", [], |row| row.get(0))?;
    Ok(if journal == "wal" && erases == 1 {
        Ok(())
    } else {
        Err(other("the data folder cannot hold a durable database (no write-ahead log): use a local disk"))
    })
}

/// The database first: if the power fails in between, a log without its database is set aside at the next start.
fn set_aside(folder: &Path) -> Result<String> {
    let path = folder.join(NAME);
    let free = |name: &PathBuf| !name.exists() && COMPANIONS.iter().all(|ending| !beside(name, ending).exists());
    let target = (1..=ASIDE_MAX)
        .map(|number| folder.join(format!("{NAME}.damaged-{number}")))
        .find(free)
        .ok_or_else(|| other("too many damaged databases lie in the data folder: move them elsewhere"))?;
    rename_if_there(&path, &target)?;
    for ending in COMPANIONS {
        rename_if_there(&beside(&path, ending), &beside(&target, ending))?;
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| cannot_set_aside(&error))?;
    Ok(target.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
}

fn rename_if_there(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot_set_aside(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn cannot_set_aside(error: &std::io::Error) -> StoreError {
    other(format!("the database is damaged and cannot be set aside: {error}"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
