//! A damaged database: what can be read comes over, whatever the power does meanwhile, and staff are told what did not.

use super::*;
use hospital_kiosk::domain::attempt::PaymentState;
use hospital_kiosk::domain::reason::StaffReason;
use hospital_kiosk::domain::set_aside::SetAside;
use hospital_kiosk::domain::staff::Pin;
use hospital_kiosk::ports::{Journal, JournalLines, QueueList, Retention, StaffBook, Upkeep};

const PAGE: usize = 4_096;

/// Payments in every state, requests that wait, staff with a PIN and a trail, numbers; closed.
fn busy_disk(payments: u128) -> Disk {
    let disk = Disk::new();
    let store = disk.open();
    for number in 1..=payments {
        pay(&store, number);
    }
    record(&store, [intent(900), sent(900), not_paid(900)]);
    record(&store, [intent(901), sent(901), in_doubt(901), needs_staff(901)]);
    for number in 1000..1010 {
        store.queue(&request(number, number, PaymentOfRequest::Free), BUNDLE).unwrap();
    }
    store.set_pin(None, &Pin::read("40718").unwrap(), at()).unwrap();
    let today = chrono::Utc::now().date_naive();
    store.save_counters(&Counters { day: today, tickets: 3, claims: 2, attempts: 7 }, at()).unwrap();
    store.forget_old(at()).unwrap();
    disk
}

fn damage_page(disk: &Disk, page: usize) {
    let mut bytes = fs::read(disk.database()).unwrap();
    bytes[page * PAGE + 1_000] ^= 4;
    fs::write(disk.database(), bytes).unwrap();
}

/// What was lost of `before`, and that staff are told of it.
fn nothing_is_lost_unsaid(before: &Everything, store: &SqliteStore, told: &SetAside, name: &str) -> usize {
    let (payments, requests, _, given) = everything(store);
    let mut lost = 0;
    for payment in &before.0 {
        let found = payments.iter().find(|found| found.attempt == payment.attempt);
        let as_it_was = found == Some(payment);
        let for_staff = found.is_some_and(|found| {
            payment.state == PaymentState::Committed
                && found.state == PaymentState::NeedsStaff
                && found.staff_reason == Some(StaffReason::RequestLost)
        });
        let request_is_there = requests.iter().any(|row| row.id == payment.request.id);
        assert!(as_it_was || for_staff || found.is_none(), "{name}: {found:?}");
        assert!(payment.state != PaymentState::Committed || found.is_none() || for_staff != request_is_there, "{name}");
        lost += usize::from(!as_it_was);
    }
    lost += before.1.iter().filter(|row| !requests.contains(row)).count();
    assert!(lost == 0 || told.is_incomplete(), "{name}: {lost} lost, and nobody is told: {told}");
    // No number of today is given again.
    let today = chrono::Utc::now().date_naive();
    let had = before.3.days.iter().find(|counters| counters.day == today).unwrap();
    let has = given.days.iter().find(|counters| counters.day == today).unwrap();
    assert_eq!(has.or_more(*had), *has, "{name}: {has:?}");
    lost
}

#[test]
fn of_a_damaged_page_only_its_own_rows_are_lost() {
    let disk = busy_disk(12);
    let before = everything(&disk.open());
    let pages = fs::read(disk.database()).unwrap().len() / PAGE;
    let (mut damaged, mut many, mut whole) = (0, 0, 0);
    for page in 0..pages {
        let copy = disk.crash_copy();
        damage_page(&copy, page);
        let opened = copy.try_open().unwrap_or_else(|error| panic!("page {page}: {error}"));
        let Some(notice) = opened.notice else { continue };
        let told = opened.store.set_aside().unwrap().unwrap();
        assert!(notice.contains("kiosk.db.damaged-1") && notice == told.to_string(), "{notice}");
        let lost = nothing_is_lost_unsaid(&before, &opened.store, &told, &format!("page {page}"));
        (damaged, many, whole) = (damaged + 1, many + usize::from(lost > 10), whole + usize::from(lost == 0));
        // Also over the next start, and the kiosk goes on working.
        drop(opened.store);
        let store = copy.open();
        assert_eq!(store.set_aside().unwrap().as_ref().map(ToString::to_string), Some(notice));
        assert!(store.acknowledge_set_aside(at()).unwrap() && !store.acknowledge_set_aside(at()).unwrap());
        assert_eq!(store.set_aside().unwrap(), None);
    }
    assert!(damaged > 40 && whole * 3 > damaged, "{damaged} of {pages} pages were seen, {whole} lost nothing");
    // The beginnings of the two tables.
    assert!(many <= 2, "{many} pages took more than their own rows");
}

