use super::documents;
use super::ui::{App, HoursItem, InformationData, InformationTab};
use super::words::{Words, rows};
use crate::domain::screen::{HoursRow, InformationPage};
use slint::{ComponentHandle, SharedString};

pub(super) fn show(app: &App, words: &Words, page: &InformationPage, rights: bool) {
    let global = app.global::<InformationData>();
    global.set_has_rights(rights);
    match page {
        InformationPage::Fees { rows: fees } => {
            global.set_tab(InformationTab::Fees);
            let items = fees.iter().map(|row| documents::item(words, row)).collect();
            global.set_fees(rows(global.get_fees(), items));
        }
        InformationPage::Hours { rows: hours } => {
            global.set_tab(InformationTab::Hours);
            let items = hours.iter().map(|row| item(words, row)).collect();
            global.set_hours(rows(global.get_hours(), items));
        }
        InformationPage::Desks { rows: desks } => {
            global.set_tab(InformationTab::Desks);
            let items = desks.iter().map(|desk| words.text(desk)).collect();
            global.set_desks(rows(global.get_desks(), items));
        }
        InformationPage::Rights { text } => {
            global.set_tab(InformationTab::Rights);
            global.set_rights(rows(global.get_rights(), words.lines_of(text)));
        }
    }
}

fn item(words: &Words, row: &HoursRow) -> HoursItem {
    let open = |hours: &Option<(String, String)>| -> SharedString {
        hours.as_ref().map(|(from, to)| format!("{from} – {to}").into()).unwrap_or_default()
    };
    HoursItem {
        what: words.text(&row.what),
        weekday: open(&row.weekday),
        saturday: open(&row.saturday),
        sunday: open(&row.sunday),
    }
}
