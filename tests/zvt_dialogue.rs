//! Who speaks when, word for word: `data/zvt/talks.txt`.

use crate::terminal_dialogue::{CARD_MS, WON, attempt};
use crate::zvt_faults::MERCHANT;
use crate::zvt_vectors::bytes;
use hospital_kiosk::domain::attempt::{Booking, CardTransaction, LastTransaction};
use hospital_kiosk::domain::terminal::TerminalTotals;
use hospital_kiosk::domain::terminal::{Stands, TerminalCommand, TerminalReport, UndoWay};
use hospital_kiosk::terminal::dialogue::{Dialogue as _, Now, Step};
use hospital_kiosk::terminal::zvt::apdu::Apdu;
use hospital_kiosk::terminal::zvt::dialogue::{Dialogue, Limits};
use hospital_kiosk::terminal::zvt::frame::{unwrap, wrap};
use hospital_kiosk::terminal::zvt::message::Message;
use hospital_kiosk::terminal::zvt::request::Merchant;
use hospital_kiosk::terminal::zvt::transaction::read;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

const TALKS: &str = include_str!("data/zvt/talks.txt");

struct Stage {
    /// The same talk over the network: bare messages, and nothing is acknowledged.
    network: bool,
    dialogue: Dialogue,
    ms: u64,
    said: VecDeque<String>,
}

impl Stage {
    fn now(&self) -> Now {
        Now { ms: self.ms, stamp: *b"20261125100000" }
    }

    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            let line = match step {
                Step::Write(bytes) if bytes == [0x06] => "ack".to_owned(),
                Step::Write(bytes) if bytes == [0x15] => "nak".to_owned(),
                Step::Write(bytes) => format!("kiosk {}", hex(&self.apdu(bytes))),
                Step::WriteCharge(bytes) => format!("charge {}", hex(&self.apdu(bytes))),
                Step::HangUp(_) => "hang-up".to_owned(),
                Step::Report(report) => format!("told {}", words(report)),
                Step::Tell(what) => format!("log {what}"),
            };
            self.said.push_back(line);
        }
    }

    fn apdu(&self, sent: Vec<u8>) -> Vec<u8> {
        if self.network { sent } else { unwrap(&sent).expect("a block") }
    }

    fn new_dialogue(network: bool, merchant: Merchant) -> Dialogue {
        let dialogue = Dialogue::new(merchant, Limits::new(3_000, 120_000));
        if network { dialogue.on_network() } else { dialogue }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let steps = self.dialogue.bytes(bytes, self.now());
        self.take(steps);
    }

    fn wait(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(due) = self.dialogue.deadline_ms().filter(|due| *due <= end) {
            let before = self.ms;
            self.ms = due.max(self.ms);
            let steps = self.dialogue.tick(self.now());
            let idle = steps.is_empty() && self.ms == before;
            self.take(steps);
            assert!(!idle || self.dialogue.deadline_ms() != Some(due), "a deadline that never passes");
        }
        self.ms = end;
    }

    fn order(&mut self, word: &str) {
        let attempt = attempt(1);
        let command = match word {
            "line-up" => {
                let steps = self.dialogue.line_up(self.now());
                return self.take(steps);
            }
            "line-up as 52523535" => {
                let merchant = Merchant { terminal: Some([0x52, 0x52, 0x35, 0x35]), ..MERCHANT };
                self.dialogue = Self::new_dialogue(self.network, merchant);
                return self.order("line-up");
            }
            "prepare" => TerminalCommand::Prepare,
            "charge" => TerminalCommand::Charge { attempt, amount: WON, card_ms: CARD_MS },
            "charge-again" => {
                TerminalCommand::Charge { attempt: crate::terminal_dialogue::attempt(2), amount: WON, card_ms: CARD_MS }
            }
            "confirm" => TerminalCommand::Confirm { attempt },
            "refuse" => TerminalCommand::Refuse { attempt },
            "call-off" => TerminalCommand::CallOff,
            "ask" => TerminalCommand::AskOutcome { attempt },
            "close-day" => TerminalCommand::EndOfDay,
            "undo" => undo(UndoWay::WithoutCard, true),
            // A payment began since.
            "undo-older" => undo(UndoWay::WithoutCard, false),
            "refund" => undo(UndoWay::WithCard, true),
            "refund-of-yesterday" => refund(Stands::Surely),
            "refund-maybe-gone" => refund(Stands::UnlessGone),
            "refund-maybe-never-booked" => refund(Stands::UnlessNeverBooked),
            other => panic!("no such order: {other}"),
        };
        let steps = self.dialogue.command(&command, self.now());
        self.take(steps);
    }
}

