use crate::domain::clock::Standing;
use crate::domain::moment::Moment;

/// The only source of time and of fresh identifiers. A clock that is made up is always believed.
pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;
    /// The hospital's clock is `ahead_s` seconds ahead of the machine's, an answer says that no cache gave.
    fn heard(&self, _ahead_s: i64) {}
    /// Whether `now` is to be believed.
    fn standing(&self) -> Standing {
        Standing::Agreed
    }
    /// What `now` adds to the machine's own clock, by the hospital's.
    fn correction_s(&self) -> i64 {
        0
    }
    /// One more answer of the hospital's server would say more about it.
    fn wants_answer(&self) -> bool {
        false
    }
    /// `told` hears of each change of [`Self::standing`]. To be called once.
    fn on_change(&self, _told: Box<dyn Fn(Standing) + Send + Sync>) {}
    /// A technician says that the machine's clock is right, whatever the hospital's says.
    fn accept(&self) {}
}
