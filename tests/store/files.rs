//! The folder: lock, key, versions, damage, and nothing to read for a thief.

use super::*;
use chrono::Utc;
use hospital_kiosk::domain::attempt::PaymentState;
use hospital_kiosk::ports::{Journal, JournalLines, ScheduleCache, Upkeep, WholeSchedule};
use hospital_kiosk::store::{FORMAT, OnDamage, open};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;

fn refusal(result: Result<Opened, StoreError>) -> String {
    result.unwrap_err().to_string()
}

/// A disk with a paid request and a schedule in it, closed.
fn used_disk() -> Disk {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    store.cache_schedule(day(), &schedule(300)).unwrap();
    disk
}

fn schedule(count: usize) -> Vec<(Patient, Appointment)> {
    (0..count).map(|number| (patient(number), appointment(number, "10:30", None))).collect()
}

fn raw_connection(disk: &Disk) -> Connection {
    let connection = Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn everything_is_there_after_closing_and_opening() {
    let disk = Disk::new();
    let store = disk.open();
    assert_eq!(everything(&store), (vec![], vec![], None, Given::default()));
    pay(&store, 1);
    record(&store, [intent(2), sent(2), in_doubt(2)]);
    store.queue(&request(5, 5, PaymentOfRequest::Free), b"").unwrap();
    let counters = Counters { day: day(), tickets: 3, claims: 2, attempts: 1 };
    store.save_counters(&counters, at()).unwrap();
    let before = everything(&store);
    assert_eq!(before.3.days, [counters]);
    drop(store);
    assert_eq!(everything(&disk.open()), before);
}

#[test]
fn one_folder_is_open_once() {
    let disk = Disk::new();
    let store = disk.open();
    assert!(refusal(disk.try_open()).contains("in use by another kiosk program"));
    drop(store);
    disk.open();
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let disk = used_disk();
    raw_connection(&disk).pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(disk.database()).unwrap();
    let error = disk.try_open().unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, known } if usize::try_from(known) == Ok(FORMAT)),
        "{error}"
    );
    assert!(error.to_string().contains("newer version"));
    assert_eq!(fs::read(disk.database()).unwrap(), before);
}

type Damage = fn(&mut Vec<u8>, usize);

#[test]
fn a_damaged_database_is_set_aside_whole_and_reported() {
    let page = 4096;
    let damages: [(&str, Damage); 6] = [
        ("random bytes", |bytes, _| {
            bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 31 % 251).to_le_bytes()[0]);
        }),
        ("half gone", |bytes, _| bytes.truncate(bytes.len() / 2)),
        ("all but the beginning gone", |bytes, _| bytes.truncate(100)),
        ("one bit in the first page", |bytes, _| bytes[50] ^= 1),
        ("one bit in a page in the middle", |bytes, page| bytes[page * 7 + 99] ^= 0x10),
        ("a page of zeros", |bytes, page| bytes[page * 3..page * 4].fill(0)),
    ];
    for (name, damage) in damages {
        let disk = used_disk();
        let mut bytes = fs::read(disk.database()).unwrap();
        assert!(bytes.len() > page * 10);
        damage(&mut bytes, page);
        fs::write(disk.database(), &bytes).unwrap();
        let opened = disk.try_open().unwrap();
        let notice = opened.notice.unwrap_or_else(|| panic!("{name}: not noticed"));
        assert!(notice.contains("kiosk.db.damaged-1"), "{name}: {notice}");
        assert_eq!(fs::read(disk.folder().join("kiosk.db.damaged-1")).unwrap(), bytes, "{name}");
        pay(&opened.store, 2);
        let payments = opened.store.payments().unwrap();
        drop(opened.store);
        assert_eq!(disk.open().payments().unwrap(), payments, "{name}");
    }
}

