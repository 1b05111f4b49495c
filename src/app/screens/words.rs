//! How data texts are written for the language of a view.

use crate::domain::facility::Facility;
use crate::domain::format;
use crate::domain::language::{Language, LocalText};
use crate::domain::money::Amount;
use chrono::{DateTime, FixedOffset, NaiveTime};
use slint::{Model, ModelRc, SharedString, VecModel};

/// Font of a language; Han characters look different in Korean, Chinese and Japanese.
pub(super) const fn family(language: Language) -> &'static str {
    match language {
        Language::Ko => "Noto Sans CJK KR",
        Language::Zh => "Noto Sans CJK SC",
        Language::Ja => "Noto Sans CJK JP",
        Language::En | Language::Ru | Language::Vi | Language::Mn => "Noto Sans",
        Language::Ar => "Noto Sans Arabic",
    }
}

pub(super) struct Words<'a> {
    pub language: Language,
    pub facility: &'a Facility,
    pub wall: DateTime<FixedOffset>,
}

impl Words<'_> {
    pub fn text(&self, text: &LocalText) -> SharedString {
        self.line(&format::keep_end(text.get(self.language)))
    }

    pub fn line(&self, text: &str) -> SharedString {
        format::keep_words(text, self.language).into()
    }

    /// A text of short lines.
    pub fn lines_of(&self, text: &LocalText) -> Vec<SharedString> {
        let lines = text.get(self.language).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(|line| self.line(line)).collect()
    }

    /// What scripts look for: the English text.
    pub fn id(text: &LocalText) -> SharedString {
        text.get(Language::En).into()
    }

    pub fn money(&self, amount: Amount) -> SharedString {
        self.line(&format::money(amount, &self.facility.currency, self.language))
    }

    pub fn clock(&self, at: NaiveTime) -> SharedString {
        self.line(&format::clock(at, self.language))
    }

    pub fn span(&self, from: DateTime<FixedOffset>, until: Option<DateTime<FixedOffset>>) -> SharedString {
        self.line(&format::time_span(from, until, self.wall.date_naive(), self.language))
    }
}

/// The rows in place where the model can take them, so that a pressed or focused row survives an update; a new model
/// otherwise.
pub(super) fn rows<T: Clone + PartialEq + 'static>(old: ModelRc<T>, new: Vec<T>) -> ModelRc<T> {
    let Some(model) = old.as_any().downcast_ref::<VecModel<T>>() else {
        return ModelRc::new(VecModel::from(new));
    };
    while model.row_count() > new.len() {
        model.remove(model.row_count() - 1);
    }
    for (at, row) in new.into_iter().enumerate() {
        if at >= model.row_count() {
            model.push(row);
        } else if model.row_data(at).as_ref() != Some(&row) {
            model.set_row_data(at, row);
        }
    }
    old
}

/// Seconds and counts are small; Slint's numbers are `i32`.
pub(super) fn int<T: TryInto<i32>>(value: T) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}
