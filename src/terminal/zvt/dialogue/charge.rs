//! The one money command. What is true of the money, state by state:
//!
//! - before `WriteCharge` is carried out: nothing left the kiosk (`NeverSent`)
//! - from its first byte to a result: nobody knows; NAK, silence and a lost line prove nothing (`NoAnswer`)
//! - 84 xx, or a result that refuses and then the terminal's end (06 1E, 06 0F): nothing moved (`Answered`). The result alone
//!   is not final: after a wrong PIN the terminal may ask again and tell another result (PA00P015 2.2.6), and until its end
//!   it is the one who speaks
//! - a result with rc 00: see [`super::approval`]
//! - a result that cannot be read, or is another transaction's, gets `84 66 00`; with the terminal's end nothing stands
//!   (`Withdrawn`)
//!
//! An answered 06 B0 proves nothing: only the charge's own end does. Nor does `84 00 00`, which is "yes" from the kiosk
//! and "no" from some terminals.

use super::wire::What;
use super::{Dialogue, Now, OpenCharge, Step, Task, request, result_code};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::TerminalReport;
use crate::terminal::zvt::message::Message;
use crate::terminal::zvt::transaction::{PROTOCOL_ERROR, WRONG_PIN, refusal_with, refused};

/// `84 1E` with a code behind it is what `06 1E` says elsewhere.
const ABORTED: u8 = 0x1e;

pub(super) struct Charge {
    pub(super) attempt: AttemptId,
    pub(super) stage: Stage,
    window_end_ms: u64,
    /// Nobody showed a card until then: call it off.
    card_due_ms: Option<u64>,
    card_seen: bool,
    call_off: CallOff,
    /// A result that refuses; final with the terminal's end.
    refusal: Option<Refusal>,
    /// A result got `84 66 00` that could not be read or was another's: if it was ours, the terminal undoes it.
    pub(super) refused: bool,
    /// An approval that is believed when it comes again: without a baseline it could be that of an older sale.
    pub(super) told_once: Option<CardTransaction>,
}

struct Refusal {
    /// Not of a wrong PIN, which may be asked for again, and not once the terminal worked on the payment again: another result
    /// may be lost. Then only an end that says why is final.
    is_last: bool,
    transaction: CardTransaction,
    raw: Vec<u8>,
    /// A terminal that is silent for so long will not end it any more; `None` while somebody may be typing a PIN.
    due_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// T2 runs.
    Sent,
    /// Acknowledged; T3 runs.
    Taken {
        reply_due_ms: u64,
    },
    Running,
    /// A result waits for our decision.
    Deciding,
    /// Decided; the terminal's end is awaited.
    GoingOn {
        due_ms: u64,
    },
}

enum CallOff {
    No,
    /// As soon as the terminal has accepted the command.
    Wanted,
    Asked {
        until_ms: u64,
    },
}

impl Charge {
    /// A result came for a charge that was given up.
    pub(super) const fn late(attempt: AttemptId) -> Self {
        Self {
            attempt,
            stage: Stage::Deciding,
            window_end_ms: u64::MAX,
            card_due_ms: None,
            card_seen: true,
            call_off: CallOff::No,
            refusal: None,
            refused: false,
            told_once: None,
        }
    }

    pub(super) const fn decided(&self) -> bool {
        matches!(self.stage, Stage::Deciding | Stage::GoingOn { .. })
    }

    pub(super) const fn taken(&mut self, reply_due_ms: u64) {
        if matches!(self.stage, Stage::Sent) {
            self.stage = Stage::Taken { reply_due_ms };
        }
    }

    /// The terminal is alive: its end is awaited a little longer.
    pub(super) const fn heard(&mut self, later_ms: u64) {
        if let Stage::GoingOn { due_ms } = &mut self.stage {
            *due_ms = later_ms;
        }
        if let Some(Refusal { due_ms: Some(due_ms), .. }) = &mut self.refusal {
            *due_ms = later_ms;
        }
    }

    /// What the terminal shows: a refusal with work after it was not its last word.
    pub(super) fn shows(&mut self, status: Option<u8>) {
        /// Chapter 3.7: amount to be confirmed, watch the PIN pad (twice), wait for the answer, insert card, incorrect PIN.
        const AT_WORK: [u8; 6] = [0x00, 0x01, 0x02, 0x04, 0x0a, 0x15];
        if let Some(refusal) = &mut self.refusal {
            refusal.is_last &= status.is_none_or(|status| !AT_WORK.contains(&status));
        }
    }

