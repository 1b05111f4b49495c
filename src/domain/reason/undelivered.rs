//! Why a request is not with the hospital, or not whole.
//!
//! The names of the variants are what the outbox keeps (`{"parked":{"refused":{"status":422,"issues":""}}}`): a released one is
//! never renamed.

use super::{BeforeServer, LineTrouble};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What came of the last try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undelivered {
    Parked(ParkReason),
    KeptOut(KeptOut),
    Later(Delay),
    /// The server is there and asks to be left alone for a while (429).
    Busy,
    InParts(Parts),
}

/// Why the server will never take it as it is. A request is parked for no other reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParkReason {
    /// With an HTTP status of 4xx.
    Status { status: u16, issues: Issues },
    /// It ran the transaction as a batch, and refused entries for good: some of the others may be there.
    TakenApart { refused: Vec<EntryStatus>, issues: Issues },
    /// One of our identifiers, or the patient, matches more than one resource (412).
    FoundTwice,
    /// The bundle that was frozen is none any more.
    Unreadable,
}

/// Why this kiosk is not let in, whatever it sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptOut {
    /// By the server itself (401, 403).
    Server {
        status: u16,
        issues: Issues,
    },
    Before(BeforeServer),
}

/// Why it is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delay {
    Line(LineTrouble),
    /// A status by which the server refuses nothing.
    Status {
        status: u16,
        issues: Issues,
    },
    Before(BeforeServer),
    /// A status that no FHIR server gives.
    Between {
        status: u16,
    },
    /// It answered with something that is no FHIR bundle.
    NoBundle,
    NoAppointment,
    /// No entry was taken, and each may be later.
    EntriesFailed {
        refused: Vec<EntryStatus>,
    },
    EntriesUnanswered,
    /// It ran the transaction as a batch, and could not take entries now.
    TakenApart {
        refused: Vec<EntryStatus>,
    },
    /// Some entries were taken, and of others nothing is known.
    TakenApartUnanswered,
    /// Looked for, and the server does not say whether it is there.
    LookRefused,
    LookAnsweredOtherwise,
    LookUnreadable,
    /// Somebody else changes it between our look and our change.
    AppointmentChanging,
    AppointmentUnreadable,
    NothingChanged,
    /// Of several together: each goes alone next.
    Together(Together),
}

/// What the server has against several requests as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Together {
    Refused(ParkReason),
    FoundTwice,
    /// One has to be looked for before it is sent.
    LookFirst,
    /// It takes one at a time.
    One,
}

/// Its server takes fewer entries at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parts {
    /// The first `there` of `all` entries are at the hospital.
    There { there: usize, all: usize },
    /// Several requests together are too many: fewer of them go next.
    FewerTogether,
}

/// What a server said of a refusal: codes, places in what was sent, known words, joined by `; `; never a patient's data.
pub type Issues = String;

/// The HTTP status of one entry; `None` where none can be read.
pub type EntryStatus = Option<u16>;

/// What of a request is at the hospital, or may be. It stays known over later tries, until all of it is there: whoever enters it
/// by hand must know. In the order of what outweighs what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InPart {
    /// Its first entries, as far as they were sent.
    FirstEntries,
    /// The server took it apart: any of it.
    TakenApart,
}

impl Undelivered {
    /// What it shows to be there in part.
    #[must_use]
    pub const fn in_part(&self) -> Option<InPart> {
        match self {
            Self::Parked(ParkReason::TakenApart { .. })
            | Self::Later(
                Delay::TakenApart { .. }
                | Delay::TakenApartUnanswered
                | Delay::Together(Together::Refused(ParkReason::TakenApart { .. })),
            ) => Some(InPart::TakenApart),
            Self::InParts(Parts::There { .. }) => Some(InPart::FirstEntries),
            Self::Parked(_) | Self::KeptOut(_) | Self::Later(_) | Self::Busy | Self::InParts(Parts::FewerTogether) => {
                None
            }
        }
    }

    /// Why it is parked.
    #[must_use]
    pub fn park_reason(self) -> Option<ParkReason> {
        match self {
            Self::Parked(refusal) => Some(refusal),
            Self::KeptOut(_) | Self::Later(_) | Self::Busy | Self::InParts(_) => None,
        }
    }

