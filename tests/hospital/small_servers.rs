//! Servers that take few entries in one transaction, or tell little of what they took: an order of any size is there once.

use super::fixture::{
    acquainted, card, client, client_with, day, documents, hospital, lines, queued, schedule, settings,
};
use hospital_kiosk::config::Hospital;
use hospital_kiosk::domain::document::OrderLine;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::outbox::{Act, Delivery, PaymentOfRequest, QueuedRequest, Request};
use hospital_kiosk::domain::reason::{Delay, InPart, Parts};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::wire::entry_id;
use hospital_kiosk::ports::Deliveries;
use hospital_kiosk::rehearsal::hospital::{Fault, Location, Manners, Minimal, SimHospital, seed_into};
use serde_json::{Value, json};

const DONE: Delivery = Delivery::Done { note: None };
const KINDS: [&str; 4] = ["ChargeItem", "Invoice", "PaymentNotice", "Task"];

/// An order of so many papers, each with a price, paid by card.
fn order(id: u128, papers: usize) -> Request {
    let mut request = documents(id, card());
    if let Act::Documents { lines: ordered, total, .. } = &mut request.act {
        let one = OrderLine { amount: Some(Amount(100)), ..lines()[0].clone() };
        *ordered = vec![one; papers];
        *total = Amount(100 * i64::try_from(papers).expect("few"));
    }
    request
}

/// Tries until it is over or does not get on, as the sender does; each try's answer.
async fn deliver_all(client: &Client, mut queued: QueuedRequest) -> Vec<Delivery> {
    let mut answers = Vec::new();
    loop {
        let answer = client.deliver(&queued).await;
        answers.push(answer.clone());
        queued.in_part = in_part(&answer).max(queued.in_part);
        let Delivery::Part { taken, .. } = answer else { return answers };
        assert!(taken.len() > queued.taken.len(), "each try gets on");
        queued.taken = taken;
    }
}

/// As the store keeps it.
fn in_part(delivery: &Delivery) -> Option<InPart> {
    delivery.undelivered().and_then(|reason| reason.in_part())
}

fn last(answers: &[Delivery]) -> &Delivery {
    answers.last().expect("an answer")
}

fn counts(hospital: &SimHospital) -> [usize; 4] {
    KINDS.map(|kind| hospital.count(kind))
}

/// Every reference in what arrived leads to something that is there.
fn every_reference_leads_somewhere(hospital: &SimHospital) {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("reference").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    let there: Vec<Value> = KINDS.iter().flat_map(|kind| hospital.resources(kind)).collect();
    for resource in &there {
        references(resource, &mut found);
    }
    assert!(!found.is_empty());
    for reference in found {
        let is_there = there.iter().any(|resource| {
            reference
                == format!(
                    "{}/{}",
                    resource["resourceType"].as_str().expect("a type"),
                    resource["id"].as_str().expect("an id")
                )
        });
        assert!(is_there || reference.starts_with("Patient/"), "{reference} leads nowhere");
    }
}

/// The parts keep the order of dependence, and the Task is in the last one.
fn the_task_came_last(hospital: &SimHospital, entries_max: usize) {
    let bundles = hospital.bundles();
    let kinds: Vec<Vec<&str>> = bundles
        .iter()
        .map(|bundle| {
            let entries = bundle["entry"].as_array().expect("entries");
            entries.iter().map(|entry| entry["request"]["url"].as_str().expect("a type")).collect()
        })
        .collect();
    assert!(kinds.iter().all(|part| part.len() <= entries_max), "{kinds:?}");
    let flat = kinds.concat();
    let rank = |kind: &&str| KINDS.iter().position(|known| known == kind).expect("a kind");
    assert!(flat.is_sorted_by_key(rank), "{flat:?}");
    assert_eq!(flat.iter().filter(|kind| **kind == "Task").count(), 1);
}

#[tokio::test]
async fn an_order_of_any_size_reaches_a_server_whose_limit_is_configured() {
    for (papers, entries_max) in [(1, 1), (1, 2), (1, 3), (5, 1), (5, 3), (9, 12), (40, 8), (40, 1), (200, 7)] {
        let hospital = hospital();
        hospital.manners(Manners::small_and_plain(entries_max));
        let client = client_with(&Hospital { transaction_entries_max: entries_max, ..settings(&hospital.url()) });
        acquainted(&client).await;
        let answers = deliver_all(&client, queued(order(1, papers), &*client)).await;
        assert_eq!(*last(&answers), DONE, "{papers} papers, {entries_max} entries");
        assert_eq!(answers.len(), (papers + 3).div_ceil(entries_max), "{papers} papers, {entries_max} entries");
        assert_eq!(counts(&hospital), [papers, 1, 1, 1], "{papers} papers, {entries_max} entries");
        assert_eq!(hospital.requests("POST", ""), answers.len() + 1, "nothing was tried in vain; one is the Device");
        every_reference_leads_somewhere(&hospital);
        the_task_came_last(&hospital, entries_max);
    }
}

