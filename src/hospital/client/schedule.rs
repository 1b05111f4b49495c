//! The hospital's day for the cache: all of it, or what changed since the last pull (FHIR R4, `_lastUpdated`, 3.1.1.4.2).
//!
//! An appointment that was moved to another day is no longer found among today's, so a second question asks for whatever
//! changed, of any day, and takes nothing of it but where it is now. A page is read and let go: 15,000 appointments never
//! lie in memory as JSON.

use super::super::unhurried::unhurried;
use super::super::wire;
use super::Client;
use super::http::{HttpAnswer, Trouble};
use super::look_up::relative;
use crate::config;
use crate::domain::facility::Facility;
use crate::domain::patient::{Appointment, Patient};
use crate::ports::ScheduleNews;
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::PoisonError;

const PAGE_ROWS: &str = "200";
/// A hospital's day: 40,000 appointments.
const PAGES_MAX: usize = 200;
/// What changes between two pulls; with more of it the whole day costs less.
const CHANGED_PAGES_MAX: usize = 25;
/// Patients fetched one by one where the server does not include them.
const SINGLE_PATIENTS_MAX: usize = 500;
/// A change may be stamped before it can be seen, and a cluster has several clocks.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// How a walk through pages ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walked {
    ToTheEnd,
    TooMuch,
    /// The server does not take the question.
    Refused,
}

/// A day while it is read.
struct Day {
    date: NaiveDate,
    rows: Vec<(Patient, Appointment)>,
    gone: Vec<String>,
    patients: BTreeMap<String, Option<Patient>>,
    singles: usize,
}

impl Day {
    fn new(day: NaiveDate) -> Self {
        Self { date: day, rows: Vec::new(), gone: Vec::new(), patients: BTreeMap::new(), singles: 0 }
    }
}