#[test]
fn one_bit_in_any_page_is_noticed_unless_nothing_is_there() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    store.cache_schedule(day(), &schedule(20)).unwrap();
    let whole = everything(&store);
    drop(store);
    let pages = fs::read(disk.database()).unwrap().len() / 4096;
    let (mut noticed, mut kept) = (0, 0);
    for page in 0..pages {
        let copy = disk.crash_copy();
        let mut bytes = fs::read(copy.database()).unwrap();
        bytes[page * 4096 + 1000] ^= 4;
        fs::write(copy.database(), bytes).unwrap();
        let opened = copy.try_open().unwrap_or_else(|error| panic!("page {page}: {error}"));
        match opened.notice {
            Some(_) => {
                noticed += 1;
                let (payments, _, _, given) = everything(&opened.store);
                let told = opened.store.set_aside().unwrap().expect("told to staff");
                kept += usize::from(payments == whole.0);
                assert!(payments == whole.0 || told.unread > 0, "page {page}: {told}");
                let (had, has) = (whole.3.days.len(), given.days.len());
                assert!(has >= had || told.unread > 0, "page {page}: {told}");
            }
            None => assert_eq!(everything(&opened.store), whole, "page {page}"),
        }
    }
    assert!(noticed > pages / 2, "{noticed} of {pages}");
    // Only the page on which the payment itself lies takes it away.
    assert!(kept + 2 >= noticed, "{kept} of {noticed}");
}

#[test]
fn a_torn_log_gives_a_past_that_was_and_no_error() {
    let disk = Disk::new();
    let store = disk.open();
    let mut pasts = vec![everything(&store).0];
    for entry in [intent(1), sent(1), answered(1), committed(1)] {
        record(&store, [entry]);
        pasts.push(everything(&store).0);
    }
    let log = fs::read(disk.folder().join("kiosk.db-wal")).unwrap();
    for keep in (0..log.len()).step_by(1777) {
        let copy = disk.crash_copy();
        fs::write(copy.folder().join("kiosk.db-wal"), &log[..keep]).unwrap();
        // Before the log's first transactions there are no tables yet, and the next start makes them.
        assert!(pasts.contains(&everything(&copy.open()).0), "{keep} bytes");
    }
}

#[test]
fn the_log_is_set_aside_with_its_database() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    let crashed = disk.crash_copy();
    let log = fs::read(crashed.folder().join("kiosk.db-wal")).unwrap();
    assert!(!log.is_empty());
    fs::write(crashed.database(), b"").unwrap();
    for n in 1..=2 {
        let opened = crashed.try_open().unwrap();
        assert!(opened.notice.unwrap().contains(&format!("kiosk.db.damaged-{n}")));
        assert_eq!(fs::read(crashed.folder().join(format!("kiosk.db.damaged-{n}-wal"))).unwrap(), log);
        drop(opened.store);
        fs::remove_file(crashed.database()).unwrap();
        fs::write(crashed.folder().join("kiosk.db-wal"), &log).unwrap();
    }
}

/// What lies beside the database tells a kiosk that lost it from a new one: numbers go on, payments are closed until staff know.
#[test]
fn a_kiosk_that_lost_its_database_is_no_new_kiosk() {
    let emptied: fn(&Disk) = |disk| fs::write(disk.database(), b"").unwrap();
    let gone: fn(&Disk) = |disk| fs::remove_file(disk.database()).unwrap();
    let all_but_the_check_gone: fn(&Disk) = |disk| {
        for name in names(&disk.folder()).iter().filter(|name| *name != "kiosk.db.key-check") {
            fs::remove_file(disk.folder().join(name)).unwrap();
        }
    };
    for lose in [emptied, gone, all_but_the_check_gone] {
        let disk = used_disk();
        lose(&disk);
        let before = names(&disk.folder());
        let refused = open(&disk.settings(), OnDamage::Refuse).unwrap_err();
        assert!(matches!(refused, StoreError::DamagedStill { .. }), "{refused}");
        assert_eq!(names(&disk.folder()), before, "a command changes nothing");
        let opened = disk.try_open().unwrap();
        assert!(opened.notice.unwrap().contains("empty or gone"));
        assert!(opened.store.set_aside().unwrap().is_some(), "staff must know");
        let today = Utc::now().date_naive();
        let given = opened.store.counters().unwrap();
        assert!(given.days.iter().any(|day| day.day == today && day.attempts >= 1_000), "{given:?}");
        drop(opened.store);
        disk.open();
    }
    // Nor does it make another key for what it had.
    let disk = used_disk();
    gone(&disk);
    fs::remove_file(disk.key_file()).unwrap();
    assert!(refusal(disk.try_open()).contains("put the key file back"));
    // What never held anything is new, also after a power cut in its first second.
    let disk = Disk::new();
    fs::create_dir_all(disk.folder()).unwrap();
    fs::write(disk.database(), b"").unwrap();
    disk.open();
}

