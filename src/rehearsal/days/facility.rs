//! The small hospital whose kiosk is rehearsed, and its patients: made up, and the same every day.

use crate::config;
use crate::domain::document::{Document, Price, Tax, Unit};
use crate::domain::facility::{CheckInRules, Desk, Facility, PaymentRules, Privacy, Timing};
use crate::domain::hours::WeekHours;
use crate::domain::language::{Language, LocalText};
use crate::domain::money::{Amount, Currency};
use crate::domain::patient::{Appointment, AppointmentState, BirthDate, Patient, PatientNumber};
use crate::domain::zone::Zone;
use crate::rehearsal::people;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Offset, Utc};
use std::collections::BTreeMap;

/// Seconds east of Greenwich.
const OFFSET_S: i32 = 9 * 3600;
pub const PATIENTS: u32 = 40;

fn text(english: &str) -> LocalText {
    LocalText::new([(Language::En, english)])
}

/// `survives` is what the technician wrote into `last_transaction_survives_reboot`.
#[must_use]
pub fn facility(survives: bool) -> Facility {
    let hours = NaiveTime::from_hms_opt(7, 0, 0).zip(NaiveTime::from_hms_opt(22, 0, 0));
    Facility {
        name: text("Rehearsal Hospital"),
        short_name: text("Rehearsal"),
        receipt_note: LocalText::default(),
        currency: Currency { code: "KRW".to_owned(), minor_digits: 0 },
        zone: Zone::fixed(FixedOffset::east_opt(OFFSET_S).unwrap_or_else(|| Utc.fix())),
        languages: vec![Language::Ko, Language::En],
        desk_language: Language::Ko,
        number_digits: 8,
        documents: documents(),
        hours: BTreeMap::from([("desk".to_owned(), WeekHours([hours; 7]))]),
        holidays: BTreeMap::new(),
        desks: ["registration", "cashier", "help", "records"].map(desk).into_iter().collect(),
        registration_desk: "registration".to_owned(),
        cashier_desk: "cashier".to_owned(),
        help_desk: "help".to_owned(),
        check_in: CheckInRules {
            before_min: 180,
            after_min: 60,
            ask_insurance: false,
            id_check_age: 120,
            id_check_months: 6,
            alone_age: 14,
            wrong_tries_max: 3,
            machine_tries_max: 20,
            offline_tries_max: 3,
            unfinished_visits_max: 5,
            ticket_clinic: false,
        },
        payment: PaymentRules {
            signature_limit: Some(Amount(50_000)),
            offline_fixed_price: true,
            card_ms: 60_000,
            doubtful_declines: vec!["0C".to_owned(), "6C".to_owned()],
            last_transaction_survives_reboot: survives,
        },
        timing: Timing { idle_ms: 60_000, warning_ms: 20_000, done_ms: 15_000, quote_ms: 15_000, in_doubt_ms: 20_000 },
        kiosk_prefix: "K3".to_owned(),
        kiosk_place: text("Lobby"),
        emergency: text("119"),
        consent_version: "1".to_owned(),
        consent: text("We collect your number."),
        privacy: Privacy::default(),
        patient_rights: LocalText::default(),
    }
}

fn desk(key: &str) -> (String, Desk) {
    (key.to_owned(), Desk { name: text(key) })
}

fn documents() -> Vec<Document> {
    let fixed = |first, further| Price::Fixed { first: Amount(first), further: Amount(further) };
    let by_page = Price::ByPage { tiers: vec![(1, Amount(1000)), (6, Amount(100))] };
    [
        ("CF_VISIT", fixed(3_000, 1_000), 3),
        // The same price twice: two patients in a row may pay the same amount.
        ("DX", fixed(5_000, 1_000), 1),
        ("CF_STAY", fixed(5_000, 1_000), 1),
        ("REC", by_page, 1),
        ("RECEIPT", fixed(0, 0), 1),
    ]
    .into_iter()
    .map(|(code, price, copies_max)| Document {
        code: code.to_owned(),
        name: text(code),
        hint: LocalText::default(),
        unit: if matches!(price, Price::ByPage { .. }) { Unit::Page } else { Unit::Copy },
        price,
        price_changes: Vec::new(),
        tax: Tax::Exempt,
        ready_min: 0,
        ready_max: 10,
        hours: "desk".to_owned(),
        desk: "records".to_owned(),
        bring: LocalText::default(),
        languages: vec![Language::Ko],
        copies_max,
    })
    .collect()
}

/// What the kiosk's configuration says of the hospital's server.
#[must_use]
pub fn hospital() -> config::Hospital {
    config::Hospital {
        url: "https://rehearsal.invalid/r4".to_owned(),
        ca_file: None,
        patient_system: people::PATIENT_SYSTEM.to_owned(),
        request_system: people::REQUEST_SYSTEM.to_owned(),
        device_system: people::DEVICE_SYSTEM.to_owned(),
        device_serial: people::DEVICE_SERIAL.to_owned(),
        document_system: people::DOCUMENT_SYSTEM.to_owned(),
        slip_system: people::SLIP_SYSTEM.to_owned(),
        arrival_status: "arrived".to_owned(),
        look_up_timeout_ms: 5_000,
        quote_timeout_ms: 15_000,
        send_timeout_ms: 20_000,
        retry_base_ms: 2_000,
        retry_cap_ms: 60_000,
        network_return_wait_ms: 3_000,
        transaction_entries_max: 0,
        schedule_refresh_s: 300,
    }
}

#[must_use]
pub fn number(index: u32) -> PatientNumber {
    PatientNumber(format!("{:08}", 10_000_000 + index))
}

#[must_use]
pub fn patient(index: u32) -> Patient {
    let born = NaiveDate::from_ymd_opt(1950 + i32::try_from(index % 40).unwrap_or(0), 1 + index % 12, 1 + index % 28);
    Patient {
        number: number(index),
        birth_date: BirthDate(born.unwrap_or_default()),
        masked_name: "홍○동".to_owned(),
        server_ref: Some(format!("Patient/{index}")),
        offline: false,
        identity_verified_on: None,
    }
}

/// Everybody is expected half an hour from `now`.
#[must_use]
pub fn appointment(index: u32, now: DateTime<FixedOffset>) -> Appointment {
    Appointment {
        server_ref: format!("Appointment/{index}"),
        slip: None,
        version: "1".to_owned(),
        starts_at: now + chrono::Duration::minutes(30),
        clinic: text("Internal medicine"),
        place: text("Floor 2"),
        state: AppointmentState::Booked,
        referral_or_emergency: false,
        other_site: false,
    }
}
