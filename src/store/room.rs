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
    judge(disk.f_flag, disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn judge(flags: StatVfsMountFlags, free_bytes: u64) -> Result<()> {
    if flags.contains(StatVfsMountFlags::RDONLY) {
        return Err(other("the data folder's disk is read-only: look at the disk and at the system's log"));
    }
    if free_bytes < ROOM_BYTES {
        return Err(StoreError::DiskFull);
    }
    Ok(())
}

/// Something that changes nothing, and is on the disk when its transaction is over.
pub(super) fn touch(tx: &Transaction<'_>) -> Result<()> {
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(tx.pragma_update(None, "user_version", version)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_one_that_takes_nothing_are_told_apart() {
        let (plain, read_only) = (StatVfsMountFlags::NOEXEC, StatVfsMountFlags::NOEXEC | StatVfsMountFlags::RDONLY);
        assert!(judge(plain, ROOM_BYTES).is_ok());
        for free_bytes in [0, ROOM_BYTES - 1] {
            assert!(matches!(judge(plain, free_bytes), Err(StoreError::DiskFull)), "{free_bytes}");
        }
        let told = judge(read_only, u64::MAX).unwrap_err();
        assert!(told.to_string().contains("read-only"), "{told}");
    }
}
