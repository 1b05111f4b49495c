//! The printer's dialogue against the simulated printer on made-up time: wherever a line ends or a kiosk dies within a paper,
//! the next one is whole, and none comes out twice.

use hospital_kiosk::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use hospital_kiosk::ports::Raster;
use hospital_kiosk::printer::dialogue::{Abilities, Dialogue, Step};
use hospital_kiosk::printer::encode;
use hospital_kiosk::rehearsal::printer::{Machine, PaperState};

const ABILITIES: Abilities = Abilities { width_dots: 64, has_cutter: true, job_ms: 5_000 };
/// As the driver's turns.
const TURN_MS: u64 = 50;
/// What the line takes at once.
const PIECE_BYTES: usize = 7;
/// A printer's memory that holds one band of a picture and not the second.
const SMALL_BYTES: usize = 1_100;
/// Longer than any of these scenes.
const NEVER_MS: u64 = 10_000_000;

struct Scene {
    dialogue: Dialogue,
    printer: Machine,
    now_ms: u64,
    plugged: bool,
    /// The printer takes no more than it holds of these.
    buffer_bytes: usize,
    /// The line breaks when so many more bytes have left.
    breaks_after: Option<usize>,
    answers: Vec<u8>,
    reports: Vec<PrinterReport>,
    notes: Vec<String>,
}

/// Two bands of a picture that is like no other.
fn paper(seed: u8) -> Raster {
    let height_dots = 150;
    let rows = (0..height_dots * 8).map(|at| u8::try_from(at % 251).expect("a byte") ^ seed | 1).collect();
    Raster { width_dots: 64, height_dots, rows }
}

fn scene() -> Scene {
    Scene {
        dialogue: Dialogue::new(ABILITIES, 0),
        printer: Machine::default(),
        now_ms: 0,
        plugged: true,
        buffer_bytes: usize::MAX,
        breaks_after: None,
        answers: Vec::new(),
        reports: Vec::new(),
        notes: Vec::new(),
    }
}

impl Scene {
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Report(report) => self.reports.push(report),
                Step::Note(words) | Step::Warn(words) => self.notes.push(words),
            }
        }
    }

    fn lose_line(&mut self) {
        self.answers.clear();
        let steps = self.dialogue.line_down("it was pulled", self.now_ms);
        self.take(steps);
    }

    fn turn(&mut self) {
        let steps = if self.dialogue.is_at_rest() {
            self.now_ms = self.dialogue.deadline_ms().expect("a poll").max(self.now_ms);
            Vec::new()
        } else if self.dialogue.wants_line() {
            if self.plugged {
                self.dialogue.line_up(0, self.now_ms)
            } else {
                self.dialogue.line_down("no", self.now_ms)
            }
        } else if !self.plugged {
            return self.lose_line();
        } else if self.dialogue.to_write().is_empty() {
            let heard = std::mem::take(&mut self.answers);
            if heard.is_empty() && !self.dialogue.is_listening_for_silence() {
                self.now_ms += TURN_MS;
            }
            self.dialogue.heard(&heard, self.now_ms)
        } else {
            self.write()
        };
        self.take(steps);
        let steps = self.dialogue.tick(self.now_ms);
        self.take(steps);
        let answers = self.printer.turn(&[]);
        self.answers.extend(answers);
    }

    fn write(&mut self) -> Vec<Step> {
        if self.breaks_after == Some(0) {
            self.breaks_after = None;
            self.answers.clear();
            return self.dialogue.line_down("it was pulled", self.now_ms);
        }
        let to_write = self.dialogue.to_write();
        let most = PIECE_BYTES.min(self.breaks_after.unwrap_or(usize::MAX));
        let piece = to_write[..to_write.len().min(most)].to_vec();
        if self.printer.waiting_bytes() >= self.buffer_bytes {
            self.now_ms += TURN_MS;
            return self.dialogue.wrote(0, self.now_ms);
        }
        self.now_ms += 1;
        let answers = self.printer.turn(&piece);
        self.answers.extend(answers);
        self.breaks_after = self.breaks_after.map(|left| left - piece.len());
        self.dialogue.wrote(piece.len(), self.now_ms)
    }

    fn until(&mut self, what: &str, there: impl Fn(&Self) -> bool) {
        while !there(self) {
            assert!(self.now_ms < NEVER_MS, "never: {what}; {:?}; {:?}", self.reports, self.notes);
            self.turn();
        }
    }

    fn rest(&mut self) {
        self.until("rest", |scene| scene.dialogue.is_at_rest());
    }

    fn wait(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        self.until("later", |scene| scene.now_ms >= end_ms);
        self.rest();
    }

    /// What becomes of a paper.
    fn print(&mut self, raster: &Raster) -> PrintEnd {
        self.rest();
        let before = self.outcomes().len();
        let job = PrintJob(before as u64);
        let steps = self.dialogue.print(job, raster, self.now_ms);
        self.take(steps);
        self.until("the outcome", |scene| scene.outcomes().len() > before);
        self.rest();
        assert_eq!(self.outcomes().len(), before + 1, "each paper has one outcome");
        let (of, end) = self.outcomes().pop().expect("one");
        assert_eq!(of, job, "told of this paper");
        end
    }

    fn outcomes(&self) -> Vec<(PrintJob, PrintEnd)> {
        let outcome = |report: &PrinterReport| match report {
            PrinterReport::State(_) => None,
            PrinterReport::Job { job, end } => Some((*job, end.clone())),
        };
        self.reports.iter().filter_map(outcome).collect()
    }

    fn clear(&mut self) {
        self.rest();
        let steps = self.dialogue.clear(self.now_ms);
        self.take(steps);
        self.rest();
    }

    fn came_out(&self, raster: &Raster) -> usize {
        self.printer.papers.iter().filter(|paper| *paper == raster).count()
    }
}

