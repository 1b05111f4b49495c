//! A small hospital for tests.

use chrono::NaiveTime;
use hospital_kiosk::domain::document::{Document, Price, Tax, Unit};
use hospital_kiosk::domain::facility::{CheckInRules, Desk, Facility, PaymentRules, Privacy, Timing};
use hospital_kiosk::domain::hours::WeekHours;
use hospital_kiosk::domain::language::{Language, LocalText};
use hospital_kiosk::domain::money::{Amount, Currency};
use hospital_kiosk::domain::zone::Zone;
use std::collections::BTreeMap;

pub fn text(english: &str) -> LocalText {
    LocalText::new([(Language::En, english)])
}

pub fn facility() -> Facility {
    Facility {
        name: text("Onsaemi University Hospital"),
        short_name: text("Onsaemi"),
        receipt_note: LocalText::default(),
        currency: Currency { code: "KRW".to_owned(), minor_digits: 0 },
        zone: Zone::named("Asia/Seoul").expect("a zone"),
        languages: vec![Language::Ko, Language::En],
        desk_language: Language::Ko,
        number_digits: 8,
        documents: documents(),
        hours: BTreeMap::from([("desk".to_owned(), week())]),
        holidays: BTreeMap::new(),
        desks: ["registration", "cashier", "help", "records"].map(desk).into_iter().collect(),
        registration_desk: "registration".to_owned(),
        cashier_desk: "cashier".to_owned(),
        help_desk: "help".to_owned(),
        check_in: check_in(),
        payment: payment(),
        timing: Timing { idle_ms: 60_000, warning_ms: 20_000, done_ms: 15_000, quote_ms: 15_000, in_doubt_ms: 20_000 },
        kiosk_prefix: "K3".to_owned(),
        kiosk_place: text("Lobby"),
        emergency: text("Outside: 119"),
        consent_version: "1".to_owned(),
        consent: text("We collect your number."),
        privacy: Privacy::default(),
        patient_rights: text("You are cared for in a safe setting."),
    }
}

pub fn check_in() -> CheckInRules {
    CheckInRules {
        before_min: 180,
        after_min: 60,
        ask_insurance: true,
        id_check_age: 19,
        id_check_months: 6,
        alone_age: 14,
        wrong_tries_max: 3,
        machine_tries_max: 20,
        offline_tries_max: 3,
        unfinished_visits_max: 5,
        ticket_clinic: false,
    }
}

fn payment() -> PaymentRules {
    PaymentRules {
        signature_limit: Some(Amount(50_000)),
        offline_fixed_price: true,
        card_ms: 60_000,
        doubtful_declines: vec!["0C".to_owned()],
        last_transaction_survives_reboot: false,
    }
}

fn week() -> WeekHours {
    let hours =
        |from, to| Some((NaiveTime::from_hms_opt(from, 0, 0).unwrap(), NaiveTime::from_hms_opt(to, 0, 0).unwrap()));
    WeekHours([hours(8, 18), hours(8, 18), hours(8, 18), hours(8, 18), hours(8, 18), hours(8, 13), None])
}

fn desk(key: &str) -> (String, Desk) {
    (key.to_owned(), Desk { name: text(&format!("{key} desk")) })
}

fn documents() -> Vec<Document> {
    let both = [Language::Ko, Language::En];
    vec![
        document("REC", Price::ByPage { tiers: vec![(1, Amount(1000)), (6, Amount(100))] }, &[Language::Ko], 1, 30),
        document("IMG_CD", fixed(10_000, 10_000), &[Language::Ko], 1, 30),
        document("CF_VISIT", fixed(3_000, 1_000), &both, 5, 0),
        document("RECEIPT", fixed(0, 0), &both, 1, 0),
        document("SCAN", fixed(60_000, 60_000), &[Language::Ko], 1, 0),
        document("PLAIN", fixed(1_000, 1_000), &[Language::Ko], 1, 0),
        document("DX_GENERAL_EN", Price::DoctorWrites, &[Language::En], 1, 0),
    ]
}

fn fixed(first: i64, further: i64) -> Price {
    Price::Fixed { first: Amount(first), further: Amount(further) }
}

fn document(code: &str, price: Price, languages: &[Language], copies_max: u32, ready_max: u32) -> Document {
    Document {
        code: code.to_owned(),
        name: text(&format!("paper {code}")),
        hint: LocalText::default(),
        unit: if matches!(price, Price::ByPage { .. }) { Unit::Page } else { Unit::Copy },
        price,
        price_changes: Vec::new(),
        tax: Tax::Exempt,
        ready_min: 0,
        ready_max,
        hours: "desk".to_owned(),
        desk: "records".to_owned(),
        bring: text("photo ID"),
        languages: languages.to_vec(),
        copies_max,
    }
}
