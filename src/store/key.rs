//! The database key: 32 random bytes that never lie beside what they open.
//!
//! A systemd credential named `store-key` wins (`LoadCredentialEncrypted=`, sealed by the TPM); else the key file.

use super::fault::{Result, other};
use crate::ports::StoreError;
use crate::{config, keyfile};
use ring::hmac;
use rusqlite::Connection;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
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

    /// A key for something else than the database; `purpose` is its own and no beginning of another's.
    pub(super) fn derive(&self, purpose: &[u8]) -> hmac::Key {
        let root = match self {
            Self::Key(key) => hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()),
            #[cfg(test)]
            Self::Plain => hmac::Key::new(hmac::HMAC_SHA256, &[]),
        };
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, purpose).as_ref())
    }
}

/// `database_exists`: then a key file that is not there is not made anew, for it could open nothing. Nor is one made where the
/// kiosk's unit, below `root`, brings a key of its own: the unit would find a store that its key does not open.
pub(super) fn load(
    settings: &config::Store,
    credentials: Option<&Path>,
    root: &Path,
    database_exists: bool,
) -> Result<Secret> {
    if let Some(secret) = from_credential(credentials)? {
        return Ok(secret);
    }
    let path = &settings.key_file;
    keyfile::make_parent(path).map_err(other)?;
    keyfile::refuse_inside(&settings.folder, path).map_err(other)?;
    if !path.exists() {
        if is_brought_by_unit(root) {
            return Err(other(
                "the store's key comes with the unit hospital-kiosk.service (its credential store-key), and no second one is made: start the unit, the kiosk at work then answers all commands",
            ));
        }
        if database_exists {
            return Err(missing(settings));
        }
        make(path)?;
    }
    read(&keyfile::read(path).map_err(other)?, path)
}

fn from_credential(credentials: Option<&Path>) -> Result<Option<Secret>> {
    match credentials.map(|folder| folder.join(CREDENTIAL)).filter(|path| path.exists()) {
        Some(path) => read(&keyfile::read_credential(&path).map_err(other)?, &path).map(Some),
        None => Ok(None),
    }
}

fn missing(settings: &config::Store) -> StoreError {
    other(format!(
        "the key file {} is missing but there is a database in {}: put the key file back, or move the database away to start afresh",
        settings.key_file.display(),
        settings.folder.display()
    ))
}

/// The key of a store that is there. `None`: it cannot be seen from here, for it comes with the unit or is another user's.
///
/// # Errors
/// There is none, or it is exposed or no key.
pub(super) fn of_database(settings: &config::Store, credentials: Option<&Path>, root: &Path) -> Result<Option<Secret>> {
    if let Some(secret) = from_credential(credentials)? {
        return Ok(Some(secret));
    }
    let path = &settings.key_file;
    match File::open(path) {
        Ok(_) => read(&keyfile::read(path).map_err(other)?, path).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_brought_by_unit(root) => Err(missing(settings)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(other(format!("cannot read {}: {error}", path.display()))),
    }
}

const UNIT: &str = "hospital-kiosk.service";
const UNIT_FOLDERS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"];

/// By the unit's file or what was added to it, `LoadCredential=store-key` or one of its kin (systemd.exec(5)).
fn is_brought_by_unit(root: &Path) -> bool {
    UNIT_FOLDERS.iter().map(|folder| root.join(folder)).any(|folder| {
        let added = fs::read_dir(folder.join(format!("{UNIT}.d"))).into_iter().flatten().flatten();
        let files = std::iter::once(folder.join(UNIT)).chain(added.map(|entry| entry.path()));
        files.into_iter().any(|file| fs::read_to_string(file).is_ok_and(|text| text.lines().any(brings_key)))
    })
}

fn brings_key(line: &str) -> bool {
    let Some((setting, value)) = line.trim().split_once('=') else { return false };
    let is_credential = setting.trim().starts_with("LoadCredential") || setting.trim().starts_with("SetCredential");
    is_credential && value.trim().split(':').next() == Some(CREDENTIAL)
}

/// 32 raw bytes, or 64 hexadecimal digits with or without an end of line.
fn read(content: &[u8], path: &Path) -> Result<Secret> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    if content.len() == KEY_BYTES {
        key.copy_from_slice(content);
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

fn make(path: &Path) -> Result<()> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    getrandom::fill(key.as_mut()).map_err(|_| other("the system gives no random numbers for a key"))?;
    let mut line = hex(&key);
    line.push('\n');
    keyfile::write(path, line.as_bytes()).map_err(other)
}

#[cfg(test)]
mod tests {
    use super::{brings_key, is_brought_by_unit, load};
    use crate::config;
    use std::fs;

    #[test]
    fn what_brings_a_key_is_known() {
        for (line, brings) in [
            ("LoadCredentialEncrypted=store-key:/etc/credstore.encrypted/store-key", true),
            ("LoadCredential=store-key:/x", true),
            (" LoadCredential = store-key", true),
            ("SetCredentialEncrypted=store-key: AAAA", true),
            ("#LoadCredentialEncrypted=store-key:/x", false),
            ("LoadCredentialEncrypted=signing-key:/x", false),
            ("LoadCredentialEncrypted=store-key-of-another:/x", false),
            ("Description=store-key", false),
        ] {
            assert_eq!(brings_key(line), brings, "{line}");
        }
        assert!(include_str!("../../config/hospital-kiosk.service").lines().any(brings_key));
    }

    #[test]
    fn no_second_key_is_made_beside_the_units_own() {
        for place in
            ["etc/systemd/system/hospital-kiosk.service", "etc/systemd/system/hospital-kiosk.service.d/key.conf"]
        {
            let root = tempfile::tempdir().unwrap();
            let settings = config::Store::at(root.path().join("data"), root.path().join("keys/store-key"));
            fs::create_dir_all(&settings.folder).unwrap();
            let unit = root.path().join(place);
            fs::create_dir_all(unit.parent().unwrap()).unwrap();
            fs::write(&unit, "[Service]\nLoadCredentialEncrypted=store-key:/etc/credstore.encrypted/store-key\n")
                .unwrap();
            let refused = load(&settings, None, root.path(), false).err().unwrap().to_string();
            assert!(refused.contains("no second one is made"), "{refused}");
            assert!(!settings.key_file.exists());
            // With the credential, or a key that lies there already, all is as ever.
            let credentials = root.path().join("credentials");
            fs::create_dir(&credentials).unwrap();
            fs::write(credentials.join("store-key"), [7; 32]).unwrap();
            assert!(load(&settings, Some(&credentials), root.path(), false).is_ok());
            fs::remove_file(&unit).unwrap();
            assert!(!is_brought_by_unit(root.path()));
            assert!(load(&settings, None, root.path(), false).is_ok() && settings.key_file.exists());
        }
    }
}
