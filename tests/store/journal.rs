//! The arrows of the payment diagram, and what a committed payment brings with it.

use super::*;
use hospital_kiosk::domain::attempt::PaymentState;
use hospital_kiosk::domain::outbox::{Delivery, QueueState};
use hospital_kiosk::domain::reason::Told;
use hospital_kiosk::domain::terminal::{UndoAnswer, UndoWay};
use hospital_kiosk::domain::undo::UndoEntry;
use hospital_kiosk::ports::{Journal, JournalLines, QueueList, SingleRequests};

/// Rows: where a payment stands. Columns: what is recorded next. `yes` = goes there, `same` = harmless, `no` = refused.
const ARROWS: &str = "
    from         intent sent answered committed not-paid in-doubt needs-staff receipt
    unknown      yes    no   no       no        no       no       no          no
    intent       same   yes  no       no        yes      no       no          no
    sent         no     same yes      no        yes      yes      no          no
    answered     no     no   same     yes       yes      yes      no          no
    committed    no     no   no       same      no       no       no          same
    settled      no     no   no       same      no       no       no          same
    not-paid     no     no   no       no        same     no       yes         no
    in-doubt     no     no   yes      yes       yes      same     yes         no
    needs-staff  no     no   no       yes       yes      yes      same        no
";

fn entry(word: &str) -> Entry {
    match word {
        "intent" => intent(1),
        "sent" => sent(1),
        "answered" => answered(1),
        "committed" => committed(1),
        "not-paid" => not_paid(1),
        "in-doubt" => in_doubt(1),
        "needs-staff" => needs_staff(1),
        "receipt" => receipt_printed(1),
        other => panic!("{other}"),
    }
}

pub fn bring_to(store: &SqliteStore, state: &str) {
    let path: &[&str] = match state {
        "unknown" => &[],
        "intent" => &["intent"],
        "sent" => &["intent", "sent"],
        "answered" => &["intent", "sent", "answered"],
        "committed" | "settled" => &["intent", "sent", "answered", "committed"],
        "not-paid" => &["intent", "not-paid"],
        "in-doubt" => &["intent", "sent", "in-doubt"],
        "needs-staff" => &["intent", "sent", "in-doubt", "needs-staff"],
        other => panic!("{other}"),
    };
    record(store, path.iter().map(|word| entry(word)));
    if state == "settled" {
        deliver(store);
    }
}

pub fn deliver(store: &SqliteStore) {
    let sequence = store.next_request().unwrap().unwrap().sequence;
    store.begin_try(sequence).unwrap();
    store.end_try(sequence, &Delivery::Done { note: Some(Told::Twice) }, at()).unwrap();
}

pub fn state(store: &SqliteStore) -> String {
    let payment = store.payment(attempt(1)).unwrap();
    payment.map_or("unknown".into(), |payment| serde_json::to_value(payment.state).unwrap().as_str().unwrap().into())
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
            bring_to(&store, from);
            assert_eq!(state(&store), from);
            let before = everything(&store);
            let result = store.record(&entry(to), BUNDLE, at());
            match wanted {
                "yes" => {
                    assert_eq!((result.is_ok(), state(&store).as_str()), (true, *to), "{from} -> {to}: {result:?}");
                }
                "same" => {
                    assert_eq!((result.is_ok(), state(&store).as_str()), (true, from), "{from} -> {to}: {result:?}");
                }
                _ => {
                    let refusal = result.unwrap_err().to_string();
                    assert!(!refusal.contains(MARKER), "{refusal}");
                    assert_eq!(everything(&store), before, "{from} -> {to}");
                }
            }
        }
    }
}

#[test]
fn an_entry_recorded_twice_leaves_what_it_left_once() {
    for last in ["intent", "sent", "answered", "committed", "not-paid", "in-doubt", "needs-staff"] {
        let disk = Disk::new();
        let store = disk.open();
        bring_to(&store, last);
        let once = everything(&store);
        record(&store, [entry(last)]);
        assert_eq!(everything(&store), once, "{last}");
    }
}

#[test]
fn a_different_answer_or_amount_is_never_written_over_the_first() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1)]);
    let Entry::Intent { attempt, number, request, receipt, baseline, .. } = intent(1) else { panic!() };
    let other = Entry::Intent { attempt, number, amount: Amount(9), request, receipt, baseline };
    store.record(&other, BUNDLE, at()).unwrap_err();
    record(&store, [sent(1), answered(1)]);
    let other = Entry::Answered { attempt, raw: vec![], transaction: card("99999999"), booking: Booking::Final };
    store.record(&other, BUNDLE, at()).unwrap_err();
    record(&store, [committed(1)]);
    let payment = store.payment(attempt).unwrap().unwrap();
    assert_eq!((payment.amount, payment.transaction), (Amount(5100), Some(*card("30012345"))));
}

#[test]
fn no_second_payment_while_one_is_open() {
    for (first, free) in [
        ("intent", false),
        ("sent", false),
        ("answered", false),
        ("in-doubt", false),
        ("needs-staff", true),
        ("not-paid", true),
        ("committed", true),
        ("settled", true),
    ] {
        let disk = Disk::new();
        let store = disk.open();
        bring_to(&store, first);
        assert_eq!(store.record(&intent(2), BUNDLE, at()).is_ok(), free, "{first}");
    }
}

#[test]
fn staff_cannot_reopen_a_payment_while_another_is_open() {
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "needs-staff");
    record(&store, [intent(2)]);
    store.record(&in_doubt(1), BUNDLE, at()).unwrap_err();
    assert_eq!(state(&store), "needs-staff");
}

