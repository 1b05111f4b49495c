//! Reasons are kept as what they are. Older versions kept sentences: those are read once, when their database is taken over.

use super::super::schema;
use super::*;
use crate::domain::reason::{StaffReason, TakenFor};

const ATTEMPT: AttemptId = AttemptId(Uuid::from_u128(9));

fn booked_after_all(taken_for: TakenFor, amount: i64, approval_number: &str) -> StaffReason {
    StaffReason::BookedAfterAll { taken_for, amount: Amount(amount), approval_number: approval_number.into() }
}

/// What older versions wrote of a payment for staff, what it is, and whether this version says it in the same words.
fn staff_reasons() -> Vec<(&'static str, StaffReason, bool)> {
    use StaffReason::{
        CardCompanyAway, Contradiction, EmptyBefore, LastRefused, LaterPayment, LooksTheSame, NoBaseline, OtherAmount,
        OtherPayment, OtherTime, RequestLost, TerminalEmpty, TerminalForgot, TerminalSilent, TwoAnswers,
    };
    let booked = booked_after_all;
    vec![
        ("the terminal does not tell its last transaction", TerminalSilent, true),
        ("the terminal says it has no last transaction", TerminalEmpty, true),
        ("the terminal gave two different answers", TwoAnswers, true),
        ("the terminal told of no transaction before this payment", EmptyBefore, true),
        ("the last transaction before this payment is not known", NoBaseline, true),
        (
            "the terminal's last transaction looks like the one before, but carries no mark of its own",
            LooksTheSame,
            true,
        ),
        (
            "the terminal tells of no booking, but did not say that it was ready and reached the card company",
            CardCompanyAway,
            true,
        ),
        ("the terminal did not book it, but could not reach the card company", CardCompanyAway, false),
        ("the terminal did not book it, but was not ready or could not reach the card company", CardCompanyAway, false),
        ("the terminal may have restarted and forgotten it", TerminalForgot, true),
        ("the terminal's last transaction is a refusal", LastRefused, true),
        ("the terminal's last transaction has another amount", OtherAmount, true),
        ("the terminal's last transaction is of another time", OtherTime, true),
        ("the terminal's last transaction belongs to another payment", OtherPayment, true),
        ("the terminal's last transaction may belong to a later payment", LaterPayment, true),
        ("the journal refuses what the terminal says", Contradiction, true),
        (
            "it is paid, but its request to the hospital was lost with a damaged database: mark it as paid",
            RequestLost,
            true,
        ),
        (
            "approved after it was taken for not paid: amount 3000, approval number 30012345",
            booked(TakenFor::NotPaid, 3000, "30012345"),
            true,
        ),
        (
            "approved after it was handed to staff: amount 5100, approval number ",
            booked(TakenFor::WithStaff, 5100, ""),
            true,
        ),
        ("approved after it was something else", booked(TakenFor::NotPaid, 5100, ""), false),
        ("the terminal may have restarted and forgotten it (more)", TerminalForgot, false),
    ]
}

/// Its place among all that there are: a new one does not compile here until it has one, and no row above until it has that.
const fn place(reason: &StaffReason) -> usize {
    match reason {
        StaffReason::TerminalSilent => 0,
        StaffReason::TerminalEmpty => 1,
        StaffReason::TwoAnswers => 2,
        StaffReason::EmptyBefore => 3,
        StaffReason::NoBaseline => 4,
        StaffReason::LooksTheSame => 5,
        StaffReason::CardCompanyAway => 6,
        StaffReason::TerminalForgot => 7,
        StaffReason::LastRefused => 8,
        StaffReason::OtherAmount => 9,
        StaffReason::OtherTime => 10,
        StaffReason::OtherPayment => 11,
        StaffReason::LaterPayment => 12,
        StaffReason::Contradiction => 13,
        StaffReason::BookedAfterAll { .. } => 14,
        StaffReason::RequestLost => 15,
    }
}

