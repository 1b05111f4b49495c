//! A TL terminal on a serial line: its settings checked, its dialogue given to the worker.

use super::dialogue::{Dialogue, Limits};
use super::packet::ID_BYTES;
use crate::config::Terminal;
use crate::domain::terminal::TerminalReport;
use crate::line::{LineSettings, NETWORK};
use crate::ports::{Clock, Reports};
use crate::terminal::{Started, worker};
use std::sync::Arc;

/// Starts the worker; it ends when the returned handle is dropped.
///
/// # Errors
/// A terminal id that cannot be sent, or no thread to be had.
pub fn start(settings: &Terminal, reports: Reports<TerminalReport>, clock: Arc<dyn Clock>) -> Started {
    let id = &settings.terminal_id;
    if id.len() > ID_BYTES || !id.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(format!("[terminal] terminal_id has to be at most {ID_BYTES} plain ASCII characters"));
    }
    // How its frames travel over a network is written nowhere that we know.
    if settings.port.starts_with(NETWORK) {
        return Err("[terminal] port: a Smartro terminal is spoken to over its serial line only".to_owned());
    }
    let dialogue = Dialogue::new(id, Limits::new(settings.ack_timeout_ms, settings.answer_timeout_ms));
    let line = LineSettings { baud: settings.baud, two_stop_bits: false };
    worker::start(dialogue, &settings.port, line, reports, clock)
}
