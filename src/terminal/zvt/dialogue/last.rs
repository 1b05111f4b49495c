//! What the terminal's last transaction comes to (06 20): the baseline of a charge, or what became of one in doubt.
//!
//! ZVT does not tell whether the card company can be reached. What takes its place in `Outcome` is that the terminal says of
//! itself that it is at rest: it books in its own memory, so one at rest that tells the same last transaction as before has
//! not booked ours; whether its memory survived is asked elsewhere (`maybe_restarted`). 2.56.5 asks for a status byte and
//! many leave it out. That is no answer: it may be confirming at this moment, which others say with 9C. Then only its own
//! word on this very payment counts, a refusal (06 1E, 84 xx, 04 0F) that was not taken back by an approval.
//!
//! | it told of its state | on this payment | last transaction: as before | another one, fitting |
//! |---|---|---|---|
//! | 00, or a card left in its slot | anything | not paid | paid |
//! | no byte, or 84 83 | its own refusal (6C proves nothing alone, 2.2.9) | not paid | paid |
//! | no byte, or 84 83 | nothing, or it was told to book | staff | paid |
//! | another code | anything | staff | paid |
//! | any | any | cannot be told: asked again, then staff | |
//!
//! A refusal whose code is not among the doubtful ones of the profile is final and never gets here.

use super::questions::{Ask, End, How, Question};
use super::{Dialogue, Now, Step, TIMED_OUT, Task, bmp};
use crate::domain::attempt::LastTransaction;
use crate::domain::terminal::TerminalReport;
use crate::terminal::zvt::decode::hex;
use crate::terminal::zvt::transaction::read_last;

impl Dialogue {
    pub(super) fn last_over(&mut self, end: &End, now: Now) {
        let last = match (&end.how, &end.result) {
            (How::Done(_), Some((message, _))) => match read_last(message, &now.stamp) {
                LastTransaction::Known(sale) => LastTransaction::Known(Box::new(self.sale(*sale, message))),
                other @ (LastTransaction::Empty | LastTransaction::Unknown) => other,
            },
            // Its last word was that of another question: we and the terminal are out of step.
            (How::Done(message), None) if message.fixed("terminal_status").is_some() => LastTransaction::Unknown,
            // Nothing to repeat: some say so by 06 0F alone, some by 06 1E. Not one that was only called off.
            (How::Done(_), None) => LastTransaction::Empty,
            (How::Aborted(code), None) if *code != TIMED_OUT => LastTransaction::Empty,
            (How::Aborted(_) | How::Refused(_), _) => LastTransaction::Unknown,
        };
        let told = end.result.as_ref().map(|(message, _)| message);
        self.reversed_last = told.and_then(|told| told.bytes(bmp::ORIGINAL_TRACE)).map(hex);
        let out_of_step = matches!(&end.how, How::Done(message) if message.fixed("terminal_status").is_some());
        match &mut self.task {
            // Believed only if it says so twice: an older sale that comes up later would pass for ours.
            Task::Prepare { empty, .. } if last == LastTransaction::Empty && !*empty => {
                *empty = true;
                self.ask_next(Question::Last, self.limits.ask_pause_ms, now);
            }
            Task::Prepare { .. } if out_of_step && last == LastTransaction::Unknown => {
                self.give_up_task("the card terminal's last transaction cannot be read", now);
            }
            Task::Prepare { untold, .. } if last == LastTransaction::Unknown && !*untold => {
                *untold = true;
                self.ask_next(Question::Last, self.limits.ask_pause_ms, now);
            }
            Task::Prepare { .. } => {
                if last == LastTransaction::Unknown {
                    self.say_untold(&end.how);
                }
                self.prepared(last, now);
            }
            Task::Ask(ask) => match ask.first.take() {
                None => {
                    ask.first = Some(last);
                    self.ask_next(Question::Last, self.limits.ask_pause_ms, now);
                }
                Some(first) => self.outcome(first, last, now),
            },
            Task::Idle | Task::Probe | Task::Ready { .. } | Task::Charge(_) | Task::Undo(_) | Task::EndOfDay { .. } => {
            }
        }
    }

    /// Asked twice it cannot tell: 6C ("abort by time-out or abort key", chapter 10) and 84 83 say neither that there is
    /// one nor that there is none. It is at rest and takes payments, so one question does not close it for the day: what
    /// falls into doubt is for people, and the till takes none while something is with them.
    fn say_untold(&mut self, how: &How) {
        let code = match how {
            How::Aborted(code) | How::Refused(code) => format!(" ({code:02X})"),
            How::Done(_) => String::new(),
        };
        let words = format!(
            "the card terminal does not tell its last transaction{code}: what becomes of a payment in doubt, people must \
             find out"
        );
        self.steps.push(Step::Tell(words));
    }

    fn prepared(&mut self, baseline: LastTransaction, now: Now) {
        self.closed = self.open.take().or(self.closed.take());
        (self.restarted, self.over_card) = (false, false);
        let until_ms = now.ms.saturating_add(self.limits.ready_ms);
        self.task = Task::Ready { until_ms, baseline: baseline.clone() };
        self.steps.push(Step::Report(TerminalReport::Prepared { baseline }));
    }

    pub(super) fn outcome(&mut self, first: LastTransaction, second: LastTransaction, now: Now) {
        let Task::Ask(Ask { attempt, ready, .. }) = self.task else { return };
        self.rest(now);
        let maybe_restarted = self.restarted || self.over_card || self.sent.back() != Some(&attempt);
        let report = TerminalReport::Outcome { attempt, first, second, host_reachable: ready, maybe_restarted };
        self.steps.push(Step::Report(report));
    }
}
