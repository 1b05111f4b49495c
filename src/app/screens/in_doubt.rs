use super::done::print_note;
use super::ui::{App, InDoubtData};
use super::words::{Words, int};
use crate::domain::screen::InDoubtScreen;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, doubt: &InDoubtScreen) {
    let global = app.global::<InDoubtData>();
    global.set_amount(words.money(doubt.amount));
    global.set_attempt(doubt.attempt_number.as_str().into());
    global.set_desk(words.text(&doubt.desk));
    global.set_over(doubt.seconds_left.is_none());
    global.set_left(int(doubt.seconds_left.unwrap_or(0)));
    global.set_total(int(doubt.seconds_total));
    global.set_printing(print_note(doubt.printing));
}
