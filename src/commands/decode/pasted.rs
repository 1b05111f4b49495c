//! Recordings as people paste them: from a terminal's log, Wireshark, `BitConverter`, a C array, a PowerShell file. Pure.
//!
//! A line may have several readings (`10:00:01 06 01` begins with a time or with three bytes): all are given, the plainest
//! first, and whoever knows the protocol takes the one that is a frame. A typing mistake never shortens a line silently:
//! only what cannot be bytes (a time, a word, an arrow, an offset) is taken off its beginning.

mod prefix;

use std::io::{self, BufRead};

/// What a refusal says when a line is not hex at all.
pub const NOT_HEX: &str = "not a pair of hex digits";
/// What is added to the first of them.
pub const SPELLINGS: &str = "bytes are read as 06 01, 0601, 06-01, 06:01, 06,01, 0x06, \\x06, 06h or b'\\x06', also after a \
     time, TX:, RX: or an arrow, and as a hex dump with offsets";

/// A line that is not hex, and how many bytes were read before.
#[derive(Debug, PartialEq, Eq)]
pub struct NotHex {
    pub at: usize,
}

/// Every line of `input` as text: UTF-8, or UTF-16 as Windows writes it; ended by LF, CR LF or CR.
///
/// # Errors
/// The input's, or what `each` says.
pub fn lines(mut input: impl BufRead, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let mut first = true;
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if std::mem::take(&mut first)
            && let Some(encoding) = utf16(&line)
        {
            input.read_to_end(&mut line)?;
            let (text, _) = encoding.decode_with_bom_removal(&line);
            return text.split('\n').try_for_each(|line| told(line, &mut each));
        }
        told(String::from_utf8_lossy(&line).trim_end_matches('\n'), &mut each)?;
    }
}

/// A CR before the LF is part of the end; one alone is an end of its own.
fn told(line: &str, each: &mut impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    line.strip_suffix('\r').unwrap_or(line).split('\r').try_for_each(each)
}