/// What is small enough is sent as it was frozen.
#[tokio::test]
async fn what_fits_is_not_touched() {
    let hospital = hospital();
    let client = client_with(&Hospital { transaction_entries_max: 5, ..settings(&hospital.url()) });
    acquainted(&client).await;
    let request = queued(documents(1, card()), &*client);
    assert_eq!(client.deliver(&request).await, DONE);
    assert_eq!(hospital.bundles(), [serde_json::from_slice::<Value>(&request.bundle).expect("JSON")]);
}

fn outcome(issue: &Value) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}

/// As servers that people run say it, and as others may.
fn refusals() -> Vec<(u16, Value)> {
    let error =
        |code: &str, text: &str| outcome(&json!({"severity": "error", "code": code, "details": {"text": text}}));
    let told = |code: &str, text: &str| outcome(&json!({"severity": "error", "code": code, "diagnostics": text}));
    vec![
        (400, error("invalid", "Transaction requires strict isolation but has too many entries")),
        (400, told("invalid", "The number of entries in the bundle exceeded the configured limit of 4.")),
        (
            413,
            told("too-long", "HAPI-2205: Transaction bundle contains 11 which exceeds the maximum permitted size of 4"),
        ),
        (422, told("too-costly", "no more than 4 resources at once")),
        (422, error("business-rule", "Bundle.entry: at most four")),
        (403, error("forbidden", "Maximum number of entries in a transaction: 4")),
        (
            400,
            outcome(
                &json!({"severity": "error", "code": "processing", "details": {"coding": [{"code": "BUNDLE_TOO_LARGE"}]}}),
            ),
        ),
        (400, error("processing", "트랜잭션의 항목 수가 최대 4개를 초과했습니다")),
        (400, error("processing", "Zu viele Einträge in der Transaktion (höchstens 4)")),
        (400, json!({"message": "bundle exceeds 4 entries"})),
        (500, error("exception", "transaction size limit exceeded: 11 entries")),
        (413, Value::Null),
        (400, Value::Null),
        (422, outcome(&json!({"severity": "error", "code": "processing"}))),
    ]
}

#[tokio::test]
async fn the_limit_is_learnt_from_the_refusal_however_it_is_said() {
    for (status, said) in refusals() {
        let hospital = hospital();
        hospital.manners(Manners::small(4, status, said.clone()));
        let client = client(&hospital.url());
        acquainted(&client).await;
        let answers = deliver_all(&client, queued(order(1, 8), &*client)).await;
        assert_eq!(*last(&answers), DONE, "{status} {said}: {answers:?}");
        assert_eq!(counts(&hospital), [8, 1, 1, 1], "{status} {said}");
        every_reference_leads_somewhere(&hospital);
        the_task_came_last(&hospital, 4);
        // It is known from now on.
        let before = hospital.requests("POST", "");
        let answers = deliver_all(&client, queued(order(2, 8), &*client)).await;
        assert_eq!((last(&answers), answers.len()), (&DONE, hospital.requests("POST", "") - before), "{status} {said}");
    }
}

/// Another reason is believed: nothing is cut, nothing is there.
#[tokio::test]
async fn what_is_refused_for_what_it_says_is_parked_whole() {
    let error =
        |code: &str, text: &str| outcome(&json!({"severity": "error", "code": code, "details": {"text": text}}));
    for (status, said) in [
        (422, error("business-rule", "Transaction amount exceeds the limit of 4")),
        (422, error("business-rule", "This patient is discharged")),
        (400, error("processing", "rate limit for transactions exceeded: 4 per minute")),
        (422, outcome(&json!({"severity": "error", "code": "required", "expression": ["Task.reasonCode"]}))),
        (
            422,
            outcome(
                &json!({"severity": "error", "code": "processing", "expression": ["Bundle.entry[9].resource.input"],
            "diagnostics": "more than 4 entries"}),
            ),
        ),
        (404, error("not-found", "too many entries in the bundle")),
        (409, error("conflict", "too many entries in the bundle")),
    ] {
        let hospital = hospital();
        hospital.manners(Manners::small(4, status, said.clone()));
        let client = client(&hospital.url());
        acquainted(&client).await;
        let before = hospital.requests("POST", "");
        let delivery = client.deliver(&queued(order(1, 8), &*client)).await;
        let kept = matches!(delivery, Delivery::Park { .. } | Delivery::Later { .. });
        assert!(kept, "{status} {said}: {delivery:?}");
        assert_eq!((hospital.requests("POST", "") - before, counts(&hospital)), (1, [0; 4]), "{status} {said}");
    }
}

