//! Documents for oneself.
//!
//! ```text
//! ForWhom ─me─▶ Who ─found─▶ List ─▶ Options* ─▶ Quoting? ─▶ Review ─▶ Consent ─┬ card ─▶ Paying ─▶ RemoveCard? ─▶ Done
//!    └ somebody else ─▶ Sorry (desk)                           ▲                ├ free, or at the desk ─────────▶ Done
//!                                                              │     NotPaid ◀──┤ refused, cancelled, not ready
//!                                                              └─ TryAgain ─┘   └ no proof ─▶ "we are checking" ─▶ DoubtOver
//! ```
//! | state | money | paper |
//! |---|---|---|
//! | up to Consent | none | none |
//! | Paying | with the till, see `pay.rs` | none; a slip when the wait is over |
//! | NotPaid | none moved for this order | none |
//! | DoubtOver | with the till or with staff | slip sent to the printer |
//! | RemoveCard, Done | paid and committed, or none due here; the request is queued | receipt sent to the printer |

mod paying;
mod screens;

use super::pay::{Order, Till};
use super::step::identify::{self, Identified, Identify};
use super::{Flow, Leaving, Rest, arrival};
use crate::domain::document::cart::{self, Cart};
use crate::domain::document::order::{self, Priced};
use crate::domain::document::{OrderItem, Price};
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::patient::{Patient, ScannedCode};
use crate::domain::payment::AttemptId;
use crate::domain::screen::{AtDeskWhy, DoneHow, NotPaidWhy, PayHow, SorryWhy, Tap};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Finished, JourneyKind, Outcome, Question, Reply};
use uuid::Uuid;

#[derive(Clone)]
pub struct Documents {
    visit: Uuid,
    state: State,
    patient: Option<Box<Patient>>,
    cart: Cart,
    /// Made at the first "I agree" and kept over every new try to pay: one request, one claim number.
    order: Option<Box<Order>>,
    priced: Option<Box<Priced>>,
    how: PayHow,
    pay_tries: u32,
    /// The attempt whose receipt the done screen is about.
    paid_by: Option<AttemptId>,
    finished: bool,
}

#[derive(Clone)]
enum State {
    ForWhom,
    Who(Identify),
    List {
        page: u8,
    },
    /// Copies and language of this item of the cart.
    Options {
        item: usize,
    },
    Quoting {
        until: Tick,
        waiting: Vec<String>,
    },
    Review,
    Consent,
    Paying,
    RemoveCard {
        until: Tick,
        then: After,
    },
    NotPaid(NotPaidWhy),
    DoubtOver {
        amount: Amount,
        number: String,
    },
    Done {
        how: DoneHow,
        again: bool,
    },
    Sorry {
        why: SorryWhy,
        retry: bool,
    },
}

/// What is shown when the card is out.
#[derive(Clone)]
enum After {
    Done(DoneHow),
    NotPaid(NotPaidWhy),
}

impl Documents {
    pub fn new(kiosk: &mut Kiosk) -> Self {
        let mut journey = Self {
            visit: kiosk.now.fresh_id("visit"),
            state: State::ForWhom,
            patient: None,
            cart: Cart::default(),
            order: None,
            priced: None,
            how: PayHow::Free,
            pay_tries: 0,
            paid_by: None,
            finished: false,
        };
        if !kiosk.facility.documents.iter().any(cart::is_orderable) {
            journey.sorry(SorryWhy::NothingOrderable, false, kiosk);
        }
        journey
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        match &mut self.state {
            State::ForWhom => self.tap_for_whom(tap, kiosk),
            State::Who(who) => {
                let found = who.tap(tap, kiosk);
                self.identified(found, kiosk);
                Flow::Stay
            }
            State::List { page } => {
                let page = *page;
                self.tap_list(tap, page, kiosk, till)
            }
            State::Options { item } => {
                let item = *item;
                self.tap_options(tap, item, kiosk, till)
            }
            State::Quoting { .. } => self.tap_quoting(tap),
            State::Review => self.tap_review(tap),
            State::Consent => self.tap_consent(tap, kiosk, till),
            State::Paying => self.tap_paying(tap, kiosk, till),
            State::RemoveCard { .. } => Flow::Stay,
            State::NotPaid(_) => self.tap_not_paid(tap, kiosk, till),
            State::DoubtOver { .. } => end_on(tap),
            State::Done { .. } => self.tap_done(tap, kiosk),
            State::Sorry { retry, .. } => {
                let retry = *retry;
                self.tap_sorry(tap, retry)
            }
        }
    }

    fn tap_for_whom(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if tap == Tap::ForMe {
            self.state = State::Who(Identify::new());
        } else if tap == Tap::ForSomebodyElse {
            self.sorry(SorryWhy::SomebodyElse, false, kiosk);
        } else if tap == Tap::Back {
            return Flow::Home;
        }
        Flow::Stay
    }

