//! The bitmaps (BMP) of PA00P015 chapter 8: one byte that says which field follows and, by the table here, how long it
//! is and what it means.

use super::tlv::{self, LengthForm, Node};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BCD digits that are one number.
    Number,
    /// BCD digits that are a name of something; `e` masks a digit, a last `f` fills up.
    Digits,
    /// A code that specifications and staff write in hex.
    Code,
    /// One byte that counts something.
    Count,
    /// Text, ISO 8859-1.
    Text,
    Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Fixed(usize),
    /// Two bytes `Fx Fy`.
    Ll,
    /// Three bytes `Fx Fy Fz`.
    Lll,
    /// A TLV container.
    Ber,
}

/// What a BMP number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub tag: u8,
    pub name: &'static str,
    pub length: Length,
    pub kind: Kind,
}

const fn fixed(tag: u8, name: &'static str, bytes: usize, kind: Kind) -> Meaning {
    Meaning { tag, name, length: Length::Fixed(bytes), kind }
}

const fn ll(tag: u8, name: &'static str, kind: Kind) -> Meaning {
    Meaning { tag, name, length: Length::Ll, kind }
}

const fn lll(tag: u8, name: &'static str, kind: Kind) -> Meaning {
    Meaning { tag, name, length: Length::Lll, kind }
}

pub const TIMEOUT: u8 = 0x01;
pub const MAX_STATUS: u8 = 0x02;
pub const SERVICE: u8 = 0x03;
pub const AMOUNT: u8 = 0x04;
pub const TLV: u8 = 0x06;
pub const TRACE: u8 = 0x0b;
pub const TIME: u8 = 0x0c;
pub const DATE: u8 = 0x0d;
pub const PAN: u8 = 0x22;
pub const RESULT: u8 = 0x27;
pub const TERMINAL: u8 = 0x29;
pub const CONTRACT: u8 = 0x2a;
pub const ORIGINAL_TRACE: u8 = 0x37;
pub const AUTHORISATION: u8 = 0x3b;
pub const TEXT: u8 = 0x3c;
pub const CURRENCY: u8 = 0x49;
pub const TOTALS: u8 = 0x60;
pub const RECEIPT: u8 = 0x87;
pub const CARD_NAME: u8 = 0x8b;

/// In every control field.
const MEANINGS: &[Meaning] = &[
    fixed(TIMEOUT, "timeout", 1, Kind::Count),
    fixed(MAX_STATUS, "max_status", 1, Kind::Count),
    fixed(SERVICE, "service_byte", 1, Kind::Code),
    fixed(AMOUNT, "amount", 6, Kind::Number),
    fixed(0x05, "pump_no", 1, Kind::Count),
    Meaning { tag: TLV, name: "tlv", length: Length::Ber, kind: Kind::Bytes },
    fixed(TRACE, "trace", 3, Kind::Digits),
    fixed(TIME, "time", 3, Kind::Digits),
    fixed(DATE, "date", 2, Kind::Digits),
    fixed(0x0e, "expiry", 2, Kind::Digits),
    fixed(0x17, "card_sequence_no", 2, Kind::Digits),
    fixed(0x19, "payment_type", 1, Kind::Code),
    ll(PAN, "pan", Kind::Digits),
    ll(0x23, "track_2", Kind::Bytes),
    lll(0x24, "track_3", Kind::Bytes),
    fixed(RESULT, "result_code", 1, Kind::Code),
    fixed(TERMINAL, "tid", 4, Kind::Digits),
    fixed(CONTRACT, "vu_no", 15, Kind::Text),
    ll(0x2d, "track_1", Kind::Bytes),
    lll(0x2e, "chip_data", Kind::Bytes),
    fixed(ORIGINAL_TRACE, "original_trace", 3, Kind::Digits),
    fixed(0x3a, "cvv", 2, Kind::Digits),
    fixed(AUTHORISATION, "auth_code", 8, Kind::Text),
    lll(TEXT, "text", Kind::Text),
    fixed(0x3d, "password", 3, Kind::Digits),
    fixed(CURRENCY, "currency", 2, Kind::Digits),
    lll(TOTALS, "totals", Kind::Bytes),
    fixed(RECEIPT, "receipt_no", 2, Kind::Digits),
    fixed(0x88, "turnover_no", 3, Kind::Digits),
    fixed(0x8a, "card_type", 1, Kind::Code),
    ll(CARD_NAME, "card_name", Kind::Text),
    fixed(0x8c, "card_type_network", 1, Kind::Code),
    lll(0x92, "ec_chip_data", Kind::Bytes),
    lll(0x9a, "geldkarte", Kind::Bytes),
    fixed(0xa0, "result_code_as", 1, Kind::Code),
    ll(0xa7, "chip_ef_id", Kind::Bytes),
    fixed(0xaa, "full_date", 3, Kind::Digits),
    lll(0xaf, "ef_info", Kind::Bytes),
    fixed(0xba, "aid_parameter", 5, Kind::Bytes),
    fixed(0xd0, "algorithm_key", 1, Kind::Code),
    ll(0xd1, "pin_data", Kind::Bytes),
    fixed(0xd2, "direction", 1, Kind::Code),
    fixed(0xd3, "key_position", 1, Kind::Code),
    fixed(0xe0, "input_min", 1, Kind::Count),
    fixed(0xfa, "card_reader", 1, Kind::Code),
    fixed(0xfb, "confirm_with_ok", 1, Kind::Code),
    fixed(0xfc, "dialog_control", 1, Kind::Code),
];

