//! One charge, from `Intent` to its end.
//!
//! ```text
//! Opening ─kept─▶ [Charge] Presenting ─┬ approved ─▶ [Answered, Committed] ─▶ Paid
//!    └ not kept ─▶ NotPaid             ├ refused ──▶ [Answered, NotPaid] ───▶ NotPaid
//!                                      ├ never sent ▶ [NotPaid] ────────────▶ NotPaid
//!                                      └ no proof ─▶ [InDoubt] ─▶ Doubt, AskOutcome
//! Doubt ─ outcome, or the late answer ─▶ [Committed | NotPaid | NeedsStaff]
//! ```
//! | state | money | paper |
//! |---|---|---|
//! | Opening | none moved | none |
//! | Presenting | may move; `Intent` and `Sent` are durable, the one `Charge` is out | none |
//! | Confirming | moves only if the terminal heard `Confirm`; see [`confirm`] | none |
//! | Doubt | may have moved; the journal says `Sent` or `InDoubt`; nothing is sent that could move any | slip, when the wait is over |
//! | Ending | what happened is known here, the journal still says `Sent` or later | slip, when the wait is over |
//! | over | `Committed`: moved, and the request is queued; `NotPaid`: not moved; `NeedsStaff`: people find out | receipt only after `Committed` |

mod confirm;
mod doubt;
mod judge;

pub(super) use confirm::unconfirmed_late;
pub(super) use doubt::Told;

use super::Order;
use super::books::Books;
use super::event::End;
use super::operation::{Operation, tell};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use crate::domain::limits::ANSWER_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::order::StaffAnswer;
use crate::domain::outbox::Request;
use crate::domain::paper::Receipt;
use crate::domain::payment::Entry;
use crate::domain::reason::StaffReason;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::TerminalCommand;
use chrono::{DateTime, FixedOffset};
use uuid::Uuid;

pub(super) struct Charge {
    pub id: AttemptId,
    pub sale: Sale,
    /// The staff order that had it taken up again.
    pub order_id: Option<Uuid>,
    /// Since when the patient is told "we are checking".
    pub doubt_since: Option<Tick>,
    /// Something suggests that the terminal restarted since: our own power cut, or it went away and came back.
    pub(super) maybe_restarted: bool,
    pub(super) stop: Stop,
    pub(super) operation: Operation<Running, Conclusion>,
}

/// What is charged, and what the terminal told before.
#[derive(Clone)]
pub(super) struct Sale {
    pub number: String,
    pub amount: Amount,
    pub request: Request,
    pub receipt: Receipt,
    pub baseline: LastTransaction,
    pub started_at: DateTime<FixedOffset>,
}

/// What was said against it.
#[derive(Default)]
pub(super) struct Stop {
    /// The patient stopped it, or no card came: the screen has said so, and an approval after that is refused.
    pub called_off: Option<NotPaidWhy>,
    /// `Refuse` was said, or nobody knows what was said: never `Confirm` after it. Why, for the patient.
    pub refused: Option<NotPaidWhy>,
    /// After `Confirm` the terminal said itself that it did not book.
    pub withdrawn: bool,
}

/// What it waits for.
pub(super) enum Running {
    Presenting {
        card_until: Tick,
        limit: Tick,
        card_seen: bool,
    },
    /// `Confirm` is out, or `Refuse` where there is no transaction.
    Confirming {
        transaction: Option<Box<CardTransaction>>,
        limit: Tick,
    },
    /// An approval is being written, that the terminal waits with.
    Approving(Box<CardTransaction>),
    Doubt {
        asks: u32,
        next: Next,
    },
}

/// When the terminal is asked next.
#[derive(Clone, Copy)]
pub(super) enum Next {
    /// Asked; without an outcome by then, asked again.
    Asked {
        limit: Tick,
    },
    At(Tick),
    /// As soon as it answers at all. One that is still away by then may be gone for good, and people must find out.
    WhenOnline {
        until: Tick,
    },
}

#[derive(Clone)]
pub(super) enum Conclusion {
    Paid(Box<CardTransaction>),
    NotPaid(NotPaidWhy),
    Staff(StaffReason),
    Doubt,
}

/// What the till does about a charge that is over.
pub(super) enum Over {
    /// Not a byte of it left.
    NeverBegan,
    /// With the answer to the staff order that had it taken up again.
    Ended(End, StaffAnswer),
}

