//! Reasons are kept as what they are. Older versions kept sentences: those are read once, when their database is taken over.

use super::super::schema;
use super::*;
use crate::domain::reason::{
    BeforeServer, ClosedByHand, Delay, InPart, KeptOut, LineTrouble, Meanwhile, ParkReason, Parts, StaffReason,
    TakenFor, Together, Told, Undelivered,
};
use crate::ports::{JournalLines, SingleRequests};
use chrono::NaiveTime;

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
    all_of(places, place(&StaffReason::RequestLost));
}

type Answer = (&'static str, Undelivered);

fn parked(words: &'static str, reason: ParkReason) -> Answer {
    (words, Undelivered::Parked(reason))
}

fn later(words: &'static str, reason: Delay) -> Answer {
    (words, Undelivered::Later(reason))
}

/// What older versions wrote of a request that the hospital had not got, and what it is. This version says it in the same words.
fn answers() -> Vec<Answer> {
    let mut all = refusals();
    all.extend(line_troubles());
    all.extend(unclear_answers());
    all
}

fn refusals() -> Vec<Answer> {
    let issues = || "value Task.input[0]; invalid: too many (3)".to_owned();
    let refused = |status, issues| ParkReason::Status { status, issues };
    let together = Delay::Together;
    vec![
        parked("the server refuses the request (404)", refused(404, String::new())),
        parked(
            "the server refuses the request (422); value Task.input[0]; invalid: too many (3)",
            refused(422, issues()),
        ),
        parked(
            "the server took the request apart and refused a part of it (412, no status): it does not run transactions; \
             some of it may be there; value Task.input[0]; invalid: too many (3)",
            ParkReason::TakenApart { refused: vec![Some(412), None], issues: issues() },
        ),
        parked("the server finds one of our identifiers, or the patient, more than once (412)", ParkReason::FoundTwice),
        parked("the stored bundle cannot be read", ParkReason::Unreadable),
        (
            "the hospital server refuses this kiosk (401): look at [identity] client_id and certificate_file; login",
            Undelivered::KeptOut(KeptOut::Server { status: 401, issues: "login".to_owned() }),
        ),
        (
            "something before the hospital server answered instead of it (404): does it lead to the FHIR server? Look at \
             hospital.url",
            Undelivered::KeptOut(KeptOut::Before(BeforeServer(404))),
        ),
        ("the server is busy (429)", Undelivered::Busy),
        later("the server answered 503", Delay::Status { status: 503, issues: String::new() }),
        later("the server answered 409; conflict", Delay::Status { status: 409, issues: "conflict".to_owned() }),
        later(
            "something before the hospital server answered instead of it (302): is it a log-in page or a portal that has to \
             let this kiosk through, or has the server moved? Look at hospital.url",
            Delay::Before(BeforeServer(302)),
        ),
        later("something between here and the hospital answered 600", Delay::Between { status: 600 }),
        later("an entry was answered 503, 429", Delay::EntriesFailed { refused: vec![Some(503), Some(429)] }),
        later(
            "the server took the request apart and could not take a part of it now (503)",
            Delay::TakenApart { refused: vec![Some(503)] },
        ),
        later(
            "of several together: the server refuses the request (400); structure",
            together(Together::Refused(refused(400, "structure".to_owned()))),
        ),
        (
            "the hospital has a part of it: 3 of its 8 entries; the rest goes there next",
            Undelivered::InParts(Parts::There { there: 3, all: 8 }),
        ),
        (
            "the server takes fewer entries at once than several requests have together",
            Undelivered::InParts(Parts::FewerTogether),
        ),
    ]
}

fn line_troubles() -> Vec<Answer> {
    [
        ("the hospital server cannot be reached", LineTrouble::NotSent),
        (
            "the hospital server's certificate is not trusted: is [hospital] ca_file the hospital's CA, is the name in \
                 url the server's, is the time right?",
            LineTrouble::NotTrusted,
        ),
        (
            "the hospital server does not take this kiosk's certificate, or asks for one: look at [identity] \
                 certificate_file",
            LineTrouble::NotLetIn,
        ),
        ("the connection broke before the answer", LineTrouble::NoAnswer),
        ("no answer within the time limit", LineTrouble::TimedOut),
        ("the answer was too large", LineTrouble::TooLarge),
        ("the server named an address outside its own base, which is not followed", LineTrouble::NotFollowed),
    ]
    .map(|(words, trouble)| later(words, Delay::Line(trouble)))
    .to_vec()
}

fn unclear_answers() -> Vec<Answer> {
    let together = Delay::Together;
    vec![
        later("the server answered something that is no FHIR bundle", Delay::NoBundle),
        later("the server answered something that is no appointment", Delay::NoAppointment),
        later("the server did not answer every entry", Delay::EntriesUnanswered),
        later("the server took the request apart: it did not answer every entry", Delay::TakenApartUnanswered),
        later("the server refuses to say whether it has the request", Delay::LookRefused),
        later("the server answered a search with something else", Delay::LookAnsweredOtherwise),
        later("the server's answer to a search for the request cannot be read", Delay::LookUnreadable),
        later("the appointment keeps changing", Delay::AppointmentChanging),
        later("the appointment's status cannot be read", Delay::AppointmentUnreadable),
        later("the server said yes and changed nothing", Delay::NothingChanged),
        later("the server found one of several more than once (412)", together(Together::FoundTwice)),
        later("one of several has to be looked for before it is sent", together(Together::LookFirst)),
        later("this server takes one request at a time", together(Together::One)),
    ]
}

/// As [`place`].
const fn answer_place(reason: &Undelivered) -> usize {
    match reason {
        Undelivered::Parked(ParkReason::Status { .. }) => 0,
        Undelivered::Parked(ParkReason::TakenApart { .. }) => 1,
        Undelivered::Parked(ParkReason::FoundTwice) => 2,
        Undelivered::Parked(ParkReason::Unreadable) => 3,
        Undelivered::KeptOut(KeptOut::Server { .. }) => 4,
        Undelivered::KeptOut(KeptOut::Before(_)) => 5,
        Undelivered::Busy => 6,
        Undelivered::InParts(Parts::There { .. }) => 7,
        Undelivered::InParts(Parts::FewerTogether) => 8,
        Undelivered::Later(delay) => {
            9 + match delay {
                Delay::Line(LineTrouble::NotSent) => 0,
                Delay::Line(LineTrouble::NotTrusted) => 1,
                Delay::Line(LineTrouble::NotLetIn) => 2,
                Delay::Line(LineTrouble::NoAnswer) => 3,
                Delay::Line(LineTrouble::TimedOut) => 4,
                Delay::Line(LineTrouble::TooLarge) => 5,
                Delay::Line(LineTrouble::NotFollowed) => 6,
                Delay::Status { .. } => 7,
                Delay::Before(_) => 8,
                Delay::Between { .. } => 9,
                Delay::NoBundle => 10,
                Delay::NoAppointment => 11,
                Delay::EntriesFailed { .. } => 12,
                Delay::EntriesUnanswered => 13,
                Delay::TakenApart { .. } => 14,
                Delay::TakenApartUnanswered => 15,
                Delay::LookRefused => 16,
                Delay::LookAnsweredOtherwise => 17,
                Delay::LookUnreadable => 18,
                Delay::AppointmentChanging => 19,
                Delay::AppointmentUnreadable => 20,
                Delay::NothingChanged => 21,
                Delay::Together(Together::Refused(_)) => 22,
                Delay::Together(Together::FoundTwice) => 23,
                Delay::Together(Together::LookFirst) => 24,
                Delay::Together(Together::One) => LAST_ANSWER - 9,
            }
        }
    }
}
const LAST_ANSWER: usize = 34;

/// The same of a request that the hospital has.
fn notes() -> Vec<(&'static str, Told)> {
    let clock = |text| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
    let of = |meanwhile| Told::Appointment { meanwhile, ticket: "K3-012".to_owned() };
    vec![
        ("the appointment was cancelled meanwhile; no arrival was set (ticket K3-012)", of(Meanwhile::Cancelled)),
        ("the appointment was deleted meanwhile; no arrival was set (ticket K3-012)", of(Meanwhile::Deleted)),
        (
            "the appointment was moved to another day meanwhile; no arrival was set (ticket K3-012)",
            of(Meanwhile::OtherDay),
        ),
        ("the appointment is no longer booked; no arrival was set (ticket K3-012)", of(Meanwhile::NotBooked)),
        (
            "the desk had registered the patient already; this kiosk's ticket is not on the appointment (ticket K3-012)",
            of(Meanwhile::AtDesk),
        ),
        (
            "it was moved from 10:30 to 14:15 meanwhile; the arrival was set: tell the patient (ticket K3-012)",
            of(Meanwhile::OtherTime { from: clock("10:30"), to: clock("14:15") }),
        ),
        (
            "its place or its staff were changed meanwhile; the arrival was set: tell the patient (ticket K3-012)",
            of(Meanwhile::OtherPlace),
        ),
        ("the hospital has it more than once: put a unique index on the identifier", Told::Twice),
    ]
}

/// As [`place`].
const fn note_place(told: &Told) -> usize {
    match told {
        Told::Appointment { meanwhile: Meanwhile::Cancelled, .. } => 0,
        Told::Appointment { meanwhile: Meanwhile::Deleted, .. } => 1,
        Told::Appointment { meanwhile: Meanwhile::OtherDay, .. } => 2,
        Told::Appointment { meanwhile: Meanwhile::NotBooked, .. } => 3,
        Told::Appointment { meanwhile: Meanwhile::AtDesk, .. } => 4,
        Told::Appointment { meanwhile: Meanwhile::OtherTime { .. }, .. } => 5,
        Told::Appointment { meanwhile: Meanwhile::OtherPlace, .. } => 6,
        Told::Twice => 7,
    }
}

fn all_of(mut places: Vec<usize>, last: usize) {
    places.sort_unstable();
    places.dedup();
    assert_eq!(places, (0..=last).collect::<Vec<_>>(), "a row for each");
}

fn older_request(connection: &Connection, id: u128, state: &str, note: &str) {
    let request = request(PaymentOfRequest::Unpaid);
    let (request, delivered_at) = if state == "sent" { (None, Some(at().to_rfc3339())) } else { (Some(request), None) };
    connection
        .execute(
            "INSERT INTO outbox (id, visit, kind, state, queued_at, delivered_at, request, note)
             VALUES (?1, ?1, 'documents', ?2, ?3, ?4, ?5, ?6)",
            rusqlite::params![
                Uuid::from_u128(id).to_string(),
                state,
                at().to_rfc3339(),
                delivered_at,
                request.map(|request| column::to_json(&request).unwrap()),
                note
            ],
        )
        .unwrap();
}

#[test]
fn what_an_older_queue_met_is_read_once_out_of_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let connection = older_store(folder.path(), "ADD COLUMN undelivered");
    let mut wanted = Vec::new();
    for (words, reason) in answers() {
        let in_part = reason.in_part();
        let apart = "the server took the request apart and may have a part of it; since then: ";
        wanted.push((words.to_owned(), Some(reason.clone()), in_part));
        wanted.push((format!("{apart}{words}"), Some(reason.clone()), Some(InPart::TakenApart)));
        let since = format!("the hospital has a part of it; since then: {words}");
        wanted.push((since, Some(reason), Some(InPart::FirstEntries)));
    }
    wanted.push(("something new".to_owned(), None, None));
    wanted.push(("the hospital has a part of it; something new".to_owned(), None, Some(InPart::FirstEntries)));
    wanted.push(("the server took the request apart, and more".to_owned(), None, Some(InPart::TakenApart)));
    for (id, (words, ..)) in (1_u128..).zip(&wanted) {
        older_request(&connection, id, if id % 2 == 0 { "parked" } else { "waiting" }, words);
    }
    drop(connection);
    let store = plain(folder.path());
    let rows = store.requests().unwrap();
    assert_eq!(rows.len(), wanted.len());
    for (row, (words, reason, in_part)) in rows.into_iter().zip(wanted) {
        assert_eq!((row.undelivered, row.in_part), (reason, in_part), "{words}");
        assert_eq!((row.note, row.closed_by_hand), (Some(words), None));
    }
}

