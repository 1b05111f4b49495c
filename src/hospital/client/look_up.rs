//! Look-ups and quotes. A server that is away is `Unreachable`: the caller then tries the cache. What cannot be read is
//! never taken for nobody. A wrong birth date and an unknown number are the same answer, and a record that cannot be read is
//! told as they are.

use super::super::wire::{self, Booking, Party, Person, Record};
use super::Client;
use super::http::HttpAnswer;
use super::search::{APPOINTMENT_ELEMENTS, Brought, PATIENT_ELEMENTS, Search, resource};
use super::trouble::Missing;
use crate::domain::document::OrderItem;
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::question::Reply;
use crate::domain::zone::Zone;
use chrono::{Days, NaiveDate};
use std::time::Duration;
use tokio::time::Instant;

const QUOTE_POLL: Duration = Duration::from_millis(500);
/// A record that took the place of one that took the place of another: merged more often, people look.
const REPLACED_MAX: usize = 3;

/// Why a question has no plain answer.
pub(super) enum Lost {
    /// The server is away.
    Away,
    /// It answered, and nothing is known by it.
    Unreadable,
    /// It has a record of the number asked for that cannot be read.
    Obscured,
    /// It knows more than one, or one that is out of use.
    Ambiguous,
}

impl From<Missing> for Lost {
    /// The details are in no one's interest but the log's.
    fn from(missing: Missing) -> Self {
        tracing::info!(%missing, "look-up");
        if missing.is_away() { Self::Away } else { Self::Unreadable }
    }
}

impl Lost {
    fn into_reply(self) -> Reply {
        match self {
            Self::Away => Reply::Unreachable,
            Self::Unreadable => Reply::Unreadable,
            Self::Obscured => Reply::Obscured,
            Self::Ambiguous => Reply::Ambiguous,
        }
    }
}

/// The records with a number, and how many of them cannot be read.
struct Records {
    in_use: Vec<Person>,
    /// With what took their place.
    out_of_use: Vec<(Person, Option<String>)>,
    unreadable: usize,
    /// The server says that something went wrong: that is of no number.
    errors: usize,
    cut: Option<Missing>,
}

impl Records {
    fn none(&self) -> Result<(), Lost> {
        certain(self.unreadable, self.cut).map_err(|lost| match lost {
            Lost::Unreadable if self.unreadable > 0 && self.errors == 0 => Lost::Obscured,
            lost @ (Lost::Unreadable | Lost::Obscured | Lost::Away | Lost::Ambiguous) => lost,
        })
    }
}

impl Client {
    pub(super) async fn find_patient(&self, number: &PatientNumber, birth_date: BirthDate) -> Reply {
        match self.patient_with(number, birth_date).await {
            Ok(Some(person)) => Reply::Found(Box::new(person.with_number(&number.0))),
            Ok(None) => Reply::NotFound,
            Err(lost) => lost.into_reply(),
        }
    }

    /// The one record with this number and birth date. The number is the one that was asked for, whichever of the record's.
    async fn patient_with(&self, number: &PatientNumber, birth_date: BirthDate) -> Result<Option<Person>, Lost> {
        let mut records = self.records_with(number).await?;
        records.in_use.retain(|person| person.birth_date == birth_date);
        records.out_of_use.retain(|(person, _)| person.birth_date == birth_date);
        let listed: Vec<String> = records.in_use.iter().map(|person| person.server_ref.clone()).collect();
        let is_aside = |person: &Person| person.main.as_ref().is_some_and(|main| listed.contains(main));
        // The main record is here too. Of records that refer to each other none is.
        if !records.in_use.iter().all(is_aside) {
            records.in_use.retain(|person| !is_aside(person));
        }
        match (records.in_use.len(), records.out_of_use.first()) {
            (1, _) => Ok(records.in_use.pop()),
            (0, None) => records.none().map(|()| None),
            (0, Some((_, instead))) => self.in_place_of(instead.as_deref(), birth_date).await.map(Some),
            (count, _) => {
                tracing::warn!(count, "look-up: one number and birth date are those of several records");
                Err(Lost::Ambiguous)
            }
        }
    }

    /// The record that must be used in lieu of another (R4 8.1.10), if it is the same person's.
    async fn in_place_of(&self, instead: Option<&str>, birth_date: BirthDate) -> Result<Person, Lost> {
        let mut reference = instead.map(str::to_owned);
        for _ in 0..REPLACED_MAX {
            let Some(at) = reference else { break };
            match self.record_at(&at).await? {
                Some(Record::InUse(person)) if person.birth_date == birth_date => return Ok(person),
                Some(Record::OutOfUse { instead, .. }) => reference = instead,
                Some(Record::InUse(_) | Record::Unreadable) | None => break,
            }
        }
        tracing::warn!("look-up: the only record of a number is out of use");
        Err(Lost::Ambiguous)
    }

