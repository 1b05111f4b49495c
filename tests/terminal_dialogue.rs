//! Who speaks when, word for word.

use crate::terminal_vectors::recorded;
use hospital_kiosk::domain::attempt::{AttemptId, LastTransaction};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::terminal::TerminalCommand::{AskOutcome, CallOff, Charge, Prepare};
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::terminal::smartro::dialogue::{Dialogue, Limits, Now, Step};
use hospital_kiosk::terminal::smartro::packet::Frame;
use uuid::Uuid;

const ACK: &[u8] = &[0x06];
const NAK: &[u8] = &[0x15];
pub const WON: Amount = Amount(5_100);
const ANSWER_MS: u64 = 120_000;
pub const CARD_MS: u64 = 60_000;

pub fn attempt(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(number))
}

fn charge(number: u128) -> TerminalCommand {
    Charge { attempt: attempt(number), amount: WON, card_ms: CARD_MS }
}

pub fn frame(job: u8, data: &[u8]) -> Vec<u8> {
    frame_at(job, data, *b"20261125100000")
}

fn frame_at(job: u8, data: &[u8], stamp: [u8; 14]) -> Vec<u8> {
    Frame::request(job, "KIOSK1114915545", stamp, data.to_vec()).encode()
}

/// A sale of `amount` with approval number `approval`, as `b` or `l` carries it.
pub fn sale(amount: Amount, approval: &str) -> Vec<u8> {
    let mut data = Frame::parse(&recorded("resp_b_ok")).expect("a frame").data;
    data[22..32].copy_from_slice(format!("{:010}", amount.0).as_bytes());
    data[50..62].copy_from_slice(format!("{approval:<12}").as_bytes());
    data
}

pub fn declined(code: &str) -> Vec<u8> {
    let mut data = Frame::parse(&recorded("resp_b_reject")).expect("a frame").data;
    data[118..120].copy_from_slice(code.as_bytes());
    data
}

fn old_sale() -> Vec<u8> {
    sale(Amount(1_000), "OLD")
}

/// ACK and answer in one piece, as terminals like to send them.
pub fn reply(job: u8, data: &[u8]) -> Vec<u8> {
    [ACK, &frame(job, data)].concat()
}

pub struct Stage {
    dialogue: Dialogue,
    ms: u64,
    said: String,
    reports: Vec<String>,
    pub charges: usize,
    /// The data of the last of them.
    pub charge: Vec<u8>,
}

impl Stage {
    /// A terminal that has answered and rests.
    fn idle() -> Self {
        let dialogue = Dialogue::new("KIOSK1114915545", Limits::new(3_000, ANSWER_MS));
        let mut stage =
            Self { dialogue, ms: 0, said: String::new(), reports: Vec::new(), charges: 0, charge: Vec::new() };
        let steps = stage.dialogue.line_up(stage.now());
        stage.take(steps);
        stage.hear(&reply(b'v', b"TL3500_18041101TL3500_18041101TL3500_18041101"));
        assert_eq!((stage.said(), stage.told()), ("V+".to_owned(), "online".to_owned()));
        stage
    }

    pub fn ready() -> Self {
        let mut stage = Self::idle();
        stage.prepare();
        stage
    }

    /// Its last transaction is this one.
    pub fn ready_after(last: &[u8]) -> Self {
        let mut stage = Self::idle();
        stage.prepare_after(last);
        stage.said();
        stage.told();
        stage
    }

    fn prepare(&mut self) {
        self.prepare_after(&old_sale());
        assert_eq!((self.said(), self.told()), ("E+A+M+L+".to_owned(), "prepared 1000".to_owned()));
    }

    fn prepare_after(&mut self, last: &[u8]) {
        self.command(&Prepare);
        self.hear(&reply(b'e', b""));
        self.hear(&reply(b'a', b"OOON"));
        self.hear(&reply(b'm', b"X"));
        self.hear(&reply(b'l', last));
    }

    /// A charge that the terminal has taken.
    fn charged() -> Self {
        let mut stage = Self::ready();
        stage.command(&charge(1));
        stage.hear(ACK);
        assert_eq!(stage.said(), "B");
        stage
    }

    fn now(&self) -> Now {
        Now { ms: self.ms, stamp: *b"20261125100000" }
    }

    pub fn command(&mut self, command: &TerminalCommand) {
        let steps = self.dialogue.command(command, self.now());
        self.take(steps);
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        let steps = self.dialogue.bytes(bytes, self.now());
        self.take(steps);
    }

