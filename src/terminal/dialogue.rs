//! What every protocol's dialogue is: a pure value that knows who speaks when. Bytes, commands and time go in, bytes and
//! reports come out. It has no thread and no clock: its time is what [`Now`] says at each call, and it tells by
//! [`Dialogue::deadline_ms`] when it wants to be called again. The driver's [`super::worker`] lends it a real line and a
//! real clock; tests and the rehearsal make both up.

use crate::domain::terminal::{TerminalCommand, TerminalReport};

/// `YYYYMMDDhhmmss`.
pub const STAMP_BYTES: usize = 14;

/// The driver's time: monotonic milliseconds for limits, hospital time for what frames and records say.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    pub ms: u64,
    pub stamp: [u8; STAMP_BYTES],
}

/// What the driver must do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Write(Vec<u8>),
    /// The one money frame. If not a single byte of it could be written call [`Dialogue::charge_never_left`]; after any
    /// failed write call [`Dialogue::line_down`]; never write it again.
    WriteCharge(Vec<u8>),
    Report(TerminalReport),
    /// Close the line and open it anew. Nothing that was written and has not arrived may arrive after this; then call
    /// [`Dialogue::line_down`]. The words say why, for the log.
    HangUp(&'static str),
    /// What a technician must put right, for the log.
    Tell(String),
}

pub trait Dialogue: Send {
    fn command(&mut self, command: &TerminalCommand, now: Now) -> Vec<Step>;
    fn bytes(&mut self, bytes: &[u8], now: Now) -> Vec<Step>;
    /// Time has passed.
    fn tick(&mut self, now: Now) -> Vec<Step>;
    /// When to call [`Self::tick`] at the latest.
    fn deadline_ms(&self) -> Option<u64>;
    /// The line was opened (again).
    fn line_up(&mut self, now: Now) -> Vec<Step>;
    /// The line is gone or could not be opened. Whatever was written may or may not have arrived.
    fn line_down(&mut self, now: Now) -> Vec<Step>;
    /// Not one byte of the charge could be written.
    fn charge_never_left(&mut self) -> Vec<Step>;
}