/// By its byte order mark, else by the zero beside each letter.
fn utf16(line: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match line {
        [0xFF, 0xFE, ..] | [1..=255, 0, 1..=255, 0, ..] => Some(encoding_rs::UTF_16LE),
        [0xFE, 0xFF, ..] | [0, 1..=255, 0, 1..=255, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// Nothing to read: blank, or a comment.
#[must_use]
pub fn is_skipped(line: &str) -> bool {
    let line = line.trim_matches(is_blank);
    line.is_empty() || line.starts_with('#')
}

/// The bytes that a line may mean, the plainest reading first; never empty.
///
/// # Errors
/// No reading is hex.
pub fn readings(line: &str) -> Result<Vec<Vec<u8>>, NotHex> {
    let line = without_comment(line);
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut furthest = 0;
    for text in prefix::payloads(line) {
        match bytes(text) {
            Ok(bytes) if found.contains(&bytes) => {}
            Ok(bytes) => found.push(bytes),
            Err(not) => furthest = furthest.max(not.at),
        }
    }
    if found.is_empty() { Err(NotHex { at: furthest }) } else { Ok(found) }
}

/// One row of a hex dump: the offset as written, and its bytes without the letters beside them.
#[must_use]
pub fn dump_row(line: &str) -> Option<(&str, Vec<u8>)> {
    let line = line.trim_matches(is_blank);
    let line = line.strip_prefix("0x").unwrap_or(line);
    let digits = line.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (offset, rest) = line.split_at(digits);
    let marked = rest.starts_with(':');
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let gap = rest.len() - rest.trim_start_matches(is_blank).len();
    // od writes seven octal digits, which cannot be bytes; the others leave two blanks or a colon.
    let is_offset = (4..=8).contains(&digits) && gap > 0 && (marked || gap > 1 || digits % 2 == 1);
    is_offset.then(|| row(rest)).filter(|bytes| !bytes.is_empty()).map(|bytes| (offset, bytes))
}

/// Whether `offset`, in hex or as od's octal, is the place `at`.
#[must_use]
pub fn is_offset(offset: &str, at: usize) -> bool {
    let octal = offset.len() == 7 && usize::from_str_radix(offset, 8) == Ok(at);
    octal || usize::from_str_radix(offset, 16) == Ok(at)
}

const ROW_BYTES_MAX: usize = 16;

/// Pairs (or fours, as xxd has them) up to the letters beside them: a bar, two blanks or more, or the sixteenth byte.
fn row(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    while bytes.len() < ROW_BYTES_MAX {
        let end = rest.find(is_blank).unwrap_or(rest.len());
        let word = rest[..end].replace('-', "");
        let Some(pairs) = pairs(&word).filter(|pairs| !pairs.is_empty()) else { break };
        bytes.extend(pairs);
        let after = &rest[end..];
        rest = after.trim_start_matches(is_blank);
        let gap = after.len() - rest.len();
        // The middle of a row of sixteen is wider too.
        if gap > 1 && !(gap == 2 && bytes.len() == ROW_BYTES_MAX / 2) {
            break;
        }
    }
    bytes.truncate(ROW_BYTES_MAX);
    bytes
}

/// All of the text, as bytes. Any mark between bytes may be left out, and be any of the usual ones.
fn bytes(text: &str) -> Result<Vec<u8>, NotHex> {
    if let Some(bytes) = literal(text) {
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    let mut rest = text.trim_start_matches(is_between);
    while !rest.is_empty() {
        match token(rest) {
            Some((more, after)) => {
                bytes.extend(more);
                rest = after.trim_start_matches(is_between);
            }
            // A mark set before or behind every two letters, blanks counted too, tears pairs apart.
            None => return without_marks(text).ok_or(NotHex { at: bytes.len() }),
        }
    }
    Ok(bytes)
}

/// One run of digits with its mark, and what follows it.
fn token(text: &str) -> Option<(Vec<u8>, &str)> {
    let mark = MARKS.iter().find(|mark| text.starts_with(**mark));
    let text = &text[mark.map_or(0, |mark| mark.len())..];
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (run, rest) = text.split_at(digits);
    let behind = rest.strip_prefix(['h', 'H']);
    let run = match run.len() {
        1 if mark.is_some() => format!("0{run}"),
        // Assemblers write 0FFh, so that a number begins with a digit.
        3 if behind.is_some() && mark.is_none() && run.starts_with('0') => run[1..].to_owned(),
        _ => run.to_owned(),
    };
    let bytes = pairs(&run).filter(|bytes| !bytes.is_empty())?;
    Some((bytes, behind.filter(|_| mark.is_none()).unwrap_or(rest)))
}

const MARKS: [&str; 10] = ["0x", "0X", "\\x", "\\X", "&h", "&H", "$", "%", "x'", "X'"];

/// The text with every mark taken away, if there was one and what is left is hex.
fn without_marks(text: &str) -> Option<Vec<u8>> {
    let mut left = text.to_owned();
    for mark in ["0x", "0X", "\\x", "\\X", "$", "%", "h", "H"] {
        left = left.replace(mark, "");
    }
    if left == text {
        return None;
    }
    let words = left.split(is_between).filter(|word| !word.is_empty());
    words.map(pairs).collect::<Option<Vec<_>>>().map(|words| words.concat())
}

/// Python's and C's way: `b'\x06\x01P'`, `"\x06\x01"`, where what is no escape stands for itself.
fn literal(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_matches(is_blank).trim_end_matches([',', ';']);
    let inside = text.strip_prefix('b').unwrap_or(text);
    let quote = inside.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inside = inside.strip_prefix(quote)?.strip_suffix(quote)?;
    if !inside.contains('\\') && !text.starts_with('b') {
        return None; // Hex digits in quotes.
    }
    let mut bytes = Vec::new();
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        bytes.push(if letter == '\\' {
            escaped(&mut letters)?
        } else {
            u8::try_from(letter).ok().filter(u8::is_ascii)?
        });
    }
    Some(bytes)
}

fn escaped(letters: &mut std::str::Chars<'_>) -> Option<u8> {
    match letters.next()? {
        'x' => {
            let pair = [letters.next()?, letters.next()?].iter().collect::<String>();
            pairs(&pair)?.first().copied()
        }
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        '0' => Some(0),
        'a' => Some(7),
        'b' => Some(8),
        'v' => Some(11),
        'f' => Some(12),
        quote @ ('\\' | '\'' | '"') => Some(quote as u8),
        _ => None,
    }
}

/// Hex digits without anything between them.
fn pairs(digits: &str) -> Option<Vec<u8>> {
    let all = digits.len().is_multiple_of(2) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| digits.as_bytes().chunks(2).map(|pair| (nibble(pair[0]) << 4) | nibble(pair[1])).collect())
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

/// What a line says about itself behind its bytes.
fn without_comment(line: &str) -> &str {
    let line = line.split_once(" #").map_or(line, |(bytes, _)| bytes);
    line.split_once("//").map_or(line, |(bytes, _)| bytes).trim_matches(is_blank)
}

/// Blanks, and what word processors and web pages put between letters: no-break and zero-width ones, a byte order mark.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\0')
}

fn is_between(letter: char) -> bool {
    let dash = matches!(letter, '-' | '\u{AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let arrow = matches!(letter, '=' | '<' | '>' | '\u{2190}' | '\u{2192}');
    is_blank(letter) || dash || arrow || ":,;._|'\"[](){}".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 4] = [0x06, 0x01, 0x0A, 0xFF];

    fn reads(line: &str) -> bool {
        readings(line).is_ok_and(|found| found.contains(&FRAME.to_vec()))
    }

    #[test]
    fn every_usual_spelling_of_a_recording_is_read() {
        let spellings = [
            "06 01 0a ff",
            "06010AFF",
            " 0601 0aff ",
            "06\t01\t0a\tff",
            "06-01-0A-FF",
            "06–01–0A–FF",
            "06:01:0a:ff",
            "06.01.0a.ff",
            "06_01_0a_ff",
            "06, 01, 0a, ff",
            "06,01,0a,ff,",
            "06;01;0a;ff",
            "06|01|0a|ff",
            "0x06010aff",
            "0x06 0x01 0x0a 0xff",
            "0x06,0x01,0x0A,0xFF",
            "0x060x010x0a0xff",
            "0x060x 00x1 0x0a0x f0xf",
            "0x6, 0x1, 0xa, 0xff",
            "{ 0x06, 0x01, 0x0a, 0xff };",
            "[0x06, 0x01, 0x0a, 0xff]",
            r"\x06\x01\x0a\xff",
            r#""\x06\x01\n\xff""#,
            r"b'\x06\x01\n\xff'",
            r"b'\x06\x01\x0a\xff'",
            "\"06 01 0a ff\"",
            "06h 01h 0ah ffh",
            "06H,01H,0AH,0FFH",
            "06h01h0ahffh",
            "$06 $01 $0a $ff",
            "%06%01%0A%FF",
            "&H06 &H01 &H0A &HFF",
            "x'06010aff'",
            "<06><01><0a><ff>",
            "[06] [01] [0A] [FF]",
            "\u{FEFF}06 01 0a ff",
            "06\u{A0}01\u{A0}0a\u{A0}ff",
            "06\u{200B}01\u{200B}0a\u{200B}ff",
            "06 01 0a ff  # authorisation",
            "06 01 0a ff // authorisation",
        ];
        for line in spellings {
            assert!(reads(line), "{line}: {:02x?}", readings(line));
        }
    }

    #[test]
    fn what_a_log_writes_before_the_bytes_is_taken_off() {
        let lines = [
            "TX: 06 01 0a ff",
            "RX 06 01 0a ff",
            "tx: 06-01-0a-ff",
            "-> 06 01 0a ff",
            "<- 06010aff",
            ">> 06 01 0a ff",
            "=> 06 01 0a ff",
            "→ 06 01 0a ff",
            "> 06 01 0a ff",
            "ECR->PT: 06 01 0a ff",
            "ECR -> PT 06 01 0a ff",
            "Send - 06-01-0A-FF",
            "SendAsync 06 01 0a ff",
            "Received 4 bytes: 06 01 0a ff",
            "RX (4 bytes): 06 01 0a ff",
            "RX[4]: 06 01 0a ff",
            "10:00:01 06 01 0a ff",
            "10:00:01.123 06 01 0a ff",
            "10:00:01,123 TX: 06 01 0a ff",
            "2026-11-25 10:00:01 06 01 0a ff",
            "2026-11-25T10:00:01.123+09:00 TX 06 01 0a ff",
            "2026-11-25T01:00:01Z INFO zvt: -> 06 01 0a ff",
            "[2026-11-25 10:00:01.123] [DEBUG] TX: 06 01 0a ff",
            "[10:00:01] 06 01 0a ff",
            "25.11.2026 10:00:01 06 01 0a ff",
            "11/25/2026 10:00:01 AM TX 06 01 0a ff",
            "Nov 25 10:00:01 kiosk3 zvt[812]: 06 01 0a ff",
            "Dec  5 10:00:01 kiosk3 zvt[812]: 06 01 0a ff",
            "[   12.345678] tx 06 01 0a ff",
            "1732500000.123456 > 06 01 0a ff",
            "12: TX 06 01 0a ff",
            "dbug: Portalum.Zvt.TcpNetworkDeviceCommunication[0] Send - 06-01-0A-FF",
        ];
        for line in lines {
            assert!(reads(line), "{line}: {:02x?}", readings(line));
        }
    }

    #[test]
    fn a_typing_mistake_never_shortens_a_line() {
        for (line, at) in [
            ("06 0l 0a ff", 1),
            ("O6 01 0a ff", 0),
            ("06 01 0a f", 3),
            ("06 01 0a ff x", 4),
            ("06010aff0", 0),
            ("6 1 a ff", 0),
            ("hello", 0),
            ("TX:", 0),
            ("060l0aff", 0),
            ("+6", 0),
            ("06 01 g0 ff", 2),
            ("0x0601 0", 2),
            ("TX: 06 0l", 1),
            ("", 0),
        ] {
            let found = readings(line);
            assert!(
                found == Err(NotHex { at }) || (line.is_empty() && found == Ok(vec![vec![]])),
                "{line}: {found:02x?}"
            );
        }
    }

    #[test]
    fn the_rows_of_a_hex_dump_are_told_with_their_offsets() {
        let full = (0..16).collect::<Vec<u8>>();
        let rows: [(&str, &str, &[u8]); 9] = [
            ("00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|", "00000000", &full),
            ("00000000: 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f  abcdef0123456789", "00000000", &full),
            ("0000   00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f   ................", "0000", &full),
            ("0000000 06 01 0a ff", "0000000", &FRAME),
            ("00000010  06 01 0a ff                                       |....|", "00000010", &FRAME),
            ("00000010: 0601 0aff                                abcd", "00000010", &FRAME),
            ("0010   06 01 0a ff   ab cd", "0010", &FRAME),
            ("\t0x0010:  0601 0aff                                E..4", "0010", &FRAME),
            ("0000:06 01", "", &[]),
        ];
        for (line, offset, bytes) in rows {
            let expected = (!bytes.is_empty()).then(|| (offset, bytes.to_vec()));
            assert_eq!(dump_row(line), expected, "{line}");
        }
        assert!(
            is_offset("00000010", 16) && is_offset("0000020", 16) && is_offset("0010", 16) && !is_offset("0010", 8)
        );
        assert_eq!(dump_row("06 01 0a ff"), None);
        assert_eq!(dump_row("0601 0aff"), None);
    }

    #[test]
    fn files_of_windows_are_text() {
        let text = "\u{FEFF}06 01\r\n# a\r\n0a ff";
        let le = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let be = text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let bare = text[3..].encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for file in [text.as_bytes(), &le, &be, &bare, b"06 01\r# a\r0a ff\r"] {
            let mut found = Vec::new();
            let read = lines(file, |line| {
                if !is_skipped(line) {
                    found.push(readings(line).expect("hex").remove(0));
                }
                Ok(())
            });
            assert!(read.is_ok() && found == [[0x06, 0x01], [0x0A, 0xFF]], "{file:02x?}: {found:02x?}");
        }
    }
}
