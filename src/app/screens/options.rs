use super::language::code;
use super::ui::{App, OptionsData, PaperLanguage};
use super::words::{Words, int, rows};
use crate::domain::language::{Language, LocalText};
use slint::ComponentHandle;

/// One document's copies and language.
pub(super) struct Choice<'a> {
    pub name: &'a LocalText,
    pub copies: u32,
    pub copies_max: u32,
    pub languages: &'a [Language],
    pub language: Language,
}

pub(super) fn show(app: &App, words: &Words, choice: &Choice) {
    let global = app.global::<OptionsData>();
    let items = choice
        .languages
        .iter()
        .map(|language| PaperLanguage {
            id: language.english_name().into(),
            name: language.own_name().into(),
            code: code(*language),
            chosen: *language == choice.language,
        })
        .collect();
    global.set_name(words.text(choice.name));
    global.set_copies(int(choice.copies));
    global.set_copies_max(int(choice.copies_max));
    global.set_languages(rows(global.get_languages(), items));
}
