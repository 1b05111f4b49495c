//! What stands before the hospital's server and answers instead of it. The answers are recordings of nginx, `HAProxy` and Apache
//! httpd (`tests/data/hospital/gateways.txt`); each is given to everything that a kiosk asks.

use super::fixture::{StoppedClock, arrival, card, day, documents, facility, queued, schedule, settings};
use super::identity::Enrolled;
use super::odd::{Asked, Odd, Told, client_at, find, html, refused, searchset, told, visits, word};
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::{Believed, Deliveries, NoSchedule};
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const RECORDED: &str = include_str!("../data/hospital/gateways.txt");

struct Recording {
    name: String,
    /// `hold`, `later`, `away` or `busy`.
    order: &'static str,
    /// A part of what the check says.
    says: &'static str,
    bytes: Vec<u8>,
}

fn recordings() -> Vec<Recording> {
    let blocks = RECORDED.split("\n== ").skip(1);
    let recordings: Vec<Recording> = blocks.map(recording).collect();
    assert!(recordings.len() >= 40, "{}", recordings.len());
    recordings
}

fn recording(block: &'static str) -> Recording {
    let (title, answer) = block.split_once('\n').expect("a title");
    let [who, what, order, says] = title.split(" | ").collect::<Vec<_>>()[..] else { panic!("{title}") };
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer.trim_end(), ""));
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let body = body.trim_end_matches('\n').replace("\\r\n", "\r\n").replace("\\r", "\r") + "\n";
    let body = &body.as_bytes()[..length.expect("a length")];
    let bytes = [head.replace('\n', "\r\n").as_bytes(), b"\r\n\r\n", body].concat();
    Recording { name: format!("{who}: {what}"), order, says, bytes }
}

/// Answers everything with `bytes`, and hangs up after each as the recorded did.
async fn gateway(bytes: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/fhir", listener.local_addr().expect("an address"));
    let (bytes, answered) = (Arc::new(bytes), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&answered);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (bytes, count) = (Arc::clone(&bytes), Arc::clone(&count));
            tokio::spawn(async move {
                let mut stream = stream;
                read_request(&mut stream).await;
                count.fetch_add(1, Ordering::Relaxed);
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (url, answered)
}

async fn read_request(stream: &mut TcpStream) {
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let Ok(count @ 1..) = stream.read(&mut part).await else { return };
        read.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read.len() >= head.len() + 4 + length.unwrap_or(0_usize) {
            return;
        }
    }
}

fn becomes(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Done { .. } => "done",
        Delivery::Part { .. } => "part",
        Delivery::Later { away: true, .. } => "away",
        Delivery::Later { away: false, .. } => "later",
        Delivery::Busy { .. } => "busy",
        Delivery::Park { .. } => "park",
        Delivery::Hold { .. } => "hold",
    }
}

/// What would go through once a certificate is renewed or a gateway is mended is not on the list of the refused.
#[tokio::test]
async fn what_a_gateway_answers_is_no_verdict_about_a_request() {
    for Recording { name, order, bytes, .. } in recordings() {
        let (url, answered) = gateway(bytes).await;
        let client = client_at(&url);
        let request = queued(documents(1, card()), &client);
        for maybe_delivered in [false, true] {
            let delivery = client.deliver(&QueuedRequest { maybe_delivered, ..request.clone() }).await;
            assert_eq!(becomes(&delivery), order, "{name}: {delivery:?}");
        }
        let delivery = client.deliver(&queued(arrival(2, "Appointment/a1", "1"), &client)).await;
        assert_eq!(becomes(&delivery), order, "{name}, an arrival: {delivery:?}");
        let asked = answered.load(Ordering::Relaxed);
        assert!(asked <= 8, "{name}: {asked} requests");
        let others = [queued(documents(3, card()), &client), queued(documents(4, card()), &client)];
        if let Ok(together) = client.deliver_together(&others).await {
            assert!(
                together.iter().all(|delivery| !["park", "done"].contains(&becomes(delivery))),
                "{name}: {together:?}"
            );
        }
    }
}

/// Nobody is absent because a gateway says 404, and no other way to ask is tried out on a gateway.
#[tokio::test]
async fn what_a_gateway_answers_finds_nobody_absent() {
    for Recording { name, bytes, order, .. } in recordings() {
        let (url, answered) = gateway(bytes).await;
        let client = client_at(&url);
        for reply in [find(&client, people::MAIN).await, visits(&client).await] {
            assert!(["Unreadable", "Unreachable"].contains(&word(&reply).as_str()), "{name}: {}", word(&reply));
        }
        assert!(answered.load(Ordering::Relaxed) <= 2, "{name}");
        match schedule(&client, day()).await {
            Err(NoSchedule::Away(why)) => assert!(["away", "busy"].contains(&order), "{name}: {why}"),
            Err(NoSchedule::Answered(why)) => assert!(!["away", "busy"].contains(&order), "{name}: {why}"),
            Ok(rows) => panic!("{name}: {} rows", rows.len()),
        }
    }
}

