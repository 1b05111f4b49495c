//! One program per data folder. The lock belongs to an open file, so it ends with the process, however that ends.

use super::fault::{Result, other};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

pub(super) fn take(folder: &Path) -> Result<FolderLock> {
    let path = folder.join("kiosk.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| other(format!("cannot open {}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(other(format!(
            "the data folder {} is in use by another kiosk program: stop that one first",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => Err(other(format!("cannot lock {}: {error}", path.display()))),
    }
}
