//! What the hospital is asked while somebody waits, and what it answers.

use super::document::OrderItem;
use super::patient::{Appointment, BirthDate, Patient, PatientNumber};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Number and birth date; answered by the server, else by today's cache.
    FindPatient { number: PatientNumber, birth_date: BirthDate, by_card: bool },
    /// Today's appointments of somebody found.
    Appointments { patient: Box<Patient> },
    /// The one appointment that a slip names.
    Slip { code: String },
    /// Pages and amount, up to the quote's time limit.
    Quote { patient: Box<Patient>, item: OrderItem },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Found(Box<Patient>),
    /// The hospital has none.
    NotFound,
    /// A record with this number is there and cannot be read. Told and counted as if there were none, so that no word tells
    /// a number that exists from another; the caller tries the cache before.
    Obscured,
    /// More than one record fits, or only one that is out of use: people must look, nothing is guessed.
    Ambiguous,
    /// The hospital answered, and its answer cannot be read: nothing is known.
    Unreadable,
    /// Neither the server nor the cache can tell.
    Unreachable,
    Appointments {
        offline: bool,
        list: Vec<Appointment>,
        /// Nothing of the day is missing: all that is there could be read.
        complete: bool,
    },
    /// The slip's own appointment and whose it is (number only for the request, never shown).
    Slip {
        patient: Box<Patient>,
        appointment: Box<Appointment>,
    },
    Quoted {
        code: String,
        pages: u32,
    },
    NotQuoted {
        code: String,
    },
}
