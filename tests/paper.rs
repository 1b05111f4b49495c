//! Papers are drawn the same everywhere, whatever else runs, and can be read back.

use chrono::{DateTime, FixedOffset};
use hospital_kiosk::app::press;
use hospital_kiosk::app::screens::COMPLETE_LANGUAGES;
use hospital_kiosk::domain::document::{OrderLine, Tax, Unit};
use hospital_kiosk::domain::facility::{CheckInRules, Desk, Facility, PaymentRules, Privacy, Timing};
use hospital_kiosk::domain::language::{Language, LocalText};
use hospital_kiosk::domain::money::{Amount, Currency};
use hospital_kiosk::domain::paper::{CardLine, DeskReason, DoubtSlip, Paper, Receipt, Ticket};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::ports::Raster;
use hospital_kiosk::printer::encode;
use hospital_kiosk::rehearsal::picture::to_png;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub const CLAIM: &str = "K3-1120-047-6";

/// The heads of printers that are sold: 58 mm, 80 mm, and two wide ones.
const WIDTHS: [u32; 4] = [384, 576, 640, 832];

/// On the most common printer.
fn press(paper: &Paper, facility: &Facility) -> Result<Raster, String> {
    press::press(paper, facility, 576)
}

#[test]
fn the_same_paper_is_the_same_dots_on_every_thread() {
    let paper = Paper::Receipt(receipt(Language::En));
    let first = press(&paper, &facility()).expect("drawn");
    let others: Vec<_> = (0..3)
        .map(|_| {
            let paper = paper.clone();
            std::thread::spawn(move || press(&paper, &facility()))
        })
        .collect();
    for other in others {
        assert!(other.join().expect("no panic").expect("drawn") == first);
    }
}

/// The guard of the undocumented promise that a Slint context belongs to its thread.
#[test]
fn a_window_of_another_thread_is_left_alone() {
    let alone = press(&Paper::Ticket(ticket(Language::Ko)), &facility()).expect("drawn");
    let beside = std::thread::spawn(|| {
        i_slint_backend_testing::init_no_event_loop();
        let window = hospital_kiosk::app::screens::ui::TicketPaper::new().expect("a window of this thread");
        slint::select_bundled_translation("en").expect("English");
        let before = window.get_spoken();
        let drawn = press(&Paper::Ticket(ticket(Language::Ko)), &facility());
        assert!(window.get_spoken() == before, "the language of this thread's window has changed");
        drawn
    });
    assert!(beside.join().expect("no panic").expect("drawn") == alone);
}

#[test]
fn every_receipt_carries_its_claim_number_as_a_code() {
    for (language, width) in COMPLETE_LANGUAGES.iter().flat_map(|&language| WIDTHS.map(|w| (language, w))) {
        let raster = press::press(&Paper::Receipt(receipt(language)), &facility(), width).expect("drawn");
        assert_eq!(read_code(&raster).as_deref(), Some(CLAIM), "{language:?}, {width} dots");
    }
}

/// Number, place and time are what a ticket is for; the clinic would tell whoever picks it up more than that.
#[test]
fn a_ticket_names_the_clinic_only_where_the_hospital_says_so() {
    for ticket_clinic in [false, true] {
        let rules = CheckInRules { ticket_clinic, ..facility().check_in };
        let facility = Facility { check_in: rules, ..facility() };
        for language in [Language::Ko, Language::En] {
            let of = |ko, en| {
                let ticket = Ticket { clinic: both(ko, en), ..ticket(language) };
                press(&Paper::Ticket(ticket), &facility).expect("drawn")
            };
            let same = of("정신건강의학과", "Psychiatry") == of("안과", "Eye clinic");
            assert_eq!(same, !ticket_clinic, "{language:?}");
        }
    }
}

/// What does not fit would reach into the margin, or over the edge of the paper.
#[test]
fn every_paper_keeps_its_margins_on_every_printer() {
    for (name, paper) in papers().into_iter().chain(long_papers()) {
        for width in WIDTHS {
            let raster = press::press(&paper, &facility(), width).expect("drawn");
            keeps_its_margins(&format!("{name}, {width} dots"), &raster, width);
        }
    }
}

