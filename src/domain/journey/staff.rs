//! The staff area: behind a staff number and a PIN, and the machine is closed to patients while it is open.
//!
//! ```text
//! long press ─▶ Door ─right─▶ Home ─┬─▶ Payments ─▶ Payment ─▶ Choice (evidence, way back of the money) ─▶ PIN again ─▶ Payment
//!                                  ├─▶ Queue ─▶ Request (send again, or close: how is it known) ─▶ Queue
//!                                  └─▶ Trouble: why the machine is closed
//! ```
//! Money: nothing here moves any; an order leaves after its audit line is durable, and the till obeys its own rules.
//! Paper: a slip for the cashier, cleared like a patient's when staff leave.

mod act;
mod door;
mod known;
mod queue;
mod screens;
mod trouble;

use super::{Flow, Rest};
use crate::domain::attempt::PaymentState;
use crate::domain::moment::Tick;
use crate::domain::order::{StaffAnswer, StaffOrder, StaffRefusal};
use crate::domain::payment::PaymentRecord;
use crate::domain::person::{Insider, Role, Who};
use crate::domain::screen::Tap;
use crate::domain::screen::staff::{ChoiceOf, ParkedDone, RequestQuestion, StaffResult, StaffTap};
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::staff::{Evidence, Gate, Parked, Pin, StaffAct, StaffCommand, StaffLists, StaffReply};
use crate::domain::terminal::UndoWay;
pub(crate) use act::Act;
use door::{Again, Confirmed, Door};
use uuid::Uuid;

/// Without a touch; then the usual "Are you still here?".
const IDLE_MS: u64 = 120_000;

pub struct Staff {
    /// Answers of an earlier visit are not for this one.
    visit: Uuid,
    /// Who is inside.
    insider: Option<Insider>,
    page: Page,
    /// `None`: they could not be read.
    lists: Option<Box<StaffLists>>,
    /// Parked requests that were acted on since the queue was last looked at.
    done: Vec<(Uuid, ParkedDone)>,
    /// The last press in the queue could not be written down.
    not_kept: bool,
}

enum Page {
    Door(Door),
    Home,
    Payments {
        paid: bool,
    },
    Payment(Box<Opened>),
    Choice {
        opened: Box<Opened>,
        what: ChoiceOf,
        chosen: Option<u8>,
    },
    /// Money moves, or is written off: only for whoever knows the PIN still.
    Again {
        opened: Box<Opened>,
        what: ChoiceOf,
        chosen: u8,
        again: Again,
    },
    Queue,
    Request {
        parked: Box<Parked>,
        asked: RequestQuestion,
        chosen: Option<u8>,
    },
    Trouble,
}

/// A payment that staff look at; it stays on the screen when it leaves the list.
#[derive(Clone)]
struct Opened {
    /// It was opened from the list of what was paid.
    paid: bool,
    record: PaymentRecord,
    result: Option<StaffResult>,
    /// The order whose answer is awaited, and how the audit calls it.
    ordered: Option<Uuid>,
}

impl Staff {
    #[must_use]
    pub fn new(kiosk: &mut Kiosk) -> Self {
        let visit = kiosk.now.fresh_id("staff");
        kiosk.emit(Effect::StaffArea { visit, command: StaffCommand::Knock });
        let page = Page::Door(Door::new(Pin::default()));
        Self { visit, insider: None, page, lists: None, done: Vec::new(), not_kept: false }
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        self.not_kept = false;
        match &mut self.page {
            Page::Door(door) => door.tap(tap, self.visit, kiosk),
            Page::Home => self.tap_home(tap, kiosk),
            Page::Payments { paid } => {
                let paid = *paid;
                self.tap_payments(paid, tap, kiosk);
                Flow::Stay
            }
            Page::Payment(_) => self.tap_payment(tap, kiosk),
            Page::Choice { .. } => self.tap_choice(tap),
            Page::Again { .. } => self.tap_again(tap, kiosk),
            Page::Queue => self.tap_queue(tap, kiosk),
            Page::Request { .. } => self.tap_request(tap, kiosk),
            Page::Trouble => self.tap_trouble(tap, kiosk),
        }
    }

