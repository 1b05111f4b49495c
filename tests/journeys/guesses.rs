//! Somebody who tries: with numbers of others, a telephone that shows codes, the network's plug and the mains' in the hand. And
//! the patient with a shaky hand, who must not be worse off.

use super::facility::facility;
use super::keeping::{self, Did, Lost};
use chrono::{DateTime, FixedOffset, NaiveDate};
use hospital_kiosk::domain::clock::Standing;
use hospital_kiosk::domain::enquiry::Enquired;
use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::numbers::Given;
use hospital_kiosk::domain::patient::{Appointment, AppointmentState, BirthDate, Patient, PatientNumber, ScannedCode};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::domain::screen::{Screen, Service, SorryWhy, Tap};
use hospital_kiosk::domain::session::{Effect, Input, Session};
use hospital_kiosk::domain::tries::TriesKept;
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

const DAY_MS: u64 = 24 * 3_600_000;

/// A kiosk, its store of tries, and somebody in front of it.
struct Lobby {
    session: Session,
    kept: Option<TriesKept>,
    tick: Tick,
    wall: DateTime<FixedOffset>,
    inputs: u128,
    screen: Screen,
    asked: bool,
    /// Somebody asks what became of a payment.
    enquired: Option<Uuid>,
    /// The next write fails.
    disk_full: bool,
    /// Not answered yet, the oldest first.
    questions: VecDeque<Uuid>,
}

impl Lobby {
    fn new() -> Self {
        Self {
            session: Session::new(Arc::new(facility())),
            kept: None,
            tick: Tick(1_000),
            wall: DateTime::parse_from_rfc3339("2026-11-20T09:00:00+09:00").unwrap(),
            inputs: 0,
            screen: Screen::Idle,
            asked: false,
            enquired: None,
            disk_full: false,
            questions: VecDeque::new(),
        }
    }

    fn input(&mut self, input: Input) {
        self.inputs += 1;
        let at = Moment { tick: self.tick, wall: self.wall, fresh: Uuid::from_u128(self.inputs) };
        let mut shown = false;
        let (kept, disk_full) = (&mut self.kept, &mut self.disk_full);
        let keep = |lines: &[Line]| {
            let tries =
                || lines.iter().filter_map(|line| if let Line::Tries(tried) = line { Some(tried) } else { None });
            if tries().next().is_some() && std::mem::take(disk_full) {
                return Err(Lost::Disk);
            }
            tries().for_each(|tried| tried.keep(kept));
            Ok(())
        };
        for did in keeping::play(&mut self.session, input, at, keep) {
            match did {
                Did::Keep(Line::Tries(_)) => assert!(!shown, "shown before it was counted"),
                Did::Keep(_) => {}
                Did::Do(effect) => self.do_it(effect, &mut shown),
            }
        }
    }

    fn do_it(&mut self, effect: Effect, shown: &mut bool) {
        match effect {
            Effect::SaveTries(tried) => {
                assert!(!tried.counts, "shown before it was counted");
                tried.keep(&mut self.kept);
            }
            Effect::Show(view) => {
                *shown = true;
                self.screen = view.screen;
            }
            Effect::Ask { id, question } => {
                self.questions.push_back(id);
                self.asked |= matches!(question, Question::FindPatient { .. } | Question::Slip { .. });
            }
            Effect::FindPayment { visit, .. } => self.enquired = Some(visit),
            _other => {}
        }
    }

    fn pass(&mut self, ms: u64) {
        let end = self.tick.plus_ms(ms);
        while let Some(due) = self.session.deadline().filter(|due| *due <= end) {
            self.until(due);
            self.input(Input::Deadline);
        }
        self.until(end);
    }

    fn until(&mut self, tick: Tick) {
        self.wall += chrono::Duration::milliseconds(i64::try_from(tick.ms_since(self.tick)).unwrap());
        self.tick = tick;
    }

    fn power_cut(&mut self) {
        self.session = Session::new(Arc::new(facility()));
        self.pass(5_000);
        self.input(Input::restarted(Vec::new(), Given::default(), self.kept.clone()));
    }

    /// Types a number and a date of birth at check-in. How long it waited until it was asked; `None`: never.
    fn types(&mut self, number: &str) -> Option<u64> {
        self.input(Input::Tapped(Tap::StartOver));
        self.input(Input::Tapped(Tap::Start));
        self.input(Input::Tapped(Tap::Language(hospital_kiosk::domain::language::Language::En)));
        self.input(Input::Tapped(Tap::Service(Service::CheckIn)));
        self.digits(number);
        self.input(Input::Tapped(Tap::Next));
        self.born()
    }

