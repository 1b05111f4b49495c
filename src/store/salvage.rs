//! What can still be read of a damaged database, row by row, into a fresh one: payments and queue first.
//!
//! Of a page that cannot be read its own rows are lost; of one that holds the beginning of a table, the table.
//! `SQLCipher` signs every page, so a page is as it was written or cannot be read at all: no row comes over half.

use super::audit::ChainKey;
use super::column::{payment_word, to_json};
use super::fault::Result;
use super::key::Secret;
use super::{aside, schema, schema_pages};
use crate::domain::attempt::PaymentState;
use crate::domain::reason::StaffReason;
use chrono::{Days, NaiveDate};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params_from_iter};
use std::fs;
use std::path::Path;

const FIRST: [&str; 5] = ["payments", "undos", "closings", "outbox", "numbers"];
/// The hospital tells them again.
const PULLED_ANEW: [&str; 2] = ["schedule", "schedule_marks"];
/// Rows that are asked for one by one behind one that cannot be read, before the steps grow: what lies on a page.
const PROBES_MAX: i64 = 60;
/// No kiosk gives so many numbers in a day, one visit after the other.
const NUMBERS_SKIPPED: u32 = 1_000;

/// In rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rescued {
    pub payments: u64,
    pub requests: u64,
    /// Of all tables. A place where a row may have been counts: nobody can tell any more.
    pub unread: u64,
    /// Not even its first page, nor the copy of that, could be read.
    pub nothing: bool,
}

/// `fresh` has no tables yet; it gets those of the damaged one's version, filled. `today` is what the clock says.
pub(super) fn rescue(folder: &Path, secret: &Secret, fresh: &mut Connection, today: NaiveDate) -> Result<Rescued> {
    let copy = aside::copy(folder);
    aside::remove(&copy)?;
    let rescued = copy_files(folder, &copy).map_err(|error| aside::cannot(&error)).and_then(|()| {
        let database = folder.join(aside::NAME);
        schema_pages::lengthen(&database, &copy).map_err(|error| aside::cannot(&error))?;
        let mut source = Source { path: &copy, secret, connection: None };
        // What was read while one of them was damaged is remembered damaged.
        let mut readable =
            (aside::exists(&copy) || aside::exists(&aside::beside(&copy, "-wal"))) && source.version().is_some();
        for first_too in [false, true] {
            if !readable
                && schema_pages::lay_over(&database, &copy, first_too).map_err(|error| aside::cannot(&error))?
            {
                readable = source.version().is_some();
            }
        }
        if !readable {
            schema::migrate_with(fresh, schema::STEPS, &ChainKey::of(secret))?;
            skip_numbers(fresh, today)?;
            return Ok(Rescued { nothing: true, ..Rescued::default() });
        }
        from_source(&mut source, fresh, today)
    });
    aside::remove(&copy)?;
    rescued
}

