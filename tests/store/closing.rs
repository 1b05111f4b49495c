//! Ends of the terminal's day in the journal: what they stand beside, what lies between them, and `kiosk payments totals`
//! over the socket.

use super::journal::bring_to;
use super::*;
use hospital_kiosk::commands::{Answer, socket};
use hospital_kiosk::domain::closing::{ClosingEnd, ClosingEntry, ClosingId, DayBook, MoveKind, period};
use hospital_kiosk::domain::money::Currency;
use hospital_kiosk::domain::order::{StaffAnswer, StaffOrder, StaffRefusal};
use hospital_kiosk::domain::terminal::{TerminalDay, TerminalTotals};
use hospital_kiosk::domain::terminal::{UndoAnswer, UndoWay};
use hospital_kiosk::domain::undo::UndoEntry;
use hospital_kiosk::ports::{Journal, JournalLines, Retention, StaffOrders};
use serde_json::Value;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

fn closing(number: u128) -> ClosingId {
    ClosingId(Uuid::from_u128(800 + number))
}

fn asked(number: u128) -> Entry {
    Entry::Closing(ClosingEntry::Asked { closing: closing(number) })
}

fn ended(number: u128, end: ClosingEnd) -> Entry {
    Entry::Closing(ClosingEntry::Ended { closing: closing(number), end })
}

fn told(count: u32, amount: i64) -> ClosingEnd {
    ClosingEnd::Told(TerminalTotals { count: Some(count), amount: Amount(amount), of_cards: None, receipts: None })
}

fn untold(day: TerminalDay) -> ClosingEnd {
    ClosingEnd::Untold { day, reason: "why".to_owned() }
}

fn give_back(store: &SqliteStore, number: u128) {
    record(store, given_back(number, UndoWay::WithoutCard));
}

fn given_back(number: u128, way: UndoWay) -> [Entry; 4] {
    let undo = AttemptId(Uuid::from_u128(700 + number));
    let transaction = card(&approval(number));
    let entries = [
        UndoEntry::Intent { undo, of: attempt(number), way, transaction },
        UndoEntry::Sent { undo },
        UndoEntry::Answered { undo, raw: vec![2], answer: UndoAnswer::Reversed },
        UndoEntry::Reversed { undo, cancellation: None },
    ];
    entries.map(Entry::Undo)
}

fn net(book: &DayBook) -> (i64, i64) {
    let sums = period(book).sums;
    (sums.count(), sums.amount())
}

#[test]
fn no_day_ends_beside_money_that_is_open_and_no_answer_is_written_over_another() {
    for (entries, may) in [
        (vec![], true),
        (vec![intent(1)], false),
        (vec![intent(1), sent(1)], false),
        (vec![intent(1), sent(1), answered(1)], false),
        (vec![intent(1), sent(1), in_doubt(1)], false),
        (vec![intent(1), sent(1), in_doubt(1), needs_staff(1)], true),
        (vec![intent(1), sent(1), answered(1), committed(1)], true),
        (vec![intent(1), not_paid(1)], true),
    ] {
        let disk = Disk::new();
        let store = disk.open();
        let name = format!("{entries:?}");
        record(&store, entries);
        assert_eq!(store.record(&asked(1), BUNDLE, at()).is_ok(), may, "{name}");
    }
    let disk = Disk::new();
    let store = disk.open();
    assert!(matches!(store.record(&ended(1, told(1, 1)), BUNDLE, at()), Err(StoreError::Refused(_))));
    record(&store, [asked(1), asked(1), ended(1, told(1, 1)), ended(1, told(1, 1))]);
    assert!(matches!(store.record(&ended(1, told(2, 2)), BUNDLE, at()), Err(StoreError::Refused(_))));
    assert!(matches!(store.record(&asked(1), BUNDLE, at()), Err(StoreError::Refused(_))));
    assert_eq!(store.day_book(closing(1)).unwrap().closings[0].end, Some(told(1, 1)));
    assert_eq!(store.day_book(closing(2)).unwrap(), DayBook::default());
}

