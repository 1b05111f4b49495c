//! What the check-in journey shows, computed from its state.

use super::{CheckIn, State};
use crate::domain::journey::step::identify;
use crate::domain::journey::{Clears, Rest};
use crate::domain::limits::LOOK_UP_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::paper::Ticket;
use crate::domain::patient::Appointment;
use crate::domain::screen::{AppointmentRow, CheckedIn, RowState, Screen, Waiting};
use crate::domain::session::kiosk::Kiosk;

impl CheckIn {
    pub fn screen(&self, kiosk: &Kiosk, clears: Clears) -> Screen {
        match &self.state {
            State::Who(who) => who.screen(kiosk),
            State::Slip { until, .. } | State::Listing { until } => {
                identify::wait(Waiting::LookUp, *until, LOOK_UP_LIMIT_MS, kiosk)
            }
            State::Insurance => Screen::Insurance,
            State::Choose => self.choose_screen(kiosk),
            State::CheckedIn(ticket) => Self::checked_in_screen(ticket, kiosk, clears),
            State::HandOff(hand_off) => hand_off.screen(kiosk.registration_desk()),
        }
    }

    fn choose_screen(&self, kiosk: &Kiosk) -> Screen {
        let masked = self.patient.as_ref().filter(|_| !self.by_slip).map(|patient| patient.masked_name.clone());
        Screen::Appointments {
            masked_name: masked.unwrap_or_default(),
            rows: self.list.iter().map(appointment_row).collect(),
            can_go_on: self.marked().next().is_some() || self.known_ticket(kiosk).is_some(),
        }
    }

    fn checked_in_screen(ticket: &Ticket, kiosk: &Kiosk, clears: Clears) -> Screen {
        Screen::CheckedIn(CheckedIn {
            ticket: ticket.number.clone(),
            clinic: ticket.clinic.clone(),
            place: ticket.place.clone(),
            at: ticket.appointment_at,
            see_desk: ticket.see_desk.clone(),
            reasons: ticket.bring.clone(),
            provisional: ticket.provisional,
            printing: kiosk.print_state(),
            seconds_left: clears.seconds_left,
            seconds_total: clears.seconds_total,
        })
    }

    /// Number, birth date, insurance, appointments.
    pub fn step(&self) -> Option<(u8, u8)> {
        match &self.state {
            State::Who(who) => Some((who.step(), 4)),
            State::Insurance => Some((3, 4)),
            State::Choose | State::CheckedIn(_) => Some((4, 4)),
            State::Slip { .. } | State::Listing { .. } | State::HandOff(_) => None,
        }
    }

    pub fn rest(&self) -> Rest {
        match &self.state {
            State::Who(who) if who.deadline().is_some() => Rest::Busy,
            State::Slip { .. } | State::Listing { .. } => Rest::Busy,
            State::CheckedIn(_) => Rest::Done,
            State::Who(_) | State::Insurance | State::Choose | State::HandOff(_) => Rest::Asking,
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        match &self.state {
            State::Who(who) => who.deadline(),
            State::Slip { hold, asked: false, .. } => Some(*hold),
            State::Slip { until, .. } | State::Listing { until } => Some(*until),
            State::Insurance | State::Choose | State::CheckedIn(_) | State::HandOff(_) => None,
        }
    }
}

fn appointment_row((appointment, state): &(Appointment, RowState)) -> AppointmentRow {
    AppointmentRow {
        at: appointment.starts_at,
        clinic: appointment.clinic.clone(),
        place: appointment.place.clone(),
        state: *state,
    }
}
