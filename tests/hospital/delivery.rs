//! The rules of `protocols/hospital-server.md`, "Exactly once, in effect", one by one.

use super::fixture::{acquainted, card, client, client_with, documents, eventually, hospital, queued, settings};
use hospital_kiosk::domain::outbox::{Delivery, PaymentOfRequest, QueuedRequest, Request};
use hospital_kiosk::domain::reason::{Delay, InPart, ParkReason, Told};
use hospital_kiosk::hospital::wire::entry_id;
use hospital_kiosk::ports::Deliveries;
use hospital_kiosk::rehearsal::hospital::Fault;
use hospital_kiosk::rehearsal::people;

const DONE: Delivery = Delivery::Done { note: None };

fn is_later(delivery: &Delivery, wanted_after_s: Option<u64>, wanted_maybe: bool) -> bool {
    matches!(delivery, Delivery::Later { after_s, maybe_delivered, .. } if *after_s == wanted_after_s && *maybe_delivered == wanted_maybe)
}

#[tokio::test]
async fn a_request_arrives_whole() {
    let hospital = hospital();
    let client = client(&hospital.url());
    acquainted(&client).await;
    assert_eq!(client.deliver(&queued(documents(1, card()), &*client)).await, DONE);
    let counts = ["Task", "Invoice", "PaymentNotice", "ChargeItem"].map(|kind| hospital.count(kind));
    assert_eq!(counts, [1, 1, 1, 2]);
    let task = &hospital.resources("Task")[0];
    let patient = hospital.find("Patient", people::PATIENT_SYSTEM, people::MAIN).expect("the patient");
    assert_eq!(task["for"]["reference"], format!("Patient/{}", patient["id"].as_str().expect("an id")));
    assert_eq!(task["identifier"][0]["value"], entry_id(documents(1, card()).id, "task").to_string(), "not rewritten");
    assert_eq!(
        task["focus"]["reference"],
        format!("Invoice/{}", hospital.resources("Invoice")[0]["id"].as_str().expect("an id"))
    );
}

#[tokio::test]
async fn a_server_without_payment_notice_gets_the_payment_in_the_task() {
    let hospital = hospital();
    hospital.lacks("PaymentNotice");
    let client = client(&hospital.url());
    acquainted(&client).await;
    assert_eq!(client.deliver(&queued(documents(1, card()), &*client)).await, DONE);
    let task = hospital.resources("Task")[0].to_string();
    assert!(task.contains("payment-approval") && task.contains("30027719"), "{task}");
}

#[tokio::test]
async fn replays_make_nothing_new() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let first = queued(documents(1, card()), &*client);
    for maybe_delivered in [false, false, true, true] {
        assert_eq!(client.deliver(&QueuedRequest { maybe_delivered, ..first.clone() }).await, DONE);
    }
    assert_eq!((hospital.count("Task"), hospital.count("Invoice"), hospital.bundles().len()), (1, 1, 1));
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_before_the_replay() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let mut first = queued(documents(1, card()), &*client);
    hospital.set(Fault::LoseAnswers);
    let lost = client.deliver(&first).await;
    assert!(is_later(&lost, None, true), "{lost:?}");
    hospital.set(Fault::Up);
    first.maybe_delivered = true;
    assert_eq!(client.deliver(&first).await, DONE);
    assert_eq!((hospital.count("Task"), hospital.requests("POST", "")), (1, 1), "found, not sent again");
}

#[tokio::test]
async fn what_never_arrived_is_sent_after_the_look() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = QueuedRequest { maybe_delivered: true, ..queued(documents(1, card()), &*client) };
    assert_eq!(client.deliver(&request).await, DONE);
    assert_eq!((hospital.count("Task"), hospital.requests("GET", "Task")), (1, 1));
}

