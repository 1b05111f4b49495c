//! Texts of a terminal, for people. ZVT's default is code page 437 (PA00P015 chapter 9, tag 14 may name another); much of
//! what is in the field sends ISO 8859-1 or UTF-8, and none says so. Whatever comes is shown, never trusted: no control
//! characters, no more than a line, no run of digits that could be a card number.

use crate::terminal::card;

/// A line for a screen and a log.
const CHARS_MAX: usize = 120;
/// 80 to FF of code page 437.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
                     αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Up to the first NUL, in one line, with no number in it that could be a card's.
#[must_use]
pub fn line(raw: &[u8]) -> String {
    card::hidden(&name(raw))
}

/// The same of a field that holds a name or number of its own.
#[must_use]
pub fn name(raw: &[u8]) -> String {
    let used = raw.split(|byte| *byte == 0).next().unwrap_or_default();
    let spaced = |letter: char| if letter.is_whitespace() || letter.is_control() { ' ' } else { letter };
    let text: String = decoded(used).chars().map(spaced).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(CHARS_MAX).collect()
}

/// UTF-8 if it is any. Bytes that are control characters in ISO 8859-1 and umlauts in code page 437 decide between these.
fn decoded(raw: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(raw) {
        return text.to_owned();
    }
    let is_437 = raw.iter().any(|byte| (0x80..=0x9f).contains(byte));
    let letter = |byte: &u8| match byte.checked_sub(0x80) {
        Some(place) if is_437 => CP437.chars().nth(usize::from(place)).unwrap_or('?'),
        Some(_) | None => char::from(*byte),
    };
    raw.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_the_same_in_every_code_page() {
        assert_eq!(CP437.chars().count(), 128);
        for (raw, text) in [
            (&b"Terminal ist blockiert"[..], "Terminal ist blockiert"),
            (b"Ger\x84t pr\x81fen, \x9aberpr\x81fung", "Gerät prüfen, Überprüfung"),
            (b"Ger\xe4t pr\xfcfen", "Gerät prüfen"),
            ("Gerät prüfen".as_bytes(), "Gerät prüfen"),
            (b"two\r\nlines\x07 and\tmore\0 hidden", "two lines and more"),
            (b"4111111111111111 call 0800123456", "**************** call 0800123456"),
            (b"", ""),
        ] {
            assert_eq!(line(raw), text);
        }
        assert_eq!(line(&[0x84; 500]).chars().count(), CHARS_MAX);
    }
}
