//! The worker thread of a card terminal, whatever it speaks: the only IO. It owns the line, opens it again when it is
//! gone, and carries out what the dialogue says, in order.

use super::dialogue::{Dialogue, Now, STAMP_BYTES, Step};
use super::{Started, refusal};
use crate::domain::terminal::{TerminalCommand, TerminalReport};
use crate::line::{self, Line, LineSettings, NETWORK, Needs, write_some_within, write_within};
use crate::ports::{CardTerminal, Clock, Reports};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use zeroize::Zeroize;

const COMMANDS_WAITING: usize = 32;
/// A command waits at most this long behind a silent line.
const READ_WAIT: Duration = Duration::from_millis(20);
const WRITE_LIMIT: Duration = Duration::from_secs(2);
const REOPEN_FIRST_MS: u64 = 250;
const REOPEN_LONGEST_MS: u64 = 2_000;
/// Two of our own longest frames; more only means another turn.
const READ_BYTES: usize = 512;

/// Starts the worker on `port`; it ends when the returned handle is dropped.
///
/// # Errors
/// No thread to be had.
pub fn start<D: Dialogue + 'static>(
    dialogue: D,
    port: &str,
    line_settings: LineSettings,
    reports: Reports<TerminalReport>,
    clock: Arc<dyn Clock>,
) -> Started {
    let (sender, commands) = sync_channel(COMMANDS_WAITING);
    let worker = Worker {
        clock,
        port: port.to_owned(),
        line_settings,
        dialogue,
        line: None,
        reports: Arc::clone(&reports),
        started: Instant::now(),
        open_at_ms: 0,
        open_wait_ms: REOPEN_FIRST_MS,
        told: None,
    };
    std::thread::Builder::new()
        .name("card-terminal".to_owned())
        .spawn(move || worker.run(&commands))
        .map_err(|error| format!("the card terminal's thread cannot start: {error}"))?;
    Ok(Arc::new(Handle { sender, reports }))
}

struct Handle {
    sender: SyncSender<TerminalCommand>,
    reports: Reports<TerminalReport>,
}

impl CardTerminal for Handle {
    fn command(&self, command: TerminalCommand) {
        if let Err(error) = self.sender.try_send(command) {
            tracing::error!("the card terminal's worker takes no commands: {}", fault(&error));
            let (std::sync::mpsc::TrySendError::Full(command) | std::sync::mpsc::TrySendError::Disconnected(command)) =
                error;
            if let Some(report) = refusal(&command, "the card terminal's worker takes no commands") {
                (self.reports)(report);
            }
        }
    }
}

fn fault<T>(error: &std::sync::mpsc::TrySendError<T>) -> &'static str {
    match error {
        std::sync::mpsc::TrySendError::Full(_) => "its queue is full",
        std::sync::mpsc::TrySendError::Disconnected(_) => "it has ended",
    }
}

struct Worker<D> {
    /// Frames and records carry hospital time.
    clock: Arc<dyn Clock>,
    port: String,
    line_settings: LineSettings,
    dialogue: D,
    line: Option<Box<dyn Line>>,
    reports: Reports<TerminalReport>,
    started: Instant,
    open_at_ms: u64,
    open_wait_ms: u64,
    told: Option<String>,
}

/// The handle was dropped.
struct Ended;

impl<D: Dialogue> Worker<D> {
    fn run(mut self, commands: &Receiver<TerminalCommand>) {
        while self.turn(commands).is_ok() {}
    }

    /// Commands first, then what the line says, then the time.
    fn turn(&mut self, commands: &Receiver<TerminalCommand>) -> Result<(), Ended> {
        self.open_if_due();
        self.take_commands(commands)?;
        self.listen();
        let now = self.now();
        let steps = self.dialogue.tick(now);
        self.carry_out(steps);
        Ok(())
    }

