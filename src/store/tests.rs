//! What cannot be seen from outside: the bytes without the cipher, the query plans, a full disk, a failing migration.

mod pages;
mod reasons;
mod trail;

use super::*;
use crate::domain::attempt::{Booking, CardTransaction, LastTransaction};
use crate::domain::language::{Language, LocalText};
use crate::domain::money::Amount;
use crate::domain::numbers::Counters;
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::paper::Receipt;
use crate::domain::patient::AppointmentState;
use crate::domain::payment::Entry;
use crate::domain::person::Who;
use crate::domain::reason::{ParkReason, Parts};
use crate::domain::staff::{AuditEntry, StaffAct};
use crate::ports::{JournalLines, SingleRequests, StoreError, Trail, WholeSchedule};
use std::fs;

const MARKER: &str = "7701234567890123";

fn at() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").unwrap()
}

fn day() -> NaiveDate {
    at().date_naive()
}

fn plain(folder: &Path) -> SqliteStore {
    opened(folder, &key::Secret::Plain)
}

fn in_memory() -> Connection {
    assert!(memory::take_over());
    Connection::open_in_memory().unwrap()
}

fn opened(folder: &Path, secret: &key::Secret) -> SqliteStore {
    let settings = config::Store::at(folder.to_owned(), PathBuf::new());
    open_locked(&settings, secret, lock::take(folder).unwrap(), OnDamage::SetAside).unwrap().store
}

fn card() -> CardTransaction {
    CardTransaction {
        approved: true,
        amount: Amount(5100),
        approval_number: "30012345".into(),
        masked_card: "540926******1234".into(),
        issuer: "KB".into(),
        acquirer: "KB".into(),
        terminal_time: "20261125100001".into(),
        unique_number: "U1".into(),
        merchant_number: "M1".into(),
        decline: None,
    }
}

fn request(payment: PaymentOfRequest) -> Request {
    let (claim, currency, consent_version) = ("C-1".into(), "KRW".into(), "1".into());
    Request {
        id: Uuid::from_u128(1),
        visit: Uuid::from_u128(2),
        made_at: at(),
        language: Language::Ko,
        patient: PatientNumber(MARKER.into()),
        patient_ref: Some(format!("Patient/{MARKER}")),
        act: Act::Documents { claim, lines: Vec::new(), total: Amount(5100), currency, consent_version, payment },
    }
}

fn receipt() -> Receipt {
    Receipt {
        language: Language::Ko,
        at: at(),
        claim: "C-1".into(),
        lines: Vec::new(),
        total: Amount(5100),
        card: None,
        pay_at: None,
        collect_at: LocalText::default(),
        ready_at: at(),
        collect_until: None,
        bring: LocalText::default(),
        duplicate: false,
    }
}

fn patient(number: usize) -> Patient {
    Patient {
        number: PatientNumber(format!("{MARKER}{number:05}")),
        birth_date: BirthDate(NaiveDate::from_ymd_opt(1990, 1, 1).unwrap()),
        masked_name: "J".into(),
        server_ref: None,
        offline: false,
        identity_verified_on: None,
    }
}

fn appointment(number: usize) -> Appointment {
    Appointment {
        server_ref: format!("Appointment/{number}"),
        slip: Some(format!("S{number}")),
        version: "1".into(),
        starts_at: at(),
        clinic: LocalText::default(),
        place: LocalText::default(),
        state: AppointmentState::Booked,
        referral_or_emergency: false,
        other_site: false,
    }
}

fn pay(store: &SqliteStore) {
    let attempt = AttemptId(Uuid::from_u128(9));
    let paid = PaymentOfRequest::Card { attempt_number: "K3-0001".into(), transaction: Box::new(card()) };
    let entries = [
        Entry::Intent {
            attempt,
            number: "K3-0001".into(),
            amount: Amount(5100),
            request: Box::new(request(PaymentOfRequest::Unpaid)),
            receipt: Box::new(receipt()),
            baseline: LastTransaction::Empty,
        },
        Entry::Sent { attempt },
        Entry::Answered { attempt, raw: vec![2, 3], transaction: Box::new(card()), booking: Booking::Final },
        Entry::Committed {
            attempt,
            transaction: Box::new(card()),
            request: Box::new(request(paid)),
            receipt: Box::new(receipt()),
        },
    ];
    // Longer than a page, so that overflow pages are in play.
    let bundle = format!("{{\"value\":\"{MARKER}\"}}").repeat(1000);
    for entry in entries {
        store.record(&entry, bundle.as_bytes(), at()).unwrap();
    }
}

