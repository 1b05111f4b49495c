//! Check-in.
//!
//! ```text
//! Who ─found─▶ Listing ─▶ Insurance? ─▶ Choose ─Next─▶ CheckedIn
//! slip ──────▶ Slip ──────────▲           │ all already done: "at 09:12", ticket again ─▶ CheckedIn (DUPLICATE)
//!    nothing to check in, under age, not found, offline ─▶ HandOff (why, which desk)
//! ```
//! Money: none, in every state. Paper: none before `CheckedIn`; there the ticket was sent to the printer after the
//! number was saved and each arrival was queued durably, so paper never promises what is not on disk.

mod screens;
mod slip;

use super::arrival;
use super::step::hand_off::{HandOff, Next};
use super::step::identify::{self, Identified, Identify};
use super::{Flow, Kept, Leaving, NotKept};
use crate::domain::finished::{JourneyKind, Outcome};
use crate::domain::limits::LOOK_UP_LIMIT_MS;
use crate::domain::line::Line;
use crate::domain::moment::Tick;
use crate::domain::outbox::{Act, Request};
use crate::domain::paper::{DeskReason, Paper, Ticket};
use crate::domain::patient::{Appointment, InsuranceAnswer, Patient, PatientNumber, ScannedCode};
use crate::domain::question::{Question, Reply};
use crate::domain::screen::{RowState, SorryWhy, Tap};
use crate::domain::session::guess::Counting;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{IfKept, IfNotKept};
use chrono::Timelike;
use uuid::Uuid;
use zeroize::Zeroize;

pub struct CheckIn {
    visit: Uuid,
    state: State,
    patient: Option<Box<Patient>>,
    /// By slip: identity was not verified, so no name is shown.
    by_slip: bool,
    offline: bool,
    /// Not all that is there today could be read.
    more: Option<DeskReason>,
    list: Vec<(Appointment, RowState)>,
    answer: Option<InsuranceAnswer>,
    finished: bool,
}

enum State {
    Who(Identify),
    /// Asked when no earlier than `not_before` the question is free, at `hold` at the latest; given up at `until`.
    Slip {
        not_before: Tick,
        hold: Tick,
        until: Tick,
        asked: bool,
        code: String,
    },
    Listing {
        until: Tick,
    },
    Insurance,
    Choose,
    CheckedIn(Box<Ticket>),
    HandOff(HandOff),
}

impl CheckIn {
    pub fn new(kiosk: &Kiosk) -> Self {
        Self {
            visit: kiosk.now.fresh_id("visit"),
            state: State::Who(Identify::new()),
            patient: None,
            by_slip: false,
            offline: false,
            more: None,
            list: Vec::new(),
            answer: None,
            finished: false,
        }
    }

    /// Begun by a scanned card; `None` if the card is not ours.
    pub fn by_card(number: &PatientNumber, kiosk: &Kiosk) -> Option<Self> {
        let mut journey = Self::new(kiosk);
        journey.state = State::Who(Identify::from_card(number, kiosk)?);
        Some(journey)
    }

    /// Begun by a code that is not ours: it says so, and asks for the number.
    pub fn by_unknown_code(kiosk: &Kiosk) -> Self {
        let mut journey = Self::new(kiosk);
        journey.state = State::Who(Identify::after_unknown_code());
        journey
    }

    /// Begun by a scanned appointment slip.
    pub fn by_slip(code: &str, kiosk: &mut Kiosk) -> Self {
        let mut journey = Self::new(kiosk);
        journey.start_slip(code, kiosk);
        journey
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        match &mut self.state {
            State::Who(who) => {
                let found = who.tap(tap, kiosk);
                self.identified(found, kiosk)
            }
            State::Slip { .. } | State::Listing { .. } => Self::tap_waiting(tap, kiosk),
            State::Insurance => self.tap_insurance(tap),
            State::Choose => self.tap_choose(tap, kiosk),
            State::CheckedIn(_) => self.tap_checked_in(tap, kiosk),
            State::HandOff(hand_off) => match hand_off.tap(tap) {
                Next::Flow(flow) => flow,
                Next::Again => {
                    *self = Self::new(kiosk);
                    Flow::Stay
                }
            },
        }
    }

    fn tap_waiting(tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if tap == Tap::Back {
            kiosk.questions.abandon();
            return Flow::Home;
        }
        Flow::Stay
    }

