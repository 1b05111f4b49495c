//! The pages of a day: links with an inner name, in a circle, without an end; and what is kept when one of them fails.

use super::fixture::day;
use super::odd::{Asked, Odd, Told, hong, html, refused, searchset, told, visit, with_next};
use hospital_kiosk::ports::{NoSchedule, ScheduleNews, Schedules};
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An appointment, and its patient along with it.
fn page(id: usize) -> Value {
    let mut visit = visit(&id.to_string());
    visit["participant"][0]["actor"]["reference"] = json!(format!("Patient/{id}"));
    let mut person = hong(&id.to_string());
    person["identifier"][0]["value"] = json!(format!("{:08}", 10_000_000 + id));
    let mut bundle = searchset(&[visit]);
    bundle["entry"].as_array_mut().expect("a list").push(json!({"resource": person, "search": {"mode": "include"}}));
    bundle
}

type Second = Box<dyn Fn(&Asked) -> bool + Send + Sync>;

async fn read(odd: &Odd) -> Result<ScheduleNews, NoSchedule> {
    odd.client().schedule_since(day(), None).await
}

/// The day's first page links to `link`; what is asked for `is_second` gets the second.
async fn linked(
    link: impl Fn(&str) -> String + Send + Sync + 'static,
    is_second: impl Fn(&Asked) -> bool + Send + Sync + 'static,
) -> (Odd, ScheduleNews) {
    let odd = Odd::start(move |asked| {
        let origin = format!("http://{}", asked.headers["host"].to_str().expect("a host"));
        if asked.is("Appointment") && asked.told("date").is_some() {
            return told(200, &with_next(page(1), &link(&origin)));
        }
        if is_second(asked) { told(200, &page(2)) } else { html(404) }
    })
    .await;
    let news = read(&odd).await.expect("a schedule");
    (odd, news)
}

#[tokio::test]
async fn a_link_with_the_servers_inner_name_is_followed_at_the_configured_base() {
    let at_base = |asked: &Asked| asked.path == "/fhir" && asked.told("_getpages") == Some("5f0a");
    let at_type = |asked: &Asked| asked.is("Appointment") && asked.told("page") == Some("2");
    for (link, second) in [
        ("http://fhir-server.internal:8080/fhir?_getpages=5f0a&_getpagesoffset=200", Box::new(at_base) as Second),
        ("http://fhir-server.internal:8080/hapi-fhir-jpaserver/baseR4?_getpages=5f0a", Box::new(at_base)),
        ("https://fhir-server.internal:443:443/fhir?_getpages=5f0a", Box::new(at_base)),
        ("http://fhir-server.internal:8080/baseR4/Appointment?page=2", Box::new(at_type)),
        ("http://fhir-server.internal/Appointment?page=2", Box::new(at_type)),
        ("ORIGIN/fhir/Appointment?page=2", Box::new(at_type)),
        ("ORIGIN/inner/fhir/Appointment?page=2", Box::new(at_type)),
        ("ORIGIN/fhir?_getpages=5f0a", Box::new(at_base)),
        ("/fhir/Appointment?page=2", Box::new(at_type)),
        ("Appointment?page=2", Box::new(at_type)),
        ("?page=2", Box::new(at_type)),
    ] {
        let told = link.to_owned();
        let (_odd, news) = linked(move |origin| told.replace("ORIGIN", origin), second).await;
        assert_eq!((news.rows.len(), news.whole), (2, true), "{link}: {:?}", news.cut_short);
    }
}

#[tokio::test]
async fn a_link_that_leads_nowhere_keeps_what_was_read() {
    for link in ["http://fhir-server.internal:8080/fhir?_getpages=5f0a", "javascript:alert(1)", "../../../admin?x=1"] {
        let (odd, news) = linked(move |_| link.to_owned(), |_| false).await;
        assert_eq!((news.rows.len(), news.whole, news.mark), (1, false, None), "{link}");
        assert!(matches!(news.cut_short, Some(NoSchedule::Answered(_))), "{link}: the server is there");
        assert!(odd.asked().iter().all(|asked| asked.path.starts_with("/fhir")), "{link}");
    }
}

/// Another origin is never asked, with or without our token.
#[tokio::test]
async fn nobody_else_is_asked() {
    let stranger = Odd::start(|_| told(200, &page(2))).await;
    let link = format!("{}/fhir/Appointment?page=2", stranger.origin);
    let (_odd, news) = linked(move |_| link.clone(), |_| false).await;
    assert_eq!((news.rows.len(), stranger.asked().len()), (1, 0));
}

