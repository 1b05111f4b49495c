//! What is known of the money, and the journal entries that make it known after a power cut.
//!
//! ```text
//! Intent(attempt, request, amount, baseline) -> Sent -> Answered(raw) -> Committed -> Settled(hospital told)
//!                                    └--> InDoubt -> Answered | Committed | NotPaid | NeedsStaff
//! NotPaid -> NeedsStaff, if an approval turns up after all
//! Committed | Settled | NeedsStaff -> Reversed, by an undo (see [`super::undo`])
//! NeedsStaff -> Committed | NotPaid, by staff with evidence; InDoubt, if they have the terminal asked again
//! ```
//! `Record` effects are durable before the next effect begins, so each arrow is on disk before the next byte leaves.

use super::closing::ClosingEntry;
use super::money::Amount;
use super::outbox::Request;
use super::paper::Receipt;
use super::reason::StaffReason;
use super::undo::{UndoEntry, UndoRecord, UndoState};
use chrono::{DateTime, FixedOffset};
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

/// The marks of a booking as digests, each of one size: a list of them is one piece of memory, where the texts of as many
/// bookings would lie scattered among whatever else comes and goes, and keep its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks([Option<Uuid>; 3]);

impl Marks {
    /// As [`CardTransaction::is_same_booking`].
    #[must_use]
    pub fn is_same_booking(&self, other: &Self) -> bool {
        agree(&self.0, &other.0)
    }
}

fn told(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// All that both have is the same, and there is one.
fn agree<T: PartialEq>(one: &[Option<T>; 3], other: &[Option<T>; 3]) -> bool {
    let mut both = one.iter().zip(other).filter_map(|(a, b)| a.as_ref().zip(b.as_ref())).peekable();
    both.peek().is_some() && both.all(|(a, b)| a == b)
}

/// The last four letters, if all of them are digits.
#[must_use]
pub fn last_four(card: &str) -> &str {
    let start = card.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    let four = &card[start..];
    if four.bytes().all(|byte| byte.is_ascii_digit()) { four } else { "" }
}

impl fmt::Debug for CardTransaction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.approved { "approved" } else { "declined" };
        write!(out, "CardTransaction({kind} {}, redacted)", self.amount.0)
    }
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

/// One line of the journal. Recording one is durable before the next effect begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Nothing has left the kiosk yet.
    Intent {
        attempt: AttemptId,
        number: String,
        amount: Amount,
        request: Box<Request>,
        receipt: Box<Receipt>,
        baseline: LastTransaction,
    },
    /// The next byte out is the amount.
    Sent {
        attempt: AttemptId,
    },
    /// The terminal's frame, as it came. Durable before the terminal hears that it may book (`Booking::Unconfirmed`).
    Answered {
        attempt: AttemptId,
        raw: Vec<u8>,
        transaction: Box<CardTransaction>,
        booking: Booking,
    },
    /// Paid. In one transaction with the queued request (which now holds the payment) and the receipt.
    Committed {
        attempt: AttemptId,
        transaction: Box<CardTransaction>,
        request: Box<Request>,
        receipt: Box<Receipt>,
    },
    NotPaid {
        attempt: AttemptId,
        reason: String,
    },
    InDoubt {
        attempt: AttemptId,
        reason: String,
    },
    NeedsStaff {
        attempt: AttemptId,
        reason: StaffReason,
        /// What was booked, where that is known: it can be undone by it.
        transaction: Option<Box<CardTransaction>>,
    },
    /// How staff found out about it. Kept beside what they settle.
    Evidence {
        attempt: AttemptId,
        text: String,
    },
    /// Of an undo of a payment.
    Undo(UndoEntry),
    /// Of the end of the terminal's day.
    Closing(ClosingEntry),
    /// The printer proved that the receipt came out.
    ReceiptPrinted {
        attempt: AttemptId,
    },
}

impl Entry {
    /// Where this line brings its payment; `None` where it tells of something else.
    #[must_use]
    pub const fn state(&self) -> Option<PaymentState> {
        match self {
            Self::Intent { .. } => Some(PaymentState::Intent),
            Self::Sent { .. } => Some(PaymentState::Sent),
            Self::Answered { .. } => Some(PaymentState::Answered),
            Self::Committed { .. } => Some(PaymentState::Committed),
            Self::NotPaid { .. } => Some(PaymentState::NotPaid),
            Self::InDoubt { .. } => Some(PaymentState::InDoubt),
            Self::NeedsStaff { .. } => Some(PaymentState::NeedsStaff),
            Self::Undo(UndoEntry::Reversed { .. }) => Some(PaymentState::Reversed),
            Self::Evidence { .. } | Self::Undo(_) | Self::Closing(_) | Self::ReceiptPrinted { .. } => None,
        }
    }

    /// The request that is queued for the hospital in the same transaction.
    #[must_use]
    pub const fn request_to_queue(&self) -> Option<&Request> {
        match self {
            Self::Committed { request, .. } | Self::Undo(UndoEntry::Reversed { cancellation: Some(request), .. }) => {
                Some(request)
            }
            Self::Intent { .. }
            | Self::Sent { .. }
            | Self::Answered { .. }
            | Self::NotPaid { .. }
            | Self::InDoubt { .. }
            | Self::NeedsStaff { .. }
            | Self::Evidence { .. }
            | Self::Undo(_)
            | Self::Closing(_)
            | Self::ReceiptPrinted { .. } => None,
        }
    }
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

impl PaymentState {
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

/// A payment as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    pub attempt: AttemptId,
    /// Shown to patients and staff (`K3-0047`).
    pub number: String,
    pub state: PaymentState,
    pub amount: Amount,
    pub request: Request,
    pub receipt: Receipt,
    pub baseline: LastTransaction,
    pub transaction: Option<CardTransaction>,
    /// Of the answer in the journal, if there is one.
    pub booking: Booking,
    /// Why it stands as it does, in words for lists.
    pub reason: Option<String>,
    /// Why it is for staff, while it is. `None` where an older version wrote words that are not known.
    pub staff_reason: Option<StaffReason>,
    /// How staff found out, where they had to.
    pub evidence: Option<String>,
    pub started_at: DateTime<FixedOffset>,
    pub receipt_printed: bool,
    /// The latest try to take it back.
    pub undo: Option<UndoRecord>,
    /// The terminal's day was closed since, or may have been: by its receipt it cannot be undone any more.
    pub day_closed: bool,
}

impl PaymentRecord {
    /// It, or an undo of it, keeps the terminal: no other payment may begin.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.is_open() || self.undo.as_ref().is_some_and(|undo| undo.state.is_open())
    }

    /// In words for the trail.
    #[must_use]
    pub fn standing(&self) -> String {
        let undo = self.undo.as_ref().map_or_else(String::new, |undo| format!(", undo {}", undo.state.word()));
        format!("{}{undo}", self.state.word())
    }

    /// On the staff list: nobody knows whether it was paid, or whether it was given back.
    #[must_use]
    pub fn needs_staff(&self) -> bool {
        self.state == PaymentState::NeedsStaff || self.undo_in_doubt()
    }

    /// Staff have to find out whether it was given back.
    #[must_use]
    pub fn undo_in_doubt(&self) -> bool {
        self.undo.as_ref().is_some_and(|undo| undo.state == UndoState::NeedsStaff)
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
