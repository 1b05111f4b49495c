//! Papers as plain data. Never a name; each in the patient's language with the desk's terms under it.

use super::document::OrderLine;
use super::language::{Language, LocalText};
use super::money::Amount;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Paper {
    Receipt(Receipt),
    Ticket(Ticket),
    Slip(DoubtSlip),
}

impl Paper {
    /// The number that stands on it in large figures.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Self::Receipt(receipt) => &receipt.claim,
            Self::Ticket(ticket) => &ticket.number,
            Self::Slip(slip) => &slip.attempt_number,
        }
    }
}

/// What was bought, what was paid, and where to collect it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub language: Language,
    pub at: DateTime<FixedOffset>,
    /// Text and QR.
    pub claim: String,
    pub lines: Vec<OrderLine>,
    pub total: Amount,
    /// `None` when nothing was paid here.
    pub card: Option<CardLine>,
    /// Pay at this desk (unpaid request).
    pub pay_at: Option<LocalText>,
    pub collect_at: LocalText,
    pub ready_at: DateTime<FixedOffset>,
    pub collect_until: Option<DateTime<FixedOffset>>,
    pub bring: LocalText,
    pub duplicate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardLine {
    /// Its last four digits, or nothing: no more of a card is on paper. Journals of older versions hold more.
    pub masked_card: String,
    pub approval_number: String,
    pub issuer: String,
    pub paid_at: String,
    /// The payment's number (`K3-0047`): with it the receipt can be had again.
    #[serde(default)]
    pub attempt_number: String,
}

/// A check-in ticket: number, place and time only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub language: Language,
    pub at: DateTime<FixedOffset>,
    pub number: String,
    pub place: LocalText,
    pub clinic: LocalText,
    pub appointment_at: DateTime<FixedOffset>,
    /// Go to this desk first.
    pub see_desk: Option<LocalText>,
    pub bring: Vec<DeskReason>,
    /// Made offline: "will be confirmed".
    pub provisional: bool,
    pub duplicate: bool,
}

/// Why somebody is sent to a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeskReason {
    IdCheck,
    InsuranceQuestion,
    /// There is more today than this kiosk could read.
    MoreToday,
}

/// "Do not pay again; show this slip."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtSlip {
    pub language: Language,
    pub at: DateTime<FixedOffset>,
    pub attempt_number: String,
    pub amount: Amount,
    pub desk: LocalText,
}
