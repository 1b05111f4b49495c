//! Which papers are on their way, and what is known of each.
//!
//! ```text
//! print ─▶ Printing ─ Printed ─▶ out, proved
//!                   ├ Held ────▶ may come out after the refill ─ patient leaves ─▶ ClearPrinter
//!                   └ Failed ──▶ nothing came out
//! ```
//! Money: no state here changes it. Paper: only `Printed` is proof. A held job whose patient has left is cleared
//! before anything else prints, so that nobody takes another's receipt.

use super::kiosk::Kiosk;
use super::{Effect, IfKept, IfNotKept};
use crate::domain::attempt::AttemptId;
use crate::domain::line::Line;
use crate::domain::order::StaffAnswer;
use crate::domain::paper::Paper;
use crate::domain::payment::Entry;
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use crate::domain::screen::{PrintState, UnavailableWhy};
use std::collections::VecDeque;
use uuid::Uuid;

/// Jobs without an answer that are remembered; a printer that answers none is broken.
const JOBS_MAX: usize = 16;

pub struct PrintQueue {
    /// State of the last paper of the patient who is here.
    pub state: PrintState,
    jobs: VecDeque<Job>,
    held: bool,
    /// The last that was sent.
    last: PrintJob,
}

impl Default for PrintQueue {
    fn default() -> Self {
        Self { state: PrintState::default(), jobs: VecDeque::new(), held: false, last: PrintJob(0) }
    }
}

#[derive(Clone, Copy)]
struct Job {
    id: PrintJob,
    receipt_of: Option<AttemptId>,
    patient_left: bool,
    /// The staff order that it answers.
    order_id: Option<Uuid>,
}

impl Kiosk {
    /// Sends a paper. `receipt_of` names the payment whose receipt it is, so that its printing is journalled.
    pub fn print(&mut self, paper: Paper, receipt_of: Option<AttemptId>) {
        self.papers.state = PrintState::Printing;
        self.send_paper(paper, receipt_of, None);
    }

    /// Beside whatever the patient sees; answered when the printer has.
    pub fn print_for_staff(&mut self, paper: Paper, receipt_of: AttemptId, order_id: Uuid) {
        self.send_paper(paper, Some(receipt_of), Some(order_id));
    }

    fn send_paper(&mut self, paper: Paper, receipt_of: Option<AttemptId>, order_id: Option<Uuid>) {
        if self.papers.held {
            self.clear_printer();
        }
        if self.papers.jobs.len() >= JOBS_MAX {
            self.papers.jobs.pop_front();
        }
        let id = PrintJob(self.papers.last.0 + 1);
        self.papers.last = id;
        self.papers.jobs.push_back(Job { id, receipt_of, patient_left: order_id.is_some(), order_id });
        self.emit(Effect::Print { job: id, paper });
    }

    fn answer_order(&mut self, job: Job, answer: StaffAnswer) {
        if let Some(order_id) = job.order_id {
            self.answer_staff(order_id, answer);
        }
    }

    pub fn print_state(&self) -> PrintState {
        self.papers.state
    }

    /// Not while a paper is on its way.
    pub fn can_print_again(&self) -> bool {
        self.papers.state != PrintState::Printing
    }

    /// Takes a printer's report. `true` if it is proof that a receipt came out for the patient who is here.
    pub fn printer_reported(&mut self, report: &PrinterReport) -> bool {
        match report {
            PrinterReport::State(state) => {
                self.devices.printer = Some(*state);
                false
            }
            PrinterReport::Job { job, end } => self.job_ended(*job, end),
        }
    }

    /// Told of a job that nobody knows any more, or a second time, it changes nothing.
    fn job_ended(&mut self, id: PrintJob, end: &PrintEnd) -> bool {
        let at = self.papers.jobs.iter().position(|job| job.id == id);
        let Some(job) = at.and_then(|at| self.papers.jobs.remove(at)) else { return false };
        match end {
            PrintEnd::Printed => return self.job_done(job),
            PrintEnd::Held { reason } => self.job_held(job, *reason),
            PrintEnd::Failed { .. } => {
                self.answer_order(job, StaffAnswer::NotPrinted);
                self.show_if_last(job, PrintState::NoPrinter);
            }
        }
        false
    }

    fn job_done(&mut self, job: Job) -> bool {
        self.answer_order(job, StaffAnswer::Printed);
        if let Some(attempt) = job.receipt_of {
            self.commit([Line::Entry(Entry::ReceiptPrinted { attempt })], IfKept::GoOn, IfNotKept::GoOn);
        }
        self.show_if_last(job, PrintState::Printed);
        job.receipt_of.is_some() && !job.patient_left
    }

    fn job_held(&mut self, job: Job, reason: PrinterState) {
        self.answer_order(job, StaffAnswer::NotPrinted);
        if job.patient_left {
            self.clear_printer();
            return;
        }
        self.papers.held = true;
        let state = match reason {
            PrinterState::Online | PrinterState::PaperLow | PrinterState::PaperOut | PrinterState::CoverOpen => {
                PrintState::NoPaper
            }
            PrinterState::Offline => PrintState::NoPrinter,
        };
        self.show_if_last(job, state);
    }

    /// The patient reads of the last paper that was sent for them.
    fn show_if_last(&mut self, job: Job, state: PrintState) {
        let later = self.papers.jobs.iter().any(|open| !open.patient_left && open.id > job.id);
        if !job.patient_left && !later {
            self.papers.state = state;
        }
    }

    fn clear_printer(&mut self) {
        self.papers.held = false;
        self.emit(Effect::ClearPrinter);
    }

    /// The patient has gone: what is held must not come out for the next.
    pub fn leave_printer(&mut self) {
        if self.papers.held {
            self.clear_printer();
        }
        for job in &mut self.papers.jobs {
            job.patient_left = true;
        }
        self.papers.state = PrintState::Idle;
    }

    /// Why nothing can be printed now, as far as the printer said.
    pub fn cannot_print(&self) -> Option<UnavailableWhy> {
        match self.devices.printer {
            None | Some(PrinterState::Online | PrinterState::PaperLow) => None,
            Some(PrinterState::PaperOut | PrinterState::CoverOpen) => Some(UnavailableWhy::NoPaper),
            Some(PrinterState::Offline) => Some(UnavailableWhy::NoPrinter),
        }
    }
}
