//! Everything that is asked of an idle terminal: `Prepare`, `AskOutcome`, an undo and an end of day are made of it, and an
//! idle terminal is asked for a sign of life. What its last transaction comes to: see [`super::last`].

use super::wire::{NO_ANSWER, What};
use super::{Dialogue, Now, Step, Task, bmp, message, request, result_code};
use crate::domain::attempt::{AttemptId, LastTransaction};
use crate::domain::terminal::TerminalReport;
use crate::terminal::zvt::message::Message;
use crate::terminal::zvt::request::WRONG_CURRENCY;
use crate::terminal::zvt::transaction::PROTOCOL_ERROR;

/// Terminal status (05 01): ready; a card is inserted; a card is not wholly out.
const READY: u8 = 0x00;
const CARD_IN: [u8; 2] = [0xdc, 0xe1];
/// TLV tag of the card reader's state: its lowest bit says that a card is still inserted. Not proved on hardware.
const CARD_STATE: u32 = 0x1f55;
/// `84 9C 00`, and how long to wait then.
const BUSY: u8 = 0x9c;
const BUSY_WAIT_MS: u64 = 2_000;
/// Why a refusal of a money command is not believed.
pub(super) const ECHO: &str = "the terminal refused, but that may be a late answer to a question before";
const NOT_SUPPORTED: u8 = 0x83;
/// The status byte of a completion, where it is a field of its own.
const STATUS_FIELD: u8 = 0x19;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Abort,
    Register,
    Status,
    Last,
    /// 06 30 or 06 31: the one money command among them.
    Undo,
    Totals,
}

impl Question {
    /// Or closes the day: what is not repeated, and must not be refused by an answer to something else.
    const fn moves_money(self) -> bool {
        matches!(self, Self::Undo | Self::Totals)
    }
}

pub(super) struct Next {
    pub(super) question: Question,
    pub(super) at_ms: u64,
}

/// One question under way.
pub(super) struct Exchange {
    pub(super) question: Question,
    /// `80 00 00` came.
    pub(super) accepted: bool,
    /// `None` until the terminal has it: T2 is watched with the block.
    pub(super) due_ms: Option<u64>,
    pub(super) patience_ms: u64,
    pub(super) result: Option<(Message, Vec<u8>)>,
}

impl Exchange {
    /// Its own 04 0F, not a charge's.
    pub(super) const fn takes_result(&self) -> bool {
        self.accepted && matches!(self.question, Question::Last | Question::Undo | Question::Totals)
    }

    /// A 04 0F where none belongs.
    pub(super) const fn takes_information(&self) -> bool {
        self.accepted && matches!(self.question, Question::Register | Question::Status)
    }
}

/// How a question ended, with the 04 0F that came before.
pub(super) struct End {
    pub(super) question: Question,
    pub(super) how: How,
    pub(super) result: Option<(Message, Vec<u8>)>,
    /// The last block.
    pub(super) raw: Vec<u8>,
}

pub(super) enum How {
    /// 06 0F, or `80 00` where that is all.
    Done(Message),
    /// 06 1E.
    Aborted(u8),
    /// 84 xx.
    Refused(u8),
}

#[derive(Clone, Copy)]
pub(super) struct CardWait {
    pub(super) until_ms: u64,
}

pub(super) struct Ask {
    pub(super) attempt: AttemptId,
    pub(super) until_ms: u64,
    pub(super) first: Option<LastTransaction>,
    pub(super) ready: bool,
}

/// What a completion tells of the terminal's state, wherever it puts it.
fn status_of(message: &Message) -> Option<u8> {
    let told = message.fixed("terminal_status").or_else(|| message.bytes(STATUS_FIELD));
    told.and_then(|raw| raw.first().copied())
}

impl Dialogue {
    pub(super) fn prepare(&mut self, now: Now) {
        match self.task {
            Task::Charge(_) => return self.not_ready("a payment is under way"),
            Task::Ask(_) => return self.not_ready("an earlier payment is being checked"),
            Task::Undo(_) | Task::EndOfDay { .. } => {
                return self.not_ready("the card terminal is busy with something else");
            }
            Task::Idle | Task::Probe | Task::Prepare { .. } | Task::Ready { .. } => {}
        }
        if !self.line_up {
            self.task = Task::Idle;
            return self.not_ready("the card terminal is not connected");
        }
        let until_ms = now.ms.saturating_add(self.limits.card_out_ms);
        self.task = Task::Prepare { until_ms, card: None, empty: false, untold: false };
        self.begin(now);
    }

