//! The end of the terminal's day: what staff hear is what the card company booked, and what the journal does not know of
//! it is on the staff list.

use super::{Oracle, Promise};
use crate::domain::closing::{
    Batch, ClosingEnd, DayBook, Divides, Move, MoveKind, TerminalTotals, Verdict, compare, period,
};
use crate::domain::money::Amount;

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

    /// `counted` is what the terminal itself counted when it last closed a day.
    pub fn totals_told(&mut self, book: &DayBook, told: &TerminalTotals, counted: Option<(u32, Amount)>) {
        let same = counted == told.count.map(|count| (count, told.amount));
        self.check(Promise::NeverGuessed, same, || {
            format!("staff hear totals of {told:?}, the card company has {counted:?}")
        });
        let known: Vec<i64> = beginnings(book).iter().map(|book| self.known_of(book)).collect();
        self.check(Promise::NeverLost, known.contains(&told.amount.0), || {
            format!("the terminal counted {}, journal and staff list know of {known:?}", told.amount.0)
        });
        let agree = compare(book, told).verdict == Verdict::Agree;
        let equal = beginnings(book).iter().any(|book| period(book).sums.amount() == told.amount.0);
        self.check(Promise::NeverGuessed, agree <= equal, || format!("staff hear that {told:?} agrees, it does not"));
    }

    /// The journal's sum, and what the card company has of those on the staff list.
    fn known_of(&self, book: &DayBook) -> i64 {
        let period = period(book);
        period.sums.amount() + period.unsettled.iter().map(|moved| self.truth_of(moved)).sum::<i64>()
    }

    fn truth_of(&self, moved: &Move) -> i64 {
        let booked = self.booked.iter().find(|(of, _)| *of == moved.attempt).map(|(_, booked)| booked.stands);
        match (moved.kind, booked) {
            (MoveKind::Charge, Some(_)) => moved.amount.0,
            (MoveKind::GivenBack, Some(false)) => -moved.amount.0,
            (MoveKind::GivenBack, Some(true)) | (_, None) => 0,
        }
    }
}

/// The terminal may have counted from nothing at any end of day that nobody heard of, or at none of them.
fn beginnings(book: &DayBook) -> Vec<DayBook> {
    let before = book.closings.len().saturating_sub(1);
    let doubtful = (0..before).filter(|at| book.closings[*at].divides() == Divides::Perhaps).collect::<Vec<_>>();
    let with = |began: Option<usize>| {
        let mut book = book.clone();
        for at in &doubtful {
            let batch = if Some(*at) == began { Batch::Closed } else { Batch::Open };
            book.closings[*at].end = Some(ClosingEnd::Untold { batch, reason: String::new() });
        }
        book
    };
    std::iter::once(with(None)).chain(doubtful.iter().map(|at| with(Some(*at)))).collect()
}
