use super::ui::{App, LanguageData, LanguageItem};
use super::words::{Words, family, int, rows};
use crate::domain::language::Language;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, offered: &[Language], current: Option<Language>) {
    let global = app.global::<LanguageData>();
    let items = offered
        .iter()
        .map(|language| LanguageItem {
            id: language.english_name().into(),
            name: language.own_name().into(),
            start: language.start_word().into(),
            family: family(*language).into(),
            rtl: language.is_rtl(),
            current: current == Some(*language),
            code: code(*language),
        })
        .collect();
    global.set_rows(rows(global.get_rows(), items));
    global.set_can_go_back(current.is_some());
    global.set_in_english(if words.language == Language::En { "" } else { "Choose your language" }.into());
}

/// Place in `Language::ALL`, to come back in a tap.
pub(super) fn code(language: Language) -> i32 {
    int(Language::ALL.iter().position(|other| *other == language).unwrap_or(0))
}
