//! The till: one payment at a time, from the order to `Paid`, `NotPaid`, or the staff list. It belongs to the machine,
//! not to a patient: what is in doubt stays here when the patient has gone, and after a restart.
//!
//! ```text
//! Preparing ─Prepared─▶ [Intent, Sent, Charge] ─▶ Charging ─┬ approved ─▶ [Answered, Committed] ─▶ Paid
//!     │ not ready, cancelled ─▶ NotPaid                     ├ refused ──▶ [Answered, NotPaid] ───▶ NotPaid
//!     ▼                                                     ├ never sent ▶ [NotPaid] ────────────▶ NotPaid
//!   nothing was asked                                       └ no proof ─▶ [InDoubt, AskOutcome] ─▶ Doubt
//! Doubt ─ outcome, or the late answer ─▶ [Committed | NotPaid | NeedsStaff]
//! Unkept ─ something is known but could not be written down ─▶ the same entries again, until they are durable
//! ```
//! | state | money | paper |
//! |---|---|---|
//! | Preparing | none moved, nothing in the journal | none |
//! | Charging | may move; `Intent` and `Sent` are durable, the one `Charge` is out | none |
//! | Confirming | moves only if the terminal heard `Confirm`; see [`confirm`] | none |
//! | Doubt | may have moved; the journal says `Sent` or `InDoubt`; nothing is sent that could move any | slip, when the wait is over |
//! | Unkept | what happened is known here, the journal still says `Sent` or later | slip, when the wait is over |
//! | left the till | `Committed`: moved, and the request is queued; `NotPaid`: not moved; `NeedsStaff`: people find out | receipt only after `Committed` |

mod attempt;
mod booked;
mod card;
mod closed;
mod closing;
mod confirm;
mod doubt;
mod kept;
mod recover;
mod staff;
mod undo;
mod watch;

use booked::Booked;
use closed::Closed;
use closing::Closing;
use undo::Undoing;
pub use watch::Watched;

use crate::domain::closing::ClosingEnd;
use crate::domain::limits::{ANSWER_LIMIT_MS, PREPARE_LIMIT_MS};
use crate::domain::moment::Tick;
use crate::domain::money::Amount;
use crate::domain::outbox::Request;
use crate::domain::paper::Receipt;
use crate::domain::payment::{AttemptId, Booking, CardTransaction, Entry, LastTransaction};
use crate::domain::reason::StaffReason;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, StaffAnswer, StaffRefusal, TerminalCommand, TerminalReport};
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

const RETRY_FIRST_MS: u64 = 1_000;
const RETRY_MOST_MS: u64 = 30_000;

#[derive(Clone, Default)]
pub struct Till {
    pub(super) preparing: Option<Preparing>,
    /// The first is being worked on; more than one only after a restart.
    pub(super) attempts: VecDeque<Attempt>,
    closed: VecDeque<Closed>,
    booked: Booked,
    /// A payment being taken back.
    undoing: Option<Undoing>,
    /// Undos in doubt, and the days of their sales: some terminals give back another sale than was named.
    strayed: BTreeMap<AttemptId, NaiveDate>,
    /// `resolve::minutes_after` of the terminal's last approval.
    minutes_after: Option<i64>,
    /// The last one in doubt: its answer may still come.
    late_undo: Option<Box<Undoing>>,
    closing: Option<Closing>,
    /// For whoever gave the order with this ticket; handed on with every list.
    answers: Vec<(Uuid, StaffAnswer)>,
    /// What the journal must still be told about an attempt that is over, and when it is tried to write it down.
    contradictions: VecDeque<(Entry, Tick)>,
    /// A patient stands there and watches the first attempt.
    watched: bool,
}

/// What is to be paid: the request and the receipt as they will be, but for the card.
#[derive(Clone)]
pub struct Order {
    pub request: Request,
    pub receipt: Receipt,
    pub amount: Amount,
}

#[derive(Clone)]
pub(super) struct Preparing {
    order: Order,
    number: String,
    /// The day that the number is of.
    day: NaiveDate,
    pub until: Tick,
    pub old_card: bool,
}

