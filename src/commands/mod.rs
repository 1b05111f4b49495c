//! What the command line does, apart from reading its arguments: plain functions, so that a running kiosk can answer
//! the same questions over its socket.

pub mod check;
pub mod decode;
pub mod devices;
pub mod payments;
pub mod queue;
pub mod quote;
pub mod socket;

/// Lines to print, or why not.
pub type Answer = Result<Vec<String>, Refusal>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 1 = the answer is no, 2 = wrong usage or cannot run.
    pub exit: u8,
    /// With what to do next.
    pub why: String,
}

/// "The answer is no."
#[must_use]
pub fn no(why: impl ToString) -> Refusal {
    Refusal { exit: 1, why: why.to_string() }
}

/// "Wrong usage, or it cannot run."
#[must_use]
pub fn usage(why: impl ToString) -> Refusal {
    Refusal { exit: 2, why: why.to_string() }
}
