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
use crate::domain::moment::Tick;
use crate::domain::payment::{AttemptId, Booking, CardTransaction, Entry};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, TerminalCommand};

/// After `Confirm` or `Refuse`, for the terminal to go on: its own limit is shorter.
const GO_ON_LIMIT_MS: u64 = 60_000;

impl Till {
    /// An approval that waits for our word. `None` if it is not of this kind, and is judged like any other answer.
    pub(super) fn unconfirmed(
        &mut self,
        place: usize,
        raw: &[u8],
        transaction: &CardTransaction,
        kiosk: &mut Kiosk,
    ) -> Option<()> {
        let attempt = &mut self.attempts[place];
        if !transaction.approved || matches!(attempt.phase, Phase::Confirming { .. }) {
            return None;
        }
        let limit = kiosk.tick().plus_ms(GO_ON_LIMIT_MS);
        let id = attempt.id;
        if transaction.amount != attempt.amount || self.booked.is_of_another(id, transaction) {
            attempt.refusing(limit);
            kiosk.emit(Effect::Terminal(TerminalCommand::Refuse { attempt: id }));
            return Some(());
        }
        let transaction = Box::new(transaction.clone());
        attempt.phase = Phase::Confirming { transaction: Some(transaction.clone()), limit };
        let booking = Booking::Unconfirmed;
        kiosk.emit(Effect::Record(Entry::Answered { attempt: id, raw: raw.to_vec(), transaction, booking }));
        kiosk.emit(Effect::Terminal(TerminalCommand::Confirm { attempt: id }));
        Some(())
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
        self.phase = Phase::Confirming { transaction: None, limit };
    }
}
