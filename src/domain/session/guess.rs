//! Every look-up of somebody, whatever it began with, comes past here: locked, slowed, counted.

use super::kiosk::Kiosk;
use super::{Effect, IfKept, IfNotKept};
use crate::domain::finished::{Finished, JourneyKind, Outcome};
use crate::domain::line::Line;
use crate::domain::moment::Tick;
use crate::domain::question::Reply;
use crate::domain::tries::{Miss, Named, SLOW_LOOK_UP_MS, Tries};
use uuid::Uuid;

/// What the answer to a look-up counts as. It holds when that is durable, and not before: what it comes to is not shown sooner.
#[derive(Debug)]
pub struct Counting {
    pub lines: Vec<Line>,
    pub counted: Box<Counted>,
}

/// Of a [`Counting`] that is durable.
#[derive(Debug)]
pub struct Counted {
    tries: Tries,
    /// One that was tried too often is among them.
    to_desk: bool,
}

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

    pub fn counting(&self) -> Counting {
        Counting { lines: Vec::new(), counted: Box::new(Counted { tries: self.tries.clone(), to_desk: false }) }
    }

    /// From here on it holds. `true`: to the desk.
    pub fn hold(&mut self, counted: Counted) -> bool {
        self.tries = counted.tries;
        counted.to_desk
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
        self.commit([Line::Tries(Box::new(tried))], IfKept::GoOn, IfNotKept::GoOn);
    }

    /// A journey ended. Where it came to something, whoever was found counts no longer.
    pub fn finished(&mut self, finished: Finished) {
        // Whoever asks for a payment gets its receipt whoever they are: that proves nothing of them.
        if finished.kind != JourneyKind::Unfinished
            && came_to_something(finished.outcome)
            && let Some(tried) = self.tries.finished(self.now)
        {
            self.emit(Effect::SaveTries(Box::new(tried)));
        }
        self.emit(Effect::Finish(finished));
    }
}

impl Counting {
    /// A wrong try.
    #[must_use]
    pub fn missed(mut self, named: Named<'_>, miss: Miss, kiosk: &Kiosk) -> Self {
        let (locked, tried) = self.counted.tries.wrong(named, miss, &kiosk.facility.check_in, kiosk.now);
        self.counted.to_desk |= locked;
        self.lines.push(Line::Tries(Box::new(tried)));
        self
    }

    /// Somebody was found, and is shown more than whoever does not know them may see.
    #[must_use]
    pub fn found(mut self, named: Named<'_>, kiosk: &Kiosk) -> Self {
        let tried = self.counted.tries.found(named, &kiosk.facility.check_in, kiosk.now);
        self.lines.extend(tried.map(|tried| Line::Tries(Box::new(tried))));
        self
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
