//! A hospital, a kiosk, a patient, a request: everything made up.

use chrono::{DateTime, FixedOffset, NaiveDate};
use hospital_kiosk::config::Hospital;
use hospital_kiosk::domain::attempt::CardTransaction;
use hospital_kiosk::domain::document::{OrderLine, Tax, Unit};
use hospital_kiosk::domain::facility::{CheckInRules, Desk, Facility, PaymentRules, Privacy, Timing};
use hospital_kiosk::domain::language::{Language, LocalText};
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::money::{Amount, Currency};
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, QueueState, QueuedRequest, Request};
use hospital_kiosk::domain::patient::{Appointment, InsuranceAnswer, Patient, PatientNumber};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::sync::Ends;
use hospital_kiosk::ports::{
    Believed, Clock, Deliveries, HospitalServer, NoSchedule, Queue, Retention, ScheduleCache, Schedules,
};
use hospital_kiosk::rehearsal::hospital::SimHospital;
use hospital_kiosk::rehearsal::people;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

pub fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 25).expect("a day")
}

pub fn ten_o_clock() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").expect("a time")
}

/// Ten o'clock for ever; every moment has fresh identifiers.
pub struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Moment {
        Moment { tick: Tick(0), wall: ten_o_clock(), fresh: Uuid::new_v4() }
    }
}

pub fn settings(url: &str) -> Hospital {
    Hospital {
        url: url.to_owned(),
        ca_file: None,
        patient_system: people::PATIENT_SYSTEM.to_owned(),
        request_system: people::REQUEST_SYSTEM.to_owned(),
        device_system: people::DEVICE_SYSTEM.to_owned(),
        device_serial: people::DEVICE_SERIAL.to_owned(),
        document_system: people::DOCUMENT_SYSTEM.to_owned(),
        slip_system: people::SLIP_SYSTEM.to_owned(),
        arrival_status: "arrived".to_owned(),
        look_up_timeout_ms: 4_000,
        quote_timeout_ms: 10_000,
        send_timeout_ms: 10_000,
        retry_base_ms: 20,
        retry_cap_ms: 200,
        network_return_wait_ms: 20,
        transaction_entries_max: 0,
        schedule_refresh_s: 3_600,
    }
}

fn text(ko: &str, en: &str) -> LocalText {
    LocalText::new([(Language::Ko, ko), (Language::En, en)])
}

pub fn facility() -> Facility {
    Facility {
        name: text("온새미대학교병원", "Onsaemi University Hospital"),
        short_name: text("온새미", "Onsaemi"),
        receipt_note: LocalText::default(),
        currency: Currency { code: "KRW".to_owned(), minor_digits: 0 },
        zone: Zone::named("Asia/Seoul").expect("a zone"),
        languages: vec![Language::Ko, Language::En],
        desk_language: Language::Ko,
        number_digits: 8,
        documents: Vec::new(),
        hours: BTreeMap::new(),
        holidays: BTreeMap::new(),
        desks: BTreeMap::from([("help".to_owned(), Desk { name: text("안내", "Information") })]),
        registration_desk: "help".to_owned(),
        cashier_desk: "help".to_owned(),
        help_desk: "help".to_owned(),
        check_in: CheckInRules {
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
        },
        payment: PaymentRules {
            signature_limit: None,
            offline_fixed_price: true,
            card_ms: 60_000,
            doubtful_declines: Vec::new(),
            last_transaction_survives_reboot: false,
        },
        timing: Timing { idle_ms: 60_000, warning_ms: 20_000, done_ms: 20_000, quote_ms: 15_000, in_doubt_ms: 20_000 },
        kiosk_prefix: "K3".to_owned(),
        kiosk_place: LocalText::default(),
        emergency: LocalText::default(),
        consent_version: "2026-1".to_owned(),
        consent: LocalText::default(),
        privacy: Privacy::default(),
        patient_rights: LocalText::default(),
    }
}

pub fn client(url: &str) -> Arc<Client> {
    client_with(&settings(url))
}

pub fn client_with(settings: &Hospital) -> Arc<Client> {
    Arc::new(Client::new(settings, Arc::new(facility()), Arc::new(Believed(StoppedClock))).expect("a client"))
}

pub fn hospital() -> SimHospital {
    SimHospital::start(day()).expect("a hospital")
}

pub fn number() -> PatientNumber {
    PatientNumber(people::MAIN.to_owned())
}

