//! A Patient resource as the kiosk reads it: in use, out of use, or not to be read.

use super::IDENTITY_VERIFIED_ON;
use super::primitive::{cut, id};
use super::read::{extension, hides_identifier, is_resource, relative};
use crate::config::Hospital;
use crate::domain::patient::{BirthDate, Patient, PatientNumber, mask_name};
use chrono::NaiveDate;
use serde_json::Value;

/// What a Patient resource turned out to be.
#[derive(Clone, PartialEq, Eq)]
pub enum Record {
    InUse(Person),
    /// `active` is false, or another record has taken its place (`link.type` `replaced-by`: it must no longer be used, R4
    /// 8.1.10).
    OutOfUse {
        person: Person,
        /// The record that is used instead.
        instead: Option<String>,
    },
    /// It is no Patient, has no id, or no whole birth date: nobody can say whether it is the one that was asked for.
    Unreadable,
}

/// Only the masked name leaves the resource.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    pub server_ref: String,
    /// Every number the hospital ever gave, an old one too (`use` is not asked): a merged record keeps the other's.
    pub numbers: Vec<String>,
    pub birth_date: BirthDate,
    pub masked_name: String,
    pub identity_verified_on: Option<NaiveDate>,
    /// Another record is the main one (`link.type` `refer`).
    pub main: Option<String>,
}

impl Person {
    /// As the one who has this number, whichever of theirs it is.
    #[must_use]
    pub fn with_number(&self, number: &str) -> Patient {
        Patient {
            number: PatientNumber(number.to_owned()),
            birth_date: self.birth_date,
            masked_name: self.masked_name.clone(),
            server_ref: Some(self.server_ref.clone()),
            offline: false,
            identity_verified_on: self.identity_verified_on,
        }
    }
}

#[must_use]
pub fn read_record(resource: &Value, settings: &Hospital) -> Record {
    let has_links = resource["link"].is_null() || resource["link"].is_array();
    let Some(person) = person(resource, settings).filter(|_| has_links) else { return Record::Unreadable };
    let instead = linked(resource, "replaced-by");
    match (&resource["active"], instead) {
        (_, Some(reference)) => Record::OutOfUse { person, instead: relative(reference) },
        (Value::Bool(false), None) => Record::OutOfUse { person, instead: None },
        (Value::Bool(true) | Value::Null, None) => Record::InUse(person),
        (Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_), None) => Record::Unreadable,
    }
}

fn person(resource: &Value, settings: &Hospital) -> Option<Person> {
    if !is_resource(resource, "Patient") || hides_identifier(resource, &settings.patient_system) {
        return None;
    }
    let verified = extension(resource, IDENTITY_VERIFIED_ON).and_then(|extension| extension["valueDate"].as_str());
    Some(Person {
        server_ref: format!("Patient/{}", id(&resource["id"])?),
        numbers: numbers(resource, &settings.patient_system)?,
        birth_date: BirthDate(resource["birthDate"].as_str()?.parse().ok()?),
        masked_name: mask_name(&cut(&full_name(resource))),
        identity_verified_on: verified.and_then(|date| date.parse().ok()),
        main: linked(resource, "refer").and_then(relative),
    })
}

/// More numbers than that no merged record has.
const NUMBERS_MAX: usize = 50;

/// `None` if the list is none.
fn numbers(resource: &Value, system: &str) -> Option<Vec<String>> {
    let identifiers: &[Value] = match &resource["identifier"] {
        Value::Null => &[],
        identifiers => identifiers.as_array()?.as_slice(),
    };
    let mut numbers: Vec<String> = Vec::new();
    for number in identifiers.iter().filter(|identifier| identifier["system"] == system) {
        let number = id(&number["value"]).unwrap_or_default();
        let room = numbers.len() < NUMBERS_MAX;
        if room && !number.is_empty() && !numbers.iter().any(|known| known == number) {
            numbers.push(number.to_owned());
        }
    }
    Some(numbers)
}

/// Where the first link of this kind leads; empty if it leads nowhere.
fn linked<'a>(resource: &'a Value, kind: &str) -> Option<&'a str> {
    let link = resource["link"].as_array()?.iter().find(|link| link["type"] == kind)?;
    Some(link["other"]["reference"].as_str().unwrap_or_default())
}

/// The official name, else the usual, else the first; Korean names run together, others get a space.
fn full_name(patient: &Value) -> String {
    let Some(names) = patient["name"].as_array() else { return String::new() };
    let used = |kind: &str| names.iter().find(|name| name["use"] == kind);
    let Some(name) = used("official").or_else(|| used("usual")).or_else(|| names.first()) else { return String::new() };
    if let Some(text) = name["text"].as_str() {
        return text.to_owned();
    }
    let family = name["family"].as_str().unwrap_or_default();
    let given: Vec<&str> = name["given"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if family.is_ascii() { format!("{} {family}", given.join(" ")) } else { format!("{family} {}", given.join(" ")) }
}
