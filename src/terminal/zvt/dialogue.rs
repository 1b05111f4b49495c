//! Who speaks when, as a pure value: bytes, commands and time in; bytes and reports out. No clock, no IO, no thread: time
//! is what [`Now`] says at each call, and [`Dialogue::deadline_ms`] says when the next call is due.
//!
//! ```text
//! line up ─▶ 06 00 registration ─▶ Idle ─ 05 01 every minute
//! Idle ─Prepare→ [06 B0] · 05 01 (until idle and the slot is empty) · 06 20 ─Prepared→ Ready
//! Ready ─Charge→ 06 01 · 80 00 · 04 FF … ─┬ 04 0F rc 00 ─Answered, unconfirmed→ waits for Confirm or Refuse
//!                                         ├ [04 0F rc ≠ 0 …] 06 1E or 06 0F, 84 xx ─Answered, a decline→ Idle
//!                                         └ NAK, silence, vanished line ─NoAnswer→ Idle
//! Confirm ─▶ 80 00 00 ─┬ 06 0F ─Confirmed→         Refuse ─▶ 84 66 00 ─┬ 06 1E ─Withdrawn→
//!                      └ 06 1E, silence ─NoAnswer→                     └ anything else ─NoAnswer→
//! Idle ─AskOutcome→ 06 B0 · 05 01 · 06 20 · pause · 06 20 ─Outcome→
//! ```
//! What holds everywhere:
//! - 06 01, 06 30 and 06 31 are written once per attempt and never again, not even after a NAK or T2; 06 50 once per order.
//!   All other blocks are repeated twice, as PA00P016 says.
//! - Every good block is acknowledged, also a second copy of one.
//! - While nobody has decided about a result, `84 9C 00` keeps it waiting (PA00P015 2.2.8); a copy of it gets the same
//!   answer as the first and is reported once. A result that nobody waits for is refused, and the terminal undoes it.
//! - 04 0F belongs to a question only once the terminal has accepted that question; before, it is the charge's.
//! - While the terminal is master nothing is asked of it: after its last word, and for a moment after 06 B0, which some
//!   terminals end with a 06 0F of its own (against 2.23).
//! - A printed receipt after our `80 00 00` is not yet taken for proof: a terminal that undoes a sale prints too.

mod approval;
mod charge;
mod last;
mod questions;
mod stranger;
mod task;
mod undo;
mod wire;

use super::bmp;
use super::frame;
use super::framing::Framing;
use super::hidden::{Knowing, hidden};
use super::message::{self, Message};
use super::reader::Item;
use super::request::{self, Merchant, Without};
use crate::domain::attempt::{AttemptId, CardTransaction, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::TerminalDay;
use crate::domain::terminal::{Stands, TerminalCommand, TerminalReport, UndoWay};
pub use crate::terminal::dialogue::{Now, Step};
use approval::Approval;
use charge::Charge;
use questions::{Ask, CardWait, End, Exchange, Next};
use std::collections::VecDeque;
use undo::Undo;
use wire::{Sent, What};

/// Time limits in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// T2, block sent to ACK.
    pub ack_ms: u64,
    /// T1, silence inside a block after which it is given up. The specification's 200 ms and what a USB adapter holds back.
    pub gap_ms: u64,
    /// T3, command sent to `80 00` or `84 xx`; on the network also silence inside a message.
    pub reply_ms: u64,
    /// After `80 00` to 06 B0, for a 06 0F or 06 1E that may follow.
    pub abort_ms: u64,
    /// T4 of a question: `80 00` to its end.
    pub finish_ms: u64,
    /// Charge sent to its result; the card-holder's time is inside it.
    pub answer_ms: u64,
    /// Until a result without a decision gets `84 9C 00`. The terminal repeats it two seconds later.
    pub hold_ms: u64,
    /// Until a result without a decision is refused: the terminal gives up then (BMP 01).
    pub decide_ms: u64,
    /// Our decision to the terminal's next word.
    pub go_on_ms: u64,
    /// How long a forgotten card, or a busy terminal, may hold up `Prepare`.
    pub card_out_ms: u64,
    pub card_poll_ms: u64,
    /// Call-off to the charge's own end.
    pub call_off_grace_ms: u64,
    /// The same where a card was seen: the card company may be at work on it.
    pub card_grace_ms: u64,
    /// All of `AskOutcome`.
    pub ask_ms: u64,
    /// Between the two questions for the last transaction.
    pub ask_pause_ms: u64,
    /// An undo or an end of day to its end.
    pub work_ms: u64,
    /// `Prepared` serves a charge for so long.
    pub ready_ms: u64,
    /// How long the answer to a question that was written again or given up may take.
    pub echo_ms: u64,
    /// Between signs of life asked for while idle, and while it does not answer.
    pub probe_ms: u64,
    pub probe_again_ms: u64,
}