    pub fn unplug(&mut self) {
        let steps = self.dialogue.line_down(self.now());
        self.take(steps);
    }

    pub fn plug_in(&mut self) {
        let steps = self.dialogue.line_up(self.now());
        self.take(steps);
    }

    /// Lets the dialogue's own deadlines pass, one by one.
    pub fn wait(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(due) = self.dialogue.deadline_ms().filter(|due| *due <= end) {
            self.ms = due.max(self.ms);
            let steps = self.dialogue.tick(self.now());
            self.take(steps);
        }
        self.ms = end;
    }

    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Write(bytes) => self.said.push_str(&word(&bytes)),
                Step::WriteCharge(bytes) => {
                    self.charges += 1;
                    self.charge = Frame::parse(&bytes).expect("a whole frame").data;
                    self.said.push_str(&word(&bytes));
                }
                Step::Report(report) => self.reports.push(report_word(&report)),
                Step::HangUp(why) => panic!("nobody hangs up on a serial line: {why}"),
                Step::Tell(_) => {}
            }
        }
    }

    /// What was written since the last look: job codes, `+` for ACK, `-` for NAK.
    pub fn said(&mut self) -> String {
        std::mem::take(&mut self.said)
    }

    /// What was reported since the last look.
    pub fn told(&mut self) -> String {
        std::mem::take(&mut self.reports).join(", ")
    }
}

fn word(bytes: &[u8]) -> String {
    match bytes {
        [0x06] => "+".to_owned(),
        [0x15] => "-".to_owned(),
        frame => char::from(Frame::parse(frame).expect("a whole frame").job).to_string(),
    }
}

fn report_word(report: &TerminalReport) -> String {
    match report {
        TerminalReport::Online(true) => "online".to_owned(),
        TerminalReport::Online(false) => "offline".to_owned(),
        TerminalReport::Prepared { baseline } => format!("prepared {}", last_word(baseline)),
        TerminalReport::CardStillIn => "card still in".to_owned(),
        TerminalReport::NotReady { reason } => format!("not ready: {reason}"),
        TerminalReport::CardSeen => "card seen".to_owned(),
        TerminalReport::CardRemoved => "card removed".to_owned(),
        TerminalReport::Answered { transaction, .. } => match &transaction.decline {
            None => format!("approved {}", transaction.amount.0),
            Some(decline) => format!("declined {}", decline.code),
        },
        TerminalReport::Confirmed { .. } => "confirmed".to_owned(),
        TerminalReport::Withdrawn { reason, .. } => format!("withdrawn: {reason}"),
        TerminalReport::Undone { answer, .. } => format!("undone: {answer:?}"),
        TerminalReport::Totals(totals) => format!("totals {}", totals.amount.0),
        TerminalReport::NoTotals { day, reason } => format!("no totals: {day:?} {reason}"),
        TerminalReport::NoAnswer { reason, .. } => format!("no answer: {reason}"),
        TerminalReport::NeverSent { reason, .. } => format!("never sent: {reason}"),
        TerminalReport::Outcome { first, second, host_reachable, maybe_restarted, .. } => {
            let host = if *host_reachable { "host" } else { "no host" };
            let restarted = if *maybe_restarted { ", maybe restarted" } else { "" };
            format!("outcome {} {} {host}{restarted}", last_word(first), last_word(second))
        }
    }
}

fn last_word(last: &LastTransaction) -> String {
    match last {
        LastTransaction::Empty => "empty".to_owned(),
        LastTransaction::Unknown => "unknown".to_owned(),
        LastTransaction::Known(known) => known.amount.0.to_string(),
    }
}

#[test]
fn a_charge_from_preparing_to_the_card_out() {
    let mut stage = Stage::charged();
    stage.hear(&frame(b'@', b"I"));
    assert_eq!((stage.said(), stage.told()), (String::new(), "card seen".to_owned()), "events are never acknowledged");
    stage.hear(&frame(b'b', &sale(WON, "30012345")));
    assert_eq!((stage.said(), stage.told()), ("+".to_owned(), "approved 5100".to_owned()));
    stage.hear(&frame(b'@', b"O"));
    assert_eq!((stage.said(), stage.told()), (String::new(), "card removed".to_owned()));
    stage.hear(&frame(b'b', &sale(WON, "30012345")));
    assert_eq!((stage.said(), stage.told()), ("+".to_owned(), String::new()), "a second copy is only acknowledged");
}