#[test]
fn without_its_schema_pages_a_database_is_read_all_the_same() {
    let disk = busy_disk(12);
    let before = everything(&disk.open());
    for salt_too in [false, true] {
        let copy = disk.crash_copy();
        let mut bytes = fs::read(copy.database()).unwrap();
        let from = if salt_too { 0 } else { 16 };
        bytes[from..PAGE].fill(0);
        fs::write(copy.database(), bytes).unwrap();
        let store = copy.try_open().unwrap().store;
        let told = store.set_aside().unwrap().unwrap();
        assert_eq!((everything(&store), told.is_incomplete()), (before.clone(), false), "{told}");
        // Without the copy of it nothing can be read, and that is told.
        let bare = disk.crash_copy();
        fs::remove_file(bare.folder().join("kiosk.db.schema-pages")).unwrap();
        damage_page(&bare, 0);
        let opened = bare.try_open().unwrap();
        let told = opened.store.set_aside().unwrap().unwrap();
        assert!(told.nothing && opened.notice.unwrap().contains("nothing of it could be read"));
        nothing_is_lost_unsaid(&before, &opened.store, &told, "nothing left");
    }
}

#[test]
fn half_a_file_and_a_log_without_its_database_are_read() {
    let disk = busy_disk(60);
    let before = everything(&disk.open());
    let copy = disk.crash_copy();
    let bytes = fs::read(copy.database()).unwrap();
    fs::write(copy.database(), &bytes[..bytes.len() / 2]).unwrap();
    let store = copy.try_open().unwrap().store;
    let told = store.set_aside().unwrap().unwrap();
    nothing_is_lost_unsaid(&before, &store, &told, "half a file");
    assert!(told.payments > 0 && told.unread > 0, "{told}");

    let store = disk.open();
    pay(&store, 70);
    let crashed = disk.crash_copy();
    let with_log = everything(&store);
    let lost = |empty: bool| {
        let copy = crashed.crash_copy();
        if empty {
            fs::write(copy.database(), b"").unwrap();
        } else {
            fs::remove_file(copy.database()).unwrap();
        }
        let store = copy.try_open().unwrap().store;
        let told = store.set_aside().unwrap().unwrap();
        nothing_is_lost_unsaid(&with_log, &store, &told, "a log alone")
    };
    assert_eq!(lost(true), lost(false));
}

/// Makes of a disk on which all is done one on which the power failed before: the damaged database, and its log.
type Cut = fn(&Disk, &[u8], &[u8]);

/// They are set aside with their database.
fn schema_pages_back(disk: &Disk) {
    let name = |of: &str| disk.folder().join(format!("{of}.schema-pages"));
    fs::rename(name("kiosk.db.damaged-1"), name("kiosk.db")).unwrap();
}

