//! What the patient who waits at the till may see of it.

use super::{Attempt, Phase, Preparing, Till};
use crate::domain::moment::Tick;
use crate::domain::money::Amount;

pub enum Watched<'a> {
    Preparing {
        old_card: bool,
        until: Tick,
    },
    /// Waits for a card.
    Present {
        until: Tick,
    },
    Working,
    Cancelling,
    Doubt(Doubt<'a>),
}

pub struct Doubt<'a> {
    pub since: Tick,
    pub amount: Amount,
    pub number: &'a str,
}

impl Till {
    /// The payment being made for the patient who stands there.
    #[must_use]
    pub fn watch(&self) -> Watched<'_> {
        if let Some(Preparing { old_card, until, .. }) = &self.preparing {
            return Watched::Preparing { old_card: *old_card, until: *until };
        }
        let Some(attempt) = self.attempts.front() else { return Watched::Working };
        match &attempt.phase {
            Phase::Charging { .. } if attempt.called_off.is_some() => Watched::Cancelling,
            Phase::Charging { card_seen: true, .. } | Phase::Confirming { .. } => Watched::Working,
            Phase::Charging { card_until, .. } => Watched::Present { until: *card_until },
            Phase::Doubt { .. } | Phase::Unkept { .. } => attempt.doubt().map_or(Watched::Working, Watched::Doubt),
        }
    }

    /// The doubt about the watched payment, if there is one.
    #[must_use]
    pub fn watched_doubt(&self) -> Option<Doubt<'_>> {
        self.attempts.front().filter(|_| self.watched).and_then(Attempt::doubt)
    }
}

impl Attempt {
    fn doubt(&self) -> Option<Doubt<'_>> {
        self.doubt_since.map(|since| Doubt { since, amount: self.amount, number: &self.number })
    }
}