#[test]
fn a_damaged_check_value_locks_nobody_out() {
    let disk = used_disk();
    let check = disk.folder().join("kiosk.db.key-check");
    let mut bytes = fs::read(&check).unwrap();
    for at in [3, 30] {
        bytes[at] ^= 4;
        fs::write(&check, &bytes).unwrap();
        assert_eq!(disk.open().payments().unwrap().len(), 1);
    }
    // It was written anew, and tells another key again.
    fs::write(disk.key_file(), "ab".repeat(32)).unwrap();
    assert!(matches!(disk.try_open().unwrap_err(), StoreError::WrongKey { .. }));
}

/// Whoever finds a kiosk that does not start takes away what looks like a left-over.
#[test]
fn no_file_that_is_taken_away_lets_a_second_program_in() {
    let disk = used_disk();
    let _store = disk.open();
    for name in names(&disk.folder()).iter().filter(|name| !name.starts_with("kiosk.db")) {
        fs::remove_file(disk.folder().join(name)).unwrap();
    }
    assert!(refusal(disk.try_open()).contains("in use by another kiosk program"));
}

#[test]
fn only_its_owner_enters_the_folder() {
    let disk = used_disk();
    fs::set_permissions(disk.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let _store = disk.open();
    assert_eq!(fs::metadata(disk.folder()).unwrap().permissions().mode() & 0o777, 0o700);
}

/// Every file of the data folder, and what is in it.
fn contents(disk: &Disk) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(disk.folder()).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut all: Vec<_> = files.map(|path| (named(&path), fs::read(&path).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn under_another_key_nothing_is_read_and_nothing_is_changed() {
    let disk = used_disk();
    let right = fs::read(disk.key_file()).unwrap();
    let before = contents(&disk);
    fs::write(disk.key_file(), "ab".repeat(32)).unwrap();
    for _ in 0..2 {
        let refused = disk.try_open().unwrap_err();
        assert!(matches!(refused, StoreError::WrongKey { .. }), "{refused}");
        assert!(refused.to_string().contains("put the right key back"), "{refused}");
        assert_eq!(contents(&disk), before);
    }
    // A torn check value, or that of an older version, which made none: then nothing tells which of the two it is.
    for check in [Some(""), Some("0011 2233"), Some("not hexadecimal"), None] {
        let file = disk.folder().join("kiosk.db.key-check");
        match check {
            Some(content) => fs::write(&file, content).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let before = contents(&disk);
        let refused = disk.try_open().unwrap_err();
        assert!(matches!(refused, StoreError::UnknownKey { .. }), "{check:?}: {refused}");
        assert_eq!(contents(&disk), before, "{check:?}");
    }
    fs::write(disk.key_file(), right).unwrap();
    assert_eq!(disk.open().payments().unwrap().len(), 1);
    fs::write(disk.key_file(), "ab".repeat(32)).unwrap();
    assert!(
        matches!(disk.try_open().unwrap_err(), StoreError::WrongKey { .. }),
        "the right key made a new check value"
    );
}

#[test]
fn a_store_whose_check_value_cannot_be_written_opens_all_the_same() {
    let disk = used_disk();
    fs::remove_file(disk.folder().join("kiosk.db.key-check")).unwrap();
    // Where the draft would lie, as a full disk would have it.
    fs::create_dir_all(disk.folder().join("kiosk.db.draft/taken")).unwrap();
    assert_eq!(disk.open().payments().unwrap().len(), 1);
    assert!(!disk.folder().join("kiosk.db.key-check").exists());
    fs::remove_dir_all(disk.folder().join("kiosk.db.draft")).unwrap();
    assert_eq!(disk.open().payments().unwrap().len(), 1);
    assert!(disk.folder().join("kiosk.db.key-check").exists());
}

#[test]
fn a_fresh_store_takes_a_fresh_key() {
    let disk = used_disk();
    fs::write(disk.key_file(), "ab".repeat(32)).unwrap();
    for name in names(&disk.folder()) {
        fs::remove_file(disk.folder().join(name)).unwrap();
    }
    assert_eq!(disk.open().payments().unwrap(), vec![]);
    assert_eq!(disk.open().payments().unwrap(), vec![]);
}

#[test]
fn the_key_file_is_made_once_and_for_its_owner_only() {
    let disk = Disk::new();
    drop(disk.open());
    let key = fs::read_to_string(disk.key_file()).unwrap();
    assert_eq!((key.trim().len(), key.trim().bytes().all(|byte| byte.is_ascii_hexdigit())), (64, true));
    assert_eq!(fs::metadata(disk.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(disk.folder()).unwrap().permissions().mode() & 0o777, 0o700);
    drop(disk.open());
    assert_eq!(fs::read_to_string(disk.key_file()).unwrap(), key);
    let other = Disk::new();
    drop(other.open());
    assert_ne!(fs::read_to_string(other.key_file()).unwrap(), key);
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false), (0o601, false)] {
        let disk = used_disk();
        fs::set_permissions(disk.key_file(), fs::Permissions::from_mode(mode)).unwrap();
        let result = disk.try_open();
        assert_eq!(result.is_ok(), fine, "{mode:o}");
        if !fine {
            assert!(refusal(result).contains("chmod 600"));
        }
    }
}

#[test]
fn a_key_inside_the_data_folder_is_refused() {
    let disk = Disk::new();
    fs::create_dir_all(disk.folder().join("sub")).unwrap();
    fs::create_dir_all(disk.root.path().join("keys")).unwrap();
    fs::write(disk.folder().join("hidden"), "ab".repeat(32)).unwrap();
    std::os::unix::fs::symlink(disk.folder(), disk.root.path().join("way-in")).unwrap();
    std::os::unix::fs::symlink(disk.folder().join("hidden"), disk.root.path().join("keys/link")).unwrap();
    for place in ["data/store.key", "data/sub/store.key", "keys/../data/store.key", "way-in/store.key", "keys/link"] {
        let settings = config::Store::at(disk.folder(), disk.root.path().join(place));
        assert!(refusal(open_with_credentials(&settings, None)).contains("inside the data folder"), "{place}");
    }
}

#[test]
fn a_missing_key_is_not_replaced_while_there_is_a_database() {
    let disk = used_disk();
    let key = fs::read(disk.key_file()).unwrap();
    fs::remove_file(disk.key_file()).unwrap();
    assert!(refusal(disk.try_open()).contains("put the key file back"));
    assert!(!disk.key_file().exists());
    fs::write(disk.key_file(), key).unwrap();
    fs::set_permissions(disk.key_file(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(disk.open().payments().unwrap().len(), 1);
}

#[test]
fn what_is_no_key_is_refused() {
    for content in ["", "short", &"g".repeat(64), &"ab".repeat(40), &"é".repeat(32)] {
        let disk = used_disk();
        fs::write(disk.key_file(), content).unwrap();
        assert!(refusal(disk.try_open()).contains("holds no key"), "{content}");
        assert_eq!(names(&disk.folder()), ["kiosk.db", "kiosk.db.key-check", "kiosk.db.schema-pages"]);
    }
}

#[test]
fn a_systemd_credential_wins() {
    let disk = Disk::new();
    let credentials = tempfile::tempdir().unwrap();
    let open = || open_with_credentials(&disk.settings(), Some(credentials.path()));
    fs::write(credentials.path().join("store-key"), [0x5a; 32]).unwrap();
    pay(&open().unwrap().store, 1);
    assert!(!disk.key_file().exists());
    fs::write(credentials.path().join("store-key"), format!("{}\n", "5a".repeat(32))).unwrap();
    assert_eq!(open().unwrap().store.payments().unwrap().len(), 1);
    fs::remove_file(credentials.path().join("store-key")).unwrap();
    assert!(refusal(open()).contains("put the key file back"));
}

#[test]
fn no_file_of_the_folder_shows_a_patient_number() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    let mut rows = schedule(50);
    rows[0].0.number = PatientNumber(MARKER.into());
    store.cache_schedule(day(), &rows).unwrap();
    record(&store, [intent(2), sent(2), in_doubt(2), needs_staff(2)]);
    for name in names(&disk.folder()) {
        let bytes = fs::read(disk.folder().join(&name)).unwrap();
        for secret in [MARKER.as_bytes(), b"SQLite format 3", b"Orthopaedics", b"payments"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
        }
    }
}

#[test]
fn the_cached_day_is_found_by_number_and_birth_date_and_gone_the_next() {
    let disk = Disk::new();
    let store = disk.open();
    let mut rows = schedule(20);
    rows.push((patient(3), appointment(31, "09:10", Some("S31"))));
    rows.push((patient(4), appointment(41, "09:10", Some("twice"))));
    rows.push((patient(5), appointment(51, "09:10", Some("twice"))));
    store.cache_schedule(day(), &schedule(1000)).unwrap();
    store.cache_schedule(day(), &rows).unwrap();
    let (who, offline) = (patient(3), |patient| Patient { offline: true, ..patient });
    let wrong_birth = BirthDate(who.birth_date.0.succ_opt().unwrap());
    let tomorrow = day().succ_opt().unwrap();
    assert_eq!(store.cached_patient(day(), &who.number, who.birth_date).unwrap(), Some(offline(patient(3))));
    assert_eq!(store.cached_patient(day(), &who.number, wrong_birth).unwrap(), None);
    assert_eq!(store.cached_patient(tomorrow, &who.number, who.birth_date).unwrap(), None);
    assert_eq!(store.cached_patient(day(), &patient(500).number, who.birth_date).unwrap(), None);
    let found = store.cached_appointments(day(), &who.number).unwrap();
    assert_eq!(found, [appointment(31, "09:10", Some("S31")), appointment(3, "10:30", None)]);
    let slip = store.cached_slip(day(), "S31").unwrap();
    assert_eq!(slip, Some((offline(patient(3)), appointment(31, "09:10", Some("S31")))));
    assert_eq!(store.cached_slip(day(), "S3").unwrap(), None);
    assert_eq!(store.cached_slip(day(), "twice").unwrap(), None);
    store.wipe_schedule_except(day()).unwrap();
    assert_eq!(store.cached_appointments(day(), &who.number).unwrap().len(), 2);
    store.wipe_schedule_except(tomorrow).unwrap();
    assert_eq!(store.cached_appointments(day(), &who.number).unwrap(), []);
}

/// `SQLite` ends a log at the first frame that is damaged, and says nothing: a payment that was sent would be gone, or not sent.
#[test]
fn a_damaged_log_is_no_shorter_log() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), sent(1)]);
    let cut = disk.crash_copy();
    let log = cut.folder().join("kiosk.db-wal");
    let whole = fs::read(&log).unwrap();
    for at in [10, 32 + 1_000, whole.len() / 2] {
        let damaged = cut.crash_copy();
        let mut bytes = whole.clone();
        bytes[at] ^= 16;
        fs::write(damaged.folder().join("kiosk.db-wal"), bytes).unwrap();
        let refused = open(&damaged.settings(), OnDamage::Refuse).unwrap_err();
        assert!(matches!(refused, StoreError::DamagedStill { .. }), "{at}: {refused}");
        let opened = damaged.try_open().unwrap();
        assert!(opened.notice.unwrap().contains("its log is damaged"), "{at}");
        assert!(opened.store.set_aside().unwrap().is_some_and(|told| told.is_incomplete()), "{at}");
        let open: Vec<_> = opened.store.payments().unwrap().into_iter().map(|payment| payment.state).collect();
        assert!(open.iter().all(|state| *state != PaymentState::Intent), "{at}: {open:?}");
    }
    // Of the last line nobody can tell damage from a power cut: what was to be sent may have been sent.
    let mut bytes = whole.clone();
    let last = bytes.len() - 500;
    bytes[last] ^= 16;
    fs::write(&log, bytes).unwrap();
    let states: Vec<_> = cut.open().payments().unwrap().into_iter().map(|payment| payment.state).collect();
    assert_eq!(states, [PaymentState::Sent]);
}
