//! "None", "cannot be read" and "several" are three answers to a look-up.

use super::odd::{
    Odd, Told, client_at, find, found, hong, html, outcome_issue, refused, searchset, told, visit, visits, with_next,
    word,
};
use hospital_kiosk::domain::patient::AppointmentState;
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::ports::LookUps;
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};

/// A change to the one patient or appointment.
fn but(mut resource: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut resource);
    resource
}

async fn looked_up(answer: Told) -> Reply {
    let odd = Odd::start(move |_| answer.clone()).await;
    find(&odd.client(), people::MAIN).await
}

fn old_number() -> Value {
    json!({"use": "old", "system": people::PATIENT_SYSTEM, "value": "99887766", "period": {"end": "2024-01-01"}})
}

#[tokio::test]
async fn whichever_number_of_theirs_is_typed_it_is_the_one_they_have() {
    let merged = but(hong("1"), |patient| {
        let numbers = patient["identifier"].as_array_mut().expect("a list");
        numbers.insert(0, old_number());
    });
    let odd = Odd::start(move |_| told(200, &searchset(std::slice::from_ref(&merged)))).await;
    for typed in [people::MAIN, "99887766"] {
        let Reply::Found(patient) = find(&odd.client(), typed).await else { panic!("{typed} is not found") };
        assert_eq!((patient.number.0.as_str(), patient.server_ref.as_deref()), (typed, Some("Patient/1")));
    }
    assert_eq!(word(&find(&odd.client(), "11111111").await), "NotFound");
}

#[tokio::test]
async fn one_id_is_one_patient_however_often_it_is_listed() {
    for times in 1..4 {
        let list = vec![hong("1"); times];
        assert_eq!(word(&looked_up(told(200, &searchset(&list))).await), "Found", "{times} times");
    }
}

#[tokio::test]
async fn a_record_that_was_replaced_is_left_out() {
    let replaced = |instead: &str| {
        but(hong("old"), |patient| {
            patient["link"] = json!([{"other": {"reference": instead}, "type": "replaced-by"}]);
        })
    };
    let inactive = but(hong("old"), |patient| patient["active"] = json!(false));
    for old in [replaced("Patient/1"), replaced("https://inner/fhir/Patient/1/_history/3"), inactive] {
        for list in [[old.clone(), hong("1")], [hong("1"), old.clone()]] {
            let Reply::Found(patient) = looked_up(told(200, &searchset(&list))).await else { panic!("not found") };
            assert_eq!(patient.server_ref.as_deref(), Some("Patient/1"));
        }
    }
    let refers = but(hong("2"), |patient| {
        patient["link"] = json!([{"other": {"reference": "Patient/1"}, "type": "refer"}]);
    });
    let Reply::Found(patient) = looked_up(told(200, &searchset(&[refers.clone(), hong("1")]))).await else {
        panic!("the main record")
    };
    assert_eq!(patient.server_ref.as_deref(), Some("Patient/1"));
    assert_eq!(word(&looked_up(told(200, &searchset(&[refers]))).await), "Found", "in use, if not the main one");
}

/// The old number is on the old record only: the one in its place is used in lieu.
#[tokio::test]
async fn a_replaced_record_leads_to_the_one_in_its_place() {
    let old = |instead: &str| {
        but(hong("old"), |patient| {
            patient["identifier"][0]["value"] = json!("99887766");
            patient["link"] = json!([{"other": {"reference": instead}, "type": "replaced-by"}]);
        })
    };
    for (instead, reply) in [("Patient/1", "Found"), ("Patient/stranger", "Ambiguous"), ("Patient/nobody", "Ambiguous")]
    {
        let record = old(instead);
        let odd = Odd::start(move |asked| match asked.path.as_str() {
            "/fhir/Patient/1" => told(200, &hong("1")),
            "/fhir/Patient/stranger" => {
                told(200, &but(hong("stranger"), |patient| patient["birthDate"] = json!("1990-01-01")))
            }
            "/fhir/Patient/nobody" => refused(404),
            _ => told(200, &searchset(std::slice::from_ref(&record))),
        })
        .await;
        let found = find(&odd.client(), "99887766").await;
        assert_eq!(word(&found), reply, "{instead}");
        if let Reply::Found(patient) = found {
            assert_eq!((patient.number.0.as_str(), patient.server_ref.as_deref()), ("99887766", Some("Patient/1")));
        }
    }
    let inactive = but(hong("1"), |patient| patient["active"] = json!(false));
    assert_eq!(word(&looked_up(told(200, &searchset(&[inactive]))).await), "Ambiguous", "it is there, out of use");
}

