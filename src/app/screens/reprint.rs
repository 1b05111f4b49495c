use super::done::print_note;
use super::ui::{App, ReprintData};
use super::words::Words;
use crate::domain::screen::PrintState;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, available: bool, claim: &str, printing: PrintState) {
    let global = app.global::<ReprintData>();
    global.set_available(available);
    global.set_claim(claim.into());
    global.set_desk(words.text(&words.facility.desk_name(&words.facility.cashier_desk)));
    global.set_printing(print_note(printing));
}
