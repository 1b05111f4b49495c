//! What a receipt printer tells.

/// One paper on its way to the printer. Counted up from the kiosk's start and never given twice in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrintJob(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterReport {
    State(PrinterState),
    /// What became of a paper: told once for each.
    Job {
        job: PrintJob,
        end: PrintEnd,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrintEnd {
    /// `GS r 1` was answered: all of it came out.
    Printed,
    /// It is in the printer and will come out after the refill, or was never taken.
    Held {
        reason: PrinterState,
    },
    Failed {
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrinterState {
    Online,
    PaperLow,
    PaperOut,
    CoverOpen,
    Offline,
}
