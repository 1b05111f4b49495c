//! The machine's own time.

use crate::domain::moment::{Moment, Tick};
use crate::ports::Clock;
use chrono::{FixedOffset, SubsecRound, Utc};
use std::time::Instant;
use uuid::Uuid;

/// Monotonic ticks from the system's monotonic clock, hospital time from its wall clock, identifiers from the kernel.
pub struct SystemClock {
    started: Instant,
    offset: FixedOffset,
}

impl SystemClock {
    #[must_use]
    pub fn new(offset: FixedOffset) -> Self {
        Self { started: Instant::now(), offset }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment {
            tick: Tick(elapsed_ms),
            wall: Utc::now().with_timezone(&self.offset).trunc_subsecs(0),
            fresh: Uuid::new_v4(),
        }
    }
}
