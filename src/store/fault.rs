//! Database errors in words for staff. Neither SQL text (the key is in one of them) nor stored values get into them.

use crate::ports::StoreError;
use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};

pub(super) type Result<T> = std::result::Result<T, StoreError>;

pub(super) fn other(words: impl Into<String>) -> StoreError {
    StoreError::Other(words.into())
}

/// Against the rules of the journal, now and for ever.
pub(super) fn refused(words: impl Into<String>) -> StoreError {
    StoreError::Refused(words.into())
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            // A full disk shows in the shared-memory file under a name of its own.
            Some(cause) if cause.code == ErrorCode::DiskFull || cause.extended_code == SQLITE_IOERR_SHMSIZE => {
                Self::DiskFull
            }
            Some(cause) if cause.extended_code == SQLITE_IOERR_WRITE => {
                other("the database could not be written: look at the disk")
            }
            Some(cause) if is_damage(&error) => other(format!(
                "the database cannot be read (code {}): restart the program, it then checks the database",
                cause.extended_code
            )),
            Some(cause) => other(format!(
                "the database refused: {} (code {})",
                rusqlite::ffi::code_to_str(cause.extended_code),
                cause.extended_code
            )),
            None => other("a stored row cannot be understood by this version"),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(_: serde_json::Error) -> Self {
        other("a value cannot be stored as JSON")
    }
}

/// Not a database, pages whose checksum is wrong, or the wrong key: `SQLCipher` cannot tell these apart.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}
