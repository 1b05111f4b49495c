//! What a terminal's last transaction proves about a payment in doubt. Pure judgement, `design/money.md`.
//!
//! | the terminal's last transaction, asked twice | verdict |
//! |---|---|
//! | no answer | ask again; after a few times: staff |
//! | two different answers, or it says it has none, or had none before | staff |
//! | differs from the baseline, approved, amount and time fit | paid |
//! | differs from the baseline otherwise | staff |
//! | equals a known baseline with nothing on it that tells it from a later one | staff |
//! | equals a known baseline, host reachable, memory trusted | not paid |
//! | equals the baseline otherwise | staff |

use crate::domain::money::Amount;
use crate::domain::payment::{CardTransaction, LastTransaction};
use crate::domain::reason::StaffReason;
use chrono::{DateTime, Duration, FixedOffset, NaiveDateTime};

/// How far the terminal's clock and ours may be apart.
const CLOCKS_APART_MIN: i64 = 15;

/// What is known of the attempt.
pub struct Doubted<'a> {
    pub baseline: &'a LastTransaction,
    pub amount: Amount,
    pub started_at: DateTime<FixedOffset>,
}

/// What the terminal told.
pub struct Testimony<'a> {
    pub first: &'a LastTransaction,
    pub second: &'a LastTransaction,
    pub host_reachable: bool,
    /// Its last transaction can be taken as its latest: it did not restart, or is proved to keep it over a restart.
    pub memory_trusted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Paid(Box<CardTransaction>),
    NotPaid,
    Staff(StaffReason),
    AskAgain,
}

#[must_use]
pub fn verdict(doubted: &Doubted, told: &Testimony) -> Verdict {
    let last = match (told.first, told.second) {
        (LastTransaction::Unknown, _) | (_, LastTransaction::Unknown) => return Verdict::AskAgain,
        (LastTransaction::Empty, LastTransaction::Empty) => {
            return Verdict::Staff(StaffReason::TerminalEmpty);
        }
        (LastTransaction::Known(first), LastTransaction::Known(second)) if first == second => first,
        (LastTransaction::Empty | LastTransaction::Known(_), LastTransaction::Empty | LastTransaction::Known(_)) => {
            return Verdict::Staff(StaffReason::TwoAnswers);
        }
    };
    match doubted.baseline {
        LastTransaction::Known(baseline) if baseline == last => unchanged(last, told),
        LastTransaction::Known(_) => changed(last, doubted, time_fits(last, doubted).unwrap_or(true)),
        // Nothing to compare with: an older one that it did not tell of may come up later.
        LastTransaction::Empty => Verdict::Staff(StaffReason::EmptyBefore),
        LastTransaction::Unknown => Verdict::Staff(StaffReason::NoBaseline),
    }
}

fn unchanged(last: &CardTransaction, told: &Testimony) -> Verdict {
    if !is_unmistakable(last) {
        Verdict::Staff(StaffReason::LooksTheSame)
    } else if !told.host_reachable {
        Verdict::Staff(StaffReason::CardCompanyAway)
    } else if !told.memory_trusted {
        Verdict::Staff(StaffReason::TerminalForgot)
    } else {
        Verdict::NotPaid
    }
}

/// Refusals often carry neither time nor number: a second one cannot be told from the first, and a host time-out is
/// a refusal that proves nothing. Only a mark that no later transaction repeats shows that it is the same one.
fn is_unmistakable(last: &CardTransaction) -> bool {
    let numbered = !last.approval_number.is_empty() || !last.unique_number.is_empty();
    booked_at(last).is_some() || (last.approved && numbered)
}

fn changed(last: &CardTransaction, doubted: &Doubted, time_fits: bool) -> Verdict {
    if !last.approved {
        Verdict::Staff(StaffReason::LastRefused)
    } else if last.amount != doubted.amount {
        Verdict::Staff(StaffReason::OtherAmount)
    } else if !time_fits {
        Verdict::Staff(StaffReason::OtherTime)
    } else {
        Verdict::Paid(Box::new(last.clone()))
    }
}

fn booked_at(last: &CardTransaction) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(&last.terminal_time, "%Y%m%d%H%M%S").ok()
}

/// `None` if the terminal's time cannot be read.
fn time_fits(last: &CardTransaction, doubted: &Doubted) -> Option<bool> {
    let booked = booked_at(last)?;
    let started = doubted.started_at.naive_local();
    let slack = Duration::minutes(CLOCKS_APART_MIN);
    Some(booked >= started - slack && booked <= started + slack)
}