#[test]
fn ways_in_which_a_true_answer_arrives() {
    let good = frame(b'b', &sale(WON, "30012345"));
    let mut corrupt = good.clone();
    corrupt[60] ^= 0x01;
    let event = frame(b'@', b"R");
    let cases: Vec<(&str, Vec<Vec<u8>>, &str, &str)> = vec![
        ("glued to ACK", vec![[ACK, &good].concat()], "+", "approved 5100"),
        ("without ACK", vec![good.clone()], "+", "approved 5100"),
        ("ACK after it", vec![good.clone(), ACK.to_vec()], "+", "approved 5100"),
        ("event between", vec![[ACK, &event, &good].concat()], "+", "card seen, approved 5100"),
        ("event before ACK", vec![[&event[..], ACK, &good].concat()], "+", "card seen, approved 5100"),
        ("byte by byte", [ACK, &good].concat().chunks(1).map(<[u8]>::to_vec).collect(), "+", "approved 5100"),
        ("noise before", vec![ACK.to_vec(), [&[0x00, 0xff, 0x41][..], &good].concat()], "+", "approved 5100"),
        ("broken, then repeated", vec![ACK.to_vec(), corrupt.clone(), good.clone()], "-+", "approved 5100"),
        ("broken without ACK", vec![corrupt.clone(), good.clone()], "-+", "approved 5100"),
        ("a stray NAK after ACK", vec![ACK.to_vec(), NAK.to_vec(), good.clone()], "+", "approved 5100"),
        ("a decline", vec![reply(b'b', &declined("6B"))], "+", "declined 6B"),
        ("a host time-out", vec![reply(b'b', &declined("0C"))], "+", "declined 0C"),
    ];
    for (name, heard, said, told) in cases {
        let mut stage = Stage::ready();
        stage.command(&charge(1));
        stage.said();
        for bytes in heard {
            stage.hear(&bytes);
            stage.wait(10);
        }
        assert_eq!((stage.said().as_str(), stage.told().as_str()), (said, told), "{name}");
        assert_eq!(stage.charges, 1, "{name}");
    }
}

#[test]
fn a_repeat_of_the_sale_before_is_not_ours_even_for_the_same_amount() {
    let mut stage = Stage::idle();
    stage.command(&Prepare);
    let before = sale(WON, "OLD");
    for (job, data) in [(b'e', &b""[..]), (b'a', b"OOON"), (b'm', b"X"), (b'l', &before)] {
        stage.hear(&reply(job, data));
    }
    stage.command(&charge(1));
    stage.hear(&reply(b'b', &before));
    assert!(stage.told().ends_with("prepared 5100"), "the old sale is passed over");
    stage.hear(&frame(b'b', &sale(WON, "NEW")));
    assert_eq!(stage.told(), "approved 5100");
}

#[test]
fn what_proves_nothing_is_in_doubt_and_never_sent_again() {
    let cases: Vec<(&str, Vec<Vec<u8>>, u64, &str)> = vec![
        ("NAK", vec![NAK.to_vec()], 0, "the terminal answered NAK"),
        ("no ACK", vec![], 3_000, "the terminal did not acknowledge the charge"),
        ("a foreign frame only", vec![frame(b'v', b"x")], 3_000, "the terminal did not acknowledge the charge"),
        ("silence", vec![ACK.to_vec()], ANSWER_MS, ""),
        ("other amount", vec![reply(b'b', &sale(Amount(5_101), "1"))], 0, "the answer is for another amount"),
        (
            "no code",
            vec![reply(b'b', &[&b"X"[..], &[b' '; 156]].concat())],
            0,
            "the answer is neither an approval nor a decline with a code",
        ),
        ("short", vec![reply(b'b', b"1")], 0, "the answer has 1 bytes of data, expected 157"),
    ];
    for (name, heard, wait_ms, reason) in cases {
        let mut stage = Stage::ready();
        stage.command(&charge(1));
        for bytes in heard {
            stage.hear(&bytes);
        }
        stage.wait(wait_ms);
        let told = stage.told();
        assert!(told.contains("no answer: ") && told.contains(reason), "{name}: {told}");
        assert_eq!(told.matches("no answer").count(), 1, "{name}: {told}");
        stage.command(&charge(1));
        assert_eq!(stage.told(), "no answer: this attempt was sent before and is never sent twice", "{name}");
        stage.command(&charge(2));
        assert_eq!(stage.told(), "never sent: the terminal was not prepared for a charge", "{name}");
        stage.wait(600_000);
        assert_eq!(stage.charges, 1, "{name}");
    }
}

