//! The demo's script language: one action a line, `#` comments (`README.md`, "Scripts").

use crate::domain::attempt::PaymentState;
use chrono::{DateTime, FixedOffset};

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Tap(String),
    Type(String),
    /// The last four digits of the newest payment's number, as its receipt shows it.
    TypePayment,
    Scan(String),
    Key(Key),
    WaitMs(u64),
    Shot(String),
    Clock(DateTime<FixedOffset>),
    Card(CardAct),
    Paper(PaperAct),
    Hospital(HospitalAct),
    /// Now, or when the payment that the script begins next (or has begun with its last touch) is in the journal as that.
    PowerCut {
        at: Option<PaymentState>,
    },
    Expect(String),
    ExpectPaper(String),
    ExpectMoney(i64),
    ExpectHospital {
        resource: String,
        count: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Enter,
    Up,
    Down,
    Cancel,
    Staff,
    Help,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardAct {
    Approve,
    Decline,
    Silence,
    Late,
    Unplug,
    Reboot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperAct {
    Out,
    In,
    Low,
    Jam,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HospitalAct {
    Down,
    Up,
    Slow,
    Reject,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// 1-based line of the file.
    pub number: usize,
    pub text: String,
    pub action: Action,
}

/// Reads a whole script.
///
/// # Errors
/// Every line that cannot be read, as `line N: what is wrong and what to write instead`.
pub fn parse(text: &str) -> Result<Vec<Line>, Vec<String>> {
    let mut lines = Vec::new();
    let mut faults = Vec::new();
    for (index, raw) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
        let stripped = strip_comment(raw).trim();
        if stripped.is_empty() {
            continue;
        }
        match action(stripped) {
            Ok(action) => lines.push(Line { number: index + 1, text: stripped.to_owned(), action }),
            Err(why) => faults.push(format!("line {}: {why}", index + 1)),
        }
    }
    if faults.is_empty() { Ok(lines) } else { Err(faults) }
}

/// A `#` begins a comment unless it stands inside quotes.
fn strip_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

fn action(line: &str) -> Result<Action, String> {
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match verb {
        "tap" => quoted(rest).map(Action::Tap),
        "type" if rest == "payment" => Ok(Action::TypePayment),
        "type" => quoted(rest).map(Action::Type),
        "scan" => quoted(rest).map(Action::Scan),
        "shot" => bare(rest).map(Action::Shot),
        "key" => word(
            rest,
            &[
                ("enter", Key::Enter),
                ("up", Key::Up),
                ("down", Key::Down),
                ("cancel", Key::Cancel),
                ("help", Key::Help),
                ("staff", Key::Staff),
            ],
        )
        .map(Action::Key),
        "wait" => duration_ms(rest).map(Action::WaitMs),
        "clock" => clock(rest).map(Action::Clock),
        "card" => word(rest, CARDS).map(Action::Card),
        "paper" => word(rest, PAPERS).map(Action::Paper),
        "hospital" => word(rest, HOSPITALS).map(Action::Hospital),
        "power" => power_cut(rest),
        "expect" => quoted(rest).map(Action::Expect),
        "expect-paper" => quoted(rest).map(Action::ExpectPaper),
        "expect-money" => expect_money(rest),
        "expect-hospital" => expect_hospital(rest),
        other => Err(format!(
            "`{other}` is not an action; use tap, type, scan, key, wait, shot, clock, card, paper, hospital, power cut, \
             power cut at sent, expect, expect-paper, expect-money or expect-hospital"
        )),
    }
}

const CARDS: &[(&str, CardAct)] = &[
    ("approve", CardAct::Approve),
    ("decline", CardAct::Decline),
    ("silence", CardAct::Silence),
    ("late", CardAct::Late),
    ("unplug", CardAct::Unplug),
    ("reboot", CardAct::Reboot),
];
const PAPERS: &[(&str, PaperAct)] =
    &[("out", PaperAct::Out), ("in", PaperAct::In), ("low", PaperAct::Low), ("jam", PaperAct::Jam)];
const HOSPITALS: &[(&str, HospitalAct)] = &[
    ("down", HospitalAct::Down),
    ("up", HospitalAct::Up),
    ("slow", HospitalAct::Slow),
    ("reject", HospitalAct::Reject),
];

/// The steps of the journal: the same moment on a slow machine and on a fast one.
const STEPS: &[(&str, PaymentState)] = &[
    ("intent", PaymentState::Intent),
    ("sent", PaymentState::Sent),
    ("answered", PaymentState::Answered),
    ("committed", PaymentState::Committed),
    ("settled", PaymentState::Settled),
    ("not-paid", PaymentState::NotPaid),
    ("in-doubt", PaymentState::InDoubt),
    ("needs-staff", PaymentState::NeedsStaff),
    ("reversed", PaymentState::Reversed),
];

fn power_cut(text: &str) -> Result<Action, String> {
    let parts = text.split_whitespace().collect::<Vec<_>>();
    match parts.as_slice() {
        ["cut"] => Ok(Action::PowerCut { at: None }),
        ["cut", "at", step] => word(step, STEPS).map(|step| Action::PowerCut { at: Some(step) }),
        _ => Err(format!("write `power cut`, or `power cut at sent` for a step of the journal; found `power {text}`")),
    }
}

fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("`{text}` is not one of: {}", known()))
}