#[tokio::test]
async fn a_circle_ends_and_so_does_a_list_without_end() {
    let next = |asked: &Asked| asked.told("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1) + 1;
    let circle = Odd::start(move |asked| {
        let number = next(asked) - 1;
        told(200, &with_next(page(number), &format!("?page={}", number % 3 + 1)))
    })
    .await;
    let news = read(&circle).await.expect("a schedule");
    assert_eq!((news.rows.len(), news.whole), (3, true));
    let itself = Odd::start(|_| told(200, &with_next(page(1), "?page=1"))).await;
    assert_eq!(read(&itself).await.expect("a schedule").rows.len(), 1);
    // The same page again and again, each time under another name.
    let treadmill = Odd::start(move |asked| told(200, &with_next(page(1), &format!("?page={}", next(asked))))).await;
    assert_eq!(read(&treadmill).await.expect("a schedule").rows.len(), 1);
    assert!(treadmill.asked().len() < 10);
    // Always something new: a limit ends it, and says that the rest is missing.
    let endless = Odd::start(move |asked| {
        let number = next(asked) - 1;
        told(200, &with_next(page(number), &format!("?page={}", number + 1)))
    })
    .await;
    let news = read(&endless).await.expect("a schedule");
    assert!(!news.whole && matches!(news.cut_short, Some(NoSchedule::Answered(_))));
    assert!(endless.asked().len() < 300);
}

#[tokio::test]
async fn what_was_read_before_a_page_that_fails_is_kept() {
    for (answer, away) in [
        (refused(503), true),
        (refused(429), true),
        (refused(400), false),
        (refused(404), false),
        (refused(410), false),
        (html(200), false),
        (told(200, &json!({"resourceType": "OperationOutcome"})), false),
        (Told { status: 200, headers: vec![("content-encoding", "br".to_owned())], body: b"x".to_vec() }, false),
    ] {
        let status = answer.status;
        let odd = Odd::start(move |asked| match asked.told("page") {
            None if asked.is("Appointment") => told(200, &with_next(page(1), "?page=2")),
            _ => answer.clone(),
        })
        .await;
        let news = read(&odd).await.expect("a part of the schedule");
        assert_eq!((news.rows.len(), news.whole, news.mark), (1, false, None), "{status}");
        assert_eq!(news.cut_short.map(|why| why.is_away()), Some(away), "{status}");
    }
}

#[tokio::test]
async fn a_day_that_is_refused_is_told_from_one_that_is_out_of_reach() {
    for (answer, away) in [
        (refused(400), false),
        (refused(401), false),
        (refused(403), false),
        (refused(404), false),
        (refused(422), false),
        (refused(501), false),
        (html(200), false),
        (html(302), false),
        (refused(429), true),
        (refused(500), true),
        (refused(503), true),
    ] {
        let status = answer.status;
        let odd = Odd::start(move |_| answer.clone()).await;
        let error = read(&odd).await.expect_err("no schedule");
        assert_eq!(error.is_away(), away, "{status}: {error}");
    }
    let nobody = super::odd::client_at("http://127.0.0.1:9/fhir").schedule_since(day(), None).await;
    assert!(nobody.expect_err("no schedule").is_away());
}

/// Everybody of a group, and each of them by every number they ever had.
#[tokio::test]
async fn everybody_of_an_appointment_is_in_the_kept_day() {
    let mut group = visit("1");
    group["participant"] = json!([
        {"actor": {"reference": "https://inner/fhir/Patient/1/_history/2"}},
        {"actor": {"reference": "Patient/2"}},
        {"actor": {"reference": "Patient/2"}},
        {"actor": {"type": "Patient", "identifier": {"system": people::PATIENT_SYSTEM, "value": "33333333"}}},
        {"actor": {"reference": "Patient/old"}},
        {"actor": {"reference": "Patient/gone"}},
        {"actor": {"reference": "Location/1"}},
    ]);
    let with = |id: &str, number: &str| {
        let mut person = hong(id);
        person["identifier"][0]["value"] = json!(number);
        person
    };
    let mut second = with("2", "22222222");
    let old = json!({"use": "old", "system": people::PATIENT_SYSTEM, "value": "20202020"});
    second["identifier"].as_array_mut().expect("a list").insert(0, old);
    let mut replaced = with("old", "40404040");
    replaced["link"] = json!([{"other": {"reference": "Patient/4"}, "type": "replaced-by"}]);
    let odd = Odd::start(move |asked| match asked.path.as_str() {
        "/fhir/Appointment" => {
            let mut bundle = searchset(&[group.clone(), group.clone()]);
            let entries = bundle["entry"].as_array_mut().expect("a list");
            entries.push(json!({"resource": with("1", "11111111"), "search": {"mode": "include"}}));
            entries.push(json!({"resource": second, "search": {"mode": "include"}}));
            told(200, &bundle)
        }
        "/fhir/Patient/_search" => told(200, &searchset(&[with("3", "33333333")])),
        "/fhir/Patient/old" => told(200, &replaced),
        "/fhir/Patient/4" => told(200, &with("4", "44444444")),
        _ => refused(404),
    })
    .await;
    let news = read(&odd).await.expect("a schedule");
    let numbers: BTreeSet<&str> = news.rows.iter().map(|(patient, _)| patient.number.0.as_str()).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), ["11111111", "20202020", "22222222", "33333333", "44444444"]);
    assert_eq!((news.rows.len(), news.whole), (5, true));
}

#[tokio::test]
async fn what_cannot_be_read_of_a_day_is_counted_and_the_rest_is_kept() {
    let mut odd_start = visit("2");
    odd_start["start"] = json!("morning");
    let mut nobodys = visit("3");
    nobodys["participant"] = json!([]);
    let odd = Odd::start(move |asked| {
        if !asked.is("Appointment") {
            return refused(404);
        }
        let mut bundle = page(1);
        let entries = bundle["entry"].as_array_mut().expect("a list");
        entries.push(json!({"resource": odd_start, "search": {"mode": "match"}}));
        entries.push(json!({"resource": nobodys, "search": {"mode": "match"}}));
        entries.push(json!({"search": {"mode": "match"}}));
        entries.push(json!({"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}, "search": {"mode": "outcome"}}));
        told(200, &bundle)
    })
    .await;
    let news = read(&odd).await.expect("a schedule");
    assert_eq!((news.rows.len(), news.unreadable, news.whole), (1, 3, true));
    assert!(news.gone.contains(&"Appointment/2".to_owned()), "an earlier state of it does not stay for use offline");
}