#[test]
fn a_vanished_line_leaves_the_charge_in_doubt() {
    let mut stage = Stage::charged();
    stage.unplug();
    assert_eq!(stage.told(), "no answer: the line to the card terminal vanished, offline");
    stage.plug_in();
    stage.hear(&frame(b'b', &sale(WON, "30012345")));
    assert_eq!(stage.told(), "online, approved 5100", "the terminal repeats its answer: still matched");
    stage.wait(600_000);
    assert_eq!(stage.charges, 1);
}

#[test]
fn nothing_leaves_without_a_fresh_prepare_on_this_line() {
    let mut stage = Stage::idle();
    stage.command(&charge(1));
    assert_eq!(stage.told(), "never sent: the terminal was not prepared for a charge");

    let mut stage = Stage::ready();
    stage.unplug();
    stage.plug_in();
    stage.command(&charge(1));
    assert!(stage.told().contains("never sent: the terminal was not prepared for a charge"));

    let mut stage = Stage::ready();
    stage.command(&CallOff);
    stage.command(&charge(1));
    assert_eq!(stage.told(), "never sent: the terminal was not prepared for a charge");

    let mut stage = Stage::ready();
    stage.wait(300_000);
    stage.command(&charge(1));
    assert!(stage.told().contains("never sent: the terminal was not prepared for a charge"));

    let mut stage = Stage::ready();
    stage.command(&Charge { attempt: attempt(1), amount: Amount(0), card_ms: CARD_MS });
    assert_eq!(stage.told(), "never sent: the terminal cannot take this amount");
    assert_eq!(stage.charges, 0);
}

#[test]
fn a_charge_of_which_no_byte_could_be_written_was_never_sent() {
    let mut stage = Stage::ready();
    stage.command(&charge(1));
    let steps = stage.dialogue.charge_never_left();
    stage.take(steps);
    stage.unplug();
    assert_eq!(stage.told(), "never sent: the line to the card terminal was already gone, offline");
}

#[test]
fn a_called_off_charge_is_decided_by_its_own_answer() {
    let standby = reply(b'e', b"");
    let cases: Vec<(&str, Vec<Vec<u8>>, u64, &str)> = vec![
        ("a decline first", vec![[ACK, &frame(b'b', &declined("7F")), &frame(b'e', b"")].concat()], 0, "declined 7F"),
        ("a decline after", vec![standby.clone(), frame(b'b', &declined("7F"))], 0, "declined 7F"),
        ("an approval after", vec![standby.clone(), frame(b'b', &sale(WON, "1"))], 0, "approved 5100"),
        ("only e", vec![standby.clone()], 3_000, "no answer: called off"),
        ("nothing at all", vec![], ANSWER_MS, "no answer: the terminal did not answer in time"),
    ];
    for (name, heard, wait_ms, told) in cases {
        let mut stage = Stage::charged();
        stage.command(&CallOff);
        stage.command(&CallOff);
        assert_eq!(stage.said(), "E", "{name}");
        for bytes in heard {
            stage.hear(&bytes);
        }
        stage.wait(wait_ms);
        assert_eq!(stage.told(), told, "{name}");
        assert_eq!(stage.charges, 1, "{name}");
    }
}

#[test]
fn a_called_off_charge_whose_card_was_seen_is_given_more_time() {
    let mut stage = Stage::charged();
    stage.hear(&frame(b'@', b"I"));
    stage.command(&CallOff);
    stage.hear(&reply(b'e', b""));
    stage.wait(29_999);
    assert_eq!(stage.told(), "card seen", "the card company may be at work");
    stage.wait(1);
    assert_eq!(stage.told(), "no answer: called off");

    let mut stage = Stage::charged();
    stage.command(&CallOff);
    stage.hear(&reply(b'e', b""));
    stage.hear(&frame(b'@', b"R"));
    stage.wait(20_000);
    stage.hear(&frame(b'b', &sale(WON, "1")));
    assert_eq!(stage.told(), "card seen, approved 5100", "card and call-off crossed");
}

