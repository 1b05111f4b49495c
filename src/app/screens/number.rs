use super::ui::{App, NumberData, NumberOf, Problem};
use super::words::{int, rows};
use crate::domain::screen::{self, EntryProblem, NumberEntry};
use slint::{ComponentHandle, SharedString};

pub(super) fn show(app: &App, entry: &NumberEntry) {
    let global = app.global::<NumberData>();
    let digits: Vec<SharedString> = entry.digits.chars().map(SharedString::from).collect();
    global.set_typed(int(digits.len()));
    global.set_of(match entry.of {
        screen::NumberOf::Patient => NumberOf::Patient,
        screen::NumberOf::Payment => NumberOf::Payment,
        screen::NumberOf::PaymentToo => NumberOf::PaymentToo,
    });
    global.set_slots(i32::from(entry.slots));
    global.set_digits(rows(global.get_digits(), digits));
    global.set_problem(problem(entry.problem));
}

pub(super) const fn problem(problem: Option<EntryProblem>) -> Problem {
    match problem {
        None => Problem::None,
        Some(EntryProblem::Incomplete) => Problem::Incomplete,
        Some(EntryProblem::NoSuchMonth) => Problem::NoSuchMonth,
        Some(EntryProblem::NoSuchDay) => Problem::NoSuchDay,
        Some(EntryProblem::NoSuchYear) => Problem::NoSuchYear,
        Some(EntryProblem::NotFound) => Problem::NotFound,
        Some(EntryProblem::UnknownCode) => Problem::UnknownCode,
    }
}