    fn tap_home(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if matches!(tap, Tap::Back | Tap::Finish) {
            return Flow::End;
        } else if tap == Tap::Staff(StaffTap::Payments) {
            self.open(Page::Payments { paid: false }, kiosk);
        } else if tap == Tap::Staff(StaffTap::PaidToday) {
            self.open(Page::Payments { paid: true }, kiosk);
        } else if tap == Tap::Staff(StaffTap::Queue) {
            self.open(Page::Queue, kiosk);
        } else if tap == Tap::Staff(StaffTap::Trouble) && kiosk.told_to_staff().is_some() {
            self.open(Page::Trouble, kiosk);
        }
        Flow::Stay
    }

    fn tap_payments(&mut self, paid: bool, tap: Tap, kiosk: &mut Kiosk) {
        if let Tap::Row(row) = tap {
            if let Some(record) = self.payments(paid).get(usize::from(row)).cloned() {
                self.open(Page::Payment(Box::new(Opened { paid, record, result: None, ordered: None })), kiosk);
            }
        } else if tap == Tap::Back {
            self.open(Page::Home, kiosk);
        } else if tap == Tap::TryAgain {
            self.look(kiosk);
        }
    }

    fn payments(&self, paid: bool) -> &[PaymentRecord] {
        match &self.lists {
            Some(lists) if paid => &lists.paid,
            Some(lists) => &lists.payments,
            None => &[],
        }
    }

    fn tap_payment(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        let Page::Payment(opened) = &self.page else { return Flow::Stay };
        if tap == Tap::Back {
            let paid = opened.paid;
            self.open(Page::Payments { paid }, kiosk);
            return Flow::Stay;
        }
        let Tap::Staff(tap) = tap else { return Flow::Stay };
        let choice = match tap {
            StaffTap::Ask if opened.may_ask() => {
                self.order(StaffAct::Ask, StaffOrder::Ask, kiosk);
                None
            }
            StaffTap::PrintSlip if kiosk.can_print_again() && kiosk.cannot_print().is_none() => {
                self.order_slip(kiosk);
                None
            }
            StaffTap::MarkPaid => opened.may_settle().then_some(ChoiceOf::PaidEvidence),
            StaffTap::MarkNotPaid => opened.may_settle().then_some(ChoiceOf::NotPaidEvidence),
            StaffTap::GiveBack => opened.may_give_back().then_some(ChoiceOf::GiveBackWay),
            StaffTap::Ask
            | StaffTap::PrintSlip
            | StaffTap::Enter
            | StaffTap::Payments
            | StaffTap::PaidToday
            | StaffTap::Queue
            | StaffTap::Trouble
            | StaffTap::AcceptClock
            | StaffTap::OpenPayments => None,
        };
        if let Some(what) = choice {
            self.page = Page::Choice { opened: opened.clone(), what, chosen: None };
        }
        Flow::Stay
    }

    fn tap_choice(&mut self, tap: Tap) -> Flow {
        let Page::Choice { opened, what, chosen } = &mut self.page else { return Flow::Stay };
        if let Tap::Row(row) = tap {
            *chosen = (usize::from(row) < what.count()).then_some(row);
        } else if tap == Tap::Back {
            self.page = Page::Payment(opened.clone());
        } else if let (Tap::Next, Some(chosen), Some(insider)) = (tap, *chosen, self.insider) {
            let (opened, what, again) = (opened.clone(), *what, Again::new(insider.number));
            self.page = Page::Again { opened, what, chosen, again };
        }
        Flow::Stay
    }