/// Of the sale of the talks, receipt 0012.
fn undo(way: UndoWay, is_newest: bool) -> TerminalCommand {
    let transaction = told("040f1c2700040000000051000b0000120c1000000d11254909788700121970");
    TerminalCommand::Undo { undo: attempt(1), transaction, way, is_newest, stands: Stands::Surely, card_ms: CARD_MS }
}

/// Of a sale of the day before, receipt 0007, with a card that ends in 4711.
fn refund(stands: Stands) -> TerminalCommand {
    let transaction =
        told("040f27 2700 04000000005100 0b000007 0c100000 0d1124 490978 870007 1970 22f0f8 eeeeeeeeeeee4711");
    let (way, is_newest) = (UndoWay::WithCard, false);
    TerminalCommand::Undo { undo: attempt(1), transaction, way, is_newest, stands, card_ms: CARD_MS }
}

fn told(result: &str) -> Box<CardTransaction> {
    let apdu = Apdu::parse(&bytes(result)).expect("an APDU");
    Box::new(read(&Message::read(&apdu).expect("a result"), b"20261125100000"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string");
        text
    })
}

fn sale(transaction: &CardTransaction) -> String {
    match &transaction.decline {
        Some(decline) => format!("declined {}", decline.code),
        // A reversal.
        None if !transaction.approved => "other".to_owned(),
        None => format!("approved {} {}", transaction.amount.0, transaction.unique_number),
    }
}

fn last(last: &LastTransaction) -> String {
    match last {
        LastTransaction::Empty => "empty".to_owned(),
        LastTransaction::Known(transaction) => sale(transaction),
        LastTransaction::Unknown => "unknown".to_owned(),
    }
}

fn words(report: TerminalReport) -> String {
    match report {
        TerminalReport::Online(online) => if online { "online" } else { "offline" }.to_owned(),
        TerminalReport::Prepared { baseline } => format!("prepared {}", last(&baseline)),
        TerminalReport::CardStillIn => "card-still-in".to_owned(),
        TerminalReport::NotReady { reason } => format!("not-ready {reason}"),
        TerminalReport::CardSeen => "card-seen".to_owned(),
        TerminalReport::CardRemoved => "card-removed".to_owned(),
        TerminalReport::Answered { transaction, booking, .. } => {
            let waits = if booking == Booking::Unconfirmed { " unconfirmed" } else { "" };
            format!("answered {}{waits}", sale(&transaction))
        }
        TerminalReport::Confirmed { .. } => "confirmed".to_owned(),
        TerminalReport::Withdrawn { .. } => "withdrawn".to_owned(),
        TerminalReport::NoAnswer { reason, .. } => format!("no-answer {reason}"),
        TerminalReport::NeverSent { reason, .. } => format!("never-sent {reason}"),
        TerminalReport::Outcome { first, second, host_reachable, maybe_restarted, .. } => {
            let same = if first == second { "same" } else { "different" };
            let ready = if host_reachable { "ready" } else { "not-ready" };
            let restarted = if maybe_restarted { "restarted" } else { "steady" };
            format!("outcome {same} {} {ready} {restarted}", last(&second))
        }
        TerminalReport::Undone { answer, .. } => format!("undone {answer:?}"),
        TerminalReport::Totals(totals) => {
            let TerminalTotals { count, amount, of_cards, receipts } = totals;
            format!("totals {count:?} {} of cards {:?} receipts {receipts:?}", amount.0, of_cards.map(|it| it.0))
        }
        TerminalReport::NoTotals { day, reason } => format!("no-totals {day:?} {reason}"),
    }
}

