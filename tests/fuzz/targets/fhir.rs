//! What a hospital's server, or something that stands before it, may answer.

use hospital_kiosk::config::Config;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::outbox::Delivery;
use hospital_kiosk::hospital::client::answer::{Verdict, of_refusal, of_transaction};
use hospital_kiosk::hospital::client::{Content, HttpAnswer};
use hospital_kiosk::hospital::wire::{self, Booking, Found, Party, Record};
use serde_json::Value;
use std::sync::LazyLock;

const STATUSES: [u16; 16] = [200, 200, 200, 201, 204, 302, 400, 401, 404, 408, 409, 412, 422, 429, 500, 503];
const ENTRIES: usize = 3;
/// For a line of the log and of a staff list.
const REASON_BYTES_MAX: usize = 600;

static SHIPPED: LazyLock<Config> = LazyLock::new(super::configuration::shipped);

/// The first byte chooses the status, the rest is the body.
pub fn delivery(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(*choice) % STATUSES.len()];
    let json: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
    let proved = json.as_ref().is_some_and(|bundle| (200..300).contains(&status) && all_entries_made(bundle));
    let content = match (&json, body.first()) {
        (Some(json), _) if json["resourceType"].is_string() => Content::Resource,
        (Some(_), _) => Content::Object,
        (None, Some(b'<')) => Content::Page,
        (None, Some(_)) => Content::Text,
        (None, None) => Content::Nothing,
    };
    let answer = HttpAnswer { json, content, ..HttpAnswer::bare(status) };
    match of_transaction(&answer, ENTRIES) {
        Verdict::Look => assert_eq!(status, 412),
        Verdict::Settled(delivery) => {
            let done = matches!(delivery, Delivery::Done { .. });
            assert_eq!(done, proved, "done must be what every entry says: {status} {delivery:?}");
            speakable(&delivery);
        }
    }
    if !(200..300).contains(&status) {
        speakable(&of_refusal(&answer));
    }
}

/// By hand, and not by the kiosk's own reading.
fn all_entries_made(bundle: &Value) -> bool {
    let Some(entries) = bundle["entry"].as_array().filter(|_| bundle["resourceType"] == "Bundle") else { return false };
    let statuses: Vec<&str> = entries.iter().filter_map(|entry| entry["response"]["status"].as_str()).collect();
    let made = |status: &&str| {
        let code = status.split_whitespace().next().unwrap_or_default();
        code.len() == 3 && code.starts_with('2') && code.parse::<u16>().is_ok()
    };
    statuses.len() == ENTRIES && statuses.iter().all(made)
}

/// Goes into the log and onto the staff list: short, and without anybody's number.
fn speakable(delivery: &Delivery) {
    match delivery {
        Delivery::Later { .. } | Delivery::Busy { .. } | Delivery::Park { .. } | Delivery::Hold { .. } => {
            let reason = delivery.undelivered().expect("it is not there").to_string();
            let reason = reason.as_str();
            assert!(!reason.is_empty() && reason.len() <= REASON_BYTES_MAX, "{reason}");
            assert!(super::longest_digit_run(reason) < 4, "{reason}");
            assert!(!reason.chars().any(char::is_control), "{reason}");
        }
        Delivery::Part { .. } => unreachable!("an answer alone is no part"),
        Delivery::Done { note } => assert_eq!(*note, None),
    }
}

/// Everything the kiosk reads out of a resource, whatever the resource is.
pub fn reading(bytes: &[u8]) {
    let Ok(resource) = serde_json::from_slice::<Value>(bytes) else { return };
    read(&resource, 0);
}

