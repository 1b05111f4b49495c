//! How one thing at a printer leads to the next.

use super::{ANSWER_MS, BACK_OFF_FIRST_MS, Dialogue, Doing, Job, POLL_HELD_MS, POLL_IDLE_MS, Paper, Purpose, Step};
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use crate::ports::Raster;
use crate::printer::{encode, status};

impl Dialogue {
    pub(super) fn job(&self, id: PrintJob, raster: &Raster) -> Result<Job, String> {
        let width_dots = self.abilities.width_dots;
        if raster.width_dots > width_dots {
            return Err(format!("a picture of {} dots on a printer of {width_dots}", raster.width_dots));
        }
        let mut bytes = encode::job(raster, self.abilities.has_cutter)?;
        bytes.extend_from_slice(&status::ASK_PROOF);
        Ok(Job { id, bytes, sent: 0 })
    }

    /// What was under way, of which the caller says how it goes on.
    pub(super) const fn take_doing(&mut self, now_ms: u64) -> Doing {
        std::mem::replace(&mut self.doing, Doing::Rest { until_ms: now_ms })
    }

    pub(super) fn rest(&mut self, now_ms: u64) {
        let until_ms = match (self.line, &self.paper) {
            (None, _) => self.next_try_ms.max(now_ms),
            (Some(_), Paper::None) => now_ms.saturating_add(POLL_IDLE_MS),
            (Some(_), Paper::Waiting(_) | Paper::Begun { .. }) => now_ms.saturating_add(POLL_HELD_MS),
        };
        self.doing = Doing::Rest { until_ms };
    }

    /// Between commands: what is held goes on, and the state is told when it changes.
    pub(super) fn poll(&mut self, now_ms: u64) {
        match &self.paper {
            // In the middle of a picture nothing may be asked: the question would be printed.
            Paper::Begun { job, .. } if !job.has_left() => {
                self.doing = Doing::HandingOver { due_ms: now_ms.saturating_add(ANSWER_MS) };
            }
            Paper::None | Paper::Waiting(_) | Paper::Begun { .. } => self.begin(Purpose::Poll, now_ms),
        }
    }

    pub(super) fn begin(&mut self, purpose: Purpose, now_ms: u64) {
        let begun = matches!(self.paper, Paper::Begun { .. });
        self.doing = match purpose {
            _ if self.line.is_none() => Doing::Opening(purpose),
            Purpose::Clear => self.wiping(purpose, false, now_ms),
            Purpose::Poll | Purpose::Print(_) | Purpose::WhyHeld { .. } if !begun && self.remains.are_owed() => {
                self.wiping(purpose, false, now_ms)
            }
            Purpose::Poll | Purpose::Print(_) | Purpose::WhyHeld { .. } => {
                Doing::Noise { dropped: 0, purpose, again: false }
            }
        };
    }

    fn wiping(&self, purpose: Purpose, inherited: bool, now_ms: u64) -> Doing {
        let bytes = self.remains.wipe();
        let due_ms = now_ms.saturating_add(ANSWER_MS).saturating_add(self.on_wire_ms(bytes.len()));
        Doing::Wiping { bytes, due_ms, purpose, inherited }
    }

    const fn on_wire_ms(&self, bytes: usize) -> u64 {
        match self.line {
            Some(million_ms) => (bytes as u64).saturating_mul(million_ms) / 1_000_000,
            None => 0,
        }
    }

    pub(super) fn wiped(&mut self, now_ms: u64) {
        let Doing::Wiping { purpose, inherited, .. } = self.take_doing(now_ms) else { return };
        self.remains.wiped();
        match purpose {
            Purpose::Clear => self.cleared(now_ms),
            Purpose::Poll | Purpose::Print(_) | Purpose::WhyHeld { .. } => {
                self.remains.inherited &= !inherited;
                self.doing = Doing::Noise { dropped: 0, purpose, again: inherited };
            }
        }
    }

    /// It does not read now.
    pub(super) fn not_wiped(&mut self, purpose: Purpose, inherited: bool, now_ms: u64) {
        if inherited {
            // What is owed stays so, and the next question begins with it.
            self.doing = Doing::Noise { dropped: 0, purpose, again: true };
        } else {
            self.not_asked(purpose, "it does not read", now_ms);
        }
    }

    /// No line, or none of its bytes arrive.
    pub(super) fn not_asked(&mut self, purpose: Purpose, why: &str, now_ms: u64) {
        match purpose {
            Purpose::Clear => {
                let words = "the printer could not be cleared; it is tried again before the next paper";
                self.steps.push(Step::Warn(format!("{words}: {why}")));
                self.cleared(now_ms);
            }
            Purpose::Poll | Purpose::Print(_) | Purpose::WhyHeld { .. } => {
                self.go_on(PrinterState::Offline, purpose, now_ms);
            }
        }
    }

    fn cleared(&mut self, now_ms: u64) {
        match self.next.take() {
            Some(job) => self.begin(Purpose::Print(job), now_ms),
            None => self.rest(now_ms),
        }
    }

