//! What one document would cost and when it would be ready: the same answer for the screen and for `kiosk quote`.

use crate::domain::document::fees::{FeeRefusal, fee};
use crate::domain::document::{Document, OrderLine, Price, Tax, Unit};
use crate::domain::facility::Facility;
use crate::domain::hours::{Calendar, minutes};
use crate::domain::language::Language;
use crate::domain::money::{Amount, Currency};
use chrono::{DateTime, FixedOffset};

/// The answer to "how much, and when".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The code that was asked for, as asked.
    pub document: String,
    /// This kiosk may take the order at all.
    pub orderable: bool,
    /// It can be ready within today's hours.
    pub today: bool,
    /// Why not orderable, or why not today.
    pub reason: Option<Reason>,
    /// When it is ready, in hospital time; `None` where it cannot be ordered.
    pub ready_at: Option<DateTime<FixedOffset>>,
    /// Closing time of the day it is ready on.
    pub collect_until: Option<DateTime<FixedOffset>>,
    pub amount: Option<Amount>,
    pub currency: Currency,
    /// Their amounts add up to `amount`. Empty where there is no amount.
    pub lines: Vec<OrderLine>,
    /// `None` for an unknown document.
    pub tax: Option<Tax>,
}

/// Why a document cannot be had, or not today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The counter does not serve at that moment: before opening, from closing on, or a weekday without hours.
    Closed,
    Holiday,
    /// Open, but after the last order.
    TooLate,
    DoctorWrites,
    /// By pages, and the pages are missing, 0 or absurdly many.
    BadPages,
    /// No copies, or more than the document allows.
    BadCopies,
    UnknownDocument,
}

impl Reason {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Holiday => "holiday",
            Self::TooLate => "too-late",
            Self::DoctorWrites => "doctor-writes",
            Self::BadPages => "bad-pages",
            Self::BadCopies => "bad-copies",
            Self::UnknownDocument => "unknown-document",
        }
    }
}

/// Quotes `copies` of the document `code`, ordered at `at` (in any offset; answered in hospital time). A `language`
/// the document is not issued in is answered with the first one that it is. When several things are wrong the reason
/// is the first of: unknown document, doctor writes, bad copies, bad pages, no hours.
#[must_use]
pub fn quote(
    facility: &Facility,
    code: &str,
    pages: Option<u32>,
    copies: u32,
    language: Option<Language>,
    at: DateTime<FixedOffset>,
) -> Quote {
    let Some(document) = facility.document(code) else {
        return refused(facility, code, None, Reason::UnknownDocument);
    };
    let price = document.price_on(facility.zone.at(&at).date_naive());
    let amount = match priced(document, price, pages, copies) {
        Ok(amount) => amount,
        Err(reason) => return refused(facility, code, Some(document.tax), reason),
    };
    let when = availability(facility, document, at);
    if when.ready_at.is_none() {
        return refused(facility, code, Some(document.tax), Reason::Closed);
    }
    Quote {
        document: code.to_owned(),
        orderable: true,
        today: when.today,
        reason: when.reason,
        ready_at: when.ready_at,
        collect_until: when.collect_until,
        amount: Some(amount),
        currency: facility.currency.clone(),
        lines: vec![line(facility, document, price, pages, copies, language, amount)],
        tax: Some(document.tax),
    }
}

fn refused(facility: &Facility, code: &str, tax: Option<Tax>, reason: Reason) -> Quote {
    Quote {
        document: code.to_owned(),
        orderable: false,
        today: false,
        reason: Some(reason),
        ready_at: None,
        collect_until: None,
        amount: None,
        currency: facility.currency.clone(),
        lines: Vec::new(),
        tax,
    }
}

fn priced(document: &Document, price: &Price, pages: Option<u32>, copies: u32) -> Result<Amount, Reason> {
    if copies > document.copies_max && *price != Price::DoctorWrites {
        return Err(Reason::BadCopies);
    }
    fee(price, pages, copies).map_err(|refusal| match refusal {
        FeeRefusal::DoctorWrites => Reason::DoctorWrites,
        FeeRefusal::BadPages if copies == 0 => Reason::BadCopies,
        FeeRefusal::BadPages => Reason::BadPages,
        FeeRefusal::BadCopies => Reason::BadCopies,
    })
}

fn line(
    facility: &Facility,
    document: &Document,
    price: &Price,
    pages: Option<u32>,
    copies: u32,
    language: Option<Language>,
    amount: Amount,
) -> OrderLine {
    let by_page = matches!(price, Price::ByPage { .. });
    let issued_in = language.filter(|wanted| document.languages.contains(wanted));
    OrderLine {
        code: document.code.clone(),
        name: document.name.clone(),
        language: issued_in.or(document.languages.first().copied()).unwrap_or(facility.desk_language),
        unit: if by_page { Unit::Page } else { document.unit },
        count: if by_page { pages.unwrap_or(0) } else { copies },
        copies,
        amount: Some(amount),
        tax: document.tax,
    }
}

/// When a document ordered now can be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    pub today: bool,
    pub reason: Option<Reason>,
    /// `None` only if its counter never opens again.
    pub ready_at: Option<DateTime<FixedOffset>>,
    pub collect_until: Option<DateTime<FixedOffset>>,
}

/// When `document`, ordered at `at`, is ready. Today up to and including closing − longest ready time; otherwise at
/// the next opening + longest ready time.
#[must_use]
pub fn availability(facility: &Facility, document: &Document, at: DateTime<FixedOffset>) -> Availability {
    let never = Availability { today: false, reason: Some(Reason::Closed), ready_at: None, collect_until: None };
    let Some(calendar) = facility.calendar(&document.hours) else { return never };
    let now = facility.zone.at(&at);
    let reason = not_today(calendar, now, document.ready_max);
    let starts = if reason.is_none() { Some(now) } else { calendar.next_opening(now) };
    let Some(ready) = starts.and_then(|starts| starts.checked_add_signed(minutes(document.ready_max))) else {
        return never;
    };
    let ready = facility.zone.at(&ready);
    Availability {
        today: reason.is_none(),
        reason,
        ready_at: Some(ready),
        collect_until: calendar.closes(ready.date_naive()).filter(|closes| *closes >= ready),
    }
}

fn not_today(calendar: Calendar<'_>, now: DateTime<FixedOffset>, ready_minutes: u32) -> Option<Reason> {
    let today = now.date_naive();
    if calendar.is_holiday(today) {
        return Some(Reason::Holiday);
    }
    let Some(opens) = calendar.opens(today) else { return Some(Reason::Closed) };
    let in_time = calendar.last_order(today, ready_minutes).is_some_and(|last| now <= last);
    if now >= opens && in_time {
        None
    } else if calendar.is_open_at(now) {
        Some(Reason::TooLate)
    } else {
        Some(Reason::Closed)
    }
}