    pub(super) fn ask_outcome(&mut self, attempt: AttemptId, now: Now) {
        if matches!(&self.task, Task::Ask(ask) if ask.attempt == attempt) {
            return;
        }
        self.give_up_task("an earlier payment is being checked", now);
        let until_ms = now.ms.saturating_add(self.limits.ask_ms);
        self.task = Task::Ask(Ask { attempt, until_ms, first: None, ready: false });
        self.may_pend = true;
        self.begin(now);
    }

    /// The first question of a task: whatever may still be pending is called off, and a stranger registers.
    pub(super) fn begin(&mut self, now: Now) {
        if self.exchange.take().is_some() {
            self.answer_may_be_late(now);
        }
        self.question_refused = None;
        self.ended = None;
        self.asked_again = false;
        self.in_flight.retain(|sent| sent.what == What::Reply);
        if let Task::Ask(ask) = &mut self.task {
            (ask.first, ask.ready) = (None, false);
        }
        self.ask_next(if self.may_pend { Question::Abort } else { self.after_abort() }, 0, now);
    }

    pub(super) fn after_abort(&self) -> Question {
        if self.registered { Question::Status } else { Question::Register }
    }

    pub(super) fn ask_next(&mut self, question: Question, wait_ms: u64, now: Now) {
        self.next = Some(Next { question, at_ms: now.ms.saturating_add(wait_ms) });
    }

    pub(super) fn put_next(&mut self, now: Now) {
        let Some(Next { question, .. }) = self.next.take() else { return };
        let merchant = self.merchant;
        let (apdu, patience_ms) = match question {
            Question::Abort => (request::abort(), self.limits.abort_ms),
            Question::Register => (merchant.register(self.left_out), self.limits.finish_ms),
            Question::Status => (merchant.ask_status(), self.limits.finish_ms),
            Question::Last => (merchant.ask_last(), self.limits.finish_ms),
            Question::Totals if self.totals_leave() => (merchant.end_of_day(), self.limits.work_ms),
            Question::Totals => return,
            Question::Undo => match self.undo_apdu() {
                Some(apdu) => (apdu, self.limits.work_ms),
                None => return,
            },
        };
        self.exchange = Some(Exchange { question, accepted: false, due_ms: None, patience_ms, result: None });
        let what = match question {
            Question::Undo => What::Money,
            Question::Totals => What::Once,
            Question::Abort | Question::Register | Question::Status | Question::Last => What::Question,
        };
        self.transmit(what, &apdu, now);
    }

    /// `80 00 00`.
    pub(super) fn accepted(&mut self, now: Now) {
        if self.charge_accepted(now) {
            return;
        }
        self.question_heard();
        let Some(exchange) = &mut self.exchange else { return };
        exchange.accepted = true;
        exchange.due_ms = Some(now.ms.saturating_add(exchange.patience_ms));
    }

    /// `84 00 00`. Of a question it is waited for what follows.
    pub(super) fn answered_neither(&mut self, now: Now) {
        if !self.charge_answered_neither(now) {
            self.accepted(now);
        }
    }

    /// A 04 0F in answer to a registration or status enquiry: it may be all that comes.
    pub(super) fn informed(&mut self, message: &Message, raw: Vec<u8>, now: Now) {
        if let Some(exchange) = &mut self.exchange {
            exchange.patience_ms = self.limits.reply_ms;
            exchange.due_ms = Some(now.ms.saturating_add(exchange.patience_ms));
            exchange.result = Some((message.clone(), raw));
        }
        self.reply(&request::positive(), now);
    }

    /// `84 xx 00`.
    pub(super) fn command_refused(&mut self, error: u8, message: &Message, raw: Vec<u8>, now: Now) {
        if self.charge_refused(error, message, raw.clone(), now) {
            return;
        }
        self.question_heard();
        if self.exchange.as_ref().is_some_and(|exchange| exchange.question.moves_money()) {
            if self.may_be_an_echo(error, now) {
                return self.money_in_doubt(ECHO, now);
            }
        } else {
            self.question_refused = Some(error);
        }
        self.end(How::Refused(error), raw);
    }

    /// 06 0F. Of a question only once that was accepted; a status enquiry may be answered with nothing else.
    pub(super) fn completed(&mut self, message: Message, raw: Vec<u8>, now: Now) {
        if self.charge_completed(&message, raw.clone(), now) {
            return;
        }
        let tells_status = message.fixed("terminal_status").is_some();
        let ours = |exchange: &Exchange| exchange.accepted || (exchange.question == Question::Status && tells_status);
        if self.exchange.as_ref().is_some_and(ours) {
            self.question_heard();
            self.end(How::Done(message), raw);
        }
    }

