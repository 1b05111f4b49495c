use super::fixture::{acquainted, arrival, client, hospital, queued};
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::domain::reason::{Meanwhile, Told};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::Deliveries;
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};
use hospital_kiosk::rehearsal::people;
use serde_json::Value;

const DONE: Delivery = Delivery::Done { note: None };

fn appointment(hospital: &SimHospital) -> Value {
    hospital.find("Appointment", people::SLIP_SYSTEM, "AS-40021").expect("the appointment")
}

fn request(hospital: &SimHospital, client: &Client) -> QueuedRequest {
    let now = appointment(hospital);
    let reference = format!("Appointment/{}", now["id"].as_str().expect("an id"));
    queued(arrival(1, &reference, now["meta"]["versionId"].as_str().expect("a version")), client)
}

#[tokio::test]
async fn an_arrival_changes_status_and_leaves_the_ticket() {
    let hospital = hospital();
    let client = client(&hospital.url());
    assert_eq!(client.deliver(&request(&hospital, &client)).await, DONE);
    let now = appointment(&hospital);
    assert_eq!(now["status"], "arrived");
    assert!(now.to_string().contains("K3-012"), "{now}");
    assert_eq!(hospital.requests("PATCH", "Appointment"), 1);
}

#[tokio::test]
async fn a_replay_is_a_success_and_changes_nothing() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = request(&hospital, &client);
    hospital.set(Fault::LoseAnswers);
    assert!(matches!(client.deliver(&request).await, Delivery::Later { maybe_delivered: true, .. }));
    hospital.set(Fault::Up);
    let version = appointment(&hospital)["meta"]["versionId"].clone();
    assert_eq!(client.deliver(&request).await, DONE);
    assert_eq!(appointment(&hospital)["meta"]["versionId"], version);
}

#[tokio::test]
async fn a_server_that_cannot_patch_gets_a_put() {
    for told in [true, false] {
        let hospital = hospital();
        hospital.lacks("patch");
        let client = client(&hospital.url());
        if told {
            acquainted(&client).await;
        }
        assert_eq!(client.deliver(&request(&hospital, &client)).await, DONE);
        assert_eq!(appointment(&hospital)["status"], "arrived");
        assert_eq!(hospital.requests("PATCH", "Appointment"), usize::from(!told));
    }
}

#[tokio::test]
async fn what_changed_meanwhile_is_told_to_staff_or_arrives_all_the_same() {
    type Change = fn(&mut Value);
    let cases: [(Change, bool, &str); 7] = [
        (|now| now["status"] = "cancelled".into(), true, "cancelled"),
        (|now| now["status"] = "noshow".into(), true, "noshow"),
        (|now| now["status"] = "checked-in".into(), true, "checked-in"),
        (|now| now["start"] = "2026-11-25T15:00:00+09:00".into(), true, "arrived"),
        (|now| now["participant"][1]["actor"]["display"] = "Annex".into(), true, "arrived"),
        (|now| now["start"] = "2026-11-26T10:30:00+09:00".into(), true, "booked"),
        (|now| now["description"] = "second floor".into(), false, "arrived"),
    ];
    for (change, noted, status) in cases {
        let hospital = hospital();
        let client = client(&hospital.url());
        let request = request(&hospital, &client);
        hospital.change("Appointment", people::SLIP_SYSTEM, "AS-40021", change);
        match client.deliver(&request).await {
            Delivery::Done { note } => {
                assert_eq!(note.is_some(), noted, "{status}");
                assert!(note.is_none_or(|note| note.ticket() == "K3-012"), "staff find the patient by the ticket");
            }
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(appointment(&hospital)["status"], status);
    }
}

#[tokio::test]
async fn trouble_keeps_the_arrival() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = request(&hospital, &client);
    for fault in [Fault::Reject, Fault::Html, Fault::WrongResource, Fault::Answer { status: 412, retry_after: None }] {
        hospital.set(fault.clone());
        assert!(matches!(client.deliver(&request).await, Delivery::Later { .. }), "{fault:?}");
    }
    hospital.set(Fault::Answer { status: 401, retry_after: None });
    assert!(matches!(client.deliver(&request).await, Delivery::Hold { .. }));
    hospital.set(Fault::Up);
    assert_eq!(client.deliver(&request).await, DONE);
}

#[tokio::test]
async fn staff_writing_at_the_same_moment_lose_nothing() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = request(&hospital, &client);
    hospital.set(Fault::Overtaken);
    assert_eq!(client.deliver(&request).await, DONE);
    let now = appointment(&hospital);
    assert_eq!((now["status"].as_str(), now["description"].as_str()), (Some("arrived"), Some("written by staff")));
    assert_eq!(hospital.requests("PATCH", "Appointment"), 2);
}

#[tokio::test]
async fn a_move_within_the_day_is_told_by_its_times_also_after_a_lost_answer() {
    for lost in [false, true] {
        let hospital = hospital();
        let client = client(&hospital.url());
        let request = request(&hospital, &client);
        hospital.change("Appointment", people::SLIP_SYSTEM, "AS-40021", |now| {
            now["start"] = "2026-11-25T15:00:00+09:00".into();
        });
        if lost {
            hospital.set(Fault::LoseAnswers);
            assert!(matches!(client.deliver(&request).await, Delivery::Later { .. }));
            hospital.set(Fault::Up);
        }
        let Delivery::Done { note: Some(note) } = client.deliver(&request).await else { panic!("a note") };
        assert!(note.to_string().contains("from 10:30 to 15:00"), "{note}");
        assert_eq!(appointment(&hospital)["status"], "arrived");
    }
}

#[tokio::test]
async fn a_deleted_appointment_ends_with_a_note_and_a_wrong_address_does_not() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let request = request(&hospital, &client);
    let elsewhere = super::fixture::client(&hospital.url().replace("/fhir", "/fhir/wrong"));
    assert!(!matches!(elsewhere.deliver(&request).await, Delivery::Done { .. }));
    hospital.delete("Appointment", people::SLIP_SYSTEM, "AS-40021");
    let Delivery::Done { note: Some(note) } = client.deliver(&request).await else { panic!("a note") };
    assert_eq!(note, Told::Appointment { meanwhile: Meanwhile::Deleted, ticket: "K3-012".to_owned() });
}
