//! Forms of an answer that are rare and allowed, or common and wrong: read, or told as what cannot be read, never as nothing.

use super::fixture::{arrival, card, documents, queued};
use super::odd::{Asked, Odd, Told, find, hong, searchset, told, visit, visits, with_next, word};
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::domain::question::Question;
use hospital_kiosk::ports::{Deliveries, LookUps};
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

fn but(mut resource: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut resource);
    resource
}

async fn always(answer: Told) -> Odd {
    Odd::start(move |_| answer.clone()).await
}

/// Whose number is no text may be anybody: the cache is asked, and then it is told as nobody.
#[tokio::test]
async fn a_number_that_is_no_text_is_not_nobodys() {
    for (what, value, reply) in [
        ("a number", json!(10_293_847), "Obscured"),
        ("a list", json!([people::MAIN]), "Obscured"),
        ("an object", json!({"value": people::MAIN}), "Obscured"),
        ("none", Value::Null, "NotFound"),
        ("another", json!("99887766"), "NotFound"),
    ] {
        let patient = but(hong("1"), |patient| patient["identifier"][0]["value"] = value);
        let odd = always(told(200, &searchset(&[patient]))).await;
        assert_eq!(word(&find(&odd.client(), people::MAIN).await), reply, "{what}");
    }
}

#[tokio::test]
async fn a_slip_number_that_is_no_text_is_not_nobodys() {
    for (what, identifier, reply) in [
        ("a number", json!([{"system": people::SLIP_SYSTEM, "value": 40021}]), "Unreadable"),
        ("no list", json!({"system": people::SLIP_SYSTEM, "value": "AS-1"}), "Unreadable"),
        ("another", json!([{"system": people::SLIP_SYSTEM, "value": "AS-2"}]), "NotFound"),
    ] {
        let odd = always(told(200, &searchset(&[but(visit("1"), |visit| visit["identifier"] = identifier)]))).await;
        let reply_of = odd.client().ask(Question::Slip { code: "AS-1".to_owned() }).await;
        assert_eq!(word(&reply_of), reply, "{what}");
    }
}

/// A list that may go on somewhere is not at its end.
#[tokio::test]
async fn a_link_that_cannot_be_read_is_no_end_of_a_list() {
    for (what, link, reply) in [
        ("one for a list", json!({"relation": "next", "url": "?page=2"}), "Unreadable"),
        ("an address that is no text", json!([{"relation": "next", "url": ["?page=2"]}]), "Unreadable"),
        ("no address", json!([{"relation": "next"}]), "Unreadable"),
        ("none", json!([]), "NotFound"),
        ("another relation", json!([{"relation": "self", "url": 7}]), "NotFound"),
    ] {
        let odd = always(told(200, &but(searchset(&[]), |list| list["link"] = link))).await;
        assert_eq!(word(&find(&odd.client(), people::MAIN).await), reply, "{what}");
    }
}

/// Every way to write where a list goes on that leads to the same place.
#[tokio::test]
async fn a_next_page_is_found_however_its_address_is_written() {
    for link in [
        "?page=2",
        "Patient/_search?page=2",
        "/fhir/Patient/_search?page=2#top",
        "HTTP://H.EXAMPLE:8080/fhir/Patient/_search?page=2",
    ] {
        let odd = Odd::start(move |asked: &Asked| {
            if asked.told("page").is_some() {
                told(200, &searchset(&[hong("1")]))
            } else {
                told(200, &with_next(searchset(&[]), link))
            }
        })
        .await;
        assert_eq!(word(&find(&odd.client(), people::MAIN).await), "Found", "{link}");
    }
}

/// A record that may have been replaced is not used.
#[tokio::test]
async fn a_record_with_links_that_are_no_list_is_not_used() {
    for (what, link, reply) in [
        ("one for a list", json!({"type": "replaced-by", "other": {"reference": "Patient/2"}}), "Obscured"),
        ("see also", json!([{"type": "seealso", "other": {"reference": "Patient/2"}}]), "Found"),
        ("replaces another", json!([{"type": "replaces", "other": {"reference": "Patient/2"}}]), "Found"),
    ] {
        let odd = always(told(200, &searchset(&[but(hong("1"), |patient| patient["link"] = link)]))).await;
        assert_eq!(word(&find(&odd.client(), people::MAIN).await), reply, "{what}");
    }
}

/// Contained in the appointment, with the number and without.
#[tokio::test]
async fn a_patient_inside_the_appointment_is_theirs_by_number() {
    let inside = |value: Value| {
        but(visit("1"), |visit| {
            visit["contained"] = json!([{"resourceType": "Patient", "id": "p", "identifier": [{"system": people::PATIENT_SYSTEM, "value": value}]}]);
            visit["participant"][0]["actor"] = json!({"reference": "#p"});
        })
    };
    for (value, reply) in [(json!(people::MAIN), "Appointments"), (json!(10_293_847), "Unreadable")] {
        let odd = always(told(200, &searchset(&[inside(value.clone())]))).await;
        assert_eq!(word(&visits(&odd.client()).await), reply, "{value}");
    }
}

