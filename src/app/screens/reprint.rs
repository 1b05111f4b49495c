use super::done::print_note;
use super::ui::{App, ReprintData};
use crate::domain::screen::PrintState;
use slint::ComponentHandle;

pub(super) fn show(app: &App, available: bool, claim: &str, printing: PrintState) {
    let global = app.global::<ReprintData>();
    global.set_available(available);
    global.set_claim(claim.into());
    global.set_printing(print_note(printing));
}
