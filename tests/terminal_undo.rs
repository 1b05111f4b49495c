//! `C`, word for word, and against the simulated terminal: whatever breaks, what is said of an undo agrees with the books.

use crate::terminal_dialogue::{CARD_MS, Stage, WON, attempt, declined, frame, reply, sale};
use crate::zvt_vectors::bytes;
use hospital_kiosk::domain::attempt::CardTransaction;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::terminal::{Stands, TerminalCommand, TerminalReport, UndoAnswer, UndoWay};
use hospital_kiosk::rehearsal::terminal::model::{Model, Out};
use hospital_kiosk::rehearsal::terminal::{CardAction, Fault};
use hospital_kiosk::terminal::smartro::dialogue::{Dialogue, Limits, Now, Step};
use hospital_kiosk::terminal::smartro::packet::{CancelType, Frame, cancel_data};
use proptest::prelude::*;

const STAMP: [u8; 14] = *b"20261125100000";
const LIMIT_MS: u64 = 400_000;

fn booking(approval: &str) -> CardTransaction {
    CardTransaction {
        approved: true,
        amount: WON,
        approval_number: approval.to_owned(),
        masked_card: "123456**********".to_owned(),
        issuer: String::new(),
        acquirer: String::new(),
        terminal_time: "20261125100000".to_owned(),
        unique_number: String::new(),
        merchant_number: String::new(),
        decline: None,
    }
}

fn undo(number: u128, way: UndoWay) -> TerminalCommand {
    TerminalCommand::Undo {
        undo: attempt(number),
        transaction: Box::new(booking("30012345")),
        way,
        is_newest: true,
        stands: Stands::Surely,
        card_ms: CARD_MS,
    }
}

/// The terminal's answer when nothing was cancelled, for a card whose last sale was of `amount`.
fn nothing_cancelled(amount: i64, why: u8) -> Vec<u8> {
    nothing_cancelled_at("20261125100000", amount, why)
}

fn nothing_cancelled_at(time: &str, amount: i64, why: u8) -> Vec<u8> {
    let mut data = format!("11{:0>20}{time:<14}{amount:08}{:08}", "123456**********", 0).into_bytes();
    data.push(why);
    data
}

#[test]
fn the_57_bytes_name_the_sale() {
    let sale = booking("30012345");
    for (kind, wanted) in
        [(CancelType::WithCard, "1"), (CancelType::NamedWithoutCard, "3"), (CancelType::PreviousWithoutCard, "6")]
    {
        let data = String::from_utf8(cancel_data(kind, &sale).unwrap()).unwrap();
        assert_eq!(data, format!("{wanted}100000051000000000000000000001{:<12}20261125100000", "30012345"));
        assert_eq!(data.len(), 57, "with the signature's byte");
    }
    for broken in [
        CardTransaction { approval_number: String::new(), ..sale.clone() },
        CardTransaction { approval_number: "3001234567890".to_owned(), ..sale.clone() },
        CardTransaction { terminal_time: "2026112510000".to_owned(), ..sale.clone() },
        CardTransaction { terminal_time: "2026-11-251000".to_owned(), ..sale.clone() },
        CardTransaction { amount: Amount(0), ..sale },
    ] {
        assert_eq!(cancel_data(CancelType::WithCard, &broken), None);
    }
}

const FRAMES: &str = include_str!("data/smartro.tsv");

/// What another driver sends for a sale of long ago (`C` 1), byte for byte but for the VAT, which we never name (at 12..20):
/// its approval number, its date and its time.
#[test]
fn a_sale_of_an_earlier_day_is_named_by_its_own_date_as_another_driver_does() {
    let row = FRAMES.lines().find(|line| line.starts_with("cancel_C1_1004")).expect("a recorded cancellation");
    let mut recorded = Frame::parse(&bytes(row.split('\t').nth(2).expect("a frame"))).expect("a frame");
    assert_eq!(&recorded.data[43..57], b"20260102030409", "its date and time");
    recorded.data[12..20].fill(b'0');

    let sale =
        CardTransaction { amount: Amount(1_004), terminal_time: "20260102030409".to_owned(), ..booking("30012345") };
    let data = cancel_data(CancelType::WithCard, &sale).expect("a sale that can be named");
    let ours = Frame::request(b'C', "KIOSK1114915545", recorded.stamp, data);
    assert_eq!(ours.encode(), recorded.encode());

    let mut stage = Stage::ready();
    let (transaction, way) = (Box::new(sale), UndoWay::WithCard);
    let (undo, is_newest, stands) = (attempt(9), false, Stands::Surely);
    stage.command(&TerminalCommand::Undo { undo, transaction, way, is_newest, stands, card_ms: CARD_MS });
    assert_eq!((stage.said(), stage.charge.clone()), ("C".to_owned(), recorded.data));
    stage.hear(&reply(b'c', &crate::terminal_dialogue::sale(Amount(1_004), "30012345")));
    assert_eq!(stage.told(), "undone: Reversed");
}

