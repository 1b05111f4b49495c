//! "What became of my payment?" Who may hear of which payment, by what they know of it.
//!
//! Within a quarter of an hour the number of the payment, if nobody has paid since, or the last four digits of the card is
//! enough: whoever stands there has just paid. Later it takes both. Where a terminal tells no digits of the card, it is the number alone, and later staff.
//! Whoever knows too little does not even hear that there is a payment.

use super::attempt::{AttemptId, PaymentState};
use super::money::Amount;
use super::paper::Receipt;
use super::payment::PaymentRecord;
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How many digits are asked for, of either.
pub const DIGITS: u8 = 4;
const RECENT: TimeDelta = TimeDelta::minutes(15);

/// What somebody knows: four digits of the payment's number or of the card, and the other ones.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Known {
    pub first: String,
    pub second: Option<String>,
}

/// What a patient types is in no log.
impl fmt::Debug for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Known({}, redacted)", if self.second.is_some() { "both" } else { "one" })
    }
}

/// What became of it, in words that leave nothing open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    Paid,
    NotPaid,
    /// It is being looked into: by the till, or by staff. Also where nobody knows whether it was given back.
    InDoubt,
    GivenBack,
}

/// A payment as whoever made it may see it.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentSight {
    pub attempt: AttemptId,
    pub number: String,
    pub amount: Amount,
    pub at: DateTime<FixedOffset>,
    pub became: Became,
    pub receipt: Receipt,
}

/// What was bought is in no log either.
impl fmt::Debug for PaymentSight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PaymentSight({} {:?}, redacted)", self.number, self.became)
    }
}

/// The answer to an enquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enquired {
    Sight(Box<PaymentSight>),
    /// Nobody may hear of any.
    Nothing,
    /// The journal cannot be read.
    CannotTell,
}

impl Enquired {
    #[must_use]
    pub fn of(sight: Option<PaymentSight>) -> Self {
        sight.map_or(Self::Nothing, |sight| Self::Sight(Box::new(sight)))
    }
}

/// Of all payments of the journal, the newest last. Where one number is that of one payment and of another one's card, or of
/// two cards, it takes both as well. Of several tries with one card the one that came to something is meant.
#[must_use]
pub fn find(payments: &[PaymentRecord], known: &Known, now: DateTime<FixedOffset>) -> Option<PaymentSight> {
    let Known { first, second } = known;
    let Some(second) = second else {
        let recent: Vec<&PaymentRecord> = payments.iter().filter(|payment| is_recent(payment, now)).collect();
        // Numbers count up: whoever paid next can tell the number before theirs.
        let numbered = recent.last().filter(|payment| ends_in(&payment.number, first));
        let with_card: Vec<&PaymentRecord> =
            recent.iter().filter(|payment| has_card(payment, first)).copied().collect();
        return match (numbered, meant(&with_card)) {
            (Some(numbered), None) if with_card.is_empty() => Some(sight(numbered)),
            (Some(numbered), Some(meant)) if numbered.attempt == meant.attempt => Some(sight(meant)),
            (None, Some(meant)) if is_one_card(&with_card) => Some(sight(meant)),
            (Some(_) | None, Some(_) | None) => None,
        };
    };
    let both = |payment: &&PaymentRecord| {
        ends_in(&payment.number, first) && has_card(payment, second)
            || ends_in(&payment.number, second) && has_card(payment, first)
    };
    payments.iter().rev().find(both).map(sight)
}

/// The newest that is not known to be unpaid, else the newest.
fn meant<'a>(payments: &[&'a PaymentRecord]) -> Option<&'a PaymentRecord> {
    let came_to_something = |payment: &&&PaymentRecord| payment.state != PaymentState::NotPaid;
    payments.iter().rev().find(came_to_something).or(payments.last()).copied()
}

fn is_one_card(payments: &[&PaymentRecord]) -> bool {
    let card = |payment: &PaymentRecord| {
        payment.transaction.as_ref().map(|card| (card.masked_card.clone(), card.issuer.clone()))
    };
    payments.windows(2).all(|pair| card(pair[0]) == card(pair[1]))
}

/// A payment that begins later than now was made by another clock: that is not recent.
fn is_recent(payment: &PaymentRecord, now: DateTime<FixedOffset>) -> bool {
    let ago = now - payment.started_at;
    ago >= TimeDelta::zero() && ago <= RECENT
}

fn ends_in(number: &str, digits: &str) -> bool {
    digits.len() == usize::from(DIGITS) && number.ends_with(digits)
}

fn has_card(payment: &PaymentRecord, digits: &str) -> bool {
    digits.len() == usize::from(DIGITS)
        && payment.transaction.as_ref().is_some_and(|transaction| transaction.last_four() == digits)
}

fn sight(payment: &PaymentRecord) -> PaymentSight {
    PaymentSight {
        attempt: payment.attempt,
        number: payment.number.clone(),
        amount: payment.amount,
        at: payment.started_at,
        became: became(payment),
        receipt: payment.receipt.clone(),
    }
}

fn became(payment: &PaymentRecord) -> Became {
    let undone_perhaps = payment.undo.as_ref().is_some_and(|undo| undo.state.is_open() || undo.state.is_in_doubt());
    match payment.state {
        PaymentState::Committed | PaymentState::Settled if !undone_perhaps => Became::Paid,
        PaymentState::NotPaid => Became::NotPaid,
        PaymentState::Reversed => Became::GivenBack,
        PaymentState::Intent
        | PaymentState::Sent
        | PaymentState::Answered
        | PaymentState::Committed
        | PaymentState::Settled
        | PaymentState::InDoubt
        | PaymentState::NeedsStaff => Became::InDoubt,
    }
}
