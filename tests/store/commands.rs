//! `kiosk queue` and `kiosk schedule wipe` as a running kiosk answers them over its socket.

use super::journal::bring_to;
use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use hospital_kiosk::commands::{Refusal, payments, queue, socket};
use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::outbox::Delivery;
use hospital_kiosk::domain::reason::{Meanwhile, ParkReason, Parts, Told};
use hospital_kiosk::domain::terminal::UndoWay;
use hospital_kiosk::domain::undo::UndoEntry;
use hospital_kiosk::ports::{Frozen, Journal, JournalLines, Outbox, QueueList, SingleRequests, WholeSchedule};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const REFUSED: &str = "the server refuses the request (422); value Task.input";

const PART_THERE: &str = "the hospital has a part of it";

const NOTE: &str = "the appointment was cancelled meanwhile; no arrival was set (ticket K3-012)";

fn refused() -> ParkReason {
    ParkReason::Status { status: 422, issues: "value Task.input".into() }
}

/// Two wait, one was delivered, one is parked.
fn a_queue(disk: &Disk) -> SqliteStore {
    let store = disk.open();
    for number in 1..=4 {
        store.queue(&request(number, number, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    }
    let rows = store.requests().unwrap();
    let told = Told::Appointment { meanwhile: Meanwhile::Cancelled, ticket: "K3-012".into() };
    let deliveries = [Delivery::Done { note: Some(told) }, Delivery::Park { reason: refused() }];
    for (row, delivery) in rows.iter().zip(&deliveries) {
        store.begin_try(row.sequence).unwrap();
        store.end_try(row.sequence, delivery, at()).unwrap();
    }
    store
}

#[test]
fn the_summary_counts_and_says_what_to_do() {
    let disk = Disk::new();
    let store = a_queue(&disk);
    let tally = store.tally().unwrap();
    assert_eq!((tally.waiting, tally.parked, tally.noted, tally.last_delivered_at), (2, 1, 1, Some(at())));
    let now = (at() + chrono::TimeDelta::minutes(125)).with_timezone(&Utc);
    let text = queue::list(&store, false, &now).unwrap().join("\n");
    for said in ["4 requests", "2 wait, 1 parked", "2 h 5 min", REFUSED, "kiosk queue retry", "kiosk queue close", NOTE]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    let json: Value = serde_json::from_str(&queue::summary(&store, true, &now, None).unwrap()[0]).unwrap();
    assert_eq!(
        (&json["waiting"], &json["parked"], &json["oldest_age_s"]),
        (&2.into(), &1.into(), &7_500.into()),
        "{json}"
    );
    assert_eq!(json["parked_requests"][0]["why"], REFUSED);
    assert_eq!(json["notes"][0]["note"], NOTE);
    let rows = store.requests().unwrap();
    assert_eq!(store.attention().unwrap(), rows[..2], "one with a note, one parked");
    assert_eq!(store.request_row(rows[3].id).unwrap().as_ref(), Some(&rows[3]));
    assert_eq!(store.request_row(Uuid::from_u128(99)).unwrap(), None);
    assert!(json["parked_requests"][0]["advice"].as_str().unwrap().contains("retry"), "{json}");
    assert!(!format!("{text}{json}").contains(MARKER));
}

/// Staff see how far a request in parts is; and that a part is there, before they enter it by hand.
#[test]
fn a_request_in_parts_is_shown_as_that() {
    let disk = Disk::new();
    let store = disk.open();
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    let show = |delivery: Delivery| {
        store.begin_try(1).unwrap();
        store.end_try(1, &delivery, at()).unwrap();
        queue::show(&store, Uuid::from_u128(1), false).unwrap().join("\n")
    };
    let shown = show(Delivery::Part { taken: vec![None; 3], parts: Parts::There { there: 3, all: 8 } });
    assert!(shown.ends_with(&format!("{PART_THERE}: 3 of its 8 entries; the rest goes there next")), "{shown}");
    let parked = show(Delivery::Park { reason: refused() });
    for said in
        [PART_THERE, REFUSED, "transaction_entries_max", "enter there by hand what it lacks", "kiosk queue close"]
    {
        assert!(parked.contains(said), "{said}: {parked}");
    }
}

/// Numbers begin anew every day: what one of them names twice is not guessed.
/// The list shows the newest thousand; a payment of weeks ago is given back by its number all the same.
#[test]
fn a_payment_is_found_as_long_as_the_journal_keeps_it() {
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "settled");
    let newer: Vec<Line> = (2..1_100).flat_map(|number| [intent(number), not_paid(number)]).map(Line::Entry).collect();
    let frozen: Vec<Frozen> = newer.iter().map(|line| Frozen { line, bundle: Vec::new() }).collect();
    store.commit(&frozen, at()).unwrap();
    assert!(!store.payments().unwrap().iter().any(|payment| payment.attempt == attempt(1)), "the list shows it");
    let id = attempt(1).0.to_string();
    for name in ["K3-0001", "2026-11-25/K3-0001", id.as_str()] {
        assert!(payments::show(&store, name, false).is_ok_and(|lines| lines[0].starts_with("K3-0001")), "{name}");
    }
    for name in ["K3-1", "2026-11-24/K3-0001", "0001", "/", ""] {
        assert!(payments::show(&store, name, false).is_err(), "{name}");
    }
    // Its undo that did not give it back may have given back another: a start has to know of it.
    let undo = AttemptId(Uuid::from_u128(701));
    let (transaction, reason) = (card(&approval(1)), "why".to_owned());
    for entry in [
        UndoEntry::Intent { undo, of: attempt(1), way: UndoWay::WithoutCard, transaction },
        UndoEntry::Sent { undo },
        UndoEntry::NotReversed { undo, reason },
    ] {
        store.record(&Entry::Undo(entry), BUNDLE, at()).unwrap();
    }
    assert!(store.payments().unwrap().iter().any(|payment| payment.attempt == attempt(1)), "no start knows of it");
}

#[test]
fn a_payments_number_that_came_again_needs_its_day() {
    let disk = Disk::new();
    let store = disk.open();
    let days = [at() - chrono::TimeDelta::days(1), at()];
    for (id, day) in (1..).zip(days) {
        let Entry::Intent { attempt, amount, request, receipt, baseline, .. } = intent(id) else { panic!("an intent") };
        let number = "K3-0001".to_owned();
        store.record(&Entry::Intent { attempt, number, amount, request, receipt, baseline }, &[], day).unwrap();
        store.record(&not_paid(id), &[], day).unwrap();
    }
    let show = |id: &str| payments::show(&store, id, true).map(|lines| lines[0].clone()).map_err(|refusal| refusal.why);
    let why = show("K3-0001").unwrap_err();
    for said in ["2 payments", "2026-11-24/K3-0001", "2026-11-25/K3-0001", &attempt(1).0.to_string()] {
        assert!(why.contains(said), "{said}: {why}");
    }
    for (id, which) in [("2026-11-24/K3-0001", 1), ("2026-11-25/K3-0001", 2), (attempt(2).0.to_string().as_str(), 2)] {
        assert!(show(id).unwrap().contains(&attempt(which).0.to_string()), "{id}");
    }
    assert!(show("2026-11-23/K3-0001").unwrap_err().contains("no payment"));
}

/// Without it the sender would look at its queue up to half a minute later.
#[test]
fn a_retry_wakes_the_sender_and_nothing_else_does() {
    let disk = Disk::new();
    let store: Arc<dyn Store> = Arc::new(a_queue(&disk));
    let parked = store.requests().unwrap()[1].id;
    let sender = Arc::new(Bell::default());
    let _serving = socket::serve(&disk.folder(), store.clone(), nobody(), sender.clone());
    let ask = |request| socket::ask(&disk.folder(), &request).expect("a kiosk runs");
    ask(socket::Request::QueueList { json: true }).unwrap();
    ask(socket::Request::QueueRetry { id: Uuid::from_u128(99), json: true }).unwrap_err();
    // The answer comes after the waking.
    assert_eq!(sender.rung(), (0, 0));
    ask(socket::Request::QueueRetry { id: parked, json: true }).unwrap();
    assert_eq!(sender.rung(), (0, 1));
    assert_eq!(store.tally().unwrap().parked, 0);
}

/// Trust R10: `queue retry` of a request that waits for a day that a header named did nothing.
#[test]
fn what_waits_is_tried_now_when_staff_say_so() {
    let disk = Disk::new();
    let store: Arc<dyn Store> = Arc::new(a_queue(&disk));
    let (sent, waiting) = (store.requests().unwrap()[0].id, store.requests().unwrap()[2].id);
    let sender = Arc::new(Bell::default());
    let _serving = socket::serve(&disk.folder(), store.clone(), nobody(), sender.clone());
    let ask = |request| socket::ask(&disk.folder(), &request).expect("a kiosk runs");
    let told: Value =
        serde_json::from_str(&ask(socket::Request::QueueRetry { id: waiting, json: true }).unwrap()[0]).unwrap();
    assert_eq!((&told["id"], &told["retried"]), (&waiting.to_string().into(), &true.into()));
    assert_eq!(sender.rung(), (0, 1));
    let rows = ask(super::trail::all_rows()).unwrap();
    assert!(rows.iter().any(|row| row.contains(&waiting.to_string()) && row.contains("tried now")), "{rows:?}");
    ask(socket::Request::QueueRetry { id: sent, json: true }).unwrap_err();
    assert_eq!(sender.rung(), (0, 1));

    let summary = |json| ask(socket::Request::QueueSummary { json }).unwrap();
    assert!(!summary(false).iter().any(|line| line.contains("HELD")));
    *sender.until.lock().unwrap() = Some(Utc::now() + TimeDelta::hours(2));
    let held = summary(false).iter().filter(|line| line.contains("HELD") && line.contains("queue retry")).count();
    assert_eq!(held, 1, "{:?}", summary(false));
    let value: Value = serde_json::from_str(&summary(true)[0]).unwrap();
    assert!(value["held_until"].is_string(), "{value}");
}

/// How often the sender was told of something new, and that staff want it tried.
#[derive(Default)]
struct Bell {
    queued: AtomicUsize,
    now: AtomicUsize,
    until: Mutex<Option<DateTime<Utc>>>,
}

impl Bell {
    fn rung(&self) -> (usize, usize) {
        (self.queued.load(Ordering::SeqCst), self.now.load(Ordering::SeqCst))
    }
}

impl Outbox for Bell {
    fn queued(&self) {
        self.queued.fetch_add(1, Ordering::SeqCst);
    }
    fn try_now(&self) {
        self.now.fetch_add(1, Ordering::SeqCst);
    }
    fn held_until(&self) -> Option<DateTime<Utc>> {
        *self.until.lock().unwrap()
    }
}

fn close(store: &dyn Store, id: Uuid, evidence: &str) -> Result<Vec<String>, Refusal> {
    queue::close(store, id, evidence, false, at())
}

fn trail(store: &SqliteStore) -> Vec<String> {
    let rows = super::trail::rows(store);
    rows.iter().map(|row| format!("{} {} {} {}", row.who, row.act, row.about, row.result)).collect()
}

#[test]
fn what_staff_entered_by_hand_is_closed_with_their_words_and_a_trail() {
    let disk = Disk::new();
    let store = a_queue(&disk);
    let rows = store.requests().unwrap();
    let (sent, parked, waiting) = (rows[0].id, rows[1].id, rows[2].id);
    queue::retry(&store, waiting, false).unwrap_err();
    for (id, evidence, exit, said) in [
        (waiting, "seen there", 1, "waits to be sent"),
        (sent, "seen there", 1, "is over already"),
        (Uuid::from_u128(99), "seen there", 1, "kiosk queue list"),
        (parked, " \t\n", 1, "--evidence"),
        (parked, &"long ".repeat(90), 1, "one line"),
    ] {
        let refusal = close(&store, id, evidence).unwrap_err();
        assert!(refusal.exit == exit && refusal.why.contains(said), "{said}: {}", refusal.why);
    }
    assert_eq!((store.requests().unwrap(), trail(&store)), (rows.clone(), Vec::new()), "nothing was done");

    let told = close(&store, parked, "Kim of the desk\n\x1b entered  it").unwrap();
    assert!(told[0].contains("is closed"), "{told:?}");
    let words = "Kim of the desk entered it";
    assert_eq!(
        trail(&store),
        [format!("shell close-request {parked} ordered: {words}"), format!("shell close-request {parked} closed")]
    );
    let shown = queue::show(&store, parked, false).unwrap().join("\n");
    assert!(shown.contains(&format!("closed by staff: {words}")) && !shown.contains("queue retry"), "{shown}");
    let summary = queue::summary(&store, false, &at().with_timezone(&Utc), None).unwrap().join("\n");
    assert!(summary.contains("0 parked") && !summary.contains(words), "{summary}");
    let listed = queue::list(&store, false, &at().with_timezone(&Utc)).unwrap();
    let of_it: Vec<&String> = listed.iter().filter(|line| line.contains(&parked.to_string())).collect();
    assert!(of_it.len() == 1 && of_it[0].contains(words), "once, as a row: {listed:#?}");
    assert!(close(&store, parked, "seen there").unwrap_err().why.contains("is over already"));
    assert_eq!(trail(&store).len(), 2);
}

#[test]
fn sending_again_has_its_lines_in_the_trail_too() {
    let disk = Disk::new();
    let store = a_queue(&disk);
    let parked = store.requests().unwrap()[1].id;
    queue::retry(&store, parked, false).unwrap();
    assert!(queue::retry(&store, parked, false).unwrap_err().why.contains("waits to be sent"));
    assert_eq!(trail(&store), [format!("shell retry {parked} ordered"), format!("shell retry {parked} waits again")]);
}

/// Two wait behind a parked one of their visit: they may go when it is closed.
#[test]
fn closing_wakes_the_sender() {
    let disk = Disk::new();
    let store: Arc<dyn Store> = Arc::new(a_queue(&disk));
    let parked = store.requests().unwrap()[1].id;
    let sender = Arc::new(Bell::default());
    let _serving = socket::serve(&disk.folder(), store.clone(), nobody(), sender.clone());
    let ask = |id| {
        let request = socket::Request::QueueClose { id, evidence: "seen there".into(), json: true };
        socket::ask(&disk.folder(), &request).expect("a kiosk runs")
    };
    ask(Uuid::from_u128(99)).unwrap_err();
    assert_eq!(sender.rung(), (0, 0));
    let told: Value = serde_json::from_str(&ask(parked).unwrap()[0]).unwrap();
    assert_eq!((&told["id"], &told["closed"]), (&parked.to_string().into(), &true.into()));
    assert_eq!(sender.rung(), (1, 0));
    assert_eq!(store.tally().unwrap().parked, 0);
}

#[test]
fn a_wiped_schedule_is_gone_at_once() {
    let disk = Disk::new();
    let store: Arc<dyn Store> = Arc::new(disk.open());
    store.cache_schedule(day(), &[(patient(1), appointment(1, "10:30", None))]).unwrap();
    let _serving = socket::serve(&disk.folder(), store.clone(), nobody(), Arc::new(Bell::default()));
    let known = || store.cached_patient(day(), &patient(1).number, patient(1).birth_date).unwrap();
    assert!(known().is_some());
    socket::ask(&disk.folder(), &socket::Request::ScheduleWipe { json: true }).expect("a kiosk runs").unwrap();
    assert_eq!(known(), None);
}

/// A desk that gives no orders in these tests.
pub fn nobody() -> Arc<dyn hospital_kiosk::ports::StaffOrders> {
    Arc::new(hospital_kiosk::app::event_loop::channel().0)
}

/// Whoever opens line after line takes no threads of a kiosk at work, and the next command is answered.
#[test]
fn a_flood_of_commands_takes_a_few_threads() {
    let disk = Disk::new();
    let store: Arc<SqliteStore> = disk.open().into();
    let outbox = Arc::new(hospital_kiosk::hospital::sync::Signals::default());
    let _serving = socket::serve(&disk.folder(), store, nobody(), outbox);
    let at_once = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        tasks.filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name == "commands\n")).count()
    };
    let silent: Vec<_> =
        (0..90).map(|_| std::os::unix::net::UnixStream::connect(disk.folder().join("kiosk.sock")).unwrap()).collect();
    let mut most = 0;
    for _ in 0..25 {
        most = most.max(at_once());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Whoever finds no place is sent away at once; the last of them is.
    for mut line in silent.into_iter().rev() {
        let mut nothing = [0];
        assert_eq!(std::io::Read::read(&mut line, &mut nothing).unwrap(), 0, "no answer");
    }
    // Other tests answer commands in this process as well.
    assert!(most <= 50, "{most}");
    assert!(socket::ask(&disk.folder(), &socket::Request::QueueList { json: false }).expect("a kiosk runs").is_ok());
}

/// A kiosk at work whose store was damaged says so to every reader of its books.
#[test]
fn a_kiosk_at_work_says_that_its_books_are_not_whole() {
    let disk = Disk::new();
    drop(a_queue(&disk));
    let mut bytes = fs::read(disk.database()).unwrap();
    bytes[50] ^= 1;
    fs::write(disk.database(), bytes).unwrap();
    let store: Arc<SqliteStore> = disk.try_open().unwrap().store.into();
    assert!(store.tally().unwrap().set_aside, "a monitor is told");
    let outbox = Arc::new(hospital_kiosk::hospital::sync::Signals::default());
    let _serving = socket::serve(&disk.folder(), store, nobody(), outbox);
    for request in [
        socket::Request::QueueSummary { json: false },
        socket::Request::QueueList { json: true },
        socket::Request::PaymentsList { json: false },
        super::trail::verify_it(),
    ] {
        let said = socket::ask(&disk.folder(), &request).expect("a kiosk runs");
        let Err(Refusal { exit: 1, why, .. }) = said else { panic!("{request:?}: {said:?}") };
        assert!(why.contains("payments are closed"), "{request:?}: {why}");
    }
}
