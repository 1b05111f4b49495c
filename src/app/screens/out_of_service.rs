use super::ui::{App, OutOfServiceData};
use super::words::Words;
use crate::domain::language::LocalText;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, desk: &LocalText) {
    app.global::<OutOfServiceData>().set_desk(words.text(desk));
}
