//! Bodies and links as HTTP peers and what stands before them send them, and the moments and numbers that JSON carries.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Timelike, Utc};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::hospital::client::body::{self, BODY_MAX_BYTES, Form};
use hospital_kiosk::hospital::client::links::{Base, Trail};
use hospital_kiosk::hospital::wire::{self, Next};
use serde_json::Value;
use std::io::Write;

type Packing = (&'static [&'static str], fn(&[u8]) -> Vec<u8>);

/// What a header says, and what is done to the body.
const PACKINGS: [Packing; 8] = [
    (&[], <[u8]>::to_vec),
    (&["gzip"], gzip),
    (&["deflate"], zlib),
    (&["deflate"], deflate),
    // Twice, undeclared, and declared without being so.
    (&["deflate", "gzip"], |bytes| gzip(&zlib(bytes))),
    (&[], gzip),
    (&["gzip"], <[u8]>::to_vec),
    (&["br"], <[u8]>::to_vec),
];
const MARK: &[u8] = b"\xEF\xBB\xBF";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// The first byte chooses the packing, the rest is the body; then the same bytes as they are under each header.
pub fn body(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let (codings, pack) = PACKINGS[usize::from(*choice) % PACKINGS.len()];
    let object = serde_json::from_slice::<Value>(text.strip_prefix(MARK).unwrap_or(text)).ok().filter(Value::is_object);
    let read = body::read(pack(text), &Form::coded(codings));
    if codings.contains(&"br") {
        assert!(read.is_err(), "nobody asked for it");
    } else if text.len() <= BODY_MAX_BYTES && !text.starts_with(b"\x1F\x8B") {
        assert_eq!(read.ok(), object, "what was packed is what is read");
    }
    for (codings, _) in PACKINGS {
        // What no packer wrote: whatever comes out is an object, or a reason that can be said.
        match body::read(text.to_vec(), &Form::coded(codings)) {
            Ok(value) => assert!(value.is_object()),
            Err(why) => assert!(!why.to_string().is_empty()),
        }
    }
}

pub fn bodies() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 6] =
        [b"{\"a\":1}", b"\xEF\xBB\xBF{\"a\":\"\xED\x99\x8D\"}", b"", b"[]", b"<html></html>", b"\xFF\xFE{\0}\0"];
    let plain = (0..8_u8).flat_map(|choice| texts.map(|text| [&[choice], text].concat()));
    let packed = [gzip(texts[0]), zlib(texts[0]), deflate(texts[0]), gzip(&gzip(texts[0]))];
    plain.chain(packed.map(|body| [&[0], body.as_slice()].concat())).collect()
}

const BASES: [&str; 5] = [
    "https://h.example/r4",
    "https://h.example/r4/",
    "https://h.example",
    "http://127.0.0.1:8080/a%20b/fhir",
    "https://[2001:db8::7]:8443/fhir//",
];

/// Three lines: which base, the link, and the base that the server believes to have.
pub fn link(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.splitn(3, '\n');
    let number = lines.next().map_or(0, str::len);
    let Some(link) = lines.next() else { return };
    let next = Next { link: link.to_owned(), inner_base: lines.next().map(str::to_owned) };
    let base = Base::parse(BASES[number % BASES.len()]).expect("a base");
    let mut trail = Trail::new(&base, "Appointment");
    let step = trail.step(&base, &next).expect("never seen before");
    for url in &step.targets {
        // Patients' numbers may be in it, and the token goes with it: to nobody else.
        assert_eq!(url.origin(), base.below().origin(), "{link:?} leads to {url}");
        let again = url.as_str().parse().expect("a URL");
        assert_eq!(*url, again);
    }
    let told = step.elsewhere.unwrap_or_default();
    assert!(told.len() <= 80 && !told.contains(['@', ' ', '\r', '\n']), "{told:?}");
    assert!(trail.step(&base, &next).is_none(), "the same link again is the end");
    if let Some(moved) = base.moved(link) {
        assert_eq!(moved.origin(), base.written().origin());
    }
    if let Ok(theirs) = Base::parse(link) {
        let below = theirs.url("Patient/7", &[("a", "b&c=d")]).expect("below the base");
        assert!(below.path().ends_with("/Patient/7") && below.query() == Some("a=b%26c%3Dd"), "{below}");
    }
}

