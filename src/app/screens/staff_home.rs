use super::ui::{App, DeviceState, StaffHomeData};
use super::words::int;
use crate::domain::printer::PrinterState;
use crate::domain::screen::staff::{StaffHome, Trouble};
use slint::ComponentHandle;

pub(super) fn show(app: &App, home: &StaffHome) {
    let global = app.global::<StaffHomeData>();
    global.set_closed(home.trouble.is_some());
    global.set_payments_closed(matches!(home.trouble, Some(Trouble::SetAside(_))));
    global.set_terminal(if home.terminal_trouble.is_some() && home.terminal_online == Some(true) {
        DeviceState::Trouble
    } else {
        online(home.terminal_online)
    });
    global.set_trouble(home.terminal_trouble.clone().unwrap_or_default().into());
    global.set_printer(printer(home.printer));
    global.set_hospital(online(home.hospital_online));
    global.set_readable(home.unfinished.is_some());
    global.set_unfinished(int(home.unfinished.unwrap_or(0)));
    global.set_paid(int(home.paid));
    global.set_waiting(int(home.waiting));
    global.set_parked(int(home.parked));
}

const fn online(online: Option<bool>) -> DeviceState {
    match online {
        None => DeviceState::Unknown,
        Some(true) => DeviceState::Ready,
        Some(false) => DeviceState::Silent,
    }
}

const fn printer(state: Option<PrinterState>) -> DeviceState {
    match state {
        None => DeviceState::Unknown,
        Some(PrinterState::Online) => DeviceState::Ready,
        Some(PrinterState::PaperLow) => DeviceState::PaperLow,
        Some(PrinterState::PaperOut) => DeviceState::NoPaper,
        Some(PrinterState::CoverOpen) => DeviceState::CoverOpen,
        Some(PrinterState::Offline) => DeviceState::Silent,
    }
}
