//! Code readers on a serial line: a line of text ended by CR or LF.

use crate::config;
use crate::domain::patient::{PatientNumber, ScannedCode};
use crate::ports::{Reports, Scanner};
use crate::serial::{LineSettings, SerialLine};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longer than any of our codes: more is not ours.
pub const CODE_BYTES_MAX: usize = 256;
/// A reader held over a code reads it again and again.
const SAME_CODE_PAUSE: Duration = Duration::from_millis(1500);
const READ_STEP: Duration = Duration::from_millis(200);
const BACK_OFF_FIRST: Duration = Duration::from_millis(300);
const BACK_OFF_LAST: Duration = Duration::from_secs(5);

/// Starts the worker of the configured reader; `None` without a port.
#[must_use]
pub fn start(settings: &config::Scanner, number_digits: u8, reports: Reports<ScannedCode>) -> Option<Arc<dyn Scanner>> {
    if settings.port.is_empty() {
        return None;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let there = Arc::new(AtomicBool::new(false));
    let worker = Worker {
        settings: settings.clone(),
        number_digits,
        reports,
        stop: Arc::clone(&stop),
        there: Arc::clone(&there),
    };
    if let Err(error) = std::thread::Builder::new().name("scanner".into()).spawn(move || worker.run()) {
        tracing::error!(%error, "no thread for the scanner");
    }
    Some(Arc::new(Handle { stop, there }))
}

/// What a line of a reader means.
#[must_use]
pub fn parse(line: &[u8], settings: &config::Scanner, number_digits: u8) -> ScannedCode {
    let Ok(text) = std::str::from_utf8(line) else { return ScannedCode::Unknown };
    let text = text.trim();
    if text.len() > CODE_BYTES_MAX || text.chars().any(char::is_control) {
        return ScannedCode::Unknown;
    }
    if let Some(slip) = after(&settings.slip_prefix, text) {
        return ScannedCode::AppointmentSlip(slip.to_owned());
    }
    let number = after(&settings.card_prefix, text).unwrap_or(text);
    if number.len() == usize::from(number_digits) && number.bytes().all(|byte| byte.is_ascii_digit()) {
        ScannedCode::PatientCard(PatientNumber(number.to_owned()))
    } else {
        ScannedCode::Unknown
    }
}

fn after<'a>(prefix: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(prefix).filter(|rest| !prefix.is_empty() && !rest.is_empty())
}

struct Handle {
    stop: Arc<AtomicBool>,
    there: Arc<AtomicBool>,
}

impl Scanner for Handle {
    fn is_there(&self) -> bool {
        self.there.load(Ordering::Relaxed)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Worker {
    settings: config::Scanner,
    number_digits: u8,
    reports: Reports<ScannedCode>,
    stop: Arc<AtomicBool>,
    there: Arc<AtomicBool>,
}

impl Worker {
    fn run(self) {
        let mut back_off = BACK_OFF_FIRST;
        while !self.stop.load(Ordering::Relaxed) {
            match SerialLine::open(&self.settings.port, LineSettings { baud: self.settings.baud, two_stop_bits: false })
            {
                Ok(line) => {
                    back_off = BACK_OFF_FIRST;
                    self.there.store(true, Ordering::Relaxed);
                    let ended = self.listen(line);
                    self.there.store(false, Ordering::Relaxed);
                    if let Err(error) = ended {
                        tracing::warn!(%error, "the scanner's line is gone");
                    }
                }
                Err(error) => tracing::debug!(%error, "the scanner's line cannot be opened"),
            }
            self.sleep(back_off);
            back_off = (back_off * 2).min(BACK_OFF_LAST);
        }
    }

    fn listen(&self, mut line: SerialLine) -> io::Result<()> {
        let mut collector = Collector::default();
        let mut last: Option<(Vec<u8>, Instant)> = None;
        let mut buffer = [0; 256];
        while !self.stop.load(Ordering::Relaxed) {
            let count = line.read_some(&mut buffer, READ_STEP)?;
            // A code may be a patient's number: it is not kept for longer than it is needed.
            last = last.filter(|(_, at)| at.elapsed() < SAME_CODE_PAUSE);
            for code in buffer[..count].iter().filter_map(|byte| collector.take(*byte)) {
                let again = last.as_ref().is_some_and(|(seen, _)| *seen == code);
                if !again {
                    (self.reports)(parse(&code, &self.settings, self.number_digits));
                }
                last = Some((code, Instant::now()));
            }
        }
        Ok(())
    }

    fn sleep(&self, how_long: Duration) {
        let end = Instant::now() + how_long;
        while Instant::now() < end && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(READ_STEP.min(how_long));
        }
    }
}

/// Bytes to lines. What is too long is kept one byte too long, so that it is told as unknown.
#[derive(Default)]
pub struct Collector {
    bytes: Vec<u8>,
}

impl Collector {
    /// A line, when this byte ends one.
    pub fn take(&mut self, byte: u8) -> Option<Vec<u8>> {
        if byte == b'\r' || byte == b'\n' {
            return Some(std::mem::take(&mut self.bytes)).filter(|line| !line.is_empty());
        }
        if self.bytes.len() <= CODE_BYTES_MAX {
            self.bytes.push(byte);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> config::Scanner {
        config::Scanner { port: String::new(), baud: 9600, slip_prefix: "APT:".into(), card_prefix: "PT:".into() }
    }

    #[test]
    fn what_a_line_means() {
        let card = |number: &str| ScannedCode::PatientCard(PatientNumber(number.into()));
        let slip = |code: &str| ScannedCode::AppointmentSlip(code.into());
        let table: [(&[u8], ScannedCode); 14] = [
            (b"10293847", card("10293847")),
            (b" 10293847 ", card("10293847")),
            (b"PT:10293847", card("10293847")),
            (b"APT:A-77", slip("A-77")),
            (b"APT:", ScannedCode::Unknown),
            (b"PT:", ScannedCode::Unknown),
            (b"PT:1029384", ScannedCode::Unknown),
            (b"102938471", ScannedCode::Unknown),
            (b"1029384x", ScannedCode::Unknown),
            ("１０２９３８４７".as_bytes(), ScannedCode::Unknown),
            (b"\xFF\xFE\x00", ScannedCode::Unknown),
            (b"APT:a\x07b", ScannedCode::Unknown),
            (b"https://example.org", ScannedCode::Unknown),
            (b"", ScannedCode::Unknown),
        ];
        for (line, expected) in table {
            assert!(parse(line, &settings(), 8) == expected, "{:?}", String::from_utf8_lossy(line));
        }
        let long = [b"APT:".as_slice(), &[b'x'; 300]].concat();
        assert!(parse(&long, &settings(), 8) == ScannedCode::Unknown);
    }

    #[test]
    fn lines_are_collected_whatever_ends_them() {
        let mut collector = Collector::default();
        let lines: Vec<Vec<u8>> = b"a\r\nb\n\n\rc".iter().filter_map(|byte| collector.take(*byte)).collect();
        assert_eq!(lines, [b"a".to_vec(), b"b".to_vec()]);
        let endless: Vec<_> = (0..10_000).filter_map(|_| collector.take(b'x')).collect();
        assert!(endless.is_empty() && collector.bytes.len() == CODE_BYTES_MAX + 1);
    }
}
