//! What a server says of a refusal: an `OperationOutcome` (R4 2.33), told to staff and to the log.
//!
//! Its free text may repeat a patient's data. Only words that are on our list get through (`outcome/words.txt`), codes,
//! places in our own resources, and numbers of up to three digits; whatever else stood there is `…`. The server's own log has
//! all of it. The whole text is read for one thing only: whether it asks for less at once.

use super::http::HttpAnswer;
use crate::domain::reason::Issues;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// For a line of a list; more is not read.
const REASON_BYTES_MAX: usize = 400;
const TEXT_CHARS_MAX: usize = 160;
const ISSUES_TOLD_MAX: usize = 3;
const PLACE_CHARS_MAX: usize = 80;

/// R4 value set `issue-type`: the code of an issue can be no other.
const ISSUE_TYPES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];
/// They say that it was refused, and nothing of why.
const SAYS_NOTHING: [&str; 5] = ["", "invalid", "processing", "exception", "unknown"];
/// What a place may begin with: what the kiosk sends.
const SENT: [&str; 7] = ["Bundle", "Task", "ChargeItem", "Invoice", "PaymentNotice", "Appointment", "Device"];

/// `required Task.input[0].value: a value is missing`, for each issue, errors first, with `; ` between; empty if nothing is said.
#[must_use]
pub fn reason(outcome: &Value) -> Issues {
    let mut told = Issues::new();
    for issue in issues(outcome).into_iter().take(ISSUES_TOLD_MAX) {
        let place = place_of(issue);
        let words = [code_of(issue), &place].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let (what, text) = (words.join(" "), said_in(issue).map(speakable).unwrap_or_default());
        let one = [what, text].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        if !one.is_empty() && told.len() + one.len() <= REASON_BYTES_MAX {
            told.push_str(if told.is_empty() { "" } else { "; " });
            told.push_str(&one);
        }
    }
    told
}

/// Errors before warnings.
fn issues(outcome: &Value) -> Vec<&Value> {
    let all = outcome["issue"].as_array().filter(|_| outcome["resourceType"] == "OperationOutcome");
    let mut all = all.into_iter().flatten().collect::<Vec<_>>();
    all.sort_by_key(|issue| matches!(issue["severity"].as_str(), Some("warning" | "information")));
    all
}

fn code_of(issue: &Value) -> &'static str {
    ISSUE_TYPES.into_iter().find(|code| issue["code"] == *code).unwrap_or_default()
}

/// In `expression`, or as servers of before R4 say it. A path in what we sent: letters, dots, brackets, short numbers.
fn place_of(issue: &Value) -> String {
    let place = issue["expression"][0].as_str().or_else(|| issue["location"][0].as_str()).unwrap_or_default();
    let harmless = place.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-_[]()".contains(letter));
    let begins = place.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
    let short = place.len() <= PLACE_CHARS_MAX && longest_digit_run(place) < 4;
    if harmless && short && SENT.contains(&begins) { place.to_owned() } else { String::new() }
}

/// The best that is there.
fn said_in(issue: &Value) -> Option<&str> {
    let details = &issue["details"];
    let codings = details["coding"].as_array().map_or(&[][..], Vec::as_slice);
    let in_codings = |name: &str| codings.iter().find_map(|coding| text_of(&coding[name]));
    text_of(&details["text"])
        .or_else(|| in_codings("display"))
        .or_else(|| text_of(&issue["diagnostics"]))
        .or_else(|| in_codings("code"))
}

