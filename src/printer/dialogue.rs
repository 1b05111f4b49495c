//! What a receipt printer is told and asked, as a pure value: commands, bytes and time in; bytes and reports out. No clock, no
//! IO, no thread: its time is milliseconds of any clock that never goes back, and [`super::device`] lends it a line.
//!
//! What is true of the paper: a job is reported `Printed` only after the printer answered `GS r 1`, which it does when
//! all before it is out. A job that could not be finished is `Held` and is never sent a second time:
//! - not begun (no paper, no line): it stays here and goes out by itself once the printer is ready;
//! - begun: the printer goes on by itself after the refill, we only hand it the rest.
//!
//! `clear`, or the next job, throws away what is held: a receipt must not come out for the next patient.

mod course;
mod remains;

use super::status;
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use crate::ports::Raster;
use remains::Remains;

const ANSWER_MS: u64 = 500;
const POLL_IDLE_MS: u64 = 2_000;
/// While something is held: the patient stands there waiting.
const POLL_HELD_MS: u64 = 300;
const BACK_OFF_FIRST_MS: u64 = 300;
const BACK_OFF_LAST_MS: u64 = 5_000;
/// Noise that is thrown away before a question; more than this is a broken line.
const NOISE_BYTES_MAX: usize = 4096;

/// What the driver must do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Report(PrinterReport),
    /// For the log.
    Note(String),
    Warn(String),
}

/// What a printer can do, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    pub width_dots: u32,
    pub has_cutter: bool,
    /// Until it proves that a paper is out, beside the time that its bytes are on the wire.
    pub job_ms: u64,
}

pub struct Dialogue {
    abilities: Abilities,
    /// How long a million bytes are on the wire; `None` without a line.
    line: Option<u64>,
    back_off_ms: u64,
    next_try_ms: u64,
    told: Option<PrinterState>,
    paper: Paper,
    /// To be printed once what was held is cleared.
    next: Option<Job>,
    /// What hangs out of the printer, or in it, of papers that were given up.
    remains: Remains,
    doing: Doing,
    steps: Vec<Step>,
}

/// A document on its way: all its bytes, and how many of them left.
struct Job {
    id: PrintJob,
    bytes: Vec<u8>,
    sent: usize,
}

impl Job {
    const fn has_left(&self) -> bool {
        self.sent == self.bytes.len()
    }
}

/// The one paper there can be.
enum Paper {
    None,
    /// Reported as held, nothing of it was sent.
    Waiting(Job),
    /// The printer has some or all of it. `proved`: its `GS r 1` was answered.
    Begun {
        job: Job,
        proved: bool,
    },
}

/// What is under way; a command is taken at rest only.
enum Doing {
    Rest {
        until_ms: u64,
    },
    /// A line is needed.
    Opening(Purpose),
    /// Nothing of before may hang in the printer.
    Wiping {
        bytes: Vec<u8>,
        due_ms: u64,
        purpose: Purpose,
        /// What an earlier life left; the questions before it went well.
        inherited: bool,
    },
    /// What an earlier question left on the line is thrown away.
    Noise {
        dropped: usize,
        purpose: Purpose,
        again: bool,
    },
    /// `DLE EOT` 1 to 4, one after the other.
    Asking {
        question: Vec<u8>,
        answers: Vec<u8>,
        due_ms: u64,
        purpose: Purpose,
        again: bool,
    },
    Sending {
        due_ms: u64,
        report: bool,
    },
    /// The rest of a job that is reported as held.
    HandingOver {
        due_ms: u64,
    },
}

/// What the printer's state is asked for.
enum Purpose {
    Poll,
    Print(Job),
    /// A job was not proved in time. `report`: somebody waits for what became of it.
    WhyHeld {
        report: bool,
    },
    /// Not asked: what is held is thrown away.
    Clear,
}

const QUESTIONS: u8 = 4;

