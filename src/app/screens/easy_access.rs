//! Ways of use: which are on comes from the theme; "more time" is the session's own.

use super::ui::{App, EasyAccessData};
use slint::ComponentHandle;

pub(super) fn show(app: &App, slow: bool) {
    app.global::<EasyAccessData>().set_slow(slow);
}
