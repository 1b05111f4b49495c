//! How APDUs travel: in the blocks of the serial line, each acknowledged (PA00P016 3), or bare over the network, where TCP
//! brings every byte, once and in order (PA00P016 4). A layer under the dialogue, pure as it is.
//!
//! On the network nothing is repeated and nothing says that a message has arrived but its answer. What stays unanswered for
//! T3, or comes to no end for so long, ends the connection (5.2.5): what was not delivered by then never is.

use super::frame::{ACK, NAK, wrap};
use super::reader::{Item, Reader};
use super::stream::Stream;

#[derive(Debug)]
pub enum Framing {
    Serial(Reader),
    Network(Stream),
}

impl Framing {
    #[must_use]
    pub fn serial() -> Self {
        Self::Serial(Reader::default())
    }

    #[must_use]
    pub fn network() -> Self {
        Self::Network(Stream::default())
    }

    /// `apdu` as it leaves.
    #[must_use]
    pub fn wrap(&self, apdu: &[u8]) -> Vec<u8> {
        match self {
            Self::Serial(_) => wrap(apdu),
            Self::Network(_) => apdu.to_vec(),
        }
    }

    /// What a message that came whole is answered with by the line itself, and one that did not.
    #[must_use]
    pub const fn receipt(&self, whole: bool) -> Option<u8> {
        match self {
            Self::Serial(_) => Some(if whole { ACK } else { NAK }),
            Self::Network(_) => None,
        }
    }

    /// Takes what came and gives what is complete, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        match self {
            Self::Serial(reader) => reader.push(bytes),
            Self::Network(stream) => stream.push(bytes),
        }
    }

    /// True while the rest of something is awaited: the caller then watches for silence.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        match self {
            Self::Serial(reader) => reader.is_waiting(),
            Self::Network(stream) => stream.is_waiting(),
        }
    }

    /// Whatever was begun will not be completed.
    pub fn silence(&mut self) -> Vec<Item> {
        match self {
            Self::Serial(reader) => reader.silence(),
            Self::Network(stream) => stream.silence(),
        }
    }

    /// The line was opened anew: nothing of before comes any more.
    pub fn restart(&mut self) {
        *self = match self {
            Self::Serial(_) => Self::serial(),
            Self::Network(_) => Self::network(),
        };
    }
}