impl Charge {
    /// Intent and Sent are durable before the one money command leaves.
    pub fn open(order: Order, number: String, baseline: LastTransaction, kiosk: &mut Kiosk) -> Self {
        let id = AttemptId(kiosk.now.fresh_id("attempt"));
        let Order { request, receipt, amount } = order;
        let sale = Sale { number, amount, request, receipt, baseline, started_at: kiosk.wall() };
        let intent = Entry::Intent {
            attempt: id,
            number: sale.number.clone(),
            amount,
            request: Box::new(sale.request.clone()),
            receipt: Box::new(sale.receipt.clone()),
            baseline: sale.baseline.clone(),
        };
        let operation = Operation::open([intent, Entry::Sent { attempt: id }], kiosk);
        Self { id, sale, order_id: None, doubt_since: None, maybe_restarted: false, stop: Stop::default(), operation }
    }

    /// Its lines are durable.
    pub fn kept(&mut self, books: &mut Books, kiosk: &mut Kiosk) -> Option<Over> {
        match &self.operation {
            Operation::Opening => self.send(books, kiosk),
            Operation::Running(Running::Approving(transaction)) => {
                let transaction = transaction.clone();
                self.confirm(transaction, books, kiosk);
            }
            Operation::Running(Running::Presenting { .. } | Running::Confirming { .. } | Running::Doubt { .. }) => {}
            Operation::Ending(ending) => match ending.end.clone() {
                Conclusion::Doubt => self.doubt(kiosk),
                Conclusion::Paid(transaction) => return Some(Over::Ended(self.paid(transaction), StaffAnswer::Paid)),
                Conclusion::NotPaid(why) => return Some(Over::Ended(End::NotPaid(why), StaffAnswer::NotPaid)),
                Conclusion::Staff(reason) => return Some(with_staff(&reason)),
            },
        }
        None
    }

    /// `Sent` is durable: the one money command leaves.
    fn send(&mut self, books: &mut Books, kiosk: &mut Kiosk) {
        let card_ms = kiosk.facility.payment.card_ms;
        let card_until = kiosk.tick().plus_ms(card_ms);
        let limit = card_until.plus_ms(ANSWER_LIMIT_MS);
        self.operation = Operation::Running(Running::Presenting { card_until, limit, card_seen: false });
        books.began(self.id);
        kiosk.emit(Effect::Terminal(TerminalCommand::Charge { attempt: self.id, amount: self.sale.amount, card_ms }));
    }

    /// What the journal has `refused` it will refuse for ever: then people have to look.
    pub fn not_kept(&mut self, refused: bool, kiosk: &mut Kiosk) -> Option<Over> {
        match &self.operation {
            Operation::Opening => {
                // A write that failed may be there all the same after the next start: then it says so.
                let reason = "the journal could not be written: nothing was sent".to_owned();
                tell(Entry::NotPaid { attempt: self.id, reason }, kiosk);
                return Some(Over::NeverBegan);
            }
            Operation::Running(_) => self.refuse(NotPaidWhy::TakenBack, kiosk),
            Operation::Ending(_) if refused => return self.never_kept(kiosk),
            Operation::Ending(_) => {
                self.doubt_since.get_or_insert(kiosk.tick());
                self.operation.try_later(kiosk.tick());
            }
        }
        None
    }

    /// The journal will not take it: the booking belongs to another payment, or the row says something else by now. It
    /// goes to staff; if that is refused too, the row is as people have left it and the till lets go of it.
    fn never_kept(&mut self, kiosk: &Kiosk) -> Option<Over> {
        let ending = self.operation.ending()?;
        if let Conclusion::Staff(reason) = &ending.end {
            return Some(with_staff(reason));
        }
        let reason = StaffReason::Contradiction;
        let doubt = Entry::InDoubt { attempt: self.id, reason: reason.to_string() };
        let transaction = ending.lines.iter().find_map(approval_in);
        let staff = Entry::NeedsStaff { attempt: self.id, reason: reason.clone(), transaction };
        self.doubt_since.get_or_insert(kiosk.tick());
        self.operation = Operation::known(vec![doubt, staff], Conclusion::Staff(reason), kiosk.tick());
        None
    }

    fn end(&mut self, lines: Vec<Entry>, conclusion: Conclusion, kiosk: &mut Kiosk) {
        self.operation.end(lines, conclusion, kiosk);
    }

    /// Possible until a card was seen. The terminal's own answer still decides.
    pub fn call_off(&mut self, why: NotPaidWhy, kiosk: &mut Kiosk) {
        if let Some(Running::Presenting { card_seen: false, .. }) = self.operation.running()
            && self.stop.called_off.is_none()
        {
            self.stop.called_off = Some(why);
            kiosk.emit(Effect::Terminal(TerminalCommand::CallOff));
        }
    }

    pub const fn card_seen(&mut self) {
        if let Some(Running::Presenting { card_seen, .. }) = self.operation.running_mut() {
            *card_seen = true;
        }
    }

