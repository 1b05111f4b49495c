//! Speed as ratios and counts, never as a timed assertion: machines differ. `make bench` prints them.

#![expect(clippy::cast_precision_loss, reason = "lengths are small numbers")]

use criterion::{Criterion, criterion_group, criterion_main};
use hospital_kiosk::app::press;
use hospital_kiosk::assembly;
use hospital_kiosk::config;
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, Request};
use hospital_kiosk::domain::paper::{Paper, Receipt};
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::domain::pricing::quote::quote;
use hospital_kiosk::domain::screen::Tap;
use hospital_kiosk::domain::session::{Input, Session};
use hospital_kiosk::hospital::client::answer::of_transaction;
use hospital_kiosk::hospital::client::{Content, HttpAnswer};
use hospital_kiosk::ports::JournalLines;
use hospital_kiosk::printer::encode;
use hospital_kiosk::scanner::framing::Collector;
use hospital_kiosk::store;
use hospital_kiosk::terminal::smartro::packet::{Frame, STX};
use hospital_kiosk::terminal::smartro::reader::Reader;
use std::fs::File;
use std::hint::black_box;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

fn facility() -> Facility {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/kiosk.toml");
    assembly::load_config(&path).expect("the demo hospital's configuration").facility
}

fn moment(tick_ms: u64) -> Moment {
    let wall = chrono::DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").expect("time");
    Moment { tick: Tick(tick_ms), wall, fresh: Uuid::from_u128(u128::from(tick_ms) + 1) }
}

fn frames(criterion: &mut Criterion) {
    let data =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/smartro.tsv")).expect("vectors");
    let line = data.lines().find(|line| line.starts_with("resp_b_ok")).expect("an approval");
    let hex = line.split('\t').nth(2).expect("hex");
    let bytes =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex")).collect::<Vec<_>>();
    let frame = Frame::parse(&bytes).expect("frame");
    criterion.bench_function("smartro: decode an approval", |bencher| bencher.iter(|| Frame::parse(black_box(&bytes))));
    criterion.bench_function("smartro: encode an approval", |bencher| bencher.iter(|| black_box(&frame).encode()));
}

fn journey(criterion: &mut Criterion) {
    let facility = Arc::new(facility());
    let taps = [Tap::Start, Tap::Language(Language::En), Tap::Help, Tap::Back, Tap::StartOver];
    criterion.bench_function("journey: five touches from idle and back", |bencher| {
        let mut session = Session::new(facility.clone());
        let mut tick_ms = 0;
        bencher.iter(|| {
            for tap in taps {
                tick_ms += 1000;
                drop(black_box(session.handle(Input::Tapped(tap), moment(tick_ms))));
            }
        });
    });
}

fn receipt(facility: &Facility) -> Receipt {
    let at = moment(0).wall;
    let code = &facility.documents[0].code;
    let quoted = quote(facility, code, Some(6), 1, None, at);
    Receipt {
        language: Language::En,
        at,
        claim: "K3-1125-047-6".into(),
        lines: quoted.lines,
        total: quoted.amount.unwrap_or(Amount(5100)),
        card: None,
        pay_at: None,
        collect_at: facility.desk_name(&facility.cashier_desk),
        ready_at: at,
        collect_until: None,
        bring: facility.documents[0].bring.clone(),
        duplicate: false,
    }
}

fn paper(criterion: &mut Criterion) {
    let facility = facility();
    let paper = Paper::Receipt(receipt(&facility));
    let raster = press::press(&paper, &facility, 576).expect("drawn");
    criterion.bench_function("paper: draw a receipt", |bencher| {
        bencher.iter(|| press::press(black_box(&paper), &facility, 576));
    });
    criterion
        .bench_function("paper: encode a receipt", |bencher| bencher.iter(|| encode::job(black_box(&raster), true)));
}

