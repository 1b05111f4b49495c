//! The machine's own time, corrected by the hospital's where the two are apart (`domain/clock.rs` says how far).

use crate::domain::clock::{Belief, Standing};
use crate::domain::moment::{Moment, Tick};
use crate::domain::zone::Zone;
use crate::ports::{Clock, InForce, KioskClock};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use uuid::Uuid;

/// The two clocks of the machine drift, and NTP moves one of them slowly; more than this is somebody who set it.
const JUMP_S: i64 = 60;

/// Monotonic ticks from the system's monotonic clock, hospital time from its wall clock, identifiers from the kernel.
pub struct SystemClock {
    started: Instant,
    zone: Box<dyn Fn() -> Zone + Send + Sync>,
    state: Mutex<State>,
    told: OnceLock<Box<dyn Fn(Standing) + Send + Sync>>,
}

#[derive(Default)]
struct State {
    belief: Belief,
    /// Both clocks when they were last looked at.
    seen: Option<(Tick, DateTime<Utc>)>,
}

impl SystemClock {
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self::in_zone(move || zone.clone())
    }

    /// In the zone that the hospital's configuration names at each moment.
    #[must_use]
    pub fn of(facility: InForce) -> Self {
        Self::in_zone(move || facility.now().zone.clone())
    }

    fn in_zone(zone: impl Fn() -> Zone + Send + Sync + 'static) -> Self {
        Self { started: Instant::now(), zone: Box::new(zone), state: Mutex::default(), told: OnceLock::new() }
    }

    fn tick(&self) -> Tick {
        Tick(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Both clocks now; what follows from a jump is told.
    fn look(&self) -> (Tick, DateTime<Utc>, i64) {
        let (tick, wall) = (self.tick(), Utc::now());
        let (jumped, changed, correction_s) = {
            let mut state = self.state();
            let before = (state.belief.standing(), state.belief.correction_s());
            let jump_s = state.seen.replace((tick, wall)).map_or(0, |seen| jump_s(seen, (tick, wall)));
            let jumped = jump_s.abs() > JUMP_S;
            if jumped {
                state.belief.jumped();
            }
            let after = (state.belief.standing(), state.belief.correction_s());
            (jumped.then_some(jump_s), (before != after).then_some(after), after.1)
        };
        if let Some(jump_s) = jumped {
            tracing::warn!(jump_s, "this machine's clock was set: the hospital's is asked for again");
        }
        if let Some((standing, correction_s)) = changed {
            self.tell(standing, correction_s);
        }
        (tick, wall, correction_s)
    }

    fn change(&self, change: impl FnOnce(&mut Belief, Tick)) {
        let (tick, ..) = self.look();
        let (before, after) = {
            let belief = &mut self.state().belief;
            let before = (belief.standing(), belief.correction_s());
            change(belief, tick);
            (before, (belief.standing(), belief.correction_s()))
        };
        if before != after {
            self.tell(after.0, after.1);
        }
    }

    fn tell(&self, standing: Standing, correction_s: i64) {
        let ours = (self.zone)().at(&Utc::now());
        match standing {
            Standing::Unheard => {}
            Standing::Agreed => tracing::info!(correction_s, "this machine's clock is believed"),
            Standing::Disputed { ahead_s } => {
                let hospital = TimeDelta::try_seconds(ahead_s).and_then(|ahead| ours.checked_add_signed(ahead));
                tracing::error!(
                    machine = %ours.to_rfc3339(),
                    hospital = %hospital.map(|at| at.to_rfc3339()).unwrap_or_default(),
                    "neither clock is believed, and nobody is served: set this machine's clock (timedatectl, NTP), or say in the staff area that it is right"
                );
            }
            Standing::Accepted { ahead_s } => {
                tracing::warn!(ahead_s, "a technician says that this machine's clock is right");
            }
        }
        if let Some(told) = self.told.get() {
            told(standing);
        }
    }
}

/// By how much the wall clock went further than the monotonic one.
fn jump_s(before: (Tick, DateTime<Utc>), after: (Tick, DateTime<Utc>)) -> i64 {
    let passed_s = i64::try_from(after.0.ms_since(before.0) / 1000).unwrap_or(i64::MAX);
    (after.1 - before.1).num_seconds().saturating_sub(passed_s)
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let (tick, wall, correction_s) = self.look();
        let corrected = TimeDelta::try_seconds(correction_s).and_then(|by| wall.checked_add_signed(by));
        Moment { tick, wall: (self.zone)().at(&corrected.unwrap_or(wall)).trunc_subsecs(0), fresh: Uuid::new_v4() }
    }
}

impl KioskClock for SystemClock {
    fn heard(&self, ahead_s: i64) {
        self.change(|belief, tick| belief.heard(ahead_s, tick));
    }

    fn standing(&self) -> Standing {
        self.state().belief.standing()
    }

    fn correction_s(&self) -> i64 {
        self.state().belief.correction_s()
    }

    fn wants_answer(&self) -> bool {
        self.state().belief.wants_answer()
    }

    fn on_change(&self, told: Box<dyn Fn(Standing) + Send + Sync>) {
        let _ = self.told.set(told);
    }

    fn accept(&self) {
        self.change(|belief, _| belief.accept());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_goes_further_than_time() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let begin = (Tick(5_000), at("2026-11-25T10:00:00Z"));
        for (tick, wall, jump) in [
            (65_000, "2026-11-25T10:01:00Z", 0),
            (65_000, "2026-11-25T10:01:30Z", 30),
            (65_000, "2026-11-27T10:01:00Z", 2 * 86_400),
            (65_000, "2026-11-25T09:01:00Z", -3_600),
            (5_000, "1970-01-01T00:00:00Z", -1_795_600_800),
        ] {
            assert_eq!(jump_s(begin, (Tick(tick), at(wall))), jump, "{wall}");
        }
    }

    #[test]
    fn it_shows_the_hospitals_time_once_that_is_certain() {
        let clock = SystemClock::new(Zone::named("Asia/Seoul").unwrap());
        let ahead_s = |clock: &SystemClock| (clock.now().wall.to_utc() - Utc::now()).num_seconds();
        assert!(ahead_s(&clock).abs() <= 1 && clock.wants_answer());
        clock.heard(7_200);
        assert!(ahead_s(&clock).abs() <= 1, "one answer is none");
        (0..2).for_each(|_| clock.heard(7_200));
        assert!((ahead_s(&clock) - 7_200).abs() <= 1 && !clock.wants_answer());
        assert_eq!(clock.standing(), Standing::Agreed);
    }
}
