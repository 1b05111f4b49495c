//! What staff order about a payment that the till has handed to them. Nothing is done while the till works on a payment
//! itself; an order that cannot be written down is refused, and nothing of it was done.

use super::charge::{Charge, Conclusion};
use super::end_of_day::EndOfDay;
use super::operation::{Operation, commit};
use super::restart::taken_up;
use super::undo::{UndoOrder, cancellation};
use super::{For, Kept, NotKept, Till, Work};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::money::Amount;
use crate::domain::order::{StaffAnswer, StaffOrder, StaffRefusal};
use crate::domain::paper::{Paper, Receipt};
use crate::domain::payment::{Entry, PaymentRecord};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::UndoWay;
use crate::domain::undo::UndoEntry;
use uuid::Uuid;

/// What is kept of it.
const EVIDENCE_CHARS_MAX: usize = 500;

impl Till {
    /// `payment` is its record as it stands; the answer is among the till's events, now or later.
    pub fn staff(&mut self, order_id: Uuid, order: StaffOrder, payment: Option<PaymentRecord>, kiosk: &mut Kiosk) {
        let begun = match (payment, order) {
            (None, _) => Err(StaffRefusal::UnknownPayment),
            (Some(payment), StaffOrder::Ask) => self.ask_again(order_id, payment, kiosk),
            (Some(payment), StaffOrder::Settle { paid, evidence }) => {
                self.settle(order_id, paid, &evidence, payment, kiosk)
            }
            (Some(payment), StaffOrder::Reprint) => reprint(order_id, payment, kiosk),
            (Some(payment), StaffOrder::Cancel { way }) => self.give_back(order_id, way, Box::new(payment), kiosk),
        };
        if let Err(refusal) = begun {
            self.refuse(order_id, refusal);
        }
    }

    pub fn close_day(&mut self, order_id: Uuid, kiosk: &mut Kiosk) {
        if self.is_open() {
            self.refuse(order_id, StaffRefusal::AnotherOpen);
        } else if kiosk.devices.terminal_online != Some(true) {
            self.refuse(order_id, StaffRefusal::TerminalAway);
        } else {
            self.begin_work(Work::EndOfDay(EndOfDay::open(order_id, kiosk)));
        }
    }

    fn ask_again(&mut self, order_id: Uuid, payment: PaymentRecord, kiosk: &mut Kiosk) -> Result<(), StaffRefusal> {
        if self.is_open_for(payment.attempt) {
            return Err(StaffRefusal::AnotherOpen);
        }
        for_staff(payment.state)?;
        if kiosk.devices.terminal_online != Some(true) {
            return Err(StaffRefusal::TerminalAway);
        }
        let mut charge = self.take_up_again(order_id, payment, kiosk);
        let reason = "staff had the terminal asked once more".to_owned();
        let entry = Entry::InDoubt { attempt: charge.id, reason };
        let ways = (Kept::AskAgain(order_id), NotKept::Order(order_id));
        charge.operation.end_by_order(vec![entry], Conclusion::Doubt, ways, kiosk);
        self.begin_work(Work::Charging(Box::new(charge)));
        Ok(())
    }

    /// Nothing is written or asked yet.
    fn take_up_again(&self, order_id: Uuid, payment: PaymentRecord, kiosk: &Kiosk) -> Charge {
        let known = taken_up(payment, self.books(), kiosk);
        Charge { order_id: Some(order_id), operation: Operation::Opening, ..known }
    }

    /// Moves no money and asks no device. The evidence is durable before what it proves. What is in doubt about a payment
    /// that was to be given back is whether it was: `paid` then means that the sale stands.
    fn settle(
        &mut self,
        order_id: Uuid,
        paid: bool,
        evidence: &str,
        payment: PaymentRecord,
        kiosk: &mut Kiosk,
    ) -> Result<(), StaffRefusal> {
        if self.is_open_for(payment.attempt) {
            return Err(StaffRefusal::AnotherOpen);
        }
        let text = evidence.trim().chars().take(EVIDENCE_CHARS_MAX).collect::<String>();
        if text.is_empty() {
            return Err(StaffRefusal::NoEvidence);
        }
        let evidence = Entry::Evidence { attempt: payment.attempt, text };
        if payment.undo_in_doubt() {
            settle_undo(order_id, paid, evidence, &payment, kiosk);
            return Ok(());
        }
        for_staff(payment.state)?;
        let known = payment.transaction.clone();
        let mut charge = self.take_up_again(order_id, payment, kiosk);
        let (last, conclusion) = if paid {
            let transaction = Box::new(self.booking_of(&charge, known));
            (charge.committed(&transaction), Conclusion::Paid(transaction))
        } else {
            let reason = "staff found out that nothing was charged".to_owned();
            (Entry::NotPaid { attempt: charge.id, reason }, Conclusion::NotPaid(NotPaidWhy::Checked))
        };
        charge.operation.end_by_order(vec![evidence, last], conclusion, (Kept::Work, NotKept::Order(order_id)), kiosk);
        self.begin_work(Work::Charging(Box::new(charge)));
        Ok(())
    }

