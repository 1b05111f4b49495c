//! Stand-in until the real rules are merged: same signature, simple prices, ready `ready_max` minutes from now.

use super::{Document, OrderLine, Price, Tax, Unit};
use crate::domain::facility::Facility;
use crate::domain::language::Language;
use crate::domain::money::Amount;
use chrono::{DateTime, Datelike, Duration, FixedOffset};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteReason {
    Closed,
    Holiday,
    TooLate,
    DoctorWrites,
    BadPages,
    UnknownDocument,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub orderable: bool,
    pub today: bool,
    pub reason: Option<QuoteReason>,
    pub ready_at: Option<DateTime<FixedOffset>>,
    pub amount: Option<Amount>,
    pub lines: Vec<OrderLine>,
    pub tax: Tax,
}

#[must_use]
pub fn quote(
    facility: &Facility,
    code: &str,
    pages: Option<u32>,
    copies: u32,
    language: Option<Language>,
    at: DateTime<FixedOffset>,
) -> Quote {
    let Some(document) = facility.document(code) else { return refused(QuoteReason::UnknownDocument) };
    let amount = match &document.price {
        Price::DoctorWrites => return refused(QuoteReason::DoctorWrites),
        Price::Fixed { first, further } => Some(Amount(first.0 + further.0 * i64::from(copies.saturating_sub(1)))),
        Price::ByPage { tiers } => match pages {
            Some(0) => return refused(QuoteReason::BadPages),
            Some(pages) => Some(Amount(by_page(tiers, pages) * i64::from(copies))),
            None => None,
        },
    };
    let ready = at + Duration::minutes(i64::from(document.ready_max));
    let closed = facility
        .hours
        .get(&document.hours)
        .is_some_and(|week| week.0[at.weekday().num_days_from_monday() as usize].is_none());
    Quote {
        orderable: true,
        today: !closed,
        reason: closed.then_some(QuoteReason::Closed),
        ready_at: Some(if closed { ready + Duration::days(1) } else { ready }),
        amount,
        lines: amount.map(|amount| line(document, copies, language, amount)).into_iter().collect(),
        tax: document.tax,
    }
}

fn by_page(tiers: &[(u32, Amount)], pages: u32) -> i64 {
    let price = |page: u32| tiers.iter().rev().find(|(from, _)| *from <= page).map_or(0, |(_, price)| price.0);
    (1..=pages.min(10_000)).map(price).sum()
}

fn line(document: &Document, copies: u32, language: Option<Language>, amount: Amount) -> OrderLine {
    OrderLine {
        code: document.code.clone(),
        name: document.name.clone(),
        language: language.unwrap_or(Language::Ko),
        unit: Unit::Copy,
        count: copies,
        copies,
        amount,
        tax: document.tax,
    }
}

fn refused(reason: QuoteReason) -> Quote {
    Quote {
        orderable: false,
        today: false,
        reason: Some(reason),
        ready_at: None,
        amount: None,
        lines: Vec::new(),
        tax: Tax::Exempt,
    }
}
