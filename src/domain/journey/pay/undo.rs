//! Taking a payment back, on staff's order. One at a time, and none beside a payment.
//!
//! ```text
//! Preparing ─Prepared─▶ [Intent, Sent, Undo] ─▶ Undoing ─┬ reversed ─▶ [Answered, Reversed]
//!     │ not ready: nothing was sent                      ├ refused ──▶ [Answered, NotReversed]
//!     ▼                                                  ├ never sent ▶ [NotReversed]
//!   refused                                              └ no proof ─▶ [InDoubt, NeedsStaff]
//! Unkept ─ what happened could not be written down ─▶ the same entries again, until they are durable
//! ```
//! An undo in doubt is never asked about: a last transaction that looks the same says nothing of it. Staff find out; an
//! answer that comes late still counts.

use super::{RETRY_FIRST_MS, RETRY_MOST_MS, Till};
use crate::domain::limits::{ANSWER_LIMIT_MS, PREPARE_LIMIT_MS};
use crate::domain::moment::Tick;
use crate::domain::outbox::{Act, Request};
use crate::domain::payment::{AttemptId, CardTransaction, Entry, PaymentRecord, PaymentState};
use crate::domain::reason::StaffReason;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, StaffAnswer, StaffRefusal, TerminalCommand, UndoAnswer, UndoWay};
use crate::domain::undo::{UndoEntry, UndoRecord, UndoState};
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset};
use uuid::Uuid;

#[derive(Clone)]
pub(super) struct Undoing {
    undo: AttemptId,
    payment: Box<PaymentRecord>,
    way: UndoWay,
    transaction: Box<CardTransaction>,
    ticket: Option<Uuid>,
    phase: Phase,
}

#[derive(Clone)]
enum Phase {
    Preparing { until: Tick },
    Undoing { limit: Tick },
    Unkept { entries: Vec<UndoEntry>, retry_at: Tick, wait_ms: u64 },
}

impl Till {
    pub(super) fn cancel_payment(
        &mut self,
        ticket: Uuid,
        way: UndoWay,
        payment: Box<PaymentRecord>,
        kiosk: &mut Kiosk,
    ) -> Result<(), StaffRefusal> {
        if self.is_open() {
            return Err(StaffRefusal::AnotherOpen);
        }
        let transaction = Box::new(self.can_be_undone(&payment, kiosk)?);
        if way == UndoWay::WithoutCard && payment.day_closed {
            return Err(StaffRefusal::DayClosed);
        }
        if kiosk.devices.terminal_online != Some(true) {
            return Err(StaffRefusal::TerminalAway);
        }
        let undo = AttemptId(kiosk.now.fresh_id("undo"));
        let phase = Phase::Preparing { until: kiosk.tick().plus_ms(PREPARE_LIMIT_MS) };
        self.undoing = Some(Undoing { undo, payment, way, transaction, ticket: Some(ticket), phase });
        self.answers.push((ticket, StaffAnswer::Begun));
        kiosk.emit(Effect::Terminal(TerminalCommand::Prepare));
        Ok(())
    }

    /// The booking to undo: of today, with a number of its own, and of no other payment.
    fn can_be_undone(&self, payment: &PaymentRecord, kiosk: &Kiosk) -> Result<CardTransaction, StaffRefusal> {
        let state = payment.state;
        if payment.undo_in_doubt() {
            return Err(StaffRefusal::UndoUnsettled);
        }
        match state {
            PaymentState::Committed | PaymentState::Settled | PaymentState::NeedsStaff => {}
            PaymentState::Intent
            | PaymentState::Sent
            | PaymentState::Answered
            | PaymentState::NotPaid
            | PaymentState::InDoubt
            | PaymentState::Reversed => return Err(StaffRefusal::NothingToUndo(state)),
        }
        let known = payment.transaction.as_ref().filter(|booking| {
            // What a terminal needs to find it differs: an approval number (Smartro), a receipt number (ZVT 06 30).
            booking.approved
                && !(booking.approval_number.is_empty() && booking.unique_number.is_empty())
                && !self.booked.is_of_another(payment.attempt, booking)
        });
        let booking = known.ok_or(StaffRefusal::NothingToUndo(state))?;
        let day = kiosk.facility.zone.at(&payment.started_at).date_naive();
        if day == kiosk.today() { Ok(booking.clone()) } else { Err(StaffRefusal::NotToday) }
    }

