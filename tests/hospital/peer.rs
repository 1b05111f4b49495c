//! The client against a FHIR server that we did not write. `make peers` starts one and names it in `PEER_FHIR_URL`.
//!
//! Where a door stands before it: `PEER_DESK_URL` is the way past it, which the hospital's own people take; `PEER_CA_FILE`,
//! `PEER_CERTIFICATE_FILE`, `PEER_KEY_FOLDER` and `PEER_CLIENT_ID` are what the kiosk shows at it.

mod desk;

use super::fixture::{
    StoppedClock, acquainted, arrival, card, day, documents, facility, number, queued, schedule, settings,
};
use hospital_kiosk::config;
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest, Request};
use hospital_kiosk::domain::patient::{AppointmentState, BirthDate, Patient};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::{Believed, Clock, Deliveries, LookUps};
use hospital_kiosk::rehearsal::hospital::seed_into;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

const DONE: Delivery = Delivery::Done { note: None };

struct Peer {
    kiosk: Arc<Client>,
    desk_url: String,
    /// Where no door stands before it.
    open_url: Option<String>,
}

fn told(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a server answers is asked here, not how fast on a busy machine.
fn patiently(url: &str) -> config::Hospital {
    config::Hospital { look_up_timeout_ms: 60_000, send_timeout_ms: 60_000, ..settings(url) }
}

/// The server with the demo's patients in it, and a kiosk.
async fn peer() -> Peer {
    let url = told("PEER_FHIR_URL").expect("PEER_FHIR_URL");
    let past_the_door = told("PEER_DESK_URL");
    let desk_url = past_the_door.clone().unwrap_or_else(|| url.clone());
    seed_into(&desk_url, day(), true).await.expect("seeded");
    let hospital = config::Hospital { ca_file: told("PEER_CA_FILE").map(PathBuf::from), ..patiently(&url) };
    let nobody = config::Identity::default();
    let identity = config::Identity {
        client_id: told("PEER_CLIENT_ID").unwrap_or_default(),
        certificate_file: told("PEER_CERTIFICATE_FILE").map(PathBuf::from),
        key_folder: told("PEER_KEY_FOLDER").map_or(nobody.key_folder, PathBuf::from),
        ..nobody
    };
    let kiosk = Client::with_identity(&hospital, &identity, Arc::new(facility()), Arc::new(Believed(StoppedClock)))
        .expect("a client");
    Peer { kiosk: Arc::new(kiosk), desk_url, open_url: past_the_door.is_none().then_some(url) }
}

async fn patient(kiosk: &Client) -> Patient {
    let birth_date = BirthDate("1958-04-12".parse().expect("a date"));
    match kiosk.ask(Question::FindPatient { number: number(), birth_date, by_card: false }).await {
        Reply::Found(patient) => *patient,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs a third-party FHIR server: make peers"]
async fn a_day_at_somebody_elses_server() {
    let Peer { kiosk: client, desk_url, .. } = peer().await;
    assert_eq!(seed_into(&desk_url, day(), true).await.expect("seeded again").created, 0);
    acquainted(&client).await;
    println!("peer: {:?}", client.capabilities());

    let wrong = BirthDate("1958-04-13".parse().expect("a date"));
    assert_eq!(
        client.ask(Question::FindPatient { number: number(), birth_date: wrong, by_card: false }).await,
        Reply::NotFound
    );
    let patient = patient(&client).await;
    assert_eq!(patient.masked_name, "홍○동");
    let Reply::Slip { appointment, .. } = client.ask(Question::Slip { code: "AS-40021".to_owned() }).await else {
        panic!("a slip")
    };
    let state = async || {
        let reply = client.ask(Question::Appointments { patient: Box::new(patient.clone()) }).await;
        let Reply::Appointments { list, .. } = reply else { panic!("a list") };
        let found = list.into_iter().filter(|found| found.server_ref == appointment.server_ref).collect::<Vec<_>>();
        assert_eq!(found.len(), 1);
        found[0].state
    };
    assert_eq!(state().await, AppointmentState::Booked);
    assert!(schedule(&client, day()).await.expect("a schedule").len() >= 11);

    let arrival = queued(arrival(1, &appointment.server_ref, &appointment.version), &*client);
    assert_eq!(client.deliver(&arrival).await, DONE);
    assert_eq!(client.deliver(&QueuedRequest { maybe_delivered: true, ..arrival }).await, DONE);
    assert!(matches!(state().await, AppointmentState::Arrived { .. }));

    for (id, patient_ref) in [(StoppedClock.now().fresh, patient.server_ref.clone()), (Uuid::new_v4(), None)] {
        let request = queued(Request { id, patient_ref, ..documents(1, card()) }, &*client);
        for maybe_delivered in [false, false, true] {
            assert_eq!(client.deliver(&QueuedRequest { maybe_delivered, ..request.clone() }).await, DONE);
        }
    }
}
