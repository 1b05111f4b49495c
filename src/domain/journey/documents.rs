//! Documents for oneself.
//!
//! ```text
//! ForWhom ─me─▶ Who ─found─▶ Choosing ─▶ Quoting? ─▶ Review ─▶ Checkout
//!    └ somebody else ─▶ HandOff (desk)                  ▲ back, or it must be said anew ┘
//! ```
//! Money and paper: none before the checkout, which is a step of its own.

use super::step::checkout::{Bill, Checkout, Ended, Step};
use super::step::choose::{Choose, Chosen};
use super::step::hand_off::{HandOff, Next};
use super::step::identify::{self, Identified, Identify};
use super::{Clears, Flow, Leaving, Rest, arrival};
use crate::domain::document::{OrderItem, Price};
use crate::domain::finished::{Finished, JourneyKind, Outcome};
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::paper::Receipt;
use crate::domain::patient::{Patient, ScannedCode};
use crate::domain::pricing::cart;
use crate::domain::pricing::order::{self, Priced};
use crate::domain::question::{Question, Reply};
use crate::domain::screen::{Review, Screen, SorryWhy, Tap, Waiting};
use crate::domain::session::guess::Counting;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::till::{Order, Till};
use uuid::Uuid;

pub struct Documents {
    visit: Uuid,
    state: State,
    patient: Option<Box<Patient>>,
    choose: Choose,
    priced: Option<Box<Priced>>,
    /// From the first review on; an order that was made survives going back to it.
    checkout: Option<Box<Checkout>>,
    finished: bool,
}

enum State {
    ForWhom,
    Who(Identify),
    Choosing,
    Quoting { until: Tick, waiting: Vec<String> },
    Review,
    Checkout,
    HandOff(HandOff),
}

impl Documents {
    pub fn new(kiosk: &mut Kiosk) -> Self {
        let mut journey = Self {
            visit: kiosk.now.fresh_id("visit"),
            state: State::ForWhom,
            patient: None,
            choose: Choose::default(),
            priced: None,
            checkout: None,
            finished: false,
        };
        if !kiosk.facility.documents.iter().any(cart::is_orderable) {
            journey.hand_off(SorryWhy::NothingOrderable, false, kiosk);
        }
        journey
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        match &mut self.state {
            State::ForWhom => return self.tap_for_whom(tap, kiosk),
            State::Who(who) => {
                let found = who.tap(tap, kiosk);
                self.identified(found, kiosk);
            }
            State::Choosing => match self.choose.tap(tap, kiosk) {
                Chosen::NotYet => {}
                Chosen::Back => return Flow::Home,
                Chosen::Done => self.quote(kiosk, till),
            },
            State::Quoting { .. } if tap == Tap::Back => self.choose_again(),
            State::Quoting { .. } => {}
            State::Review => self.tap_review(tap),
            State::Checkout => return self.tap_checkout(tap, kiosk, till),
            State::HandOff(hand_off) => match hand_off.tap(tap) {
                Next::Flow(flow) => return flow,
                Next::Again if self.patient.is_some() => self.choose_again(),
                Next::Again => self.state = State::Who(Identify::new()),
            },
        }
        Flow::Stay
    }

    fn tap_for_whom(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if tap == Tap::ForMe {
            self.state = State::Who(Identify::new());
        } else if tap == Tap::ForSomebodyElse {
            self.hand_off(SorryWhy::SomebodyElse, false, kiosk);
        } else if tap == Tap::Back {
            return Flow::Home;
        }
        Flow::Stay
    }

    fn tap_review(&mut self, tap: Tap) {
        if tap == Tap::Next {
            self.state = State::Checkout;
        } else if tap == Tap::Back {
            self.choose_again();
        }
    }

    fn tap_checkout(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        let (visit, patient, priced) = (self.visit, self.patient.as_deref(), self.priced.as_deref());
        let place = |kiosk: &mut Kiosk| Some(new_order(visit, patient?, priced?, kiosk));
        let Some(checkout) = &mut self.checkout else { return Flow::Home };
        match checkout.tap(tap, &place, kiosk, till) {
            Step::Flow(flow) => return flow,
            Step::Back => self.state = State::Review,
            Step::SayAnew => self.review(kiosk, till),
        }
        Flow::Stay
    }

    fn choose_again(&mut self) {
        self.choose.reopen();
        self.state = State::Choosing;
    }

    /// Asks the hospital for the pages of whatever is priced by page, then shows the price.
    fn quote(&mut self, kiosk: &mut Kiosk, till: &Till) {
        if let Some(checkout) = &mut self.checkout {
            checkout.forget_order();
        }
        let Some(patient) = self.patient.clone().filter(|patient| !kiosk.hospital_is_away() && !patient.offline) else {
            self.review(kiosk, till);
            return;
        };
        let items = self.choose.cart.items.iter();
        let unknown: Vec<OrderItem> = items.filter(|item| is_unquoted(item, kiosk)).cloned().collect();
        if unknown.is_empty() {
            self.review(kiosk, till);
            return;
        }
        let waiting = unknown.iter().map(|item| item.code.clone()).collect();
        self.state = State::Quoting { until: kiosk.tick().plus_ms(kiosk.facility.timing.quote_ms), waiting };
        for item in unknown {
            kiosk.ask(Question::Quote { patient: patient.clone(), item });
        }
    }