fn quoted(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|inner| !inner.contains('"'));
    inner.map(str::to_owned).ok_or_else(|| format!("write the text in double quotes, as in \"Next\"; found `{text}`"))
}

fn bare(text: &str) -> Result<String, String> {
    let text = text.trim_matches('"');
    let fits = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    if fits { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a name of letters, digits, - and _")) }
}

fn duration_ms(text: &str) -> Result<u64, String> {
    let (number, factor) = if let Some(number) = text.strip_suffix("ms") {
        (number, 1)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1000)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60_000)
    } else {
        return Err(format!("`{text}` is not a time; write 500ms, 20s or 2m"));
    };
    let value: u64 = number.trim().parse().map_err(|_| format!("`{text}` is not a time; write 500ms, 20s or 2m"))?;
    Ok(value.saturating_mul(factor).min(24 * 3_600_000))
}

fn clock(text: &str) -> Result<DateTime<FixedOffset>, String> {
    let text = text.trim_matches('"');
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"))
        .map_err(|_| format!("`{text}` is not a time with a zone; write 2026-11-25T10:00+09:00"))
}

fn expect_money(text: &str) -> Result<Action, String> {
    let amount = text.strip_prefix("charged").map(str::trim).and_then(|amount| amount.parse().ok());
    amount.map(Action::ExpectMoney).ok_or_else(|| format!("write `expect-money charged 5100`; found `{text}`"))
}

fn expect_hospital(text: &str) -> Result<Action, String> {
    let parts = text.split_whitespace().collect::<Vec<_>>();
    match parts.as_slice() {
        [resource, count] => match count.parse() {
            Ok(count) => Ok(Action::ExpectHospital { resource: (*resource).to_owned(), count }),
            Err(_) => Err(format!("`{count}` is not a count")),
        },
        _ => Err(format!("write `expect-hospital Task 1`; found `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_of_the_contract_is_read() {
        let text = "tap \"Check in\"\ntype \"10293847\"\nscan \"#A#1\" # slip\nkey enter\nwait 500ms\nshot one\nclock 2026-11-25T10:00+09:00\n\
                    card approve\ncard unplug\npaper jam\nhospital slow\npower cut\npower cut  at in-doubt\nexpect \"결제\"\nexpect-paper \"K3\"\nexpect-money charged 5100\n\
                    expect-hospital Task 1\n\n# only a comment\n";
        let lines = parse(text).expect("reads");
        assert_eq!(lines.len(), 17);
        assert_eq!(lines[2].action, Action::Scan("#A#1".into()));
        assert_eq!(lines[4].action, Action::WaitMs(500));
        assert_eq!(lines[12].action, Action::PowerCut { at: Some(PaymentState::InDoubt) });
        assert_eq!(lines[15].action, Action::ExpectMoney(5100));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let faults = parse("tap Next\n\nfly \"home\"\nwait soon\ncard maybe\nclock yesterday\npower cut at noon")
            .expect_err("six faults");
        assert_eq!(faults.len(), 6);
        assert!(faults[0].starts_with("line 1: ") && faults[1].starts_with("line 3: `fly`"), "{faults:?}");
    }
}