    /// `true` if it was an undo that the terminal was made ready for.
    pub(super) fn undo_prepared(&mut self, kiosk: &mut Kiosk) -> bool {
        let card_ms = kiosk.facility.payment.card_ms;
        let Some(Undoing { undo, payment, way, transaction, phase: phase @ Phase::Preparing { .. }, .. }) =
            &mut self.undoing
        else {
            return false;
        };
        *phase = Phase::Undoing { limit: kiosk.tick().plus_ms(card_ms).plus_ms(ANSWER_LIMIT_MS) };
        let (undo, of, way, transaction) = (*undo, payment.attempt, *way, transaction.clone());
        let is_newest = self.booked.is_newest(of);
        let intent = UndoEntry::Intent { undo, of, way, transaction: transaction.clone() };
        // Its last transaction may be this undo from now on, told as if it were a sale.
        self.booked.began(undo);
        kiosk.emit(Effect::Record(Entry::Undo(intent)));
        kiosk.emit(Effect::Record(Entry::Undo(UndoEntry::Sent { undo })));
        kiosk.emit(Effect::Terminal(TerminalCommand::Undo { undo, transaction, way, is_newest, card_ms }));
        // Whatever comes of it, the terminal's last transaction may be another one from now on.
        self.supersede();
        true
    }

    /// The terminal is not ready for it, or went away before: nothing was sent.
    pub(super) fn undo_not_begun(&mut self, why: StaffRefusal) {
        if let Some(undoing) = self.undoing.take_if(|undoing| matches!(undoing.phase, Phase::Preparing { .. }))
            && let Some(ticket) = undoing.ticket
        {
            self.refuse(ticket, why);
        }
    }

    /// The answer to an undo, also to one that staff have by now.
    pub(super) fn undone(&mut self, undo: AttemptId, raw: Vec<u8>, answer: UndoAnswer, kiosk: &mut Kiosk) {
        if self.undoing.as_ref().is_none_or(|undoing| undoing.undo != undo) {
            if self.is_open() {
                return; // Staff have it; two money operations are never open.
            }
            let Some(late) = self.late_undo.take_if(|late| late.undo == undo) else { return };
            self.undoing = Some(*late);
        }
        let Some(undoing) = &self.undoing else { return };
        if undoing.is_settled() {
            return;
        }
        let told = undoing.told(&answer, self.has_strayed(kiosk), kiosk);
        let entries = std::iter::once(UndoEntry::Answered { undo, raw, answer }).chain(told).collect();
        self.conclude_undo(entries, kiosk);
    }

    /// `true` if this identifier is that of an undo: nothing proves what became of it.
    pub(super) fn undo_unproved(&mut self, undo: AttemptId, reason: &str, kiosk: &mut Kiosk) -> bool {
        let Some(undoing) = self.undoing.as_ref().filter(|undoing| undoing.undo == undo) else { return false };
        if matches!(undoing.phase, Phase::Undoing { .. }) {
            self.conclude_undo(unproved(undo, reason), kiosk);
        }
        true
    }

    /// `true` if this identifier is that of an undo: not a byte of it left.
    pub(super) fn undo_never_sent(&mut self, undo: AttemptId, reason: &str, kiosk: &mut Kiosk) -> bool {
        let Some(undoing) = self.undoing.as_ref().filter(|undoing| undoing.undo == undo) else { return false };
        if matches!(undoing.phase, Phase::Undoing { .. }) {
            let reason = format!("nothing was sent: {reason}");
            let entries = stands_unless(self.has_strayed(kiosk), undo, reason);
            self.conclude_undo(entries, kiosk);
        }
        true
    }

    /// Writes down what is known. If it cannot be written, [`Till::undo_not_kept`] brings it back.
    fn conclude_undo(&mut self, entries: Vec<UndoEntry>, kiosk: &mut Kiosk) {
        let Some(undoing) = self.undoing.take() else { return };
        let of = undoing.payment.attempt;
        let answer = match entries.last() {
            Some(UndoEntry::Reversed { undo, .. }) => {
                self.strayed.remove(undo);
                self.settled(of);
                Some(StaffAnswer::Reversed)
            }
            Some(UndoEntry::NotReversed { reason, .. }) => Some(StaffAnswer::NotReversed { reason: reason.clone() }),
            Some(UndoEntry::NeedsStaff { reason, .. }) => {
                self.late_undo = Some(Box::new(undoing.clone()));
                let day = kiosk.facility.zone.at(&undoing.payment.started_at).date_naive();
                self.strayed.retain(|_, known| *known >= day);
                self.strayed.insert(undoing.undo, day);
                Some(StaffAnswer::StillOpen { reason: reason.clone() })
            }
            Some(
                UndoEntry::Intent { .. }
                | UndoEntry::Sent { .. }
                | UndoEntry::Answered { .. }
                | UndoEntry::InDoubt { .. },
            )
            | None => None,
        };
        self.answers.extend(undoing.ticket.zip(answer));
        for entry in entries {
            kiosk.emit(Effect::Record(Entry::Undo(entry)));
        }
    }

