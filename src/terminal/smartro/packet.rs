//! The frame of the TL protocol, lossless both ways. There is no byte stuffing: the length field alone says where
//! a frame ends.
//!
//! ```text
//! off len
//!  0   1  STX
//!  1  16  terminal id, ASCII, padded right with 0x00 (some terminals answer with 0x20)
//! 17  14  YYYYMMDDhhmmss
//! 31   1  job code: 'A'..'Z' asks, lower case answers, '@' is an event
//! 32   1  response code, 0x00 in requests
//! 33   2  data length N, little endian
//! 35   N  data
//! 35+N 1  ETX
//! 36+N 1  BCC: XOR of all bytes before it
//! ```

use crate::domain::attempt::CardTransaction;
use std::fmt;

pub const STX: u8 = 0x02;
pub const ETX: u8 = 0x03;
pub const ACK: u8 = 0x06;
pub const NAK: u8 = 0x15;
/// Job code of an event; events are never acknowledged.
pub const EVENT: u8 = b'@';

pub const ID_BYTES: usize = 16;
pub use crate::terminal::dialogue::STAMP_BYTES;
pub(super) const JOB_AT: usize = 31;
const RESPONSE_CODE_AT: usize = 32;
const LENGTH_AT: usize = 33;
pub(super) const HEADER_BYTES: usize = 35;
const TAIL_BYTES: usize = 2;

/// A whole frame. Every byte of it is kept, so that `encode` gives back what `parse` took.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    pub terminal_id: [u8; ID_BYTES],
    /// `YYYYMMDDhhmmss` of the sender's clock; not checked.
    pub stamp: [u8; STAMP_BYTES],
    pub job: u8,
    pub response_code: u8,
    /// At most 65 535 bytes; `encode` cuts what is longer.
    pub data: Vec<u8>,
}

/// Card data never reaches a log through here.
impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Frame('{}', {} bytes)", self.job.escape_ascii(), self.data.len())
    }
}

/// Why bytes are not a frame; `at` is the offset of the byte that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("there is nothing here")]
    Empty,
    #[error("a frame begins with STX (02), this with {found:02x}")]
    NoStx { found: u8 },
    #[error("the frame ends inside its header: {have} of {HEADER_BYTES} bytes")]
    ShortHeader { have: usize },
    #[error("the frame ends too early: the length field asks for {expected} bytes in all, there are {have}")]
    Short { have: usize, expected: usize },
    #[error("bytes follow the frame, which by its length field has {expected}")]
    Long { expected: usize },
    #[error("ETX (03) is expected here, found {found:02x}")]
    NoEtx { at: usize, found: u8 },
    #[error("the check byte is {found:02x}, the bytes before it make {computed:02x}")]
    WrongBcc { at: usize, found: u8, computed: u8 },
}

impl FrameError {
    #[must_use]
    pub const fn at(&self) -> usize {
        match *self {
            Self::Empty | Self::NoStx { .. } => 0,
            Self::ShortHeader { have } | Self::Short { have, .. } => have,
            Self::Long { expected } => expected,
            Self::NoEtx { at, .. } | Self::WrongBcc { at, .. } => at,
        }
    }
}

