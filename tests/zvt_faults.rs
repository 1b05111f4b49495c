//! The ZVT dialogue against the simulated terminal on made-up time: whatever breaks, the verdict agrees with the books.

use crate::terminal_dialogue::{CARD_MS, WON, attempt};
use hospital_kiosk::domain::attempt::{Booking, LastTransaction};
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::rehearsal::terminal::zvt::{Fault, Model};
use hospital_kiosk::rehearsal::terminal::{CardAction, Out};
use hospital_kiosk::terminal::dialogue::{Dialogue as _, Now, Step};
use hospital_kiosk::terminal::zvt::dialogue::{Dialogue, Limits};
use hospital_kiosk::terminal::zvt::request::Merchant;
use proptest::prelude::*;

pub const MERCHANT: Merchant = Merchant { password: [0x12, 0x34, 0x56], currency: [0x09, 0x78], terminal: None };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Paid,
    NotPaid,
    NeedsStaff,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct Day {
    seed: u64,
    /// The terminal hangs on the network. Damage there is the end of the connection: TCP loses and changes nothing.
    network: bool,
    card: Option<CardAction>,
    faults: Vec<Fault>,
    reboot_books: bool,
    keeps_last: bool,
    falls_back: bool,
    /// How long the kiosk's disk takes to keep an approval; `None`: it cannot be kept.
    keep_ms: Option<u64>,
    call_off_ms: Option<u64>,
    /// The kiosk is killed and started anew so long after it wrote the charge.
    restart_ms: Option<u64>,
    /// (index of the byte on the wire in either direction, what becomes of it)
    damage: Vec<(usize, Damage)>,
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Lost,
    Changed(u8),
}

#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
struct World {
    day: Day,
    dialogue: Dialogue,
    model: Model,
    now_ms: u64,
    line_up: bool,
    /// The terminal can be reached; the connection broke; it is opened again then.
    reachable: bool,
    broken: bool,
    reopen_at_ms: Option<u64>,
    bytes_sent: usize,
    to_kiosk: Vec<u8>,
    to_terminal: Vec<u8>,
    baseline: Option<LastTransaction>,
    charges: usize,
    charged_at_ms: Option<u64>,
    answers: usize,
    restarted: bool,
    decided: Option<bool>,
    verdict: Option<Verdict>,
    asks: usize,
    /// What the till wants said, and when.
    orders: Vec<(u64, TerminalCommand)>,
}

/// As the driver opens a lost line again.
const REOPEN_MS: u64 = 250;

fn dialogue(network: bool) -> Dialogue {
    let dialogue = Dialogue::new(MERCHANT, Limits::new(3_000, 120_000));
    if network { dialogue.on_network() } else { dialogue }
}

impl World {
    fn new(day: Day) -> Self {
        let mut model = Model::new(day.seed);
        model.setup.network = day.network;
        model.setup.reboot_books = day.reboot_books;
        model.setup.keeps_last = day.keeps_last;
        model.setup.falls_back = day.falls_back;
        if let Some(card) = day.card {
            model.card(card);
        }
        for fault in &day.faults {
            model.fault(*fault);
        }
        Self {
            dialogue: dialogue(day.network),
            day,
            model,
            now_ms: 1,
            line_up: true,
            reachable: true,
            broken: false,
            reopen_at_ms: None,
            bytes_sent: 0,
            to_kiosk: Vec::new(),
            to_terminal: Vec::new(),
            baseline: None,
            charges: 0,
            charged_at_ms: None,
            answers: 0,
            restarted: false,
            decided: None,
            verdict: None,
            asks: 0,
            orders: vec![(1, TerminalCommand::Prepare)],
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
            self.give_orders();
            if self.charges > 0 && !called_off && self.day.call_off_ms.is_some_and(|ms| self.now_ms >= ms) {
                called_off = true;
                let steps = self.dialogue.command(&TerminalCommand::CallOff, self.now());
                self.take(steps);
            }
            self.restart_if_due();
            self.exchange_bytes();
            self.now_ms = self.next_ms();
            if self.now_ms > 900_000 {
                return Err("no verdict within 900 s".to_owned());
            }
        }
        let verdict = self.verdict.take().ok_or("no verdict")?;
        self.somebody_shows_a_card_afterwards();
        self.judge(verdict)
    }

