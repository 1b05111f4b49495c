//! Look-ups and quotes. Any trouble is `Unreachable`: the caller then tries the cache. A wrong birth date and an
//! unknown number are the same answer.

use super::super::wire;
use super::Client;
use super::http::{HttpAnswer, Trouble};
use crate::domain::document::OrderItem;
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::session::Reply;
use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// One patient's day.
const PAGES_MAX: usize = 5;
const QUOTE_POLL: Duration = Duration::from_millis(500);

impl Client {
    pub(super) async fn find_patient(&self, number: &PatientNumber, birth_date: BirthDate) -> Reply {
        match self.patients_with(number).await {
            Ok(patients) => {
                let mut matching = patients.into_iter().filter(|patient| patient.birth_date == birth_date);
                match (matching.next(), matching.next()) {
                    (Some(patient), None) => Reply::Found(Box::new(patient)),
                    // Two records under one number: people must look, nothing is guessed.
                    _ => Reply::NotFound,
                }
            }
            Err(Lost) => Reply::Unreachable,
        }
    }

    /// By number only: servers need not search by birth date, and it stays out of one more message.
    async fn patients_with(&self, number: &PatientNumber) -> Result<Vec<Patient>, Lost> {
        let token = format!("{}|{}", self.settings.patient_system, number.0);
        let answer = self.http.search("Patient", &[("identifier", &token)], self.look_up_timeout()).await;
        let bundle = resource(answer, "Bundle")?;
        let named = |patient: &&Value| wire::matches_identifier(patient, &self.settings.patient_system, &number.0);
        Ok(wire::bundle_entries(&bundle, "Patient")
            .filter(named)
            .filter_map(|patient| wire::read_patient(patient, &self.settings))
            .collect())
    }

    pub(super) async fn appointments(&self, patient: &Patient) -> Reply {
        match self.todays_appointments(patient).await {
            Ok(list) => Reply::Appointments { offline: false, list },
            Err(Lost) => Reply::Unreachable,
        }
    }

    async fn todays_appointments(&self, patient: &Patient) -> Result<Vec<Appointment>, Lost> {
        let Some(reference) = self.server_ref(patient).await? else { return Ok(Vec::new()) };
        let day = self.clock.now().wall.with_timezone(&self.facility.offset).date_naive();
        let (from, until) = self.bounds(day);
        let query = [("patient", reference.as_str()), ("date", &from), ("date", &until), ("_count", "50")];
        let bundles = self.pages("Appointment", &query, PAGES_MAX, self.look_up_timeout()).await?;
        let own = |appointment: &&Value| {
            wire::reference_of_patient(appointment).is_some_and(|found| wire::same_reference(found, &reference))
        };
        let mut list: Vec<Appointment> = bundles
            .iter()
            .flat_map(|bundle| wire::bundle_entries(bundle, "Appointment"))
            .filter(own)
            .filter_map(|appointment| wire::read_appointment(appointment, &self.settings, &self.facility))
            .filter(|appointment| appointment.starts_at.date_naive() == day)
            .collect();
        list.sort_by_key(|appointment| appointment.starts_at);
        Ok(list)
    }

    /// Somebody found in the cache is looked up again, now that there is a server.
    async fn server_ref(&self, patient: &Patient) -> Result<Option<String>, Lost> {
        if patient.server_ref.is_some() {
            return Ok(patient.server_ref.clone());
        }
        let mut found = self.patients_with(&patient.number).await?.into_iter();
        Ok(found.find(|found| found.birth_date == patient.birth_date).and_then(|found| found.server_ref))
    }

    /// Always with the zone: a bare date means the server's own day.
    pub(super) fn bounds(&self, day: NaiveDate) -> (String, String) {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_local_timezone(self.facility.offset).single();
        let text = |at: Option<DateTime<FixedOffset>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        (format!("ge{}", text(midnight(day))), format!("lt{}", text(midnight(next))))
    }

    async fn pages(
        &self,
        name: &str,
        query: &[(&str, &str)],
        pages_max: usize,
        timeout: Duration,
    ) -> Result<Vec<Value>, Lost> {
        let mut bundles = vec![resource(self.http.get(name, query, timeout).await, "Bundle")?];
        while bundles.len() < pages_max {
            let Some(link) = bundles.last().and_then(wire::next_page).map(str::to_owned) else { break };
            bundles.push(resource(self.http.get_page(&link, timeout).await, "Bundle")?);
        }
        Ok(bundles)
    }

    pub(super) async fn slip(&self, code: &str) -> Reply {
        match self.appointment_of_slip(code).await {
            Ok(Some((patient, appointment))) => {
                Reply::Slip { patient: Box::new(patient), appointment: Box::new(appointment) }
            }
            Ok(None) => Reply::NotFound,
            Err(Lost) => Reply::Unreachable,
        }
    }

