//! A block or a bare APDU explained to a technician (`kiosk decode`), with nothing lost.

use super::apdu::Apdu;
use super::bmp::{Content, Kind};
use super::frame::{self, ACK, NAK};
use super::hidden::{Knowing, hidden};
use super::message::{COMPLETION, Message};
use super::tlv::{Node, Value as Tlv};
use crate::terminal::{Decoded, Refused};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One block of the serial line, or a bare ACK or NAK.
///
/// # Errors
/// Why it is none, and the offset of the byte that says so.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Refused> {
    match bytes {
        [ACK] => return Ok(bare("ACK", ACK)),
        [NAK] => return Ok(bare("NAK", NAK)),
        _ => {}
    }
    let apdu = frame::unwrap(bytes).map_err(|error| Refused { error: error.to_string(), at: error.at() })?;
    let decoded = decode_apdu(&apdu).map_err(|refused| Refused { at: frame::place(&apdu, refused.at), ..refused })?;
    Ok(Decoded { reencoded: frame::wrap(&decoded.reencoded), ..decoded })
}

/// One APDU without its frame, as it goes over TCP.
///
/// # Errors
/// Why it is none, and the offset of the byte that says so.
pub fn decode_apdu(bytes: &[u8]) -> Result<Decoded, Refused> {
    let apdu = Apdu::parse(bytes).map_err(|error| Refused { error: error.to_string(), at: error.at() })?;
    let message =
        Message::read(&apdu).map_err(|error| Refused { error: error.what, at: apdu.head_bytes() + error.at })?;
    let command = format!("{:04x}", message.code);
    // What was put in comes out again; explained is what may be seen of a card.
    Ok(Decoded { command, fields: fields(&hidden(&message, Knowing::All)), reencoded: message.to_apdu().encode() })
}

fn bare(command: &str, byte: u8) -> Decoded {
    Decoded { command: command.to_owned(), fields: Map::new(), reencoded: vec![byte] }
}

fn fields(message: &Message) -> Map<String, Value> {
    let mut fields = Fields::default();
    if let [0x84, error] = message.code.to_be_bytes() {
        fields.insert("error_code", json!(hex(&[error]).to_uppercase()));
    }
    if message.extended_length {
        fields.insert("extended_length", json!(true));
    }
    for field in &message.head {
        fields.insert(field.name, value(field.kind, &field.raw));
    }
    for bmp in &message.bmps {
        let name =
            if message.code == COMPLETION && bmp.meaning.name == "payment_type" { "status" } else { bmp.meaning.name };
        let value = match &bmp.value {
            Content::Bytes(raw) => value(bmp.meaning.kind, raw),
            Content::Container(_, nodes) => Value::Array(nodes.iter().map(node).collect()),
        };
        fields.insert(name, value);
    }
    if !message.rest.is_empty() {
        fields.insert("data", text(&message.rest));
    }
    fields.map
}

/// Fields by name; one that comes again is `name#2`, `name#3`, …
#[derive(Default)]
struct Fields {
    map: Map<String, Value>,
    times: BTreeMap<&'static str, u32>,
}

impl Fields {
    fn insert(&mut self, name: &'static str, value: Value) {
        let times = self.times.entry(name).or_default();
        *times += 1;
        let name = if *times == 1 { name.to_owned() } else { format!("{name}#{times}") };
        self.map.insert(name, value);
    }
}

fn node(node: &Node) -> Value {
    let mut object = Map::new();
    if let Tlv::Unread(raw) = &node.value {
        object.insert("unread".to_owned(), json!(hex(raw)));
        return Value::Object(object);
    }
    object.insert("tag".to_owned(), json!(format!("{:02x}", node.tag)));
    if let Some(name) = tag_name(node.tag) {
        object.insert("name".to_owned(), json!(name));
    }
    let value = match &node.value {
        Tlv::Nodes(nodes) => Value::Array(nodes.iter().map(self::node).collect()),
        Tlv::Bytes(raw) if matches!(node.tag, 0x07 | 0x44 | 0x46 | 0x47 | 0x1f17) => text(raw),
        Tlv::Bytes(raw) => json!(hex(raw)),
        Tlv::Filler | Tlv::Unread(_) => json!("filler"),
    };
    object.insert("value".to_owned(), value);
    Value::Object(object)
}

/// The tags of terminals.md and of the recordings.
const fn tag_name(tag: u32) -> Option<&'static str> {
    Some(match tag {
        0x07 => "text_line",
        0x09 => "line_attribute",
        0x0a => "iso_character_set",
        0x24 => "display_texts",
        0x25 => "print_texts",
        0x26 => "permitted_commands",
        0x41 => "card_type",
        0x43 => "application_id",
        0x44 => "application_name",
        0x46 => "receipt_parameter",
        0x47 => "receipt_parameter_merchant",
        0x60 => "application",
        0x1f07 => "receipt_type",
        0x1f10 => "cardholder_identification",
        0x1f12 => "card_technology",
        0x1f16 => "error_number",
        0x1f17 => "error_text",
        0x1f1f => "transaction_id",
        0x1f55 => "card_status",
        _ => return None,
    })
}

fn value(kind: Kind, raw: &[u8]) -> Value {
    match kind {
        Kind::Number => number(raw).map_or_else(|| json!({ "hex": hex(raw) }), |number| json!(number)),
        Kind::Digits => json!(hex(raw)),
        Kind::Code => json!(hex(raw).to_uppercase()),
        Kind::Count => json!(raw.first()),
        Kind::Text => text(raw),
        Kind::Bytes => json!({ "hex": hex(raw) }),
    }
}

/// BCD; `None` if a half byte is no digit.
pub(super) fn number(raw: &[u8]) -> Option<i64> {
    raw.iter().try_fold(0_i64, |sum, byte| {
        let (high, low) = (byte >> 4, byte & 0x0f);
        let sum = (high <= 9 && low <= 9).then_some(sum)?.checked_mul(100)?;
        sum.checked_add(i64::from(high * 10 + low))
    })
}

/// ISO 8859-1 without its padding, or `{"hex": …}` where bytes are no text.
fn text(raw: &[u8]) -> Value {
    let used = raw.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    let readable = |byte: &u8| matches!(byte, b'\n' | 0x20..=0x7e | 0xa0..=0xff);
    if raw[..used].iter().all(readable) {
        json!(raw[..used].iter().map(|byte| char::from(*byte)).collect::<String>())
    } else {
        json!({ "hex": hex(raw) })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
