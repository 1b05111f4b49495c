//! Everything that moves no money: a question is sent up to three times, `Prepare` and `AskOutcome` are made of them,
//! and an idle terminal is asked for a sign of life.

use super::{Dialogue, Now, Step, Task};
use crate::domain::attempt::{AttemptId, LastTransaction};
use crate::domain::terminal::TerminalReport;
use crate::terminal::smartro::layout::Data;
use crate::terminal::smartro::packet::Frame;
use crate::terminal::smartro::transaction::read_last;

/// The protocol: the same frame three times, three seconds apart.
pub(super) const SENDS: u8 = 3;
const REFUSALS: u8 = 3;

/// One question under way.
pub(super) struct Exchange {
    /// Job code of the awaited answer.
    pub(super) answer: u8,
    bytes: Vec<u8>,
    sends_left: u8,
    acknowledged: bool,
    pub(super) due_ms: u64,
    pub(super) refusals_left: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Standby,
    Device,
    Card,
    Last,
}

pub(super) struct Prepare {
    question: Question,
    /// While a card is awaited out of the slot: until when, and when to look again.
    card: Option<CardWait>,
    /// It said once that it has no last transaction.
    empty: bool,
}

struct CardWait {
    until_ms: u64,
    look_at_ms: u64,
}

impl Prepare {
    pub(super) fn card_came_out(&mut self, now: Now) {
        if let Some(wait) = &mut self.card {
            wait.look_at_ms = now.ms;
        }
    }
}

pub(super) struct Ask {
    attempt: AttemptId,
    until_ms: u64,
    question: Question,
    /// When to put the question, while none is under way.
    put_at_ms: Option<u64>,
    first: Option<LastTransaction>,
    host_reachable: bool,
}

impl Ask {
    /// From the beginning: a terminal that was lost may stand anywhere.
    pub(super) fn start_over(&mut self, at_ms: u64) {
        self.question = Question::Standby;
        self.put_at_ms = Some(at_ms);
        self.first = None;
        self.host_reachable = false;
    }
}

impl Dialogue {
    pub(super) fn prepare(&mut self, now: Now) {
        match self.task {
            Task::Charge(_) | Task::Undo(_) => return self.not_ready("a payment is under way"),
            Task::Ask(_) => return self.not_ready("an earlier payment is being checked"),
            Task::Idle | Task::Probe | Task::Prepare(_) | Task::Ready { .. } => {}
        }
        if !self.line_up {
            self.task = Task::Idle;
            return self.not_ready("the card terminal is not connected");
        }
        self.task = Task::Prepare(Prepare { question: Question::Standby, card: None, empty: false });
        self.query(b'E', SENDS, now);
    }

    pub(super) fn ask_outcome(&mut self, attempt: AttemptId, now: Now) {
        if matches!(&self.task, Task::Ask(ask) if ask.attempt == attempt) {
            return;
        }
        if matches!(self.task, Task::Prepare(_)) {
            self.not_ready("an earlier payment is being checked");
        }
        self.give_up_undo("an earlier payment is being checked");
        self.exchange = None;
        let until_ms = now.ms.saturating_add(self.limits.ask_ms);
        let mut ask =
            Ask { attempt, until_ms, question: Question::Standby, put_at_ms: None, first: None, host_reachable: false };
        ask.start_over(now.ms);
        self.task = Task::Ask(ask);
        self.tick_task(now);
    }

    pub(super) fn query(&mut self, job: u8, sends: u8, now: Now) {
        let bytes = Frame::request(job, &self.terminal_id, now.stamp, Vec::new()).encode();
        self.steps.push(Step::Write(bytes.clone()));
        self.exchange = Some(Exchange {
            answer: job.to_ascii_lowercase(),
            bytes,
            sends_left: sends - 1,
            acknowledged: false,
            due_ms: now.ms.saturating_add(self.limits.ack_ms),
            refusals_left: REFUSALS,
        });
    }

    pub(super) fn acknowledged(&mut self, now: Now) {
        match &mut self.exchange {
            Some(exchange) if !exchange.acknowledged => {
                exchange.acknowledged = true;
                exchange.due_ms = now.ms.saturating_add(self.limits.reply_ms);
            }
            Some(_) => {}
            None => {
                self.undo_acknowledged();
                self.charge_acknowledged(now);
            }
        }
    }

    pub(super) fn refused(&mut self, now: Now) {
        match &self.exchange {
            // Who is busy now is asked again in a while; who was silent has been waited for.
            Some(exchange) if !exchange.acknowledged => self.again_or_fail(self.limits.ask_pause_ms, now),
            Some(_) => {}
            None => {
                self.undo_refused();
                self.charge_refused();
            }
        }
    }

