//! Taking a payment back, on staff's order. One at a time, and none beside a payment.
//!
//! ```text
//! Opening ─kept─▶ [Undo] Running ─┬ reversed ─▶ [Answered, Reversed]
//!    └ not kept: nothing was sent ├ refused ──▶ [Answered, NotReversed]
//!                                 ├ never sent ▶ [NotReversed]
//!                                 └ no proof ─▶ [InDoubt, NeedsStaff]
//! ```
//! An undo in doubt is never asked about: a last transaction that looks the same says nothing of it. Staff find out; an
//! answer that comes late still counts.
//!
//! With the card there it may be a payment of any day that the journal keeps: the same operation, which belongs to the day
//! on which it happens. Without it a terminal finds sales of its own day only (ZVT 06 30 by a receipt number that begins
//! anew, Smartro `C` 3 and 6 by the merchant's contract).

use super::books::Books;
use super::operation::{Operation, tell};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::limits::ANSWER_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::order::{StaffAnswer, StaffRefusal};
use crate::domain::outbox::{Act, Request};
use crate::domain::payment::{Entry, PaymentRecord};
use crate::domain::reason::StaffReason;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::{Stands, TerminalCommand, UndoAnswer, UndoWay};
use crate::domain::undo::{UndoEntry, UndoState};
use chrono::NaiveDate;
use uuid::Uuid;

pub(super) struct Undo {
    pub id: AttemptId,
    pub order: UndoOrder,
    /// On which it was ordered.
    day: NaiveDate,
    /// Who waits for it.
    pub order_id: Option<Uuid>,
    operation: Operation<Limit, UndoEnd>,
}

/// What is to be given back, and how.
pub(super) struct UndoOrder {
    pub payment: Box<PaymentRecord>,
    pub way: UndoWay,
    pub transaction: Box<CardTransaction>,
}

pub(super) struct Limit(Tick);

#[derive(Clone)]
pub(super) enum UndoEnd {
    Reversed,
    NotReversed {
        reason: String,
    },
    /// Nobody knows: staff find out. `hit_another`: the terminal said that it was another sale.
    Staff {
        reason: String,
        hit_another: bool,
    },
}

/// What the till does about an undo that is over.
pub(super) enum Over {
    /// An answer may still come.
    InDoubt(StaffAnswer),
    Known(StaffAnswer),
    /// The row is as people have left it.
    LetGo,
}

/// How it ended, and what the journal says of it.
struct Known {
    lines: Vec<UndoEntry>,
    end: UndoEnd,
}

impl Undo {
    /// Intent and Sent are durable before the one money command leaves.
    pub fn open(id: AttemptId, order: UndoOrder, order_id: Uuid, kiosk: &mut Kiosk) -> Self {
        let UndoOrder { payment, way, transaction } = &order;
        let intent = UndoEntry::Intent { undo: id, of: payment.attempt, way: *way, transaction: transaction.clone() };
        let operation = Operation::open([intent, UndoEntry::Sent { undo: id }].map(Entry::Undo), kiosk);
        Self { id, order, day: kiosk.today(), order_id: Some(order_id), operation }
    }

    /// After a restart: only what was answered is known; all else that was sent is for staff.
    pub fn taken_up(payment: PaymentRecord, books: &Books, kiosk: &Kiosk) -> Option<Self> {
        let record = payment.undo.clone().filter(|record| record.state.is_open())?;
        let id = record.undo;
        let order =
            UndoOrder { payment: Box::new(payment), way: record.way, transaction: Box::new(record.transaction) };
        let day = kiosk.facility.zone.at(&record.started_at).date_naive();
        let mut undo = Self { id, order, day, order_id: None, operation: Operation::Opening };
        let known = match (record.state, &record.answer) {
            (UndoState::Intent, _) => {
                let reason = "the kiosk stopped before anything was sent".to_owned();
                Known {
                    lines: vec![UndoEntry::NotReversed { undo: id, reason: reason.clone() }],
                    end: UndoEnd::NotReversed { reason },
                }
            }
            (UndoState::Answered, Some(answer)) => undo.told(answer, books, kiosk),
            (
                UndoState::Sent
                | UndoState::Answered
                | UndoState::InDoubt
                | UndoState::Reversed
                | UndoState::NotReversed
                | UndoState::NeedsStaff,
                _,
            ) => unproved(id, "the kiosk stopped after it was sent"),
        };
        let lines = known.lines.into_iter().map(Entry::Undo).collect();
        undo.operation = Operation::known(lines, known.end, kiosk.tick());
        Some(undo)
    }

