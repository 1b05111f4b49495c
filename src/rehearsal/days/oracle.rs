//! The judge. It believes only what the card company booked, what paper came out, what stood on the screen, what the
//! hospital stored and what is on the staff list; and of the kiosk no more than which request an attempt was for.
//!
//! | promise of `design/money.md` | checked |
//! |---|---|
//! | never twice | for each request: at most one booking stands |
//! | never lost | for each standing booking: it is at the hospital on its own request, once, or on the staff list; no attempt stays open |
//! | never guessed | for each screen, receipt and attempt: paid only if it stands, not paid only if it does not, and all agree |
//! | never asked by moving money | for each money command and booking: it comes from a `Charge`, one each |

use super::ends::Booked;
use super::hospital::Stored;
use super::rig::Note;
use crate::domain::money::Amount;
use crate::domain::paper::Paper;
use crate::domain::payment::{AttemptId, Entry, PaymentRecord, PaymentState};
use crate::domain::screen::{DoneHow, Screen};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    NeverTwice,
    NeverLost,
    NeverGuessed,
    NeverAskedByMovingMoney,
}

impl Promise {
    pub const ALL: [Self; 4] = [Self::NeverTwice, Self::NeverLost, Self::NeverGuessed, Self::NeverAskedByMovingMoney];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverTwice => "never-twice",
            Self::NeverLost => "never-lost",
            Self::NeverGuessed => "never-guessed",
            Self::NeverAskedByMovingMoney => "never-asked-by-moving-money",
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
    booked: Vec<(AttemptId, Booked)>,
    papers: Vec<Paper>,
    /// The attempts of the patient who is there, and the one under way.
    visit: Vec<AttemptId>,
    current: Option<AttemptId>,
    charges: u64,
    pub checked: [u64; 4],
    pub broken: Vec<Broken>,
}

struct Attempt {
    request: Uuid,
    number: String,
    charges: u32,
    written: u32,
    seen: u32,
    shown_paid: bool,
    shown_not_paid: bool,
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

    /// Which request an attempt is for.
    pub fn intended(&mut self, entry: &Entry) {
        if let Entry::Intent { attempt, number, request, .. } = entry {
            let (request, number) = (request.id, number.clone());
            self.attempts.entry(*attempt).or_insert(Attempt {
                request,
                number,
                charges: 0,
                written: 0,
                seen: 0,
                shown_paid: false,
                shown_not_paid: false,
            });
        }
    }

    pub fn charged(&mut self, attempt: AttemptId) {
        self.charges += 1;
        self.current = Some(attempt);
        self.visit.push(attempt);
        let charges = self.attempts.get_mut(&attempt).map(|known| {
            known.charges += 1;
            known.charges
        });
        self.check(Promise::NeverAskedByMovingMoney, charges == Some(1), || {
            format!("attempt {} was charged {charges:?} times", attempt.0)
        });
    }

    pub fn note(&mut self, note: Note) {
        match note {
            Note::Wrote { left: false, .. } => {}
            Note::Wrote { attempt, left: true } => {
                let written = self.of(attempt).map(|known| {
                    known.written += 1;
                    known.written
                });
                self.check(Promise::NeverAskedByMovingMoney, written == Some(1), || {
                    format!("the money command of {attempt:?} was written {written:?} times")
                });
            }
            Note::Seen { attempt } => {
                let once = self.of(attempt).map(|known| {
                    known.seen += 1;
                    known.seen <= known.charges
                });
                self.check(Promise::NeverAskedByMovingMoney, once == Some(true), || {
                    format!("the terminal saw a money command of {attempt:?} that no charge sent")
                });
            }
            Note::Booked { attempt, booked } => {
                let asked = self.of(attempt).is_some_and(|known| known.seen > 0);
                self.check(Promise::NeverAskedByMovingMoney, asked, || {
                    format!("{} was booked without a money command of {attempt:?}", booked.amount.0)
                });
                if let Some(attempt) = attempt {
                    self.booked.push((attempt, booked));
                }
            }
        }
    }