/// Every kind of end: where the next day begins, and whether a receipt of the one before is still found.
#[test]
fn a_day_is_what_lies_between_two_ends() {
    for (end, next_day, closed) in [
        (Some(told(1, 5_100)), (0, 0), true),
        (Some(untold(TerminalDay::Closed)), (0, 0), true),
        (Some(untold(TerminalDay::NotKept)), (0, 0), false),
        (Some(untold(TerminalDay::Open)), (1, 5_100), false),
        (Some(untold(TerminalDay::Unknown)), (1, 5_100), true),
        (None, (1, 5_100), true),
    ] {
        let disk = Disk::new();
        let store = disk.open();
        pay(&store, 1);
        record(&store, [asked(1)]);
        record(&store, end.clone().map(|end| ended(1, end)));
        assert_eq!(store.payment(attempt(1)).unwrap().unwrap().day_closed, closed, "{end:?}");
        pay(&store, 2);
        give_back(&store, 2);
        record(&store, [asked(2)]);
        // After the end that is looked at.
        pay(&store, 3);
        assert!(!store.payment(attempt(3)).unwrap().unwrap().day_closed);
        let book = store.day_book(closing(2)).unwrap();
        assert_eq!(net(&book), next_day, "{end:?}");
        assert_eq!(book.moves.iter().filter(|moved| moved.kind == MoveKind::GivenBack).count(), 1);
        assert_eq!(book.forgotten, 0);
        drop(store);
        assert_eq!(disk.open().day_book(closing(2)).unwrap(), book, "over a restart");
    }
}

/// On the last day that the journal keeps it a payment is given back to its card. That counts to the day on which it is, and
/// what is known of it stays until then.
#[test]
fn a_giving_back_belongs_to_the_day_on_which_it_happens() {
    let disk = Disk::new();
    let store = disk.open();
    let days = u64::from(disk.settings().keep_payments_days);
    let later = |day: u64| at().checked_add_days(chrono::Days::new(day)).unwrap();
    bring_to(&store, "settled");
    record(&store, [asked(1), ended(1, told(1, 5_100))]);
    pay(&store, 2);
    for entry in given_back(1, UndoWay::WithCard) {
        store.record(&entry, BUNDLE, later(days - 1)).unwrap();
    }
    store.forget_old(later(days + 1)).unwrap();
    store.record(&asked(2), BUNDLE, later(days + 1)).unwrap();
    let book = store.day_book(closing(2)).unwrap();
    let moves = book.moves.iter().map(|moved| (moved.attempt, moved.kind)).collect::<Vec<_>>();
    assert_eq!(moves, [(attempt(2), MoveKind::Charge), (attempt(1), MoveKind::GivenBack)]);
    assert_eq!((book.forgotten, net(&book)), (0, (0, 0)));
    let day = period(&book).days.get(&later(days - 1).date_naive()).map(|sums| (sums.charges, sums.gave_back));
    assert_eq!(day, Some((0, 5_100)), "and to its date");
}

#[test]
fn what_is_with_staff_is_listed_and_not_added() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), sent(1), in_doubt(1), needs_staff(1)]);
    pay(&store, 2);
    let undo = AttemptId(Uuid::from_u128(702));
    let transaction = card(&approval(2));
    let reason = "why".to_owned();
    let entries = [
        UndoEntry::Intent { undo, of: attempt(2), way: UndoWay::WithoutCard, transaction },
        UndoEntry::Sent { undo },
        UndoEntry::InDoubt { undo, reason: reason.clone() },
        UndoEntry::NeedsStaff { undo, reason },
    ];
    record(&store, entries.map(Entry::Undo));
    record(&store, [intent(3), not_paid(3), asked(1)]);
    let book = store.day_book(closing(1)).unwrap();
    assert_eq!(net(&book), (1, 5_100));
    let unsure = book.moves.iter().filter(|moved| !moved.sure).map(|moved| (moved.attempt, moved.kind));
    assert_eq!(unsure.collect::<Vec<_>>(), [(attempt(1), MoveKind::Charge), (attempt(2), MoveKind::GivenBack)]);
}

#[test]
fn what_the_journal_no_longer_keeps_is_counted() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), not_paid(1)]);
    pay(&store, 2);
    store.forget_old(at() + chrono::TimeDelta::days(400)).unwrap();
    record(&store, [asked(1)]);
    let book = store.day_book(closing(1)).unwrap();
    assert_eq!((book.forgotten, net(&book)), (1, (1, 5_100)));
}

#[test]
fn what_was_forgotten_before_a_day_began_is_no_loss_of_that_day() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), not_paid(1)]);
    store.forget_old(at() + chrono::TimeDelta::days(400)).unwrap();
    record(&store, [asked(1), ended(1, untold(TerminalDay::Closed))]);
    pay(&store, 2);
    record(&store, [asked(2)]);
    let book = store.day_book(closing(2)).unwrap();
    assert_eq!((book.forgotten, net(&book)), (0, (1, 5_100)));
}

