//! Who may enter the staff area: persons, numbers, PINs; and who was looked up.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::commands::{socket, staff};
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::person::{Insider, Person, Role, StaffNumber, Who};
use hospital_kiosk::domain::staff::{
    AuditEntry, Gate, LookUp, LookUpOutcome, LookedUpBy, PIN_LOCK_MIN, Pin, StaffAct, WAIT_MAX_S,
};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::ports::{Retention, StaffBook, Trail};
use hospital_kiosk::rehearsal::days::facility::facility;
use rusqlite::Connection;
use std::io::Write as _;

pub(super) fn pin(text: &str) -> Pin {
    Pin::read(text).unwrap()
}

fn number(text: &str) -> StaffNumber {
    StaffNumber::read(text).unwrap()
}

fn later(seconds: i64) -> DateTime<FixedOffset> {
    at() + TimeDelta::seconds(seconds)
}

fn open_to(person: &Person) -> Gate {
    Gate::Open(Insider { number: person.number, role: person.role })
}

/// With a PIN.
fn person(store: &SqliteStore, name: &str, role: Role, pin_text: &str) -> Person {
    let added = store.add_person(name, role, None, at()).unwrap();
    store.set_pin(Some(added.number), &pin(pin_text), at()).unwrap()
}

#[test]
fn one_person_needs_no_number_until_the_pin_alone_was_wrong_too_often() {
    let disk = Disk::new();
    let store = disk.open();
    assert_eq!(store.gate(at()).unwrap(), Gate::NoPin);
    assert_eq!(store.try_pin(None, &pin("40718"), at()).unwrap(), Gate::NoPin);
    let only = store.set_pin(None, &pin("40718"), at()).unwrap();
    assert_eq!((only.name.as_str(), only.role), ("staff", Role::Technician));
    assert_eq!(store.gate(at()).unwrap(), Gate::Closed);
    let wrong = |store: &SqliteStore, after: i64| store.try_pin(None, &pin("40719"), later(after)).unwrap();
    for tries_left in (1..5).rev() {
        assert_eq!(wrong(&store, 0), Gate::Wrong { tries_left });
    }
    // The right one in between forgets the wrong ones.
    assert_eq!(store.try_pin(None, &pin("40718"), at()).unwrap(), open_to(&only));
    for tries_left in (1..5).rev() {
        assert_eq!(wrong(&store, 0), Gate::Wrong { tries_left });
    }
    drop(store);
    let store = disk.open();
    assert_eq!(wrong(&store, 0), Gate::Number { after_wrong: true });
    drop(store);
    let store = disk.open();
    assert_eq!(store.gate(at()).unwrap(), Gate::Number { after_wrong: true });
    // Not even the right one, and it is not counted: the number is wanted.
    assert_eq!(store.try_pin(None, &pin("40718"), later(60)).unwrap(), Gate::Number { after_wrong: true });
    assert_eq!(store.locked(at()).unwrap(), 0, "nobody is locked");
    assert_eq!(store.try_pin(Some(only.number), &pin("40718"), later(2)).unwrap(), open_to(&only));
    assert_eq!(store.gate(at()).unwrap(), Gate::Closed);
}

