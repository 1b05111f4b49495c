use super::ui::{App, PinOf as Asked, StaffGate, StaffPinData};
use super::words::{Words, int};
use crate::domain::screen::staff::{PinOf, Trouble};
use crate::domain::staff::{Gate, PIN_MAX, PIN_MIN};
use slint::ComponentHandle;

/// Whoever has no PIN sees at the door why the machine is closed.
pub(super) fn closed(app: &App, trouble: Option<&Trouble>) {
    app.global::<StaffPinData>().set_trouble(super::staff_trouble::kind(trouble));
}

pub(super) fn show(app: &App, words: &Words, (what, typed): (PinOf, u8), gate: Gate, checking: bool) {
    let global = app.global::<StaffPinData>();
    global.set_what(match what {
        PinOf::Number => Asked::Number,
        PinOf::Door => Asked::Door,
        PinOf::Again => Asked::Again,
    });
    global.set_typed(i32::from(typed));
    global.set_least(int(PIN_MIN));
    global.set_most(int(PIN_MAX));
    if let Gate::Wrong { tries_left } = gate {
        global.set_tries_left(int(tries_left));
    }
    if let Gate::Wait { seconds } = gate {
        global.set_seconds(int(seconds));
    }
    if let Gate::Locked { until } = gate {
        global.set_until(words.clock(until.time()));
    }
    global.set_gate(match gate {
        Gate::NoPin => StaffGate::NoPin,
        Gate::Locked { .. } => StaffGate::Locked,
        Gate::Closed | Gate::Wrong { .. } | Gate::Refused | Gate::Wait { .. } | Gate::Number { .. } | Gate::Unknown
            if checking =>
        {
            StaffGate::Checking
        }
        Gate::Wrong { .. } => StaffGate::Wrong,
        Gate::Refused => StaffGate::Refused,
        Gate::Wait { .. } => StaffGate::Wait,
        Gate::Number { after_wrong: true } => StaffGate::Number,
        Gate::Unknown => StaffGate::Unknown,
        // Whoever is let in waits for the lists.
        Gate::Open(_) => StaffGate::Checking,
        Gate::Closed | Gate::Number { after_wrong: false } => StaffGate::Closed,
    });
}
