//! Watching a fleet: what a monitor reads over loopback, and that nothing personal is in it.

use crate::journeys::facility::facility;
use chrono::{DateTime, FixedOffset, Utc};
use hospital_kiosk::config::Store as StoreSettings;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::outbox::{Act, Delivery, PaymentOfRequest, Request};
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::domain::printer::{PrintJob, PrinterState};
use hospital_kiosk::domain::reason::{Meanwhile, ParkReason, Told};
use hospital_kiosk::ports::{JournalLines, Printer, Raster, Scanner, SingleRequests, Software, Store};
use hospital_kiosk::watch::{self, Line, Presence, Sources};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const NUMBER: &str = "7701234567890123";
const CLAIM: &str = "K3-1125-777-1";

struct Unplugged;

impl Scanner for Unplugged {
    fn is_there(&self) -> bool {
        false
    }

    fn forget(&self) {}
}

struct OutOfPaper;

impl Printer for OutOfPaper {
    fn print(&self, _: PrintJob, _: Raster) {}
    fn clear(&self) {}
    fn state(&self) -> PrinterState {
        PrinterState::PaperOut
    }
}

fn at() -> DateTime<FixedOffset> {
    (Utc::now() - chrono::TimeDelta::minutes(10)).fixed_offset()
}

fn request(id: u128) -> Request {
    Request {
        id: Uuid::from_u128(id),
        visit: Uuid::from_u128(id),
        made_at: at(),
        language: Language::Ko,
        patient: PatientNumber(NUMBER.into()),
        patient_ref: Some(format!("Patient/{NUMBER}")),
        act: Act::Documents {
            claim: CLAIM.into(),
            lines: Vec::new(),
            total: Amount(5100),
            currency: "KRW".into(),
            consent_version: "1".into(),
            payment: PaymentOfRequest::Unpaid,
        },
    }
}

/// As curl would: a plain HTTP/1.1 request.
pub fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

pub fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

fn known(is_so: bool) -> Arc<Presence> {
    let presence = Presence::default();
    presence.set(is_so);
    presence.into()
}

