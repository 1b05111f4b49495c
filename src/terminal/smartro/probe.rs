//! "Are you a TL terminal?" Job code `A` (device check, terminals.md 2.3) moves nothing and shows nothing.

use super::packet::Frame;
use super::reader::{Item, Reader};
use crate::config::Terminal;
use crate::serial::{LineSettings, SerialLine};
use crate::terminal::Probed;
use std::time::{Duration, Instant};

const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);

/// What answers on `port`, in words; `None` if no TL terminal does.
///
/// # Errors
/// The line cannot be opened, or is gone.
pub fn probe(settings: &Terminal, port: &str) -> Probed {
    let mut line = SerialLine::open(port, LineSettings { baud: settings.baud, two_stop_bits: false })?;
    let question = Frame::request(b'A', &settings.terminal_id, *b"20000101000000", Vec::new());
    line.write_within(&question.encode(), Duration::from_millis(500))?;
    let end = Instant::now() + ANSWER_TIMEOUT;
    let mut reader = Reader::default();
    let mut buffer = [0; 256];
    while Instant::now() < end {
        let count = line.read_some(&mut buffer, Duration::from_millis(100))?;
        for item in reader.push(&buffer[..count]) {
            match item {
                Item::Frame { frame, .. } if frame.job == b'a' => {
                    let states = String::from_utf8_lossy(&frame.data).into_owned();
                    return Ok(Some(Ok(format!("Smartro TL terminal (card, RF, host, link: {states})"))));
                }
                Item::Frame { .. } | Item::Ack | Item::Nak | Item::Noise | Item::Broken { .. } => {}
            }
        }
    }
    Ok(None)
}
