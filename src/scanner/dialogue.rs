//! What a code reader says, as a pure value: bytes and time in, codes out. No clock, no IO, no thread: the worker lends it
//! its line and milliseconds of any clock that never goes back.

use super::framing::{Collector, Scan};
use super::parse;
use crate::config;
use crate::domain::patient::ScannedCode;

/// A reader held over a code reads it again and again.
const SAME_CODE_PAUSE_MS: u64 = 1_500;

pub struct Dialogue {
    settings: config::Scanner,
    collector: Collector,
    /// When something came, or a pause was told.
    heard_at_ms: u64,
    /// The last code, and when it was read.
    last: Option<(Scan, u64)>,
}

impl Dialogue {
    /// Of a line that was just opened.
    #[must_use]
    pub fn new(settings: &config::Scanner, now_ms: u64) -> Self {
        Self {
            settings: settings.clone(),
            collector: Collector::new(settings.pause_ends_code),
            heard_at_ms: now_ms,
            last: None,
        }
    }

    /// The codes that these bytes end. `number_digits`: of a patient's number here and now.
    pub fn bytes(&mut self, bytes: &[u8], number_digits: u8, now_ms: u64) -> Vec<ScannedCode> {
        self.fade(now_ms);
        self.heard_at_ms = now_ms;
        let scans: Vec<_> = bytes.iter().filter_map(|byte| self.collector.take(*byte)).collect();
        scans.into_iter().filter_map(|scan| self.read(scan, number_digits, now_ms)).collect()
    }

    /// Time has passed and nothing came: the code that this ends.
    pub fn tick(&mut self, number_digits: u8, now_ms: u64) -> Option<ScannedCode> {
        self.fade(now_ms);
        if now_ms < self.heard_at_ms.saturating_add(self.settings.code_gap_ms) {
            return None;
        }
        self.heard_at_ms = now_ms;
        let scan = self.collector.pause()?;
        self.read(scan, number_digits, now_ms)
    }

    /// The visit is over: half a code of it is nobody's.
    pub fn forget(&mut self) {
        self.collector.forget();
    }

    /// A code may be a patient's number: it is not kept for longer than it is needed.
    fn fade(&mut self, now_ms: u64) {
        self.last.take_if(|(_, at_ms)| now_ms >= at_ms.saturating_add(SAME_CODE_PAUSE_MS));
    }

    fn read(&mut self, scan: Scan, number_digits: u8, now_ms: u64) -> Option<ScannedCode> {
        let again = self.last.as_ref().is_some_and(|(seen, _)| *seen == scan);
        let meant = match &scan {
            Scan::Code(code) => parse(code, &self.settings, number_digits),
            Scan::Broken => ScannedCode::Unknown,
        };
        self.last = Some((scan, now_ms));
        (!again).then_some(meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::patient::PatientNumber;

    fn dialogue() -> Dialogue {
        Dialogue::new(&config::Scanner::none(), 0)
    }

    fn slip(code: &str) -> ScannedCode {
        ScannedCode::AppointmentSlip(code.to_owned())
    }

    #[test]
    fn a_code_is_told_once_while_the_reader_is_held_over_it() {
        let mut reader = dialogue();
        assert!(reader.bytes(b"A:S-1\r", 8, 1_000) == [slip("S-1")]);
        // Read again and again, each time a little later: the pause counts from the last.
        for now_ms in [1_400, 2_800, 4_200] {
            assert!(reader.bytes(b"A:S-1\r", 8, now_ms).is_empty(), "{now_ms}");
        }
        assert!(reader.bytes(b"A:S-1\rA:S-2\r", 8, 5_000) == [slip("S-2")]);
        assert!(reader.tick(8, 6_600).is_none() && reader.last.is_none(), "a number is not kept");
        assert!(reader.bytes(b"A:S-2\r", 8, 6_700) == [slip("S-2")]);
    }

    #[test]
    fn a_pause_ends_a_code_and_the_end_of_a_visit_forgets_half_of_one() {
        let mut reader = dialogue();
        assert!(reader.bytes(b"A:S-", 8, 1_000).is_empty() && reader.tick(8, 1_199).is_none());
        assert!(reader.bytes(b"3", 8, 1_199).is_empty() && reader.tick(8, 1_398).is_none());
        assert!(reader.tick(8, 1_399) == Some(slip("S-3")));
        assert!(reader.bytes(b"P:1029", 8, 2_000).is_empty());
        reader.forget();
        assert!(reader.tick(8, 3_000).is_none());
        assert!(reader.bytes(b"A:S-4\r", 8, 4_000) == [slip("S-4")]);
    }

    #[test]
    fn a_number_has_as_many_digits_as_the_hospital_says_when_it_is_read() {
        let mut reader = dialogue();
        let card = |number: &str| ScannedCode::PatientCard(PatientNumber(number.to_owned()));
        assert!(reader.bytes(b"10293847\r", 8, 1_000) == [card("10293847")]);
        assert!(reader.bytes(b"10293847\r", 9, 5_000) == [ScannedCode::Unknown]);
        assert!(reader.bytes(b"102938470\r", 9, 9_000) == [card("102938470")]);
    }
}