#[test]
fn a_call_off_waits_until_the_charge_is_acknowledged() {
    let mut stage = Stage::ready();
    stage.command(&charge(1));
    stage.command(&CallOff);
    assert_eq!(stage.said(), "B");
    stage.hear(ACK);
    assert_eq!(stage.said(), "E");
    stage.wait(9_000);
    assert_eq!((stage.said().as_str(), stage.told().as_str()), ("EE", ""), "busy with the card: its answer is awaited");
    stage.hear(&frame(b'b', &sale(WON, "1")));
    assert_eq!(stage.told(), "approved 5100");
}

#[test]
fn without_a_card_the_charge_is_called_off_in_time() {
    let mut stage = Stage::charged();
    stage.wait(CARD_MS - 1);
    assert_eq!(stage.said(), "");
    stage.wait(1);
    assert_eq!(stage.said(), "E");

    let mut stage = Stage::charged();
    stage.hear(&frame(b'@', b"I"));
    stage.wait(CARD_MS + 1_000);
    assert_eq!(stage.said(), "", "the card came: it is left alone");
}

#[test]
fn preparing_waits_for_the_card_to_come_out() {
    let until_card = |stage: &mut Stage| {
        stage.command(&Prepare);
        stage.hear(&reply(b'e', b""));
        stage.hear(&reply(b'a', b"OOON"));
        stage.hear(&reply(b'm', b"O"));
        assert_eq!((stage.said(), stage.told()), ("E+A+M+".to_owned(), "card still in".to_owned()));
    };
    let mut stage = Stage::idle();
    until_card(&mut stage);
    stage.wait(1_000);
    assert_eq!(stage.said(), "M");
    stage.hear(&reply(b'm', b"O"));
    stage.hear(&frame(b'@', b"O"));
    stage.wait(0);
    assert_eq!((stage.said(), stage.told()), ("+M".to_owned(), "card removed".to_owned()));
    stage.hear(&reply(b'm', b"X"));
    assert_eq!(stage.said(), "+L");

    let mut stage = Stage::idle();
    until_card(&mut stage);
    for _ in 0..40 {
        stage.wait(1_000);
        if stage.said().contains('M') {
            stage.hear(&reply(b'm', b"O"));
        }
    }
    assert!(stage.told().starts_with("not ready: a card is still in the card terminal"));
}

#[test]
fn preparing_fails_in_words_and_never_without_a_baseline() {
    let cases: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        ("silence", vec![], "the card terminal does not answer"),
        ("NAKs", vec![NAK.to_vec(), NAK.to_vec(), NAK.to_vec()], "the card terminal does not answer"),
        ("host away", vec![reply(b'e', b""), reply(b'a', b"OOFN")], "the card terminal cannot reach the card company"),
        ("no reader", vec![reply(b'e', b""), reply(b'a', b"XXON")], "the card terminal's card reader is out of order"),
        ("a is short", vec![reply(b'e', b""), reply(b'a', b"O")], "the card terminal cannot reach the card company"),
        (
            "no word of the card",
            vec![reply(b'e', b""), reply(b'a', b"OOON"), reply(b'm', b"?")],
            "the card terminal does not tell whether a card is inserted",
        ),
        ("no l", vec![reply(b'e', b""), reply(b'a', b"OOON"), reply(b'm', b"X")], "the card terminal does not answer"),
        (
            "strange l",
            vec![reply(b'e', b""), reply(b'a', b"OOON"), reply(b'm', b"X"), reply(b'l', b"hello")],
            "the card terminal's last transaction cannot be read",
        ),
    ];
    for (name, heard, reason) in cases {
        let mut stage = Stage::idle();
        stage.command(&Prepare);
        for bytes in heard {
            stage.hear(&bytes);
        }
        stage.wait(20_000);
        let told = stage.told();
        assert!(told.contains(&format!("not ready: {reason}")), "{name}: {told}");
        stage.command(&charge(1));
        assert_eq!(stage.charges, 0, "{name}");
    }
}

#[test]
fn a_question_is_put_three_times() {
    let mut stage = Stage::idle();
    stage.command(&Prepare);
    stage.wait(9_000);
    assert_eq!(stage.said(), "EEE");
    assert_eq!(stage.told(), "not ready: the card terminal does not answer, offline");
    let mut stage = Stage::idle();
    stage.command(&Prepare);
    stage.wait(3_000);
    stage.hear(&reply(b'e', b""));
    assert_eq!(stage.said(), "EE+A");
}

fn in_doubt() -> Stage {
    let mut stage = Stage::ready();
    stage.command(&charge(1));
    stage.hear(NAK);
    assert!(stage.told().starts_with("no answer"));
    stage.said();
    stage
}