    /// 06 1E.
    pub(super) fn aborted(&mut self, code: u8, message: &Message, raw: Vec<u8>, now: Now) {
        if self.charge_aborted(code, message, raw.clone(), now) {
            return;
        }
        if self.exchange.as_ref().is_some_and(|exchange| exchange.accepted) {
            self.end(How::Aborted(code), raw);
        }
    }

    /// An answer shows that the question has arrived, whatever became of its ACK.
    fn question_heard(&mut self) {
        self.asked_again = false;
        self.in_flight.retain(|sent| !matches!(sent.what, What::Question | What::Money | What::Once));
    }

    fn end(&mut self, how: How, raw: Vec<u8>) {
        if let Some(Exchange { question, result, .. }) = self.exchange.take() {
            self.ended = Some(End { question, how, result, raw });
        }
    }

    pub(super) fn tick_question(&mut self, now: Now) {
        let Some(exchange) = &self.exchange else { return };
        if exchange.due_ms.is_none_or(|due| now.ms < due) {
            return;
        }
        match (exchange.question, exchange.accepted, exchange.result.is_some()) {
            (Question::Undo | Question::Totals, accepted, _) => {
                self.restarted = true;
                self.money_in_doubt("the terminal did not answer in time", now);
                if !accepted {
                    self.hang_up(NO_ANSWER);
                }
            }
            (Question::Abort, true, _) => self.end(How::Done(Message::new(message::POSITIVE)), Vec::new()),
            // Its 04 0F was all of the answer.
            (Question::Register | Question::Status, _, true) => {
                self.end(How::Done(Message::new(message::COMPLETION)), Vec::new());
            }
            // It has the question and says nothing: it was master then, and swallowed it.
            (Question::Register | Question::Status | Question::Last, false, _) if !self.asked_again => {
                let question = exchange.question;
                self.exchange = None;
                self.asked_again = true;
                self.answer_may_be_late(now);
                self.ask_next(question, 0, now);
            }
            (_, _, _) => self.unanswered(now),
        }
    }

    /// A question stayed without an answer.
    pub(super) fn unanswered(&mut self, now: Now) {
        self.answer_may_be_late(now);
        let question = self.exchange.take().map(|exchange| exchange.question);
        self.in_flight.clear();
        if question == Some(Question::Abort) {
            // An idle terminal need not answer to it.
            self.may_pend = false;
            return self.ask_next(self.after_abort(), 0, now);
        }
        self.registered = false;
        self.restarted = true;
        if matches!(self.task, Task::Ask(_)) {
            self.begin(now);
        } else {
            self.give_up_task("the card terminal does not answer", now);
        }
        self.set_online(false);
        self.probe_at_ms = now.ms.saturating_add(self.limits.probe_again_ms);
        self.hang_up(NO_ANSWER);
    }

    /// A question has ended and our answer to its last word has arrived.
    pub(super) fn question_over(&mut self, mut end: End, now: Now) {
        if matches!(end.question, Question::Register | Question::Status | Question::Last)
            && let How::Done(message) = &end.how
            && let Some(code) = result_code(message).filter(|code| *code != 0)
        {
            // Some tell in 06 0F what belongs into 06 1E.
            end.how = How::Aborted(code);
        }
        let harmless = matches!(end.question, Question::Register | Question::Status | Question::Last);
        if matches!(end.how, How::Refused(BUSY)) && end.question != Question::Abort
            || matches!(end.how, How::Aborted(BUSY)) && harmless
        {
            return self.busy(end.question, now);
        }
        match end.question {
            Question::Abort => {
                self.may_pend = false;
                self.ask_next(self.after_abort(), 0, now);
            }
            Question::Register => self.register_over(&end, now),
            Question::Status => self.status_over(&end, now),
            Question::Last => self.last_over(&end, now),
            Question::Undo => self.undo_over(end, now),
            Question::Totals => self.totals_over(&end, now),
        }
    }

    /// The terminal wants to be asked again; the task's own limit ends that.
    fn busy(&mut self, question: Question, now: Now) {
        // Then it has not begun.
        if let Task::EndOfDay { left } = &mut self.task {
            *left = false;
        }
        match &self.task {
            Task::Prepare { .. } | Task::Ask(_) | Task::Probe => self.ask_next(question, BUSY_WAIT_MS, now),
            Task::Idle | Task::Ready { .. } | Task::Charge(_) | Task::Undo(_) | Task::EndOfDay { .. } => {
                self.give_up_task("the card terminal is busy", now);
            }
        }
    }