fn read(resource: &Value, depth: u32) {
    let Config { hospital, facility, .. } = &*SHIPPED;
    match wire::read_record(resource, hospital) {
        Record::InUse(person) | Record::OutOfUse { person, .. } => {
            assert!(person.server_ref.starts_with("Patient/"));
            for number in &person.numbers {
                assert!(!number.is_empty());
                assert!(!format!("{:?}", person.with_number(number)).contains(number));
            }
        }
        Record::Unreadable => {}
    }
    if let Booking::Is(appointment) = wire::read_booking(resource, hospital, facility) {
        assert!(appointment.server_ref.starts_with("Appointment/"));
        assert_eq!(appointment.starts_at.offset(), facility.zone.at(&appointment.starts_at).offset());
    }
    for party in wire::patients_of(resource, hospital) {
        if let Party::At(reference) = party {
            assert_eq!(wire::relative(&reference), Some(reference.clone()));
            assert!(reference.starts_with("Patient/"));
        }
    }
    assert!(wire::pages_of(resource).is_none_or(|pages| (1..=20_000).contains(&pages)));
    let _ = (wire::quote_is_over(resource), wire::Capabilities::read(resource));
    let _ = (wire::local_text(resource, "text", Language::Ko), wire::first_identifier(resource, "x"));
    if depth < 2 {
        for kind in ["Patient", "Appointment", "Task", "Bundle"] {
            let found = Found::read(resource, kind);
            assert!(found.matches.iter().all(|inner| wire::is_resource(inner, kind)));
            assert!(!found.hides_all() || found.matches.is_empty());
            for inner in wire::bundle_entries(resource, kind) {
                assert!(wire::is_resource(inner, kind));
                read(inner, depth + 1);
            }
        }
    }
}

const SEED: &str = include_str!("../../data/hospital/seed.json");

pub fn answers() -> Vec<Vec<u8>> {
    let made = r#"{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201 Created","location":"Task/1"}},{"response":{"status":"200 OK"}},{"response":{"status":"201"}}]}"#;
    let refused = made.replace("200 OK", "412 Precondition Failed");
    let busy = made.replace("200 OK", "503 Service Unavailable");
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","expression":["Task.input[0].value"],"diagnostics":"Patient 10293847 Hong"}]}"#;
    let html = "<!DOCTYPE html><html><body>Login</body></html>";
    let with = |status: u8, body: &str| [&[status], body.as_bytes()].concat();
    let mut all = vec![with(0, made), with(0, &refused), with(0, &busy), with(0, html), with(0, "{}"), with(4, "")];
    all.extend((5..16).map(|status| with(status, outcome)));
    all
}

pub fn resources() -> Vec<Vec<u8>> {
    let capability = r#"{"resourceType":"CapabilityStatement","patchFormat":["application/json-patch+json"],"rest":[{"mode":"server","resource":[{"type":"Task","interaction":[{"code":"create"}],"conditionalCreate":true,"searchParam":[{"name":"identifier"}]},{"type":"Appointment","interaction":[{"code":"patch"}]}]}]}"#;
    let quote = r#"{"resourceType":"Task","status":"completed","output":[{"type":{"text":"pages"},"valueInteger":6}]}"#;
    let page = r#"{"resourceType":"Bundle","link":[{"relation":"next","url":"https://h.example/r4?page=2"}]}"#;
    let seed: Value = serde_json::from_str(SEED).expect("the seed");
    let mut all: Vec<Vec<u8>> = [capability, quote, page].iter().map(|text| text.as_bytes().to_vec()).collect();
    let resources = seed["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].to_string());
    all.extend(resources.map(String::into_bytes));
    all.push(SEED.as_bytes().to_vec());
    all
}

/// A server that writes somebody's number where a status belongs, and one that writes a novel there.
pub const FOUND: &[&[u8]] = &[
    b"\x00{\"resourceType\":\"Bundle\",\"entry\":[{\"response\":{\"status\":\"10293847\"}},{\"response\":{\"status\":\"200\"}},{\"response\":{\"status\":\"200\"}}]}",
    b"\x00{\"resourceType\":\"Bundle\",\"entry\":[{\"response\":{\"status\":\"\"}},{\"response\":{\"status\":\"x\"}},{\"response\":{\"status\":\"200\"}}]}",
];
