//! Staff at work with `kiosk payments` and `kiosk reprint`. They say only what the card company told them.

use super::faults::Fault;
use super::weather::Weather;
use super::world::World;
use crate::domain::attempt::PaymentState;
use crate::domain::closing::ClosingEnd;
use crate::domain::order::{StaffAnswer, StaffOrder};
use crate::domain::payment::PaymentRecord;
use crate::domain::session::Input;
use crate::domain::terminal::UndoWay;
use crate::ports::Journal;
use uuid::Uuid;

/// Whoever settles a payment sooner may ask the card company about a card that is still in the terminal.
const SETTLED_AFTER_MS: u64 = 400_000;
const CARDS: [Fault; 5] = [Fault::Declined, Fault::HostTimesOut, Fault::Silence, Fault::Late, Fault::Unplugged];

impl World {
    /// On some days the terminal's day is closed while patients come and go.
    pub(super) fn close_in_between(&mut self) {
        if self.allowed.has(Fault::StaffTotals) && self.closing_chance.percent(20) {
            for _ in 0..self.closing_chance.between(1, 3) {
                let due = self.closing_chance.between(60_000, 5_400_000);
                self.weather.push((due, Weather::Staff(Fault::StaffTotals)));
            }
        }
    }

    pub(super) fn close_day(&mut self) {
        let order_id = self.closing_chance.uuid();
        self.closings.push(order_id);
        self.input(Input::CloseDay { order_id });
    }

    /// The terminal's day has ended, or not: what staff hear must be what the card company has.
    pub(super) fn day_ended(&mut self, order_id: Uuid, answer: &StaffAnswer) {
        if *answer == StaffAnswer::Begun || !self.closings.contains(&order_id) {
            return;
        }
        self.closings.retain(|known| *known != order_id);
        if let StaffAnswer::DayEnded { closing, end: ClosingEnd::Told(totals), .. } = answer
            && let Ok(book) = self.store.day_book(*closing)
        {
            self.oracle.totals_told(&book, totals, &self.rig.machine.days());
        }
    }

    pub(super) fn staff_order(&mut self, what: Fault) {
        if self.kiosk.is_none() {
            return;
        }
        if what == Fault::StaffTotals {
            self.fired.note(what);
            if self.allowed.has(Fault::SilentAfterClosing) && self.closing_chance.percent(30) {
                self.rig.machine.mistake(Fault::SilentAfterClosing, &mut self.closing_chance, self.now_ms);
            }
            return self.close_day();
        }
        if what == Fault::StaffRefund {
            return self.order_refund();
        }
        let payments = self.store.payments().unwrap_or_default();
        let fitting: Vec<PaymentRecord> = payments.into_iter().filter(|payment| self.fits(what, payment)).collect();
        let at = self.weather_chance.index(fitting.len());
        let Some(payment) = fitting.into_iter().nth(at) else { return };
        let order = match what {
            Fault::StaffSettle => {
                let paid = self.oracle.is_standing(payment.attempt);
                StaffOrder::Settle { paid, evidence: "the card company's list".to_owned() }
            }
            Fault::StaffCancel => {
                // To the card of a ZVT sale: `refund.rs`, by dice of its own.
                let with_card = self.weather_chance.percent(40) && self.protocol == super::Protocol::Smartro;
                StaffOrder::Cancel { way: if with_card { UndoWay::WithCard } else { UndoWay::WithoutCard } }
            }
            Fault::StaffReprint => StaffOrder::Reprint,
            _ask => StaffOrder::Ask,
        };
        let order_id = self.weather_chance.uuid();
        self.order_ids.insert(order_id, payment.attempt);
        self.fired.note(what);
        self.input(Input::Staff { order_id, order, payment: Some(Box::new(payment)) });
    }

    fn fits(&self, what: Fault, payment: &PaymentRecord) -> bool {
        match what {
            Fault::StaffSettle => {
                payment.needs_staff() && self.oracle.moved_ms(payment.attempt) + SETTLED_AFTER_MS < self.now_ms
            }
            // Now and then it is one that cannot be given back.
            Fault::StaffCancel => {
                matches!(
                    payment.state,
                    PaymentState::Committed | PaymentState::Settled | PaymentState::NeedsStaff | PaymentState::Reversed
                )
            }
            Fault::StaffReprint => matches!(payment.state, PaymentState::Committed | PaymentState::Settled),
            _ask => payment.state == PaymentState::NeedsStaff,
        }
    }

    /// The card-holder stands there, or the card company is asked without them.
    pub(super) fn undo_card(&mut self, way: UndoWay) {
        let possible = self.allowed.of(&CARDS);
        let fails = self.weather_chance.percent(40);
        let card = if fails { self.weather_chance.pick(&possible) } else { None };
        let card = self.card.take().or(card);
        match way {
            UndoWay::WithoutCard => self.rig.machine.card(card, &mut self.weather_chance),
            UndoWay::WithCard => {
                self.card = card;
                let due = self.now_ms + self.weather_chance.between(500, 20_000);
                self.cards_due.push(due);
            }
        }
    }
}