#[test]
fn a_power_cut_while_it_is_set_aside_loses_nothing() {
    let disk = busy_disk(6);
    let store = disk.open();
    pay(&store, 50);
    // With a log beside it, which is set aside as well.
    let crashed = disk.crash_copy();
    let page = fs::read(crashed.database()).unwrap().len() / PAGE / 2;
    damage_page(&crashed, page);
    let done = crashed.crash_copy();
    let wanted = everything(&done.try_open().unwrap().store);
    let (database, log) =
        (fs::read(crashed.database()).unwrap(), fs::read(crashed.folder().join("kiosk.db-wal")).unwrap());
    assert!(!log.is_empty());
    let cuts: [(&str, Cut); 4] = [
        ("before the first name", |disk, database, log| {
            fs::copy(disk.database(), disk.folder().join("kiosk.db.new-1")).unwrap();
            fs::write(disk.database(), database).unwrap();
            fs::write(disk.folder().join("kiosk.db-wal"), log).unwrap();
            fs::remove_file(disk.folder().join("kiosk.db.damaged-1")).unwrap();
            fs::remove_file(disk.folder().join("kiosk.db.damaged-1-wal")).unwrap();
            schema_pages_back(disk);
        }),
        ("after the database's", |disk, _, log| {
            fs::rename(disk.database(), disk.folder().join("kiosk.db.new-1")).unwrap();
            fs::write(disk.folder().join("kiosk.db-wal"), log).unwrap();
            fs::remove_file(disk.folder().join("kiosk.db.damaged-1-wal")).unwrap();
            schema_pages_back(disk);
        }),
        ("after the log's", |disk, _, _| fs::rename(disk.database(), disk.folder().join("kiosk.db.new-1")).unwrap()),
        ("while it is made", |disk, database, log| {
            fs::write(disk.folder().join("kiosk.db.new-1"), &database[..PAGE * 3]).unwrap();
            fs::write(disk.folder().join("kiosk.db.new-1-wal"), &log[..99]).unwrap();
            fs::write(disk.folder().join("kiosk.db.salvage"), database).unwrap();
            fs::write(disk.database(), database).unwrap();
            fs::write(disk.folder().join("kiosk.db-wal"), log).unwrap();
            fs::remove_file(disk.folder().join("kiosk.db.damaged-1")).unwrap();
            fs::remove_file(disk.folder().join("kiosk.db.damaged-1-wal")).unwrap();
            schema_pages_back(disk);
        }),
    ];
    for (name, cut) in cuts {
        let copy = done.crash_copy();
        cut(&copy, &database, &log);
        let store = copy.try_open().unwrap_or_else(|error| panic!("{name}: {error}")).store;
        assert_eq!(everything(&store), wanted, "{name}");
        assert_eq!(store.set_aside().unwrap().unwrap().file, "kiosk.db.damaged-1", "{name}");
        assert_eq!(fs::read(copy.folder().join("kiosk.db.damaged-1-wal")).unwrap(), log, "{name}");
        for left in ["kiosk.db.new-1", "kiosk.db.new-1-wal", "kiosk.db.salvage"] {
            assert!(!copy.folder().join(left).exists(), "{name}: {left}");
        }
    }
    // Under another key nothing is renamed then either.
    let copy = done.crash_copy();
    fs::rename(copy.database(), copy.folder().join("kiosk.db.new-1")).unwrap();
    fs::write(copy.key_file(), "ab".repeat(32)).unwrap();
    assert!(matches!(copy.try_open().unwrap_err(), StoreError::WrongKey { .. }));
    assert!(copy.folder().join("kiosk.db.new-1").exists());
}

/// Number 1 is free again, number 2 lies there: what was begun as 1 does not end as 2.
#[test]
fn a_swap_that_was_broken_off_goes_on_under_its_own_number() {
    let disk = busy_disk(3);
    let store = disk.open();
    pay(&store, 50);
    let crashed = disk.crash_copy();
    let log = fs::read(crashed.folder().join("kiosk.db-wal")).unwrap();
    damage_page(&crashed, fs::read(crashed.database()).unwrap().len() / PAGE / 2);
    let (other, other_log) =
        (crashed.folder().join("kiosk.db.damaged-2"), crashed.folder().join("kiosk.db.damaged-2-wal"));
    fs::write(&other, b"another").unwrap();
    fs::write(&other_log, b"its log").unwrap();
    drop(crashed.try_open().unwrap().store);
    fs::rename(crashed.database(), crashed.folder().join("kiosk.db.new-1")).unwrap();
    fs::rename(crashed.folder().join("kiosk.db.damaged-1-wal"), crashed.folder().join("kiosk.db-wal")).unwrap();
    assert_eq!(crashed.try_open().unwrap().store.set_aside().unwrap().unwrap().file, "kiosk.db.damaged-1");
    assert_eq!(fs::read(crashed.folder().join("kiosk.db.damaged-1-wal")).unwrap(), log);
    assert_eq!((fs::read(other).unwrap(), fs::read(other_log).unwrap()), (b"another".to_vec(), b"its log".to_vec()));
}

