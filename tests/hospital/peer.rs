//! The client against a FHIR server that we did not write. `make peers` starts one and names it in `PEER_FHIR_URL`.

use super::fixture::{StoppedClock, acquainted, arrival, card, client, day, documents, number, queued};
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest, Request};
use hospital_kiosk::domain::patient::{AppointmentState, BirthDate};
use hospital_kiosk::domain::session::{Question, Reply};
use hospital_kiosk::ports::{Clock, HospitalServer};
use hospital_kiosk::rehearsal::hospital::seed_into;
use uuid::Uuid;

const DONE: Delivery = Delivery::Done { note: None };

#[tokio::test]
#[ignore = "needs a third-party FHIR server: make peers"]
async fn a_day_at_somebody_elses_server() {
    let url = std::env::var("PEER_FHIR_URL").expect("PEER_FHIR_URL");
    seed_into(&url, day(), false).await.expect("seeded");
    assert_eq!(seed_into(&url, day(), false).await.expect("seeded again").created, 0);
    let client = client(&url);
    acquainted(&client).await;
    println!("peer: {:?}", client.capabilities());

    let wrong = BirthDate("1958-04-13".parse().expect("a date"));
    assert_eq!(client.ask(Question::FindPatient { number: number(), birth_date: wrong }).await, Reply::NotFound);
    let birth_date = BirthDate("1958-04-12".parse().expect("a date"));
    let Reply::Found(patient) = client.ask(Question::FindPatient { number: number(), birth_date }).await else {
        panic!("the patient")
    };
    assert_eq!(patient.masked_name, "홍○동");
    let Reply::Appointments { list, .. } = client.ask(Question::Appointments { patient: patient.clone() }).await else {
        panic!("a list")
    };
    assert_eq!(list.len(), 1);
    let Reply::Slip { appointment, .. } = client.ask(Question::Slip { code: "AS-40021".to_owned() }).await else {
        panic!("a slip")
    };
    assert_eq!(appointment.server_ref, list[0].server_ref);
    assert_eq!(client.schedule(day()).await.expect("a schedule").len(), 11);

    let arrival = queued(arrival(1, &appointment.server_ref, &appointment.version), &*client);
    assert_eq!(client.deliver(&arrival).await, DONE);
    assert_eq!(client.deliver(&QueuedRequest { maybe_delivered: true, ..arrival }).await, DONE);
    let Reply::Appointments { list, .. } = client.ask(Question::Appointments { patient: patient.clone() }).await else {
        panic!("a list")
    };
    assert!(matches!(list[0].state, AppointmentState::Arrived { .. }));

    for (id, patient_ref) in [(StoppedClock.now().fresh, patient.server_ref.clone()), (Uuid::new_v4(), None)] {
        let request = queued(Request { id, patient_ref, ..documents(1, card()) }, &*client);
        for maybe_delivered in [false, false, true] {
            assert_eq!(client.deliver(&QueuedRequest { maybe_delivered, ..request.clone() }).await, DONE);
        }
    }
}
