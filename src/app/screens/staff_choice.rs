use super::ui::{App, StaffChoiceData, StaffQuestion};
use super::words::Words;
use crate::domain::screen::staff::{ChoiceOf, StaffChoice};
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, choice: &StaffChoice) {
    let global = app.global::<StaffChoiceData>();
    global.set_what(match choice.what {
        ChoiceOf::PaidEvidence => StaffQuestion::PaidEvidence,
        ChoiceOf::NotPaidEvidence => StaffQuestion::NotPaidEvidence,
        ChoiceOf::GiveBackWay => StaffQuestion::GiveBackWay,
    });
    global.set_number(choice.number.as_str().into());
    global.set_amount(words.money(choice.amount));
    global.set_chosen(choice.chosen.map_or(-1, i32::from));
}
