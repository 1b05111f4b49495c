use super::ui::{App, StillHereData};
use super::words::int;
use slint::ComponentHandle;

pub(super) fn show(app: &App, left: u32, total: u32) {
    let global = app.global::<StillHereData>();
    global.set_left(int(left));
    global.set_total(int(total));
}