#[tokio::test]
async fn the_check_says_what_to_look_at_before_the_server() {
    for Recording { name, says, bytes, .. } in recordings() {
        let (url, _) = gateway(bytes).await;
        let said = client_at(&url).check().await.expect_err(&name);
        assert!(said.contains(says), "{name}: {said}");
    }
}

fn is_bundle(asked: &Asked) -> bool {
    asked.method == "POST" && !asked.path.ends_with("_search")
}

fn plain(status: u16, kind: &str, body: &str) -> Told {
    Told { status, headers: vec![("content-type", kind.to_owned())], body: body.into() }
}

/// Small servers refuse in JSON or text of their own, and so do gateways. Whose it is shows in whether a FHIR server answers at
/// all.
#[tokio::test]
async fn a_refusal_in_foreign_words_parks_only_where_a_fhir_server_answers() {
    for (status, kind, body) in [
        (400, "application/json", r#"{"error":"invalid bundle"}"#),
        (400, "text/plain", "invalid bundle"),
        (404, "text/plain", "404 page not found"),
        (405, "", ""),
        (415, "application/json", r#"{"message":"Unsupported Media Type"}"#),
        (422, "text/xml", "<error/>"),
    ] {
        for (there, order) in [(true, "park"), (false, "hold")] {
            let odd = Odd::start(move |asked| match asked.path.as_str() {
                _ if !there => plain(status, kind, body),
                "/fhir/Task" => told(200, &searchset(&[])),
                "/fhir/metadata" => told(200, &json!({"resourceType": "CapabilityStatement"})),
                _ => plain(status, kind, body),
            })
            .await;
            let client = odd.client();
            let delivery = client.deliver(&queued(documents(1, card()), &client)).await;
            assert_eq!(becomes(&delivery), order, "{status} {kind}, there: {there}: {delivery:?}");
            let delivery = client.deliver(&queued(arrival(2, "Appointment/a1", "1"), &client)).await;
            assert_eq!(becomes(&delivery), order, "{status} {kind}, there: {there}, an arrival: {delivery:?}");
        }
    }
}

/// A refusal of what is there already is none.
#[tokio::test]
async fn a_refusal_in_foreign_words_is_none_if_the_request_is_there() {
    let odd = Odd::start(|asked| match asked.path.as_str() {
        "/fhir/Task" => {
            let identifier = asked.told("identifier").expect("a question").split_once('|').expect("a token");
            let identifier = json!([{"system": identifier.0, "value": identifier.1}]);
            told(200, &searchset(&[json!({"resourceType": "Task", "id": "7", "identifier": identifier})]))
        }
        _ => plain(400, "text/plain", "already exists"),
    })
    .await;
    let client = odd.client();
    assert_eq!(becomes(&client.deliver(&queued(documents(1, card()), &client)).await), "done");
}

/// In XML or with an empty body of the right type it is the FHIR server's own word.
#[tokio::test]
async fn a_fhir_server_is_known_by_its_own_words() {
    for (kind, body) in [
        ("application/fhir+json", ""),
        ("application/fhir+xml", r#"<OperationOutcome xmlns="http://hl7.org/fhir"/>"#),
        ("application/xml", r#"<?xml version="1.0"?><OperationOutcome xmlns="http://hl7.org/fhir"/>"#),
    ] {
        let odd = Odd::start(move |_| plain(422, kind, body)).await;
        let client = odd.client();
        assert_eq!(becomes(&client.deliver(&queued(documents(1, card()), &client)).await), "park", "{kind}");
    }
}

/// A gateway's limit for bodies: less at once goes through, and nothing is parked if even one entry does not.
#[tokio::test]
async fn a_gateways_limit_for_bodies_is_met_in_parts() {
    for (limit, order) in [(2_500, "part"), (10, "hold")] {
        let odd = Odd::start(move |asked| match asked.body.len() {
            length if is_bundle(asked) && length > limit => html(413),
            _ if is_bundle(asked) => {
                let bundle: Value = serde_json::from_slice(&asked.body).expect("a bundle");
                let entries = bundle["entry"].as_array().map_or(0, Vec::len);
                let entry = vec![json!({"response": {"status": "201 Created"}}); entries];
                told(200, &json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entry}))
            }
            _ => told(200, &searchset(&[])),
        })
        .await;
        let client = Client::new(&settings(&odd.url()), Arc::new(facility()), Arc::new(Believed(StoppedClock)))
            .expect("a client");
        schedule(&client, day()).await.expect("a schedule");
        let mut request = documents(1, card());
        if let hospital_kiosk::domain::outbox::Act::Documents { lines, .. } = &mut request.act {
            *lines = [lines.clone(), lines.clone()].concat();
        }
        let delivery = client.deliver(&once(queued(request, &client))).await;
        assert_eq!(becomes(&delivery), order, "{limit}: {delivery:?}");
    }
}

/// As it is frozen for a server that creates conditionally.
fn once(mut queued: QueuedRequest) -> QueuedRequest {
    let mut bundle: Value = serde_json::from_slice(&queued.bundle).expect("a bundle");
    for (at, entry) in bundle["entry"].as_array_mut().expect("entries").iter_mut().enumerate() {
        entry["request"]["ifNoneExist"] = json!(format!("identifier=x|{at}"));
    }
    queued.bundle = bundle.to_string().into_bytes();
    queued
}

fn statement() -> Value {
    let resource = json!([{"type": "Task", "interaction": [{"code": "create"}]}]);
    json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "odd"},
        "rest": [{"mode": "server", "resource": resource, "interaction": [{"code": "transaction"}]}]})
}

