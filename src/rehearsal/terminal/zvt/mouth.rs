//! How the simulated ZVT terminal gets its word across: one block at a time, repeated until it is answered.

use super::wire::block;
use super::{Fault, Model, RESULT};
use crate::rehearsal::terminal::Out;

const SENDS: u8 = 3;

/// The last block, until it is answered.
pub(super) struct Said {
    pub(super) apdu: Vec<u8>,
    sends_left: u8,
    acknowledged: bool,
    pub(super) due_ms: u64,
}

impl Model {
    /// The next of the queue, unless an answer is still awaited.
    pub(super) fn say_next(&mut self, now_ms: u64) {
        if self.said.is_some() {
            return;
        }
        let Some(apdu) = self.queue.pop_front() else { return };
        let result = apdu.starts_with(&[0x04, RESULT]);
        let mut bytes = self.wrapped(&apdu);
        if result && self.takes(Fault::CorruptResult) {
            if self.setup.network {
                bytes.truncate(bytes.len() / 2);
                self.outs.push(Out::Send(bytes));
                return self.vanish(self.setup.away_ms, now_ms);
            }
            if let Some(last) = bytes.last_mut() {
                *last ^= 0x40;
            }
        } else if result && self.takes(Fault::ResultTwice) {
            bytes.extend(self.wrapped(&apdu));
        }
        let sends_left = if self.setup.network { 0 } else { SENDS - 1 };
        let slowly = result && self.takes(Fault::SplitResult);
        self.said = Some(Said { apdu, sends_left, acknowledged: false, due_ms: now_ms + self.setup.repeat_ms });
        self.outs.push(if slowly { Out::SendSlowly(bytes) } else { Out::Send(bytes) });
    }

    pub(super) fn acknowledged(&mut self, now_ms: u64) {
        let due_ms = now_ms + self.setup.repeat_ms;
        if let Some(said) = self.said.as_mut().filter(|said| !said.acknowledged) {
            said.acknowledged = true;
            said.due_ms = due_ms;
        }
    }

    /// No ACK, a NAK, or no answer: again, and after three times without the kiosk. A sale is then undone. On the network the
    /// connection is closed at once (PA00P016 5.2.5), and whatever was under way is off.
    pub(super) fn say_again(&mut self, now_ms: u64) {
        let Some(mut said) = self.said.take() else { return };
        if self.setup.network {
            return self.vanish(0, now_ms);
        }
        if said.sends_left > 0 {
            said.sends_left -= 1;
            said.acknowledged = false;
            said.due_ms = now_ms + self.setup.repeat_ms;
            self.send_block(&said.apdu);
            self.said = Some(said);
        } else if self.charge.as_ref().is_some_and(|charge| charge.reserved.is_some()) {
            self.give_up(0x6c, now_ms);
        } else {
            self.say_next(now_ms);
        }
    }

    pub(super) fn send_block(&mut self, apdu: &[u8]) {
        self.send(self.wrapped(apdu));
    }

    /// ACK and NAK, where the line has them.
    pub(super) fn send_sign(&mut self, sign: u8) {
        if !self.setup.network {
            self.send(vec![sign]);
        }
    }

    fn wrapped(&self, apdu: &[u8]) -> Vec<u8> {
        if self.setup.network { apdu.to_vec() } else { block(apdu) }
    }

    pub(super) fn send(&mut self, bytes: Vec<u8>) {
        if !self.away {
            self.outs.push(Out::Send(bytes));
        }
    }
}
