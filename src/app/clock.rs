//! The machine's own time.

use crate::domain::moment::{Moment, Tick};
use crate::domain::zone::Zone;
use crate::ports::Clock;
use chrono::{SubsecRound, Utc};
use std::time::Instant;
use uuid::Uuid;

/// Monotonic ticks from the system's monotonic clock, hospital time from its wall clock, identifiers from the kernel.
pub struct SystemClock {
    started: Instant,
    zone: Zone,
}

impl SystemClock {
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { started: Instant::now(), zone }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment { tick: Tick(elapsed_ms), wall: self.zone.at(&Utc::now()).trunc_subsecs(0), fresh: Uuid::new_v4() }
    }
}