impl Client {
    pub(super) async fn schedule_news(&self, day: NaiveDate, mark: Option<&str>) -> Result<ScheduleNews, String> {
        let news = self.read_schedule(day, mark).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).schedule_at_s = Some(Utc::now().timestamp());
        Ok(news)
    }

    async fn read_schedule(&self, day: NaiveDate, mark: Option<&str>) -> Result<ScheduleNews, String> {
        let began = Utc::now();
        if let Some(mark) = mark
            && let Some(news) = self.changed(day, mark).await?
        {
            return Ok(ScheduleNews { mark: self.mark(began), ..news });
        }
        let mut found = Day::new(day);
        let (from, until) = self.bounds(day);
        let query =
            [("date", from.as_str()), ("date", &until), ("_count", PAGE_ROWS), ("_include", "Appointment:patient")];
        match self.walk(&query, PAGES_MAX, &mut found, None).await? {
            Walked::ToTheEnd => {}
            Walked::TooMuch => {
                tracing::warn!("today's schedule has more pages than this kiosk reads: some of it is missing offline");
            }
            Walked::Refused => return Err("the server does not tell today's appointments".to_owned()),
        }
        // Refused or too much a moment ago: the next pull is whole again.
        let next = if mark.is_some() { None } else { self.mark(began) };
        Ok(ScheduleNews { whole: true, rows: found.rows, gone: Vec::new(), mark: next })
    }

    /// In the server's own time, where it tells it.
    fn mark(&self, began: DateTime<Utc>) -> Option<String> {
        let skew = TimeDelta::seconds(self.http.skew.seconds()?);
        Some((began + skew - OVERLAP).to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    /// `None` if the server cannot tell what changed.
    async fn changed(&self, day: NaiveDate, mark: &str) -> Result<Option<ScheduleNews>, String> {
        let Ok(since) = DateTime::parse_from_rfc3339(mark) else { return Ok(None) };
        let (from, until) = self.bounds(day);
        let after = format!("ge{mark}");
        let mut found = Day::new(day);
        let todays = [
            ("date", from.as_str()),
            ("date", &until),
            ("_lastUpdated", &after),
            ("_count", PAGE_ROWS),
            ("_include", "Appointment:patient"),
        ];
        let anys = [("_lastUpdated", after.as_str()), ("_elements", "id,meta,status,start"), ("_count", PAGE_ROWS)];
        let since = since.to_utc();
        if self.walk(&todays, CHANGED_PAGES_MAX, &mut found, Some(since)).await? != Walked::ToTheEnd {
            return Ok(None);
        }
        let mut elsewhere = Vec::new();
        if self.walk_elsewhere(&anys, day, &mut elsewhere, since).await? != Walked::ToTheEnd {
            return Ok(None);
        }
        found.gone.append(&mut elsewhere);
        Ok(Some(ScheduleNews { whole: false, rows: found.rows, gone: found.gone, mark: None }))
    }

    /// Reads page after page into `found`. `since`: older resources show that the server ignored the question.
    async fn walk(
        &self,
        query: &[(&str, &str)],
        pages_max: usize,
        found: &mut Day,
        since: Option<DateTime<Utc>>,
    ) -> Result<Walked, String> {
        let mut answer = self.http.get("Appointment", query, self.send_timeout()).await;
        for _ in 0..pages_max {
            let Some(page) = page(answer)? else { return Ok(Walked::Refused) };
            let Some(read) = self.read_page(page, since).await? else { return Ok(Walked::Refused) };
            let next = read.next.clone();
            self.take(read, found).await?;
            let Some(link) = next else { return Ok(Walked::ToTheEnd) };
            answer = self.http.get_page(&link, self.send_timeout()).await;
        }
        Ok(Walked::TooMuch)
    }

    /// `None` if not all of it changed `since` then.
    async fn read_page(&self, page: Value, since: Option<DateTime<Utc>>) -> Result<Option<Page>, String> {
        let (settings, facility) = (self.settings.clone(), self.facility.clone());
        let read = move || {
            let asked = since.is_none_or(|since| all_changed_since(&page, since));
            asked.then(|| Page::read(&page, &settings, &facility))
        };
        unhurried(read).await.ok_or_else(|| "a page of the schedule could not be read".to_owned())
    }

    async fn walk_elsewhere(
        &self,
        query: &[(&str, &str)],
        day: NaiveDate,
        elsewhere: &mut Vec<String>,
        since: DateTime<Utc>,
    ) -> Result<Walked, String> {
        let mut answer = self.http.get("Appointment", query, self.send_timeout()).await;
        for _ in 0..CHANGED_PAGES_MAX {
            let Some(page) = page(answer)? else { return Ok(Walked::Refused) };
            if !all_changed_since(&page, since) {
                return Ok(Walked::Refused);
            }
            let moved = |appointment: &&Value| {
                let start = appointment["start"].as_str().and_then(|start| DateTime::parse_from_rfc3339(start).ok());
                let today = start.is_some_and(|at| at.with_timezone(&self.facility.offset).date_naive() == day);
                !today || appointment["status"] == "entered-in-error"
            };
            elsewhere.extend(wire::bundle_entries(&page, "Appointment").filter(moved).filter_map(reference));
            let Some(link) = wire::next_page(&page) else { return Ok(Walked::ToTheEnd) };
            answer = self.http.get_page(link, self.send_timeout()).await;
        }
        Ok(Walked::TooMuch)
    }

    async fn take(&self, page: Page, found: &mut Day) -> Result<(), String> {
        found.patients.extend(page.patients);
        for row in page.rows {
            match self.whose(&row, found).await? {
                Some(patient) => found.rows.extend(row.appointment.map(|appointment| (patient, appointment))),
                None => found.gone.extend(row.reference),
            }
        }
        Ok(())
    }

    /// `None` if it is nobody's, or not of this day.
    async fn whose(&self, row: &Row, found: &mut Day) -> Result<Option<Patient>, String> {
        let today = row.appointment.as_ref().is_some_and(|visit| visit.starts_at.date_naive() == found.date);
        let Some(reference) = row.patient.as_ref().filter(|_| today) else { return Ok(None) };
        if !found.patients.contains_key(reference) && found.singles < SINGLE_PATIENTS_MAX {
            found.singles += 1;
            let patient = self.patient_at(reference).await;
            found.patients.insert(
                reference.clone(),
                patient.map_err(|_| "a patient of the schedule could not be read".to_owned())?,
            );
        }
        Ok(found.patients.get(reference).cloned().flatten())
    }
}

/// What a page says.
struct Page {
    patients: BTreeMap<String, Option<Patient>>,
    rows: Vec<Row>,
    /// Where it goes on.
    next: Option<String>,
}

struct Row {
    /// The resource's own address.
    reference: Option<String>,
    appointment: Option<Appointment>,
    /// Whose it is.
    patient: Option<String>,
}

impl Page {
    fn read(page: &Value, settings: &config::Hospital, facility: &Facility) -> Self {
        let included =
            wire::bundle_entries(page, "Patient").filter_map(|patient| wire::read_patient(patient, settings));
        let row = |resource: &Value| Row {
            reference: reference(resource),
            appointment: wire::read_appointment(resource, settings, facility),
            patient: wire::reference_of_patient(resource).and_then(relative),
        };
        Self {
            patients: included.filter_map(|patient| Some((patient.server_ref.clone()?, Some(patient)))).collect(),
            rows: wire::bundle_entries(page, "Appointment").map(row).collect(),
            next: wire::next_page(page).map(str::to_owned),
        }
    }
}

/// `None` if the server does not take the question; trouble is an error.
fn page(answer: Result<HttpAnswer, Trouble>) -> Result<Option<Value>, String> {
    let answer = answer.map_err(|trouble| trouble.to_string())?;
    if answer.resource("Bundle").is_some() {
        return Ok(answer.json);
    }
    match answer.status {
        400 | 404 | 405 | 410 | 422 | 501 => Ok(None),
        status => Err(format!("the server answered {status}")),
    }
}

/// A server may ignore a parameter that it does not know (FHIR R4, 3.1.1.3) and answer with everything.
fn all_changed_since(page: &Value, since: DateTime<Utc>) -> bool {
    wire::bundle_entries(page, "Appointment").all(|appointment| {
        let changed = appointment["meta"]["lastUpdated"].as_str();
        changed.and_then(|at| DateTime::parse_from_rfc3339(at).ok()).is_some_and(|at| at >= since)
    })
}

fn reference(appointment: &Value) -> Option<String> {
    Some(format!("Appointment/{}", appointment["id"].as_str()?))
}
