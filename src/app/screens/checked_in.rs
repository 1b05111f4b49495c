use super::done::print_note;
use super::ui::{App, CheckedInData};
use super::words::{Words, int};
use crate::domain::paper::DeskReason;
use crate::domain::screen::CheckedIn;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, done: &CheckedIn) {
    let global = app.global::<CheckedInData>();
    global.set_ticket(done.ticket.as_str().into());
    global.set_clinic(words.text(&done.clinic));
    global.set_place(words.text(&done.place));
    global.set_time(words.clock(done.at.time()));
    global.set_desk(done.see_desk.as_ref().map(|desk| words.text(desk)).unwrap_or_default());
    global.set_id_check(done.reasons.contains(&DeskReason::IdCheck));
    global.set_insurance_question(done.reasons.contains(&DeskReason::InsuranceQuestion));
    global.set_more_today(done.reasons.contains(&DeskReason::MoreToday));
    global.set_provisional(done.provisional);
    global.set_printing(print_note(done.printing));
    global.set_left(int(done.seconds_left));
    global.set_total(int(done.seconds_total));
}
