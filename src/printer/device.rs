//! The worker that owns a printer's wire.
//!
//! What is true of the paper: a job is reported `Printed` only after the printer answered `GS r 1`, which it does when
//! all before it is out. A job that could not be finished is `Held` and is never sent a second time:
//! - not begun (no paper, no line): it stays here and goes out by itself once the printer is ready;
//! - begun: the printer goes on by itself after the refill, we only hand it the rest.
//!
//! `clear`, or the next job, throws away what is held: a receipt must not come out for the next patient.

use super::{encode, open, status};
use crate::config;
use crate::domain::session::{PrinterReport, PrinterState};
use crate::line::{Line, write_within};
use crate::ports::{Printer, Raster, Reports};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Commands that may wait for the worker; a kiosk prints one paper at a time.
const QUEUE_MAX: usize = 8;
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
const POLL_IDLE: Duration = Duration::from_secs(2);
/// While something is held: the patient stands there waiting.
const POLL_HELD: Duration = Duration::from_millis(300);
const BACK_OFF_FIRST: Duration = Duration::from_millis(300);
const BACK_OFF_LAST: Duration = Duration::from_secs(5);
const WRITE_STEP: Duration = Duration::from_millis(50);
/// Noise that is thrown away before a question; more than this is a broken line.
const NOISE_BYTES_MAX: usize = 4096;

/// The handle; dropping it ends the worker.
pub struct Device {
    commands: SyncSender<Command>,
    reports: Reports<PrinterReport>,
    state: Arc<Mutex<PrinterState>>,
}

