//! What the kiosk reads: bundles, patients, appointments, quotes. Everything may be missing; nothing is trusted.

use super::{ARRIVED_AT, IDENTITY_VERIFIED_ON, KIOSK_CODES, SITE};
use crate::config::Hospital;
use crate::domain::facility::Facility;
use crate::domain::language::{Language, LocalText};
use crate::domain::patient::{Appointment, AppointmentState, BirthDate, Patient, PatientNumber, mask_name};
use chrono::{DateTime, FixedOffset, NaiveDate, Timelike};
use serde_json::Value;

/// Standard extension that holds a text in another language.
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";

#[must_use]
pub fn is_resource(value: &Value, name: &str) -> bool {
    value["resourceType"] == name
}

/// Resources of one type in a search result; outcomes and other included types are left out.
pub fn bundle_entries<'a>(bundle: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    bundle["entry"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| &entry["resource"])
        .filter(move |resource| is_resource(resource, name))
}

/// Where the next page of a search is.
#[must_use]
pub fn next_page(bundle: &Value) -> Option<&str> {
    bundle["link"].as_array()?.iter().find(|link| link["relation"] == "next")?["url"].as_str()
}

#[must_use]
pub fn first_identifier<'a>(resource: &'a Value, system: &str) -> Option<&'a str> {
    resource["identifier"].as_array()?.iter().find(|identifier| identifier["system"] == system)?["value"].as_str()
}

/// Servers that do not know a search parameter may ignore it and answer with everything: look again.
#[must_use]
pub fn matches_identifier(resource: &Value, system: &str, value: &str) -> bool {
    resource["identifier"].as_array().is_some_and(|list| {
        list.iter().any(|identifier| identifier["system"] == system && identifier["value"] == value)
    })
}

/// A reference into the bundle it came in is left in it: the entry it points to was not kept (R4 http 3.1.0.11.2).
#[must_use]
pub fn points_into_its_bundle(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, inner)| match inner.as_str() {
            Some(text) => name == "reference" && text.starts_with("urn:uuid:"),
            None => points_into_its_bundle(inner),
        }),
        Value::Array(items) => items.iter().any(points_into_its_bundle),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// `Patient/7`, also where the server answers with absolute or versioned references.
#[must_use]
pub fn same_reference(found: &str, wanted: &str) -> bool {
    let found = found.split("/_history/").next().unwrap_or(found);
    found == wanted || found.strip_suffix(wanted).is_some_and(|before| before.ends_with('/'))
}

fn extension<'a>(resource: &'a Value, url: &str) -> Option<&'a Value> {
    resource["extension"].as_array()?.iter().find(|extension| extension["url"] == url)
}

