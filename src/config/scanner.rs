//! `[scanner]`: the code reader.

use super::line;
use super::read::{Or, Section};
use super::terminal::baud;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanner {
    /// Device path, best `/dev/serial/by-id/…`, or `tcp:host:port`; empty = none.
    pub port: String,
    pub baud: u32,
    /// Codes that begin with this are appointment slips.
    pub slip_prefix: String,
    /// Codes that begin with this are patient cards; a bare hospital number is one too.
    pub card_prefix: String,
    /// Letters that the reader itself puts before every code (its maker's code id), thrown away.
    pub ignore_first: u8,
    /// The same behind every code.
    pub ignore_last: u8,
    /// Silence that is longer than any within a code.
    pub code_gap_ms: u64,
    /// Such a silence ends a code; else a code without an end character is not taken.
    pub pause_ends_code: bool,
}

impl Scanner {
    /// A kiosk without one, and what holds where nothing is written.
    #[must_use]
    pub fn none() -> Self {
        Self {
            port: String::new(),
            baud: 9_600,
            slip_prefix: "A:".to_owned(),
            card_prefix: "P:".to_owned(),
            ignore_first: 0,
            ignore_last: 0,
            code_gap_ms: 200,
            pause_ends_code: true,
        }
    }

    pub(super) fn read(section: Section<'_>) -> Self {
        let none = Self::none();
        let scanner = Self {
            port: section.text("port", Or::Default("")),
            baud: baud(&section, Or::Default(none.baud)),
            slip_prefix: section.text("slip_prefix", Or::Default(&none.slip_prefix)),
            card_prefix: section.text("card_prefix", Or::Default(&none.card_prefix)),
            ignore_first: section.whole("ignore_first", 0..=16, Or::Default(none.ignore_first)),
            ignore_last: section.whole("ignore_last", 0..=16, Or::Default(none.ignore_last)),
            code_gap_ms: section.whole("code_gap_ms", 20..=1_000, Or::Default(none.code_gap_ms)),
            pause_ends_code: section.flag("pause_ends_code", Or::Default(none.pause_ends_code)),
        };
        scanner.check(&section);
        section.finish();
        scanner
    }

    fn check(&self, section: &Section<'_>) {
        line::check(
            section,
            &self.port,
            "192.0.2.12:4001",
            "codes come over the network in the clear, and whoever is on it can read them or send his own",
            "a USB or serial reader, or a network that has nothing on it but this kiosk and its devices",
        );
        for (key, prefix) in [("slip_prefix", &self.slip_prefix), ("card_prefix", &self.card_prefix)] {
            if prefix.is_empty() || prefix.len() > 16 || !prefix.is_ascii() {
                section.fault(key, "a code must be told by how it begins", "1 to 16 ASCII characters");
            }
        }
        if self.slip_prefix.starts_with(&self.card_prefix) || self.card_prefix.starts_with(&self.slip_prefix) {
            section.fault(
                "card_prefix",
                "slips and cards could not be told apart",
                "another beginning than slip_prefix",
            );
        }
    }
}