/// "Cancelled before" is said of the last sale of the card that was shown: one of another day is another sale.
#[test]
fn cancelled_before_is_believed_of_a_sale_of_that_time_only() {
    for (time, wanted) in [
        ("20261125100000", "undone: AlreadyReversed"),
        // It tells no time.
        ("00000000000000", "undone: AlreadyReversed"),
        ("", "undone: AlreadyReversed"),
        ("20261124100000", "undone: Unlike"),
        ("20261125100001", "undone: Unlike"),
        ("?", "undone: Unlike"),
    ] {
        let mut stage = Stage::ready();
        stage.command(&undo(9, UndoWay::WithCard));
        stage.said();
        stage.hear(&reply(b'd', &nothing_cancelled_at(time, 5_100, b'X')));
        let told = stage.told();
        assert!(told.contains(wanted), "{time:?}: {told}");
    }
}

#[test]
fn answers_to_an_undo() {
    let reversed = reply(b'c', &sale(WON, "40054321"));
    let mut corrupt = frame(b'c', &sale(WON, "40054321"));
    corrupt[60] ^= 0x01;
    let cases: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        ("cancelled", vec![reversed.clone()], "undone: Reversed"),
        ("byte by byte", reversed.chunks(1).map(<[u8]>::to_vec).collect(), "undone: Reversed"),
        ("broken, then repeated", vec![corrupt, frame(b'c', &sale(WON, "40054321"))], "undone: Reversed"),
        ("refused", vec![reply(b'c', &declined("B5"))], "undone: Refused { code: \"B5\""),
        ("before", vec![reply(b'd', &nothing_cancelled(5_100, b'X'))], "undone: AlreadyReversed"),
        ("another sale before", vec![reply(b'd', &nothing_cancelled(700, b'X'))], "undone: Refused"),
        ("none", vec![reply(b'd', &nothing_cancelled(0, b'0'))], "undone: Refused"),
        ("a sale", vec![reply(b'd', &nothing_cancelled(5_100, b'O'))], "undone: Refused"),
        ("nonsense", vec![reply(b'd', b"?")], "no answer"),
        ("another amount", vec![reply(b'c', &sale(Amount(7), "40054321"))], "no answer"),
        ("the last sale in its place", vec![reply(b'c', &sale(WON, "OLD"))], "undone: Unlike"),
        ("NAK", vec![vec![0x15]], "no answer"),
        ("silence", vec![], "no answer"),
        ("a charge's answer", vec![reply(b'b', &sale(WON, "40054321"))], "no answer"),
    ];
    for (name, heard, wanted) in cases {
        let mut stage = Stage::ready();
        stage.command(&undo(9, UndoWay::WithCard));
        assert_eq!(stage.said(), "C", "{name}");
        for bytes in heard {
            stage.hear(&bytes);
        }
        stage.wait(130_000);
        let told = stage.told();
        assert!(told.contains(wanted), "{name}: {told}");
        assert_eq!(told.matches("undone").count() + told.matches("no answer").count(), 1, "{name}: {told}");
        stage.said();
        stage.command(&undo(9, UndoWay::WithCard));
        assert_eq!((stage.said(), stage.charges), (String::new(), 1), "{name}: never sent twice");
        assert!(stage.told().contains("never sent twice"), "{name}");
    }
}

