//! A ZVT terminal on a serial line or on the network: its settings checked, its dialogue given to the worker.

use super::currency;
use super::dialogue::{Dialogue, Limits};
use super::request::{Merchant, bcd};
use crate::config::Terminal;
use crate::domain::terminal::TerminalReport;
use crate::line::{LineSettings, NETWORK};
use crate::ports::{Clock, Reports};
use crate::terminal::{Started, worker};
use std::sync::Arc;

/// Starts the worker; it ends when the returned handle is dropped.
///
/// # Errors
/// A password or currency that cannot be sent, or no thread to be had.
pub fn start(settings: &Terminal, reports: Reports<TerminalReport>, clock: Arc<dyn Clock>) -> Started {
    let dialogue = Dialogue::new(merchant(settings)?, Limits::new(settings.ack_timeout_ms, settings.answer_timeout_ms));
    let dialogue = if is_on_network(&settings.port) { dialogue.on_network() } else { dialogue };
    worker::start(dialogue, &settings.port, line_settings(settings), reports, clock)
}

/// There it listens (port 20007) and keeps to one connection, which we open and close (PA00P016 2.2).
pub(super) fn is_on_network(port: &str) -> bool {
    port.starts_with(NETWORK)
}

/// PA00P016 2.1: two stop bits.
pub(super) const fn line_settings(settings: &Terminal) -> LineSettings {
    LineSettings { baud: settings.baud, two_stop_bits: true }
}

pub(super) fn merchant(settings: &Terminal) -> Result<Merchant, String> {
    let password = bcd(&settings.password).and_then(|digits| digits.try_into().ok());
    let password = password.ok_or("[terminal] password has to be the six digits set at the card terminal")?;
    let currency = currency::number(&settings.currency)
        .ok_or_else(|| format!("ZVT has no number for the currency {}: add it to currency.rs", settings.currency))?;
    let id = settings.terminal_id.trim();
    let terminal = if id.is_empty() { None } else { bcd(id).and_then(|digits| digits.try_into().ok()) };
    if terminal.is_none() && !id.is_empty() {
        return Err(format!("[terminal] terminal_id \"{id}\" has to be the eight digits of a ZVT terminal"));
    }
    Ok(Merchant { password, currency, terminal })
}