fn ask(stage: &mut Stage, check: &[u8], first: &[u8], second: &[u8]) {
    stage.command(&AskOutcome { attempt: attempt(1) });
    stage.hear(&reply(b'e', b""));
    stage.hear(&reply(b'a', check));
    stage.hear(&reply(b'l', first));
    stage.wait(2_000);
    stage.hear(&reply(b'l', second));
}

/// Busy, it answers NAK to every question: each is put once, the next after a pause, and the end is told.
#[test]
fn a_busy_terminal_is_not_hammered_while_it_is_asked() {
    let mut stage = in_doubt();
    stage.command(&AskOutcome { attempt: attempt(1) });
    let mut put = 0;
    for _ in 0..1_000 {
        put += stage.said().matches('E').count();
        stage.hear(NAK);
        stage.wait(15);
    }
    assert_eq!(put, 8, "in 15 s, one in 2 s");
    let told = stage.told();
    assert!(told.starts_with("outcome"), "{told}");
}

/// An older sale that comes up later would pass for the one in doubt.
#[test]
fn an_empty_store_is_believed_only_if_it_is_told_twice() {
    for (second, told) in [(vec![b' '; 157], "prepared empty"), (old_sale(), "prepared 1000")] {
        let mut stage = Stage::idle();
        stage.command(&Prepare);
        for answer in [reply(b'e', b""), reply(b'a', b"OOON"), reply(b'm', b"X"), reply(b'l', &[b' '; 157])] {
            stage.hear(&answer);
        }
        assert_eq!((stage.said().as_str(), stage.told().as_str()), ("E+A+M+L+L", ""));
        stage.hear(&reply(b'l', &second));
        assert_eq!((stage.said().as_str(), stage.told().as_str()), ("+", told));
    }
}

#[test]
fn an_outcome_is_asked_twice_of_an_idle_terminal() {
    let (old, new) = (old_sale(), sale(WON, "1"));
    let cases = [
        ("not booked", b"OOON", &old[..], &old[..], "outcome 1000 1000 host"),
        ("booked", b"OOON", &new[..], &new[..], "outcome 5100 5100 host"),
        ("booked late", b"OOON", &old[..], &new[..], "outcome 1000 5100 host"),
        ("host away", b"OOFN", &old[..], &old[..], "outcome 1000 1000 no host"),
        // It books without our word: that it tells nothing is no proof that it booked nothing.
        ("empty", b"OOON", b"", &[b' '; 157][..], "outcome empty empty no host"),
    ];
    for (name, check, first, second, told) in cases {
        let mut stage = in_doubt();
        ask(&mut stage, check, first, second);
        assert_eq!((stage.said().as_str(), stage.told().as_str()), ("E+A+L+L+", told), "{name}");
    }
}

#[test]
fn what_suggests_a_restart_is_told() {
    let old = old_sale();
    let mut stage = Stage::charged();
    stage.unplug();
    stage.plug_in();
    stage.told();
    stage.said();
    ask(&mut stage, b"OOON", &old, &old);
    assert_eq!(stage.told(), "online, outcome 1000 1000 host, maybe restarted", "the line was lost");

    let mut stage = in_doubt();
    stage.command(&AskOutcome { attempt: attempt(1) });
    stage.wait(3_000);
    for (job, data) in [(b'e', &b""[..]), (b'a', b"OOON"), (b'l', &old)] {
        stage.hear(&reply(job, data));
    }
    stage.wait(2_000);
    stage.hear(&reply(b'l', &old));
    assert_eq!(stage.told(), "outcome 1000 1000 host, maybe restarted", "it was silent for a while");

    let mut stage = in_doubt();
    stage.hear(&frame_at(b'@', b"O", *b"20000101000000"));
    stage.told();
    ask(&mut stage, b"OOON", &old, &old);
    assert_eq!(stage.told(), "outcome 1000 1000 host, maybe restarted", "its clock went back");

    let mut stage = Stage::ready();
    stage.command(&charge(1));
    stage.wait(3_000);
    stage.told();
    stage.said();
    ask(&mut stage, b"OOON", &old, &old);
    assert_eq!(stage.told(), "outcome 1000 1000 host, maybe restarted", "it never acknowledged");

    let mut stage = Stage::charged();
    stage.hear(&frame(b'@', b"I"));
    stage.command(&CallOff);
    stage.hear(&reply(b'e', b""));
    stage.wait(30_000);
    stage.told();
    ask(&mut stage, b"OOON", &old, &old);
    assert_eq!(stage.told(), "outcome 1000 1000 host, maybe restarted", "a card was seen, and no answer came");

    let mut stage = Stage::charged();
    stage.command(&CallOff);
    stage.hear(&reply(b'e', b""));
    stage.wait(3_000);
    stage.told();
    ask(&mut stage, b"OOON", &old, &old);
    assert_eq!(stage.told(), "outcome 1000 1000 host", "called off without a card: nothing suggests it");

    let mut stage = Stage::idle();
    ask(&mut stage, b"OOON", &old, &old);
    assert_eq!(stage.told(), "outcome 1000 1000 host, maybe restarted", "the kiosk itself was away");
}

