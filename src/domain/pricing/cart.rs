//! What a patient has picked so far, and the document list as rows.

use crate::domain::document::{Document, OrderItem, Price};
use crate::domain::facility::Facility;
use crate::domain::language::Language;
use crate::domain::money::Amount;
use crate::domain::screen::{DocumentRow, ReadyIn, RowPrice};

pub const ROWS_PER_PAGE: usize = 6;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cart {
    /// In the order of the facility's list, so that papers always read the same.
    pub items: Vec<OrderItem>,
}

/// What the foot of the list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    pub count: u32,
    pub total: Amount,
    pub has_unpriced: bool,
}

impl Cart {
    /// Picks a document or puts it back. What a doctor writes cannot be picked.
    pub fn toggle(&mut self, code: &str, facility: &Facility, language: Language) {
        if let Some(place) = self.items.iter().position(|item| item.code == code) {
            self.items.remove(place);
            return;
        }
        let Some(document) = facility.document(code).filter(|document| is_orderable(document)) else { return };
        let language = first_language(document, language);
        self.items.push(OrderItem { code: code.to_owned(), copies: 1, language, pages: None });
        let order = |item: &OrderItem| facility.documents.iter().position(|document| document.code == item.code);
        self.items.sort_by_key(order);
    }

    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.items.iter().any(|item| item.code == code)
    }

    /// Known prices only; a price by pages is told by the hospital later.
    #[must_use]
    pub fn sum(&self, facility: &Facility) -> Sum {
        let mut sum = Sum { count: 0, total: Amount::ZERO, has_unpriced: false };
        for item in &self.items {
            sum.count += 1;
            match facility.document(&item.code).map(|document| &document.price) {
                Some(Price::Fixed { first, further }) => sum.total = plus(sum.total, *first, *further, item.copies),
                Some(Price::ByPage { .. }) => sum.has_unpriced = true,
                Some(Price::DoctorWrites) | None => {}
            }
        }
        sum
    }

    /// A page count that the hospital told.
    pub fn set_pages(&mut self, code: &str, pages: u32) {
        if let Some(item) = self.items.iter_mut().find(|item| item.code == code) {
            item.pages = Some(pages);
        }
    }
}

fn plus(total: Amount, first: Amount, further: Amount, copies: u32) -> Amount {
    let more = further.checked_times(copies.saturating_sub(1)).unwrap_or_default();
    total.checked_add(first).and_then(|sum| sum.checked_add(more)).unwrap_or(total)
}

#[must_use]
pub const fn is_orderable(document: &Document) -> bool {
    match document.price {
        Price::Fixed { .. } | Price::ByPage { .. } => true,
        Price::DoctorWrites => false,
    }
}

#[must_use]
pub const fn has_options(document: &Document) -> bool {
    document.languages.len() > 1 || document.copies_max > 1
}

/// The patient's language if the document comes in it, else the document's first.
fn first_language(document: &Document, language: Language) -> Language {
    let known = document.languages.contains(&language).then_some(language);
    known.or_else(|| document.languages.first().copied()).unwrap_or(language)
}

#[must_use]
pub fn row(document: &Document, chosen: bool) -> DocumentRow {
    DocumentRow {
        code: document.code.clone(),
        name: document.name.clone(),
        hint: document.hint.clone(),
        ready: match (&document.price, document.ready_max) {
            (Price::DoctorWrites, _) => ReadyIn::Never,
            (Price::Fixed { .. } | Price::ByPage { .. }, 0) => ReadyIn::AtOnce,
            (Price::Fixed { .. } | Price::ByPage { .. }, minutes) => ReadyIn::Minutes(minutes),
        },
        price: match &document.price {
            Price::Fixed { first, .. } if first.is_zero() => RowPrice::Free,
            Price::Fixed { first, .. } => RowPrice::Fixed(*first),
            Price::ByPage { .. } => RowPrice::ByPage,
            Price::DoctorWrites => RowPrice::AskDoctor,
        },
        chosen,
    }
}

#[must_use]
pub fn page_count(facility: &Facility) -> u8 {
    u8::try_from(facility.documents.len().div_ceil(ROWS_PER_PAGE).max(1)).unwrap_or(u8::MAX)
}

/// The documents of one page, counted from 0.
pub fn page(facility: &Facility, page: u8) -> impl Iterator<Item = &Document> {
    facility.documents.iter().skip(usize::from(page) * ROWS_PER_PAGE).take(ROWS_PER_PAGE)
}
