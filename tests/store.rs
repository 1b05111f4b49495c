//! The store keeps what it acknowledged, refuses impossible money, and hands out requests in order.

mod agree;
mod card_data;
mod closing;
mod commands;
mod crash;
mod damage;
mod files;
mod journal;
mod long_queue;
mod numbers;
mod queue;
mod schedule;
mod staff;
mod trail;
mod tries;
mod undo;
mod years;

use chrono::{DateTime, FixedOffset, NaiveDate};
use hospital_kiosk::config;
use hospital_kiosk::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use hospital_kiosk::domain::language::{Language, LocalText};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::numbers::{Counters, Given};
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, QueueRow, QueuedRequest, Request};
use hospital_kiosk::domain::paper::Receipt;
use hospital_kiosk::domain::patient::{Appointment, AppointmentState, BirthDate, Patient, PatientNumber};
use hospital_kiosk::domain::payment::{Entry, PaymentRecord};
use hospital_kiosk::domain::reason::StaffReason;
use hospital_kiosk::ports::{Journal, JournalLines, QueueList, SingleRequests, Store, StoreError};
use hospital_kiosk::store::{Opened, SqliteStore, open_with_credentials};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use uuid::Uuid;

/// A patient number that occurs nowhere by chance.
const MARKER: &str = "7701234567890123";
const BUNDLE: &[u8] = b"{\"resourceType\":\"Bundle\",\"value\":\"7701234567890123\"}";

/// A kiosk's disk: a data folder, and the key elsewhere.
struct Disk {
    root: TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn settings(&self) -> config::Store {
        config::Store::at(self.folder(), self.key_file())
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn key_file(&self) -> PathBuf {
        self.root.path().join("keys/store.key")
    }

    fn database(&self) -> PathBuf {
        self.folder().join("kiosk.db")
    }

    fn try_open(&self) -> Result<Opened, StoreError> {
        open_with_credentials(&self.settings(), None)
    }

    /// Opens what must be sound.
    fn open(&self) -> SqliteStore {
        let opened = self.try_open().unwrap();
        assert_eq!(opened.notice, None);
        opened.store
    }

    /// What the disk would hold if the power failed now, under the same key.
    fn crash_copy(&self) -> Self {
        let copy = Self::new();
        copy_files(&self.folder(), &copy.folder());
        copy_files(self.key_file().parent().unwrap(), copy.key_file().parent().unwrap());
        copy
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        // Shared memory does not survive a power cut.
        if !name.to_string_lossy().ends_with("-shm") {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// All that can be read back.
type Everything = (Vec<PaymentRecord>, Vec<QueueRow>, Option<QueuedRequest>, Given);

fn everything(store: &SqliteStore) -> Everything {
    let read = || Ok::<_, StoreError>((store.payments()?, store.requests()?, store.next_request()?, store.counters()?));
    read().unwrap()
}

fn at() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-25T10:00:00.123456789+09:00").unwrap()
}

fn day() -> NaiveDate {
    at().date_naive()
}

fn attempt(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(number))
}

fn card(approval: &str) -> Box<CardTransaction> {
    Box::new(CardTransaction {
        approved: true,
        amount: Amount(5100),
        approval_number: approval.into(),
        masked_card: "540926******1234".into(),
        issuer: "KB국민".into(),
        acquirer: "KB".into(),
        terminal_time: "20261125100001".into(),
        unique_number: "U1".into(),
        merchant_number: "M1".into(),
        decline: None,
    })
}

/// Of attempt `number`: no two payments have the same booking.
fn approval(number: u128) -> String {
    format!("{:08}", 30_012_344 + number)
}

fn by_card(approval: &str) -> PaymentOfRequest {
    PaymentOfRequest::Card { attempt_number: "K3-0001".into(), transaction: card(approval) }
}

fn request(number: u128, visit: u128, payment: PaymentOfRequest) -> Box<Request> {
    Box::new(Request {
        id: Uuid::from_u128(number),
        visit: Uuid::from_u128(visit),
        made_at: at(),
        language: Language::Ar,
        patient: PatientNumber(MARKER.into()),
        patient_ref: Some(format!("Patient/{MARKER}")),
        act: Act::Documents {
            claim: "C-0001".into(),
            lines: Vec::new(),
            total: Amount(5100),
            currency: "KRW".into(),
            consent_version: "2026-1".into(),
            payment,
        },
    })
}

fn receipt() -> Box<Receipt> {
    Box::new(Receipt {
        language: Language::Ar,
        at: at(),
        claim: "C-0001".into(),
        lines: Vec::new(),
        total: Amount(5100),
        card: None,
        pay_at: None,
        collect_at: LocalText::new([(Language::En, "Desk 5"), (Language::Ko, "5번 창구")]),
        ready_at: at(),
        collect_until: None,
        bring: LocalText::default(),
        duplicate: false,
    })
}

/// The journey of one payment; request `number` belongs to attempt `number`.
fn intent(number: u128) -> Entry {
    Entry::Intent {
        attempt: attempt(number),
        number: format!("K3-{number:04}"),
        amount: Amount(5100),
        request: request(number, number, PaymentOfRequest::Unpaid),
        receipt: receipt(),
        baseline: LastTransaction::Known(card("before")),
    }
}

fn sent(number: u128) -> Entry {
    Entry::Sent { attempt: attempt(number) }
}

fn answered(number: u128) -> Entry {
    Entry::Answered {
        attempt: attempt(number),
        raw: vec![2, 0, 0xff, 3],
        transaction: card(&approval(number)),
        booking: Booking::Final,
    }
}

fn committed(number: u128) -> Entry {
    Entry::Committed {
        attempt: attempt(number),
        transaction: card(&approval(number)),
        request: request(number, number, by_card(&approval(number))),
        receipt: receipt(),
    }
}

fn not_paid(number: u128) -> Entry {
    Entry::NotPaid { attempt: attempt(number), reason: "declined".into() }
}

fn in_doubt(number: u128) -> Entry {
    Entry::InDoubt { attempt: attempt(number), reason: "no answer".into() }
}

fn needs_staff(number: u128) -> Entry {
    Entry::NeedsStaff { attempt: attempt(number), reason: StaffReason::TerminalSilent, transaction: None }
}

fn receipt_printed(number: u128) -> Entry {
    Entry::ReceiptPrinted { attempt: attempt(number) }
}

fn record(store: &SqliteStore, entries: impl IntoIterator<Item = Entry>) {
    for entry in entries {
        store.record(&entry, BUNDLE, at()).unwrap();
    }
}

fn pay(store: &SqliteStore, number: u128) {
    record(store, [intent(number), sent(number), answered(number), committed(number)]);
}

fn patient(number: usize) -> Patient {
    Patient {
        number: PatientNumber(format!("{number:08}")),
        birth_date: BirthDate(NaiveDate::from_ymd_opt(1990, 2, 28).unwrap()),
        masked_name: "홍○동".into(),
        server_ref: Some(format!("Patient/{number}")),
        offline: false,
        identity_verified_on: Some(day()),
    }
}

fn appointment(number: usize, time: &str, slip: Option<&str>) -> Appointment {
    Appointment {
        server_ref: format!("Appointment/{number}"),
        slip: slip.map(str::to_owned),
        version: "3".into(),
        starts_at: DateTime::parse_from_rfc3339(&format!("2026-11-25T{time}:00+09:00")).unwrap(),
        clinic: LocalText::new([(Language::En, "Orthopaedics")]),
        place: LocalText::default(),
        state: AppointmentState::Arrived { at_minute: Some(610) },
        referral_or_emergency: false,
        other_site: false,
    }
}
