//! Time: limits, idle, "Are you still here?", screens that clear themselves, and the next wake-up.
//!
//! A running payment is never wiped: while a journey is `Busy` no idle time runs at all.

use super::Effect;
use super::run::{Core, Stage};
use crate::domain::journey::{Clears, Leaving, Rest};
use crate::domain::moment::Tick;

impl Core {
    /// What the till writes of itself it writes only when `woken` by a `Deadline`: no other input has to wait for that.
    pub(super) fn time(&mut self, was_busy: bool, woken: bool) {
        if self.kiosk.is_committing() {
            return;
        }
        if woken {
            self.till.time(&mut self.kiosk);
            self.hear_till();
        }
        if self.kiosk.is_committing() {
            return;
        }
        if let Stage::Journey(journey) = &mut self.stage {
            journey.time(&mut self.kiosk, &self.till);
        }
        self.wake_if_rested(was_busy);
        self.idle();
    }

    /// After a wait the patient gets the whole time to read.
    pub(super) fn wake_if_rested(&mut self, was_busy: bool) {
        if was_busy && self.rest() != Rest::Busy {
            self.presence = self.kiosk.tick();
        }
    }

    fn idle(&mut self) {
        let now = self.kiosk.tick();
        let Some(end) = self.idle_end().filter(|end| now >= *end) else { return };
        let over = self.still_here.is_some() || self.clears_itself();
        if over {
            self.end(Leaving::TimedOut);
        } else {
            self.still_here = Some(end.max(now).plus_ms(self.kiosk.facility.timing.warning_ms));
        }
    }

    /// What the passing of time may do now.
    pub(super) fn rest(&self) -> Rest {
        match &self.stage {
            Stage::Idle | Stage::Language | Stage::Services => Rest::Asking,
            Stage::Journey(journey) => journey.rest(),
        }
    }

    fn clears_itself(&self) -> bool {
        self.rest() == Rest::Done && self.overlay.is_none()
    }

    /// When the question comes, or the visit ends.
    fn idle_end(&self) -> Option<Tick> {
        if matches!(self.stage, Stage::Idle) || self.rest() == Rest::Busy {
            return None;
        }
        if let Some(until) = self.still_here {
            return Some(until);
        }
        let timing = &self.kiosk.facility.timing;
        let ms = if self.clears_itself() { timing.done_ms } else { self.idle_ms() };
        Some(self.presence.plus_ms(self.patience(ms)))
    }

    fn idle_ms(&self) -> u64 {
        let own = match &self.stage {
            Stage::Journey(journey) => journey.idle_ms(),
            Stage::Idle | Stage::Language | Stage::Services => None,
        };
        own.unwrap_or(self.kiosk.facility.timing.idle_ms)
    }

    fn patience(&self, ms: u64) -> u64 {
        if self.modes.slow { ms.saturating_mul(2) } else { ms }
    }

    pub(super) fn clears(&self) -> Clears {
        let done_ms = self.patience(self.kiosk.facility.timing.done_ms);
        Clears {
            seconds_left: self.kiosk.tick().seconds_until(self.presence.plus_ms(done_ms)),
            seconds_total: crate::domain::journey::seconds(done_ms),
        }
    }

    /// The earliest of all limits and of the next second of a visible countdown; always after now.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let journey = match &self.stage {
            Stage::Journey(journey) => journey.deadline(&self.till, &self.kiosk),
            Stage::Idle | Stage::Language | Stage::Services => None,
        };
        let second = self.countdown(journey).and_then(|end| next_second(self.kiosk.tick(), end));
        let first = [self.till.deadline(), journey, self.idle_end(), second].into_iter().flatten().min();
        first.map(|tick| tick.max(self.kiosk.tick().plus_ms(1)))
    }

    /// The end of the countdown that is to be seen now.
    fn countdown(&self, journey: Option<Tick>) -> Option<Tick> {
        if self.still_here.is_some() || self.clears_itself() {
            self.idle_end()
        } else if self.overlay.is_some() {
            None
        } else {
            journey
        }
    }

    pub(super) fn show(&mut self) {
        let view = Box::new(self.view());
        if self.shown.as_ref() != Some(&view) {
            self.shown = Some(view.clone());
            self.kiosk.emit(Effect::Show(view));
        }
    }
}

/// When the whole seconds left of a countdown change next.
fn next_second(now: Tick, end: Tick) -> Option<Tick> {
    let left = end.ms_since(now);
    let whole = left.div_ceil(1000).checked_sub(1)?;
    Some(Tick(end.0.saturating_sub(whole * 1000)))
}
