//! From "I agree" to the receipt: the one place where an order, the till and the printer meet. Any journey that has something
//! to order or to be paid goes through it; the journey makes the order, for only it knows what is ordered.
//!
//! ```text
//! Consent ─┬ card ─▶ Paying ─▶ RemoveCard? ─▶ Done
//!          ├ free, or at the desk ──────────▶ Done
//! NotPaid ◀┤ refused, cancelled, not ready
//!          └ no proof ─▶ "we are checking" ─▶ DoubtOver
//! ```
//! | state | money | paper |
//! |---|---|---|
//! | Consent | none | none |
//! | Paying | with the till | none; a slip when the wait is over |
//! | `NotPaid` | none moved for this order | none |
//! | `DoubtOver` | with the till or with staff | slip sent to the printer |
//! | `RemoveCard`, Done | paid and committed, or none due here; the request is queued | receipt sent to the printer |
//!
//! Money: an order without a card is queued before its paper; an order with a card is queued by the till's `Committed`.
//! Paper: a receipt follows the durable entry, never the other way round. A slip follows when the wait is over.

mod screens;

use super::consent::{self, Consent};
use crate::domain::attempt::{AttemptId, CardTransaction};
use crate::domain::finished::Outcome;
use crate::domain::journey::{Flow, Kept, NotKept, Rest};
use crate::domain::language::LocalText;
use crate::domain::line::Line;
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, PaymentOfRequest};
use crate::domain::paper::{DoubtSlip, Paper, Receipt};
use crate::domain::screen::{AtDeskWhy, DoneHow, NotPaidWhy, PayHow, Tap};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{IfKept, IfNotKept};
use crate::domain::till::{End, News, Order, Till};

/// Cards forgotten in the slot are the next payment's first question.
const REMOVE_CARD_MS: u64 = 10_000;
/// New attempts for one order; after that it is the cashier's.
const TRIES_MAX: u32 = 5;

/// What is due, as it was said to the patient.
pub struct Bill {
    pub total: Amount,
    /// The price of a part is not known now.
    pub has_unpriced: bool,
    /// The hospital did not answer when the patient was looked up.
    pub offline: bool,
    /// The first of what is ordered, and how many more there are.
    pub first: LocalText,
    pub more: u32,
}

pub struct Checkout {
    bill: Bill,
    how: PayHow,
    /// Made at the first "I agree" and kept over every new try to pay: one request, one claim number.
    order: Option<Box<Order>>,
    tries: u32,
    /// The attempt whose receipt the done screen is about.
    paid_by: Option<AttemptId>,
    state: State,
}

enum State {
    Consent,
    Paying,
    RemoveCard { until: Tick, then: After },
    NotPaid(NotPaidWhy),
    DoubtOver { amount: Amount, number: String },
    Done { how: DoneHow, again: bool },
}

/// What is shown when the card is out.
#[derive(Clone)]
enum After {
    Done(DoneHow),
    NotPaid(NotPaidWhy),
}

/// What a touch comes to.
pub enum Step {
    Flow(Flow),
    /// Back from the consent: what was said stands.
    Back,
    /// What was said about paying is not true any more: it is said anew before anything is paid.
    SayAnew,
}

/// An end of the order: what the journey writes down of itself. `NotPaid` is one only after it was said to be in doubt.
pub struct Ended {
    pub outcome: Outcome,
    pub charged: Amount,
}

/// Makes the order; `None` if there is nothing to order. Its claim number is durable before anything comes of it; it is asked
/// again where that failed.
pub type Place<'a> = &'a dyn Fn(&mut Kiosk) -> Option<Order>;

impl Checkout {
    pub fn new(bill: Bill, kiosk: &Kiosk, till: &Till) -> Self {
        let how = how_to_pay(&bill, kiosk, till);
        Self { bill, how, order: None, tries: 0, paid_by: None, state: State::Consent }
    }

