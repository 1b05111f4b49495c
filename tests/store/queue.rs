//! The queue as scripts: `put REQUEST VISIT`, `next REQUEST|-`, `try`, `done|later|perhaps|park|hold REQUEST`, `retry REQUEST`,
//! `part REQUEST ENTRIES`, `has ENTRIES` (of the next one at the hospital), `close REQUEST`, `doubt yes|no` (may the next one
//! have got through already?), `reopen`.

use super::*;
use hospital_kiosk::domain::attempt::PaymentState;
use hospital_kiosk::domain::outbox::{Delivery, QueueState, Taken};
use hospital_kiosk::domain::reason::{ClosedByHand, Delay, InPart, KeptOut, LineTrouble, ParkReason, Parts};
use hospital_kiosk::ports::{Journal, JournalLines, Queue, QueueList, SingleRequests};

const SCRIPTS: &[(&str, &str)] = &[
    ("first in first out", "put 1 1, put 2 2, put 3 1, next 1, done 1, next 2, done 2, next 3, done 3, next -"),
    ("reading changes nothing", "put 1 1, next 1, next 1"),
    ("later stays in front", "put 1 1, put 2 2, try 1, later 1, next 1"),
    ("a parked row stops its own visit only", "put 1 1, put 2 1, put 3 2, try 1, park 1, next 3, done 3, next -"),
    (
        "a retried row comes before its visit's others",
        "put 1 1, put 2 1, try 1, park 1, next -, retry 1, next 1, done 1, next 2",
    ),
    ("only a parked row is retried", "put 1 1, noretry 1, try 1, done 1, noretry 1, noretry 9"),
    (
        "what people entered by hand ends as a delivered one and frees its visit",
        "put 1 1, put 2 1, put 3 1, try 1, park 1, next -, close 1, next 2, done 2, next 3",
    ),
    (
        "only a parked row is closed",
        "put 1 1, noclose 1, try 1, noclose 1, perhaps 1, noclose 1, doubt yes, try 1, hold 1, noclose 1, next 1, done 1, noclose 1, noclose 9",
    ),
    ("a row sent again is not closed", "put 1 1, try 1, park 1, retry 1, noclose 1, next 1"),
    ("and is closed once", "put 1 1, try 1, park 1, close 1, noclose 1, noretry 1, put 1 1, next -, reopen, noclose 1"),
    (
        "an answer that comes after it changes nothing",
        "put 1 1, try 1, park 1, close 1, park 1, later 1, done 1, noretry 1",
    ),
    ("hold parks nothing", "put 1 1, put 2 2, try 1, hold 1, next 1, doubt no"),
    ("an unfinished try may have got through", "put 1 1, doubt no, try 1, doubt yes, reopen, doubt yes"),
    ("a try that surely failed leaves no doubt", "put 1 1, try 1, later 1, doubt no"),
    (
        "a doubt is not taken back by a later try",
        "put 1 1, try 1, perhaps 1, doubt yes, try 1, later 1, doubt yes, try 1, hold 1, doubt yes",
    ),
    ("nor by a power cut in between", "put 1 1, try 1, reopen, try 1, later 1, doubt yes"),
    ("a parked row is looked for before it is sent again", "put 1 1, try 1, park 1, retry 1, doubt yes"),
    ("what comes after delivery changes nothing", "put 1 1, try 1, done 1, park 1, later 1, done 1, next -"),
    ("a delivered request is not queued again", "put 1 1, try 1, done 1, put 1 1, next -"),
    ("a queued request is not queued twice", "put 1 1, put 1 1, try 1, done 1, next -"),
    (
        "a request in parts goes on where it was, before all others, also after a power cut",
        "put 1 1, put 2 2, has 0, try 1, part 1 3, next 1, has 3, doubt no, try 1, reopen, has 3, doubt yes, part 1 5, has 5, doubt no, done 1, next 2, has 0",
    ),
    (
        "what a later answer says takes nothing away",
        "put 1 1, try 1, part 1 3, try 1, perhaps 1, has 3, try 1, hold 1, has 3",
    ),
    ("nor does a part that took nothing, and no doubt", "put 1 1, try 1, perhaps 1, try 1, part 1 0, has 0, doubt yes"),
    (
        "what is sent again is sent whole: staff may have removed what was there",
        "put 1 1, try 1, part 1 3, try 1, park 1, retry 1, has 0, doubt yes",
    ),
    (
        "a request in parts is closed by hand",
        "put 1 1, put 2 1, try 1, part 1 3, try 1, park 1, next -, close 1, next 2, has 0",
    ),
    ("order outlives a restart", "put 2 1, put 1 2, reopen, next 2, done 2, reopen, next 1"),
];