#[derive(Clone)]
pub(super) struct Attempt {
    pub id: AttemptId,
    pub number: String,
    pub amount: Amount,
    pub request: Request,
    pub receipt: Receipt,
    pub baseline: LastTransaction,
    pub started_at: DateTime<FixedOffset>,
    /// Something suggests that the terminal restarted since: our own power cut, or it went away and came back.
    pub maybe_restarted: bool,
    pub phase: Phase,
    /// The patient stopped it, or no card came: the screen has said so, and an approval after that is refused.
    pub called_off: Option<NotPaidWhy>,
    /// `Refuse` was said, or nobody knows what was said: never `Confirm` after it. Why, for the patient.
    pub refused: Option<NotPaidWhy>,
    /// After `Confirm` the terminal said itself that it did not book.
    pub withdrawn: bool,
    /// The staff order that had it taken up again.
    pub ticket: Option<Uuid>,
    /// Since when the patient is told "we are checking".
    pub doubt_since: Option<Tick>,
}

#[derive(Clone)]
pub(super) enum Phase {
    Charging {
        card_until: Tick,
        limit: Tick,
        card_seen: bool,
    },
    /// `Confirm` is out, or `Refuse` where there is no transaction.
    Confirming {
        transaction: Option<Box<CardTransaction>>,
        limit: Tick,
    },
    Doubt {
        asks: u32,
        next: Next,
    },
    Unkept {
        entries: Vec<Entry>,
        conclusion: Conclusion,
        retry_at: Tick,
        wait_ms: u64,
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
    Staff,
    Doubt,
}

/// What became of an attempt.
pub struct News {
    /// `None` if it ended before there was one.
    pub attempt: Option<AttemptId>,
    pub number: String,
    pub amount: Amount,
    /// A patient stands there and waits for it.
    pub watched: bool,
    pub end: End,
}

pub enum End {
    Paid { transaction: Box<CardTransaction>, request: Box<Request>, receipt: Box<Receipt> },
    NotPaid(NotPaidWhy),
    Staff,
}

impl Till {
    /// Any payment, being made, in doubt or not yet written down, or the end of the terminal's day: no other is taken.
    pub fn is_open(&self) -> bool {
        self.preparing.is_some() || !self.attempts.is_empty() || self.undoing.is_some() || self.closing.is_some()
    }

    /// Makes the terminal ready. Nothing happens while another payment is open.
    pub fn begin(&mut self, order: Order, kiosk: &mut Kiosk) -> bool {
        if self.is_open() || kiosk.set_aside.is_some() {
            return false;
        }
        let number = kiosk.next_attempt();
        kiosk.devices.card_in = false;
        self.watched = true;
        let (day, until) = (kiosk.today(), kiosk.tick().plus_ms(PREPARE_LIMIT_MS));
        self.preparing = Some(Preparing { order, number, day, until, old_card: false });
        kiosk.emit(Effect::Terminal(TerminalCommand::Prepare));
        true
    }

    /// The patient does not watch any more; the payment goes on to its end.
    pub fn unwatch(&mut self) {
        self.watched = false;
    }