    /// What is being given back turned out to be paid meanwhile: the hospital has its request or will get it, and has to hear
    /// when the money goes back after all.
    pub(super) fn undo_hears_of(&mut self, of: AttemptId, request: &Request) {
        let known = self.undoing.as_mut().into_iter().chain(self.late_undo.as_deref_mut());
        for undoing in known.filter(|undoing| undoing.payment.attempt == of) {
            undoing.payment.state = PaymentState::Committed;
            undoing.payment.request = request.clone();
        }
    }

    /// It is being worked on, or its answer may still come.
    pub(super) fn is_undoing(&self, undo: AttemptId) -> bool {
        self.undoing.as_ref().into_iter().chain(self.late_undo.as_deref()).any(|known| known.undo == undo)
    }

    /// The till is as it was before these were tried. Nothing was sent if the intent is among them.
    pub(super) fn undo_not_kept(&mut self, failed: Vec<UndoEntry>, refused: bool, kiosk: &mut Kiosk) {
        let Some(undo) = failed.first().map(UndoEntry::undo) else { return };
        if matches!(failed.first(), Some(UndoEntry::Intent { .. })) {
            // Perhaps the intent was kept and only `Sent` was not.
            let reason = "the journal could not be written: nothing was sent".to_owned();
            kiosk.emit(Effect::Record(Entry::Undo(UndoEntry::NotReversed { undo, reason })));
            return self.undo_not_begun(StaffRefusal::CannotRecord);
        }
        if self.undoing.is_none() {
            self.undoing = self.late_undo.take_if(|late| late.undo == undo).map(|late| *late);
        }
        let Some(undoing) = self.undoing.as_mut().filter(|undoing| undoing.undo == undo) else { return };
        let wait_ms = match &undoing.phase {
            Phase::Unkept { wait_ms, .. } => (wait_ms * 2).min(RETRY_MOST_MS),
            Phase::Preparing { .. } | Phase::Undoing { .. } => RETRY_FIRST_MS,
        };
        let retry_at = kiosk.tick().plus_ms(wait_ms);
        let for_ever = refused && matches!(failed.last(), Some(UndoEntry::NeedsStaff { .. }));
        let entries = if refused { unproved(undo, &StaffReason::Contradiction.to_string()) } else { failed };
        undoing.phase = Phase::Unkept { entries, retry_at, wait_ms };
        if for_ever {
            // The row is as people have left it.
            self.undoing = None;
        }
    }

    /// Limits and retries.
    pub(super) fn undo_time(&mut self, kiosk: &mut Kiosk) {
        let now = kiosk.tick();
        let Some(undoing) = &self.undoing else { return };
        let undo = undoing.undo;
        match &undoing.phase {
            Phase::Preparing { until } if now >= *until => self.undo_not_begun(StaffRefusal::TerminalNotReady),
            Phase::Undoing { limit } if now >= *limit => {
                self.conclude_undo(unproved(undo, "no answer within the limit"), kiosk);
            }
            Phase::Unkept { entries, retry_at, .. } if now >= *retry_at => {
                let entries = entries.clone();
                self.conclude_undo(entries, kiosk);
            }
            Phase::Preparing { .. } | Phase::Undoing { .. } | Phase::Unkept { .. } => {}
        }
    }

    pub(super) fn undo_deadline(&self) -> Option<Tick> {
        Some(match &self.undoing.as_ref()?.phase {
            Phase::Preparing { until } => *until,
            Phase::Undoing { limit } => *limit,
            Phase::Unkept { retry_at, .. } => *retry_at,
        })
    }

    /// After a restart: only what was answered is known; all else that was sent is for staff.
    pub(super) fn recover_undo(&mut self, payment: PaymentRecord, kiosk: &Kiosk) {
        let Some(record) = payment.undo.clone().filter(|record| record.state.is_open()) else { return };
        let UndoRecord { undo, way, state, transaction, answer, .. } = record;
        let (payment, transaction) = (Box::new(payment), Box::new(transaction));
        let phase = Phase::Preparing { until: kiosk.tick() };
        let mut undoing = Undoing { undo, payment, way, transaction, ticket: None, phase };
        let entries = match (state, &answer) {
            (UndoState::Intent, _) => {
                let reason = "the kiosk stopped before anything was sent".to_owned();
                vec![UndoEntry::NotReversed { undo, reason }]
            }
            (UndoState::Answered, Some(answer)) => undoing.told(answer, self.has_strayed(kiosk), kiosk),
            (
                UndoState::Sent
                | UndoState::Answered
                | UndoState::InDoubt
                | UndoState::Reversed
                | UndoState::NotReversed
                | UndoState::NeedsStaff,
                _,
            ) => unproved(undo, "the kiosk stopped after it was sent"),
        };
        undoing.phase = Phase::Unkept { entries, retry_at: kiosk.tick(), wait_ms: RETRY_FIRST_MS };
        self.undoing = Some(undoing);
    }