fn sequence(store: &SqliteStore, number: u128) -> i64 {
    store.requests().unwrap().iter().find(|row| row.id == Uuid::from_u128(number)).unwrap().sequence
}

fn step(store: &SqliteStore, words: &[&str]) {
    let number = words.get(1).and_then(|word| word.parse::<u128>().ok()).unwrap_or(0);
    let why = || Delay::Line(LineTrouble::NoAnswer);
    let outcome = match words[0] {
        "put" => {
            return store.queue(&request(number, words[2].parse().unwrap(), PaymentOfRequest::Unpaid), BUNDLE).unwrap();
        }
        "try" => return store.begin_try(sequence(store, number)).unwrap(),
        "retry" => return assert!(store.retry(Uuid::from_u128(number)).unwrap()),
        "close" | "noclose" => {
            let closed = store.close_by_hand(Uuid::from_u128(number), "seen there", at()).unwrap();
            return assert_eq!(closed, words[0] == "close");
        }
        "noretry" => return assert!(!store.retry(Uuid::from_u128(number)).unwrap()),
        "next" => {
            let next = store.next_request().unwrap().map(|queued| queued.request.id);
            return assert_eq!(next, (words[1] != "-").then(|| Uuid::from_u128(number)));
        }
        "has" => {
            let taken = store.next_request().unwrap().unwrap().taken;
            return assert_eq!(taken, places(words[1].parse().unwrap()));
        }
        "part" => part(words[2].parse().unwrap()),
        "doubt" => return assert_eq!(store.next_request().unwrap().unwrap().maybe_delivered, words[1] == "yes"),
        "done" => Delivery::Done { note: None },
        "later" => Delivery::Later { reason: why(), after_s: None, maybe_delivered: false, away: true },
        "perhaps" => Delivery::Later { reason: why(), after_s: Some(3), maybe_delivered: true, away: true },
        "park" => parked(),
        "hold" => held(),
        other => panic!("{other}"),
    };
    store.end_try(sequence(store, number), &outcome, at()).unwrap();
}

fn answered(status: u16, maybe_delivered: bool) -> Delivery {
    let reason = Delay::Status { status, issues: String::new() };
    Delivery::Later { reason, after_s: None, maybe_delivered, away: true }
}

fn parked() -> Delivery {
    Delivery::Park { reason: ParkReason::Status { status: 422, issues: String::new() } }
}

fn held() -> Delivery {
    Delivery::Hold { reason: KeptOut::Server { status: 401, issues: String::new() } }
}

fn part(count: usize) -> Delivery {
    Delivery::Part { taken: places(count), parts: Parts::There { there: count, all: 8 } }
}

/// Where the first entries are; of every third the server did not say.
fn places(count: usize) -> Vec<Taken> {
    (0..count).map(|entry| (entry % 3 != 0).then(|| format!("ChargeItem/{entry}"))).collect()
}

#[test]
fn the_queue_follows_its_scripts() {
    for (name, script) in SCRIPTS {
        let disk = Disk::new();
        let mut store = Some(disk.open());
        println!("{name}");
        for words in script.split(',').map(|step| step.split_whitespace().collect::<Vec<_>>()) {
            println!("    {words:?}");
            if words[0] == "reopen" {
                drop(store.take());
                store = Some(disk.open());
            } else {
                step(store.as_ref().unwrap(), &words);
            }
        }
    }
}