    pub fn report(&mut self, report: TerminalReport, kiosk: &mut Kiosk) -> Option<News> {
        match report {
            TerminalReport::Online(online) => self.online(online, kiosk),
            TerminalReport::Prepared { baseline } => {
                kiosk.devices.terminal_got_ready();
                self.prepared(baseline, kiosk)
            }
            TerminalReport::CardStillIn => self.old_card(kiosk),
            TerminalReport::NotReady { reason } => {
                kiosk.devices.terminal_not_ready(reason);
                self.undo_not_begun(StaffRefusal::TerminalNotReady);
                self.not_begun(NotPaidWhy::TerminalNotReady)
            }
            TerminalReport::CardSeen => self.card_seen(kiosk),
            TerminalReport::CardRemoved => self.card_removed(kiosk),
            TerminalReport::Answered { attempt, raw, transaction, booking } => {
                self.answered(attempt, raw, transaction, booking, kiosk)
            }
            TerminalReport::Confirmed { attempt } => self.confirmed(attempt, kiosk),
            TerminalReport::Withdrawn { attempt, reason } => self.withdrawn(attempt, reason, kiosk),
            TerminalReport::NoAnswer { attempt, reason } => self.no_answer(attempt, reason, kiosk),
            TerminalReport::NeverSent { attempt, reason } => self.never_sent(attempt, reason, kiosk),
            TerminalReport::Outcome { attempt, first, second, host_reachable, maybe_restarted } => {
                self.outcome(attempt, &first, &second, host_reachable, maybe_restarted, kiosk)
            }
            TerminalReport::Undone { undo, raw, answer } => {
                self.undone(undo, raw, answer, kiosk);
                None
            }
            TerminalReport::Totals(totals) => self.day_ended(ClosingEnd::Told(totals), kiosk),
            TerminalReport::NoTotals { batch, reason } => self.day_ended(ClosingEnd::Untold { batch, reason }, kiosk),
        }
    }

    /// The last look before money moves: if an earlier attempt at this order turns out to be booked, it is not charged.
    fn prepared(&mut self, baseline: LastTransaction, kiosk: &mut Kiosk) -> Option<News> {
        if self.undo_prepared(kiosk) {
            return None;
        }
        if baseline == LastTransaction::Unknown && self.preparing.is_some() && self.is_unsettled(kiosk) {
            let words = "it does not tell its last transaction, and a payment of today is not settled";
            kiosk.devices.terminal_not_ready(words.to_owned());
            return self.not_begun(NotPaidWhy::TerminalTrouble);
        }
        let Preparing { order, number, day, .. } = self.preparing.take()?;
        self.booked.told_last(&baseline);
        if let Some(booked) = self.booked_after_all(&baseline, order.request.id, kiosk) {
            let Closed { id, number, amount, .. } = booked;
            return Some(News { attempt: Some(id), number, amount, watched: self.watched, end: End::Staff });
        }
        // Midnight passed, or the clock was set, while the terminal got ready: that day may give this number once more.
        let number = if day == kiosk.today() { number } else { kiosk.next_attempt() };
        self.charge(order, number, baseline, kiosk);
        None
    }

    /// Intent and Sent are durable before the one money command leaves.
    fn charge(&mut self, order: Order, number: String, baseline: LastTransaction, kiosk: &mut Kiosk) {
        let id = AttemptId(kiosk.now.fresh_id("attempt"));
        self.booked.began(id);
        let card_ms = kiosk.facility.payment.card_ms;
        let card_until = kiosk.tick().plus_ms(card_ms);
        let Order { request, receipt, amount } = order;
        kiosk.emit(Effect::Record(Entry::Intent {
            attempt: id,
            number: number.clone(),
            amount,
            request: Box::new(request.clone()),
            receipt: Box::new(receipt.clone()),
            baseline: baseline.clone(),
        }));
        kiosk.emit(Effect::Record(Entry::Sent { attempt: id }));
        kiosk.emit(Effect::Terminal(TerminalCommand::Charge { attempt: id, amount, card_ms }));
        let phase = Phase::Charging { card_until, limit: card_until.plus_ms(ANSWER_LIMIT_MS), card_seen: false };
        let started_at = kiosk.wall();
        let attempt = Attempt {
            id,
            number,
            amount,
            request,
            receipt,
            baseline,
            started_at,
            maybe_restarted: false,
            phase,
            called_off: None,
            refused: None,
            withdrawn: false,
            ticket: None,
            doubt_since: None,
        };
        self.attempts.push_back(attempt);
    }

    fn not_begun(&mut self, why: NotPaidWhy) -> Option<News> {
        let Preparing { order, number, .. } = self.preparing.take()?;
        Some(News { attempt: None, number, amount: order.amount, watched: self.watched, end: End::NotPaid(why) })
    }