#[tokio::test]
async fn several_different_records_are_for_the_desk() {
    assert_eq!(word(&looked_up(told(200, &searchset(&[hong("1"), hong("2")]))).await), "Ambiguous");
    let child = but(hong("2"), |patient| patient["birthDate"] = json!("2001-01-01"));
    assert_eq!(word(&looked_up(told(200, &searchset(&[child, hong("1")]))).await), "Found", "another is told apart");
}

#[tokio::test]
async fn nobody_is_nobody_only_if_the_answer_says_so() {
    let error = json!({"resource": {"resourceType": "OperationOutcome", "issue": [outcome_issue("error")]}});
    let warning = json!({"resource": {"resourceType": "OperationOutcome", "issue": [outcome_issue("warning")]}, "search": {"mode": "outcome"}});
    let with = |entries: Value| json!({"resourceType": "Bundle", "type": "searchset", "entry": entries});
    let bare = |entries: Value| json!({"resourceType": "Bundle", "entry": entries});
    let patient = json!({"resource": hong("1")});
    let wrong_born = |date: Value| with(json!([{"resource": but(hong("1"), |patient| patient["birthDate"] = date)}]));
    for (what, answer, reply) in [
        ("an empty list", searchset(&[]), "NotFound"),
        ("no list", json!({"resourceType": "Bundle", "type": "searchset", "total": 0}), "NotFound"),
        ("no type", json!({"resourceType": "Bundle"}), "NotFound"),
        ("a warning", with(json!([warning])), "NotFound"),
        ("a warning beside the patient", with(json!([warning, patient])), "Found"),
        ("no type and no mode", bare(json!([patient])), "Found"),
        ("another birth date", wrong_born(json!("1958-04-13")), "NotFound"),
        ("an error among the results", with(json!([error])), "Unreadable"),
        (
            "an outcome for a list",
            json!({"resourceType": "OperationOutcome", "issue": [outcome_issue("error")]}),
            "Unreadable",
        ),
        ("another resource", json!({"resourceType": "Basic"}), "Unreadable"),
        ("another resource in the list", with(json!([{"resource": {"resourceType": "Basic", "id": "1"}}])), "Obscured"),
        ("a match without its resource", with(json!([{"fullUrl": "x", "search": {"mode": "match"}}])), "Obscured"),
        ("more than is shown", json!({"resourceType": "Bundle", "total": 1}), "Obscured"),
        ("no birth date", wrong_born(Value::Null), "Obscured"),
        ("a year of birth", wrong_born(json!("1958")), "Obscured"),
        ("a number of days", wrong_born(json!(-4283)), "Obscured"),
        ("no id", with(json!([{"resource": but(hong("1"), |patient| patient["id"] = Value::Null)}])), "Obscured"),
        (
            "one identifier for a list",
            with(
                json!([{"resource": but(hong("1"), |patient| patient["identifier"] = patient["identifier"][0].clone())}]),
            ),
            "Obscured",
        ),
        (
            "a word for active",
            with(json!([{"resource": but(hong("1"), |patient| patient["active"] = json!("no"))}])),
            "Obscured",
        ),
    ] {
        assert_eq!(word(&looked_up(told(200, &answer)).await), reply, "{what}");
    }
}