fn text_of(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

fn longest_digit_run(text: &str) -> usize {
    text.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

static WORDS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("outcome/words.txt").split_whitespace().collect());

/// The words of a text that are nobody's.
#[must_use]
pub fn speakable(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |holds: &dyn Fn(char) -> bool| rest.find(|letter| !holds(letter)).unwrap_or(rest.len());
        let (taken, shown) = if first.is_ascii_digit() {
            // Dates and telephone numbers are one number.
            let number = &rest[..end(&|letter| letter.is_ascii_digit() || ".-/:".contains(letter))];
            let number = number.trim_end_matches(['.', '-', '/', ':']);
            let digits = number.bytes().filter(u8::is_ascii_digit).count();
            (number.len(), if digits <= 3 { number } else { CUT })
        } else if first.is_ascii_alphabetic() {
            let word = rest[..end(&|letter| letter.is_alphanumeric() || letter == '\'')].trim_end_matches('\'');
            (word.len(), if is_ours(word, starts_a_sentence(&out)) { word } else { CUT })
        } else if first.is_alphanumeric() {
            (end(&|letter| letter.is_alphanumeric()), CUT)
        } else if " ,.:;-_/()[]<>=!?+*|%".contains(first) {
            (first.len_utf8(), &rest[..first.len_utf8()])
        } else {
            (first.len_utf8(), " ")
        };
        push(&mut out, shown);
        rest = &rest[taken..];
    }
    shortened(out.trim().trim_end_matches([':', ';', ',']))
}

const CUT: &str = "…";

