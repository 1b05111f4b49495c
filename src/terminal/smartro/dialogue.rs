//! Who speaks when, as a pure value: bytes, commands and time in; bytes and reports out. No clock, no IO.
//!
//! ```text
//! Idle ─Prepare→ E e · A a · M m (until the slot is empty) · L l ─Prepared→ Ready ─Charge→ B … b ─Answered→ Idle
//!                                                                             └─ NAK, silence, vanished line ─NoAnswer→ Idle
//! Ready ─Undo→ C … c or d ─Undone→ Idle, or NoAnswer as above
//! Idle ─AskOutcome→ E e · A a · L l · pause · L l ─Outcome→ Idle
//! ```
//! What holds everywhere:
//! - `B` and `C` are written once per attempt and never again; queries move no money and are repeated up to three times.
//! - A charge or undo needs a `Prepare` on the same unbroken line; each `Prepare` serves one of them.
//! - Every good frame but an event is acknowledged, also a second copy of one. Events are never acknowledged.
//! - A charge without a fitting answer stays open: a late answer is still matched and reported as `Answered`. So is an
//!   approval that follows a refusal. A repeated answer, byte for byte, answers nothing.

mod charge;
mod queries;
mod stranger;
mod undo;

use super::hidden::hidden;
use super::packet::{ACK, EVENT, Frame, NAK, STAMP_BYTES};
use super::reader::{Item, Reader};
use crate::domain::attempt::{AttemptId, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::TerminalDay;
use crate::domain::terminal::{TerminalCommand, TerminalReport};
use charge::Charge;
pub use stranger::other_terminal;

use queries::{Ask, Exchange, Prepare};
use std::collections::VecDeque;
use undo::{OpenUndo, Undo};

pub use crate::terminal::dialogue::{Now, Step};

/// Time limits in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Frame sent to ACK (the protocol: 3 s).
    pub ack_ms: u64,
    /// ACK of a query to its answer.
    pub reply_ms: u64,
    /// Charge sent to its answer; the card-holder's time is inside it.
    pub answer_ms: u64,
    /// Silence inside a frame after which it is given up.
    pub gap_ms: u64,
    /// How long a forgotten card may stay in the slot before `NotReady`.
    pub card_out_ms: u64,
    pub card_poll_ms: u64,
    /// Call-off granted to the charge's own answer.
    pub call_off_grace_ms: u64,
    /// The same where a card was seen: the card company may be at work on it.
    pub card_grace_ms: u64,
    /// All of `AskOutcome`.
    pub ask_ms: u64,
    /// Between the two questions for the last transaction.
    pub ask_pause_ms: u64,
    /// `Prepared` serves a charge for so long.
    pub ready_ms: u64,
    /// Between signs of life asked for while idle, and while it does not answer.
    pub probe_ms: u64,
    pub probe_again_ms: u64,
}

impl Limits {
    #[must_use]
    pub const fn new(ack_ms: u64, answer_ms: u64) -> Self {
        Self {
            ack_ms,
            reply_ms: 5_000,
            answer_ms,
            gap_ms: 1_000,
            card_out_ms: 30_000,
            card_poll_ms: 1_000,
            call_off_grace_ms: 3_000,
            card_grace_ms: 30_000,
            ask_ms: 15_000,
            ask_pause_ms: 2_000,
            ready_ms: 300_000,
            probe_ms: 30_000,
            probe_again_ms: 3_000,
        }
    }
}

pub struct Dialogue {
    terminal_id: String,
    limits: Limits,
    reader: Reader,
    last_byte_ms: u64,
    line_up: bool,
    online: Option<bool>,
    task: Task,
    exchange: Option<Exchange>,
    /// The last charge that left, until its fitting answer came or the next `Prepare` is through.
    open: Option<OpenCharge>,
    open_undo: Option<OpenUndo>,
    /// The one before: answered, or given up. Only an approval is still told of it.
    closed: Option<OpenCharge>,
    /// The last answer as it is kept. A terminal that missed our ACK repeats it, perhaps into the next charge.
    answered_raw: Vec<u8>,
    undone_raw: Vec<u8>,
    /// Attempts that may never be sent again.
    sent: VecDeque<AttemptId>,
    /// Since `Prepared`: something suggests that the terminal has restarted. The line was lost, it fell silent, its clock
    /// went back; or a card was seen, or something unreadable arrived, and yet no answer came.
    restarted: bool,
    clock_seen: [u8; STAMP_BYTES],
    card_in: bool,
    probe_at_ms: u64,
    steps: Vec<Step>,
}

