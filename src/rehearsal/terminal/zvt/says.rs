//! What the simulated ZVT terminal says, byte by byte, by its own hand.

/// A sale or a refusal as the terminal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub result: u8,
    pub amount: i64,
    pub receipt: u32,
    pub trace: u32,
    /// `MMDDhhmmss`
    pub time: String,
    /// Of what this one undid.
    pub original_trace: Option<u32>,
}

pub const OK: &[u8] = &[0x80, 0x00, 0x00];
pub const BUSY: &[u8] = &[0x84, 0x9c, 0x00];
pub const DONE: &[u8] = &[0x06, 0x0f, 0x00];
pub const INSERT_CARD: &[u8] = &[0x04, 0xff, 0x02, 0x0a, 0x01];
pub const PLEASE_WAIT: &[u8] = &[0x04, 0xff, 0x01, 0x0e];
pub const RECEIPT_LINE: &[u8] = &[0x06, 0xd1, 0x08, 0x00, b'B', b'E', b'Z', b'A', b'H', b'L', b'T'];

pub const WRONG_CURRENCY: u8 = 0x6f;

pub fn aborted(code: u8) -> Vec<u8> {
    vec![0x06, 0x1e, 0x01, code]
}

pub fn registered(currency: [u8; 2]) -> Vec<u8> {
    let said = [0x06, 0x0f, 0x0a, 0x19, 0x00, 0x29, 0x52, 0x52, 0x35, 0x35, 0x49];
    [&said[..], &currency].concat()
}

pub fn status(code: u8) -> Vec<u8> {
    let mut said = vec![0x06, 0x0f, 0x08, 0xf0, 0xf0, 0xf4];
    said.extend(b"1.07");
    said.push(code);
    said
}

/// 04 0F of one record.
pub fn result(record: &Record, currency: [u8; 2]) -> Vec<u8> {
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
        data.extend([0x22, 0xf0, 0xf8, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0x47, 0x11]);
        data.push(0x3b);
        data.extend(format!("{:06}\0\0", record.trace).bytes());
        data.extend([0x8a, 0x06, 0x8b, 0xf1, 0xf1]);
        data.extend(b"MasterCard\0");
    } else {
        data.extend([0x3c, 0xf0, 0xf0, 0xf9]);
        data.extend(b"Abgelehnt");
    }
    said(0x0f, data)
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
    said(0x0f, data)
}

fn said(instruction: u8, data: Vec<u8>) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap_or(0xfe);
    [vec![0x04, instruction, length], data].concat()
}

pub fn digits(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum * 16 + (digit & 0x0f))).collect()
}

/// The number in BCD behind `tag`, looked for where the kiosk writes it.
pub fn number_at(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0, |sum, byte| sum * 100 + i64::from(byte >> 4) * 10 + i64::from(byte & 0x0f))
}
