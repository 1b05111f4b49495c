//! What a printer is asked and what it says of itself. Pure; one table for asking, reading and `kiosk decode`.
//!
//! Epson ESC/POS command reference: `DLE EOT` (real-time, answered at once even when offline), `GS r` (queued: answered
//! when all before it is done), `GS a` (automatic status, kept off), `GS I` (printer ID), `DLE ENQ`, `DLE DC4`.

use crate::domain::printer::PrinterState;

/// Queued after a job: its answer is the proof that all of the job came out.
pub const ASK_PROOF: [u8; 3] = [0x1D, b'r', 1];
/// `DLE DC4 8` (clear buffers) and `DLE ENQ 2` (recover from an error and clear): each printer knows at least one.
pub const CLEAR: [u8; 13] = [0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8, 0x10, 0x05, 2];
/// Of which so many are `DLE DC4 8`.
const CLEAR_BUFFERS_BYTES: usize = 10;

/// `DLE EOT n`, three bytes: the crate's own request sends a stray NUL after them.
#[must_use]
pub const fn ask(n: u8) -> [u8; 3] {
    [0x10, 0x04, n]
}

/// Whether `byte` has the form of an answer to `DLE EOT` (0xx1xx10).
#[must_use]
pub const fn is_real_time(byte: u8) -> bool {
    byte & 0x93 == 0x12
}

/// Whether `byte` is an answer to `GS r 1`: two doubled sensor bits and nothing else.
#[must_use]
pub const fn is_proof(byte: u8) -> bool {
    matches!(byte, 0x00 | 0x03 | 0x0C | 0x0F)
}

/// What the answers to `DLE EOT` 1 to 4 say together. The gravest wins.
#[must_use]
pub const fn state(answers: [u8; 4]) -> PrinterState {
    let [printer, offline, error, paper] = answers;
    if offline & 0x04 != 0 {
        PrinterState::CoverOpen
    } else if paper & 0x60 != 0 || offline & 0x20 != 0 {
        PrinterState::PaperOut
    } else if printer & 0x08 != 0 || offline & 0x40 != 0 || error & 0x6C != 0 {
        PrinterState::Offline
    } else if paper & 0x0C != 0 {
        PrinterState::PaperLow
    } else {
        PrinterState::Online
    }
}

/// One question and its answer, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub request: Vec<u8>,
    pub fields: Vec<(&'static str, Value)>,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    Number(u8),
    Text(String),
}

/// Where a line stops making sense: bytes are counted through the request and on through the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct DecodeError {
    pub at: usize,
    pub what: &'static str,
}

/// Reads a request with its answer.
///
/// # Errors
/// Not a question we know, or not an answer to it.
pub fn decode_line(request: &[u8], answer: &[u8]) -> Result<Decoded, DecodeError> {
    let form = Form::of(request)?;
    let fields = match &form {
        Form::Bits(table) => read_bits(table, request.len(), answer)?,
        Form::Byte(name) => vec![(*name, Value::Number(one_byte(request.len(), answer)?))],
        Form::Text => vec![("text", Value::Text(read_text(request.len(), answer)?))],
    };
    Ok(Decoded { request: request.to_vec(), fields, form })
}

/// How many of `bytes` are the request, where request and answer stand behind each other.
#[must_use]
pub fn request_length(bytes: &[u8]) -> usize {
    let length = if bytes.starts_with(&CLEAR[..2]) { CLEAR_BUFFERS_BYTES } else { 3 };
    length.min(bytes.len())
}

impl Decoded {
    /// Request and answer again, from the named fields; the same bytes as were read.
    #[must_use]
    pub fn encode(&self) -> (Vec<u8>, Vec<u8>) {
        let answer = match &self.form {
            Form::Bits(table) => self.write_bits(table),
            Form::Byte(_) => self.fields.iter().map(|(_, value)| value.bits()).collect(),
            Form::Text => self.write_text(),
        };
        (self.request.clone(), answer)
    }