fn copy_files(folder: &Path, copy: &Path) -> std::io::Result<()> {
    let database = folder.join(aside::NAME);
    for ending in ["", "-wal"] {
        match fs::copy(aside::beside(&database, ending), aside::beside(copy, ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn from_source(source: &mut Source<'_>, fresh: &mut Connection, today: NaiveDate) -> Result<Rescued> {
    let steps = source.version().and_then(|version| usize::try_from(version).ok()).unwrap_or(usize::MAX);
    let key = ChainKey::of(source.secret);
    schema::migrate_with(fresh, &schema::STEPS[..steps.min(schema::STEPS.len())], &key)?;
    let mut rescued = Rescued::default();
    let mut numbers_unread = 0;
    for table in tables(fresh)? {
        let (read, unread) = source.take_over(&table, fresh)?;
        rescued.unread += unread;
        match table.as_str() {
            "payments" => rescued.payments = read,
            "outbox" => rescued.requests = read,
            "numbers" => numbers_unread = unread,
            _ => {}
        }
    }
    schema::migrate_with(fresh, schema::STEPS, &key)?;
    if numbers_unread > 0 {
        skip_numbers(fresh, today)?;
    }
    hand_to_staff_without_request(fresh)?;
    Ok(rescued)
}

fn tables(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rootpage",
    )?;
    let all = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let is_first = |name: &String| FIRST.contains(&name.as_str());
    let first = FIRST.iter().map(ToString::to_string).filter(|name| all.contains(name));
    let rest = all.iter().filter(|name| !is_first(name) && !PULLED_ANEW.contains(&name.as_str())).cloned();
    Ok(first.chain(rest).collect())
}

/// Which numbers were given today is lost, and by the clock of no zone do they begin again at one.
pub(super) fn skip_numbers(fresh: &Connection, today: NaiveDate) -> Result<()> {
    let days = [today.checked_sub_days(Days::new(1)), Some(today), today.checked_add_days(Days::new(1))];
    for day in days.into_iter().flatten() {
        fresh.execute(
            "INSERT INTO numbers (day, tickets, claims, attempts, turn) VALUES (?1, ?2, ?2, ?2, 0)
             ON CONFLICT (day) DO UPDATE SET tickets = tickets + ?2, claims = claims + ?2, attempts = attempts + ?2",
            rusqlite::params![day.to_string(), NUMBERS_SKIPPED],
        )?;
    }
    Ok(())
}

/// Paid, and the request that the hospital must get is gone: once staff say that it is paid, it is made and sent anew.
fn hand_to_staff_without_request(fresh: &Connection) -> Result<()> {
    fresh.execute(
        "UPDATE payments SET state = ?1, reason = ?2, staff_reason = ?3
         WHERE state = ?4 AND request_id NOT IN (SELECT id FROM outbox)",
        [
            payment_word(PaymentState::NeedsStaff),
            &StaffReason::RequestLost.to_string(),
            &to_json(&StaffReason::RequestLost)?,
            payment_word(PaymentState::Committed),
        ],
    )?;
    Ok(())
}

/// After a page that cannot be read `SQLCipher` refuses everything, so it is opened anew each time.
struct Source<'a> {
    path: &'a Path,
    secret: &'a Secret,
    connection: Option<Connection>,
}

type Found = Option<(i64, Vec<Value>)>;

impl Source<'_> {
    fn opened(&mut self) -> rusqlite::Result<&Connection> {
        if self.connection.is_none() {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(self.path, flags)?;
            connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
            self.secret.unlock(&connection)?;
            // Or a file that is shorter than it says cannot be read at all.
            connection.execute_batch("PRAGMA writable_schema = ON; PRAGMA temp_store = MEMORY")?;
            self.connection = Some(connection);
        }
        self.connection.as_ref().ok_or(rusqlite::Error::InvalidQuery)
    }

    fn ask<T>(&mut self, what: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let answer = self.opened().and_then(what);
        if answer.is_err() {
            self.connection = None;
        }
        answer.ok()
    }

    /// `None` if its first page cannot be read.
    fn version(&mut self) -> Option<i64> {
        self.ask(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
            schema::version(connection)
        })
    }

    /// How many rows came over, and how many places could not be read.
    fn take_over(&mut self, table: &str, fresh: &mut Connection) -> Result<(u64, u64)> {
        let columns = fresh.prepare(&format!("SELECT * FROM {table}"))?.column_count();
        let marks = vec!["?"; columns].join(", ");
        let insert = format!("INSERT OR IGNORE INTO {table} VALUES ({marks})");
        let top = self.top(table).unwrap_or(PROBES_MAX);
        let writing = fresh.transaction()?;
        let (mut read, mut unread, mut next) = (0, 0, i64::MIN);
        loop {
            let mut refused = None;
            let whole = self.rows_from(table, next, |row, values| {
                next = row.saturating_add(1);
                match writing.execute(&insert, params_from_iter(values)) {
                    Ok(written) => read += u64::from(written > 0),
                    Err(error) => refused = Some(error),
                }
            });
            if let Some(error) = refused {
                return Err(error.into());
            }
            if whole {
                break;
            }
            // One by one, until the first behind the damage is found; then in ever larger steps.
            next = next.max(1);
            let (mut probes, mut step) = (0, 1);
            let found = loop {
                if next > top {
                    break false;
                }
                match self.row_at(table, next) {
                    // Read from here on, not from the row before: the way there leads over the damaged page.
                    Some(Some(_)) => break true,
                    Some(None) => {}
                    None => unread += u64::try_from(step.min(top - next + 1)).unwrap_or(0),
                }
                probes += 1;
                if probes > PROBES_MAX {
                    step *= 2;
                }
                next += step;
            };
            if !found {
                // A tree whose upper page is gone tells nothing of what was below.
                unread += u64::from(unread == 0);
                break;
            }
        }
        writing.commit()?;
        Ok((read, unread))
    }

    /// The last row that there may be, if that can be told.
    fn top(&mut self, table: &str) -> Option<i64> {
        let by_row = self.ask(|connection| {
            connection.query_row(&format!("SELECT max(rowid) FROM {table}"), [], |row| row.get::<_, Option<i64>>(0))
        });
        let by_sequence = self.ask(|connection| {
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
            connection.query_row(sql, [table], |row| row.get::<_, i64>(0)).optional()
        });
        by_row.flatten().max(by_sequence.flatten())
    }

    fn row_at(&mut self, table: &str, row: i64) -> Option<Found> {
        let sql = format!("SELECT rowid, * FROM {table} WHERE rowid = ?1");
        self.ask(|connection| connection.query_row(&sql, [row], values).optional())
    }

    /// Up to the first that cannot be read; false if there was one.
    fn rows_from(&mut self, table: &str, first: i64, mut each: impl FnMut(i64, Vec<Value>)) -> bool {
        let sql = format!("SELECT rowid, * FROM {table} WHERE rowid >= ?1 ORDER BY rowid");
        self.ask(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([first])?;
            while let Some(row) = rows.next()? {
                let (row, values) = values(row)?;
                each(row, values);
            }
            Ok(())
        })
        .is_some()
    }
}

fn values(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Vec<Value>)> {
    let columns = row.as_ref().column_count();
    let values = (1..columns).map(|column| row.get::<_, Value>(column)).collect::<rusqlite::Result<Vec<_>>>()?;
    Ok((row.get(0)?, values))
}
