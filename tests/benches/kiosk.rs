//! Speed as ratios and counts, never as a timed assertion: machines differ. `make bench` prints them.

use criterion::{Criterion, criterion_group, criterion_main};
use hospital_kiosk::app::press;
use hospital_kiosk::assembly;
use hospital_kiosk::config;
use hospital_kiosk::domain::document::quote::quote;
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, Request};
use hospital_kiosk::domain::paper::{Paper, Receipt};
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::domain::screen::Tap;
use hospital_kiosk::domain::session::{Input, Session};
use hospital_kiosk::ports::Store;
use hospital_kiosk::printer::encode;
use hospital_kiosk::store;
use hospital_kiosk::terminal::smartro::packet::Frame;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
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
                black_box(session.handle(Input::Tapped(tap), moment(tick_ms)));
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
    let raster = press::press(&paper, &facility).expect("drawn");
    criterion
        .bench_function("paper: draw a receipt", |bencher| bencher.iter(|| press::press(black_box(&paper), &facility)));
    criterion
        .bench_function("paper: encode a receipt", |bencher| bencher.iter(|| encode::job(black_box(&raster), true)));
}

/// A durable enqueue against the same bytes written and fdatasync'ed bare, on the same disk in the same run.
fn enqueue(_: &mut Criterion) {
    const ROUNDS: u32 = 200;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("folder");
    let settings = config::Store { folder: folder.path().join("store"), key_file: folder.path().join("key/store.key") };
    let opened = store::open_with_credentials(&settings, None).expect("store");
    let bundle = vec![b'x'; 4096];
    let started = Instant::now();
    for _ in 0..ROUNDS {
        opened.store.queue(&request(), &bundle).expect("queued");
    }
    let queued = started.elapsed();
    let mut file = File::create(folder.path().join("bare")).expect("file");
    let started = Instant::now();
    for _ in 0..ROUNDS {
        file.write_all(&bundle).expect("written");
        file.sync_data().expect("synced");
    }
    let bare = started.elapsed();
    let ratio = queued.as_secs_f64() / bare.as_secs_f64();
    println!(
        "store: durable enqueue / bare write+fdatasync = {ratio:.2} ({ROUNDS} rounds, {:.2?} each)",
        queued / ROUNDS
    );
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

criterion_group!(benches, frames, journey, paper, enqueue);
criterion_main!(benches);
