use super::fixture::{acquainted, client, client_with, day, hospital, number, schedule, settings};
use super::odd::{Odd, hong, refused, searchset, told, visit, word};
use chrono::NaiveDate;
use hospital_kiosk::domain::document::OrderItem;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::patient::{AppointmentState, BirthDate, Patient, PatientNumber};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::{Deliveries, LookUps};
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};
use hospital_kiosk::rehearsal::people;
use serde_json::json;

fn question(number: &str, date: &str) -> Question {
    Question::FindPatient {
        number: PatientNumber(number.to_owned()),
        birth_date: BirthDate(date.parse().expect("a date")),
        by_card: false,
    }
}

async fn patient(client: &Client, number: &str, date: &str) -> Patient {
    match client.ask(question(number, date)).await {
        Reply::Found(patient) => *patient,
        other => panic!("not found: {other:?}"),
    }
}

async fn appointments(client: &Client, number: &str, date: &str) -> Vec<hospital_kiosk::domain::patient::Appointment> {
    let patient = Box::new(patient(client, number, date).await);
    match client.ask(Question::Appointments { patient }).await {
        Reply::Appointments { offline: false, list, complete: true } => list,
        other => panic!("no appointments: {other:?}"),
    }
}

/// A server may give a question's first answer again for a minute (HAPI FHIR does): a patient comes back from the desk.
#[tokio::test]
async fn what_the_desk_booked_after_a_look_up_is_found_by_the_next() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let (number, date) = ("10293847", "1958-04-12");
    assert_eq!(appointments(&client, number, date).await.len(), 1);
    let mut booked = hospital.find("Appointment", people::SLIP_SYSTEM, "AS-40021").expect("the appointment");
    booked["identifier"] = json!([{"system": people::APPOINTMENT_SYSTEM, "value": "from the desk"}]);
    booked["id"] = json!("desk-1");
    hospital.hold(vec![booked]);
    assert_eq!(appointments(&client, number, date).await.len(), 2);

    let slip = || client.ask(Question::Slip { code: "AS-NEW".to_owned() });
    assert_eq!(slip().await, Reply::NotFound);
    hospital.change("Appointment", people::APPOINTMENT_SYSTEM, "from the desk", |now| {
        now["identifier"][0] = json!({"system": people::SLIP_SYSTEM, "value": "AS-NEW"});
    });
    assert!(matches!(slip().await, Reply::Slip { .. }));
}