    /// What the journal knew at start.
    pub fn know_strayed(&mut self, strayed: &[(AttemptId, DateTime<FixedOffset>)], zone: &Zone) {
        self.strayed.extend(strayed.iter().map(|(undo, at)| (*undo, zone.at(at).date_naive())));
    }

    /// Only sales of the day are given back.
    fn has_strayed(&self, kiosk: &Kiosk) -> bool {
        self.strayed.values().any(|day| *day == kiosk.today())
    }

    /// Staff found out about an undo in doubt. Where the sale stands, another may have been given back in its place.
    pub(super) fn settle_undo(
        &mut self,
        ticket: Uuid,
        stands: bool,
        evidence: Entry,
        payment: &PaymentRecord,
        kiosk: &mut Kiosk,
    ) {
        let Some(record) = &payment.undo else { return };
        let undo = record.undo;
        self.late_undo = None;
        kiosk.emit(Effect::Record(evidence));
        let (last, answer) = if stands {
            let reason = "staff found out that the sale stands".to_owned();
            (UndoEntry::NotReversed { undo, reason: reason.clone() }, StaffAnswer::NotReversed { reason })
        } else {
            self.strayed.remove(&undo);
            self.settled(payment.attempt);
            let cancellation = cancellation(undo, payment, kiosk).map(Box::new);
            (UndoEntry::Reversed { undo, cancellation }, StaffAnswer::Reversed)
        };
        kiosk.emit(Effect::Record(Entry::Undo(last)));
        self.answers.push((ticket, answer));
    }
}

impl Undoing {
    /// What happened is known and only waits to be written down.
    fn is_settled(&self) -> bool {
        matches!(
            &self.phase,
            Phase::Unkept { entries, .. }
                if matches!(entries.last(), Some(UndoEntry::Reversed { .. } | UndoEntry::NotReversed { .. }))
        )
    }

    /// What an answer proves. A host that did not answer proves nothing, as with a charge; nor does a refusal once an undo
    /// before is in doubt, for that may have given this sale back.
    fn told(&self, answer: &UndoAnswer, strayed: bool, kiosk: &Kiosk) -> Vec<UndoEntry> {
        let undo = self.undo;
        match answer {
            UndoAnswer::Reversed | UndoAnswer::AlreadyReversed => {
                let cancellation = cancellation(undo, &self.payment, kiosk).map(Box::new);
                vec![UndoEntry::Reversed { undo, cancellation }]
            }
            UndoAnswer::Refused { code, .. } if kiosk.facility.payment.doubtful_declines.contains(code) => {
                unproved(undo, &format!("refused with {code}, which proves nothing"))
            }
            // It moved other money, or nobody can say which.
            UndoAnswer::Unlike { reason } => unproved(undo, reason),
            UndoAnswer::Refused { code, message } => {
                let reason = format!("the terminal refused: {code} {message}");
                stands_unless(strayed, undo, reason.trim_end().to_owned())
            }
        }
    }
}

/// This undo did nothing. Once another is in doubt, the sale may have been given back by that one.
fn stands_unless(strayed: bool, undo: AttemptId, reason: String) -> Vec<UndoEntry> {
    if strayed {
        return unproved(undo, &format!("{reason}, and what the terminal gave back before is not known"));
    }
    vec![UndoEntry::NotReversed { undo, reason }]
}

fn unproved(undo: AttemptId, reason: &str) -> Vec<UndoEntry> {
    let plain = format!("it is not known whether the money was given back ({reason}): ask the card company");
    vec![UndoEntry::InDoubt { undo, reason: plain.clone() }, UndoEntry::NeedsStaff { undo, reason: plain }]
}

/// For a hospital that has the request or will get it. The same undo always makes the same one.
fn cancellation(undo: AttemptId, payment: &PaymentRecord, kiosk: &Kiosk) -> Option<Request> {
    match payment.state {
        PaymentState::Committed | PaymentState::Settled => {}
        PaymentState::Intent
        | PaymentState::Sent
        | PaymentState::Answered
        | PaymentState::NotPaid
        | PaymentState::InDoubt
        | PaymentState::NeedsStaff
        | PaymentState::Reversed => return None,
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
