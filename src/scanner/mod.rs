//! Code readers on a serial line or on the network, however they are set up. [`framing`] knows where a code begins and ends,
//! [`dialogue`] what was read, pure; here is what a code means, and the worker, which is the only IO. A reader that is set up
//! as a keyboard is none of these: its keys come in by the window, as a keypad's.

pub mod dialogue;
pub mod framing;

use crate::config;
use crate::domain::patient::{PatientNumber, ScannedCode};
use crate::line::{self, Line, LineSettings, Needs};
use crate::ports::{InForce, Reports, Scanner};
use dialogue::Dialogue;
use framing::CODE_BYTES_MAX;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use zeroize::Zeroize;

const READ_STEP: Duration = Duration::from_millis(200);
const BACK_OFF_FIRST: Duration = Duration::from_millis(300);
const BACK_OFF_LAST: Duration = Duration::from_secs(5);

/// Starts the worker of the configured reader; `None` without a port.
#[must_use]
pub fn start(settings: &config::Scanner, facility: InForce, reports: Reports<ScannedCode>) -> Option<Arc<dyn Scanner>> {
    if settings.port.is_empty() {
        return None;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let there = Arc::new(AtomicBool::new(false));
    let visits = Arc::new(AtomicU64::new(0));
    let worker = Worker {
        settings: settings.clone(),
        facility,
        reports,
        stop: Arc::clone(&stop),
        there: Arc::clone(&there),
        visits: Arc::clone(&visits),
    };
    if let Err(error) = std::thread::Builder::new().name("scanner".into()).spawn(move || worker.run()) {
        tracing::error!(%error, "no thread for the scanner");
    }
    Some(Arc::new(Handle { stop, there, visits }))
}

/// What a reader's code means.
#[must_use]
pub fn parse(code: &[u8], settings: &config::Scanner, number_digits: u8) -> ScannedCode {
    let Some(text) = framing::text_of(code).and_then(|text| own_part(text, settings)) else {
        return ScannedCode::Unknown;
    };
    let plain = [Some(text), framing::behind_identifier(text)].into_iter().flatten();
    let readings = plain.flat_map(|text| [Some(text), framing::between_stops(text)]).flatten();
    let mut meant = readings.map(|text| meaning(text, settings, number_digits));
    meant.find(|code| *code != ScannedCode::Unknown).unwrap_or(ScannedCode::Unknown)
}

/// Without the letters that this reader was set to put before and behind every code.
fn own_part<'a>(text: &'a str, settings: &config::Scanner) -> Option<&'a str> {
    let (first, last) = (usize::from(settings.ignore_first), usize::from(settings.ignore_last));
    let end = text.len().checked_sub(last)?;
    text.get(first..end)
}