#[test]
fn what_was_noted_of_older_deliveries_is_read_once_out_of_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let connection = older_store(folder.path(), "ADD COLUMN undelivered");
    let notes = notes();
    for (id, (words, _)) in (1..).zip(&notes) {
        older_request(&connection, id, "sent", words);
    }
    older_request(&connection, 100, "sent", "something new (really)");
    older_request(&connection, 101, "sent", "closed by staff: seen there");
    drop(connection);
    let store = plain(folder.path());
    let newest_first = store.noted().unwrap();
    let found: Vec<_> = newest_first.into_iter().rev().map(|row| (row.note, row.told)).collect();
    let mut wanted: Vec<_> = notes.into_iter().map(|(words, told)| (words.to_owned(), Some(told))).collect();
    wanted.push(("something new (really)".to_owned(), None));
    assert_eq!(found, wanted, "and nothing of what staff closed");
    let closed = store.request_row(Uuid::from_u128(101)).unwrap().unwrap();
    assert_eq!(closed.closed_by_hand, Some(ClosedByHand { evidence: "seen there".into() }));
    assert_eq!((closed.note.as_deref(), closed.told()), (Some("closed by staff: seen there"), None));
    assert_eq!(store.tally().unwrap().noted, 9);
    assert_eq!(store.attention().unwrap().len(), 9);
}

