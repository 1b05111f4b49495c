//! In service, or closed: where nobody knows what is open, or what day it is, nobody is served.
//!
//! A machine whose journal cannot be read takes no payment and gives no number; one whose clock is not believed would print
//! the wrong day, ask for the wrong day's appointments and tell the wrong hours. What runs goes on to its end: a payment, its
//! outcome on the screen, a doubt. Staff get in at all times and read there why.

use super::Effect;
use super::kiosk::Kiosk;
use super::run::{Core, Stage};
use crate::domain::clock::{BELIEVED_S, Standing, is_possible};
use crate::domain::journey::{Journey, Leaving};
use crate::domain::screen::Tap;
use crate::domain::screen::staff::{Trouble, Witness};
use crate::domain::set_aside::SetAside;
use chrono::{DateTime, FixedOffset, SubsecRound, TimeDelta, Timelike};

impl Core {
    /// Between two visits, and with no money on its way: nobody's prices, rules or words change under their hands.
    pub(super) fn change_facility(&mut self) {
        if !matches!(self.stage, Stage::Idle) || self.till.is_open() {
            return;
        }
        if let Some(facility) = self.kiosk.next_facility.take() {
            self.kiosk.language = facility.desk_language;
            self.kiosk.facility = facility.clone();
            self.kiosk.emit(Effect::Facility(facility));
            self.shown = None;
        }
    }
}

impl Kiosk {
    /// What staff must know before anything else: why nobody is served, or why nobody pays here.
    pub fn told_to_staff(&self) -> Option<Trouble> {
        self.trouble().or_else(|| {
            let told = self.set_aside.as_deref()?;
            let at = self.facility.zone.at(&told.at);
            Some(Trouble::SetAside(Box::new(SetAside { at, ..told.clone() })))
        })
    }

    pub(super) fn clock_stands(&mut self, standing: Standing) {
        self.standing = standing;
        if matches!(standing, Standing::Agreed | Standing::Accepted { .. }) {
            self.tries.clock_is_right(self.now);
        }
    }

    pub(super) fn is_clock_believed(&self) -> bool {
        self.clock_trouble().is_none()
    }

    /// Why nobody is served.
    pub fn trouble(&self) -> Option<Trouble> {
        if let Some(reason) = &self.unreadable {
            return Some(Trouble::Journal { reason: reason.clone() });
        }
        if let Some(reason) = &self.unwritable {
            return Some(Trouble::CannotWrite { reason: reason.clone() });
        }
        self.clock_trouble()
    }

    /// The hospital outranks what this machine wrote: an entry dated far ahead, made on one day of a wrong clock, closes it
    /// only until the hospital is heard, a technician says that the clock is right, or the next number is given. Only the
    /// last entry counts, in the order in which they were written: one wrong day is then over with the next right one.
    fn clock_trouble(&self) -> Option<Trouble> {
        let ours = to_the_minute(self.wall());
        let apart = |witness: Witness, at: DateTime<FixedOffset>| Trouble::Clock {
            ours,
            witness,
            theirs: to_the_minute(self.facility.zone.at(&at)),
        };
        match self.standing {
            Standing::Agreed | Standing::Accepted { .. } => None,
            Standing::Disputed { ahead_s } => {
                let ahead = TimeDelta::try_seconds(ahead_s).and_then(|ahead| ours.checked_add_signed(ahead));
                Some(apart(Witness::Hospital, ahead.unwrap_or(ours)))
            }
            Standing::Unheard if !is_possible(ours.to_utc()) => Some(Trouble::ClockUnset { ours }),
            Standing::Unheard => {
                let behind = |last: &DateTime<FixedOffset>| (*last - self.wall()).num_seconds() > BELIEVED_S;
                self.last_at.filter(|last| !self.own_accepted && behind(last)).map(|last| apart(Witness::Store, last))
            }
        }
    }
}

/// No screen changes with the seconds.
fn to_the_minute(at: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
    at.with_second(0).unwrap_or(at).trunc_subsecs(0)
}

impl Core {
    pub(super) fn is_closed(&self) -> bool {
        self.kiosk.trouble().is_some() && !matches!(self.stage, Stage::Journey(Journey::Staff(_)))
    }

    /// Ends the visit of whoever stands there, unless money moves or was just dealt with.
    pub(super) fn close_if_in_trouble(&mut self) {
        let goes_on = match &self.stage {
            Stage::Idle => true,
            Stage::Language | Stage::Services => false,
            Stage::Journey(journey) => journey.outlives_trouble(),
        };
        if !goes_on && self.is_closed() {
            self.end(Leaving::TimedOut);
        }
    }

    /// What is left to do: call a payment off, read how it ended, leave.
    pub(super) fn tap_closed(&mut self, tap: Tap) {
        self.overlay = None;
        if self.is_paying() || tap == Tap::PrintAgain {
            self.tap_stage(tap);
        } else {
            self.end(Leaving::ByPatient);
        }
    }
}
