//! What staff should know of a request although the hospital has it.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The names are what the outbox keeps: a released one is never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Of an arrival; `ticket` is the number the patient holds, all that leads staff to them.
    Appointment { meanwhile: Meanwhile, ticket: String },
    /// It is there more than once.
    Twice,
}

/// What had become of the appointment since the patient saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meanwhile {
    Cancelled,
    Deleted,
    OtherDay,
    NotBooked,
    /// Registered at the desk before; the kiosk's ticket is on no visit.
    AtDesk,
    /// Registered, and the patient was told another time; in the hospital's zone, to the minute.
    OtherTime {
        from: NaiveTime,
        to: NaiveTime,
    },
    /// Registered, and the patient was told another place or other staff.
    OtherPlace,
}

/// People entered the request at the hospital themselves. It ends as a delivered one does; nothing of it came from the kiosk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedByHand {
    /// How they know that it is there.
    pub evidence: String,
}

impl fmt::Display for ClosedByHand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "closed by staff: {}", self.evidence)
    }
}

impl Told {
    /// The number the patient holds, where there is one.
    #[must_use]
    pub fn ticket(&self) -> &str {
        match self {
            Self::Appointment { ticket, .. } => ticket,
            Self::Twice => "",
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appointment { meanwhile, ticket } => write!(out, "{meanwhile} (ticket {ticket})"),
            Self::Twice => out.write_str("the hospital has it more than once: put a unique index on the identifier"),
        }
    }
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Cancelled => "the appointment was cancelled meanwhile; no arrival was set",
            Self::Deleted => "the appointment was deleted meanwhile; no arrival was set",
            Self::OtherDay => "the appointment was moved to another day meanwhile; no arrival was set",
            Self::NotBooked => "the appointment is no longer booked; no arrival was set",
            Self::AtDesk => {
                "the desk had registered the patient already; this kiosk's ticket is not on the appointment"
            }
            Self::OtherTime { from, to } => {
                let (from, to) = (from.format("%H:%M"), to.format("%H:%M"));
                return write!(
                    out,
                    "it was moved from {from} to {to} meanwhile; the arrival was set: tell the patient"
                );
            }
            Self::OtherPlace => "its place or its staff were changed meanwhile; the arrival was set: tell the patient",
        })
    }
}
