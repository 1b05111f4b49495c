//! What staff have of the store: persons and their PINs, the trail, and the requests they have to look at.

use super::audit::{self, Walk};
use super::column::{id, json_or_null, queue_word, time};
use super::door::{self, Begun, Try};
use super::fault::{Result, refused};
use super::outbox::{IS_NEWS, NEWEST};
use super::{SqliteStore, give_way, look_ups, persons};
use crate::domain::outbox::QueueState;
use crate::domain::patient::PatientNumber;
use crate::domain::person::{Person, Role, StaffNumber, Who};
use crate::domain::reason::Undelivered;
use crate::domain::staff::{AuditEntry, Gate, LookUp, Noted, Parked, Pin, StaffAct};
use crate::domain::trail::{Anchor, TrailCheck, TrailHead};
use crate::ports::{AuditRow, StaffBook, Trail};
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use rusqlite::{Connection, Transaction, params};

/// Parked rows shown on the screen; all of them stand in `kiosk queue list`.
const PARKED_SHOWN_MAX: u32 = 100;
/// The person that `kiosk staff pin` makes where there is none, as the one PIN of older versions became one.
const FIRST_NAME: &str = "staff";

impl StaffBook for SqliteStore {
    fn gate(&self, at: DateTime<FixedOffset>) -> Result<Gate> {
        self.write(|tx| Ok(door::mend_locks(tx, self.as_clocks_show(at))?))?;
        door::gate(&self.connection())
    }