    fn take_commands(&mut self, commands: &Receiver<TerminalCommand>) -> Result<(), Ended> {
        if self.line.is_none() {
            return match commands.recv_timeout(READ_WAIT) {
                Ok(command) => {
                    self.obey(&command);
                    Ok(())
                }
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => Err(Ended),
            };
        }
        loop {
            match commands.try_recv() {
                Ok(command) => self.obey(&command),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Ended),
            }
        }
    }

    fn obey(&mut self, command: &TerminalCommand) {
        let now = self.now();
        let steps = self.dialogue.command(command, now);
        self.carry_out(steps);
    }

    fn listen(&mut self) {
        let Some(line) = &mut self.line else { return };
        let mut buffer = [0; READ_BYTES];
        match line.read_some(&mut buffer, READ_WAIT) {
            Ok(0) => {}
            Ok(count) => {
                let now = self.now();
                let steps = self.dialogue.bytes(&buffer[..count], now);
                // Cards and patients do not lie about on a stack until the next bytes come.
                buffer[..count].zeroize();
                self.carry_out(steps);
            }
            Err(error) => self.drop_line(&error),
        }
    }

    /// Reports go out even if the line goes while they are under way; writing stops then.
    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Report(report) => (self.reports)(report),
                Step::HangUp(why) => self.drop_line(&std::io::Error::other(why)),
                Step::Write(bytes) => {
                    if let Some(Err(error)) =
                        self.line.as_mut().map(|line| write_within(&mut **line, &bytes, WRITE_LIMIT))
                    {
                        self.drop_line(&error);
                    }
                }
                Step::WriteCharge(bytes) => self.write_charge(&bytes),
                // Once, although it is found out every few seconds.
                Step::Tell(what) if self.told.as_ref() != Some(&what) => {
                    tracing::error!("{what}");
                    self.told = Some(what);
                }
                Step::Tell(_) => {}
            }
        }
    }

    /// The first byte goes alone: if it fails, nothing has left the kiosk and that can be said for certain. On the network
    /// the whole command does, for some terminals take what comes in one piece for one message.
    fn write_charge(&mut self, bytes: &[u8]) {
        let first = if self.port.starts_with(NETWORK) { bytes.len() } else { bytes.len().min(1) };
        let Some(line) = &mut self.line else {
            let steps = self.dialogue.charge_never_left();
            return self.carry_out(steps);
        };
        let left = line.check().and_then(|()| write_some_within(&mut **line, &bytes[..first], WRITE_LIMIT));
        match left.map(|left| write_within(&mut **line, &bytes[left..], WRITE_LIMIT)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.drop_line(&error),
            Err(error) => {
                let steps = self.dialogue.charge_never_left();
                self.carry_out(steps);
                self.drop_line(&error);
            }
        }
    }

    fn open_if_due(&mut self) {
        if self.line.is_some() || self.now_ms() < self.open_at_ms {
            return;
        }
        let now = self.now();
        let steps = match line::open(&self.port, self.line_settings, Needs::ForgetfulStream) {
            Ok(line) => {
                tracing::info!("the card terminal's line is open");
                self.line = Some(line);
                self.open_wait_ms = REOPEN_FIRST_MS;
                self.dialogue.line_up(now)
            }
            Err(error) => {
                tracing::debug!("the card terminal's line cannot be opened: {error}");
                self.open_later();
                self.dialogue.line_down(now)
            }
        };
        self.carry_out(steps);
    }

    fn drop_line(&mut self, error: &std::io::Error) {
        tracing::warn!("the card terminal's line is gone: {error}");
        self.line = None;
        self.open_later();
        let now = self.now();
        let steps = self.dialogue.line_down(now);
        self.carry_out(steps);
    }

    fn open_later(&mut self) {
        self.open_at_ms = self.now_ms().saturating_add(self.open_wait_ms);
        self.open_wait_ms = (self.open_wait_ms * 2).min(REOPEN_LONGEST_MS);
    }

    fn now(&self) -> Now {
        let mut stamp = [b'0'; STAMP_BYTES];
        let text = self.clock.now().wall.format("%Y%m%d%H%M%S").to_string();
        for (slot, digit) in stamp.iter_mut().zip(text.bytes()) {
            *slot = digit;
        }
        Now { ms: self.now_ms(), stamp }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
