//! The judge. It believes only what the card company booked, what paper came out, what stood on the screen, what the
//! hospital stored and what is on the staff list; and of the kiosk no more than which request an attempt was for.
//!
//! | promise of `design/money.md` | checked |
//! |---|---|
//! | never twice | for each request: at most one booking stands |
//! | never lost | for each standing booking: it is at the hospital on its own request, once, or on the staff list; no attempt stays open |
//! | never guessed | for each screen, receipt and attempt: paid only if it stands, not paid only if it does not, and all agree |
//! | never asked by moving money | for each money command and booking: it comes from a `Charge`, one each |
//! | never lost, as a whole | for each request: all its entries are at the hospital, once, or none; and nothing that none has |
//! | staff are told (part of never lost) | for each sale that a terminal gave back or kept against the kiosk's word: it was on the staff list |
//!
//! A terminal that gives back another sale than was named breaks what no kiosk can hold; what the kiosk still owes is that
//! its undo is not believed, and that people hear of it. The same holds of money that went to a card that it was not due
//! to, or that had it back already.

mod day;
mod judge;

use super::ends::{Astray, Booked};
use super::rig::Note;
use crate::domain::attempt::{AttemptId, PaymentState};
use crate::domain::money::Amount;
use crate::domain::order::StaffAnswer;
use crate::domain::paper::{CardLine, Paper, Receipt};
use crate::domain::payment::{Entry, PaymentRecord};
use crate::domain::screen::{DoneHow, Screen};
use crate::domain::undo::UndoEntry;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    NeverTwice,
    NeverLost,
    NeverGuessed,
    NeverAskedByMovingMoney,
    /// Of what a terminal did against the kiosk's word.
    StaffAreTold,
    /// Of what reached the hospital: in how many parts it went there, all of it is there, and nothing else.
    ArrivesWhole,
}

impl Promise {
    pub const ALL: [Self; Self::COUNT] = [
        Self::NeverTwice,
        Self::NeverLost,
        Self::NeverGuessed,
        Self::NeverAskedByMovingMoney,
        Self::StaffAreTold,
        Self::ArrivesWhole,
    ];
    pub const COUNT: usize = 6;

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverTwice => "never-twice",
            Self::NeverLost => "never-lost",
            Self::NeverGuessed => "never-guessed",
            Self::NeverAskedByMovingMoney => "never-asked-by-moving-money",
            Self::StaffAreTold => "staff-are-told",
            Self::ArrivesWhole => "arrives-whole",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub promise: Promise,
    pub what: String,
}

#[derive(Default)]
pub struct Oracle {
    attempts: BTreeMap<AttemptId, Attempt>,
    money: BTreeMap<AttemptId, Sent>,
    booked: Vec<(AttemptId, Booked)>,
    papers: Vec<Paper>,
    /// The attempts of the patient who is there, and the one under way.
    visit: Vec<AttemptId>,
    current: Option<AttemptId>,
    charges: u64,
    /// What terminals gave back in place of another sale, and what they gave to cards it was not due to.
    misled: Vec<Misled>,
    strayed: Vec<Stray>,
    /// On which of the terminal's days each sale was given back.
    back: BTreeMap<AttemptId, Back>,
    /// Payments and undos that were on the staff list at some time.
    listed: BTreeSet<AttemptId>,
    pub checked: [u64; Promise::COUNT],
    pub broken: Vec<Broken>,
}

struct Attempt {
    request: Uuid,
    number: String,
    claim: String,
    /// When a charge or an undo of it was ordered last.
    moved_ms: u64,
    shown_paid: bool,
    shown_not_paid: bool,
}

/// An undo that gave back another sale than its own.
#[derive(Clone, Copy)]
struct Misled {
    undo: AttemptId,
    meant: AttemptId,
    hit: AttemptId,
}

/// Money that an undo gave to a card that it was not due to.
#[derive(Clone, Copy)]
struct Stray {
    undo: Option<AttemptId>,
    amount: Amount,
    day: usize,
}

/// Counted by the days that the terminal has closed.
#[derive(Clone, Copy)]
struct Back {
    day: usize,
    /// When its own undo was ordered; `None`: it was taken for another sale.
    ordered: Option<usize>,
}

/// What became of the one money command of a charge or an undo.
#[derive(Default)]
struct Sent {
    /// The booking that it gives back, where it is an undo.
    undoes: Option<AttemptId>,
    /// How many days the terminal had closed when it was ordered.
    day: usize,
    ordered: u32,
    written: u32,
    seen: u32,
}

const fn is_paid(state: PaymentState) -> bool {
    matches!(state, PaymentState::Committed | PaymentState::Settled)
}

/// Paid, whatever became of it later.
const fn was_paid(state: PaymentState) -> bool {
    is_paid(state) || matches!(state, PaymentState::Reversed)
}

impl Oracle {
    /// How many times money was asked for.
    #[must_use]
    pub const fn payments(&self) -> u64 {
        self.charges
    }

