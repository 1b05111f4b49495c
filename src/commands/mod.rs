//! What the command line does, apart from reading its arguments: plain functions, so that a running kiosk can answer
//! the same questions over its socket.

pub mod audit;
pub mod check;
pub mod decode;
pub mod devices;
pub mod enroll;
mod hidden;
pub mod payments;
pub mod queue;
pub mod quote;
pub mod schedule;
pub mod socket;
pub mod staff;
pub mod store;
pub mod totals;

use crate::config::Fault;
use crate::domain::staff::AuditEntry;
use crate::ports::Trail;
use std::io::{self, Write};

pub const YES: u8 = 0;
pub const NO: u8 = 1;
pub const CANNOT: u8 = 2;

/// Where a command writes: answers to `out`, what went wrong and what to do next to `err`.
pub struct Streams<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
}

/// For every command that needs a sound configuration and has none.
///
/// # Errors
/// The stream is closed.
pub fn refuse_faulty(faults: &[Fault], streams: &mut Streams<'_>) -> io::Result<u8> {
    for fault in faults {
        writeln!(streams.err, "{fault}")?;
    }
    writeln!(streams.err, "{} faults in the configuration: mend them and run `kiosk check`.", faults.len())?;
    Ok(CANNOT)
}

/// Lines to print, or why not.
pub type Answer = Result<Vec<String>, Refusal>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 1 = the answer is no, 2 = wrong usage or cannot run.
    pub exit: u8,
    /// With what to do next.
    pub why: String,
    /// What there is to print all the same.
    pub lines: Vec<String>,
}

/// "The answer is no."
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they have")]
pub fn no(why: impl ToString) -> Refusal {
    Refusal { exit: NO, why: why.to_string(), lines: Vec::new() }
}

/// "Wrong usage, or it cannot run."
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they have")]
pub fn usage(why: impl ToString) -> Refusal {
    Refusal { exit: CANNOT, why: why.to_string(), lines: Vec::new() }
}

/// One line of the audit trail, durable when it returns.
fn write_down(trail: &dyn Trail, entry: &AuditEntry) -> Result<(), Refusal> {
    trail.audit(entry, chrono::Local::now().fixed_offset()).map_err(usage)
}