impl Dialogue {
    /// Of a printer whose line is not open yet.
    #[must_use]
    pub fn new(abilities: Abilities, now_ms: u64) -> Self {
        Self {
            abilities,
            line: None,
            back_off_ms: BACK_OFF_FIRST_MS,
            next_try_ms: now_ms,
            told: None,
            paper: Paper::None,
            next: None,
            remains: Remains::inherited(),
            doing: Doing::Rest { until_ms: now_ms },
            steps: Vec::new(),
        }
    }

    /// Nothing is under way: a command may be given, and nothing need be read.
    #[must_use]
    pub const fn is_at_rest(&self) -> bool {
        matches!(self.doing, Doing::Rest { .. })
    }

    /// The line has to be opened now: [`Self::line_up`] or [`Self::line_down`] then.
    #[must_use]
    pub const fn wants_line(&self) -> bool {
        matches!(self.doing, Doing::Opening(_))
    }

    /// What is to be written now, as much of it as the line takes: [`Self::wrote`] then. Empty: it listens.
    #[must_use]
    pub fn to_write(&self) -> &[u8] {
        match &self.doing {
            Doing::Wiping { bytes, .. } | Doing::Asking { question: bytes, .. } => bytes,
            Doing::Sending { .. } | Doing::HandingOver { .. } => match &self.paper {
                Paper::Begun { job, .. } => &job.bytes[job.sent..],
                Paper::None | Paper::Waiting(_) => &[],
            },
            Doing::Rest { .. } | Doing::Opening(_) | Doing::Noise { .. } => &[],
        }
    }

    /// Whether silence is worth telling at once ([`Self::heard`] with nothing): it ends the noise.
    #[must_use]
    pub const fn is_listening_for_silence(&self) -> bool {
        matches!(self.doing, Doing::Noise { .. })
    }

    /// When to call [`Self::tick`] at the latest.
    #[must_use]
    pub const fn deadline_ms(&self) -> Option<u64> {
        match self.doing {
            Doing::Rest { until_ms } => Some(until_ms),
            Doing::Wiping { due_ms, .. }
            | Doing::Asking { due_ms, .. }
            | Doing::Sending { due_ms, .. }
            | Doing::HandingOver { due_ms } => Some(due_ms),
            Doing::Opening(_) | Doing::Noise { .. } => None,
        }
    }

    /// At rest only. What is held is cleared before.
    pub fn print(&mut self, id: PrintJob, raster: &Raster, now_ms: u64) -> Vec<Step> {
        let held = !matches!(self.paper, Paper::None);
        self.throw_away();
        match self.job(id, raster) {
            Ok(job) if held => {
                self.next = Some(job);
                self.begin(Purpose::Clear, now_ms);
            }
            Ok(job) => self.begin(Purpose::Print(job), now_ms),
            Err(reason) => {
                self.steps.push(Step::Report(PrinterReport::Job { job: id, end: PrintEnd::Failed { reason } }));
                if held { self.begin(Purpose::Clear, now_ms) } else { self.rest(now_ms) }
            }
        }
        std::mem::take(&mut self.steps)
    }

    /// Nothing that was held comes out any more, as far as the printer lets itself be told. At rest only.
    pub fn clear(&mut self, now_ms: u64) -> Vec<Step> {
        self.throw_away();
        self.begin(Purpose::Clear, now_ms);
        std::mem::take(&mut self.steps)
    }

    /// A line was opened, on which a million bytes take so long.
    pub fn line_up(&mut self, million_ms: u64, now_ms: u64) -> Vec<Step> {
        self.line = Some(million_ms);
        self.back_off_ms = BACK_OFF_FIRST_MS;
        if let Doing::Opening(purpose) = self.take_doing(now_ms) {
            self.begin(purpose, now_ms);
        }
        std::mem::take(&mut self.steps)
    }

