//! `hours.toml`: opening hours by counter, and the days on which all of them are closed.

use crate::config::read::{Or, Section};
use crate::domain::hours::WeekHours;
use crate::domain::language::{Language, LocalText};
use chrono::{NaiveDate, NaiveTime};
use std::collections::BTreeMap;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

pub(super) fn read_tables(root: &Section<'_>) -> BTreeMap<String, WeekHours> {
    let tables = root.table("hours");
    let mut read = BTreeMap::new();
    for (key, _, found) in tables.entries() {
        let table = tables.inner(tables.path_of(key), Some(found));
        let week = DAYS.map(|day| {
            let should = "\"08:00-18:00\" or \"closed\"";
            table.value(day, Or::Needed(should), None, |value| {
                value.as_str().and_then(day_hours).ok_or_else(|| should.to_owned())
            })
        });
        table.finish();
        read.insert(key.to_owned(), WeekHours(week));
    }
    read
}

/// `08:00-18:00` or `closed`; `None` if it is neither.
#[expect(clippy::option_option, reason = "outer: readable; inner: open that day, as in WeekHours")]
fn day_hours(text: &str) -> Option<Option<(NaiveTime, NaiveTime)>> {
    if text == "closed" {
        return Some(None);
    }
    let (opens, closes) = text.split_once('-')?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let (opens, closes) = (time(opens)?, time(closes)?);
    (opens < closes).then_some(Some((opens, closes)))
}

pub(super) fn read_holidays(root: &Section<'_>, languages: &[Language]) -> BTreeMap<NaiveDate, LocalText> {
    let table = root.table("holidays");
    let mut holidays = BTreeMap::new();
    for (key, byte, found) in table.entries() {
        let name = table.local_text_of(&table.path_of(key), found, languages);
        match key.parse::<NaiveDate>() {
            Ok(day) => {
                holidays.insert(day, name);
            }
            Err(_) => table.fault_at(byte, table.path_of(key), "this is not a day", "year-month-day, as 2026-01-01"),
        }
    }
    holidays
}
