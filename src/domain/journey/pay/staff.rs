//! What staff order about a payment that the till has handed to them. Nothing is done while the till works on a payment
//! itself; an order that cannot be written down is refused, and nothing of it was done.

use super::recover::taken_up;
use super::{Attempt, Conclusion, News, Next, Phase, Till};
use crate::domain::money::Amount;
use crate::domain::paper::{Paper, Receipt};
use crate::domain::payment::{AttemptId, CardTransaction, Entry, PaymentRecord, PaymentState};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{StaffAnswer, StaffOrder, StaffRefusal};
use uuid::Uuid;

/// What is kept of it.
const EVIDENCE_CHARS_MAX: usize = 500;

impl Till {
    /// `payment` is its record as it stands; the answer is among [`Till::take_answers`], now or later.
    pub fn staff(
        &mut self,
        ticket: Uuid,
        order: StaffOrder,
        payment: Option<PaymentRecord>,
        kiosk: &mut Kiosk,
    ) -> Option<News> {
        let begun = match (payment, order) {
            (None, _) => Err(StaffRefusal::UnknownPayment),
            (Some(payment), StaffOrder::Ask) => self.ask_again(ticket, payment, kiosk),
            (Some(payment), StaffOrder::Settle { paid, evidence }) => {
                self.settle(ticket, paid, &evidence, payment, kiosk)
            }
            (Some(payment), StaffOrder::Reprint) => reprint(ticket, payment, kiosk),
            (Some(payment), StaffOrder::Cancel { way }) => {
                self.cancel_payment(ticket, way, Box::new(payment), kiosk).map(|()| None)
            }
        };
        begun.unwrap_or_else(|refusal| {
            self.refuse(ticket, refusal);
            None
        })
    }

    pub fn refuse(&mut self, ticket: Uuid, refusal: StaffRefusal) {
        self.answers.push((ticket, StaffAnswer::Refused(refusal)));
    }

    fn ask_again(
        &mut self,
        ticket: Uuid,
        payment: PaymentRecord,
        kiosk: &mut Kiosk,
    ) -> Result<Option<News>, StaffRefusal> {
        if self.is_open() {
            return Err(StaffRefusal::AnotherOpen);
        }
        for_staff(payment.state)?;
        if kiosk.devices.terminal_online != Some(true) {
            return Err(StaffRefusal::TerminalAway);
        }
        let attempt = self.take_up_again(ticket, payment, kiosk);
        let reason = "staff had the terminal asked once more".to_owned();
        self.answers.push((ticket, StaffAnswer::Begun));
        let news = self.conclude(0, vec![Entry::InDoubt { attempt, reason }], Conclusion::Doubt, kiosk);
        self.ask(kiosk);
        Ok(news)
    }

    /// The first and only one; nothing is written or asked yet.
    fn take_up_again(&mut self, ticket: Uuid, payment: PaymentRecord, kiosk: &Kiosk) -> AttemptId {
        let attempt = Attempt {
            phase: Phase::Doubt { asks: 0, next: Next::At(kiosk.tick()) },
            ticket: Some(ticket),
            ..taken_up(payment, &self.booked, kiosk)
        };
        let id = attempt.id;
        self.attempts.push_front(attempt);
        self.watched = false;
        id
    }

