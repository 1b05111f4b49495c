//! `fees.toml`: the hospital's own prices with their legal caps, each from a day on.

use crate::config::read::{Or, Section};
use crate::domain::money::Amount;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Highest price of anything, in minor units: keeps every sum far from overflow.
const PRICE_MAX: i64 = 1_000_000_000;

/// Prices by fee code, each by the day it begins.
#[derive(Debug, Default)]
pub(super) struct Fees(pub BTreeMap<String, BTreeMap<NaiveDate, Amount>>);

impl Fees {
    /// The price of `code` on `day`; before the first row its price holds.
    pub fn price_on(&self, code: &str, day: NaiveDate) -> Amount {
        let rows = self.0.get(code);
        let begun = rows.and_then(|rows| rows.range(..=day).next_back());
        begun.or_else(|| rows.and_then(BTreeMap::first_key_value)).map_or(Amount::ZERO, |(_, price)| *price)
    }
}

pub(super) fn read(root: &Section<'_>) -> Fees {
    let mut fees = Fees::default();
    for row in root.tables("fee") {
        let code = row.word("code", "\"CF_VISIT\"");
        let price = row.whole("price", 0..=PRICE_MAX, Or::Needed("3000"));
        let has_cap = row.has("cap");
        let cap = row.whole("cap", 0..=PRICE_MAX, Or::Default(0));
        if has_cap && price > cap {
            row.fault("price", format!("{price} is above the legal cap of {cap}"), format!("a price from 0 to {cap}"));
        }
        let from = date(&row, "effective_from");
        if fees.0.entry(code.clone()).or_default().insert(from, Amount(price)).is_some() {
            row.fault("code", format!("\"{code}\" has two prices from {from} on"), "one row for each effective_from");
        }
        row.finish();
    }
    fees
}

fn date(row: &Section<'_>, key: &'static str) -> NaiveDate {
    row.value(key, Or::Needed("2026-01-01"), NaiveDate::MIN, |value| {
        let date = value
            .as_datetime()
            .and_then(|written| written.date)
            .and_then(|date| NaiveDate::from_ymd_opt(i32::from(date.year), u32::from(date.month), u32::from(date.day)));
        date.ok_or_else(|| "a day, as 2026-01-01".to_owned())
    })
}
