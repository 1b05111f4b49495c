//! Edges as tables: ages, the window, the ID check, what a terminal's memory proves, countdown seconds.

use super::facility::{check_in, facility, text};
use super::keeping::{self, Did};
use super::script::{approved, baseline, declined, receipt, request};
use chrono::{DateTime, Duration, FixedOffset, NaiveDate};
use hospital_kiosk::domain::attempt::{AttemptId, Booking, LastTransaction, PaymentState};
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::journey::arrival;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::numbers::Given;
use hospital_kiosk::domain::paper::DeskReason;
use hospital_kiosk::domain::patient::{
    Appointment, AppointmentState, BirthDate, InsuranceAnswer, Patient, PatientNumber, ScannedCode,
};
use hospital_kiosk::domain::payment::{Entry, PaymentRecord};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::domain::resolve::{Doubted, Testimony, Verdict, verdict};
use hospital_kiosk::domain::screen::{RowState, Screen, Service, Tap};
use hospital_kiosk::domain::session::{Effect, Input, Session};
use hospital_kiosk::domain::terminal::TerminalReport;
use hospital_kiosk::domain::zone::Zone;
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn seoul() -> Zone {
    Zone::named("Asia/Seoul").unwrap()
}

fn time(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(&format!("{text}+09:00")).unwrap()
}

fn patient(born: &str, seen: Option<&str>, offline: bool) -> Patient {
    Patient {
        number: PatientNumber("10293847".to_owned()),
        birth_date: BirthDate(day(born)),
        masked_name: String::new(),
        server_ref: None,
        offline,
        identity_verified_on: seen.map(day),
    }
}

fn appointment(starts_at: DateTime<FixedOffset>, referral: bool) -> Appointment {
    Appointment {
        server_ref: "Appointment/1".to_owned(),
        slip: None,
        version: "1".to_owned(),
        starts_at,
        clinic: text("Eye clinic"),
        place: text("Floor 2"),
        state: AppointmentState::Booked,
        referral_or_emergency: referral,
        other_site: false,
    }
}

#[test]
fn age_on_the_day() {
    // born, today, under 14
    for (born, today, under) in [
        ("2012-11-21", "2026-11-20", true),  // 13 years 364 days
        ("2012-11-20", "2026-11-20", false), // 14 today
        ("2012-02-29", "2026-02-28", true),
        ("2012-02-29", "2026-03-01", false),
        ("2026-11-20", "2026-11-20", true),
    ] {
        let child = patient(born, None, false);
        assert_eq!(arrival::is_under_age(&child, day(today), &check_in()), under, "{born} on {today}");
    }
}

#[test]
fn window_around_the_appointment() {
    let starts = time("2026-11-20T12:00:00");
    for (now, state) in [
        ("2026-11-20T08:58:59", RowState::TooEarly),
        ("2026-11-20T08:59:01", RowState::Marked), // the clock shows a minute, and so does the rule
        ("2026-11-20T09:00:00", RowState::Marked),
        ("2026-11-20T13:00:00", RowState::Marked),
        ("2026-11-20T13:00:59", RowState::Marked),
        ("2026-11-20T13:01:00", RowState::TooLate),
    ] {
        assert_eq!(arrival::row(&appointment(starts, false), time(now), &seoul(), &check_in()), Some(state), "{now}");
    }
    assert_eq!(arrival::row(&appointment(starts, false), time("2026-11-21T12:00:00"), &seoul(), &check_in()), None);
}

#[test]
fn today_is_hospital_time() {
    // 2026-11-20 23:30 UTC is the 21st in Seoul.
    let starts = DateTime::parse_from_rfc3339("2026-11-20T23:30:00Z").unwrap();
    let row = arrival::row(&appointment(starts, false), time("2026-11-21T08:30:00"), &seoul(), &check_in());
    assert_eq!(row, Some(RowState::Marked));
}