    /// What is to be done about it, if it is over.
    pub fn kept(&mut self, books: &mut Books, kiosk: &mut Kiosk) -> Option<Over> {
        match &self.operation {
            Operation::Opening => self.send(books, kiosk),
            Operation::Running(_) => {}
            Operation::Ending(ending) => return Some(self.over(ending.end.clone(), books, kiosk)),
        }
        None
    }

    /// `Sent` is durable: the one money command leaves.
    fn send(&mut self, books: &mut Books, kiosk: &mut Kiosk) {
        let card_ms = kiosk.facility.payment.card_ms;
        self.operation = Operation::Running(Limit(kiosk.tick().plus_ms(card_ms).plus_ms(ANSWER_LIMIT_MS)));
        let UndoOrder { payment, way, transaction } = &self.order;
        let (undo, way, transaction) = (self.id, *way, transaction.clone());
        let (is_newest, stands) = (books.is_newest(payment.attempt), self.stands(books, kiosk));
        // Its last transaction may be this undo from now on, told as if it were a sale.
        books.began(undo);
        kiosk.emit(Effect::Terminal(TerminalCommand::Undo { undo, transaction, way, is_newest, stands, card_ms }));
        // Whatever comes of it, the terminal's last transaction may be another one from now on.
        books.supersede();
    }

    fn over(&self, end: UndoEnd, books: &mut Books, kiosk: &Kiosk) -> Over {
        match end {
            UndoEnd::Reversed => {
                books.strayed.found_again(self.id);
                Over::Known(StaffAnswer::Reversed)
            }
            UndoEnd::NotReversed { reason } => Over::Known(StaffAnswer::NotReversed { reason }),
            UndoEnd::Staff { reason, hit_another } => {
                if hit_another || self.order.way == UndoWay::WithoutCard {
                    books.strayed.add(self.id, self.sold(kiosk), self.day);
                }
                Over::InDoubt(StaffAnswer::StillOpen { reason })
            }
        }
    }

    /// The day of the sale.
    fn sold(&self, kiosk: &Kiosk) -> NaiveDate {
        self.order.payment.day(&kiosk.facility.zone)
    }

    fn stands(&self, books: &Books, kiosk: &Kiosk) -> Stands {
        if self.maybe_gone(books, kiosk) {
            Stands::UnlessGone
        } else if self.order.payment.state.is_paid() {
            Stands::Surely
        } else {
            Stands::UnlessNeverBooked
        }
    }

    /// Another undo may have given this sale back.
    fn maybe_gone(&self, books: &Books, kiosk: &Kiosk) -> bool {
        books.strayed.may_have_hit(self.order.payment.attempt, self.sold(kiosk))
    }

    /// What the journal has `refused` it will refuse for ever: then people have to look.
    pub fn not_kept(&mut self, refused: bool, kiosk: &mut Kiosk) -> Option<Over> {
        match &self.operation {
            Operation::Opening => {
                // A write that failed may be there all the same after the next start: then it says so.
                let reason = "the journal could not be written: nothing was sent".to_owned();
                tell(Entry::Undo(UndoEntry::NotReversed { undo: self.id, reason }), kiosk);
                return Some(Over::Known(StaffAnswer::Refused(StaffRefusal::CannotRecord)));
            }
            Operation::Ending(ending) if refused && matches!(ending.end, UndoEnd::Staff { .. }) => {
                return Some(Over::LetGo);
            }
            Operation::Ending(_) | Operation::Running(_) => {}
        }
        if refused {
            let known = unproved(self.id, &StaffReason::Contradiction.to_string());
            self.operation.instead(known.lines.into_iter().map(Entry::Undo).collect(), known.end);
        }
        self.operation.try_later(kiosk.tick());
        None
    }

    /// Also one that staff have by now.
    pub fn answered(&mut self, raw: Vec<u8>, answer: UndoAnswer, books: &Books, kiosk: &mut Kiosk) {
        if self.is_settled() {
            return;
        }
        let undo = self.id;
        let mut known = self.told(&answer, books, kiosk);
        known.lines.insert(0, UndoEntry::Answered { undo, raw, answer });
        self.end(known, kiosk);
    }

    /// What happened is known and only waits to be written down.
    const fn is_settled(&self) -> bool {
        match self.operation.ending() {
            Some(ending) => !matches!(ending.end, UndoEnd::Staff { .. }),
            None => false,
        }
    }

    /// Nothing proves what became of it.
    pub fn no_answer(&mut self, reason: &str, kiosk: &mut Kiosk) {
        if self.operation.running().is_some() {
            self.end(unproved(self.id, reason), kiosk);
        }
    }