    fn tap_again(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        let Page::Again { opened, what, chosen, again } = &mut self.page else { return Flow::Stay };
        match again.tap(tap, self.visit, kiosk) {
            Confirmed::ShutOut => return Flow::End,
            Confirmed::Back => {
                self.page = Page::Choice { opened: opened.clone(), what: *what, chosen: Some(*chosen) };
            }
            Confirmed::NotYet | Confirmed::Yes => {}
        }
        Flow::Stay
    }

    /// The PIN was right: the order leaves.
    fn confirmed(&mut self, said: Gate, kiosk: &mut Kiosk) {
        let Page::Again { what, chosen, again, .. } = &mut self.page else { return };
        if let Confirmed::Yes = again.told(said, kiosk) {
            let (act, wanted) = ordered(*what, *chosen);
            self.order(act, wanted, kiosk);
        }
    }

    const fn opened(&self) -> Option<&Opened> {
        match &self.page {
            Page::Payment(opened) | Page::Choice { opened, .. } | Page::Again { opened, .. } => Some(opened),
            Page::Door(_) | Page::Home | Page::Payments { .. } | Page::Queue | Page::Request { .. } | Page::Trouble => {
                None
            }
        }
    }

    fn who(&self) -> Who {
        self.insider.map_or(Who::Stranger, |insider| Who::Staff(insider.number))
    }

    fn may(&self, role: Role) -> bool {
        self.insider.is_some_and(|insider| insider.role == role || insider.role == Role::Technician)
    }

    /// Every page shows what is true now.
    fn open(&mut self, page: Page, kiosk: &mut Kiosk) {
        self.page = page;
        self.look(kiosk);
    }

    fn look(&self, kiosk: &mut Kiosk) {
        kiosk.emit(Effect::StaffArea { visit: self.visit, command: StaffCommand::Look });
    }

    pub fn told(&mut self, visit: Uuid, reply: StaffReply, kiosk: &mut Kiosk) {
        if visit != self.visit {
            return;
        }
        match reply {
            StaffReply::Gate(said) => self.gate(said, kiosk),
            StaffReply::Lists(lists) => self.listed(Some(lists)),
            StaffReply::NoLists => self.listed(None),
            StaffReply::Retried(done) | StaffReply::Closed(done) => {
                // Nothing was done: no row may go on saying so.
                if !done {
                    self.done.clear();
                }
                self.look(kiosk);
            }
        }
    }

    fn gate(&mut self, said: Gate, kiosk: &mut Kiosk) {
        let Page::Door(door) = &mut self.page else { return self.confirmed(said, kiosk) };
        if let Some(insider) = door.told(said, kiosk) {
            self.insider = Some(insider);
            self.look(kiosk);
        }
    }

    /// The first lists open the door: no page is shown half empty.
    fn listed(&mut self, lists: Option<Box<StaffLists>>) {
        self.lists = lists;
        if let Page::Door(door) = &self.page
            && door.asked.is_open()
        {
            self.page = Page::Home;
        }
        if let Page::Payment(opened) | Page::Choice { opened, .. } | Page::Again { opened, .. } = &mut self.page {
            let mut listed = self.lists.iter().flat_map(|lists| lists.payments.iter().chain(&lists.paid));
            if let Some(record) = listed.find(|record| record.attempt == opened.record.attempt) {
                opened.record = record.clone();
            }
        }
        self.leave_request_that_went();
    }

    /// What became of an order of this visit.
    pub fn answered(&mut self, order_id: Uuid, answer: &StaffAnswer, kiosk: &mut Kiosk) {
        let (Page::Payment(opened) | Page::Choice { opened, .. } | Page::Again { opened, .. }) = &mut self.page else {
            return;
        };
        if opened.ordered != Some(order_id) {
            return;
        }
        opened.result = Some(result(answer));
        if *answer == StaffAnswer::Begun {
            return;
        }
        opened.ordered = None;
        self.look(kiosk);
    }

    /// A payment came to its end, whoever looked at it: the lists have changed.
    pub fn news(&self, kiosk: &mut Kiosk) {
        if !self.is_at_the_door() {
            self.look(kiosk);
        }
    }

