//! Where a code begins and ends, whatever the reader is set to send around it. Pure; bytes and pauses come from the worker.
//!
//! A reader is set up by barcodes of its maker, and hospitals have readers that were set up for something else: a code may
//! end with CR, LF, CR LF, TAB, ETX, EOT or with nothing but silence, begin with STX, SOH or FNC1 (GS), have a check byte
//! behind its ETX, and follow the zeros and noise of a line that was just plugged in.

use zeroize::Zeroize;

/// Longer than any of our codes: more is not ours.
pub const CODE_BYTES_MAX: usize = 256;
/// So few bytes without a letter among them are the noise of a plug or of a break, and no code.
const NOISE_BYTES_MAX: usize = 4;

const SOH: u8 = 0x01;
const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const EOT: u8 = 0x04;

/// What the line brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    /// The bytes of one code, without what a reader puts around it.
    Code(Vec<u8>),
    /// The beginning of a code whose end never came, or the end of one whose beginning is not known.
    Broken,
}

/// Bytes to codes. What is too long is kept one byte too long, so that it is told as unknown.
pub struct Collector {
    bytes: Vec<u8>,
    /// A pause ends a code; else a code without an end character is broken.
    pause_ends_code: bool,
    /// The last code ended with ETX: one byte behind it is its check byte.
    checked: bool,
}

impl Collector {
    #[must_use]
    pub fn new(pause_ends_code: bool) -> Self {
        Self { bytes: Vec::new(), pause_ends_code, checked: false }
    }

    /// A code, when this byte ends one.
    pub fn take(&mut self, byte: u8) -> Option<Scan> {
        match byte {
            b'\r' | b'\n' | b'\t' | EOT => self.end(true, false),
            ETX => self.end(true, true),
            // A new one begins: of what stands before it, the end was lost.
            STX | SOH => self.end(false, false),
            _ => {
                if self.bytes.len() <= CODE_BYTES_MAX {
                    self.bytes.push(byte);
                }
                None
            }
        }
    }

    /// The line was silent for longer than within a code: nothing of what stands here may meet the next person's code.
    pub fn pause(&mut self) -> Option<Scan> {
        self.end(self.pause_ends_code, false)
    }

    /// The visit is over: half a code of it is nobody's.
    pub fn forget(&mut self) {
        self.bytes.zeroize();
        self.checked = false;
    }

    /// Something was begun and has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.bytes.is_empty()
    }

    fn end(&mut self, whole: bool, checked: bool) -> Option<Scan> {
        let check_byte = std::mem::replace(&mut self.checked, checked) && self.bytes.len() == 1;
        let code = std::mem::take(&mut self.bytes);
        if check_byte || is_noise(&code) {
            return None;
        }
        Some(if whole { Scan::Code(code) } else { Scan::Broken })
    }
}