    fn give_orders(&mut self) {
        let due: Vec<_> = self.orders.extract_if(.., |(at_ms, _)| *at_ms <= self.now_ms).collect();
        for (_, order) in due {
            let steps = self.dialogue.command(&order, self.now());
            self.take(steps);
        }
    }

    /// All the kiosk knows is in its journal: it has no dialogue left, and asks.
    fn restart_if_due(&mut self) {
        let due = self.day.restart_ms.zip(self.charged_at_ms).is_some_and(|(after, at)| self.now_ms >= at + after);
        if due {
            self.day.restart_ms = None;
            self.restarted = true;
            self.dialogue = dialogue(self.day.network);
            if self.day.network && self.line_up {
                self.reopen();
            }
            self.decided = None;
            self.orders = vec![(self.now_ms, TerminalCommand::AskOutcome { attempt: attempt(1) })];
            if self.line_up {
                let steps = self.dialogue.line_up(self.now());
                self.take(steps);
            }
        }
    }

    /// Whatever still stood on the terminal's display would be charged now; the next payment calls it off first.
    fn somebody_shows_a_card_afterwards(&mut self) {
        let steps = self.dialogue.command(&TerminalCommand::Prepare, self.now());
        self.take(steps);
        let end_ms = self.now_ms + 60_000;
        let mut shown = false;
        while self.now_ms < end_ms {
            if !shown && self.now_ms + 30_000 >= end_ms {
                shown = true;
                self.model.card(CardAction::Approve);
            }
            self.exchange_bytes();
            self.orders.clear();
            self.now_ms = self.next_ms();
        }
    }

    /// A millisecond later while bytes or orders are under way, else when something is due.
    fn next_ms(&self) -> u64 {
        let soon = self.now_ms + 1;
        if !self.to_terminal.is_empty() {
            return soon;
        }
        let restart = self.day.restart_ms.zip(self.charged_at_ms).map(|(after, at)| at + after);
        let call_off = self.day.call_off_ms.filter(|ms| *ms > self.now_ms);
        let orders = self.orders.iter().map(|(at_ms, _)| *at_ms).min();
        let reopen = self.reopen_at_ms.filter(|_| self.reachable);
        let due = [self.dialogue.deadline_ms(), self.model.deadline_ms(), call_off, restart, orders, reopen];
        due.into_iter().flatten().map(|due| due.max(soon)).min().unwrap_or(self.now_ms + 1_000)
    }

    /// What is on its way arrives nowhere.
    fn reopen(&mut self) {
        self.to_kiosk.clear();
        self.to_terminal.clear();
        self.model.hung_up(self.now_ms);
        self.line_up = false;
        self.reopen_at_ms = Some(self.now_ms + REOPEN_MS);
    }

    fn hang_up(&mut self) {
        self.reopen();
        let steps = self.dialogue.line_down(self.now());
        self.take(steps);
    }

    fn reopen_if_due(&mut self) {
        if self.reachable && self.reopen_at_ms.is_some_and(|due| due <= self.now_ms) {
            self.reopen_at_ms = None;
            self.line_up = true;
            let steps = self.dialogue.line_up(self.now());
            self.take(steps);
        }
    }

