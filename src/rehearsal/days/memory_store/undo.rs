//! Undos as `store/undo.rs` keeps them; only the latest of each payment.

use super::{Done, Tables, Time, forget, refuse};
use crate::domain::payment::{AttemptId, PaymentRecord, PaymentState};
use crate::domain::session::UndoAnswer;
use crate::domain::undo::{UndoEntry, UndoRecord, UndoState};

impl Tables {
    pub(super) fn record_undo(&mut self, entry: &UndoEntry, bundle: &[u8], at: Time) -> Done<()> {
        match entry {
            UndoEntry::Intent { .. } => self.intend_undo(entry, at),
            UndoEntry::Sent { undo } => self.advance_undo(*undo, UndoState::Sent, None),
            UndoEntry::Answered { undo, answer, .. } => self.answer_undo(*undo, answer),
            UndoEntry::NotReversed { undo, reason } => self.advance_undo(*undo, UndoState::NotReversed, Some(reason)),
            UndoEntry::InDoubt { undo, reason } => self.advance_undo(*undo, UndoState::InDoubt, Some(reason)),
            UndoEntry::NeedsStaff { undo, reason } => self.advance_undo(*undo, UndoState::NeedsStaff, Some(reason)),
            UndoEntry::Reversed { undo, cancellation } => {
                self.advance_undo(*undo, UndoState::Reversed, None)?;
                let payment = self.undone(*undo)?;
                if payment.state == PaymentState::NeedsStaff {
                    forget(&mut payment.request);
                }
                payment.state = PaymentState::Reversed;
                cancellation.as_ref().map_or(Ok(()), |cancellation| self.enqueue(cancellation, bundle))
            }
        }
    }

    fn undone(&mut self, undo: AttemptId) -> Done<&mut PaymentRecord> {
        let of = |payment: &&mut PaymentRecord| payment.undo.as_ref().is_some_and(|known| known.undo == undo);
        match self.payments.iter_mut().rev().find(of) {
            Some(payment) => Ok(payment),
            None => refuse("the journal knows no such undo"),
        }
    }

    fn intend_undo(&mut self, entry: &UndoEntry, at: Time) -> Done<()> {
        let UndoEntry::Intent { undo, of, way, transaction } = entry else { return Ok(()) };
        if let Ok(payment) = self.undone(*undo) {
            let known = payment.undo.as_ref().is_some_and(|known| known.state == UndoState::Intent);
            return if known { Ok(()) } else { refuse("this undo has gone further") };
        }
        if self.payments.iter().any(PaymentRecord::is_open) {
            return refuse("another payment is still open: no second one may begin");
        }
        let payment = self.known(*of)?;
        let unsettled = payment.undo.as_ref().is_some_and(|undo| undo.state != UndoState::NotReversed);
        if !payment.state.may_become(PaymentState::Reversed) || unsettled {
            return refuse("this payment cannot be given back now");
        }
        if payment.transaction.as_ref() != Some(transaction) || !transaction.approved {
            return refuse("only the booking of a payment can be given back");
        }
        payment.undo = Some(UndoRecord {
            undo: *undo,
            way: *way,
            state: UndoState::Intent,
            amount: transaction.amount,
            transaction: (**transaction).clone(),
            answer: None,
            reason: None,
            started_at: at,
        });
        self.undos.push(*undo);
        Ok(())
    }

    fn advance_undo(&mut self, undo: AttemptId, to: UndoState, reason: Option<&str>) -> Done<()> {
        let Some(known) = self.undone(undo)?.undo.as_mut() else { return Ok(()) };
        if known.state != to && !known.state.may_become(to) {
            return refuse("an undo does not go that way");
        }
        known.state = to;
        known.reason = reason.map(str::to_owned).or(known.reason.take());
        Ok(())
    }

    fn answer_undo(&mut self, undo: AttemptId, answer: &UndoAnswer) -> Done<()> {
        let known = self.undone(undo)?.undo.clone();
        if let Some(known) = known.filter(|known| known.state == UndoState::Answered) {
            let same = known.answer.as_ref() == Some(answer);
            return if same { Ok(()) } else { refuse("the terminal's answer differs from the one in the journal") };
        }
        self.advance_undo(undo, UndoState::Answered, None)?;
        if let Some(known) = self.undone(undo)?.undo.as_mut() {
            known.answer = Some(answer.clone());
        }
        Ok(())
    }
}
