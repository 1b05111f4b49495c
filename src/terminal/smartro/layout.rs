//! What the data of each job code means: a table of fields, in order, without gaps. Data of a length that no table
//! knows is kept whole as one field, so that every frame comes out as it went in.

use encoding_rs::EUC_KR;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Digits, right aligned, padded with '0'.
    Number,
    /// Text in EUC-KR (CP949), left aligned, padded with spaces.
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub bytes: usize,
    pub kind: Kind,
}

const fn number(name: &'static str, bytes: usize) -> Field {
    Field { name, bytes, kind: Kind::Number }
}

const fn text(name: &'static str, bytes: usize) -> Field {
    Field { name, bytes, kind: Kind::Text }
}

/// `B`: approve.
const APPROVE: &[Field] = &[
    text("request_kind", 1),
    number("amount", 10),
    number("vat", 8),
    number("service", 8),
    text("instalment", 2),
    text("signature", 1),
];

/// `C`: cancel; 57 bytes, or 59 with `extra_length` "00", or 89 with "30" and the PG serial.
const CANCEL: &[Field] = &[
    text("cancel_type", 1),
    text("medium", 1),
    number("amount", 10),
    number("vat", 8),
    number("service", 8),
    text("instalment", 2),
    text("signature", 1),
    text("approval_no", 12),
    text("original_date", 8),
    text("original_time", 6),
];
const CANCEL_EXTRA: &[Field] = &[text("extra_length", 2)];
const PG_SERIAL: &[Field] = &[text("pg_serial", 30)];

/// `b`, `c`, `g`, `l` up to the issuer.
const SALE: &[Field] = &[
    text("kind", 1),
    text("medium", 1),
    text("card_no", 20),
    number("amount", 10),
    number("vat", 8),
    number("service", 8),
    text("instalment", 2),
    text("approval_no", 12),
    text("sale_date", 8),
    text("sale_time", 6),
    text("unique_no", 12),
    text("merchant_no", 15),
    text("terminal_no", 14),
];
const BANKS: &[Field] =
    &[text("issuer_code", 4), text("issuer_name", 16), text("acquirer_code", 4), text("acquirer_name", 16)];
/// In place of the banks when `kind` is 'X'.
const DECLINE: &[Field] = &[text("decline_mark", 1), text("decline_code", 2), text("decline_message", 37)];

const CARD_INQUIRY: &[Field] = &[
    text("medium", 1),
    text("card_type", 1),
    text("card_no", 20),
    text("last_time", 14),
    number("last_amount", 8),
    number("balance", 8),
    text("status", 1),
];
const DEVICE_CHECK: &[Field] =
    &[text("card_module", 1), text("rf_module", 1), text("van_server", 1), text("link_server", 1)];
const VERSIONS: &[Field] = &[text("boot0", 15), text("boot1", 15), text("application", 15)];
const SOUND: &[Field] = &[text("brightness", 1), text("voice_volume", 1), text("touch_volume", 1)];
const CARD_UID: &[Field] = &[text("uid", 10)];
const CARD_PRESENT: &[Field] = &[text("card_present", 1)];
const EVENT: &[Field] = &[text("event", 1)];

pub const SALE_BYTES: usize = 157;
/// Up to the issuer: kind, amount, approval number, time, unique number.
pub const MONEY_BYTES: usize = 117;
pub const SALE_PG_BYTES: usize = 187;
/// Where a declined sale has its '-', code and message.
pub const DECLINE_AT: usize = 117;

/// Data cut into fields. The raw bytes are the value; words are only a view of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Data {
    fields: Vec<(Field, Vec<u8>)>,
}

impl Data {
    /// Never fails: what no table knows is one field named `data`.
    #[must_use]
    pub fn decode(job: u8, data: &[u8]) -> Self {
        let mut rest = data;
        let mut fields = Vec::new();
        for field in tables(job, data).iter().flat_map(|table| table.iter()) {
            let (raw, after) = rest.split_at(field.bytes.min(rest.len()));
            fields.push((*field, raw.to_vec()));
            rest = after;
        }
        if !rest.is_empty() {
            fields.push((text("data", rest.len()), rest.to_vec()));
        }
        Self { fields }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.fields.iter().flat_map(|(_, raw)| raw.iter().copied()).collect()
    }

    /// Lets `change` write over what is no number, in place.
    pub fn change_texts(&mut self, change: impl Fn(&str, &mut [u8])) {
        for (field, raw) in self.fields.iter_mut().filter(|(field, _)| field.kind == Kind::Text) {
            change(field.name, raw);
        }
    }

    #[must_use]
    pub fn raw(&self, name: &str) -> &[u8] {
        self.fields.iter().find(|(field, _)| field.name == name).map_or(&[], |(_, raw)| raw)
    }

    /// Without the padding; what is not EUC-KR becomes U+FFFD.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        EUC_KR.decode_without_bom_handling(self.raw(name)).0.trim_matches([' ', '\0']).to_owned()
    }

    /// `None` unless every byte is a digit.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        digits(self.raw(name))
    }

    /// Every field in order as JSON from which the bytes can be told again.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.fields.iter().map(|(field, raw)| (field.name, value(field.kind, raw)))
    }
}

/// Tables whose lengths do not exceed the data's own; none if nothing fits.
fn tables(job: u8, data: &[u8]) -> Vec<&'static [Field]> {
    let declined = data.first() == Some(&b'X') && data.get(DECLINE_AT) == Some(&b'-');
    let end = if declined { DECLINE } else { BANKS };
    match (job, data.len()) {
        (b'B', 30) => vec![APPROVE],
        (b'C', 57) => vec![CANCEL],
        (b'C', 59) => vec![CANCEL, CANCEL_EXTRA],
        (b'C', 89) => vec![CANCEL, CANCEL_EXTRA, PG_SERIAL],
        (b'b' | b'c' | b'g' | b'l', SALE_PG_BYTES) => vec![SALE, end, PG_SERIAL],
        // Longer or shorter by what a version adds or leaves out at the end: the money fields stand where they stand.
        (b'b' | b'c' | b'g' | b'l', SALE_BYTES..) => vec![SALE, end],
        (b'b' | b'c' | b'g' | b'l', MONEY_BYTES..SALE_BYTES) => vec![SALE],
        (b'd', 53) => vec![CARD_INQUIRY],
        (b'a', 4) => vec![DEVICE_CHECK],
        (b'f', 10) => vec![CARD_UID],
        (b'm', 1) => vec![CARD_PRESENT],
        (b'S' | b's', 3) => vec![SOUND],
        (b'v', 45) => vec![VERSIONS],
        (b'@', 1) => vec![EVENT],
        _ => Vec::new(),
    }
}

/// A number, a text without its trailing spaces, or `{"hex": …}` where neither would give the bytes back.
fn value(kind: Kind, raw: &[u8]) -> Value {
    if kind == Kind::Number
        && let Some(number) = digits(raw)
    {
        return json!(number);
    }
    let (decoded, broken) = EUC_KR
        .decode_without_bom_handling_and_without_replacement(raw)
        .map_or_else(|| (String::new(), true), |decoded| (decoded.into_owned(), false));
    let lossless = !broken && EUC_KR.encode(&decoded).0.as_ref() == raw && !decoded.chars().any(char::is_control);
    if lossless { json!(decoded.trim_end_matches(' ')) } else { json!({ "hex": hex(raw) }) }
}

fn digits(raw: &[u8]) -> Option<i64> {
    if raw.is_empty() || raw.len() > 18 || !raw.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(raw.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