/// The promise behind "mark it as paid": the hospital gets the request after all, once.
#[test]
fn a_paid_payment_without_its_request_gets_one_when_staff_say_that_it_is_paid() {
    let disk = busy_disk(12);
    let pages = fs::read(disk.database()).unwrap().len() / PAGE;
    let mut seen = 0;
    for page in 0..pages {
        let copy = disk.crash_copy();
        damage_page(&copy, page);
        let store = copy.try_open().unwrap().store;
        let payments = store.payments().unwrap();
        for payment in payments.iter().filter(|payment| payment.staff_reason == Some(StaffReason::RequestLost)) {
            let number = payment.attempt.0.as_u128();
            let of_it = || store.requests().unwrap().iter().filter(|row| row.id == payment.request.id).count();
            assert_eq!(of_it(), 0);
            record(
                &store,
                [Entry::Evidence { attempt: payment.attempt, text: "the receipt".into() }, committed(number)],
            );
            assert_eq!((of_it(), store.payment(payment.attempt).unwrap().unwrap().state), (1, PaymentState::Committed));
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen}");
}

/// The copy of the schema's pages is of the fresh database from then on, not of the one that was set aside.
#[test]
fn what_was_damaged_once_can_be_read_when_its_first_page_is_damaged_next() {
    let disk = busy_disk(12);
    damage_page(&disk, 1);
    let store = disk.try_open().unwrap().store;
    pay(&store, 50);
    drop(store);
    let before = everything(&disk.open());
    damage_page(&disk, 0);
    let store = disk.try_open().unwrap().store;
    assert_eq!(everything(&store), before);
}

#[test]
fn what_the_first_damage_lost_is_told_beside_a_second_that_lost_nothing() {
    let disk = busy_disk(12);
    let mut bytes = fs::read(disk.database()).unwrap();
    bytes[PAGE..].fill(7);
    fs::write(disk.database(), bytes).unwrap();
    let first = disk.try_open().unwrap().store.set_aside().unwrap().unwrap();
    assert!(first.is_incomplete());
    damage_page(&disk, 0);
    let store = disk.try_open().unwrap().store;
    let second = store.set_aside().unwrap().unwrap();
    assert_eq!((second.file.as_str(), second.is_incomplete()), ("kiosk.db.damaged-2", true), "{second}");
    assert!(store.acknowledge_set_aside(at()).unwrap());
    assert_eq!(store.set_aside().unwrap(), None);
}

#[test]
fn a_damaged_file_goes_when_staff_have_read_of_it_and_its_time_is_over() {
    let disk = busy_disk(3);
    damage_page(&disk, 5);
    let store = disk.try_open().unwrap().store;
    let aside = disk.folder().join("kiosk.db.damaged-1");
    let kept = |days| {
        store.forget_old(at() + chrono::Duration::days(days)).unwrap();
        aside.exists()
    };
    assert!(kept(4_000), "nobody has read of it");
    assert!(store.acknowledge_set_aside(at()).unwrap());
    assert!(kept(89) && !kept(91));
}

#[test]
fn a_disk_that_damages_again_and_again_is_said() {
    let disk = busy_disk(2);
    for _ in 0..10 {
        damage_page(&disk, 5);
        disk.try_open().unwrap();
    }
    damage_page(&disk, 5);
    let before = fs::read(disk.database()).unwrap();
    assert!(disk.try_open().unwrap_err().to_string().contains("look at the disk, change it"));
    assert_eq!(fs::read(disk.database()).unwrap(), before);
}

#[test]
fn a_disk_that_takes_nothing_is_told_before_anything_is_lost() {
    let disk = busy_disk(1);
    let store = disk.open();
    store.check_writable(false).unwrap();
    let before = everything(&store);
    store.check_writable(true).unwrap();
    assert_eq!(everything(&store), before, "to try it changes nothing");
}
