use super::*;
use crate::domain::language::{Language, LocalText};
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, Request};
use crate::domain::paper::Receipt;
use crate::domain::patient::PatientNumber;
use crate::domain::payment::Entry;
use crate::domain::reason::{StaffReason, TakenFor};
use crate::domain::till::charge::Sale;
use chrono::NaiveDate;
use uuid::Uuid;

const FIRST: AttemptId = AttemptId(Uuid::from_u128(1));
const SECOND: AttemptId = AttemptId(Uuid::from_u128(2));

fn seoul() -> Zone {
    Zone::named("Asia/Seoul").expect("a zone")
}

fn at(minute: u32) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(&format!("2026-11-25T10:{minute:02}:00+09:00")).expect("a time")
}

/// Booked at this minute, under a number of its own.
fn booking(number: u32) -> CardTransaction {
    CardTransaction {
        approved: true,
        amount: Amount(5_100),
        approval_number: format!("{number:08}"),
        masked_card: String::new(),
        issuer: String::new(),
        acquirer: String::new(),
        terminal_time: format!("2026112510{number:02}00"),
        unique_number: format!("U{number}"),
        merchant_number: String::new(),
        decline: None,
    }
}

fn told(number: u32) -> LastTransaction {
    LastTransaction::Known(Box::new(booking(number)))
}

/// Of a request of its own, begun at that minute.
fn sale(request: u128, minute: u32) -> Sale {
    let act = Act::Cancellation {
        of: Uuid::nil(),
        claim: String::new(),
        amount: Amount(5_100),
        currency: "KRW".to_owned(),
        attempt_number: String::new(),
    };
    let text = || LocalText::new([(Language::En, "")]);
    Sale {
        number: format!("K3-{request:04}"),
        amount: Amount(5_100),
        request: Request {
            id: Uuid::from_u128(request),
            visit: Uuid::nil(),
            made_at: at(minute),
            language: Language::En,
            patient: PatientNumber(String::new()),
            patient_ref: None,
            act,
        },
        receipt: Receipt {
            language: Language::En,
            at: at(minute),
            claim: String::new(),
            lines: Vec::new(),
            total: Amount(5_100),
            card: None,
            pay_at: None,
            collect_at: text(),
            ready_at: at(minute),
            collect_until: None,
            bring: text(),
            duplicate: false,
        },
        baseline: told(1),
        started_at: at(minute),
    }
}

#[test]
fn a_booking_belongs_to_one_payment() {
    let mut books = Books::default();
    books.began(FIRST);
    books.add(FIRST, &booking(5));
    assert!(books.is_of(FIRST, &booking(5)) && books.has_of(FIRST) && !books.is_of_another(FIRST, &booking(5)));
    assert!(books.is_of_another(SECOND, &booking(5)) && !books.has_of(SECOND));
    assert!(!books.is_paid(FIRST, &booking(5)), "told of, and not committed");
    books.close_paid(FIRST, &booking(5));
    assert!(books.is_paid(FIRST, &booking(5)));
}

#[test]
fn what_was_told_before_a_payment_is_not_its_own() {
    let mut books = Books::default();
    books.told_last(&told(5));
    books.began(FIRST);
    books.told_last(&told(6));
    assert!(books.is_of_another(FIRST, &booking(5)), "there before it began");
    assert!(!books.is_of_another(FIRST, &booking(6)));
    assert!(!books.is_of_another(SECOND, &booking(6)), "of a payment that is not known nothing is");
}

#[test]
fn after_a_later_payment_nobody_knows_whose_it_is() {
    let mut books = Books::default();
    books.began(FIRST);
    books.told_last(&told(5));
    assert!(!books.may_be_of_a_later(FIRST, &booking(6)), "none began since");
    books.began(SECOND);
    assert!(books.may_be_of_a_later(FIRST, &booking(6)));
    assert!(!books.may_be_of_a_later(FIRST, &booking(5)), "told before the later one began");
    assert!(books.is_newest(SECOND) && !books.is_newest(FIRST));
}