    pub fn answered(
        &mut self,
        raw: Vec<u8>,
        told: Box<CardTransaction>,
        booking: Booking,
        books: &mut Books,
        kiosk: &mut Kiosk,
    ) {
        kiosk.devices.terminal_answered(&told);
        let is_stale = told.approved && books.is_stale(&told, self.sale.started_at, &kiosk.facility.zone);
        if self.is_settled() {
            return;
        }
        if booking == Booking::Unconfirmed && told.approved {
            return self.unconfirmed(raw, told, is_stale, books, kiosk);
        }
        let (last, conclusion) = self.judge(&told, is_stale, books, kiosk);
        // What is told again of an older payment is no answer to this one, also after a restart.
        let answered = (!is_stale).then_some(Entry::Answered {
            attempt: self.id,
            raw,
            transaction: told,
            booking: Booking::Final,
        });
        self.end(answered.into_iter().chain([last]).collect(), conclusion, kiosk);
    }

    /// What happened is known and only waits to be written down.
    const fn is_settled(&self) -> bool {
        match self.operation.ending() {
            Some(ending) => !matches!(ending.end, Conclusion::Doubt),
            None => false,
        }
    }

    pub fn no_answer(&mut self, reason: String, kiosk: &mut Kiosk) {
        if matches!(self.operation.running(), Some(Running::Presenting { .. } | Running::Confirming { .. })) {
            self.end(vec![Entry::InDoubt { attempt: self.id, reason }], Conclusion::Doubt, kiosk);
        }
    }

    pub fn never_sent(&mut self, reason: String, kiosk: &mut Kiosk) {
        if matches!(self.operation.running(), Some(Running::Presenting { .. })) {
            let why = self.stop.called_off.unwrap_or(NotPaidWhy::TerminalNotReady);
            self.end(vec![Entry::NotPaid { attempt: self.id, reason }], Conclusion::NotPaid(why), kiosk);
        }
    }

    /// Limits and retries.
    pub fn time(&mut self, kiosk: &mut Kiosk) {
        let now = kiosk.tick();
        match self.operation.running() {
            Some(Running::Presenting { limit, .. } | Running::Confirming { limit, .. }) if now >= *limit => {
                self.no_answer("no answer within the limit".to_owned(), kiosk);
            }
            Some(Running::Presenting { card_until, card_seen: false, .. })
                if self.stop.called_off.is_none() && now >= *card_until =>
            {
                self.call_off(NotPaidWhy::NoCard, kiosk);
            }
            Some(Running::Doubt { next: Next::Asked { limit }, .. }) if now >= *limit => self.ask_later(kiosk),
            Some(Running::Doubt { next: Next::WhenOnline { until }, .. }) if now >= *until => {
                self.hand_to_staff(StaffReason::TerminalSilent, kiosk);
            }
            Some(Running::Doubt { next: Next::At(at), .. }) if now >= *at => self.ask(kiosk),
            Some(
                Running::Presenting { .. } | Running::Confirming { .. } | Running::Approving(_) | Running::Doubt { .. },
            ) => {}
            None => self.operation.retry(kiosk),
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        match self.operation.running() {
            Some(Running::Presenting { card_until, card_seen: false, .. }) if self.stop.called_off.is_none() => {
                Some(*card_until)
            }
            Some(
                Running::Presenting { limit, .. }
                | Running::Confirming { limit, .. }
                | Running::Doubt { next: Next::Asked { limit } | Next::WhenOnline { until: limit }, .. },
            ) => Some(*limit),
            Some(Running::Doubt { next: Next::At(at), .. }) => Some(*at),
            Some(Running::Approving(_)) => None,
            None => self.operation.retry_at(),
        }
    }
}

fn with_staff(reason: &StaffReason) -> Over {
    Over::Ended(End::Staff, StaffAnswer::StillOpen { reason: reason.to_string() })
}

/// An approval that this entry tells of; it may be another payment's, and people should see which.
fn approval_in(entry: &Entry) -> Option<Box<CardTransaction>> {
    match entry {
        Entry::Answered { transaction, .. } | Entry::Committed { transaction, .. } if transaction.approved => {
            Some(transaction.clone())
        }
        Entry::Answered { .. }
        | Entry::Committed { .. }
        | Entry::Intent { .. }
        | Entry::Sent { .. }
        | Entry::NotPaid { .. }
        | Entry::InDoubt { .. }
        | Entry::NeedsStaff { .. }
        | Entry::Evidence { .. }
        | Entry::Undo(_)
        | Entry::Closing(_)
        | Entry::ReceiptPrinted { .. } => None,
    }
}