/// One blank and one `…` at a time.
fn push(out: &mut String, shown: &str) {
    if shown == CUT && out.trim_end().ends_with(CUT) {
        out.truncate(out.trim_end().len());
    } else if shown != " " || !(out.is_empty() || out.ends_with(' ')) {
        out.push_str(shown);
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= TEXT_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(TEXT_CHARS_MAX - 1).chain(CUT.chars()).collect()
}

fn starts_a_sentence(before: &str) -> bool {
    before.trim_end().chars().next_back().is_none_or(|last| ".:;!?".contains(last))
}

/// A word of the list, or several grown together (`ifNoneExist`, `ChargeItem`). A capital within a sentence may begin a name:
/// only longer words are taken then, because short ones are names as well (`An`, `Do`, `Long`).
fn is_ours(word: &str, starts: bool) -> bool {
    let plain = word.strip_suffix("'s").or_else(|| word.strip_suffix("n't")).unwrap_or(word);
    let known = grown_together(plain).iter().all(|part| WORDS.contains(part.to_ascii_lowercase().as_str()));
    let capital = word.starts_with(|first: char| first.is_ascii_uppercase());
    let shouted = word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    known && (!capital || starts && !NAMES_TOO.contains(&word) || shouted || word.len() >= 5 || SENT.contains(&word))
}

/// Even where a sentence starts.
const NAMES_TOO: [&str; 3] = ["An", "Do", "So"];

/// `ifNoneExist` is `if`, `None`, `Exist`; `FHIR` is one.
fn grown_together(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let mut cuts = vec![0];
    cuts.extend((1..bytes.len()).filter(|at| bytes[*at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase()));
    cuts.push(bytes.len());
    cuts.windows(2).filter_map(|cut| word.get(cut[0]..cut[1])).collect()
}

/// The server wants less at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Less {
    /// So many entries at most.
    Of(usize),
    /// Whatever less is.
    Surely,
    /// It gives no reason at all: this may be it.
    Perhaps,
}

/// Whether a refused transaction of `entries` entries was too large; nothing of it was taken.
#[must_use]
pub fn asks_for_less(answer: &HttpAnswer, entries: usize) -> Option<Less> {
    if entries < 2 || ![400, 403, 413, 422, 500, 501, 507].contains(&answer.status) {
        return None;
    }
    let Some(said) = &answer.json else {
        return match answer.status {
            413 => Some(Less::Surely),
            400 | 422 if !answer.is_page() => Some(Less::Perhaps),
            _ => None,
        };
    };
    let texts = texts_of(said);
    let about_size = texts.iter().filter(|text| is_about_size(text));
    let told = about_size.clone().filter_map(|text| largest_below(text, entries)).max();
    let costly = |issue: &&Value| matches!(code_of(issue), "too-long" | "too-costly") && !points_inside(issue);
    let sure = answer.status == 413 || about_size.count() > 0 || issues(said).iter().any(costly);
    match told {
        Some(most) => Some(Less::Of(most)),
        None if sure => Some(Less::Surely),
        None => (matches!(answer.status, 400 | 422) && gives_no_reason(said, &texts)).then_some(Less::Perhaps),
    }
}

/// All that is said of what was sent as a whole.
fn texts_of(said: &Value) -> Vec<String> {
    if said["resourceType"] != "OperationOutcome" {
        return said.as_object().into_iter().flatten().filter_map(|(_, text)| text.as_str()).map(lower).collect();
    }
    let mut texts = Vec::new();
    for issue in issues(said).into_iter().filter(|issue| !points_inside(issue)) {
        let details = &issue["details"];
        let codings = details["coding"].as_array().into_iter().flatten();
        let coded = codings.flat_map(|coding| [&coding["display"], &coding["code"]]);
        let all = [&details["text"], &issue["diagnostics"]].into_iter().chain(coded);
        texts.extend(all.filter_map(text_of).map(lower));
    }
    texts
}

fn lower(text: &str) -> String {
    text.chars().take(2_000).collect::<String>().to_lowercase().replace(['_', '-'], " ")
}

/// It names a place in one of the entries: not their number is wrong.
fn points_inside(issue: &Value) -> bool {
    let place = issue["expression"][0].as_str().or_else(|| issue["location"][0].as_str()).unwrap_or_default();
    !place.is_empty() && (!place.contains("Bundle") || place.contains("resource"))
}

fn gives_no_reason(said: &Value, texts: &[String]) -> bool {
    let silent = |issue: &&Value| {
        let code = issue["code"].as_str().unwrap_or_default();
        SAYS_NOTHING.contains(&code) && issue["expression"][0].is_null() && issue["location"][0].is_null()
    };
    said["resourceType"] == "OperationOutcome" && texts.is_empty() && issues(said).iter().all(silent)
}

/// Words for "too much" and for what is sent at once, in some languages; and words for what else can be too much.
const TOO_MUCH: [&str; 26] = [
    "too many",
    "too large",
    "too big",
    "too long",
    "exceed",
    "maxim",
    "max ",
    "limit",
    "at most",
    "more than",
    "up to",
    "fewer",
    "smaller",
    "larger than",
    "greater than",
    "zu viele",
    "zu groß",
    "höchst",
    "überschr",
    "trop ",
    "dépass",
    "demasiad",
    "초과",
    "최대",
    "제한",
    "너무",
];
const AT_ONCE: [&str; 19] = [
    "entries",
    "entry",
    "bundle",
    "transaction",
    "batch",
    "operations",
    "resources",
    "payload",
    "body",
    "content length",
    "request size",
    "einträge",
    "transaktion",
    "entrées",
    "entradas",
    "항목",
    "번들",
    "트랜잭션",
    "엔트리",
];
const SOMETHING_ELSE: [&str; 22] = [
    "amount",
    "price",
    "payment",
    "balance",
    "credit",
    "total",
    "betrag",
    "금액",
    "character",
    "string",
    "digits",
    "length of",
    "rate limit",
    "quota",
    "throttl",
    "per minute",
    "per second",
    "per hour",
    "per day",
    "per patient",
    "per user",
    "per client",
];

fn is_about_size(text: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&TOO_MUCH) && says(&AT_ONCE) && !says(&SOMETHING_ELSE)
}