#[test]
fn an_undo_needs_a_prepare_and_a_line() {
    let mut stage = Stage::ready();
    stage.command(&undo(9, UndoWay::WithoutCard));
    stage.hear(&reply(b'c', &sale(WON, "30012345")));
    assert_eq!(stage.told(), "undone: Reversed");
    stage.command(&undo(10, UndoWay::WithoutCard));
    assert!(stage.told().contains("never sent"), "each Prepare serves one money command");

    let mut stage = Stage::ready();
    stage.unplug();
    stage.command(&undo(9, UndoWay::WithoutCard));
    assert!(stage.told().contains("never sent"));

    let mut stage = Stage::ready();
    stage.command(&undo(9, UndoWay::WithoutCard));
    stage.hear(&[0x06]);
    stage.unplug();
    assert!(stage.told().contains("no answer: the line to the card terminal vanished"));
    stage.plug_in();
    stage.hear(&frame(b'c', &sale(WON, "30012345")));
    assert!(stage.told().contains("undone: Reversed"), "a late answer still counts");
    stage.hear(&frame(b'c', &sale(WON, "30012345")));
    assert_eq!(stage.told(), "", "once");
}

/// A terminal that takes back its last sale, whichever is named, may tell it or may tell a number of its own.
#[test]
fn what_was_given_back_must_be_named_or_be_the_last() {
    let before = reply(b'd', &nothing_cancelled(5_100, b'X'));
    for (name, way, heard, wanted) in [
        ("named", UndoWay::WithoutCard, reply(b'c', &sale(WON, "30012345")), "undone: Reversed"),
        ("a number of its own", UndoWay::WithoutCard, reply(b'c', &sale(WON, "40054321")), "undone: Unlike"),
        ("no number", UndoWay::WithoutCard, reply(b'c', &sale(WON, "")), "undone: Unlike"),
        ("before, without the card", UndoWay::WithoutCard, before.clone(), "undone: Unlike"),
        (
            "a number of its own, with the card",
            UndoWay::WithCard,
            reply(b'c', &sale(WON, "40054321")),
            "undone: Reversed",
        ),
        ("before, with the card", UndoWay::WithCard, before, "undone: AlreadyReversed"),
    ] {
        let mut stage = Stage::ready();
        stage.command(&undo(9, way));
        stage.said();
        stage.hear(&heard);
        let told = stage.told();
        assert!(told.contains(wanted), "{name}: {told}");
    }
}

/// A terminal may tell an older sale than its last (seen after a restart): the journal knows better.
#[test]
fn the_last_by_the_terminals_word_alone_is_not_the_last() {
    for (is_newest, number, kind, wanted) in [
        (true, "40054321", b'6', "undone: Reversed"),
        (true, "", b'6', "undone: Reversed"),
        (false, "40054321", b'3', "undone: Unlike"),
        (false, "", b'3', "undone: Unlike"),
        (false, "30012345", b'3', "undone: Reversed"),
    ] {
        let mut last = sale(WON, "30012345");
        last[62..76].copy_from_slice(b"20261125100000");
        let mut stage = Stage::ready_after(&last);
        let way = UndoWay::WithoutCard;
        let transaction = Box::new(booking("30012345"));
        let (undo, stands) = (attempt(9), Stands::Surely);
        stage.command(&TerminalCommand::Undo { undo, transaction, way, is_newest, stands, card_ms: CARD_MS });
        assert_eq!(stage.charge.first(), Some(&kind), "{is_newest} {number:?}");
        stage.hear(&reply(b'c', &sale(WON, number)));
        let told = stage.told();
        assert!(told.contains(wanted), "{is_newest} {number:?}: {told}");
    }
}

#[derive(Debug, Clone)]
struct Day {
    seed: u64,
    card: CardAction,
    way: UndoWay,
    faults: Vec<Fault>,
    books: bool,
    damage: Vec<(usize, Option<u8>)>,
}

/// A sale that went well, and then an undo of it on a bad line.
struct World {
    day: Day,
    dialogue: Dialogue,
    model: Model,
    now_ms: u64,
    line_up: bool,
    to_terminal: Vec<u8>,
    undoing: bool,
    bytes_sent: usize,
    money_frames: usize,
    orders: Vec<TerminalCommand>,
    verdict: Option<TerminalReport>,
}