#[tokio::test]
async fn each_refusal_has_its_meaning() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = queued(documents(1, card()), &*client);
    for (status, retry_after, meaning) in [
        (429, Some("7"), "later 7"),
        (429, None, "later"),
        (503, Some("120"), "later 120"),
        (500, None, "later"),
        (408, None, "later"),
        (409, None, "later"),
        (400, None, "park"),
        (404, None, "park"),
        (422, None, "park"),
        (412, None, "park"),
        (401, None, "hold"),
        (403, None, "hold"),
        (302, None, "later"),
        (204, None, "later"),
    ] {
        hospital.set(Fault::Answer { status, retry_after: retry_after.map(str::to_owned) });
        let word = match client.deliver(&request).await {
            Delivery::Later { after_s: Some(seconds), .. } | Delivery::Busy { after_s: Some(seconds), .. } => {
                format!("later {seconds}")
            }
            Delivery::Later { after_s: None, .. } | Delivery::Busy { after_s: None, .. } => "later".to_owned(),
            Delivery::Park { .. } => "park".to_owned(),
            Delivery::Hold { .. } => "hold".to_owned(),
            Delivery::Done { .. } => "done".to_owned(),
            Delivery::Part { .. } => "part".to_owned(),
        };
        assert_eq!(word, meaning, "{status} {retry_after:?}");
    }
    assert_eq!(hospital.count("Task"), 0);
}

#[tokio::test]
async fn after_412_ours_is_done_with_an_alarm() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = queued(documents(1, card()), &*client);
    assert_eq!(client.deliver(&request).await, DONE);
    hospital.set(Fault::Answer { status: 412, retry_after: None });
    assert!(matches!(client.deliver(&request).await, Delivery::Done { note: Some(Told::Twice) }));
    assert_eq!(hospital.count("Task"), 1);
}

#[tokio::test]
async fn two_hundred_with_a_refused_entry_is_parked() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let refused = "Invoice";
    hospital.set(Fault::TakesApart { refused, status: 412, loses_answers: false, addresses_first: false });
    let delivery = client.deliver(&queued(documents(1, card()), &*client)).await;
    let Delivery::Park { reason: ParkReason::TakenApart { refused, .. } } = delivery else { panic!("{delivery:?}") };
    assert_eq!(refused, [Some(412)]);
}

#[tokio::test]
async fn html_and_wrong_resources_are_no_answer() {
    let hospital = hospital();
    let client = client(&hospital.url());
    for fault in [Fault::Html, Fault::WrongResource, Fault::Reject] {
        hospital.set(fault.clone());
        for maybe_delivered in [false, true] {
            let request = QueuedRequest { maybe_delivered, ..queued(documents(1, card()), &*client) };
            let delivery = client.deliver(&request).await;
            assert!(is_later(&delivery, None, true), "{fault:?} {delivery:?}");
        }
    }
}

#[tokio::test]
async fn a_dead_line_is_known_to_have_carried_nothing() {
    let hospital = hospital();
    hospital.set(Fault::Down);
    let address = hospital.url()[7..].trim_end_matches("/fhir").to_owned();
    eventually("the line is dead", || std::net::TcpStream::connect(&address).is_err()).await;
    let client = client(&hospital.url());
    let delivery = client.deliver(&queued(documents(1, card()), &*client)).await;
    assert!(is_later(&delivery, None, false), "{delivery:?}");
}

#[tokio::test]
async fn a_time_out_may_have_arrived() {
    let hospital = hospital();
    let client = client_with(&hospital_kiosk::config::Hospital { send_timeout_ms: 200, ..settings(&hospital.url()) });
    hospital.set(Fault::Slow);
    let delivery = client.deliver(&queued(documents(1, card()), &*client)).await;
    assert!(is_later(&delivery, None, true), "{delivery:?}");
}

#[tokio::test]
async fn an_unknown_patient_is_for_staff() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let stranger = Request {
        patient: hospital_kiosk::domain::patient::PatientNumber("99999999".to_owned()),
        ..documents(1, PaymentOfRequest::Free)
    };
    let delivery = client.deliver(&queued(stranger, &*client)).await;
    assert!(
        matches!(&delivery, Delivery::Park { reason } if !format!("{reason} {reason:?}").contains("99999999")),
        "{delivery:?}"
    );
    assert_eq!(hospital.count("Task"), 0, "all or nothing");
}

