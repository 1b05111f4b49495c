//! Blocks and single bytes out of a stream that may hold noise, halves, and things glued together.

use super::frame::{ACK, CRC_BYTES, DLE, ETX, NAK, STX, unwrap};

/// No block on this line is longer (an APDU of 65 535 bytes, all doubled); a longer one has lost its end.
const LONGEST_BLOCK_BYTES: usize = 140_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Ack,
    Nak,
    /// A good block: its APDU, and its bytes as they came.
    Block {
        apdu: Vec<u8>,
        raw: Vec<u8>,
    },
    /// Something that is no block and no ACK or NAK. Told once the line fell silent behind it.
    Broken,
}

/// Takes every byte once, so reading is linear in what comes.
#[derive(Debug, Default)]
pub struct Reader {
    block: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Between,
    /// A DLE came between blocks.
    Opening,
    Inside,
    /// A DLE came inside a block.
    InsideDle,
    Crc {
        left: usize,
    },
    /// Something broke. Single bytes of its remains must not be taken for ACK or NAK: only silence or DLE STX ends it.
    Ruin,
    RuinDle,
}

impl Reader {
    /// Takes what came and gives what is complete, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        bytes.iter().filter_map(|byte| self.take(*byte)).collect()
    }

    /// True while the rest of something is awaited: the caller then watches for silence.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        !matches!(self.state, State::Between)
    }

    /// The line fell silent (T1): whatever was begun will not be completed.
    pub fn silence(&mut self) -> Vec<Item> {
        self.block = Vec::new();
        let waiting = std::mem::take(&mut self.state) != State::Between;
        if waiting { vec![Item::Broken] } else { Vec::new() }
    }

    fn take(&mut self, byte: u8) -> Option<Item> {
        match (self.state, byte) {
            (State::Between, ACK) => return Some(Item::Ack),
            (State::Between, NAK) => return Some(Item::Nak),
            (State::Between, DLE) => self.state = State::Opening,
            (State::Opening | State::RuinDle | State::InsideDle, STX) => self.begin(),
            (State::Ruin, DLE) => self.state = State::RuinDle,
            (State::Between | State::Opening | State::Ruin | State::RuinDle, _) => self.state = State::Ruin,
            (State::Inside, DLE) => self.keep(byte, State::InsideDle),
            (State::Inside, _) | (State::InsideDle, DLE) => self.keep(byte, State::Inside),
            (State::InsideDle, ETX) => self.keep(byte, State::Crc { left: CRC_BYTES }),
            (State::InsideDle, _) => self.ruin(),
            (State::Crc { left }, _) => {
                self.keep(byte, State::Crc { left: left - 1 });
                if left == 1 {
                    return self.end();
                }
            }
        }
        None
    }

    fn begin(&mut self) {
        self.block = Vec::new();
        self.block.extend_from_slice(&[DLE, STX]);
        self.state = State::Inside;
    }

    fn keep(&mut self, byte: u8, next: State) {
        self.block.push(byte);
        self.state = next;
        if self.block.len() > LONGEST_BLOCK_BYTES {
            self.ruin();
        }
    }

    fn end(&mut self) -> Option<Item> {
        let raw = std::mem::take(&mut self.block);
        let Ok(apdu) = unwrap(&raw) else {
            self.ruin();
            return None;
        };
        self.state = State::Between;
        Some(Item::Block { apdu, raw })
    }

    fn ruin(&mut self) {
        self.block = Vec::new();
        self.state = State::Ruin;
    }
}
