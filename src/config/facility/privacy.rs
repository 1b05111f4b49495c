//! What is said of personal data: `[consent]` of `hospital.toml`, with how long this kiosk really keeps it.

use crate::config::read::{Or, Section, text_of};
use crate::domain::facility::{Facility, NextConsent, Privacy};
use crate::domain::language::{Language, LocalText};
use chrono::NaiveDate;

/// Days, by the names under which texts speak of them.
pub(in crate::config) struct Kept {
    pub delivered: u32,
    pub payments: u32,
    pub audit: u32,
}

/// A privacy text that changes is told of so many days before (표준 개인정보 보호지침, and every hospital's own text).
const ANNOUNCED_DAYS: i64 = 7;

const NAMES: [&str; 3] = ["{delivered_days}", "{payments_days}", "{audit_days}"];

pub(super) fn read(consent: &Section<'_>, languages: &[Language]) -> Privacy {
    let since = consent.has("effective_from").then(|| day(consent, "effective_from")).flatten();
    let more = consent.optional_text("more", languages);
    let next = consent.has("next").then(|| {
        let next = consent.table("next");
        let read = NextConsent {
            version: next.word("version", "\"2027-01\""),
            announced: day(&next, "announced").unwrap_or_default(),
            from: day(&next, "effective_from").unwrap_or_default(),
            text: next.local_text("text", languages),
        };
        let days = read.from.signed_duration_since(read.announced).num_days();
        if days < ANNOUNCED_DAYS && next.has("announced") && next.has("effective_from") {
            let why = format!("it is announced {} days before it holds", days.max(0));
            next.fault("announced", why, format!("a day at least {ANNOUNCED_DAYS} days before effective_from"));
        }
        next.finish();
        read
    });
    for (key, text) in [("more", Some(&more)), ("next", next.as_ref().map(|next| &next.text))] {
        if let Some(text) = text {
            refuse_unknown(consent, key, text);
        }
    }
    Privacy { since, next, more }
}

/// Of the text itself, once it is read.
pub(super) fn refuse_unknown(consent: &Section<'_>, key: &'static str, text: &LocalText) {
    let known = |text: &str| NAMES.iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
    if text.0.values().any(|text| known(text).contains(['{', '}'])) {
        consent.fault(key, "a name in braces is not known", format!("one of {}", NAMES.join(" ")));
    }
}

fn day(section: &Section<'_>, key: &'static str) -> Option<NaiveDate> {
    section.value(key, Or::Needed("\"2027-01-01\""), None, |value| {
        let day = text_of(value).ok().and_then(|text| text.parse::<NaiveDate>().ok());
        day.map(Some).ok_or_else(|| "a day, as \"2027-01-01\"".to_owned())
    })
}

/// Puts the days into every text that names them.
impl Kept {
    pub(in crate::config) fn fill(&self, facility: &mut Facility) {
        let next = facility.privacy.next.as_mut().map(|next| &mut next.text);
        for text in [Some(&mut facility.consent), Some(&mut facility.privacy.more), next].into_iter().flatten() {
            for words in text.0.values_mut() {
                for (name, days) in NAMES.iter().zip([self.delivered, self.payments, self.audit]) {
                    *words = words.replace(name, &days.to_string());
                }
            }
        }
    }
}
