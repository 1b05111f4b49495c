use super::ui::{App, IdleData};
use super::words::Words;
use crate::domain::format;
use crate::domain::language::Language;
use chrono::Datelike;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words) {
    let global = app.global::<IdleData>();
    let (language, day, time) = (words.language, words.wall.date_naive(), words.wall.time());
    let half = format::half_day(time, language);
    let weekday = format::weekday(day.weekday(), language);
    let date = format::date(day, language);
    // `11월 20일 / 금요일 오후 / 2:05`, but `Friday / 20 November / 2:05 pm`.
    let (first, after) = if language == Language::En {
        (format!("{weekday}\n{date}"), half)
    } else {
        (format!("{date}\n{weekday} {half}"), "")
    };
    global.set_day(words.line(first.trim_end()));
    global.set_half(after.into());
    global.set_clock(format::clock_face(time, language).into());
    global.set_emergency(words.text(&words.facility.emergency));
    let others: Vec<&str> = words
        .facility
        .languages
        .iter()
        .filter(|other| **other != language && **other != Language::En)
        .map(|other| other.touch_to_start())
        .collect();
    global.set_others(others.join("  ·  ").into());
}
