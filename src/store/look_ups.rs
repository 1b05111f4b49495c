//! Who was looked up at this kiosk, in the trail: never a number, only its HMAC-SHA256 under a key derived from the store's.
//! The same patient has the same mark at the same kiosk, so that a patient's rows can be found by whoever has the number
//! and the store; without the store's key a mark tells nothing, and marks of two kiosks cannot be compared.

use super::fault::{Result, refused};
use super::key::Secret;
use crate::domain::staff::StaffAct;
use chrono::{DateTime, FixedOffset};
use ring::hmac;
use rusqlite::{Connection, params};
use std::fmt::Write as _;

const PURPOSE: &[u8] = b"hospital-kiosk patients in the trail 1";
/// Of a mark: 128 bits, more than enough for all numbers there are.
const MARK_BYTES: usize = 16;
/// A check-in takes half a minute at least: a kiosk that works all day has fewer. What cannot be written down is not shown.
const A_DAY_MAX: i64 = 1_500;

pub struct PatientKey(hmac::Key);

impl PatientKey {
    pub fn of(secret: &Secret) -> Self {
        Self(secret.derive(PURPOSE))
    }

    pub fn mark(&self, number: &str) -> String {
        let tag = hmac::sign(&self.0, number.as_bytes());
        tag.as_ref().iter().take(MARK_BYTES).fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Nobody pushes what is older out of the trail by asking and asking.
pub(super) fn refuse_too_many(connection: &Connection, at: DateTime<FixedOffset>) -> Result<()> {
    let sql = "SELECT count(*) FROM (SELECT at, act FROM audit ORDER BY sequence DESC LIMIT ?1)
         WHERE act = ?2 AND substr(at, 1, 10) = ?3";
    let day = at.format("%Y-%m-%d").to_string();
    let today: i64 =
        connection.query_row(sql, params![2 * A_DAY_MAX, StaffAct::LookUp.word(), day], |row| row.get(0))?;
    if today >= A_DAY_MAX {
        return Err(refused("more patients were looked up today than are written down"));
    }
    Ok(())
}
