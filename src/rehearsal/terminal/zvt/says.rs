//! What the simulated ZVT terminal says, byte by byte, by its own hand.

use super::manners::{NoApproval, Padding, container, object};

/// A sale or a refusal as the terminal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub result: u8,
    pub amount: i64,
    pub receipt: u32,
    pub trace: u32,
    /// `MMDDhhmmss`
    pub time: String,
    /// The last digits of the card.
    pub card: u32,
    /// Of what this one undid.
    pub original_trace: Option<u32>,
}

pub const OK: &[u8] = &[0x80, 0x00, 0x00];
pub const BUSY: &[u8] = &[0x84, 0x9c, 0x00];
pub const DONE: &[u8] = &[0x06, 0x0f, 0x00];
pub const DONE_WITH_RESULT: &[u8] = &[0x06, 0x0f, 0x02, 0x27, 0x00];
pub const UNKNOWN_COMMAND: &[u8] = &[0x84, 0x83, 0x00];
/// A field that it does not like.
pub const WRONG_PARAMETER: &[u8] = &[0x84, 0x9a, 0x00];
pub const INSERT_CARD: &[u8] = &[0x04, 0xff, 0x02, 0x0a, 0x01];
pub const PLEASE_WAIT: &[u8] = &[0x04, 0xff, 0x01, 0x0e];
pub const WRONG_PIN: &[u8] = &[0x04, 0xff, 0x01, 0x15];
pub const WATCH_PIN_PAD: &[u8] = &[0x04, 0xff, 0x01, 0x01];
pub const RECEIPT_LINE: &[u8] = &[0x06, 0xd1, 0x08, 0x00, b'B', b'E', b'Z', b'A', b'H', b'L', b'T'];

pub const WRONG_CURRENCY: u8 = 0x6f;
/// The result of a wrong PIN.
pub const PIN_WRONG: u8 = 0x37;
pub const STATUS_WAIT: u8 = 0x9c;

pub fn aborted(code: u8) -> Vec<u8> {
    vec![0x06, 0x1e, 0x01, code]
}

/// 06 0F that tells an error.
pub fn ended(code: u8) -> Vec<u8> {
    vec![0x06, 0x0f, 0x02, 0x27, code]
}

pub fn refused(code: u8) -> Vec<u8> {
    vec![0x84, code, 0x00]
}

pub fn refused_with(code: u8) -> Vec<u8> {
    vec![0x84, 0x1e, 0x01, code]
}

pub fn registered(currency: [u8; 2]) -> Vec<u8> {
    let said = [0x06, 0x0f, 0x0a, 0x19, 0x00, 0x29, 0x52, 0x52, 0x35, 0x35, 0x49];
    [&said[..], &currency].concat()
}

/// With its card reader's state in TLV where it tells any.
pub fn status(code: u8, card_in: bool, padding: Option<Padding>) -> Vec<u8> {
    let mut data = vec![0xf0, 0xf0, 0xf4];
    data.extend(b"1.07");
    data.push(code);
    if let Some(padding) = padding {
        data.extend(container(&[object(&[0x1f, 0x55], &[u8::from(card_in)], padding)], padding));
    }
    said(0x06, 0x0f, &data)
}

/// 04 0F that tells of no transaction.
pub fn no_transaction() -> Vec<u8> {
    vec![0x04, 0x0f, 0x07, 0x27, 0x00, 0x29, 0x52, 0x52, 0x35, 0x35]
}

