//! What a dialogue is at work on: how it is given up, and what falls due.

use super::{Dialogue, Now, Step, Task, request};
use crate::domain::attempt::LastTransaction;
use crate::domain::terminal::TerminalDay;

impl Dialogue {
    /// What the terminal is not told, because it refuses it. Of the currency there is always one word left: its own at
    /// registration, ours there, or ours with the amount.
    pub(super) const fn without(&self) -> request::Without {
        let currency = self.left_out.currency && self.currency_told;
        request::Without { currency, ..self.left_out }
    }

    /// "Protocol error" to a money command: the next one goes without what the grammar does not need. Never this one.
    pub(super) fn leave_fields_out(&mut self) {
        if !self.left_out.limits {
            (self.left_out.limits, self.left_out.currency) = (true, true);
            self.registered = false;
            let words = "the card terminal refused a payment as one that it does not understand (9A): the next goes without \
                         BMP 01, 02 and 49";
            self.steps.push(Step::Tell(words.to_owned()));
        }
    }

    pub(super) fn rest(&mut self, now: Now) {
        self.task = Task::Idle;
        self.exchange = None;
        self.next = None;
        self.ended = None;
        self.probe_at_ms = now.ms.saturating_add(self.limits.probe_ms);
    }

    /// Whatever is under way ends here, each in the words that fit it.
    pub(super) fn give_up_task(&mut self, reason: &str, now: Now) {
        match std::mem::replace(&mut self.task, Task::Idle) {
            Task::Idle | Task::Probe | Task::Ready { .. } => {}
            Task::Prepare { .. } => self.not_ready(reason),
            Task::Charge(charge) => {
                self.undecided_end();
                self.may_pend = true;
                if self.open.is_some() {
                    self.no_answer(charge.attempt, reason);
                }
            }
            Task::Ask(ask) => {
                self.task = Task::Ask(ask);
                self.outcome(LastTransaction::Unknown, LastTransaction::Unknown, now);
            }
            Task::Undo(undo) => self.undo_given_up(&undo, reason),
            Task::EndOfDay { left } => {
                self.may_pend = left;
                self.no_totals(if left { TerminalDay::Unknown } else { TerminalDay::Open }, reason);
            }
        }
        self.rest(now);
    }

    pub(super) fn tick_task(&mut self, now: Now) {
        match &mut self.task {
            Task::Idle => {
                if self.line_up && self.exchange.is_none() && self.next.is_none() && now.ms >= self.probe_at_ms {
                    self.task = Task::Probe;
                    self.ask_next(self.after_abort(), 0, now);
                }
            }
            Task::Prepare { until_ms, card, .. } if now.ms >= *until_ms => {
                let reason = if card.is_some_and(|card| now.ms >= card.until_ms) {
                    "a card is still in the card terminal"
                } else {
                    "the card terminal does not become ready"
                };
                self.give_up_task(reason, now);
            }
            Task::Ready { until_ms, .. } if now.ms >= *until_ms => self.rest(now),
            Task::Probe | Task::Prepare { .. } | Task::Ready { .. } | Task::Undo(_) | Task::EndOfDay { .. } => {}
            Task::Charge(_) => self.tick_charge(now),
            Task::Ask(ask) => {
                if now.ms >= ask.until_ms {
                    let first = ask.first.take().unwrap_or(LastTransaction::Unknown);
                    self.outcome(first, LastTransaction::Unknown, now);
                }
            }
        }
    }

    pub(super) fn task_deadline_ms(&self) -> Option<u64> {
        match &self.task {
            Task::Idle => (self.line_up && self.exchange.is_none() && self.next.is_none()).then_some(self.probe_at_ms),
            Task::Probe | Task::Undo(_) | Task::EndOfDay { .. } => None,
            Task::Prepare { until_ms, .. } | Task::Ready { until_ms, .. } => Some(*until_ms),
            Task::Charge(charge) => charge.deadline_ms(),
            Task::Ask(ask) => Some(ask.until_ms),
        }
    }
}