    fn tap_list(&mut self, tap: Tap, page: u8, kiosk: &mut Kiosk, till: &Till) -> Flow {
        if let Tap::Row(row) = tap {
            let code = cart::page(&kiosk.facility, page).nth(usize::from(row)).map(|document| document.code.clone());
            if let Some(code) = code {
                self.cart.toggle(&code, &kiosk.facility, kiosk.language);
            }
        } else if tap == Tap::PageUp {
            self.state = State::List { page: page.saturating_sub(1) };
        } else if tap == Tap::PageDown {
            let last = cart::page_count(&kiosk.facility) - 1;
            self.state = State::List { page: page.saturating_add(1).min(last) };
        } else if tap == Tap::Back {
            return Flow::Home;
        } else if tap == Tap::Next && !self.cart.items.is_empty() {
            self.options_from(0, kiosk, till);
        }
        Flow::Stay
    }

    /// The next item that has something to choose, else on to the price.
    fn options_from(&mut self, from: usize, kiosk: &mut Kiosk, till: &Till) {
        match (from..self.cart.items.len()).find(|item| self.has_options(*item, kiosk)) {
            Some(item) => self.state = State::Options { item },
            None => self.quote(kiosk, till),
        }
    }

    fn has_options(&self, item: usize, kiosk: &Kiosk) -> bool {
        let document = self.cart.items.get(item).and_then(|item| kiosk.facility.document(&item.code));
        document.is_some_and(cart::has_options)
    }

    fn tap_options(&mut self, tap: Tap, at: usize, kiosk: &mut Kiosk, till: &Till) -> Flow {
        if tap == Tap::Next {
            self.options_from(at + 1, kiosk, till);
        } else if tap == Tap::Back {
            let before = (0..at).rev().find(|item| self.has_options(*item, kiosk));
            self.state = before.map_or(State::List { page: 0 }, |item| State::Options { item });
        } else if let Some(item) = self.cart.items.get_mut(at) {
            change(item, tap, kiosk);
        }
        Flow::Stay
    }

