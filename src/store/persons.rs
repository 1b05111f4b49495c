//! The persons who may enter the staff area. Who was removed stays as long as the trail tells of them, and no number comes
//! again meanwhile.

use super::column::{time, time_or_null};
use super::fault::{Result, other, refused};
use crate::domain::person::{Person, Role, StaffNumber, is_name};
use chrono::{DateTime, FixedOffset};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// Tries to draw a number that nobody has.
const DRAWS_MAX: usize = 100;

const PERSON: &str = "number, name, role, added_at, role_since, granted_by, pin_hash IS NOT NULL, locked_until, last_log_in, \
     removed_at";

#[derive(Debug, thiserror::Error)]
#[error("not understood")]
struct NotUnderstood;

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    let strange = |column| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(NotUnderstood));
    let number: String = row.get(0)?;
    let role: String = row.get(2)?;
    Ok(Person {
        number: number.parse().map_err(|_| strange(0))?,
        name: row.get(1)?,
        role: role.parse().map_err(|_| strange(2))?,
        added_at: time(row, 3)?,
        role_since: time(row, 4)?,
        granted_by: row.get(5)?,
        has_pin: row.get(6)?,
        locked_until: time_or_null(row, 7)?,
        last_log_in: time_or_null(row, 8)?,
        removed_at: time_or_null(row, 9)?,
    })
}

/// Also who was removed; by number, so that the list tells nothing of who came when.
pub(super) fn all(connection: &Connection) -> Result<Vec<Person>> {
    let mut statement =
        connection.prepare(&format!("SELECT {PERSON} FROM persons ORDER BY removed_at IS NOT NULL, number"))?;
    let persons = statement.query_map([], person)?;
    Ok(persons.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn find(connection: &Connection, number: StaffNumber) -> Result<Person> {
    let sql = format!("SELECT {PERSON} FROM persons WHERE number = ?1 AND removed_at IS NULL");
    let found = connection.query_row(&sql, [number.to_string()], person).optional()?;
    found.ok_or_else(|| refused("nobody has this staff number; `kiosk staff list` shows them"))
}

pub(super) fn add(
    tx: &Transaction<'_>,
    name: &str,
    role: Role,
    number: Option<StaffNumber>,
    by: &str,
    at: DateTime<FixedOffset>,
) -> Result<StaffNumber> {
    if !is_name(name) {
        return Err(refused("a name has a letter, is on one line and not longer than 60 letters"));
    }
    let same = tx.query_row("SELECT count(*) FROM persons WHERE name = ?1 AND removed_at IS NULL", [name], |row| {
        row.get::<_, i64>(0)
    })?;
    if same > 0 {
        return Err(refused("somebody of this name is there already; give them another, with a department perhaps"));
    }
    let number = match number {
        Some(number) if is_taken(tx, number)? => {
            return Err(refused("this number is or was somebody's: in the trail it stands for them"));
        }
        Some(number) => number,
        None => draw(tx)?,
    };
    tx.execute(
        "INSERT INTO persons (number, name, role, added_at, role_since, granted_by) VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
        params![number.to_string(), name, role.word(), at.to_rfc3339(), by],
    )?;
    Ok(number)
}

fn is_taken(tx: &Transaction<'_>, number: StaffNumber) -> Result<bool> {
    let sql = "SELECT count(*) FROM persons WHERE number = ?1";
    Ok(tx.query_row(sql, [number.to_string()], |row| row.get::<_, i64>(0))? > 0)
}

/// By chance: numbers in a row would be guessed, and whoever knows a number can lock it.
fn draw(tx: &Transaction<'_>) -> Result<StaffNumber> {
    for _ in 0..DRAWS_MAX {
        let drawn = getrandom::u32().map_err(|_| other("the system gives no random numbers"))? % 90_000 + 10_000;
        if let Some(number) =
            StaffNumber::read(&drawn.to_string()).filter(|number| !matches!(is_taken(tx, *number), Ok(true)))
        {
            return Ok(number);
        }
    }
    Err(other("no staff number is free: name one"))
}

pub(super) fn set_role(
    tx: &Transaction<'_>,
    whose: StaffNumber,
    role: Role,
    by: &str,
    at: DateTime<FixedOffset>,
) -> Result<()> {
    tx.execute(
        "UPDATE persons SET role = ?2, role_since = ?3, granted_by = ?4 WHERE number = ?1",
        params![whose.to_string(), role.word(), at.to_rfc3339(), by],
    )?;
    Ok(())
}

/// The PIN goes, the person stays for the trail's sake.
pub(super) fn remove(tx: &Transaction<'_>, whose: StaffNumber, at: DateTime<FixedOffset>) -> Result<()> {
    tx.execute(
        "UPDATE persons SET pin_hash = NULL, failures = 0, locked_until = NULL, removed_at = ?2 WHERE number = ?1",
        params![whose.to_string(), at.to_rfc3339()],
    )?;
    Ok(())
}

/// A new PIN, and unlocked; and the PIN alone may be tried again where that is enough.
pub(super) fn set_pin(tx: &Transaction<'_>, whose: StaffNumber, hash: &str, at: DateTime<FixedOffset>) -> Result<()> {
    tx.execute(
        "UPDATE persons SET pin_hash = ?2, pin_set_at = ?3, failures = 0, locked_until = NULL WHERE number = ?1",
        params![whose.to_string(), hash, at.to_rfc3339()],
    )?;
    Ok(super::door::open(tx)?)
}

/// Whoever was removed so long ago that the trail tells of them no more.
pub(super) fn forget_before(tx: &Transaction<'_>, oldest_s: i64) -> Result<usize> {
    Ok(tx.execute("DELETE FROM persons WHERE unixepoch(removed_at) < ?1", [oldest_s])?)
}

/// How many are locked now.
pub(super) fn locked(connection: &Connection, at: DateTime<FixedOffset>) -> Result<u64> {
    let sql = "SELECT count(*) FROM persons WHERE removed_at IS NULL AND unixepoch(locked_until) > ?1";
    let locked: i64 = connection.query_row(sql, [at.timestamp()], |row| row.get(0))?;
    Ok(u64::try_from(locked).unwrap_or(0))
}