    /// Where a number was used again, today's appointment is meant.
    async fn appointment_of_slip(&self, code: &str) -> Result<Option<(Patient, Appointment)>, Lost> {
        let token = format!("{}|{code}", self.settings.slip_system);
        let bundles = self
            .pages("Appointment", &[("identifier", &token), ("_count", "50")], PAGES_MAX, self.look_up_timeout())
            .await?;
        let today = self.clock.now().wall.with_timezone(&self.facility.offset).date_naive();
        let mut found: Vec<(&Value, Appointment)> = bundles
            .iter()
            .flat_map(|bundle| wire::bundle_entries(bundle, "Appointment"))
            .filter(|appointment| wire::matches_identifier(appointment, &self.settings.slip_system, code))
            .filter_map(|appointment| {
                Some((appointment, wire::read_appointment(appointment, &self.settings, &self.facility)?))
            })
            .collect();
        found.sort_by_key(|(_, appointment)| appointment.starts_at.date_naive() != today);
        let Some((resource, appointment)) = found.into_iter().next() else { return Ok(None) };
        let Some(reference) = wire::reference_of_patient(resource) else { return Ok(None) };
        Ok(self.patient_at(reference).await?.map(|patient| (patient, appointment)))
    }

    pub(super) async fn patient_at(&self, reference: &str) -> Result<Option<Patient>, Lost> {
        let answer = self.http.get(reference, &[], self.look_up_timeout()).await;
        if matches!(&answer, Ok(answer) if matches!(answer.status, 404 | 410)) {
            return Ok(None);
        }
        Ok(wire::read_patient(&resource(answer, "Patient")?, &self.settings))
    }

    pub(super) async fn quote(&self, patient: &Patient, item: &OrderItem) -> Reply {
        let deadline = Instant::now() + Duration::from_millis(self.settings.quote_timeout_ms);
        let not_quoted = || Reply::NotQuoted { code: item.code.clone() };
        match tokio::time::timeout_at(deadline, self.quoted_pages(patient, item)).await {
            Ok(Ok(Some(pages))) => Reply::Quoted { code: item.code.clone(), pages },
            Ok(Ok(None)) | Err(_) => not_quoted(),
            Ok(Err(Lost)) => Reply::Unreachable,
        }
    }

    /// `None` when the hospital said no. A poll that fails is only a poll: the next may do.
    async fn quoted_pages(&self, patient: &Patient, item: &OrderItem) -> Result<Option<u32>, Lost> {
        let moment = self.clock.now();
        let id = moment.fresh_id("document-quote");
        let task = wire::quote_task(id, patient, item, &self.settings, &moment.wall);
        let body = serde_json::to_vec(&task).map_err(|_| Lost)?;
        let once = format!("identifier={}", wire::encode(&format!("{}/quote|{id}", self.settings.request_system)));
        let answer = self.http.create_once("Task", body, &once, self.look_up_timeout()).await.map_err(lost)?;
        let Some(path) = created_path(&answer) else { return Err(Lost) };
        loop {
            tokio::time::sleep(QUOTE_POLL).await;
            let Ok(answer) = self.http.get(&path, &[], self.look_up_timeout()).await else { continue };
            let Some(task) = answer.resource("Task") else { continue };
            if let Some(pages) = wire::pages_of(task) {
                return Ok(Some(pages));
            }
            if wire::quote_is_over(task) {
                return Ok(None);
            }
        }
    }
}

/// Server or network trouble; the details are in no one's interest but the log's, and there they were written.
pub(super) struct Lost;

fn lost(trouble: Trouble) -> Lost {
    tracing::info!(%trouble, "look-up");
    Lost
}

fn resource(answer: Result<HttpAnswer, Trouble>, name: &str) -> Result<Value, Lost> {
    let answer = answer.map_err(lost)?;
    if let Some(found) = answer.resource(name) {
        return Ok(found.clone());
    }
    tracing::info!(status = answer.status, wanted = name, "look-up: the server answered something else");
    Err(Lost)
}

/// Where the new Task is, whether the server answered with it or only with its address.
fn created_path(answer: &HttpAnswer) -> Option<String> {
    if !answer.is_success() {
        tracing::info!(status = answer.status, "a quote was refused");
        return None;
    }
    let from_body = answer.resource("Task").and_then(|task| task["id"].as_str()).map(|id| format!("Task/{id}"));
    from_body.or_else(|| relative(answer.location.as_deref()?))
}

/// `https://server/fhir/Patient/7/_history/2` is `Patient/7`.
pub(super) fn relative(reference: &str) -> Option<String> {
    let plain = reference.split("/_history/").next()?;
    let (rest, id) = plain.rsplit_once('/')?;
    let name = rest.rsplit('/').next()?;
    (!id.is_empty() && !name.is_empty()).then(|| format!("{name}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn references_become_relative() {
        for (reference, path) in [
            ("Patient/7", Some("Patient/7")),
            ("https://h.example/fhir/Patient/7/_history/2", Some("Patient/7")),
            ("urn:uuid:1", None),
            ("Patient/", None),
        ] {
            assert_eq!(relative(reference).as_deref(), path, "{reference}");
        }
    }
}