    /// The card company may be at work from now on: a call-off that crossed it waits until `grace_end_ms`.
    pub(super) fn card_seen(&mut self, grace_end_ms: u64) {
        self.card_due_ms = None;
        self.card_seen = true;
        if let CallOff::Asked { until_ms } = &mut self.call_off {
            *until_ms = grace_end_ms.max(*until_ms);
        }
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let grace = match self.call_off {
            CallOff::Asked { until_ms } => Some(until_ms),
            CallOff::No | CallOff::Wanted => None,
        };
        match self.stage {
            // T2 is watched with the block itself.
            Stage::Sent => Some(self.window_end_ms),
            Stage::Taken { reply_due_ms } => Some(reply_due_ms),
            Stage::Running => {
                let silent = self.refusal.as_ref().and_then(|refusal| refusal.due_ms);
                [Some(self.window_end_ms), self.card_due_ms, grace, silent].into_iter().flatten().min()
            }
            Stage::Deciding => None,
            Stage::GoingOn { due_ms } => Some(due_ms),
        }
    }
}

impl Dialogue {
    pub(super) fn charge(&mut self, attempt: AttemptId, amount: Amount, card_ms: u64, now: Now) {
        if matches!(&self.task, Task::Charge(charge) if charge.attempt == attempt) {
            return;
        }
        if self.sent.contains(&attempt) {
            return self.no_answer(attempt, "this attempt was sent before and is never sent twice");
        }
        let Some(apdu) = self.merchant.authorise(amount, self.without()) else {
            return self.never_sent(attempt, "the terminal cannot take this amount");
        };
        match std::mem::replace(&mut self.task, Task::Idle) {
            Task::Ready { baseline, .. } if self.line_up && self.registered => {
                self.send_charge(OpenCharge { attempt, amount, baseline, refused: false }, &apdu, card_ms, now);
            }
            Task::Ready { .. } => self.never_sent(attempt, "the line to the card terminal is gone"),
            other => {
                self.task = other;
                self.never_sent(attempt, "the terminal was not prepared for a charge");
            }
        }
    }

    fn send_charge(&mut self, open: OpenCharge, apdu: &[u8], card_ms: u64, now: Now) {
        let after = |ms: u64| now.ms.saturating_add(ms);
        self.task = Task::Charge(Charge {
            attempt: open.attempt,
            stage: Stage::Sent,
            window_end_ms: after(self.limits.answer_ms.max(card_ms)),
            card_due_ms: (card_ms > 0).then(|| after(card_ms)),
            card_seen: false,
            call_off: CallOff::No,
            refusal: None,
            refused: false,
            told_once: None,
        });
        self.remember(open.attempt);
        self.open = Some(open);
        self.approval = None;
        (self.restarted, self.over_card) = (false, false);
        self.card_in = false;
        self.exchange = None;
        self.next = None;
        self.transmit(What::Money, apdu, now);
    }

    /// True while the terminal works on our charge and has not told its result.
    pub(super) fn charge_runs(&self) -> bool {
        matches!(&self.task, Task::Charge(Charge { stage: Stage::Running, .. }))
    }

    pub(super) fn call_off(&mut self, now: Now) {
        match &mut self.task {
            Task::Charge(charge) => {
                if matches!(charge.call_off, CallOff::No) {
                    charge.call_off = CallOff::Wanted;
                }
                self.start_call_off(now);
            }
            Task::Prepare { .. } => self.give_up_task("called off", now),
            Task::Ready { .. } => self.task = Task::Idle,
            Task::Idle | Task::Probe | Task::Ask(_) | Task::Undo(_) | Task::EndOfDay { .. } => {}
        }
    }

    fn start_call_off(&mut self, now: Now) {
        if let Task::Charge(charge) = &mut self.task
            && matches!(charge.call_off, CallOff::Wanted)
            && matches!(charge.stage, Stage::Running)
        {
            let limits = &self.limits;
            let grace_ms = if charge.card_seen { limits.card_grace_ms } else { limits.call_off_grace_ms };
            charge.card_due_ms = None;
            charge.call_off = CallOff::Asked { until_ms: now.ms.saturating_add(grace_ms) };
            self.transmit(What::CallOff, &request::abort(), now);
        }
    }

    /// `80 00 00` to our charge. True if it was for it.
    pub(super) fn charge_accepted(&mut self, now: Now) -> bool {
        let Task::Charge(charge) = &mut self.task else { return false };
        if matches!(charge.stage, Stage::Sent | Stage::Taken { .. }) {
            charge.stage = Stage::Running;
            self.in_flight.retain(|sent| sent.what != What::Money);
            self.start_call_off(now);
        }
        true
    }

