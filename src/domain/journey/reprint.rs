//! "Receipt or payment problem": the last paid receipt of this machine, if no printer proved that it came out.
//!
//! ```text
//! Shown ─Next─▶ printing ─Printed─▶ printed (journalled)
//! ```
//! Money: was paid and committed before, in every state; nothing here can charge. Paper: a duplicate, once printed no
//! more, so that the next patient cannot take it.

use super::{Flow, Leaving};
use crate::domain::paper::{Paper, Receipt};
use crate::domain::person::Who;
use crate::domain::screen::{Screen, Tap};
use crate::domain::session::kiosk::{Kiosk, Unprinted};
use crate::domain::session::{Effect, JourneyKind, Outcome};
use crate::domain::staff::{AuditEntry, StaffAct};

#[derive(Clone)]
pub struct Reprint {
    last: Option<Unprinted>,
    printed: bool,
}

impl Reprint {
    #[must_use]
    pub fn new(kiosk: &Kiosk) -> Self {
        Self { last: kiosk.unprinted.clone(), printed: false }
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if matches!(tap, Tap::Next | Tap::PrintAgain) {
            self.print(kiosk);
        } else if tap == Tap::Back {
            return Flow::Home;
        } else if tap == Tap::Finish {
            return Flow::End;
        }
        Flow::Stay
    }

    fn print(&self, kiosk: &mut Kiosk) {
        let Some(last) = self.last.as_ref().filter(|_| !self.printed && kiosk.can_print_again()) else { return };
        let receipt = Receipt { duplicate: true, ..last.receipt.clone() };
        // Before it leaves: whoever it was, that a receipt came out once more is known.
        kiosk.emit(Effect::Audit(AuditEntry::new(Who::Patient, StaffAct::Reprint, receipt.claim.clone(), "ordered")));
        kiosk.print(Paper::Receipt(receipt), Some(last.attempt));
    }

    pub fn receipt_printed(&mut self, kiosk: &mut Kiosk) {
        if !self.printed {
            self.printed = true;
            kiosk.finish(JourneyKind::Unfinished, Outcome::Reprinted);
        }
    }

    pub fn leave(&self, why: Leaving, kiosk: &mut Kiosk) {
        if self.printed {
            return;
        }
        kiosk.finish(
            JourneyKind::Unfinished,
            match why {
                Leaving::ByPatient => Outcome::Informed,
                Leaving::TimedOut => Outcome::TimedOut,
            },
        );
    }

    #[must_use]
    pub fn screen(&self, kiosk: &Kiosk) -> Screen {
        Screen::Reprint {
            available: self.last.is_some() && !self.printed,
            claim: self.last.as_ref().map(|last| last.receipt.claim.clone()).unwrap_or_default(),
            printing: kiosk.print_state(),
        }
    }
}
