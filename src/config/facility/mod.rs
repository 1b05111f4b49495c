//! The hospital's folder: `hospital.toml`, `desks.toml`, `hours.toml`, `fees.toml`, `documents.toml`.

mod documents;
mod fees;
mod hours;
mod privacy;
mod rules;
mod zone;

use super::Known;
use super::fault::Faults;
use super::near::nearest;
use super::read::{self, Or, Section, whole_of};
use crate::domain::facility::{CheckInRules, Desk, Facility, PaymentRules, Privacy, Timing};
use crate::domain::language::{Language, LocalText};
use crate::domain::money::{Currency, iso_minor_digits};
pub(super) use privacy::Kept;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the folder; every fault is added. The machine's own fields stay empty.
pub(super) fn read(folder: &Path, known: &Known<'_>, faults: &Faults) -> Facility {
    let mut facility = empty();
    in_file(folder, "hospital.toml", faults, |root| {
        read_hospital(root, &mut facility, known);
        read_others(folder, faults, &mut facility);
        for key in ["registration_desk", "cashier_desk", "help_desk"] {
            let desk = root.find(key).and_then(|(value, _)| value.as_str()).unwrap_or_default();
            if !desk.is_empty() {
                expect_key(root, key, desk, &facility.desks, "desks.toml");
            }
        }
    });
    facility
}

/// The files that need the languages of `hospital.toml`.
fn read_others(folder: &Path, faults: &Faults, facility: &mut Facility) {
    let languages = facility.languages.clone();
    in_file(folder, "desks.toml", faults, |root| facility.desks = read_desks(root, &languages));
    in_file(folder, "hours.toml", faults, |root| {
        facility.hours = hours::read_tables(root);
        facility.holidays = hours::read_holidays(root, &languages);
    });
    let mut prices = fees::Fees::default();
    in_file(folder, "fees.toml", faults, |root| prices = fees::read(root));
    in_file(folder, "documents.toml", faults, |root| facility.documents = documents::read(root, facility, &prices));
}

/// Opens one file of the folder, hands its root over and reports unknown keys.
fn in_file(folder: &Path, name: &str, faults: &Faults, work: impl FnOnce(&Section<'_>)) {
    let Some(file) = read::open(&folder.join(name), faults) else { return };
    let table = read::parse(&file, faults);
    let root = Section::root(&file, table.get_ref(), faults);
    work(&root);
    root.finish();
}

/// A fault if `name` is no key of `map`; silent if `map` is empty, for then its own file was already complained of.
fn expect_key<T>(section: &Section<'_>, key: &str, name: &str, map: &BTreeMap<String, T>, file: &str) {
    if map.is_empty() || map.contains_key(name) {
        return;
    }
    let meant = nearest(name, map.keys().map(String::as_str)).map(|meant| format!("\"{meant}\""));
    let names: Vec<&str> = map.keys().map(String::as_str).collect();
    let why = format!("\"{name}\" is not in {file}");
    section.fault(key, why, meant.unwrap_or_else(|| format!("one of: {}", names.join(", "))));
}

fn read_hospital(root: &Section<'_>, facility: &mut Facility, known: &Known<'_>) {
    let why_not = "this program has no complete catalogue for it in ui/lang";
    facility.languages = root.languages("languages", known.languages, why_not);
    let offered = facility.languages.clone();
    facility.desk_language = root.language("desk_language", &offered).unwrap_or(Language::En);
    facility.name = root.local_text("name", &offered);
    facility.short_name = root.local_text("short_name", &offered);
    if facility.short_name.0.values().any(|name| name.chars().count() > 16) {
        root.fault("short_name", "it must fit a large header", "at most 16 letters in each language");
    }
    facility.receipt_note = root.optional_text("receipt_note", &offered);
    facility.emergency = root.local_text("emergency", &offered);
    facility.patient_rights = root.optional_text("patient_rights", &offered);
    facility.currency = read_currency(root);
    facility.zone = zone::read(root);
    facility.number_digits = root.whole("number_digits", 4..=12, Or::Needed("8"));
    facility.registration_desk = root.word("registration_desk", "\"registration\"");
    facility.cashier_desk = root.word("cashier_desk", "\"cashier\"");
    facility.help_desk = root.word("help_desk", "\"help\"");
    facility.check_in = rules::check_in(root.table("check_in"));
    facility.payment = rules::payment(root.table("payment"));
    facility.timing = rules::timing(root.table("timing"));
    let consent = root.table("consent");
    facility.consent_version = consent.word("version", "\"2026-01\"");
    facility.consent = consent.local_text("text", &offered);
    privacy::refuse_unknown(&consent, "text", &facility.consent);
    facility.privacy = privacy::read(&consent, &offered);
    consent.finish();
}

fn read_currency(root: &Section<'_>) -> Currency {
    let code = root.word("currency", "\"EUR\"");
    if !code.is_empty() && (code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase())) {
        root.fault("currency", "this is not a currency code", "three capital letters of ISO 4217, as \"EUR\"");
    }
    let minor_digits = root.value("currency_minor_digits", Or::Needed("2"), 0, |value| {
        let digits = whole_of(value).and_then(|digits| u8::try_from(digits).ok()).filter(|digits| *digits <= 4);
        match (iso_minor_digits(&code), digits) {
            (Some(iso), Some(digits)) if iso != digits => {
                Err(format!("{iso}: so many digits has the smallest unit of {code}, in which card terminals count"))
            }
            (_, Some(digits)) => Ok(digits),
            (_, None) => Err("a whole number from 0 to 4".to_owned()),
        }
    });
    Currency { code, minor_digits }
}

fn read_desks(root: &Section<'_>, languages: &[Language]) -> BTreeMap<String, Desk> {
    let desks = root.table("desk");
    let mut read = BTreeMap::new();
    for (key, _, found) in desks.entries() {
        let desk = desks.inner(desks.path_of(key), Some(found));
        read.insert(key.to_owned(), Desk { name: desk.local_text("name", languages) });
        desk.finish();
    }
    read
}

/// Stands in until every file is read; nothing of it survives a load without faults.
pub(super) fn empty() -> Facility {
    Facility {
        name: LocalText::default(),
        short_name: LocalText::default(),
        receipt_note: LocalText::default(),
        currency: Currency { code: String::new(), minor_digits: 0 },
        zone: zone::utc(),
        languages: Vec::new(),
        desk_language: Language::En,
        number_digits: 8,
        documents: Vec::new(),
        hours: BTreeMap::new(),
        holidays: BTreeMap::new(),
        desks: BTreeMap::new(),
        registration_desk: String::new(),
        cashier_desk: String::new(),
        help_desk: String::new(),
        check_in: CheckInRules::default(),
        payment: PaymentRules::default(),
        timing: Timing::default(),
        kiosk_prefix: String::new(),
        kiosk_place: LocalText::default(),
        emergency: LocalText::default(),
        consent_version: String::new(),
        consent: LocalText::default(),
        privacy: Privacy::default(),
        patient_rights: LocalText::default(),
    }
}
