//! A message that names another terminal than the configured one (BMP 29), where one is configured. It is no answer of ours,
//! whatever it says: an approval in it is not booked, a refusal in it is not believed, and its last transaction proves nothing
//! of the payment that is asked about. What is under way ends without an answer; a payment that had left is for people then.

use super::questions::Exchange;
use super::{Dialogue, Now, Step, Task, message, request, result_code};
use crate::domain::attempt::LastTransaction;
use crate::terminal::zvt::decode::hex;
use crate::terminal::zvt::message::Message;

impl Dialogue {
    pub(super) fn not_ours(&mut self, message: &Message, other: &str, now: Now) {
        // Told in answer to a question it is an old sale: refused, it could be undone.
        let asked = self.exchange.as_ref().is_some_and(Exchange::takes_result);
        let approves = message.code == message::STATUS && result_code(message) == Some(0);
        self.in_flight.clear();
        self.reply(&if approves && !asked { request::refuse() } else { request::positive() }, now);
        let words = format!(
            "another card terminal is on the line: it calls itself {other}, and [terminal] terminal_id is {}",
            self.merchant.terminal.map(|ours| hex(&ours)).unwrap_or_default()
        );
        self.registered = false;
        self.restarted = true;
        if matches!(self.task, Task::Ask(_)) {
            self.outcome(LastTransaction::Unknown, LastTransaction::Unknown, now);
        } else {
            self.give_up_task(&words, now);
        }
        self.steps.push(Step::Tell(words));
        self.set_online(false);
    }
}
