use super::ui::{App, AppointmentsData, VisitItem, VisitState};
use super::words::{Words, rows};
use crate::domain::format;
use crate::domain::screen::{AppointmentRow, RowState};
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, name: &str, list: &[AppointmentRow], can_go_on: bool) {
    let global = app.global::<AppointmentsData>();
    let items = list.iter().map(|row| item(words, row)).collect();
    global.set_rows(rows(global.get_rows(), items));
    global.set_name(words.line(name));
    global.set_can_go_on(can_go_on);
}

fn item(words: &Words, row: &AppointmentRow) -> VisitItem {
    let since = match row.state {
        RowState::Already { at_minute: Some(minute) } => words.line(&format::minute_of_day(minute, words.language)),
        RowState::Already { at_minute: None }
        | RowState::Marked
        | RowState::Unmarked
        | RowState::TooEarly
        | RowState::TooLate
        | RowState::OtherSite
        | RowState::Cancelled => "".into(),
    };
    VisitItem {
        id: format!("{} {}", Words::id(&row.clinic), row.at.format("%H:%M")).into(),
        time: words.clock(row.at.time()),
        clinic: words.text(&row.clinic),
        place: words.text(&row.place),
        state: match row.state {
            RowState::Marked => VisitState::Marked,
            RowState::Unmarked => VisitState::Unmarked,
            RowState::Already { .. } => VisitState::Already,
            RowState::TooEarly => VisitState::TooEarly,
            RowState::TooLate => VisitState::TooLate,
            RowState::OtherSite => VisitState::OtherSite,
            RowState::Cancelled => VisitState::Cancelled,
        },
        since,
    }
}
