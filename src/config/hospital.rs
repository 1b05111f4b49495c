//! `[hospital]`: the hospital's FHIR server and the identifier systems it knows.

use super::read::{Or, Section};
use crate::domain::limits::{LOOK_UP_LIMIT_MS, LOOK_UP_MARGIN_MS};
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hospital {
    /// FHIR R4 base URL.
    pub url: String,
    /// Extra root certificate (PEM) of the hospital's own CA.
    pub ca_file: Option<PathBuf>,
    /// Identifier system of hospital numbers.
    pub patient_system: String,
    /// Identifier system of everything this product makes.
    pub request_system: String,
    /// Identifier system and value of this machine.
    pub device_system: String,
    pub device_serial: String,
    /// Code system of document codes.
    pub document_system: String,
    /// Identifier system of the number on an appointment slip.
    pub slip_system: String,
    /// `arrived` or `checked-in`.
    pub arrival_status: String,
    /// Most entries of one transaction; 0: the server's limit is not known.
    pub transaction_entries_max: usize,
    pub look_up_timeout_ms: u64,
    pub quote_timeout_ms: u64,
    pub send_timeout_ms: u64,
    pub retry_base_ms: u64,
    pub retry_cap_ms: u64,
    pub network_return_wait_ms: u64,
    pub schedule_refresh_s: u64,
}

impl Hospital {
    /// A patient waits for a quote for `quote_ms` (`timing.quote_s` of the hospital's own file).
    pub(super) fn read(section: Section<'_>, quote_ms: u64) -> Self {
        let hospital = Self {
            url: section.word("url", "\"https://fhir.hospital.example/r4\""),
            ca_file: section.file_path("ca_file", Or::Default("")),
            patient_system: uri(&section, "patient_system"),
            request_system: uri(&section, "request_system"),
            device_system: uri(&section, "device_system"),
            device_serial: section.word("device_serial", "\"K3-2026-0001\""),
            document_system: uri(&section, "document_system"),
            slip_system: uri(&section, "slip_system"),
            arrival_status: section
                .choice("arrival_status", &["arrived", "checked-in"], Or::Default("arrived"))
                .to_owned(),
            transaction_entries_max: section.whole("transaction_entries_max", 0..=1_000, Or::Default(0)),
            look_up_timeout_ms: section.whole("look_up_timeout_ms", 500..=30_000, Or::Default(5_000)),
            quote_timeout_ms: section.whole("quote_timeout_ms", 1_000..=60_000, Or::Default(quote_ms.min(15_000))),
            send_timeout_ms: section.whole("send_timeout_ms", 1_000..=300_000, Or::Default(60_000)),
            retry_base_ms: section.whole("retry_base_ms", 100..=60_000, Or::Default(2_000)),
            retry_cap_ms: section.whole("retry_cap_ms", 1_000..=3_600_000, Or::Default(900_000)),
            network_return_wait_ms: section.whole("network_return_wait_ms", 0..=900_000, Or::Default(10_000)),
            schedule_refresh_s: section.whole("schedule_refresh_s", 30..=3_600, Or::Default(300)),
        };
        hospital.check(&section);
        hospital.check_waits(&section, quote_ms);
        section.finish();
        hospital
    }

    fn check(&self, section: &Section<'_>) {
        if !self.url.is_empty() && !is_safe_url(&self.url) {
            let why = "patients' data may leave this machine only encrypted";
            section.fault("url", why, "https://…; http://… only for a server on this machine (127.0.0.1)");
        }
        if let Some(file) = &self.ca_file
            && !file.is_file()
        {
            section.fault(
                "ca_file",
                format!("there is no file {}", file.display()),
                "the CA's PEM file, or \"\" for none",
            );
        }
        if self.retry_cap_ms < self.retry_base_ms {
            section.fault("retry_cap_ms", "the longest wait is shorter than the first", "at least retry_base_ms");
        }
    }
}

impl Hospital {
    /// What a patient does not wait for is asked in vain.
    fn check_waits(&self, section: &Section<'_>, quote_ms: u64) {
        let longest = LOOK_UP_LIMIT_MS - LOOK_UP_MARGIN_MS;
        if self.look_up_timeout_ms > longest {
            let why = format!(
                "a patient waits for a look-up for at most {} s, then reads that nobody answers",
                LOOK_UP_LIMIT_MS / 1_000
            );
            section.fault("look_up_timeout_ms", why, format!("at most {longest}"));
        }
        if self.quote_timeout_ms > quote_ms {
            let why =
                format!("a patient waits for it for {} s only (timing.quote_s in hospital.toml)", quote_ms / 1_000);
            section.fault("quote_timeout_ms", why, format!("at most {quote_ms}, or a longer timing.quote_s"));
        }
    }
}

/// An absolute URI that names a set of identifiers; it need not lead anywhere.
fn uri(section: &Section<'_>, key: &'static str) -> String {
    let example = "\"https://hospital.example/id/patient\"";
    let text = section.word(key, example);
    if !text.is_empty() && (!text.contains(':') || text.contains(char::is_whitespace)) {
        section.fault(key, "this is not an absolute URI", example);
    }
    text
}

fn is_safe_url(url: &str) -> bool {
    let clean = !url.contains(char::is_whitespace) && !url.contains('?') && !url.contains('#');
    let https = url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let loopback = url.strip_prefix("http://").is_some_and(|rest| {
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        ["127.0.0.1", "localhost", "[::1]"].contains(&host)
    });
    clean && (https || loopback)
}
