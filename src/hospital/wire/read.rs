//! What the kiosk reads: references, appointments, quotes. Everything may be missing; nothing is trusted.

use super::primitive::{ID_BYTES_MAX, cut, id, instant, whole};
use super::{ARRIVED_AT, KIOSK_CODES, SITE};
use crate::config::Hospital;
use crate::domain::facility::Facility;
use crate::domain::language::{Language, LocalText};
use crate::domain::patient::{Appointment, AppointmentState};
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset, Timelike};
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

/// Its identifiers in this system cannot all be read, so that it may have any: they are no list, or a value is no text.
#[must_use]
pub fn hides_identifier(resource: &Value, system: &str) -> bool {
    match &resource["identifier"] {
        Value::Null => false,
        Value::Array(list) => list.iter().any(|identifier| {
            let value = &identifier["value"];
            identifier["system"] == system && !value.is_string() && !value.is_null()
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => true,
    }
}

/// `meta.versionId`; a number for a text means nothing else.
#[must_use]
pub fn version_of(resource: &Value) -> Option<String> {
    match &resource["meta"]["versionId"] {
        Value::String(version) => Some(version.clone()).filter(|version| version.len() <= ID_BYTES_MAX),
        number @ Value::Number(_) => whole(number).map(|version| version.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
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

pub(super) fn extension<'a>(resource: &'a Value, url: &str) -> Option<&'a Value> {
    resource["extension"].as_array()?.iter().find(|extension| extension["url"] == url)
}

/// Whose an appointment is: one of its participants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// `Patient/7`.
    At(String),
    /// By the hospital's number alone: a logical reference (R4 2.3.0), or a Patient inside the appointment.
    Numbered(String),
}

/// A group is no larger; the rest of it goes to the desk.
const PARTIES_MAX: usize = 50;

/// Every patient of an appointment, each once: a mother and her child, a group.
#[must_use]
pub fn patients_of(appointment: &Value, settings: &Hospital) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    for actor in participants(appointment).map(|participant| &participant["actor"]) {
        if parties.len() == PARTIES_MAX {
            break;
        }
        let party = party(actor, appointment, &settings.patient_system);
        parties.extend(party.filter(|party| !parties.contains(party)));
    }
    parties
}

fn party(actor: &Value, appointment: &Value, system: &str) -> Option<Party> {
    let short = |number: &&str| number.len() <= ID_BYTES_MAX;
    let number =
        |of: &Value| first_identifier(of, system).filter(short).map(|number| Party::Numbered(number.to_owned()));
    match actor["reference"].as_str() {
        Some(reference) => match reference.strip_prefix('#') {
            Some(id) => {
                let mut inside = appointment["contained"].as_array().into_iter().flatten();
                inside.find(|patient| patient["id"] == id && is_resource(patient, "Patient")).and_then(number)
            }
            None => relative(reference).filter(|path| path.starts_with("Patient/")).map(Party::At),
        },
        None if actor["type"].as_str().is_none_or(|kind| kind == "Patient" || kind.ends_with("/Patient")) => {
            let identifier = &actor["identifier"];
            let known = id(&identifier["value"]).filter(|_| identifier["system"] == system);
            known.map(|number| Party::Numbered(number.to_owned()))
        }
        None => None,
    }
}

/// `https://server/fhir/Patient/7/_history/2` is `Patient/7`. `None` too where that is longer than any name of a resource.
#[must_use]
pub fn relative(reference: &str) -> Option<String> {
    let plain = reference.split("/_history/").next()?;
    let (rest, id) = plain.rsplit_once('/')?;
    let name = rest.rsplit('/').next()?;
    let short = name.len() + id.len() <= ID_BYTES_MAX;
    (!id.is_empty() && !name.is_empty() && short).then(|| format!("{name}/{id}"))
}

fn participants(appointment: &Value) -> impl Iterator<Item = &Value> {
    appointment["participant"].as_array().into_iter().flatten()
}

/// What an Appointment resource turned out to be.
pub enum Booking {
    Is(Box<Appointment>),
    /// It was entered in error: there never was one.
    Never,
    /// It has no id, no start or no status that can be read: it is there, and nobody can say when.
    Unreadable,
}

#[must_use]
pub fn read_booking(resource: &Value, settings: &Hospital, facility: &Facility) -> Booking {
    if resource["status"] == "entered-in-error" {
        return Booking::Never;
    }
    appointment(resource, settings, facility).map_or(Booking::Unreadable, |found| Booking::Is(Box::new(found)))
}

/// In the hospital's time.
fn appointment(resource: &Value, settings: &Hospital, facility: &Facility) -> Option<Appointment> {
    if !is_resource(resource, "Appointment") {
        return None;
    }
    let spoken = resource["language"].as_str().and_then(language).unwrap_or(facility.desk_language);
    Some(Appointment {
        server_ref: format!("Appointment/{}", id(&resource["id"])?),
        slip: first_identifier(resource, &settings.slip_system)
            .filter(|slip| slip.len() <= ID_BYTES_MAX)
            .map(str::to_owned),
        version: version_of(resource).unwrap_or_default(),
        starts_at: facility.zone.at(&start(resource)?),
        clinic: clinic(resource, spoken),
        place: place(resource, spoken, facility),
        state: state(resource, &facility.zone)?,
        referral_or_emergency: came_with_referral(resource),
        other_site: is_other_site(resource, facility),
    })
}

/// When an appointment begins.
#[must_use]
pub fn start(appointment: &Value) -> Option<DateTime<FixedOffset>> {
    instant(appointment["start"].as_str()?)
}

/// `None` if its status is none of R4's.
fn state(resource: &Value, zone: &Zone) -> Option<AppointmentState> {
    Some(match resource["status"].as_str()? {
        "booked" => AppointmentState::Booked,
        "arrived" | "checked-in" | "fulfilled" => {
            AppointmentState::Arrived { at_minute: arrived_minute(resource, zone) }
        }
        "cancelled" => AppointmentState::Cancelled,
        "proposed" | "pending" | "noshow" | "waitlist" => AppointmentState::Other,
        _ => return None,
    })
}

fn arrived_minute(resource: &Value, zone: &Zone) -> Option<u16> {
    let told = extension(resource, ARRIVED_AT).and_then(|extension| extension["valueDateTime"].as_str());
    let at = zone.at(&instant(told.or_else(|| resource["meta"]["lastUpdated"].as_str())?)?);
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
        text.0.insert(spoken, cut(plain));
    }
    let translations = element[format!("_{name}")]["extension"].as_array();
    for translation in translations.into_iter().flatten().filter(|extension| extension["url"] == TRANSLATION) {
        let Some(parts) = translation["extension"].as_array() else { continue };
        let part = |url: &str| parts.iter().find(|part| part["url"] == url);
        let told = part("lang").and_then(|part| part["valueCode"].as_str()).and_then(language);
        let content =
            part("content").and_then(|part| part["valueString"].as_str().or_else(|| part["valueMarkdown"].as_str()));
        if let (Some(told), Some(content)) = (told, content) {
            text.0.insert(told, cut(content));
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
        .find_map(|name| whole(&output[name]))
        .or_else(|| whole(&output["valueQuantity"]["value"]));
    u32::try_from(number?).ok().filter(|pages| (1..=PAGES_MAX).contains(pages))
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
            (&format!("Patient/{}", "7".repeat(300)), None),
        ] {
            assert_eq!(relative(reference).as_deref(), path, "{reference}");
        }
    }
}
