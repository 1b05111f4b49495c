//! "Are you our printer?" Asked over the very line that the worker opens, serial, USB or network. Nothing asked here prints.

use super::open;
use super::status::{self, ask, is_proof, is_real_time};
use crate::config;
use crate::domain::printer::PrinterState;
use crate::line::{Line, write_within};
use std::io;
use std::time::{Duration, Instant};

const WRITE_LIMIT: Duration = Duration::from_millis(500);
const ANSWER_LIMIT: Duration = Duration::from_millis(800);
/// What an earlier question or a restart left on the line is thrown away; more than this is a broken line.
const NOISE_BYTES_MAX: usize = 4096;

/// An ESC/POS printer that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub state: PrinterState,
    /// It answers `GS r 1`: without that no paper ever counts as printed. Asked only of one that is ready.
    pub proves: bool,
}

/// What answers where the settings say; `None` if no printer does.
///
/// # Errors
/// The line cannot be opened, or is gone: the system's reason.
pub fn probe(settings: &config::Printer) -> io::Result<Option<Found>> {
    let mut line = open(settings)?;
    let mut answers = [0; 4];
    for (n, slot) in (1_u8..).zip(&mut answers) {
        match answer(&mut *line, &ask(n), is_real_time)? {
            Some(byte) => *slot = byte,
            None => return Ok(None),
        }
    }
    let state = status::state(answers);
    let ready = matches!(state, PrinterState::Online | PrinterState::PaperLow);
    let proves = !ready || answer(&mut *line, &status::ASK_PROOF, is_proof)?.is_some();
    Ok(Some(Found { state, proves }))
}

/// The first byte that can be the answer; one that does not read is silent too.
fn answer(line: &mut dyn Line, question: &[u8], is_answer: fn(u8) -> bool) -> io::Result<Option<u8>> {
    let mut buffer = [0; 64];
    let mut noise = 0;
    while noise < NOISE_BYTES_MAX {
        match line.read_some(&mut buffer, Duration::from_millis(1))? {
            0 => break,
            count => noise += count,
        }
    }
    match write_within(line, question, WRITE_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
        other => other?,
    }
    let end = Instant::now() + ANSWER_LIMIT;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let count = line.read_some(&mut buffer, left)?;
        if let Some(byte) = buffer[..count].iter().copied().find(|byte| is_answer(*byte)) {
            return Ok(Some(byte));
        }
    }
    Ok(None)
}
