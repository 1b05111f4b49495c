//! One program per data folder. The lock belongs to the open folder itself, so it ends with the process, however that ends, and
//! nobody can take it away as they take away a file that looks like a left-over.

use super::fault::{Result, other};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct FolderLock {
    _folder: File,
}

/// A program that is ending holds its lock until the last of its threads is gone, and one that starts another shares it with
/// that until the new program's first instruction: no reason to turn a technician away.
const ENDING: Duration = Duration::from_secs(1);
const TRY_EVERY: Duration = Duration::from_millis(20);

pub(super) fn take(folder: &Path) -> Result<FolderLock> {
    let file = File::open(folder).map_err(|error| other(format!("cannot open {}: {error}", folder.display())))?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FolderLock { _folder: file }),
            Err(TryLockError::WouldBlock) if since.elapsed() < ENDING => std::thread::sleep(TRY_EVERY),
            Err(TryLockError::WouldBlock) => {
                return Err(other(format!(
                    "the data folder {} is in use by another kiosk program: stop that one first",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(other(format!("cannot lock {}: {error}", folder.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_just_ending_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let ending = take(folder.path()).expect("a lock");
        std::thread::scope(|scope| {
            let (begins, begun) = std::sync::mpsc::channel();
            let next = scope.spawn(move || {
                begins.send(()).expect("somebody listens");
                take(folder.path()).map(|_| ())
            });
            begun.recv().expect("it has begun");
            drop(ending);
            assert!(next.join().expect("no panic").is_ok());
        });
    }
}