#[test]
fn a_request_is_charged_again_only_when_it_is_known_to_be_unpaid() {
    for (first, free) in [("not-paid", true), ("needs-staff", false), ("committed", false), ("settled", false)] {
        let disk = Disk::new();
        let store = disk.open();
        bring_to(&store, first);
        let Entry::Intent { number, amount, request, receipt, baseline, .. } = intent(1) else { panic!() };
        let again = Entry::Intent { attempt: attempt(7), number, amount, request, receipt, baseline };
        assert_eq!(store.record(&again, BUNDLE, at()).is_ok(), free, "{first}");
    }
}

#[test]
fn what_is_paid_is_queued_with_its_payment_in_the_same_breath() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    let queued = store.next_request().unwrap().unwrap();
    assert_eq!(queued.request, *request(1, 1, by_card("30012345")));
    assert_eq!((queued.bundle.as_slice(), queued.tries, queued.maybe_delivered), (BUNDLE, 0, false));
    let payment = store.payment(attempt(1)).unwrap().unwrap();
    assert_eq!(payment.request, queued.request);
    assert_eq!(payment.baseline, LastTransaction::Known(card("before")));
    assert_eq!((payment.started_at, payment.receipt_printed), (at(), false));
    record(&store, [receipt_printed(1)]);
    assert!(store.payment(attempt(1)).unwrap().unwrap().receipt_printed);
}

#[test]
fn if_the_queue_refuses_the_payment_is_not_committed_either() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), sent(1), answered(1)]);
    store.queue(&request(1, 1, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    let refusal = store.record(&committed(1), BUNDLE, at()).unwrap_err();
    assert!(matches!(refusal, StoreError::Refused(_)), "it would be tried again for ever: {refusal}");
    let payment = store.payment(attempt(1)).unwrap().unwrap();
    assert_eq!((payment.state, payment.request), (PaymentState::Answered, *request(1, 1, PaymentOfRequest::Unpaid)));
    assert_eq!(store.requests().unwrap().len(), 1);
}

#[test]
fn a_commit_must_carry_its_own_request_with_its_own_payment() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), sent(1), answered(1)]);
    let wrong = [
        request(1, 1, PaymentOfRequest::Unpaid),
        request(1, 1, PaymentOfRequest::Free),
        request(1, 1, by_card("99999999")),
        request(2, 1, by_card("30012345")),
    ];
    for request in wrong {
        let (transaction, receipt) = (card("30012345"), receipt());
        let entry = Entry::Committed { attempt: attempt(1), transaction, request, receipt };
        store.record(&entry, BUNDLE, at()).unwrap_err();
        assert_eq!((state(&store).as_str(), store.requests().unwrap().len()), ("answered", 0));
    }
}

#[test]
fn delivery_settles_the_payment_and_forgets_the_patient_but_not_the_receipt() {
    let disk = Disk::new();
    let store = disk.open();
    bring_to(&store, "settled");
    let payment = store.payment(attempt(1)).unwrap().unwrap();
    assert_eq!(payment.state, PaymentState::Settled);
    assert_eq!((payment.request.patient, payment.request.patient_ref), (PatientNumber(String::new()), None));
    assert_eq!((payment.receipt, payment.transaction), (*receipt(), Some(*card("30012345"))));
    let rows = store.requests().unwrap();
    assert_eq!((rows.len(), rows[0].id, rows[0].kind.as_str()), (1, Uuid::from_u128(1), "documents"));
    assert_eq!((rows[0].state, rows[0].note.as_deref()), (QueueState::Sent, Some(Told::Twice.to_string().as_str())));
    record(&store, [receipt_printed(1), committed(1)]);
    assert_eq!(store.next_request().unwrap(), None);
}

/// Taken for unpaid, paid again, and then the first one was booked after all and was given back.
#[test]
fn delivery_settles_what_stands_and_forgets_the_patient_of_what_was_given_back() {
    let disk = Disk::new();
    let store = disk.open();
    record(&store, [intent(1), not_paid(1)]);
    let Entry::Intent { number, amount, request: unpaid, receipt: paper, baseline, .. } = intent(1) else { panic!() };
    let again = Entry::Intent { attempt: attempt(7), number, amount, request: unpaid, receipt: paper, baseline };
    let (transaction, request) = (card(&approval(7)), request(1, 1, by_card(&approval(7))));
    let paid = Entry::Committed { attempt: attempt(7), transaction, request, receipt: receipt() };
    record(&store, [again, sent(7), answered(7), paid]);
    let (attempt_1, transaction) = (attempt(1), Some(card(&approval(1))));
    record(&store, [Entry::NeedsStaff { attempt: attempt_1, reason: StaffReason::OtherTime, transaction }]);
    let (undo, transaction) = (AttemptId(Uuid::from_u128(701)), card(&approval(1)));
    let given_back = [
        UndoEntry::Intent { undo, of: attempt_1, way: UndoWay::WithoutCard, transaction },
        UndoEntry::Sent { undo },
        UndoEntry::Answered { undo, raw: vec![2], answer: UndoAnswer::Reversed },
        UndoEntry::Reversed { undo, cancellation: None },
    ];
    record(&store, given_back.map(Entry::Undo));
    deliver(&store);
    for (payment, state) in [(1, PaymentState::Reversed), (7, PaymentState::Settled)] {
        let payment = store.payment(attempt(payment)).unwrap().unwrap();
        assert_eq!((payment.state, payment.request.patient), (state, PatientNumber(String::new())));
    }
}

#[test]
fn an_unpaid_request_settles_no_payment() {
    let disk = Disk::new();
    let store = disk.open();
    pay(&store, 1);
    let paid = store.next_request().unwrap().unwrap().sequence;
    store.begin_try(paid).unwrap();
    store.queue(&request(2, 2, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    store.end_try(paid + 1, &Delivery::Done { note: None }, at()).unwrap();
    assert_eq!(state(&store), "committed");
}
