//! What a terminal's last transaction proves about a payment in doubt. Pure judgement, `design/money.md`.
//!
//! | the terminal's last transaction, asked twice | verdict |
//! |---|---|
//! | no answer | ask again; after a few times: staff |
//! | two different answers, or it says it has none where it had one before | staff |
//! | differs from the baseline, approved, amount and time fit | paid |
//! | there was none before (it said so twice), approved, amount and time fit, memory trusted | paid |
//! | differs from the baseline otherwise | staff |
//! | equals a known baseline with nothing on it that tells it from a later one | staff |
//! | equals a known baseline, or none before and none now; host reachable, memory trusted | not paid |
//! | equals the baseline otherwise | staff |
//!
//! A terminal whose clock is set to another time zone, or not to summer time, is whole hours off. That it tells another
//! transaction than before with a higher number of its own is stronger than its clock: then whole hours are forgiven,
//! unless it may have restarted and fallen back to an older sale.

use crate::domain::attempt::{CardTransaction, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::reason::StaffReason;
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset, NaiveDateTime};

/// How far the terminal's clock and ours may be apart, whole hours aside.
const CLOCKS_APART_MIN: i64 = 15;
/// The card-holder may have taken longer the last time, and both clocks cut seconds off.
const CHARGE_MIN: i64 = 3;
/// Time zones lie between UTC-12 and UTC+14.
const ZONES_APART_MAX_H: i64 = 26;
const MINUTES_OF_HOUR: i64 = 60;

/// What is known of the attempt.
pub struct Doubted<'a> {
    pub baseline: &'a LastTransaction,
    pub amount: Amount,
    pub started_at: DateTime<FixedOffset>,
    /// The terminal tells local time, without saying which.
    pub zone: &'a Zone,
}

/// What the terminal told.
pub struct Testimony<'a> {
    pub first: &'a LastTransaction,
    pub second: &'a LastTransaction,
    /// It said that it reaches the card company, or (ZVT, which tells nothing of that) that it is at rest, or that it
    /// refused this very payment.
    pub host_reachable: bool,
    /// Its last transaction can be taken as its latest: it did not restart, or is proved to keep it over a restart.
    pub memory_trusted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Paid(Box<CardTransaction>),
    NotPaid,
    /// With the reason for the staff list.
    Staff(StaffReason),
    AskAgain,
}

#[must_use]
pub fn verdict(doubted: &Doubted, told: &Testimony) -> Verdict {
    let last = match (told.first, told.second) {
        (LastTransaction::Unknown, _) | (_, LastTransaction::Unknown) => return Verdict::AskAgain,
        (LastTransaction::Empty, LastTransaction::Empty) => return still_empty(doubted.baseline, told),
        (LastTransaction::Known(first), LastTransaction::Known(second)) if first == second => first,
        (LastTransaction::Empty | LastTransaction::Known(_), LastTransaction::Empty | LastTransaction::Known(_)) => {
            return Verdict::Staff(StaffReason::TwoAnswers);
        }
    };
    match doubted.baseline {
        LastTransaction::Known(baseline) if baseline == last => unchanged(last, told),
        LastTransaction::Known(baseline) => {
            let fits = Clock::of(last, doubted).is_none_or(|clock| match clock {
                Clock::Fits => true,
                Clock::HoursOff => told.memory_trusted && is_later(last, baseline),
                Clock::Other => false,
            });
            changed(last, doubted, fits)
        }
        // Nothing to compare with: an older one that it did not tell of may come up after a restart.
        LastTransaction::Empty if !told.memory_trusted => Verdict::Staff(StaffReason::EmptyBefore),
        LastTransaction::Empty => changed(last, doubted, Clock::of(last, doubted) == Some(Clock::Fits)),
        LastTransaction::Unknown => Verdict::Staff(StaffReason::NoBaseline),
    }
}

/// An empty store, twice. It proves nothing where there was something before.
fn still_empty(baseline: &LastTransaction, told: &Testimony) -> Verdict {
    match baseline {
        LastTransaction::Empty if told.memory_trusted && told.host_reachable => Verdict::NotPaid,
        LastTransaction::Empty | LastTransaction::Known(_) | LastTransaction::Unknown => {
            Verdict::Staff(StaffReason::TerminalEmpty)
        }
    }
}