#[tokio::test]
async fn a_status_tells_an_answer_from_an_outage() {
    for (status, reply) in [
        (400, "Unreadable"),
        (401, "Unreadable"),
        (403, "Unreadable"),
        (404, "Unreadable"),
        (405, "Unreadable"),
        (406, "Unreadable"),
        (501, "Unreadable"),
        (429, "Unreachable"),
        (500, "Unreachable"),
        (502, "Unreachable"),
        (503, "Unreachable"),
    ] {
        assert_eq!(word(&looked_up(refused(status)).await), reply, "{status}");
    }
    assert_eq!(word(&looked_up(html(200)).await), "Unreadable");
    assert_eq!(word(&looked_up(Told { status: 204, headers: Vec::new(), body: Vec::new() }).await), "Unreadable");
    assert_eq!(word(&find(&client_at("http://127.0.0.1:9/fhir"), people::MAIN).await), "Unreachable");
}

/// A list ends where it ends: whoever is on a further page is there.
#[tokio::test]
async fn a_patient_on_a_further_page_is_found() {
    let other = |id: &str| but(hong(id), |patient| patient["identifier"][0]["value"] = json!("555"));
    let odd = Odd::start(move |asked| match asked.told("page") {
        None => told(200, &with_next(searchset(&[other("7")]), "?page=2")),
        Some("2") => told(200, &with_next(searchset(&[other("8")]), "Patient?page=3")),
        _ => told(200, &searchset(&[hong("1")])),
    })
    .await;
    assert_eq!(word(&find(&odd.client(), people::MAIN).await), "Found");
    let broken = Odd::start(move |asked| match asked.told("page") {
        None => told(200, &with_next(searchset(&[other("7")]), "?page=2")),
        _ => refused(410),
    })
    .await;
    assert_eq!(
        word(&find(&broken.client(), people::MAIN).await),
        "Unreadable",
        "nobody knows who is on the other page"
    );
}

async fn listed(answer: Value) -> Reply {
    let odd = Odd::start(move |_| told(200, &answer)).await;
    visits(&odd.client()).await
}

/// How many appointments, and whether they are all.
fn told_of(reply: &Reply) -> (usize, bool) {
    match reply {
        Reply::Appointments { list, complete, offline: false } => (list.len(), *complete),
        other => panic!("{}", word(other)),
    }
}

#[tokio::test]
async fn each_patient_of_an_appointment_finds_it() {
    let actor = |actor: Value| {
        but(visit("1"), |appointment| {
            let mother = json!({"actor": {"reference": "Patient/mother"}, "status": "accepted"});
            appointment["participant"] = json!([mother, {"actor": actor, "status": "accepted"}]);
        })
    };
    for own in [
        json!({"reference": "Patient/1"}),
        json!({"reference": "https://inner.example:8080/fhir/Patient/1"}),
        json!({"reference": "Patient/1/_history/4"}),
        json!({"reference": "https://inner.example/fhir/Patient/1/_history/4", "type": "Patient"}),
        json!({"type": "Patient", "identifier": {"system": people::PATIENT_SYSTEM, "value": people::MAIN}}),
        json!({"identifier": {"system": people::PATIENT_SYSTEM, "value": people::MAIN}}),
    ] {
        assert_eq!(told_of(&listed(searchset(&[actor(own.clone())])).await), (1, true), "{own}");
    }
    let inside = but(actor(json!({"reference": "#p"})), |appointment| {
        appointment["contained"] =
            json!([{"resourceType": "Patient", "id": "p", "identifier": hong("1")["identifier"]}]);
    });
    assert_eq!(told_of(&listed(searchset(&[inside])).await), (1, true), "inside the appointment");
    for other in [
        json!({"reference": "Patient/11"}),
        json!({"reference": "Practitioner/1"}),
        json!({"identifier": {"system": people::PATIENT_SYSTEM, "value": "555"}}),
    ] {
        assert_eq!(told_of(&listed(searchset(&[actor(other.clone())])).await), (0, true), "{other}");
    }
}

