//! The appointment slip: its code is all that is asked for, so a look-up of one is counted like every other.

use super::{CheckIn, State};
use crate::domain::journey::arrival;
use crate::domain::limits::LOOK_UP_LIMIT_MS;
use crate::domain::patient::{Appointment, Patient};
use crate::domain::screen::SorryWhy;
use crate::domain::session::Reply;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::tries::{Miss, Named};
use zeroize::Zeroize;

impl CheckIn {
    pub(super) fn start_slip(&mut self, code: &str, kiosk: &mut Kiosk) {
        if kiosk.is_locked(Named::Slip(code)) {
            self.hand_off(SorryWhy::TooManyTries, false, kiosk);
            return;
        }
        let not_before = kiosk.look_up_from();
        let hold = kiosk.questions.free_at(kiosk.tick()).max(not_before);
        self.by_slip = true;
        if let State::Slip { code, .. } = &mut self.state {
            code.zeroize();
        }
        let until = hold.plus_ms(LOOK_UP_LIMIT_MS);
        self.state = State::Slip { not_before, hold, until, asked: false, code: code.to_owned() };
        self.time(kiosk);
    }

    pub(super) fn slip_reply(&mut self, reply: Reply, kiosk: &mut Kiosk) {
        match reply {
            Reply::Slip { patient, appointment } => {
                self.slip_recognised(kiosk);
                self.slip_found(patient, *appointment, kiosk);
            }
            Reply::NotFound => self.slip_missed(SorryWhy::NotFound, Miss::ByHospital, kiosk),
            Reply::Ambiguous => {
                self.slip_recognised(kiosk);
                self.hand_off(SorryWhy::Ambiguous, false, kiosk);
            }
            Reply::Unreachable => self.slip_missed(SorryWhy::Offline, Miss::ByCache, kiosk),
            // An answer is never waited past, also one to something else.
            Reply::Unreadable
            | Reply::Obscured
            | Reply::Found(_)
            | Reply::Appointments { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => self.slip_missed(SorryWhy::Unreadable, Miss::ByCache, kiosk),
        }
    }

    fn slip_recognised(&self, kiosk: &mut Kiosk) {
        if let State::Slip { code, .. } = &self.state {
            kiosk.recognised(Named::Slip(code));
        }
    }

    fn slip_missed(&mut self, why: SorryWhy, miss: Miss, kiosk: &mut Kiosk) {
        let State::Slip { code, .. } = &self.state else { return };
        if kiosk.missed(Named::Slip(code), miss) {
            self.hand_off(SorryWhy::TooManyTries, false, kiosk);
        } else {
            self.hand_off(why, true, kiosk);
        }
    }

    fn slip_found(&mut self, patient: Box<Patient>, appointment: Appointment, kiosk: &mut Kiosk) {
        if arrival::is_under_age(&patient, kiosk.today(), &kiosk.facility.check_in) {
            self.hand_off(SorryWhy::UnderAge, false, kiosk);
            return;
        }
        self.offline = patient.offline;
        self.patient = Some(patient);
        self.more = None;
        self.show_list(vec![appointment], kiosk);
    }
}
