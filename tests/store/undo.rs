//! Giving money back in the journal: the arrows, one at a time, and what a reversed payment brings with it.

use super::journal::{bring_to, deliver, state};
use super::*;
use hospital_kiosk::domain::terminal::{UndoAnswer, UndoWay};
use hospital_kiosk::domain::undo::{UndoEntry, UndoState};
use hospital_kiosk::ports::{Journal, JournalLines, QueueList, Retention, SingleRequests};

/// As in `journal.rs`; from a committed payment.
const ARROWS: &str = "
    from          intent sent answered reversed not-reversed in-doubt needs-staff
    unknown       yes    no   no       no       no           no       no
    intent        same   yes  no       no       yes          no       no
    sent          no     same yes      no       yes          yes      no
    answered      no     no   same     yes      yes          yes      no
    reversed      no     no   no       same     no           no       no
    not-reversed  no     no   no       no       same         no       no
    in-doubt      no     no   yes      no       no           same     yes
    needs-staff   no     no   yes      yes      yes          no       same
";

fn undo(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(700 + number))
}

fn cancellation() -> Box<Request> {
    let act = Act::Cancellation {
        of: Uuid::from_u128(1),
        claim: "C-0001".into(),
        amount: Amount(5100),
        currency: "KRW".into(),
        attempt_number: "K3-0001".into(),
    };
    Box::new(Request { id: Uuid::from_u128(90), act, ..*request(1, 1, PaymentOfRequest::Unpaid) })
}

fn entry(word: &str) -> Entry {
    entry_of(1, word)
}

fn entry_of(number: u128, word: &str) -> Entry {
    let (undo, reason) = (undo(number), "why".to_owned());
    Entry::Undo(match word {
        "intent" => {
            UndoEntry::Intent { undo, of: attempt(1), way: UndoWay::WithoutCard, transaction: card(&approval(1)) }
        }
        "sent" => UndoEntry::Sent { undo },
        "answered" => UndoEntry::Answered { undo, raw: vec![2, 3], answer: UndoAnswer::Reversed },
        "reversed" => UndoEntry::Reversed { undo, cancellation: Some(cancellation()) },
        "not-reversed" => UndoEntry::NotReversed { undo, reason },
        "in-doubt" => UndoEntry::InDoubt { undo, reason },
        "needs-staff" => UndoEntry::NeedsStaff { undo, reason },
        other => panic!("{other}"),
    })
}

fn bring_undo_to(store: &SqliteStore, state: &str) {
    let path: &[&str] = match state {
        "unknown" => &[],
        "intent" => &["intent"],
        "sent" => &["intent", "sent"],
        "answered" => &["intent", "sent", "answered"],
        "reversed" => &["intent", "sent", "answered", "reversed"],
        "not-reversed" => &["intent", "not-reversed"],
        "in-doubt" => &["intent", "sent", "in-doubt"],
        "needs-staff" => &["intent", "sent", "in-doubt", "needs-staff"],
        other => panic!("{other}"),
    };
    record(store, path.iter().map(|word| entry(word)));
}

fn undo_state(store: &SqliteStore) -> String {
    let payment = store.payment(attempt(1)).unwrap().unwrap();
    let word = |state: UndoState| serde_json::to_value(state).unwrap().as_str().unwrap().to_owned();
    payment.undo.map_or("unknown".to_owned(), |undo| word(undo.state))
}

#[test]
fn only_the_arrows_of_the_diagram_can_be_recorded() {
    let mut lines = ARROWS.lines().filter(|line| !line.trim().is_empty()).map(str::split_whitespace);
    let header: Vec<&str> = lines.next().unwrap().skip(1).collect();
    for mut line in lines {
        let from = line.next().unwrap();
        for (to, wanted) in header.iter().zip(line) {
            let disk = Disk::new();
            let store = disk.open();
            bring_to(&store, "committed");
            bring_undo_to(&store, from);
            let before = everything(&store);
            let result = store.record(&entry(to), BUNDLE, at());
            match wanted {
                "yes" => assert_eq!((result.is_ok(), undo_state(&store).as_str()), (true, *to), "{from} -> {to}"),
                "same" => assert_eq!((result.is_ok(), everything(&store)), (true, before), "{from} -> {to}"),
                _ => {
                    assert!(matches!(result, Err(StoreError::Refused(_))), "{from} -> {to}: {result:?}");
                    assert_eq!(everything(&store), before, "{from} -> {to}");
                }
            }
        }
    }
}

#[test]
fn only_a_booking_that_is_the_payments_own_can_be_given_back() {
    for (from, may) in [
        ("intent", false),
        ("sent", false),
        ("answered", false),
        ("not-paid", false),
        ("in-doubt", false),
        ("needs-staff", false),
        ("committed", true),
        ("settled", true),
    ] {
        let disk = Disk::new();
        let store = disk.open();
        bring_to(&store, from);
        assert_eq!(store.record(&entry("intent"), BUNDLE, at()).is_ok(), may, "{from}");
    }
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "needs-staff");
    let transaction = Some(card(&approval(1)));
    let found = Entry::NeedsStaff { attempt: attempt(1), reason: StaffReason::OtherTime, transaction };
    record(&store, [found, entry("intent")]);
}