    /// By number only: servers need not search by birth date, and it stays out of one more message.
    async fn records_with(&self, number: &PatientNumber) -> Result<Records, Lost> {
        let token = format!("{}|{}", self.settings.patient_system, number.0);
        let query = [("identifier", token.as_str())];
        let search = Search { name: "Patient", query: &query, elements: PATIENT_ELEMENTS, in_body: true };
        let brought = self.search(search, self.look_up_timeout()).await?;
        let Brought { unreadable, errors, cut, .. } = brought;
        let mut records = Records { in_use: Vec::new(), out_of_use: Vec::new(), unreadable, errors, cut };
        for resource in &brought.resources {
            match wire::read_record(resource, &self.settings) {
                Record::InUse(person) if person.numbers.contains(&number.0) => records.in_use.push(person),
                Record::OutOfUse { person, instead } if person.numbers.contains(&number.0) => {
                    records.out_of_use.push((person, instead));
                }
                // Servers that do not know a search parameter may ignore it and answer with everybody.
                Record::InUse(_) | Record::OutOfUse { .. } => {}
                Record::Unreadable => records.unreadable += usize::from(self.may_have(resource, &number.0)),
            }
        }
        Ok(records)
    }

    /// Identifiers that cannot be read may be any number.
    fn may_have(&self, patient: &serde_json::Value, number: &str) -> bool {
        let system = &self.settings.patient_system;
        wire::hides_identifier(patient, system) || wire::matches_identifier(patient, system, number)
    }

    /// Everybody in use who has the number, for the schedule.
    pub(super) async fn people_with(&self, number: &str) -> Result<Vec<Person>, Lost> {
        let records = self.records_with(&PatientNumber(number.to_owned())).await?;
        if records.in_use.is_empty() {
            records.none()?;
        }
        Ok(records.in_use)
    }

    pub(super) async fn appointments(&self, patient: &Patient) -> Reply {
        self.todays_appointments(patient).await.unwrap_or_else(Lost::into_reply)
    }

    async fn todays_appointments(&self, patient: &Patient) -> Result<Reply, Lost> {
        let reference = match &patient.server_ref {
            Some(reference) => reference.clone(),
            // Somebody found in the cache is looked up again, now that there is a server.
            None => match self.patient_with(&patient.number, patient.birth_date).await? {
                Some(person) => person.server_ref,
                None => return Ok(Reply::NotFound),
            },
        };
        let day = self.today();
        let (from, until) = self.bounds(day);
        let query = [("patient", reference.as_str()), ("date", &from), ("date", &until)];
        let search = Search { name: "Appointment", query: &query, elements: APPOINTMENT_ELEMENTS, in_body: false };
        let brought = self.search(search, self.look_up_timeout()).await?;
        let (mut list, mut unreadable) = (Vec::new(), brought.unreadable);
        for resource in &brought.resources {
            let parties = wire::patients_of(resource, &self.settings);
            let own = |party: &Party| match party {
                Party::At(path) => *path == reference,
                Party::Numbered(number) => *number == patient.number.0,
            };
            if parties.is_empty() {
                unreadable += 1;
            } else if parties.iter().any(own) {
                match wire::read_booking(resource, &self.settings, &self.facility.now()) {
                    Booking::Is(booking) if booking.starts_at.date_naive() == day => list.push(*booking),
                    Booking::Is(_) | Booking::Never => {}
                    Booking::Unreadable => unreadable += 1,
                }
            }
        }
        list.sort_by_key(|appointment| appointment.starts_at);
        listed(list, unreadable, &brought)
    }

    pub(super) fn today(&self) -> NaiveDate {
        self.facility.now().zone.at(&self.clock.now().wall).date_naive()
    }

    pub(super) fn bounds(&self, day: NaiveDate) -> (String, String) {
        bounds(&self.facility.now().zone, day)
    }

    pub(super) async fn slip(&self, code: &str) -> Reply {
        match self.appointment_of_slip(code).await {
            Ok(Some((patient, appointment))) => {
                Reply::Slip { patient: Box::new(patient), appointment: Box::new(appointment) }
            }
            Ok(None) => Reply::NotFound,
            Err(lost) => lost.into_reply(),
        }
    }