/// Only in the commands that show something (06 E0 to 06 E8).
const DISPLAY: &[Meaning] = &[
    fixed(0xf0, "display_s", 1, Kind::Count),
    ll(0xf1, "line_1", Kind::Text),
    ll(0xf2, "line_2", Kind::Text),
    ll(0xf3, "line_3", Kind::Text),
    ll(0xf4, "line_4", Kind::Text),
    ll(0xf5, "line_5", Kind::Text),
    ll(0xf6, "line_6", Kind::Text),
    ll(0xf7, "line_7", Kind::Text),
    ll(0xf8, "line_8", Kind::Text),
    fixed(0xf9, "beeps", 1, Kind::Count),
];

#[derive(Clone, PartialEq, Eq)]
pub struct Bmp {
    pub meaning: Meaning,
    pub value: Content,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    Container(LengthForm, Vec<Node>),
}

/// Why bytes are not BMPs, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BmpError {
    pub what: String,
    pub at: usize,
    /// The number is in no table: what follows cannot be told apart, but need not be wrong.
    pub unknown: bool,
}

/// BMPs from `start` to the end of `data`, as far as they can be read, and what stopped them.
#[must_use]
pub fn parse(code: u16, data: &[u8], start: usize) -> (Vec<Bmp>, Option<BmpError>, usize) {
    let mut bmps = Vec::new();
    let mut at = start;
    while at < data.len() {
        match parse_one(code, data, at) {
            Ok((bmp, next)) => {
                bmps.push(bmp);
                at = next;
            }
            Err(error) => return (bmps, Some(error), at),
        }
    }
    (bmps, None, at)
}

fn parse_one(code: u16, data: &[u8], at: usize) -> Result<(Bmp, usize), BmpError> {
    let broken = |what: String, at: usize| BmpError { what, at, unknown: false };
    let tag = data[at];
    let Some(meaning) = meaning(code, tag) else {
        return Err(BmpError { what: format!("no field has the number {tag:02x}"), at, unknown: true });
    };
    let length_at = at + 1;
    let (value_at, count) = match meaning.length {
        Length::Fixed(count) => (length_at, count),
        Length::Ll => (length_at + 2, var_length(data, length_at, 2)?),
        Length::Lll => (length_at + 3, var_length(data, length_at, 3)?),
        Length::Ber => {
            let (_, count, bytes) = tlv::read_length(&data[length_at..])
                .map_err(|error| broken(error.what.to_owned(), length_at + error.at))?;
            (length_at + bytes, count)
        }
    };
    let end = value_at.saturating_add(count);
    let raw = data.get(value_at..end).ok_or_else(|| {
        broken(format!("the field {} is cut off: {count} bytes belong to it", meaning.name), data.len())
    })?;
    let value = if meaning.length == Length::Ber {
        let (form, ..) = tlv::read_length(&data[length_at..])
            .map_err(|error| broken(error.what.to_owned(), length_at + error.at))?;
        Content::Container(form, tlv::read(raw).0)
    } else {
        Content::Bytes(raw.to_vec())
    };
    Ok((Bmp { meaning, value }, end))
}

/// `Fx Fy …`: the low half of each byte is a decimal digit.
fn var_length(data: &[u8], at: usize, digits: usize) -> Result<usize, BmpError> {
    (at..at + digits).try_fold(0, |length, at| match data.get(at) {
        Some(byte) if byte & 0xf0 == 0xf0 && byte & 0x0f <= 9 => Ok(length * 10 + usize::from(byte & 0x0f)),
        Some(byte) => {
            Err(BmpError { what: format!("a length digit is F0 to F9, found {byte:02x}"), at, unknown: false })
        }
        None => Err(BmpError { what: "the length is cut off".to_owned(), at: data.len(), unknown: false }),
    })
}

pub fn write(bmp: &Bmp, out: &mut Vec<u8>) {
    out.push(bmp.meaning.tag);
    match &bmp.value {
        Content::Container(form, nodes) => {
            let inner = tlv::encode(nodes);
            form.write(inner.len(), out);
            out.extend(inner);
        }
        Content::Bytes(bytes) => {
            match bmp.meaning.length {
                Length::Fixed(_) | Length::Ber => {}
                Length::Ll => out.extend(var_digits(bytes.len(), 2)),
                Length::Lll => out.extend(var_digits(bytes.len(), 3)),
            }
            out.extend_from_slice(bytes);
        }
    }
}

fn var_digits(length: usize, digits: u32) -> impl Iterator<Item = u8> {
    (0..digits).rev().map(move |place| 0xf0 | u8::try_from(length / 10_usize.pow(place) % 10).unwrap_or(0))
}

fn meaning(code: u16, tag: u8) -> Option<Meaning> {
    let shows = (0x06e0..=0x06e8).contains(&code);
    let display = if shows { DISPLAY } else { &[] };
    display.iter().chain(MEANINGS).find(|meaning| meaning.tag == tag).copied()
}
