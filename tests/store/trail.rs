//! The trail: whoever changes it, moves it, cuts it off or puts an earlier state back is seen. Each attack is made with the
//! store's key in the hand: the database is opened with it, and the triggers are dropped.

use super::staff::raw_connection;
use super::*;
use chrono::Days;
use hospital_kiosk::commands::{Answer, audit, socket};
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::person::Who;
use hospital_kiosk::domain::staff::{AuditEntry, StaffAct};
use hospital_kiosk::domain::trail::{Anchor, AnchorPlace, AnchorVerdict, TrailCheck, TrailFault, TrailHead};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::ports::{AuditRow, Retention, Trail};
use hospital_kiosk::rehearsal::days::facility::facility;
use ring::{digest, hmac};
use rusqlite::{Connection, params};
use std::fmt::Write as _;

pub(super) fn all_rows() -> socket::Request {
    socket::Request::AuditRows { after: 0, from: None }
}

pub(super) fn verify_it() -> socket::Request {
    socket::Request::AuditVerify { json: false, anchors: Vec::new(), hospital_silent: None }
}

pub(super) fn rows(store: &dyn Trail) -> Vec<AuditRow> {
    store.trail(0, None, usize::MAX).unwrap()
}

fn check(store: &SqliteStore) -> TrailCheck {
    store.check_trail(&[]).unwrap()
}

fn given(head: &TrailHead) -> Anchor {
    Anchor { place: AnchorPlace::Given, head: head.clone(), at: None }
}

fn entry(number: u32) -> AuditEntry {
    AuditEntry::new(Who::Shell, StaffAct::Ask, format!("K3-{number:04}"), "ordered")
}

/// Four acts. And the head of the last.
fn with_trail(disk: &Disk) -> TrailHead {
    let store = disk.open();
    for number in 1..=4 {
        store.audit(&entry(number), at()).unwrap();
    }
    let found = check(&store);
    assert_eq!((found.rows, found.fault, found.is_sound()), (4, None, true));
    found.head
}

/// With the key, and without what keeps the rows.
fn open_wide(disk: &Disk) -> Connection {
    let connection = raw_connection(disk);
    connection.execute_batch("DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept").unwrap();
    connection
}

#[test]
fn the_trail_is_only_added_to() {
    let disk = Disk::new();
    with_trail(&disk);
    let connection = raw_connection(&disk);
    for forbidden in ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit WHERE sequence = 2"] {
        let error = connection.execute(forbidden, []).unwrap_err().to_string();
        assert!(error.contains("the trail is only added to"), "{error}");
    }
}

#[test]
fn whoever_changes_the_trail_is_seen() {
    let swapped = "UPDATE audit SET sequence = 99 WHERE sequence = 2; UPDATE audit SET sequence = 2 WHERE sequence = 3;
        UPDATE audit SET sequence = 3 WHERE sequence = 99";
    let cut_in_front = "INSERT INTO audit_cut SELECT 1, sequence, hash FROM audit WHERE sequence = 2;
        DELETE FROM audit WHERE sequence <= 2";
    for (tampering, fault) in [
        ("UPDATE audit SET result = 'paid' WHERE sequence = 3", TrailFault::Row(3)),
        ("UPDATE audit SET about = 'K3-000', result = '2ordered' WHERE sequence = 3", TrailFault::Row(3)),
        ("UPDATE audit SET at = '2020-01-01T00:00:00+09:00' WHERE sequence = 1", TrailFault::Row(1)),
        ("UPDATE audit SET was = 'needs-staff', became = 'not-paid' WHERE sequence = 2", TrailFault::Row(2)),
        ("DELETE FROM audit WHERE sequence = 2", TrailFault::Row(3)),
        ("DELETE FROM audit WHERE sequence = 1", TrailFault::Row(2)),
        (
            "INSERT INTO audit SELECT 5, at, who, act, about, result, hash, was, became FROM audit WHERE sequence = 4",
            TrailFault::Row(5),
        ),
        (swapped, TrailFault::Row(2)),
        ("DELETE FROM audit WHERE sequence = 4", TrailFault::CutOff { last: 3 }),
        ("DELETE FROM audit", TrailFault::CutOff { last: 0 }),
        ("DELETE FROM audit WHERE sequence = 4; DELETE FROM audit_marks", TrailFault::CutOff { last: 3 }),
        (
            "DELETE FROM audit WHERE sequence = 4;
             UPDATE audit_marks SET (sequence, hash) = (SELECT sequence, hash FROM audit WHERE sequence = 3)",
            TrailFault::CutOff { last: 3 },
        ),
        (cut_in_front, TrailFault::Beginning),
    ] {
        let disk = Disk::new();
        with_trail(&disk);
        open_wide(&disk).execute_batch(tampering).unwrap();
        let store = disk.open();
        assert_eq!(check(&store).fault, Some(fault), "{tampering}");
        let why = audit::verify(&store, &[], None, true).unwrap_err();
        assert!(why.exit == 1 && why.lines[0].starts_with("{\"ok\":false"), "{tampering}: {why:?}");
        // What the kiosk goes on writing does not cover it.
        store.audit(&entry(9), at()).unwrap();
        assert!(!check(&store).is_sound(), "covered: {tampering}");
    }
}