    fn review(&mut self, kiosk: &Kiosk, till: &Till) {
        let priced = order::price(&kiosk.facility, &self.choose.cart.items, kiosk.wall());
        let bill = Bill {
            total: priced.total,
            has_unpriced: priced.has_unpriced(),
            offline: self.patient.as_ref().is_some_and(|patient| patient.offline),
            first: priced.lines.first().map(|line| line.name.clone()).unwrap_or_default(),
            more: u32::try_from(priced.lines.len().saturating_sub(1)).unwrap_or(u32::MAX),
        };
        match &mut self.checkout {
            Some(checkout) => checkout.say_anew(bill, kiosk, till),
            None => self.checkout = Some(Box::new(Checkout::new(bill, kiosk, till))),
        }
        self.priced = Some(Box::new(priced));
        self.state = State::Review;
    }

    pub fn scanned(&mut self, code: &ScannedCode, kiosk: &Kiosk) {
        if let State::Who(who) = &mut self.state {
            who.scanned(code, kiosk);
        }
    }

    pub fn count(&self, reply: &Reply, kiosk: &Kiosk) -> Option<Counting> {
        if let State::Who(who) = &self.state { who.count(reply, kiosk) } else { None }
    }

    pub fn reply(&mut self, reply: Reply, to_desk: bool, kiosk: &mut Kiosk, till: &Till) {
        if let State::Who(who) = &mut self.state {
            let found = who.reply(reply, to_desk);
            self.identified(found, kiosk);
            return;
        }
        match reply {
            Reply::Quoted { code, pages } => {
                self.choose.cart.set_pages(&code, pages);
                self.quote_came(Some(&code), kiosk, till);
            }
            Reply::NotQuoted { code } => self.quote_came(Some(&code), kiosk, till),
            Reply::Unreachable | Reply::Unreadable | Reply::Obscured | Reply::Ambiguous | Reply::NotFound => {
                self.quote_came(None, kiosk, till);
            }
            Reply::Found(_) | Reply::Appointments { .. } | Reply::Slip { .. } => {}
        }
    }

    /// One answer, or `None`: there will be no more.
    fn quote_came(&mut self, code: Option<&str>, kiosk: &Kiosk, till: &Till) {
        let State::Quoting { waiting, .. } = &mut self.state else { return };
        match code {
            Some(code) => waiting.retain(|known| known != code),
            None => waiting.clear(),
        }
        if waiting.is_empty() {
            self.review(kiosk, till);
        }
    }

    fn identified(&mut self, found: Identified, kiosk: &mut Kiosk) {
        match found {
            Identified::NotYet => {}
            Identified::Back => self.state = State::ForWhom,
            Identified::Found(patient) => {
                if arrival::is_under_age(&patient, kiosk.today(), &kiosk.facility.check_in) {
                    self.hand_off(SorryWhy::UnderAge, false, kiosk);
                } else {
                    self.patient = Some(patient);
                    self.choose_again();
                }
            }
            Identified::Sorry { why, retry } => self.hand_off(why, retry, kiosk),
        }
    }

    fn hand_off(&mut self, why: SorryWhy, retry: bool, kiosk: &mut Kiosk) {
        self.state = State::HandOff(HandOff { why, retry });
        if !retry {
            self.finish(Outcome::HandedOff, Amount::ZERO, kiosk);
        }
    }

    /// What the checkout came to. That nothing was paid is no end, unless one was told before.
    pub fn ended(&mut self, ended: &Ended, kiosk: &mut Kiosk) {
        if ended.outcome != Outcome::NotPaid || self.finished {
            self.finish(ended.outcome, ended.charged, kiosk);
        }
    }

    /// The first end is that of the journey; what becomes of it later is another line of kind `unfinished`.
    fn finish(&mut self, outcome: Outcome, charged: Amount, kiosk: &mut Kiosk) {
        let kind = if self.finished { JourneyKind::Unfinished } else { JourneyKind::Documents };
        self.finished = true;
        let order = self.checkout.as_ref().and_then(|checkout| checkout.order());
        let made = match outcome {
            Outcome::Paid | Outcome::RequestedUnpaid | Outcome::InDoubt => order,
            Outcome::Registered
            | Outcome::RegisteredSeeDesk
            | Outcome::NotRegistered
            | Outcome::NotPaid
            | Outcome::HandedOff
            | Outcome::Informed
            | Outcome::Reprinted
            | Outcome::Cancelled
            | Outcome::TimedOut => None,
        };
        let claim = made.map(|order| order.receipt.claim.clone());
        // A request in doubt is not queued yet: nothing can be delivered until it is paid.
        let request = made.filter(|_| outcome != Outcome::InDoubt).map(|order| order.request.id);
        kiosk.finished(Finished { kind, outcome, charged, claim, request });
    }

