use super::number::problem;
use super::ui::{App, BirthDateData, DatePart};
use super::words::rows;
use crate::domain::screen::{DateEntry, DateField};
use slint::ComponentHandle;

/// Fields stand in the order they are typed: year, month, day in every language, so that one habit serves all.
const ORDER: [DateField; 3] = [DateField::Year, DateField::Month, DateField::Day];

pub(super) fn show(app: &App, entry: &DateEntry) {
    let global = app.global::<BirthDateData>();
    let parts = ORDER.iter().map(|field| part(entry, *field)).collect();
    global.set_parts(rows(global.get_parts(), parts));
    global.set_complete(entry.active == DateField::Complete);
    global.set_problem(problem(entry.problem));
}

fn part(entry: &DateEntry, field: DateField) -> DatePart {
    let (text, kind) = match field {
        DateField::Year => (&entry.year, 0),
        DateField::Month => (&entry.month, 1),
        DateField::Day | DateField::Complete => (&entry.day, 2),
    };
    DatePart { text: text.into(), kind, current: entry.active == field }
}
