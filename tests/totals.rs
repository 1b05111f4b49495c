//! The terminal's totals beside the journal: `data/totals.txt`, case by case.

use chrono::{DateTime, FixedOffset, TimeDelta};
use hospital_kiosk::domain::attempt::AttemptId;
use hospital_kiosk::domain::closing::{
    ClosingEnd, ClosingId, ClosingRecord, DayBook, Finding, Move, MoveKind, Sums, compare, receipt_in,
};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::terminal::{TerminalDay, TerminalTotals};
use uuid::Uuid;

const CASES: &str = include_str!("data/totals.txt");

fn begin() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").unwrap()
}

#[derive(Default)]
struct Case {
    book: DayBook,
    charges: i64,
    undos: i64,
}

impl Case {
    fn at(&self) -> DateTime<FixedOffset> {
        begin() + TimeDelta::minutes(self.charges + self.undos)
    }

    fn moved(&mut self, kind: MoveKind, sure: bool, receipt: &str, amount: &str) {
        let place = match kind {
            MoveKind::Charge => &mut self.charges,
            MoveKind::GivenBack => &mut self.undos,
        };
        *place += 1;
        let place = *place;
        let receipt = receipt.parse().ok();
        self.book.receipts.extend(receipt);
        self.book.moves.push(Move {
            attempt: AttemptId(Uuid::from_u128(u128::try_from(place).unwrap())),
            number: format!("K3-{place:04}"),
            at: self.at(),
            kind,
            amount: Amount(amount.parse().unwrap()),
            sure,
            receipt,
            place,
        });
    }

    fn close(&mut self, end: Option<ClosingEnd>) {
        let closing = ClosingId(Uuid::from_u128(90));
        let (charges_to, undos_to) = (self.charges, self.undos);
        self.book.closings.push(ClosingRecord { closing, asked_at: self.at(), end, charges_to, undos_to });
    }

    fn play(&mut self, words: &[&str]) -> Option<Vec<String>> {
        let untold = |day| Some(ClosingEnd::Untold { day, reason: String::new() });
        match words {
            ["paid", receipt, amount] => self.moved(MoveKind::Charge, true, receipt, amount),
            ["in-question", receipt, amount] => self.moved(MoveKind::Charge, false, receipt, amount),
            ["back", amount] => self.moved(MoveKind::GivenBack, true, "-", amount),
            ["back-in-question", amount] => self.moved(MoveKind::GivenBack, false, "-", amount),
            ["refused", receipt] => self.book.receipts.push(receipt.parse().unwrap()),
            ["forgotten", count] => self.book.forgotten = count.parse().unwrap(),
            ["closed"] => self.close(untold(TerminalDay::Closed)),
            ["not-closed"] => self.close(untold(TerminalDay::Open)),
            ["kept-nowhere"] => self.close(untold(TerminalDay::NotKept)),
            ["unanswered"] => self.close(None),
            ["unknown"] => self.close(untold(TerminalDay::Unknown)),
            ["told", count, amount, rest @ ..] => return Some(self.told(count, amount, rest)),
            other => panic!("what is {other:?}?"),
        }
        None
    }

    fn told(&mut self, count: &str, amount: &str, rest: &[&str]) -> Vec<String> {
        let range = rest.iter().find_map(|word| word.split_once('-'));
        let cards = rest.iter().find_map(|word| word.strip_prefix("cards="));
        let totals = TerminalTotals {
            count: count.parse().ok(),
            amount: Amount(amount.parse().unwrap()),
            of_cards: cards.map(|cards| Amount(cards.parse().unwrap())),
            receipts: range.map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap())),
        };
        self.close(Some(ClosingEnd::Told(totals)));
        let compared = compare(&self.book, &totals);
        let since = compared.period.since.map_or("-".to_owned(), minute);
        let first = format!("{:?} {} since {since}", compared.verdict, sums(&compared.period.sums));
        std::iter::once(first).chain(compared.findings.iter().map(words)).collect()
    }
}

fn minute(at: DateTime<FixedOffset>) -> String {
    at.format("%H:%M").to_string()
}

fn sums(sums: &Sums) -> String {
    format!(
        "{}/{}-{}/{}={}/{}",
        sums.charges,
        sums.charged,
        sums.given_back,
        sums.gave_back,
        sums.count(),
        sums.amount()
    )
}

fn words(finding: &Finding) -> String {
    match finding {
        Finding::NeverClosed => "never closed".to_owned(),
        Finding::Unanswered { at, begins_here } => {
            format!("unanswered {}{}", minute(*at), if *begins_here { " begins" } else { "" })
        }
        Finding::Contradiction { whole, of_cards } => format!("contradiction {whole} {of_cards}"),
        Finding::Count { terminal, journal } => format!("count {terminal} {journal}"),
        Finding::Amount { more } => format!("amount {more:+}"),
        Finding::GivenBackCounted { gave_back } => format!("given back counted {gave_back}"),
        Finding::BelowNothing { by } => format!("below nothing {by}"),
        Finding::Unsettled { moved, explains } => {
            format!("unsettled {:?} {}{}", moved.kind, moved.number, if *explains { " explains" } else { "" })
        }
        Finding::UnsettledTogether => "unsettled together".to_owned(),
        Finding::BeginsLater { receipt, number, before } => {
            format!("begins later {receipt} {number} before {}", sums(before))
        }
        Finding::OtherReceipts(moves) => {
            format!("other receipts {}", moves.iter().map(|moved| moved.number.as_str()).collect::<Vec<_>>().join(" "))
        }
        Finding::MissingReceipts(receipts) => format!("missing receipts {receipts:?}"),
        Finding::Forgotten(count) => format!("forgotten {count}"),
    }
}

#[test]
fn every_case_is_told_as_written() {
    let mut cases = 0;
    for text in CASES.split("\n= ").skip(1) {
        let (name, text) = text.split_once('\n').expect("a name");
        let (mut case, mut said) = (Case::default(), None);
        let mut wanted = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix("> ") {
                Some(line) => wanted.push(line.to_owned()),
                None => said = case.play(&line.split_whitespace().collect::<Vec<_>>()).or(said),
            }
        }
        assert_eq!(said.expect("totals"), wanted, "{name}");
        cases += 1;
    }
    assert!(cases >= 20, "cases are gone");
}

#[test]
fn a_receipt_number_is_read_from_a_unique_number_of_zvt_only() {
    for (unique, receipt) in [
        ("0042-000123", Some(42)),
        ("9999-", Some(9_999)),
        ("123456789012", None),
        ("", None),
        ("-000123", None),
        ("12-000123", None),
        ("00x2-000123", None),
    ] {
        assert_eq!(receipt_in(unique), receipt, "{unique}");
    }
}
