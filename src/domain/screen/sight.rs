//! What is said of a payment to whoever made it, and of personal data to everybody.

use super::PrintState;
use crate::domain::enquiry::Became;
use crate::domain::language::LocalText;
use crate::domain::money::Amount;
use chrono::{DateTime, FixedOffset, NaiveDate};

/// What the hospital says of personal data, on pages that the window cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: LocalText,
    pub more: LocalText,
    pub version: String,
    pub since: Option<NaiveDate>,
    /// A new version, and the day from which it will hold.
    pub next: Option<(String, NaiveDate)>,
    /// Counts on; after the last page comes the first.
    pub page: u8,
}

/// Whose number is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberOf {
    #[default]
    Patient,
    /// Four digits of a payment's number, or of the card.
    Payment,
    /// The other of the two.
    PaymentToo,
}

/// A payment as whoever made it may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightScreen {
    pub number: String,
    pub amount: Amount,
    /// When it began.
    pub at: DateTime<FixedOffset>,
    pub became: Became,
    pub can_print: bool,
    pub desk: LocalText,
    pub printing: PrintState,
}