    /// Where a number was used again, today's appointment is meant.
    async fn appointment_of_slip(&self, code: &str) -> Result<Option<(Patient, Appointment)>, Lost> {
        let token = format!("{}|{code}", self.settings.slip_system);
        let query = [("identifier", token.as_str())];
        let search = Search { name: "Appointment", query: &query, elements: APPOINTMENT_ELEMENTS, in_body: false };
        let brought = self.search(search, self.look_up_timeout()).await?;
        let (mut found, mut unreadable) = (Vec::new(), brought.unreadable);
        for resource in &brought.resources {
            if wire::matches_identifier(resource, &self.settings.slip_system, code) {
                match wire::read_booking(resource, &self.settings, &self.facility.now()) {
                    Booking::Is(booking) => found.push((wire::patients_of(resource, &self.settings), *booking)),
                    Booking::Never => {}
                    Booking::Unreadable => unreadable += 1,
                }
            } else if wire::hides_identifier(resource, &self.settings.slip_system) {
                unreadable += 1;
            }
        }
        let today = self.today();
        let todays = found.iter().filter(|(_, booking)| booking.starts_at.date_naive() == today).count();
        if todays > 1 {
            tracing::warn!(todays, "look-up: one slip is that of several appointments of today");
            return Err(Lost::Ambiguous);
        }
        found.sort_by_key(|(_, booking)| booking.starts_at.date_naive() != today);
        if todays == 0 {
            certain(unreadable, brought.cut)?;
        }
        let Some((parties, booking)) = found.into_iter().next() else { return Ok(None) };
        Ok(Some((self.eldest_of(&parties).await?, booking)))
    }

    /// The slip of a mother and her child is held by the mother.
    async fn eldest_of(&self, parties: &[Party]) -> Result<Patient, Lost> {
        let mut people: Vec<Patient> = Vec::new();
        for party in parties {
            match party {
                Party::At(reference) => people.extend(self.person_at(reference).await?.as_ref().and_then(numbered)),
                Party::Numbered(number) => {
                    people.extend(self.people_with(number).await?.iter().map(|person| person.with_number(number)));
                }
            }
        }
        people.sort_by_key(|patient| patient.birth_date.0);
        // An appointment of nobody who is in use.
        people.into_iter().next().ok_or(Lost::Ambiguous)
    }

    /// Whoever is in use at this reference, or in its place.
    pub(super) async fn person_at(&self, reference: &str) -> Result<Option<Person>, Lost> {
        match self.record_at(reference).await? {
            Some(Record::InUse(person)) => Ok(Some(person)),
            Some(Record::OutOfUse { person, instead: Some(instead) }) => {
                self.in_place_of(Some(&instead), person.birth_date).await.map(Some)
            }
            Some(Record::OutOfUse { instead: None, .. }) | None => Ok(None),
            Some(Record::Unreadable) => Err(Lost::Unreadable),
        }
    }

    async fn record_at(&self, reference: &str) -> Result<Option<Record>, Lost> {
        let answer = self.read(reference, PATIENT_ELEMENTS, self.look_up_timeout()).await;
        if matches!(&answer, Ok(answer) if matches!(answer.status, 404 | 410) && !answer.is_page()) {
            return Ok(None);
        }
        let record = resource(answer, "Patient")?;
        if !is_at(&record, reference) {
            tracing::error!("the hospital answered with another record than the one that was asked for");
            return Err(Lost::Unreadable);
        }
        Ok(Some(wire::read_record(&record, &self.settings)))
    }

    pub(super) async fn quote(&self, patient: &Patient, item: &OrderItem) -> Reply {
        let deadline = Instant::now() + Duration::from_millis(self.settings.quote_timeout_ms);
        let not_quoted = || Reply::NotQuoted { code: item.code.clone() };
        match tokio::time::timeout_at(deadline, self.quoted_pages(patient, item)).await {
            Ok(Ok(Some(pages))) => Reply::Quoted { code: item.code.clone(), pages },
            Ok(Ok(None)) | Err(_) => not_quoted(),
            Ok(Err(lost)) => lost.into_reply(),
        }
    }

