//! The door of the staff area: a try counts before it is looked at, the machine waits longer after each wrong one, and a
//! person is locked after five.
//!
//! Nobody learns here which numbers are somebody's: a number that nobody has costs the same writes and the same hash as one
//! that somebody has, and is told in the same words. The trail does not keep what was typed for a number that nobody has: it
//! may be a PIN in the wrong place.

use super::column::{count, time_or_null};
use super::fault::{Result, other};
use crate::domain::person::{Insider, Role, StaffNumber};
use crate::domain::staff::{Gate, PIN_LOCK_MIN, PIN_TRIES_MAX, Pin, WAIT_MAX_S, WRONG_FORGOTTEN_MIN, wait_s};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use chrono::{DateTime, Duration, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// Of nobody: what a PIN is compared with where there is no person to compare it with. The same work as for a real one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(super) fn hash(pin: &Pin) -> Result<String> {
    let hashed = Argon2::default().hash_password(pin.digits());
    Ok(hashed.map_err(|error| other(format!("the PIN cannot be hashed: {error}")))?.to_string())
}

/// Of all who have tried.
#[derive(Default)]
struct Machine {
    /// Wrong tries in a row, some of them forgotten since.
    wrong: u32,
    wrong_at: Option<DateTime<FixedOffset>>,
    wait_until: Option<DateTime<FixedOffset>>,
    /// Wrong tries in a row of the PIN alone.
    without_number: u32,
}

impl Machine {
    fn read(connection: &Connection) -> Result<Self> {
        let row =
            connection.query_row("SELECT wrong, wrong_at, wait_until, without_number FROM staff_door", [], |row| {
                Ok(Self {
                    wrong: count(row, 0)?,
                    wrong_at: time_or_null(row, 1)?,
                    wait_until: time_or_null(row, 2)?,
                    without_number: count(row, 3)?,
                })
            });
        Ok(row.optional()?.unwrap_or_default())
    }

    /// A clock that was far ahead for a while makes no wait longer than any other ([`mend_locks`]).
    fn wait(&self, at: DateTime<FixedOffset>) -> Option<u32> {
        let left = self.wait_until?.signed_duration_since(at).num_milliseconds();
        let seconds = u32::try_from((left + 999) / 1000).unwrap_or(0).min(WAIT_MAX_S);
        (seconds > 0).then_some(seconds)
    }

    fn count(&mut self, alone: bool, at: DateTime<FixedOffset>) {
        let forgotten = self.wrong_at.map_or(0, |last| (at - last).num_minutes() / WRONG_FORGOTTEN_MIN);
        self.wrong = self.wrong.saturating_sub(u32::try_from(forgotten.max(0)).unwrap_or(u32::MAX)).saturating_add(1);
        self.wrong_at = Some(at);
        self.wait_until = Some(at + Duration::seconds(wait_s(self.wrong).into()));
        self.without_number = self.without_number.saturating_add(u32::from(alone));
    }

    fn keep(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        tx.execute(
            "INSERT INTO staff_door (only_row, wrong, wrong_at, wait_until, without_number) VALUES (1, ?1, ?2, ?3, ?4)
             ON CONFLICT (only_row) DO UPDATE SET wrong = excluded.wrong, wrong_at = excluded.wrong_at,
                 wait_until = excluded.wait_until, without_number = excluded.without_number",
            params![
                self.wrong,
                self.wrong_at.map(|at| at.to_rfc3339()),
                self.wait_until.map(|at| at.to_rfc3339()),
                self.without_number
            ],
        )?;
        Ok(())
    }
}

/// Whoever it was: what was wrong before is forgotten.
pub(super) fn open(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    Machine::default().keep(tx)
}

/// Somebody whose PIN may be tried.
struct Candidate {
    insider: Insider,
    hash: String,
    failures: u32,
    locked_until: Option<DateTime<FixedOffset>>,
}