    fn try_pin(&self, number: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate> {
        self.try_as(StaffAct::LogIn, number, pin, at)
    }

    fn confirm_pin(&self, who: StaffNumber, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate> {
        self.try_as(StaffAct::ConfirmPin, Some(who), pin, at)
    }

    fn clock_moved(&self, by: TimeDelta) -> Result<()> {
        self.write(|tx| door::move_along(tx, by))
    }

    fn persons(&self) -> Result<Vec<Person>> {
        let mut persons = persons::all(&self.connection())?;
        for person in &mut persons {
            person.locked_until = person.locked_until.map(|until| self.as_told(until));
        }
        Ok(persons)
    }

    fn add_person(
        &self,
        name: &str,
        role: Role,
        number: Option<StaffNumber>,
        at: DateTime<FixedOffset>,
    ) -> Result<Person> {
        self.write(|tx| self.added(tx, name, role, number, at))
    }

    fn set_role(&self, whose: StaffNumber, role: Role, at: DateTime<FixedOffset>) -> Result<Person> {
        self.write(|tx| {
            let before = persons::find(tx, whose)?;
            persons::set_role(tx, whose, role, &Who::Shell.to_string(), self.as_clocks_show(at))?;
            self.about(tx, StaffAct::SetRole, whose, before.role.word(), role.word(), at)?;
            persons::find(tx, whose)
        })
    }

    fn remove_person(&self, whose: StaffNumber, at: DateTime<FixedOffset>) -> Result<()> {
        self.write(|tx| {
            let before = persons::find(tx, whose)?;
            persons::remove(tx, whose, self.as_clocks_show(at))?;
            self.about(tx, StaffAct::RemovePerson, whose, before.role.word(), "", at)
        })
    }

    fn set_pin(&self, whose: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Person> {
        let hash = door::hash(pin)?;
        self.write(|tx| {
            let person = match whose {
                Some(whose) => persons::find(tx, whose)?,
                None => self.only(tx, at)?,
            };
            persons::set_pin(tx, person.number, &hash, self.as_clocks_show(at))?;
            let was = if person.has_pin { "set" } else { "none" };
            self.about(tx, StaffAct::SetPin, person.number, was, "set", at)?;
            persons::find(tx, person.number)
        })
    }

    fn locked(&self, at: DateTime<FixedOffset>) -> Result<u64> {
        persons::locked(&self.connection(), at)
    }
}

impl Trail for SqliteStore {
    fn looked_up(&self, look_up: &LookUp, at: DateTime<FixedOffset>) -> Result<()> {
        let at = self.as_clocks_show(at);
        self.write(|tx| {
            look_ups::refuse_too_many(tx, at)?;
            let about = self.patients.mark(&look_up.whose);
            let entry = AuditEntry::new(Who::Patient, StaffAct::LookUp, about, look_up.words());
            self.append(tx, &entry, at)
        })
    }

    fn mark_of(&self, number: &PatientNumber) -> String {
        self.patients.mark(&number.0)
    }

    fn audit(&self, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<()> {
        self.write(|tx| self.append(tx, entry, at))
    }

    fn trail(&self, after: i64, from: Option<NaiveDate>, most: usize) -> Result<Vec<AuditRow>> {
        Ok(audit::rows(&self.connection(), after, from, most)?)
    }

    fn check_trail(&self, anchors: &[Anchor]) -> Result<TrailCheck> {
        let mut walk = Walk::begin(&self.connection(), &self.trail_key)?;
        while walk.step(&self.connection(), &self.trail_key)? {
            give_way();
        }
        let connection = self.connection();
        let own = audit::anchors(&connection)?;
        Ok(walk.end(&connection, anchors.iter().cloned().chain(own).collect())?)
    }

    fn trail_head(&self) -> Result<TrailHead> {
        Ok(audit::head(&self.connection())?)
    }

    fn last_anchor(&self) -> Result<Option<Anchor>> {
        Ok(audit::anchors(&self.connection())?.pop())
    }

    fn anchored(&self, head: &TrailHead, at: DateTime<FixedOffset>) -> Result<()> {
        self.write(|tx| audit::anchored(tx, head, self.as_clocks_show(at)))
    }
}

impl SqliteStore {
    pub(super) fn append(&self, tx: &Transaction<'_>, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<()> {
        let patient = entry.patient.as_ref().map(|number| self.patients.mark(&number.0));
        Ok(audit::append(tx, &self.trail_key, entry, patient.as_deref(), self.as_clocks_show(at))?)
    }

    /// An act of the shell about a person.
    fn about(
        &self,
        tx: &Transaction<'_>,
        act: StaffAct,
        whose: StaffNumber,
        was: &str,
        became: &str,
        at: DateTime<FixedOffset>,
    ) -> Result<()> {
        let entry = AuditEntry::new(Who::Shell, act, whose.to_string(), "ok").changing(was, became);
        self.append(tx, &entry, at)
    }

    fn added(
        &self,
        tx: &Transaction<'_>,
        name: &str,
        role: Role,
        number: Option<StaffNumber>,
        at: DateTime<FixedOffset>,
    ) -> Result<Person> {
        let number = persons::add(tx, name, role, number, &Who::Shell.to_string(), self.as_clocks_show(at))?;
        self.about(tx, StaffAct::AddPerson, number, "", role.word(), at)?;
        persons::find(tx, number)
    }

    /// The one person there is; the first, if there is none.
    fn only(&self, tx: &Transaction<'_>, at: DateTime<FixedOffset>) -> Result<Person> {
        let mut persons = persons::all(tx)?;
        persons.retain(|person| person.removed_at.is_none());
        match (persons.pop(), persons.len()) {
            (None, _) => self.added(tx, FIRST_NAME, Role::Technician, None, at),
            (Some(only), 0) => Ok(only),
            (Some(_), _) => Err(refused("there are several persons: say whose PIN, `kiosk staff pin NAME`")),
        }
    }

    fn try_as(&self, act: StaffAct, number: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate> {
        let is_inside = act == StaffAct::ConfirmPin;
        let tried: Try = match self.write(|tx| door::begin(tx, number, is_inside, at))? {
            Begun::Counted(tried) => tried,
            Begun::Refused(gate) => return Ok(gate),
        };
        // The store is free for others while the hash is computed.
        let insider = tried.look(pin)?;
        let about = tried.about.map(|number| number.to_string()).unwrap_or_default();
        self.write(|tx| {
            let entry = match insider {
                Some(insider) => {
                    tried.passed(tx, self.as_clocks_show(at))?;
                    AuditEntry::new(Who::Staff(insider.number), act, about, "ok")
                }
                None => AuditEntry::new(Who::Stranger, act, about, tried.words.as_str()),
            };
            self.append(tx, &entry, at)
        })?;
        Ok(insider.map_or(tried.gate, Gate::Open))
    }
}

pub(super) fn parked(connection: &Connection) -> Result<Vec<Parked>> {
    let mut parked = connection.prepare(
        "SELECT id, kind, queued_at, undelivered, in_part, note FROM outbox WHERE state = ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let rows = parked.query_map(params![queue_word(QueueState::Parked), PARKED_SHOWN_MAX], |row| {
        Ok(Parked {
            id: id(row, 0)?,
            kind: row.get(1)?,
            queued_at: time(row, 2)?,
            reason: json_or_null::<Undelivered>(row, 3)?.and_then(Undelivered::park_reason),
            in_part: json_or_null(row, 4)?,
            note: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn noted(connection: &Connection) -> Result<Vec<Noted>> {
    let mut noted = connection.prepare(&format!(
        "SELECT kind, delivered_at, told, note FROM
             (SELECT sequence, kind, delivered_at, told, note, closed_by_hand FROM outbox WHERE state = ?1
              ORDER BY sequence DESC LIMIT ?2)
         WHERE {IS_NEWS} AND delivered_at IS NOT NULL ORDER BY sequence DESC"
    ))?;
    let rows = noted.query_map(params![queue_word(QueueState::Sent), NEWEST], |row| {
        Ok(Noted { kind: row.get(0)?, delivered_at: time(row, 1)?, told: json_or_null(row, 2)?, note: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
