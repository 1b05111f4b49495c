//! All that a journey may know of the world: when it is, and a source of fresh identifiers.

use chrono::{DateTime, FixedOffset};
use uuid::Uuid;

/// Our own monotonic milliseconds, so that time can be made up in tests. Never a wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tick(pub u64);

impl Tick {
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here, 0 if `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds left until `deadline`, rounded up: what a countdown shows.
    #[must_use]
    pub const fn seconds_until(self, deadline: Self) -> u32 {
        const DAY_S: u64 = 86_400;
        let seconds = deadline.ms_since(self).div_ceil(1000);
        #[expect(clippy::cast_possible_truncation, reason = "a day at most; try_from is not const")]
        let seconds = if seconds > DAY_S { DAY_S as u32 } else { seconds as u32 };
        seconds
    }
}

/// Handed to a journey with every input.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub tick: Tick,
    /// Hospital time. Only shown, printed and compared with opening hours; order is never taken from it.
    pub wall: DateTime<FixedOffset>,
    /// Random, different at every input.
    pub fresh: Uuid,
}

impl Moment {
    /// A fresh identifier for `name`; the same name twice in one moment is the same identifier.
    #[must_use]
    pub fn fresh_id(&self, name: &str) -> Uuid {
        Uuid::new_v5(&self.fresh, name.as_bytes())
    }
}