    pub(super) fn tick_exchange(&mut self, now: Now) {
        if self.exchange.as_ref().is_some_and(|exchange| now.ms >= exchange.due_ms) {
            self.again_or_fail(0, now);
        }
    }

    /// `pause_ms`: before an outcome is asked for from the beginning.
    fn again_or_fail(&mut self, pause_ms: u64, now: Now) {
        let Some(exchange) = &mut self.exchange else { return };
        if exchange.sends_left > 0 {
            exchange.sends_left -= 1;
            exchange.acknowledged = false;
            exchange.due_ms = now.ms.saturating_add(self.limits.ack_ms);
            let bytes = exchange.bytes.clone();
            return self.steps.push(Step::Write(bytes));
        }
        self.exchange = None;
        self.unanswered(pause_ms, now);
    }

    /// A question stayed without an answer.
    fn unanswered(&mut self, pause_ms: u64, now: Now) {
        match &mut self.task {
            Task::Idle | Task::Ready { .. } | Task::Undo(_) => {}
            Task::Probe => {
                self.task = Task::Idle;
                self.probe_at_ms = now.ms.saturating_add(self.limits.probe_again_ms);
                self.set_online(false);
            }
            Task::Prepare(_) => {
                self.task = Task::Idle;
                self.not_ready("the card terminal does not answer");
                self.set_online(false);
                self.probe_at_ms = now.ms.saturating_add(self.limits.probe_again_ms);
            }
            Task::Charge(_) => self.call_off_unanswered(),
            Task::Ask(ask) => {
                ask.start_over(now.ms.saturating_add(pause_ms));
                self.restarted = true;
                self.tick_task(now);
            }
        }
    }

    /// The awaited answer came.
    pub(super) fn reply(&mut self, frame: &Frame, now: Now) {
        match std::mem::replace(&mut self.task, Task::Idle) {
            Task::Idle => {}
            Task::Probe => self.probe_at_ms = now.ms.saturating_add(self.limits.probe_ms),
            other @ (Task::Ready { .. } | Task::Undo(_)) => self.task = other,
            Task::Prepare(prepare) => self.prepare_reply(prepare, frame, now),
            Task::Ask(ask) => self.ask_reply(ask, frame, now),
            charge @ Task::Charge(_) => {
                self.task = charge;
                self.call_off_granted(now);
            }
        }
    }

    fn prepare_reply(&mut self, mut prepare: Prepare, frame: &Frame, now: Now) {
        match prepare.question {
            Question::Standby => self.prepare_next(prepare, Question::Device, now),
            Question::Device => match device_fault(frame) {
                Some(fault) => self.not_ready(fault),
                None => self.prepare_next(prepare, Question::Card, now),
            },
            Question::Card => match frame.data.first() {
                Some(b'X') => self.prepare_next(prepare, Question::Last, now),
                Some(b'O') => {
                    let look_at_ms = now.ms.saturating_add(self.limits.card_poll_ms);
                    if prepare.card.is_none() {
                        self.steps.push(Step::Report(TerminalReport::CardStillIn));
                    }
                    let until_ms = now.ms.saturating_add(self.limits.card_out_ms);
                    let until_ms = prepare.card.map_or(until_ms, |wait| wait.until_ms);
                    prepare.card = Some(CardWait { until_ms, look_at_ms });
                    self.task = Task::Prepare(prepare);
                }
                Some(_) | None => self.not_ready("the card terminal does not tell whether a card is inserted"),
            },
            Question::Last => self.prepared(frame, prepare.empty, now),
        }
    }

    fn prepare_next(&mut self, mut prepare: Prepare, question: Question, now: Now) {
        prepare.question = question;
        prepare.card = None;
        self.task = Task::Prepare(prepare);
        self.query(job(question), SENDS, now);
    }

    fn prepared(&mut self, frame: &Frame, empty: bool, now: Now) {
        let baseline = read_last(frame);
        if baseline == LastTransaction::Empty && !empty {
            // Believed only if it says so twice: an older sale that comes up later would pass for ours.
            let question = Question::Last;
            self.task = Task::Prepare(Prepare { question, card: None, empty: true });
            return self.query(job(question), SENDS, now);
        }
        if baseline == LastTransaction::Unknown {
            return self.not_ready("the card terminal's last transaction cannot be read");
        }
        self.closed = self.open.take().or(self.closed.take());
        self.open_undo = None;
        self.restarted = false;
        let until_ms = now.ms.saturating_add(self.limits.ready_ms);
        self.task = Task::Ready { until_ms, baseline: baseline.clone() };
        self.steps.push(Step::Report(TerminalReport::Prepared { baseline }));
    }