    pub(super) fn ask_first(&mut self, now_ms: u64) {
        match self.take_doing(now_ms) {
            Doing::Noise { purpose, again, .. } => {
                let due_ms = now_ms.saturating_add(ANSWER_MS);
                let (question, answers) = (status::ask(1).to_vec(), Vec::new());
                self.doing = Doing::Asking { question, answers, due_ms, purpose, again };
            }
            doing => self.doing = doing,
        }
    }

    pub(super) fn asked(&mut self, now_ms: u64) {
        match self.take_doing(now_ms) {
            Doing::Asking { answers, purpose, again, .. } => {
                self.answered(answers.try_into().ok(), purpose, again, now_ms);
            }
            doing => self.doing = doing,
        }
    }

    /// One that says why it cannot print is left alone until it can: it may not read on, and staff must hear its reason.
    pub(super) fn answered(&mut self, answers: Option<[u8; 4]>, purpose: Purpose, again: bool, now_ms: u64) {
        let state = answers.map(status::state);
        if self.remains.inherited && !again && state.is_none_or(is_ready) {
            self.remains.expect_the_worst(self.abilities.width_dots);
            self.doing = self.wiping(purpose, true, now_ms);
        } else {
            self.go_on(state.unwrap_or(PrinterState::Offline), purpose, now_ms);
        }
    }

    /// The state is known.
    fn go_on(&mut self, state: PrinterState, purpose: Purpose, now_ms: u64) {
        self.tell(state);
        match purpose {
            Purpose::Print(job) if is_ready(state) => self.send(job, true, now_ms),
            Purpose::Print(job) => {
                let id = job.id;
                self.paper = Paper::Waiting(job);
                self.finish(Some(id), PrintEnd::Held { reason: state }, true, now_ms);
            }
            Purpose::WhyHeld { report } => {
                let reason = if is_ready(state) { PrinterState::Offline } else { state };
                self.finish(self.begun(), PrintEnd::Held { reason }, report, now_ms);
            }
            Purpose::Poll => match std::mem::replace(&mut self.paper, Paper::None) {
                Paper::Waiting(job) if is_ready(state) => self.send(job, false, now_ms),
                Paper::Begun { proved: true, .. } => {
                    self.steps.push(Step::Note("a held paper came out".to_owned()));
                    self.rest(now_ms);
                }
                paper => {
                    self.paper = paper;
                    self.rest(now_ms);
                }
            },
            Purpose::Clear => self.cleared(now_ms),
        }
    }

    /// Until its proof. What is left of it when time is up stays begun.
    fn send(&mut self, job: Job, report: bool, now_ms: u64) {
        let due_ms = now_ms.saturating_add(self.abilities.job_ms).saturating_add(self.on_wire_ms(job.bytes.len()));
        self.paper = Paper::Begun { job, proved: false };
        self.doing = Doing::Sending { due_ms, report };
    }

    pub(super) fn not_proved(&mut self, report: bool, now_ms: u64) {
        let has_left = matches!(&self.paper, Paper::Begun { job, .. } if job.has_left());
        if has_left {
            self.begin(Purpose::WhyHeld { report }, now_ms);
        } else {
            self.finish(self.begun(), PrintEnd::Held { reason: PrinterState::Offline }, report, now_ms);
        }
    }

    /// What became of a job. Of one that waited it was told already that it is held.
    pub(super) fn finish(&mut self, job: Option<PrintJob>, end: PrintEnd, report: bool, now_ms: u64) {
        self.steps.push(match job.filter(|_| report) {
            Some(job) => Step::Report(PrinterReport::Job { job, end }),
            None => Step::Note(format!("a waiting paper was sent: {end:?}")),
        });
        self.rest(now_ms);
    }

    /// The paper that the printer has some or all of.
    pub(super) const fn begun(&self) -> Option<PrintJob> {
        match &self.paper {
            Paper::Begun { job, .. } => Some(job.id),
            Paper::None | Paper::Waiting(_) => None,
        }
    }

    pub(super) fn throw_away(&mut self) {
        if let Paper::Begun { job, .. } = std::mem::replace(&mut self.paper, Paper::None) {
            self.remains.abandon(job.sent, job.bytes.len() - job.sent, self.abilities.width_dots);
        }
    }

    /// A paper that was begun is scrap; one that waits goes on waiting.
    pub(super) fn lose_line(&mut self, why: &str, now_ms: u64) {
        self.steps.push(Step::Warn(format!("the printer's line is gone: {why}")));
        if matches!(self.paper, Paper::Begun { .. }) {
            self.throw_away();
        }
        self.line = None;
        self.next_try_ms = now_ms.saturating_add(BACK_OFF_FIRST_MS);
        self.tell(PrinterState::Offline);
    }

    fn tell(&mut self, state: PrinterState) {
        if self.told != Some(state) {
            self.told = Some(state);
            self.steps.push(Step::Report(PrinterReport::State(state)));
        }
    }
}

const fn is_ready(state: PrinterState) -> bool {
    match state {
        PrinterState::Online | PrinterState::PaperLow => true,
        PrinterState::PaperOut | PrinterState::CoverOpen | PrinterState::Offline => false,
    }
}
