//! Every look-up of somebody, whatever it began with, comes past here: locked, slowed, counted.

use super::kiosk::Kiosk;
use super::tries::{Miss, Named, SLOW_LOOK_UP_MS, Tried};
use super::{Effect, Finished, JourneyKind, Outcome, Reply};
use crate::domain::moment::Tick;
use uuid::Uuid;

impl Kiosk {
    /// It was tried too often today: the desk, whether there is anybody like that or not.
    pub fn is_locked(&self, named: Named<'_>) -> bool {
        self.tries.is_locked(named, &self.facility.check_in, self.now)
    }

    /// When a look-up that begins now may be asked at the earliest.
    pub fn look_up_from(&self) -> Tick {
        let slow_ms = if self.tries.is_slow(self.tick()) { SLOW_LOOK_UP_MS } else { 0 };
        self.tick().plus_ms(slow_ms)
    }

    /// Counts a wrong try, durably before whatever is shown next. `true`: to the desk with it.
    pub fn missed(&mut self, named: Named<'_>, miss: Miss) -> bool {
        let (locked, tried) = self.tries.wrong(named, miss, &self.facility.check_in, self.now);
        self.save_tries(Some(tried));
        locked
    }

    /// The answer to a look-up that was called off, or that somebody left behind: what it says counts as if they had waited.
    /// Else a try would be free for whoever is quicker than the answer. That somebody was found counts nothing: nobody saw it.
    pub(super) fn missed_by_whoever_left(&mut self, about: Uuid, reply: &Reply) {
        let miss = match reply {
            Reply::NotFound | Reply::Obscured => Miss::ByHospital,
            Reply::Unreachable | Reply::Unreadable => Miss::ByCache,
            Reply::Found(_)
            | Reply::Ambiguous
            | Reply::Appointments { .. }
            | Reply::Slip { .. }
            | Reply::Quoted { .. }
            | Reply::NotQuoted { .. } => return,
        };
        let (_, tried) = self.tries.wrong_of(about, miss, &self.facility.check_in, self.now);
        self.save_tries(Some(tried));
    }

    /// Counts that somebody was found, likewise.
    pub fn recognised(&mut self, named: Named<'_>) {
        let tried = self.tries.found(named, &self.facility.check_in, self.now);
        self.save_tries(tried);
    }

    /// A journey ended. Where it came to something, whoever was found counts no longer.
    pub fn finished(&mut self, finished: Finished) {
        // Whoever asks for a payment gets its receipt whoever they are: that proves nothing of them.
        if finished.kind != JourneyKind::Unfinished && came_to_something(finished.outcome) {
            let tried = self.tries.finished(self.now);
            self.save_tries(tried);
        }
        self.emit(Effect::Finish(finished));
    }

    fn save_tries(&mut self, tried: Option<Tried>) {
        if let Some(tried) = tried {
            self.emit(Effect::SaveTries(Box::new(tried)));
        }
    }
}

const fn came_to_something(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Registered
        | Outcome::RegisteredSeeDesk
        | Outcome::Paid
        | Outcome::RequestedUnpaid
        | Outcome::NotPaid
        | Outcome::InDoubt
        | Outcome::Reprinted => true,
        Outcome::NotRegistered | Outcome::HandedOff | Outcome::Informed | Outcome::Cancelled | Outcome::TimedOut => {
            false
        }
    }
}