    #[must_use]
    pub const fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    fn check(&mut self, promise: Promise, holds: bool, what: impl FnOnce() -> String) {
        self.checked[promise as usize] += 1;
        if !holds {
            self.broken.push(Broken { promise, what: what() });
        }
    }

    /// Which request an attempt is for, and which attempt an undo gives back.
    pub fn intended(&mut self, entry: &Entry) {
        if let Entry::Intent { attempt, number, request, receipt, .. } = entry {
            let (request, number, claim) = (request.id, number.clone(), receipt.claim.clone());
            let known = Attempt { request, number, claim, moved_ms: 0, shown_paid: false, shown_not_paid: false };
            self.attempts.entry(*attempt).or_insert(known);
        } else if let Entry::Undo(UndoEntry::Intent { undo, of, .. }) = entry {
            self.money.entry(*undo).or_default().undoes = Some(*of);
        }
    }

    /// It is durable.
    pub fn recorded(&mut self, entry: &Entry) {
        if let Entry::NeedsStaff { attempt: listed, .. } | Entry::Undo(UndoEntry::NeedsStaff { undo: listed, .. }) =
            entry
        {
            self.listed.insert(*listed);
        }
    }

    /// What a start finds in the journal was durable, also what the power was cut right behind.
    pub fn found(&mut self, payments: &[PaymentRecord]) {
        for payment in payments {
            self.listed.extend((payment.state == PaymentState::NeedsStaff).then_some(payment.attempt));
            self.listed.extend(payment.undo.as_ref().filter(|_| payment.undo_in_doubt()).map(|undo| undo.undo));
        }
    }

    pub fn charged(&mut self, attempt: AttemptId, now_ms: u64) {
        self.charges += 1;
        self.current = Some(attempt);
        self.visit.push(attempt);
        self.ordered(attempt, 0, now_ms);
    }

    /// A charge or an undo was ordered from the terminal, which has closed so many days.
    pub fn ordered(&mut self, attempt: AttemptId, day: usize, now_ms: u64) {
        let sent = self.money.entry(attempt).or_default();
        sent.ordered += 1;
        sent.day = day;
        let (times, of) = (sent.ordered, sent.undoes.unwrap_or(attempt));
        if let Some(known) = self.attempts.get_mut(&of) {
            known.moved_ms = now_ms;
        }
        self.check(Promise::NeverAskedByMovingMoney, times == 1, || format!("{} was ordered {times} times", attempt.0));
    }

    pub fn note(&mut self, note: Note) {
        match note {
            Note::Wrote { left: false, .. } => {}
            Note::Wrote { attempt, left: true } => {
                let written = self.sent(attempt).map(|sent| {
                    sent.written += 1;
                    sent.written
                });
                self.check(Promise::NeverAskedByMovingMoney, written == Some(1), || {
                    format!("the money command of {attempt:?} was written {written:?} times")
                });
            }
            Note::Seen { attempt } => {
                let once = self.sent(attempt).map(|sent| {
                    sent.seen += 1;
                    sent.seen <= sent.ordered
                });
                self.check(Promise::NeverAskedByMovingMoney, once == Some(true), || {
                    format!("the terminal saw a money command of {attempt:?} that nobody sent")
                });
            }
            Note::Booked { attempt, booked } => self.was_booked(attempt, booked),
            Note::Undone { undo, books, strangers, day } => {
                self.was_undone(undo, day, &books);
                let more = strangers.into_iter().skip(self.strayed.len());
                let strays: Vec<Stray> = more.map(|amount| Stray { undo, amount, day }).collect();
                self.strayed.extend(strays);
            }
        }
    }

    /// Which payment an undo gives back.
    #[must_use]
    pub fn meant_by(&self, undo: AttemptId) -> Option<AttemptId> {
        self.money.get(&undo)?.undoes
    }

    fn was_booked(&mut self, attempt: Option<AttemptId>, booked: Booked) {
        let asked = self.sent(attempt).is_some_and(|sent| sent.seen > 0 && sent.undoes.is_none());
        self.check(Promise::NeverAskedByMovingMoney, asked, || {
            format!("{} was booked without a charge of {attempt:?}", booked.amount.0)
        });
        if let Some(attempt) = attempt {
            self.booked.push((attempt, booked));
        }
    }

    /// Only what staff ordered is ever given back, unless the terminal takes another sale for it.
    fn was_undone(&mut self, undo: Option<AttemptId>, day: usize, books: &[Booked]) {
        let sent = self.sent(undo).filter(|sent| sent.seen > 0);
        let (meant, ordered) = sent.map_or((None, 0), |sent| (sent.undoes, sent.day));
        for ((attempt, known), now) in self.booked.iter_mut().zip(books) {
            let undone = known.stands && !now.stands;
            known.clone_from(now);
            self.checked[Promise::NeverAskedByMovingMoney as usize] += 1;
            if undone {
                let ordered = (meant == Some(*attempt)).then_some(ordered);
                self.back.insert(*attempt, Back { day, ordered });
            }
            if !undone || meant == Some(*attempt) {
                continue;
            }
            if let (Some(Astray::GivenBack), Some(undo), Some(meant)) = (now.astray, undo, meant) {
                self.misled.push(Misled { undo, meant, hit: *attempt });
                continue;
            }
            let what = format!("approval {} was given back, and nobody asked for it", known.approval_number);
            self.broken.push(Broken { promise: Promise::NeverAskedByMovingMoney, what });
        }
    }

