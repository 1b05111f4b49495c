//! `[terminal]`: the card terminal.

use super::line;
use super::near::nearest;
use super::read::{Or, Section};
use crate::domain::limits::{ANSWER_LIMIT_MS, ANSWER_MARGIN_MS};
use std::os::unix::fs::PermissionsExt;

/// As card terminals leave the factory.
const MAKERS_PASSWORD: &str = "000000";
/// The bits of a file's mode that are for everybody.
const OTHERS: u32 = 0o007;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// A name in `terminal::PROTOCOLS`; empty = this kiosk has none.
    pub protocol: String,
    /// Device path, best `/dev/serial/by-id/…`; ZVT also `tcp:host:20007`.
    pub port: String,
    pub baud: u32,
    /// The identifier the terminal was registered with (Smartro: CAT/MID, at most 16 characters; ZVT: eight digits). Where it
    /// is set, the answer of another terminal is none.
    pub terminal_id: String,
    /// ZVT: the cash register password set at the terminal, six digits.
    pub password: String,
    /// ZVT: ISO 4217 code of what the terminal takes; the hospital's own.
    pub currency: String,
    /// A message sent to its acknowledgement.
    pub ack_timeout_ms: u64,
    /// A charge sent to its answer; the time to present a card lies inside it.
    pub answer_timeout_ms: u64,
}

impl Terminal {
    pub(super) fn read(section: Section<'_>, protocols: &[&str], currency: &str, card_ms: u64) -> Self {
        let mut terminal = Self {
            protocol: section.text("protocol", Or::Default("")),
            port: section.text("port", Or::Default("")),
            baud: baud(&section, Or::Default(115_200)),
            terminal_id: section.text("terminal_id", Or::Default("")),
            password: section.text("password", Or::Default(MAKERS_PASSWORD)),
            currency: section.text("currency", Or::Default("")),
            ack_timeout_ms: section.whole("ack_timeout_ms", 100..=10_000, Or::Default(3_000)),
            answer_timeout_ms: section.whole("answer_timeout_ms", 10_000..=600_000, Or::Default(90_000)),
        };
        if terminal.currency.is_empty() {
            currency.clone_into(&mut terminal.currency);
        } else if terminal.currency != currency {
            let why = format!("the hospital's prices are in {currency} (hospital.toml)");
            section.fault("currency", why, format!("\"{currency}\", or leave it out"));
        }
        terminal.check(&section, protocols, card_ms);
        terminal.check_password(&section);
        section.finish();
        terminal
    }

    fn check(&self, section: &Section<'_>, protocols: &[&str], card_ms: u64) {
        if self.protocol.is_empty() {
            return;
        }
        if !protocols.contains(&self.protocol.as_str()) {
            let names = format!("one of \"{}\"", protocols.join("\", \""));
            let meant = nearest(&self.protocol, protocols.iter().copied());
            let instead = meant.map_or(names, |name| format!("\"{name}\""));
            section.fault("protocol", "this program does not speak it", instead);
        }
        if self.port.is_empty() {
            section.fault("port", "a terminal needs a port", "\"/dev/serial/by-id/…\", or protocol = \"\" for none");
        }
        self.check_network(section);
        if self.answer_timeout_ms <= card_ms {
            // Given up while the patient still may present a card, every slow payment would be in doubt.
            let why = format!("a patient has {card_ms} ms to present a card (payment.card_s in hospital.toml)");
            section.fault("answer_timeout_ms", why, format!("at least {}", card_ms + 30_000));
        }
        let longest = card_ms + ANSWER_LIMIT_MS - ANSWER_MARGIN_MS;
        if self.answer_timeout_ms > longest {
            // The till would ask for the last transaction while the charge still runs.
            let why = format!(
                "after payment.card_s and {} s a payment is in doubt, whatever comes later",
                ANSWER_LIMIT_MS / 1_000
            );
            section.fault("answer_timeout_ms", why, format!("at most {longest}"));
        }
        let digits = self.terminal_id.bytes().all(|digit| digit.is_ascii_digit());
        if self.protocol == "zvt" && !self.terminal_id.is_empty() && (self.terminal_id.len() != 8 || !digits) {
            let instead = "the eight digits on its receipts (TID), or \"\" for whichever terminal answers";
            section.fault("terminal_id", "a ZVT terminal's id is eight digits", instead);
        }
        if self.terminal_id.len() > 16 || !self.terminal_id.is_ascii() {
            section.fault("terminal_id", "too long or not ASCII", "at most 16 ASCII characters");
        }
    }
}

impl Terminal {
    fn check_network(&self, section: &Section<'_>) {
        if line::is_on_network(&self.port) && self.protocol != "zvt" {
            let why = format!("only \"zvt\" is spoken over the network, and protocol is \"{}\"", self.protocol);
            return section.fault("port", why, "its serial line, \"/dev/serial/by-id/…\"");
        }
        line::check(
            section,
            &self.port,
            "192.0.2.11:20007",
            "ZVT knows no encryption: whoever is on the network can read the payments, start some and give some back",
            "the terminal's serial line, or a network that has nothing on it but this kiosk and its terminal",
        );
    }

    /// The makers' own password is no secret; another is, to whoever may give money back with it.
    fn check_password(&self, section: &Section<'_>) {
        if self.protocol.is_empty() {
            return;
        }
        if self.password.len() != 6 || !self.password.bytes().all(|digit| digit.is_ascii_digit()) {
            section.fault("password", "not six digits", "\"000000\", or the six digits set at the card terminal");
        }
        let file = &section.file.path;
        let mode = std::fs::metadata(file).map_or(0, |meta| meta.permissions().mode() & 0o777);
        if self.password != MAKERS_PASSWORD && mode & OTHERS != 0 {
            let why = format!("every user of this machine can read it here: the file's mode is {mode:04o}");
            let instead = "`chown root:kiosk` and `chmod 0640` of this file, with the kiosk's own group".to_owned();
            section.warning("password", why, instead);
        }
    }
}

/// Speeds a serial line can have.
const BAUDS: [u32; 7] = [4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400];

pub(super) fn baud(section: &Section<'_>, or: Or<u32>) -> u32 {
    section.value("baud", or, 9_600, |value| {
        let number = super::read::whole_of(value).and_then(|number| u32::try_from(number).ok());
        let speeds: Vec<String> = BAUDS.iter().map(u32::to_string).collect();
        number.filter(|number| BAUDS.contains(number)).ok_or_else(|| format!("one of {}", speeds.join(", ")))
    })
}
