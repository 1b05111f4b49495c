//! The numbers that were given: a row a day, which no row of another day and no clock changes. `turn` is the order in which
//! they were written; the clock's own order is not to be trusted.

use super::column::{count, time};
use super::fault::{Result, other};
use crate::domain::numbers::{Counters, Given};
use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(super) fn load(connection: &Connection) -> Result<Given> {
    let mut rows = connection.prepare("SELECT day, tickets, claims, attempts FROM numbers ORDER BY day")?;
    let days = rows.query_map([], |row| {
        let day: String = row.get(0)?;
        Ok((
            day,
            Counters {
                tickets: count(row, 1)?,
                claims: count(row, 2)?,
                attempts: count(row, 3)?,
                ..Counters::default()
            },
        ))
    })?;
    let mut given = Given::default();
    for row in days {
        let (day, counters) = row?;
        let day = day.parse().map_err(|_| other("a day of the numbers cannot be read"))?;
        given.days.push(Counters { day, ..counters });
    }
    let last = "SELECT given_at FROM numbers WHERE given_at IS NOT NULL ORDER BY turn DESC LIMIT 1";
    given.last_at = connection.query_row(last, [], |row| time(row, 0)).optional()?;
    Ok(given)
}

pub(super) fn save(tx: &Transaction<'_>, counters: &Counters, at: DateTime<FixedOffset>) -> Result<()> {
    let Counters { day, tickets, claims, attempts } = counters;
    tx.execute(
        "INSERT INTO numbers (day, tickets, claims, attempts, given_at, turn)
         VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(turn), 0) + 1 FROM numbers))
         ON CONFLICT (day) DO UPDATE SET tickets = max(tickets, excluded.tickets), claims = max(claims, excluded.claims),
             attempts = max(attempts, excluded.attempts), given_at = excluded.given_at, turn = excluded.turn",
        params![day.to_string(), tickets, claims, attempts, at.to_rfc3339()],
    )?;
    Ok(())
}