/// It ignores nothing and promises nothing: the kiosk looks before it sends, each time.
#[tokio::test]
async fn without_conditional_create_it_looks_before_it_sends() {
    let hospital = hospital();
    hospital.lacks("conditionalCreate");
    let client = client(&hospital.url());
    acquainted(&client).await;
    let (request, before) = (queued(documents(1, card()), &*client), hospital.requests("POST", ""));
    for _ in 0..3 {
        assert_eq!(client.deliver(&request).await, DONE);
    }
    assert_eq!((hospital.count("Task"), hospital.requests("POST", "") - before), (1, 1));
    assert_eq!(["Invoice", "ChargeItem", "PaymentNotice"].map(|kind| hospital.count(kind)), [0, 0, 0]);
    let task = hospital.resources("Task")[0].to_string();
    assert!(["payment-approval", "amount-1", "30027719"].iter().all(|word| task.contains(word)), "{task}");
}

/// A server that runs no transactions keeps the Task and not everything that belongs to it. Whatever it said of that, and also
/// where its answer was lost, the request is completed and nothing is there twice.
#[tokio::test]
async fn a_request_that_came_apart_is_completed_and_not_taken_for_done() {
    for (refused, status, loses_answers, addresses_first) in [
        ("Invoice", 412, false, false),
        ("Invoice", 503, false, false),
        ("Invoice", 503, true, false),
        ("ChargeItem", 503, true, false),
        ("PaymentNotice", 422, true, false),
        ("Invoice", 503, false, true),
        ("PaymentNotice", 422, false, true),
        ("ChargeItem", 412, false, true),
    ] {
        let hospital = hospital();
        let client = client(&hospital.url());
        acquainted(&client).await;
        let first = queued(documents(1, card()), &*client);
        hospital.set(Fault::TakesApart { refused, status, loses_answers, addresses_first });
        let delivery = client.deliver(&first).await;
        let told = match &delivery {
            Delivery::Park { reason } => matches!(reason, ParkReason::TakenApart { .. }) && status < 500,
            Delivery::Later { reason, maybe_delivered: true, .. } => {
                matches!(reason, Delay::TakenApart { .. }) != loses_answers
            }
            Delivery::Done { .. }
            | Delivery::Part { .. }
            | Delivery::Later { .. }
            | Delivery::Busy { .. }
            | Delivery::Hold { .. } => false,
        };
        assert!(told, "{refused} {status}: {delivery:?}");
        assert_eq!((hospital.count("Task"), hospital.count(refused)), (1, 0), "{refused} {status}");
        hospital.set(Fault::Up);
        // Another client, as after a restart; the store keeps what was told.
        let restarted = super::fixture::client(&hospital.url());
        let in_part = delivery.undelivered().and_then(|reason| reason.in_part());
        assert_eq!(in_part, (!loses_answers).then_some(InPart::TakenApart));
        let again = QueuedRequest { maybe_delivered: true, in_part, ..first };
        assert_eq!(restarted.deliver(&again).await, DONE);
        let counts = ["Task", "Invoice", "PaymentNotice", "ChargeItem"].map(|kind| hospital.count(kind));
        assert_eq!(counts, [1, 1, 1, 2], "{refused} {status}");
        let read = ["Invoice", "PaymentNotice", "ChargeItem"].map(|kind| hospital.requests("GET", kind));
        assert_eq!(read, [0, 0, 0], "a kiosk may write these, not read them");
    }
}

#[tokio::test]
async fn a_technician_is_told_in_one_line() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let line = client.describe().await.expect("a server").expect("open");
    assert_eq!(line, "FHIR 4.0.1, a server without a name: it can do all that the kiosk asks");
    for kind in ["PaymentNotice", "patch"] {
        hospital.lacks(kind);
    }
    let line = client.describe().await.expect("a server").expect("open");
    assert!(
        line.ends_with(
            ": no PaymentNotice: the payment goes into the Task; no JSON Patch: a check-in rewrites the appointment"
        ),
        "{line}"
    );
    hospital.lacks("conditionalCreate");
    let line = client.describe().await.expect("a server").expect("open");
    assert!(line.contains("looked for before it is sent") && !line.contains('\n'), "{line}");
    for (fault, word) in
        [(Fault::Reject, "503"), (Fault::Html, "log-in page or a portal"), (Fault::WrongResource, "no FHIR server")]
    {
        hospital.set(fault);
        let why = client.describe().await.expect_err("trouble");
        assert!(why.contains(word), "{why}");
    }
}