#[test]
fn id_check_by_law() {
    let today = "2026-11-20";
    let yes = Some(InsuranceAnswer::Yes);
    // born, seen, offline, answer, referral, ID check due
    for (born, seen, offline, answer, referral, due) in [
        ("2007-11-20", None, false, yes, false, true),                // 19 today
        ("2007-11-21", None, false, yes, false, false),               // 18
        ("1958-04-12", Some("2026-05-20"), false, yes, false, false), // six months to the day: still within
        ("1958-04-12", Some("2026-05-19"), false, yes, false, true),
        ("1958-04-12", Some("2026-05-20"), true, yes, false, true), // a cache proves nothing
        ("1958-04-12", None, false, yes, true, false),
        ("1958-04-12", None, false, Some(InsuranceAnswer::No), false, false),
        ("1958-04-12", None, false, Some(InsuranceAnswer::NotSure), false, true),
        ("1958-04-12", None, false, None, false, false),
    ] {
        let arriving = [appointment(time("2026-11-20T12:00:00"), referral)];
        let person = patient(born, seen, offline);
        let reasons = arrival::desk_reasons(&person, answer, arriving.iter(), day(today), &check_in());
        assert_eq!(reasons.contains(&DeskReason::IdCheck), due, "{born} {seen:?} {offline} {answer:?} {referral}");
        assert_eq!(reasons.contains(&DeskReason::InsuranceQuestion), answer == Some(InsuranceAnswer::NotSure));
    }
}

#[test]
fn six_months_end_with_a_shorter_month() {
    let arriving = [appointment(time("2026-02-28T12:00:00"), false)];
    let person = patient("1958-04-12", Some("2025-08-31"), false);
    let due = |today: &str| {
        let reasons =
            arrival::desk_reasons(&person, Some(InsuranceAnswer::Yes), arriving.iter(), day(today), &check_in());
        !reasons.is_empty()
    };
    assert!(!due("2026-02-28"));
    assert!(due("2026-03-01"));
}

#[test]
fn one_exempt_of_two_is_not_enough() {
    let arriving = [appointment(time("2026-11-20T12:00:00"), true), appointment(time("2026-11-20T13:00:00"), false)];
    let person = patient("1958-04-12", None, false);
    let reasons =
        arrival::desk_reasons(&person, Some(InsuranceAnswer::Yes), arriving.iter(), day("2026-11-20"), &check_in());
    assert_eq!(reasons, vec![DeskReason::IdCheck]);
}

