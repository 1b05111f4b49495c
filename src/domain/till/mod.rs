//! The till: one payment at a time, from the order to `Paid`, `NotPaid`, or the staff list. It belongs to the machine,
//! not to a patient: what is in doubt stays here when the patient has gone, and after a restart.
//!
//! ```text
//! Free ─▶ Preparing ─Prepared─▶ Charging ─▶ Free     nothing is in the journal, and none moved, up to `Prepared`
//!   │         └───────────────▶ Undoing ──▶ Free     on staff's order
//!   └─────────────────────────▶ EndOfDay ─▶ Free     on staff's order
//! ```
//! Each of the three is one money operation ([`operation`]); what the journal and the terminal told is in [`books`]; all that
//! the till has to say leaves as [`TillEvent`]s.

mod books;
mod charge;
mod end_of_day;
mod event;
mod operation;
mod orders;
mod report;
pub mod resolve;
mod restart;
mod undo;
mod watch;

use crate::domain::payment::PaymentRecord;
pub use event::{End, News, TillEvent};
pub use watch::{Doubt, Watched};

use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction};
use crate::domain::limits::PREPARE_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::order::{StaffAnswer, StaffRefusal};
use crate::domain::outbox::Request;
use crate::domain::paper::Receipt;
use crate::domain::payment::Entry;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, StrayedUndo};
use crate::domain::terminal::TerminalCommand;
use crate::domain::zone::Zone;
use books::{Books, Closed};
use charge::Charge;
use chrono::{DateTime, FixedOffset, NaiveDate};
use end_of_day::EndOfDay;
use operation::Untold;
use std::collections::VecDeque;
use undo::{Undo, UndoOrder};
use uuid::Uuid;

#[derive(Default)]
pub struct Till {
    work: Work,
    /// After a restart: taken up one after the other.
    waiting: VecDeque<Work>,
    books: Books,
    /// The last undo in doubt: its answer may still come.
    late_undo: Option<Box<Undo>>,
    /// What the journal must still be told about an attempt that is over.
    untold: Untold,
    /// A patient stands there and watches.
    watched: bool,
    events: Vec<TillEvent>,
}

/// What the terminal is at work on. One at a time.
#[derive(Default)]
enum Work {
    #[default]
    Free,
    Preparing(Preparing),
    Charging(Box<Charge>),
    Undoing(Box<Undo>),
    EndOfDay(EndOfDay),
}

/// What is to be paid: the request and the receipt as they will be, but for the card.
#[derive(Debug, Clone)]
pub struct Order {
    pub request: Request,
    pub receipt: Receipt,
    pub amount: Amount,
}

/// The terminal gets ready. Nothing is in the journal.
struct Preparing {
    what: For,
    until: Tick,
    /// A card is in it that must come out first.
    old_card: bool,
}

enum For {
    /// `day`: that the number is of.
    Charge {
        order: Box<Order>,
        number: String,
        day: NaiveDate,
    },
    Undo {
        undo: AttemptId,
        order: UndoOrder,
        order_id: Uuid,
    },
}

/// How the till goes on from what is durable now.
#[derive(Debug)]
pub enum Kept {
    /// What it is at work on.
    Work,
    /// The same, and whoever gave this order hears that the terminal is asked.
    AskAgain(Uuid),
    /// What staff found out about an undo.
    UndoSettled { order_id: Uuid, undo: AttemptId, of: AttemptId, answer: StaffAnswer },
    /// Of something that is over.
    Told,
}

/// How it goes on without. Nothing of what was to follow has happened.
#[derive(Debug)]
pub enum NotKept {
    Work,
    /// Nothing of this staff order was done, and it may be given again.
    Order(Uuid),
    Told(Entry),
}

impl Till {
    /// Any payment, being made, in doubt or not yet written down, or the end of the terminal's day: no other is taken.
    pub const fn is_open(&self) -> bool {
        !matches!(self.work, Work::Free)
    }

    /// No payment begins while another one is open.
    pub fn may_begin(&self, kiosk: &Kiosk) -> bool {
        !self.is_open() && kiosk.set_aside.is_none()
    }

