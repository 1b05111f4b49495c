//! "Are you a ZVT terminal?" 05 01 (status enquiry) moves nothing and shows nothing.

use super::driver::line;
use super::frame::{ACK, wrap};
use super::message::{COMPLETION, Message};
use super::reader::{Item, Reader};
use super::request::{self, bcd};
use crate::config::Terminal;
use crate::serial::SerialLine;
use crate::terminal::zvt::apdu::Apdu;
use crate::terminal::zvt::decode::hex;
use std::time::{Duration, Instant};

const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);
const WRITE_LIMIT: Duration = Duration::from_millis(500);

/// What answers on `port`, in words; `None` if no ZVT terminal does. What it says is answered, so that it is not left
/// waiting.
#[must_use]
pub fn probe(settings: &Terminal, port: &str) -> Option<String> {
    let mut open = SerialLine::open(port, line(settings)).ok()?;
    let password = bcd(&settings.password)?.try_into().ok()?;
    let question = request::Merchant { password, currency: [0; 2] }.ask_status();
    open.write_within(&wrap(&question), WRITE_LIMIT).ok()?;
    let end = Instant::now() + ANSWER_TIMEOUT;
    let mut reader = Reader::default();
    let mut buffer = [0; 256];
    let mut answered = None;
    while Instant::now() < end {
        let count = open.read_some(&mut buffer, Duration::from_millis(100)).ok()?;
        for item in reader.push(&buffer[..count]) {
            let Item::Block { apdu, .. } = item else { continue };
            open.write_within(&[ACK], WRITE_LIMIT).ok()?;
            let message = Apdu::parse(&apdu).ok().and_then(|apdu| Message::read(&apdu).ok())?;
            if message.code == COMPLETION {
                open.write_within(&wrap(&request::positive()), WRITE_LIMIT).ok()?;
                return Some(words(&message));
            }
            answered = Some("ZVT terminal".to_owned());
        }
    }
    answered
}

fn words(message: &Message) -> String {
    let status = message.fixed("terminal_status").map_or_else(|| "untold".to_owned(), hex);
    let version = message.fixed("sw_version").map(|raw| raw.iter().map(|byte| char::from(*byte)).collect::<String>());
    format!("ZVT terminal (software {}, status {status})", version.as_deref().map_or("untold", str::trim))
}
