//! The dialogue against the simulated terminal on made-up time: whatever breaks, the verdict agrees with the books.

use crate::terminal_dialogue::{CARD_MS, WON, attempt};
use hospital_kiosk::domain::attempt::LastTransaction;
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::rehearsal::terminal::model::{Model, Out};
use hospital_kiosk::rehearsal::terminal::{CardAction, Fault};
use hospital_kiosk::terminal::smartro::dialogue::{Dialogue, Limits, Now, Step};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Paid,
    NotPaid,
    NeedsStaff,
}

#[derive(Debug, Clone)]
struct Day {
    seed: u64,
    card: Option<CardAction>,
    faults: Vec<Fault>,
    books: bool,
    keeps_last: bool,
    falls_back: bool,
    call_off_ms: Option<u64>,
    /// (index of the byte on the wire in either direction, what becomes of it)
    damage: Vec<(usize, Damage)>,
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Lost,
    Changed(u8),
}

struct World {
    day: Day,
    dialogue: Dialogue,
    model: Model,
    now_ms: u64,
    line_up: bool,
    bytes_sent: usize,
    to_kiosk: Vec<u8>,
    to_terminal: Vec<u8>,
    baseline: Option<LastTransaction>,
    charges: usize,
    verdict: Option<Verdict>,
    orders: Vec<TerminalCommand>,
}

impl World {
    fn new(day: Day) -> Self {
        let mut model = Model::new(day.seed);
        model.setup.silence_books = day.books;
        model.setup.unplug_books = day.books;
        model.setup.reboot_books = day.books;
        model.setup.keeps_last = day.keeps_last;
        model.setup.falls_back = day.falls_back;
        if let Some(card) = day.card {
            model.card(card);
        }
        for fault in &day.faults {
            model.fault(*fault);
        }
        let dialogue = Dialogue::new("KIOSK1114915545", Limits::new(3_000, 120_000));
        Self {
            day,
            dialogue,
            model,
            now_ms: 1,
            line_up: true,
            bytes_sent: 0,
            to_kiosk: Vec::new(),
            to_terminal: Vec::new(),
            baseline: None,
            charges: 0,
            verdict: None,
            orders: vec![TerminalCommand::Prepare],
        }
    }

    fn now(&self) -> Now {
        Now { ms: self.now_ms, stamp: *b"20261125100000" }
    }

    fn run(mut self) -> Result<Verdict, String> {
        let steps = self.dialogue.line_up(self.now());
        self.take(steps);
        let mut called_off = false;
        while self.verdict.is_none() {
            for order in std::mem::take(&mut self.orders) {
                let steps = self.dialogue.command(&order, self.now());
                self.take(steps);
            }
            if self.charges > 0 && !called_off && self.day.call_off_ms.is_some_and(|ms| self.now_ms >= ms) {
                called_off = true;
                let steps = self.dialogue.command(&TerminalCommand::CallOff, self.now());
                self.take(steps);
            }
            self.exchange_bytes();
            self.now_ms = self.next_ms();
            if self.now_ms > 400_000 {
                return Err("no verdict within 400 s".to_owned());
            }
        }
        let verdict = self.verdict.take().ok_or("no verdict")?;
        self.somebody_shows_a_card_afterwards();
        self.judge(verdict)
    }

    /// Whatever still stood on the terminal's display would be charged now.
    fn somebody_shows_a_card_afterwards(&mut self) {
        self.model.card(CardAction::Approve);
        let end_ms = self.now_ms + 20_000;
        while self.now_ms < end_ms {
            self.exchange_bytes();
            self.orders.clear();
            self.now_ms = self.next_ms();
        }
    }

    /// A millisecond later while bytes or orders are under way, else when something is due.
    fn next_ms(&self) -> u64 {
        let soon = self.now_ms + 1;
        if !self.to_terminal.is_empty() || !self.orders.is_empty() {
            return soon;
        }
        let due = [self.dialogue.deadline_ms(), self.model.deadline_ms(), self.day.call_off_ms];
        due.into_iter().flatten().filter(|due| *due > self.now_ms).min().unwrap_or(soon)
    }

