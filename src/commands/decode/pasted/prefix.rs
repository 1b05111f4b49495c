//! What a log writes before the bytes of a line: when, who, which way. Only what cannot be bytes, or has another reading.

use super::is_blank;

/// More than this many things before the bytes are no log's line.
const PIECES_MAX: usize = 16;

/// The line itself, then what is left of it after each thing that may stand before the bytes.
pub fn payloads(line: &str) -> Vec<&str> {
    let mut found = vec![line];
    let mut rest = line;
    while let Some(left) = piece(rest).map(|left| left.trim_start_matches(is_blank)).filter(|left| !left.is_empty()) {
        found.push(left);
        rest = left;
        if found.len() > PIECES_MAX {
            break;
        }
    }
    found
}

/// What follows the first thing of the line that may be no bytes.
fn piece(text: &str) -> Option<&str> {
    bracketed(text).or_else(|| stamp(text)).or_else(|| count(text)).or_else(|| word(text))
}

/// `[10:00:01]`, `[DEBUG]`, `(10 bytes):`; not a list of bytes alone.
fn bracketed(text: &str) -> Option<&str> {
    let close = match text.chars().next()? {
        '[' => ']',
        '(' => ')',
        '<' => '>',
        _ => return None,
    };
    let (inside, rest) = text[1..].split_once(close)?;
    let told = inside.contains([':', '.']) || super::bytes(inside).is_err();
    told.then(|| rest.trim_start_matches([':', ' ']))
}

/// A date, a time, or both; the seconds since 1970; `25 10:00:01` behind a month's name.
fn stamp(text: &str) -> Option<&str> {
    let dated = date(text);
    let after = dated.map_or(text, |rest| rest.trim_start_matches(['T', 't', ' ', '_', ',']));
    let day = digits(after, 1..=2).and_then(|rest| rest.strip_prefix(' '));
    let timed = time(after).or_else(|| day.and_then(|rest| time(rest.trim_start())));
    let timed = timed.map(|rest| rest.strip_prefix(" AM").or_else(|| rest.strip_prefix(" PM")).unwrap_or(rest));
    let rest = timed.or(dated).or_else(|| epoch(text)).filter(|rest| ends(rest))?;
    Some(rest.trim_start_matches(is_blank).trim_start_matches(['-', '|', ',', ';', ':']))
}

fn date(text: &str) -> Option<&str> {
    let year_first = digits(text, 4..=4);
    let rest = year_first.or_else(|| digits(text, 1..=2))?;
    let between = rest.chars().next().filter(|mark| matches!(mark, '-' | '/' | '.'))?;
    let rest = digits(rest.strip_prefix(between)?, 1..=2)?.strip_prefix(between)?;
    if year_first.is_some() { digits(rest, 1..=2) } else { digits(rest, 4..=4) }
}

/// `10:00:01`, with a fraction and a zone if they are there.
fn time(text: &str) -> Option<&str> {
    let rest = digits(text, 1..=2)?.strip_prefix(':')?;
    let rest = digits(rest, 2..=2)?.strip_prefix(':')?;
    let rest = digits(rest, 2..=2)?;
    let fraction = rest.strip_prefix(['.', ',']).and_then(|rest| digits(rest, 1..=9));
    let rest = fraction.unwrap_or(rest);
    let zone = rest.strip_prefix('Z').or_else(|| {
        let hours = digits(rest.strip_prefix(['+', '-'])?, 2..=2)?;
        digits(hours.strip_prefix(':').unwrap_or(hours), 2..=2)
    });
    Some(zone.unwrap_or(rest))
}

fn epoch(text: &str) -> Option<&str> {
    digits(text, 9..=10)?.strip_prefix('.').and_then(|rest| digits(rest, 1..=9))
}

/// `4 bytes:`, `12: TX`: how many, or the number of the line before a word.
fn count(text: &str) -> Option<&str> {
    let rest = digits(text, 1..=6)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start_matches(is_blank);
    word(rest).map(|_| rest)
}

/// The rest behind as many decimal digits as `how_many` allows, if there are no more of them.
fn digits(text: &str, how_many: std::ops::RangeInclusive<usize>) -> Option<&str> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    how_many.contains(&count).then(|| &text[count..])
}

fn ends(rest: &str) -> bool {
    rest.is_empty()
        || rest.starts_with(|letter| is_blank(letter) || matches!(letter, ']' | '|' | ',' | ';' | ':' | '-'))
}

/// Words of two letters, or made of the letters a to f, which logs write before bytes.
const SHORT: [&str; 11] = ["tx", "rx", "in", "to", "pt", "feb", "dec", "pc", "io", "w", "r"];

/// `TX:`, `Send -`, `ECR->PT`, `->`, `zvt[812]:`; never something that may be a mistyped byte, as `O6`.
fn word(text: &str) -> Option<&str> {
    let end = text.find(is_blank).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if !word.is_empty() && word.chars().all(is_arrow) {
        let way = word.contains(['<', '>', '\u{2190}', '\u{2192}', '\u{BB}', '\u{AB}']);
        return way.then_some(rest);
    }
    let bare = word.trim_end_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
    let name = bare.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
    let long = word.starts_with(char::is_alphabetic) && letters > 2 && word.chars().any(is_no_digit);
    let spelled = ["0x", "\\x", "x'", "x\"", "b'", "b\""].iter().any(|start| word.to_lowercase().starts_with(start));
    // A colon may stand close to the bytes: `TX:06 01`.
    if let Some((label, close)) = text.split_once(':').filter(|(label, close)| label.len() < end && !ends(close)) {
        let known = SHORT.contains(&label.to_lowercase().as_str());
        return (known || (long && label.chars().all(char::is_alphabetic) && label.chars().any(is_no_digit)))
            .then_some(close);
    }
    let taken = !spelled && (SHORT.contains(&name) || long);
    taken.then(|| rest.trim_start_matches(is_blank).trim_start_matches(['-', ':', '|', '=']))
}

fn is_arrow(letter: char) -> bool {
    "-=<>".contains(letter) || matches!(letter, '\u{2190}' | '\u{2192}' | '\u{BB}' | '\u{AB}')
}

/// A letter that no hex number has.
fn is_no_digit(letter: char) -> bool {
    letter.is_alphabetic() && !letter.is_ascii_hexdigit()
}