fn keeps_its_margins(name: &str, raster: &Raster, width: u32) {
    assert_eq!(raster.width_dots, width);
    let row_bytes = width as usize / 8;
    let (rows, height) = (raster.rows.chunks(row_bytes).collect::<Vec<_>>(), raster.height_dots as usize);
    assert_eq!(rows.len(), height);
    let blank = |row: usize| rows[row].iter().all(|dots| *dots == 0);
    let full = rows.iter().filter(|row| row[2..row_bytes - 2].iter().all(|dots| *dots == 0xFF)).count();
    assert_eq!(full, 4, "{name}: one rule of half a millimetre");
    assert!((height - 160..height).all(blank), "{name}: less than 20 mm to tear off at");
    assert!(!(height - 240..height - 160).all(blank), "{name}: more than 30 mm of blank paper");
    assert!(rows.iter().all(|row| row[0] == 0), "{name}: ink in the left margin");
    assert!(rows.iter().all(|row| row[row_bytes - 1] == 0), "{name}: ink in the right margin");
}

/// A narrower paper is longer, and says the same.
#[test]
fn a_narrow_paper_is_wrapped_and_not_cut() {
    for (name, paper) in papers().into_iter().chain(long_papers()) {
        let drawn = WIDTHS.map(|width| press::press_with_texts(&paper, &facility(), width).expect("drawn"));
        assert!(drawn.windows(2).all(|pair| pair[0].texts == pair[1].texts), "{name}");
        // The narrowest has smaller facts: where those take most of a paper, it need not be longer.
        assert!(name.starts_with("long-") || drawn[0].raster.height_dots > drawn[1].raster.height_dots, "{name}");
        assert!(drawn[1].raster.height_dots >= drawn[3].raster.height_dots, "{name}");
    }
}

/// Whatever is known of the rest, a paper with a missing price names no sum.
#[test]
fn a_missing_price_leaves_no_total() {
    let facility = facility();
    let known = unpriced(Language::En);
    let mut other_sum = known.clone();
    other_sum.total = Amount(1_234_567);
    assert!(press(&Paper::Receipt(known.clone()), &facility) == press(&Paper::Receipt(other_sum), &facility));
    let mut priced = known.clone();
    priced.lines[0].amount = Some(Amount(4_000));
    assert!(press(&Paper::Receipt(known), &facility) != press(&Paper::Receipt(priced), &facility));
}

#[test]
fn a_letter_without_a_font_is_not_lost_silently() {
    let mut odd = ticket(Language::En);
    odd.place = LocalText::new([(Language::En, "Room \u{E123}7"), (Language::Ko, "7호")]);
    let mut plain = odd.clone();
    plain.place = LocalText::new([(Language::En, "Room ?7"), (Language::Ko, "7호")]);
    let facility = facility();
    assert!(press(&Paper::Ticket(odd), &facility) == press(&Paper::Ticket(plain), &facility));
}

#[test]
fn a_language_without_a_catalogue_is_an_error_and_not_a_wrong_paper() {
    assert!(press(&Paper::Ticket(ticket(Language::Mn)), &facility()).is_err());
}

#[test]
fn an_endless_paper_is_refused() {
    let mut endless = receipt(Language::Ko);
    endless.lines = vec![endless.lines[0].clone(); 400];
    assert!(press(&Paper::Receipt(endless), &facility()).is_err());
}

/// `PAPER_OUT=dir cargo test dump_papers -- --ignored` writes every paper as PNG, its bytes and its claim number.
#[test]
#[ignore = "writes files for people and for tests/peers/emupos_check.py"]
fn dump_papers() {
    let folder = std::env::var_os("PAPER_OUT").map_or_else(|| std::env::temp_dir().join("papers"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, paper) in papers() {
        for width in WIDTHS.into_iter().filter(|width| *width != 576) {
            let raster = press::press(&paper, &facility(), width).expect("drawn");
            std::fs::write(folder.join(format!("{name}-{width}.png")), to_png(&raster)).expect("written");
        }
        let raster = press(&paper, &facility()).expect("drawn");
        std::fs::write(folder.join(format!("{name}.png")), to_png(&raster)).expect("written");
        std::fs::write(folder.join(format!("{name}.escpos")), encode::job(&raster, true).expect("bytes"))
            .expect("written");
        if let Paper::Receipt(receipt) = paper {
            std::fs::write(folder.join(format!("{name}.claim")), receipt.claim).expect("written");
        }
    }
}

/// The text of the QR code on a paper.
pub fn read_code(raster: &Raster) -> Option<String> {
    let (width, height) = (raster.width_dots as usize, raster.height_dots as usize);
    let dark = |x: usize, y: usize| raster.rows[y * width / 8 + x / 8] >> (7 - x % 8) & 1 == 1;
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| if dark(x, y) { 0 } else { 255 });
    picture.detect_grids().iter().find_map(|grid| grid.decode().ok().map(|(_, text)| text))
}