/// Seen before persons were: five wrong tries of anybody shut everybody out for a quarter of an hour.
#[test]
fn five_wrong_tries_of_a_stranger_shut_no_staff_out() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    let lee = person(&store, "Lee", Role::Technician, "918273");
    assert_eq!(store.gate(at()).unwrap(), Gate::Number { after_wrong: false });
    let (mut now, mut tries) = (0, 0);
    let stranger =
        StaffNumber::read(if kim.number == number("0000") || lee.number == number("0000") { "00000" } else { "0000" });
    while tries < 12 {
        match store.try_pin(stranger, &pin("1111"), later(now)).unwrap() {
            Gate::Wait { seconds } => now += i64::from(seconds),
            gate => {
                assert_eq!(gate, Gate::Refused);
                tries += 1;
            }
        }
    }
    assert_eq!(store.locked(later(now)).unwrap(), 0, "who knows no number locks nobody");
    drop(store);
    // Also after a restart the machine waits, for everybody, and never long.
    let store = disk.open();
    let Gate::Wait { seconds } = store.try_pin(Some(kim.number), &pin("40718"), later(now)).unwrap() else {
        panic!("no wait");
    };
    assert_eq!(seconds, WAIT_MAX_S);
    now += i64::from(seconds);
    assert_eq!(store.try_pin(Some(kim.number), &pin("40718"), later(now)).unwrap(), open_to(&kim));
    // And whoever gets in takes the wait away.
    assert_eq!(store.try_pin(Some(lee.number), &pin("1111"), later(now)).unwrap(), Gate::Refused);
    assert_eq!(store.try_pin(Some(lee.number), &pin("918273"), later(now)).unwrap(), open_to(&lee));
}

#[test]
fn a_known_number_is_locked_alone_and_no_words_tell() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    let lee = person(&store, "Lee", Role::Technician, "918273");
    for seconds in 0..5 {
        assert_eq!(store.try_pin(Some(kim.number), &pin("1111"), later(10 * seconds)).unwrap(), Gate::Refused);
    }
    assert_eq!(store.locked(later(60)).unwrap(), 1);
    let listed = staff::list(&store, true, later(60)).unwrap().join("\n");
    assert!(listed.contains("\"locked\"") && listed.contains("\"set\""), "{listed}");
    // Not even with the right PIN, in the words of any other wrong try; the others get in.
    assert_eq!(store.try_pin(Some(kim.number), &pin("40718"), later(60)).unwrap(), Gate::Refused);
    drop(store);
    let store = disk.open();
    assert_eq!(store.try_pin(Some(kim.number), &pin("40718"), later(120)).unwrap(), Gate::Refused);
    assert_eq!(store.try_pin(Some(lee.number), &pin("918273"), later(240)).unwrap(), open_to(&lee));
    // After the wait: one try, and it is locked anew.
    let over = 40 + PIN_LOCK_MIN * 60;
    assert_eq!(store.try_pin(Some(kim.number), &pin("1111"), later(over)).unwrap(), Gate::Refused);
    assert_eq!(store.locked(later(over)).unwrap(), 1);
    store.set_pin(Some(kim.number), &pin("55667"), later(over)).unwrap();
    assert_eq!(store.try_pin(Some(kim.number), &pin("55667"), later(over)).unwrap(), open_to(&kim));
}

/// The same writes and the same hash: what is measured is that the hash is computed at all.
#[test]
fn a_number_that_nobody_has_takes_as_long_as_one_that_somebody_has() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    person(&store, "Lee", Role::Technician, "918273");
    let fastest = |number: StaffNumber, start: i64| {
        let took = (0..4).map(|at| {
            let begun = std::time::Instant::now();
            // Each far from the one before, so that nobody waits and what is counted is forgotten.
            assert_eq!(store.try_pin(Some(number), &pin("1111"), later(start + 3_600 * at)).unwrap(), Gate::Refused);
            begun.elapsed()
        });
        took.min().unwrap()
    };
    let (known, unknown) = (fastest(kim.number, 0), fastest(number("0000"), 100_000));
    assert!(unknown * 4 > known && known * 4 > unknown, "{known:?} for a known number, {unknown:?} for an unknown one");
    let trail = super::trail::rows(&store);
    let tried: Vec<_> = trail.iter().filter(|row| row.act == "log-in").collect();
    assert_eq!(tried.len(), 8);
    assert!(tried.iter().all(|row| row.who == "stranger"));
    assert_eq!(tried.iter().filter(|row| row.about == kim.number.to_string()).count(), 4);
    assert!(!tried.iter().any(|row| row.about.contains("0000")), "what was typed may be a PIN");
}