    /// Said anew; an order that was made is kept.
    pub fn say_anew(&mut self, bill: Bill, kiosk: &Kiosk, till: &Till) {
        self.how = how_to_pay(&bill, kiosk, till);
        self.bill = bill;
        self.state = State::Consent;
    }

    /// Something else is ordered. How often it was tried stays.
    pub fn forget_order(&mut self) {
        self.order = None;
    }

    pub const fn how(&self) -> PayHow {
        self.how
    }

    pub fn order(&self) -> Option<&Order> {
        self.order.as_deref()
    }

    pub fn tap(&mut self, tap: Tap, place: Place, kiosk: &mut Kiosk, till: &mut Till) -> Step {
        match &self.state {
            State::Consent => match consent::tap(tap) {
                Consent::NotYet => Step::Flow(Flow::Stay),
                Consent::Back => Step::Back,
                Consent::Refused => Step::Flow(Flow::Home),
                Consent::Given => self.agreed(place, kiosk, till),
            },
            State::Paying => Self::tap_paying(tap, kiosk, till),
            State::RemoveCard { .. } => Step::Flow(Flow::Stay),
            State::NotPaid(_) => self.tap_not_paid(tap, place, kiosk, till),
            State::DoubtOver { .. } => end_on(tap),
            State::Done { .. } => self.tap_done(tap, kiosk),
        }
    }

    /// What was said about paying must still be true.
    fn agreed(&self, place: Place, kiosk: &mut Kiosk, till: &Till) -> Step {
        if how_to_pay(&self.bill, kiosk, till) != self.how {
            return Step::SayAnew;
        }
        match self.how {
            PayHow::Card => self.pay(place, kiosk, till),
            PayHow::Free => self.request_without_card(place, PaymentOfRequest::Free, kiosk),
            PayHow::AtDesk(_) => self.request_without_card(place, PaymentOfRequest::Unpaid, kiosk),
        }
        Step::Flow(Flow::Stay)
    }

    fn placed(&self, place: Place, kiosk: &mut Kiosk) -> Option<Order> {
        self.order.as_deref().cloned().or_else(|| place(kiosk))
    }

    /// Its numbers first: none is ever given twice.
    fn pay(&self, place: Place, kiosk: &mut Kiosk, till: &Till) {
        if !till.may_begin(kiosk) {
            return;
        }
        let Some(order) = self.placed(place, kiosk).map(Box::new) else { return };
        let number = kiosk.next_attempt();
        kiosk.commit([], IfKept::Visit(Kept::Pay { order, number }), IfNotKept::Visit(NotKept::Payment));
    }

    pub fn begin(&mut self, order: Box<Order>, number: String, kiosk: &mut Kiosk, till: &mut Till) {
        self.order = Some(order.clone());
        till.begin(*order, number, kiosk);
        self.tries += 1;
        self.state = State::Paying;
    }

    fn request_without_card(&self, place: Place, paid: PaymentOfRequest, kiosk: &mut Kiosk) {
        let Some(mut order) = self.placed(place, kiosk) else { return };
        let how = if self.how == PayHow::Free {
            DoneHow::Free
        } else {
            let desk = kiosk.cashier_desk();
            order.receipt.pay_at = Some(desk.clone());
            DoneHow::Unpaid { amount: (!self.bill.has_unpriced).then_some(order.amount), desk }
        };
        if let Act::Documents { payment, .. } = &mut order.request.act {
            *payment = paid;
        }
        let request = Line::Request(Box::new(order.request.clone()));
        let kept = Kept::Ordered { order: Box::new(order), how };
        kiosk.commit([request], IfKept::Visit(kept), IfNotKept::Visit(NotKept::Request));
    }

    /// The request is queued; then the paper.
    pub fn ordered(&mut self, order: Box<Order>, how: DoneHow, kiosk: &mut Kiosk) -> Ended {
        kiosk.print(Paper::Receipt(order.receipt.clone()), None);
        self.order = Some(order);
        self.state = State::Done { how, again: true };
        Ended { outcome: Outcome::RequestedUnpaid, charged: Amount::ZERO }
    }