pub fn papers() -> Vec<(String, Paper)> {
    let mut papers = Vec::new();
    for &language in COMPLETE_LANGUAGES {
        let name = |what: &str| format!("{what}-{}", language.code());
        papers.push((name("receipt"), Paper::Receipt(receipt(language))));
        papers.push((name("receipt-unpaid"), Paper::Receipt(unpaid(language))));
        papers.push((name("receipt-unpriced"), Paper::Receipt(unpriced(language))));
        papers.push((name("receipt-free"), Paper::Receipt(free(language))));
        papers.push((name("ticket"), Paper::Ticket(ticket(language))));
        papers.push((name("ticket-desk"), Paper::Ticket(ticket_with_desk(language))));
        papers.push((name("slip"), Paper::Slip(slip(language))));
    }
    papers
}

/// The longest that a hospital or a card company may have to say.
fn long_papers() -> Vec<(String, Paper)> {
    let mut papers = Vec::new();
    for &language in COMPLETE_LANGUAGES {
        let mut long = unpriced(language);
        long.lines[1].name = both(
            "의무기록사본발급신청서및영상판독소견서사본증명용", // no place to break
            "Otorhinolaryngologicalpolysomnographyreport and everything else that belongs to it",
        );
        long.lines[1].amount = Some(Amount(123_456_789));
        long.pay_at =
            Some(both("지하1층원무과외국인전용수납창구십삼번", "Internationalpatientscashier number thirteen"));
        papers.push((format!("long-unpaid-{}", language.code()), Paper::Receipt(long)));
        let mut paid = receipt(language);
        paid.total = Amount(123_456_789);
        paid.card = Some(CardLine {
            masked_card: "9410-12**-****-8207-000".into(),
            approval_number: "300411889988776655".into(),
            issuer: "The Very Long Name of a Card Company Ltd.".into(),
            paid_at: "2026-11-25 14:04:51".into(),
            attempt_number: "K3-0047".into(),
        });
        papers.push((format!("long-paid-{}", language.code()), Paper::Receipt(paid)));
        let mut ticket = ticket_with_desk(language);
        ticket.number = "K3XY-1027".into();
        ticket.clinic = both("소화기내과간담췌외과이식혈관외과통합진료센터", "Gastroenterohepatologicaloncology");
        papers.push((format!("long-ticket-{}", language.code()), Paper::Ticket(ticket)));
        let mut slip = slip(language);
        slip.amount = Amount(123_456_789);
        papers.push((format!("long-slip-{}", language.code()), Paper::Slip(slip)));
    }
    papers
}

fn both(ko: &str, en: &str) -> LocalText {
    LocalText::new([(Language::Ko, ko), (Language::En, en)])
}

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).expect("a time")
}

pub fn receipt(language: Language) -> Receipt {
    let line = |name: LocalText, unit: Unit, count: u32, copies: u32, amount: i64, spoken: Language| OrderLine {
        code: "X".into(),
        name,
        language: spoken,
        unit,
        count,
        copies,
        amount: Some(Amount(amount)),
        tax: Tax::Exempt,
    };
    Receipt {
        language,
        at: at("2026-11-25T14:05:00+09:00"),
        claim: CLAIM.into(),
        lines: vec![
            line(both("의무기록 사본", "Copy of the medical record"), Unit::Page, 12, 1, 4_000, Language::Ko),
            line(
                both("영상 CD (X선, CT, MRI)", "Medical images on CD (X-ray, CT, MRI)"),
                Unit::Disc,
                1,
                1,
                8_000,
                Language::Ko,
            ),
            line(both("진료 확인서", "Confirmation of outpatient treatment"), Unit::Copy, 2, 2, 1_000, Language::En),
        ],
        total: Amount(13_000),
        card: Some(CardLine {
            masked_card: "9410-12**-****-8207".into(),
            approval_number: "30041188".into(),
            issuer: "온샘카드".into(),
            paid_at: "2026-11-25 14:04:51".into(),
            attempt_number: "K3-0047".into(),
        }),
        pay_at: None,
        collect_at: both("1층 의무기록 창구", "Medical records desk, floor 1"),
        ready_at: at("2026-11-25T14:35:00+09:00"),
        collect_until: Some(at("2026-11-25T18:00:00+09:00")),
        bring: both("사진이 있는 신분증", "Photo ID (passport or residence card)"),
        duplicate: false,
    }
}