    /// Makes the terminal ready. The number is durable.
    pub fn begin(&mut self, order: Order, number: String, kiosk: &mut Kiosk) {
        kiosk.devices.card_in = false;
        self.watched = true;
        let (order, day) = (Box::new(order), kiosk.today());
        self.prepare(For::Charge { order, number, day }, kiosk);
    }

    fn prepare(&mut self, what: For, kiosk: &mut Kiosk) {
        let until = kiosk.tick().plus_ms(PREPARE_LIMIT_MS);
        self.work = Work::Preparing(Preparing { what, until, old_card: false });
        kiosk.emit(Effect::Terminal(TerminalCommand::Prepare));
    }

    /// The patient does not watch any more; the payment goes on to its end.
    pub const fn unwatch(&mut self) {
        self.watched = false;
    }

    const fn books(&self) -> &Books {
        &self.books
    }

    /// On staff's order: no patient watches it.
    fn begin_work(&mut self, work: Work) {
        self.watched = false;
        self.work = work;
    }

    /// Takes up the open payments; they are worked on by [`Till::time`], the first at once.
    pub fn recover(&mut self, open: Vec<PaymentRecord>, kiosk: &Kiosk) {
        self.watched = false;
        self.waiting.extend(restart::recover(open, &self.books, kiosk));
        self.take_next();
    }