    fn tap_paying(tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Step {
        if matches!(tap, Tap::CancelPayment | Tap::Back) {
            till.cancel(NotPaidWhy::Cancelled, kiosk);
        }
        Step::Flow(Flow::Stay)
    }

    /// A new attempt is a new number; the order stays the same.
    fn tap_not_paid(&self, tap: Tap, place: Place, kiosk: &mut Kiosk, till: &Till) -> Step {
        if tap == Tap::TryAgain && self.may_try_again() {
            return self.agreed(place, kiosk, till);
        }
        if tap == Tap::Back { Step::Flow(Flow::Home) } else { end_on(tap) }
    }

    fn may_try_again(&self) -> bool {
        use NotPaidWhy::{CannotRecord, TakenBack, TerminalTrouble};
        // What stands in the way is the machine's: another try would meet it again.
        let hopeless = matches!(self.state, State::NotPaid(CannotRecord | TakenBack | TerminalTrouble));
        !hopeless && self.tries < TRIES_MAX
    }

    fn tap_done(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Step {
        if matches!(tap, Tap::Finish | Tap::Next) {
            return Step::Flow(Flow::End);
        }
        if tap == Tap::PrintAgain {
            self.print_again(kiosk);
        }
        Step::Flow(Flow::Stay)
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

    /// It waits for news of its payment.
    pub const fn is_watching(&self) -> bool {
        matches!(self.state, State::Paying | State::DoubtOver { .. })
    }

    /// News of the payment watched here.
    pub fn news(&mut self, news: &News, kiosk: &mut Kiosk) -> Option<Ended> {
        match &news.end {
            End::Paid { transaction, receipt, .. } => Some(self.paid(news, transaction, receipt, kiosk)),
            End::NotPaid(why) => Some(self.not_paid(*why, kiosk)),
            End::Staff => self.doubt_over(news.amount, &news.number, kiosk),
        }
    }

    fn paid(&mut self, news: &News, transaction: &CardTransaction, receipt: &Receipt, kiosk: &mut Kiosk) -> Ended {
        self.paid_by = news.attempt;
        if let Some(order) = &mut self.order {
            order.receipt = receipt.clone();
        }
        kiosk.print(Paper::Receipt(receipt.clone()), news.attempt);
        let how = DoneHow::Paid {
            amount: news.amount,
            last_four: transaction.last_four().to_owned(),
            number: news.number.clone(),
        };
        self.after_card(After::Done(how), kiosk);
        Ended { outcome: Outcome::Paid, charged: news.amount }
    }

    fn not_paid(&mut self, why: NotPaidWhy, kiosk: &Kiosk) -> Ended {
        self.after_card(After::NotPaid(why), kiosk);
        Ended { outcome: Outcome::NotPaid, charged: Amount::ZERO }
    }

    /// The payment's number could not be made durable.
    pub fn not_begun(&mut self, kiosk: &Kiosk) -> Ended {
        self.not_paid(NotPaidWhy::CannotRecord, kiosk)
    }

    fn after_card(&mut self, then: After, kiosk: &Kiosk) {
        self.state = State::RemoveCard { until: kiosk.tick().plus_ms(REMOVE_CARD_MS), then };
        if !kiosk.devices.card_in {
            self.card_is_out();
        }
    }

    fn card_is_out(&mut self) {
        let State::RemoveCard { then, .. } = &self.state else { return };
        self.state = match then.clone() {
            After::Done(how) => State::Done { how, again: true },
            After::NotPaid(why) => State::NotPaid(why),
        };
    }

    pub fn time(&mut self, kiosk: &mut Kiosk, till: &Till) -> Option<Ended> {
        match &self.state {
            State::Paying => self.doubt_time(kiosk, till),
            State::RemoveCard { until, .. } => {
                if kiosk.tick() >= *until || !kiosk.devices.card_in {
                    self.card_is_out();
                }
                None
            }
            State::Consent | State::NotPaid(_) | State::DoubtOver { .. } | State::Done { .. } => None,
        }
    }

    /// The wait of "we are checking" is over without an answer.
    fn doubt_time(&mut self, kiosk: &mut Kiosk, till: &Till) -> Option<Ended> {
        let doubt = till.watched_doubt()?;
        let over = kiosk.tick() >= doubt.since.plus_ms(kiosk.facility.timing.in_doubt_ms);
        if over { self.doubt_over(doubt.amount, doubt.number, kiosk) } else { None }
    }

    /// One slip; the payment itself stays with the till, or is with staff.
    fn doubt_over(&mut self, amount: Amount, number: &str, kiosk: &mut Kiosk) -> Option<Ended> {
        if matches!(self.state, State::DoubtOver { .. }) {
            return None;
        }
        let slip = DoubtSlip {
            language: kiosk.language,
            at: kiosk.wall(),
            attempt_number: number.to_owned(),
            amount,
            desk: kiosk.cashier_desk(),
        };
        kiosk.print(Paper::Slip(slip), None);
        self.state = State::DoubtOver { amount, number: number.to_owned() };
        Some(Ended { outcome: Outcome::InDoubt, charged: Amount::ZERO })
    }

    pub const fn rest(&self) -> Rest {
        match &self.state {
            State::Paying | State::RemoveCard { .. } => Rest::Busy,
            State::DoubtOver { .. } | State::Done { .. } => Rest::Done,
            State::Consent | State::NotPaid(_) => Rest::Asking,
        }
    }

    /// How many of its three steps are done: agreeing, paying, the end. `None` where it did not come to that.
    pub const fn done(&self) -> Option<u8> {
        match &self.state {
            State::Consent => Some(0),
            State::Paying | State::RemoveCard { .. } => Some(1),
            State::Done { .. } => Some(2),
            State::NotPaid(_) | State::DoubtOver { .. } => None,
        }
    }

    /// A payment was asked for, whatever became of it.
    pub const fn is_past_paying(&self) -> bool {
        self.is_paying() || matches!(self.state, State::NotPaid(_) | State::DoubtOver { .. })
    }

    /// Money is moving or may be: the visit cannot be started over.
    pub const fn is_paying(&self) -> bool {
        matches!(self.state, State::Paying | State::RemoveCard { .. })
    }

    /// Nothing was paid, and it was said.
    pub const fn was_refused(&self) -> bool {
        matches!(self.state, State::NotPaid(_) | State::RemoveCard { then: After::NotPaid(_), .. })
    }
}

/// Card only when everything about it is certain now; else the desk, and why.
fn how_to_pay(bill: &Bill, kiosk: &Kiosk, till: &Till) -> PayHow {
    let rules = &kiosk.facility.payment;
    let offline = kiosk.hospital_is_away() || bill.offline;
    if bill.has_unpriced {
        // Known from the cache, with the hospital there: its answer could not be read, or came too late.
        PayHow::AtDesk(if kiosk.hospital_is_away() { AtDeskWhy::Offline } else { AtDeskWhy::NoQuote })
    } else if bill.total <= Amount::ZERO {
        PayHow::Free
    } else if offline && !rules.offline_fixed_price {
        PayHow::AtDesk(AtDeskWhy::Offline)
    } else if rules.signature_limit.is_some_and(|limit| bill.total > limit) {
        PayHow::AtDesk(AtDeskWhy::Signature)
    } else if kiosk.devices.terminal_online != Some(true) {
        PayHow::AtDesk(AtDeskWhy::NoTerminal)
    } else if kiosk.set_aside.is_some() {
        PayHow::AtDesk(AtDeskWhy::PaymentsClosed)
    } else if till.is_open() {
        PayHow::AtDesk(AtDeskWhy::PaymentBeingChecked)
    } else {
        PayHow::Card
    }
}

fn end_on(tap: Tap) -> Step {
    Step::Flow(if tap == Tap::Finish { Flow::End } else { Flow::Stay })
}