fn job_bytes() -> usize {
    encode::job(&paper(1), true).expect("a job").len() + 3
}

#[test]
fn a_line_that_ends_anywhere_within_a_paper_spoils_that_one_only() {
    for after in 0..job_bytes() {
        let mut scene = scene();
        assert_eq!(scene.print(&paper(9)), PrintEnd::Printed);
        // Behind the four questions that come before a job.
        scene.breaks_after = Some(12 + after);
        let outcome = scene.print(&paper(1));
        assert!(matches!(outcome, PrintEnd::Failed { .. }), "after {after} bytes: {outcome:?}");
        assert_eq!(scene.print(&paper(2)), PrintEnd::Printed, "after {after} bytes");
        let papers = &scene.printer.papers;
        assert!(papers.last() == Some(&paper(2)) && papers.len() <= 3, "after {after} bytes");
        assert!(scene.came_out(&paper(1)) <= 1, "after {after} bytes");
    }
}

#[test]
fn a_kiosk_that_died_anywhere_within_a_paper_prints_again() {
    let job = encode::job(&paper(1), true).expect("a job");
    for sent in 0..=job.len() {
        let mut scene = scene();
        scene.printer.turn(&job[..sent]);
        assert_eq!(scene.print(&paper(2)), PrintEnd::Printed, "after {sent} bytes");
        let papers = &scene.printer.papers;
        assert!(papers.last() == Some(&paper(2)) && papers.len() <= 2, "after {sent} bytes");
    }
}

#[test]
fn a_roll_that_ends_at_any_row_holds_the_paper_which_comes_out_once() {
    for rows in 0..150 {
        for (buffer_bytes, cleared) in
            [(usize::MAX, false), (SMALL_BYTES, false), (usize::MAX, true), (SMALL_BYTES, true)]
        {
            let words = format!("after {rows} rows, buffer {buffer_bytes}, cleared {cleared}");
            let mut scene = scene();
            scene.rest();
            scene.buffer_bytes = buffer_bytes;
            scene.printer.rows_until_out = Some(rows);
            let outcome = scene.print(&paper(1));
            assert!(matches!(outcome, PrintEnd::Held { .. }), "{words}: {outcome:?}");
            if cleared {
                scene.clear();
            }
            scene.printer.paper = PaperState::In;
            scene.wait(10_000);
            assert_eq!(scene.came_out(&paper(1)), usize::from(!cleared), "{words}");
            assert_eq!(scene.print(&paper(2)), PrintEnd::Printed, "{words}");
            assert_eq!((scene.came_out(&paper(1)), scene.came_out(&paper(2))), (usize::from(!cleared), 1), "{words}");
            assert!(cleared || scene.printer.faults.is_empty(), "{words}: {:?}", scene.printer.faults);
        }
    }
}

#[test]
fn what_waits_for_paper_or_for_a_line_goes_out_by_itself_and_only_the_newest_does() {
    for plugged in [true, false] {
        let mut scene = scene();
        scene.rest();
        scene.plugged = plugged;
        scene.printer.paper = PaperState::Out;
        let reason = if plugged { PrinterState::PaperOut } else { PrinterState::Offline };
        for seed in [1, 2] {
            assert_eq!(scene.print(&paper(seed)), PrintEnd::Held { reason }, "plugged {plugged}");
        }
        scene.wait(60_000);
        assert!(scene.printer.papers.is_empty());
        (scene.plugged, scene.printer.paper) = (true, PaperState::In);
        scene.wait(20_000);
        assert!(scene.printer.papers == [paper(2)], "plugged {plugged}: {} papers", scene.printer.papers.len());
        assert_eq!(scene.outcomes().len(), 2, "what waits is told of once");
        let sent = scene.notes.iter().filter(|note| note.contains("a waiting paper was sent")).count();
        assert_eq!((sent, scene.reports.last()), (1, Some(&PrinterReport::State(PrinterState::Online))));
    }
}

/// Silence is no proof, however long; and it is not waited for longer than is set.
#[test]
fn a_printer_that_proves_nothing_has_printed_nothing() {
    let mut scene = scene();
    scene.rest();
    scene.print(&paper(9));
    let begun_ms = scene.now_ms;
    // It takes all and prints nothing, and says that it could.
    scene.printer.paper = PaperState::Jam;
    scene.buffer_bytes = usize::MAX;
    assert_eq!(scene.print(&paper(1)), PrintEnd::Held { reason: PrinterState::Offline });
    assert!(scene.now_ms - begun_ms < ABILITIES.job_ms, "a jam is told at once");
    scene.printer.paper = PaperState::In;
    scene.wait(10_000);
    scene.printer.rows_until_out = Some(149);
    let begun_ms = scene.now_ms;
    // The paper ends before the last row, and the printer has it all.
    assert_eq!(scene.print(&paper(2)), PrintEnd::Held { reason: PrinterState::PaperOut });
    let took_ms = scene.now_ms - begun_ms;
    assert!((ABILITIES.job_ms..ABILITIES.job_ms + 3_000).contains(&took_ms), "{took_ms} ms");
}

#[test]
fn noise_is_no_answer_and_no_proof() {
    let mut scene = scene();
    scene.rest();
    for noise in [&[0x00; 5_000][..], &[0xff], &[0x12, 0x12, 0x12, 0x12]] {
        scene.answers = noise.to_vec();
        assert_eq!(scene.print(&paper(1)), PrintEnd::Printed, "{} bytes", noise.len());
    }
    assert_eq!(scene.came_out(&paper(1)), 3);
}