#[test]
fn staff_see_the_last_answer_and_the_tries() {
    let disk = Disk::new();
    let store = disk.open();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    store.begin_try(1).unwrap();
    store.end_try(1, &answered(503, false), at()).unwrap();
    store.begin_try(1).unwrap();
    assert_eq!(store.next_request().unwrap().unwrap().tries, 2);
    let row = &store.requests().unwrap()[0];
    assert_eq!((row.tries, row.note.as_deref(), row.queued_at), (2, Some("the server answered 503"), at()));
}

/// The hospital was told by people: its payment is settled with it, and of the patient nothing stays.
#[test]
fn a_closed_row_settles_its_payment_and_tells_that_it_was_no_delivery() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    let row = store.requests().unwrap().remove(0);
    store.begin_try(row.sequence).unwrap();
    store.end_try(row.sequence, &parked(), at()).unwrap();
    let paid = || store.payment(attempt(1)).unwrap().unwrap();
    assert_eq!(paid().state, PaymentState::Committed);
    assert!(store.close_by_hand(row.id, "seen there", at()).unwrap());
    let settled = paid();
    assert_eq!((settled.state, settled.request.patient.0.as_str()), (PaymentState::Settled, ""));
    assert_eq!(settled.request.patient_ref, None);
    let closed = store.request_row(row.id).unwrap().unwrap();
    assert_eq!((closed.state, closed.note.as_deref()), (QueueState::Sent, Some("closed by staff: seen there")));
    assert_eq!(closed.closed_by_hand, Some(ClosedByHand { evidence: "seen there".into() }));
    assert_eq!((closed.told(), store.attention().unwrap()), (None, Vec::new()), "it is no alarm");
    let tally = store.tally().unwrap();
    assert_eq!((tally.parked, tally.noted, tally.oldest_queued_at, tally.last_delivered_at), (0, 0, None, None));
    let book = &store;
    assert_eq!((book.parked().unwrap(), book.noted().unwrap()), (Vec::new(), Vec::new()));
}

#[test]
fn a_request_that_is_not_waiting_cannot_be_tried() {
    let disk = Disk::new();
    let store = disk.open();
    store.begin_try(1).unwrap_err();
    store.end_try(1, &Delivery::Done { note: None }, at()).unwrap_err();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    store.end_try(1, &parked(), at()).unwrap();
    store.begin_try(1).unwrap_err();
}

#[test]
fn another_request_under_the_same_identifier_is_refused() {
    let disk = Disk::new();
    let store = disk.open();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    store.queue(&request(1, 1, PaymentOfRequest::Free), BUNDLE).unwrap_err();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), b"other bytes").unwrap_err();
    assert_eq!(store.next_request().unwrap().unwrap().request, *request(1, 1, PaymentOfRequest::Unpaid));
}

