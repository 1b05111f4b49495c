//! Who is it? Number, birth date, look-up: the first steps of check-in and documents.
//!
//! ```text
//! Number ─Next─▶ BirthDate ─Next─▶ (Held) ─▶ Asking ─┬ Found ────────▶ the journey goes on
//!   ▲  card scan ──▲                                 ├ NotFound, Obscured ─▶ Number again, or the desk: a wrong try
//!   │                                                ├ Ambiguous ────▶ the desk: found, as tries are counted
//!   │                                                ├ Unreadable ───▶ the desk, or try again: a wrong try
//!   └────────────── not found ◀──────────────────────┴ Unreachable ──▶ the desk, or try again: a wrong try
//! ```
//! `Held`: the machine is slowed, or too many answers that nobody waits for are still on their way.
//! `Unreachable` and `Unreadable` come when today's cache had nobody like that either: it was asked, so it is a try.
//! Money and paper: none, in every state. A number alone shows nothing personal.

use super::entry::{DateDigits, Digits};
use crate::domain::journey::seconds;
use crate::domain::limits::LOOK_UP_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::patient::{BirthDate, Patient, PatientNumber, ScannedCode};
use crate::domain::question::{Question, Reply};
use crate::domain::screen::{EntryProblem, NumberEntry, NumberOf, Screen, SorryWhy, Tap, Waiting};
use crate::domain::session::guess::Counting;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::tries::{Miss, Named, SLOW_LOOK_UP_MS};
use zeroize::Zeroize;

pub struct Identify {
    state: State,
    digits: Digits,
    date: DateDigits,
    problem: Option<EntryProblem>,
    /// The number came from a card: a wrong birth date asks for the birth date again.
    by_card: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Number,
    BirthDate,
    Held { not_before: Tick, until: Tick },
    Asking { until: Tick },
}

/// What came out of an input.
pub enum Identified {
    NotYet,
    /// Back from the first question.
    Back,
    Found(Box<Patient>),
    Sorry {
        why: SorryWhy,
        retry: bool,
    },
}

impl Identify {
    pub fn new() -> Self {
        Self {
            state: State::Number,
            digits: Digits::default(),
            date: DateDigits::default(),
            problem: None,
            by_card: false,
        }
    }

    pub fn after_unknown_code() -> Self {
        let mut who = Self::new();
        who.refuse(EntryProblem::UnknownCode);
        who
    }