fn is_noise(bytes: &[u8]) -> bool {
    let short = bytes.len() <= NOISE_BYTES_MAX && !bytes.iter().any(u8::is_ascii_graphic);
    short || bytes.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// The text of a code without what was put before and behind it: noise, blanks, a byte order mark, FNC1 (GS).
#[must_use]
pub fn text_of(code: &[u8]) -> Option<&str> {
    let code = &code[code.iter().position(u8::is_ascii_graphic)?..];
    let text = std::str::from_utf8(code).ok().or_else(|| {
        let end = code.iter().rposition(u8::is_ascii_graphic)?;
        std::str::from_utf8(&code[..=end]).ok()
    })?;
    let text = text.trim_end_matches(|letter: char| letter.is_control() || letter.is_whitespace());
    (text.len() <= CODE_BYTES_MAX).then_some(text)
}

/// Behind an AIM symbology identifier (ISO/IEC 15424: `]Q3`, `]C1`, `]d2`), with the `\000026` of an extended channel.
#[must_use]
pub fn behind_identifier(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(']')?;
    let mut letters = rest.chars();
    let known = letters.next()?.is_ascii_alphabetic() && letters.next()?.is_ascii_alphanumeric();
    let rest = known.then_some(letters.as_str())?.trim_start_matches('\u{1D}');
    let channel = rest.strip_prefix('\\').and_then(|rest| rest.split_at_checked(6));
    let channel = channel.filter(|(number, _)| number.bytes().all(|digit| digit.is_ascii_digit()));
    Some(channel.map_or(rest, |(_, rest)| rest))
}

/// Between the start and stop characters of Code 39 (`*`) or Codabar (`A` to `D`), which some readers send too.
#[must_use]
pub fn between_stops(text: &str) -> Option<&str> {
    let stops = |first: char, last: char| (first == '*' && last == '*') || (is_codabar(first) && is_codabar(last));
    let mut letters = text.chars();
    let (first, last) = (letters.next()?, letters.next_back()?);
    (stops(first, last) && !letters.as_str().is_empty()).then_some(letters.as_str())
}

fn is_codabar(letter: char) -> bool {
    matches!(letter, 'A'..='D' | 'a'..='d')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` is a pause.
    fn collected(bytes: &[u8], pause_ends_code: bool) -> Vec<String> {
        let mut collector = Collector::new(pause_ends_code);
        let mut found = Vec::new();
        for byte in bytes {
            found.extend(if *byte == b'|' { collector.pause() } else { collector.take(*byte) });
        }
        let word = |scan| match scan {
            Scan::Code(code) => text_of(&code).map_or_else(|| format!("{code:?}"), str::to_owned),
            Scan::Broken => "broken".to_owned(),
        };
        found.into_iter().map(word).collect()
    }

    #[test]
    fn a_code_ends_however_the_reader_ends_it() {
        let ways: [&[u8]; 21] = [
            b"A:1\r\n",
            b"A:1\r",
            b"A:1\n",
            b"A:1\n\r",
            b"A:1\t",
            b"A:1\x03",
            b"A:1\x04",
            b"A:1|",
            b"\x02A:1\x03",
            b"\x02A:1\r",
            b"A:1\x03\r",
            b"\x01\x02A:1\x03\x04",
            b"\x02A:1\x03K|",
            b"\x02A:1\x03\x1C|",
            b"\x00A:1\r",
            b"\x00\x00|\x00A:1\x00|",
            b"\xFF\xF8A:1\r",
            b"\xEF\xBB\xBFA:1\r\n",
            b"\x1DA:1\x1D\r",
            b"  A:1 \r",
            b"\x11A:1\x13\r",
        ];
        for way in ways {
            assert_eq!(collected(way, true), ["A:1"], "{:?}", String::from_utf8_lossy(way));
        }
        assert_eq!(collected(b"a\r\nb\n\n\rc", true), ["a", "b"]);
    }

    #[test]
    fn half_a_code_never_meets_the_next_one() {
        assert_eq!(collected(b"A:AS-4|A:AS-40022\r", true), ["A:AS-4", "A:AS-40022"]);
        assert_eq!(collected(b"A:AS-4|A:AS-40022\r", false), ["broken", "A:AS-40022"]);
        assert_eq!(collected(b"A:AS-4\x02A:AS-40022\x03", true), ["broken", "A:AS-40022"]);
        let mut collector = Collector::new(true);
        assert!(b"A:AS-4".iter().all(|byte| collector.take(*byte).is_none()) && collector.is_open());
        collector.forget();
        assert!(!collector.is_open() && collector.pause().is_none());
    }

    #[test]
    fn an_endless_code_is_kept_within_bounds() {
        let mut collector = Collector::new(true);
        let endless: Vec<_> = (0..10_000).filter_map(|_| collector.take(b'x')).collect();
        assert!(endless.is_empty() && collector.bytes.len() == CODE_BYTES_MAX + 1);
        assert_eq!(
            collector.pause().map(|scan| matches!(scan, Scan::Code(code) if text_of(&code).is_none())),
            Some(true)
        );
    }

    #[test]
    fn identifiers_and_stop_characters_are_told_from_the_code() {
        for (text, rest) in [
            ("]Q3A:1", Some("A:1")),
            ("]C110293847", Some("10293847")),
            ("]d2\u{1D}A:1", Some("A:1")),
            ("]Q2\\000026A:1", Some("A:1")),
            ("]E0", Some("")),
            ("A:1", None),
            ("]", None),
            ("]33x", None),
        ] {
            assert_eq!(behind_identifier(text), rest, "{text}");
        }
        assert_eq!(between_stops("*10293847*"), Some("10293847"));
        assert_eq!(between_stops("A10293847b"), Some("10293847"));
        assert_eq!((between_stops("**"), between_stops("A1"), between_stops("")), (None, None, None));
    }
}
