//! Ends of the terminal's day as `store/closing.rs` keeps them. Nothing is ever forgotten here.

use super::{Done, Tables, Time, refuse, sequence};
use crate::domain::closing::{
    ClosingEnd, ClosingEntry, ClosingId, ClosingRecord, DayBook, Move, MoveKind, receipt_in, was_charged,
    was_given_back,
};
use crate::domain::payment::PaymentRecord;

impl Tables {
    pub(super) fn record_closing(&mut self, entry: &ClosingEntry, at: Time) -> Done<()> {
        match entry {
            ClosingEntry::Asked { closing } => self.day_asked(*closing, at),
            ClosingEntry::Ended { closing, end } => self.day_ended(*closing, end),
        }
    }

    fn day_asked(&mut self, closing: ClosingId, at: Time) -> Done<()> {
        if let Some(known) = self.closings.iter().find(|known| known.closing == closing) {
            return if known.end.is_none() { Ok(()) } else { refuse("this end of day has gone further") };
        }
        if self.payments.iter().any(PaymentRecord::is_open) {
            return refuse("another payment is still open: no second one may begin");
        }
        let (charges_to, undos_to) = (count(self.payments.len()), count(self.undos.len()));
        self.closings.push(ClosingRecord { closing, asked_at: at, end: None, charges_to, undos_to });
        Ok(())
    }

    fn day_ended(&mut self, closing: ClosingId, end: &ClosingEnd) -> Done<()> {
        let Some(known) = self.closings.iter_mut().find(|known| known.closing == closing) else {
            return refuse("the journal knows no such end of day");
        };
        match &known.end {
            Some(known) if known == end => {}
            Some(_) => return refuse("the terminal's totals differ from those already in the journal"),
            None => known.end = Some(end.clone()),
        }
        Ok(())
    }

    /// The last charge that the terminal may not find by its receipt any more.
    pub(super) fn closed_to(&self) -> i64 {
        let hiding = self.closings.iter().filter(|known| known.divides().may_hide_receipts());
        hiding.map(|known| known.charges_to).max().unwrap_or(0)
    }

    pub(super) fn day_book(&self, closing: ClosingId) -> DayBook {
        let Some(at) = self.closings.iter().position(|known| known.closing == closing) else {
            return DayBook::default();
        };
        let surely = |known: &ClosingRecord| known.divides().begins_anew();
        let from = self.closings[..at].iter().rposition(surely);
        let closings = self.closings[from.unwrap_or(0)..=at].to_vec();
        let (charges_from, undos_from) =
            from.map_or((0, 0), |from| (self.closings[from].charges_to, self.closings[from].undos_to));
        let last = &self.closings[at];
        let charges = self.payments.iter().enumerate().map(|(place, payment)| (sequence(place), payment));
        let charges =
            charges.filter(|(place, _)| *place > charges_from && *place <= last.charges_to).collect::<Vec<_>>();
        let receipt = |payment: &PaymentRecord| receipt_in(&payment.transaction.as_ref()?.unique_number);
        let receipts = charges.iter().filter_map(|(_, payment)| receipt(payment)).collect();
        let mut moves: Vec<Move> = charges
            .iter()
            .filter_map(|(place, payment)| {
                let sure = was_charged(payment.state)?;
                Some(Move { receipt: receipt(payment), ..moved(payment, MoveKind::Charge, *place, sure) })
            })
            .collect();
        let undone = |payment: &PaymentRecord| {
            let undo = payment.undo.as_ref()?;
            let place = self.undos.iter().position(|known| *known == undo.undo).map(sequence)?;
            let sure = was_given_back(undo.state)?;
            let back = moved(payment, MoveKind::GivenBack, place, sure);
            Some(Move { at: undo.started_at, amount: undo.transaction.amount, ..back })
        };
        let undone = self.payments.iter().filter_map(undone);
        moves.extend(undone.filter(|back| back.place > undos_from && back.place <= last.undos_to));
        moves.sort_by_key(|any| any.at);
        DayBook { closings, moves, receipts, forgotten: 0 }
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn moved(payment: &PaymentRecord, kind: MoveKind, place: i64, sure: bool) -> Move {
    let (number, at, amount) = (payment.number.clone(), payment.started_at, payment.amount);
    Move { attempt: payment.attempt, number, at, kind, amount, sure, receipt: None, place }
}
