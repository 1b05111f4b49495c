//! The appointment slip: its code is all that is asked for, so a look-up of one is counted like every other.

use super::{CheckIn, State};
use crate::domain::journey::arrival;
use crate::domain::limits::LOOK_UP_LIMIT_MS;
use crate::domain::patient::{Appointment, Patient};
use crate::domain::question::Reply;
use crate::domain::screen::SorryWhy;
use crate::domain::session::guess::Counting;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::tries::{Miss, Named};
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

    /// What this answer counts as.
    pub(super) fn count_slip(code: &str, reply: &Reply, kiosk: &Kiosk) -> Counting {
        let (named, counting) = (Named::Slip(code), kiosk.counting());
        match reply {
            Reply::Slip { .. } | Reply::Ambiguous => counting.found(named, kiosk),
            Reply::NotFound => counting.missed(named, Miss::ByHospital, kiosk),
            Reply::Unreachable
            | Reply::Unreadable
            | Reply::Obscured
            | Reply::Found(_)
            | Reply::Appointments { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => counting.missed(named, Miss::ByCache, kiosk),
        }
    }

    /// What it counts as is durable by now; `to_desk`: it was one wrong try too many.
    pub(super) fn slip_reply(&mut self, reply: Reply, to_desk: bool, kiosk: &mut Kiosk) {
        match reply {
            Reply::Slip { patient, appointment } => self.slip_found(patient, *appointment, kiosk),
            Reply::NotFound => self.slip_missed(SorryWhy::NotFound, to_desk, kiosk),
            Reply::Ambiguous => self.hand_off(SorryWhy::Ambiguous, false, kiosk),
            Reply::Unreachable => self.slip_missed(SorryWhy::Offline, to_desk, kiosk),
            // An answer is never waited past, also one to something else.
            Reply::Unreadable
            | Reply::Obscured
            | Reply::Found(_)
            | Reply::Appointments { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => self.slip_missed(SorryWhy::Unreadable, to_desk, kiosk),
        }
    }

    fn slip_missed(&mut self, why: SorryWhy, to_desk: bool, kiosk: &mut Kiosk) {
        if to_desk {
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
