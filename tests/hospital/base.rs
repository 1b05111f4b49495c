//! The base URL: kept as it was written, and what `kiosk check --devices` says of it.

use super::fixture::{card, documents, queued};
use super::odd::{Asked, Odd, Told, client_at, html, refused, searchset, told};
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::ports::Deliveries;
use serde_json::{Value, json};

fn moved_to(status: u16, location: String) -> Told {
    Told { status, headers: vec![("location", location)], body: Vec::new() }
}

/// Every entry is created.
fn taken(asked: &Asked) -> Told {
    let bundle: Value = serde_json::from_slice(&asked.body).expect("a bundle");
    let entries = bundle["entry"].as_array().map_or(0, Vec::len);
    let entry = vec![json!({"response": {"status": "201 Created"}}); entries];
    told(200, &json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entry}))
}

fn is_bundle(asked: &Asked) -> bool {
    asked.method == "POST" && !asked.path.ends_with("_search")
}

/// A proxy that knows one spelling of the base only.
fn proxy(asked: &Asked, known: &str, status: u16) -> Told {
    if !is_bundle(asked) {
        return told(200, &searchset(&[]));
    }
    if asked.path == known {
        return taken(asked);
    }
    let host = asked.headers["host"].to_str().expect("a host");
    moved_to(status, format!("http://{host}{known}"))
}

#[tokio::test]
async fn a_transaction_goes_to_the_base_as_it_was_written() {
    for (configured, path) in [("/fhir/", "/fhir/"), ("/fhir", "/fhir"), ("", "/"), ("/a%20b/R4/", "/a%20b/R4/")] {
        let odd = Odd::start(taken).await;
        let client = client_at(&format!("{}{configured}", odd.origin));
        let request = queued(documents(1, card()), &client);
        assert_eq!(client.deliver(&request).await, Delivery::Done { note: None });
        let posted: Vec<String> = odd.asked().into_iter().filter(is_bundle).map(|asked| asked.path).collect();
        assert_eq!(posted, [path], "{configured}");
    }
}

/// Nothing is sent again blindly: the next try looks, and then goes where the server said.
#[tokio::test]
async fn one_move_of_the_base_is_learnt() {
    for status in [301, 308] {
        let odd = Odd::start(move |asked| proxy(asked, "/fhir/", status)).await;
        let client = odd.client();
        let request = queued(documents(1, card()), &client);
        let first = client.deliver(&request).await;
        assert!(matches!(first, Delivery::Later { maybe_delivered: true, away: false, .. }), "{status}: {first:?}");
        assert_eq!(odd.count(is_bundle), 1, "not sent twice in one try");
        let again = QueuedRequest { maybe_delivered: true, ..request };
        assert_eq!(client.deliver(&again).await, Delivery::Done { note: None }, "{status}");
        let paths: Vec<String> = odd.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(paths, ["/fhir", "/fhir/Task", "/fhir/"], "looked for in between");
        assert_eq!(client.deliver(&queued(documents(2, card()), &client)).await, Delivery::Done { note: None });
    }
}

#[tokio::test]
async fn no_other_move_is_followed() {
    let stranger = Odd::start(taken).await;
    let elsewhere = format!("{}/fhir/", stranger.origin);
    for (status, location) in [
        (302, "/fhir/".to_owned()),
        (303, "/fhir/".to_owned()),
        (307, "/fhir/".to_owned()),
        (301, elsewhere),
        (301, String::new()),
    ] {
        let told_to = location.clone();
        let odd =
            Odd::start(
                move |asked| {
                    if is_bundle(asked) { moved_to(status, told_to.clone()) } else { told(200, &searchset(&[])) }
                },
            )
            .await;
        let client = odd.client();
        let request = queued(documents(1, card()), &client);
        for maybe_delivered in [false, true, true] {
            let tried = client.deliver(&QueuedRequest { maybe_delivered, ..request.clone() }).await;
            assert!(matches!(tried, Delivery::Later { .. }), "{status} {location}: {tried:?}");
        }
        let posted: Vec<String> = odd.asked().into_iter().filter(is_bundle).map(|asked| asked.path).collect();
        assert!(posted.iter().all(|path| path == "/fhir"), "{status} {location}: {posted:?}");
    }
    assert_eq!(stranger.asked().len(), 0);
}

fn statement() -> Value {
    let resource = json!([{"type": "Task", "interaction": [{"code": "create"}]}]);
    json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "odd"},
        "rest": [{"mode": "server", "resource": resource, "interaction": [{"code": "transaction"}]}]})
}

async fn checked(
    configured: &str,
    base: impl Fn(&Asked) -> Told + Send + Sync + 'static,
) -> (Result<String, String>, Odd) {
    let odd = Odd::start(move |asked| {
        if is_bundle(asked) {
            base(asked)
        } else if asked.path.ends_with("metadata") {
            told(200, &statement())
        } else {
            told(200, &searchset(&[]))
        }
    })
    .await;
    let said = client_at(&format!("{}{configured}", odd.origin)).check().await;
    (said, odd)
}

