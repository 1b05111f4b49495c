//! Terminals that book only when they are told to (`Booking::Unconfirmed`). The approval is durable and its request
//! locked before `Confirm` leaves; whatever could not be kept is refused, and the terminal undoes it.
//!
//! So is an approval of what was called off. Both answers would be right by the protocol (PA00P015 2.2.8); but the screen
//! has said "stopped" or "no card" by then, the patient may have gone, and whoever shows a card to an amount that still
//! stands on the terminal's display may be the next one. To refuse moves no money, and screen, paper and staff list go on
//! saying the same. A payment that nobody called off is booked however late its approval comes.
//!
//! ```text
//! Presenting ─approved, unconfirmed─▶ Approving ─kept─▶ [Confirm] Confirming ─┬ went on ──▶ [Committed] ─▶ Paid
//!    │ called off, not to be kept, another amount or payment's                      └ anything else ▶ [InDoubt, AskOutcome]
//!    └───────────▶ [Refuse] ─▶ Refusing ─┬ withdrawn ──▶ [NotPaid]
//!                                        └ anything else ▶ [InDoubt, AskOutcome]
//! ```

use super::{Charge, Conclusion, Operation, Running};
use crate::domain::attempt::{Booking, CardTransaction};
use crate::domain::limits::GO_ON_LIMIT_MS;
use crate::domain::payment::Entry;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::TerminalCommand;
use crate::domain::till::books::Books;
use crate::domain::till::operation::commit;
use crate::domain::till::{Kept, NotKept};

impl Charge {
    /// An approval that waits for our word. A terminal that missed our answer asks again and gets the same one.
    pub(super) fn unconfirmed(
        &mut self,
        raw: Vec<u8>,
        transaction: Box<CardTransaction>,
        is_stale: bool,
        books: &Books,
        kiosk: &mut Kiosk,
    ) {
        if let Some(Running::Confirming { transaction: Some(known), .. }) = self.operation.running() {
            if *known == transaction {
                kiosk.emit(Effect::Terminal(TerminalCommand::Confirm { attempt: self.id }));
                return;
            }
            let reason = "the terminal changed its answer after it was confirmed".to_owned();
            return self.end(vec![Entry::InDoubt { attempt: self.id, reason }], Conclusion::Doubt, kiosk);
        }
        let other = is_stale || transaction.amount != self.sale.amount || books.is_of_another(self.id, &transaction);
        let known = self.stop.refused.or(self.stop.called_off);
        if let Some(why) = known.or(other.then_some(NotPaidWhy::TerminalTrouble)) {
            return self.refuse(why, kiosk);
        }
        self.operation = Operation::Running(Running::Approving(transaction.clone()));
        let answered = Entry::Answered { attempt: self.id, raw, transaction, booking: Booking::Unconfirmed };
        commit([answered], Kept::Work, NotKept::Work, kiosk);
    }

    /// The approval is durable and its request locked.
    pub(super) fn confirm(&mut self, transaction: Box<CardTransaction>, books: &mut Books, kiosk: &mut Kiosk) {
        let limit = kiosk.tick().plus_ms(GO_ON_LIMIT_MS);
        books.add(self.id, &transaction);
        self.operation = Operation::Running(Running::Confirming { transaction: Some(transaction), limit });
        kiosk.emit(Effect::Terminal(TerminalCommand::Confirm { attempt: self.id }));
    }

    /// The terminal must not book it: it is not to be, or it is not durable.
    pub(super) fn refuse(&mut self, why: NotPaidWhy, kiosk: &mut Kiosk) {
        let limit = kiosk.tick().plus_ms(GO_ON_LIMIT_MS);
        self.stop.refused = Some(why);
        self.operation = Operation::Running(Running::Confirming { transaction: None, limit });
        kiosk.emit(Effect::Terminal(TerminalCommand::Refuse { attempt: self.id }));
    }

    pub fn confirmed(&mut self, kiosk: &mut Kiosk) {
        if let Some(Running::Confirming { transaction: Some(transaction), .. }) = self.operation.running() {
            let (entry, conclusion) = (self.committed(transaction), Conclusion::Paid(transaction.clone()));
            self.end(vec![entry], conclusion, kiosk);
        }
    }

    /// The terminal says that nothing stands. After our `Confirm` that proves nothing.
    pub fn withdrawn(&mut self, reason: String, kiosk: &mut Kiosk) {
        let (entry, conclusion) = match self.operation.running() {
            Some(Running::Confirming { transaction: Some(_), .. }) => {
                self.stop.withdrawn = true;
                (Entry::InDoubt { attempt: self.id, reason }, Conclusion::Doubt)
            }
            // Nothing was taken, and neither the patient nor the card is to blame.
            Some(Running::Confirming { transaction: None, .. } | Running::Presenting { .. }) => {
                let why = self.stop.called_off.or(self.stop.refused).unwrap_or(NotPaidWhy::TerminalTrouble);
                (Entry::NotPaid { attempt: self.id, reason }, Conclusion::NotPaid(why))
            }
            // What is written down already, or about to be, is not changed by it; a doubt is resolved by asking.
            Some(Running::Approving(_) | Running::Doubt { .. }) | None => return,
        };
        self.end(vec![entry], conclusion, kiosk);
    }
}

/// After the attempt has ended: what was committed is confirmed once more; anything else must not be booked.
pub(in crate::domain::till) fn unconfirmed_late(
    attempt: crate::domain::attempt::AttemptId,
    transaction: &CardTransaction,
    books: &Books,
    kiosk: &mut Kiosk,
) {
    if !transaction.approved {
        return;
    }
    kiosk.emit(Effect::Terminal(if books.is_paid(attempt, transaction) {
        TerminalCommand::Confirm { attempt }
    } else {
        TerminalCommand::Refuse { attempt }
    }));
}