enum Task {
    Idle,
    Probe,
    Prepare(Prepare),
    Ready { until_ms: u64, baseline: LastTransaction },
    Charge(Charge),
    Undo(Undo),
    Ask(Ask),
}

struct OpenCharge {
    attempt: AttemptId,
    amount: Amount,
    baseline: LastTransaction,
}

impl Dialogue {
    #[must_use]
    pub fn new(terminal_id: &str, limits: Limits) -> Self {
        Self {
            terminal_id: terminal_id.to_owned(),
            limits,
            reader: Reader::default(),
            last_byte_ms: 0,
            line_up: false,
            online: None,
            task: Task::Idle,
            exchange: None,
            open: None,
            open_undo: None,
            closed: None,
            answered_raw: Vec::new(),
            undone_raw: Vec::new(),
            sent: VecDeque::new(),
            restarted: true,
            clock_seen: [0; STAMP_BYTES],
            card_in: false,
            probe_at_ms: 0,
            steps: Vec::new(),
        }
    }

    pub fn command(&mut self, command: &TerminalCommand, now: Now) -> Vec<Step> {
        match *command {
            TerminalCommand::Prepare => self.prepare(now),
            TerminalCommand::Charge { attempt, amount, card_ms } => self.charge(attempt, amount, card_ms, now),
            TerminalCommand::CallOff => self.call_off(now),
            TerminalCommand::AskOutcome { attempt } => self.ask_outcome(attempt, now),
            // Its answers are final: it never waits for these.
            TerminalCommand::Confirm { .. } | TerminalCommand::Refuse { .. } => {}
            TerminalCommand::Undo { undo, ref transaction, way, is_newest, card_ms, .. } => {
                self.undo(undo, transaction, way, is_newest, card_ms, now);
            }
            TerminalCommand::EndOfDay => {
                let reason = "this terminal tells no totals: compare with the card company's list".to_owned();
                self.steps.push(Step::Report(TerminalReport::NoTotals { day: TerminalDay::NotKept, reason }));
            }
        }
        self.take()
    }

    pub fn bytes(&mut self, bytes: &[u8], now: Now) -> Vec<Step> {
        if !bytes.is_empty() {
            self.last_byte_ms = now.ms;
        }
        for item in self.reader.push(bytes) {
            self.item(item, now);
        }
        self.take()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) -> Vec<Step> {
        if self.reader.is_waiting() && now.ms >= self.last_byte_ms.saturating_add(self.limits.gap_ms) {
            for item in self.reader.silence() {
                self.item(item, now);
            }
        }
        self.tick_exchange(now);
        self.tick_task(now);
        self.take()
    }

