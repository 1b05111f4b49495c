//! A copy of the pages without which nothing of the database can be read (`kiosk.db.schema-pages`): the first, which holds the
//! salt of all pages' checksums, and those that say where each table begins. They are kept as they lie on the disk, encrypted.
//!
//! Looked at whenever the write-ahead log was emptied, which is at every start and after everything that is erased; renewed when
//! a table is new or the file has grown, for a first page knows only of as many pages as there were.
//!
//! Of the file: the schema's version and the count of pages, then each page behind its number; numbers are of four bytes,
//! the lowest first.

use super::fault::{Result, other};
use crate::keyfile;
use rusqlite::Connection;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub(super) const ENDING: &str = ".schema-pages";
const PAGE: usize = 4_096;
const NUMBER: usize = 4;
/// Where the first page begins in the copy, behind its number.
const FIRST: usize = 3 * NUMBER;
/// What a database begins with: random, so that no two begin alike.
const SALT: usize = 16;

fn path_of(database: &Path) -> PathBuf {
    super::aside::beside(database, ENDING)
}

/// The log must be empty now. That the copy cannot be written is no reason to stop: the one before is good for most.
pub(super) fn keep(connection: &Connection) {
    let Some(database) = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from) else { return };
    if let Err(error) = try_keep(connection, &database) {
        tracing::warn!("the copy of the database's first pages could not be written: {error}");
    }
}

fn try_keep(connection: &Connection, database: &Path) -> Result<()> {
    let ask = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    let (schema, pages) = (ask("schema_version")?, ask("page_count")?);
    let (copy, unreadable) = (path_of(database), |error: std::io::Error| other(error.to_string()));
    let file = File::open(database).map_err(unreadable)?;
    let mut salt = [0; SALT];
    file.read_exact_at(&mut salt, 0).map_err(unreadable)?;
    let kept = fs::read(&copy).unwrap_or_default();
    if let Some((kept_schema, kept_pages)) = head(&kept)
        && kept_schema == schema
        && kept_pages >= pages
        && kept.get(FIRST..FIRST + SALT) == Some(&salt)
    {
        return Ok(());
    }
    let mut content = [schema, pages].map(u32::to_le_bytes).concat();
    for number in numbers(connection)? {
        let mut page = [0; PAGE];
        file.read_exact_at(&mut page, offset(number)).map_err(unreadable)?;
        content.extend(number.to_le_bytes());
        content.extend(page);
    }
    keyfile::write(&copy, &content).map_err(other)
}

fn numbers(connection: &Connection) -> Result<Vec<u32>> {
    let mut statement = connection.prepare("SELECT pageno FROM dbstat WHERE name = 'sqlite_schema' ORDER BY pageno")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn head(content: &[u8]) -> Option<(u32, u32)> {
    let (schema, rest) = content.split_first_chunk()?;
    let (pages, _) = rest.split_first_chunk()?;
    Some((u32::from_le_bytes(*schema), u32::from_le_bytes(*pages)))
}

fn offset(number: u32) -> u64 {
    u64::from(number.saturating_sub(1)) * PAGE as u64
}

/// Lays the kept pages of `database` over those of `copy`; its first only if `first_too`. False if there are none.
pub(super) fn lay_over(database: &Path, copy: &Path, first_too: bool) -> std::io::Result<bool> {
    let content = fs::read(path_of(database)).unwrap_or_default();
    let Some(pages) = content.get(2 * NUMBER..).filter(|pages| pages.len() >= NUMBER + PAGE) else { return Ok(false) };
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(copy)?;
    for (number, page) in pages.chunks_exact(NUMBER + PAGE).filter_map(|page| page.split_first_chunk()) {
        let number = u32::from_le_bytes(*number);
        if number > 1 || first_too {
            file.write_all_at(page, offset(number))?;
        }
    }
    Ok(true)
}

/// A file that was cut short gets its length back: `SQLite` refuses a schema whose tables begin behind the end.
pub(super) fn lengthen(database: &Path, copy: &Path) -> std::io::Result<()> {
    let Some((_, pages)) = head(&fs::read(path_of(database)).unwrap_or_default()) else { return Ok(()) };
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(copy)?;
    let length = u64::from(pages) * PAGE as u64;
    if file.metadata()?.len() < length { file.set_len(length) } else { Ok(()) }
}