    fn ask_reply(&mut self, mut ask: Ask, frame: &Frame, now: Now) {
        match (ask.question, ask.first.take()) {
            (Question::Standby, _) => ask.question = Question::Device,
            (Question::Device | Question::Card, _) => {
                ask.host_reachable = Data::decode(frame.job, &frame.data).raw("van_server") == b"O";
                ask.question = Question::Last;
            }
            (Question::Last, None) => {
                ask.first = Some(read_last(frame));
                ask.put_at_ms = Some(now.ms.saturating_add(self.limits.ask_pause_ms));
                self.task = Task::Ask(ask);
                return;
            }
            (Question::Last, Some(first)) => return self.outcome(&ask, first, read_last(frame), now),
        }
        ask.put_at_ms = Some(now.ms);
        self.task = Task::Ask(ask);
        self.tick_task(now);
    }

    pub(super) fn outcome(&mut self, ask: &Ask, first: LastTransaction, second: LastTransaction, now: Now) {
        self.task = Task::Idle;
        self.exchange = None;
        self.probe_at_ms = now.ms;
        let maybe_restarted = self.restarted || self.sent.back() != Some(&ask.attempt);
        // It books without our word: that it has nothing to tell is no proof that it booked nothing.
        let tells = first != LastTransaction::Empty && second != LastTransaction::Empty;
        let (attempt, host_reachable) = (ask.attempt, ask.host_reachable && tells);
        let report = TerminalReport::Outcome { attempt, first, second, host_reachable, maybe_restarted };
        self.steps.push(Step::Report(report));
    }

    pub(super) fn tick_task(&mut self, now: Now) {
        match &mut self.task {
            Task::Idle => {
                if self.line_up && self.exchange.is_none() && now.ms >= self.probe_at_ms {
                    self.task = Task::Probe;
                    self.query(b'V', 2, now);
                }
            }
            Task::Probe => {}
            Task::Ready { until_ms, .. } => {
                if now.ms >= *until_ms {
                    self.task = Task::Idle;
                }
            }
            Task::Prepare(_) => self.tick_prepare(now),
            Task::Charge(_) => self.tick_charge(now),
            Task::Undo(_) => self.tick_undo(now),
            Task::Ask(_) => self.tick_ask(now),
        }
    }

    fn tick_prepare(&mut self, now: Now) {
        let Task::Prepare(Prepare { card: Some(wait), .. }) = &self.task else { return };
        if now.ms >= wait.until_ms {
            self.task = Task::Idle;
            self.exchange = None;
            self.not_ready("a card is still in the card terminal");
        } else if now.ms >= wait.look_at_ms && self.exchange.is_none() {
            self.query(b'M', SENDS, now);
        }
    }

    fn tick_ask(&mut self, now: Now) {
        let Task::Ask(ask) = &mut self.task else { return };
        if now.ms >= ask.until_ms {
            let first = ask.first.take().unwrap_or(LastTransaction::Unknown);
            if let Task::Ask(ask) = std::mem::replace(&mut self.task, Task::Idle) {
                self.outcome(&ask, first, LastTransaction::Unknown, now);
            }
        } else if self.line_up && ask.put_at_ms.is_some_and(|put_at| now.ms >= put_at) {
            ask.put_at_ms = None;
            let job = job(ask.question);
            self.query(job, 1, now);
        }
    }

    pub(super) fn task_deadline_ms(&self) -> Option<u64> {
        match &self.task {
            Task::Idle => (self.line_up && self.exchange.is_none()).then_some(self.probe_at_ms),
            Task::Probe => None,
            Task::Ready { until_ms, .. } => Some(*until_ms),
            Task::Prepare(prepare) => {
                let wait = prepare.card.as_ref()?;
                let look = self.exchange.is_none().then_some(wait.look_at_ms);
                Some(look.map_or(wait.until_ms, |look| look.min(wait.until_ms)))
            }
            Task::Charge(charge) => Some(charge.deadline_ms()),
            Task::Undo(undo) => Some(undo.deadline_ms()),
            Task::Ask(ask) => {
                let put = ask.put_at_ms.filter(|_| self.line_up);
                Some(put.map_or(ask.until_ms, |put| put.min(ask.until_ms)))
            }
        }
    }
}

const fn job(question: Question) -> u8 {
    match question {
        Question::Standby => b'E',
        Question::Device => b'A',
        Question::Card => b'M',
        Question::Last => b'L',
    }
}

/// Why a charge would be pointless: no reader, or no way to the card company.
fn device_fault(frame: &Frame) -> Option<&'static str> {
    let data = Data::decode(frame.job, &frame.data);
    if data.raw("van_server") != b"O" {
        return Some("the card terminal cannot reach the card company");
    }
    if data.raw("card_module") != b"O" && data.raw("rf_module") != b"O" {
        return Some("the card terminal's card reader is out of order");
    }
    None
}