#[test]
fn asking_has_an_end() {
    let mut stage = in_doubt();
    stage.command(&AskOutcome { attempt: attempt(1) });
    stage.wait(14_999);
    assert_eq!(stage.told(), "");
    stage.wait(1);
    assert_eq!(stage.told(), "outcome unknown unknown no host, maybe restarted");

    let mut stage = in_doubt();
    stage.unplug();
    stage.command(&AskOutcome { attempt: attempt(1) });
    stage.wait(10_000);
    stage.plug_in();
    for (job, data) in [(b'e', &b""[..]), (b'a', b"OOON"), (b'l', &sale(WON, "1"))] {
        stage.hear(&reply(job, data));
    }
    stage.wait(2_000);
    stage.hear(&reply(b'l', &sale(WON, "1")));
    assert_eq!(stage.told(), "offline, online, outcome 5100 5100 host, maybe restarted");
}

#[test]
fn a_late_answer_is_still_the_answer() {
    let mut stage = in_doubt();
    stage.command(&AskOutcome { attempt: attempt(1) });
    stage.wait(1_000);
    stage.hear(&frame(b'b', &sale(WON, "1")));
    assert_eq!((stage.said().as_str(), stage.told().as_str()), ("E+", "approved 5100"));
}

#[test]
fn a_repeated_answer_is_no_answer_to_the_next_charge() {
    let mut stage = Stage::charged();
    let refusal = frame_at(b'b', &declined("51"), *b"20261125100005");
    stage.hear(&refusal);
    assert_eq!((stage.said().as_str(), stage.told().as_str()), ("+", "declined 51"));
    stage.prepare();
    stage.command(&charge(2));
    stage.hear(ACK);
    stage.hear(&refusal);
    assert_eq!((stage.said().as_str(), stage.told().as_str()), ("B+", ""), "our ACK was lost: told again");
    stage.hear(&frame(b'b', &sale(WON, "NEW")));
    assert_eq!(stage.told(), "approved 5100");
    assert_eq!(stage.charges, 2);
}

#[test]
fn an_approval_after_the_end_is_still_told() {
    let mut refused = Stage::charged();
    refused.hear(&frame(b'b', &declined("51")));
    assert_eq!(refused.told(), "declined 51");
    refused.hear(&frame(b'b', &sale(WON, "1")));
    assert_eq!((refused.said().as_str(), refused.told().as_str()), ("++", "approved 5100"));

    let mut given_up = in_doubt();
    given_up.prepare();
    given_up.hear(&frame(b'b', &old_sale()));
    given_up.hear(&frame(b'b', &declined("51")));
    assert_eq!(given_up.told(), "", "neither the sale before nor a refusal is news");
    given_up.hear(&frame(b'b', &sale(WON, "1")));
    assert_eq!((given_up.said().as_str(), given_up.told().as_str()), ("+++", "approved 5100"));
}

#[test]
fn broken_events_and_noise_are_not_answered() {
    let mut event = frame(b'@', b"I");
    event[10] ^= 0x04;
    let mut stage = Stage::charged();
    stage.hear(&event);
    stage.wait(2_000);
    stage.hear(&[0x00, 0xff, 0x41]);
    stage.wait(2_000);
    assert_eq!((stage.said().as_str(), stage.told().as_str()), ("", ""));
    let mut corrupt = frame(b'b', &sale(WON, "1"));
    corrupt[100] ^= 0x01;
    for _ in 0..10 {
        stage.hear(&corrupt);
    }
    assert_eq!(stage.said(), "---", "a broken answer is asked for again three times, not for ever");
}
