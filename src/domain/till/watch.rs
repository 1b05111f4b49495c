//! What the patient who waits at the till may see of it.

use super::charge::{Charge, Running};
use super::{Preparing, Work};
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

impl Work {
    pub(super) fn watch(&self) -> Watched<'_> {
        match self {
            Self::Preparing(Preparing { old_card, until, .. }) => {
                Watched::Preparing { old_card: *old_card, until: *until }
            }
            Self::Charging(charge) => charge.watched(),
            Self::Free | Self::Undoing(_) | Self::EndOfDay(_) => Watched::Working,
        }
    }

    pub(super) fn doubt(&self) -> Option<Doubt<'_>> {
        match self {
            Self::Charging(charge) => charge.doubt_of(),
            Self::Free | Self::Preparing(_) | Self::Undoing(_) | Self::EndOfDay(_) => None,
        }
    }
}

impl Charge {
    fn watched(&self) -> Watched<'_> {
        match self.operation.running() {
            Some(Running::Presenting { .. }) if self.stop.called_off.is_some() => Watched::Cancelling,
            Some(Running::Presenting { card_seen: true, .. } | Running::Confirming { .. } | Running::Approving(_)) => {
                Watched::Working
            }
            Some(Running::Presenting { card_until, .. }) => Watched::Present { until: *card_until },
            Some(Running::Doubt { .. }) | None => self.doubt_of().map_or(Watched::Working, Watched::Doubt),
        }
    }

    fn doubt_of(&self) -> Option<Doubt<'_>> {
        self.doubt_since.map(|since| Doubt { since, amount: self.sale.amount, number: &self.sale.number })
    }
}
