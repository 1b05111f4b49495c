use super::staff_queue;
use super::ui::{App, StaffChoiceData, StaffQuestion};
use super::words::Words;
use crate::domain::screen::staff::{ChoiceOf, RequestQuestion, StaffChoice, StaffRequest};
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
    global.set_chosen(chosen(choice.chosen));
}

/// The same of a request.
pub(super) fn ask(app: &App, words: &Words, request: &StaffRequest) {
    let global = app.global::<StaffChoiceData>();
    global.set_what(match request.asked {
        RequestQuestion::End => StaffQuestion::RequestEnd,
        RequestQuestion::Evidence => StaffQuestion::EnteredEvidence,
    });
    global.set_request(staff_queue::item(words, 0, &request.row));
    global.set_chosen(chosen(request.chosen));
}

fn chosen(row: Option<u8>) -> i32 {
    row.map_or(-1, i32::from)
}