/// A server whose doors are guarded: which of them are closed to us, and whether a token is asked for before.
async fn guarded(closed: &'static [&'static str], by: Told, token: bool) -> String {
    let enrolled = Enrolled::new();
    let origin = Arc::<std::sync::Mutex<String>>::default();
    let known = Arc::clone(&origin);
    let odd = Odd::start(move |asked| {
        let path = asked.path.as_str();
        let origin = known.lock().expect("a lock").clone();
        match path {
            "/fhir/.well-known/smart-configuration" => told(200, &json!({"token_endpoint": format!("{origin}/token")})),
            "/token" => told(200, &json!({"access_token": "t", "token_type": "bearer"})),
            _ if closed.iter().any(|door| path.contains(door)) => by.clone(),
            "/fhir/metadata" => told(200, &statement()),
            _ => told(200, &searchset(&[])),
        }
    })
    .await;
    odd.origin.clone_into(&mut origin.lock().expect("a lock"));
    let client = if token { enrolled.client(&odd.url()) } else { odd.client() };
    match client.check().await {
        Ok(said) => format!("ok: {said}"),
        Err(said) => format!("not ok: {said}"),
    }
}

#[tokio::test]
async fn a_guarded_metadata_is_told_as_that() {
    for status in [401, 403] {
        let said = guarded(&["/fhir"], refused(status), false).await;
        assert!(
            said.starts_with("not ok: the server does not tell what it can do and asks who this kiosk is"),
            "{said}"
        );
        assert!(
            said.contains("client_id") && said.contains("certificate_file") && !said.contains("base URL"),
            "{said}"
        );
        let said = guarded(&["/fhir"], refused(status), true).await;
        assert!(said.starts_with("not ok: the server knows this kiosk and does not tell what it can do"), "{said}");
        assert!(said.contains("[identity] scope"), "{said}");
        let said = guarded(&["/fhir"], html(status), true).await;
        assert!(said.starts_with("not ok: something before the hospital server"), "{said}");
        for token in [false, true] {
            let said = guarded(&["/metadata"], refused(status), token).await;
            assert!(said.starts_with("ok: the server "), "the rest is open: {said}");
            assert!(said.contains("[identity]") && said.contains("a server that can do little"), "{said}");
        }
    }
}

/// The kiosk signs in behind the same gateway.
#[tokio::test]
async fn a_gateway_before_the_token_server_is_told_as_that() {
    for (door, by) in [
        ("smart-configuration", html(400)),
        ("smart-configuration", html(200)),
        (
            "smart-configuration",
            Told { status: 302, headers: vec![("location", "/login".to_owned())], body: Vec::new() },
        ),
        ("token", html(400)),
        ("token", html(200)),
        ("token", Told { status: 302, headers: vec![("location", "/login".to_owned())], body: Vec::new() }),
    ] {
        let enrolled = Enrolled::new();
        let origin = Arc::<std::sync::Mutex<String>>::default();
        let (known, answer) = (Arc::clone(&origin), by.clone());
        let odd = Odd::start(move |asked| {
            let origin = known.lock().expect("a lock").clone();
            if asked.path.ends_with(door) {
                answer.clone()
            } else {
                told(200, &json!({"token_endpoint": format!("{origin}/token")}))
            }
        })
        .await;
        odd.origin.clone_into(&mut origin.lock().expect("a lock"));
        let client = enrolled.client(&odd.url());
        let said = client.check().await.expect_err("kept out");
        assert!(said.contains("something before the hospital server"), "{door} {}: {said}", by.status);
        let delivery = client.deliver(&queued(documents(1, card()), &client)).await;
        assert_eq!(becomes(&delivery), "hold", "{door} {}: {delivery:?}", by.status);
        assert_eq!(client.is_let_in(), Some(false));
        assert_eq!(
            odd.count(|asked| asked.path.ends_with("/token") && door == "token"),
            if door == "token" { 2 } else { 0 },
            "no second try by another clock"
        );
    }
}