fn unchanged(last: &CardTransaction, told: &Testimony) -> Verdict {
    if is_unmistakable(last) { not_booked(told) } else { Verdict::Staff(StaffReason::LooksTheSame) }
}

/// It tells the same as before.
fn not_booked(told: &Testimony) -> Verdict {
    if !told.host_reachable {
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

/// By how many minutes, whole hours aside, the terminal's time of a booking is later than the payment's beginning by our
/// clock: what its clock is ahead, and the card-holder's time. `None` if it tells no time.
#[must_use]
pub fn minutes_after(told: &CardTransaction, started_at: DateTime<FixedOffset>, zone: &Zone) -> Option<i64> {
    let readings = zone.readings(booked_at(told)?);
    let within_hour = readings.map(|at| within_hour((at - started_at).num_minutes()));
    within_hour.into_iter().min_by_key(|minutes| minutes.abs())
}

/// An older result, told again: it tells an earlier time than this payment's can be, where the last one was so many minutes
/// after its own payment's beginning.
#[must_use]
pub fn is_older(minutes_after: i64, of_the_last: i64) -> bool {
    within_hour(minutes_after - of_the_last) < -CHARGE_MIN
}

/// From half an hour before to half an hour after.
const fn within_hour(minutes: i64) -> i64 {
    (minutes + MINUTES_OF_HOUR / 2).rem_euclid(MINUTES_OF_HOUR) - MINUTES_OF_HOUR / 2
}

fn booked_at(last: &CardTransaction) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(&last.terminal_time, "%Y%m%d%H%M%S").ok()
}

/// How the terminal's time of a booking lies to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    Fits,
    /// Whole hours off, the minutes fit.
    HoursOff,
    Other,
}

impl Clock {
    /// `None` if the terminal's time cannot be read.
    fn of(last: &CardTransaction, doubted: &Doubted) -> Option<Self> {
        let readings = doubted.zone.readings(booked_at(last)?);
        let apart = readings.map(|at| (at - doubted.started_at).num_minutes());
        let hours_off = |apart: &i64| {
            apart.abs() <= ZONES_APART_MAX_H * MINUTES_OF_HOUR
                && (apart + CLOCKS_APART_MIN).rem_euclid(MINUTES_OF_HOUR) <= 2 * CLOCKS_APART_MIN
        };
        Some(if apart.iter().any(|apart| apart.abs() <= CLOCKS_APART_MIN) {
            Self::Fits
        } else if apart.iter().any(hours_off) {
            Self::HoursOff
        } else {
            Self::Other
        })
    }
}

/// By the terminal's own running number: the last part of what it calls the transaction (ZVT `receipt-trace`, Smartro date
/// and serial). Where a number has begun anew nobody can tell, and it is not later.
fn is_later(last: &CardTransaction, baseline: &CardTransaction) -> bool {
    let number = |transaction: &CardTransaction| -> Option<u64> {
        let last_part = transaction.unique_number.rsplit('-').find(|part| !part.is_empty())?;
        last_part.parse().ok()
    };
    number(last).zip(number(baseline)).is_some_and(|(last, baseline)| last > baseline)
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn an_older_result_tells_an_earlier_time() {
        for (minutes_after, of_the_last, wanted) in [
            (0, 0, false),
            (2, 0, false),
            // The card-holder before took two minutes.
            (0, 2, false),
            (-3, 0, false),
            (-4, 0, true),
            (-20, 0, true),
            // Its clock is seven minutes ahead, and stays so.
            (7, 7, false),
            (3, 7, true),
            // It was set on.
            (20, 0, false),
            // Half an hour and more may be either.
            (29, -29, false),
            (-29, 29, false),
            (-25, 25, false),
            (-25, 0, true),
        ] {
            assert_eq!(is_older(minutes_after, of_the_last), wanted, "{minutes_after} after {of_the_last}");
        }
    }
}