    /// Not a byte of it left.
    pub fn never_sent(&mut self, reason: &str, books: &Books, kiosk: &mut Kiosk) {
        if self.operation.running().is_some() {
            let reason = format!("nothing was sent: {reason}");
            self.end(stands_unless(self.maybe_gone(books, kiosk), self.id, reason), kiosk);
        }
    }

    fn end(&mut self, known: Known, kiosk: &mut Kiosk) {
        self.operation.end(known.lines.into_iter().map(Entry::Undo).collect(), known.end, kiosk);
    }

    /// What is being given back turned out to be paid meanwhile: the hospital has its request or will get it, and has to hear
    /// when the money goes back after all.
    pub fn hears_of(&mut self, of: AttemptId, request: &Request) {
        let payment = &mut self.order.payment;
        if payment.attempt == of {
            payment.state = PaymentState::Committed;
            payment.request = request.clone();
        }
    }

    /// Limits and retries.
    pub fn time(&mut self, kiosk: &mut Kiosk) {
        match self.operation.running() {
            Some(Limit(limit)) if kiosk.tick() >= *limit => self.no_answer("no answer within the limit", kiosk),
            Some(_) => {}
            None => self.operation.retry(kiosk),
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        self.operation.running().map(|limit| limit.0).or_else(|| self.operation.retry_at())
    }

    /// What an answer proves. A host that did not answer proves nothing, as with a charge; nor does a refusal once an undo
    /// before is in doubt, for that may have given this sale back.
    fn told(&self, answer: &UndoAnswer, books: &Books, kiosk: &Kiosk) -> Known {
        let (undo, maybe_gone) = (self.id, self.maybe_gone(books, kiosk));
        match answer {
            UndoAnswer::Reversed | UndoAnswer::AlreadyReversed => {
                let cancellation = cancellation(undo, &self.order.payment, kiosk).map(Box::new);
                Known { lines: vec![UndoEntry::Reversed { undo, cancellation }], end: UndoEnd::Reversed }
            }
            UndoAnswer::Refused { code, .. } if kiosk.facility.payment.doubtful_declines.contains(code) => {
                unproved(undo, &format!("refused with {code}, which proves nothing"))
            }
            // It moved other money, or nobody can say which.
            UndoAnswer::Unlike { reason } => in_doubt(undo, reason, true),
            UndoAnswer::Refused { code, message } => {
                let reason = format!("the terminal refused: {code} {message}");
                stands_unless(maybe_gone, undo, reason.trim_end().to_owned())
            }
            UndoAnswer::Withdrawn { reason } => stands_unless(maybe_gone, undo, reason.clone()),
        }
    }
}

/// This undo did nothing. Once another is in doubt, the sale may have been given back by that one.
fn stands_unless(maybe_gone: bool, undo: AttemptId, reason: String) -> Known {
    if maybe_gone {
        return unproved(undo, &format!("{reason}, and what the terminal gave back before is not known"));
    }
    Known { lines: vec![UndoEntry::NotReversed { undo, reason: reason.clone() }], end: UndoEnd::NotReversed { reason } }
}

fn unproved(undo: AttemptId, reason: &str) -> Known {
    in_doubt(undo, reason, false)
}

fn in_doubt(undo: AttemptId, reason: &str, hit_another: bool) -> Known {
    let plain = format!("it is not known whether the money was given back ({reason}): ask the card company");
    let lines =
        vec![UndoEntry::InDoubt { undo, reason: plain.clone() }, UndoEntry::NeedsStaff { undo, reason: plain.clone() }];
    Known { lines, end: UndoEnd::Staff { reason: plain, hit_another } }
}

/// For a hospital that has the request or will get it. The same undo always makes the same one.
pub(super) fn cancellation(undo: AttemptId, payment: &PaymentRecord, kiosk: &Kiosk) -> Option<Request> {
    if !payment.state.is_paid() {
        return None;
    }
    let (claim, currency) = match &payment.request.act {
        Act::Documents { claim, currency, .. } => (claim.clone(), currency.clone()),
        Act::Arrival { .. } | Act::Cancellation { .. } => return None,
    };
    let act = Act::Cancellation {
        of: payment.request.id,
        claim,
        amount: payment.amount,
        currency,
        attempt_number: payment.number.clone(),
    };
    Some(Request { id: Uuid::new_v5(&undo.0, b"cancellation"), made_at: kiosk.wall(), act, ..payment.request.clone() })
}