#[test]
fn whoever_is_inside_is_asked_again_and_locked_like_anybody() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    assert_eq!(store.confirm_pin(kim.number, &pin("40718"), at()).unwrap(), open_to(&kim));
    for tries_left in (1..5).rev() {
        assert_eq!(store.confirm_pin(kim.number, &pin("1111"), at()).unwrap(), Gate::Wrong { tries_left });
    }
    let until = at() + TimeDelta::minutes(PIN_LOCK_MIN);
    assert_eq!(store.confirm_pin(kim.number, &pin("1111"), at()).unwrap(), Gate::Locked { until });
    let acts: Vec<_> = super::trail::rows(&store).into_iter().rev().take(6).map(|row| (row.who, row.act)).collect();
    assert!(acts.iter().all(|(_, act)| act == "confirm-pin"), "{acts:?}");
    assert_eq!(acts[5].0, kim.number.to_string());
}

#[test]
fn a_lock_made_in_a_wrong_future_lasts_as_long_as_any_other() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    let future = at() + TimeDelta::days(73 * 365);
    for _ in 0..5 {
        store.confirm_pin(kim.number, &pin("40719"), future).unwrap();
    }
    store.gate(at()).unwrap();
    let Gate::Wait { seconds } = store.try_pin(Some(kim.number), &pin("40718"), later(1)).unwrap() else {
        panic!("the machine's own wait was made in the future too");
    };
    assert!(seconds <= WAIT_MAX_S);
    store.gate(later(60 * (PIN_LOCK_MIN - 1))).unwrap();
    assert_eq!(store.locked(later(60 * (PIN_LOCK_MIN - 1))).unwrap(), 1, "it does not begin anew at each knock");
    assert_eq!(store.try_pin(Some(kim.number), &pin("40718"), later(60 * PIN_LOCK_MIN)).unwrap(), open_to(&kim));
}

/// Whoever moves the clock forward waits as long as anybody, and so does whoever moves it back.
#[test]
fn a_lock_goes_along_with_a_clock_that_is_moved() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    for second in 0..5 {
        store.try_pin(Some(kim.number), &pin("40719"), later(second * 20)).unwrap();
    }
    let day = 86_400;
    for moved in [day, -2 * day, 3 * 365 * day] {
        store.clock_moved(TimeDelta::seconds(moved)).unwrap();
    }
    let now = |minutes: i64| later(3 * 365 * day - day + minutes * 60);
    assert_eq!(store.try_pin(Some(kim.number), &pin("40718"), now(2)).unwrap(), Gate::Refused);
    assert_eq!(store.locked(now(14)).unwrap(), 1);
    assert!(matches!(store.try_pin(Some(kim.number), &pin("40718"), now(17)).unwrap(), Gate::Open(_)));
}

#[test]
fn a_try_counts_before_it_is_looked_at() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    // The store as a power cut would leave it in the middle of a try: counted by the first write, never answered.
    let connection = raw_connection(&disk);
    drop(store);
    connection.execute("UPDATE persons SET failures = 4", []).unwrap();
    drop(connection);
    let store = disk.open();
    assert_eq!(store.try_pin(Some(kim.number), &pin("40719"), at()).unwrap(), Gate::Refused);
    assert_eq!(store.locked(at()).unwrap(), 1, "the fifth");
}