enum Command {
    Print(Raster),
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
    fn print(&self, raster: Raster) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.commands.try_send(Command::Print(raster))
        {
            (self.reports)(PrinterReport::Failed { reason: "the printer's worker is stuck".into() });
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

/// A document on its way: all its bytes, and how many of them left.
struct Job {
    bytes: Vec<u8>,
    sent: usize,
}

struct Worker {
    settings: config::Printer,
    reports: Reports<PrinterReport>,
    shared_state: Arc<Mutex<PrinterState>>,
    told: Option<PrinterState>,
    line: Option<Box<dyn Line>>,
    back_off: Duration,
    next_try: Instant,
    /// Reported as held, nothing of it was sent.
    waiting: Option<Job>,
    /// Reported as held, begun: the printer has some or all of it.
    begun: Option<Job>,
    /// `GS r 1` of the job that was begun has been answered.
    proved: bool,
    /// NULs that finish a picture which was cut off; a printer that expects none ignores them.
    owed_nuls: usize,
    /// Something of an abandoned job may hang out of the printer: cut it off before the next.
    scrap: bool,
    /// A kiosk that lost its power while it printed may have left the printer inside a picture, where it takes every
    /// question for dots. Nobody remembers: the first thing this life sends ends and cuts off whatever there is.
    inherited: bool,
}

impl Worker {
    fn new(settings: config::Printer, reports: Reports<PrinterReport>, shared_state: Arc<Mutex<PrinterState>>) -> Self {
        Self {
            settings,
            reports,
            shared_state,
            told: None,
            line: None,
            back_off: BACK_OFF_FIRST,
            next_try: Instant::now(),
            waiting: None,
            begun: None,
            proved: false,
            owed_nuls: 0,
            scrap: false,
            inherited: true,
        }
    }

    fn run(mut self, queue: &Receiver<Command>) {
        self.tick();
        loop {
            match queue.recv_timeout(self.pause()) {
                Ok(Command::Print(raster)) => self.print(&raster),
                Ok(Command::Clear) => self.clear(),
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn pause(&self) -> Duration {
        if self.line.is_none() {
            self.next_try.saturating_duration_since(Instant::now())
        } else if self.waiting.is_some() || self.begun.is_some() {
            POLL_HELD
        } else {
            POLL_IDLE
        }
    }

    fn print(&mut self, raster: &Raster) {
        if self.waiting.is_some() || self.begun.is_some() {
            self.clear();
        }
        let report = match self.job(raster) {
            Err(reason) => PrinterReport::Failed { reason },
            Ok(job) => {
                let state = self.ask_state();
                self.tell(state);
                match state {
                    PrinterState::Online | PrinterState::PaperLow => self.send(job),
                    PrinterState::PaperOut | PrinterState::CoverOpen | PrinterState::Offline => {
                        self.waiting = Some(job);
                        PrinterReport::Held { reason: state }
                    }
                }
            }
        };
        (self.reports)(report);
    }

    fn job(&self, raster: &Raster) -> Result<Job, String> {
        if raster.width_dots > self.settings.width_dots {
            return Err(format!(
                "a picture of {} dots on a printer of {}",
                raster.width_dots, self.settings.width_dots
            ));
        }
        let mut bytes = encode::job(raster, self.settings.has_cutter)?;
        bytes.extend_from_slice(&status::ASK_PROOF);
        Ok(Job { bytes, sent: 0 })
    }

    /// Sends a job and waits for its proof. What is left of it when time is up stays begun.
    fn send(&mut self, job: Job) -> PrinterReport {
        let allowed = Duration::from_millis(self.settings.job_timeout_ms);
        let on_wire = self.line.as_ref().map_or(Duration::ZERO, |line| line.time_on_wire(job.bytes.len()));
        let end = Instant::now() + allowed + on_wire;
        self.proved = false;
        self.begun = Some(job);
        while Instant::now() < end {
            match self.go_on(WRITE_STEP) {
                Ok(()) if self.proved => {
                    self.begun = None;
                    return PrinterReport::Printed;
                }
                Ok(()) => {}
                Err(error) => {
                    self.lose_line(&error);
                    return PrinterReport::Failed { reason: format!("the printer went away while printing: {error}") };
                }
            }
        }
        PrinterReport::Held { reason: self.why_held() }
    }

    /// One step of a job that was begun: hand over more of it, else listen for the proof.
    fn go_on(&mut self, step: Duration) -> io::Result<()> {
        let (Some(line), Some(job)) = (&mut self.line, &mut self.begun) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if job.sent < job.bytes.len() {
            job.sent += line.write_some(&job.bytes[job.sent..], step)?;
            return Ok(());
        }
        let mut buffer = [0; 64];
        let count = line.read_some(&mut buffer, step)?;
        self.proved |= buffer[..count].iter().any(|byte| status::is_proof(*byte));
        Ok(())
    }

    /// In the middle of a picture nothing may be asked: the question would be printed.
    fn why_held(&mut self) -> PrinterState {
        if self.begun.as_ref().is_some_and(|job| job.sent < job.bytes.len()) {
            return PrinterState::Offline;
        }
        let state = self.ask_state();
        self.tell(state);
        match state {
            PrinterState::Online | PrinterState::PaperLow => PrinterState::Offline,
            PrinterState::PaperOut | PrinterState::CoverOpen | PrinterState::Offline => state,
        }
    }

    /// Between commands: what is held goes on, and the state is told when it changes.
    fn tick(&mut self) {
        if self.begun.as_ref().is_some_and(|job| job.sent < job.bytes.len()) {
            self.hand_over_rest();
            return;
        }
        let state = self.ask_state();
        self.tell(state);
        if self.begun.is_some() && self.proved {
            tracing::info!("a held paper came out");
            self.begun = None;
        }
        let ready = matches!(state, PrinterState::Online | PrinterState::PaperLow);
        if ready && let Some(job) = self.waiting.take() {
            let outcome = self.send(job);
            tracing::info!(?outcome, "a waiting paper was sent");
        }
    }

    fn hand_over_rest(&mut self) {
        let end = Instant::now() + ANSWER_TIMEOUT;
        while Instant::now() < end {
            let before = self.begun.as_ref().map_or(0, |job| job.sent);
            if let Err(error) = self.go_on(WRITE_STEP) {
                self.lose_line(&error);
                return;
            }
            let Some(job) = &self.begun else { return };
            if job.sent == before || job.sent == job.bytes.len() {
                return;
            }
        }
    }

    /// Nothing that was held comes out any more, as far as the printer lets itself be told.
    fn clear(&mut self) {
        self.waiting = None;
        self.proved = false;
        if let Some(job) = self.begun.take() {
            self.abandon(&job);
        }
        if self.line.is_none() {
            self.open();
        }
        if let Err(error) = self.wipe() {
            tracing::warn!(%error, "the printer could not be cleared; it is tried again before the next paper");
        }
    }

    fn abandon(&mut self, job: &Job) {
        self.scrap |= job.sent > 0;
        let rest = job.bytes.len() - job.sent;
        self.owed_nuls = self.owed_nuls.max(rest.min(encode::band_bytes_max(self.settings.width_dots)));
    }

    fn wipe(&mut self) -> io::Result<()> {
        let Some(line) = &mut self.line else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut bytes = status::CLEAR.to_vec();
        bytes.resize(bytes.len() + self.owed_nuls, 0);
        if self.scrap {
            bytes.extend_from_slice(b"\x1B@\x1DVA\x00");
        }
        let limit = ANSWER_TIMEOUT + line.time_on_wire(bytes.len());
        write_within(&mut **line, &bytes, limit)?;
        self.owed_nuls = 0;
        self.scrap = false;
        Ok(())
    }

    /// `DLE EOT` 1 to 4. No line, no answer or only noise: offline.
    fn ask_state(&mut self) -> PrinterState {
        if self.line.is_none() && !self.open() {
            return PrinterState::Offline;
        }
        if self.begun.is_none() && (self.scrap || self.owed_nuls > 0) && self.wipe().is_err() {
            return PrinterState::Offline;
        }
        let mut answers = self.ask_all();
        if self.inherited && answers.as_ref().is_ok_and(|answers| is_ready_or_silent(*answers)) {
            answers = self.end_what_was_left().and_then(|()| self.ask_all());
        }
        match answers {
            Ok(Some(answers)) => status::state(answers),
            Ok(None) => PrinterState::Offline,
            Err(error) => {
                self.lose_line(&error);
                PrinterState::Offline
            }
        }
    }

    fn end_what_was_left(&mut self) -> io::Result<()> {
        self.owed_nuls = self.owed_nuls.max(encode::band_bytes_max(self.settings.width_dots));
        self.scrap = true;
        match self.wipe() {
            // It does not read now; what is owed stays so, and the next question begins with it.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
            other => {
                self.inherited = other.is_err();
                other
            }
        }
    }

    fn ask_all(&mut self) -> io::Result<Option<[u8; 4]>> {
        self.drop_noise()?;
        let mut answers = [0; 4];
        for (n, slot) in (1_u8..).zip(&mut answers) {
            match self.ask(n)? {
                Some(answer) => *slot = answer,
                None => return Ok(None),
            }
        }
        Ok(Some(answers))
    }

    fn ask(&mut self, n: u8) -> io::Result<Option<u8>> {
        let end = Instant::now() + ANSWER_TIMEOUT;
        let Some(line) = &mut self.line else { return Ok(None) };
        match write_within(&mut **line, &status::ask(n), ANSWER_TIMEOUT) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
            other => other?,
        }
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Some(answer) = self.listen(left)?.into_iter().find(|byte| status::is_real_time(*byte)) {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    fn drop_noise(&mut self) -> io::Result<()> {
        let mut dropped = 0;
        while dropped < NOISE_BYTES_MAX {
            match self.listen(Duration::from_millis(1))?.len() {
                0 => return Ok(()),
                count => dropped += count,
            }
        }
        Ok(())
    }

    /// Reads; a proof that comes while something else was asked is not lost.
    fn listen(&mut self, timeout: Duration) -> io::Result<Vec<u8>> {
        let Some(line) = &mut self.line else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut buffer = [0; 64];
        let count = line.read_some(&mut buffer, timeout)?;
        if self.begun.as_ref().is_some_and(|job| job.sent == job.bytes.len()) {
            self.proved |= buffer[..count].iter().any(|byte| status::is_proof(*byte));
        }
        Ok(buffer[..count].to_vec())
    }

    fn open(&mut self) -> bool {
        match open(&self.settings) {
            Ok(line) => {
                self.line = Some(line);
                self.back_off = BACK_OFF_FIRST;
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the printer's line cannot be opened");
                self.next_try = Instant::now() + self.back_off;
                self.back_off = (self.back_off * 2).min(BACK_OFF_LAST);
                false
            }
        }
    }

    fn lose_line(&mut self, error: &io::Error) {
        tracing::warn!(%error, "the printer's line is gone");
        if let Some(job) = self.begun.take() {
            self.abandon(&job);
        }
        self.line = None;
        self.next_try = Instant::now() + BACK_OFF_FIRST;
        self.tell(PrinterState::Offline);
    }

    fn tell(&mut self, state: PrinterState) {
        if self.told == Some(state) {
            return;
        }
        self.told = Some(state);
        *self.shared_state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        (self.reports)(PrinterReport::State(state));
    }
}

/// One that says why it cannot print is left alone until it can: it may not read on, and staff must hear its reason.
fn is_ready_or_silent(answers: Option<[u8; 4]>) -> bool {
    answers.is_none_or(|answers| matches!(status::state(answers), PrinterState::Online | PrinterState::PaperLow))
}