fn field(context: &mut Vec<u8>, field: &str) {
    context.extend(field.len().to_be_bytes());
    context.extend(field.as_bytes());
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As it was before there was a key.
fn plain(before: &str, row: &AuditRow) -> String {
    let mut bytes = Vec::new();
    let sequence = row.sequence.to_string();
    for part in [before, &sequence, &row.at, &row.who, &row.act, &row.about, &row.result] {
        field(&mut bytes, part);
    }
    hex(digest::digest(&digest::SHA256, &bytes).as_ref())
}

/// Whoever reads the source and has the store's key has the chain's too.
fn chain_key(disk: &Disk) -> hmac::Key {
    let digits = fs::read_to_string(disk.key_file()).unwrap();
    let digits = digits.trim();
    let key: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
    let root = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"hospital-kiosk audit trail 1").as_ref())
}

fn keyed(key: &hmac::Key, before: &str, row: &AuditRow) -> String {
    let mut bytes = Vec::new();
    let sequence = row.sequence.to_string();
    for part in ["row", before, &sequence, &row.at, &row.who, &row.act, &row.about, &row.result, &row.was, &row.became]
    {
        field(&mut bytes, part);
    }
    hex(hmac::sign(key, &bytes).as_ref())
}

/// Row 3 never was, row 4 says something else, and all of it is linked anew.
fn rewrite(disk: &Disk, link: impl Fn(&str, &AuditRow) -> String) -> TrailHead {
    let mut forged = rows(&disk.open());
    forged.remove(2);
    let connection = open_wide(disk);
    connection.execute("DELETE FROM audit", []).unwrap();
    let mut head = TrailHead::default();
    for (row, sequence) in forged.iter_mut().zip(1..) {
        row.sequence = sequence;
        row.result = if sequence == 3 { "nothing was done".to_owned() } else { row.result.clone() };
        row.hash = link(&head.hash, row);
        let AuditRow { at, who, act, about, result, hash, was, became, .. } = &*row;
        connection
            .execute(
                "INSERT INTO audit (sequence, at, who, act, about, result, hash, was, became)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![sequence, at, who, act, about, result, hash, was, became],
            )
            .unwrap();
        head = TrailHead { sequence, hash: hash.clone() };
    }
    head
}

/// The attack of the review: one row taken out, another changed, plain hashes computed anew, the triggers put back.
#[test]
fn a_trail_linked_anew_without_the_key_is_seen() {
    let disk = Disk::new();
    with_trail(&disk);
    let head = rewrite(&disk, plain);
    raw_connection(&disk)
        .execute(
            "UPDATE audit_marks SET sequence = ?1, hash = ?2 WHERE what = 'head'",
            params![head.sequence, head.hash],
        )
        .unwrap();
    assert_eq!(check(&disk.open()).fault, Some(TrailFault::Row(1)));
}

