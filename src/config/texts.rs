//! Texts the hospital wrote in several languages, and languages themselves.

use super::read::{Found, Or, Section, kind_of, text_of};
use crate::domain::language::{Language, LocalText};

const LANGUAGE_CODES: &str = "one of ko, en, zh, ja, ru, vi, mn, ar";

impl<'a> Section<'a> {
    /// `name = { ko = "…", en = "…" }` with a text in every language of `offered`.
    pub fn local_text(&self, key: &'static str, offered: &[Language]) -> LocalText {
        let Some(found) = self.find(key) else {
            self.missing(key, &example(offered));
            return LocalText::default();
        };
        self.local_text_of(&self.path_of(key), found, offered)
    }

    /// The same, but it may be left out and is then empty.
    pub fn optional_text(&self, key: &'static str, offered: &[Language]) -> LocalText {
        self.find(key).map(|found| self.local_text_of(&self.path_of(key), found, offered)).unwrap_or_default()
    }

    pub fn local_text_of(&self, path: &str, found: Found<'a>, offered: &[Language]) -> LocalText {
        let start = found.1.start;
        if found.0.as_table().is_none() {
            self.fault_at(start, path.to_owned(), format!("{} will not do here", kind_of(found.0)), example(offered));
            return LocalText::default();
        }
        let section = self.inner(path.to_owned(), Some(found));
        let mut texts = LocalText::default();
        for (code, byte, (value, span)) in section.entries() {
            match (Language::from_code(code), text_of(value)) {
                (None, _) => self.fault_at(byte, section.path_of(code), "this is not a language", LANGUAGE_CODES),
                (_, Err(should)) => self.fault_at(span.start, section.path_of(code), "this is not a text", should),
                (Some(language), Ok(text)) => {
                    texts.0.insert(language, text.to_owned());
                }
            }
        }
        for language in offered.iter().filter(|language| !texts.0.contains_key(language)) {
            let code = language.code();
            let why = "the text is missing in this language, which the kiosk offers";
            self.fault_at(start, section.path_of(code), why, format!("{code} = \"…\""));
        }
        texts
    }

    /// A list of languages, each one of `allowed`; at least one.
    pub fn languages(&self, key: &'static str, allowed: &[Language], why_not: &str) -> Vec<Language> {
        let Some((value, span)) = self.find(key) else {
            self.missing(key, "[\"en\"]");
            return Vec::new();
        };
        let items = value.as_array().filter(|items| !items.is_empty());
        let Some(items) = items else {
            self.fault_at(span.start, self.path_of(key), "at least one language is needed", "[\"en\"]");
            return Vec::new();
        };
        let mut languages = Vec::new();
        for item in items {
            let code = item.get_ref().as_str().unwrap_or_default();
            let refuse = |why: &str, instead: &str| self.fault_at(item.span().start, self.path_of(key), why, instead);
            match Language::from_code(code) {
                None => refuse("this is not a language", LANGUAGE_CODES),
                Some(language) if !allowed.contains(&language) => refuse(why_not, &codes(allowed)),
                Some(language) if languages.contains(&language) => refuse("this language is there twice", "each once"),
                Some(language) => languages.push(language),
            }
        }
        languages
    }

    /// One language of `allowed`.
    pub fn language(&self, key: &'static str, allowed: &[Language]) -> Option<Language> {
        self.value(key, Or::Needed("\"en\""), None, |value| {
            let language = value.as_str().and_then(Language::from_code).filter(|language| allowed.contains(language));
            language.map(Some).ok_or_else(|| codes(allowed))
        })
    }
}

fn codes(languages: &[Language]) -> String {
    let codes: Vec<&str> = languages.iter().map(|language| language.code()).collect();
    format!("one of {}", codes.join(", "))
}

fn example(offered: &[Language]) -> String {
    let texts: Vec<String> = offered.iter().map(|language| format!("{} = \"…\"", language.code())).collect();
    format!("{{ {} }}", texts.join(", "))
}
