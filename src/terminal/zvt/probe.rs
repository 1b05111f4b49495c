//! "Are you a ZVT terminal?" 05 01 (status enquiry) moves nothing and shows nothing. The configured terminal also registers
//! us (06 00), as it will when the kiosk starts: only so a wrong password or another currency is seen on the day of setup;
//! and it tells its last transaction (06 20, nothing is printed), whose time shows a clock that is ahead.
//!
//! Waited is as the driver waits, and what the terminal says meanwhile is answered as the driver answers it: a completion
//! counts only of a command that was accepted, so a late one is never taken for the next one's.

use super::dialogue::Limits;
use super::driver::{is_on_network, line_settings, merchant};
use super::framing::Framing;
use super::message::{ABORTED, COMPLETION, Message, STATUS};
use super::reader::Item;
use super::request::{self, WRONG_CURRENCY, Without};
use super::transaction;
use crate::config::Terminal;
use crate::domain::attempt::LastTransaction;
use crate::line::{self, Line, Needs, write_within};
use crate::terminal::zvt::apdu::Apdu;
use crate::terminal::zvt::bmp;
use crate::terminal::zvt::decode::hex;
use crate::terminal::{Probed, clock};
use chrono::NaiveDateTime;
use std::io;
use std::time::{Duration, Instant};

/// On a line that nobody says has a terminal; as soon as something answers there, it gets the driver's time.
const FIRST_SIGN: Duration = Duration::from_millis(1500);
const READ_WAIT: Duration = Duration::from_millis(50);
const WRITE_LIMIT: Duration = Duration::from_millis(500);
const SENDS: u8 = 3;
const BUSY: u8 = 0x9c;
const BUSY_WAIT: Duration = Duration::from_secs(2);
const BUSY_TIMES: u8 = 15;

/// What answers on `port`, in words, at the hospital's time `now`; `None` if no ZVT terminal does. `Err` if it will not work for this kiosk.
///
/// # Errors
/// The line cannot be opened, or is gone.
pub fn probe(settings: &Terminal, port: &str, now: NaiveDateTime) -> Probed {
    let ours = settings.protocol == "zvt" && settings.port == port;
    let merchant = merchant(settings);
    let anybodys = request::Merchant { password: [0; 3], currency: [0; 2], terminal: None };
    let mut asker = Asker {
        line: line::open(port, line_settings(settings), Needs::ForgetfulStream)?,
        framing: if is_on_network(port) { Framing::network() } else { Framing::serial() },
        limits: Limits::new(settings.ack_timeout_ms, settings.answer_timeout_ms),
        patient: ours,
    };
    let Some(status) = asker.ask(&merchant.as_ref().unwrap_or(&anybodys).ask_status())? else { return Ok(None) };
    let told = words(&status);
    if !ours {
        return Ok(Some(Ok(told)));
    }
    let merchant = match merchant {
        Ok(merchant) => merchant,
        Err(why) => return Ok(Some(Err(why))),
    };
    Ok(Some(match asker.ask(&merchant.register(Without::default()))? {
        Some(Answer { end: Ended::Completed(message), told: before }) => {
            let messages = [Some(&message), before.as_ref()];
            let other = messages.into_iter().flatten().find(|message| !merchant.is_in_our_currency(message));
            let stranger = messages.into_iter().flatten().find_map(|message| merchant.other_terminal(message));
            if let Some(stranger) = stranger {
                Err(format!(
                    "{told}, but it calls itself {stranger} and [terminal] terminal_id is {}: is it the right one?",
                    settings.terminal_id
                ))
            } else if let Some(message) = other {
                let other = message.bytes(bmp::CURRENCY).map(hex).unwrap_or_default();
                Err(format!(
                    "{told}, but it is set up for the currency {other} (ISO 4217) and the hospital's is {}",
                    settings.currency
                ))
            } else {
                let last = asker.ask(&merchant.ask_last())?.and_then(|answer| last_words(&answer.told?, now));
                let last = last.map_or_else(String::new, |last| format!("; {last}"));
                Ok(format!("{told}, registered for {}{last}", settings.currency))
            }
        }
        Some(Answer { end: Ended::Refused(code), .. }) => {
            let why = match code {
                WRONG_CURRENCY => format!("does it take {}?", settings.currency),
                _ => "is [terminal] password right?".to_owned(),
            };
            Err(format!("{told}, but it refuses to register this kiosk ({code:02X}): {why}"))
        }
        Some(Answer { end: Ended::Silent, .. }) | None => {
            Err(format!("{told}, but it does not answer when this kiosk registers"))
        }
    }))
}

/// How a question ended, and the 04 0F before.
struct Answer {
    end: Ended,
    told: Option<Message>,
}

enum Ended {
    Completed(Message),
    /// 06 1E, 84 xx, or an error in 06 0F.
    Refused(u8),
    /// It is a terminal, and does not come to an end.
    Silent,
}

struct Asker {
    line: Box<dyn Line>,
    framing: Framing,
    limits: Limits,
    /// The configured terminal: repeated as the driver repeats.
    patient: bool,
}