impl Frame {
    /// A request; `terminal_id` is cut to 16 bytes and padded with 0x00.
    #[must_use]
    pub fn request(job: u8, terminal_id: &str, stamp: [u8; STAMP_BYTES], data: Vec<u8>) -> Self {
        let mut id = [0; ID_BYTES];
        for (slot, byte) in id.iter_mut().zip(terminal_id.bytes()) {
            *slot = byte;
        }
        Self { terminal_id: id, stamp, job, response_code: 0, data }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.data.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.data.len() + TAIL_BYTES);
        bytes.push(STX);
        bytes.extend_from_slice(&self.terminal_id);
        bytes.extend_from_slice(&self.stamp);
        bytes.extend_from_slice(&[self.job, self.response_code]);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend(self.data.iter().take(usize::from(length)));
        bytes.push(ETX);
        bytes.push(bcc(&bytes));
        bytes
    }

    /// Reads exactly one frame.
    ///
    /// # Errors
    /// The first fault, with its offset.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        match bytes.first() {
            None => return Err(FrameError::Empty),
            Some(&STX) => {}
            Some(&found) => return Err(FrameError::NoStx { found }),
        }
        let have = bytes.len();
        let Some(expected) = frame_bytes(bytes) else { return Err(FrameError::ShortHeader { have }) };
        if have < expected {
            return Err(FrameError::Short { have, expected });
        }
        check_tail(&bytes[..expected])?;
        if have > expected {
            return Err(FrameError::Long { expected });
        }
        Ok(Self {
            terminal_id: copy(&bytes[1..]),
            stamp: copy(&bytes[1 + ID_BYTES..]),
            job: bytes[JOB_AT],
            response_code: bytes[RESPONSE_CODE_AT],
            data: bytes[HEADER_BYTES..expected - TAIL_BYTES].to_vec(),
        })
    }
}

/// Data of `B`: total 10 digits, VAT 8, service 8, instalment 2, signature. '1' approves (never '2', which cancels the
/// last sale first); what is sold is exempt from VAT, so VAT and service are 0; paid at once; '1' = no signature.
/// `None` if the amount is not 1..=9 999 999 999.
#[must_use]
pub fn approve_data(amount: i64) -> Option<Vec<u8>> {
    if !(1..=9_999_999_999).contains(&amount) {
        return None;
    }
    Some(format!("1{amount:010}{:08}{:08}{:02}1", 0, 0, 0).into_bytes())
}

/// First byte of `C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelType {
    /// By the numbers of the sale, with the card.
    WithCard,
    /// By the numbers of the sale, without the card.
    NamedWithoutCard,
    /// The transaction before this one, without the card.
    PreviousWithoutCard,
}

impl CancelType {
    const fn code(self) -> char {
        match self {
            Self::WithCard => '1',
            Self::NamedWithoutCard => '3',
            Self::PreviousWithoutCard => '6',
        }
    }
}

/// Data of `C`, 57 bytes: type, medium ('1' credit), total 10 digits, VAT 8, service 8, instalment 2, signature,
/// approval number 12, date 8 and time 6 of the sale, as in the `B` that it takes back. `None` without a number or time.
#[must_use]
pub fn cancel_data(kind: CancelType, sale: &CardTransaction) -> Option<Vec<u8>> {
    let amount = sale.amount.0;
    let number = &sale.approval_number;
    let is_time =
        sale.terminal_time.len() == STAMP_BYTES && sale.terminal_time.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = (1..=12).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(1..=9_999_999_999).contains(&amount) || !is_time || !is_number {
        return None;
    }
    let kind = kind.code();
    Some(format!("{kind}1{amount:010}{:08}{:08}{:02}1{number:<12}{}", 0, 0, 0, sale.terminal_time).into_bytes())
}

/// Length of the whole frame that begins here, once its header is there.
pub(super) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = [*bytes.get(LENGTH_AT)?, *bytes.get(LENGTH_AT + 1)?];
    Some(HEADER_BYTES + usize::from(u16::from_le_bytes(length)) + TAIL_BYTES)
}

fn check_tail(frame: &[u8]) -> Result<(), FrameError> {
    let at = frame.len() - TAIL_BYTES;
    if frame[at] != ETX {
        return Err(FrameError::NoEtx { at, found: frame[at] });
    }
    let computed = bcc(&frame[..=at]);
    if frame[at + 1] != computed {
        return Err(FrameError::WrongBcc { at: at + 1, found: frame[at + 1], computed });
    }
    Ok(())
}

fn bcc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// The first `N` bytes; the caller has seen that they are there.
fn copy<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    for (slot, byte) in array.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    array
}
