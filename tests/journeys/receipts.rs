//! Who may hear of which payment: by what they know of it, and when.

use super::script::{approved, baseline, receipt, request};
use chrono::{DateTime, Duration, FixedOffset};
use hospital_kiosk::domain::attempt::{AttemptId, Booking, CardTransaction, PaymentState};
use hospital_kiosk::domain::enquiry::{Became, Known, find};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::payment::PaymentRecord;
use uuid::Uuid;

fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-20T12:00:00+09:00").unwrap()
}

/// A payment of so many minutes ago; `card` as a terminal masks it.
fn payment(number: u32, minutes: i64, card: &str, state: PaymentState) -> PaymentRecord {
    let started_at = now() - Duration::minutes(minutes);
    let transaction = CardTransaction { masked_card: card.to_owned(), ..approved(Amount(5100), started_at) };
    PaymentRecord {
        attempt: AttemptId(Uuid::from_u128(number.into())),
        number: format!("K3-{number:04}"),
        state,
        amount: Amount(5100),
        request: request(),
        receipt: receipt(),
        baseline: baseline(),
        booking: Booking::Final,
        transaction: Some(transaction),
        reason: None,
        staff_reason: None,
        evidence: None,
        started_at,
        receipt_printed: false,
        undo: None,
        day_closed: false,
    }
}

/// The number of the payment that is told of.
fn told(payments: &[PaymentRecord], first: &str, second: Option<&str>) -> Option<String> {
    let known = Known { first: first.to_owned(), second: second.map(str::to_owned) };
    find(payments, &known, now()).map(|sight| sight.number)
}

/// Numbers count up: who holds one knows the one before.
#[test]
fn the_number_alone_is_enough_only_for_the_newest() {
    let mine = payment(7, 5, "540926******5678", PaymentState::Committed);
    let next = payment(8, 1, "540926******1111", PaymentState::Committed);
    assert_eq!(told(std::slice::from_ref(&mine), "0007", None).as_deref(), Some("K3-0007"));
    let both = [mine, next];
    assert_eq!(told(&both, "0007", None), None);
    assert_eq!(told(&both, "0007", Some("5678")).as_deref(), Some("K3-0007"));
    assert_eq!(told(&both, "5678", None).as_deref(), Some("K3-0007"));
    assert_eq!(told(&both, "0008", None).as_deref(), Some("K3-0008"));
}

#[test]
fn one_number_for_a_quarter_of_an_hour_then_both() {
    use PaymentState::{Committed, Settled};
    let old = payment(3, 16, "540926******1234", Settled);
    let weeks = payment(3, 16 + 35 * 24 * 60, "540926******1234", Settled);
    let new = payment(7, 14, "540926******5678", Committed);
    let ahead = payment(9, -1, "540926******4444", Committed);
    let all = [weeks, old, new, ahead];
    for (first, second, wanted) in [
        ("0007", None, Some("K3-0007")),
        ("5678", None, Some("K3-0007")),
        // Older than that, or of another clock: not even that there is one.
        ("0003", None, None),
        ("1234", None, None),
        ("4444", None, None),
        ("0003", Some("1234"), Some("K3-0003")),
        ("1234", Some("0003"), Some("K3-0003")),
        ("0003", Some("5678"), None),
        ("0003", Some("0003"), None),
        ("5678", Some("1234"), None),
        ("", None, None),
        ("7", None, None),
        ("K3-0007", None, None),
    ] {
        assert_eq!(told(&all, first, second).as_deref(), wanted, "{first} {second:?}");
    }
}

#[test]
fn a_terminal_that_tells_no_digits_leaves_the_number_alone_and_later_staff() {
    let first_six = [payment(7, 5, "123456**********", PaymentState::Committed)];
    assert_eq!(told(&first_six, "0007", None).as_deref(), Some("K3-0007"));
    for digits in ["1234", "3456", "****", ""] {
        assert_eq!((told(&first_six, digits, None), told(&first_six, "0007", Some(digits))), (None, None), "{digits}");
    }
}

/// Two cards that end alike, or a card that ends as another payment's number: neither is shown to the other.
#[test]
fn what_two_could_mean_takes_both() {
    use PaymentState::{Committed, NotPaid};
    let two = [payment(7, 5, "540926******1234", Committed), payment(8, 2, "411111******1234", Committed)];
    assert_eq!(told(&two, "1234", None), None);
    assert_eq!(told(&two, "1234", Some("0008")).as_deref(), Some("K3-0008"));
    let crossed = [payment(7, 5, "540926******0008", Committed), payment(8, 2, "411111******1234", Committed)];
    assert_eq!(told(&crossed, "0008", None), None);
    let again = [
        payment(7, 5, "540926******1234", NotPaid),
        payment(8, 3, "540926******1234", Committed),
        payment(9, 2, "540926******1234", NotPaid),
    ];
    assert_eq!(
        told(&again, "1234", None).as_deref(),
        Some("K3-0008"),
        "of several tries the one that came to something"
    );
    assert_eq!(told(&again, "0009", None).as_deref(), Some("K3-0009"), "by its number the very one");
}

#[test]
fn every_state_is_one_of_four() {
    use PaymentState::{Answered, Committed, InDoubt, Intent, NeedsStaff, NotPaid, Reversed, Sent, Settled};
    for (state, became) in [
        (Intent, Became::InDoubt),
        (Sent, Became::InDoubt),
        (Answered, Became::InDoubt),
        (InDoubt, Became::InDoubt),
        (NeedsStaff, Became::InDoubt),
        (Committed, Became::Paid),
        (Settled, Became::Paid),
        (NotPaid, Became::NotPaid),
        (Reversed, Became::GivenBack),
    ] {
        let known = Known { first: "0007".to_owned(), second: None };
        let sight = find(&[payment(7, 5, "", state)], &known, now()).expect("told");
        assert_eq!(sight.became, became, "{state:?}");
    }
}