#[tokio::test]
async fn an_appointment_that_cannot_be_read_does_not_vanish() {
    for (what, change) in [
        ("no start", (|visit| visit["start"] = Value::Null) as fn(&mut Value)),
        ("a day", |visit| visit["start"] = json!("2026-11-25")),
        ("midnight of the day before", |visit| visit["start"] = json!("2026-11-24T24:00:00+09:00")),
        ("no zone", |visit| visit["start"] = json!("2026-11-25T10:30:00")),
        ("no status", |visit| visit["status"] = Value::Null),
        ("a status of its own", |visit| visit["status"] = json!("Termin")),
        ("nobody's", |visit| visit["participant"] = json!([{"actor": {"reference": "Location/1"}}])),
        ("no list of participants", |visit| visit["participant"] = json!({})),
    ] {
        let odd = but(visit("2"), change);
        assert_eq!(word(&listed(searchset(std::slice::from_ref(&odd))).await), "Unreadable", "{what}");
        assert_eq!(told_of(&listed(searchset(&[odd, visit("1")])).await), (1, false), "{what}, beside another");
    }
    let never = but(visit("2"), |visit| (visit["status"], visit["start"]) = (json!("entered-in-error"), Value::Null));
    assert_eq!(told_of(&listed(searchset(&[never])).await), (0, true), "there never was one");
}

#[tokio::test]
async fn an_instant_is_read_in_every_form() {
    for start in [
        "2026-11-25T01:30:00Z",
        "2026-11-25T10:30:00.000+09:00",
        "2026-11-25T10:30:00.1234567890+09:00",
        "2026-11-24T21:00:00-04:30",
        "2026-11-25T10:30:00+0900",
    ] {
        let visit = but(visit("1"), |visit| visit["start"] = json!(start));
        let Reply::Appointments { list, .. } = listed(searchset(&[visit])).await else { panic!("{start}") };
        assert_eq!(list[0].starts_at.format("%H:%M %:z").to_string(), "10:30 +09:00", "{start}");
        assert_eq!(list[0].state, AppointmentState::Booked);
    }
}

#[tokio::test]
async fn appointments_are_read_once_each_and_to_the_last_page() {
    let twice = searchset(&[visit("1"), visit("1"), visit("2")]);
    assert_eq!(told_of(&listed(twice).await), (2, true));
    let odd = Odd::start(move |asked| match asked.told("page") {
        None => told(200, &with_next(searchset(&[visit("1")]), "?page=2")),
        Some("2") => told(200, &with_next(searchset(&[visit("1"), visit("2")]), "?page=3")),
        _ => told(200, &with_next(searchset(&[visit("2"), visit("3")]), "?page=2")),
    })
    .await;
    assert_eq!(told_of(&visits(&odd.client()).await), (3, true), "a link seen before ends it");
    let broken = Odd::start(move |asked| match asked.told("page") {
        None => told(200, &with_next(searchset(&[visit("1")]), "?page=2")),
        _ => refused(500),
    })
    .await;
    assert_eq!(told_of(&visits(&broken.client()).await), (1, false), "what was read is kept");
}

async fn slip_of(answer: impl Fn(&super::odd::Asked) -> Told + Send + Sync + 'static) -> Reply {
    let odd = Odd::start(answer).await;
    odd.client().ask(Question::Slip { code: "AS-1".to_owned() }).await
}