    /// In words for lists, after tries that showed `before`.
    #[must_use]
    pub fn words(&self, before: Option<InPart>) -> String {
        match before {
            Some(InPart::TakenApart) if self.in_part() < before => {
                format!("{TAKEN_APART} and may have a part of it; since then: {self}")
            }
            Some(InPart::FirstEntries) if self.in_part() < before => format!("{PART_THERE}; since then: {self}"),
            Some(InPart::TakenApart | InPart::FirstEntries) | None => self.to_string(),
        }
    }
}

const TAKEN_APART: &str = "the server took the request apart";
const PART_THERE: &str = "the hospital has a part of it";

impl fmt::Display for Undelivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parked(refusal) => refusal.fmt(out),
            Self::KeptOut(kept_out) => kept_out.fmt(out),
            Self::Later(delay) => delay.fmt(out),
            Self::Busy => out.write_str("the server is busy (429)"),
            Self::InParts(parts) => parts.fmt(out),
        }
    }
}

impl fmt::Display for ParkReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, issues } => {
                write!(out, "the server refuses the request ({status}){}", After(issues))
            }
            Self::TakenApart { refused, issues } => write!(
                out,
                "{TAKEN_APART} and refused a part of it ({}): it does not run transactions; some of it may be there{}",
                Statuses(refused),
                After(issues)
            ),
            Self::FoundTwice => {
                out.write_str("the server finds one of our identifiers, or the patient, more than once (412)")
            }
            Self::Unreadable => out.write_str("the stored bundle cannot be read"),
        }
    }
}

impl fmt::Display for KeptOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { status, issues } => write!(
                out,
                "the hospital server refuses this kiosk ({status}): look at [identity] client_id and certificate_file{}",
                After(issues)
            ),
            Self::Before(before) => before.fmt(out),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Line(trouble) => return trouble.fmt(out),
            Self::Status { status, issues } => {
                return write!(out, "the server answered {status}{}", After(issues));
            }
            Self::Before(before) => return before.fmt(out),
            Self::Between { status } => {
                return write!(out, "something between here and the hospital answered {status}");
            }
            Self::EntriesFailed { refused } => return write!(out, "an entry was answered {}", Statuses(refused)),
            Self::TakenApart { refused } => {
                return write!(out, "{TAKEN_APART} and could not take a part of it now ({})", Statuses(refused));
            }
            Self::TakenApartUnanswered => return write!(out, "{TAKEN_APART}: it did not answer every entry"),
            Self::Together(together) => return together.fmt(out),
            Self::NoBundle => "the server answered something that is no FHIR bundle",
            Self::NoAppointment => "the server answered something that is no appointment",
            Self::EntriesUnanswered => "the server did not answer every entry",
            Self::LookRefused => "the server refuses to say whether it has the request",
            Self::LookAnsweredOtherwise => "the server answered a search with something else",
            Self::LookUnreadable => "the server's answer to a search for the request cannot be read",
            Self::AppointmentChanging => "the appointment keeps changing",
            Self::AppointmentUnreadable => "the appointment's status cannot be read",
            Self::NothingChanged => "the server said yes and changed nothing",
        })
    }
}

impl fmt::Display for Together {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Refused(refusal @ ParkReason::TakenApart { .. }) => return refusal.fmt(out),
            Self::Refused(refusal) => return write!(out, "of several together: {refusal}"),
            Self::FoundTwice => "the server found one of several more than once (412)",
            Self::LookFirst => "one of several has to be looked for before it is sent",
            Self::One => "this server takes one request at a time",
        })
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::There { there, all } => {
                write!(out, "{PART_THERE}: {there} of its {all} entries; the rest goes there next")
            }
            Self::FewerTogether => {
                out.write_str("the server takes fewer entries at once than several requests have together")
            }
        }
    }
}

/// Behind a sentence; nothing where nothing was said.
struct After<'a>(&'a str);

impl fmt::Display for After<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(out, "; {}", self.0) }
    }
}

struct Statuses<'a>(&'a [EntryStatus]);

impl fmt::Display for Statuses<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, status) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match status {
                Some(status) => write!(out, "{comma}{status:03}")?,
                None => write!(out, "{comma}no status")?,
            }
        }
        Ok(())
    }
}