/// However the days ended: what the next comparison begins with stays, and what lies before it goes.
#[test]
fn ends_of_days_go_with_their_payments_and_the_next_day_begins_where_it_would() {
    let later = |day: u64| at().checked_add_days(chrono::Days::new(day)).unwrap();
    for (end, left) in [
        (told(0, 0), 2),
        (untold(TerminalDay::NotKept), 2),
        // From where the terminal counts is not known: the last end after which no receipt is found stays.
        (untold(TerminalDay::Unknown), 2),
        (untold(TerminalDay::Open), 1),
    ] {
        let disk = Disk::new();
        let store = disk.open();
        let days = u64::from(disk.settings().keep_payments_days) + 20;
        for day in 0..10 {
            let number = u128::from(day);
            for entry in [asked(number), ended(number, end.clone())] {
                store.record(&entry, BUNDLE, later(day)).unwrap();
            }
        }
        pay(&store, 1);
        store.forget_old(later(days)).unwrap();
        store.record(&asked(20), BUNDLE, later(days)).unwrap();
        let rows: i64 = count_closings(&disk);
        assert!(rows <= left, "{end:?}: {rows}");
        let book = store.day_book(closing(20)).unwrap();
        assert_eq!((book.forgotten, net(&book)), (0, (1, 5_100)), "{end:?}");
        assert!(!store.payment(attempt(1)).unwrap().unwrap().day_closed || rows == left, "{end:?}");
    }
}

fn count_closings(disk: &Disk) -> i64 {
    let connection = rusqlite::Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection.query_row("SELECT count(*) FROM closings", [], |row| row.get(0)).unwrap()
}

/// A kiosk at work whose till writes what `end` says.
struct Till {
    store: Arc<dyn Store>,
    next: Mutex<u128>,
    end: Result<ClosingEnd, StaffRefusal>,
    kept: bool,
}

impl StaffOrders for Till {
    fn order(&self, _: AttemptId, _: StaffOrder) -> Receiver<StaffAnswer> {
        channel().1
    }

    fn payments_opened(&self) {}

    fn close_day(&self) -> Receiver<StaffAnswer> {
        let (sender, answers) = channel();
        let mut next = self.next.lock().unwrap();
        *next += 1;
        let answer = match self.end.clone() {
            Ok(end) => {
                self.store.record(&asked(*next), &[], at()).unwrap();
                sender.send(StaffAnswer::Begun).unwrap();
                if self.kept {
                    self.store.record(&ended(*next, end.clone()), &[], at()).unwrap();
                }
                StaffAnswer::DayEnded { closing: closing(*next), end, kept: self.kept }
            }
            Err(refusal) => StaffAnswer::Refused(refusal),
        };
        sender.send(answer).unwrap();
        answers
    }
}

struct Office {
    store: Arc<dyn Store>,
    _disk: Disk,
    folder: PathBuf,
    _serving: socket::Serving,
}

impl Office {
    fn with(end: Result<ClosingEnd, StaffRefusal>, kept: bool) -> Self {
        let disk = Disk::new();
        let sqlite = disk.open();
        pay(&sqlite, 1);
        pay(&sqlite, 2);
        record(&sqlite, [intent(3), sent(3), in_doubt(3), needs_staff(3)]);
        let store: Arc<dyn Store> = Arc::new(sqlite);
        let till = Arc::new(Till { store: store.clone(), next: Mutex::new(0), end, kept });
        let serving = socket::serve(
            &disk.folder(),
            store.clone(),
            till,
            Arc::new(hospital_kiosk::hospital::sync::Signals::default()),
        );
        let folder = disk.folder();
        Self { store, _disk: disk, folder, _serving: serving }
    }

    fn ask(&self, json: bool) -> Answer {
        let currency = Currency { code: "KRW".into(), minor_digits: 0 };
        socket::ask(&self.folder, &socket::Request::PaymentsTotals { json, currency }).expect("a kiosk runs")
    }

    fn trail(&self) -> Vec<(String, String)> {
        let book = &*self.store;
        super::trail::rows(book).into_iter().map(|row| (row.act, row.result)).collect()
    }
}

fn json(lines: &[String]) -> Value {
    assert_eq!(lines.len(), 1, "{lines:?}");
    serde_json::from_str(&lines[0]).unwrap()
}