impl Candidate {
    fn is_locked(&self, at: DateTime<FixedOffset>) -> bool {
        self.locked_until.is_some_and(|until| until > at)
    }
}

const CANDIDATE: &str = "SELECT number, role, pin_hash, failures, locked_until FROM persons
     WHERE removed_at IS NULL AND pin_hash IS NOT NULL";

fn candidate(row: &Row<'_>) -> rusqlite::Result<Option<Candidate>> {
    let (number, role): (String, String) = (row.get(0)?, row.get(1)?);
    let Some(insider) =
        StaffNumber::read(&number).zip(role.parse::<Role>().ok()).map(|(number, role)| Insider { number, role })
    else {
        return Ok(None);
    };
    let (hash, failures, locked_until) = (row.get(2)?, count(row, 3)?, time_or_null(row, 4)?);
    Ok(Some(Candidate { insider, hash, failures, locked_until }))
}

fn by_number(connection: &Connection, number: StaffNumber) -> Result<Option<Candidate>> {
    let sql = format!("{CANDIDATE} AND number = ?1");
    Ok(connection.query_row(&sql, [number.to_string()], candidate).optional()?.flatten())
}

/// At most two: more need not be told apart.
fn candidates(connection: &Connection) -> Result<Vec<Candidate>> {
    let mut statement = connection.prepare(&format!("{CANDIDATE} LIMIT 2"))?;
    let found = statement.query_map([], candidate)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// What is asked for.
pub(super) fn gate(connection: &Connection) -> Result<Gate> {
    let machine = Machine::read(connection)?;
    Ok(asked(candidates(connection)?.len(), &machine))
}

const fn asked(persons: usize, machine: &Machine) -> Gate {
    match persons {
        0 => Gate::NoPin,
        1 if machine.without_number < PIN_TRIES_MAX => Gate::Closed,
        1 => Gate::Number { after_wrong: true },
        _ => Gate::Number { after_wrong: false },
    }
}

/// A try on its way.
pub(super) struct Try {
    /// Whose PIN it is to be; `None`: nobody's, or somebody's who is locked.
    whose: Option<(Insider, String)>,
    /// What to say if it is wrong.
    pub gate: Gate,
    /// The same for the trail.
    pub words: String,
    /// Whose number was named, if it is somebody's.
    pub about: Option<StaffNumber>,
}

pub(super) enum Begun {
    /// Not counted.
    Refused(Gate),
    Counted(Try),
}

/// Counted as if it were wrong before it is looked at: a power cut in the middle of a try does not give it back.
pub(super) fn begin(
    tx: &Transaction<'_>,
    number: Option<StaffNumber>,
    is_inside: bool,
    at: DateTime<FixedOffset>,
) -> Result<Begun> {
    let mut machine = Machine::read(tx)?;
    let persons = candidates(tx)?;
    let asked = asked(persons.len(), &machine);
    if asked == Gate::NoPin || number.is_none() && asked != Gate::Closed {
        return Ok(Begun::Refused(asked));
    }
    if let Some(seconds) = machine.wait(at) {
        return Ok(Begun::Refused(Gate::Wait { seconds }));
    }
    machine.count(number.is_none(), at);
    machine.keep(tx)?;
    let Some(number) = number else {
        let left = PIN_TRIES_MAX.saturating_sub(machine.without_number);
        return Ok(Begun::Counted(Try {
            whose: persons.into_iter().next().map(|only| (only.insider, only.hash)),
            gate: if left == 0 { Gate::Number { after_wrong: true } } else { Gate::Wrong { tries_left: left } },
            words: format!("wrong ({})", machine.without_number),
            about: None,
        }));
    };
    let found = by_number(tx, number)?;
    let locked = found.as_ref().is_some_and(|found| found.is_locked(at));
    let failures = found.as_ref().map_or(0, |found| found.failures).saturating_add(1);
    let until = (failures >= PIN_TRIES_MAX).then(|| at + Duration::minutes(PIN_LOCK_MIN));
    // A number that nobody has is written to as well, and a locked one stays locked as long as it was to be.
    tx.execute(
        "UPDATE persons SET failures = ?2, locked_until = ?3 WHERE number = ?1 AND removed_at IS NULL AND NOT ?4",
        params![number.to_string(), failures, until.map(|until| until.to_rfc3339()), locked],
    )?;
    Ok(Begun::Counted(Try {
        gate: match until {
            _ if !is_inside => Gate::Refused,
            Some(until) => Gate::Locked { until },
            None => Gate::Wrong { tries_left: PIN_TRIES_MAX.saturating_sub(failures) },
        },
        words: match (&found, locked, until) {
            (None, ..) => "no such number".to_owned(),
            (_, true, _) => "locked".to_owned(),
            (_, _, Some(_)) => format!("wrong ({failures}), locked"),
            (_, _, None) => format!("wrong ({failures})"),
        },
        about: found.as_ref().map(|found| found.insider.number),
        whose: found.filter(|_| !locked).map(|found| (found.insider, found.hash)),
    }))
}

impl Try {
    /// Slow on purpose. Who it is.
    pub fn look(&self, pin: &Pin) -> Result<Option<Insider>> {
        let hash = self.whose.as_ref().map_or(NOBODY, |(_, hash)| hash.as_str());
        let hash = PasswordHash::new(hash)
            .map_err(|_| other("the stored PIN cannot be read: set a new one with `kiosk staff pin`"))?;
        let right = Argon2::default().verify_password(pin.digits(), &hash).is_ok();
        Ok(self.whose.as_ref().map(|(insider, _)| *insider).filter(|_| right))
    }

    /// It was right. `hash` may have changed meanwhile, and then nothing is unlocked.
    pub fn passed(&self, tx: &Transaction<'_>, at: DateTime<FixedOffset>) -> Result<()> {
        let Some((insider, hash)) = &self.whose else { return Ok(()) };
        tx.execute(
            "UPDATE persons SET failures = 0, locked_until = NULL, last_log_in = ?3 WHERE number = ?1 AND pin_hash = ?2",
            params![insider.number.to_string(), hash, at.to_rfc3339()],
        )?;
        Ok(open(tx)?)
    }
}

/// The clock was moved, and with it what was to end by it.
pub(super) fn move_along(tx: &Transaction<'_>, by: Duration) -> Result<()> {
    let moved = |at: DateTime<FixedOffset>| at.checked_add_signed(by).unwrap_or(at);
    let machine = Machine::read(tx)?;
    let (wrong_at, wait_until) = (machine.wrong_at.map(moved), machine.wait_until.map(moved));
    Machine { wrong_at, wait_until, ..machine }.keep(tx)?;
    let mut locked = tx.prepare("SELECT number, locked_until FROM persons WHERE locked_until IS NOT NULL")?;
    let rows = locked.query_map([], |row| Ok((row.get::<_, String>(0)?, time_or_null(row, 1)?)))?;
    for row in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let (number, until) = (row.0, row.1.map(|until| moved(until).to_rfc3339()));
        tx.execute("UPDATE persons SET locked_until = ?2 WHERE number = ?1", params![number, until])?;
    }
    Ok(())
}

/// A lock or a wait made when the clock was far ahead lasts as long as any other from now on.
pub(super) fn mend_locks(tx: &Transaction<'_>, at: DateTime<FixedOffset>) -> rusqlite::Result<usize> {
    let longest_wait = at + Duration::seconds(WAIT_MAX_S.into());
    tx.execute(
        "UPDATE staff_door SET wait_until = ?1 WHERE unixepoch(wait_until) > ?2",
        params![longest_wait.to_rfc3339(), longest_wait.timestamp()],
    )?;
    let longest = at + Duration::minutes(PIN_LOCK_MIN);
    tx.execute(
        "UPDATE persons SET locked_until = ?1 WHERE unixepoch(locked_until) > ?2",
        params![longest.to_rfc3339(), longest.timestamp()],
    )
}