/// Nothing inside the store can show this, and `verify` says that; a head from outside does.
#[test]
fn a_trail_written_anew_with_the_key_is_seen_by_a_head_from_outside_only() {
    let disk = Disk::new();
    let before = with_trail(&disk);
    let key = chain_key(&disk);
    let head = rewrite(&disk, |before, row| keyed(&key, before, row));
    let mut bytes = Vec::new();
    for part in ["mark", "head", &head.sequence.to_string(), &head.hash] {
        field(&mut bytes, part);
    }
    let tag = hex(hmac::sign(&key, &bytes).as_ref());
    raw_connection(&disk)
        .execute(
            "UPDATE audit_marks SET sequence = ?1, hash = ?2, tag = ?3 WHERE what = 'head'",
            params![head.sequence, head.hash, tag],
        )
        .unwrap();
    let store = disk.open();
    assert!(check(&store).is_sound());
    let said = audit::verify(&store, &[], None, false).unwrap().join("\n");
    assert!(said.contains("no head from outside was compared"), "{said}");
    for sequence in [before.sequence, before.sequence - 1] {
        let head = TrailHead { sequence, hash: before.hash.clone() };
        let found = store.check_trail(&[given(&head)]).unwrap();
        let expected = if sequence == 4 { AnchorVerdict::Missing } else { AnchorVerdict::Differs };
        assert_eq!(found.anchors[0].1, expected, "{sequence}");
        assert!(!found.is_sound());
    }
}

/// It takes no key at all.
#[test]
fn yesterdays_file_put_back_is_seen_by_a_head_from_outside_only() {
    let disk = Disk::new();
    let yesterday_head = with_trail(&disk);
    let yesterday = disk.crash_copy();
    let store = disk.open();
    store.audit(&entry(7), at()).unwrap();
    let today = check(&store).head;
    let both = [given(&yesterday_head), given(&today)];
    assert!(store.check_trail(&both).unwrap().is_sound());
    let said = audit::verify(&store, &both, None, false).unwrap().join("\n");
    assert!(said.contains("it has all 2 heads of --since, up to row 5"), "{said}");
    drop(store);
    let store = yesterday.open();
    assert!(check(&store).is_sound(), "nothing inside tells");
    let found = store.check_trail(&both).unwrap();
    assert_eq!([found.anchors[0].1, found.anchors[1].1], [AnchorVerdict::Holds, AnchorVerdict::Missing]);
    let why = audit::verify(&store, &both, None, false).unwrap_err();
    assert!(why.exit == 1 && why.why.contains("an earlier state of the store was put back"), "{}", why.why);
    // And when it has grown as long as it was.
    store.audit(&entry(8), at()).unwrap();
    assert_eq!(store.check_trail(&both).unwrap().anchors[1].1, AnchorVerdict::Differs);
}

#[test]
fn what_the_hospital_took_is_remembered_and_compared() {
    let disk = Disk::new();
    let head = with_trail(&disk);
    let store = disk.open();
    assert_eq!(store.last_anchor().unwrap(), None);
    store.anchored(&head, at()).unwrap();
    let own = store.last_anchor().unwrap().unwrap();
    assert_eq!((own.place, &own.head, own.at.is_some()), (AnchorPlace::Own, &head, true));
    let found = check(&store);
    assert_eq!((found.anchors.len(), found.anchors[0].1), (1, AnchorVerdict::Holds));
    let said = audit::verify(&store, &[], Some("it is away"), false).unwrap().join("\n");
    assert!(
        said.contains("it is away") && said.contains("no head from outside"),
        "its own list is not outside: {said}"
    );
}

fn days_later(days: u64) -> DateTime<FixedOffset> {
    at().checked_add_days(Days::new(days)).unwrap()
}