fn files_with_marker(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn a_delivered_request_is_in_no_byte_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    pay(&store);
    assert!(!files_with_marker(folder.path()).is_empty(), "the search must be able to find it");
    let sequence = store.next_request().unwrap().unwrap().sequence;
    store.begin_try(sequence).unwrap();
    store.end_try(sequence, &Delivery::Done { note: None }, at()).unwrap();
    assert_eq!(files_with_marker(folder.path()), Vec::<String>::new());
}

#[test]
fn an_unpaid_attempt_is_in_no_byte_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let attempt = AttemptId(Uuid::from_u128(9));
    let intent = Entry::Intent {
        attempt,
        number: "K3-0001".into(),
        amount: Amount(5100),
        request: Box::new(request(PaymentOfRequest::Unpaid)),
        receipt: Box::new(receipt()),
        baseline: LastTransaction::Empty,
    };
    store.record(&intent, &[], at()).unwrap();
    assert!(!files_with_marker(folder.path()).is_empty());
    store.record(&Entry::NotPaid { attempt, reason: "called off".into() }, &[], at()).unwrap();
    assert_eq!(files_with_marker(folder.path()), Vec::<String>::new());
}

#[test]
fn yesterdays_schedule_is_in_no_byte_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let rows: Vec<_> = (0..500).map(|number| (patient(number), appointment(number))).collect();
    store.cache_schedule(day(), &rows).unwrap();
    assert!(!files_with_marker(folder.path()).is_empty());
    store.wipe_schedule_except(day().succ_opt().unwrap()).unwrap();
    assert_eq!(files_with_marker(folder.path()), Vec::<String>::new());
}

#[test]
fn the_connection_is_as_durable_and_forgetful_as_promised() {
    let folder = tempfile::tempdir().unwrap();
    let secret = key::Secret::Key(zeroize::Zeroizing::new([7; 32]));
    let store = opened(folder.path(), &secret);
    let wanted = [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("secure_delete", "1"),
        ("foreign_keys", "1"),
        ("temp_store", "2"),
        ("cache_size", "-256"),
        // Both halves of it are ours, in `memory.rs`.
        ("cipher_memory_security", "0"),
    ];
    for (pragma, value) in wanted {
        let found = store.connection().query_row(&format!("PRAGMA {pragma}"), [], |row| {
            let found: rusqlite::types::Value = row.get(0)?;
            Ok(match found {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            })
        });
        assert_eq!(found.unwrap(), value, "{pragma}");
    }
}

#[test]
fn look_ups_in_a_full_day_use_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let rows: Vec<_> = (0..15_000).map(|number| (patient(number), appointment(number))).collect();
    store.cache_schedule(day(), &rows).unwrap();
    let plans = [
        (schedule::FIND_PATIENT, "USING INDEX schedule_by_number (day=? AND number=? AND birth_date=?)"),
        (schedule::FIND_APPOINTMENTS, "USING INDEX schedule_by_number (day=? AND number=?)"),
        (schedule::FIND_SLIP, "USING INDEX schedule_by_slip (day=? AND slip=?)"),
    ];
    for (sql, wanted) in plans {
        let connection = store.connection();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nothing = vec!["x"; statement.parameter_count()];
        let plan: Vec<String> = statement
            .query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert!(plan.iter().any(|line| line.contains(wanted)), "{sql}: {plan:?}");
    }
    let last = patient(14_999);
    let found = store.cached_patient(day(), &last.number, last.birth_date).unwrap();
    assert_eq!(found, Some(Patient { offline: true, ..last }));
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let counters = Counters { tickets: 7, ..Counters::default() };
    store.save_counters(&counters, at()).unwrap();
    let pages: i64 = store.connection().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.connection().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let refused = store.queue(&request(PaymentOfRequest::Unpaid), &vec![b'x'; 200_000]).unwrap_err();
    assert!(matches!(refused, StoreError::DiskFull), "{refused}");
    assert_eq!(store.counters().unwrap().days, [counters]);
    assert_eq!(store.requests().unwrap(), Vec::new());
    store.connection().query_row(&format!("PRAGMA max_page_count = {}", pages + 1000), [], |_| Ok(())).unwrap();
    store.queue(&request(PaymentOfRequest::Unpaid), &vec![b'x'; 200_000]).unwrap();
}