    /// The booking as far as it is known; without numbers where staff alone know of it.
    fn booking_of(&self, charge: &Charge, known: Option<CardTransaction>) -> CardTransaction {
        let is_its_own = |booking: &CardTransaction| {
            booking.approved && booking.amount == charge.sale.amount && !self.books().is_of_another(charge.id, booking)
        };
        known.filter(is_its_own).unwrap_or_else(|| by_evidence(charge.sale.amount))
    }

    /// The terminal is made ready first, as for a charge.
    fn give_back(
        &mut self,
        order_id: Uuid,
        way: UndoWay,
        payment: Box<PaymentRecord>,
        kiosk: &mut Kiosk,
    ) -> Result<(), StaffRefusal> {
        if self.is_open_for(payment.attempt) {
            return Err(StaffRefusal::AnotherOpen);
        }
        let transaction = Box::new(self.can_be_undone(&payment)?);
        if way == UndoWay::WithoutCard {
            found_without_card(&payment, kiosk)?;
        }
        if kiosk.devices.terminal_online != Some(true) {
            return Err(StaffRefusal::TerminalAway);
        }
        let undo = AttemptId(kiosk.now.fresh_id("undo"));
        self.answer(order_id, StaffAnswer::Begun);
        self.prepare(For::Undo { undo, order: UndoOrder { payment, way, transaction }, order_id }, kiosk);
        Ok(())
    }

    /// The booking to undo: with a number of its own, and of no other payment.
    fn can_be_undone(&self, payment: &PaymentRecord) -> Result<CardTransaction, StaffRefusal> {
        let state = payment.state;
        if payment.undo_in_doubt() {
            return Err(StaffRefusal::UndoUnsettled);
        }
        match state {
            PaymentState::Committed | PaymentState::Settled | PaymentState::NeedsStaff => {}
            PaymentState::Intent
            | PaymentState::Sent
            | PaymentState::Answered
            | PaymentState::NotPaid
            | PaymentState::InDoubt
            | PaymentState::Reversed => return Err(StaffRefusal::NothingToUndo(state)),
        }
        let known = payment.transaction.as_ref().filter(|booking| {
            // What a terminal needs to find it differs: an approval number (Smartro), a receipt number (ZVT 06 30).
            booking.approved
                && !(booking.approval_number.is_empty() && booking.unique_number.is_empty())
                && !self.books().is_of_another(payment.attempt, booking)
        });
        known.cloned().ok_or(StaffRefusal::NothingToUndo(state))
    }
}

/// By its numbers alone a terminal finds a sale of its own day only; with the card the card company does.
fn found_without_card(payment: &PaymentRecord, kiosk: &Kiosk) -> Result<(), StaffRefusal> {
    if payment.day(&kiosk.facility.zone) != kiosk.today() {
        return Err(StaffRefusal::NotToday);
    }
    if payment.day_closed { Err(StaffRefusal::DayClosed) } else { Ok(()) }
}

/// Staff found out about an undo in doubt. Where the sale stands, another may have been given back in its place.
fn settle_undo(order_id: Uuid, stands: bool, evidence: Entry, payment: &PaymentRecord, kiosk: &mut Kiosk) {
    let Some(record) = &payment.undo else { return };
    let undo = record.undo;
    let (last, answer) = if stands {
        let reason = "staff found out that the sale stands".to_owned();
        (UndoEntry::NotReversed { undo, reason: reason.clone() }, StaffAnswer::NotReversed { reason })
    } else {
        let cancellation = cancellation(undo, payment, kiosk).map(Box::new);
        (UndoEntry::Reversed { undo, cancellation }, StaffAnswer::Reversed)
    };
    let kept = Kept::UndoSettled { order_id, undo, of: payment.attempt, answer };
    commit([evidence, Entry::Undo(last)], kept, NotKept::Order(order_id), kiosk);
}

/// Not for a patient who stands there: a duplicate that does not come out at once is cleared.
fn reprint(order_id: Uuid, payment: PaymentRecord, kiosk: &mut Kiosk) -> Result<(), StaffRefusal> {
    if !payment.state.is_paid() {
        return Err(StaffRefusal::NoReceipt(payment.state));
    }
    if kiosk.cannot_print().is_some() {
        return Err(StaffRefusal::PrinterAway);
    }
    let receipt = Receipt { duplicate: true, ..payment.receipt };
    kiosk.answer_staff(order_id, StaffAnswer::Begun);
    kiosk.print_for_staff(Paper::Receipt(receipt), payment.attempt, order_id);
    Ok(())
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