#[test]
fn the_oldest_of_the_trail_go_and_the_chain_goes_on() {
    let disk = Disk::new();
    let mut settings = disk.settings();
    settings.keep_audit_days = 800;
    let open = || open_with_credentials(&settings, None).unwrap().store;
    let store = open();
    for number in 0..5 {
        store.audit(&entry(number), days_later(u64::from(number))).unwrap();
    }
    let head = check(&store).head;
    store.forget_old(days_later(800)).unwrap();
    assert_eq!(check(&store).rows, 5, "not a moment before");
    store.forget_old(days_later(802)).unwrap();
    let found = check(&store);
    assert_eq!((found.gone, found.rows, found.is_sound()), (2, 3, true));
    assert!(audit::verify(&store, &[], None, false).unwrap()[0].contains("2 before them went"));
    store.forget_old(days_later(1_900)).unwrap();
    assert_eq!(check(&store).rows, 0);
    store.audit(&entry(9), days_later(1_900)).unwrap();
    drop(store);
    let store = open();
    let found = check(&store);
    assert_eq!((found.gone, found.rows, found.is_sound()), (5, 1, true));
    assert_eq!(rows(&store)[0].sequence, 6, "no number comes again");
    // The last that went can still be compared, those before it cannot.
    let earlier = TrailHead { sequence: 2, hash: head.hash.clone() };
    let found = store.check_trail(&[given(&head), given(&earlier)]).unwrap();
    assert_eq!([found.anchors[0].1, found.anchors[1].1], [AnchorVerdict::Holds, AnchorVerdict::WentByAge]);
}

/// A clock far ahead for one act, and far behind for another.
#[test]
fn a_wrong_clock_makes_no_hole_in_the_trail() {
    let disk = Disk::new();
    let store = disk.open();
    for (number, day) in [(1, 10), (2, 5_000), (3, 11), (4, 0), (5, 12)] {
        store.audit(&entry(number), days_later(day)).unwrap();
    }
    let keep = u64::from(disk.settings().keep_audit_days);
    store.forget_old(days_later(11 + keep)).unwrap();
    let found = check(&store);
    assert_eq!((found.gone, found.rows, found.is_sound()), (1, 4, true));
}

/// The shell has the machine's zone, the screen the hospital's.
#[test]
fn the_trail_goes_by_the_hospitals_clocks_whoever_writes() {
    let disk = Disk::new();
    let store = disk.open();
    let seoul = Facility { zone: Zone::named("Asia/Seoul").unwrap(), ..facility(false) };
    store.keep_time_of(seoul.into());
    store.audit(&entry(1), at().with_timezone(&FixedOffset::west_opt(5 * 3600).unwrap())).unwrap();
    assert!(rows(&store)[0].at.ends_with("+09:00"), "{}", rows(&store)[0].at);
}

#[test]
fn an_export_comes_in_parts_and_from_a_day_on() {
    let disk = Disk::new();
    let store = disk.open();
    let all = audit::ROWS_AT_ONCE + 5;
    for number in 0..all {
        let day = u64::from(number >= audit::ROWS_AT_ONCE);
        store.audit(&entry(u32::try_from(number).unwrap()), days_later(day)).unwrap();
    }
    let ask = |request: &socket::Request| -> Answer { socket::answer(&store, request) };
    let export = |from: Option<&str>, json| {
        let from = from.map(|day| day.parse().unwrap());
        let what = audit::Command::Export { from, json };
        audit::run(what, &ask, || Err(String::new())).unwrap()
    };
    let lines = export(None, true);
    assert_eq!(lines.len(), all);
    assert!(lines[all - 1].starts_with(&format!("{{\"sequence\":{all},\"at\":")), "{}", lines[all - 1]);
    assert_eq!(export(Some("2026-11-26"), false).len(), 5);
    assert_eq!(export(Some("2026-11-27"), false).len(), 0);
}