/// Several requests that travel together: all of it is written, or nothing.
#[test]
fn a_try_of_several_is_one_durable_write() {
    let disk = Disk::new();
    let store = disk.open();
    for number in 1..=5 {
        let visit = if number == 2 { 1 } else { number };
        store.queue(&request(number, visit, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    }
    let sequences = |most, step_over: &[u128]| -> Vec<i64> {
        let step_over: Vec<Uuid> =
            step_over.iter().map(|visit| request(1, *visit, PaymentOfRequest::Free).visit).collect();
        store.next_requests(&step_over, most).unwrap().iter().map(|queued| queued.sequence).collect()
    };
    assert_eq!(sequences(3, &[]), [1, 3, 4], "each of another visit");
    assert_eq!(sequences(9, &[3]), [1, 4, 5]);
    assert!(sequences(0, &[]).is_empty());
    let before = everything(&store);
    store.begin_tries(&[1, 3, 99]).unwrap_err();
    assert_eq!(everything(&store), before);
    store.begin_tries(&[1, 3, 4]).unwrap();
    let tried = |last| [1, 3, last].map(|sequence| (sequence, Delivery::Done { note: None }));
    let before = everything(&store);
    store.end_tries(&tried(99), at()).unwrap_err();
    assert_eq!(everything(&store), before);
    store.end_tries(&tried(4), at()).unwrap();
    assert_eq!(sequences(9, &[]), [2, 5]);
}

const TAKEN_APART: &str = "the server took the request apart";
const PART_THERE: &str = "the hospital has a part of it";

/// What staff read of the only request after one more try, and what is known to be there of it.
fn after(store: &SqliteStore, delivery: &Delivery) -> (String, Option<InPart>) {
    store.begin_try(1).unwrap();
    store.end_try(1, delivery, at()).unwrap();
    let row = store.requests().unwrap().remove(0);
    if let Some(next) = store.next_request().unwrap() {
        assert_eq!(next.in_part, row.in_part, "the sender knows what staff know");
    }
    assert_eq!(row.undelivered, delivery.undelivered());
    (row.note.unwrap(), row.in_part)
}

/// Whoever enters it by hand must know that a part may be there: a later answer must not cover it up.
#[test]
fn that_a_bundle_came_apart_is_remembered_over_later_answers() {
    let disk = Disk::new();
    let store = disk.open();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    let later = |reason| Delivery::Later { reason, after_s: None, maybe_delivered: true, away: true };
    assert_eq!(after(&store, &answered(503, true)), ("the server answered 503".into(), None));
    let apart = after(&store, &later(Delay::TakenApart { refused: vec![Some(503)] }));
    let words = format!("{TAKEN_APART} and could not take a part of it now (503)");
    assert_eq!(apart, (words, Some(InPart::TakenApart)));
    for (delivery, words) in [
        (answered(502, true), "the server answered 502"),
        (later(Delay::Line(LineTrouble::TimedOut)), "no answer within the time limit"),
        (part(2), "the hospital has a part of it: 2 of its 8 entries; the rest goes there next"),
        (Delivery::Busy { after_s: None }, "the server is busy (429)"),
    ] {
        let words = format!("{TAKEN_APART} and may have a part of it; since then: {words}");
        assert_eq!(after(&store, &delivery), (words, Some(InPart::TakenApart)));
    }
}

#[test]
fn that_a_part_is_there_is_remembered_until_all_of_it_is() {
    let disk = Disk::new();
    let store = disk.open();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    let there = |words: &str| (format!("{PART_THERE}{words}"), Some(InPart::FirstEntries));
    assert_eq!(after(&store, &part(2)), there(": 2 of its 8 entries; the rest goes there next"));
    let words =
        "; since then: the hospital server refuses this kiosk (401): look at [identity] client_id and certificate_file";
    assert_eq!(after(&store, &held()), there(words));
    assert_eq!(after(&store, &part(4)), there(": 4 of its 8 entries; the rest goes there next"));
    assert_eq!(after(&store, &parked()), there("; since then: the server refuses the request (422)"));
    assert!(store.retry(Uuid::from_u128(1)).unwrap());
    // Sent whole again, and a part may be there all the same.
    assert_eq!(after(&store, &answered(503, true)), there("; since then: the server answered 503"));
    store.begin_try(1).unwrap();
    store.end_try(1, &Delivery::Done { note: None }, at()).unwrap();
    let row = store.requests().unwrap().remove(0);
    assert_eq!((row.note, row.undelivered, row.in_part), (None, None, None), "all of it is there");
}

/// Read part by part, with others in between.
#[test]
fn the_list_has_every_undelivered_row_and_the_newest_thousand_delivered() {
    let disk = Disk::new();
    drop(disk.open());
    let connection = rusqlite::Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO outbox (id, visit, kind, state, queued_at)
             SELECT printf('00000000-0000-0000-0000-%012x', i), '', 'documents', iif(i % 2, 'sent', 'waiting'), ?1 FROM n",
            [at().to_rfc3339()],
        )
        .unwrap();
    drop(connection);
    let rows = disk.open().requests().unwrap();
    let expected = (1..=3_000).filter(|sequence| sequence % 2 == 0 || *sequence > 1_000);
    assert_eq!(rows.iter().map(|row| row.sequence).collect::<Vec<i64>>(), expected.collect::<Vec<i64>>());
}
