use super::ui::{App, HelpData};
use super::words::Words;
use crate::domain::language::LocalText;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, desk: &LocalText, emergency: &LocalText) {
    let global = app.global::<HelpData>();
    global.set_desk(words.text(desk));
    global.set_emergency(words.text(emergency));
}