#[test]
fn the_pin_is_kept_as_argon2id_only() {
    let disk = Disk::new();
    let store = disk.open();
    store.set_pin(None, &pin("40718293"), at()).unwrap();
    drop(store);
    let connection = raw_connection(&disk);
    let hash: String = connection.query_row("SELECT pin_hash FROM persons", [], |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(!hash.contains("40718293"));
}

#[test]
fn grants_and_changes_of_people_are_in_the_trail_without_their_names() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim Jiyeong", Role::Attendant, "40718");
    let why = store.add_person("Kim Jiyeong", Role::Attendant, None, at()).unwrap_err();
    assert!(matches!(why, StoreError::Refused(_)), "{why}");
    let lee = store.add_person("Lee", Role::Technician, Some(number("0047")), at()).unwrap();
    assert_eq!(lee.number, number("0047"));
    store.set_role(kim.number, Role::Technician, later(10)).unwrap();
    store.remove_person(lee.number, later(20)).unwrap();
    let why = store.add_person("Park", Role::Technician, Some(number("0047")), at()).unwrap_err();
    assert!(why.to_string().contains("was somebody's"), "{why}");
    store.try_pin(None, &pin("40718"), later(30)).unwrap();
    let reviewed = staff::review(&store, &store, true, later(40)).unwrap();
    let of = |at: usize| serde_json::from_str::<serde_json::Value>(&reviewed[at]).unwrap();
    assert_eq!((reviewed.len(), &of(0)["who"], &of(0)["role"]), (2, &"Kim Jiyeong".into(), &"technician".into()));
    assert_eq!((&of(0)["granted_by"], &of(0)["role_since"]), (&"shell".into(), &later(10).to_rfc3339().into()));
    assert_eq!(of(0)["last_log_in"], later(30).to_rfc3339());
    assert!(of(1)["removed_at"].is_string() && of(1)["pin"] == "none", "{}", reviewed[1]);
    assert_eq!(staff::list(&store, true, at()).unwrap().len(), 1, "who was removed is in no list");
    let said: Vec<_> = super::trail::rows(&store)
        .into_iter()
        .map(|row| format!("{} {} {} {}>{}", row.who, row.act, row.about, row.was, row.became))
        .collect();
    let number = kim.number;
    assert_eq!(
        said,
        [
            format!("shell add-person {number} >attendant"),
            format!("shell set-pin {number} none>set"),
            "shell add-person 0047 >technician".to_owned(),
            format!("shell set-role {number} attendant>technician"),
            "shell remove-person 0047 technician>".to_owned(),
            format!("{number} log-in  >"),
            "shell review-rights  >".to_owned(),
        ]
    );
}

#[test]
fn somebody_removed_is_known_as_long_as_the_trail_tells_of_them() {
    let disk = Disk::new();
    let store = disk.open();
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    store.remove_person(kim.number, at()).unwrap();
    let keep = u64::from(disk.settings().keep_audit_days);
    for (days, known) in [(keep - 1, 1), (keep + 1, 0)] {
        store.forget_old(at().checked_add_days(chrono::Days::new(days)).unwrap()).unwrap();
        assert_eq!(store.persons().unwrap().len(), known, "{days}");
    }
}

#[test]
fn who_was_looked_up_is_in_the_trail_and_their_number_nowhere() {
    let disk = Disk::new();
    let store = disk.open();
    let look_up = |whose: &str, by, offline, outcome| LookUp { whose: whose.to_owned(), by, offline, outcome };
    for asked in [
        look_up(MARKER, LookedUpBy::Number, false, LookUpOutcome::Found),
        look_up(MARKER, LookedUpBy::Card, true, LookUpOutcome::NotFound),
        look_up("10293847", LookedUpBy::Slip, false, LookUpOutcome::Ambiguous),
    ] {
        store.looked_up(&asked, at()).unwrap();
    }
    let number = PatientNumber(MARKER.to_owned());
    store
        .audit(&AuditEntry::new(Who::Patient, StaffAct::Reprint, "K3-0001", "ordered").of_patient(&number), at())
        .unwrap();
    let rows = super::trail::rows(&store);
    let results: Vec<_> = rows.iter().map(|row| row.result.as_str()).collect();
    let words = ["found, by number, online", "not found, by card, offline", "ambiguous, by slip, online", "ordered"];
    assert_eq!(results, words);
    assert!(rows.iter().all(|row| row.who == "patient" && !row.about.contains(MARKER)));
    let mark = store.mark_of(&number);
    assert_eq!((&rows[0].about, &rows[1].about, mark.len()), (&mark, &mark, 32));
    assert_eq!(rows[3].about, format!("K3-0001 {mark}"));
    assert_ne!(rows[2].about, mark);
    // Another kiosk's key makes another mark, and neither is a plain hash of the number.
    assert_ne!(Disk::new().open().mark_of(&number), mark);
    let plain = ring::digest::digest(&ring::digest::SHA256, MARKER.as_bytes());
    assert!(!super::trail::hex(plain.as_ref()).starts_with(&mark));
}

