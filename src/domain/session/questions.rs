//! Questions to the hospital that have no answer yet.
//!
//! An answer does not say whose question it was. So when a patient leaves with a question open, the next patient's
//! first question waits until the old answer has come in and was thrown away: nobody sees another's appointments.

use crate::domain::limits::LOST_MS;
use crate::domain::moment::Tick;
use uuid::Uuid;

#[derive(Clone, Default)]
pub struct Questions {
    open: u32,
    stale: u32,
    last: Tick,
    /// Whom the last question is about, where a wrong answer to it counts as a try.
    about: Option<Uuid>,
}

impl Questions {
    pub fn asked(&mut self, about: Option<Uuid>, at: Tick) {
        self.about = about;
        self.open = self.open.saturating_add(1);
        self.last = at;
    }

    /// An answer came in. `true` if it may be used, `false` if it belongs to somebody who left.
    pub fn answered(&mut self, at: Tick) -> bool {
        self.forget_lost(at);
        if self.stale > 0 {
            self.stale -= 1;
            return false;
        }
        let expected = self.open > 0;
        self.open = self.open.saturating_sub(1);
        expected
    }

    /// Of the answer that came in: whoever called it off, or left, has tried all the same.
    pub fn take_about(&mut self) -> Option<Uuid> {
        self.about.take()
    }

    /// Nobody waits for the open answers any more.
    pub fn abandon(&mut self) {
        self.stale = self.stale.saturating_add(self.open);
        self.open = 0;
    }

    /// When the next question may be asked; now or later.
    pub fn free_at(&self, at: Tick) -> Tick {
        if self.stale > 0 { self.last.plus_ms(LOST_MS).max(at) } else { at }
    }

    fn forget_lost(&mut self, at: Tick) {
        if self.stale > 0 && at.ms_since(self.last) >= LOST_MS {
            self.stale = 0;
        }
    }

    /// To be called before asking: after the limit the lost answers are given up.
    pub fn is_free(&mut self, at: Tick) -> bool {
        self.forget_lost(at);
        self.stale == 0
    }
}
