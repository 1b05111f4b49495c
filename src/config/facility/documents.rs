//! `documents.toml`: what can be ordered, where and when it is issued, and which fees it costs.

use super::expect_key;
use super::fees::Fees;
use crate::config::read::{Or, Section};
use crate::domain::document::{Document, Price, Tax, Unit};
use crate::domain::facility::Facility;
use crate::domain::hours::WeekHours;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// More rows than this no patient reads.
const DOCUMENTS_MAX: usize = 40;

pub(super) fn read(root: &Section<'_>, facility: &Facility, fees: &Fees) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    for row in root.tables("document") {
        let document = read_one(&row, facility, fees);
        if documents.iter().any(|earlier| earlier.code == document.code) {
            row.fault("code", "two documents have this code", "a code of its own");
        }
        row.finish();
        documents.push(document);
    }
    if documents.is_empty() || documents.len() > DOCUMENTS_MAX {
        let why = format!("there are {} documents", documents.len());
        root.fault_at(root.start, "document".to_owned(), why, format!("1 to {DOCUMENTS_MAX} tables [[document]]"));
    }
    documents
}

fn read_one(row: &Section<'_>, facility: &Facility, fees: &Fees) -> Document {
    let offered = &facility.languages;
    let (price, price_changes) = read_price(row, fees);
    let doctor_writes = price == Price::DoctorWrites;
    let units = Unit::ALL.map(Unit::word);
    let unit = row.choice("unit", &units, Or::Default(Unit::Copy.word()));
    let document = Document {
        code: row.word("code", "\"CF_VISIT\""),
        name: row.local_text("name", offered),
        hint: row.optional_text("hint", offered),
        price,
        price_changes,
        unit: Unit::ALL.into_iter().find(|known| known.word() == unit).unwrap_or(Unit::Copy),
        tax: read_tax(row),
        ready_min: row.whole("ready_min", 0..=1_440, Or::Default(0)),
        ready_max: row.whole("ready_max", 0..=1_440, Or::Default(0)),
        hours: row.text("hours", if doctor_writes { Or::Default("") } else { Or::Needed("\"desk\"") }),
        desk: row.text("desk", if doctor_writes { Or::Default("") } else { Or::Needed("\"records\"") }),
        bring: row.optional_text("bring", offered),
        languages: if doctor_writes && !row.has("languages") {
            row.find("languages");
            Vec::new()
        } else {
            row.languages("languages", &crate::domain::language::Language::ALL, "")
        },
        copies_max: row.whole("copies_max", 1..=99, Or::Default(10)),
    };
    check(row, &document, facility);
    document
}

fn check(row: &Section<'_>, document: &Document, facility: &Facility) {
    if document.code.len() > 32 || !document.code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        row.fault("code", "it travels in messages and commands", "at most 32 letters A-Z, digits and _");
    }
    if document.ready_min > document.ready_max {
        row.fault("ready_min", "the shortest time is longer than the longest", "at most ready_max");
    }
    if row.has("hours") {
        expect_key(row, "hours", &document.hours, &facility.hours, "hours.toml");
    }
    if row.has("desk") {
        expect_key(row, "desk", &document.desk, &facility.desks, "desks.toml");
    }
    if let Some(week) = facility.hours.get(&document.hours)
        && shortest_day_minutes(week).is_none_or(|open| open < i64::from(document.ready_max))
    {
        row.fault("ready_max", "its counter is not open that long every open day", "a shorter time, or other hours");
    }
}

/// `None` if the counter never opens.
fn shortest_day_minutes(week: &WeekHours) -> Option<i64> {
    week.0.iter().flatten().map(|(opens, closes)| (*closes - *opens).num_minutes()).min()
}

fn read_tax(row: &Section<'_>) -> Tax {
    row.value("tax", Or::Default(Tax::Exempt), Tax::Exempt, |value| {
        let percent = |text: &str| text.strip_suffix('%').and_then(|text| text.parse::<u8>().ok());
        let tax = value.as_str().and_then(|text| match text {
            "exempt" => Some(Tax::Exempt),
            text => percent(text).filter(|percent| (1..=50).contains(percent)).map(Tax::Percent),
        });
        tax.ok_or_else(|| "\"exempt\", or the percentage that the price includes, as \"10%\"".to_owned())
    })
}

/// The price in force first, and each later change with its day. Exactly one of `fee`, `page_fees`, `doctor_writes`.
fn read_price(row: &Section<'_>, fees: &Fees) -> (Price, Vec<(NaiveDate, Price)>) {
    let doctor_writes = row.flag("doctor_writes", Or::Default(false));
    let kinds = [doctor_writes, row.has("fee"), row.has("page_fees")];
    if kinds.into_iter().filter(|is| *is).count() != 1 {
        let instead =
            "exactly one of: fee = \"CODE\", page_fees = [{ from = 1, fee = \"CODE\" }], doctor_writes = true";
        row.fault_at(row.start, row.path_of("fee"), "a document has one kind of price", instead);
    }
    let first = fee_code(row, "fee", fees);
    let further = fee_code(row, "further_fee", fees).or(first.clone());
    let tiers = read_tiers(row, fees);
    let codes: Vec<&str> = match (&first, &further) {
        (Some(first), Some(further)) => vec![first, further],
        (Some(code), None) | (None, Some(code)) => vec![code],
        (None, None) => tiers.iter().map(|(_, code)| code.as_str()).collect(),
    };
    let days: BTreeSet<NaiveDate> =
        codes.iter().filter_map(|code| fees.0.get(*code)).flat_map(|rows| rows.keys().copied()).collect();
    let on = |day: NaiveDate| match (&first, &further) {
        _ if doctor_writes => Price::DoctorWrites,
        (Some(first), Some(further)) => {
            Price::Fixed { first: fees.price_on(first, day), further: fees.price_on(further, day) }
        }
        (Some(_) | None, _) => {
            Price::ByPage { tiers: tiers.iter().map(|(from, code)| (*from, fees.price_on(code, day))).collect() }
        }
    };
    let mut prices = days.into_iter().map(|day| (day, on(day)));
    let price = prices.next().map_or_else(|| on(NaiveDate::MIN), |(_, price)| price);
    (price, prices.collect())
}

fn fee_code(row: &Section<'_>, key: &'static str, fees: &Fees) -> Option<String> {
    let code = row.text(key, Or::Default(""));
    if row.has(key) {
        expect_key(row, key, &code, &fees.0, "fees.toml");
    }
    row.has(key).then_some(code)
}

/// `page_fees = [{ from = 1, fee = "CODE" }, …]`, ascending from page 1.
fn read_tiers(row: &Section<'_>, fees: &Fees) -> Vec<(u32, String)> {
    let mut tiers: Vec<(u32, String)> = Vec::new();
    for tier in row.tables("page_fees") {
        let from = tier.whole("from", 1..=10_000, Or::Needed("1"));
        let code = fee_code(&tier, "fee", fees);
        let ascends = tiers.last().map_or(from == 1, |(earlier, _)| from > *earlier);
        if !ascends {
            tier.fault("from", "tiers go up from page 1", "1 in the first tier, then a larger number in each");
        }
        match code {
            Some(code) => tiers.push((from, code)),
            None => tier.missing("fee", "\"REC_PAGE\""),
        }
        tier.finish();
    }
    tiers
}
