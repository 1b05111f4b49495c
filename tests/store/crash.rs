//! The power fails: after every call (copies of the files), and in the middle of anything (SIGKILL of a child).

use super::*;
use hospital_kiosk::domain::attempt::PaymentState;
use hospital_kiosk::domain::outbox::Delivery;
use hospital_kiosk::domain::reason::{Delay, KeptOut, ParkReason};
use hospital_kiosk::ports::{Journal, JournalLines, QueueList, ScheduleCache, SingleRequests, WholeSchedule};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

type Call = Box<dyn Fn(&SqliteStore) -> Result<(), StoreError>>;

fn recording(entry: Entry) -> Call {
    Box::new(move |store| store.record(&entry, BUNDLE, at()))
}

fn delivery(sequence: i64, delivery: Delivery) -> [Call; 2] {
    [Box::new(move |store| store.begin_try(sequence)), Box::new(move |store| store.end_try(sequence, &delivery, at()))]
}

/// Every writing call of the store, most of them in more than one state.
fn a_day() -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    calls.push(Box::new(|store| {
        let rows: Vec<_> = (0..40).map(|number| (patient(number), appointment(number, "10:30", None))).collect();
        store.cache_schedule(day(), &rows)
    }));
    calls.push(Box::new(|store| store.save_counters(&Counters { tickets: 1, ..Counters::default() }, at())));
    calls.push(Box::new(|store| store.queue(&request(90, 90, PaymentOfRequest::Free), b"")));
    calls.extend([intent(1), sent(1), answered(1), committed(1), receipt_printed(1)].map(recording));
    calls.extend([intent(2), sent(2), in_doubt(2), needs_staff(2), in_doubt(2), committed(2)].map(recording));
    calls.extend([intent(3), not_paid(3)].map(recording));
    let issues = String::new;
    let reason = Delay::Status { status: 503, issues: issues() };
    let later = Delivery::Later { reason, after_s: None, maybe_delivered: true, away: true };
    let parked = || Delivery::Park { reason: ParkReason::Status { status: 422, issues: issues() } };
    calls.extend(delivery(1, later));
    calls.extend(delivery(1, parked()));
    calls.extend(delivery(2, Delivery::Done { note: None }));
    calls.push(Box::new(|store| store.retry(Uuid::from_u128(90)).map(|_| ())));
    calls.extend(delivery(1, Delivery::Hold { reason: KeptOut::Server { status: 401, issues: issues() } }));
    calls.extend(delivery(3, Delivery::Done { note: None }));
    calls.push(Box::new(|store| store.queue(&request(91, 91, PaymentOfRequest::Free), b"")));
    calls.extend(delivery(4, parked()));
    calls.push(Box::new(|store| store.close_by_hand(Uuid::from_u128(91), "seen there", at()).map(|_| ())));
    calls.push(Box::new(|store| store.wipe_schedule_except(day())));
    calls
}

#[test]
fn whatever_a_call_returned_from_is_on_the_disk() {
    let disk = Disk::new();
    let store = disk.open();
    let mut before = everything(&store);
    for (number, call) in a_day().iter().enumerate() {
        call(&store).unwrap();
        let alive = everything(&store);
        let copy = disk.crash_copy();
        let after = copy.open();
        assert_eq!(everything(&after), alive, "call {number}");
        assert_eq!(after.cached_appointments(day(), &patient(7).number).unwrap().len(), 1, "call {number}");
        // All but the schedule's two calls are seen in what is compared.
        assert!(alive != before || number == 0 || number + 1 == a_day().len(), "call {number} changed nothing");
        before = alive;
    }
}

const CHILD_FOLDER: &str = "KIOSK_TEST_STORE_CHILD";
const ROUNDS: usize = 8;

/// Not a test of its own: what the killed process does. Says every call after it returned.
#[test]
fn child_that_records_until_it_is_killed() {
    let Some(root) = std::env::var_os(CHILD_FOLDER).map(PathBuf::from) else { return };
    let settings = config::Store::at(root.join("data"), root.join("keys/store.key"));
    let store = open_with_credentials(&settings, None).unwrap().store;
    for open in store.payments().unwrap().into_iter().filter(|payment| payment.state.is_open()) {
        finish(&store, &open);
    }
    loop {
        let number = Uuid::new_v4().as_u128();
        for entry in [intent(number), sent(number), answered(number), committed(number)] {
            store.record(&entry, BUNDLE, at()).unwrap();
            say(number, &store.payment(attempt(number)).unwrap().unwrap());
        }
        let next = store.next_request().unwrap().unwrap();
        store.begin_try(next.sequence).unwrap();
        store.end_try(next.sequence, &Delivery::Done { note: None }, at()).unwrap();
        let number = next.request.id.as_u128();
        say(number, &store.payment(attempt(number)).unwrap().unwrap());
    }
}

fn say(number: u128, payment: &PaymentRecord) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nstored {number} {}", rank(payment.state)).unwrap();
    out.flush().unwrap();
}

/// What a start does with a payment that a power cut left open.
fn finish(store: &SqliteStore, open: &PaymentRecord) {
    let number = open.attempt.0.as_u128();
    match open.state {
        PaymentState::Answered => record(store, [committed(number)]),
        PaymentState::Sent => record(store, [in_doubt(number), not_paid(number)]),
        _ => record(store, [not_paid(number)]),
    }
}

/// How far a payment got; unpaid ones were given up after a kill before the terminal answered.
fn rank(state: PaymentState) -> u8 {
    match state {
        PaymentState::Intent => 0,
        PaymentState::Sent => 1,
        PaymentState::InDoubt | PaymentState::NeedsStaff | PaymentState::NotPaid => 2,
        PaymentState::Answered => 3,
        PaymentState::Committed => 4,
        PaymentState::Settled => 5,
        PaymentState::Reversed => 6,
    }
}

/// Kills the child after `lines` acknowledged calls and gives back all that it acknowledged.
fn run_and_kill(disk: &Disk, lines: usize) -> Vec<(u128, u8)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::crash::child_that_records_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, disk.root.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let parse = |line: &str| {
        let mut words = line.strip_prefix("stored ")?.split(' ');
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    while acknowledged.len() < lines {
        let line = output.next().expect("the child ended by itself");
        acknowledged.extend(parse(&line));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(output.filter_map(|line| parse(&line)));
    acknowledged
}

#[test]
fn a_killed_kiosk_finds_everything_it_acknowledged() {
    let disk = Disk::new();
    let mut promised: BTreeMap<u128, u8> = BTreeMap::new();
    for round in 0..ROUNDS {
        let lines = 1 + Uuid::new_v4().as_u128() as usize % 40;
        for (number, rank) in run_and_kill(&disk, lines) {
            promised.insert(number, rank);
        }
        let copy = disk.crash_copy();
        let store = copy.open();
        let stored: BTreeMap<u128, u8> = store
            .payments()
            .unwrap()
            .iter()
            .map(|payment| (payment.attempt.0.as_u128(), rank(payment.state)))
            .collect();
        for (number, rank) in &promised {
            let found = stored.get(number);
            assert!(found.is_some_and(|found| found >= rank), "round {round}: {number} was {rank}, is {found:?}");
        }
        let queued = store.requests().unwrap().len();
        let paid = stored.values().filter(|rank| **rank >= 4).count();
        assert_eq!(queued, paid, "round {round}: each paid request is queued, and no other");
    }
}

#[test]
fn a_killed_kiosk_leaves_its_folder_free() {
    let disk = Disk::new();
    run_and_kill(&disk, 3);
    disk.open();
}