/// 04 0F of one record. `approval` and `padding` are the terminal's own ways.
pub fn result(record: &Record, currency: [u8; 2], approval: Option<NoApproval>, padding: Option<Padding>) -> Vec<u8> {
    let mut data = vec![0x27, record.result, 0x04];
    data.extend(digits(&format!("{:012}", record.amount)));
    data.push(0x0b);
    data.extend(digits(&format!("{:06}", record.trace)));
    if record.time.len() == 10 {
        data.push(0x0c);
        data.extend(digits(&record.time[4..]));
        data.push(0x0d);
        data.extend(digits(&record.time[..4]));
    }
    data.push(0x49);
    data.extend(currency);
    data.push(0x87);
    data.extend(digits(&format!("{:04}", record.receipt)));
    if let Some(original) = record.original_trace {
        data.push(0x37);
        data.extend(digits(&format!("{original:06}")));
    }
    if record.result == 0 {
        data.extend([0x22, 0xf0, 0xf8, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]);
        data.extend(digits(&format!("{:04}", record.card % 10_000)));
        data.extend(match approval {
            None => format!("\x3b{:06}\0\0", record.trace).into_bytes(),
            Some(NoApproval::LeftOut) => Vec::new(),
            Some(NoApproval::Zeros) => b"\x3b\0\0\0\0\0\0\0\0".to_vec(),
            Some(NoApproval::Blanks) => b"\x3b        ".to_vec(),
        });
        data.extend([0x8a, 0x06, 0x8b, 0xf1, 0xf1]);
        data.extend(b"MasterCard\0");
    } else {
        data.extend([0x3c, 0xf0, 0xf0, 0xf9]);
        data.extend(b"Abgelehnt");
    }
    if let Some(padding) = padding {
        let application = object(&[0x43], &[0xa0, 0, 0, 0, 0x04, 0x10, 0x10], padding);
        let mut objects = vec![object(&[0x60], &application, padding), object(&[0x1f, 0x12], &[0x02], padding)];
        if padding.long_text {
            objects.push(object(&[0x07], &[b'.'; 240], padding));
        }
        data.extend(container(&objects, padding));
    }
    said(0x04, 0x0f, &data)
}

/// 04 0F of a reversal by a terminal that tells little of it.
pub fn bare_result() -> Vec<u8> {
    vec![0x04, 0x0f, 0x02, 0x27, 0x00]
}

/// 04 0F of a wrong PIN: no number is given away for it.
pub fn wrong_pin(amount: i64) -> Vec<u8> {
    let mut data = vec![0x27, PIN_WRONG, 0x04];
    data.extend(digits(&format!("{amount:012}")));
    said(0x04, 0x0f, &data)
}

/// 04 0F of an end of day: everything on the last kind of card.
pub fn totals(count: u8, amount: i64, first: u32, last: u32) -> Vec<u8> {
    let mut data = vec![0x27, 0x00, 0x04];
    data.extend(digits(&format!("{amount:012}")));
    data.extend([0x60, 0xf0, 0xf5, 0xf3]);
    data.extend(digits(&format!("{first:04}{last:04}")));
    data.extend([0; 42]);
    data.push(count);
    data.extend(digits(&format!("{amount:012}")));
    said(0x04, 0x0f, &data)
}

/// A slip, line by line (06 D1) or in one block (06 D3, merchant's copy).
pub fn slip(blocks: bool, lines: &[&str]) -> Vec<Vec<u8>> {
    let plain = Padding { fillers: 0, length_bytes: 1, long_text: false };
    if blocks {
        let texts: Vec<u8> = lines.iter().flat_map(|line| object(&[0x07], line.as_bytes(), plain)).collect();
        let objects = [object(&[0x25], &texts, plain), object(&[0x1f, 0x07], &[0x02], plain)];
        return vec![said(0x06, 0xd3, &container(&objects, plain))];
    }
    // The last line's attribute says that the paper ends.
    let line = |text: &&str| said(0x06, 0xd1, &[&[0x00], text.as_bytes()].concat());
    lines.iter().map(line).chain([said(0x06, 0xd1, &[0x81])]).collect()
}

fn said(class: u8, instruction: u8, data: &[u8]) -> Vec<u8> {
    let head = if let Ok(length @ 0..=0xfe) = u8::try_from(data.len()) {
        vec![class, instruction, length]
    } else {
        let [low, high] = u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes();
        vec![class, instruction, 0xff, low, high]
    };
    [head, data.to_vec()].concat()
}

pub fn digits(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum * 16 + (digit & 0x0f))).collect()
}

/// The number in BCD behind `tag`, looked for where the kiosk writes it.
pub fn number_at(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0, |sum, byte| sum * 100 + i64::from(byte >> 4) * 10 + i64::from(byte & 0x0f))
}
