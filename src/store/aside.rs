//! The files of a damaged database: how they give way to the fresh one, and when they go.
//!
//! The fresh one is made whole under a name of its own (`kiosk.db.new`), with all that could be read of the damaged one. Then
//! the damaged files take the name `kiosk.db.damaged-N`, and the fresh one its place. A power cut before that leaves the damaged
//! database as it was, to be found damaged again; one in between is gone on from at the next start.

use super::fault::{Result, other};
use crate::ports::StoreError;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(super) const NAME: &str = "kiosk.db";
/// What `SQLite` lays beside a database, by what its name ends in.
const COMPANIONS: [&str; 3] = ["-wal", "-journal", "-shm"];
/// A disk that damages its files again and again is to be changed, not filled.
const ASIDE_MAX: u32 = 10;

pub(super) fn fresh(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}.new"))
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

/// The name that the damaged database will have; before anything is done.
pub(super) fn next_name(folder: &Path) -> Result<String> {
    let free = |name: &String| {
        let path = folder.join(name);
        !path.exists() && COMPANIONS.iter().all(|ending| !beside(&path, ending).exists())
    };
    (1..=ASIDE_MAX).map(|number| format!("{NAME}.damaged-{number}")).find(free).ok_or_else(|| {
        other(format!(
            "{ASIDE_MAX} damaged databases lie in the data folder already: look at the disk, change it, or move them elsewhere"
        ))
    })
}

/// The database first: its companions without it are what [`finish`] knows a broken-off swap by.
pub(super) fn swap(folder: &Path, name: &str) -> Result<()> {
    rename_if_there(&folder.join(NAME), &folder.join(name))?;
    put_in_place(folder, name)
}

fn put_in_place(folder: &Path, name: &str) -> Result<()> {
    for ending in COMPANIONS {
        rename_if_there(&beside(&folder.join(NAME), ending), &beside(&folder.join(name), ending))?;
    }
    sync(folder)?;
    rename_if_there(&fresh(folder), &folder.join(NAME))?;
    sync(folder)
}

/// Is there a swap that the power cut broke off?
pub(super) fn is_half_done(folder: &Path) -> bool {
    !folder.join(NAME).exists() && exists(&fresh(folder))
}

/// Goes on with it; what was not yet begun is forgotten.
pub(super) fn finish(folder: &Path) -> Result<()> {
    remove(&copy(folder))?;
    if !is_half_done(folder) {
        return remove(&fresh(folder));
    }
    let newest = (1..=ASIDE_MAX).rev().map(|number| format!("{NAME}.damaged-{number}"));
    match newest.into_iter().find(|name| folder.join(name).exists()) {
        Some(name) => put_in_place(folder, &name),
        // Only a log was left of the damaged one.
        None => put_in_place(folder, &next_name(folder)?),
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
