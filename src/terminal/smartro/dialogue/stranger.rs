//! A frame that names another terminal than the configured one, where one is configured. It is no answer of ours, whatever it
//! says: an approval in it is not ours, a refusal in it is not believed, and its last transaction proves nothing of the payment
//! that is asked about. What is under way ends without an answer; a payment that had left is for people then.

use super::{ACK, Dialogue, EVENT, Frame, Now, Step, Task};
use crate::domain::attempt::LastTransaction;

/// The terminal's id in a frame, if it is another's than `ours`. Padding (00 or spaces) and an empty id name nobody.
#[must_use]
pub fn other_terminal(ours: &str, frame: &Frame) -> Option<String> {
    let (ours, told) = (ours.trim(), String::from_utf8_lossy(&frame.terminal_id));
    let told = told.trim_matches([' ', '\0']);
    let other = !ours.is_empty() && !told.is_empty() && told != ours;
    other.then(|| told.chars().filter(|letter| !letter.is_control()).collect())
}

impl Dialogue {
    pub(super) fn not_ours(&mut self, frame: &Frame, other: &str, now: Now) {
        if frame.job != EVENT {
            self.steps.push(Step::Write(vec![ACK]));
        }
        let ours = &self.terminal_id;
        let words = format!(
            "another card terminal is on the line: it calls itself {other}, and [terminal] terminal_id is {ours}"
        );
        self.restarted = true;
        match std::mem::replace(&mut self.task, Task::Idle) {
            Task::Idle | Task::Ready { .. } => {}
            Task::Probe => self.probe_at_ms = now.ms.saturating_add(self.limits.probe_ms),
            Task::Prepare(_) => self.not_ready(&words),
            Task::Charge(charge) => self.no_answer(charge.attempt, &words),
            Task::Undo(undo) => self.no_answer(undo.id, &words),
            Task::Ask(ask) => self.outcome(&ask, LastTransaction::Unknown, LastTransaction::Unknown, now),
        }
        self.exchange = None;
        self.steps.push(Step::Tell(words));
        self.set_online(false);
    }
}