    /// When to call [`Self::tick`] at the latest.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        let gap = self.reader.is_waiting().then(|| self.last_byte_ms.saturating_add(self.limits.gap_ms));
        let exchange = self.exchange.as_ref().map(|exchange| exchange.due_ms);
        [gap, exchange, self.task_deadline_ms()].into_iter().flatten().min()
    }

    /// The line was opened (again).
    pub fn line_up(&mut self, now: Now) -> Vec<Step> {
        self.line_up = true;
        self.reader = Reader::default();
        self.probe_at_ms = now.ms;
        if let Task::Ask(ask) = &mut self.task {
            ask.start_over(now.ms);
        }
        self.tick(now)
    }

    /// The line is gone or could not be opened. Whatever was written may or may not have arrived.
    pub fn line_down(&mut self, now: Now) -> Vec<Step> {
        self.line_up = false;
        self.reader = Reader::default();
        self.exchange = None;
        self.restarted = true;
        match std::mem::replace(&mut self.task, Task::Idle) {
            Task::Idle | Task::Probe | Task::Ready { .. } => {}
            Task::Prepare(_) => self.not_ready("the line to the card terminal is gone"),
            Task::Charge(charge) => self.no_answer(charge.attempt, "the line to the card terminal vanished"),
            Task::Undo(undo) => self.no_answer(undo.id, "the line to the card terminal vanished"),
            Task::Ask(mut ask) => {
                ask.start_over(now.ms);
                self.task = Task::Ask(ask);
            }
        }
        self.set_online(false);
        self.take()
    }

    fn item(&mut self, item: Item, now: Now) {
        match item {
            Item::Ack => self.acknowledged(now),
            Item::Nak => self.refused(now),
            Item::Frame { frame, .. } => self.frame(&frame, now),
            Item::Broken { job } => self.broken(job),
            Item::Noise => self.restarted = true,
        }
    }

    fn frame(&mut self, frame: &Frame, now: Now) {
        if let Some(other) = other_terminal(&self.terminal_id, frame) {
            return self.not_ours(frame, &other, now);
        }
        self.set_online(true);
        self.note_clock(&frame.stamp);
        if frame.job == EVENT {
            return self.event(frame.data.first().copied(), now);
        }
        self.steps.push(Step::Write(vec![ACK]));
        if frame.job == b'b' {
            self.answer(frame, hidden(frame).encode());
        } else if matches!(frame.job, b'c' | b'd') {
            self.undo_answer(frame, hidden(frame).encode());
        } else if self.exchange.as_ref().is_some_and(|exchange| exchange.answer == frame.job) {
            self.exchange = None;
            self.reply(frame, now);
        }
    }

    /// Asks for a repeat where something is awaited; never for an event.
    fn broken(&mut self, job: Option<u8>) {
        self.restarted = true;
        let refusals_left = match (&mut self.task, &mut self.exchange) {
            (Task::Charge(charge), _) => charge.broken(job),
            (Task::Undo(undo), _) => undo.broken(job),
            (_, Some(exchange)) => &mut exchange.refusals_left,
            (_, None) => return,
        };
        if job != Some(EVENT) && *refusals_left > 0 {
            *refusals_left -= 1;
            self.steps.push(Step::Write(vec![NAK]));
        }
    }

    fn event(&mut self, event: Option<u8>, now: Now) {
        match event {
            Some(b'O') => {
                self.card_in = false;
                self.steps.push(Step::Report(TerminalReport::CardRemoved));
                if let Task::Prepare(prepare) = &mut self.task {
                    prepare.card_came_out(now);
                }
            }
            Some(b'I' | b'R' | b'M' | b'F' | b'Q') => {
                self.restarted = true;
                if let Task::Charge(charge) = &mut self.task {
                    charge.card_seen(now.ms.saturating_add(self.limits.card_grace_ms));
                    if !self.card_in {
                        self.steps.push(Step::Report(TerminalReport::CardSeen));
                    }
                    self.card_in = true;
                } else if matches!(self.task, Task::Undo(_)) && !self.card_in {
                    self.steps.push(Step::Report(TerminalReport::CardSeen));
                    self.card_in = true;
                }
            }
            Some(_) | None => {}
        }
    }

    /// A terminal's clock that goes back suggests that it started anew.
    fn note_clock(&mut self, stamp: &[u8; STAMP_BYTES]) {
        if stamp.iter().all(u8::is_ascii_digit) {
            self.restarted |= *stamp < self.clock_seen;
            self.clock_seen = *stamp;
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

    fn take(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }
}

impl crate::terminal::dialogue::Dialogue for Dialogue {
    fn command(&mut self, command: &TerminalCommand, now: Now) -> Vec<Step> {
        Self::command(self, command, now)
    }
    fn bytes(&mut self, bytes: &[u8], now: Now) -> Vec<Step> {
        Self::bytes(self, bytes, now)
    }
    fn tick(&mut self, now: Now) -> Vec<Step> {
        Self::tick(self, now)
    }
    fn deadline_ms(&self) -> Option<u64> {
        Self::deadline_ms(self)
    }
    fn line_up(&mut self, now: Now) -> Vec<Step> {
        Self::line_up(self, now)
    }
    fn line_down(&mut self, now: Now) -> Vec<Step> {
        Self::line_down(self, now)
    }
    fn charge_never_left(&mut self) -> Vec<Step> {
        Self::charge_never_left(self)
    }
}
