//! Money goes back to the card that paid, on the same day or after a night. By dice of their own: days on which nobody wants
//! any back are what they were.

use super::faults::Fault;
use super::weather::Weather;
use super::world::World;
use crate::domain::attempt::{AttemptId, PaymentState};
use crate::domain::order::StaffOrder;
use crate::domain::payment::PaymentRecord;
use crate::domain::session::Input;
use crate::domain::terminal::UndoWay;
use crate::ports::Journal;
use chrono::Duration;

/// Nobody who pays has one like it.
const STRANGERS_CARD: u32 = 5_000;

impl World {
    /// On some days staff give back to cards, and on some a night lies between.
    pub(super) fn plan_refunds(&mut self) {
        if !self.allowed.has(Fault::StaffRefund) {
            return;
        }
        if self.refund_chance.percent(50) {
            self.plan_orders(1, 4, 60_000, 3_000_000);
        }
        if self.allowed.has(Fault::Night) && self.refund_chance.percent(40) {
            let due = self.refund_chance.between(300_000, 2_400_000);
            if self.allowed.has(Fault::StaffTotals) && self.refund_chance.percent(50) {
                self.weather.push((due, Weather::Staff(Fault::StaffTotals)));
            }
            self.weather.push((due + self.refund_chance.below(180_000), Weather::Night));
        }
    }

    fn plan_orders(&mut self, least: u64, most: u64, from_ms: u64, to_ms: u64) {
        for _ in 0..self.refund_chance.between(least, most) {
            let due = self.now_ms + self.refund_chance.between(from_ms, to_ms);
            self.weather.push((due, Weather::Staff(Fault::StaffRefund)));
        }
    }

    pub(super) fn refunds_are_planned(&self) -> bool {
        let planned = |weather: &Weather| matches!(weather, Weather::Night | Weather::Staff(Fault::StaffRefund));
        self.weather.iter().any(|(_, weather)| planned(weather))
    }

    /// Some kiosks are switched off overnight. In the morning people come with what they paid for the day before.
    pub(super) fn night_passes(&mut self) {
        self.fired.note(Fault::Night);
        self.begins += Duration::days(1);
        self.keep_schedule();
        if self.refund_chance.percent(50) {
            self.power.cut_now();
        }
        self.plan_orders(2, 6, 120_000, 1_800_000);
    }

    /// Now and then it is one that cannot be given back.
    pub(super) fn order_refund(&mut self) {
        let payments = self.store.payments().unwrap_or_default();
        let fits = |payment: &PaymentRecord| {
            matches!(
                payment.state,
                PaymentState::Committed | PaymentState::Settled | PaymentState::NeedsStaff | PaymentState::Reversed
            )
        };
        let (mut fitting, of_before): (Vec<PaymentRecord>, Vec<PaymentRecord>) =
            payments.into_iter().filter(fits).partition(|payment| self.is_of_today(payment));
        if self.allowed.has(Fault::RefundOfBefore) && !of_before.is_empty() && self.refund_chance.percent(75) {
            fitting = of_before;
        }
        let at = self.refund_chance.index(fitting.len());
        let Some(payment) = fitting.into_iter().nth(at) else { return };
        // Of a day before it is refused without the card.
        let without_card = self.refund_chance.percent(5);
        let way = if without_card { UndoWay::WithoutCard } else { UndoWay::WithCard };
        let order_id = self.refund_chance.uuid();
        self.order_ids.insert(order_id, payment.attempt);
        self.input(Input::Staff { order_id, order: StaffOrder::Cancel { way }, payment: Some(Box::new(payment)) });
    }

    fn is_of_today(&self, payment: &PaymentRecord) -> bool {
        payment.started_at.date_naive() == self.wall().date_naive()
    }

    /// Everybody who pays has a card of their own.
    pub(super) fn takes_out_a_card(&mut self, attempt: AttemptId) {
        let card = u32::try_from(self.cards.len() + 1).unwrap_or(0);
        self.cards.insert(attempt, card);
        self.rig.machine.hold(card);
    }

    /// The one that paid, or another one.
    pub(super) fn holds_out_a_card(&mut self, undo: AttemptId, way: UndoWay) {
        if way == UndoWay::WithoutCard {
            return;
        }
        let of = self.oracle.meant_by(undo);
        let own = of.and_then(|of| self.cards.get(&of).copied()).unwrap_or(0);
        let wrong = self.allowed.has(Fault::WrongCard) && self.refund_chance.percent(15);
        self.rig.machine.hold(if wrong { STRANGERS_CARD + own } else { own });
        if wrong {
            self.fired.note(Fault::WrongCard);
        }
        let paid = of.and_then(|of| self.store.payment(of).ok().flatten());
        let of_before = paid.is_some_and(|payment| !self.is_of_today(&payment));
        self.fired.note(if of_before { Fault::RefundOfBefore } else { Fault::StaffRefund });
    }
}