    pub fn leave(&mut self, why: Leaving, kiosk: &mut Kiosk) {
        if self.finished {
            return;
        }
        let outcome = match (&self.state, why) {
            (State::Checkout, _) if self.checkout().is_some_and(Checkout::was_refused) => Outcome::NotPaid,
            (State::HandOff(_), _) => Outcome::HandedOff,
            (_, Leaving::ByPatient) => Outcome::Cancelled,
            (_, Leaving::TimedOut) => Outcome::TimedOut,
        };
        self.finish(outcome, Amount::ZERO, kiosk);
    }

    pub fn time(&mut self, kiosk: &mut Kiosk, till: &Till) {
        match &mut self.state {
            State::Who(who) => {
                let found = who.time(kiosk);
                self.identified(found, kiosk);
            }
            State::Quoting { until, .. } if kiosk.tick() >= *until => self.review(kiosk, till),
            State::Checkout => {
                let ended = self.checkout.as_mut().and_then(|checkout| checkout.time(kiosk, till));
                if let Some(ended) = ended {
                    self.ended(&ended, kiosk);
                }
            }
            State::ForWhom | State::Choosing | State::Quoting { .. } | State::Review | State::HandOff(_) => {}
        }
    }

    /// The request could not be written down: nothing was ordered and nothing is owed.
    pub fn not_kept(&mut self) {
        self.state = State::HandOff(HandOff::CANNOT_RECORD);
    }

    /// The checkout, while the patient stands at it.
    pub fn checkout(&self) -> Option<&Checkout> {
        self.checkout.as_deref().filter(|_| matches!(self.state, State::Checkout))
    }

    pub fn checkout_mut(&mut self) -> Option<&mut Checkout> {
        self.checkout.as_deref_mut().filter(|_| matches!(self.state, State::Checkout))
    }

    pub fn screen(&self, kiosk: &Kiosk, till: &Till, clears: Clears) -> Screen {
        match &self.state {
            State::ForWhom => Screen::ForWhom,
            State::Who(who) => who.screen(kiosk),
            State::Choosing => self.choose.screen(kiosk),
            State::Quoting { until, .. } => {
                identify::wait(Waiting::Quote, *until, kiosk.facility.timing.quote_ms, kiosk)
            }
            State::Review => self.review_screen(),
            State::Checkout => match &self.checkout {
                Some(checkout) => checkout.screen(kiosk, till, clears),
                None => Screen::ForWhom,
            },
            State::HandOff(hand_off) => hand_off.screen(kiosk.registration_desk()),
        }
    }

    fn review_screen(&self) -> Screen {
        let (Some(priced), Some(checkout)) = (&self.priced, &self.checkout) else { return Screen::ForWhom };
        Screen::Review(Review {
            lines: priced.lines.clone(),
            total: priced.total,
            how: checkout.how(),
            collect_at: priced.collect_at.clone(),
            ready_at: priced.ready_at,
            collect_until: priced.collect_until,
            later: priced.later,
            bring: priced.bring.clone(),
        })
    }

    /// Who, which, price, pay, done.
    pub fn step(&self) -> Option<(u8, u8)> {
        match &self.state {
            State::ForWhom | State::Who(_) => Some((1, 5)),
            State::Choosing | State::Quoting { .. } => Some((2, 5)),
            State::Review => Some((3, 5)),
            State::Checkout => self.checkout.as_ref()?.done().map(|done| (3 + done, 5)),
            State::HandOff(_) => None,
        }
    }

    pub fn rest(&self) -> Rest {
        match &self.state {
            State::Who(who) if who.deadline().is_some() => Rest::Busy,
            State::Quoting { .. } => Rest::Busy,
            State::Checkout => self.checkout.as_ref().map_or(Rest::Asking, |checkout| checkout.rest()),
            State::ForWhom | State::Who(_) | State::Choosing | State::Review | State::HandOff(_) => Rest::Asking,
        }
    }

    /// The end of a wait or a countdown of its own.
    pub fn deadline(&self, till: &Till, kiosk: &Kiosk) -> Option<Tick> {
        match &self.state {
            State::Who(who) => who.deadline(),
            State::Quoting { until, .. } => Some(*until),
            State::Checkout => self.checkout.as_ref()?.deadline(till, kiosk),
            State::ForWhom | State::Choosing | State::Review | State::HandOff(_) => None,
        }
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        if let Some(patient) = &mut self.patient {
            identify::forget(patient);
        }
    }
}

/// The order with its claim number.
fn new_order(visit: Uuid, patient: &Patient, priced: &Priced, kiosk: &mut Kiosk) -> Order {
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
        visit,
        made_at: kiosk.wall(),
        language: kiosk.language,
        patient: patient.number.clone(),
        patient_ref: patient.server_ref.clone(),
        act,
    };
    Order { request, receipt, amount: priced.total }
}

fn is_unquoted(item: &OrderItem, kiosk: &Kiosk) -> bool {
    let price = kiosk.facility.document(&item.code).map(|document| &document.price);
    item.pages.is_none() && matches!(price, Some(Price::ByPage { .. }))
}