    /// Asks the hospital for the pages of whatever is priced by page, then shows the price.
    fn quote(&mut self, kiosk: &mut Kiosk, till: &Till) {
        self.order = None;
        let Some(patient) = self.patient.clone().filter(|_| !self.is_offline(kiosk)) else {
            self.review(kiosk, till);
            return;
        };
        let unknown: Vec<OrderItem> = self.cart.items.iter().filter(|item| is_unquoted(item, kiosk)).cloned().collect();
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

    fn is_offline(&self, kiosk: &Kiosk) -> bool {
        kiosk.hospital_is_away() || self.patient.as_ref().is_some_and(|patient| patient.offline)
    }

    fn tap_quoting(&mut self, tap: Tap) -> Flow {
        if tap == Tap::Back {
            self.state = State::List { page: 0 };
        }
        Flow::Stay
    }

    fn review(&mut self, kiosk: &Kiosk, till: &Till) {
        let priced = order::price(&kiosk.facility, &self.cart.items, kiosk.wall());
        self.how = self.how_to_pay(&priced, kiosk, till);
        self.priced = Some(Box::new(priced));
        self.state = State::Review;
    }

    /// Card only when everything about it is certain now; else the desk, and why.
    fn how_to_pay(&self, priced: &Priced, kiosk: &Kiosk, till: &Till) -> PayHow {
        let rules = &kiosk.facility.payment;
        let offline = self.is_offline(kiosk);
        if priced.has_unpriced() {
            // Known from the cache, with the hospital there: its answer could not be read, or came too late.
            PayHow::AtDesk(if kiosk.hospital_is_away() { AtDeskWhy::Offline } else { AtDeskWhy::NoQuote })
        } else if priced.total <= Amount::ZERO {
            PayHow::Free
        } else if offline && !rules.offline_fixed_price {
            PayHow::AtDesk(AtDeskWhy::Offline)
        } else if rules.signature_limit.is_some_and(|limit| priced.total > limit) {
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

    fn tap_review(&mut self, tap: Tap) -> Flow {
        if tap == Tap::Next {
            self.state = State::Consent;
        } else if tap == Tap::Back {
            self.state = State::List { page: 0 };
        }
        Flow::Stay
    }

    fn tap_sorry(&mut self, tap: Tap, retry: bool) -> Flow {
        if tap == Tap::TryAgain && retry {
            let again = if self.patient.is_some() { State::List { page: 0 } } else { State::Who(Identify::new()) };
            self.state = again;
        } else if tap == Tap::Back {
            return Flow::Home;
        }
        end_on(tap)
    }

    pub fn scanned(&mut self, code: &ScannedCode, kiosk: &Kiosk) {
        if let State::Who(who) = &mut self.state {
            who.scanned(code, kiosk);
        }
    }

    pub fn reply(&mut self, reply: Reply, kiosk: &mut Kiosk, till: &Till) {
        if let State::Who(who) = &mut self.state {
            let found = who.reply(reply, kiosk);
            self.identified(found, kiosk);
            return;
        }
        match reply {
            Reply::Quoted { code, pages } => {
                self.cart.set_pages(&code, pages);
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
                    self.sorry(SorryWhy::UnderAge, false, kiosk);
                } else {
                    self.patient = Some(patient);
                    self.state = State::List { page: 0 };
                }
            }
            Identified::Sorry { why, retry } => self.sorry(why, retry, kiosk),
        }
    }

    fn sorry(&mut self, why: SorryWhy, retry: bool, kiosk: &mut Kiosk) {
        self.state = State::Sorry { why, retry };
        if !retry {
            self.finish(Outcome::HandedOff, Amount::ZERO, kiosk);
        }
    }

    /// The first end is that of the journey; what becomes of it later is another line of kind `unfinished`.
    fn finish(&mut self, outcome: Outcome, charged: Amount, kiosk: &mut Kiosk) {
        let kind = if self.finished { JourneyKind::Unfinished } else { JourneyKind::Documents };
        self.finished = true;
        let made = match outcome {
            Outcome::Paid | Outcome::RequestedUnpaid | Outcome::InDoubt => self.order.as_ref(),
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
            (State::NotPaid(_) | State::RemoveCard { then: After::NotPaid(_), .. }, _) => Outcome::NotPaid,
            (State::Sorry { .. }, _) => Outcome::HandedOff,
            (_, Leaving::ByPatient) => Outcome::Cancelled,
            (_, Leaving::TimedOut) => Outcome::TimedOut,
        };
        self.finish(outcome, Amount::ZERO, kiosk);
    }

    pub fn time(&mut self, kiosk: &mut Kiosk, till: &mut Till) {
        let now = kiosk.tick();
        match &mut self.state {
            State::Who(who) => {
                let found = who.time(kiosk);
                self.identified(found, kiosk);
            }
            State::Quoting { until, .. } if now >= *until => self.review(kiosk, till),
            State::Paying => self.doubt_time(kiosk, till),
            State::RemoveCard { until, .. } if now >= *until || !kiosk.devices.card_in => self.card_is_out(),
            State::ForWhom
            | State::List { .. }
            | State::Options { .. }
            | State::Quoting { .. }
            | State::Review
            | State::Consent
            | State::RemoveCard { .. }
            | State::NotPaid(_)
            | State::DoubtOver { .. }
            | State::Done { .. }
            | State::Sorry { .. } => {}
        }
    }

    /// The request could not be written down: nothing was ordered and nothing is owed.
    pub fn queue_failed(&mut self) {
        self.state = State::Sorry { why: SorryWhy::CannotRecord, retry: true };
    }

    /// Who, which, price, pay, done.
    pub fn step(&self) -> Option<(u8, u8)> {
        match &self.state {
            State::ForWhom | State::Who(_) => Some((1, 5)),
            State::List { .. } | State::Options { .. } | State::Quoting { .. } => Some((2, 5)),
            State::Review | State::Consent => Some((3, 5)),
            State::Paying | State::RemoveCard { .. } => Some((4, 5)),
            State::Done { .. } => Some((5, 5)),
            State::NotPaid(_) | State::DoubtOver { .. } | State::Sorry { .. } => None,
        }
    }

    pub fn rest(&self) -> Rest {
        match &self.state {
            State::Who(who) if who.deadline().is_some() => Rest::Busy,
            State::Quoting { .. } | State::Paying | State::RemoveCard { .. } => Rest::Busy,
            State::DoubtOver { .. } | State::Done { .. } => Rest::Done,
            State::ForWhom
            | State::Who(_)
            | State::List { .. }
            | State::Options { .. }
            | State::Review
            | State::Consent
            | State::NotPaid(_)
            | State::Sorry { .. } => Rest::Asking,
        }
    }

    /// A payment was asked for, whatever became of it.
    pub fn is_past_paying(&self) -> bool {
        self.is_paying() || matches!(self.state, State::NotPaid(_) | State::DoubtOver { .. })
    }

    /// Money is moving or may be: the visit cannot be started over.
    pub fn is_paying(&self) -> bool {
        matches!(self.state, State::Paying | State::RemoveCard { .. })
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        if let Some(patient) = &mut self.patient {
            identify::forget(patient);
        }
    }
}

fn end_on(tap: Tap) -> Flow {
    if tap == Tap::Finish { Flow::End } else { Flow::Stay }
}

fn is_unquoted(item: &OrderItem, kiosk: &Kiosk) -> bool {
    let price = kiosk.facility.document(&item.code).map(|document| &document.price);
    item.pages.is_none() && matches!(price, Some(Price::ByPage { .. }))
}

fn change(item: &mut OrderItem, tap: Tap, kiosk: &Kiosk) {
    let Some(document) = kiosk.facility.document(&item.code) else { return };
    if tap == Tap::More {
        item.copies = item.copies.saturating_add(1).min(document.copies_max.max(1));
    } else if tap == Tap::Fewer {
        item.copies = item.copies.saturating_sub(1).max(1);
    } else if let Tap::DocumentLanguage(language) = tap
        && document.languages.contains(&language)
    {
        item.language = language;
    }
}
