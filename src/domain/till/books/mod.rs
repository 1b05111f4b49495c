//! Which booking belongs to which payment: none is ever given to two, and none to a payment that began after it. The store
//! looks once more when it commits.

mod closed;
mod strayed;
#[cfg(test)]
mod tests;

pub(super) use closed::Closed;
use strayed::Strayed;

use super::resolve;
use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction, Marks};
use crate::domain::session::StrayedUndo;
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset};
use std::collections::VecDeque;

/// More than a terminal can mix up: it tells of its last transaction only.
const BOOKED_MAX: usize = 256;
/// Each booking, and the begin of its payment.
const TOLD_MAX: usize = 2 * BOOKED_MAX;

pub(super) struct Books {
    lines: VecDeque<Line>,
    /// What the terminal told and when payments began, in order: what was told before a payment is not its own. A terminal
    /// that falls back to an older sale after a restart would else pass it off as the new one.
    told: VecDeque<Told>,
    /// What ended as not paid or with staff.
    closed: VecDeque<Closed>,
    /// Undos that may have given back another sale than was named.
    pub strayed: Strayed,
    /// `resolve::minutes_after` of the terminal's last approval.
    minutes_after: Option<i64>,
}

enum Told {
    Booking(Marks),
    Began(AttemptId),
}

struct Line {
    attempt: AttemptId,
    booking: Marks,
    /// Committed by this till.
    paid: bool,
}

/// With room for all that is ever remembered: it stays where it is.
impl Default for Books {
    fn default() -> Self {
        Self {
            lines: VecDeque::with_capacity(BOOKED_MAX),
            told: VecDeque::with_capacity(TOLD_MAX),
            closed: VecDeque::new(),
            strayed: Strayed::default(),
            minutes_after: None,
        }
    }
}

impl Told {
    fn is_begin_of(&self, attempt: AttemptId) -> bool {
        matches!(self, Self::Began(known) if *known == attempt)
    }

    fn is_of(&self, booking: &Marks) -> bool {
        matches!(self, Self::Booking(known) if known.is_same_booking(booking))
    }
}

impl Books {
    pub fn add(&mut self, attempt: AttemptId, booking: &CardTransaction) {
        self.push(attempt, booking, false);
    }

    pub fn add_paid(&mut self, attempt: AttemptId, booking: &CardTransaction) {
        self.push(attempt, booking, true);
    }

    fn push(&mut self, attempt: AttemptId, booking: &CardTransaction, paid: bool) {
        let (booked, booking) = (&mut self.lines, booking.marks());
        booked.retain(|line| line.attempt != attempt || line.booking != booking);
        if booked.len() >= BOOKED_MAX {
            booked.pop_front();
        }
        booked.push_back(Line { attempt, booking, paid });
    }

    /// It is the booking that this payment was committed with.
    pub fn is_paid(&self, attempt: AttemptId, booking: &CardTransaction) -> bool {
        let booking = booking.marks();
        self.lines.iter().any(|line| line.paid && line.attempt == attempt && line.booking.is_same_booking(&booking))
    }

    /// The terminal told it as the answer to this very payment.
    pub fn is_of(&self, attempt: AttemptId, booking: &CardTransaction) -> bool {
        let booking = booking.marks();
        self.lines.iter().any(|line| line.attempt == attempt && line.booking.is_same_booking(&booking))
    }

    /// The terminal has told an approval as the answer to this payment.
    pub fn has_of(&self, attempt: AttemptId) -> bool {
        self.lines.iter().any(|line| line.attempt == attempt)
    }

    /// The terminal's last transaction, as it told it now.
    pub fn told_last(&mut self, last: &LastTransaction) {
        if let LastTransaction::Known(last) = last {
            self.told(last);
        }
    }

    /// A booking that the terminal told of now.
    pub fn told(&mut self, booking: &CardTransaction) {
        let marks = booking.marks();
        if booking.approved && !self.told.iter().any(|told| told.is_of(&marks)) {
            self.note(Told::Booking(marks));
        }
    }

    /// The amount of this payment, or this undo, is about to leave.
    pub fn began(&mut self, attempt: AttemptId) {
        self.note(Told::Began(attempt));
    }

    fn note(&mut self, told: Told) {
        if self.told.len() >= TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back(told);
    }

    fn was_there_before(&self, attempt: AttemptId, booking: &Marks) -> bool {
        let older = self.told.iter().position(|told| told.is_begin_of(attempt)).unwrap_or(0);
        self.told.iter().take(older).any(|told| told.is_of(booking))
    }

    /// No payment and no undo that the journal knows began after this one. `false` for a payment that it does not know.
    pub fn is_newest(&self, attempt: AttemptId) -> bool {
        let newest = self.told.iter().rfind(|told| matches!(told, Told::Began(_)));
        newest.is_some_and(|told| told.is_begin_of(attempt))
    }

    /// Another payment or an undo began after this one, and the terminal did not tell this booking before that: whose is it?
    pub fn may_be_of_a_later(&self, attempt: AttemptId, booking: &CardTransaction) -> bool {
        let Some(at) = self.told.iter().position(|told| told.is_begin_of(attempt)) else { return false };
        let since = || self.told.iter().skip(at + 1);
        let is_booking = |told: &&Told| matches!(told, Told::Booking(_));
        let booking = booking.marks();
        !since().all(|told| is_booking(&told)) && !since().take_while(is_booking).any(|told| told.is_of(&booking))
    }

    /// It belongs to a payment other than this one, or was there before this one began.
    pub fn is_of_another(&self, attempt: AttemptId, booking: &CardTransaction) -> bool {
        let booking = booking.marks();
        self.was_there_before(attempt, &booking)
            || self.lines.iter().any(|line| line.attempt != attempt && line.booking.is_same_booking(&booking))
    }
}

impl Books {
    /// What the journal knew at start.
    pub fn know_booked(
        &mut self,
        booked: &[(AttemptId, DateTime<FixedOffset>, CardTransaction)],
        began: &[(AttemptId, LastTransaction)],
        zone: &Zone,
    ) {
        for (attempt, baseline) in began {
            self.told_last(baseline);
            self.began(*attempt);
        }
        for (attempt, started_at, transaction) in booked {
            self.minutes_after = resolve::minutes_after(transaction, *started_at, zone).or(self.minutes_after);
            self.add(*attempt, transaction);
        }
    }

    /// An older result, told again. Where it is the terminal's clock that was set back, or ours on, the next is believed.
    pub fn is_stale(&mut self, told: &CardTransaction, started_at: DateTime<FixedOffset>, zone: &Zone) -> bool {
        let Some(after) = resolve::minutes_after(told, started_at, zone) else { return false };
        self.minutes_after.replace(after).is_some_and(|last| resolve::is_older(after, last))
    }

    /// Undos that the journal knew at start.
    pub fn know_strayed(&mut self, strayed: &[StrayedUndo], zone: &Zone) {
        for StrayedUndo { undo, of, sold_at, sent_at, stands } in strayed {
            self.strayed.add(*undo, zone.at(sold_at).date_naive(), zone.at(sent_at).date_naive());
            if *stands {
                self.strayed.stands(*of);
            }
        }
    }
}
