//! Finished attempts that are not paid, for a while: the terminal may tell that one of them was booked after all.

use super::Books;
use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::payment::Entry;
use crate::domain::reason::{StaffReason, TakenFor};
use crate::domain::till::charge::Sale;
use crate::domain::till::resolve::{self, Doubted, Testimony, Verdict};
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset, NaiveDate};
use uuid::Uuid;

const CLOSED_MAX: usize = 8;

/// A finished attempt that is not paid or with staff.
#[derive(Debug, Clone)]
pub(in crate::domain::till) struct Closed {
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

impl Books {
    /// What is paid needs no remembering, but it becomes the terminal's last transaction.
    pub fn close_paid(&mut self, id: AttemptId, transaction: &CardTransaction) {
        self.settle(id);
        self.add_paid(id, transaction);
        self.supersede();
    }

    /// `again`: staff had it taken up again, an old story; others may have been booked since.
    pub fn close_not_paid(&mut self, id: AttemptId, sale: &Sale, again: bool) {
        self.close(id, sale, (!again).then(|| sale.baseline.clone()), false);
    }

    pub fn close_with_staff(&mut self, id: AttemptId, sale: &Sale) {
        self.supersede();
        self.close(id, sale, None, true);
    }

    fn close(&mut self, id: AttemptId, sale: &Sale, baseline: Option<LastTransaction>, with_staff: bool) {
        self.closed.retain(|closed| closed.id != id);
        if self.closed.len() >= CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(Closed {
            id,
            number: sale.number.clone(),
            request: sale.request.id,
            amount: sale.amount,
            started_at: sale.started_at,
            baseline,
            with_staff,
            booked: false,
        });
    }

    /// People know what became of its money: nothing more is told of it.
    pub fn settle(&mut self, id: AttemptId) {
        for closed in self.closed.iter_mut().filter(|closed| closed.id == id) {
            closed.booked = true;
            closed.baseline = None;
        }
    }

    /// The terminal's last transaction may be another one from now on.
    pub fn supersede(&mut self) {
        for closed in &mut self.closed {
            closed.baseline = None;
        }
    }

    /// A payment of today is with people, and nobody knows its booking: a terminal that does not tell its last transaction
    /// could tell it as the answer to another one.
    pub fn is_unsettled(&self, today: NaiveDate, zone: &Zone) -> bool {
        let of_today = |closed: &Closed| zone.at(&closed.started_at).date_naive() == today;
        self.closed.iter().any(|closed| closed.with_staff && !closed.booked && of_today(closed))
    }

    /// An approval of what was taken for not paid: money moved after all, people must know. To those who have it already it
    /// brings the approval number.
    pub fn contradict(&mut self, id: AttemptId, transaction: &CardTransaction) -> Option<Entry> {
        if !transaction.approved || self.is_of_another(id, transaction) {
            return None;
        }
        let closed = self.closed.iter_mut().find(|closed| closed.id == id && !closed.booked)?;
        let entry = closed.booked_after_all(transaction);
        self.add(id, transaction);
        Some(entry)
    }

    /// The terminal, made ready for a payment, may show one booked that was taken for not paid: what people must know then.
    pub fn look_back(&mut self, last: &LastTransaction, zone: &Zone) -> Option<Entry> {
        let found = self.closed.iter().enumerate().rev().find_map(|(at, closed)| {
            let transaction = closed.booking(last, zone)?;
            (!self.is_of_another(closed.id, &transaction)).then_some((at, transaction))
        });
        let (at, transaction) = found?;
        let entry = self.closed[at].booked_after_all(&transaction);
        self.add(self.closed[at].id, &transaction);
        Some(entry)
    }

    /// The attempt at this request that is booked or with staff, if there is one: it must not be charged.
    pub fn may_be_charged(&self, request: Uuid) -> Option<Closed> {
        self.closed.iter().find(|closed| closed.request == request && (closed.booked || closed.with_staff)).cloned()
    }
}

impl Closed {
    fn booking(&self, last: &LastTransaction, zone: &Zone) -> Option<Box<CardTransaction>> {
        let baseline = self.baseline.as_ref()?;
        let doubted = Doubted { baseline, amount: self.amount, started_at: self.started_at, zone };
        let told = Testimony { first: last, second: last, host_reachable: true, memory_trusted: true };
        match resolve::verdict(&doubted, &told) {
            Verdict::Paid(transaction) => Some(transaction),
            Verdict::NotPaid | Verdict::Staff(_) | Verdict::AskAgain => None,
        }
    }

    /// One entry, so that the journal never shows half of it.
    fn booked_after_all(&mut self, transaction: &CardTransaction) -> Entry {
        self.booked = true;
        self.baseline = None;
        let reason = StaffReason::BookedAfterAll {
            taken_for: if self.with_staff { TakenFor::WithStaff } else { TakenFor::NotPaid },
            amount: transaction.amount,
            approval_number: transaction.approval_number.clone(),
        };
        Entry::NeedsStaff { attempt: self.id, reason, transaction: Some(Box::new(transaction.clone())) }
    }
}