#[test]
fn an_older_result_is_stale_once() {
    let (mut books, zone) = (Books::default(), seoul());
    assert!(!books.is_stale(&booking(10), at(10), &zone));
    assert!(books.is_stale(&booking(10), at(20), &zone), "ten minutes old");
    assert!(!books.is_stale(&booking(11), at(21), &zone), "then it is the clock");
}

/// It moved after all: people must hear of it, once, and its request is never charged again.
#[test]
fn what_was_taken_for_not_paid_may_be_booked_after_all() {
    let (mut books, zone) = (Books::default(), seoul());
    books.close_not_paid(FIRST, &sale(7, 10), false);
    assert!(books.may_be_charged(Uuid::from_u128(7)).is_none(), "not paid may be tried again");
    assert!(books.look_back(&told(1), &zone).is_none(), "still the one before");
    let entry = books.look_back(&told(10), &zone);
    let Some(Entry::NeedsStaff { attempt, reason, transaction }) = entry else { panic!("{entry:?}") };
    let wanted = StaffReason::BookedAfterAll {
        taken_for: TakenFor::NotPaid,
        amount: Amount(5_100),
        approval_number: "00000010".to_owned(),
    };
    assert_eq!((attempt, reason, transaction), (FIRST, wanted, Some(Box::new(booking(10)))));
    assert!(books.look_back(&told(10), &zone).is_none(), "told once");
    assert_eq!(books.may_be_charged(Uuid::from_u128(7)).map(|closed| closed.id), Some(FIRST));
}

#[test]
fn a_later_payment_may_have_booked_the_last_transaction() {
    let (mut books, zone) = (Books::default(), seoul());
    books.close_not_paid(FIRST, &sale(7, 10), false);
    books.close_with_staff(SECOND, &sale(8, 12));
    assert!(books.look_back(&told(10), &zone).is_none());
    assert!(books.is_unsettled(at(20).date_naive(), &zone));
    books.settle(SECOND);
    assert!(!books.is_unsettled(at(20).date_naive(), &zone));
}

#[test]
fn an_undo_in_doubt_is_remembered_for_the_day_of_its_sale() {
    let mut books = Books::default();
    let (sale, today) = (AttemptId(Uuid::from_u128(3)), at(0).date_naive());
    let yesterday = at(0) - chrono::Duration::days(1);
    let undo = |undo, of, stands| StrayedUndo { undo, of, sold_at: yesterday, sent_at: yesterday, stands };
    books.know_strayed(&[undo(FIRST, SECOND, true)], &seoul());
    assert!(!books.strayed.may_have_hit(sale, today));
    assert!(books.strayed.may_have_hit(sale, yesterday.date_naive()));
    assert!(!books.strayed.may_have_hit(SECOND, yesterday.date_naive()), "its own sale, which people found to stand");
    books.know_strayed(&[undo(sale, sale, false)], &seoul());
    assert!(books.strayed.may_have_hit(SECOND, yesterday.date_naive()), "that may have been hit since");
    books.strayed.add(SECOND, today, today);
    assert!(books.strayed.may_have_hit(sale, today));
    books.strayed.found_again(SECOND);
    assert!(!books.strayed.may_have_hit(sale, today));
}

/// Days are counted from the undo's: it was sent on the third, to give back a sale of the second.
#[test]
fn what_an_undo_in_doubt_may_have_hit_lies_between_the_day_before_its_sale_and_its_own() {
    let mut books = Books::default();
    let (sale, day) = (AttemptId(Uuid::from_u128(3)), |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day"));
    books.strayed.add(FIRST, day(2), day(3));
    let hit: Vec<u32> = (1..30).filter(|at| books.strayed.may_have_hit(sale, day(*at))).collect();
    assert_eq!(hit, [1, 2, 3]);
    books.strayed.stands(sale);
    assert!(!books.strayed.may_have_hit(sale, day(2)), "people found out that it stands");
    assert!(books.strayed.may_have_hit(SECOND, day(2)), "of no other");
    books.strayed.add(SECOND, day(3), day(3));
    assert!(books.strayed.may_have_hit(sale, day(2)), "what came since may have hit it");
}