    fn tap_insurance(&mut self, tap: Tap) -> Flow {
        if let Tap::Insurance(answer) = tap {
            self.answer = Some(answer);
            self.state = State::Choose;
        } else if tap == Tap::Back {
            return Flow::Home;
        }
        Flow::Stay
    }

    fn tap_choose(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if let Tap::Row(row) = tap {
            self.toggle(row);
        } else if tap == Tap::Back {
            return self.back_from_choose(kiosk);
        } else if tap == Tap::Finish {
            return Flow::End;
        } else if matches!(tap, Tap::Next | Tap::PrintAgain) {
            if self.marked().next().is_some() {
                self.check_in(kiosk);
            } else {
                self.ticket_again(kiosk);
            }
        }
        Flow::Stay
    }

    fn back_from_choose(&mut self, kiosk: &Kiosk) -> Flow {
        if self.answer.is_none() || !kiosk.facility.check_in.ask_insurance {
            return Flow::Home;
        }
        self.state = State::Insurance;
        Flow::Stay
    }

    fn tap_checked_in(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        // A second touch of "Check in" is still on its way: it must not wipe the number.
        if tap == Tap::Finish {
            return Flow::End;
        }
        let State::CheckedIn(ticket) = &mut self.state else { return Flow::Stay };
        if tap == Tap::PrintAgain && !ticket.duplicate && kiosk.can_print_again() {
            ticket.duplicate = true;
            kiosk.print(Paper::Ticket((**ticket).clone()), None);
        }
        Flow::Stay
    }

    pub fn scanned(&mut self, code: &ScannedCode, kiosk: &mut Kiosk) {
        // What was shown before was not found, or nobody answered: the next code is a new try.
        if let State::HandOff(HandOff { retry: true, .. }) = &self.state {
            *self = Self::new(kiosk);
        }
        // The whole code behind half of it, or a second slip: the newer one is meant.
        if let (State::Slip { code: asked, .. }, ScannedCode::AppointmentSlip(slip)) = (&self.state, code)
            && asked != slip
        {
            kiosk.questions.abandon();
            self.start_slip(slip, kiosk);
            return;
        }
        let State::Who(who) = &mut self.state else { return };
        match code {
            ScannedCode::AppointmentSlip(slip) if who.deadline().is_none() => self.start_slip(slip, kiosk),
            ScannedCode::PatientCard(_) | ScannedCode::AppointmentSlip(_) | ScannedCode::Unknown => {
                who.scanned(code, kiosk);
            }
        }
    }

    pub fn count(&self, reply: &Reply, kiosk: &Kiosk) -> Option<Counting> {
        match &self.state {
            State::Who(who) => who.count(reply, kiosk),
            State::Slip { code, .. } => Some(Self::count_slip(code, reply, kiosk)),
            State::Listing { .. } | State::Insurance | State::Choose | State::CheckedIn(_) | State::HandOff(_) => None,
        }
    }

    pub fn reply(&mut self, reply: Reply, to_desk: bool, kiosk: &mut Kiosk) {
        match &mut self.state {
            State::Who(who) => {
                let found = who.reply(reply, to_desk);
                self.identified(found, kiosk);
            }
            State::Slip { .. } => self.slip_reply(reply, to_desk, kiosk),
            State::Listing { .. } => self.list_reply(reply, kiosk),
            State::Insurance | State::Choose | State::CheckedIn(_) | State::HandOff(_) => {}
        }
    }

    fn identified(&mut self, found: Identified, kiosk: &mut Kiosk) -> Flow {
        match found {
            Identified::NotYet => {}
            Identified::Back => return Flow::Home,
            Identified::Found(patient) => self.found(patient, kiosk),
            Identified::Sorry { why, retry } => self.hand_off(why, retry, kiosk),
        }
        Flow::Stay
    }

    fn found(&mut self, patient: Box<Patient>, kiosk: &mut Kiosk) {
        if arrival::is_under_age(&patient, kiosk.today(), &kiosk.facility.check_in) {
            self.hand_off(SorryWhy::UnderAge, false, kiosk);
            return;
        }
        kiosk.ask(Question::Appointments { patient: patient.clone() });
        self.patient = Some(patient);
        self.state = State::Listing { until: kiosk.tick().plus_ms(LOOK_UP_LIMIT_MS) };
    }

