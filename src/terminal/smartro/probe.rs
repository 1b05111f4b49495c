//! "Are you a TL terminal?" Job code `A` (device check, terminals.md 2.3) moves nothing and shows nothing. Waited is as the
//! driver waits, and its answer is acknowledged; the frame carries the terminal's own clock.

use super::dialogue::{Limits, other_terminal};
use super::packet::{ACK, EVENT, Frame};
use super::reader::{Item, Reader};
use crate::config::Terminal;
use crate::line::{self, LineSettings, Needs, write_within};
use crate::terminal::{Probed, clock};
use chrono::NaiveDateTime;
use std::time::{Duration, Instant};

/// On a line that nobody says has a terminal.
const FIRST_SIGN: Duration = Duration::from_millis(1500);
const READ_WAIT: Duration = Duration::from_millis(100);
const WRITE_LIMIT: Duration = Duration::from_millis(500);
const SENDS: u8 = 3;

/// What answers on `port`, in words, at the hospital's time `now`; `None` if no TL terminal does.
///
/// # Errors
/// The line cannot be opened, or is gone.
pub fn probe(settings: &Terminal, port: &str, now: NaiveDateTime) -> Probed {
    let mut line =
        line::open(port, LineSettings { baud: settings.baud, two_stop_bits: false }, Needs::ForgetfulStream)?;
    let limits = Limits::new(settings.ack_timeout_ms, settings.answer_timeout_ms);
    let ours = settings.protocol == "smartro" && settings.port == port;
    let first = if ours { Duration::from_millis(limits.ack_ms) } else { FIRST_SIGN };
    let question = Frame::request(b'A', &settings.terminal_id, clock::stamp(now), Vec::new()).encode();
    let mut reader = Reader::default();
    let mut buffer = [0; 256];
    for _ in 0..if ours { SENDS } else { 1 } {
        write_within(&mut *line, &question, WRITE_LIMIT)?;
        let mut end = Instant::now() + first;
        while Instant::now() < end {
            let count = line.read_some(&mut buffer, READ_WAIT)?;
            for item in reader.push(&buffer[..count]) {
                match item {
                    Item::Frame { frame, .. } if frame.job == b'a' => {
                        write_within(&mut *line, &[ACK], WRITE_LIMIT)?;
                        let told = words(&frame, now);
                        let other = other_terminal(&settings.terminal_id, &frame).filter(|_| ours);
                        return Ok(Some(other.map_or(Ok(told.clone()), |other| {
                            Err(format!(
                                "{told}, but it calls itself {other} and [terminal] terminal_id is {}: is it the right one?",
                                settings.terminal_id
                            ))
                        })));
                    }
                    Item::Frame { frame, .. } if frame.job != EVENT => write_within(&mut *line, &[ACK], WRITE_LIMIT)?,
                    Item::Ack => end = Instant::now() + Duration::from_millis(limits.reply_ms),
                    Item::Frame { .. } | Item::Nak | Item::Noise | Item::Broken { .. } => {}
                }
            }
        }
    }
    Ok(None)
}

fn words(frame: &Frame, now: NaiveDateTime) -> String {
    let states = String::from_utf8_lossy(&frame.data).into_owned();
    let theirs = std::str::from_utf8(&frame.stamp).ok().and_then(clock::read);
    let clock = theirs.and_then(|theirs| clock::difference(theirs, now));
    let clock = clock.map_or_else(String::new, |apart| format!("; its clock is {apart}: set it"));
    format!("Smartro TL terminal (card, RF, host, link: {states}){clock}")
}
