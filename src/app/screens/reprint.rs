use super::done::print_note;
use super::ui::{App, PaymentWord, ReprintData};
use super::words::Words;
use crate::domain::enquiry::Became;
use crate::domain::format;
use crate::domain::screen::SightScreen;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, sight: &SightScreen) {
    let global = app.global::<ReprintData>();
    global.set_became(match sight.became {
        Became::Paid => PaymentWord::Paid,
        Became::NotPaid => PaymentWord::NotPaid,
        Became::InDoubt => PaymentWord::InDoubt,
        Became::GivenBack => PaymentWord::GivenBack,
    });
    global.set_number(sight.number.as_str().into());
    global.set_amount(words.money(sight.amount));
    let (day, time) = (sight.at.date_naive(), sight.at.time());
    global.set_when(words.line(&format!(
        "{} {}",
        format::date(day, words.language),
        format::clock(time, words.language)
    )));
    global.set_desk(words.text(&sight.desk));
    global.set_can_print(sight.can_print);
    global.set_printing(print_note(sight.printing));
}
