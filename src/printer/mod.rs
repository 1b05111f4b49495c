//! Receipt printers: dots to ESC/POS bytes (`encode`), what a printer says of itself (`status`), what it is told and
//! asked, pure (`dialogue`), and the worker that owns its line (`device`).

pub mod device;
pub mod dialogue;
pub mod encode;
pub mod probe;
pub mod status;

use crate::config;
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use crate::line::{self, Line, LineSettings, Needs};
use crate::ports::{Printer, Raster, Reports};
use std::io;
use std::sync::Arc;

/// Starts the worker of the configured printer. Without a port: a printer that is always offline.
#[must_use]
pub fn start(settings: &config::Printer, reports: Reports<PrinterReport>) -> Arc<dyn Printer> {
    if settings.port.is_empty() {
        reports(PrinterReport::State(PrinterState::Offline));
        return Arc::new(NoPrinter { reports });
    }
    Arc::new(device::Device::start(settings.clone(), reports))
}

fn open(settings: &config::Printer) -> io::Result<Box<dyn Line>> {
    line::open(&settings.port, LineSettings { baud: settings.baud, two_stop_bits: false }, Needs::Anything)
}

struct NoPrinter {
    reports: Reports<PrinterReport>,
}

impl Printer for NoPrinter {
    fn print(&self, job: PrintJob, _: Raster) {
        (self.reports)(PrinterReport::Job { job, end: PrintEnd::Held { reason: PrinterState::Offline } });
    }

    fn clear(&self) {}

    fn state(&self) -> PrinterState {
        PrinterState::Offline
    }
}
