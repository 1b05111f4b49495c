//! One try to take money with a card: where it stands, and what a terminal tells of it.

use super::money::Amount;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub Uuid);

/// What a terminal says its last transaction was. `None` fields where it had nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LastTransaction {
    /// The terminal answered: it has none.
    Empty,
    Known(Box<CardTransaction>),
    /// It did not answer, or not in a way that can be read.
    Unknown,
}

/// A transaction as a terminal reports it; never more of the card than the masked number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardTransaction {
    pub approved: bool,
    pub amount: Amount,
    pub approval_number: String,
    pub masked_card: String,
    pub issuer: String,
    pub acquirer: String,
    /// `YYYYMMDDhhmmss` as the terminal wrote it; its clock, not ours.
    pub terminal_time: String,
    /// Unique number given by the terminal or its host.
    pub unique_number: String,
    pub merchant_number: String,
    /// Present on a decline.
    pub decline: Option<Decline>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub cause: DeclineCause,
}

/// Whose refusal it is, as far as the protocol's codes tell: a machine's trouble is not the patient's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclineCause {
    #[default]
    Untold,
    /// The card company.
    CardCompany,
    /// There is not enough money on the card or account.
    Balance,
    /// The terminal cannot read this card, or does not take it.
    Card,
    /// Nobody showed a card in time, or somebody pressed the stop key.
    NoCard,
    /// The terminal was at work on something else: another try may go.
    Busy,
    /// The terminal takes no payments, or not this one: staff must look at it.
    Terminal,
}

/// Whether an answer that says "approved" has moved the money already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Booking {
    /// Booked, whatever we do (Smartro).
    #[default]
    Final,
    /// The terminal books only when we confirm, and undoes it when we do not (ZVT, PA00P015 2.2.8).
    Unconfirmed,
}

/// Where an attempt stands; also the word in the table and in `kiosk payments`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentState {
    Intent,
    Sent,
    Answered,
    Committed,
    Settled,
    NotPaid,
    InDoubt,
    NeedsStaff,
    /// It was paid, and the money was given back.
    Reversed,
}

/// The marks of a booking as digests, each of one size: a list of them is one piece of memory, where the texts of as many
/// bookings would lie scattered among whatever else comes and goes, and keep its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks([Option<Uuid>; 3]);

/// The last four letters, if all of them are digits.
#[must_use]
pub fn last_four(card: &str) -> &str {
    let start = card.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    let four = &card[start..];
    if four.bytes().all(|byte| byte.is_ascii_digit()) { four } else { "" }
}

fn told(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// All that both have is the same, and there is one.
fn agree<T: PartialEq>(one: &[Option<T>; 3], other: &[Option<T>; 3]) -> bool {
    let mut both = one.iter().zip(other).filter_map(|(a, b)| a.as_ref().zip(b.as_ref())).peekable();
    both.peek().is_some() && both.all(|(a, b)| a == b)
}

impl Decline {
    /// Refused with this code, where codes are bytes.
    #[must_use]
    pub fn is(&self, code: u8) -> bool {
        u8::from_str_radix(&self.code, 16) == Ok(code) && self.code.len() == 2
    }

    /// `DF Terminal ist blockiert`, for a log and for staff.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.code, self.message).trim().to_owned()
    }
}

impl CardTransaction {
    /// One line in the card company's books: every mark that both carry is the same, and there is one. Two payments can
    /// never have the same.
    #[must_use]
    pub fn is_same_booking(&self, other: &Self) -> bool {
        agree(&self.mark_texts().map(told), &other.mark_texts().map(told))
    }

    /// What [`Self::is_same_booking`] goes by, for whoever remembers many.
    #[must_use]
    pub fn marks(&self) -> Marks {
        let digest = |text: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes());
        Marks(self.mark_texts().map(|text| told(text).map(digest)))
    }

    /// No booking is the same without.
    #[must_use]
    pub fn shares_mark(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.mark_texts().map(told), other.mark_texts().map(told));
        mine.iter().zip(theirs).any(|(mine, theirs)| mine.is_some() && *mine == theirs)
    }

    fn mark_texts(&self) -> [&str; 3] {
        [&self.approval_number, &self.unique_number, &self.terminal_time]
    }

    /// The last four digits of the card, as a screen shows them; empty where the terminal masks them too.
    #[must_use]
    pub fn last_four(&self) -> &str {
        last_four(&self.masked_card)
    }
}

