use super::ui::{App, WaitData, WaitFor};
use super::words::int;
use crate::domain::screen::Waiting;
use slint::ComponentHandle;

pub(super) fn show(app: &App, what: Waiting, left: u32, total: u32) {
    let global = app.global::<WaitData>();
    global.set_what(match what {
        Waiting::LookUp => WaitFor::LookUp,
        Waiting::Quote => WaitFor::Quote,
    });
    global.set_left(int(left));
    global.set_total(int(total));
}
