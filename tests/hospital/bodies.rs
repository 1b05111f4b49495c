//! Bodies as HTTP peers send them, and answers that are too large.

use super::fixture::day;
use super::odd::{Asked, Odd, Told, find, hong, refused, searchset, told, visit, word};
use hospital_kiosk::domain::question::Reply;
use hospital_kiosk::ports::{LookUps, Schedules};
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

async fn looked_up(coding: Option<&'static str>, pack: fn(&[u8]) -> Vec<u8>) -> Reply {
    let odd = Odd::start(move |_| {
        let mut answer = told(200, &searchset(&[hong("1")]));
        answer.body = pack(&answer.body);
        answer.headers.extend(coding.map(|coding| ("content-encoding", coding.to_owned())));
        answer
    })
    .await;
    find(&odd.client(), people::MAIN).await
}

#[tokio::test]
async fn an_answer_is_read_however_it_was_packed() {
    fn marked(bytes: &[u8]) -> Vec<u8> {
        [b"\xEF\xBB\xBF", bytes].concat()
    }
    fn same(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    }
    for (what, coding, pack, reply) in [
        ("gzip", Some("gzip"), gzip as fn(&[u8]) -> Vec<u8>, "Found"),
        ("gzip without its header", None, gzip, "Found"),
        ("a header without gzip", Some("gzip"), same, "Found"),
        ("deflate", Some("deflate"), zlib, "Found"),
        ("a byte order mark", None, marked, "Found"),
        ("identity", Some("identity"), same, "Found"),
        ("brotli", Some("br"), same, "Unreadable"),
        ("half of it", Some("gzip"), |bytes| gzip(bytes)[..20].to_vec(), "Unreadable"),
    ] {
        assert_eq!(word(&looked_up(coding, pack).await), reply, "{what}");
    }
}

