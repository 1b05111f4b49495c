//! From "I agree" to the receipt: the one place where an order, the till and the printer meet.
//!
//! Money: an order without a card is queued before its paper; an order with a card is queued by the till's `Committed`.
//! Paper: a receipt follows the durable entry, never the other way round. A slip follows when the wait is over.

use super::{After, Documents, State, end_on};
use crate::domain::journey::Flow;
use crate::domain::journey::pay::{End, News, Order, Till};
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::paper::{DoubtSlip, Paper, Receipt};
use crate::domain::payment::CardTransaction;
use crate::domain::screen::{DoneHow, NotPaidWhy, PayHow, Tap};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, Outcome};

/// Cards forgotten in the slot are the next payment's first question.
pub(super) const REMOVE_CARD_MS: u64 = 10_000;
/// New attempts for one order; after that it is the cashier's.
pub(super) const PAY_TRIES_MAX: u32 = 5;

impl Documents {
    pub(super) fn tap_consent(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        if tap == Tap::Back {
            self.state = State::Review;
        } else if tap == Tap::Disagree {
            return Flow::Home;
        } else if tap == Tap::Agree {
            self.agreed(kiosk, till);
        }
        Flow::Stay
    }

    /// What was said about paying must still be true; else it is said anew first.
    fn agreed(&mut self, kiosk: &mut Kiosk, till: &mut Till) {
        let Some(priced) = &self.priced else { return };
        if self.how_to_pay(priced, kiosk, till) != self.how {
            self.review(kiosk, till);
            return;
        }
        match self.how {
            PayHow::Card => self.pay(kiosk, till),
            PayHow::Free | PayHow::AtDesk(_) => self.request_without_card(kiosk),
        }
    }

    fn pay(&mut self, kiosk: &mut Kiosk, till: &mut Till) {
        let Some(order) = self.placed(kiosk) else { return };
        if till.begin(order, kiosk) {
            self.pay_tries += 1;
            self.state = State::Paying;
        }
    }

    fn request_without_card(&mut self, kiosk: &mut Kiosk) {
        let Some(mut order) = self.placed(kiosk) else { return };
        let unpriced = self.priced.as_ref().is_some_and(|priced| priced.has_unpriced());
        let (paid, how) = match self.how {
            PayHow::Free => (PaymentOfRequest::Free, DoneHow::Free),
            PayHow::Card | PayHow::AtDesk(_) => {
                let desk = kiosk.cashier_desk();
                order.receipt.pay_at = Some(desk.clone());
                (PaymentOfRequest::Unpaid, DoneHow::Unpaid { amount: (!unpriced).then_some(order.amount), desk })
            }
        };
        if let Act::Documents { payment, .. } = &mut order.request.act {
            *payment = paid;
        }
        self.order = Some(Box::new(order.clone()));
        kiosk.emit(Effect::Queue(Box::new(order.request)));
        kiosk.print(Paper::Receipt(order.receipt), None);
        let outcome = Outcome::RequestedUnpaid;
        self.finish(outcome, Amount::ZERO, kiosk);
        self.state = State::Done { how, again: true };
    }

    /// The order with its claim number, made once.
    fn placed(&mut self, kiosk: &mut Kiosk) -> Option<Order> {
        if self.order.is_none() {
            self.order = self.new_order(kiosk).map(Box::new);
        }
        self.order.as_deref().cloned()
    }

    fn new_order(&self, kiosk: &mut Kiosk) -> Option<Order> {
        let (patient, priced) = (self.patient.as_ref()?, self.priced.as_ref()?);
        let claim = kiosk.next_claim();
        let receipt = Receipt {
            language: kiosk.language,
            at: kiosk.wall(),
            claim: claim.clone(),
            lines: priced.lines.clone(),
            total: priced.total,
            card: None,
            pay_at: None,
            collect_at: priced.collect_at.clone(),
            ready_at: priced.ready_at,
            collect_until: priced.collect_until,
            bring: priced.bring.clone(),
            duplicate: false,
        };
        let act = Act::Documents {
            claim,
            lines: priced.lines.clone(),
            total: priced.total,
            currency: kiosk.facility.currency.code.clone(),
            consent_version: kiosk.facility.consent_on(kiosk.today()).0.to_owned(),
            payment: PaymentOfRequest::Unpaid,
        };
        let request = Request {
            id: kiosk.now.fresh_id("request"),
            visit: self.visit,
            made_at: kiosk.wall(),
            language: kiosk.language,
            patient: patient.number.clone(),
            patient_ref: patient.server_ref.clone(),
            act,
        };
        Some(Order { request, receipt, amount: priced.total })
    }

    pub(super) fn tap_paying(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        if matches!(tap, Tap::CancelPayment | Tap::Back)
            && let Some(news) = till.cancel(NotPaidWhy::Cancelled, kiosk)
        {
            self.news(&news, kiosk);
        }
        Flow::Stay
    }

