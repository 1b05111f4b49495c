//! "Are you a ZVT terminal?" 05 01 (status enquiry) moves nothing and shows nothing. The configured terminal also registers
//! us (06 00), as it will when the kiosk starts: only so a wrong password or another currency is seen on the day of setup.

use super::driver::{line, merchant};
use super::frame::{ACK, wrap};
use super::message::{ABORTED, COMPLETION, Message};
use super::reader::{Item, Reader};
use super::request::{self, WRONG_CURRENCY};
use crate::config::Terminal;
use crate::serial::SerialLine;
use crate::terminal::Probed;
use crate::terminal::zvt::apdu::Apdu;
use crate::terminal::zvt::bmp;
use crate::terminal::zvt::decode::hex;
use std::io;
use std::time::{Duration, Instant};

const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);
/// As the driver waits for it.
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(20);
const WRITE_LIMIT: Duration = Duration::from_millis(500);

/// What answers on `port`, in words; `None` if no ZVT terminal does. `Err` if it will not work for this kiosk.
///
/// # Errors
/// The line cannot be opened, or is gone.
pub fn probe(settings: &Terminal, port: &str) -> Probed {
    let mut open = SerialLine::open(port, line(settings))?;
    let merchant = merchant(settings);
    let ours = settings.protocol == "zvt" && settings.port == port;
    let question = request::Merchant { password: [0; 3], currency: [0; 2] };
    let status = ask(&mut open, &merchant.as_ref().unwrap_or(&question).ask_status(), ANSWER_TIMEOUT)?;
    let Some(status) = status else { return Ok(None) };
    let told = words(&status);
    if !ours {
        return Ok(Some(Ok(told)));
    }
    let merchant = match merchant {
        Ok(merchant) => merchant,
        Err(why) => return Ok(Some(Err(why))),
    };
    Ok(Some(match ask(&mut open, &merchant.register(), REGISTRATION_TIMEOUT)? {
        Some(message) if message.code == COMPLETION && !merchant.is_in_our_currency(&message) => {
            let other = message.bytes(bmp::CURRENCY).map(hex).unwrap_or_default();
            Err(format!(
                "{told}, but it is set up for the currency {other} (ISO 4217) and the hospital's is {}",
                settings.currency
            ))
        }
        Some(message) if message.code == COMPLETION => Ok(format!("{told}, registered for {}", settings.currency)),
        Some(message) if is_refusal(&message) => {
            let [_, low] = message.code.to_be_bytes();
            let code = message.fixed("result_code").and_then(|code| code.first().copied()).unwrap_or(low);
            let why = match code {
                WRONG_CURRENCY => format!("does it take {}?", settings.currency),
                _ => "is [terminal] password right?".to_owned(),
            };
            Err(format!("{told}, but it refuses to register this kiosk ({code:02X}): {why}"))
        }
        Some(_) | None => Err(format!("{told}, but it does not answer when this kiosk registers")),
    }))
}

/// 06 1E, or 84 xx.
fn is_refusal(message: &Message) -> bool {
    message.code == ABORTED || message.code.to_be_bytes()[0] == 0x84
}

/// The answer that ends a question. What the terminal says is answered, so that it is not left waiting.
fn ask(open: &mut SerialLine, question: &[u8], timeout: Duration) -> io::Result<Option<Message>> {
    open.write_within(&wrap(question), WRITE_LIMIT)?;
    let end = Instant::now() + timeout;
    let mut reader = Reader::default();
    let mut buffer = [0; 256];
    let mut answered = None;
    while Instant::now() < end {
        let count = open.read_some(&mut buffer, Duration::from_millis(100))?;
        for item in reader.push(&buffer[..count]) {
            let Item::Block { apdu, .. } = item else { continue };
            open.write_within(&[ACK], WRITE_LIMIT)?;
            let message = Apdu::parse(&apdu).ok().and_then(|apdu| Message::read(&apdu).ok());
            let Some(message) = message else { return Ok(None) };
            if [COMPLETION, ABORTED].contains(&message.code) {
                open.write_within(&wrap(&request::positive()), WRITE_LIMIT)?;
                return Ok(Some(message));
            }
            if is_refusal(&message) {
                return Ok(Some(message));
            }
            answered = Some(message);
        }
    }
    Ok(answered)
}

fn words(message: &Message) -> String {
    let status = message.fixed("terminal_status").map_or_else(|| "untold".to_owned(), hex);
    let version = message.fixed("sw_version").map(|raw| raw.iter().map(|byte| char::from(*byte)).collect::<String>());
    format!("ZVT terminal (software {}, status {status})", version.as_deref().map_or("untold", str::trim))
}