    /// The terminal gave it back when another was named: only people can know.
    fn was_taken_for_another(&self, attempt: AttemptId) -> bool {
        self.misled.iter().any(|misled| misled.hit == attempt)
    }

    fn sent(&mut self, attempt: Option<AttemptId>) -> Option<&mut Sent> {
        self.money.get_mut(&attempt?)
    }

    /// What staff hear of their order must be true.
    pub fn staff_told(&mut self, attempt: AttemptId, answer: &StaffAnswer) {
        let stands = self.stands(attempt).is_some();
        let was_booked = self.booked.iter().any(|(of, _)| *of == attempt);
        let holds = match answer {
            StaffAnswer::Paid => stands || self.was_taken_for_another(attempt),
            // What was never booked cannot be given back either.
            StaffAnswer::NotReversed { .. } => stands || !was_booked,
            StaffAnswer::NotPaid | StaffAnswer::Reversed => !stands,
            StaffAnswer::Begun
            | StaffAnswer::StillOpen { .. }
            | StaffAnswer::Printed
            | StaffAnswer::NotPrinted
            | StaffAnswer::DayEnded { .. }
            | StaffAnswer::Refused(_) => return,
        };
        self.check(Promise::NeverGuessed, holds, || format!("staff are told {answer:?}, the booking stands: {stands}"));
    }

    #[must_use]
    pub fn moved_ms(&self, attempt: AttemptId) -> u64 {
        self.attempts.get(&attempt).map_or(0, |known| known.moved_ms)
    }

    /// What staff find out when they ask the card company.
    #[must_use]
    pub fn is_standing(&self, attempt: AttemptId) -> bool {
        self.stands(attempt).is_some()
    }

    fn of(&mut self, attempt: Option<AttemptId>) -> Option<&mut Attempt> {
        self.attempts.get_mut(&attempt?)
    }

    /// The attempt whose booking this card line of a receipt tells of.
    fn paid_by(&self, receipt: &Receipt, card: &CardLine) -> Option<AttemptId> {
        let number = &card.approval_number;
        let fits = |(attempt, booked): &&(AttemptId, Booked)| {
            let claim = self.attempts.get(attempt).map(|known| &known.claim);
            claim == Some(&receipt.claim)
                && booked.amount == receipt.total
                && (number.is_empty() || *number == booked.approval_number)
        };
        self.booked.iter().find(fits).map(|(attempt, _)| *attempt)
    }

    fn stands(&self, attempt: AttemptId) -> Option<&Booked> {
        self.booked.iter().find(|(of, booked)| *of == attempt && booked.stands).map(|(_, booked)| booked)
    }

    pub fn shown(&mut self, screen: &Screen) {
        match screen {
            Screen::Idle | Screen::Services { .. } => {
                self.visit.clear();
                self.current = None;
            }
            Screen::Done(done) => {
                if let DoneHow::Paid { amount, .. } = &done.how {
                    self.shown_paid(*amount);
                }
            }
            Screen::NotPaid { .. } => self.shown_not_paid(),
            _others => {}
        }
    }

    fn shown_paid(&mut self, amount: Amount) {
        let Some(attempt) = self.current else {
            return self
                .check(Promise::NeverGuessed, false, || "a screen says paid and nothing was charged".to_owned());
        };
        if self.of(Some(attempt)).is_some_and(|known| std::mem::replace(&mut known.shown_paid, true)) {
            return;
        }
        // Staff may give it back while the patient still takes the card out; that only they do is checked elsewhere.
        let booked = self.booked.iter().find(|(of, _)| *of == attempt).map(|(_, booked)| booked.amount);
        self.check(Promise::NeverGuessed, booked == Some(amount), || {
            format!("a screen says that {} were paid, the card company booked {booked:?}", amount.0)
        });
    }

    fn shown_not_paid(&mut self) {
        for attempt in self.visit.clone() {
            if self.of(Some(attempt)).is_some_and(|known| std::mem::replace(&mut known.shown_not_paid, true)) {
                continue;
            }
            let stands = self.stands(attempt).map(|booked| booked.amount);
            self.check(Promise::NeverGuessed, stands.is_none(), || {
                format!("a screen says that nothing was charged, the card company booked {stands:?}")
            });
        }
    }

    /// A paper came out; `state_of` looks into the journal, which has to agree at once and not only in the end.
    pub fn paper(&mut self, paper: Paper, state_of: impl FnOnce(AttemptId) -> Option<PaymentState>) {
        if let Paper::Receipt(receipt) = &paper
            && let Some(card) = &receipt.card
        {
            let state = self.paid_by(receipt, card).and_then(state_of);
            self.check(Promise::NeverGuessed, state.is_some_and(was_paid), || {
                format!("the receipt of {} comes out while the journal says {state:?}", receipt.claim)
            });
        }
        self.papers.push(paper);
    }
}