pub fn card() -> PaymentOfRequest {
    PaymentOfRequest::Card {
        attempt_number: "K3-0047".to_owned(),
        transaction: Box::new(CardTransaction {
            approved: true,
            amount: Amount(16_100),
            approval_number: "30027719".to_owned(),
            masked_card: "9410-12**-****-3456".to_owned(),
            issuer: "바다카드".to_owned(),
            acquirer: "바다".to_owned(),
            terminal_time: "20261125100100".to_owned(),
            unique_number: "000123".to_owned(),
            merchant_number: "700123".to_owned(),
            decline: None,
        }),
    }
}

fn line(code: &str, language: Language, unit: Unit, count: u32, copies: u32, amount: i64, tax: Tax) -> OrderLine {
    OrderLine {
        code: code.to_owned(),
        name: text("서류", "Document"),
        language,
        unit,
        count,
        copies,
        amount: Some(Amount(amount)),
        tax,
    }
}

/// A record copy of six pages and an image CD with tax in it: 16,100.
pub fn lines() -> Vec<OrderLine> {
    vec![
        line("REC", Language::Ko, Unit::Page, 6, 1, 5_100, Tax::Exempt),
        line("IMG_CD", Language::En, Unit::Disc, 1, 1, 11_000, Tax::Percent(10)),
        line("RECEIPT", Language::En, Unit::Copy, 1, 1, 0, Tax::Exempt),
    ]
}

/// As [`documents`], but nobody could tell the pages of the record and there is more of it: paid at the desk.
pub fn unpriced_documents(id: u128) -> Request {
    let mut request = documents(id, PaymentOfRequest::Unpaid);
    if let Act::Documents { lines, total, .. } = &mut request.act {
        let record = &mut lines[0];
        *record = OrderLine { unit: Unit::Copy, count: 2, copies: 2, amount: None, ..record.clone() };
        *total = Amount(11_000);
    }
    request
}

pub fn documents(id: u128, payment: PaymentOfRequest) -> Request {
    Request {
        id: Uuid::from_u128(id),
        visit: Uuid::from_u128(id + 1_000_000),
        made_at: ten_o_clock(),
        language: Language::En,
        patient: number(),
        patient_ref: None,
        act: Act::Documents {
            claim: "K3-261125-0001-7".to_owned(),
            lines: lines(),
            total: Amount(16_100),
            currency: "KRW".to_owned(),
            consent_version: "2026-1".to_owned(),
            payment,
        },
    }
}

pub fn arrival(id: u128, appointment_ref: &str, version_seen: &str) -> Request {
    let act = Act::Arrival {
        appointment_ref: appointment_ref.to_owned(),
        version_seen: version_seen.to_owned(),
        ticket: "K3-012".to_owned(),
        insurance: Some(InsuranceAnswer::Yes),
        see_desk: false,
    };
    Request { act, ..documents(id, PaymentOfRequest::Free) }
}

/// As the store would hand it to the sender.
pub fn queued(request: Request, server: &dyn HospitalServer) -> QueuedRequest {
    let bundle = server.freeze(&request);
    QueuedRequest {
        sequence: 1,
        request,
        bundle,
        tries: 0,
        maybe_delivered: false,
        state: QueueState::Waiting,
        in_part: None,
        taken: Vec::new(),
    }
}

/// Lets the client read what the server can do, as the first look-up or schedule does.
pub async fn acquainted(client: &Client) {
    schedule(client, day()).await.expect("a schedule");
}

/// Polls until `holds`, at most 20 s.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// A sender between these two, with nothing beside it.
pub fn ends<S: Queue + Retention + 'static>(store: &Arc<S>, server: &Arc<impl Deliveries + 'static>) -> Ends {
    Ends { queue: store.clone(), retention: store.clone(), deliveries: server.clone(), schedule: None, trail: None }
}

/// And with the schedule.
pub fn ends_and_schedule<S: Queue + Retention + ScheduleCache + 'static>(
    store: &Arc<S>,
    server: &Arc<impl Deliveries + Schedules + 'static>,
) -> Ends {
    Ends { schedule: Some((store.clone(), server.clone())), ..ends(store, server) }
}

/// The whole of a day.
pub async fn schedule(client: &Client, day: NaiveDate) -> Result<Vec<(Patient, Appointment)>, NoSchedule> {
    client.schedule_since(day, None).await.map(|news| news.rows)
}
