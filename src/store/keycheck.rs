//! Tells another key from damage: `SQLCipher` says the same of both. Beside the database lies a random salt and its
//! HMAC-SHA256 under the key; neither tells anything of the key.

use super::fault::{Result, other};
use super::key::Secret;
use crate::keyfile;
use ring::hmac;
use std::fs;
use std::path::Path;

const NAME: &str = "kiosk.db.key-check";
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
/// So that this value can stand for nothing else that the key may be used for.
const PURPOSE: &[u8] = b"hospital-kiosk key check 1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ours,
    Another,
    /// There is no check value (a store of an older version), or it is not whole.
    Unknown,
}

pub(super) fn verdict(folder: &Path, secret: &Secret) -> Verdict {
    let content = fs::read(folder.join(NAME)).unwrap_or_default();
    let Some((salt, tag)) = content.split_at_checked(SALT_BYTES).filter(|(_, tag)| tag.len() == TAG_BYTES) else {
        return Verdict::Unknown;
    };
    match hmac::verify(&hmac_key(secret), &message(salt), tag) {
        Ok(()) => Verdict::Ours,
        Err(_) => Verdict::Another,
    }
}

pub(super) fn is_there(folder: &Path) -> bool {
    fs::metadata(folder.join(NAME)).is_ok_and(|file| file.len() > 0)
}

/// Once the key has opened the database.
pub(super) fn write(folder: &Path, secret: &Secret) -> Result<()> {
    let mut salt = [0_u8; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| other("the system gives no random numbers"))?;
    let tag = hmac::sign(&hmac_key(secret), &message(&salt));
    keyfile::write(&folder.join(NAME), &[&salt, tag.as_ref()].concat()).map_err(other)
}

fn message(salt: &[u8]) -> Vec<u8> {
    [PURPOSE, salt].concat()
}

fn hmac_key(secret: &Secret) -> hmac::Key {
    match secret {
        Secret::Key(key) => hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()),
        #[cfg(test)]
        Secret::Plain => hmac::Key::new(hmac::HMAC_SHA256, &[]),
    }
}