fn unpaid(language: Language) -> Receipt {
    let mut receipt = receipt(language);
    receipt.card = None;
    receipt.pay_at = Some(both("1층 수납 창구 3번", "Cashier 3, floor 1"));
    receipt.lines[1].tax = Tax::Percent(10);
    receipt.collect_until = None;
    receipt
}

/// The record's price goes by pages, and nobody could tell them.
fn unpriced(language: Language) -> Receipt {
    let mut receipt = unpaid(language);
    receipt.lines[0] = OrderLine { unit: Unit::Copy, count: 1, amount: None, ..receipt.lines[0].clone() };
    receipt.total = Amount(9_000);
    receipt
}

fn free(language: Language) -> Receipt {
    let mut receipt = receipt(language);
    receipt.card = None;
    receipt.lines.truncate(1);
    receipt.lines[0].amount = Some(Amount(0));
    receipt.lines[0].name = both("진료비 영수증", "Receipt and itemised bill");
    receipt.lines[0].unit = Unit::Copy;
    receipt.lines[0].count = 1;
    receipt.lines[0].language = Language::En;
    receipt.total = Amount(0);
    receipt.duplicate = true;
    receipt
}

pub fn ticket(language: Language) -> Ticket {
    Ticket {
        language,
        at: at("2026-11-25T14:05:00+09:00"),
        number: "K3-027".into(),
        place: both("2층 내과 3번 진료실", "Internal medicine, room 3, floor 2"),
        clinic: both("소화기내과", "Gastroenterology"),
        appointment_at: at("2026-11-25T14:30:00+09:00"),
        see_desk: None,
        bring: Vec::new(),
        provisional: false,
        duplicate: false,
    }
}

fn ticket_with_desk(language: Language) -> Ticket {
    Ticket {
        see_desk: Some(both("1층 3번 창구", "Desk 3, floor 1")),
        bring: vec![DeskReason::IdCheck, DeskReason::InsuranceQuestion],
        provisional: true,
        duplicate: true,
        ..ticket(language)
    }
}

fn slip(language: Language) -> DoubtSlip {
    DoubtSlip {
        language,
        at: at("2026-11-25T14:05:00+09:00"),
        attempt_number: "K3-1125-009".into(),
        amount: Amount(13_000),
        desk: both("1층 수납 창구 3번", "Cashier 3, floor 1"),
    }
}

pub fn facility() -> Facility {
    Facility {
        name: both("온새미대학교병원", "Onsaemi University Hospital"),
        short_name: both("온새미병원", "Onsaemi"),
        receipt_note: both("사업자등록번호 000-00-00000", "Business no. 000-00-00000"),
        currency: Currency { code: "KRW".into(), minor_digits: 0 },
        zone: Zone::named("Asia/Seoul").expect("a zone"),
        languages: vec![Language::Ko, Language::En],
        desk_language: Language::Ko,
        number_digits: 8,
        documents: Vec::new(),
        hours: BTreeMap::new(),
        holidays: BTreeMap::new(),
        desks: BTreeMap::from([("help".to_owned(), Desk { name: both("안내", "Help") })]),
        registration_desk: "help".into(),
        cashier_desk: "help".into(),
        help_desk: "help".into(),
        check_in: CheckInRules {
            before_min: 60,
            after_min: 30,
            ask_insurance: true,
            id_check_age: 19,
            id_check_months: 6,
            alone_age: 14,
            wrong_tries_max: 3,
            machine_tries_max: 10,
            offline_tries_max: 3,
            unfinished_visits_max: 5,
            ticket_clinic: false,
        },
        payment: PaymentRules {
            signature_limit: None,
            offline_fixed_price: true,
            card_ms: 60_000,
            doubtful_declines: Vec::new(),
            last_transaction_survives_reboot: false,
        },
        timing: Timing { idle_ms: 60_000, warning_ms: 20_000, done_ms: 20_000, quote_ms: 5_000, in_doubt_ms: 20_000 },
        kiosk_prefix: "K3".into(),
        kiosk_place: both("1층 로비", "Lobby, floor 1"),
        emergency: both("병원 밖은 119", "Outside the hospital: 119"),
        consent_version: "1".into(),
        consent: LocalText::default(),
        privacy: Privacy::default(),
        patient_rights: LocalText::default(),
    }
}
