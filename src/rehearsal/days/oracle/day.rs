//! The end of the terminal's day: what staff hear is what the card company booked, and what the journal does not know of
//! it is on the staff list.

use super::{Back, Oracle, Promise};
use crate::domain::attempt::AttemptId;
use crate::domain::closing::{ClosingEnd, DayBook, Divides, Move, MoveKind, Verdict, compare, period};
use crate::domain::terminal::{TerminalDay, TerminalTotals};
use crate::rehearsal::days::ends::Closed;

impl Oracle {
    pub fn day_closes(&mut self, beside_open: bool) {
        let what = || "the terminal's day is closed beside an open payment".to_owned();
        self.check(Promise::NeverGuessed, !beside_open, what);
    }

    /// All was quiet when it was asked for.
    pub fn answered_at_night(&mut self, answered: bool) {
        let what = || "nobody hears how the terminal's day ended".to_owned();
        self.check(Promise::NeverLost, answered, what);
    }

    /// `days` are those that the terminal itself has closed.
    pub fn totals_told(&mut self, book: &DayBook, told: &TerminalTotals, days: &[Closed]) {
        let (closed, day) = (days.last(), days.len().saturating_sub(1));
        let same = closed.map(|closed| closed.told) == told.count.map(|count| (count, told.amount));
        self.check(Promise::NeverGuessed, same, || {
            format!("staff hear totals of {told:?}, the terminal counted {closed:?}")
        });
        // However the terminal adds up, this is what the card company has.
        let stood = closed.map(|closed| closed.stood.0);
        let known: Vec<i64> = beginnings(book).iter().map(|book| self.known_of(book, day)).collect();
        self.check(Promise::NeverLost, stood.is_some_and(|stood| known.contains(&stood)), || {
            format!("{stood:?} stood of the terminal's day, journal and staff list know of {known:?}")
        });
        let agree = compare(book, told).verdict == Verdict::Agree;
        let equal = beginnings(book).iter().any(|book| period(book).sums.amount() == told.amount.0);
        self.check(Promise::NeverGuessed, agree <= equal, || format!("staff hear that {told:?} agrees, it does not"));
    }

    /// The journal's sum, and what the card company has of those on the staff list. What people found to be given back may
    /// have gone back on another of the terminal's days than this one.
    fn known_of(&self, book: &DayBook, day: usize) -> i64 {
        let period = period(book);
        let unsettled = period.unsettled.iter().map(|moved| self.truth_of(moved, day)).sum::<i64>();
        let (_, from) = begins(book);
        let is_sure = |moved: &&Move| moved.sure && moved.kind == MoveKind::GivenBack && moved.place > from;
        let went_back = |moved: &&Move| self.back.contains_key(&moved.attempt);
        let elsewhere = book.moves.iter().filter(is_sure).filter(went_back).filter(|moved| !self.gave_back(moved, day));
        let elsewhere = elsewhere.map(|moved| moved.amount.0).sum::<i64>();
        period.sums.amount() + elsewhere + unsettled - self.gave_late(day) - self.gone_astray(book)
    }

    fn truth_of(&self, moved: &Move, day: usize) -> i64 {
        match moved.kind {
            MoveKind::Charge if self.booked.iter().any(|(of, _)| *of == moved.attempt) => moved.amount.0,
            MoveKind::GivenBack if self.gave_back(moved, day) => -moved.amount.0,
            MoveKind::Charge | MoveKind::GivenBack => 0,
        }
    }

    /// It went back on that day of the terminal's, by its own undo of that day or in place of another sale.
    fn gave_back(&self, moved: &Move, day: usize) -> bool {
        let back = self.back.get(&moved.attempt);
        back.is_some_and(|back| back.day == day && back.ordered.is_none_or(|ordered| ordered == day))
    }

    /// What was ordered on a day before and went back on this one, and what went to cards that it was not due to.
    fn gave_late(&self, day: usize) -> i64 {
        let late = |back: &Back| back.day == day && back.ordered.is_some_and(|ordered| ordered < day);
        let amount =
            |of: &AttemptId| self.booked.iter().find(|(known, _)| known == of).map_or(0, |(_, it)| it.amount.0);
        let late = self.back.iter().filter(|(_, back)| late(back)).map(|(of, _)| amount(of)).sum::<i64>();
        late + self.strayed.iter().filter(|stray| stray.day == day).map(|stray| stray.amount.0).sum::<i64>()
    }

    /// Charges of this period that the terminal gave back in place of another, which no line of the journal tells.
    fn gone_astray(&self, book: &DayBook) -> i64 {
        let (from, _) = begins(book);
        let given_back =
            |attempt| book.moves.iter().any(|moved| moved.kind == MoveKind::GivenBack && moved.attempt == attempt);
        let astray = |moved: &&Move| {
            moved.kind == MoveKind::Charge
                && moved.place > from
                && self.was_taken_for_another(moved.attempt)
                && self.stands(moved.attempt).is_none()
                && !given_back(moved.attempt)
        };
        book.moves.iter().filter(astray).map(|moved| moved.amount.0).sum()
    }
}

/// Behind which charge and which giving-back the period begins.
fn begins(book: &DayBook) -> (i64, i64) {
    let before = book.closings.iter().rev().skip(1).find(|closing| closing.divides().begins_anew());
    before.map_or((0, 0), |closing| (closing.charges_to, closing.undos_to))
}

/// The terminal may have counted from nothing at any end of day that nobody heard of, or at none of them.
fn beginnings(book: &DayBook) -> Vec<DayBook> {
    let before = book.closings.len().saturating_sub(1);
    let doubtful = (0..before).filter(|at| book.closings[*at].divides() == Divides::Perhaps).collect::<Vec<_>>();
    let with = |began: Option<usize>| {
        let mut book = book.clone();
        for at in &doubtful {
            let day = if Some(*at) == began { TerminalDay::Closed } else { TerminalDay::Open };
            book.closings[*at].end = Some(ClosingEnd::Untold { day, reason: String::new() });
        }
        book
    };
    std::iter::once(with(None)).chain(doubtful.iter().map(|at| with(Some(*at)))).collect()
}