fn talks() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut talks: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut name = "";
    for line in TALKS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("= ") {
            Some(next) => name = next,
            None => talks.entry(name).or_default().push(line),
        }
    }
    talks
}

fn play(stage: &mut Stage, talks: &BTreeMap<&str, Vec<&str>>, name: &str) {
    play_lines(stage, talks, name);
    assert!(stage.said.is_empty(), "{name}: at the end the kiosk said {:?}", stage.said);
}

fn play_lines(stage: &mut Stage, talks: &BTreeMap<&str, Vec<&str>>, name: &str) {
    for line in &talks[name] {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let input = matches!(word, "do" | "term" | "bytes" | "wait");
        assert!(!input || stage.said.is_empty(), "{name}: before `{line}` the kiosk said {:?}", stage.said);
        match word {
            "use" => play_lines(stage, talks, rest),
            "do" => stage.order(rest),
            "term" if stage.network => stage.hear(&bytes(rest)),
            "term" => stage.hear(&wrap(&bytes(rest))),
            "ack" if stage.network => {}
            "bytes" => stage.hear(&bytes(rest)),
            "wait" => stage.wait(rest.parse().expect("milliseconds")),
            "kiosk" | "charge" | "kiosk!" | "charge!" => {
                let expected = format!("{} {}", word.trim_end_matches('!'), hex(&bytes(rest)));
                assert_eq!(stage.said.pop_front(), Some(expected), "{name}");
                if !word.ends_with('!') && !stage.network {
                    // Behind what was said already.
                    let said = std::mem::take(&mut stage.said);
                    stage.hear(&[0x06]);
                    let after = std::mem::replace(&mut stage.said, said);
                    stage.said.extend(after);
                }
            }
            "ack" | "nak" | "told" | "log" | "hang-up" => {
                assert_eq!(stage.said.pop_front().as_deref(), Some(*line), "{name}");
            }
            other => panic!("{name}: what is `{other}`?"),
        }
    }
}

#[test]
fn every_talk_goes_as_written() {
    let talks = talks();
    assert!(talks.len() >= 125, "talks are gone: {}", talks.len());
    let goes = |name: &str| goes(&talks, name, false);
    let wrong: Vec<_> =
        talks.keys().filter(|name| **name != "it is asked twice" && !is_of_the_network(name) && !goes(name)).collect();
    assert!(wrong.is_empty(), "{} do not go as written: {wrong:?}", wrong.len());
}

fn goes(talks: &BTreeMap<&str, Vec<&str>>, name: &str, network: bool) -> bool {
    let dialogue = Stage::new_dialogue(network, MERCHANT);
    let played = || play(&mut Stage { network, dialogue, ms: 1, said: VecDeque::new() }, talks, name);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(played)).is_ok()
}

/// True of a talk that is about the serial line itself: what is acknowledged there, and what becomes of broken blocks.
fn is_of_the_wire(talks: &BTreeMap<&str, Vec<&str>>, name: &str) -> bool {
    !is_of_the_network(name)
        && talks[name].iter().any(|line| match line.split_once(' ').unwrap_or((line, "")) {
            ("use", other) => is_of_the_wire(talks, other),
            (word, _) => matches!(word, "bytes" | "nak" | "kiosk!" | "charge!"),
        })
}

fn is_of_the_network(name: &str) -> bool {
    name.starts_with("network: ")
}

/// What is said is the same over the network, but for what the line itself says.
#[test]
fn every_talk_goes_over_the_network_too() {
    /// Part of others; and what the network ends in its own way.
    const OTHERWISE: [&str; 2] = ["it is asked twice", "a question that was swallowed is asked once more"];
    let talks = talks();
    let names: Vec<_> =
        talks.keys().filter(|name| !is_of_the_wire(&talks, name) && !OTHERWISE.contains(name)).collect();
    assert!(names.len() >= 100, "only {} talks", names.len());
    let wrong: Vec<_> = names.into_iter().filter(|name| !goes(&talks, name, true)).collect();
    assert!(wrong.is_empty(), "{} do not go as written: {wrong:#?}", wrong.len());
}