/// A refusal without any reason is tried with less, and is parked whole if even one entry is refused.
#[tokio::test]
async fn a_poison_without_a_reason_leaves_nothing_behind() {
    let hospital = hospital();
    hospital.set(Fault::Answer { status: 422, retry_after: None });
    let client = client(&hospital.url());
    let answers = deliver_all(&client, queued(order(1, 8), &*client)).await;
    assert!(matches!(answers.as_slice(), [Delivery::Park { .. }]), "{answers:?}");
    hospital.set(Fault::Up);
    assert_eq!(client.deliver(&queued(order(2, 8), &*client)).await, DONE, "nothing was learnt from it");
}

/// Servers need not say where an entry is: then it is named by its identifier, and the Task still tells all of it.
#[tokio::test]
async fn parts_hold_together_however_little_the_server_tells() {
    for location in [Location::Relative, Location::Whole, Location::Untold] {
        for bare_status in [false, true] {
            let hospital = hospital();
            hospital.manners(Manners { location, bare_status, ..Manners::small_and_plain(3) });
            let client = client(&hospital.url());
            acquainted(&client).await;
            let request = order(1, 6);
            assert_eq!(*last(&deliver_all(&client, queued(request.clone(), &*client)).await), DONE, "{location:?}");
            assert_eq!(counts(&hospital), [6, 1, 1, 1], "{location:?}");
            every_reference_leads_somewhere(&hospital);
            let task = &hospital.resources("Task")[0];
            let inputs = task["input"].as_array().expect("inputs");
            let charge =
                inputs.iter().find(|input| input["id"] == "charge-2").expect("a charge")["valueReference"].clone();
            if location == Location::Untold {
                let identifier = &charge["identifier"]["value"];
                assert_eq!(*identifier, entry_id(request.id, "charge-2").to_string());
                assert_eq!((&charge["type"], &charge["reference"]), (&json!("ChargeItem"), &Value::Null));
            } else {
                assert!(charge["reference"].as_str().expect("an address").starts_with("ChargeItem/h"), "{charge}");
            }
        }
    }
}

/// An empty body proves nothing. Asked not to be brief the server tells; if it never does, the Task is looked for.
#[tokio::test]
async fn an_answer_without_a_body_is_no_proof() {
    for (minimal, entries_max) in [(Minimal::Nothing, 0), (Minimal::Nothing, 3), (Minimal::AlwaysNothing, 0)] {
        let hospital = hospital();
        hospital.manners(Manners { minimal, ..Manners::small_and_plain(entries_max) });
        let client = client(&hospital.url());
        acquainted(&client).await;
        for id in [1, 2] {
            let looks = hospital.requests("GET", "Task");
            let answers = deliver_all(&client, queued(order(id, 4), &*client)).await;
            assert_eq!(*last(&answers), DONE, "{minimal:?}");
            let looked = usize::from(minimal == Minimal::AlwaysNothing);
            assert_eq!(hospital.requests("GET", "Task") - looks, looked, "{minimal:?}");
        }
        assert_eq!(counts(&hospital), [8, 2, 2, 2], "{minimal:?}");
    }
}

/// Nobody can tell what became of a part whose answer says nothing: it is not taken for done.
#[tokio::test]
async fn a_part_without_proof_waits() {
    let hospital = hospital();
    hospital.manners(Manners { minimal: Minimal::AlwaysNothing, ..Manners::small_and_plain(3) });
    let client = client(&hospital.url());
    acquainted(&client).await;
    let answers = deliver_all(&client, queued(order(1, 4), &*client)).await;
    assert!(matches!(answers.as_slice(), [Delivery::Later { maybe_delivered: true, .. }]), "{answers:?}");
    assert_eq!(hospital.count("Task"), 0);
}

