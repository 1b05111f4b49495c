//! The worker thread of a printer: the only IO. It owns the line, opens it when the dialogue wants one, writes what the
//! line takes, and listens.

use super::dialogue::{Abilities, Dialogue, Step};
use super::open;
use crate::config;
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use crate::line::Line;
use crate::ports::{Printer, Raster, Reports};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Commands that may wait for the worker; a kiosk prints one paper at a time.
const QUEUE_MAX: usize = 8;
/// The longest turn at a line that is silent, or takes nothing.
const TURN: Duration = Duration::from_millis(50);
/// So long a line is listened to that should have nothing to say.
const QUIET: Duration = Duration::from_millis(1);

/// The handle; dropping it ends the worker.
pub struct Device {
    commands: SyncSender<Command>,
    reports: Reports<PrinterReport>,
    state: Arc<Mutex<PrinterState>>,
}

enum Command {
    Print(PrintJob, Raster),
    Clear,
}

impl Device {
    #[must_use]
    pub fn start(settings: config::Printer, reports: Reports<PrinterReport>) -> Self {
        let (commands, queue) = sync_channel(QUEUE_MAX);
        let state = Arc::new(Mutex::new(PrinterState::Offline));
        let worker = Worker::new(settings, Arc::clone(&reports), Arc::clone(&state));
        if let Err(error) = std::thread::Builder::new().name("printer".into()).spawn(move || worker.run(&queue)) {
            tracing::error!(%error, "no thread for the printer");
        }
        Self { commands, reports, state }
    }
}

impl Printer for Device {
    fn print(&self, job: PrintJob, raster: Raster) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.commands.try_send(Command::Print(job, raster))
        {
            let end = PrintEnd::Failed { reason: "the printer's worker is stuck".into() };
            (self.reports)(PrinterReport::Job { job, end });
        }
    }

    fn clear(&self) {
        if self.commands.try_send(Command::Clear).is_err() {
            tracing::error!("the printer's worker is stuck: what it holds was not cleared");
        }
    }

    fn state(&self) -> PrinterState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Worker {
    settings: config::Printer,
    reports: Reports<PrinterReport>,
    shared_state: Arc<Mutex<PrinterState>>,
    started: Instant,
    dialogue: Dialogue,
    line: Option<Box<dyn Line>>,
}

/// The handle was dropped.
struct Ended;

impl Worker {
    fn new(settings: config::Printer, reports: Reports<PrinterReport>, shared_state: Arc<Mutex<PrinterState>>) -> Self {
        let config::Printer { width_dots, has_cutter, job_timeout_ms: job_ms, .. } = settings;
        let dialogue = Dialogue::new(Abilities { width_dots, has_cutter, job_ms }, 0);
        Self { settings, reports, shared_state, started: Instant::now(), dialogue, line: None }
    }

    fn run(mut self, queue: &Receiver<Command>) {
        while self.turn(queue).is_ok() {}
    }

    fn turn(&mut self, queue: &Receiver<Command>) -> Result<(), Ended> {
        if self.dialogue.is_at_rest() {
            self.take_command(queue)?;
        } else if self.dialogue.wants_line() {
            self.open();
        } else {
            self.talk();
        }
        let steps = self.dialogue.tick(self.now_ms());
        self.carry_out(steps);
        Ok(())
    }

    fn take_command(&mut self, queue: &Receiver<Command>) -> Result<(), Ended> {
        let steps = match queue.recv_timeout(self.time_left()) {
            Ok(Command::Print(job, raster)) => self.dialogue.print(job, &raster, self.now_ms()),
            Ok(Command::Clear) => self.dialogue.clear(self.now_ms()),
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return Err(Ended),
        };
        self.carry_out(steps);
        Ok(())
    }

    fn open(&mut self) {
        let steps = match open(&self.settings) {
            Ok(line) => {
                let million_ms = u64::try_from(line.time_on_wire(1_000_000).as_millis()).unwrap_or(u64::MAX);
                self.line = Some(line);
                self.dialogue.line_up(million_ms, self.now_ms())
            }
            Err(error) => {
                tracing::debug!(%error, "the printer's line cannot be opened");
                self.dialogue.line_down(&error.to_string(), self.now_ms())
            }
        };
        self.carry_out(steps);
    }

    /// Writes what there is to write, else listens.
    fn talk(&mut self) {
        let steps = self.talk_once().unwrap_or_else(|error| {
            self.line = None;
            self.dialogue.line_down(&error.to_string(), self.now_ms())
        });
        self.carry_out(steps);
    }

    fn talk_once(&mut self) -> io::Result<Vec<Step>> {
        let wait = if self.dialogue.is_listening_for_silence() { QUIET } else { TURN.min(self.time_left()) };
        let Some(line) = &mut self.line else { return Err(io::ErrorKind::NotConnected.into()) };
        let to_write = self.dialogue.to_write();
        if to_write.is_empty() {
            let mut buffer = [0; 64];
            let count = line.read_some(&mut buffer, wait)?;
            Ok(self.dialogue.heard(&buffer[..count], self.now_ms()))
        } else {
            let count = line.write_some(to_write, wait)?;
            Ok(self.dialogue.wrote(count, self.now_ms()))
        }
    }

    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Report(report) => {
                    if let PrinterReport::State(state) = &report {
                        *self.shared_state.lock().unwrap_or_else(PoisonError::into_inner) = *state;
                    }
                    (self.reports)(report);
                }
                Step::Note(what) => tracing::info!("{what}"),
                Step::Warn(what) => tracing::warn!("{what}"),
            }
        }
    }

    /// Until the dialogue wants to be called.
    fn time_left(&self) -> Duration {
        let due_ms = self.dialogue.deadline_ms().unwrap_or(0);
        Duration::from_millis(due_ms.saturating_sub(self.now_ms()))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