    /// The audit line could not be written: nothing was done.
    pub fn not_kept(&mut self) {
        self.not_kept = true;
        if let Page::Payment(opened) | Page::Choice { opened, .. } | Page::Again { opened, .. } = &mut self.page {
            opened.result = Some(StaffResult::Refused(StaffRefusal::CannotRecord));
            self.page = Page::Payment(opened.clone());
        } else if let Page::Request { .. } = self.page {
            self.page = Page::Queue;
        }
    }

    pub fn time(&mut self, kiosk: &Kiosk) {
        match &mut self.page {
            Page::Door(door) => door.time(kiosk),
            Page::Again { again, .. } => again.time(kiosk),
            _others => {}
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        match &self.page {
            Page::Door(door) => door.asked.deadline(),
            Page::Again { again, .. } => again.asked.deadline(),
            _others => None,
        }
    }

    pub fn rest(&self) -> Rest {
        if self.deadline().is_some() { Rest::Busy } else { Rest::Asking }
    }

    /// At the door the patient's time holds: anybody may have pressed there.
    pub fn idle_ms(&self) -> Option<u64> {
        (!self.is_at_the_door()).then_some(IDLE_MS)
    }

    const fn is_at_the_door(&self) -> bool {
        matches!(self.page, Page::Door(_))
    }
}

impl Opened {
    fn is_running(&self) -> bool {
        self.result == Some(StaffResult::Running)
    }

    fn may_settle(&self) -> bool {
        let ended = matches!(
            self.result,
            Some(StaffResult::Paid | StaffResult::NotPaid | StaffResult::GivenBack | StaffResult::NotGivenBack)
        );
        self.record.needs_staff() && !self.is_running() && !ended
    }

    /// No terminal can be asked what became of an undo.
    fn may_ask(&self) -> bool {
        self.record.state == PaymentState::NeedsStaff && !self.record.undo_in_doubt() && self.may_settle()
    }

    /// Only what the terminal said it approved can be undone by its numbers; the till knows the rest of the rules.
    fn may_give_back(&self) -> bool {
        let paid = self.record.state.is_paid();
        let stands = self.may_settle() || (paid && !self.is_running() && self.result != Some(StaffResult::GivenBack));
        stands && self.record.transaction.as_ref().is_some_and(|transaction| transaction.approved)
    }
}

fn ordered(what: ChoiceOf, chosen: u8) -> (StaffAct, StaffOrder) {
    let evidence = || {
        let known = Evidence::ALL.get(usize::from(chosen)).copied().unwrap_or(Evidence::PatientShowed);
        known.words().to_owned()
    };
    match what {
        ChoiceOf::PaidEvidence => (StaffAct::MarkPaid, StaffOrder::Settle { paid: true, evidence: evidence() }),
        ChoiceOf::NotPaidEvidence => (StaffAct::MarkNotPaid, StaffOrder::Settle { paid: false, evidence: evidence() }),
        ChoiceOf::GiveBackWay => {
            let way = if chosen == 0 { UndoWay::WithoutCard } else { UndoWay::WithCard };
            (StaffAct::GiveBack, StaffOrder::Cancel { way })
        }
    }
}

const fn result(answer: &StaffAnswer) -> StaffResult {
    match answer {
        StaffAnswer::Begun => StaffResult::Running,
        StaffAnswer::Paid => StaffResult::Paid,
        StaffAnswer::NotPaid => StaffResult::NotPaid,
        StaffAnswer::Reversed => StaffResult::GivenBack,
        StaffAnswer::NotReversed { .. } => StaffResult::NotGivenBack,
        // Receipts and ends of day are ordered by command only, and leave the payment as it is.
        StaffAnswer::StillOpen { .. }
        | StaffAnswer::Printed
        | StaffAnswer::NotPrinted
        | StaffAnswer::DayEnded { .. } => StaffResult::StillUnknown,
        StaffAnswer::Refused(refusal) => StaffResult::Refused(*refusal),
    }
}
