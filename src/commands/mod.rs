//! The answers of the command line: plain functions that take parsed arguments and writers and return the exit
//! status: 0 yes, 1 the answer is no, 2 wrong usage or cannot run.

pub mod check;
pub mod quote;

use crate::config::Fault;
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