/// Before they had a row for each day.
#[test]
fn the_numbers_of_an_older_store_go_on() {
    let mut connection = in_memory();
    schema::migrate(&mut connection, &schema::STEPS[..7]).unwrap();
    let old = r#"{"day":"2026-11-25","tickets":4,"claims":5,"attempts":6}"#;
    connection.execute("INSERT INTO counters (only_row, counters) VALUES (1, ?1)", [old]).unwrap();
    schema::migrate(&mut connection, schema::STEPS).unwrap();
    let given = counters::load(&connection).unwrap();
    assert_eq!(given.days, [Counters { day: day(), tickets: 4, claims: 5, attempts: 6 }]);
    assert_eq!(given.last_at, None);
}

#[test]
fn a_failing_migration_rolls_back_whole_and_keeps_the_steps_before_it() {
    let mut connection = in_memory();
    let steps = ["CREATE TABLE first (a)", "CREATE TABLE second (b); CREATE TABLE first (again)"];
    schema::migrate(&mut connection, &steps).unwrap_err();
    assert_eq!(schema::version(&connection).unwrap(), 1);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
    schema::migrate(&mut connection, &[steps[0], "CREATE TABLE second (b)"]).unwrap();
    schema::migrate(&mut connection, &[steps[0], "CREATE TABLE second (b)"]).unwrap();
    assert_eq!(schema::version(&connection).unwrap(), 2);
}

/// A queue of before requests went in parts.
#[test]
fn an_older_queue_opens_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let before = schema::STEPS.iter().position(|step| step.contains("ADD COLUMN taken")).unwrap();
    assert!(memory::take_over());
    let mut connection = Connection::open(folder.path().join("kiosk.db")).unwrap();
    schema::migrate(&mut connection, &schema::STEPS[..before]).unwrap();
    let waiting = request(PaymentOfRequest::Unpaid);
    let row =
        (waiting.id.to_string(), waiting.visit.to_string(), at().to_rfc3339(), column::to_json(&waiting).unwrap());
    connection
        .execute(
            "INSERT INTO outbox (id, visit, kind, state, queued_at, request, bundle, tries, in_try)
             VALUES (?1, ?2, 'documents', 'waiting', ?3, ?4, x'7b7d', 3, 1)",
            row,
        )
        .unwrap();
    drop(connection);
    let store = plain(folder.path());
    let next = store.next_request().unwrap().unwrap();
    assert_eq!((&next.request, next.bundle.as_slice(), next.tries), (&waiting, b"{}".as_slice(), 3));
    assert_eq!((next.maybe_delivered, next.taken), (true, Vec::new()));
    store.begin_try(next.sequence).unwrap();
    let taken = vec![Some("ChargeItem/1".to_owned()), None];
    store
        .end_try(
            next.sequence,
            &Delivery::Part { taken: taken.clone(), parts: Parts::There { there: 2, all: 5 } },
            at(),
        )
        .unwrap();
    assert_eq!(store.next_request().unwrap().unwrap().taken, taken);
}

#[test]
fn a_database_refusal_tells_no_sql_and_no_value() {
    let connection = in_memory();
    connection.execute_batch("CREATE TABLE t (a TEXT UNIQUE); INSERT INTO t VALUES ('7701234567890123')").unwrap();
    let errors = [
        connection.execute(&format!("INSERT INTO t VALUES ('{MARKER}')"), []).unwrap_err(),
        connection.execute(&format!("INSERT INTO nowhere VALUES ('{MARKER}')"), []).unwrap_err(),
        connection.query_row("SELECT a FROM t", [], |row| row.get::<_, i64>(0)).unwrap_err(),
        connection.query_row("SELECT a FROM t", [], |row| column::json::<Request>(row, 0)).unwrap_err(),
    ];
    for error in errors {
        let error = StoreError::from(error);
        assert!(!format!("{error} {error:?}").contains("77012"), "{error}");
    }
}