    /// Possible until a card was seen. The terminal's own answer still decides.
    pub fn cancel(&mut self, why: NotPaidWhy, kiosk: &mut Kiosk) -> Option<News> {
        if self.preparing.is_some() {
            return self.not_begun(why);
        }
        if let Some(Attempt { phase: Phase::Charging { card_seen: false, .. }, called_off, .. }) =
            self.attempts.front_mut()
            && called_off.is_none()
        {
            *called_off = Some(why);
            kiosk.emit(Effect::Terminal(TerminalCommand::CallOff));
        }
        None
    }

    fn answered(
        &mut self,
        id: AttemptId,
        raw: Vec<u8>,
        tx: Box<CardTransaction>,
        booking: Booking,
        kiosk: &mut Kiosk,
    ) -> Option<News> {
        // Also what is refused: told again as the answer to a later payment, it is not its own.
        self.booked.told(&tx);
        let Some(place) = self.place(id) else {
            match booking {
                Booking::Final => self.contradicted(id, &tx, kiosk),
                Booking::Unconfirmed => self.unconfirmed_late(id, &tx, kiosk),
            }
            return None;
        };
        kiosk.devices.terminal_answered(&tx);
        let is_stale = tx.approved && self.is_stale(place, &tx, kiosk);
        let attempt = &self.attempts[place];
        if matches!(
            &attempt.phase,
            Phase::Unkept { conclusion: Conclusion::Paid(_) | Conclusion::NotPaid(_) | Conclusion::Staff, .. }
        ) {
            return None;
        }
        if booking == Booking::Unconfirmed && tx.approved {
            return self.unconfirmed(place, raw, tx, is_stale, kiosk);
        }
        let (last, conclusion) = self.attempts[place].judge(&tx, is_stale, &self.booked, kiosk);
        // What is told again of an older payment is no answer to this one, also after a restart.
        let answered =
            (!is_stale).then_some(Entry::Answered { attempt: id, raw, transaction: tx, booking: Booking::Final });
        self.conclude(place, answered.into_iter().chain([last]).collect(), conclusion, kiosk)
    }

    fn no_answer(&mut self, id: AttemptId, reason: String, kiosk: &mut Kiosk) -> Option<News> {
        if self.undo_unproved(id, &reason, kiosk) {
            return None;
        }
        let place = self.place(id)?;
        if !matches!(self.attempts[place].phase, Phase::Charging { .. } | Phase::Confirming { .. }) {
            return None;
        }
        self.conclude(place, vec![Entry::InDoubt { attempt: id, reason }], Conclusion::Doubt, kiosk)
    }

    fn never_sent(&mut self, id: AttemptId, reason: String, kiosk: &mut Kiosk) -> Option<News> {
        if self.undo_never_sent(id, &reason, kiosk) {
            return None;
        }
        let place = self.place(id)?;
        let Attempt { phase: Phase::Charging { .. }, called_off, .. } = &self.attempts[place] else { return None };
        let why = called_off.unwrap_or(NotPaidWhy::TerminalNotReady);
        self.conclude(place, vec![Entry::NotPaid { attempt: id, reason }], Conclusion::NotPaid(why), kiosk)
    }

    fn online(&mut self, online: bool, kiosk: &mut Kiosk) -> Option<News> {
        kiosk.devices.terminal_online = Some(online);
        if !online {
            kiosk.devices.card_in = false;
            kiosk.devices.terminal_trouble = None;
            for attempt in &mut self.attempts {
                attempt.maybe_restarted = true;
            }
            self.undo_not_begun(StaffRefusal::TerminalAway);
            return self.not_begun(NotPaidWhy::TerminalNotReady);
        }
        // Whatever it was asked before it went away is lost.
        if let Some(Attempt { phase: Phase::Doubt { next, .. }, .. }) = self.attempts.front_mut() {
            *next = Next::At(kiosk.tick());
        }
        None
    }

    pub(super) fn place(&self, id: AttemptId) -> Option<usize> {
        self.attempts.iter().position(|attempt| attempt.id == id)
    }