#[tokio::test]
async fn number_and_birth_date_together_find_a_masked_name() {
    let hospital = hospital();
    let client = client(&hospital.url());
    for (number, date, name) in [
        ("10293847", "1958-04-12", Some("홍○동")),
        ("20481632", "1985-11-03", Some("J••• S•••")),
        ("70952486", "1949-01-15", Some("남○○분")),
        ("40628153", "1990-02-28", Some("이○")),
        ("10293847", "1958-04-13", None),
        ("99999999", "1958-04-12", None),
        ("", "1958-04-12", None),
    ] {
        match (client.ask(question(number, date)).await, name) {
            (Reply::Found(patient), Some(name)) => assert_eq!(patient.masked_name, name),
            (Reply::NotFound, None) => {}
            (other, _) => panic!("{number}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn identity_seen_within_six_months_is_told() {
    let hospital = hospital();
    let client = client(&hospital.url());
    assert_eq!(
        patient(&client, "90274618", "1983-05-05").await.identity_verified_on,
        NaiveDate::from_ymd_opt(2026, 10, 26)
    );
    assert_eq!(patient(&client, "10293847", "1958-04-12").await.identity_verified_on, None);
}

#[tokio::test]
async fn todays_appointments_in_both_languages() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let list = appointments(&client, "10293847", "1958-04-12").await;
    let [only] = list.as_slice() else { panic!("one appointment") };
    assert_eq!((only.clinic.get(Language::Ko), only.clinic.get(Language::En)), ("내과", "Internal medicine"));
    assert_eq!(only.place.get(Language::En), "Internal medicine, floor 2");
    assert_eq!(
        (only.starts_at.to_rfc3339().as_str(), only.slip.as_deref()),
        ("2026-11-25T10:30:00+09:00", Some("AS-40021"))
    );
    assert_eq!(appointments(&client, "20481632", "1985-11-03").await.len(), 2);
    assert_eq!(appointments(&client, "40628153", "1990-02-28").await.len(), 0);
    let states = [
        ("30517294", "1971-07-30", AppointmentState::Arrived { at_minute: Some(9 * 60 + 12) }),
        ("11385729", "1994-08-18", AppointmentState::Cancelled),
    ];
    for (number, date, state) in states {
        assert_eq!(appointments(&client, number, date).await[0].state, state);
    }
    assert!(appointments(&client, "70952486", "1949-01-15").await[0].other_site);
    assert!(appointments(&client, "12496831", "1962-03-03").await[0].referral_or_emergency);
}

#[tokio::test]
async fn a_slip_shows_its_own_appointment_only() {
    let hospital = hospital();
    let client = client(&hospital.url());
    match client.ask(Question::Slip { code: "AS-40023".to_owned() }).await {
        Reply::Slip { patient, appointment } => {
            assert_eq!(patient.number.0, "20481632");
            assert_eq!(appointment.clinic.get(Language::En), "Orthopaedics");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.ask(Question::Slip { code: "AS-00000".to_owned() }).await, Reply::NotFound);
}

#[tokio::test]
async fn the_hospital_quotes_pages() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let patient = Box::new(patient(&client, &number().0, "1958-04-12").await);
    let item = OrderItem { code: "REC".to_owned(), copies: 1, language: Language::Ko, pages: None };
    let reply = client.ask(Question::Quote { patient, item }).await;
    assert_eq!(reply, Reply::Quoted { code: "REC".to_owned(), pages: 6 });
    assert_eq!((hospital.resources("Task").len(), hospital.count("Task")), (1, 0), "a question is no order");
}

#[tokio::test]
async fn a_quote_nobody_answers_is_given_up() {
    let hospital = hospital();
    let client = client_with(&hospital_kiosk::config::Hospital { quote_timeout_ms: 200, ..settings(&hospital.url()) });
    let patient = Box::new(patient(&client, &number().0, "1958-04-12").await);
    let item = OrderItem { code: "REC".to_owned(), copies: 1, language: Language::Ko, pages: None };
    assert_eq!(client.ask(Question::Quote { patient, item }).await, Reply::NotQuoted { code: "REC".to_owned() });
}

#[tokio::test]
async fn trouble_is_told_from_an_answer_that_cannot_be_read() {
    let hospital = SimHospital::start(day()).expect("a hospital");
    let patient = client(&hospital.url());
    let hasty = client_with(&hospital_kiosk::config::Hospital { look_up_timeout_ms: 300, ..settings(&hospital.url()) });
    // Last the one after which it takes the hospital a moment to listen again.
    for (fault, reply) in [
        (Fault::Reject, Reply::Unreachable),
        (Fault::Html, Reply::Unreadable),
        (Fault::WrongResource, Reply::Unreadable),
        (Fault::Slow, Reply::Unreachable),
        (Fault::Down, Reply::Unreachable),
    ] {
        hospital.set(fault.clone());
        // Nothing is timed where an answer is awaited: a busy machine takes its time.
        let client = if fault == Fault::Slow { &hasty } else { &patient };
        assert_eq!(client.ask(question("10293847", "1958-04-12")).await, reply, "{fault:?}");
    }
    hospital.set(Fault::Up);
    super::fixture::eventually("the hospital is back", || {
        std::net::TcpStream::connect(hospital.url()[7..].trim_end_matches("/fhir")).is_ok()
    })
    .await;
    assert!(matches!(patient.ask(question("10293847", "1958-04-12")).await, Reply::Found(_)));
}

#[tokio::test]
async fn the_schedule_is_the_whole_day() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let rows = schedule(&client, day()).await.expect("a schedule");
    assert_eq!(rows.len(), 11);
    assert!(rows.iter().any(|(patient, appointment)| patient.number == number() && appointment.slip.as_deref() == Some("AS-40021")));
    assert!(schedule(&client, day().succ_opt().expect("a day")).await.expect("a schedule").is_empty());
}

#[tokio::test]
async fn the_kiosk_reads_abilities_and_introduces_itself_once() {
    let hospital = SimHospital::start_empty().expect("a hospital");
    hospital.lacks("PaymentNotice");
    let client = client(&hospital.url());
    assert!(!client.capabilities().payment_notice, "unknown is cautious");
    acquainted(&client).await;
    acquainted(&client).await;
    assert!(!client.capabilities().payment_notice && client.capabilities().invoice);
    assert_eq!((hospital.count("Device"), hospital.requests("GET", "metadata")), (1, 1));
}

#[tokio::test]
async fn the_demo_is_not_put_beside_real_patients_unasked() {
    use hospital_kiosk::rehearsal::hospital::{Seeded, seed_into};
    let hospital = SimHospital::start_empty().expect("a hospital");
    let first = seed_into(&hospital.url(), day(), false).await.expect("seeded");
    assert_eq!(first.found, 0);
    assert_eq!(
        seed_into(&hospital.url(), day(), false).await,
        Ok(Seeded { created: 0, found: first.created, ..first })
    );
    hospital.change("Patient", super::fixture::settings("").patient_system.as_str(), "10293847", |patient| {
        patient["identifier"][0]["system"] = "urn:somebody-else".into();
    });
    assert!(seed_into(&hospital.url(), day(), false).await.is_err());
}

#[tokio::test]
async fn a_server_that_ignores_search_parameters_shows_nobody_anothers_data() {
    let hospital = hospital();
    hospital.set(Fault::IgnoresSearch);
    let client = client(&hospital.url());
    assert_eq!(appointments(&client, "10293847", "1958-04-12").await.len(), 1);
    assert_eq!(client.ask(question("99999999", "1958-04-12")).await, Reply::NotFound);
    assert_eq!(client.ask(Question::Slip { code: "AS-00000".to_owned() }).await, Reply::NotFound);
    let request = super::fixture::documents(1, super::fixture::card());
    let queued = super::fixture::queued(request.clone(), &*client);
    assert!(matches!(client.deliver(&queued).await, hospital_kiosk::domain::outbox::Delivery::Done { .. }));
    let other = super::fixture::queued(super::fixture::documents(2, super::fixture::card()), &*client);
    let unsure = hospital_kiosk::domain::outbox::QueuedRequest { maybe_delivered: true, ..other };
    assert!(matches!(client.deliver(&unsure).await, hospital_kiosk::domain::outbox::Delivery::Done { .. }));
    assert_eq!(hospital.count("Task"), 2, "another request's Task is not taken for ours");
}

/// A cache between the kiosk and the server that takes one address for another.
#[tokio::test]
async fn another_record_than_the_one_asked_for_is_nobody() {
    for (id, found) in [("1", true), ("2", false)] {
        let server = Odd::start(move |asked| {
            if asked.is("Appointment") {
                return told(200, &searchset(&[visit("a1")]));
            }
            if asked.is("Patient/1") { told(200, &hong(id)) } else { refused(404) }
        })
        .await;
        let reply = server.client().ask(Question::Slip { code: "AS-1".to_owned() }).await;
        assert_eq!(word(&reply), if found { "Slip" } else { "Unreadable" });
    }
}