#[test]
fn a_scrape_tells_the_state_and_nobody_elses_business() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = StoreSettings::at(folder.path().join("data"), folder.path().join("keys/key"));
    let store: Arc<dyn Store> =
        Arc::new(hospital_kiosk::store::open_with_credentials(&settings, None).expect("a store").store);
    for id in 1..=4 {
        store.queue(&request(id), format!("{{\"value\":\"{NUMBER}\"}}").as_bytes()).expect("queued");
    }
    store.begin_try(1).expect("tried");
    let reason = ParkReason::Status { status: 422, issues: format!("refused for {NUMBER}") };
    store.end_try(1, &Delivery::Park { reason }, at()).expect("parked");
    store.begin_try(2).expect("tried");
    let note = Told::Appointment { meanwhile: Meanwhile::Cancelled, ticket: NUMBER.to_owned() };
    store.end_try(2, &Delivery::Done { note: Some(note) }, at()).expect("done");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (terminal, hospital) = (Arc::new(Presence::default()), Arc::new(Presence::default()));
    terminal.set(true);
    let sources = Sources {
        facility: facility().into(),
        terminal_protocol: "zvt".into(),
        database_format: hospital_kiosk::store::FORMAT,
        started: Instant::now(),
        store,
        printer: Arc::new(OutOfPaper),
        terminal,
        hospital: hospital.clone(),
        service: known(false),
        store_writes: known(true),
        clock: known(true),
        scanner: Some(Arc::new(Unplugged)),
        line: Arc::new(|| Line {
            skew_s: Some(-75),
            let_in: Some(false),
            heard_at_s: Some(1_795_600_000),
            schedule_at_s: Some(1_795_599_000),
            held_until_s: Some(1_795_601_800),
            software: Some(Software { fhir: "4.0.1".into(), name: "Some \"FHIR\"".into(), version: String::new() }),
        }),
    };
    let address =
        watch::serve(runtime.handle(), "127.0.0.1:0".parse().expect("an address"), sources.into()).expect("served");
    // Whoever holds many lines open without a word, or sends a head without an end, is let go.
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(address).expect("a line")).collect();
    let mut endless = TcpStream::connect(address).expect("a line");
    let _ = endless
        .write_all(b"GET /metrics HTTP/1.1\r\nx: ")
        .and_then(|()| endless.write_all("a".repeat(60_000).as_bytes()));
    let text = get(address, "/metrics").expect("an answer");
    drop(silent);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("text/plain; version=0.0.4"), "{text}");
    let info = format!(
        "kiosk_info{{kiosk=\"K3\",version=\"{}\",database=\"{}\",terminal_protocol=\"zvt\"}}",
        env!("CARGO_PKG_VERSION"),
        hospital_kiosk::store::FORMAT
    );
    for (name, wanted) in [
        ("kiosk_queue_waiting", "2"),
        ("kiosk_queue_parked", "1"),
        ("kiosk_payments_in_doubt", "0"),
        ("kiosk_payments_need_staff", "0"),
        ("kiosk_store_readable", "1"),
        ("kiosk_store_writable", "1"),
        ("kiosk_terminal_online", "1"),
        ("kiosk_scanner_online", "0"),
        ("kiosk_queue_noted", "1"),
        ("kiosk_schedule_read_timestamp_seconds", "1795599000"),
        ("kiosk_queue_held_until_timestamp_seconds", "1795601800"),
        ("kiosk_clock_skew_seconds", "-75"),
        ("kiosk_clock_believed", "1"),
        ("kiosk_hospital_lets_in", "0"),
        ("kiosk_in_service", "0"),
        ("kiosk_hospital_last_answer_timestamp_seconds", "1795600000"),
        ("kiosk_printer_state{state=\"paper-out\"}", "1"),
        ("kiosk_printer_state{state=\"online\"}", "0"),
        ("kiosk_hospital_info{fhir=\"4.0.1\",software=\"Some \\\"FHIR\\\"\",version=\"\"}", "1"),
        (info.as_str(), "1"),
    ] {
        assert_eq!(value(&text, name), Some(wanted), "{name}\n{text}");
    }
    let age: i64 = value(&text, "kiosk_queue_oldest_age_seconds").expect("an age").parse().expect("a number");
    assert!((600..1_200).contains(&age), "{age}");
    assert_eq!(value(&text, "kiosk_hospital_online"), None, "not known yet, so not told");
    hospital.set(false);
    assert_eq!(value(&get(address, "/metrics").expect("an answer"), "kiosk_hospital_online"), Some("0"));
    for personal in [NUMBER, CLAIM, "Patient", "refused for", "5100", "00000000-0000"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    assert!(get(address, "/").expect("an answer").starts_with("HTTP/1.1 404"));
    takes_few_descriptors(address);
    alerts_name_only_what_is_told(&text);
}

/// However many lines are opened and kept: the others wait in the system's queue. (Other tests run in this process, too.)
fn takes_few_descriptors(address: SocketAddr) {
    let open = || std::fs::read_dir("/proc/self/fd").expect("descriptors").count();
    let before = open();
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(address).expect("a line")).collect();
    for _ in 0..25 {
        let of_kiosk = open().saturating_sub(before + silent.len());
        assert!(of_kiosk <= 60, "{of_kiosk}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The example rules in `config/`: a rule on a figure that nobody tells would never fire.
fn alerts_name_only_what_is_told(text: &str) {
    let rules = include_str!("../config/prometheus-alerts.yml");
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let named = rules.split(|letter| !is_word(letter)).filter(|word| word.starts_with("kiosk_")).collect::<Vec<_>>();
    assert!(named.len() >= 10, "{named:?}");
    for name in named {
        let told = text.contains(&format!("# TYPE {name} ")) || name == "kiosk_hospital_online";
        assert!(told, "{name} is in no scrape");
    }
}
