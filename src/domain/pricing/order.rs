//! From what was picked to what it costs, where and when it is collected, and what to bring.

use super::quote::{self, Reason};
use crate::domain::document::{Document, OrderItem, OrderLine, Price, Tax, Unit};
use crate::domain::facility::Facility;
use crate::domain::language::{Language, LocalText};
use crate::domain::money::Amount;
use crate::domain::screen::LaterWhy;
use chrono::{DateTime, FixedOffset};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// One for each item, in the same order, whether its price is known now or not.
    pub lines: Vec<OrderLine>,
    /// Of the lines that have a price.
    pub total: Amount,
    /// When the last of them is ready.
    pub ready_at: DateTime<FixedOffset>,
    /// When the first counter closes on that day.
    pub collect_until: Option<DateTime<FixedOffset>>,
    pub later: Option<LaterWhy>,
    pub collect_at: LocalText,
    pub bring: LocalText,
}

impl Priced {
    /// The price of a paper is not known now: what is due is told at the desk.
    #[must_use]
    pub fn has_unpriced(&self) -> bool {
        self.lines.iter().any(|line| line.amount.is_none())
    }
}

#[must_use]
pub fn price(facility: &Facility, items: &[OrderItem], at: DateTime<FixedOffset>) -> Priced {
    let mut priced = Priced {
        lines: Vec::new(),
        total: Amount::ZERO,
        ready_at: at,
        collect_until: None,
        later: None,
        collect_at: LocalText::default(),
        bring: LocalText::default(),
    };
    for item in items {
        add(&mut priced, facility, item, at);
    }
    priced.collect_until = items.iter().filter_map(|item| closing(facility, item, priced.ready_at)).min();
    priced.collect_at = joined(items, facility, ", ", |document| facility.desk_name(&document.desk));
    priced.bring = joined(items, facility, "\n", |document| document.bring.clone());
    priced
}

fn add(priced: &mut Priced, facility: &Facility, item: &OrderItem, at: DateTime<FixedOffset>) {
    let quote = quote::quote(facility, &item.code, item.pages, item.copies, Some(item.language), at);
    let total = quote.amount.filter(|_| quote.orderable).and_then(|amount| priced.total.checked_add(amount));
    match total {
        Some(total) => {
            priced.total = total;
            priced.lines.extend(quote.lines);
        }
        None => priced.lines.push(unpriced(facility, item)),
    }
    // Without pages there is no price, but there is a time.
    let available = facility.document(&item.code).map(|document| quote::availability(facility, document, at));
    let ready_at = quote.ready_at.or_else(|| available.as_ref().and_then(|available| available.ready_at));
    if let Some(ready_at) = ready_at
        && ready_at >= priced.ready_at
    {
        priced.ready_at = ready_at;
    }
    if priced.later.is_none() {
        priced.later = available.and_then(|available| available.reason).and_then(later);
    }
}

/// Counted in copies where the price would go by pages: nobody has told how many there are.
fn unpriced(facility: &Facility, item: &OrderItem) -> OrderLine {
    let document = facility.document(&item.code);
    let unit = match document.map(|document| (&document.price, document.unit)) {
        Some((Price::ByPage { .. }, _) | (_, Unit::Page)) | None => Unit::Copy,
        Some((Price::Fixed { .. } | Price::DoctorWrites, unit)) => unit,
    };
    OrderLine {
        code: item.code.clone(),
        name: document.map(|document| document.name.clone()).unwrap_or_default(),
        language: item.language,
        unit,
        count: item.copies,
        copies: item.copies,
        amount: None,
        tax: document.map_or(Tax::Exempt, |document| document.tax),
    }
}

const fn later(reason: Reason) -> Option<LaterWhy> {
    match reason {
        Reason::Closed => Some(LaterWhy::Closed),
        Reason::Holiday => Some(LaterWhy::Holiday),
        Reason::TooLate => Some(LaterWhy::TooLate),
        Reason::DoctorWrites | Reason::BadPages | Reason::BadCopies | Reason::UnknownDocument => None,
    }
}

/// When the counter of an item closes on the day on which all is ready; `None` if nobody is there then.
fn closing(facility: &Facility, item: &OrderItem, ready_at: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let calendar = facility.calendar(&facility.document(&item.code)?.hours)?;
    calendar.closes(ready_at.date_naive()).filter(|closes| *closes >= ready_at)
}

/// The different texts of all items, each once, in every language that one of them has.
fn joined(items: &[OrderItem], facility: &Facility, between: &str, text: impl Fn(&Document) -> LocalText) -> LocalText {
    let texts: Vec<LocalText> = items.iter().filter_map(|item| facility.document(&item.code)).map(text).collect();
    let languages: BTreeSet<Language> = texts.iter().flat_map(|text| text.0.keys().copied()).collect();
    let join = |language| (language, join_in(&texts, language, between));
    LocalText(languages.into_iter().map(join).collect())
}

fn join_in(texts: &[LocalText], language: Language, between: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in texts.iter().flat_map(|text| text.get(language).split(between)) {
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(between)
}