#[tokio::test]
async fn a_slip_is_of_one_appointment_and_of_somebody() {
    let mother = || but(hong("mother"), |patient| patient["birthDate"] = json!("1930-02-03"));
    let family = but(visit("1"), |visit| {
        visit["participant"] =
            json!([{"actor": {"reference": "Patient/1"}}, {"actor": {"reference": "Patient/mother"}}]);
    });
    let reply = slip_of(move |asked| match asked.path.as_str() {
        "/fhir/Patient/1" => told(200, &hong("1")),
        "/fhir/Patient/mother" => told(200, &mother()),
        _ => told(200, &searchset(&[family.clone(), family.clone()])),
    })
    .await;
    let Reply::Slip { patient, .. } = reply else { panic!("{}", word(&reply)) };
    assert_eq!(patient.server_ref.as_deref(), Some("Patient/mother"), "the eldest answers for it");

    for (what, list, patient, wanted) in [
        ("none", searchset(&[]), told(200, &hong("1")), "NotFound"),
        ("two of today", searchset(&[visit("1"), visit("2")]), told(200, &hong("1")), "Ambiguous"),
        (
            "one of today",
            searchset(&[but(visit("2"), |visit| visit["start"] = json!("2026-11-20T10:30:00+09:00")), visit("1")]),
            told(200, &hong("1")),
            "Slip",
        ),
        (
            "no start",
            searchset(&[but(visit("1"), |visit| visit["start"] = Value::Null)]),
            told(200, &hong("1")),
            "Unreadable",
        ),
        ("of nobody", searchset(&[visit("1")]), refused(404), "Ambiguous"),
        (
            "of somebody unreadable",
            searchset(&[visit("1")]),
            told(200, &json!({"resourceType": "Patient"})),
            "Unreadable",
        ),
        ("of somebody out of reach", searchset(&[visit("1")]), refused(503), "Unreachable"),
    ] {
        let reply = slip_of(
            move |asked| {
                if asked.path.starts_with("/fhir/Patient/") { patient.clone() } else { told(200, &list) }
            },
        )
        .await;
        assert_eq!(word(&reply), wanted, "{what}");
    }
}

/// 6 pages, as numbers are written elsewhere.
#[tokio::test]
async fn quoted_pages_are_read_in_every_form_of_a_number() {
    use hospital_kiosk::domain::document::OrderItem;
    use hospital_kiosk::domain::language::Language;
    for (value, pages) in [
        (r#""valueInteger": 6"#, Some(6)),
        (r#""valuePositiveInt": 6"#, Some(6)),
        (r#""valueDecimal": 6.00"#, Some(6)),
        (r#""valueDecimal": 0.6e1"#, Some(6)),
        (r#""valueQuantity": {"value": 6.0, "unit": "pages"}"#, Some(6)),
        (r#""valueDecimal": 6.5"#, None),
        (r#""valueString": "6""#, None),
    ] {
        let text = format!(
            r#"{{"resourceType":"Task","id":"9","status":"completed","intent":"order","output":[{{"type":{{"text":"pages"}}, {value}}}]}}"#
        );
        let odd = Odd::start(move |_| Told { status: 200, headers: Vec::new(), body: text.clone().into() }).await;
        let item = OrderItem { code: "REC".to_owned(), copies: 1, language: Language::Ko, pages: None };
        let reply = odd.client().ask(Question::Quote { patient: Box::new(found()), item }).await;
        let code = "REC".to_owned();
        let wanted = pages.map_or(Reply::NotQuoted { code: code.clone() }, |pages| Reply::Quoted { code, pages });
        assert_eq!(reply, wanted, "{value}");
    }
}

#[tokio::test]
async fn nobody_is_told_more_than_that_a_number_is_not_theirs() {
    let replaced = but(hong("1"), |patient| {
        patient["birthDate"] = json!("1990-01-01");
        patient["active"] = json!(false);
    });
    let twins = [
        but(hong("1"), |patient| patient["birthDate"] = json!("1990-01-01")),
        but(hong("2"), |patient| patient["birthDate"] = json!("1990-01-01")),
    ];
    for list in [searchset(&[replaced]), searchset(&twins)] {
        assert_eq!(word(&looked_up(told(200, &list)).await), "NotFound", "without the birth date");
    }
}