/// Configured periods, and nothing that is not over.
#[test]
fn what_is_over_goes_after_its_days_and_what_is_not_never() {
    let folder = tempfile::tempdir().unwrap();
    let settings = config::Store {
        keep_delivered_days: 2,
        keep_payments_days: 10,
        ..config::Store::at(folder.path().to_owned(), PathBuf::new())
    };
    let lock = lock::take(folder.path()).unwrap();
    let store = open_locked(&settings, &key::Secret::Plain, lock, OnDamage::SetAside).unwrap().store;
    pay(&store);
    for id in [3, 4] {
        let visit = Uuid::from_u128(id);
        store.queue(&Request { id: visit, visit, ..request(PaymentOfRequest::Free) }, b"x").unwrap();
    }
    store.begin_try(1).unwrap();
    store.end_try(1, &Delivery::Done { note: None }, at()).unwrap();
    store.end_try(2, &Delivery::Park { reason: ParkReason::FoundTwice }, at()).unwrap();
    let kept = |days: u64| {
        store.forget_old(at() + chrono::Days::new(days)).unwrap();
        (store.requests().unwrap().len(), store.payments().unwrap().len())
    };
    assert_eq!(kept(2), (3, 1), "not a moment before");
    assert_eq!(kept(3), (2, 1), "the delivered one");
    assert_eq!(kept(10), (2, 1));
    assert_eq!(kept(11), (2, 0), "the settled payment");
    assert_eq!(kept(3_650), (2, 0), "what waits or is parked stays");
}

/// However young its rows are.
#[test]
fn the_trail_has_a_longest_length() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let entry = AuditEntry::new(Who::Shell, StaffAct::Ask, "K3-0001", "ordered");
    for _ in 0..5 {
        store.audit(&entry, at()).unwrap();
    }
    let forget = |rows_max| store.write(|tx| audit::forget_before(tx, &store.trail_key, 0, rows_max)).unwrap();
    assert!(!forget(5), "not one too early");
    assert!(forget(3));
    let check = store.check_trail(&[]).unwrap();
    assert_eq!((check.gone, check.rows, check.is_sound()), (2, 3, true));
}

#[test]
fn an_open_payment_is_kept_however_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    pay(&store);
    store.forget_old(at() + chrono::Days::new(3_650)).unwrap();
    assert_eq!(store.payments().unwrap().len(), 1, "paid, and not yet with the hospital");
}

/// A checkpoint that could not be made when a request was erased is made by the next write.
#[test]
fn an_erased_request_leaves_the_log_later_if_it_cannot_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    pay(&store);
    let reader = Connection::open(folder.path().join("kiosk.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM outbox").unwrap();
    store.begin_try(1).unwrap();
    store.end_try(1, &Delivery::Done { note: None }, at()).unwrap();
    assert!(!files_with_marker(folder.path()).is_empty(), "somebody reads: the log cannot be emptied");
    reader.execute_batch("COMMIT").unwrap();
    store.save_counters(&Counters::default(), at()).unwrap();
    assert_eq!(files_with_marker(folder.path()), Vec::<String>::new());
}

/// The next request is found by looking at a few rows, however many wait.
#[test]
fn a_long_queue_costs_no_more_to_look_into_than_a_short_one() {
    let steps = |rows: u32| {
        let folder = tempfile::tempdir().unwrap();
        let store = plain(folder.path());
        let connection = store.connection();
        connection
            .execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                 INSERT INTO outbox (id, visit, kind, state, queued_at, request, bundle)
                 SELECT 'r' || i, 'v' || (i / 3), 'documents', iif(i < 32, 'parked', 'waiting'), ?2, ?3, zeroblob(500) FROM n",
                rusqlite::params![rows, at().to_rfc3339(), serde_json::to_string(&request(PaymentOfRequest::Free)).unwrap()],
            )
            .unwrap();
        let mut statement = connection.prepare(outbox::NEXT).unwrap();
        let found = statement.query_map(rusqlite::params!["[]", 10], |row| row.get(0)).unwrap();
        let found = found.collect::<rusqlite::Result<Vec<i64>>>().unwrap();
        let firsts: Vec<i64> = (33..).step_by(3).take(10).collect();
        assert_eq!(found, firsts, "of each visit the first, behind the parked ones");
        statement.get_status(rusqlite::StatementStatus::VmStep)
    };
    let (short, long) = (steps(100), steps(100_000));
    assert!(long <= short + 10, "{short} steps among 100 rows, {long} among 100000");
}
