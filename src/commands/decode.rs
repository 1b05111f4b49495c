//! `kiosk decode`: hex lines in, one answer a line. A technician's recording, read without a terminal at hand.

mod pasted;

use super::{CANNOT, NO, Streams, YES};
use crate::{printer, terminal};
use pasted::{NOT_HEX, NotHex, SPELLINGS};
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

/// 0 if every line was read, 1 if any was refused, 2 for an unknown protocol. Blank and `#` lines are skipped; a hex dump of
/// several lines is one answer.
///
/// # Errors
/// A stream is closed.
pub fn run(protocol: &str, as_json: bool, input: impl BufRead, streams: &mut Streams<'_>) -> io::Result<u8> {
    let known = terminal::DECODERS.iter().map(|(name, _)| *name).chain(["escpos"]).collect::<Vec<_>>();
    if !known.contains(&protocol) {
        writeln!(streams.err, "`{protocol}` is not a protocol this program speaks; use {}", known.join(" or "))?;
        return Ok(CANNOT);
    }
    let mut desk = Desk { protocol, as_json, streams, exit: YES, dump: None, taught: false };
    pasted::lines(input, |line| desk.line(line))?;
    desk.end_dump()?;
    Ok(desk.exit)
}

/// Answers line by line; the rows of a hex dump are collected until it ends.
struct Desk<'a, 'b> {
    protocol: &'a str,
    as_json: bool,
    streams: &'a mut Streams<'b>,
    exit: u8,
    /// What the rows of a dump came to, and the first of them while it is the only one: it may be plain bytes.
    dump: Option<(Vec<u8>, Option<String>)>,
    /// Which spellings are read has been told: once is enough.
    taught: bool,
}

impl Desk<'_, '_> {
    fn line(&mut self, line: &str) -> io::Result<()> {
        if pasted::is_skipped(line) {
            return self.end_dump();
        }
        let row = pasted::dump_row(line);
        if let (Some((offset, bytes)), Some((so_far, first))) = (&row, &mut self.dump)
            && pasted::is_offset(offset, so_far.len())
        {
            so_far.extend(bytes);
            *first = None;
            return Ok(());
        }
        self.end_dump()?;
        match row.filter(|(offset, _)| pasted::is_offset(offset, 0)) {
            Some((_, bytes)) => {
                self.dump = Some((bytes, Some(line.to_owned())));
                Ok(())
            }
            None => self.tell(pasted::readings(line)),
        }
    }

    fn end_dump(&mut self) -> io::Result<()> {
        let Some((bytes, first)) = self.dump.take() else { return Ok(()) };
        let plain = first.and_then(|line| pasted::readings(&line).ok()).unwrap_or_default();
        self.tell(Ok([plain, vec![bytes]].concat()))
    }

    fn tell(&mut self, readings: Result<Vec<Vec<u8>>, NotHex>) -> io::Result<()> {
        let outcome = match readings {
            Ok(readings) => explain(self.protocol, &readings),
            Err(NotHex { at }) => {
                let first = !std::mem::replace(&mut self.taught, true);
                Err(Refused { error: if first { format!("{NOT_HEX}; {SPELLINGS}") } else { NOT_HEX.to_owned() }, at })
            }
        };
        if outcome.is_err() {
            self.exit = NO;
        }
        let text = if self.as_json { to_json(self.protocol, &outcome).to_string() } else { to_text(&outcome) };
        writeln!(self.streams.out, "{text}")
    }
}

/// The first reading that is a frame; else the refusal of the one that came furthest.
fn explain(protocol: &str, readings: &[Vec<u8>]) -> Result<Read, Refused> {
    let mut furthest: Option<Refused> = None;
    for bytes in readings {
        match if protocol == "escpos" { escpos(bytes) } else { card(protocol, bytes) } {
            Ok(read) => return Ok(read),
            Err(refused) => {
                if furthest.as_ref().is_none_or(|best| best.at < refused.at) {
                    furthest = Some(refused);
                }
            }
        }
    }
    Err(furthest.unwrap_or_else(|| Refused { error: NOT_HEX.to_owned(), at: 0 }))
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

/// A request with its answer: an answer of one byte means nothing without its question. How long the request is, it says
/// itself.
fn escpos(bytes: &[u8]) -> Result<Read, Refused> {
    let (request, answer) = bytes.split_at(printer::status::request_length(bytes));
    match printer::status::decode_line(request, answer) {
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