    fn of(&mut self, attempt: Option<AttemptId>) -> Option<&mut Attempt> {
        self.attempts.get_mut(&attempt?)
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
        let stands = self.stands(attempt).map(|booked| booked.amount);
        self.check(Promise::NeverGuessed, stands == Some(amount), || {
            format!("a screen says that {} were paid, the card company booked {stands:?}", amount.0)
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
            let of = self.booked.iter().find(|(_, booked)| booked.approval_number == card.approval_number);
            let state = of.map(|(attempt, _)| *attempt).and_then(state_of);
            self.check(Promise::NeverGuessed, state.is_some_and(was_paid), || {
                format!("a receipt with approval {} comes out while the journal says {state:?}", card.approval_number)
            });
        }
        self.papers.push(paper);
    }

    /// All is quiet: the hospital was up, the outbox is empty, the kiosk was restarted once.
    pub fn judge(&mut self, books: &[Booked], journal: &[PaymentRecord], stored: &BTreeMap<Uuid, Stored>) {
        for ((_, known), now) in self.booked.iter_mut().zip(books) {
            known.clone_from(now);
        }
        let states: BTreeMap<AttemptId, &PaymentRecord> =
            journal.iter().map(|record| (record.attempt, record)).collect();
        self.judge_twice();
        self.judge_lost(&states, stored);
        self.judge_guessed(&states, stored);
        self.judge_papers(&states);
    }

    fn judge_twice(&mut self) {
        let requests: BTreeSet<Uuid> = self.attempts.values().map(|attempt| attempt.request).collect();
        for request in requests {
            let ours = |attempt: &AttemptId| self.attempts.get(attempt).is_some_and(|known| known.request == request);
            let standing = self.booked.iter().filter(|(attempt, booked)| booked.stands && ours(attempt)).count();
            self.check(Promise::NeverTwice, standing <= 1, || {
                format!("{standing} bookings stand for request {request}")
            });
        }
    }

    fn judge_lost(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>, stored: &BTreeMap<Uuid, Stored>) {
        for (attempt, booked) in self.booked.clone().into_iter().filter(|(_, booked)| booked.stands) {
            let with = |stored: &&Stored| stored.approval_number.as_ref() == Some(&booked.approval_number);
            let times = stored.values().filter(with).count();
            let request = self.attempts.get(&attempt).map(|known| known.request);
            let own = request.and_then(|request| stored.get(&request)).filter(with);
            let delivered = times == 1 && own.is_some_and(|own| own.amount == Some(booked.amount));
            let record = states.get(&attempt);
            let listed = record.is_some_and(|record| {
                record.state == PaymentState::NeedsStaff && record.amount == booked.amount && !record.number.is_empty()
            });
            let holds = if listed { times == 0 } else { delivered };
            self.check(Promise::NeverLost, holds, || {
                let state = record.map(|record| record.state);
                format!(
                    "booked {} with approval {}: at the hospital {times} times, in the journal {state:?}",
                    booked.amount.0, booked.approval_number
                )
            });
        }
        for (attempt, record) in states {
            self.check(Promise::NeverLost, !record.state.is_open(), || {
                format!("attempt {} ({}) is still {:?} when all is quiet", attempt.0, record.number, record.state)
            });
        }
    }

    fn judge_guessed(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>, stored: &BTreeMap<Uuid, Stored>) {
        for (attempt, record) in states {
            let stands = self.stands(*attempt).is_some();
            let fits = match record.state {
                PaymentState::Committed | PaymentState::Settled => stands,
                PaymentState::NotPaid | PaymentState::Reversed => !stands,
                PaymentState::NeedsStaff
                | PaymentState::Intent
                | PaymentState::Sent
                | PaymentState::Answered
                | PaymentState::InDoubt => true,
            };
            self.check(Promise::NeverGuessed, fits, || {
                format!("the journal says {:?} of {}, the booking stands: {stands}", record.state, record.number)
            });
            let Some(known) = self.attempts.get(attempt) else { continue };
            let (paid, not_paid) = (known.shown_paid, known.shown_not_paid);
            let agrees = (!paid || is_paid(record.state)) && (!not_paid || record.state == PaymentState::NotPaid);
            self.check(Promise::NeverGuessed, agrees, || {
                format!("the screen said paid: {paid}, not paid: {not_paid}; the journal says {:?}", record.state)
            });
        }
        for (request, kept) in stored {
            let Some(approval) = &kept.approval_number else { continue };
            let stands = |(_, booked): &(AttemptId, Booked)| booked.stands && booked.approval_number == *approval;
            let holds = self.booked.iter().any(stands);
            self.check(Promise::NeverGuessed, holds, || {
                format!("the hospital was told of approval {approval} for {request}, which does not stand")
            });
        }
    }

    /// What a patient holds in their hand must be true, and the list must agree with it.
    fn judge_papers(&mut self, states: &BTreeMap<AttemptId, &PaymentRecord>) {
        for paper in std::mem::take(&mut self.papers) {
            match &paper {
                Paper::Receipt(receipt) => {
                    let Some(card) = &receipt.card else { continue };
                    let attempt = self.booked.iter().find(|(_, booked)| {
                        booked.stands
                            && booked.approval_number == card.approval_number
                            && booked.amount == receipt.total
                    });
                    let record = attempt.and_then(|(attempt, _)| states.get(attempt));
                    let holds = record.is_some_and(|record| is_paid(record.state));
                    let state = record.map(|record| record.state);
                    self.check(Promise::NeverGuessed, holds, || {
                        format!("a receipt with approval {} came out; the journal says {state:?}", card.approval_number)
                    });
                }
                Paper::Slip(slip) => {
                    let known = self.attempts.values().any(|known| known.number == slip.attempt_number);
                    self.check(Promise::NeverGuessed, known, || {
                        format!("a slip names {}, which was never charged", slip.attempt_number)
                    });
                }
                Paper::Ticket(_) => {}
            }
        }
    }
}