/// Nobody pushes two years of acts out of the trail by looking up and looking up.
#[test]
fn a_day_has_an_end_of_look_ups() {
    let disk = Disk::new();
    let store = disk.open();
    let asked =
        LookUp { whose: MARKER.to_owned(), by: LookedUpBy::Number, offline: false, outcome: LookUpOutcome::NotFound };
    let mut written = 0;
    while store.looked_up(&asked, at()).is_ok() {
        written += 1;
        assert!(written <= 1_500, "no end");
    }
    assert_eq!(written, 1_500);
    store.looked_up(&asked, at() + TimeDelta::days(1)).unwrap();
}

pub(super) fn raw_connection(disk: &Disk) -> Connection {
    let connection = Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection
}

#[test]
fn the_shell_sets_the_pin_of_a_running_kiosk_and_reads_the_trail() {
    let disk = Disk::new();
    let store: std::sync::Arc<SqliteStore> = disk.open().into();
    let outbox = std::sync::Arc::new(hospital_kiosk::hospital::sync::Signals::default());
    let _serving = socket::serve(&disk.folder(), store.clone(), super::commands::nobody(), outbox);
    let ask = |request| socket::ask(&disk.folder(), &request).expect("a kiosk runs").expect("an answer").join("\n");
    assert!(ask(socket::Request::StaffList { json: false }).contains("kiosk staff pin"));
    ask(socket::Request::StaffPin { whose: None, pin: pin("40718") });
    assert!(ask(socket::Request::StaffList { json: true }).contains("\"set\""));
    assert!(matches!(store.try_pin(None, &pin("40718"), at()).unwrap(), Gate::Open(_)));
    assert_eq!(store.try_pin(None, &pin("40719"), at()).unwrap(), Gate::Wrong { tries_left: 4 });
    let trail = ask(super::trail::all_rows());
    for said in ["\"set-pin\"", "\"shell\"", "\"log-in\"", "\"ok\"", "wrong (1)"] {
        assert!(trail.contains(said), "{said}: {trail}");
    }
    assert!(!trail.contains("40718") && !trail.contains("40719"), "{trail}");
    assert!(ask(super::trail::verify_it()).starts_with("4 rows"));
}

/// Whoever asks, at whatever clock: the town's time, in whole seconds.
#[test]
fn a_locks_end_is_told_by_the_towns_clocks() {
    let disk = Disk::new();
    let store = disk.open();
    let seoul = Facility { zone: Zone::named("Asia/Seoul").unwrap(), ..facility(false) };
    store.keep_time_of(seoul.into());
    let kim = person(&store, "Kim", Role::Attendant, "40718");
    let now = chrono::Utc::now().fixed_offset();
    let precise = now + TimeDelta::nanoseconds(123_456_789);
    for second in 0..5 {
        store.try_pin(Some(kim.number), &pin("40719"), now + TimeDelta::seconds(second * 20)).unwrap();
    }
    // As the shell does, which may shorten a lock.
    store.gate(precise - TimeDelta::minutes(1)).unwrap();
    for json in [false, true] {
        let listed = socket::answer(&store, &socket::Request::StaffList { json }).unwrap().join("\n");
        let until = listed.split(['"', ' ', ';']).find(|word| word.starts_with("20") && word.ends_with("+09:00"));
        let until = until.unwrap_or_else(|| panic!("{listed}"));
        assert_eq!(until.len(), "2026-11-25T10:00:00+09:00".len(), "{listed}");
    }
    assert!(matches!(
        store.try_pin(Some(kim.number), &pin("40718"), now + TimeDelta::minutes(2)).unwrap(),
        Gate::Refused
    ));
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
