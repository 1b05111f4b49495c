//! Whether the disk can take what patients will do.

use super::fault::{Result, other};
use crate::ports::StoreError;
use rusqlite::Transaction;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::path::Path;

/// Below this a visit might begin that cannot be written down at its end; the log of the database alone grows to 4 MB.
const ROOM_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn check(folder: &Path) -> Result<()> {
    let disk = statvfs(folder).map_err(|error| other(format!("the data folder cannot be looked at: {error}")))?;
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(other("the data folder's disk is read-only: look at the disk and at the system's log"));
    }
    if disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM_BYTES {
        return Err(StoreError::DiskFull);
    }
    Ok(())
}

/// Something that changes nothing, and is on the disk when its transaction is over.
pub(super) fn touch(tx: &Transaction<'_>) -> Result<()> {
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(tx.pragma_update(None, "user_version", version)?)
}