/// A durable enqueue against the same bytes written and fdatasync'ed bare, on the same disk in the same run.
fn enqueue(_: &mut Criterion) {
    const ROUNDS: u32 = 200;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("folder");
    let settings = config::Store::at(folder.path().join("store"), folder.path().join("key/store.key"));
    let opened = store::open_with_credentials(&settings, None).expect("store");
    let bundle = vec![b'x'; 4096];
    let started = Instant::now();
    for _ in 0..ROUNDS {
        opened.store.queue(&request(), &bundle).expect("queued");
    }
    let queued = started.elapsed();
    // A log that is written over, as the store's is, and a file that grows, whose new length must be written as well.
    let mut file = File::create(folder.path().join("bare")).expect("file");
    let mut written = |what: &str| {
        file.rewind().expect("the beginning");
        let started = Instant::now();
        for _ in 0..ROUNDS {
            file.write_all(&bundle).expect("written");
            file.sync_data().expect("synced");
        }
        let (bare, rounds) = (started.elapsed(), ROUNDS);
        let ratio = queued.as_secs_f64() / bare.as_secs_f64();
        println!(
            "store: durable enqueue / bare write+fdatasync {what} = {ratio:.2} ({rounds} rounds, {:.2?} / {:.2?} each)",
            queued / ROUNDS,
            bare / ROUNDS
        );
    };
    written("of a file that grows");
    written("over what is there");
}

fn request() -> Request {
    Request {
        id: Uuid::new_v4(),
        visit: Uuid::new_v4(),
        made_at: moment(0).wall,
        language: Language::En,
        patient: PatientNumber("00000000".into()),
        patient_ref: None,
        act: Act::Documents {
            claim: "K3-1125-047-6".into(),
            lines: Vec::new(),
            total: Amount(0),
            currency: "KRW".into(),
            consent_version: "1".into(),
            payment: PaymentOfRequest::Free,
        },
    }
}

/// What comes from outside is read in time linear in its length: eight times the bytes, about eight times the time. The
/// best of many, since a machine has other things to do.
fn linear(_: &mut Criterion) {
    const SHORT: usize = 8 * 1024;
    const TIMES: usize = 8;
    let best_s = |work: &mut dyn FnMut()| {
        let timed = |()| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        };
        std::iter::repeat_n((), 50).map(timed).fold(f64::INFINITY, f64::min)
    };
    let report = |name: &str, make: &dyn Fn(usize) -> Vec<u8>, read: &dyn Fn(&[u8])| {
        let (short, long) = (make(SHORT), make(SHORT * TIMES));
        let ratio = best_s(&mut || read(black_box(&long))) / best_s(&mut || read(black_box(&short)));
        let ratio = ratio * short.len() as f64 / long.len() as f64;
        println!("linear: {name}: {TIMES} times the bytes take {ratio:.2} times the time for each byte");
    };
    let frame = |bytes: usize| {
        let header =
            Frame { terminal_id: [0; 16], stamp: *b"20260101000000", job: b'b', response_code: 0, data: vec![] };
        Frame { data: vec![b'0'; bytes.min(65_000)], ..header }.encode()
    };
    let stream = |bytes: &[u8]| {
        let mut reader = Reader::default();
        black_box(reader.push(bytes).len() + reader.silence().len());
    };
    report("smartro frame", &frame, &|bytes| drop(black_box(Frame::parse(bytes))));
    report("smartro stream of noise", &|bytes| vec![0x41; bytes], &stream);
    report("smartro stream of false starts", &|bytes| vec![STX; bytes], &stream);
    report("scanner line", &|bytes| vec![b'7'; bytes], &|bytes| {
        let mut collector = Collector::new(true);
        black_box(bytes.iter().filter_map(|byte| collector.take(*byte)).count());
    });
    let bundle = |bytes: usize| {
        let entry = r#"{"response":{"status":"201 Created"}}"#;
        let entries = vec![entry; bytes / entry.len()].join(",");
        format!(r#"{{"resourceType":"Bundle","entry":[{entries}]}}"#).into_bytes()
    };
    report("FHIR answer", &bundle, &|bytes| {
        let json = serde_json::from_slice(bytes).ok();
        let answer = HttpAnswer { json, content: Content::Resource, ..HttpAnswer::bare(200) };
        black_box(of_transaction(&answer, 3));
    });
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("folder");
    let path = folder.path().join("kiosk.toml");
    report("configuration", &|bytes| "[a]\nk = 1\n".repeat(bytes / 10).into_bytes(), &|bytes| {
        std::fs::write(&path, bytes).expect("a file");
        black_box(assembly::load_config(&path).is_err());
    });
}

criterion_group!(benches, frames, journey, paper, enqueue, linear);
criterion_main!(benches);
