//! Terminals that book only when they are told to (`Booking::Unconfirmed`). The approval is durable and its request
//! locked before `Confirm` leaves; whatever could not be kept is refused, and the terminal undoes it.
//!
//! So is an approval of what was called off. Both answers would be right by the protocol (PA00P015 2.2.8); but the screen
//! has said "stopped" or "no card" by then, the patient may have gone, and whoever shows a card to an amount that still
//! stands on the terminal's display may be the next one. To refuse moves no money, and screen, paper and staff list go on
//! saying the same. A payment that nobody called off is booked however late its approval comes.
//!
//! ```text
//! Charging ─approved, unconfirmed─▶ [Answered, Confirm] ─▶ Confirming ─┬ went on ──▶ [Committed] ─▶ Paid
//!    │ called off, not to be kept, another amount or payment's                └ anything else ▶ [InDoubt, AskOutcome]
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
        is_stale: bool,
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
        let other = is_stale || transaction.amount != attempt.amount || self.booked.is_of_another(id, &transaction);
        let why = attempt.refused.or(attempt.called_off).or(other.then_some(NotPaidWhy::TerminalTrouble));
        if let Some(why) = why {
            attempt.refusing(why, limit);
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
        let attempt = &mut self.attempts[place];
        let (entry, conclusion) = match &attempt.phase {
            Phase::Confirming { transaction: Some(_), .. } => {
                attempt.withdrawn = true;
                (Entry::InDoubt { attempt: id, reason }, Conclusion::Doubt)
            }
            // Nothing was taken, and neither the patient nor the card is to blame.
            Phase::Confirming { transaction: None, .. } | Phase::Charging { .. } => {
                let why = attempt.called_off.or(attempt.refused).unwrap_or(NotPaidWhy::TerminalTrouble);
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
        attempt.refusing(NotPaidWhy::TakenBack, limit);
        kiosk.emit(Effect::Terminal(TerminalCommand::Refuse { attempt: attempt.id }));
    }
}

impl Attempt {
    fn refusing(&mut self, why: NotPaidWhy, limit: Tick) {
        self.refused = Some(why);
        self.phase = Phase::Confirming { transaction: None, limit };
    }
}