#[test]
fn nothing_else_begins_while_a_payment_is_given_back() {
    for (open, free) in
        [("intent", false), ("sent", false), ("answered", false), ("in-doubt", false), ("needs-staff", true)]
    {
        let disk = Disk::new();
        let store = disk.open();
        bring_to(&store, "committed");
        bring_undo_to(&store, open);
        assert_eq!(store.record(&intent(2), BUNDLE, at()).is_ok(), free, "{open}");
        store.record(&entry_of(2, "intent"), BUNDLE, at()).unwrap_err();
    }
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "committed");
    record(&store, [intent(2)]);
    store.record(&entry("intent"), BUNDLE, at()).unwrap_err();
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "committed");
    bring_undo_to(&store, "not-reversed");
    record(&store, [entry_of(2, "intent")]);
}

#[test]
fn what_was_given_back_is_told_to_the_hospital_after_its_request() {
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "committed");
    bring_undo_to(&store, "reversed");
    assert_eq!(state(&store), "reversed");
    let kinds =
        |store: &SqliteStore| -> Vec<String> { store.requests().unwrap().into_iter().map(|row| row.kind).collect() };
    assert_eq!(kinds(&store), ["documents", "cancellation"]);
    assert_eq!(store.next_request().unwrap().unwrap().request.id, Uuid::from_u128(1), "in order");
    deliver(&store);
    let payment = store.payment(attempt(1)).unwrap().unwrap();
    assert_eq!(payment.state, hospital_kiosk::domain::attempt::PaymentState::Reversed);
    assert_eq!(payment.request.patient, PatientNumber(String::new()), "the patient is forgotten with the delivery");
    assert_eq!(store.next_request().unwrap().unwrap().request, *cancellation());
    deliver(&store);
    assert_eq!(store.next_request().unwrap(), None);
    assert_eq!(state(&store), "reversed");
}

#[test]
fn a_booking_is_never_given_to_two_payments() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    record(&store, [intent(2), sent(2)]);
    let again = card(&approval(1));
    let (request, receipt) = (request(2, 2, by_card(&approval(1))), receipt());
    let unconfirmed = Entry::Answered {
        attempt: attempt(2),
        raw: vec![4],
        transaction: again.clone(),
        booking: Booking::Unconfirmed,
    };
    assert!(matches!(store.record(&unconfirmed, BUNDLE, at()), Err(StoreError::Refused(_))));
    let raw = vec![2];
    let answered = Entry::Answered { attempt: attempt(2), raw, transaction: again.clone(), booking: Booking::Final };
    let committed = Entry::Committed { attempt: attempt(2), transaction: again, request, receipt };
    record(&store, [answered]);
    let refusal = store.record(&committed, BUNDLE, at()).unwrap_err();
    assert!(matches!(&refusal, StoreError::Refused(why) if why.contains("K3-0001")), "{refusal}");
    assert_eq!(store.requests().unwrap().len(), 1);
    record(&store, [in_doubt(2), needs_staff(2)]);
}

#[test]
fn evidence_is_kept_and_only_where_people_had_to_find_out() {
    let disk = Disk::new();
    let store = disk.open();
    let evidence = |text: &str| Entry::Evidence { attempt: attempt(1), text: text.to_owned() };
    bring_to(&store, "in-doubt");
    store.record(&evidence("list"), BUNDLE, at()).unwrap_err();
    record(&store, [needs_staff(1), evidence("list"), evidence("list"), evidence("call"), committed(1)]);
    let kept = store.payment(attempt(1)).unwrap().unwrap().evidence;
    assert_eq!(kept.as_deref(), Some("list\ncall"));
    store.record(&evidence("late"), BUNDLE, at()).unwrap_err();
}

/// Retention: 90 days for what is over. Nobody knows where the money is: that never goes.
#[test]
fn old_payments_go_with_their_undos_but_never_while_money_is_in_doubt() {
    for (undone, waits, left) in [
        ("unknown", false, 0_i64),
        ("not-reversed", false, 0),
        ("reversed", false, 0),
        ("reversed", true, 1),
        ("sent", false, 1),
        ("in-doubt", false, 1),
        ("needs-staff", false, 1),
    ] {
        let disk = Disk::new();
        let store = disk.open();
        bring_to(&store, "committed");
        if !waits {
            deliver(&store);
        }
        bring_undo_to(&store, undone);
        let later = |days| at() + chrono::Days::new(days);
        store.forget_old(later(90)).unwrap();
        assert_eq!(store.payments().unwrap().len(), 1, "{undone}: not a moment before");
        store.forget_old(later(3_650)).unwrap();
        assert_eq!(i64::try_from(store.payments().unwrap().len()), Ok(left), "{undone}, its request waits: {waits}");
        assert_eq!(undo_rows(&disk, store), if undone == "unknown" { 0 } else { left }, "{undone}");
    }
}

/// As they lie in the file.
fn undo_rows(disk: &Disk, store: SqliteStore) -> i64 {
    drop(store);
    let connection = rusqlite::Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection.query_row("SELECT count(*) FROM undos", [], |row| row.get(0)).unwrap()
}