    fn exchange_bytes(&mut self) {
        let heard = std::mem::take(&mut self.to_terminal);
        self.model.bytes(&heard, self.now_ms);
        for out in self.model.tick(self.now_ms) {
            match out {
                Out::Send(bytes) | Out::SendSlowly(bytes) => {
                    let bytes = self.damaged(&bytes);
                    self.to_kiosk.extend(bytes);
                }
                Out::LineDown => {
                    self.line_up = false;
                    self.to_kiosk.clear();
                    let steps = self.dialogue.line_down(self.now());
                    self.take(steps);
                }
                Out::LineUp => {
                    self.line_up = true;
                    let steps = self.dialogue.line_up(self.now());
                    self.take(steps);
                }
            }
        }
        let bytes = std::mem::take(&mut self.to_kiosk);
        if !bytes.is_empty() {
            let steps = self.dialogue.bytes(&bytes, self.now());
            self.take(steps);
        }
        if self.dialogue.deadline_ms().is_some_and(|due| due <= self.now_ms) {
            let steps = self.dialogue.tick(self.now());
            self.take(steps);
        }
    }

    fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut arrived = Vec::new();
        for byte in bytes {
            let damage = self.day.damage.iter().find(|(at, _)| *at == self.bytes_sent);
            match damage {
                Some((_, Damage::Lost)) => {}
                Some((_, Damage::Changed(flip))) => arrived.push(byte ^ flip),
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
                    self.charges += 1;
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

    /// What a journey would do, by the rules of money.
    fn report(&mut self, report: TerminalReport) {
        let attempt = attempt(1);
        match report {
            TerminalReport::Prepared { baseline } => {
                self.baseline = Some(baseline);
                self.orders.push(TerminalCommand::Charge { attempt, amount: WON, card_ms: CARD_MS });
            }
            TerminalReport::NotReady { .. } | TerminalReport::NeverSent { .. } => self.verdict = Some(Verdict::NotPaid),
            TerminalReport::Answered { transaction, .. } => {
                self.verdict = Some(if transaction.approved { Verdict::Paid } else { Verdict::NotPaid });
            }
            TerminalReport::NoAnswer { .. } => self.orders.push(TerminalCommand::AskOutcome { attempt }),
            TerminalReport::Outcome { first, second, host_reachable, maybe_restarted, .. } => {
                let certain = host_reachable && (!maybe_restarted || self.day.keeps_last);
                self.verdict = Some(self.resolve(&first, &second, certain));
            }
            TerminalReport::Online(_)
            | TerminalReport::CardStillIn
            | TerminalReport::CardSeen
            | TerminalReport::CardRemoved
            // Smartro's answers are final, and nothing is undone here.
            | TerminalReport::Confirmed { .. }
            | TerminalReport::Withdrawn { .. }
            | TerminalReport::Undone { .. }
            | TerminalReport::Totals(_)
            | TerminalReport::NoTotals { .. } => {}
        }
    }

    fn resolve(&self, first: &LastTransaction, second: &LastTransaction, certain: bool) -> Verdict {
        let (Some(LastTransaction::Known(before)), LastTransaction::Known(after)) = (&self.baseline, second) else {
            return Verdict::NeedsStaff;
        };
        if after != before && after.approved && after.amount == WON {
            Verdict::Paid
        } else if first == second && after == before && certain {
            Verdict::NotPaid
        } else {
            Verdict::NeedsStaff
        }
    }

    fn judge(&self, verdict: Verdict) -> Result<Verdict, String> {
        let seen = self.model.charges_seen();
        let booked = self.model.bookings.len();
        if self.charges > 1 || seen > 1 {
            return Err(format!("{} charges written, {seen} seen", self.charges));
        }
        let holds = match verdict {
            Verdict::Paid => booked == 1 && self.model.booked() == WON,
            Verdict::NotPaid => booked == 0,
            Verdict::NeedsStaff => true,
        };
        if holds { Ok(verdict) } else { Err(format!("{verdict:?}, but {booked} booked")) }
    }
}

const CARDS: [CardAction; 6] = [
    CardAction::Approve,
    CardAction::Decline,
    CardAction::Silence,
    CardAction::Late,
    CardAction::Unplug,
    CardAction::Reboot,
];
const FAULTS: [Fault; 12] = [
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
    Fault::AnswerIsOld,
];

fn any_day() -> impl Strategy<Value = Day> {
    let damage = prop_oneof![Just(Damage::Lost), (1..=255_u8).prop_map(Damage::Changed)];
    (
        any::<u64>(),
        proptest::option::weighted(0.9, proptest::sample::select(&CARDS[..])),
        proptest::collection::vec(proptest::sample::select(&FAULTS[..]), 0..4),
        any::<(bool, bool, bool)>(),
        proptest::option::of(0..20_000_u64),
        proptest::collection::vec((0..1_200_usize, damage), 0..2),
    )
        .prop_map(|(seed, card, faults, (books, keeps_last, falls_back), call_off_ms, damage)| Day {
            seed,
            card,
            faults,
            books,
            keeps_last,
            falls_back,
            call_off_ms,
            damage,
        })
}

#[test]
fn what_can_be_known_is_known() {
    use Verdict::{NeedsStaff, NotPaid, Paid};
    let cases: Vec<(Option<CardAction>, Vec<Fault>, bool, Verdict)> = vec![
        (Some(CardAction::Approve), vec![], true, Paid),
        (Some(CardAction::Decline), vec![], true, NotPaid),
        (Some(CardAction::Late), vec![], true, Paid),
        (Some(CardAction::Silence), vec![], true, Paid),
        (Some(CardAction::Unplug), vec![], true, Paid),
        (Some(CardAction::Reboot), vec![], true, Paid),
        (Some(CardAction::Unplug), vec![], false, NotPaid),
        (Some(CardAction::Reboot), vec![], false, NotPaid),
        (Some(CardAction::Approve), vec![Fault::NakCharge], true, NotPaid),
        (Some(CardAction::Approve), vec![Fault::FlipAck], true, NotPaid),
        (Some(CardAction::Approve), vec![Fault::AnswerForOtherAmount], true, Paid),
        (Some(CardAction::Approve), vec![Fault::AnswerIsOld], true, Paid),
        (None, vec![], true, NotPaid),
    ];
    for (card, faults, books, verdict) in cases {
        let mut day = quiet_day(card, faults, books);
        let words = format!("{day:?}");
        assert_eq!(World::new(day.clone()).run(), Ok(verdict), "{words}");
        day.keeps_last = false;
        let lost = card == Some(CardAction::Reboot) || (card == Some(CardAction::Unplug) && !books);
        let without_memory = if lost { NeedsStaff } else { verdict };
        assert_eq!(World::new(day).run(), Ok(without_memory), "{words}, last transaction lost");
    }
}

/// A day whose terminal has `keeps_last` proved.
fn quiet_day(card: Option<CardAction>, faults: Vec<Fault>, books: bool) -> Day {
    let (keeps_last, falls_back) = (true, true);
    Day { seed: 7, card, faults, books, keeps_last, falls_back, call_off_ms: None, damage: Vec::new() }
}

#[test]
fn every_single_fault_with_every_card() {
    for card in CARDS.map(Some).into_iter().chain([None]) {
        for fault in FAULTS.map(Some).into_iter().chain([None]) {
            for (books, keeps_last) in [(true, true), (true, false), (false, true), (false, false)] {
                let mut day = quiet_day(card, Vec::from_iter(fault), books);
                day.keeps_last = keeps_last;
                let words = format!("{day:?}");
                World::new(day).run().unwrap_or_else(|broken| panic!("{broken}: {words}"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]
    #[test]
    fn the_verdict_agrees_with_the_books(day in any_day()) {
        let run = World::new(day).run();
        prop_assert!(run.is_ok(), "{}", run.unwrap_err());
    }
}