    fn register_over(&mut self, end: &End, now: Now) {
        let told = end.result.as_ref().map(|(message, _)| message);
        let merchant = self.merchant;
        let in_ours = |message: &Message| {
            merchant.is_in_our_currency(message) && told.is_none_or(|told| merchant.is_in_our_currency(told))
        };
        let names = |message: &Message| message.bytes(bmp::CURRENCY).is_some();
        let reason = match &end.how {
            How::Done(message) if in_ours(message) => {
                self.currency_told = !self.left_out.registered_currency || names(message) || told.is_some_and(names);
                self.registered = true;
                self.set_online(true);
                return match self.task {
                    Task::Probe => self.rest(now),
                    _ => self.ask_next(Question::Status, 0, now),
                };
            }
            // What became of an earlier payment may be asked all the same.
            How::Done(_) if matches!(self.task, Task::Ask(_)) => return self.ask_next(Question::Status, 0, now),
            How::Done(_) => "the card terminal is set up for another currency than the hospital's".to_owned(),
            How::Aborted(PROTOCOL_ERROR) | How::Refused(PROTOCOL_ERROR) if !self.left_out.registered_currency => {
                self.left_out.registered_currency = true;
                return self.ask_next(Question::Register, BUSY_WAIT_MS, now);
            }
            How::Aborted(_) | How::Refused(_) if matches!(self.task, Task::Ask(_)) => {
                return self.ask_next(Question::Register, BUSY_WAIT_MS, now);
            }
            How::Aborted(WRONG_CURRENCY) | How::Refused(WRONG_CURRENCY) => {
                "the card terminal does not take the hospital's currency".to_owned()
            }
            How::Aborted(code) | How::Refused(code) => {
                format!("the card terminal refuses to register this kiosk ({code:02X}): is [terminal] password right?")
            }
        };
        self.give_up_task(&reason, now);
        self.steps.push(Step::Tell(reason));
        self.set_online(false);
        self.probe_at_ms = now.ms.saturating_add(self.limits.probe_again_ms);
    }

    fn status_over(&mut self, end: &End, now: Now) {
        let (status, card_in) = match &end.how {
            How::Done(message) => {
                let both = || [Some(message), end.result.as_ref().map(|(told, _)| told)].into_iter().flatten();
                let status = both().find_map(status_of);
                let open =
                    |told: &Message| told.tlv(CARD_STATE).and_then(|raw| raw.first()).is_some_and(|it| it & 1 == 1);
                (status, both().any(open) || status.is_some_and(|status| CARD_IN.contains(&status)))
            }
            // Some terminals do not know the question; they have answered, so nothing is pending.
            How::Refused(NOT_SUPPORTED) => (None, false),
            How::Refused(code) | How::Aborted(code) => (Some(*code), false),
        };
        self.may_pend = false;
        // 11.1: nothing has to be done but to wait. A charge or its confirmation may just be coming to its end.
        if status == Some(BUSY) && !matches!(self.task, Task::Probe) {
            return self.busy(Question::Status, now);
        }
        let poll_ms = self.limits.card_poll_ms;
        let refused = self.closed.as_ref().filter(|closed| closed.refused).map(|closed| closed.attempt);
        match &mut self.task {
            Task::Prepare { until_ms, card, .. } if card_in => {
                let until_ms = *until_ms;
                if card.replace(CardWait { until_ms }).is_none() {
                    self.steps.push(Step::Report(TerminalReport::CardStillIn));
                }
                self.ask_next(Question::Status, poll_ms, now);
            }
            Task::Prepare { .. } => match status {
                None | Some(READY) => self.ask_next(Question::Last, 0, now),
                Some(code) => self.give_up_task(&format!("the card terminal is not ready ({code:02X})"), now),
            },
            Task::Ask(ask) => {
                ask.ready = card_in || status.map_or(refused == Some(ask.attempt), |status| status == READY);
                self.ask_next(Question::Last, 0, now);
            }
            Task::Undo(_) => self.ask_next(Question::Undo, 0, now),
            Task::EndOfDay { .. } => self.ask_next(Question::Totals, 0, now),
            Task::Idle | Task::Probe | Task::Ready { .. } | Task::Charge(_) => {
                self.set_online(true);
                self.rest(now);
            }
        }
    }
}