/// The patient, if this is one of ours with a number and a full birth date. Only the masked name leaves this function.
#[must_use]
pub fn read_patient(resource: &Value, settings: &Hospital) -> Option<Patient> {
    if !is_resource(resource, "Patient") || resource["active"] == false {
        return None;
    }
    let birth_date = resource["birthDate"].as_str()?.parse::<NaiveDate>().ok()?;
    let verified = extension(resource, IDENTITY_VERIFIED_ON).and_then(|extension| extension["valueDate"].as_str());
    Some(Patient {
        number: PatientNumber(first_identifier(resource, &settings.patient_system)?.to_owned()),
        birth_date: BirthDate(birth_date),
        masked_name: mask_name(&full_name(resource)),
        server_ref: Some(format!("Patient/{}", resource["id"].as_str()?)),
        offline: false,
        identity_verified_on: verified.and_then(|date| date.parse().ok()),
    })
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

/// The reference to the patient among an appointment's participants.
#[must_use]
pub fn reference_of_patient(appointment: &Value) -> Option<&str> {
    participants(appointment).filter_map(|participant| participant["actor"]["reference"].as_str()).find(|reference| {
        let mut parts = reference.split("/_history/").next().unwrap_or(reference).rsplit('/');
        parts.next().is_some() && parts.next() == Some("Patient")
    })
}

fn participants(appointment: &Value) -> impl Iterator<Item = &Value> {
    appointment["participant"].as_array().into_iter().flatten()
}

/// The appointment in the hospital's time; `None` if it lacks an id or a start, or was entered in error.
#[must_use]
pub fn read_appointment(resource: &Value, settings: &Hospital, facility: &Facility) -> Option<Appointment> {
    if !is_resource(resource, "Appointment") || resource["status"] == "entered-in-error" {
        return None;
    }
    let starts_at = DateTime::parse_from_rfc3339(resource["start"].as_str()?).ok()?.with_timezone(&facility.offset);
    let spoken = resource["language"].as_str().and_then(language).unwrap_or(facility.desk_language);
    Some(Appointment {
        server_ref: format!("Appointment/{}", resource["id"].as_str()?),
        slip: first_identifier(resource, &settings.slip_system).map(str::to_owned),
        version: resource["meta"]["versionId"].as_str().unwrap_or_default().to_owned(),
        starts_at,
        clinic: clinic(resource, spoken),
        place: place(resource, spoken, facility),
        state: state(resource, facility.offset),
        referral_or_emergency: came_with_referral(resource),
        other_site: is_other_site(resource, facility),
    })
}

fn state(resource: &Value, offset: FixedOffset) -> AppointmentState {
    match resource["status"].as_str() {
        Some("booked") => AppointmentState::Booked,
        Some("arrived" | "checked-in" | "fulfilled") => {
            AppointmentState::Arrived { at_minute: arrived_minute(resource, offset) }
        }
        Some("cancelled") => AppointmentState::Cancelled,
        _ => AppointmentState::Other,
    }
}

fn arrived_minute(resource: &Value, offset: FixedOffset) -> Option<u16> {
    let told = extension(resource, ARRIVED_AT).and_then(|extension| extension["valueDateTime"].as_str());
    let at = DateTime::parse_from_rfc3339(told.or_else(|| resource["meta"]["lastUpdated"].as_str())?)
        .ok()?
        .with_timezone(&offset);
    u16::try_from(at.hour() * 60 + at.minute()).ok()
}

fn came_with_referral(resource: &Value) -> bool {
    let emergency = |coding: &Value| coding["code"] == "EMERGENCY";
    resource["basedOn"].as_array().is_some_and(|list| !list.is_empty())
        || resource["appointmentType"]["coding"].as_array().is_some_and(|codings| codings.iter().any(emergency))
}

fn is_other_site(resource: &Value, facility: &Facility) -> bool {
    let Some(site) = extension(resource, SITE).and_then(|extension| extension["valueString"].as_str()) else {
        return false;
    };
    !facility.name.0.values().chain(facility.short_name.0.values()).any(|name| name == site)
}

/// Service type as the hospital writes it, else the description.
fn clinic(resource: &Value, spoken: Language) -> LocalText {
    let concept = &resource["serviceType"][0];
    let named = local_text(concept, "text", spoken);
    let named = if named.0.is_empty() { local_text(&concept["coding"][0], "display", spoken) } else { named };
    if named.0.is_empty() { local_text(resource, "description", spoken) } else { named }
}

/// The location's name; a location named like one of our desks is that desk, in every language we have.
fn place(resource: &Value, spoken: Language, facility: &Facility) -> LocalText {
    let is_location = |actor: &&Value| {
        actor["type"] == "Location"
            || actor["reference"].as_str().is_some_and(|reference| reference.contains("Location/"))
    };
    let Some(actor) = participants(resource).map(|participant| &participant["actor"]).find(is_location) else {
        return LocalText::default();
    };
    let desk = actor["identifier"]["value"].as_str().and_then(|key| facility.desks.get(key));
    desk.map_or_else(|| local_text(actor, "display", spoken), |desk| desk.name.clone())
}

/// A string element with its translations (standard extension on `_<element>`).
#[must_use]
pub fn local_text(element: &Value, name: &str, spoken: Language) -> LocalText {
    let mut text = LocalText::default();
    if let Some(plain) = element[name].as_str() {
        text.0.insert(spoken, plain.to_owned());
    }
    let translations = element[format!("_{name}")]["extension"].as_array();
    for translation in translations.into_iter().flatten().filter(|extension| extension["url"] == TRANSLATION) {
        let Some(parts) = translation["extension"].as_array() else { continue };
        let part = |url: &str| parts.iter().find(|part| part["url"] == url);
        let told = part("lang").and_then(|part| part["valueCode"].as_str()).and_then(language);
        let content =
            part("content").and_then(|part| part["valueString"].as_str().or_else(|| part["valueMarkdown"].as_str()));
        if let (Some(told), Some(content)) = (told, content) {
            text.0.insert(told, content.to_owned());
        }
    }
    text
}

/// `en`, `en-US`; `zh-Hans` is our `zh`.
fn language(code: &str) -> Option<Language> {
    Language::from_code(code.split('-').next().unwrap_or(code))
}

/// Pages that the hospital quoted, once they are there.
#[must_use]
pub fn pages_of(task: &Value) -> Option<u32> {
    let is_pages = |output: &&Value| {
        let kind = &output["type"];
        kind["text"] == "pages" || kind["coding"].as_array().is_some_and(|list| list.iter().any(is_pages_code))
    };
    let output = task["output"].as_array()?.iter().find(is_pages)?;
    let number = ["valueInteger", "valuePositiveInt", "valueUnsignedInt", "valueDecimal"]
        .iter()
        .find_map(|name| output[name].as_u64());
    u32::try_from(number.or_else(|| output["valueQuantity"]["value"].as_u64())?)
        .ok()
        .filter(|pages| (1..=PAGES_MAX).contains(pages))
}

/// A quote beyond this is a mistake, not a record.
const PAGES_MAX: u32 = 20_000;

fn is_pages_code(coding: &Value) -> bool {
    coding["code"] == "pages" && (coding["system"] == KIOSK_CODES || coding["system"].is_null())
}

/// The hospital will not answer it any more.
#[must_use]
pub fn quote_is_over(task: &Value) -> bool {
    matches!(task["status"].as_str(), Some("rejected" | "cancelled" | "failed" | "completed" | "entered-in-error"))
}