/// What is checked is the way that the money goes.
#[tokio::test]
async fn the_check_posts_an_empty_batch_where_the_money_will_go() {
    for configured in ["/fhir", "/fhir/"] {
        let (said, odd) = checked(configured, taken).await;
        let said = said.expect("good");
        assert!(said.contains("it takes requests"), "{said}");
        let posted: Vec<Asked> = odd.asked().into_iter().filter(is_bundle).collect();
        let [batch] = posted.as_slice() else { panic!("one batch") };
        assert_eq!(batch.path, configured);
        assert_eq!(
            serde_json::from_slice::<Value>(&batch.body).expect("JSON"),
            json!({"resourceType": "Bundle", "type": "batch"})
        );
    }
}

#[tokio::test]
async fn the_check_tells_what_is_wrong_with_the_base() {
    for (what, answer, says) in [
        ("sent elsewhere", moved_to(302, "/login".to_owned()), Err("sent elsewhere (302)")),
        ("moved to another server", moved_to(301, "https://h.example/fhir/".to_owned()), Err("sent elsewhere (301)")),
        ("not there", html(404), Err("no POST at its base (404)")),
        ("not there, says FHIR", refused(404), Err("no POST at its base (404)")),
        ("no POST", refused(405), Err("no POST at its base (405)")),
        ("no batch allowed, orders may be", refused(403), Ok("takes no empty batch (403)")),
        ("not allowed", html(403), Err("post nothing to its base (403)")),
        ("out of order", html(503), Err("answered 503")),
        ("a page", html(200), Err("no FHIR server")),
        ("no body", Told { status: 200, headers: Vec::new(), body: Vec::new() }, Err("no FHIR server")),
        ("wants something in it", refused(400), Ok("takes no empty batch (400)")),
        ("wants something in it", refused(422), Ok("takes no empty batch (422)")),
        ("stumbles over it", refused(500), Ok("takes no empty batch (500)")),
        ("no FHIR server", html(400), Err("no FHIR server")),
    ] {
        let (said, _odd) = checked("/fhir", move |_| answer.clone()).await;
        match (&said, says) {
            (Ok(said), Ok(part)) | (Err(said), Err(part)) => assert!(said.contains(part), "{what}: {said}"),
            _ => panic!("{what}: {said:?}"),
        }
    }
}

#[tokio::test]
async fn the_check_learns_the_other_ending_and_says_so() {
    let (said, _odd) = checked("/fhir", |asked| proxy(asked, "/fhir/", 301)).await;
    let said = said.expect("good");
    assert!(said.contains("write hospital.url"), "{said}");
}

/// As some servers do, which want a patient in every question.
#[tokio::test]
async fn the_check_says_that_there_will_be_no_check_in_offline() {
    let odd = Odd::start(move |asked| match asked.path.as_str() {
        "/fhir" => taken(asked),
        "/fhir/metadata" => told(200, &statement()),
        "/fhir/Appointment" if asked.told("patient").is_none() => refused(400),
        _ => told(200, &searchset(&[])),
    })
    .await;
    let said = odd.client().check().await.expect("good for all else");
    assert!(said.contains("does not tell all of today's appointments"), "{said}");
}

/// Nothing may be written in two ways; a server takes the one or the other.
#[tokio::test]
async fn a_server_that_wants_an_empty_list_gets_one() {
    let (said, _odd) = checked("/fhir", |asked| {
        if String::from_utf8_lossy(&asked.body).contains("entry") { taken(asked) } else { refused(500) }
    })
    .await;
    assert!(said.expect("good").contains("it takes requests"));
}

/// A look for our own Task, before a request is sent again.
#[tokio::test]
async fn a_request_is_sent_again_only_after_a_search_that_could_be_read() {
    use super::odd::{outcome_issue, with_next};
    let client = client_at("http://127.0.0.1:9/fhir");
    let id = {
        let queued = queued(documents(1, card()), &client);
        let bundle: Value = serde_json::from_slice(&queued.bundle).expect("a bundle");
        let entries = bundle["entry"].as_array().expect("entries").clone();
        entries.last().expect("a task")["resource"]["identifier"].clone()
    };
    let ours = json!({"resourceType": "Task", "id": "7", "identifier": id});
    let other = json!({"resourceType": "Task", "id": "8"});
    let error = json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": [outcome_issue("error")]}}]});
    for (what, first, done, posted) in [
        ("none", searchset(&[]), true, 1),
        ("ours", searchset(std::slice::from_ref(&ours)), true, 0),
        ("ours, listed twice", searchset(&[ours.clone(), ours.clone()]), true, 0),
        ("ours on the next page", with_next(searchset(&[other]), "?page=2"), true, 0),
        ("an error for a result", error, false, 0),
        ("a count without entries", json!({"resourceType": "Bundle", "total": 1}), false, 0),
        (
            "a match without its resource",
            json!({"resourceType": "Bundle", "entry": [{"search": {"mode": "match"}}]}),
            false,
            0,
        ),
    ] {
        let second = searchset(std::slice::from_ref(&ours));
        let odd = Odd::start(move |asked| {
            if is_bundle(asked) {
                taken(asked)
            } else {
                told(200, if asked.told("page").is_some() { &second } else { &first })
            }
        })
        .await;
        let client = odd.client();
        let request = QueuedRequest { maybe_delivered: true, ..queued(documents(1, card()), &client) };
        let delivery = client.deliver(&request).await;
        assert_eq!(delivery == Delivery::Done { note: None }, done, "{what}: {delivery:?}");
        assert_eq!(odd.count(is_bundle), posted, "{what}");
    }
}
