//! The files of a damaged database: how they give way to the fresh one, and when they go.
//!
//! The fresh one is made whole as `kiosk.db.new-N`, with all that could be read of the damaged one. Then the damaged files take
//! the name `kiosk.db.damaged-N`, and the fresh one their place. A power cut before that leaves the damaged database as it was, to
//! be found damaged again; one in between is gone on from at the next start, and the fresh one's name tells which N it was.

use super::fault::{Result, other};
use super::schema_pages;
use crate::ports::StoreError;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(super) const NAME: &str = "kiosk.db";
/// What `SQLite` lays beside a database, and we, by what its name ends in.
const COMPANIONS: [&str; 4] = ["-wal", "-journal", "-shm", schema_pages::ENDING];
/// A disk that damages its files again and again is to be changed, not filled.
const ASIDE_MAX: u32 = 10;

/// Of the damaged database that is number `number` here.
pub(super) fn name(number: u32) -> String {
    format!("{NAME}.damaged-{number}")
}

pub(super) fn fresh(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{NAME}.new-{number}"))
}

/// Where a damaged database is read: a copy, because to read a log is to change it.
pub(super) fn copy(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}.salvage"))
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn exists(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

/// A database with its companions.
pub(super) fn remove(path: &Path) -> Result<()> {
    for file in std::iter::once(path.to_owned()).chain(COMPANIONS.map(|ending| beside(path, ending))) {
        match fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(&error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The number that the damaged database will have; before anything is done.
pub(super) fn next_number(folder: &Path) -> Result<u32> {
    let free = |number: &u32| {
        let path = folder.join(name(*number));
        !path.exists() && COMPANIONS.iter().all(|ending| !beside(&path, ending).exists())
    };
    (1..=ASIDE_MAX).find(free).ok_or_else(|| {
        other(format!(
            "{ASIDE_MAX} damaged databases lie in the data folder already: look at the disk, change it, or move them elsewhere"
        ))
    })
}

/// The database first: that it is gone while a fresh one waits is what [`half_done`] knows a broken-off swap by.
pub(super) fn swap(folder: &Path, number: u32) -> Result<()> {
    rename_if_there(&folder.join(NAME), &folder.join(name(number)))?;
    put_in_place(folder, number)
}

fn put_in_place(folder: &Path, number: u32) -> Result<()> {
    for ending in COMPANIONS {
        rename_if_there(&beside(&folder.join(NAME), ending), &beside(&folder.join(name(number)), ending))?;
    }
    sync(folder)?;
    rename_if_there(&fresh(folder, number), &folder.join(NAME))?;
    sync(folder)
}

/// The number of a swap that the power cut broke off.
pub(super) fn half_done(folder: &Path) -> Option<u32> {
    let waits = |number: &u32| exists(&fresh(folder, *number));
    (1..=ASIDE_MAX).find(waits).filter(|_| !folder.join(NAME).exists())
}

/// Goes on with it; what was not yet begun is forgotten.
pub(super) fn finish(folder: &Path) -> Result<()> {
    remove(&copy(folder))?;
    match half_done(folder) {
        Some(number) => put_in_place(folder, number),
        None => (1..=ASIDE_MAX).try_for_each(|number| remove(&fresh(folder, number))),
    }
}

/// What is over goes: `names` with their companions. A name that is none of ours is left alone.
pub(super) fn purge(folder: &Path, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|name| is_ours(name)) {
        remove(&folder.join(name))?;
    }
    sync(folder)
}

fn is_ours(name: &str) -> bool {
    name.strip_prefix("kiosk.db.damaged-").is_some_and(|number| number.parse::<u32>().is_ok())
}

fn rename_if_there(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| cannot(&error))
}

pub(super) fn cannot(error: &std::io::Error) -> StoreError {
    other(format!("the database is damaged and cannot be set aside: {error}"))
}
