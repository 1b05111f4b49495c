//! Our own blocks until they are acknowledged (T2, PA00P016 3). A money command and the end of day are written once;
//! everything else is repeated twice. On the network nothing is acknowledged or repeated: T3 runs as soon as it is written.

use super::{Dialogue, Now, Step, Task};
use crate::terminal::zvt::framing::Framing;

const SENDS: u8 = 3;
pub(super) const NO_ANSWER: &str = "the card terminal does not answer";

pub(super) struct Sent {
    pub(super) what: What,
    bytes: Vec<u8>,
    sends_left: u8,
    pub(super) due_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Question,
    /// 06 01, 06 30, 06 31.
    Money,
    /// 06 50: a second one would tell of an empty day.
    Once,
    /// To something the terminal asked or told.
    Reply,
    /// 06 B0 into a running charge.
    CallOff,
}

impl Dialogue {
    pub(super) fn transmit(&mut self, what: What, apdu: &[u8], now: Now) {
        let bytes = self.framing.wrap(apdu);
        let (step, sends_left) = match what {
            What::Money => (Step::WriteCharge(bytes.clone()), 0),
            What::Once => (Step::Write(bytes.clone()), 0),
            What::Question | What::Reply | What::CallOff => (Step::Write(bytes.clone()), SENDS - 1),
        };
        self.steps.push(step);
        if matches!(self.framing, Framing::Network(_)) {
            return self.delivered(what, now);
        }
        self.in_flight.push_back(Sent { what, bytes, sends_left, due_ms: now.ms.saturating_add(self.limits.ack_ms) });
    }

    /// A newer answer takes the place of one that was not acknowledged.
    pub(super) fn reply(&mut self, apdu: &[u8], now: Now) {
        self.in_flight.retain(|sent| sent.what != What::Reply);
        self.transmit(What::Reply, apdu, now);
    }

    pub(super) fn acknowledged(&mut self, now: Now) {
        if let Some(sent) = self.in_flight.pop_front() {
            self.delivered(sent.what, now);
        }
    }

    /// The terminal has the block.
    pub(super) fn delivered(&mut self, what: What, now: Now) {
        let due_ms = now.ms.saturating_add(self.limits.reply_ms);
        match what {
            What::Question | What::Money | What::Once => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.due_ms.get_or_insert(due_ms);
                }
                if let Task::Charge(charge) = &mut self.task {
                    charge.taken(due_ms);
                }
            }
            What::Reply | What::CallOff => {}
        }
    }

    /// Silence that ends what was begun.
    pub(super) const fn gap_ms(&self) -> u64 {
        match self.framing {
            Framing::Serial(_) => self.limits.gap_ms,
            Framing::Network(_) => self.limits.reply_ms,
        }
    }

    pub(super) fn say_received(&mut self, whole: bool) {
        self.steps.extend(self.framing.receipt(whole).map(|byte| Step::Write(vec![byte])));
    }

    /// A connection is closed where a serial line would only be listened to (PA00P016 5.2.5): no message of ours that is still
    /// on its way may arrive when nobody waits for its answer any more, and no late answer be taken for the next question's.
    pub(super) fn hang_up(&mut self, why: &'static str) {
        match self.framing {
            Framing::Serial(_) => {}
            Framing::Network(_) => {
                self.line_up = false;
                self.steps.push(Step::HangUp(why));
            }
        }
    }

    /// NAK.
    pub(super) fn refused(&mut self, now: Now) {
        self.again_or_fail("the terminal answered NAK", now);
    }

    pub(super) fn tick_wire(&mut self, now: Now) {
        if self.in_flight.front().is_some_and(|sent| now.ms >= sent.due_ms) {
            self.restarted |= self.in_flight.front().is_some_and(|sent| sent.what == What::Money);
            self.again_or_fail("the terminal did not acknowledge", now);
        }
    }

    /// A question was written again or given up. ZVT has no numbers by which answers and questions find each other.
    pub(super) fn answer_may_be_late(&mut self, now: Now) {
        self.echo_until_ms = now.ms.saturating_add(self.limits.echo_ms);
    }

    /// A refusal may be the second answer to an older question, or a copy of it.
    pub(super) fn may_be_an_echo(&self, error: u8, now: Now) -> bool {
        now.ms < self.echo_until_ms || self.question_refused == Some(error)
    }

    fn again_or_fail(&mut self, reason: &str, now: Now) {
        let Some(mut sent) = self.in_flight.pop_front() else { return };
        if sent.sends_left > 0 {
            sent.sends_left -= 1;
            sent.due_ms = now.ms.saturating_add(self.limits.ack_ms);
            self.steps.push(Step::Write(sent.bytes.clone()));
            if sent.what == What::Question {
                self.answer_may_be_late(now);
            }
            return self.in_flight.push_front(sent);
        }
        match sent.what {
            What::Question => self.unanswered(now),
            What::Money | What::Once => self.money_in_doubt(reason, now),
            // The terminal will repeat what it has no answer to; a call-off was only a wish.
            What::Reply | What::CallOff => {}
        }
    }
}