#[test]
fn what_a_terminal_proves() {
    let started = time("2026-11-20T10:00:00");
    let known = |transaction| LastTransaction::Known(Box::new(transaction));
    let ours = known(approved(Amount(5100), started + Duration::seconds(20)));
    let late = known(approved(Amount(5100), started + Duration::minutes(16)));
    let mut no_time = approved(Amount(5100), started);
    no_time.terminal_time = String::new();
    let no_time = known(no_time);
    let refused = known(declined(Amount(5100), "51"));
    // The refusals on record carry neither time nor number: two host time-outs look the same.
    let mut plain = declined(Amount(5100), "0C");
    plain.terminal_time = String::new();
    let plain = known(plain);
    let mut bare = approved(Amount(5100), started);
    (bare.terminal_time, bare.approval_number, bare.unique_number) = (String::new(), String::new(), String::new());
    let bare = known(bare);
    // The patient before paid the same amount within the same minute.
    let mut twin = approved(Amount(5100), started);
    twin.unique_number = "U0".to_owned();
    let twin = known(twin);
    let (empty, unknown) = (LastTransaction::Empty, LastTransaction::Unknown);
    // baseline, first, second, host reachable, memory trusted, P(aid) N(ot paid) S(taff) A(sk again)
    for (place, (before, first, second, host, trusted, wanted)) in [
        (&baseline(), &ours, &ours, true, true, 'P'),
        (&baseline(), &ours, &ours, false, false, 'P'),
        (&baseline(), &no_time, &no_time, true, true, 'P'),
        (&baseline(), &late, &late, true, true, 'S'),
        (&baseline(), &refused, &refused, true, true, 'S'),
        (&baseline(), &baseline(), &baseline(), true, true, 'N'),
        (&baseline(), &baseline(), &baseline(), false, true, 'S'),
        (&baseline(), &baseline(), &baseline(), true, false, 'S'),
        (&baseline(), &baseline(), &ours, true, true, 'S'),
        (&refused, &refused, &refused, true, true, 'N'),
        (&plain, &plain, &plain, true, true, 'S'),
        (&plain, &ours, &ours, true, true, 'P'),
        (&bare, &bare, &bare, true, true, 'S'),
        (&no_time, &no_time, &no_time, true, true, 'N'),
        (&twin, &ours, &ours, true, true, 'P'),
        (&twin, &twin, &twin, true, true, 'N'),
        (&baseline(), &empty, &empty, true, true, 'S'),
        (&baseline(), &empty, &ours, true, true, 'S'),
        (&baseline(), &unknown, &ours, true, true, 'A'),
        (&baseline(), &ours, &unknown, true, true, 'A'),
        (&empty, &ours, &ours, true, true, 'P'),
        (&empty, &ours, &ours, false, true, 'P'),
        (&empty, &ours, &ours, true, false, 'S'),
        (&empty, &late, &late, true, true, 'S'),
        (&empty, &no_time, &no_time, true, true, 'S'),
        (&empty, &refused, &refused, true, true, 'S'),
        (&empty, &empty, &empty, true, true, 'N'),
        (&empty, &empty, &empty, false, true, 'S'),
        (&empty, &empty, &empty, true, false, 'S'),
        (&empty, &empty, &ours, true, true, 'S'),
        (&unknown, &ours, &ours, true, true, 'S'),
    ]
    .into_iter()
    .enumerate()
    {
        let doubted = Doubted { baseline: before, amount: Amount(5100), started_at: started, zone: &seoul() };
        let told = Testimony { first, second, host_reachable: host, memory_trusted: trusted };
        let got = match verdict(&doubted, &told) {
            Verdict::Paid(_) => 'P',
            Verdict::NotPaid => 'N',
            Verdict::Staff(_) => 'S',
            Verdict::AskAgain => 'A',
        };
        assert_eq!(got, wanted, "row {place}");
    }
}

/// A terminal that is set to another zone, or not to summer time, is whole hours off. Its own running number is stronger than
/// its clock; nothing else is.
#[test]
fn a_clock_that_is_whole_hours_off_is_forgiven_where_the_number_went_on() {
    let started_at = time("2026-11-20T10:00:00");
    let numbered = |number: &str, at: DateTime<FixedOffset>| {
        let mut sale = approved(Amount(5100), at);
        sale.unique_number = number.to_owned();
        LastTransaction::Known(Box::new(sale))
    };
    let before = numbered("0011-000011", started_at - Duration::hours(20));
    let paid = |last: &LastTransaction, before: &LastTransaction, memory_trusted: bool| {
        let doubted = Doubted { baseline: before, amount: Amount(5100), started_at, zone: &seoul() };
        let told = Testimony { first: last, second: last, host_reachable: true, memory_trusted };
        matches!(verdict(&doubted, &told), Verdict::Paid(_))
    };
    for (minutes, fits) in [(-60, true), (60, true), (-75, true), (-46, true), (74, true), (-540, true), (-30, false)]
        .into_iter()
        .chain([(35, false), (44, false), (-1_620, false), (27 * 60, false), (60 * 24 * 3, false)])
    {
        let at = started_at + Duration::minutes(minutes);
        assert_eq!(paid(&numbered("0012-000012", at), &before, true), fits, "{minutes} minutes");
        assert!(!paid(&numbered("0012-000012", at), &before, false), "it may have fallen back: {minutes} minutes");
        assert!(!paid(&numbered("0010-000010", at), &before, true), "an older number: {minutes} minutes");
        assert!(!paid(&numbered("", at), &before, true), "no number: {minutes} minutes");
        assert!(!paid(&numbered("0012-000012", at), &LastTransaction::Empty, true), "none before: {minutes} minutes");
    }
}