impl Asker {
    /// `None`: nothing that speaks ZVT.
    fn ask(&mut self, question: &[u8]) -> io::Result<Option<Answer>> {
        let mut answer = self.ask_once(question)?;
        for _ in 0..BUSY_TIMES {
            if !matches!(&answer, Some(Answer { end: Ended::Refused(BUSY), .. })) {
                break;
            }
            std::thread::sleep(BUSY_WAIT);
            answer = self.ask_once(question)?;
        }
        Ok(answer)
    }

    fn ask_once(&mut self, question: &[u8]) -> io::Result<Option<Answer>> {
        let ms = Duration::from_millis;
        let first = if self.patient { ms(self.limits.ack_ms) } else { FIRST_SIGN };
        let mut sends_left = if self.patient { SENDS } else { 1 };
        let (mut taken, mut speaks, mut accepted, mut told) = (false, false, false, None);
        let mut end = Instant::now();
        loop {
            if Instant::now() >= end {
                if taken || sends_left == 0 {
                    return Ok(speaks.then_some(Answer { end: Ended::Silent, told }));
                }
                sends_left -= 1;
                self.say(question)?;
                end = Instant::now() + first;
                if matches!(self.framing, Framing::Network(_)) {
                    // Nothing else says that it has arrived, and nothing is said twice there.
                    (end, sends_left) = (Instant::now() + ms(self.limits.reply_ms), 0);
                }
            }
            for item in self.hear()? {
                let apdu = match item {
                    Item::Ack => {
                        taken = true;
                        end = Instant::now() + ms(self.limits.reply_ms);
                        continue;
                    }
                    Item::Block { apdu, .. } => apdu,
                    Item::Nak | Item::Broken => continue,
                };
                if let Some(received) = self.framing.receipt(true) {
                    write_within(&mut *self.line, &[received], WRITE_LIMIT)?;
                }
                let Ok(apdu) = Apdu::parse(&apdu) else { continue };
                let (message, _) = Message::read_as_far(&apdu);
                (taken, speaks) = (true, true);
                end = Instant::now() + ms(if accepted { self.limits.finish_ms } else { self.limits.reply_ms });
                let [class, low] = message.code.to_be_bytes();
                match (class, message.code) {
                    (0x80, _) => {
                        accepted = true;
                        end = Instant::now() + ms(self.limits.finish_ms);
                    }
                    (0x84, _) => return Ok(Some(Answer { end: Ended::Refused(low), told })),
                    (_, COMPLETION | ABORTED) => {
                        self.say(&request::positive())?;
                        let alone = message.fixed("terminal_status").is_some();
                        if accepted || alone {
                            return Ok(Some(Answer { end: ended(message), told }));
                        }
                    }
                    // A sale may wait for our word that we know nothing of: the terminal undoes it.
                    (_, STATUS) if !accepted && message.bytes(bmp::AMOUNT).is_some() => self.say(&request::refuse())?,
                    (_, STATUS) => {
                        self.say(&request::positive())?;
                        told = Some(message);
                    }
                    // What it shows, prints, or tells of the time.
                    (_, _) => self.say(&request::positive())?,
                }
            }
        }
    }

    fn hear(&mut self) -> io::Result<Vec<Item>> {
        let mut buffer = [0; 256];
        let count = self.line.read_some(&mut buffer, READ_WAIT)?;
        Ok(self.framing.push(&buffer[..count]))
    }

    fn say(&mut self, apdu: &[u8]) -> io::Result<()> {
        write_within(&mut *self.line, &self.framing.wrap(apdu), WRITE_LIMIT)
    }
}

fn ended(message: Message) -> Ended {
    let code =
        message.bytes(bmp::RESULT).or_else(|| message.fixed("result_code")).and_then(|code| code.first().copied());
    match code {
        Some(0) | None if message.code == COMPLETION => Ended::Completed(message),
        Some(code) => Ended::Refused(code),
        None => Ended::Refused(0xff),
    }
}

fn words(answer: &Answer) -> String {
    let Ended::Completed(message) = &answer.end else {
        return "ZVT terminal (software untold, status untold)".to_owned();
    };
    let status = message.fixed("terminal_status").map_or_else(|| "untold".to_owned(), hex);
    let version = message.fixed("sw_version").map(|raw| raw.iter().map(|byte| char::from(*byte)).collect::<String>());
    format!("ZVT terminal (software {}, status {status})", version.as_deref().map_or("untold", str::trim))
}

/// ZVT tells nowhere what time it is; only when its last transaction was.
fn last_words(told: &Message, now: NaiveDateTime) -> Option<String> {
    let LastTransaction::Known(last) = transaction::read_last(told, &clock::stamp(now)) else { return None };
    let at = clock::read(&last.terminal_time)?;
    let ahead = clock::minutes_ahead(at, now);
    Some(if ahead > clock::APART_MIN {
        format!("its clock is at least {ahead} minutes ahead of this machine's: set it")
    } else {
        format!("its last transaction was at {} by its own clock", at.format("%Y-%m-%d %H:%M"))
    })
}
