//! `CLASS INSTR LEN data` (PA00P015 chapter 1): what every block carries. LEN is one byte, or `FF` and two bytes, low
//! byte first; which of the two was written is kept.

use std::fmt;

const EXTENDED: u8 = 0xff;

#[derive(Clone, PartialEq, Eq)]
pub struct Apdu {
    /// Class and instruction: `0x0601`.
    pub code: u16,
    pub extended_length: bool,
    /// At most 65 535 bytes; `encode` cuts what is longer.
    pub data: Vec<u8>,
}

/// Card data never reaches a log through here.
impl fmt::Debug for Apdu {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Apdu({:04x}, {} bytes)", self.code, self.data.len())
    }
}

/// Why bytes are not one APDU; `at` is the offset of the byte that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApduError {
    #[error("the APDU ends inside its header")]
    ShortHeader { have: usize },
    #[error("the APDU ends too early: its length field asks for {expected} bytes in all, there are {have}")]
    Short { have: usize, expected: usize },
    #[error("bytes follow the APDU, which by its length field has {expected}")]
    Long { expected: usize },
}

impl ApduError {
    #[must_use]
    pub const fn at(&self) -> usize {
        match *self {
            Self::ShortHeader { have } | Self::Short { have, .. } => have,
            Self::Long { expected } => expected,
        }
    }
}

impl Apdu {
    #[must_use]
    pub fn new(code: u16, data: Vec<u8>) -> Self {
        let extended_length = data.len() >= usize::from(EXTENDED);
        Self { code, extended_length, data }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.data.len()).unwrap_or(u16::MAX);
        let mut bytes = self.code.to_be_bytes().to_vec();
        match u8::try_from(length) {
            Ok(short) if !self.extended_length && short != EXTENDED => bytes.push(short),
            Ok(_) | Err(_) => {
                bytes.push(EXTENDED);
                bytes.extend_from_slice(&length.to_le_bytes());
            }
        }
        bytes.extend(self.data.iter().take(usize::from(length)));
        bytes
    }

    /// Reads exactly one APDU.
    ///
    /// # Errors
    /// Too few bytes for its own length field, or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApduError> {
        let have = bytes.len();
        let [class, instruction, short, ..] = *bytes else { return Err(ApduError::ShortHeader { have }) };
        let extended_length = short == EXTENDED;
        let (head, length) = if extended_length {
            let [_, _, _, low, high, ..] = *bytes else { return Err(ApduError::ShortHeader { have }) };
            (5, usize::from(u16::from_le_bytes([low, high])))
        } else {
            (3, usize::from(short))
        };
        let expected = head + length;
        if have < expected {
            return Err(ApduError::Short { have, expected });
        }
        if have > expected {
            return Err(ApduError::Long { expected });
        }
        Ok(Self { code: u16::from_be_bytes([class, instruction]), extended_length, data: bytes[head..].to_vec() })
    }

    /// How many bytes stand before the data.
    #[must_use]
    pub const fn head_bytes(&self) -> usize {
        if self.extended_length { 5 } else { 3 }
    }
}