/// The largest number that stands alone and is smaller than `entries`.
fn largest_below(text: &str, entries: usize) -> Option<usize> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '.');
    let numbers = words.filter_map(|word| {
        let (digits, unit) = word.split_at(word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len()));
        // Where words are not parted by blanks the unit follows at once.
        let alone = unit.trim_end_matches('.').chars().all(|letter| !letter.is_ascii());
        digits.parse::<usize>().ok().filter(|_| alone)
    });
    numbers.filter(|number| (1..entries).contains(number)).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outcome(issue: &Value) -> Value {
        json!({"resourceType": "OperationOutcome", "issue": [issue]})
    }

    #[test]
    fn the_reason_is_read_wherever_it_stands() {
        for (issue, told) in [
            (
                json!({"severity": "error", "code": "business-rule", "details": {"text": "Payment is already closed"}}),
                "business-rule: Payment is already closed",
            ),
            (
                json!({"code": "processing", "details": {"coding": [{"code": "x"}, {"display": "Resource is locked"}]}}),
                "processing: Resource is locked",
            ),
            (json!({"code": "invalid", "diagnostics": "a value is missing"}), "invalid: a value is missing"),
            (json!({"code": "invalid", "details": {"coding": [{"code": "MSG_TOO_MANY"}]}}), "invalid: MSG_TOO_MANY"),
            (
                json!({"code": "required", "expression": ["Task.input[0].value"], "details": {"text": " "}}),
                "required Task.input[0].value",
            ),
            (
                json!({"code": "value", "location": ["Bundle.entry[4].resource"], "diagnostics": "must not be empty"}),
                "value Bundle.entry[4].resource: must not be empty",
            ),
            (json!({"code": "something of its own", "diagnostics": "no"}), "no"),
            (json!({}), ""),
        ] {
            assert_eq!(reason(&outcome(&issue)), told, "{issue}");
        }
        let warned_first = json!({"resourceType": "OperationOutcome", "issue": [
            {"severity": "warning", "code": "informational"}, {"severity": "error", "code": "conflict"}]});
        assert_eq!(reason(&warned_first), "conflict; informational");
        assert_eq!(reason(&json!({"resourceType": "Basic", "issue": [{"code": "invalid"}]})), "");
    }

    #[test]
    fn nobodys_data_is_in_it() {
        for (text, told) in [
            ("Patient 10293847 Hong Gildong is discharged", "Patient … is discharged"),
            ("patient hong gildong, born 1958-04-12, not found", "patient …, …, not found"),
            ("HONG GILDONG: TOO MANY open tasks", "…: TOO MANY open tasks"),
            ("No such patient: An Do-yun", "No such patient: …-…"),
            ("홍길동 님은 퇴원했습니다 (01)", "… (01)"),
            ("call 010-1234-5678 or 02/345", "call … or …"),
            ("Unknown Task status; use ifNoneExist", "Unknown Task status; use ifNoneExist"),
            ("HAPI-0450: max 8 entries, found 12", "HAPI-…: max 8 entries, found 12"),
            ("this server doesn't support it", "this server doesn't support it"),
            ("Müller's record\n\u{7}is locked", "… record is locked"),
            ("", ""),
        ] {
            assert_eq!(speakable(text), told, "{text}");
        }
        let long = "transaction ".repeat(60);
        assert!(speakable(&long).chars().count() <= TEXT_CHARS_MAX);
    }

    /// Whatever comes in, only words of the list come out.
    #[test]
    fn only_listed_words_get_through() {
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or(0) % below
        };
        let pieces =
            ["entry", "Hong", "gildong", "An", "8", "1234567", "12-34-56", " ", ",", ": ", "홍", "é", "'", "Task", "A"];
        for _ in 0..20_000 {
            let text: String = (0..next(9)).map(|_| pieces[next(pieces.len())]).collect();
            let told = speakable(&text);
            for word in told.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()) {
                let parts = grown_together(word);
                assert!(parts.iter().all(|part| WORDS.contains(part.to_lowercase().as_str())), "{text} -> {told}");
            }
            assert!(longest_digit_run(&told) < 4, "{text} -> {told}");
        }
    }

    #[test]
    fn the_limit_is_a_number_that_stands_alone() {
        for (text, entries, most) in [
            ("the limit is 8, found 12", 12, Some(8)),
            ("12 > 10", 12, Some(10)),
            ("hapi 2205: 12", 12, None),
            ("최대 4개", 12, Some(4)),
            ("version 4.0.1", 12, None),
            ("at most 5.", 12, Some(5)),
            ("0 of 12", 12, None),
        ] {
            assert_eq!(largest_below(text, entries), most, "{text}");
        }
    }
}
