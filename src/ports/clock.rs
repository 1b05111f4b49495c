use crate::domain::clock::Standing;
use crate::domain::moment::Moment;

/// The only source of time and of fresh identifiers.
pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;
}

/// A kiosk's clock, which the hospital's may put right (`domain/clock.rs`).
pub trait KioskClock: Clock {
    /// The hospital's clock is `ahead_s` seconds ahead of the machine's, an answer says that no cache gave.
    fn heard(&self, ahead_s: i64);
    /// Whether `now` is to be believed.
    fn standing(&self) -> Standing;
    /// What `now` adds to the machine's own clock, by the hospital's.
    fn correction_s(&self) -> i64;
    /// One more answer of the hospital's server would say more about it.
    fn wants_answer(&self) -> bool;
    /// `told` hears of each change of [`Self::standing`]. To be called once.
    fn on_change(&self, told: Box<dyn Fn(Standing) + Send + Sync>);
    /// A technician says that the machine's clock is right, whatever the hospital's says.
    fn accept(&self);
}

/// A clock that is right whatever a hospital says: made-up time.
pub struct Believed<C>(pub C);

impl<C: Clock> Clock for Believed<C> {
    fn now(&self) -> Moment {
        self.0.now()
    }
}

impl<C: Clock> KioskClock for Believed<C> {
    fn heard(&self, _ahead_s: i64) {}

    fn standing(&self) -> Standing {
        Standing::Agreed
    }

    fn correction_s(&self) -> i64 {
        0
    }

    fn wants_answer(&self) -> bool {
        false
    }

    fn on_change(&self, _told: Box<dyn Fn(Standing) + Send + Sync>) {}

    fn accept(&self) {}
}
