//! What a page of a search says (FHIR R4, 3.1.1.3). Three results are never mixed: nothing matches, what matches cannot be
//! read, and what matches.

use super::read::is_resource;
use serde_json::Value;
use std::collections::BTreeSet;

/// One page.
pub struct Found<'a> {
    /// Of the type that was asked for, each id once: a server may list one resource several times.
    pub matches: Vec<&'a Value>,
    /// Patients that came along with what matches.
    pub included: Vec<&'a Value>,
    /// Matches that cannot be read, and errors that the server put among its results: with any of them what is not there
    /// is not known to be nowhere.
    pub unreadable: usize,
    /// Of them, errors, and a list that does not tell where it goes on: they say nothing of what was asked for.
    pub errors: usize,
    pub next: Option<Next>,
    /// As the server counts what matches, on all pages.
    pub total: Option<u64>,
}

/// Where a search goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// As the server wrote it.
    pub link: String,
    /// The base that the server believes to have, where it shows it: behind a proxy it is often not the one outside.
    pub inner_base: Option<String>,
}

impl<'a> Found<'a> {
    #[must_use]
    pub fn read(bundle: &'a Value, name: &str) -> Self {
        let mut found = Self {
            matches: Vec::new(),
            included: Vec::new(),
            // It may go on somewhere.
            unreadable: usize::from(hides_next(bundle)),
            errors: usize::from(hides_next(bundle)),
            next: next(bundle, name),
            total: super::primitive::whole(&bundle["total"]),
        };
        let mut ids = BTreeSet::new();
        match &bundle["entry"] {
            Value::Null => {}
            Value::Array(entries) => entries.iter().for_each(|entry| found.take(entry, name, &mut ids)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => found.unreadable += 1,
        }
        found
    }

    fn take(&mut self, entry: &'a Value, name: &str, ids: &mut BTreeSet<&'a str>) {
        let (resource, mode) = (&entry["resource"], entry["search"]["mode"].as_str());
        if is_resource(resource, "OperationOutcome") {
            self.unreadable += usize::from(is_error(resource));
            self.errors += usize::from(is_error(resource));
        } else if resource.is_null() {
            // An entry that says it is an outcome and holds none tells nothing; any other hides a match.
            self.unreadable += usize::from(mode != Some("outcome"));
        } else if mode == Some("include") || (mode.is_none() && name != "Patient" && is_resource(resource, "Patient")) {
            self.included.push(resource);
        } else if !is_resource(resource, name) {
            self.unreadable += 1;
        } else if resource["id"].as_str().is_none_or(|id| ids.insert(id)) {
            self.matches.push(resource);
        }
    }

    /// Nothing is there, and yet the server counts something.
    #[must_use]
    pub fn hides_all(&self) -> bool {
        self.matches.is_empty()
            && self.unreadable == 0
            && self.next.is_none()
            && self.total.is_some_and(|total| total > 0)
    }
}

/// Warnings and hints are no reason to doubt the answer.
fn is_error(outcome: &Value) -> bool {
    let issues = outcome["issue"].as_array().map_or(&[][..], Vec::as_slice);
    issues.iter().any(|issue| matches!(issue["severity"].as_str(), Some("fatal" | "error")))
}

fn next(bundle: &Value, name: &str) -> Option<Next> {
    let link = linked(bundle, "next")?.to_owned();
    let by_self = linked(bundle, "self").and_then(|url| link_base(url, name));
    let inner_base = by_self.or_else(|| bundle["entry"].as_array()?.iter().find_map(full_url_base));
    Some(Next { link, inner_base })
}

/// Its links are no list, or where it goes on is no text.
fn hides_next(bundle: &Value) -> bool {
    match &bundle["link"] {
        Value::Null => false,
        Value::Array(links) => links.iter().any(|link| link["relation"] == "next" && !link["url"].is_string()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => true,
    }
}

fn linked<'a>(bundle: &'a Value, relation: &str) -> Option<&'a str> {
    let links = bundle["link"].as_array()?;
    let url = links.iter().find(|link| link["relation"] == relation)?["url"].as_str()?.trim();
    (!url.is_empty()).then_some(url)
}

/// `http://inner/fhir/Appointment?date=…` is below `http://inner/fhir/`.
fn link_base(url: &str, name: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let at = path.rfind(&format!("/{name}"))?;
    let after = &path[at + 1 + name.len()..];
    (after.is_empty() || after.starts_with('/')).then(|| path[..=at].to_owned())
}