    /// `84 xx 00` to our charge: it was never begun. One to a call-off means nothing.
    pub(super) fn charge_refused(&mut self, error: u8, message: &Message, raw: Vec<u8>, now: Now) -> bool {
        let Task::Charge(charge) = &self.task else { return false };
        if matches!(charge.stage, Stage::Sent | Stage::Taken { .. }) {
            if self.may_be_an_echo(error, now) {
                self.money_in_doubt(super::questions::ECHO, now);
                return true;
            }
            let code = message.rest.first().filter(|_| error == ABORTED).map_or(error, |code| *code);
            self.in_flight.retain(|sent| sent.what != What::Money);
            self.told_no(refused(refusal_with(code, message)), raw);
            self.end_charge(now);
        }
        true
    }

    /// `84 00 00` to our charge: accepted, or refused without an error. True if it was for it.
    pub(super) fn charge_answered_neither(&mut self, now: Now) -> bool {
        let Task::Charge(charge) = &self.task else { return false };
        if matches!(charge.stage, Stage::Sent | Stage::Taken { .. }) {
            self.money_in_doubt("the terminal answered 84 00, which may mean yes and no", now);
        }
        true
    }

    /// A result that refuses our charge. The terminal goes on to its end, or to another result.
    pub(super) fn declined(&mut self, transaction: CardTransaction, raw: Vec<u8>, now: Now) {
        let named = transaction.amount;
        let ours = self.open.as_ref().is_some_and(|open| named.is_zero() || named == open.amount);
        let silent_ms = now.ms.saturating_add(self.limits.go_on_ms);
        if let Task::Charge(charge) = &mut self.task
            && matches!(charge.stage, Stage::Running)
            && ours
        {
            let wrong_pin = transaction.decline.as_ref().is_some_and(|decline| decline.is(WRONG_PIN));
            charge.card_due_ms = None;
            if let CallOff::Asked { until_ms } = &mut charge.call_off {
                *until_ms = silent_ms.max(*until_ms);
            }
            let due_ms = (!wrong_pin).then_some(silent_ms);
            charge.refusal = Some(Refusal { is_last: !wrong_pin, transaction, raw, due_ms });
        }
    }

    /// The terminal's end of a charge that it has not approved: `failed` is its code, if it says one.
    fn ended(&mut self, attempt: AttemptId, failed: Option<u8>, message: &Message, raw: Vec<u8>) {
        let Task::Charge(charge) = &mut self.task else { return };
        self.over_card &= charge.refusal.is_none() && failed.is_none();
        match (charge.refusal.take(), failed) {
            (Some(refusal), None) if !refusal.is_last => {
                // All the same its own word: an unchanged last transaction agrees with it.
                if let Some(open) = &mut self.open {
                    open.refused = true;
                }
                self.no_answer(
                    attempt,
                    "the terminal ended the payment after a refusal that need not be its last word",
                );
            }
            (Some(refusal), _) => self.told_no(refusal.transaction, refusal.raw),
            (None, Some(_)) if charge.refused => {
                self.withdrawn(attempt, "undone at our word: its result could not be read, or was another's");
            }
            (None, Some(code)) => self.told_no(refused(refusal_with(code, message)), raw),
            (None, None) => self.no_answer(attempt, "the terminal ended the payment without a result"),
        }
    }

    /// A refusal of our charge, in so many words.
    fn told_no(&mut self, transaction: CardTransaction, raw: Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        let attempt = open.attempt;
        self.closed = Some(OpenCharge { refused: true, ..open });
        if transaction.decline.as_ref().is_some_and(|decline| decline.is(PROTOCOL_ERROR)) {
            self.leave_fields_out();
        }
        self.refusal = Some(transaction.clone());
        let (transaction, booking) = (Box::new(transaction), Booking::Final);
        self.steps.push(Step::Report(TerminalReport::Answered { attempt, raw, transaction, booking }));
    }

    /// 06 0F while a charge is under way. True if it was for it.
    pub(super) fn charge_completed(&mut self, message: &Message, raw: Vec<u8>, now: Now) -> bool {
        let Task::Charge(Charge { attempt, stage, .. }) = &self.task else { return false };
        let (attempt, stage) = (*attempt, *stage);
        match stage {
            // Not ours yet: the echo of something before.
            Stage::Sent | Stage::Taken { .. } => return true,
            Stage::Running => {
                self.ended(attempt, result_code(message).filter(|code| *code != 0), message, raw);
            }
            Stage::Deciding => {
                self.undecided_end();
                self.no_answer(attempt, "the terminal ended the payment before we decided");
            }
            Stage::GoingOn { .. } => self.went_on(attempt, message),
        }
        self.card_is_out();
        self.end_charge(now);
        true
    }