/// The line breaks after each part: what was taken is not made twice, and the rest follows.
#[tokio::test]
async fn a_lost_answer_to_a_part_makes_nothing_twice() {
    let hospital = hospital();
    hospital.manners(Manners::small_and_plain(2));
    let limit = Hospital { transaction_entries_max: 2, ..settings(&hospital.url()) };
    let client = client_with(&limit);
    acquainted(&client).await;
    let mut request = queued(order(1, 5), &*client);
    let mut parts = 0;
    loop {
        // Another client each time, as after a restart.
        let client = client_with(&limit);
        hospital.set(Fault::LoseAnswers);
        let lost = client.deliver(&request).await;
        assert!(matches!(lost, Delivery::Later { maybe_delivered: true, .. }), "{lost:?}");
        hospital.set(Fault::Up);
        request.maybe_delivered = true;
        match client.deliver(&request).await {
            Delivery::Part { taken, parts: now } => {
                assert_eq!(now, Parts::There { there: taken.len(), all: 8 });
                let in_part = Some(InPart::FirstEntries);
                request = QueuedRequest { taken, in_part, maybe_delivered: false, ..request };
                parts += 1;
            }
            delivery => {
                assert_eq!(delivery, DONE);
                break;
            }
        }
    }
    assert_eq!((parts, counts(&hospital)), (3, [5, 1, 1, 1]));
    every_reference_leads_somewhere(&hospital);
}

/// A server that is small and runs transactions as batches: what was refused of a part is added, nothing is taken for done.
#[tokio::test]
async fn a_part_that_came_apart_is_completed() {
    let hospital = hospital();
    hospital.manners(Manners::small_and_plain(3));
    let client = client_with(&Hospital { transaction_entries_max: 3, ..settings(&hospital.url()) });
    acquainted(&client).await;
    let mut request = queued(order(1, 4), &*client);
    hospital.set(Fault::TakesApart { refused: "Invoice", status: 503, loses_answers: false, addresses_first: false });
    for _ in 0..2 {
        match client.deliver(&request).await {
            Delivery::Part { taken, .. } => request = QueuedRequest { taken, ..request },
            Delivery::Later { reason, .. } => {
                assert!(matches!(reason, Delay::TakenApart { .. } | Delay::TakenApartUnanswered), "{reason}");
                request = QueuedRequest { in_part: Some(InPart::TakenApart), maybe_delivered: true, ..request };
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(hospital.count("Invoice"), 0);
    hospital.set(Fault::Up);
    assert_eq!(*last(&deliver_all(&client, request).await), DONE);
    assert_eq!(counts(&hospital), [4, 1, 1, 1]);
}

#[tokio::test]
async fn several_requests_together_keep_to_the_limit() {
    let hospital = hospital();
    hospital.manners(Manners::small_and_plain(8));
    let client = client(&hospital.url());
    acquainted(&client).await;
    let requests: Vec<QueuedRequest> =
        (1..=4).map(|id| queued(documents(id, PaymentOfRequest::Unpaid), &*client)).collect();
    assert_eq!(Deliveries::fitting(&*client, &requests), 4, "no limit is known");
    let refused = client.deliver_together(&requests).await.expect("no fault of theirs");
    assert!(refused.iter().all(|one| matches!(one, Delivery::Part { taken, .. } if taken.is_empty())), "{refused:?}");
    // Three entries each.
    let fitting = Deliveries::fitting(&*client, &requests);
    assert!((1..=2).contains(&fitting), "{fitting}");
    assert_eq!(client.deliver_together(&requests[..fitting]).await, Ok(vec![DONE; fitting]));
    let known = client_with(&Hospital { transaction_entries_max: 7, ..settings(&hospital.url()) });
    assert_eq!(Deliveries::fitting(&*known, &requests), 2);
    assert_eq!(Deliveries::fitting(&*known, &requests[..1]), 1);
}

/// The demo's people need no transaction at all.
#[tokio::test]
async fn the_demos_people_are_put_there_one_by_one() {
    for conditionally in [true, false] {
        let hospital = SimHospital::start_empty().expect("a hospital");
        hospital.manners(Manners::small_and_plain(1));
        if !conditionally {
            hospital.lacks("conditionalCreate");
        }
        let first = seed_into(&hospital.url(), day(), false).await.expect("seeded");
        assert_eq!((first.found, first.only_looked_for), (0, !conditionally));
        assert_eq!(hospital.bundles(), Vec::<Value>::new(), "no transaction");
        assert_eq!((hospital.count("Patient"), hospital.count("Appointment")), (11, 11));
        let again = seed_into(&hospital.url(), day(), false).await.expect("seeded again");
        assert_eq!((again.created, again.found), (0, first.created));
        assert_eq!(schedule(&client(&hospital.url()), day()).await.expect("a schedule").len(), 11);
    }
}
