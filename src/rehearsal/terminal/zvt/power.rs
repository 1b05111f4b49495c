//! The simulated ZVT terminal's plug, power and card slot. What nobody has acknowledged is undone when they go.

use super::wire::Ear;
use super::{Model, Plan};
use crate::rehearsal::terminal::Out;

impl Model {
    pub(super) fn fall_silent(&mut self, now_ms: u64) {
        self.charge = None;
        self.said = None;
        self.queue.clear();
        self.card_leaves(now_ms);
    }

    /// The line vanishes until [`Self::plug_in`]; what was not acknowledged is undone.
    pub fn unplug(&mut self, now_ms: u64) {
        self.vanish(0, now_ms);
        self.plans.retain(|(_, plan)| *plan == Plan::TellLast);
    }

    pub fn plug_in(&mut self) {
        self.plans.push((0, Plan::Back));
    }

    /// The line vanishes for a while; what was not acknowledged is undone meanwhile.
    pub(super) fn vanish(&mut self, back_ms: u64, now_ms: u64) {
        self.fall_silent(now_ms);
        self.card_in = false;
        self.away = true;
        self.completing = false;
        self.ear = Ear::default();
        self.plans.retain(|(_, plan)| *plan == Plan::TellLast);
        self.outs.push(Out::LineDown);
        self.plans.push((now_ms + back_ms, Plan::Back));
    }

    /// The kiosk has closed the connection: whatever was under way is off (PA00P016 5.2.5), and what was not acknowledged is
    /// undone. Who connects next finds it at rest.
    pub fn hung_up(&mut self, now_ms: u64) {
        if self.setup.network && !self.away {
            self.fall_silent(now_ms);
            self.completing = false;
            self.ear = Ear::default();
            self.plans.retain(|(_, plan)| matches!(plan, Plan::TellLast | Plan::TakeCardOut));
        }
    }

    /// The line vanishes and comes back after `away_ms`.
    pub fn pull_plug(&mut self, now_ms: u64) {
        self.vanish(self.setup.away_ms, now_ms);
    }

    /// The card-holder remembers the card.
    pub fn take_card_out(&mut self, now_ms: u64) {
        self.setup.card_stays = false;
        self.plans.push((now_ms, Plan::TakeCardOut));
    }

    /// Ordered mistakes that were not made yet are not made any more.
    pub fn forgive(&mut self) {
        self.faults.clear();
        self.armed.clear();
    }

    pub fn reboot(&mut self, now_ms: u64) {
        self.vanish(self.setup.reboot_ms, now_ms);
        self.plans.retain(|(_, plan)| *plan != Plan::TellLast);
        while !self.late.is_empty() {
            self.told_late();
        }
        self.busy_until_ms = 0;
        if !self.setup.keeps_last {
            self.last = if self.setup.falls_back { self.before_last.clone() } else { None };
        }
    }
}