impl World {
    fn new(day: Day) -> Self {
        let mut model = Model::new(day.seed);
        model.setup.silence_books = day.books;
        model.setup.unplug_books = day.books;
        model.setup.reboot_books = day.books;
        model.setup.time_out_books = day.books;
        model.card(CardAction::Approve);
        Self {
            day,
            dialogue: Dialogue::new("KIOSK1114915545", Limits::new(3_000, 120_000)),
            model,
            now_ms: 1,
            line_up: true,
            to_terminal: Vec::new(),
            undoing: false,
            bytes_sent: 0,
            money_frames: 0,
            orders: vec![TerminalCommand::Prepare],
            verdict: None,
        }
    }

    fn now(&self) -> Now {
        Now { ms: self.now_ms, stamp: STAMP }
    }

    fn run(mut self) -> Result<TerminalReport, String> {
        let steps = self.dialogue.line_up(self.now());
        self.take(steps);
        while self.verdict.is_none() {
            self.turn();
            if self.now_ms > LIMIT_MS {
                return Err("no verdict".to_owned());
            }
        }
        let verdict = self.verdict.take().ok_or("no verdict")?;
        // Whatever still stands on the terminal's display would be done now.
        let end = self.now_ms + 20_000;
        while self.now_ms < end {
            self.turn();
        }
        self.judge(self.verdict.clone().unwrap_or(verdict))
    }

    fn turn(&mut self) {
        for order in std::mem::take(&mut self.orders) {
            let steps = self.dialogue.command(&order, self.now());
            self.take(steps);
        }
        let heard = std::mem::take(&mut self.to_terminal);
        self.model.bytes(&heard, self.now_ms);
        for out in self.model.tick(self.now_ms) {
            let steps = match out {
                Out::Send(bytes) | Out::SendSlowly(bytes) => {
                    let bytes = self.damaged(&bytes);
                    self.dialogue.bytes(&bytes, self.now())
                }
                Out::LineDown => {
                    self.line_up = false;
                    self.dialogue.line_down(self.now())
                }
                Out::LineUp => {
                    self.line_up = true;
                    self.dialogue.line_up(self.now())
                }
            };
            self.take(steps);
        }
        if self.dialogue.deadline_ms().is_some_and(|due| due <= self.now_ms) {
            let steps = self.dialogue.tick(self.now());
            self.take(steps);
        }
        let soon = self.now_ms + 1;
        let due = [self.dialogue.deadline_ms(), self.model.deadline_ms()];
        let due = due.into_iter().flatten().filter(|due| *due > self.now_ms).min().unwrap_or(soon);
        self.now_ms = if self.to_terminal.is_empty() && self.orders.is_empty() { due } else { soon };
    }

    fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        if !self.undoing {
            return bytes.to_vec();
        }
        let mut arrived = Vec::new();
        for byte in bytes {
            match self.day.damage.iter().find(|(at, _)| *at == self.bytes_sent) {
                Some((_, None)) => {}
                Some((_, Some(flip))) => arrived.push(byte ^ flip),
                None => arrived.push(*byte),
            }
            self.bytes_sent += 1;
        }
        arrived
    }

    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Write(bytes) => self.send(&bytes),
                Step::WriteCharge(bytes) => {
                    self.money_frames += 1;
                    self.send(&bytes);
                }
                Step::Report(report) => self.report(report),
                Step::HangUp(why) => panic!("nobody hangs up on a serial line: {why}"),
                Step::Tell(_) => {}
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.line_up {
            let bytes = self.damaged(bytes);
            self.to_terminal.extend(bytes);
        }
    }

    fn report(&mut self, report: TerminalReport) {
        match report {
            TerminalReport::Prepared { .. } if self.undoing => {
                let transaction = Box::new(self.sold());
                let way = self.day.way;
                self.orders.push(TerminalCommand::Undo {
                    undo: attempt(9),
                    transaction,
                    way,
                    is_newest: true,
                    stands: Stands::Surely,
                    card_ms: CARD_MS,
                });
            }
            TerminalReport::Prepared { .. } => {
                self.orders.push(TerminalCommand::Charge { attempt: attempt(1), amount: WON, card_ms: CARD_MS });
            }
            TerminalReport::Answered { .. } => {
                self.undoing = true;
                self.model.card(self.day.card);
                for fault in self.day.faults.clone() {
                    self.model.fault(fault);
                }
                self.orders.push(TerminalCommand::Prepare);
            }
            TerminalReport::Undone { .. }
            | TerminalReport::NoAnswer { .. }
            | TerminalReport::NeverSent { .. }
            | TerminalReport::NotReady { .. } => self.verdict = Some(report),
            TerminalReport::Online(_)
            | TerminalReport::CardStillIn
            | TerminalReport::CardSeen
            | TerminalReport::CardRemoved
            | TerminalReport::Confirmed { .. }
            | TerminalReport::Withdrawn { .. }
            | TerminalReport::Outcome { .. }
            | TerminalReport::Totals(_)
            | TerminalReport::NoTotals { .. } => {}
        }
    }

    fn sold(&self) -> CardTransaction {
        booking(&self.model.bookings[0].approval_number)
    }

    /// What is known must be true; a host that did not answer proves nothing (`doubtful_declines`).
    fn judge(&self, verdict: TerminalReport) -> Result<TerminalReport, String> {
        let given_back = self.model.reversals().len();
        let holds = match &verdict {
            TerminalReport::Undone { answer: UndoAnswer::Reversed | UndoAnswer::AlreadyReversed, .. } => {
                given_back == 1
            }
            TerminalReport::Undone { answer: UndoAnswer::Refused { code, .. }, .. } => code == "0C" || given_back == 0,
            TerminalReport::NeverSent { .. } | TerminalReport::NotReady { .. } => given_back == 0,
            _unknown => true,
        };
        if self.money_frames > 2 || self.model.bookings.len() != 1 {
            return Err(format!("{} money frames, {} bookings", self.money_frames, self.model.bookings.len()));
        }
        if holds { Ok(verdict) } else { Err(format!("{verdict:?}, but {given_back} given back")) }
    }
}