/// `http://inner/fhir/Appointment/7` too.
fn full_url_base(entry: &Value) -> Option<String> {
    let (url, resource) = (entry["fullUrl"].as_str()?, &entry["resource"]);
    let end = format!("{}/{}", resource["resourceType"].as_str()?, resource["id"].as_str()?);
    url.strip_suffix(&end).filter(|base| base.ends_with('/')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(kind: &str, id: &str, mode: Option<&str>) -> Value {
        let mut entry = json!({"resource": {"resourceType": kind, "id": id}});
        if let Some(mode) = mode {
            entry["search"] = json!({"mode": mode});
        }
        entry
    }

    fn outcome(severity: &str) -> Value {
        let issue = json!([{"severity": severity, "code": "processing"}]);
        json!({"resource": {"resourceType": "OperationOutcome", "issue": issue}, "search": {"mode": "outcome"}})
    }

    /// Matches, included, unreadable.
    fn counts(entries: &Value, name: &str) -> (usize, usize, usize) {
        let bundle = json!({"resourceType": "Bundle", "entry": entries});
        let found = Found::read(&bundle, name);
        (found.matches.len(), found.included.len(), found.unreadable)
    }

    #[test]
    fn nothing_unreadable_and_something_are_told_apart() {
        let patient = || entry("Patient", "1", Some("match"));
        for (what, entries, told) in [
            ("no entries", Value::Null, (0, 0, 0)),
            ("an empty list", json!([]), (0, 0, 0)),
            ("one", json!([patient()]), (1, 0, 0)),
            ("one without a mode", json!([entry("Patient", "1", None)]), (1, 0, 0)),
            ("one, twice", json!([patient(), patient()]), (1, 0, 0)),
            ("two", json!([patient(), entry("Patient", "2", Some("match"))]), (2, 0, 0)),
            ("a warning beside it", json!([outcome("warning"), patient()]), (1, 0, 0)),
            ("a hint alone", json!([outcome("information")]), (0, 0, 0)),
            ("an error alone", json!([outcome("error")]), (0, 0, 1)),
            ("a fatal error", json!([outcome("fatal")]), (0, 0, 1)),
            ("a wrong type", json!([entry("Basic", "1", Some("match"))]), (0, 0, 1)),
            ("a wrong type without a mode", json!([entry("Basic", "1", None)]), (0, 0, 1)),
            ("a match without its resource", json!([{"fullUrl": "x", "search": {"mode": "match"}}]), (0, 0, 1)),
            ("an outcome without its resource", json!([{"search": {"mode": "outcome"}}]), (0, 0, 0)),
            ("no object", json!(["Patient/1", null, 7]), (0, 0, 3)),
            ("an object for a list", json!({"resource": {}}), (0, 0, 1)),
        ] {
            assert_eq!(counts(&entries, "Patient"), told, "{what}");
        }
    }

    #[test]
    fn what_came_along_is_no_match() {
        let appointment = entry("Appointment", "1", Some("match"));
        let along = json!([appointment, entry("Patient", "1", Some("include")), entry("Patient", "2", None)]);
        assert_eq!(counts(&along, "Appointment"), (1, 2, 0));
        let wrong = json!([entry("Patient", "1", Some("match"))]);
        assert_eq!(counts(&wrong, "Appointment"), (0, 0, 1));
    }

    #[test]
    fn a_count_without_entries_hides_them() {
        for (bundle, hides) in [
            (json!({"total": 1}), true),
            (json!({"total": 1.0, "entry": []}), true),
            (json!({"total": 0}), false),
            (json!({}), false),
            (json!({"total": 1, "entry": [entry("Patient", "1", None)]}), false),
            (json!({"total": 1, "link": [{"relation": "next", "url": "?page=2"}]}), false),
        ] {
            assert_eq!(Found::read(&bundle, "Patient").hides_all(), hides, "{bundle}");
        }
    }

    #[test]
    fn the_servers_own_base_is_seen_where_it_shows_it() {
        let next = json!({"relation": "next", "url": "http://inner:8080/fhir?_getpages=1"});
        let own = json!({"relation": "self", "url": "http://inner:8080/fhir/Appointment?date=x/Appointment"});
        let entry = json!([{"fullUrl": "http://inner:8080/fhir/Appointment/7", "resource": {"resourceType": "Appointment", "id": "7"}}]);
        for (bundle, base) in [
            (json!({"link": [own, next]}), Some("http://inner:8080/fhir/")),
            (json!({"link": [next], "entry": entry}), Some("http://inner:8080/fhir/")),
            (json!({"link": [next]}), None),
            (json!({"link": [next], "entry": [{"fullUrl": "urn:uuid:1", "resource": {}}]}), None),
        ] {
            let found = Found::read(&bundle, "Appointment").next.unwrap();
            assert_eq!(
                (found.link.as_str(), found.inner_base.as_deref()),
                ("http://inner:8080/fhir?_getpages=1", base)
            );
        }
        let none = json!({"link": [{"relation": "next", "url": ""}]});
        assert_eq!(Found::read(&none, "Appointment").next, None);
    }
}
