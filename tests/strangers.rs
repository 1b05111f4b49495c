//! Trust R18: where `[terminal] terminal_id` is set, the answer of another terminal is no answer of ours. ZVT's talks are in
//! `data/zvt/talks.txt`.

use crate::terminal_dialogue::{CARD_MS, WON, attempt, declined, sale};
use hospital_kiosk::domain::attempt::LastTransaction;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::terminal::smartro::dialogue::{Dialogue, Limits, Now, Step};
use hospital_kiosk::terminal::smartro::packet::Frame;

const OURS: &str = "KIOSK1114915545";
const OTHER: &str = "KIOSK1114915546";
const EVENT: u8 = b'@';

struct Line {
    dialogue: Dialogue,
    ms: u64,
    charged: bool,
    reports: Vec<TerminalReport>,
    told: Vec<String>,
}

impl Line {
    fn new(id: &str) -> Self {
        let dialogue = Dialogue::new(id, Limits::new(3_000, 120_000));
        let mut line = Self { dialogue, ms: 0, charged: false, reports: Vec::new(), told: Vec::new() };
        let steps = line.dialogue.line_up(line.now());
        line.take(steps);
        line
    }

    fn now(&self) -> Now {
        Now { ms: self.ms, stamp: *b"20261125100000" }
    }

    fn order(&mut self, command: &TerminalCommand) {
        let steps = self.dialogue.command(command, self.now());
        self.take(steps);
    }

    /// The terminal that calls itself `id` acknowledges what was said and answers.
    fn says(&mut self, id: &str, job: u8, data: &[u8]) {
        let mut frame = Frame::request(job, id, *b"20261125100000", data.to_vec());
        if id.is_empty() {
            // Some pad with spaces.
            frame.terminal_id = [b' '; 16];
        }
        let said = [&[0x06][..], &frame.encode()].concat();
        let steps = self.dialogue.bytes(if job == EVENT { &said[1..] } else { &said }, self.now());
        self.take(steps);
    }

    fn prepare(&mut self, id: &str) {
        self.order(&TerminalCommand::Prepare);
        for (job, data) in [(b'e', &b""[..]), (b'a', b"OOON"), (b'm', b"X"), (b'l', &sale(Amount(1_000), "OLD"))] {
            self.says(id, job, data);
        }
    }

    fn charge(&mut self) {
        self.order(&TerminalCommand::Charge { attempt: attempt(1), amount: WON, card_ms: CARD_MS });
    }

    fn wait(&mut self, ms: u64) {
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
                Step::Write(_) => {}
                Step::WriteCharge(_) => self.charged = true,
                Step::Report(report) => self.reports.push(report),
                Step::HangUp(why) => panic!("nobody hangs up on a serial line: {why}"),
                Step::Tell(words) => self.told.push(words),
            }
        }
    }

    fn no_answer_names(&self, other: &str) -> bool {
        let named = |reason: &String| reason.contains(other) && reason.contains(OURS);
        self.reports.iter().any(|report| matches!(report, TerminalReport::NoAnswer { reason, .. } if named(reason)))
    }

    fn answered(&self) -> bool {
        self.reports.iter().any(|report| matches!(report, TerminalReport::Answered { .. }))
    }
}

#[test]
fn nothing_is_charged_at_another_terminal() {
    let mut line = Line::new(OURS);
    line.prepare(OTHER);
    let told = line.reports.iter().any(|report| {
        matches!(report, TerminalReport::NotReady { reason } if reason.contains(OTHER) && reason.contains(OURS))
    });
    assert!(told, "{:?}", line.reports);
    assert!(line.told.iter().any(|words| words.contains(OTHER)), "a technician is told: {:?}", line.told);
    line.charge();
    assert!(!line.charged);
    assert!(matches!(line.reports.last(), Some(TerminalReport::NeverSent { .. })));
}

#[test]
fn a_terminal_that_names_itself_as_configured_or_not_at_all_is_ours() {
    for (configured, id) in [(OURS, OURS), (OURS, ""), ("", OTHER), ("KIOSK1114915545 ", OURS)] {
        let mut line = Line::new(configured);
        line.prepare(id);
        line.charge();
        assert!(line.charged, "{configured:?} {id:?}: {:?}", line.reports);
        line.says(id, b'b', &sale(WON, "12345678"));
        assert!(line.answered(), "{configured:?} {id:?}");
    }
}

/// Neither an approval nor a refusal of another terminal decides; only people do, and nothing becomes "not paid" by it.
#[test]
fn what_another_terminal_answers_leaves_the_payment_in_doubt() {
    for data in [sale(WON, "12345678"), declined("61")] {
        let mut line = Line::new(OURS);
        line.prepare(OURS);
        line.charge();
        line.says(OTHER, b'b', &data);
        assert!(!line.answered() && line.no_answer_names(OTHER), "{:?}", line.reports);
        line.order(&TerminalCommand::AskOutcome { attempt: attempt(1) });
        line.says(OTHER, b'e', b"");
        line.says(OTHER, b'a', b"OOON");
        for _ in 0..2 {
            line.says(OTHER, b'l', &sale(Amount(1_000), "OLD"));
            line.wait(2_000);
        }
        line.wait(20_000);
        let unknown = |last: &LastTransaction| *last == LastTransaction::Unknown;
        let outcome = line.reports.iter().find_map(|report| match report {
            TerminalReport::Outcome { first, second, .. } => Some(unknown(first) && unknown(second)),
            _ => None,
        });
        assert_eq!(outcome, Some(true), "its last transaction tells nothing of ours: {:?}", line.reports);
    }
}

#[test]
fn our_own_answer_counts_still_when_another_terminal_spoke_before() {
    let mut line = Line::new(OURS);
    line.prepare(OURS);
    line.charge();
    line.says(OTHER, EVENT, b"I");
    assert!(!line.no_answer_names(OTHER) || !line.answered());
    line.says(OTHER, b'b', &declined("61"));
    line.says(OURS, b'b', &sale(WON, "12345678"));
    assert!(line.answered(), "{:?}", line.reports);
}
