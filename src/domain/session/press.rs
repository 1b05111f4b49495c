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
use super::{Effect, PrinterReport, PrinterState, StaffAnswer};
use crate::domain::paper::Paper;
use crate::domain::payment::{AttemptId, Entry};
use crate::domain::screen::{PrintState, UnavailableWhy};
use std::collections::VecDeque;
use uuid::Uuid;

/// Jobs without an answer that are remembered; a printer that answers none is broken.
const JOBS_MAX: usize = 16;

#[derive(Clone, Default)]
pub struct Press {
    /// State of the last paper of the patient who is here.
    pub state: PrintState,
    jobs: VecDeque<Job>,
    held: bool,
}

#[derive(Clone, Copy)]
struct Job {
    receipt_of: Option<AttemptId>,
    patient_left: bool,
    /// The staff order that it answers.
    ticket: Option<Uuid>,
}

impl Kiosk {
    /// Sends a paper. `receipt_of` names the payment whose receipt it is, so that its printing is journalled.
    pub fn print(&mut self, paper: Paper, receipt_of: Option<AttemptId>) {
        self.press.state = PrintState::Printing;
        self.send_paper(paper, Job { receipt_of, patient_left: false, ticket: None });
    }

    /// Beside whatever the patient sees; answered when the printer has.
    pub fn print_for_staff(&mut self, paper: Paper, receipt_of: AttemptId, ticket: Uuid) {
        self.send_paper(paper, Job { receipt_of: Some(receipt_of), patient_left: true, ticket: Some(ticket) });
    }

    fn send_paper(&mut self, paper: Paper, job: Job) {
        if self.press.held {
            self.clear_printer();
        }
        if self.press.jobs.len() >= JOBS_MAX {
            self.press.jobs.pop_front();
        }
        self.press.jobs.push_back(job);
        self.emit(Effect::Print(paper));
    }

    fn answer_order(&mut self, job: Job, answer: StaffAnswer) {
        if let Some(ticket) = job.ticket {
            self.answer_staff(ticket, answer);
        }
    }

    pub fn print_state(&self) -> PrintState {
        self.press.state
    }

    /// Not while a paper is on its way.
    pub fn can_print_again(&self) -> bool {
        self.press.state != PrintState::Printing
    }

    /// Takes a printer's report. `true` if it is proof that a receipt came out for the patient who is here.
    pub fn printer_reported(&mut self, report: &PrinterReport) -> bool {
        match report {
            PrinterReport::State(state) => {
                self.devices.printer = Some(*state);
                false
            }
            PrinterReport::Printed => self.job_done(),
            PrinterReport::Held { reason } => {
                self.job_held(*reason);
                false
            }
            PrinterReport::Failed { .. } => {
                self.job_failed(PrintState::NoPrinter);
                false
            }
        }
    }

    fn job_done(&mut self) -> bool {
        let Some(job) = self.press.jobs.pop_front() else { return false };
        self.answer_order(job, StaffAnswer::Printed);
        if let Some(attempt) = job.receipt_of {
            self.emit(Effect::Record(Entry::ReceiptPrinted { attempt }));
        }
        if job.patient_left {
            return false;
        }
        self.show_if_last(PrintState::Printed);
        job.receipt_of.is_some()
    }

    fn job_held(&mut self, reason: PrinterState) {
        let Some(job) = self.press.jobs.pop_front() else { return };
        self.answer_order(job, StaffAnswer::NotPrinted);
        if job.patient_left {
            self.clear_printer();
            return;
        }
        self.press.held = true;
        self.show_if_last(match reason {
            PrinterState::Online | PrinterState::PaperLow | PrinterState::PaperOut | PrinterState::CoverOpen => {
                PrintState::NoPaper
            }
            PrinterState::Offline => PrintState::NoPrinter,
        });
    }

    fn job_failed(&mut self, state: PrintState) {
        let Some(job) = self.press.jobs.pop_front() else { return };
        self.answer_order(job, StaffAnswer::NotPrinted);
        if !job.patient_left {
            self.show_if_last(state);
        }
    }

    fn show_if_last(&mut self, state: PrintState) {
        if self.press.jobs.is_empty() {
            self.press.state = state;
        }
    }

    fn clear_printer(&mut self) {
        self.press.held = false;
        self.emit(Effect::ClearPrinter);
    }

    /// The patient has gone: what is held must not come out for the next.
    pub fn leave_printer(&mut self) {
        if self.press.held {
            self.clear_printer();
        }
        for job in &mut self.press.jobs {
            job.patient_left = true;
        }
        self.press.state = PrintState::Idle;
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