#[test]
fn totals_that_agree() {
    let office = Office::with(Ok(told(2, 10_200)), true);
    let said = office.ask(false).unwrap().join("\n");
    for words in ["they agree: the terminal booked 2 payments, ₩10,200", "has not closed", "K3-0003 (₩5,100", "settle"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let trail = office.trail();
    assert_eq!(trail[0], ("close-day".to_owned(), "ordered".to_owned()));
    assert_eq!(trail[1], ("close-day".to_owned(), "they agree".to_owned()));
    assert!(!said.contains(MARKER));
}

#[test]
fn totals_that_differ_are_listed_and_exit_with_1() {
    let office = Office::with(Ok(told(3, 15_300)), true);
    let refusal = office.ask(false).unwrap_err();
    let said = refusal.lines.join("\n");
    assert_eq!(refusal.exit, 1);
    for words in [
        "they differ: the terminal booked 3 payments, ₩15,300; the journal has 2 payments, ₩10,200",
        "the terminal has ₩5,100 more",
        "look at K3-0003 (₩5,100",
        "that would be the difference",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The next day begins after it: nothing was sold, and the terminal says the same figures again.
    let refusal = office.ask(true).unwrap_err();
    let value = json(&refusal.lines);
    assert_eq!((refusal.exit, &value["result"], &value["terminal"]["amount"]), (1, &"differ".into(), &15_300.into()));
    assert_eq!((&value["journal"]["count"], &value["journal"]["amount"]), (&0.into(), &0.into()), "{value}");
    assert!(value["since"].is_string() && value["unsettled"] == Value::Array(Vec::new()), "{value}");
}

#[test]
fn without_totals_the_journals_own_sums_are_listed_and_it_exits_with_2() {
    for (end, result, words) in [
        (untold(TerminalDay::NotKept), "not-kept", "the card company's report"),
        (untold(TerminalDay::Unknown), "not-told", "nobody knows whether its day was closed"),
        (untold(TerminalDay::Open), "not-told", "its day goes on"),
        (untold(TerminalDay::Closed), "agree", "its day is closed"),
    ] {
        let office = Office::with(Ok(end), true);
        let refusal = office.ask(false).unwrap_err();
        let said = refusal.lines.join("\n");
        assert!(refusal.exit == 2 && refusal.why.contains(words), "{}", refusal.why);
        assert!(said.contains("together: 2 payments, ₩10,200") && said.contains("K3-0003"), "{said}");
        let again = office.ask(true);
        if result == "agree" {
            // Its day begins after the one before: a day without figures, and nothing in the journal.
            let value = json(&again.unwrap());
            assert_eq!((&value["result"], &value["terminal"]["count"]), (&result.into(), &Value::Null));
            assert_eq!((&value["terminal"]["amount"], &value["journal"]["amount"]), (&0.into(), &0.into()));
            continue;
        }
        let value = json(&again.unwrap_err().lines);
        assert_eq!((&value["result"], &value["terminal"]), (&result.into(), &Value::Null));
    }
}

#[test]
fn an_order_that_was_refused_closes_nothing() {
    let office = Office::with(Err(StaffRefusal::AnotherOpen), true);
    let refusal = office.ask(false).unwrap_err();
    assert!(refusal.exit == 2 && refusal.why.contains("another payment"), "{}", refusal.why);
    assert_eq!(office.store.day_book(closing(1)).unwrap(), DayBook::default());
    assert!(office.trail()[1].1.contains("another payment"));
}

/// The disk did not take the answer: it is told all the same, and the next end of day says what is not known.
#[test]
fn an_answer_that_was_not_kept_is_not_known_the_next_time() {
    let office = Office::with(Ok(told(2, 10_200)), false);
    let said = office.ask(false).unwrap().join("\n");
    assert!(said.contains("the disk did not take this answer"), "{said}");
    // Nothing was sold since, and the terminal did count from nothing.
    office.store.record(&intent(4), &[], at()).unwrap();
    for entry in [sent(4), answered(4), committed(4)] {
        office.store.record(&entry, BUNDLE, at()).unwrap();
    }
    let value = json(&office.ask(true).unwrap_err().lines);
    assert_eq!(value["journal"]["amount"], 15_300, "the certain beginning: {value}");
    assert!(value["notes"].to_string().contains("no answer is known"), "{value}");
}
