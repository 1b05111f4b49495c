//! The simulated terminal's plug, power and card slot.

use super::{Model, Out, Plan, State};
use crate::terminal::smartro::reader::Reader;

impl Model {
    /// The line vanishes and comes back after `away_ms`; the terminal itself keeps its power.
    pub fn pull_plug(&mut self, now_ms: u64) {
        self.state = State::Unplugged;
        self.card_in = false;
        self.unacknowledged = None;
        self.reader = Reader::default();
        self.outs.push(Out::LineDown);
        self.plan(now_ms, self.setup.away_ms, Plan::PlugIn);
    }

    pub fn unplug(&mut self, now_ms: u64) {
        self.pull_plug(now_ms);
        self.plans.retain(|(_, plan)| *plan != Plan::PlugIn);
    }

    pub fn plug_in(&mut self) {
        self.plan(0, 0, Plan::PlugIn);
    }

    /// Somebody takes a forgotten card out.
    pub fn take_card_out(&mut self, now_ms: u64) {
        self.setup.card_stays = false;
        self.plan(now_ms, 0, Plan::TakeCardOut);
    }

    /// Mistakes that were ordered and not made are not made any more.
    pub fn forgive(&mut self) {
        self.faults.clear();
        self.armed.clear();
    }

    /// Bytes out of turn, whatever they mean.
    pub fn talk(&mut self, bytes: &[u8]) {
        self.send(bytes.to_vec());
    }

    pub fn restart(&mut self, now_ms: u64) {
        self.state = State::Restarting;
        self.charge = None;
        self.card_in = false;
        self.unacknowledged = None;
        self.reader = Reader::default();
        if !self.setup.keeps_last {
            self.last = self.before_last.take().filter(|_| self.setup.falls_back);
        }
        self.plan(now_ms, self.setup.reboot_ms, Plan::Started);
    }
}