    /// The line is gone, or could not be opened.
    pub fn line_down(&mut self, why: &str, now_ms: u64) -> Vec<Step> {
        match self.take_doing(now_ms) {
            Doing::Opening(purpose) => {
                self.next_try_ms = now_ms.saturating_add(self.back_off_ms);
                self.back_off_ms = (self.back_off_ms * 2).min(BACK_OFF_LAST_MS);
                self.not_asked(purpose, why, now_ms);
            }
            doing => {
                let job = self.begun();
                self.lose_line(why, now_ms);
                match doing {
                    Doing::Sending { report, .. } => {
                        let reason = format!("the printer went away while printing: {why}");
                        self.finish(job, PrintEnd::Failed { reason }, report, now_ms);
                    }
                    Doing::Wiping { purpose, .. } | Doing::Noise { purpose, .. } | Doing::Asking { purpose, .. } => {
                        self.not_asked(purpose, why, now_ms);
                    }
                    Doing::Rest { .. } | Doing::Opening(_) | Doing::HandingOver { .. } => self.rest(now_ms),
                }
            }
        }
        std::mem::take(&mut self.steps)
    }

    /// So many bytes of [`Self::to_write`] have left; 0: the printer does not read now.
    pub fn wrote(&mut self, count: usize, now_ms: u64) -> Vec<Step> {
        match &mut self.doing {
            Doing::Wiping { bytes, .. } => {
                bytes.drain(..count.min(bytes.len()));
                if bytes.is_empty() {
                    self.wiped(now_ms);
                }
            }
            Doing::Asking { question, .. } => {
                question.drain(..count.min(question.len()));
            }
            Doing::Sending { .. } | Doing::HandingOver { .. } => {
                let Paper::Begun { job, .. } = &mut self.paper else { return Vec::new() };
                job.sent = job.bytes.len().min(job.sent + count);
                let done = count == 0 || job.has_left();
                if done && matches!(self.doing, Doing::HandingOver { .. }) {
                    self.rest(now_ms);
                }
            }
            Doing::Rest { .. } | Doing::Opening(_) | Doing::Noise { .. } => {}
        }
        std::mem::take(&mut self.steps)
    }

    /// What came, or nothing. A proof that comes while something else was asked is not lost.
    pub fn heard(&mut self, heard: &[u8], now_ms: u64) -> Vec<Step> {
        let mut proof = false;
        if let Paper::Begun { job, proved } = &mut self.paper
            && job.has_left()
        {
            *proved |= heard.iter().any(|byte| status::is_proof(*byte));
            proof = *proved;
        }
        match &mut self.doing {
            Doing::Sending { report, .. } if proof => {
                let (report, job) = (*report, self.begun());
                self.paper = Paper::None;
                self.finish(job, PrintEnd::Printed, report, now_ms);
            }
            Doing::Noise { dropped, .. } => {
                *dropped += heard.len();
                if heard.is_empty() || *dropped >= NOISE_BYTES_MAX {
                    self.ask_first(now_ms);
                }
            }
            Doing::Asking { question, answers, due_ms, .. } if question.is_empty() => {
                if let Some(answer) = heard.iter().find(|byte| status::is_real_time(**byte)) {
                    answers.push(*answer);
                    match (1..=QUESTIONS).nth(answers.len()) {
                        Some(n) => {
                            *question = status::ask(n).to_vec();
                            *due_ms = now_ms.saturating_add(ANSWER_MS);
                        }
                        None => self.asked(now_ms),
                    }
                }
            }
            Doing::Asking { .. }
            | Doing::Sending { .. }
            | Doing::Rest { .. }
            | Doing::Opening(_)
            | Doing::Wiping { .. }
            | Doing::HandingOver { .. } => {}
        }
        std::mem::take(&mut self.steps)
    }

    /// Time has passed.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Step> {
        if self.deadline_ms().is_some_and(|due_ms| now_ms >= due_ms) {
            match self.take_doing(now_ms) {
                Doing::Rest { .. } => self.poll(now_ms),
                Doing::Wiping { purpose, inherited, .. } => self.not_wiped(purpose, inherited, now_ms),
                Doing::Asking { purpose, again, .. } => self.answered(None, purpose, again, now_ms),
                Doing::Sending { report, .. } => self.not_proved(report, now_ms),
                Doing::HandingOver { .. } => self.rest(now_ms),
                doing @ (Doing::Opening(_) | Doing::Noise { .. }) => self.doing = doing,
            }
        }
        std::mem::take(&mut self.steps)
    }
}
