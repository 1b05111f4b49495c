//! The schedule for use offline: the whole day, then what changed, and never more than a day.

use super::fixture::{StoppedClock, client, day, ends_and_schedule, eventually, facility, hospital, settings};
use hospital_kiosk::config::{Hospital, Store as StoreSettings};
use hospital_kiosk::domain::patient::{AppointmentState, BirthDate, PatientNumber};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::sync::{self, SyncSettings};
use hospital_kiosk::ports::{Believed, ScheduleCache, ScheduleNews, Schedules};
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};
use std::sync::Arc;

fn change(hospital: &SimHospital, change: impl FnOnce(&mut Value)) {
    hospital.change("Appointment", people::SLIP_SYSTEM, "AS-40021", change);
}

fn reference(hospital: &SimHospital) -> String {
    let found = hospital.find("Appointment", people::SLIP_SYSTEM, "AS-40021").expect("the appointment");
    format!("Appointment/{}", found["id"].as_str().expect("an id"))
}

async fn whole(client: &Client) -> ScheduleNews {
    let news = client.schedule_since(day(), None).await.expect("a schedule");
    assert!(news.whole);
    news
}

async fn since(client: &Client, mark: Option<&String>) -> ScheduleNews {
    client.schedule_since(day(), mark.map(String::as_str)).await.expect("a schedule")
}

#[tokio::test]
async fn after_the_whole_day_only_changes_are_pulled() {
    let hospital = hospital();
    hospital.age();
    let client = client(&hospital.url());
    let first = whole(&client).await;
    assert_eq!(first.rows.len(), 11);
    let nothing = since(&client, first.mark.as_ref()).await;
    assert_eq!((nothing.whole, nothing.rows.len(), nothing.gone.len()), (false, 0, 0));

    change(&hospital, |now| now["status"] = "cancelled".into());
    let news = since(&client, nothing.mark.as_ref()).await;
    let [(patient, appointment)] = news.rows.as_slice() else { panic!("one row: {news:?}") };
    assert_eq!((patient.number.0.as_str(), appointment.state), (people::MAIN, AppointmentState::Cancelled));
    assert!(!news.whole && news.gone.is_empty());
}

#[tokio::test]
async fn what_left_the_day_is_named_as_gone() {
    for (what, leave) in [
        ("moved", (|now| now["start"] = "2026-11-26T10:30:00+09:00".into()) as fn(&mut Value)),
        ("entered in error", |now| now["status"] = "entered-in-error".into()),
    ] {
        let hospital = hospital();
        hospital.age();
        let client = client(&hospital.url());
        let first = whole(&client).await;
        change(&hospital, leave);
        let news = since(&client, first.mark.as_ref()).await;
        assert!(!news.whole && news.rows.is_empty(), "{what}");
        assert!(news.gone.contains(&reference(&hospital)), "{what}: {:?}", news.gone);
    }
}

#[tokio::test]
async fn a_server_that_cannot_tell_changes_gives_the_whole_day_each_time() {
    for ignores in [false, true] {
        let hospital = hospital();
        hospital.age();
        if ignores {
            hospital.set(Fault::IgnoresSearch);
        } else {
            hospital.lacks("_lastUpdated");
        }
        let client = client(&hospital.url());
        let mut mark = whole(&client).await.mark;
        for _ in 0..3 {
            let news = since(&client, mark.as_ref()).await;
            assert!(news.whole, "ignores: {ignores}");
            assert_eq!(news.rows.len(), 11);
            mark = news.mark;
        }
    }
}

#[tokio::test]
async fn trouble_is_no_empty_day() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let mark = whole(&client).await.mark;
    for fault in [Fault::Reject, Fault::Html, Fault::WrongResource, Fault::Down] {
        hospital.set(fault.clone());
        assert!(client.schedule_since(day(), mark.as_deref()).await.is_err(), "{fault:?}");
        assert!(client.schedule_since(day(), None).await.is_err(), "{fault:?}");
    }
}

/// Appointments of one more patient, every minute of the day over and over.
async fn crowd(hospital: &SimHospital, appointments: usize) {
    let main = hospital.find("Patient", people::PATIENT_SYSTEM, people::MAIN).expect("a patient");
    let patient = format!("Patient/{}", main["id"].as_str().expect("an id"));
    let entry = (0..appointments).map(|number| {
        let start = format!("2026-11-25T{:02}:{:02}:00+09:00", 8 + number / 60 % 10, number % 60);
        json!({
            "fullUrl": format!("urn:uuid:{}", uuid::Uuid::new_v4()),
            "resource": {"resourceType": "Appointment", "status": "booked", "start": start,
                "participant": [{"actor": {"reference": patient}, "status": "accepted"}]},
            "request": {"method": "POST", "url": "Appointment"},
        })
    });
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entry.collect::<Vec<_>>()});
    let sent = reqwest::Client::new().post(hospital.url()).body(bundle.to_string()).send().await.expect("sent");
    assert_eq!(sent.status(), 200);
}

#[tokio::test]
async fn a_day_of_many_pages_is_read_to_its_end() {
    let hospital = hospital();
    crowd(&hospital, 450).await;
    let client = client(&hospital.url());
    assert_eq!(whole(&client).await.rows.len(), 461);
    assert_eq!(hospital.requests("GET", "Appointment"), 3);
}

/// The refresher with a real store: changes arrive, a wipe is filled again, tomorrow is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kept_day_follows_the_hospital() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = StoreSettings::at(folder.path().join("data"), folder.path().join("keys/key"));
    let store = Arc::new(hospital_kiosk::store::open_with_credentials(&at, None).expect("a store").store);
    let hospital = hospital();
    hospital.age();
    let quick = Hospital { schedule_refresh_s: 1, ..settings(&hospital.url()) };
    let client = Client::new(&quick, Arc::new(facility()), Arc::new(Believed(StoppedClock))).expect("a client");
    let running = tokio::spawn(sync::run(
        ends_and_schedule(&store, &Arc::new(client)),
        SyncSettings::from(&quick),
        Arc::default(),
        Arc::new(Believed(StoppedClock)),
        Arc::new(|_| {}),
        Arc::new(|_| {}),
    ));
    let number = PatientNumber(people::MAIN.to_owned());
    let born = BirthDate("1958-04-12".parse().expect("a date"));
    let states = || {
        let list = store.cached_appointments(day(), &number).expect("a list");
        list.iter().map(|appointment| appointment.state).collect::<Vec<_>>()
    };
    eventually("the day is there", || states() == [AppointmentState::Booked]).await;
    assert!(store.cached_patient(day(), &number, born).expect("a look").is_some());
    change(&hospital, |now| now["status"] = "cancelled".into());
    eventually("the cancellation is there", || states() == [AppointmentState::Cancelled]).await;
    change(&hospital, |now| now["start"] = "2026-11-27T10:30:00+09:00".into());
    eventually("what was moved away is gone", || states().is_empty()).await;
    change(&hospital, |now| now["start"] = "2026-11-25T10:30:00+09:00".into());
    eventually("it came back", || states().len() == 1).await;
    store.wipe_schedule_except(chrono::NaiveDate::MIN).expect("wiped");
    eventually("the next pull was whole again", || states().len() == 1).await;
    running.abort();
}