    fn write_bits(&self, table: &Table) -> Vec<u8> {
        let mut bytes: Vec<u8> = table.fixed.iter().map(|(_, value)| *value).collect();
        for ((_, value), field) in self.fields.iter().zip(table.fields) {
            if let Some(byte) = bytes.get_mut(field.byte) {
                *byte |= value.bits() << field.mask.trailing_zeros();
            }
        }
        bytes
    }

    fn write_text(&self) -> Vec<u8> {
        let mut bytes = vec![TEXT_HEAD];
        for (_, value) in &self.fields {
            if let Value::Text(text) = value {
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        bytes.push(0);
        bytes
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Flag(set) => set.into(),
            Value::Number(number) => number.into(),
            Value::Text(text) => text.into(),
        }
    }
}

impl Value {
    const fn bits(&self) -> u8 {
        match self {
            Self::Flag(set) => *set as u8,
            Self::Number(number) => *number,
            Self::Text(_) => 0,
        }
    }
}

/// What kind of answer a question has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bits(&'static Table),
    Byte(&'static str),
    Text,
}

impl Form {
    fn of(request: &[u8]) -> Result<Self, DecodeError> {
        match request {
            [0x10, 0x04, 1] => Ok(Self::Bits(&PRINTER)),
            [0x10, 0x04, 2] => Ok(Self::Bits(&OFFLINE_CAUSE)),
            [0x10, 0x04, 3] => Ok(Self::Bits(&ERROR_CAUSE)),
            [0x10, 0x04, 4] => Ok(Self::Bits(&ROLL_PAPER)),
            [0x1D, b'r', 1 | b'1'] => Ok(Self::Bits(&PROOF)),
            [0x1D, b'r', 2 | b'2'] => Ok(Self::Bits(&DRAWER)),
            [0x1D, b'a', _] => Ok(Self::Bits(&AUTOMATIC)),
            [0x1D, b'I', 1 | b'1'] => Ok(Self::Byte("model_id")),
            [0x1D, b'I', 2 | b'2'] => Ok(Self::Byte("type_id")),
            [0x1D, b'I', 3 | b'3'] => Ok(Self::Byte("rom_version_id")),
            [0x1D, b'I', 65..=69] => Ok(Self::Text),
            [0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8] => Ok(Self::Bits(&CLEARED)),
            [0x10, 0x04, _] | [0x1D, b'r' | b'I', _] => Err(DecodeError { at: 2, what: "no such status is known" }),
            [] => Err(DecodeError { at: 0, what: "the request is empty" }),
            [0x10 | 0x1D] => Err(DecodeError { at: 1, what: "the request ends too early" }),
            [_, ..] => Err(DecodeError { at: 0, what: "not a status request of ESC/POS" }),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Table {
    /// Per byte: which bits are fixed, and to what.
    fixed: &'static [(u8, u8)],
    fields: &'static [Field],
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: &'static str,
    byte: usize,
    mask: u8,
}

const fn bit(name: &'static str, byte: usize, mask: u8) -> Field {
    Field { name, byte, mask }
}

const REAL_TIME: (u8, u8) = (0x93, 0x12);
const QUEUED: (u8, u8) = (0x90, 0x00);

static PRINTER: Table = Table {
    fixed: &[REAL_TIME],
    fields: &[
        bit("drawer_pin3_high", 0, 0x04),
        bit("offline", 0, 0x08),
        bit("waiting_for_recovery", 0, 0x20),
        bit("feed_button_pressed", 0, 0x40),
    ],
};
static OFFLINE_CAUSE: Table = Table {
    fixed: &[REAL_TIME],
    fields: &[
        bit("cover_open", 0, 0x04),
        bit("fed_by_button", 0, 0x08),
        bit("stopped_by_paper_end", 0, 0x20),
        bit("error", 0, 0x40),
    ],
};
static ERROR_CAUSE: Table = Table {
    fixed: &[REAL_TIME],
    fields: &[
        bit("recoverable_error", 0, 0x04),
        bit("cutter_error", 0, 0x08),
        bit("unrecoverable_error", 0, 0x20),
        bit("auto_recoverable_error", 0, 0x40),
    ],
};
/// Both sensors come as two equal bits: 0 = paper, 3 = none.
static ROLL_PAPER: Table =
    Table { fixed: &[REAL_TIME], fields: &[bit("paper_near_end", 0, 0x0C), bit("paper_end", 0, 0x60)] };
static PROOF: Table = Table {
    fixed: &[QUEUED],
    fields: &[bit("paper_near_end", 0, 0x03), bit("paper_end", 0, 0x0C), bit("not_used", 0, 0x60)],
};
static DRAWER: Table = Table {
    fixed: &[QUEUED],
    fields: &[bit("drawer_pin3_high", 0, 0x01), bit("not_used", 0, 0x0E), bit("not_used_high", 0, 0x60)],
};
static AUTOMATIC: Table = Table {
    fixed: &[(0x93, 0x10), QUEUED, QUEUED, QUEUED],
    fields: &[
        bit("drawer_pin3_high", 0, 0x04),
        bit("offline", 0, 0x08),
        bit("cover_open", 0, 0x20),
        bit("fed_by_button", 0, 0x40),
        bit("waiting_for_recovery", 1, 0x01),
        bit("feed_button_pressed", 1, 0x02),
        bit("recoverable_error", 1, 0x04),
        bit("cutter_error", 1, 0x08),
        bit("unrecoverable_error", 1, 0x20),
        bit("auto_recoverable_error", 1, 0x40),
        bit("paper_near_end", 2, 0x03),
        bit("paper_end", 2, 0x0C),
        bit("not_used_3", 2, 0x60),
        bit("not_used_4_low", 3, 0x0F),
        bit("not_used_4_high", 3, 0x60),
    ],
};
/// The answer to `DLE DC4 8` is always the same three bytes.
static CLEARED: Table = Table { fixed: &[(0xFF, 0x37), (0xFF, 0x25), (0xFF, 0x00)], fields: &[] };

fn read_bits(table: &Table, from: usize, answer: &[u8]) -> Result<Vec<(&'static str, Value)>, DecodeError> {
    same_length(table.fixed.len(), from, answer)?;
    for (index, (byte, (mask, value))) in answer.iter().zip(table.fixed).enumerate() {
        if byte & mask != *value {
            return Err(DecodeError {
                at: from + index,
                what: "its fixed bits are wrong: not an answer to this request",
            });
        }
    }
    let read = |field: &Field| {
        let bits = (answer[field.byte] & field.mask) >> field.mask.trailing_zeros();
        let value = if field.mask.is_power_of_two() { Value::Flag(bits == 1) } else { Value::Number(bits) };
        (field.name, value)
    };
    Ok(table.fields.iter().map(read).collect())
}

fn one_byte(from: usize, answer: &[u8]) -> Result<u8, DecodeError> {
    same_length(1, from, answer)?;
    Ok(answer[0])
}

fn same_length(wanted: usize, from: usize, answer: &[u8]) -> Result<(), DecodeError> {
    if answer.len() < wanted {
        return Err(DecodeError { at: from + answer.len(), what: "the answer ends too early" });
    }
    if answer.len() > wanted {
        return Err(DecodeError { at: from + wanted, what: "the answer goes on too long" });
    }
    Ok(())
}

/// Header of a `GS I` text block, which a NUL ends.
const TEXT_HEAD: u8 = 0x5F;
const TEXT_BYTES_MAX: usize = 80;

fn read_text(from: usize, answer: &[u8]) -> Result<String, DecodeError> {
    let [TEXT_HEAD, text @ .., 0] = answer else {
        return Err(DecodeError { at: from, what: "not a text block: 5F … 00" });
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(DecodeError { at: from + TEXT_BYTES_MAX, what: "the text is too long" });
    }
    let odd = text.iter().position(|byte| !(0x20..0x7F).contains(byte));
    odd.map_or(Ok(()), |at| Err(DecodeError { at: from + 1 + at, what: "not a letter" }))?;
    Ok(text.iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use escpos::utils::{RealTimeStatusRequest, RealTimeStatusResponse};

    #[test]
    fn every_answer_byte_is_refused_or_comes_back_the_same() {
        let requests: [&[u8]; 12] = [
            &[16, 4, 1],
            &[16, 4, 2],
            &[16, 4, 3],
            &[16, 4, 4],
            &[29, 114, 1],
            &[29, 114, 49],
            &[29, 114, 2],
            &[29, 73, 1],
            &[29, 73, 2],
            &[29, 73, 3],
            &[29, 73, 66],
            &[29, 97, 0],
        ];
        for request in requests {
            let mut good = 0;
            for byte in 0..=255 {
                if let Ok(decoded) = decode_line(request, &[byte]) {
                    assert_eq!(decoded.encode(), (request.to_vec(), vec![byte]));
                    good += 1;
                }
            }
            assert!(good == 0 || good == 16 || good == 64 || good == 256, "{request:?} {good}");
        }
    }

    #[test]
    fn longer_answers_come_back_the_same() {
        let lines: [(&[u8], &[u8]); 3] = [
            (&[29, 97, 255], &[0x14, 0x00, 0x0F, 0x6F]),
            (&[29, 73, 67], b"_TM-T88V\x00"),
            (&CLEAR[..10], &[0x37, 0x25, 0]),
        ];
        for (request, answer) in lines {
            let decoded = decode_line(request, answer).expect("a good answer");
            assert_eq!(decoded.encode(), (request.to_vec(), answer.to_vec()));
        }
    }

    #[test]
    fn the_place_of_the_fault_is_told() {
        let table: [(&[u8], &[u8], usize); 8] = [
            (&[], &[], 0),
            (&[0x10], &[], 1),
            (&[0x42, 1], &[0x12], 0),
            (&[16, 4, 9], &[0x12], 2),
            (&[16, 4, 1], &[], 3),
            (&[16, 4, 1], &[0x12, 0x12], 4),
            (&[16, 4, 1], &[0xFF], 3),
            (&[29, 97, 255], &[0x10, 0x80, 0, 0], 4),
        ];
        for (request, answer, at) in table {
            assert_eq!(decode_line(request, answer).map_err(|error| error.at), Err(at), "{request:?} {answer:?}");
        }
    }

    #[test]
    fn the_crates_own_parser_agrees_on_every_byte() {
        let requests = [
            RealTimeStatusRequest::Printer,
            RealTimeStatusRequest::OfflineCause,
            RealTimeStatusRequest::ErrorCause,
            RealTimeStatusRequest::RollPaperSensor,
        ];
        for (n, request) in (1_u8..).zip(requests) {
            for byte in 0..=255 {
                let theirs = RealTimeStatusResponse::parse(request, byte).is_ok();
                assert_eq!(decode_line(&ask(n), &[byte]).is_ok(), theirs);
                assert_eq!(is_real_time(byte), theirs);
            }
        }
    }

    #[test]
    fn the_gravest_state_wins() {
        use PrinterState::{CoverOpen, Offline, Online, PaperLow, PaperOut};
        for (answers, expected) in [
            ([0x12, 0x12, 0x12, 0x12], Online),
            ([0x12, 0x12, 0x12, 0x1E], PaperLow),
            ([0x1A, 0x32, 0x12, 0x7E], PaperOut),
            ([0x1A, 0x16, 0x12, 0x12], CoverOpen),
            ([0x1A, 0x52, 0x1A, 0x12], Offline),
            ([0x1A, 0x12, 0x12, 0x12], Offline),
        ] {
            assert_eq!(state(answers), expected, "{answers:02X?}");
        }
    }
}