const CARDS: [CardAction; 7] = [
    CardAction::Approve,
    CardAction::Decline,
    CardAction::TimesOut,
    CardAction::Silence,
    CardAction::Late,
    CardAction::Unplug,
    CardAction::Reboot,
];
const FAULTS: [Fault; 11] = [
    Fault::NakCharge,
    Fault::FlipAck,
    Fault::DropAck,
    Fault::GlueAck,
    Fault::NoiseBeforeAnswer,
    Fault::NoiseAfterAnswer,
    Fault::SplitAnswer,
    Fault::OddEvents,
    Fault::CorruptAnswer,
    Fault::AnswerForOtherAmount,
    Fault::AnswerTwice,
];

#[test]
fn what_can_be_known_of_an_undo_is_known() {
    for way in [UndoWay::WithCard, UndoWay::WithoutCard] {
        for (card, reversed) in [(CardAction::Approve, true), (CardAction::Late, true), (CardAction::Decline, false)] {
            let day = Day { seed: 7, card, way, faults: vec![], books: true, damage: vec![] };
            let verdict = World::new(day).run().unwrap();
            let TerminalReport::Undone { answer, .. } = verdict else { panic!("{card:?}: {verdict:?}") };
            assert_eq!(answer == UndoAnswer::Reversed, reversed, "{card:?} {way:?}: {answer:?}");
        }
    }
}

#[test]
fn every_single_fault_of_an_undo_with_every_card() {
    for card in CARDS {
        for fault in FAULTS.map(Some).into_iter().chain([None]) {
            for (books, way) in [
                (true, UndoWay::WithCard),
                (true, UndoWay::WithoutCard),
                (false, UndoWay::WithCard),
                (false, UndoWay::WithoutCard),
            ] {
                let day = Day { seed: 7, card, way, faults: Vec::from_iter(fault), books, damage: vec![] };
                let words = format!("{day:?}");
                World::new(day).run().unwrap_or_else(|broken| panic!("{broken}: {words}"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]
    #[test]
    fn what_is_said_of_an_undo_agrees_with_the_books(
        seed in any::<u64>(),
        card in proptest::sample::select(&CARDS[..]),
        faults in proptest::collection::vec(proptest::sample::select(&FAULTS[..]), 0..4),
        (books, with_card) in any::<(bool, bool)>(),
        damage in proptest::collection::vec((0..1_200_usize, proptest::option::of(1..=255_u8)), 0..3),
    ) {
        let way = if with_card { UndoWay::WithCard } else { UndoWay::WithoutCard };
        let run = World::new(Day { seed, card, way, faults, books, damage }).run();
        prop_assert!(run.is_ok(), "{}", run.unwrap_err());
    }
}