impl fmt::Debug for CardTransaction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.approved { "approved" } else { "declined" };
        write!(out, "CardTransaction({kind} {}, redacted)", self.amount.0)
    }
}

impl Marks {
    /// As [`CardTransaction::is_same_booking`].
    #[must_use]
    pub fn is_same_booking(&self, other: &Self) -> bool {
        agree(&self.0, &other.0)
    }
}

impl PaymentState {
    pub const ALL: [Self; 9] = [
        Self::Intent,
        Self::Sent,
        Self::Answered,
        Self::Committed,
        Self::Settled,
        Self::NotPaid,
        Self::InDoubt,
        Self::NeedsStaff,
        Self::Reversed,
    ];

    /// As in the table and in the lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Committed => "committed",
            Self::Settled => "settled",
            Self::NotPaid => "not-paid",
            Self::InDoubt => "in-doubt",
            Self::NeedsStaff => "needs-staff",
            Self::Reversed => "reversed",
        }
    }

    /// No other payment is taken while one is here. `NeedsStaff` is with people and no longer blocks the terminal.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Intent | Self::Sent | Self::Answered | Self::InDoubt)
    }

    /// The money moved and stands, as far as the journal knows.
    #[must_use]
    pub const fn is_paid(self) -> bool {
        match self {
            Self::Committed | Self::Settled => true,
            Self::Intent
            | Self::Sent
            | Self::Answered
            | Self::NotPaid
            | Self::InDoubt
            | Self::NeedsStaff
            | Self::Reversed => false,
        }
    }

    /// The arrows of the diagram. A late answer still ends a doubt, and an approval of what was taken for not paid is
    /// for staff. Staff may turn `NeedsStaff` into an outcome or have the terminal asked again.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Intent => matches!(to, Self::Sent | Self::NotPaid),
            Self::Sent => matches!(to, Self::Answered | Self::InDoubt | Self::NotPaid),
            Self::Answered => matches!(to, Self::Committed | Self::InDoubt | Self::NotPaid),
            // The answer may come late.
            Self::InDoubt => matches!(to, Self::Answered | Self::Committed | Self::NotPaid | Self::NeedsStaff),
            Self::NeedsStaff => matches!(to, Self::Committed | Self::NotPaid | Self::InDoubt | Self::Reversed),
            Self::Committed => matches!(to, Self::Settled | Self::Reversed),
            // An approval may come after a question that seemed to prove the opposite: people must know.
            Self::NotPaid => matches!(to, Self::NeedsStaff),
            Self::Settled => matches!(to, Self::Reversed),
            Self::Reversed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card([approval_number, unique_number, terminal_time]: [&str; 3]) -> CardTransaction {
        CardTransaction {
            approved: true,
            amount: Amount(5_100),
            approval_number: approval_number.to_owned(),
            masked_card: String::new(),
            issuer: String::new(),
            acquirer: String::new(),
            terminal_time: terminal_time.to_owned(),
            unique_number: unique_number.to_owned(),
            merchant_number: String::new(),
            decline: None,
        }
    }

    #[test]
    fn bookings_are_told_apart_by_every_mark_that_both_have() {
        let table = [
            (["1", "2", "3"], ["1", "2", "3"], true),
            (["1", "2", "3"], ["1", "2", "4"], false),
            (["1", "2", "3"], ["9", "2", "3"], false),
            (["1", "", "3"], ["1", "2", "3"], true),
            (["1", "", ""], ["", "2", "3"], false),
            (["", "2", ""], ["1", "2", ""], true),
            (["", "", ""], ["", "", ""], false),
            (["1", "2", ""], ["2", "1", ""], false),
        ];
        for (one, other, same) in table {
            let (one, other) = (card(one), card(other));
            for (one, other) in [(&one, &other), (&other, &one)] {
                assert_eq!(one.is_same_booking(other), same, "{} {}", one.unique_number, other.unique_number);
                assert_eq!(one.marks().is_same_booking(&other.marks()), same, "remembered");
            }
        }
    }
}