fn meaning(text: &str, settings: &config::Scanner, number_digits: u8) -> ScannedCode {
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

/// The reader's line, as the worker has it.
///
/// # Errors
/// The system's reason: not there, in use, no permission.
pub fn open(settings: &config::Scanner) -> io::Result<Box<dyn Line>> {
    line::open(&settings.port, LineSettings { baud: settings.baud, two_stop_bits: false }, Needs::Stream)
}

struct Handle {
    stop: Arc<AtomicBool>,
    there: Arc<AtomicBool>,
    visits: Arc<AtomicU64>,
}

impl Scanner for Handle {
    fn is_there(&self) -> bool {
        self.there.load(Ordering::Relaxed)
    }

    fn forget(&self) {
        self.visits.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Worker {
    settings: config::Scanner,
    /// How many digits a patient's number has.
    facility: InForce,
    reports: Reports<ScannedCode>,
    stop: Arc<AtomicBool>,
    there: Arc<AtomicBool>,
    /// How many visits have ended: when it changes, half a code is nobody's.
    visits: Arc<AtomicU64>,
}

impl Worker {
    fn run(self) {
        let mut back_off = BACK_OFF_FIRST;
        while !self.stop.load(Ordering::Relaxed) {
            match open(&self.settings) {
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

    fn listen(&self, mut line: Box<dyn Line>) -> io::Result<()> {
        let started = Instant::now();
        let now_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let wait = Duration::from_millis(self.settings.code_gap_ms).min(READ_STEP);
        let mut dialogue = Dialogue::new(&self.settings, now_ms());
        let mut visits = self.visits.load(Ordering::Relaxed);
        let mut buffer = [0; 256];
        while !self.stop.load(Ordering::Relaxed) {
            let count = line.read_some(&mut buffer, wait)?;
            if std::mem::replace(&mut visits, self.visits.load(Ordering::Relaxed)) != visits {
                dialogue.forget();
            }
            let digits = self.facility.now().number_digits;
            let codes = match count {
                0 => Vec::from_iter(dialogue.tick(digits, now_ms())),
                count => dialogue.bytes(&buffer[..count], digits, now_ms()),
            };
            buffer[..count].zeroize();
            for code in codes {
                self.tell(code);
            }
        }
        Ok(())
    }

    fn tell(&self, code: ScannedCode) {
        if code == ScannedCode::Unknown {
            tracing::info!("a code was read that is not ours, or not whole");
        }
        (self.reports)(code);
    }

    fn sleep(&self, how_long: Duration) {
        let end = Instant::now() + how_long;
        while Instant::now() < end && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(READ_STEP.min(how_long));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> config::Scanner {
        config::Scanner { slip_prefix: "APT:".into(), card_prefix: "PT:".into(), ..config::Scanner::none() }
    }

    #[test]
    fn what_a_code_means() {
        let card = |number: &str| ScannedCode::PatientCard(PatientNumber(number.into()));
        let slip = |code: &str| ScannedCode::AppointmentSlip(code.into());
        let table: [(&[u8], ScannedCode); 24] = [
            (b"10293847", card("10293847")),
            (b" 10293847 ", card("10293847")),
            (b"PT:10293847", card("10293847")),
            (b"APT:A-77", slip("A-77")),
            (b"]Q3APT:A-77", slip("A-77")),
            (b"]C110293847", card("10293847")),
            (b"]C1\x1D10293847", card("10293847")),
            (b"*PT:10293847*", card("10293847")),
            (b"]A0*10293847*", card("10293847")),
            (b"A10293847C", card("10293847")),
            ("APT:가나다".as_bytes(), slip("가나다")),
            (b"\xFF\x00APT:A-77\xFF", slip("A-77")),
            (b"]Q3https://example.org", ScannedCode::Unknown),
            (b"]Q3", ScannedCode::Unknown),
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
        for (code, expected) in table {
            assert!(parse(code, &settings(), 8) == expected, "{:?}", String::from_utf8_lossy(code));
        }
        let long = [b"APT:".as_slice(), &[b'x'; 300]].concat();
        assert!(parse(&long, &settings(), 8) == ScannedCode::Unknown);
    }

    #[test]
    fn letters_a_reader_puts_around_every_code_can_be_left_out() {
        let settings = config::Scanner { ignore_first: 3, ignore_last: 1, ..settings() };
        assert!(parse(b"P01APT:A-77K", &settings, 8) == ScannedCode::AppointmentSlip("A-77".into()));
        for code in [&b"P01"[..], b"P0", b"APT:A-77", "P0가".as_bytes()] {
            assert!(parse(code, &settings, 8) == ScannedCode::Unknown);
        }
    }

    /// Gives a card, and then looks at what the next bytes are read into.
    struct Curious {
        read: usize,
        left: Arc<AtomicBool>,
        stop: Arc<AtomicBool>,
    }

    impl Line for Curious {
        fn read_some(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
            const CARD: &[u8] = b"P:10293847\r";
            self.read += 1;
            if self.read == 1 {
                buffer[..CARD.len()].copy_from_slice(CARD);
                return Ok(CARD.len());
            }
            self.left.store(buffer.iter().any(|byte| *byte != 0), Ordering::Relaxed);
            self.stop.store(true, Ordering::Relaxed);
            Ok(0)
        }

        fn write_some(&mut self, _: &[u8], _: Duration) -> io::Result<usize> {
            Ok(0)
        }

        fn check(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn time_on_wire(&self, _: usize) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn a_card_does_not_stay_where_it_was_read() {
        let (left, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (told, codes) = std::sync::mpsc::channel();
        let worker = Worker {
            settings: config::Scanner { card_prefix: "P:".into(), ..config::Scanner::none() },
            facility: crate::rehearsal::days::facility::facility(false).into(),
            reports: Arc::new(move |code| told.send(code).expect("somebody listens")),
            stop: stop.clone(),
            there: Arc::default(),
            visits: Arc::default(),
        };
        worker.listen(Box::new(Curious { read: 0, left: left.clone(), stop })).expect("it listens");
        assert!(codes.recv().expect("a code") == ScannedCode::PatientCard(PatientNumber("10293847".into())));
        assert!(!left.load(Ordering::Relaxed), "a number lies in the buffer until the next code");
    }
}
