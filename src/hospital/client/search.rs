//! Searches: as little as is needed is asked for (`_elements`, FHIR R4 3.1.1.5.8), page after page, and what comes is one of
//! three: matches, none, or something that cannot be read.

use super::super::wire::{Found, Next};
use super::Client;
use super::http::HttpAnswer;
use super::trouble::{Missing, is_away};
use crate::domain::reason::LineTrouble;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

/// What the kiosk reads of a patient, and what R4 makes mandatory or modifying.
pub(super) const PATIENT_ELEMENTS: &str = "id,meta,active,identifier,name,birthDate,link,extension";
/// The same of an appointment.
pub(super) const APPOINTMENT_ELEMENTS: &str = "id,meta,language,contained,extension,identifier,status,serviceType,appointmentType,description,basedOn,start,participant";

const ROWS: usize = 50;
/// One patient's day.
const PAGES_MAX: usize = 5;
/// However many a page brings.
const RESOURCES_MAX: usize = ROWS * PAGES_MAX;

/// A question for one type.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub name: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub elements: &'a str,
    /// In the body, so that no patient number gets into a server's access log.
    pub in_body: bool,
}

/// What came of it, each id once.
#[derive(Default)]
pub(super) struct Brought {
    pub resources: Vec<Value>,
    /// Matches that cannot be read.
    pub unreadable: usize,
    /// Of them, errors of the server.
    pub errors: usize,
    /// Why there may be more than what came.
    pub cut: Option<Missing>,
}

impl Brought {
    fn take(&mut self, page: &Value, search: Search<'_>, ids: &mut BTreeSet<String>) -> Option<Next> {
        let Search { name, elements, .. } = search;
        let found = Found::read(page, name);
        let first = self.resources.is_empty() && self.unreadable == 0;
        self.unreadable += found.unreadable + usize::from(first && found.hides_all());
        self.errors += found.errors;
        let before = self.resources.len();
        for resource in &found.matches {
            let id = resource["id"].as_str();
            if self.resources.len() < RESOURCES_MAX && id.is_none_or(|id| ids.insert(id.to_owned())) {
                self.resources.push(only(resource, elements));
            }
        }
        // A page of what was there already: the list goes round.
        let repeats = !found.matches.is_empty() && self.resources.len() == before;
        found.next.filter(|_| !repeats)
    }
}

impl Client {
    /// The pages of a search, with smaller ones where they are too large.
    pub(super) async fn search(&self, search: Search<'_>, timeout: Duration) -> Result<Brought, Missing> {
        let mut rows = ROWS;
        loop {
            match self.search_in(search, rows, timeout).await {
                Err(Missing::Trouble(LineTrouble::TooLarge)) if rows > 1 => rows /= 2,
                ended => return ended,
            }
        }
    }

    async fn search_in(&self, search: Search<'_>, rows: usize, timeout: Duration) -> Result<Brought, Missing> {
        let (mut brought, mut ids) = (Brought::default(), BTreeSet::new());
        let mut trail = self.http.trail(search.name);
        let mut answer = self.first_page(search, rows, timeout).await;
        for page in 0..PAGES_MAX {
            let bundle = match resource(answer, "Bundle") {
                Ok(bundle) => bundle,
                Err(missing) if page == 0 => return Err(missing),
                Err(missing) => {
                    brought.cut = Some(missing);
                    return Ok(brought);
                }
            };
            let Some(next) = brought.take(&bundle, search, &mut ids) else { return Ok(brought) };
            let Some(further) = self.http.get_page(&mut trail, &next, timeout).await else { return Ok(brought) };
            answer = further;
        }
        brought.cut = Some(Missing::Unreadable(200));
        Ok(brought)
    }

    /// Without `_elements` where the server does not take it.
    async fn first_page(&self, search: Search<'_>, rows: usize, timeout: Duration) -> Result<HttpAnswer, LineTrouble> {
        let rows = rows.to_string();
        let mut query = search.query.to_vec();
        query.push(("_count", &rows));
        let plain = query.clone();
        query.push(("_elements", search.elements));
        if self.refuses_elements() {
            return self.ask_page(search, &plain, timeout).await;
        }
        let answer = self.ask_page(search, &query, timeout).await?;
        if !is_refusal(&answer) {
            return Ok(answer);
        }
        let whole = self.ask_page(search, &plain, timeout).await?;
        self.note_refusal(answer.status, &whole);
        Ok(whole)
    }

    async fn ask_page(
        &self,
        search: Search<'_>,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        if search.in_body {
            self.http.search(search.name, query, timeout).await
        } else {
            self.http.get(search.name, query, timeout).await
        }
    }

    /// One resource, as much of it as is needed.
    pub(super) async fn read(&self, path: &str, elements: &str, timeout: Duration) -> Result<HttpAnswer, LineTrouble> {
        if self.refuses_elements() {
            return self.http.get(path, &[], timeout).await;
        }
        let answer = self.http.get(path, &[("_elements", elements)], timeout).await?;
        if !is_refusal(&answer) {
            return Ok(answer);
        }
        let whole = self.http.get(path, &[], timeout).await?;
        self.note_refusal(answer.status, &whole);
        Ok(whole)
    }

    fn refuses_elements(&self) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).refuses_elements
    }

    /// Refused with `_elements` and answered without: from now on whole resources are asked for.
    fn note_refusal(&self, status: u16, whole: &HttpAnswer) {
        if whole.is_success() {
            tracing::info!(status, "the hospital server refuses _elements: whole resources are asked for");
            self.known.lock().unwrap_or_else(PoisonError::into_inner).refuses_elements = true;
        }
    }
}

/// A server may ignore `_elements`, and a patient's record may hold pictures: what was not asked for is not kept.
fn only(resource: &Value, elements: &str) -> Value {
    let asked = |name: &str| {
        name == "resourceType" || elements.split(',').any(|element| name.trim_start_matches('_') == element)
    };
    let Value::Object(all) = resource else { return Value::Null };
    all.iter().filter(|(name, _)| asked(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_refusal(answer: &HttpAnswer) -> bool {
    matches!(answer.status, 400 | 422 | 501) && !answer.is_page()
}

/// The resource that was asked for.
pub(super) fn resource(answer: Result<HttpAnswer, LineTrouble>, name: &str) -> Result<Value, Missing> {
    let answer = answer.map_err(Missing::Trouble)?;
    if answer.resource(name).is_some() {
        return answer.json.ok_or(Missing::Unreadable(answer.status));
    }
    Err(match answer.status {
        status if answer.is_page() && !is_away(status) => Missing::Page(status),
        status @ 200..=299 => Missing::Unreadable(status),
        status => Missing::Status(status),
    })
}
