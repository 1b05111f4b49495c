//! Terminals that book only when they are told to (`Booking::Unconfirmed`). The approval is durable and its request
//! locked before `Confirm` leaves; whatever could not be kept is refused, and the terminal undoes it.
//!
//! ```text
//! Charging ─approved, unconfirmed─▶ [Answered, Confirm] ─▶ Confirming ─┬ went on ──▶ [Committed] ─▶ Paid
//!    │ not to be kept, another amount or payment's                            └ anything else ▶ [InDoubt, AskOutcome]
//!    └───────────▶ [Refuse] ─▶ Refusing ─┬ withdrawn ──▶ [NotPaid]
//!                                        └ anything else ▶ [InDoubt, AskOutcome]
//! ```

use super::{Attempt, Conclusion, News, Phase, Till};
use crate::domain::limits::GO_ON_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::payment::{AttemptId, Booking, CardTransaction, Entry};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, TerminalCommand};

impl Till {
    /// An approval that waits for our word. A terminal that missed our answer asks again and gets the same one.
    pub(super) fn unconfirmed(
        &mut self,
        place: usize,
        raw: Vec<u8>,
        transaction: Box<CardTransaction>,
        kiosk: &mut Kiosk,
    ) -> Option<News> {
        let limit = kiosk.tick().plus_ms(GO_ON_LIMIT_MS);
        let attempt = &mut self.attempts[place];
        let id = attempt.id;
        if let Phase::Confirming { transaction: Some(known), .. } = &attempt.phase {
            if *known == transaction {
                kiosk.emit(Effect::Terminal(TerminalCommand::Confirm { attempt: id }));
                return None;
            }
            let reason = "the terminal changed its answer after it was confirmed".to_owned();
            return self.conclude(place, vec![Entry::InDoubt { attempt: id, reason }], Conclusion::Doubt, kiosk);
        }
        if attempt.refused || transaction.amount != attempt.amount || self.booked.is_of_another(id, &transaction) {
            attempt.refusing(limit);
            kiosk.emit(Effect::Terminal(TerminalCommand::Refuse { attempt: id }));
            return None;
        }
        attempt.phase = Phase::Confirming { transaction: Some(transaction.clone()), limit };
        self.booked.add(id, &transaction);
        let booking = Booking::Unconfirmed;
        kiosk.emit(Effect::Record(Entry::Answered { attempt: id, raw, transaction, booking }));
        kiosk.emit(Effect::Terminal(TerminalCommand::Confirm { attempt: id }));
        None
    }

    /// The attempt has ended. What was committed is confirmed once more; anything else must not be booked.
    pub(super) fn unconfirmed_late(&mut self, id: AttemptId, transaction: &CardTransaction, kiosk: &mut Kiosk) {
        if !transaction.approved {
            return;
        }
        kiosk.emit(Effect::Terminal(if self.booked.is_paid(id, transaction) {
            TerminalCommand::Confirm { attempt: id }
        } else {
            TerminalCommand::Refuse { attempt: id }
        }));
    }

    pub(super) fn confirmed(&mut self, id: AttemptId, kiosk: &mut Kiosk) -> Option<News> {
        let place = self.place(id)?;
        let attempt = &self.attempts[place];
        let Phase::Confirming { transaction: Some(transaction), .. } = &attempt.phase else { return None };
        let (entry, conclusion) = (attempt.committed(transaction), Conclusion::Paid(transaction.clone()));
        self.conclude(place, vec![entry], conclusion, kiosk)
    }

    /// The terminal says that nothing stands. After our `Confirm` that proves nothing.
    pub(super) fn withdrawn(&mut self, id: AttemptId, reason: String, kiosk: &mut Kiosk) -> Option<News> {
        let place = self.place(id)?;
        let attempt = &self.attempts[place];
        let (entry, conclusion) = match &attempt.phase {
            Phase::Confirming { transaction: Some(_), .. } => {
                (Entry::InDoubt { attempt: id, reason }, Conclusion::Doubt)
            }
            Phase::Confirming { transaction: None, .. } => {
                (Entry::NotPaid { attempt: id, reason }, Conclusion::NotPaid(NotPaidWhy::CannotRecord))
            }
            Phase::Charging { called_off, .. } => {
                let why = called_off.unwrap_or(NotPaidWhy::Declined);
                (Entry::NotPaid { attempt: id, reason }, Conclusion::NotPaid(why))
            }
            // What is written down already, or about to be, is not changed by it; a doubt is resolved by asking.
            Phase::Doubt { .. } | Phase::Unkept { .. } => return None,
        };
        self.conclude(place, vec![entry], conclusion, kiosk)
    }

    /// The approval is not durable: the terminal must not book it.
    pub(super) fn refuse_unkept(&mut self, place: usize, kiosk: &mut Kiosk) {
        let limit = kiosk.tick().plus_ms(GO_ON_LIMIT_MS);
        let attempt = &mut self.attempts[place];
        attempt.refusing(limit);
        kiosk.emit(Effect::Terminal(TerminalCommand::Refuse { attempt: attempt.id }));
    }
}

impl Attempt {
    fn refusing(&mut self, limit: Tick) {
        self.refused = true;
        self.phase = Phase::Confirming { transaction: None, limit };
    }
}