/// A search that finds our own Task in a form that cannot be read has not found that it is not there.
#[tokio::test]
async fn our_own_task_with_an_odd_identifier_is_not_sent_again() {
    for identifier in
        [json!({"system": people::REQUEST_SYSTEM}), json!([{"system": people::REQUEST_SYSTEM, "value": 7}])]
    {
        let task = json!({"resourceType": "Task", "id": "7", "identifier": identifier});
        let odd = always(told(200, &searchset(&[task]))).await;
        let client = odd.client();
        let request = QueuedRequest { maybe_delivered: true, ..queued(documents(1, card()), &client) };
        let delivery = client.deliver(&request).await;
        assert!(matches!(delivery, Delivery::Later { .. }), "{delivery:?}");
        assert_eq!(odd.count(|asked| asked.method == "POST"), 0);
    }
}

/// What an appointment's server takes for its version: each with the `ETag` it sends, the `If-Match` it wants, and whether
/// `meta.versionId` is there and a text.
#[tokio::test]
async fn the_version_is_named_as_the_server_names_it() {
    for (what, version, etag, wants) in [
        ("as FHIR has it", json!("3"), Some("W/\"3\""), "W/\"3\""),
        ("strong", json!("3"), Some("\"3\""), "\"3\""),
        ("strong, without versionId", Value::Null, Some("\"abc\""), "\"abc\""),
        ("weak, without versionId", Value::Null, Some("W/\"abc\""), "W/\"abc\""),
        ("none", json!("3"), None, "W/\"3\""),
        ("a number for a text", json!(3), None, "W/\"3\""),
        ("marked by a proxy that compresses", json!("3"), Some("W/\"3-gzip\""), "W/\"3\""),
        ("of its own", json!("3"), Some("\"a94a8fe5\""), "\"a94a8fe5\""),
    ] {
        let status = Arc::new(Mutex::new("booked"));
        let now = Arc::clone(&status);
        let odd = Odd::start(move |asked| {
            let mut status = now.lock().expect("a lock");
            if asked.method != "GET" {
                if asked.headers.get("if-match").is_none_or(|tag| tag != wants) {
                    return told(412, &json!({"resourceType": "OperationOutcome"}));
                }
                *status = "arrived";
            }
            let resource = but(visit("a1"), |visit| {
                visit["status"] = json!(*status);
                visit["meta"] = if version.is_null() { json!({}) } else { json!({ "versionId": version }) };
            });
            let mut answer = told(200, &resource);
            answer.headers.extend(etag.map(|etag| ("etag", etag.to_owned())));
            answer
        })
        .await;
        let client = odd.client();
        let delivery = client.deliver(&queued(arrival(1, "Appointment/a1", "3"), &client)).await;
        assert!(matches!(delivery, Delivery::Done { .. }), "{what}: {delivery:?}");
        assert_eq!(*status.lock().expect("a lock"), "arrived", "{what}");
    }
}

/// Bodies that hold no answer, with a status that says success.
#[tokio::test]
async fn a_success_that_says_nothing_finds_nobody_absent() {
    let good = searchset(&[hong("1")]).to_string();
    let lines = format!("{}\n{}\n", hong("1"), hong("2"));
    let utf16: Vec<u8> = [vec![0xFF, 0xFE], good.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    for (what, status, headers, body, reply) in [
        ("good", 200, vec![], good.clone().into_bytes(), "Found"),
        ("another success", 203, vec![], good.clone().into_bytes(), "Found"),
        ("nothing", 200, vec![], Vec::new(), "Unreadable"),
        ("no content", 204, vec![], Vec::new(), "Unreadable"),
        ("a part", 206, vec![], good.as_bytes()[..40].to_vec(), "Unreadable"),
        ("taken for later", 202, vec![("content-location", "/status/1".to_owned())], Vec::new(), "Unreadable"),
        (
            "lines of JSON",
            200,
            vec![("content-type", "application/fhir+ndjson".to_owned())],
            lines.into_bytes(),
            "Unreadable",
        ),
        ("UTF-16", 200, vec![], utf16, "Unreadable"),
        ("brotli", 200, vec![("content-encoding", "br".to_owned())], vec![0x8B, 0x02, 0x80], "Unreadable"),
        ("null", 200, vec![], b"null".to_vec(), "Unreadable"),
    ] {
        let odd = always(Told { status, headers, body }).await;
        assert_eq!(word(&find(&odd.client(), people::MAIN).await), reply, "{what}");
    }
}
