//! The staff's PIN and the trail of what they did.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::commands::{socket, staff};
use hospital_kiosk::domain::staff::{AuditEntry, Gate, PIN_LOCK_MIN, Pin, StaffAct};
use hospital_kiosk::ports::StaffBook;
use hospital_kiosk::store::first_broken;
use rusqlite::Connection;
use std::io::Write as _;

fn pin(text: &str) -> Pin {
    Pin::read(text).unwrap()
}

fn locked(minutes: i64) -> Gate {
    Gate::Locked { until: at() + TimeDelta::minutes(minutes) }
}

#[test]
fn five_wrong_pins_lock_it_over_a_restart_until_the_wait_or_a_new_pin() {
    let disk = Disk::new();
    let store = disk.open();
    assert_eq!(store.gate(at()).unwrap(), Gate::NoPin);
    assert_eq!(store.try_pin(&pin("40718"), at()).unwrap(), Gate::NoPin);
    store.set_pin(&pin("40718"), at()).unwrap();
    assert_eq!(store.gate(at()).unwrap(), Gate::Closed);
    for tries_left in (1..5).rev() {
        assert_eq!(store.try_pin(&pin("40719"), at()).unwrap(), Gate::Wrong { tries_left });
    }
    // The right one in between forgets the wrong ones.
    assert_eq!(store.try_pin(&pin("40718"), at()).unwrap(), Gate::Open);
    for tries_left in (1..5).rev() {
        assert_eq!(store.try_pin(&pin("4071"), at()).unwrap(), Gate::Wrong { tries_left });
    }
    drop(store);
    let store = disk.open();
    assert_eq!(store.try_pin(&pin("407189"), at()).unwrap(), locked(PIN_LOCK_MIN));
    drop(store);
    let store = disk.open();
    assert_eq!(store.gate(at()).unwrap(), locked(PIN_LOCK_MIN));
    assert_eq!(store.try_pin(&pin("40718"), at()).unwrap(), locked(PIN_LOCK_MIN), "not even the right one");
    // After the wait: one try, and it is locked anew.
    let later = at() + TimeDelta::minutes(PIN_LOCK_MIN);
    assert_eq!(store.gate(later).unwrap(), Gate::Closed);
    assert_eq!(store.try_pin(&pin("11111"), later).unwrap(), locked(2 * PIN_LOCK_MIN));
    assert_eq!(store.try_pin(&pin("40718"), later).unwrap(), locked(2 * PIN_LOCK_MIN));
    store.set_pin(&pin("918273"), later).unwrap();
    assert_eq!(store.try_pin(&pin("40718"), later).unwrap(), Gate::Wrong { tries_left: 4 });
    assert_eq!(store.try_pin(&pin("918273"), later).unwrap(), Gate::Open);
}

#[test]
fn a_lock_made_in_a_wrong_future_lasts_as_long_as_any_other() {
    let disk = Disk::new();
    let store = disk.open();
    store.set_pin(&pin("40718"), at()).unwrap();
    let future = at() + TimeDelta::days(73 * 365);
    for _ in 0..5 {
        store.try_pin(&pin("40719"), future).unwrap();
    }
    assert_eq!(store.gate(at()).unwrap(), locked(PIN_LOCK_MIN));
    let later = at() + TimeDelta::minutes(PIN_LOCK_MIN - 1);
    assert_eq!(store.gate(later).unwrap(), locked(PIN_LOCK_MIN), "it does not begin anew at each knock");
    assert_eq!(store.try_pin(&pin("40718"), at() + TimeDelta::minutes(PIN_LOCK_MIN)).unwrap(), Gate::Open);
}

