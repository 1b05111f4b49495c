//! Every look-up of somebody, whatever it began with, comes past here: locked, slowed, counted.

use super::kiosk::Kiosk;
use super::tries::{Miss, Named, SLOW_LOOK_UP_MS, Tried};
use super::{Effect, Finished, Outcome};
use crate::domain::moment::Tick;

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

    /// Counts that somebody was found, likewise.
    pub fn recognised(&mut self, named: Named<'_>) {
        let tried = self.tries.found(named, &self.facility.check_in, self.now);
        self.save_tries(tried);
    }

    /// A journey ended. Where it came to something, whoever was found counts no longer.
    pub fn finished(&mut self, finished: Finished) {
        if came_to_something(finished.outcome) {
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