fn older_store(folder: &Path, step: &str) -> Connection {
    let before = schema::STEPS.iter().position(|known| known.contains(step)).unwrap();
    assert!(memory::take_over());
    let mut connection = Connection::open(folder.join("kiosk.db")).unwrap();
    schema::migrate(&mut connection, &schema::STEPS[..before]).unwrap();
    connection
}

fn older_payment(connection: &Connection, attempt: u128, state: &str, reason: Option<&str>) {
    connection
        .execute(
            "INSERT INTO payments (attempt, number, request_id, state, amount, request, receipt, baseline, reason,
                                   started_at, changed_at)
             VALUES (?1, 'K3-1', ?1, ?2, 5100, ?3, ?4, ?5, ?6, ?7, ?7)",
            rusqlite::params![
                Uuid::from_u128(attempt).to_string(),
                state,
                column::to_json(&request(PaymentOfRequest::Unpaid)).unwrap(),
                column::to_json(&receipt()).unwrap(),
                column::to_json(&LastTransaction::Empty).unwrap(),
                reason,
                at().to_rfc3339()
            ],
        )
        .unwrap();
}

#[test]
fn why_an_older_payment_is_for_staff_is_read_once_out_of_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let connection = older_store(folder.path(), "ADD COLUMN staff_reason");
    let reasons = staff_reasons();
    for (attempt, (words, _, _)) in (1..).zip(&reasons) {
        older_payment(&connection, attempt, "needs-staff", Some(words));
    }
    older_payment(&connection, 100, "needs-staff", Some("something new"));
    older_payment(&connection, 101, "needs-staff", None);
    older_payment(&connection, 102, "not-paid", Some("the terminal may have restarted and forgotten it"));
    drop(connection);
    let store = plain(folder.path());
    let payment = |attempt| store.payment(AttemptId(Uuid::from_u128(attempt))).unwrap().unwrap();
    for (attempt, (words, reason, _)) in (1..).zip(reasons) {
        let payment = payment(attempt);
        assert_eq!((payment.staff_reason, payment.reason.as_deref()), (Some(reason), Some(words)));
    }
    assert_eq!((payment(100).staff_reason, payment(100).reason.as_deref()), (None, Some("something new")));
    assert_eq!((payment(101).staff_reason, payment(102).staff_reason), (None, None));
}

#[test]
fn every_reason_for_staff_is_kept_and_said_as_it_always_was() {
    let mut places = Vec::new();
    for (words, reason, same) in staff_reasons() {
        places.push(place(&reason));
        assert!(!same || reason.to_string() == words, "{reason}");
        let folder = tempfile::tempdir().unwrap();
        let store = plain(folder.path());
        let record = |entry: Entry| store.record(&entry, b"", at()).unwrap();
        record(Entry::Intent {
            attempt: ATTEMPT,
            number: "K3-0001".into(),
            amount: Amount(5100),
            request: Box::new(request(PaymentOfRequest::Unpaid)),
            receipt: Box::new(receipt()),
            baseline: LastTransaction::Empty,
        });
        record(Entry::Sent { attempt: ATTEMPT });
        record(Entry::InDoubt { attempt: ATTEMPT, reason: "no answer".into() });
        record(Entry::NeedsStaff { attempt: ATTEMPT, reason: reason.clone(), transaction: None });
        let kept = store.payment(ATTEMPT).unwrap().unwrap();
        assert_eq!((kept.staff_reason, kept.reason), (Some(reason.clone()), Some(reason.to_string())));
        // With the till again it is for staff no more.
        record(Entry::InDoubt { attempt: ATTEMPT, reason: "asked once more".into() });
        let kept = store.payment(ATTEMPT).unwrap().unwrap();
        assert_eq!((kept.staff_reason, kept.reason.as_deref()), (None, Some("asked once more")));
    }
    places.sort_unstable();
    places.dedup();
    assert_eq!(places, (0..=place(&StaffReason::RequestLost)).collect::<Vec<_>>(), "a row for each");
}
