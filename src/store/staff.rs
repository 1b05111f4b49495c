//! The staff's PIN: its Argon2id hash, and how often it was missed. And the requests they have to look at.

use super::column::{count, id, queue_word, time};
use super::fault::{Result, other};
use super::outbox::{NEWEST, closed_by_hand};
use super::{SqliteStore, audit};
use crate::domain::outbox::QueueState;
use crate::domain::staff::{AuditEntry, Gate, Noted, PIN_LOCK_MIN, PIN_TRIES_MAX, Parked, Pin, StaffAct};
use crate::ports::{AuditTrail, StaffBook};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use chrono::{DateTime, Duration, FixedOffset};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Parked rows shown on the screen; all of them stand in `kiosk queue list`.
const PARKED_SHOWN_MAX: u32 = 100;
const STAFF: &str = "staff";
const SHELL: &str = "shell";

struct Kept {
    hash: String,
    failures: u32,
    locked_until: Option<DateTime<FixedOffset>>,
}

impl Kept {
    /// The clock set back cannot shorten a lock, only lengthen it.
    fn gate(&self, at: DateTime<FixedOffset>) -> Gate {
        match self.locked_until {
            Some(until) if until > at => Gate::Locked { until: until.with_timezone(at.offset()) },
            Some(_) | None => Gate::Closed,
        }
    }
}

impl StaffBook for SqliteStore {
    fn gate(&self, at: DateTime<FixedOffset>) -> Result<Gate> {
        let Some(mut kept) = kept(&self.connection())? else { return Ok(Gate::NoPin) };
        // It was made when the clock was far ahead: from now on it lasts as long as any other.
        if let Some(until) = kept.locked_until.filter(|until| *until > locked_from(at)).map(|_| locked_from(at)) {
            self.write(|tx| Ok(tx.execute("UPDATE staff SET locked_until = ?1", [until.to_rfc3339()])?))?;
            kept.locked_until = Some(until);
        }
        Ok(kept.gate(at))
    }

    fn try_pin(&self, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate> {
        let (hash, failures, gate) = match self.write(|tx| begin_try(tx, at))? {
            Try::Counted { hash, failures, gate } => (hash, failures, gate),
            Try::Refused(gate) => return Ok(gate),
        };
        // The store is free for others while the hash is computed.
        let right = matches(&hash, pin)?;
        let result = match (right, gate) {
            (true, _) => "ok".to_owned(),
            (false, Gate::Locked { .. }) => format!("wrong ({failures}), locked"),
            (false, _) => format!("wrong ({failures})"),
        };
        self.write(|tx| {
            if right {
                tx.execute("UPDATE staff SET failures = 0, locked_until = NULL WHERE pin_hash = ?1", [&hash])?;
            }
            let entry = AuditEntry { act: StaffAct::LogIn, about: String::new(), result };
            audit::append(tx, STAFF, &entry, at)
        })?;
        Ok(if right { Gate::Open } else { gate })
    }

    fn set_pin(&self, pin: &Pin, at: DateTime<FixedOffset>) -> Result<()> {
        let hash = Argon2::default()
            .hash_password(pin.digits())
            .map_err(|error| other(format!("the PIN cannot be hashed: {error}")))?
            .to_string();
        self.write(|tx| {
            tx.execute(
                "INSERT INTO staff (only_row, pin_hash, set_at) VALUES (1, ?1, ?2) ON CONFLICT (only_row) DO UPDATE
                 SET pin_hash = excluded.pin_hash, set_at = excluded.set_at, failures = 0, locked_until = NULL",
                params![hash, at.to_rfc3339()],
            )?;
            let entry = AuditEntry { act: StaffAct::SetPin, about: String::new(), result: "ok".to_owned() };
            audit::append(tx, SHELL, &entry, at)
        })
    }

    fn parked(&self) -> Result<Vec<Parked>> {
        parked(&self.connection())
    }

    fn noted(&self) -> Result<Vec<Noted>> {
        noted(&self.connection())
    }

    fn audit(&self, who: &str, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<()> {
        self.write(|tx| audit::append(tx, who, entry, at))
    }

    fn trail(&self) -> Result<AuditTrail> {
        audit::all(&self.connection())
    }
}

fn kept(connection: &Connection) -> Result<Option<Kept>> {
    let row = connection.query_row("SELECT pin_hash, failures, locked_until FROM staff", [], |row| {
        let locked: Option<String> = row.get(2)?;
        Ok(Kept {
            hash: row.get(0)?,
            failures: count(row, 1)?,
            locked_until: if locked.is_some() { Some(time(row, 2)?) } else { None },
        })
    });
    Ok(row.optional()?)
}

fn locked_from(at: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
    at + Duration::minutes(PIN_LOCK_MIN)
}

enum Try {
    Refused(Gate),
    /// As if it were wrong; `gate` is what to say if it is.
    Counted {
        hash: String,
        failures: u32,
        gate: Gate,
    },
}

/// Counted before it is looked at: a power cut in the middle of a try does not give it back.
fn begin_try(tx: &Transaction<'_>, at: DateTime<FixedOffset>) -> Result<Try> {
    let Some(kept) = kept(tx)? else { return Ok(Try::Refused(Gate::NoPin)) };
    let locked = kept.gate(at);
    if locked != Gate::Closed {
        return Ok(Try::Refused(locked));
    }
    let failures = kept.failures.saturating_add(1);
    let until = (failures >= PIN_TRIES_MAX).then(|| locked_from(at));
    tx.execute(
        "UPDATE staff SET failures = ?1, locked_until = ?2",
        params![failures, until.map(|until| until.to_rfc3339())],
    )?;
    let tries_left = PIN_TRIES_MAX.saturating_sub(failures);
    let gate = until.map_or(Gate::Wrong { tries_left }, |until| Gate::Locked { until });
    Ok(Try::Counted { hash: kept.hash, failures, gate })
}

fn matches(hash: &str, pin: &Pin) -> Result<bool> {
    let hash = PasswordHash::new(hash)
        .map_err(|_| other("the stored PIN cannot be read: set a new one with `kiosk staff pin`"))?;
    Ok(Argon2::default().verify_password(pin.digits(), &hash).is_ok())
}

fn parked(connection: &Connection) -> Result<Vec<Parked>> {
    let mut parked = connection
        .prepare("SELECT id, kind, queued_at, note FROM outbox WHERE state = ?1 ORDER BY sequence LIMIT ?2")?;
    let rows = parked.query_map(params![queue_word(QueueState::Parked), PARKED_SHOWN_MAX], |row| {
        let note: Option<String> = row.get(3)?;
        Ok(Parked { id: id(row, 0)?, kind: row.get(1)?, queued_at: time(row, 2)?, note: note.unwrap_or_default() })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn noted(connection: &Connection) -> Result<Vec<Noted>> {
    let mut noted = connection.prepare(
        "SELECT kind, delivered_at, note FROM (SELECT sequence, kind, delivered_at, note FROM outbox WHERE state = ?1
             ORDER BY sequence DESC LIMIT ?2) WHERE note NOT LIKE ?3 AND delivered_at IS NOT NULL ORDER BY sequence DESC",
    )?;
    let rows = noted.query_map(params![queue_word(QueueState::Sent), NEWEST, closed_by_hand()], |row| {
        Ok(Noted { kind: row.get(0)?, delivered_at: time(row, 1)?, note: row.get(2)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