#[test]
fn a_try_counts_before_it_is_looked_at() {
    let disk = Disk::new();
    let store = disk.open();
    store.set_pin(&pin("40718"), at()).unwrap();
    // The store as a power cut would leave it in the middle of a try: counted by the first write, never answered.
    let connection = raw_connection(&disk);
    drop(store);
    for _ in 0..5 {
        connection.execute("UPDATE staff SET failures = failures + 1", []).unwrap();
    }
    drop(connection);
    let store = disk.open();
    assert_eq!(store.try_pin(&pin("40719"), at()).unwrap(), locked(PIN_LOCK_MIN), "the sixth");
}

#[test]
fn the_pin_is_kept_as_argon2id_only() {
    let disk = Disk::new();
    let store = disk.open();
    store.set_pin(&pin("40718293"), at()).unwrap();
    drop(store);
    let connection = raw_connection(&disk);
    let hash: String = connection.query_row("SELECT pin_hash FROM staff", [], |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(!hash.contains("40718293"));
}

fn raw_connection(disk: &Disk) -> Connection {
    let connection = Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection
}

fn entry(number: u32) -> AuditEntry {
    AuditEntry { act: StaffAct::Ask, about: format!("K3-{number:04}"), result: "ordered".to_owned() }
}

/// Four rows: the PIN and three acts.
fn with_trail(disk: &Disk) {
    let store = disk.open();
    store.set_pin(&pin("40718"), at()).unwrap();
    for number in 1..=3 {
        store.audit("staff", &entry(number), at()).unwrap();
    }
    let trail = store.trail().unwrap();
    assert_eq!(trail.rows.len(), 4);
    assert_eq!(first_broken(&trail), None);
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
    for (tampering, broken) in [
        ("UPDATE audit SET result = 'paid' WHERE sequence = 3", 3),
        ("UPDATE audit SET about = 'K3-000', result = '2ordered' WHERE sequence = 3", 3),
        ("UPDATE audit SET at = '2020-01-01T00:00:00+09:00' WHERE sequence = 1", 1),
        ("DELETE FROM audit WHERE sequence = 2", 3),
        ("DELETE FROM audit WHERE sequence = 1", 2),
        ("INSERT INTO audit SELECT 5, at, who, act, about, result, hash FROM audit WHERE sequence = 4", 5),
    ] {
        let disk = Disk::new();
        with_trail(&disk);
        let connection = raw_connection(&disk);
        connection.execute_batch("DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept").unwrap();
        connection.execute(tampering, []).unwrap();
        drop(connection);
        let store = disk.open();
        assert_eq!(first_broken(&store.trail().unwrap()), Some(broken), "{tampering}");
        let why = staff::verify(&store, false).unwrap_err();
        assert_eq!(why.exit, 1);
        assert!(why.why.contains(&format!("row {broken}")), "{}", why.why);
    }
}

fn days_later(days: u64) -> DateTime<FixedOffset> {
    at().checked_add_days(chrono::Days::new(days)).unwrap()
}

#[test]
fn the_oldest_of_the_trail_go_and_the_chain_goes_on() {
    let disk = Disk::new();
    let mut settings = disk.settings();
    settings.keep_audit_days = 400;
    let open = || open_with_credentials(&settings, None).unwrap().store;
    let store = open();
    for number in 0..5 {
        store.audit("staff", &entry(number), days_later(u64::from(number))).unwrap();
    }
    store.forget_old(days_later(400)).unwrap();
    assert_eq!(store.trail().unwrap().rows.len(), 5, "not a moment before");
    store.forget_old(days_later(402)).unwrap();
    let trail = store.trail().unwrap();
    assert_eq!((trail.gone, trail.rows.len(), first_broken(&trail)), (2, 3, None));
    assert!(staff::verify(&store, false).unwrap()[0].contains("2 before them went"));
    store.forget_old(days_later(900)).unwrap();
    store.audit("staff", &entry(9), days_later(900)).unwrap();
    drop(store);
    let trail = open().trail().unwrap();
    assert_eq!((trail.gone, trail.rows.len(), first_broken(&trail)), (5, 1, None));
    assert_eq!(trail.rows[0].sequence, 6, "no number comes again");
}

/// A clock far ahead for one act, and far behind for another.
#[test]
fn a_wrong_clock_makes_no_hole_in_the_trail() {
    let disk = Disk::new();
    let store = disk.open();
    for (number, day) in [(1, 10), (2, 5_000), (3, 11), (4, 0), (5, 12)] {
        store.audit("staff", &entry(number), days_later(day)).unwrap();
    }
    let keep = u64::from(disk.settings().keep_audit_days);
    store.forget_old(days_later(11 + keep)).unwrap();
    let trail = store.trail().unwrap();
    assert_eq!((trail.gone, trail.rows.len(), first_broken(&trail)), (1, 4, None));
}

#[test]
fn a_row_that_went_too_early_is_seen() {
    let disk = Disk::new();
    with_trail(&disk);
    let connection = raw_connection(&disk);
    let written_off = "INSERT INTO audit_cut SELECT 1, sequence, hash FROM audit WHERE sequence = 1";
    connection.execute(written_off, []).unwrap();
    connection.execute("DELETE FROM audit WHERE sequence <= 1", []).unwrap();
    connection.execute("DELETE FROM audit WHERE sequence = 2", []).unwrap_err();
    connection.execute_batch("DROP TRIGGER audit_is_kept; DELETE FROM audit WHERE sequence = 2").unwrap();
    drop(connection);
    assert_eq!(first_broken(&disk.open().trail().unwrap()), Some(3));
}

#[test]
fn the_shell_sets_the_pin_of_a_running_kiosk_and_reads_the_trail() {
    let disk = Disk::new();
    let store: std::sync::Arc<SqliteStore> = disk.open().into();
    let outbox = std::sync::Arc::new(hospital_kiosk::hospital::sync::Signals::default());
    let _serving = socket::serve(&disk.folder(), store.clone(), super::commands::nobody(), outbox);
    let ask = |request| socket::ask(&disk.folder(), &request).expect("a kiosk runs").expect("an answer").join("\n");
    assert!(ask(socket::Request::StaffList { json: false }).contains("kiosk staff pin"));
    ask(socket::Request::StaffPin { pin: pin("40718") });
    assert!(ask(socket::Request::StaffList { json: true }).contains("\"set\""));
    assert_eq!(store.try_pin(&pin("40718"), at()).unwrap(), Gate::Open);
    assert_eq!(store.try_pin(&pin("40719"), at()).unwrap(), Gate::Wrong { tries_left: 4 });
    let trail = ask(socket::Request::AuditExport { json: true });
    for said in ["\"set-pin\"", "\"shell\"", "\"log-in\"", "\"ok\"", "wrong (1)"] {
        assert!(trail.contains(said), "{said}: {trail}");
    }
    assert!(!trail.contains("40718") && !trail.contains("40719"), "{trail}");
    assert!(ask(socket::Request::AuditVerify { json: false }).starts_with("3 rows"));
}

#[test]
fn the_pin_is_read_twice_and_never_guessable() {
    for (typed, taken) in [
        ("40718\n40718\n", true),
        ("40718\n40719\n", false),
        ("40718\n", false),
        ("1234\n1234\n", false),
        ("407\n407\n", false),
        ("407181234\n407181234\n", false),
        ("", false),
    ] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(typed.as_bytes()).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let mut prompts = Vec::new();
        let read = staff::read_pin(&mut Lines(std::io::BufReader::new(file)), &mut prompts);
        assert_eq!(read.is_ok(), taken, "{typed:?} {read:?}");
        assert!(prompts.is_empty(), "nobody is there to read them");
    }
}

/// Standard input as the command has it: lines, and a descriptor that may be a terminal.
struct Lines(std::io::BufReader<fs::File>);

impl std::io::Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl std::io::BufRead for Lines {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.0.fill_buf()
    }
    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl std::os::fd::AsFd for Lines {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
