//! One hospital as data: everything that another hospital would change. Built by `config`, read by everybody.

use super::document::Document;
use super::hours::{Calendar, WeekHours};
use super::language::{Language, LocalText};
use super::money::{Amount, Currency};
use super::zone::Zone;
use chrono::NaiveDate;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    pub name: LocalText,
    /// At most 16 letters, for the large header.
    pub short_name: LocalText,
    /// Business registration or similar line that a receipt must carry; may be empty.
    pub receipt_note: LocalText,
    pub currency: Currency,
    /// Hospital time: the town's clocks.
    pub zone: Zone,
    /// In this order on the language screen; only those complete in `ui/lang`.
    pub languages: Vec<Language>,
    /// The language of the desk: idle screen, and the second language on every paper.
    pub desk_language: Language,
    /// Digits of a hospital number.
    pub number_digits: u8,
    pub documents: Vec<Document>,
    pub hours: BTreeMap<String, WeekHours>,
    pub holidays: BTreeMap<NaiveDate, LocalText>,
    pub desks: BTreeMap<String, Desk>,
    /// Keys of `desks`: registration, cashier and help.
    pub registration_desk: String,
    pub cashier_desk: String,
    pub help_desk: String,
    pub check_in: CheckInRules,
    pub payment: PaymentRules,
    pub timing: Timing,
    /// Short name of this machine, first part of every ticket and claim number (`K3`).
    pub kiosk_prefix: String,
    /// Where this kiosk stands, for papers.
    pub kiosk_place: LocalText,
    /// "Outside the hospital: 119."
    pub emergency: LocalText,
    /// Version of the consent text, kept with each request.
    pub consent_version: String,
    /// The consent text, short lines.
    pub consent: LocalText,
    /// What else is said of personal data, on the notice.
    pub privacy: Privacy,
    /// The rights that patients have in this hospital, and what it expects of them: short lines; may be nothing.
    pub patient_rights: LocalText,
}

/// Dated, so that a new text can be announced before it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Privacy {
    /// The day from which the consent text holds.
    pub since: Option<NaiveDate>,
    /// What replaces it on its day, and is announced until then: at least seven days before.
    pub next: Option<NextConsent>,
    /// Whom to ask, who works on it for the hospital, rights, how to withdraw, where to complain: short lines.
    pub more: LocalText,
}

impl Privacy {
    /// What patients are told of before it holds.
    #[must_use]
    pub fn announced_on(&self, day: NaiveDate) -> Option<&NextConsent> {
        self.next.as_ref().filter(|next| next.announced <= day && day < next.from)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextConsent {
    pub version: String,
    /// The day from which patients are told of it.
    pub announced: NaiveDate,
    pub from: NaiveDate,
    pub text: LocalText,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// `1층 3번 창구` / `desk 3, floor 1`.
    pub name: LocalText,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckInRules {
    /// Arrival window around the appointment, minutes before and after.
    pub before_min: u32,
    pub after_min: u32,
    /// Ask whether the patient holds the national insurance.
    pub ask_insurance: bool,
    /// ID check (rules C4): from this age on …
    pub id_check_age: u32,
    /// … unless seen here within this many months.
    pub id_check_months: u32,
    /// Below this age nobody checks in or orders alone.
    pub alone_age: u32,
    pub wrong_tries_max: u32,
    /// As many wrong tries on the machine within ten minutes slow it down for two …
    pub machine_tries_max: u32,
    /// … or as many while only the cache of the day answers …
    pub offline_tries_max: u32,
    /// … or as many people who were found and whose visit came to nothing.
    pub unfinished_visits_max: u32,
    /// The ticket names the clinic. It lies about in a waiting room: number, place and time are enough to be called.
    pub ticket_clinic: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentRules {
    /// Above this a signature is needed: pay at the desk.
    pub signature_limit: Option<Amount>,
    /// Fixed prices may be paid while the hospital is offline.
    pub offline_fixed_price: bool,
    /// Time the patient has to present a card.
    pub card_ms: u64,
    /// Decline codes that are no proof (a host time-out): in doubt.
    pub doubtful_declines: Vec<String>,
    /// The terminal keeps its last transaction over a restart: proved on the hardware.
    pub last_transaction_survives_reboot: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    pub idle_ms: u64,
    pub warning_ms: u64,
    /// A finished journey clears itself after this.
    pub done_ms: u64,
    pub quote_ms: u64,
    pub in_doubt_ms: u64,
}

impl Facility {
    /// The calendar of the hours table `key`; `None` if there is no such table, which `config` refuses at start.
    #[must_use]
    pub fn calendar(&self, key: &str) -> Option<Calendar<'_>> {
        let week = self.hours.get(key)?;
        Some(Calendar { week, holidays: &self.holidays, zone: &self.zone })
    }

    #[must_use]
    pub fn document(&self, code: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.code == code)
    }

    /// Version and text of what is agreed to on that day, and since when it holds.
    #[must_use]
    pub fn consent_on(&self, day: NaiveDate) -> (&str, &LocalText, Option<NaiveDate>) {
        match self.privacy.next.as_ref().filter(|next| next.from <= day) {
            Some(next) => (&next.version, &next.text, Some(next.from)),
            None => (&self.consent_version, &self.consent, self.privacy.since),
        }
    }

    /// A desk's name in every language; empty if the key is unknown, which `config` refuses at start.
    #[must_use]
    pub fn desk_name(&self, key: &str) -> LocalText {
        self.desks.get(key).map(|desk| desk.name.clone()).unwrap_or_default()
    }
}