#[tokio::test]
async fn the_kiosk_says_what_it_can_unpack() {
    let odd = Odd::start(|_| told(200, &searchset(&[]))).await;
    find(&odd.client(), people::MAIN).await;
    let asked = odd.asked();
    let coding = asked[0].headers.get("accept-encoding").expect("a header").to_str().expect("text");
    assert!(coding.contains("gzip"), "{coding}");
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_not_read() {
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    let odd = Odd::start(move |_| Told {
        status: 200,
        headers: vec![("content-encoding", "gzip".to_owned())],
        body: bomb.clone(),
    })
    .await;
    assert_eq!(word(&find(&odd.client(), people::MAIN).await), "Unreadable");
}

const PEOPLE: usize = 11;
const PHOTO_BYTES: usize = 900_000;

fn person(id: usize) -> Value {
    let mut person = hong(&id.to_string());
    person["identifier"][0]["value"] = json!(format!("{:08}", 10_000_000 + id));
    person["photo"] = json!([{"contentType": "image/jpeg", "data": "A".repeat(PHOTO_BYTES)}]);
    person
}

fn visit_of(id: usize) -> Value {
    let mut visit = visit(&id.to_string());
    visit["participant"][0]["actor"]["reference"] = json!(format!("Patient/{id}"));
    visit["identifier"][0]["value"] = json!(format!("AS-{id}"));
    visit
}

/// What a server honours.
#[derive(Clone, Copy)]
struct Server {
    count: bool,
    elements: Elements,
    include: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Elements {
    Honoured,
    Ignored,
    Refused,
    /// Names of the one type only.
    Strict,
}

/// A day whose patients bring their photographs along.
fn gallery(server: Server, asked: &Asked) -> Told {
    let elements = asked.told("_elements").unwrap_or_default();
    let strange = server.elements == Elements::Strict && asked.is("Appointment") && elements.contains("birthDate");
    if asked.spares() && (server.elements == Elements::Refused || strange) {
        return refused(400);
    }
    let slim = asked.spares() && server.elements == Elements::Honoured;
    let shown = |mut person: Value| {
        if slim && !elements.contains("photo") {
            person.as_object_mut().expect("an object").remove("photo");
        }
        person
    };
    if let Some(id) = asked.path.strip_prefix("/fhir/Patient/") {
        return told(200, &shown(person(id.parse().expect("a number"))));
    }
    if !asked.is("Appointment") {
        return refused(404);
    }
    let include = asked.told("_include").is_some();
    if include && !server.include {
        return refused(400);
    }
    let number = |name: &str| asked.told(name).and_then(|value| value.parse::<usize>().ok());
    let count = if server.count { number("_count").unwrap_or(20) } else { PEOPLE };
    let from = number("_offset").unwrap_or(0);
    let until = (from + count).min(PEOPLE);
    let mut entry: Vec<Value> =
        (from..until).map(|id| json!({"resource": visit_of(id), "search": {"mode": "match"}})).collect();
    if include {
        let people = (from..until).map(|id| json!({"resource": shown(person(id)), "search": {"mode": "include"}}));
        entry.extend(people);
    }
    let mut page = json!({"resourceType": "Bundle", "type": "searchset", "total": PEOPLE, "entry": entry});
    if until < PEOPLE {
        let include = if include { "&_include=Appointment:patient" } else { "" };
        page["link"] = json!([{"relation": "next", "url": format!("?_count={count}&_offset={until}{include}")}]);
    }
    told(200, &page)
}

#[tokio::test]
async fn a_page_too_large_is_asked_for_in_parts() {
    let all = Server { count: true, elements: Elements::Honoured, include: true };
    for (what, server) in [
        ("it leaves out what is not asked for", all),
        ("it makes the pages smaller", Server { elements: Elements::Ignored, ..all }),
        ("it makes the pages smaller and refuses to leave out", Server { elements: Elements::Refused, ..all }),
        ("it makes the pages smaller and is strict", Server { elements: Elements::Strict, ..all }),
        ("it knows neither", Server { count: false, elements: Elements::Ignored, include: true }),
        ("it knows neither and refuses", Server { count: false, elements: Elements::Refused, include: true }),
        ("it includes nobody", Server { count: false, elements: Elements::Honoured, include: false }),
        ("it includes nobody and refuses", Server { count: false, elements: Elements::Refused, include: false }),
    ] {
        let odd = Odd::start(move |asked| gallery(server, asked)).await;
        let client = odd.client();
        let news = client.schedule_since(day(), None).await.expect("a schedule");
        assert_eq!((news.rows.len(), news.whole, news.unreadable), (PEOPLE, true, 0), "{what}: {:?}", news.cut_short);
        let before = odd.asked().len();
        client.schedule_since(day(), None).await.expect("a schedule");
        assert!(odd.asked().len() - before <= before, "the second time is no dearer: {what}");
    }
}

#[tokio::test]
async fn a_look_up_works_where_elements_are_refused_and_remembers_it() {
    let odd = Odd::start(|asked| if asked.spares() { refused(400) } else { told(200, &searchset(&[hong("1")])) }).await;
    let client = odd.client();
    for _ in 0..3 {
        assert_eq!(word(&find(&client, people::MAIN).await), "Found");
    }
    assert_eq!(odd.count(Asked::spares), 1, "not asked again and again");
}

#[tokio::test]
async fn only_what_is_needed_is_asked_for() {
    let odd = Odd::start(|asked| match asked.path.as_str() {
        "/fhir/Appointment" => told(200, &searchset(&[visit("1")])),
        "/fhir/Patient/1" => told(200, &hong("1")),
        _ => told(200, &searchset(&[hong("1")])),
    })
    .await;
    let client = odd.client();
    find(&client, people::MAIN).await;
    super::odd::visits(&client).await;
    client.ask(hospital_kiosk::domain::question::Question::Slip { code: "AS-1".to_owned() }).await;
    client.schedule_since(day(), None).await.expect("a schedule");
    let whole: Vec<String> = odd
        .asked()
        .iter()
        .filter(|asked| !asked.spares() && !asked.path.ends_with("metadata"))
        .map(|asked| format!("{} {}", asked.method, asked.path))
        .collect();
    assert_eq!(whole, Vec::<String>::new());
}