pub fn links() -> Vec<Vec<u8>> {
    let links = [
        "https://h.example/r4/Appointment?page=2",
        "https://h.example:443:443/r4?_getpages=a",
        "Appointment?_offset=20",
        "?_offset=20",
        "/app/FHIR/r4/Appointment?page=2#x",
        "//h.example/r4/Appointment?page=2",
        "http://me:secret@inner:8080/fhir?_getpages=a",
        "http://inner/f/__page/ab/2?t=1\nhttp://inner/f/",
        "javascript:alert(1)",
        "../../admin",
    ];
    (0..BASES.len()).flat_map(|base| links.map(|link| format!("{}\n{link}", "x".repeat(base)).into_bytes())).collect()
}

/// Text that may be a moment, and text that may be a number.
pub fn primitive(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let exact = DateTime::parse_from_rfc3339(text).ok();
    let read = wire::instant(text);
    assert!(exact.is_none() || read == exact, "{text:?} is {exact:?}, not {read:?}");
    if let Some(moment) = read {
        assert_eq!(wire::instant(&moment.to_rfc3339()), Some(moment));
        // The day that stands there is the day that is read.
        let day = moment.date_naive().format("%Y-%m-%d").to_string();
        assert!(text.starts_with(&day) || moment.nanosecond() >= 1_000_000_000, "{text:?} was read as {moment}");
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let Some(whole) = wire::whole(&value) else {
        let taken = value.as_f64().is_some_and(|number| (0.0..9e15).contains(&number) && number.fract() == 0.0);
        assert!(!taken || text.contains(['.', 'e', 'E', '-']), "{text:?} is a whole number");
        return;
    };
    #[expect(clippy::cast_precision_loss, reason = "compared with what another reader makes of it, which is no nearer")]
    let near = whole as f64;
    let other = value.as_f64().expect("a number");
    assert!((near - other).abs() <= other.abs() * 1e-12, "{text:?} was read as {whole}");
}

pub fn primitives() -> Vec<Vec<u8>> {
    let texts = [
        "2026-11-25T10:30:00+09:00",
        "2026-11-25T01:30Z",
        "2026-11-25t01:30:00.123456789012z",
        "2026-12-31T23:59:60Z",
        "2026-11-25T24:00:00+14:00",
        "2026-11-25T10:30:00+0900",
        "2026-11-25",
        "6",
        "6.0",
        "5.1e3",
        "-0.0",
        "1e400",
        "18446744073709551615",
        "0.000000001e9",
        "1E-1",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

const ZONES: [&str; 8] = [
    "Asia/Seoul",
    "Europe/Berlin",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Etc/GMT+9",
];

/// A zone and a second of this century: what the town's clocks show is that moment, and its days follow each other.
pub fn zone(bytes: &[u8]) {
    let [which, seconds @ ..] = bytes else { return };
    let Some(seconds) = seconds.first_chunk::<4>() else { return };
    let zone = Zone::named(ZONES[usize::from(*which) % ZONES.len()]).expect("a zone of the database");
    let instant = DateTime::<Utc>::from_timestamp(u32::from_be_bytes(*seconds).into(), 0).expect("of this century");
    let shown = zone.at(&instant);
    assert_eq!(shown, instant);
    assert!(zone.readings(shown.naive_local()).contains(&shown), "the clocks that show it may mean it");
    assert!(zone.first(shown.naive_local()) <= shown && shown <= zone.last(shown.naive_local()));
    let day = shown.date_naive();
    let (begins, next) = (zone.day_begins(day), zone.day_begins(day + Days::new(1)));
    assert!(begins <= shown && shown < next, "{shown} is in its day, {begins} to {next}");
    assert_eq!(begins.date_naive(), day);
    let before = zone.at(&(begins.to_utc() - chrono::TimeDelta::seconds(1)));
    assert!(before.date_naive() < day, "{before} is before {begins}");
    let _ = zone.first(NaiveDate::MAX.and_time(NaiveTime::MIN)).timestamp();
}

pub fn seconds() -> Vec<Vec<u8>> {
    // The hours around a change of the clocks somewhere, and the day that Apia left out.
    let moments: [u32; 6] = [1_774_746_000, 1_792_890_000, 1_788_667_200, 1_325_239_200, 1_775_314_800, 1_764_000_000];
    let all = (0..8_u8).flat_map(|zone| moments.map(|second| [&[zone][..], &second.to_be_bytes()].concat()));
    all.collect()
}