    /// `None` if the card's number cannot be one of ours.
    pub fn from_card(number: &PatientNumber, kiosk: &Kiosk) -> Option<Self> {
        let mut who = Self::new();
        who.take_card(number, kiosk).then_some(who)
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Identified {
        match self.state {
            State::Number => self.tap_number(tap, kiosk),
            State::BirthDate => self.tap_birth_date(tap, kiosk),
            State::Held { .. } | State::Asking { .. } => self.tap_waiting(tap, kiosk),
        }
    }

    fn tap_number(&mut self, tap: Tap, kiosk: &Kiosk) -> Identified {
        let slots = usize::from(kiosk.facility.number_digits);
        if self.digits.tap(tap, slots) {
            self.problem = None;
        } else if tap == Tap::Next {
            self.problem = (self.digits.len() < slots).then_some(EntryProblem::Incomplete);
            if self.problem.is_none() {
                self.state = State::BirthDate;
            }
        } else if tap == Tap::Back {
            return Identified::Back;
        }
        Identified::NotYet
    }

    fn tap_birth_date(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Identified {
        if let Tap::Digit(digit) = tap {
            self.date.push(digit, kiosk.now);
        } else if tap == Tap::Erase {
            self.date.erase();
        } else if tap == Tap::ClearAll {
            self.date.clear();
        } else if tap == Tap::Back {
            self.date.clear();
            self.by_card = false;
            self.state = State::Number;
        } else if tap == Tap::Next {
            return self.look_up(kiosk);
        }
        Identified::NotYet
    }

    /// A wait can be called off; its answer is then thrown away.
    fn tap_waiting(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Identified {
        if tap == Tap::Back {
            kiosk.questions.abandon();
            self.state = State::BirthDate;
        }
        Identified::NotYet
    }

    pub fn scanned(&mut self, code: &ScannedCode, kiosk: &Kiosk) {
        if !matches!(self.state, State::Number | State::BirthDate) {
            return;
        }
        let taken = match code {
            ScannedCode::PatientCard(number) => self.take_card(number, kiosk),
            ScannedCode::AppointmentSlip(_) | ScannedCode::Unknown => false,
        };
        if !taken {
            self.refuse(EntryProblem::UnknownCode);
        }
    }

    fn take_card(&mut self, number: &PatientNumber, kiosk: &Kiosk) -> bool {
        let slots = usize::from(kiosk.facility.number_digits);
        if number.0.len() != slots || !number.0.bytes().all(|digit| digit.is_ascii_digit()) {
            return false;
        }
        self.digits.clear();
        for digit in number.0.bytes() {
            self.digits.push(digit - b'0', slots);
        }
        self.date.clear();
        self.problem = None;
        self.by_card = true;
        self.state = State::BirthDate;
        true
    }

    fn refuse(&mut self, problem: EntryProblem) {
        match self.state {
            State::Number => self.problem = Some(problem),
            State::BirthDate => self.date.problem = Some(problem),
            State::Held { .. } | State::Asking { .. } => {}
        }
    }

    fn look_up(&mut self, kiosk: &mut Kiosk) -> Identified {
        if self.date.date().is_none() {
            self.date.problem = Some(EntryProblem::Incomplete);
            return Identified::NotYet;
        }
        if kiosk.is_locked(Named::Number(&self.number())) {
            return Identified::Sorry { why: SorryWhy::TooManyTries, retry: false };
        }
        let not_before = kiosk.look_up_from();
        let until = kiosk.questions.free_at(kiosk.tick()).max(not_before);
        self.state = State::Held { not_before, until };
        self.time(kiosk)
    }

    /// Asks as soon as it may; gives up when no answer came.
    pub fn time(&mut self, kiosk: &mut Kiosk) -> Identified {
        let now = kiosk.tick();
        match self.state {
            State::Number | State::BirthDate => Identified::NotYet,
            State::Held { not_before, .. } => {
                if now >= not_before && kiosk.questions.is_free(now) {
                    self.ask(kiosk);
                }
                Identified::NotYet
            }
            State::Asking { until } if now < until => Identified::NotYet,
            State::Asking { .. } => {
                // Nothing was answered, so that nothing was tried.
                kiosk.questions.abandon();
                self.sent_to_desk(SorryWhy::Offline, true)
            }
        }
    }

    fn ask(&mut self, kiosk: &mut Kiosk) {
        let Some(birth_date) = self.date.date() else { return };
        self.state = State::Asking { until: kiosk.tick().plus_ms(LOOK_UP_LIMIT_MS) };
        kiosk.ask(Question::FindPatient { number: self.number(), birth_date, by_card: self.by_card });
    }

    /// What this answer counts as; `None` if nothing was looked up.
    pub fn count(&self, reply: &Reply, kiosk: &Kiosk) -> Option<Counting> {
        if !matches!(self.state, State::Asking { .. }) {
            return None;
        }
        let (number, counting) = (self.number(), kiosk.counting());
        let named = Named::Number(&number);
        Some(match reply {
            Reply::Found(patient) if self.asked_for(patient) => counting.found(named, kiosk),
            Reply::Ambiguous => counting.found(named, kiosk),
            Reply::NotFound | Reply::Obscured => counting.missed(named, Miss::ByHospital, kiosk),
            Reply::Found(_)
            | Reply::Unreachable
            | Reply::Unreadable
            | Reply::Appointments { .. }
            | Reply::Slip { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => counting.missed(named, Miss::ByCache, kiosk),
        })
    }

    /// What it counts as is durable by now; `to_desk`: it was one wrong try too many.
    pub fn reply(&mut self, reply: Reply, to_desk: bool) -> Identified {
        if !matches!(self.state, State::Asking { .. }) {
            return Identified::NotYet;
        }
        match reply {
            Reply::Found(patient) if self.asked_for(&patient) => Identified::Found(patient),
            Reply::NotFound | Reply::Obscured => self.not_found(to_desk),
            Reply::Ambiguous => self.sent_to_desk(SorryWhy::Ambiguous, false),
            Reply::Unreachable => self.not_in_cache(SorryWhy::Offline, to_desk),
            // An answer is never waited past, also one to something else.
            Reply::Found(_)
            | Reply::Unreadable
            | Reply::Appointments { .. }
            | Reply::Slip { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => self.not_in_cache(SorryWhy::Unreadable, to_desk),
        }
    }

    /// Only the person asked for is taken. Whoever else it is was not asked for: nobody can say what that answer means.
    fn asked_for(&self, patient: &Patient) -> bool {
        patient.number == self.number() && Some(patient.birth_date) == self.date.date()
    }

    fn not_found(&mut self, to_desk: bool) -> Identified {
        self.date.clear();
        if to_desk {
            return Identified::Sorry { why: SorryWhy::TooManyTries, retry: false };
        }
        self.state = if self.by_card { State::BirthDate } else { State::Number };
        self.refuse(EntryProblem::NotFound);
        Identified::NotYet
    }

    /// Whoever is not there and whoever gave a wrong date of birth hear the same, and it counts the same: the desk can look.
    fn not_in_cache(&mut self, why: SorryWhy, to_desk: bool) -> Identified {
        if to_desk {
            return self.sent_to_desk(SorryWhy::TooManyTries, false);
        }
        self.sent_to_desk(why, true)
    }

    fn sent_to_desk(&mut self, why: SorryWhy, retry: bool) -> Identified {
        self.state = State::BirthDate;
        Identified::Sorry { why, retry }
    }

    fn number(&self) -> PatientNumber {
        PatientNumber(self.digits.as_str().to_owned())
    }

    pub fn screen(&self, kiosk: &Kiosk) -> Screen {
        match self.state {
            State::Number => Screen::Number(NumberEntry {
                of: NumberOf::Patient,
                digits: self.digits.as_str().to_owned(),
                slots: kiosk.facility.number_digits,
                problem: self.problem,
            }),
            State::BirthDate => Screen::BirthDate(self.date.entry()),
            State::Held { until, .. } => wait(Waiting::LookUp, until, SLOW_LOOK_UP_MS, kiosk),
            State::Asking { until } => wait(Waiting::LookUp, until, LOOK_UP_LIMIT_MS, kiosk),
        }
    }

    /// 1 = number, 2 = birth date or looking.
    pub fn step(&self) -> u8 {
        match self.state {
            State::Number => 1,
            State::BirthDate | State::Held { .. } | State::Asking { .. } => 2,
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        match self.state {
            State::Number | State::BirthDate => None,
            State::Held { until, .. } | State::Asking { until } => Some(until),
        }
    }
}

/// The waiting screen up to `until`.
pub fn wait(what: Waiting, until: Tick, total_ms: u64, kiosk: &Kiosk) -> Screen {
    let total = seconds(total_ms);
    let left = kiosk.tick().seconds_until(until);
    Screen::Wait { what, seconds_left: left, seconds_total: total.max(left) }
}

/// Overwrites what a session knew of a person.
pub fn forget(patient: &mut Patient) {
    patient.number.0.zeroize();
    patient.masked_name.zeroize();
    patient.server_ref.zeroize();
    patient.birth_date = BirthDate(chrono::NaiveDate::MIN);
}