/// Whatever the two clocks say, and however they jump: what was booked never becomes "not paid".
#[test]
fn wrong_clocks_never_unbook_a_payment() {
    let booked_at = time("2026-11-20T10:00:00");
    let ours = LastTransaction::Known(Box::new(approved(Amount(5100), booked_at)));
    for before in [baseline(), LastTransaction::Empty, LastTransaction::Unknown] {
        for minutes in (-3_000..3_000).step_by(7) {
            let started_at = booked_at + Duration::minutes(minutes);
            let doubted = Doubted { baseline: &before, amount: Amount(5100), started_at, zone: &seoul() };
            for trusted in [true, false] {
                let told = Testimony { first: &ours, second: &ours, host_reachable: trusted, memory_trusted: trusted };
                let fits = minutes.abs() <= 15
                    && match before {
                        LastTransaction::Known(_) => true,
                        LastTransaction::Empty => trusted,
                        LastTransaction::Unknown => false,
                    };
                match verdict(&doubted, &told) {
                    Verdict::Paid(_) => assert!(fits, "{minutes} minutes apart"),
                    Verdict::Staff(_) => assert!(!fits, "{minutes} minutes apart"),
                    other => panic!("{other:?} at {minutes} minutes"),
                }
            }
        }
    }
}

/// A terminal tells local time, and in the hours in which the clocks change that is two instants, or none.
#[test]
fn a_booking_in_the_hour_of_the_change_is_of_its_own_time() {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    for (terminal, started, fits) in [
        ("20261025023000", "2026-10-25T02:28:00+02:00", true),
        ("20261025023000", "2026-10-25T02:28:00+01:00", true),
        ("20261025023000", "2026-10-25T03:28:00+01:00", false),
        ("20261025013000", "2026-10-25T02:28:00+02:00", false),
        // Put forward late, or in time.
        ("20260329023000", "2026-03-29T03:28:00+02:00", true),
        ("20260329033000", "2026-03-29T03:28:00+02:00", true),
        ("20260329033000", "2026-03-29T01:28:00+01:00", false),
        // All summer, and all winter.
        ("20260715103000", "2026-07-15T08:28:00Z", true),
        ("20260115103000", "2026-01-15T09:28:00Z", true),
        ("20260715093000", "2026-07-15T08:28:00Z", false),
    ] {
        let mut booked = approved(Amount(5100), time("2026-11-20T10:00:00"));
        terminal.clone_into(&mut booked.terminal_time);
        let last = LastTransaction::Known(Box::new(booked));
        let started_at = DateTime::parse_from_rfc3339(started).unwrap();
        let doubted = Doubted { baseline: &baseline(), amount: Amount(5100), started_at, zone: &berlin };
        let told = Testimony { first: &last, second: &last, host_reachable: true, memory_trusted: false };
        assert_eq!(matches!(verdict(&doubted, &told), Verdict::Paid(_)), fits, "{terminal} {started}");
    }
}

