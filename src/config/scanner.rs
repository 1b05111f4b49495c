//! `[scanner]`: the code reader.

use super::read::{Or, Section};
use super::terminal::baud;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanner {
    /// Empty = none.
    pub port: String,
    pub baud: u32,
    /// Codes that begin with this are appointment slips.
    pub slip_prefix: String,
    /// Codes that begin with this are patient cards; a bare hospital number is one too.
    pub card_prefix: String,
}

impl Scanner {
    pub(super) fn read(section: Section<'_>) -> Self {
        let scanner = Self {
            port: section.text("port", Or::Default("")),
            baud: baud(&section, Or::Default(9_600)),
            slip_prefix: section.text("slip_prefix", Or::Default("A:")),
            card_prefix: section.text("card_prefix", Or::Default("P:")),
        };
        scanner.check(&section);
        section.finish();
        scanner
    }

    fn check(&self, section: &Section<'_>) {
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
