//! The kiosk cannot go on: why, and who can. Money and paper: none.

use crate::domain::journey::Flow;
use crate::domain::language::LocalText;
use crate::domain::screen::{Screen, SorryWhy, Tap};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOff {
    pub why: SorryWhy,
    /// The same may go well a moment later.
    pub retry: bool,
}

/// What a touch of it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Flow(Flow),
    Again,
}

impl HandOff {
    /// What was to be kept could not be.
    pub const CANNOT_RECORD: Self = Self { why: SorryWhy::CannotRecord, retry: true };

    pub fn tap(self, tap: Tap) -> Next {
        if tap == Tap::TryAgain && self.retry {
            return Next::Again;
        }
        Next::Flow(if tap == Tap::Finish {
            Flow::End
        } else if tap == Tap::Back {
            Flow::Home
        } else {
            Flow::Stay
        })
    }

    /// `desk`: the one that goes on.
    pub fn screen(self, desk: LocalText) -> Screen {
        Screen::Sorry { why: self.why, desk, retry: self.retry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_go_well_again_can_be_tried_again() {
        let hopeless = HandOff { why: SorryWhy::UnderAge, retry: false };
        let again = HandOff { why: SorryWhy::Offline, retry: true };
        let stay = Next::Flow(Flow::Stay);
        for (tap, of_hopeless, of_again) in [
            (Tap::TryAgain, stay, Next::Again),
            (Tap::Back, Next::Flow(Flow::Home), Next::Flow(Flow::Home)),
            (Tap::Finish, Next::Flow(Flow::End), Next::Flow(Flow::End)),
            (Tap::Next, stay, stay),
        ] {
            assert_eq!((hopeless.tap(tap), again.tap(tap)), (of_hopeless, of_again), "{tap:?}");
        }
    }
}