/// The power went between `Sent` and the first byte of the charge: the kiosk cannot know that, so it asks.
#[test]
fn a_power_cut_before_the_first_byte_is_a_doubt() {
    for (survives, booked, wanted) in
        [(true, false, "NotPaid"), (false, false, "NeedsStaff"), (true, true, "Committed"), (false, true, "Committed")]
    {
        let mut facility = facility();
        facility.payment.last_transaction_survives_reboot = survives;
        let mut session = Session::new(Arc::new(facility));
        let wall = time("2026-11-20T09:00:00");
        let attempt = AttemptId(Uuid::from_u128(900));
        let record = PaymentRecord {
            attempt,
            number: "K3-0001".to_owned(),
            state: PaymentState::Sent,
            amount: Amount(5100),
            request: request(),
            receipt: receipt(),
            baseline: baseline(),
            transaction: None,
            reason: None,
            staff_reason: None,
            evidence: None,
            started_at: wall,
            receipt_printed: false,
            booking: Booking::Final,
            undo: None,
            day_closed: false,
        };
        let last = if booked { LastTransaction::Known(Box::new(approved(Amount(5100), wall))) } else { baseline() };
        let outcome = TerminalReport::Outcome {
            attempt,
            first: last.clone(),
            second: last,
            host_reachable: true,
            maybe_restarted: true,
        };
        let inputs = [
            Input::Restarted {
                open: vec![record],
                booked: Vec::new(),
                began: Vec::new(),
                strayed: Vec::new(),
                given: Given::default(),
                tries: None,
            },
            Input::Facility(Arc::new(self::facility())),
            Input::Deadline,
            Input::Terminal(TerminalReport::Online(true)),
            Input::Deadline,
            Input::Terminal(outcome),
        ];
        let mut entries = Vec::new();
        for (step, input) in (1..).zip(inputs) {
            let at = Moment { tick: Tick(step * 1_000), wall, fresh: Uuid::from_u128(u128::from(step)) };
            for did in keeping::play(&mut session, input, at, |_| Ok(())) {
                match did {
                    Did::Keep(Line::Entry(entry)) => entries.push(kind(&entry)),
                    Did::Do(Effect::Facility(_)) => entries.push("another configuration"),
                    Did::Do(Effect::Terminal(command)) => {
                        assert!(format!("{command:?}").starts_with("AskOutcome"), "only asked: {command:?}");
                    }
                    _shown => {}
                }
            }
        }
        let wanted = ["InDoubt", wanted, "another configuration"];
        assert_eq!(entries, wanted, "kept over a restart: {survives}, booked: {booked}");
    }
}

fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Intent { .. } => "Intent",
        Entry::Sent { .. } => "Sent",
        Entry::Answered { .. } => "Answered",
        Entry::Committed { .. } => "Committed",
        Entry::NotPaid { .. } => "NotPaid",
        Entry::InDoubt { .. } => "InDoubt",
        Entry::NeedsStaff { .. } => "NeedsStaff",
        Entry::Evidence { .. } => "Evidence",
        Entry::Undo(_) => "Undo",
        Entry::Closing(_) => "Closing",
        Entry::ReceiptPrinted { .. } => "ReceiptPrinted",
    }
}

/// Nobody's prices, words or rules change under their hands.
#[test]
fn another_configuration_holds_from_the_next_visit_on() {
    let mut session = Session::new(Arc::new(facility()));
    let korean = || Facility { languages: vec![Language::Ko], ..facility() };
    let (mut step, mut language_asked, mut changed) = (0, Vec::new(), Vec::new());
    let mut input = |input: Input| {
        step += 1;
        let at = Moment {
            tick: Tick(step * 1_000),
            wall: time("2026-11-20T09:00:00"),
            fresh: Uuid::from_u128(u128::from(step)),
        };
        for effect in keeping::effects(&mut session, input, at) {
            match effect {
                Effect::Facility(facility) => changed.push((step, facility.languages.len())),
                Effect::Show(view) if matches!(view.screen, Screen::Language { .. }) => language_asked.push(step),
                _other => {}
            }
        }
    };
    input(Input::Tapped(Tap::Start));
    input(Input::Facility(Arc::new(korean())));
    input(Input::Tapped(Tap::Language(Language::En)));
    input(Input::Tapped(Tap::Service(Service::Information)));
    input(Input::Facility(Arc::new(korean())));
    input(Input::Tapped(Tap::StartOver));
    input(Input::Tapped(Tap::Start));
    assert_eq!(changed, [(6, 1)], "with the end of the visit, and once");
    assert_eq!(language_asked, [1], "the next visit has one language");
}

/// What a patient types is in no log: `Debug` of what is shown names neither number nor birth date.
#[test]
fn typed_digits_are_not_in_debug_texts() {
    let mut play = Play::new();
    play.input(Input::Tapped(Tap::Start));
    for tap in [Tap::Language(Language::En), Tap::Service(Service::Documents), Tap::ForMe] {
        play.input(Input::Tapped(tap));
    }
    for digits in ["10293847", "19580412"] {
        for digit in digits.bytes() {
            let shown = play.shown(Input::Tapped(Tap::Digit(digit - b'0')));
            assert!(shown.contains("redacted"), "{shown}");
            assert!(!shown.contains("10") && !shown.contains("19"), "{shown}");
        }
        play.input(Input::Tapped(Tap::Next));
    }
}

