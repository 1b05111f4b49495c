//! A frame explained to a technician (`kiosk decode`), with nothing lost.

use super::hidden::hidden;
use super::layout::{Data, hex};
use super::packet::{ACK, Frame, NAK};
use crate::terminal::{Decoded, Refused};
use serde_json::{Map, Value, json};

/// One frame, or a bare ACK or NAK byte.
///
/// # Errors
/// Why it is none, and the offset of the byte that says so.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Refused> {
    match bytes {
        [ACK] => return Ok(bare("ACK", ACK)),
        [NAK] => return Ok(bare("NAK", NAK)),
        _ => {}
    }
    let frame = Frame::parse(bytes).map_err(|error| Refused { error: error.to_string(), at: error.at() })?;
    let data = Data::decode(frame.job, &frame.data);
    let mut fields = header(&frame);
    // What was put in comes out again; explained is what may be seen of a card.
    let shown = Data::decode(frame.job, &hidden(&frame).data);
    fields.extend(shown.values().map(|(name, value)| (name.to_owned(), value)));
    let command = frame.job.escape_ascii().to_string();
    let reencoded = Frame { data: data.encode(), ..frame }.encode();
    Ok(Decoded { command, fields, reencoded })
}

fn bare(command: &str, byte: u8) -> Decoded {
    Decoded { command: command.to_owned(), fields: Map::new(), reencoded: vec![byte] }
}

fn header(frame: &Frame) -> Map<String, Value> {
    let id = frame.terminal_id;
    let used = id.iter().rposition(|byte| *byte != 0 && *byte != b' ').map_or(0, |last| last + 1);
    let mut fields = Map::new();
    fields.insert("terminal_id".to_owned(), ascii(&id[..used]));
    fields.insert("terminal_id_padding".to_owned(), json!(hex(&id[used..])));
    fields.insert("date_time".to_owned(), ascii(&frame.stamp));
    fields.insert("response_code".to_owned(), json!(frame.response_code));
    fields.insert("data_length".to_owned(), json!(frame.data.len()));
    fields
}

fn ascii(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') => json!(text),
        Ok(_) | Err(_) => json!({ "hex": hex(bytes) }),
    }
}
