//! Frames and single bytes out of a stream that may hold noise, halves, and things glued together.

use super::packet::{ACK, Frame, JOB_AT, NAK, STX, frame_bytes};

/// No frame on this line is longer; a longer claim is noise that happens to begin with STX.
const LONGEST_FRAME_BYTES: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Ack,
    Nak,
    /// A good frame and its bytes as they came.
    Frame {
        frame: Frame,
        raw: Vec<u8>,
    },
    /// Something that began like a frame and was none; its job code, if it got that far.
    Broken {
        job: Option<u8>,
    },
    /// A byte that belongs to nothing.
    Noise,
}

/// Bounded by [`LONGEST_FRAME_BYTES`] plus one reading.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// So many bytes of it are done with. They go all at once, or a long noise would take time squared.
    done: usize,
    /// A frame broke and what is left of it is still being searched.
    broken: Option<Ruin>,
}

#[derive(Debug, Clone, Copy)]
struct Ruin {
    job: Option<u8>,
}

impl Reader {
    /// Takes what came and gives what is complete, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        self.buffer.extend_from_slice(bytes);
        let mut items = Vec::new();
        while self.step(&mut items) {}
        self.forget_done();
        items
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.done..]
    }

    fn forget_done(&mut self) {
        // What was read goes back to the allocator, which wipes it.
        self.buffer = self.buffer.split_off(self.done);
        self.done = 0;
    }

    /// True while the rest of something is awaited: the caller then watches for silence.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.rest().is_empty()
    }

    /// The line fell silent inside a frame: it will not be completed. What hides behind its STX is searched.
    pub fn silence(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        while self.is_waiting() {
            self.give_up_frame();
            while self.step(&mut items) {}
        }
        self.forget_done();
        self.settle(&mut items);
        items
    }

    /// True if it can go on with what it has.
    fn step(&mut self, items: &mut Vec<Item>) -> bool {
        let Some(&first) = self.rest().first() else { return false };
        if first != STX {
            return self.outside(first, items);
        }
        match frame_bytes(self.rest()) {
            None => false,
            Some(expected) if expected > LONGEST_FRAME_BYTES => self.break_frame(items),
            Some(expected) if self.rest().len() < expected => false,
            Some(expected) => match Frame::parse(&self.rest()[..expected]) {
                Ok(frame) => {
                    let raw = self.rest()[..expected].to_vec();
                    self.done += expected;
                    self.broken = None;
                    items.push(Item::Frame { frame, raw });
                    true
                }
                Err(_) => self.break_frame(items),
            },
        }
    }

    /// Between frames single bytes speak; inside the ruins of one only another STX does.
    fn outside(&mut self, first: u8, items: &mut Vec<Item>) -> bool {
        if self.broken.is_some() {
            let rest = self.rest();
            self.done += rest.iter().position(|byte| *byte == STX).unwrap_or(rest.len());
            self.settle_if_empty(items);
            return true;
        }
        self.done += 1;
        match first {
            ACK => items.push(Item::Ack),
            NAK => items.push(Item::Nak),
            _ => items.push(Item::Noise),
        }
        true
    }

    fn break_frame(&mut self, items: &mut Vec<Item>) -> bool {
        self.give_up_frame();
        self.settle_if_empty(items);
        true
    }

    fn give_up_frame(&mut self) {
        let earlier = self.broken.and_then(|ruin| ruin.job);
        self.broken = Some(Ruin { job: earlier.or(self.rest().get(JOB_AT).copied()) });
        self.done += 1;
    }

    fn settle_if_empty(&mut self, items: &mut Vec<Item>) {
        if self.rest().is_empty() {
            self.settle(items);
        }
    }

    /// Nothing good was found behind the broken frame: say so, once.
    fn settle(&mut self, items: &mut Vec<Item>) {
        if let Some(Ruin { job }) = self.broken.take() {
            items.push(Item::Broken { job });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What holds nothing is a new buffer: what the old one held was overwritten when it was given back.
    #[test]
    fn what_was_read_does_not_stay() {
        let mut reader = Reader::default();
        assert_eq!(reader.push(&[ACK, NAK, ACK]), [Item::Ack, Item::Nak, Item::Ack]);
        assert_eq!(reader.buffer.capacity(), 0);
    }
}