    fn exchange_bytes(&mut self) {
        self.reopen_if_due();
        let heard = std::mem::take(&mut self.to_terminal);
        self.model.bytes(&heard, self.now_ms);
        for out in self.model.tick(self.now_ms) {
            match out {
                Out::Send(_) | Out::SendSlowly(_) if self.day.network && !self.line_up => {}
                Out::Send(bytes) | Out::SendSlowly(bytes) => {
                    let bytes = self.damaged(&bytes);
                    self.to_kiosk.extend(bytes);
                }
                Out::LineDown => {
                    (self.line_up, self.reachable, self.reopen_at_ms) = (false, false, None);
                    self.to_kiosk.clear();
                    self.to_terminal.clear();
                    let steps = self.dialogue.line_down(self.now());
                    self.take(steps);
                }
                Out::LineUp => {
                    (self.line_up, self.reachable, self.reopen_at_ms) = (true, true, None);
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
        if std::mem::take(&mut self.broken) {
            let heard = std::mem::take(&mut self.to_terminal);
            self.model.bytes(&heard, self.now_ms);
            self.hang_up();
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
            if damage.is_some() && self.day.network {
                self.bytes_sent += 1;
                (self.broken, self.line_up) = (true, false);
                return arrived;
            }
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
                    self.charged_at_ms.get_or_insert(self.now_ms);
                    self.send(&bytes);
                }
                Step::Report(report) => self.report(report),
                Step::HangUp(_) => self.hang_up(),
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
        if self.verdict.is_some() {
            return;
        }
        let attempt = attempt(1);
        let soon = self.now_ms + 1;
        match report {
            TerminalReport::Prepared { baseline } => {
                self.baseline = Some(baseline);
                self.orders.push((soon, TerminalCommand::Charge { attempt, amount: WON, card_ms: CARD_MS }));
            }
            TerminalReport::NotReady { .. } | TerminalReport::NeverSent { .. } => self.verdict = Some(Verdict::NotPaid),
            TerminalReport::Answered { transaction, booking: Booking::Unconfirmed, .. } => {
                self.answers += 1;
                let keep_ms = self.day.keep_ms.filter(|_| transaction.amount == WON);
                self.decided = Some(keep_ms.is_some());
                self.orders.push(match keep_ms {
                    Some(keep_ms) => (soon + keep_ms, TerminalCommand::Confirm { attempt }),
                    None => (soon, TerminalCommand::Refuse { attempt }),
                });
            }
            TerminalReport::Answered { transaction, .. } => {
                let code = transaction.decline.map(|decline| decline.code);
                if code.as_deref() == Some("6C") {
                    self.ask(soon);
                } else {
                    self.verdict = Some(Verdict::NotPaid);
                }
            }
            TerminalReport::Confirmed { .. } => self.verdict = Some(Verdict::Paid),
            TerminalReport::Withdrawn { .. } if self.decided == Some(false) => self.verdict = Some(Verdict::NotPaid),
            TerminalReport::Withdrawn { .. } | TerminalReport::NoAnswer { .. } => self.ask(soon),
            TerminalReport::Outcome { first, second, host_reachable, maybe_restarted, .. } => {
                let certain = host_reachable && (!maybe_restarted || self.day.keeps_last);
                let unknown = [&first, &second].contains(&&LastTransaction::Unknown);
                if unknown && self.asks < 5 {
                    return self.ask(self.now_ms + 2_000);
                }
                self.verdict = Some(self.resolve(&first, &second, certain));
            }
            TerminalReport::Online(_)
            | TerminalReport::CardStillIn
            | TerminalReport::CardSeen
            | TerminalReport::CardRemoved
            | TerminalReport::Undone { .. }
            | TerminalReport::Totals(_)
            | TerminalReport::NoTotals { .. } => {}
        }
    }

    fn ask(&mut self, at_ms: u64) {
        self.asks += 1;
        self.orders.push((at_ms, TerminalCommand::AskOutcome { attempt: attempt(1) }));
    }

    fn resolve(&self, first: &LastTransaction, second: &LastTransaction, certain: bool) -> Verdict {
        let (Some(LastTransaction::Known(before)), LastTransaction::Known(after)) = (&self.baseline, second) else {
            return Verdict::NeedsStaff;
        };
        if first == second && after != before && after.approved && after.amount == WON {
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
        if self.answers > 1 && !self.restarted {
            return Err(format!("an approval was reported {} times", self.answers));
        }
        let holds = match verdict {
            Verdict::Paid => booked == 1 && self.model.booked() == WON,
            Verdict::NotPaid => booked == 0,
            Verdict::NeedsStaff => true,
        };
        if holds { Ok(verdict) } else { Err(format!("{verdict:?}, but {booked} booked")) }
    }
}

const CARDS: [CardAction; 7] = [
    CardAction::Approve,
    CardAction::Decline,
    CardAction::Silence,
    CardAction::Late,
    CardAction::TimesOut,
    CardAction::Unplug,
    CardAction::Reboot,
];
const FAULTS: [Fault; 15] = [
    Fault::NakCharge,
    Fault::FlipAck,
    Fault::DropAck,
    Fault::BusyOnce,
    Fault::CorruptResult,
    Fault::ResultTwice,
    Fault::SplitResult,
    Fault::ResultAgain,
    Fault::OtherAmount,
    Fault::OldResult,
    Fault::EmptyLast,
    Fault::AbortAfterConfirm,
    Fault::RebootBeforeBooking,
    Fault::RebootAfterBooking,
    Fault::SilentAfterBooking,
];

fn any_day() -> impl Strategy<Value = Day> {
    let damage = prop_oneof![Just(Damage::Lost), (1..=255_u8).prop_map(Damage::Changed)];
    let times = (
        proptest::option::weighted(0.9, prop_oneof![Just(5_u64), 0..8_000_u64]),
        proptest::option::weighted(0.3, 0..20_000_u64),
        proptest::option::weighted(0.2, 0..4_000_u64),
    );
    (
        any::<u64>(),
        proptest::option::weighted(0.9, proptest::sample::select(&CARDS[..])),
        proptest::collection::vec(proptest::sample::select(&FAULTS[..]), 0..4),
        any::<(bool, bool, bool, bool)>(),
        times,
        proptest::collection::vec((0..600_usize, damage), 0..3),
    )
        .prop_map(|(seed, card, faults, (reboot_books, keeps_last, falls_back, network), times, damage)| Day {
            seed,
            network,
            card,
            faults,
            reboot_books,
            keeps_last,
            falls_back,
            keep_ms: times.0,
            call_off_ms: times.1,
            restart_ms: times.2,
            damage,
        })
}

/// A day whose terminal has `keeps_last` proved.
fn quiet_day(card: Option<CardAction>, faults: Vec<Fault>) -> Day {
    Day {
        seed: 7,
        network: false,
        card,
        faults,
        reboot_books: false,
        keeps_last: true,
        falls_back: true,
        keep_ms: Some(5),
        call_off_ms: None,
        restart_ms: None,
        damage: Vec::new(),
    }
}

#[test]
fn what_can_be_known_is_known() {
    use Verdict::{NotPaid, Paid};
    let cases: Vec<(Option<CardAction>, Vec<Fault>, Verdict)> = vec![
        (Some(CardAction::Approve), vec![], Paid),
        (Some(CardAction::Decline), vec![], NotPaid),
        (Some(CardAction::Late), vec![], Paid),
        (Some(CardAction::Silence), vec![], NotPaid),
        (Some(CardAction::Unplug), vec![], NotPaid),
        (Some(CardAction::Reboot), vec![], NotPaid),
        (Some(CardAction::Approve), vec![Fault::NakCharge], NotPaid),
        // In doubt at once, so it is called off before a card is shown.
        (Some(CardAction::Approve), vec![Fault::FlipAck], NotPaid),
        (Some(CardAction::Approve), vec![Fault::DropAck], Paid),
        (Some(CardAction::Approve), vec![Fault::BusyOnce], Paid),
        (Some(CardAction::Approve), vec![Fault::CorruptResult], Paid),
        (Some(CardAction::Approve), vec![Fault::ResultTwice], Paid),
        (Some(CardAction::Approve), vec![Fault::ResultAgain], Paid),
        (Some(CardAction::Approve), vec![Fault::OtherAmount], NotPaid),
        (Some(CardAction::Approve), vec![Fault::AbortAfterConfirm], NotPaid),
        (Some(CardAction::Approve), vec![Fault::RebootBeforeBooking], NotPaid),
        (Some(CardAction::Approve), vec![Fault::RebootAfterBooking], Paid),
        (Some(CardAction::Approve), vec![Fault::SilentAfterBooking], Paid),
        // It says once that it has none, and is asked again.
        (Some(CardAction::Approve), vec![Fault::EmptyLast, Fault::SilentAfterBooking], Paid),
        (None, vec![], NotPaid),
    ];
    for (card, faults, verdict) in cases {
        let on_network = match faults[..] {
            // Nothing is acknowledged there.
            [Fault::FlipAck] => Paid,
            // The connection ends within the result, and with it the sale.
            [Fault::CorruptResult] => NotPaid,
            _ => verdict,
        };
        for (network, verdict) in [(false, verdict), (true, on_network)] {
            let day = Day { network, ..quiet_day(card, faults.clone()) };
            let words = format!("{day:?}");
            assert_eq!(World::new(day).run(), Ok(verdict), "{words}");
        }
    }
}

/// A connection that ends at any byte, in either direction, is silence: in doubt, and asked about. Nothing is sent twice.
#[test]
fn a_connection_lost_at_any_byte_is_found_out_about() {
    let mut verdicts = [0, 0, 0];
    for card in [CardAction::Approve, CardAction::Decline] {
        for keeps_last in [true, false] {
            for at in 0..400 {
                let mut day = Day { network: true, keeps_last, ..quiet_day(Some(card), vec![]) };
                day.damage = vec![(at, Damage::Lost)];
                let words = format!("{day:?}");
                let verdict = World::new(day).run().unwrap_or_else(|broken| panic!("{broken}: {words}"));
                verdicts[verdict as usize] += 1;
            }
        }
    }
    assert!(verdicts.iter().all(|count| *count > 20), "paid, not paid, for staff: {verdicts:?}");
}

#[test]
fn an_approval_that_cannot_be_kept_is_undone_and_a_slow_disk_is_waited_for() {
    let mut day = quiet_day(Some(CardAction::Approve), vec![]);
    day.keep_ms = None;
    assert_eq!(World::new(day.clone()).run(), Ok(Verdict::NotPaid));
    for keep_ms in [900, 1_100, 2_500, 8_000, 20_000] {
        day.keep_ms = Some(keep_ms);
        assert_eq!(World::new(day.clone()).run(), Ok(Verdict::Paid), "kept after {keep_ms} ms");
    }
    // Longer than the terminal waits: it undoes the sale, and nothing else is concluded.
    day.keep_ms = Some(45_000);
    assert_ne!(World::new(day).run(), Ok(Verdict::Paid));
}

#[test]
fn a_kiosk_killed_at_any_moment_finds_out() {
    for card in CARDS {
        for restart_ms in (0..1_200).step_by(13) {
            for network in [false, true] {
                let mut day = Day { network, ..quiet_day(Some(card), vec![]) };
                day.restart_ms = Some(restart_ms);
                let words = format!("{day:?}");
                World::new(day).run().unwrap_or_else(|broken| panic!("{broken}: {words}"));
            }
        }
    }
}

#[test]
fn every_single_fault_with_every_card() {
    for card in CARDS.map(Some).into_iter().chain([None]) {
        for fault in FAULTS.map(Some).into_iter().chain([None]) {
            for (reboot_books, keeps_last) in [(true, true), (true, false), (false, true), (false, false)] {
                for network in [false, true] {
                    let mut day = Day { network, ..quiet_day(card, Vec::from_iter(fault)) };
                    day.reboot_books = reboot_books;
                    day.keeps_last = keeps_last;
                    let words = format!("{day:?}");
                    World::new(day).run().unwrap_or_else(|broken| panic!("{broken}: {words}"));
                }
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