    /// 06 1E while a charge is under way. True if it was for it.
    pub(super) fn charge_aborted(&mut self, code: u8, message: &Message, raw: Vec<u8>, now: Now) -> bool {
        let Task::Charge(Charge { attempt, stage, .. }) = &self.task else { return false };
        let (attempt, stage) = (*attempt, *stage);
        match stage {
            Stage::Sent | Stage::Taken { .. } => return true,
            Stage::Running => self.ended(attempt, Some(code), message, raw),
            Stage::Deciding | Stage::GoingOn { .. } => self.turned_back(attempt),
        }
        self.card_is_out();
        self.end_charge(now);
        true
    }

    /// 04 FF: what the terminal shows. Most of it means that a card was seen.
    pub(super) fn intermediate(&mut self, status: Option<u8>, now: Now) {
        /// Amount to be confirmed, insert card, aborted, service.
        const WITHOUT_CARD: [u8; 4] = [0x00, 0x0a, 0x0d, 0x1a];
        if let Task::Charge(charge) = &mut self.task {
            charge.shows(status);
        }
        if status.is_none_or(|status| WITHOUT_CARD.contains(&status)) {
            return;
        }
        let Task::Charge(charge) = &mut self.task else { return };
        charge.card_seen(now.ms.saturating_add(self.limits.card_grace_ms));
        self.over_card = true;
        if !self.card_in {
            self.card_in = true;
            self.steps.push(Step::Report(TerminalReport::CardSeen));
        }
    }

    /// The terminal ends a payment once the card is out; it has no event of its own for that.
    pub(super) fn card_is_out(&mut self) {
        if std::mem::take(&mut self.card_in) {
            self.steps.push(Step::Report(TerminalReport::CardRemoved));
        }
    }

    pub(super) fn tick_charge(&mut self, now: Now) {
        let Task::Charge(charge) = &mut self.task else { return };
        match charge.stage {
            Stage::Taken { reply_due_ms } if now.ms >= reply_due_ms => {
                self.restarted = true;
                self.money_in_doubt("the terminal did not accept the charge in time", now);
                self.hang_up(super::wire::NO_ANSWER);
            }
            Stage::Running
                if charge.refusal.as_ref().and_then(|refusal| refusal.due_ms).is_some_and(|due| now.ms >= due) =>
            {
                if charge.refusal.as_ref().is_some_and(|refusal| !refusal.is_last) {
                    return self.money_in_doubt("the terminal went on after a refusal and fell silent", now);
                }
                if let Some(refusal) = charge.refusal.take() {
                    self.told_no(refusal.transaction, refusal.raw);
                }
                // Nobody knows where it stands.
                self.may_pend = true;
                self.card_is_out();
                self.end_charge(now);
            }
            Stage::Running if now.ms >= charge.window_end_ms => {
                self.restarted = true;
                self.money_in_doubt("the terminal did not answer in time", now);
            }
            Stage::Running => self.tick_call_off(now),
            Stage::GoingOn { due_ms } if now.ms >= due_ms => {
                self.restarted = true;
                self.money_in_doubt("the terminal fell silent after its result", now);
            }
            Stage::Sent | Stage::Taken { .. } | Stage::Deciding | Stage::GoingOn { .. } => {}
        }
    }

    /// Another result of the same charge.
    pub(super) fn refusal_taken_back(&mut self) {
        if let Task::Charge(charge) = &mut self.task {
            charge.refusal = None;
        }
    }

    fn tick_call_off(&mut self, now: Now) {
        let Task::Charge(charge) = &mut self.task else { return };
        if matches!(charge.call_off, CallOff::Asked { until_ms } if now.ms >= until_ms) {
            return self.money_in_doubt("called off", now);
        }
        if charge.card_due_ms.is_some_and(|due| now.ms >= due) {
            charge.card_due_ms = None;
            self.call_off(now);
        }
    }

    pub(super) fn end_charge(&mut self, now: Now) {
        self.task = Task::Idle;
        self.exchange = None;
        self.next = None;
        self.probe_at_ms = now.ms.saturating_add(self.limits.probe_ms);
    }
}
