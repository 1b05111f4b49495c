//! The database key: 32 random bytes that never lie beside what they open.
//!
//! A systemd credential named `store-key` wins (`LoadCredentialEncrypted=`, sealed by the TPM); else the key file.

use super::fault::{Result, other};
use crate::config;
use rusqlite::Connection;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
/// A longer file is no key. Room for it is made at once, so that no growing buffer leaves a copy behind.
const KEY_FILE_BYTES_MAX: usize = 256;
const CREDENTIAL: &str = "store-key";

pub(super) enum Secret {
    Key(Zeroizing<[u8; KEY_BYTES]>),
    /// No cipher, so that a test can look at the very bytes that the same code writes.
    #[cfg(test)]
    Plain,
}

impl Secret {
    /// Must come before anything else is asked of the connection.
    pub(super) fn unlock(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self {
            Self::Key(key) => {
                let hex = hex(key);
                let pragma = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()));
                connection.execute_batch(&pragma)
            }
            #[cfg(test)]
            Self::Plain => Ok(()),
        }
    }
}

/// `database_exists`: then a key file that is not there is not made anew, for it could open nothing.
pub(super) fn load(settings: &config::Store, credentials: Option<&Path>, database_exists: bool) -> Result<Secret> {
    if let Some(path) = credentials.map(|folder| folder.join(CREDENTIAL)).filter(|path| path.exists()) {
        let file = File::open(&path).map_err(|error| cannot("read", &path, &error))?;
        return read(file, &path);
    }
    let path = &settings.key_file;
    make_parent(path)?;
    refuse_inside(&settings.folder, path)?;
    if !path.exists() {
        if database_exists {
            return Err(other(format!(
                "the key file {} is missing but there is a database in {}: put the key file back, or move the database away to start afresh",
                path.display(),
                settings.folder.display()
            )));
        }
        make(path)?;
    }
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    refuse_readable_by_others(&file, path)?;
    read(file, path)
}

/// 32 raw bytes, or 64 hexadecimal digits with or without an end of line.
fn read(file: File, path: &Path) -> Result<Secret> {
    let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX));
    file.take(KEY_FILE_BYTES_MAX as u64).read_to_end(&mut content).map_err(|error| cannot("read", path, &error))?;
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    if content.len() == KEY_BYTES {
        key.copy_from_slice(&content);
        return Ok(Secret::Key(key));
    }
    let digits = content.trim_ascii();
    let whole = digits.len() == 2 * KEY_BYTES
        && key.iter_mut().zip(digits.chunks(2)).all(|(byte, pair)| {
            let value = nibble(pair[0]).zip(nibble(pair[1])).map(|(high, low)| high << 4 | low);
            *byte = value.unwrap_or(0);
            value.is_some()
        });
    if !whole {
        return Err(other(format!("{} holds no key: 64 hexadecimal digits are wanted", path.display())));
    }
    Ok(Secret::Key(key))
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn hex(key: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    let mut hex = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    for byte in key {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Written beside and renamed, so that a power cut leaves a whole key or none.
fn make(path: &Path) -> Result<()> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    getrandom::fill(key.as_mut()).map_err(|_| other("the system gives no random numbers for a key"))?;
    let mut line = hex(&key);
    line.push('\n');
    let draft = path.with_extension("new");
    // A draft left by a power cut was never used.
    let _ = fs::remove_file(&draft);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(parent(path))?.sync_all()
    });
    written.map_err(|error| cannot("make", path, &error))
}

fn make_parent(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(parent(path)).map_err(|error| cannot("make", path, &error))
}

fn refuse_inside(folder: &Path, path: &Path) -> Result<()> {
    let folder = fs::canonicalize(folder).map_err(|error| cannot("find", folder, &error))?;
    let home = fs::canonicalize(parent(path)).map_err(|error| cannot("find", path, &error))?;
    // The file may itself be a link to elsewhere.
    let file = fs::canonicalize(path).unwrap_or_else(|_| home.clone());
    if home.starts_with(&folder) || file.starts_with(&folder) {
        return Err(other(format!(
            "the key file {} lies inside the data folder, where a copied disk would carry both: name a place outside it",
            path.display()
        )));
    }
    Ok(())
}

fn refuse_readable_by_others(file: &File, path: &Path) -> Result<()> {
    let mode = file.metadata().map_err(|error| cannot("read", path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(other(format!(
            "others may read the key file {} (mode {:04o}): chmod 600 it, and change the key if anybody did",
            path.display(),
            mode & 0o7777
        )));
    }
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> crate::ports::StoreError {
    other(format!("cannot {what} {}: {error}", path.display()))
}
