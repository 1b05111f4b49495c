use super::ui::{App, StaffGate, StaffPinData};
use super::words::{Words, int};
use crate::domain::screen::staff::Trouble;
use crate::domain::staff::{Gate, PIN_MAX, PIN_MIN};
use slint::ComponentHandle;

/// Whoever has no PIN sees at the door why the machine is closed.
pub(super) fn closed(app: &App, trouble: Option<&Trouble>) {
    app.global::<StaffPinData>().set_trouble(super::staff_trouble::kind(trouble));
}

pub(super) fn show(app: &App, words: &Words, typed: u8, gate: Gate, checking: bool) {
    let global = app.global::<StaffPinData>();
    global.set_typed(i32::from(typed));
    global.set_least(int(PIN_MIN));
    global.set_most(int(PIN_MAX));
    if let Gate::Wrong { tries_left } = gate {
        global.set_tries_left(int(tries_left));
    }
    if let Gate::Locked { until } = gate {
        global.set_until(words.clock(until.time()));
    }
    global.set_gate(match gate {
        Gate::NoPin => StaffGate::NoPin,
        Gate::Locked { .. } => StaffGate::Locked,
        Gate::Closed | Gate::Open | Gate::Wrong { .. } | Gate::Unknown if checking => StaffGate::Checking,
        Gate::Wrong { .. } => StaffGate::Wrong,
        Gate::Unknown => StaffGate::Unknown,
        Gate::Closed | Gate::Open => StaffGate::Closed,
    });
}
