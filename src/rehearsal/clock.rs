//! A clock that can be told what day it is and made to skip time: the demo works on a Sunday night.

use crate::domain::moment::{Moment, Tick};
use crate::ports::Clock;
use chrono::{DateTime, Duration, FixedOffset, SubsecRound};
use std::sync::Mutex;
use std::time::Instant;
use uuid::Uuid;

pub struct DemoClock {
    started: Instant,
    state: Mutex<State>,
}

struct State {
    /// Hospital time at tick 0.
    wall_at_zero: DateTime<FixedOffset>,
    skipped_ms: u64,
}

impl DemoClock {
    #[must_use]
    pub fn new(wall: DateTime<FixedOffset>) -> Self {
        Self { started: Instant::now(), state: Mutex::new(State { wall_at_zero: wall, skipped_ms: 0 }) }
    }

    /// Ticks never go back: an earlier `tick` changes nothing.
    pub fn skip_to(&self, tick: Tick) {
        let now = self.now().tick;
        if let Ok(mut state) = self.state.lock() {
            state.skipped_ms += tick.ms_since(now);
        }
    }

    /// Sets hospital time; ticks go on as they were.
    pub fn set_wall(&self, wall: DateTime<FixedOffset>) {
        let tick = self.now().tick;
        if let Ok(mut state) = self.state.lock() {
            state.wall_at_zero = wall - as_duration(tick.0);
        }
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Moment {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let state = match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        };
        let tick = Tick(elapsed_ms.saturating_add(state.skipped_ms));
        Moment { tick, wall: (state.wall_at_zero + as_duration(tick.0)).trunc_subsecs(0), fresh: Uuid::new_v4() }
    }
}

fn as_duration(ms: u64) -> Duration {
    Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX / 2))
}
