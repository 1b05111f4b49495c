//! Look-ups that may be guesses: how often each was wrong today, as hashes, and what the machine has to remember of the last
//! minutes. One day and one salt at a time.

use super::column::{count, id, json, time, to_json};
use super::fault::{Result, other};
use crate::domain::tries::{Tried, TriesKept};
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(super) fn load(connection: &Connection) -> Result<Option<TriesKept>> {
    let day = connection.query_row("SELECT day, salt, at, machine FROM tries_day", [], |row| {
        Ok((row.get::<_, String>(0)?, id(row, 1)?, time(row, 2)?, json(row, 3)?))
    });
    let Some((day, salt, at, machine)) = day.optional()? else { return Ok(None) };
    let day = day.parse().map_err(|_| other("the day of the tries cannot be read"))?;
    let mut rows = connection.prepare("SELECT key, wrong FROM tries ORDER BY sequence")?;
    let book = rows.query_map([], |row| Ok((id(row, 0)?, count(row, 1)?)))?;
    Ok(Some(TriesKept { day, salt, at, machine, book: book.collect::<rusqlite::Result<_>>()? }))
}

/// True if something of another day went.
pub(super) fn save(tx: &Transaction<'_>, tried: &Tried) -> Result<bool> {
    let (day, salt) = (tried.day.to_string(), tried.salt.to_string());
    let other_day: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM tries_day WHERE day <> ?1 OR salt <> ?2)",
        params![day, salt],
        |row| row.get(0),
    )?;
    if other_day {
        tx.execute("DELETE FROM tries", [])?;
    }
    tx.execute(
        "INSERT OR REPLACE INTO tries_day (only_row, day, salt, at, machine) VALUES (1, ?1, ?2, ?3, ?4)",
        params![day, salt, tried.at.to_rfc3339(), to_json(&tried.machine)?],
    )?;
    if let Some(gone) = tried.gone {
        tx.execute("DELETE FROM tries WHERE key = ?1", [gone.to_string()])?;
    }
    match tried.wrong {
        Some((key, 0)) => tx.execute("DELETE FROM tries WHERE key = ?1", [key.to_string()])?,
        Some((key, wrong)) => tx.execute(
            "INSERT INTO tries (key, wrong) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET wrong = excluded.wrong",
            params![key.to_string(), wrong],
        )?,
        None => 0,
    };
    Ok(other_day)
}

/// The day's are over at midnight. True if there were any.
pub(super) fn forget_before(tx: &Transaction<'_>, now: DateTime<FixedOffset>) -> Result<bool> {
    let today = now.date_naive().to_string();
    let gone = tx.execute("DELETE FROM tries WHERE EXISTS (SELECT 1 FROM tries_day WHERE day < ?1)", [&today])?;
    Ok(gone + tx.execute("DELETE FROM tries_day WHERE day < ?1", [&today])? > 0)
}
