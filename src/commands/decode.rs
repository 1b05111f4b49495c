//! `kiosk decode`: hex lines in, one answer a line. A technician's recording, read without a terminal at hand.

use super::{CANNOT, NO, Streams, YES};
use crate::{printer, terminal};
use serde_json::{Map, Value, json};
use std::io::{self, BufRead};

/// One line of a recording, however it was spoken.
struct Read {
    command: String,
    fields: Map<String, Value>,
    reencoded: String,
}

struct Refused {
    error: String,
    at: usize,
}

/// 0 if every line was read, 1 if any was refused, 2 for an unknown protocol. Blank and `#` lines are skipped.
///
/// # Errors
/// A stream is closed.
pub fn run(protocol: &str, as_json: bool, input: impl BufRead, streams: &mut Streams<'_>) -> io::Result<u8> {
    let known = terminal::DECODERS.iter().map(|(name, _)| *name).chain(["escpos"]).collect::<Vec<_>>();
    if !known.contains(&protocol) {
        writeln!(streams.err, "`{protocol}` is not a protocol this program speaks; use {}", known.join(" or "))?;
        return Ok(CANNOT);
    }
    let mut exit = YES;
    for line in input.split(b'\n') {
        let line = String::from_utf8_lossy(&line?).trim().to_owned();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let outcome =
            if protocol == "escpos" { escpos(&line) } else { hex(&line, 0).and_then(|bytes| card(protocol, &bytes)) };
        if outcome.is_err() {
            exit = NO;
        }
        writeln!(streams.out, "{}", if as_json { to_json(protocol, &outcome).to_string() } else { to_text(&outcome) })?;
    }
    Ok(exit)
}

fn card(protocol: &str, bytes: &[u8]) -> Result<Read, Refused> {
    let unknown = || Refused { error: format!("`{protocol}` is unknown"), at: 0 };
    match terminal::decode(protocol, bytes).ok_or_else(unknown)? {
        Ok(decoded) => {
            Ok(Read { command: decoded.command, fields: decoded.fields, reencoded: to_hex(&decoded.reencoded) })
        }
        Err(refused) => Err(Refused { error: refused.error, at: refused.at }),
    }
}

/// `<request hex> <answer hex>`: an answer of one byte means nothing without its question.
fn escpos(line: &str) -> Result<Read, Refused> {
    let (request, answer) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let request = hex(request, 0)?;
    let answer = hex(answer.trim(), request.len())?;
    match printer::status::decode_line(&request, &answer) {
        Ok(decoded) => {
            let (request, answer) = decoded.encode();
            let fields = decoded.fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            Ok(Read {
                command: to_hex(&request),
                fields,
                reencoded: format!("{} {}", to_hex(&request), to_hex(&answer)),
            })
        }
        Err(refused) => Err(Refused { error: refused.what.to_owned(), at: refused.at }),
    }
}

/// Pairs of hex digits; blanks between pairs are allowed. `before` bytes of the line come first.
fn hex(text: &str, before: usize) -> Result<Vec<u8>, Refused> {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
    let pair = |(index, pair): (usize, &[u8])| {
        let at = before + index;
        let value = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2 && !text.starts_with('+'));
        let value = value.and_then(|text| u8::from_str_radix(text, 16).ok());
        value.ok_or_else(|| Refused { error: "not a pair of hex digits".to_owned(), at })
    };
    digits.chunks(2).enumerate().map(pair).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn to_json(protocol: &str, outcome: &Result<Read, Refused>) -> Value {
    match outcome {
        Ok(read) => {
            json!({ "ok": true, "protocol": protocol, "command": read.command, "fields": read.fields, "reencoded": read.reencoded })
        }
        Err(refused) => json!({ "ok": false, "error": refused.error, "at": refused.at }),
    }
}

fn to_text(outcome: &Result<Read, Refused>) -> String {
    match outcome {
        Ok(read) => {
            let fields = read.fields.iter().map(|(name, value)| format!("{name}={value}"));
            std::iter::once(read.command.clone()).chain(fields).collect::<Vec<_>>().join(" ")
        }
        Err(refused) => format!("refused at byte {}: {}", refused.at, refused.error),
    }
}
