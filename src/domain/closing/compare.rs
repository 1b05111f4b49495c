//! Two sets of books laid side by side. Nothing here guesses: what nobody knows yet is listed and never added up.

use super::{ClosingRecord, DayBook, Divides, Move, MoveKind};
use crate::domain::terminal::TerminalTotals;
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::collections::BTreeMap;

/// More missing receipts than this are no hint.
const MISSING_MAX: usize = 20;
const RECEIPTS_MAX: u16 = 9_999;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub charges: u32,
    pub charged: i64,
    pub given_back: u32,
    pub gave_back: i64,
}

impl Sums {
    #[must_use]
    pub const fn count(&self) -> i64 {
        self.charges as i64 - self.given_back as i64
    }

    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.charged - self.gave_back
    }

    fn add(mut self, moved: &Move) -> Self {
        match moved.kind {
            MoveKind::Charge => {
                self.charges += 1;
                self.charged += moved.amount.0;
            }
            MoveKind::GivenBack => {
                self.given_back += 1;
                self.gave_back += moved.amount.0;
            }
        }
        self
    }

    /// Terminals differ in whether a giving-back takes a sale off the count, leaves it, or counts as one more; and what is
    /// given to a card, of an earlier day perhaps, need not be counted as a sale that is undone.
    fn counts(&self, count: u32) -> bool {
        let (charges, given_back) = (i64::from(self.charges), i64::from(self.given_back));
        (charges - given_back..=charges + given_back).contains(&i64::from(count))
    }

    fn is(&self, told: &TerminalTotals) -> bool {
        self.amount() == told.amount.0
            && told.count.is_none_or(|count| self.counts(count))
            && told.of_cards.is_none_or(|of_cards| of_cards == told.amount)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Agree,
    Differ,
}

/// Something that a bookkeeper should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No end of day before this one: the terminal's day may have begun sooner or later than the journal.
    NeverClosed,
    /// These ends of day have no known answer: the terminal may have counted from nothing there. The totals of the day
    /// that ended there are not known.
    Unanswered {
        at: DateTime<FixedOffset>,
        begins_here: bool,
    },
    /// The terminal's own figures contradict each other.
    Contradiction {
        whole: i64,
        of_cards: i64,
    },
    Count {
        terminal: u32,
        journal: i64,
    },
    /// Terminal less journal.
    Amount {
        more: i64,
    },
    /// The difference is what was given back: the terminal leaves it in its turnover, or adds it once more.
    GivenBackCounted {
        gave_back: i64,
    },
    /// More was given back than sold, of earlier days, by so much. The terminal's figures have no sign.
    BelowNothing {
        by: i64,
    },
    /// Nobody knows yet whether this moved. `explains`: the totals differ by just so much.
    Unsettled {
        moved: Move,
        explains: bool,
    },
    /// All that is unsettled, taken together, is the difference.
    UnsettledTogether,
    /// The terminal's day begins with this receipt, and from there on both agree; the rest is in a day that it closed by
    /// itself.
    BeginsLater {
        receipt: u16,
        number: String,
        before: Sums,
    },
    /// Charges of the journal with a receipt that is not among the terminal's.
    OtherReceipts(Vec<Move>),
    /// Receipts of the terminal that the journal knows nothing of.
    MissingReceipts(Vec<u16>),
    Forgotten(u64),
}

/// What the journal has between two ends of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The end of day where it begins; `None`: the beginning of the journal.
    pub since: Option<DateTime<FixedOffset>>,
    /// What moved for sure.
    pub sums: Sums,
    pub days: BTreeMap<NaiveDate, Sums>,
    /// What may have moved: it is with staff.
    pub unsettled: Vec<Move>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub verdict: Verdict,
    pub period: Period,
    pub findings: Vec<Finding>,
}

/// Where a period begins: after these places.
#[derive(Clone, Copy)]
struct Start {
    at: Option<DateTime<FixedOffset>>,
    charges: i64,
    undos: i64,
}

impl Start {
    const fn of(closing: &ClosingRecord) -> Self {
        Self { at: Some(closing.asked_at), charges: closing.charges_to, undos: closing.undos_to }
    }

    fn moves(self, book: &DayBook) -> impl Iterator<Item = &Move> {
        let end = book.closings.last().map_or((i64::MAX, i64::MAX), |last| (last.charges_to, last.undos_to));
        book.moves.iter().filter(move |moved| match moved.kind {
            MoveKind::Charge => moved.place > self.charges && moved.place <= end.0,
            MoveKind::GivenBack => moved.place > self.undos && moved.place <= end.1,
        })
    }

    fn sums(self, book: &DayBook) -> Sums {
        self.moves(book).filter(|moved| moved.sure).fold(Sums::default(), Sums::add)
    }

    fn period(self, book: &DayBook) -> Period {
        let mut days = BTreeMap::new();
        for moved in self.moves(book).filter(|moved| moved.sure) {
            let sums: &mut Sums = days.entry(moved.at.date_naive()).or_default();
            *sums = sums.add(moved);
        }
        let unsettled = self.moves(book).filter(|moved| !moved.sure).cloned().collect();
        Period { since: self.at, sums: self.sums(book), days, unsettled }
    }
}

/// Where the terminal surely began to count; the beginning of the journal, where nobody knows.
fn certain(book: &DayBook) -> Start {
    let first = book.closings.iter().rev().skip(1).find(|closing| closing.divides().begins_anew());
    first.map_or(Start { at: None, charges: 0, undos: 0 }, Start::of)
}

/// Ends of day since, of which nobody knows whether they were one.
fn perhaps(book: &DayBook) -> impl Iterator<Item = &ClosingRecord> {
    let before = book.closings.len().saturating_sub(1);
    book.closings[..before].iter().filter(|closing| closing.divides() == Divides::Perhaps)
}