    fn list_reply(&mut self, reply: Reply, kiosk: &mut Kiosk) {
        match reply {
            Reply::Appointments { offline, list, complete } => {
                self.more = (!complete).then_some(DeskReason::MoreToday);
                self.offline = offline || self.patient.as_ref().is_some_and(|patient| patient.offline);
                self.show_list(list, kiosk);
            }
            Reply::Ambiguous => self.hand_off(SorryWhy::Ambiguous, false, kiosk),
            Reply::Unreachable => self.hand_off(SorryWhy::Offline, true, kiosk),
            Reply::Unreadable
            | Reply::Obscured
            | Reply::Found(_)
            | Reply::NotFound
            | Reply::Slip { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => self.hand_off(SorryWhy::Unreadable, true, kiosk),
        }
    }

    fn show_list(&mut self, mut list: Vec<Appointment>, kiosk: &mut Kiosk) {
        list.sort_by_key(|appointment| appointment.starts_at);
        let row = |appointment: &Appointment| row_here(appointment, self.patient_ref(), kiosk);
        self.list = list.into_iter().filter_map(|entry| row(&entry).map(|state| (entry, state))).collect();
        let states: Vec<RowState> = self.list.iter().map(|(_, state)| *state).collect();
        let already = states.iter().any(|state| matches!(state, RowState::Already { .. }));
        if states.contains(&RowState::Marked) {
            let ask = kiosk.facility.check_in.ask_insurance;
            self.state = if ask { State::Insurance } else { State::Choose };
        } else if already {
            self.state = State::Choose;
        } else if self.more.is_some() {
            // What could be read is not for now; what could not be read may be.
            self.hand_off(SorryWhy::Unreadable, true, kiosk);
        } else {
            self.hand_off(arrival::why_none(&states), false, kiosk);
        }
    }

    fn toggle(&mut self, row: u8) {
        let Some((_, state)) = self.list.get_mut(usize::from(row)) else { return };
        match state {
            RowState::Marked => *state = RowState::Unmarked,
            RowState::Unmarked => *state = RowState::Marked,
            RowState::Already { .. }
            | RowState::TooEarly
            | RowState::TooLate
            | RowState::OtherSite
            | RowState::Cancelled => {}
        }
    }

    fn marked(&self) -> impl Iterator<Item = &Appointment> {
        self.list.iter().filter(|(_, state)| *state == RowState::Marked).map(|(appointment, _)| appointment)
    }

    /// Number saved and every arrival queued, whole or not at all; then paper, then the screen.
    fn check_in(&mut self, kiosk: &mut Kiosk) {
        let Some(patient) = &self.patient else { return };
        let Some(first) = self.marked().next().cloned() else { return };
        let rules = &kiosk.facility.check_in;
        let mut reasons = arrival::desk_reasons(patient, self.answer, self.marked(), kiosk.today(), rules);
        reasons.extend(self.more);
        let number = kiosk.next_ticket();
        let ticket = self.ticket(number, &first, reasons, kiosk);
        let arrivals = self.marked().enumerate().map(|(place, appointment)| {
            Line::Request(Box::new(self.arrival(place, appointment, patient, &ticket, kiosk)))
        });
        let lines = arrivals.collect::<Vec<_>>();
        kiosk.commit(lines, IfKept::Visit(Kept::Registered(Box::new(ticket))), IfNotKept::Visit(NotKept::Request));
    }

    pub fn registered(&mut self, ticket: Box<Ticket>, kiosk: &mut Kiosk) {
        for appointment in self.marked() {
            kiosk.remember_ticket(&appointment.server_ref, self.patient_ref(), &ticket);
        }
        let see_desk = ticket.see_desk.is_some();
        kiosk.print(Paper::Ticket((*ticket).clone()), None);
        self.state = State::CheckedIn(ticket);
        self.finish(if see_desk { Outcome::RegisteredSeeDesk } else { Outcome::Registered }, kiosk);
    }

    fn ticket(&self, number: String, first: &Appointment, bring: Vec<DeskReason>, kiosk: &Kiosk) -> Ticket {
        Ticket {
            language: kiosk.language,
            at: kiosk.wall(),
            number,
            place: first.place.clone(),
            clinic: first.clinic.clone(),
            appointment_at: first.starts_at,
            see_desk: (!bring.is_empty()).then(|| kiosk.registration_desk()),
            bring,
            provisional: self.offline,
            duplicate: false,
        }
    }

    fn arrival(
        &self,
        place: usize,
        appointment: &Appointment,
        patient: &Patient,
        ticket: &Ticket,
        kiosk: &Kiosk,
    ) -> Request {
        Request {
            id: kiosk.now.fresh_id(&format!("arrival-{place}")),
            visit: self.visit,
            made_at: kiosk.wall(),
            language: kiosk.language,
            patient: patient.number.clone(),
            patient_ref: patient.server_ref.clone(),
            act: Act::Arrival {
                appointment_ref: appointment.server_ref.clone(),
                version_seen: appointment.version.clone(),
                ticket: ticket.number.clone(),
                insurance: self.answer,
                see_desk: ticket.see_desk.is_some(),
            },
        }
    }

    /// The ticket this machine gave for one of the rows, if it did.
    fn known_ticket<'a>(&self, kiosk: &'a Kiosk) -> Option<&'a Ticket> {
        self.list.iter().find_map(|(appointment, _)| kiosk.ticket_of(&appointment.server_ref, self.patient_ref()))
    }

    fn patient_ref(&self) -> Option<&str> {
        self.patient.as_ref()?.server_ref.as_deref()
    }

    /// No new arrival and no new number: the old ticket, with its time, marked as a duplicate.
    fn ticket_again(&mut self, kiosk: &mut Kiosk) {
        let Some(ticket) = self.known_ticket(kiosk) else { return };
        let ticket = Ticket { duplicate: true, language: kiosk.language, ..ticket.clone() };
        kiosk.print(Paper::Ticket(ticket.clone()), None);
        self.state = State::CheckedIn(Box::new(ticket));
        self.finish(Outcome::Reprinted, kiosk);
    }

    fn hand_off(&mut self, why: SorryWhy, retry: bool, kiosk: &mut Kiosk) {
        self.state = State::HandOff(HandOff { why, retry });
        if !retry {
            self.finish(Outcome::NotRegistered, kiosk);
        }
    }

    fn finish(&mut self, outcome: Outcome, kiosk: &mut Kiosk) {
        if !self.finished {
            self.finished = true;
            kiosk.finish(JourneyKind::CheckIn, outcome);
        }
    }

    pub fn leave(&mut self, why: Leaving, kiosk: &mut Kiosk) {
        let outcome = match (&self.state, why) {
            (State::HandOff(_), _) => Outcome::NotRegistered,
            (State::Choose, Leaving::ByPatient) if self.marked().next().is_none() => Outcome::Informed,
            (_, Leaving::ByPatient) => Outcome::Cancelled,
            (_, Leaving::TimedOut) => Outcome::TimedOut,
        };
        self.finish(outcome, kiosk);
    }

    pub fn time(&mut self, kiosk: &mut Kiosk) {
        let now = kiosk.tick();
        match &mut self.state {
            State::Who(who) => {
                let found = who.time(kiosk);
                self.identified(found, kiosk);
            }
            State::Slip { not_before, until, asked, code, .. } => {
                if !*asked && now >= *not_before && kiosk.questions.is_free(now) {
                    *asked = true;
                    kiosk.ask(Question::Slip { code: code.clone() });
                }
                if now >= *until {
                    self.give_up(kiosk);
                }
            }
            State::Listing { until } if now >= *until => self.give_up(kiosk),
            State::Listing { .. } | State::Insurance | State::Choose | State::CheckedIn(_) | State::HandOff(_) => {}
        }
    }

    fn give_up(&mut self, kiosk: &mut Kiosk) {
        kiosk.questions.abandon();
        self.hand_off(SorryWhy::Offline, true, kiosk);
    }

    /// What was to be counted could not be written down, or the arrival: nobody was registered, and the desk must do it.
    pub fn not_kept(&mut self) {
        self.state = State::HandOff(HandOff::CANNOT_RECORD);
    }
}

impl Drop for CheckIn {
    fn drop(&mut self) {
        if let Some(patient) = &mut self.patient {
            identify::forget(patient);
        }
        if let State::Slip { code, .. } = &mut self.state {
            code.zeroize();
        }
    }
}

/// What this machine checked in stays checked in, even while the hospital has not heard of it yet.
fn row_here(appointment: &Appointment, patient_ref: Option<&str>, kiosk: &Kiosk) -> Option<RowState> {
    let state = arrival::row(appointment, kiosk.wall(), &kiosk.facility.zone, &kiosk.facility.check_in)?;
    let ticket = kiosk.ticket_of(&appointment.server_ref, patient_ref).filter(|_| state == RowState::Marked);
    let minute = |ticket: &Ticket| u16::try_from(ticket.at.num_seconds_from_midnight() / 60).ok();
    Some(ticket.map_or(state, |ticket| RowState::Already { at_minute: minute(ticket) }))
}
