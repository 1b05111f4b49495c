//! What the documents journey shows, computed from its state.

use super::paying::REMOVE_CARD_MS;
use super::{Documents, State};
use crate::domain::document::cart;
use crate::domain::journey::pay::{Till, Watched};
use crate::domain::journey::step::identify;
use crate::domain::journey::{Clears, seconds};
use crate::domain::limits::PREPARE_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::screen::{
    DoneHow, DoneScreen, InDoubtScreen, PaymentPrompt, PaymentScreen, PrintState, Review, Screen, Waiting,
};
use crate::domain::session::kiosk::Kiosk;

impl Documents {
    pub fn screen(&self, kiosk: &Kiosk, till: &Till, clears: Clears) -> Screen {
        match &self.state {
            State::ForWhom => Screen::ForWhom,
            State::Who(who) => who.screen(kiosk),
            State::List { page } => self.list_screen(*page, kiosk),
            State::Options { item } => self.options_screen(*item, kiosk),
            State::Quoting { until, .. } => {
                identify::wait(Waiting::Quote, *until, kiosk.facility.timing.quote_ms, kiosk)
            }
            State::Review => self.review_screen(),
            State::Consent => Screen::Consent { text: kiosk.facility.consent_on(kiosk.today()).1.clone() },
            State::Paying => self.paying_screen(kiosk, till),
            State::RemoveCard { until, .. } => {
                self.payment_screen(PaymentPrompt::RemoveCard, false, Some((*until, REMOVE_CARD_MS)), kiosk)
            }
            State::NotPaid(why) => {
                Screen::NotPaid { why: *why, desk: kiosk.cashier_desk(), retry: self.may_try_again() }
            }
            State::DoubtOver { amount, number } => in_doubt_screen(*amount, number, None, kiosk),
            State::Done { how, again } => self.done_screen(how, *again, kiosk, clears),
            State::Sorry { why, retry } => Screen::Sorry { why: *why, desk: kiosk.registration_desk(), retry: *retry },
        }
    }

    fn list_screen(&self, page: u8, kiosk: &Kiosk) -> Screen {
        let sum = self.cart.sum(&kiosk.facility);
        let rows = cart::page(&kiosk.facility, page).map(|document| cart::row(document, self.cart.has(&document.code)));
        Screen::Documents {
            rows: rows.collect(),
            count: sum.count,
            total: sum.total,
            has_unpriced: sum.has_unpriced,
            page,
            pages: cart::page_count(&kiosk.facility),
        }
    }

    fn options_screen(&self, item: usize, kiosk: &Kiosk) -> Screen {
        let item = self.cart.items.get(item);
        let Some((item, document)) =
            item.and_then(|item| kiosk.facility.document(&item.code).map(|found| (item, found)))
        else {
            return self.list_screen(0, kiosk);
        };
        Screen::Options {
            document: document.name.clone(),
            code: document.code.clone(),
            copies: item.copies,
            copies_max: document.copies_max.max(1),
            languages: document.languages.clone(),
            language: item.language,
        }
    }

    fn review_screen(&self) -> Screen {
        let Some(priced) = &self.priced else { return Screen::ForWhom };
        Screen::Review(Review {
            lines: priced.lines.clone(),
            total: priced.total,
            how: self.how,
            collect_at: priced.collect_at.clone(),
            ready_at: priced.ready_at,
            collect_until: priced.collect_until,
            later: priced.later,
            bring: priced.bring.clone(),
        })
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
        let lines = self.priced.as_ref().map(|priced| priced.lines.as_slice()).unwrap_or_default();
        Screen::Payment(PaymentScreen {
            amount: self.order.as_ref().map(|order| order.amount).unwrap_or_default(),
            first: lines.first().map(|line| line.name.clone()).unwrap_or_default(),
            count: u32::try_from(self.cart.items.len().saturating_sub(1)).unwrap_or(u32::MAX),
            prompt,
            can_cancel,
            seconds_left: limit.map_or(0, |(until, _)| kiosk.tick().seconds_until(until)),
            seconds_total: limit.map_or(0, |(_, total_ms)| seconds(total_ms)),
        })
    }

    fn done_screen(&self, how: &DoneHow, again: bool, kiosk: &Kiosk, clears: Clears) -> Screen {
        let Some(order) = &self.order else { return Screen::ForWhom };
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
            State::Who(who) => who.deadline(),
            State::Quoting { until, .. } | State::RemoveCard { until, .. } => Some(*until),
            State::Paying => match till.watch() {
                Watched::Preparing { until, .. } | Watched::Present { until } => Some(until),
                Watched::Working | Watched::Cancelling => None,
                Watched::Doubt(doubt) => Some(doubt.since.plus_ms(kiosk.facility.timing.in_doubt_ms)),
            },
            State::ForWhom
            | State::List { .. }
            | State::Options { .. }
            | State::Review
            | State::Consent
            | State::NotPaid(_)
            | State::DoubtOver { .. }
            | State::Done { .. }
            | State::Sorry { .. } => None,
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
