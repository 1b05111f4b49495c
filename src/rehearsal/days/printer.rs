//! The receipt printer of a rehearsed day: papers take their time, are held without paper, or never taken. A report may
//! be lost with the kiosk's power; the paper may come out all the same.

use super::chance::Chance;
use super::faults::{Fault, Fired};
use crate::domain::paper::Paper;
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use std::collections::VecDeque;

pub struct DayPrinter {
    pub state: PrinterState,
    jobs: VecDeque<(u64, PrintJob, Paper)>,
    held: Vec<Paper>,
    /// Came out since somebody looked.
    pub out: Vec<Paper>,
    pub fired: Fired,
}

impl DayPrinter {
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: PrinterState::Online,
            jobs: VecDeque::new(),
            held: Vec::new(),
            out: Vec::new(),
            fired: Fired::default(),
        }
    }

    pub fn print(&mut self, job: PrintJob, paper: Paper, now_ms: u64, chance: &mut Chance) {
        let from = self.jobs.back().map_or(now_ms, |(due_ms, ..)| *due_ms);
        self.jobs.push_back((from + chance.between(900, 3_500), job, paper));
    }

    pub fn clear(&mut self) {
        self.held.clear();
    }

    #[must_use]
    pub fn due_ms(&self) -> Option<u64> {
        self.jobs.front().map(|(due_ms, ..)| *due_ms)
    }

    pub fn advance(&mut self, now_ms: u64) -> Option<PrinterReport> {
        if self.due_ms()? > now_ms {
            return None;
        }
        let (_, job, paper) = self.jobs.pop_front()?;
        let end = match self.state {
            PrinterState::Online | PrinterState::PaperLow => {
                self.out.push(paper);
                PrintEnd::Printed
            }
            reason @ (PrinterState::PaperOut | PrinterState::CoverOpen) => {
                self.fired.note(Fault::PaperOut);
                self.held.push(paper);
                PrintEnd::Held { reason }
            }
            PrinterState::Offline => {
                self.fired.note(Fault::PrinterGone);
                PrintEnd::Failed { reason: "the printer is gone".to_owned() }
            }
        };
        Some(PrinterReport::Job { job, end })
    }

    /// With new paper whatever is held comes out.
    pub fn becomes(&mut self, state: PrinterState) -> PrinterReport {
        self.state = state;
        if state == PrinterState::Online {
            self.out.append(&mut self.held);
        }
        PrinterReport::State(state)
    }

    /// The kiosk has no power: what was sent may still come out, and nobody hears of it.
    pub fn kiosk_gone(&mut self, chance: &mut Chance) {
        for (_, _, paper) in self.jobs.drain(..) {
            if self.state == PrinterState::Online && chance.percent(50) {
                self.out.push(paper);
            }
        }
    }
}

impl Default for DayPrinter {
    fn default() -> Self {
        Self::new()
    }
}