#[test]
fn a_countdown_changes_once_a_second() {
    let mut session = Session::new(Arc::new(facility()));
    let mut tick = Tick(1_000);
    let mut shown = Vec::new();
    let mut inputs = vec![Input::Tapped(Tap::Start)];
    for step in 0..30_u128 {
        let input = inputs.pop().unwrap_or(Input::Deadline);
        let at = Moment { tick, wall: time("2026-11-20T09:00:00"), fresh: Uuid::from_u128(step) };
        for effect in keeping::effects(&mut session, input, at) {
            if let Effect::Show(view) = effect
                && let Screen::StillHere { seconds_left, seconds_total } = view.screen
            {
                assert_eq!(seconds_total, 20);
                shown.push(seconds_left);
            }
        }
        let Some(next) = session.deadline() else { break };
        tick = next;
    }
    let wanted: Vec<u32> = (1..=20).rev().collect();
    assert_eq!(shown, wanted);
}

/// Twenty wrong tries on a machine within ten minutes: for two minutes each look-up waits.
#[test]
fn a_guessed_at_machine_slows_down() {
    let mut play = Play::new();
    for slip in 0..20 {
        play.input(Input::Scanned(ScannedCode::AppointmentSlip(format!("S-{slip}"))));
        play.answer(Reply::NotFound);
        play.input(Input::Tapped(Tap::StartOver));
        play.tick = play.tick.plus_ms(1_000);
    }
    let asked = play.look_up();
    assert!(!asked, "not asked at once");
    play.tick = play.tick.plus_ms(10_000);
    assert!(play.input(Input::Deadline), "asked after the wait");
    play.input(Input::Tapped(Tap::StartOver));
    play.answer(Reply::NotFound);
    play.tick = play.tick.plus_ms(120_000);
    assert!(play.look_up(), "asked at once again");
}

struct Play {
    session: Session,
    tick: Tick,
    inputs: u128,
    /// Questions without an answer, the oldest first.
    questions: VecDeque<Uuid>,
}

impl Play {
    fn new() -> Self {
        Self { session: Session::new(Arc::new(facility())), tick: Tick(1_000), inputs: 0, questions: VecDeque::new() }
    }

    /// Whether a patient was asked for.
    fn input(&mut self, input: Input) -> bool {
        self.inputs += 1;
        let at = Moment { tick: self.tick, wall: time("2026-11-20T09:00:00"), fresh: Uuid::from_u128(self.inputs) };
        let mut asked = false;
        for effect in keeping::effects(&mut self.session, input, at) {
            if let Effect::Ask { id, question } = effect {
                self.questions.push_back(id);
                asked |= matches!(question, Question::FindPatient { .. });
            }
        }
        asked
    }

    fn answer(&mut self, reply: Reply) {
        let id = self.questions.pop_front().expect("a question");
        self.input(Input::Hospital { id, reply });
    }

    fn shown(&mut self, input: Input) -> String {
        self.inputs += 1;
        let at = Moment { tick: self.tick, wall: time("2026-11-20T09:00:00"), fresh: Uuid::from_u128(self.inputs) };
        let effects = keeping::effects(&mut self.session, input, at);
        effects
            .iter()
            .filter_map(
                |effect| if let Effect::Show(view) = effect { Some(format!("{:?}", view.screen)) } else { None },
            )
            .collect()
    }

    fn look_up(&mut self) -> bool {
        self.input(Input::Scanned(ScannedCode::PatientCard(PatientNumber("10293847".to_owned()))));
        for digit in [1, 9, 5, 8, 0, 4, 1, 2] {
            self.input(Input::Tapped(Tap::Digit(digit)));
        }
        self.input(Input::Tapped(Tap::Next))
    }
}