    /// Moves no money and asks no device. The evidence is durable before what it proves. What is in doubt about a payment
    /// that was to be given back is whether it was: `paid` then means that the sale stands.
    fn settle(
        &mut self,
        ticket: Uuid,
        paid: bool,
        evidence: &str,
        payment: PaymentRecord,
        kiosk: &mut Kiosk,
    ) -> Result<Option<News>, StaffRefusal> {
        if self.is_open() {
            return Err(StaffRefusal::AnotherOpen);
        }
        let text = evidence.trim().chars().take(EVIDENCE_CHARS_MAX).collect::<String>();
        if text.is_empty() {
            return Err(StaffRefusal::NoEvidence);
        }
        if payment.undo_in_doubt() {
            let evidence = Entry::Evidence { attempt: payment.attempt, text };
            self.settle_undo(ticket, paid, evidence, &payment, kiosk);
            return Ok(None);
        }
        for_staff(payment.state)?;
        let known = payment.transaction.clone();
        let attempt = self.take_up_again(ticket, payment, kiosk);
        let evidence = Entry::Evidence { attempt, text };
        let Some(taken_up) = self.attempts.front() else { return Ok(None) };
        let (last, conclusion) = if paid {
            let transaction = Box::new(self.booking_of(taken_up, known));
            (taken_up.committed(&transaction), Conclusion::Paid(transaction))
        } else {
            let reason = "staff found out that nothing was charged".to_owned();
            (Entry::NotPaid { attempt, reason }, Conclusion::NotPaid(NotPaidWhy::Checked))
        };
        Ok(self.conclude(0, vec![evidence, last], conclusion, kiosk))
    }

    /// The booking as far as it is known; without numbers where staff alone know of it.
    fn booking_of(&self, attempt: &Attempt, known: Option<CardTransaction>) -> CardTransaction {
        let is_its_own = |booking: &CardTransaction| {
            booking.approved && booking.amount == attempt.amount && !self.booked.is_of_another(attempt.id, booking)
        };
        known.filter(is_its_own).unwrap_or_else(|| by_evidence(attempt.amount))
    }
}

/// Not for a patient who stands there: a duplicate that does not come out at once is cleared.
fn reprint(ticket: Uuid, payment: PaymentRecord, kiosk: &mut Kiosk) -> Result<Option<News>, StaffRefusal> {
    match payment.state {
        PaymentState::Committed | PaymentState::Settled => {}
        PaymentState::Intent
        | PaymentState::Sent
        | PaymentState::Answered
        | PaymentState::NotPaid
        | PaymentState::InDoubt
        | PaymentState::NeedsStaff
        | PaymentState::Reversed => return Err(StaffRefusal::NoReceipt(payment.state)),
    }
    if kiosk.cannot_print().is_some() {
        return Err(StaffRefusal::PrinterAway);
    }
    let receipt = Receipt { duplicate: true, ..payment.receipt };
    kiosk.answer_staff(ticket, StaffAnswer::Begun);
    kiosk.print_for_staff(Paper::Receipt(receipt), payment.attempt, ticket);
    Ok(None)
}

/// Every number is empty: nobody shall take it for one that a terminal told.
fn by_evidence(amount: Amount) -> CardTransaction {
    CardTransaction {
        approved: true,
        amount,
        approval_number: String::new(),
        masked_card: String::new(),
        issuer: String::new(),
        acquirer: String::new(),
        terminal_time: String::new(),
        unique_number: String::new(),
        merchant_number: String::new(),
        decline: None,
    }
}

const fn for_staff(state: PaymentState) -> Result<(), StaffRefusal> {
    match state {
        PaymentState::NeedsStaff => Ok(()),
        PaymentState::Intent
        | PaymentState::Sent
        | PaymentState::Answered
        | PaymentState::Committed
        | PaymentState::Settled
        | PaymentState::NotPaid
        | PaymentState::InDoubt
        | PaymentState::Reversed => Err(StaffRefusal::NotForStaff(state)),
    }
}

/// What staff hear of it who had it taken up again.
pub(super) fn answer_of(entries: &[Entry]) -> Option<StaffAnswer> {
    match entries.last()? {
        Entry::Committed { .. } => Some(StaffAnswer::Paid),
        Entry::NotPaid { .. } => Some(StaffAnswer::NotPaid),
        Entry::NeedsStaff { reason, .. } => Some(StaffAnswer::StillOpen { reason: reason.to_string() }),
        Entry::Intent { .. }
        | Entry::Sent { .. }
        | Entry::Answered { .. }
        | Entry::InDoubt { .. }
        | Entry::Evidence { .. }
        | Entry::Undo(_)
        | Entry::Closing(_)
        | Entry::ReceiptPrinted { .. } => None,
    }
}