    /// `None` when the hospital said no. A poll that fails is only a poll: the next may do.
    async fn quoted_pages(&self, patient: &Patient, item: &OrderItem) -> Result<Option<u32>, Lost> {
        let moment = self.clock.now();
        let id = moment.fresh_id("document-quote");
        let task = wire::quote_task(id, patient, item, &self.settings, &moment.wall);
        let body = serde_json::to_vec(&task).map_err(|_| Lost::Unreadable)?;
        let once = format!("identifier={}", wire::encode(&format!("{}/quote|{id}", self.settings.request_system)));
        let answer = self.http.create_once("Task", body, &once, self.look_up_timeout()).await;
        let answer = answer.map_err(Missing::Trouble)?;
        let Some(path) = created_path(&answer) else { return Err(Missing::Status(answer.status).into()) };
        loop {
            tokio::time::sleep(QUOTE_POLL).await;
            let Ok(answer) = self.read(&path, "id,status,intent,output", self.look_up_timeout()).await else {
                continue;
            };
            let Some(task) = answer.resource("Task").filter(|task| is_at(task, &path)) else { continue };
            if let Some(pages) = wire::pages_of(task) {
                return Ok(Some(pages));
            }
            if wire::quote_is_over(task) {
                let told = task["output"].is_array();
                tracing::info!(told, "a quote ended without a number of pages that can be read");
                return Ok(None);
            }
        }
    }
}

/// What was listed, and whether it is all.
fn listed(list: Vec<Appointment>, unreadable: usize, brought: &Brought) -> Result<Reply, Lost> {
    if list.is_empty() {
        certain(unreadable, brought.cut)?;
    } else if unreadable > 0 {
        tracing::warn!(unreadable, "look-up: appointments of today cannot be read");
    }
    let complete = unreadable == 0 && brought.cut.is_none();
    Ok(Reply::Appointments { offline: false, list, complete })
}

/// Nothing was found: is that certain?
fn certain(unreadable: usize, cut: Option<Missing>) -> Result<(), Lost> {
    if let Some(missing) = cut {
        return Err(missing.into());
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, "look-up: what was found cannot be read");
        return Err(Lost::Unreadable);
    }
    Ok(())
}

/// By the first number of theirs: for a request it is one as good as another.
fn numbered(person: &Person) -> Option<Patient> {
    person.numbers.first().map(|number| person.with_number(number))
}

/// Where the new Task is, whether the server answered with it or only with its address.
fn created_path(answer: &HttpAnswer) -> Option<String> {
    if !answer.is_success() {
        tracing::info!(status = answer.status, "a quote was refused");
        return None;
    }
    let from_body = answer.resource("Task").and_then(|task| task["id"].as_str()).map(|id| format!("Task/{id}"));
    from_body.or_else(|| wire::relative(answer.location.as_deref()?))
}

/// A cache between us that takes one address for another must not make one patient another. `path` is relative, and may name
/// a version (R4 3.1.0.1.3).
fn is_at(resource: &serde_json::Value, path: &str) -> bool {
    let path = path.split_once("/_history/").map_or(path, |(path, _)| path);
    resource["id"].as_str().is_some_and(|id| path.rsplit('/').next() == Some(id))
}

/// Always with the offset, each border with its own: a bare date means the server's own day, and a day on which the clocks
/// change has 23 hours, or 25.
fn bounds(zone: &Zone, day: NaiveDate) -> (String, String) {
    let begins = |day: NaiveDate| zone.day_begins(day).to_rfc3339();
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    (format!("ge{}", begins(day)), format!("lt{}", begins(next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_border_of_a_day_has_its_own_offset() {
        for (zone, day, from, until) in [
            ("Asia/Seoul", "2026-11-25", "ge2026-11-25T00:00:00+09:00", "lt2026-11-26T00:00:00+09:00"),
            ("Europe/Berlin", "2026-03-29", "ge2026-03-29T00:00:00+01:00", "lt2026-03-30T00:00:00+02:00"),
            ("Europe/Berlin", "2026-10-25", "ge2026-10-25T00:00:00+02:00", "lt2026-10-26T00:00:00+01:00"),
            ("Australia/Lord_Howe", "2026-04-05", "ge2026-04-05T00:00:00+11:00", "lt2026-04-06T00:00:00+10:30"),
            ("America/Santiago", "2026-09-06", "ge2026-09-06T01:00:00-03:00", "lt2026-09-07T00:00:00-03:00"),
            ("America/Santiago", "2026-04-04", "ge2026-04-04T00:00:00-03:00", "lt2026-04-05T00:00:00-04:00"),
            ("Africa/Casablanca", "2026-02-15", "ge2026-02-15T00:00:00+01:00", "lt2026-02-16T00:00:00+00:00"),
        ] {
            let zone_of = Zone::named(zone).expect("a zone");
            let bounds = bounds(&zone_of, day.parse().expect("a day"));
            assert_eq!(bounds, (from.to_owned(), until.to_owned()), "{zone} {day}");
        }
    }
}