    /// A new attempt is a new number; the order stays the same.
    pub(super) fn tap_not_paid(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        if tap == Tap::TryAgain && self.may_try_again() {
            self.agreed(kiosk, till);
        } else if tap == Tap::Back {
            return Flow::Home;
        }
        end_on(tap)
    }

    pub(super) fn may_try_again(&self) -> bool {
        use NotPaidWhy::{CannotRecord, TakenBack, TerminalTrouble};
        // What stands in the way is the machine's: another try would meet it again.
        let hopeless = matches!(self.state, State::NotPaid(CannotRecord | TakenBack | TerminalTrouble));
        !hopeless && self.pay_tries < PAY_TRIES_MAX
    }

    pub(super) fn tap_done(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if matches!(tap, Tap::Finish | Tap::Next) {
            return Flow::End;
        }
        if tap == Tap::PrintAgain {
            self.print_again(kiosk);
        }
        Flow::Stay
    }

    /// Once more, marked as a duplicate.
    fn print_again(&mut self, kiosk: &mut Kiosk) {
        let State::Done { how, again } = &mut self.state else { return };
        let Some(order) = self.order.as_ref().filter(|_| *again && kiosk.can_print_again()) else { return };
        *again = false;
        let paid = matches!(how, DoneHow::Paid { .. });
        let receipt = Receipt { duplicate: true, ..order.receipt.clone() };
        let attempt = self.paid_by.filter(|_| paid);
        kiosk.print(Paper::Receipt(receipt), attempt);
    }

    /// News of the payment watched here. `false` if none is.
    pub fn news(&mut self, news: &News, kiosk: &mut Kiosk) -> bool {
        if !matches!(self.state, State::Paying | State::DoubtOver { .. }) {
            return false;
        }
        match &news.end {
            End::Paid { transaction, receipt, .. } => self.paid(news, transaction, receipt, kiosk),
            End::NotPaid(why) => self.not_paid(*why, kiosk),
            End::Staff => self.doubt_over(news.amount, &news.number, kiosk),
        }
        true
    }

    fn paid(&mut self, news: &News, transaction: &CardTransaction, receipt: &Receipt, kiosk: &mut Kiosk) {
        self.paid_by = news.attempt;
        if let Some(order) = &mut self.order {
            order.receipt = receipt.clone();
        }
        kiosk.print(Paper::Receipt(receipt.clone()), news.attempt);
        self.finish(Outcome::Paid, news.amount, kiosk);
        let how = DoneHow::Paid {
            amount: news.amount,
            last_four: transaction.last_four().to_owned(),
            number: news.number.clone(),
        };
        self.after_card(After::Done(how), kiosk);
    }

    fn not_paid(&mut self, why: NotPaidWhy, kiosk: &mut Kiosk) {
        if self.finished {
            self.finish(Outcome::NotPaid, Amount::ZERO, kiosk);
        }
        self.after_card(After::NotPaid(why), kiosk);
    }

    pub fn payment_not_begun(&mut self, kiosk: &mut Kiosk) {
        self.not_paid(NotPaidWhy::CannotRecord, kiosk);
    }

    fn after_card(&mut self, then: After, kiosk: &Kiosk) {
        self.state = State::RemoveCard { until: kiosk.tick().plus_ms(REMOVE_CARD_MS), then };
        if !kiosk.devices.card_in {
            self.card_is_out();
        }
    }

    pub(super) fn card_is_out(&mut self) {
        let State::RemoveCard { then, .. } = &self.state else { return };
        self.state = match then.clone() {
            After::Done(how) => State::Done { how, again: true },
            After::NotPaid(why) => State::NotPaid(why),
        };
    }

    /// The wait of "we are checking" is over without an answer.
    pub(super) fn doubt_time(&mut self, kiosk: &mut Kiosk, till: &Till) {
        let Some(doubt) = till.watched_doubt() else { return };
        if kiosk.tick() >= doubt.since.plus_ms(kiosk.facility.timing.in_doubt_ms) {
            self.doubt_over(doubt.amount, doubt.number, kiosk);
        }
    }

    /// One slip; the payment itself stays with the till, or is with staff.
    fn doubt_over(&mut self, amount: Amount, number: &str, kiosk: &mut Kiosk) {
        if matches!(self.state, State::DoubtOver { .. }) {
            return;
        }
        let slip = DoubtSlip {
            language: kiosk.language,
            at: kiosk.wall(),
            attempt_number: number.to_owned(),
            amount,
            desk: kiosk.cashier_desk(),
        };
        kiosk.print(Paper::Slip(slip), None);
        self.finish(Outcome::InDoubt, Amount::ZERO, kiosk);
        self.state = State::DoubtOver { amount, number: number.to_owned() };
    }
}
