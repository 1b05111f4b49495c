//! The card that the patient is to take out, show, and take out again.

use super::{Attempt, News, Phase, Till};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, TerminalCommand};

impl Till {
    pub(super) fn old_card(&mut self, kiosk: &mut Kiosk) -> Option<News> {
        kiosk.devices.card_in = true;
        if let Some(preparing) = &mut self.preparing {
            preparing.old_card = true;
        }
        None
    }

    pub(super) fn card_seen(&mut self, kiosk: &mut Kiosk) -> Option<News> {
        kiosk.devices.card_in = true;
        if let Some(Attempt { phase: Phase::Charging { card_seen, .. }, .. }) = self.attempts.front_mut() {
            *card_seen = true;
        }
        None
    }

    /// With the old card out the terminal is made ready once more; making ready never moves money.
    pub(super) fn card_removed(&mut self, kiosk: &mut Kiosk) -> Option<News> {
        kiosk.devices.card_in = false;
        if let Some(preparing) = self.preparing.as_mut().filter(|preparing| preparing.old_card) {
            preparing.old_card = false;
            kiosk.emit(Effect::Terminal(TerminalCommand::Prepare));
        }
        None
    }
}