fn delivery(reason: Undelivered) -> Delivery {
    match reason {
        Undelivered::Parked(reason) => Delivery::Park { reason },
        Undelivered::KeptOut(reason) => Delivery::Hold { reason },
        Undelivered::Later(reason) => Delivery::Later { reason, after_s: None, maybe_delivered: true, away: true },
        Undelivered::Busy => Delivery::Busy { after_s: None },
        Undelivered::InParts(parts) => Delivery::Part { taken: Vec::new(), parts },
    }
}

#[test]
fn whatever_a_try_met_is_kept_and_said_as_it_always_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let mut places = Vec::new();
    for (number, (words, reason)) in (1_u128..).zip(answers()) {
        places.push(answer_place(&reason));
        let id = Uuid::from_u128(number);
        store.queue(&Request { id, visit: id, ..request(PaymentOfRequest::Unpaid) }, b"x").unwrap();
        let sequence = store.request_row(id).unwrap().unwrap().sequence;
        store.begin_try(sequence).unwrap();
        store.end_try(sequence, &delivery(reason.clone()), at()).unwrap();
        let row = store.request_row(id).unwrap().unwrap();
        assert_eq!((row.note.as_deref(), row.in_part), (Some(words), reason.in_part()));
        assert_eq!(row.undelivered, Some(reason));
    }
    all_of(places, LAST_ANSWER);
}

#[test]
fn whatever_is_noted_of_a_delivery_is_kept_and_said_as_it_always_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = plain(folder.path());
    let mut places = Vec::new();
    for (number, (words, told)) in (1_u128..).zip(notes()) {
        places.push(note_place(&told));
        let id = Uuid::from_u128(number);
        store.queue(&Request { id, visit: id, ..request(PaymentOfRequest::Unpaid) }, b"x").unwrap();
        let sequence = store.request_row(id).unwrap().unwrap().sequence;
        store.end_try(sequence, &Delivery::Done { note: Some(told.clone()) }, at()).unwrap();
        let newest = store.noted().unwrap().remove(0);
        assert_eq!((newest.note.as_str(), newest.told), (words, Some(told)));
    }
    all_of(places, note_place(&Told::Twice));
}
