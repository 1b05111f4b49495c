//! Attempts that ended without money as far as anybody knew, and what shows later that it did move.

use super::{Attempt, End, Till};
use crate::domain::journey::resolve::{self, Doubted, Testimony, Verdict};
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::payment::{AttemptId, CardTransaction, Entry, LastTransaction};
use crate::domain::reason::{StaffReason, TakenFor};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset};
use std::collections::VecDeque;
use uuid::Uuid;

const CLOSED_MAX: usize = 8;

/// A finished attempt that is not paid or with staff.
#[derive(Clone)]
pub(super) struct Closed {
    pub id: AttemptId,
    pub number: String,
    pub request: Uuid,
    pub amount: Amount,
    started_at: DateTime<FixedOffset>,
    /// `None` once another attempt may have booked since: the terminal's last transaction then says nothing of this one.
    baseline: Option<LastTransaction>,
    with_staff: bool,
    /// Booked after all, and staff are told: its request is never charged again.
    booked: bool,
}

impl Till {
    /// What is paid needs no remembering, but it becomes the terminal's last transaction.
    pub(super) fn remember(&mut self, attempt: &Attempt, end: &End) {
        let with_staff = match end {
            End::NotPaid(_) => false,
            End::Staff => true,
            End::Paid { transaction, request, .. } => {
                self.undo_hears_of(attempt.id, request);
                self.settled(attempt.id);
                self.booked.add_paid(attempt.id, transaction);
                return self.supersede();
            }
        };
        if with_staff {
            self.supersede();
        }
        self.closed.retain(|closed| closed.id != attempt.id);
        if self.closed.len() >= CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(Closed {
            id: attempt.id,
            number: attempt.number.clone(),
            request: attempt.request.id,
            amount: attempt.amount,
            started_at: attempt.started_at,
            // What staff had taken up again is an old story: others may have been booked since.
            baseline: (!with_staff && attempt.ticket.is_none()).then(|| attempt.baseline.clone()),
            with_staff,
            booked: false,
        });
    }

    /// People know what became of its money: nothing more is told of it.
    pub(super) fn settled(&mut self, id: AttemptId) {
        for closed in self.closed.iter_mut().filter(|closed| closed.id == id) {
            closed.booked = true;
            closed.baseline = None;
        }
        self.contradictions.retain(|(entry, _)| !matches!(entry, Entry::NeedsStaff { attempt, .. } if *attempt == id));
    }

    pub(super) fn supersede(&mut self) {
        for closed in &mut self.closed {
            closed.baseline = None;
        }
    }

    /// A payment of today is with people, and nobody knows its booking: a terminal that does not tell its last transaction
    /// could tell it as the answer to another one.
    pub(super) fn is_unsettled(&self, kiosk: &Kiosk) -> bool {
        let today = |closed: &Closed| kiosk.facility.zone.at(&closed.started_at).date_naive() == kiosk.today();
        self.closed.iter().any(|closed| closed.with_staff && !closed.booked && today(closed))
    }

    /// An approval of what was taken for not paid: money moved after all, people must know. To those who have it
    /// already it brings the approval number.
    pub(super) fn contradicted(&mut self, id: AttemptId, transaction: &CardTransaction, kiosk: &Kiosk) {
        if transaction.approved
            && !self.booked.is_of_another(id, transaction)
            && let Some(closed) = self.closed.iter_mut().find(|closed| closed.id == id && !closed.booked)
        {
            tell(&mut self.contradictions, closed, transaction, kiosk.tick());
            self.booked.add(id, transaction);
        }
    }

    /// The terminal, made ready to charge `request`, may show one booked that was taken for not paid. The attempt at
    /// this request that is booked or with staff, if there is one: it must not be charged.
    pub(super) fn booked_after_all(&mut self, last: &LastTransaction, request: Uuid, kiosk: &Kiosk) -> Option<Closed> {
        let known = &self.booked;
        let found = self.closed.iter_mut().rev().find_map(|closed| {
            let transaction = booking(closed, last, &kiosk.facility.zone)?;
            (!known.is_of_another(closed.id, &transaction)).then_some((closed, transaction))
        });
        if let Some((closed, transaction)) = found {
            tell(&mut self.contradictions, closed, &transaction, kiosk.tick());
            self.booked.add(closed.id, &transaction);
        }
        self.closed.iter().find(|closed| closed.request == request && (closed.booked || closed.with_staff)).cloned()
    }
}

fn booking(closed: &Closed, last: &LastTransaction, zone: &Zone) -> Option<Box<CardTransaction>> {
    let baseline = closed.baseline.as_ref()?;
    let doubted = Doubted { baseline, amount: closed.amount, started_at: closed.started_at, zone };
    let told = Testimony { first: last, second: last, host_reachable: true, memory_trusted: true };
    match resolve::verdict(&doubted, &told) {
        Verdict::Paid(transaction) => Some(transaction),
        Verdict::NotPaid | Verdict::Staff(_) | Verdict::AskAgain => None,
    }
}

/// One entry, so that the journal never shows half of it; written at the next wake-up, see [`Till::tell_staff`].
fn tell(staff: &mut VecDeque<(Entry, Tick)>, closed: &mut Closed, transaction: &CardTransaction, now: Tick) {
    closed.booked = true;
    closed.baseline = None;
    let reason = StaffReason::BookedAfterAll {
        taken_for: if closed.with_staff { TakenFor::WithStaff } else { TakenFor::NotPaid },
        amount: transaction.amount,
        approval_number: transaction.approval_number.clone(),
    };
    let transaction = Some(Box::new(transaction.clone()));
    staff.push_back((Entry::NeedsStaff { attempt: closed.id, reason, transaction }, now));
}