    /// What the patient who stands there may see of the payment being made.
    #[must_use]
    pub fn watch(&self) -> Watched<'_> {
        self.work.watch()
    }

    /// The doubt about the watched payment, if there is one.
    #[must_use]
    pub fn watched_doubt(&self) -> Option<Doubt<'_>> {
        self.watched.then(|| self.work.doubt()).flatten()
    }

    fn take_next(&mut self) {
        if !self.is_open()
            && let Some(next) = self.waiting.pop_front()
        {
            self.work = next;
        }
    }

    fn answer(&mut self, order_id: Uuid, answer: StaffAnswer) {
        self.events.push(TillEvent::Answer { order_id, answer });
    }

    pub fn refuse(&mut self, order_id: Uuid, refusal: StaffRefusal) {
        self.answer(order_id, StaffAnswer::Refused(refusal));
    }

    /// All that it has to say since the last time.
    pub fn take_events(&mut self) -> Vec<TillEvent> {
        std::mem::take(&mut self.events)
    }

    /// What the journal knew at start.
    pub fn know(
        &mut self,
        booked: &[(AttemptId, DateTime<FixedOffset>, CardTransaction)],
        began: &[(AttemptId, LastTransaction)],
        strayed: &[StrayedUndo],
        zone: &Zone,
    ) {
        self.books.know_booked(booked, began, zone);
        self.books.know_strayed(strayed, zone);
    }

    /// Nothing was sent: the terminal is not ready, went away before, or the patient does not want to.
    fn not_begun(&mut self, why: NotPaidWhy, refusal: StaffRefusal) {
        let Work::Preparing(_) = self.work else { return };
        let Work::Preparing(Preparing { what, .. }) = std::mem::take(&mut self.work) else { return };
        match what {
            For::Charge { order, number, .. } => self.ended(None, number, order.amount, End::NotPaid(why)),
            For::Undo { order_id, .. } => self.refuse(order_id, refusal),
        }
        self.take_next();
    }

    fn ended(&mut self, attempt: Option<AttemptId>, number: String, amount: Amount, end: End) {
        let news = News { attempt, number, amount, watched: self.watched, end };
        self.events.push(TillEvent::Ended(Box::new(news)));
    }

    /// The last look before money moves: if an earlier attempt at this order turns out to be booked, it is not charged.
    fn prepared(&mut self, baseline: LastTransaction, kiosk: &mut Kiosk) {
        let Work::Preparing(Preparing { what, .. }) = &self.work else { return };
        if matches!(what, For::Charge { .. }) && baseline == LastTransaction::Unknown && self.is_unsettled(kiosk) {
            let words = "it does not tell its last transaction, and a payment of today is not settled";
            kiosk.devices.terminal_not_ready(words.to_owned());
            return self.not_begun(NotPaidWhy::TerminalTrouble, StaffRefusal::TerminalNotReady);
        }
        let Work::Preparing(Preparing { what, .. }) = std::mem::take(&mut self.work) else { return };
        match what {
            For::Charge { order, number, day } => self.charge_unless_booked(*order, (number, day), baseline, kiosk),
            For::Undo { undo, order, order_id } => {
                self.work = Work::Undoing(Box::new(Undo::open(undo, order, order_id, kiosk)));
            }
        }
    }

    fn is_unsettled(&self, kiosk: &Kiosk) -> bool {
        self.books.is_unsettled(kiosk.today(), &kiosk.facility.zone)
    }

    fn charge_unless_booked(
        &mut self,
        order: Order,
        (number, day): (String, NaiveDate),
        baseline: LastTransaction,
        kiosk: &mut Kiosk,
    ) {
        self.books.told_last(&baseline);
        if let Some(entry) = self.books.look_back(&baseline, &kiosk.facility.zone) {
            self.untold.push(entry, kiosk.tick());
        }
        if let Some(Closed { id, number, amount, .. }) = self.books.may_be_charged(order.request.id) {
            self.ended(Some(id), number, amount, End::Staff);
            return self.take_next();
        }
        // Midnight passed, or the clock was set, while the terminal got ready: that day may give this number once more.
        let number = if day == kiosk.today() { number } else { kiosk.next_attempt() };
        self.work = Work::Charging(Box::new(Charge::open(order, number, baseline, kiosk)));
    }

    /// Possible until a card was seen. The terminal's own answer still decides.
    pub fn cancel(&mut self, why: NotPaidWhy, kiosk: &mut Kiosk) {
        match &mut self.work {
            Work::Preparing(Preparing { what: For::Charge { .. }, .. }) => {
                self.not_begun(why, StaffRefusal::TerminalNotReady);
            }
            Work::Charging(charge) => charge.call_off(why, kiosk),
            Work::Preparing(_) | Work::Free | Work::Undoing(_) | Work::EndOfDay(_) => {}
        }
    }

    pub fn kept(&mut self, kept: Kept, kiosk: &mut Kiosk) {
        match kept {
            Kept::Work => self.work_kept(kiosk),
            Kept::AskAgain(order_id) => {
                self.answer(order_id, StaffAnswer::Begun);
                self.work_kept(kiosk);
            }
            Kept::UndoSettled { order_id, undo, of, answer } => {
                self.late_undo = None;
                if answer == StaffAnswer::Reversed {
                    self.books.strayed.found_again(undo);
                    self.settled(of);
                } else {
                    self.books.strayed.stands(of);
                }
                self.answer(order_id, answer);
            }
            Kept::Told => {}
        }
    }

    fn work_kept(&mut self, kiosk: &mut Kiosk) {
        match &mut self.work {
            Work::Charging(charge) => {
                let over = charge.kept(&mut self.books, kiosk);
                self.charged(over);
            }
            Work::Undoing(undo) => {
                let over = undo.kept(&mut self.books, kiosk);
                self.undo_over(over);
            }
            Work::EndOfDay(day) => {
                let (order_id, answer) = (day.order_id, day.kept(kiosk));
                self.day_answered(order_id, answer);
            }
            Work::Free | Work::Preparing(_) => {}
        }
    }

    /// What the journal has `refused` it will refuse for ever.
    pub fn not_kept(&mut self, not_kept: NotKept, refused: bool, kiosk: &mut Kiosk) {
        match not_kept {
            NotKept::Work => self.work_not_kept(refused, kiosk),
            NotKept::Order(order_id) => {
                self.work = Work::Free;
                self.refuse(order_id, StaffRefusal::CannotRecord);
            }
            NotKept::Told(_) if refused => {}
            NotKept::Told(entry) => self.untold.try_later(entry, kiosk.tick()),
        }
    }

    fn work_not_kept(&mut self, refused: bool, kiosk: &mut Kiosk) {
        match &mut self.work {
            Work::Charging(charge) => {
                let over = charge.not_kept(refused, kiosk);
                self.charged(over);
            }
            Work::Undoing(undo) => {
                let over = undo.not_kept(refused, kiosk);
                self.undo_over(over);
            }
            Work::EndOfDay(day) => {
                let (order_id, answer) = (day.order_id, day.not_kept());
                self.day_answered(order_id, answer);
            }
            Work::Free | Work::Preparing(_) => {}
        }
    }

    /// What it was at work on is over.
    fn charged(&mut self, over: Option<charge::Over>) {
        let Some(over) = over else { return };
        let Work::Charging(charge) = std::mem::take(&mut self.work) else { return };
        let Charge { id, sale, order_id, .. } = *charge;
        match over {
            charge::Over::NeverBegan => {
                self.ended(None, sale.number, sale.amount, End::NotPaid(NotPaidWhy::CannotRecord));
            }
            charge::Over::Ended(end, answer) => {
                self.events.extend(order_id.map(|order_id| TillEvent::Answer { order_id, answer }));
                match &end {
                    End::Paid { transaction, request, .. } => {
                        if let Some(late) = &mut self.late_undo {
                            late.hears_of(id, request);
                        }
                        self.settled(id);
                        self.books.close_paid(id, transaction);
                    }
                    End::NotPaid(_) => self.books.close_not_paid(id, &sale, order_id.is_some()),
                    End::Staff => self.books.close_with_staff(id, &sale),
                }
                self.ended(Some(id), sale.number, sale.amount, end);
            }
        }
        self.take_next();
    }

    fn undo_over(&mut self, over: Option<undo::Over>) {
        let Some(over) = over else { return };
        let Work::Undoing(undo) = std::mem::take(&mut self.work) else { return };
        let (order_id, of) = (undo.order_id, undo.order.payment.attempt);
        let answer = match over {
            undo::Over::Known(answer) => {
                if answer == StaffAnswer::Reversed {
                    self.settled(of);
                }
                Some(answer)
            }
            undo::Over::InDoubt(answer) => {
                self.late_undo = Some(undo);
                Some(answer)
            }
            undo::Over::LetGo => None,
        };
        self.events.extend(order_id.zip(answer).map(|(order_id, answer)| TillEvent::Answer { order_id, answer }));
        self.take_next();
    }

    fn day_answered(&mut self, order_id: Uuid, answer: StaffAnswer) {
        if answer != StaffAnswer::Begun {
            self.work = Work::Free;
        }
        self.answer(order_id, answer);
        self.take_next();
    }

    /// People know what became of its money: nothing more is told of it.
    fn settled(&mut self, id: AttemptId) {
        self.books.settle(id);
        self.untold.forget(id);
    }

    /// Something is under way, or what was found out about this payment is not written down yet: whoever orders something
    /// about it has not read that, and it would be written over what follows from their order.
    fn is_open_for(&self, id: AttemptId) -> bool {
        self.is_open() || self.untold.has_of(id)
    }

    /// Limits and retries.
    pub fn time(&mut self, kiosk: &mut Kiosk) {
        if let Work::Preparing(preparing) = &self.work
            && kiosk.tick() >= preparing.until
        {
            return self.not_begun(NotPaidWhy::TerminalNotReady, StaffRefusal::TerminalNotReady);
        }
        self.untold.tell(kiosk);
        if kiosk.is_committing() {
            return;
        }
        match &mut self.work {
            Work::Free | Work::Preparing(_) => {}
            Work::Charging(charge) => charge.time(kiosk),
            Work::Undoing(undo) => undo.time(kiosk),
            Work::EndOfDay(day) => day.time(kiosk),
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        let work = match &self.work {
            Work::Free => None,
            Work::Preparing(preparing) => Some(preparing.until),
            Work::Charging(charge) => charge.deadline(),
            Work::Undoing(undo) => undo.deadline(),
            Work::EndOfDay(day) => day.deadline(),
        };
        [self.untold.deadline(), work].into_iter().flatten().min()
    }
}
