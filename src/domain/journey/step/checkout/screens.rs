//! What the checkout shows, computed from its state.

use super::{Checkout, REMOVE_CARD_MS, State, consent};
use crate::domain::journey::{Clears, seconds};
use crate::domain::limits::PREPARE_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::screen::{DoneHow, DoneScreen, InDoubtScreen, PaymentPrompt, PaymentScreen, PrintState, Screen};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::till::{Till, Watched};

impl Checkout {
    pub fn screen(&self, kiosk: &Kiosk, till: &Till, clears: Clears) -> Screen {
        match &self.state {
            State::Consent => consent::screen(kiosk),
            State::Paying => self.paying_screen(kiosk, till),
            State::RemoveCard { until, .. } => {
                self.payment_screen(PaymentPrompt::RemoveCard, false, Some((*until, REMOVE_CARD_MS)), kiosk)
            }
            State::NotPaid(why) => {
                Screen::NotPaid { why: *why, desk: kiosk.cashier_desk(), retry: self.may_try_again() }
            }
            State::DoubtOver { amount, number } => in_doubt_screen(*amount, number, None, kiosk),
            State::Done { how, again } => self.done_screen(how, *again, kiosk, clears),
        }
    }

    fn paying_screen(&self, kiosk: &Kiosk, till: &Till) -> Screen {
        match till.watch() {
            Watched::Preparing { old_card, until } => {
                let prompt = if old_card { PaymentPrompt::RemoveOldCard } else { PaymentPrompt::Preparing };
                self.payment_screen(prompt, true, Some((until, PREPARE_LIMIT_MS)), kiosk)
            }
            Watched::Present { until } => {
                let card_ms = kiosk.facility.payment.card_ms;
                self.payment_screen(PaymentPrompt::Present, true, Some((until, card_ms)), kiosk)
            }
            Watched::Working => self.payment_screen(PaymentPrompt::Working, false, None, kiosk),
            Watched::Cancelling => self.payment_screen(PaymentPrompt::Cancelling, false, None, kiosk),
            Watched::Doubt(doubt) => {
                let until = doubt.since.plus_ms(kiosk.facility.timing.in_doubt_ms);
                in_doubt_screen(doubt.amount, doubt.number, Some(until), kiosk)
            }
        }
    }

    fn payment_screen(
        &self,
        prompt: PaymentPrompt,
        can_cancel: bool,
        limit: Option<(Tick, u64)>,
        kiosk: &Kiosk,
    ) -> Screen {
        Screen::Payment(PaymentScreen {
            amount: self.order().map(|order| order.amount).unwrap_or_default(),
            first: self.bill.first.clone(),
            count: self.bill.more,
            prompt,
            can_cancel,
            seconds_left: limit.map_or(0, |(until, _)| kiosk.tick().seconds_until(until)),
            seconds_total: limit.map_or(0, |(_, total_ms)| seconds(total_ms)),
        })
    }

    fn done_screen(&self, how: &DoneHow, again: bool, kiosk: &Kiosk, clears: Clears) -> Screen {
        let Some(order) = &self.order else { return consent::screen(kiosk) };
        Screen::Done(DoneScreen {
            how: how.clone(),
            claim: order.receipt.claim.clone(),
            collect_at: order.receipt.collect_at.clone(),
            ready_at: order.receipt.ready_at,
            collect_until: order.receipt.collect_until,
            bring: order.receipt.bring.clone(),
            printing: kiosk.print_state(),
            can_reprint: again && kiosk.can_print_again(),
            seconds_left: clears.seconds_left,
            seconds_total: clears.seconds_total,
        })
    }

    /// The end of a wait or a countdown of its own.
    pub fn deadline(&self, till: &Till, kiosk: &Kiosk) -> Option<Tick> {
        match &self.state {
            State::RemoveCard { until, .. } => Some(*until),
            State::Paying => match till.watch() {
                Watched::Preparing { until, .. } | Watched::Present { until } => Some(until),
                Watched::Working | Watched::Cancelling => None,
                Watched::Doubt(doubt) => Some(doubt.since.plus_ms(kiosk.facility.timing.in_doubt_ms)),
            },
            State::Consent | State::NotPaid(_) | State::DoubtOver { .. } | State::Done { .. } => None,
        }
    }
}

/// `until` is `None` when the wait is over and the slip is out.
fn in_doubt_screen(amount: Amount, number: &str, until: Option<Tick>, kiosk: &Kiosk) -> Screen {
    Screen::InDoubt(InDoubtScreen {
        amount,
        attempt_number: number.to_owned(),
        desk: kiosk.cashier_desk(),
        seconds_left: until.map(|until| kiosk.tick().seconds_until(until)),
        seconds_total: seconds(kiosk.facility.timing.in_doubt_ms),
        printing: if until.is_some() { PrintState::Idle } else { kiosk.print_state() },
    })
}