impl Limits {
    #[must_use]
    pub const fn new(ack_ms: u64, answer_ms: u64) -> Self {
        Self {
            ack_ms,
            gap_ms: 400,
            reply_ms: 5_000,
            abort_ms: 1_000,
            finish_ms: 20_000,
            answer_ms,
            hold_ms: 1_000,
            decide_ms: request::DECIDE_S as u64 * 1_000,
            go_on_ms: 20_000,
            card_out_ms: 30_000,
            card_poll_ms: 1_000,
            call_off_grace_ms: 5_000,
            card_grace_ms: 30_000,
            ask_ms: 45_000,
            ask_pause_ms: 2_000,
            work_ms: 120_000,
            ready_ms: 300_000,
            echo_ms: 60_000,
            probe_ms: 60_000,
            probe_again_ms: 3_000,
        }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is a doubt or a state of its own")]
pub struct Dialogue {
    merchant: Merchant,
    limits: Limits,
    /// How messages travel.
    framing: Framing,
    last_byte_ms: u64,
    line_up: bool,
    online: Option<bool>,
    registered: bool,
    /// What it refuses as a field, and whether it has heard our currency, or told it, at registration.
    left_out: Without,
    currency_told: bool,
    /// The question that is asked was swallowed once.
    asked_again: bool,
    /// A question was written again or given up: until then an answer to it may come, into whatever is under way by then.
    echo_until_ms: u64,
    /// How it refused a question of this task: the same once more may be a copy of that answer.
    question_refused: Option<u8>,
    /// The terminal's last transaction undid the sale with this trace, as far as it was told.
    reversed_last: Option<String>,
    /// A charge may still stand on the terminal's display.
    may_pend: bool,
    /// Since `Prepared`: something suggests that the terminal has restarted, or that its last word was lost.
    restarted: bool,
    /// A card was seen, and the terminal has not ended that charge: it may have gone down over the card.
    over_card: bool,
    /// NAKs left until something good comes.
    refusals_left: u8,
    /// Our blocks without an ACK yet, oldest first.
    in_flight: VecDeque<Sent>,
    task: Task,
    /// The question to put next, and the one under way.
    next: Option<Next>,
    exchange: Option<Exchange>,
    /// The question has ended; our answer to its last word is still to be acknowledged.
    ended: Option<End>,
    /// The last charge that left, until its answer came or the next `Prepare` is through.
    open: Option<OpenCharge>,
    /// The one before: answered, or given up. Only an approval is still told of it.
    closed: Option<OpenCharge>,
    /// The last result that was to be decided on. Kept, so that a copy of it gets the same answer.
    approval: Option<Approval>,
    /// The last refusal that was reported. A terminal may tell it again, perhaps into the next charge.
    refusal: Option<CardTransaction>,
    /// Attempts that may never be sent again.
    sent: VecDeque<AttemptId>,
    card_in: bool,
    probe_at_ms: u64,
    steps: Vec<Step>,
}

#[expect(clippy::large_enum_variant, reason = "there is one, and it stays where it is")]
enum Task {
    Idle,
    /// Registering, or asking for a sign of life.
    Probe,
    Prepare {
        until_ms: u64,
        card: Option<CardWait>,
        /// It said once that it has no last transaction, or that it cannot tell it.
        empty: bool,
        untold: bool,
    },
    Ready {
        until_ms: u64,
        baseline: LastTransaction,
    },
    Charge(Charge),
    Ask(Ask),
    Undo(Undo),
    EndOfDay {
        /// 06 50 is on the wire.
        left: bool,
    },
}

struct OpenCharge {
    attempt: AttemptId,
    amount: Amount,
    baseline: LastTransaction,
    /// The terminal refused it in so many words, and has told no approval since.
    refused: bool,
}

const REFUSALS: u8 = 3;
/// More than the attempts of one session.
const ATTEMPTS_REMEMBERED: usize = 64;

impl Dialogue {
    #[must_use]
    pub fn new(merchant: Merchant, limits: Limits) -> Self {
        Self {
            merchant,
            limits,
            framing: Framing::serial(),
            last_byte_ms: 0,
            line_up: false,
            online: None,
            registered: false,
            left_out: Without::default(),
            currency_told: true,
            asked_again: false,
            echo_until_ms: 0,
            question_refused: None,
            reversed_last: None,
            may_pend: false,
            restarted: true,
            over_card: false,
            refusals_left: REFUSALS,
            in_flight: VecDeque::new(),
            task: Task::Idle,
            next: None,
            exchange: None,
            ended: None,
            open: None,
            closed: None,
            approval: None,
            refusal: None,
            sent: VecDeque::new(),
            card_in: false,
            probe_at_ms: 0,
            steps: Vec::new(),
        }
    }

    /// A terminal on the network. There T3 has to be adjustable (PA00P016 5.2.5): what is set for the acknowledgement that it
    /// lacks counts, if that is longer.
    #[must_use]
    pub fn on_network(self) -> Self {
        let reply_ms = self.limits.reply_ms.max(self.limits.ack_ms);
        Self { framing: Framing::network(), limits: Limits { reply_ms, ..self.limits }, ..self }
    }

    fn obey(&mut self, command: &TerminalCommand, now: Now) {
        match command {
            TerminalCommand::Prepare => self.prepare(now),
            TerminalCommand::Charge { attempt, amount, card_ms } => self.charge(*attempt, *amount, *card_ms, now),
            TerminalCommand::Confirm { attempt } => self.decide(*attempt, approval::Decision::Book, now),
            TerminalCommand::Refuse { attempt } => self.decide(*attempt, approval::Decision::Undo, now),
            TerminalCommand::CallOff => self.call_off(now),
            TerminalCommand::AskOutcome { attempt } => self.ask_outcome(*attempt, now),
            TerminalCommand::Undo { undo, way: UndoWay::WithCard, stands: Stands::UnlessGone, .. } => {
                self.never_sent(*undo, undo::MAYBE_GONE);
            }
            TerminalCommand::Undo { undo, way: UndoWay::WithCard, stands: Stands::UnlessNeverBooked, .. } => {
                self.never_sent(*undo, undo::MAYBE_NEVER_BOOKED);
            }
            TerminalCommand::Undo { undo, transaction, way, is_newest, .. } => {
                self.undo(*undo, transaction, *way, *is_newest, now);
            }
            TerminalCommand::EndOfDay => self.end_of_day(now),
        }
    }

    fn item(&mut self, item: Item, now: Now) {
        match item {
            Item::Ack => self.acknowledged(now),
            Item::Nak => self.refused(now),
            Item::Block { apdu, .. } => self.block(&apdu, now),
            Item::Broken => self.broken(),
        }
    }

    /// Asks for a repeat where something is awaited.
    fn broken(&mut self) {
        self.restarted = true;
        self.hang_up("what the card terminal says is no whole message");
        let idle = matches!(self.task, Task::Idle | Task::Ready { .. }) && self.in_flight.is_empty();
        if !idle && self.refusals_left > 0 {
            self.refusals_left -= 1;
            self.say_received(false);
        }
    }

    /// Whatever leaves here tells of a card only what may be seen.
    fn block(&mut self, apdu: &[u8], now: Now) {
        self.say_received(true);
        self.refusals_left = REFUSALS;
        let Ok(apdu) = super::apdu::Apdu::parse(apdu) else {
            self.restarted = true;
            return;
        };
        self.heard(now);
        let (message, fault) = Message::read_as_far(&apdu);
        let raw = frame::wrap(&hidden(&message, Knowing::Little).to_apdu().encode());
        if let Some(other) = self.merchant.other_terminal(&message) {
            return self.not_ours(&message, &other, now);
        }
        match apdu.code {
            message::STATUS => {
                if let Some(fault) = fault {
                    let (what, at) = (fault.what, fault.at);
                    let words =
                        format!("the end of the card terminal's result cannot be read, from byte {at} on: {what}");
                    self.steps.push(Step::Tell(words));
                }
                self.result(&message, raw, now);
            }
            message::INTERMEDIATE => {
                self.reply(&request::positive(), now);
                self.intermediate(message.fixed("status").and_then(|raw| raw.first().copied()), now);
            }
            message::COMPLETION => {
                self.reply(&request::positive(), now);
                self.completed(message, raw, now);
            }
            message::ABORTED => {
                self.reply(&request::positive(), now);
                let code = message.fixed("result_code").and_then(|raw| raw.first().copied());
                self.aborted(code.unwrap_or(UNTOLD), &message, raw, now);
            }
            message::PRINT_LINE | message::PRINT_BLOCK => {
                self.reply(&request::positive(), now);
                let words =
                    "the card terminal sends lines to print, though it was registered without: nobody prints them";
                self.steps.push(Step::Tell(words.to_owned()));
            }
            message::SET_TIME => self.reply(&request::positive(), now),
            code => match code.to_be_bytes() {
                [0x80, _] => self.accepted(now),
                [0x84, 0] => self.answered_neither(now),
                [0x84, error] => self.command_refused(error, &message, raw, now),
                [_, _] => self.reply(&request::not_supported(), now),
            },
        }
    }

    /// Whatever comes shows that the terminal is alive, and that it has read our last answer.
    fn heard(&mut self, now: Now) {
        self.in_flight.retain(|sent| sent.what != What::Reply);
        if let Some(exchange) = &mut self.exchange
            && exchange.accepted
        {
            exchange.due_ms = Some(now.ms.saturating_add(exchange.patience_ms));
        }
        if let Task::Charge(charge) = &mut self.task {
            charge.heard(now.ms.saturating_add(self.limits.go_on_ms));
        }
    }

    fn set_online(&mut self, online: bool) {
        if self.online != Some(online) {
            self.online = Some(online);
            self.steps.push(Step::Report(TerminalReport::Online(online)));
        }
    }

    fn not_ready(&mut self, reason: &str) {
        self.steps.push(Step::Report(TerminalReport::NotReady { reason: reason.to_owned() }));
    }

    fn no_answer(&mut self, attempt: AttemptId, reason: &str) {
        self.steps.push(Step::Report(TerminalReport::NoAnswer { attempt, reason: reason.to_owned() }));
    }

    fn never_sent(&mut self, attempt: AttemptId, reason: &str) {
        self.steps.push(Step::Report(TerminalReport::NeverSent { attempt, reason: reason.to_owned() }));
    }

    fn no_totals(&mut self, day: TerminalDay, reason: &str) {
        self.steps.push(Step::Report(TerminalReport::NoTotals { day, reason: reason.to_owned() }));
    }

    /// From now on this attempt is never sent again.
    fn remember(&mut self, attempt: AttemptId) {
        if self.sent.len() == ATTEMPTS_REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(attempt);
    }

    /// Puts the next question when nothing of the one before is left, and hands out what is to be done.
    fn settle(&mut self, now: Now) -> Vec<Step> {
        while self.in_flight.is_empty() {
            if let Some(end) = self.ended.take() {
                self.question_over(end, now);
            } else if self.line_up
                && self.exchange.is_none()
                && self.next.as_ref().is_some_and(|next| now.ms >= next.at_ms)
            {
                self.put_next(now);
            } else {
                break;
            }
        }
        std::mem::take(&mut self.steps)
    }
}

/// 06 1E without a result code.
const UNTOLD: u8 = 0xff;
/// A time-out or abort tells what happened at the reader, not what the card company did.
const TIMED_OUT: u8 = 0x6c;

/// The result code of a status information or completion.
fn result_code(message: &Message) -> Option<u8> {
    message.bytes(bmp::RESULT).and_then(|raw| raw.first().copied())
}

impl crate::terminal::dialogue::Dialogue for Dialogue {
    fn command(&mut self, command: &TerminalCommand, now: Now) -> Vec<Step> {
        self.obey(command, now);
        self.settle(now)
    }

    fn bytes(&mut self, bytes: &[u8], now: Now) -> Vec<Step> {
        if !bytes.is_empty() {
            self.last_byte_ms = now.ms;
        }
        for item in self.framing.push(bytes) {
            self.item(item, now);
        }
        self.settle(now)
    }

    fn tick(&mut self, now: Now) -> Vec<Step> {
        if self.framing.is_waiting() && now.ms >= self.last_byte_ms.saturating_add(self.gap_ms()) {
            for item in self.framing.silence() {
                self.item(item, now);
            }
        }
        self.tick_wire(now);
        self.tick_question(now);
        self.tick_approval(now);
        self.tick_task(now);
        self.settle(now)
    }

    fn deadline_ms(&self) -> Option<u64> {
        let gap = self.framing.is_waiting().then(|| self.last_byte_ms.saturating_add(self.gap_ms()));
        let wire = self.in_flight.front().map(|sent| sent.due_ms);
        let question = self.exchange.as_ref().and_then(|exchange| exchange.due_ms);
        let next = self.next.as_ref().filter(|_| self.line_up && self.exchange.is_none() && self.in_flight.is_empty());
        let approval = self.approval.as_ref().and_then(Approval::deadline_ms);
        let dues = [gap, wire, question, next.map(|next| next.at_ms), approval, self.task_deadline_ms()];
        dues.into_iter().flatten().min()
    }

    fn line_up(&mut self, now: Now) -> Vec<Step> {
        self.line_up = true;
        self.registered = false;
        self.framing.restart();
        self.probe_at_ms = now.ms;
        if matches!(self.task, Task::Ask(_)) {
            self.begin(now);
        }
        self.tick(now)
    }

    fn line_down(&mut self, now: Now) -> Vec<Step> {
        self.line_up = false;
        self.registered = false;
        self.framing.restart();
        self.in_flight.clear();
        self.restarted = true;
        self.may_pend |= self.open.is_some();
        let keeps_asking = matches!(self.task, Task::Ask(_));
        if keeps_asking {
            self.begin(now);
        } else {
            self.give_up_task("the line to the card terminal is gone", now);
        }
        self.set_online(false);
        std::mem::take(&mut self.steps)
    }

    fn charge_never_left(&mut self) -> Vec<Step> {
        self.in_flight.clear();
        self.money_never_left();
        std::mem::take(&mut self.steps)
    }
}