    /// Holds a patient card to the reader.
    fn card(&mut self, number: &str) -> Option<u64> {
        self.input(Input::Tapped(Tap::StartOver));
        self.input(Input::Scanned(ScannedCode::PatientCard(PatientNumber(number.to_owned()))));
        self.born()
    }

    fn digits(&mut self, digits: &str) {
        for digit in digits.bytes() {
            self.input(Input::Tapped(Tap::Digit(digit - b'0')));
        }
    }

    fn born(&mut self) -> Option<u64> {
        self.digits("19580412");
        self.asked = false;
        self.input(Input::Tapped(Tap::Next));
        self.waited()
    }

    /// Holds a telephone with a code to the reader.
    fn slip(&mut self, code: &str) -> Option<u64> {
        self.input(Input::Tapped(Tap::StartOver));
        self.asked = false;
        self.input(Input::Scanned(ScannedCode::AppointmentSlip(code.to_owned())));
        self.waited()
    }

    fn waited(&mut self) -> Option<u64> {
        for waited_s in 0..=15 {
            if self.asked {
                return Some(waited_s);
            }
            if self.sorry().is_some() {
                break;
            }
            self.pass(1_000);
        }
        None
    }

    fn answer(&mut self, reply: Reply) {
        let id = self.questions.pop_front().unwrap_or_default();
        self.input(Input::Hospital { id, reply });
    }

    /// Found, with one appointment.
    fn answer_found(&mut self, number: &str) {
        self.answer(Reply::Found(Box::new(patient(number))));
        self.answer(Reply::Appointments { offline: false, list: vec![visit(1)], complete: true });
    }

    fn sorry(&self) -> Option<SorryWhy> {
        match &self.screen {
            Screen::Sorry { why, .. } => Some(*why),
            _other => None,
        }
    }
}

fn patient(number: &str) -> Patient {
    Patient {
        number: PatientNumber(number.to_owned()),
        birth_date: BirthDate(NaiveDate::from_ymd_opt(1958, 4, 12).unwrap()),
        masked_name: "J••• S•••".to_owned(),
        server_ref: Some(format!("Patient/{number}")),
        offline: false,
        identity_verified_on: None,
    }
}

fn visit(number: u32) -> Appointment {
    let name = super::facility::text("somewhere");
    Appointment {
        server_ref: format!("Appointment/{number}"),
        slip: None,
        version: "1".to_owned(),
        starts_at: DateTime::parse_from_rfc3339("2026-11-20T10:00:00+09:00").unwrap(),
        clinic: name.clone(),
        place: name,
        state: AppointmentState::Booked,
        referral_or_emergency: false,
        other_site: false,
    }
}

fn slip_of(number: u32) -> Reply {
    Reply::Slip { patient: Box::new(patient("10293847")), appointment: Box::new(visit(number)) }
}

/// Whatever says that there is nobody.
fn misses() -> [Reply; 4] {
    [Reply::NotFound, Reply::Obscured, Reply::Unreachable, Reply::Unreadable]
}

#[test]
fn three_misses_lock_whatever_was_tried_however_it_was_answered_and_over_a_restart() {
    for miss in misses() {
        for way in ["typed", "card", "slip"] {
            let mut lobby = Lobby::new();
            let tried = |lobby: &mut Lobby| match way {
                "typed" => lobby.types("30571926"),
                "card" => lobby.card("30571926"),
                _ => lobby.slip("A-30571926"),
            };
            for _ in 0..3 {
                assert!(tried(&mut lobby).is_some(), "{way} {miss:?}");
                lobby.answer(miss.clone());
                lobby.power_cut();
            }
            assert_eq!(tried(&mut lobby), None, "{way} {miss:?}: the fourth is not even asked");
            assert_eq!(lobby.sorry(), Some(SorryWhy::TooManyTries), "{way} {miss:?}");
            lobby.pass(DAY_MS);
            assert!(tried(&mut lobby).is_some(), "{way} {miss:?}: another day");
        }
    }
}

