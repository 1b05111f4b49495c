use super::ui::{App, ConsentData};
use super::words::{Words, rows};
use crate::domain::language::LocalText;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, text: &LocalText) {
    let global = app.global::<ConsentData>();
    let lines = text.get(words.language).lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.map(|line| words.line(line)).collect();
    global.set_lines(rows(global.get_lines(), lines));
}