/// Since the terminal last surely counted from nothing.
#[must_use]
pub fn period(book: &DayBook) -> Period {
    certain(book).period(book)
}

#[must_use]
pub fn compare(book: &DayBook, told: &TerminalTotals) -> Comparison {
    let certain = certain(book);
    let mut starts = std::iter::once(certain).chain(perhaps(book).map(Start::of));
    let fitting = starts.find(|start| start.sums(book).is(told));
    let start = fitting.unwrap_or(certain);
    let mut findings = Vec::new();
    if certain.at.is_none() {
        findings.push(Finding::NeverClosed);
    }
    findings.extend(perhaps(book).map(|closing| Finding::Unanswered {
        at: closing.asked_at,
        begins_here: fitting.is_some() && start.at == Some(closing.asked_at),
    }));
    if fitting.is_none() {
        differences(&mut findings, start, book, told);
    }
    findings.extend(questions(start, book, told));
    if book.forgotten > 0 {
        findings.push(Finding::Forgotten(book.forgotten));
    }
    let verdict = if fitting.is_some() { Verdict::Agree } else { Verdict::Differ };
    Comparison { verdict, period: start.period(book), findings }
}

fn differences(findings: &mut Vec<Finding>, start: Start, book: &DayBook, told: &TerminalTotals) {
    let sums = start.sums(book);
    if let Some(of_cards) = told.of_cards.filter(|of_cards| *of_cards != told.amount) {
        findings.push(Finding::Contradiction { whole: told.amount.0, of_cards: of_cards.0 });
    }
    if let Some(terminal) = told.count.filter(|count| !sums.counts(*count)) {
        findings.push(Finding::Count { terminal, journal: sums.count() });
    }
    let more = told.amount.0 - sums.amount();
    if more != 0 {
        findings.push(Finding::Amount { more });
    }
    if sums.gave_back != 0 && [sums.gave_back, 2 * sums.gave_back].contains(&more) {
        findings.push(Finding::GivenBackCounted { gave_back: sums.gave_back });
    }
    if sums.amount() < 0 && [0, -sums.amount()].contains(&told.amount.0) {
        findings.push(Finding::BelowNothing { by: -sums.amount() });
    }
    let Some(range) = told.receipts else { return };
    if let Some(later) = begins_later(start, range, book, told) {
        return findings.push(later);
    }
    let others: Vec<Move> = start.moves(book).filter(|moved| is_outside(moved, range)).cloned().collect();
    if !others.is_empty() {
        findings.push(Finding::OtherReceipts(others));
    }
    let missing = missing(range, &book.receipts);
    if !missing.is_empty() {
        findings.push(Finding::MissingReceipts(missing));
    }
}

/// What nobody knows yet, and whether it would explain a difference.
fn questions(start: Start, book: &DayBook, told: &TerminalTotals) -> Vec<Finding> {
    let more = told.amount.0 - start.sums(book).amount();
    let worth = |moved: &Move| match moved.kind {
        MoveKind::Charge => moved.amount.0,
        MoveKind::GivenBack => -moved.amount.0,
    };
    let open: Vec<&Move> = start.moves(book).filter(|moved| !moved.sure).collect();
    let together = open.len() > 1 && open.iter().map(|moved| worth(moved)).sum::<i64>() == more && more != 0;
    let mut findings: Vec<Finding> = open
        .into_iter()
        .map(|moved| Finding::Unsettled { moved: moved.clone(), explains: more != 0 && worth(moved) == more })
        .collect();
    if together {
        findings.push(Finding::UnsettledTogether);
    }
    findings
}

/// The first charge with a receipt of the terminal's day, if all is well from there on.
fn begins_later(start: Start, range: (u16, u16), book: &DayBook, told: &TerminalTotals) -> Option<Finding> {
    let within = |moved: &&Move| moved.receipt.is_some_and(|receipt| is_within(receipt, range));
    let first = start.moves(book).filter(within).min_by_key(|moved| moved.place)?;
    let earlier = |moved: &&Move| moved.kind == MoveKind::GivenBack && moved.at < first.at;
    let undos = start.moves(book).filter(earlier).map(|moved| moved.place).max().unwrap_or(start.undos);
    let later = Start { at: start.at, charges: first.place - 1, undos };
    if later.charges <= start.charges || !later.sums(book).is(told) {
        return None;
    }
    let (all, rest) = (start.sums(book), later.sums(book));
    let before = Sums {
        charges: all.charges - rest.charges,
        charged: all.charged - rest.charged,
        given_back: all.given_back - rest.given_back,
        gave_back: all.gave_back - rest.gave_back,
    };
    Some(Finding::BeginsLater { receipt: first.receipt?, number: first.number.clone(), before })
}

fn is_outside(moved: &Move, range: (u16, u16)) -> bool {
    moved.sure && moved.receipt.is_some_and(|receipt| !is_within(receipt, range))
}

/// Receipt numbers begin anew after the last one.
const fn is_within(receipt: u16, (first, last): (u16, u16)) -> bool {
    if first <= last { first <= receipt && receipt <= last } else { receipt >= first || receipt <= last }
}

fn missing((first, last): (u16, u16), known: &[u16]) -> Vec<u16> {
    let whole = if first <= last { first..=last } else { first..=RECEIPTS_MAX };
    let wrapped = (first > last).then_some(1..=last).into_iter().flatten();
    let missing: Vec<u16> =
        whole.chain(wrapped).filter(|receipt| !known.contains(receipt)).take(MISSING_MAX + 1).collect();
    if missing.len() > MISSING_MAX { Vec::new() } else { missing }
}