    /// Writes down what is known and draws the conclusion. If it cannot be written, [`Till::not_kept`] brings it back.
    pub(super) fn conclude(
        &mut self,
        place: usize,
        entries: Vec<Entry>,
        conclusion: Conclusion,
        kiosk: &mut Kiosk,
    ) -> Option<News> {
        let told = staff::answer_of(&entries);
        for entry in entries {
            kiosk.emit(Effect::Record(entry));
        }
        let watched = self.watched && place == 0;
        let end = match conclusion {
            Conclusion::Doubt => {
                self.doubt(place, kiosk);
                return None;
            }
            Conclusion::Paid(transaction) => {
                let attempt = self.attempts.get(place)?;
                let (request, receipt) =
                    (Box::new(attempt.paid_request(&transaction)), Box::new(attempt.paid_receipt(&transaction)));
                End::Paid { transaction, request, receipt }
            }
            Conclusion::NotPaid(why) => End::NotPaid(why),
            Conclusion::Staff => End::Staff,
        };
        let attempt = self.attempts.remove(place)?;
        self.answers.extend(attempt.ticket.zip(told));
        self.remember(&attempt, &end);
        let Attempt { id, number, amount, .. } = attempt;
        Some(News { attempt: Some(id), number, amount, watched, end })
    }

    /// Limits and retries. Only the first attempt is worked on.
    pub fn time(&mut self, kiosk: &mut Kiosk) -> Option<News> {
        let now = kiosk.tick();
        if self.preparing.as_ref().is_some_and(|preparing| now >= preparing.until) {
            return self.not_begun(NotPaidWhy::TerminalNotReady);
        }
        self.tell_staff(kiosk);
        if !kiosk.wrote() {
            self.undo_time(kiosk);
            self.closing_time(kiosk);
        }
        if kiosk.wrote() {
            return None;
        }
        let attempt = self.attempts.front()?;
        match &attempt.phase {
            Phase::Charging { limit, .. } | Phase::Confirming { limit, .. } if now >= *limit => {
                self.no_answer(attempt.id, "no answer within the limit".to_owned(), kiosk)
            }
            Phase::Charging { card_until, card_seen: false, .. }
                if attempt.called_off.is_none() && now >= *card_until =>
            {
                self.cancel(NotPaidWhy::NoCard, kiosk)
            }
            Phase::Doubt { next: Next::Asked { limit }, .. } if now >= *limit => self.ask_later(0, kiosk),
            Phase::Doubt { next: Next::WhenOnline { until }, .. } if now >= *until => {
                self.hand_to_staff(0, StaffReason::TerminalSilent, kiosk)
            }
            Phase::Doubt { next: Next::At(at), .. } if now >= *at => {
                self.ask(kiosk);
                None
            }
            Phase::Unkept { entries, conclusion, retry_at, .. } if now >= *retry_at => {
                let (entries, conclusion) = (entries.clone(), conclusion.clone());
                self.conclude(0, entries, conclusion, kiosk)
            }
            Phase::Charging { .. } | Phase::Confirming { .. } | Phase::Doubt { .. } | Phase::Unkept { .. } => None,
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        let staff = self.contradictions.front().map(|(_, due)| *due);
        [staff, self.undo_deadline(), self.closing_deadline(), self.payment_deadline()].into_iter().flatten().min()
    }

    fn payment_deadline(&self) -> Option<Tick> {
        if let Some(preparing) = &self.preparing {
            return Some(preparing.until);
        }
        let attempt = self.attempts.front()?;
        match &attempt.phase {
            Phase::Charging { card_until, card_seen: false, .. } if attempt.called_off.is_none() => Some(*card_until),
            Phase::Charging { limit, .. }
            | Phase::Confirming { limit, .. }
            | Phase::Doubt { next: Next::Asked { limit } | Next::WhenOnline { until: limit }, .. } => Some(*limit),
            Phase::Doubt { next: Next::At(at), .. } => Some(*at),
            Phase::Unkept { retry_at, .. } => Some(*retry_at),
        }
    }
}