#[test]
fn a_number_is_one_number_whether_it_is_typed_or_on_a_card() {
    let mut lobby = Lobby::new();
    for look_up in [Lobby::types, Lobby::card, Lobby::types] {
        look_up(&mut lobby, "30571926").expect("asked");
        lobby.answer(Reply::NotFound);
    }
    assert_eq!(lobby.sorry(), Some(SorryWhy::TooManyTries));
    assert_eq!((lobby.card("30571926"), lobby.types("30571926")), (None, None));
}

/// A record that cannot be read, a wrong date of birth and nobody at all: the same screens, the same count.
#[test]
fn no_word_tells_a_number_that_exists_from_another() {
    let screens = |miss: Reply| {
        let mut lobby = Lobby::new();
        (0..4)
            .map(|_| {
                let waited = lobby.types("30571926");
                lobby.answer(miss.clone());
                (waited, lobby.screen.clone(), lobby.kept.as_ref().map(|kept| kept.machine.clone()))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(screens(Reply::NotFound), screens(Reply::Obscured));
}

/// One who pulls the network's plug guesses against the cache of the day: from the third miss on at ten seconds a look-up.
#[test]
fn against_the_cache_the_third_miss_slows_the_machine() {
    for miss in [Reply::Unreachable, Reply::Unreadable] {
        let mut lobby = Lobby::new();
        let waited: Vec<Option<u64>> = (0..6)
            .map(|person| {
                let waited = lobby.types(&format!("3057192{person}"));
                lobby.answer(miss.clone());
                waited
            })
            .collect();
        assert_eq!(waited, [0, 0, 0, 10, 10, 10].map(Some), "{miss:?}");
    }
    let mut lobby = Lobby::new();
    let waited: Vec<Option<u64>> = (0..6)
        .map(|person| {
            let waited = lobby.types(&format!("3057192{person}"));
            lobby.answer(Reply::NotFound);
            waited
        })
        .collect();
    assert_eq!(waited, [Some(0); 6], "the hospital itself answers: twenty, as ever");
}

#[test]
fn every_look_up_is_slowed_whatever_slowed_the_machine() {
    let mut lobby = Lobby::new();
    for code in 0..20 {
        assert_eq!(lobby.slip(&format!("S-{code}")), Some(0));
        lobby.answer(Reply::NotFound);
    }
    assert_eq!(lobby.slip("S-20"), Some(10));
    lobby.answer(Reply::NotFound);
    assert_eq!(lobby.types("30571926"), Some(10));
    lobby.answer(Reply::NotFound);
    assert_eq!(lobby.card("30571927"), Some(10));
    lobby.answer(Reply::NotFound);
    lobby.power_cut();
    assert_eq!(lobby.slip("S-21"), Some(10), "a power cut gives nothing back");
    lobby.answer(Reply::NotFound);
    lobby.pass(11 * 60_000);
    assert_eq!(lobby.slip("S-22"), Some(0), "over after its time");
}

/// One code after the other of those that there are: five people are shown, then it is slow.
#[test]
fn five_people_looked_at_and_left_slow_the_machine() {
    let mut lobby = Lobby::new();
    for person in 0..5 {
        assert_eq!(lobby.slip(&format!("S-{person}")), Some(0));
        lobby.answer(slip_of(person));
        if person == 3 {
            lobby.power_cut();
        }
    }
    assert_eq!(lobby.slip("S-5"), Some(10));
    let mut lobby = Lobby::new();
    for person in 0..5 {
        lobby.types(&format!("3057192{person}")).expect("asked");
        lobby.answer_found(&format!("3057192{person}"));
    }
    assert_eq!(lobby.types("30571925"), Some(10), "by number as well");
}

/// A lobby full of people who check in, and one who comes back to the same screen again and again.
#[test]
fn who_checks_in_counts_for_nothing_and_the_same_person_for_one() {
    let mut lobby = Lobby::new();
    for person in 0..30 {
        assert_eq!(lobby.slip(&format!("S-{person}")), Some(0), "{person}");
        lobby.answer(slip_of(person));
        lobby.input(Input::Tapped(Tap::Insurance(hospital_kiosk::domain::patient::InsuranceAnswer::No)));
        lobby.input(Input::Tapped(Tap::Next));
        assert!(matches!(lobby.screen, Screen::CheckedIn(_)), "{:?}", lobby.screen);
    }
    for _ in 0..10 {
        assert_eq!(lobby.slip("S-A"), Some(0));
        lobby.answer(slip_of(99));
    }
}

/// Two wrong dates and then the right one: the count begins anew.
#[test]
fn a_shaky_hand_that_gets_there_has_its_tries_back() {
    let mut lobby = Lobby::new();
    for _ in 0..3 {
        for _ in 0..2 {
            lobby.types("10293847").expect("asked");
            lobby.answer(Reply::NotFound);
        }
        lobby.types("10293847").expect("asked");
        lobby.answer_found("10293847");
        assert_eq!(lobby.screen, Screen::Insurance);
    }
}

#[test]
fn no_number_of_wrong_numbers_frees_a_locked_one() {
    let mut lobby = Lobby::new();
    for _ in 0..3 {
        lobby.types("30571926").expect("asked");
        lobby.answer(Reply::NotFound);
    }
    for other in 0..2_500 {
        lobby.types(&format!("4{other:07}")).expect("asked");
        lobby.answer(Reply::NotFound);
    }
    assert_eq!(lobby.types("30571926"), None, "still locked");
    lobby.power_cut();
    assert_eq!(lobby.types("30571926"), None, "still locked after a restart");
    assert!(lobby.kept.as_ref().is_some_and(|kept| kept.book.len() == 2_000), "and it does not grow");
}

/// Thousands of tries on one day: whoever is not known by then is not looked up by number any more.
#[test]
fn a_book_full_of_locked_ones_locks_the_rest() {
    let mut lobby = Lobby::new();
    lobby.types("30571926").expect("asked");
    lobby.answer(Reply::NotFound);
    let kept = lobby.kept.as_mut().expect("kept");
    kept.book = (0..2_000).map(|key| (Uuid::from_u128(key), 3)).collect();
    lobby.power_cut();
    assert_eq!((lobby.types("30571926"), lobby.slip("S-1")), (None, None));
    assert_eq!(lobby.sorry(), Some(SorryWhy::TooManyTries));
}

/// What cannot be counted is not told, and the next patient does not wait for it.
#[test]
fn nothing_is_told_that_could_not_be_counted() {
    let told = |reply: Reply| {
        let mut lobby = Lobby::new();
        lobby.types("30571926").expect("asked");
        lobby.disk_full = true;
        lobby.answer(reply);
        let screen = lobby.screen.clone();
        assert_eq!(lobby.types("10293847"), Some(0), "the answer is not waited for again");
        screen
    };
    let wanted = told(Reply::NotFound);
    assert!(matches!(wanted, Screen::Sorry { why: SorryWhy::CannotRecord, .. }), "{wanted:?}");
    for reply in [Reply::Unreachable, Reply::Unreadable, Reply::Ambiguous, Reply::Found(Box::new(patient("30571926")))]
    {
        assert_eq!(told(reply), wanted);
    }
}

/// A clock that goes back and forth over midnight gives at most the tries of each day, never more.
#[test]
fn a_clock_that_goes_back_gives_no_try_back() {
    let mut lobby = Lobby::new();
    for _ in 0..3 {
        lobby.types("30571926").expect("asked");
        lobby.answer(Reply::NotFound);
    }
    for days in 1..4 {
        lobby.wall -= chrono::Duration::days(days);
        assert_eq!(lobby.types("30571926"), None);
    }
}

fn locked() -> Lobby {
    let mut lobby = Lobby::new();
    for _ in 0..3 {
        lobby.types("30571926").expect("asked");
        lobby.answer(Reply::NotFound);
    }
    lobby
}

/// Whoever moves the clock of the machine, by its network say, waits for midnight like anybody.
#[test]
fn a_clock_that_jumps_frees_nothing_before_the_day_is_over() {
    let mut lobby = locked();
    for days in [1, 1, -3, 2, 400] {
        lobby.wall += chrono::Duration::days(days);
        assert_eq!(lobby.types("30571926"), None, "{days}");
    }
    // Locked at nine in the morning.
    lobby.pass(15 * 3_600_000);
    assert!(lobby.types("30571926").is_some(), "the day is over");
    // The same while the power is away: only somebody else can tell how long that was.
    let mut lobby = locked();
    lobby.power_cut();
    for standing in [Standing::Unheard, Standing::Disputed { ahead_s: -172_800 }] {
        lobby.wall += chrono::Duration::days(1);
        lobby.input(Input::Clock(standing));
        assert_eq!(lobby.types("30571926"), None, "{standing:?}");
    }
    lobby.wall -= chrono::Duration::days(2);
    lobby.input(Input::Clock(Standing::Agreed));
    assert_eq!(lobby.types("30571926"), None, "it is the same day");
    lobby.wall += chrono::Duration::days(1);
    lobby.input(Input::Clock(Standing::Agreed));
    assert_eq!(lobby.types("30571926"), None, "it jumped once more");
    let mut lobby = locked();
    lobby.wall += chrono::Duration::hours(15);
    lobby.power_cut();
    assert_eq!(lobby.types("30571926"), None, "nobody says that the night is over");
    lobby.input(Input::Clock(Standing::Agreed));
    assert!(lobby.types("30571926").is_some());
}

/// A lock of a day that is years away is over after a day like any other.
#[test]
fn a_lock_made_in_a_wrong_future_ends_with_its_day() {
    let mut lobby = Lobby::new();
    let today = lobby.wall;
    lobby.wall += chrono::Duration::days(4_000);
    for _ in 0..3 {
        lobby.types("30571926").expect("asked");
        lobby.answer(Reply::NotFound);
    }
    lobby.wall = today;
    assert_eq!(lobby.types("30571926"), None);
    lobby.pass(DAY_MS);
    assert!(lobby.types("30571926").is_some());
}

#[test]
fn nothing_that_is_kept_is_a_number() {
    let mut lobby = Lobby::new();
    for number in ["30571926", "30571927"] {
        lobby.types(number).expect("asked");
        lobby.answer(Reply::NotFound);
    }
    lobby.slip("A-30571926").expect("asked");
    lobby.answer(slip_of(1));
    let kept = format!("{:?}", lobby.kept);
    assert!(!kept.contains("3057192") && kept.contains("book"), "{kept}");
}

/// Whoever calls a look-up off before its answer, or leaves, has tried all the same; whoever was found so has seen nothing.
#[test]
fn a_look_up_that_is_called_off_counts_when_its_answer_comes() {
    type CallOff = fn(&mut Lobby);
    let ways: [(&str, CallOff); 2] = [
        ("back", |lobby| lobby.input(Input::Tapped(Tap::Back))),
        ("over", |lobby| lobby.input(Input::Tapped(Tap::StartOver))),
    ];
    for (way, call_off) in ways {
        for slip in [false, true] {
            for miss in misses() {
                let mut lobby = Lobby::new();
                let tried = |lobby: &mut Lobby| {
                    if slip { lobby.slip("A-30571926") } else { lobby.types("30571926") }
                };
                for _ in 0..3 {
                    assert!(tried(&mut lobby).is_some(), "{way} {slip} {miss:?}");
                    lobby.pass(500);
                    call_off(&mut lobby);
                    lobby.answer(miss.clone());
                    lobby.power_cut();
                }
                assert_eq!(tried(&mut lobby), None, "{way} {slip} {miss:?}: the fourth is not even asked");
            }
        }
        let mut patient = Lobby::new();
        for _ in 0..6 {
            assert_eq!(patient.types("10293847"), Some(0), "{way}: nobody in a hurry is worse off");
            call_off(&mut patient);
            patient.answer_found("10293847");
        }
    }
}

#[test]
fn neither_number_of_a_payment_is_tried_for_ever_beside_others() {
    let known = "0001";
    for known_first in [true, false] {
        let mut lobby = Lobby::new();
        let mut asked = 0;
        for card in 1_000..1_010 {
            let card = card.to_string();
            let pair = if known_first { [known, &card] } else { [&card, known] };
            lobby.input(Input::Tapped(Tap::StartOver));
            lobby.input(Input::Tapped(Tap::Start));
            lobby.input(Input::Tapped(Tap::Language(hospital_kiosk::domain::language::Language::En)));
            lobby.input(Input::Tapped(Tap::Service(Service::Reprint)));
            for digits in pair {
                lobby.digits(digits);
                lobby.input(Input::Tapped(Tap::Next));
                lobby.pass(11_000);
                if let Some(visit) = lobby.enquired.take() {
                    lobby.input(Input::Enquired { visit, answer: Enquired::Nothing });
                }
            }
            if lobby.sorry() == Some(SorryWhy::TooManyTries) {
                break;
            }
            asked += 1;
        }
        assert!(asked <= 2, "known first: {known_first}, {asked} others were tried beside it");
    }
}
