//! Who comes: `tests/data/soak.txt`, played on a whole kiosk.

use crate::stage::{Theatre, open_set};
use chrono::{DateTime, Days, FixedOffset};
use hospital_kiosk::commands::socket::{self, Request};
use hospital_kiosk::domain::staff::Pin;
use hospital_kiosk::rehearsal::child::Order;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PIN: &str = "40718293";
/// The smallest screen there is: what a visit leaves behind is no matter of pixels, how long it takes is.
const SIZE: (u32, u32) = (720, 1280);
/// The terminal's line comes back this soon.
const AWAY_MS: u64 = 300;
/// A kiosk that has not found its terminal again after so many looks will not.
const LINE_LOOKS_MAX: u32 = 1200;
const LINE_LOOK: Duration = Duration::from_millis(50);
const IDLE: &str = "expect \"Touch to start\"";
const SCHEDULE_REFRESH_S: u64 = 5;
/// Lines that a visit of this mix may add to the log; it is three or four, with all the plugs that are pulled.
const LOG_LINES_A_VISIT: usize = 10;

struct Visit {
    name: String,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Play(String),
    PrinterOut,
    TerminalOut,
    Pass(u64),
}

fn read(text: &str) -> Vec<Visit> {
    let parts = text.split("\n== ").skip(1);
    parts.map(|part| part.split_once('\n').expect("a visit")).map(|(name, lines)| visit(name, lines)).collect()
}

fn visit(name: &str, lines: &str) -> Visit {
    let mut steps = Vec::new();
    for line in lines.lines().filter(|line| !line.is_empty()) {
        match (line, line.strip_prefix("pass ")) {
            ("printer out", _) => steps.push(Step::PrinterOut),
            ("terminal out", _) => steps.push(Step::TerminalOut),
            (_, Some(ms)) => steps.push(Step::Pass(ms.parse().expect("milliseconds"))),
            (line, None) => match steps.last_mut() {
                Some(Step::Play(script)) => script.extend(["\n", line]),
                _ => steps.push(Step::Play(line.to_owned())),
            },
        }
    }
    Visit { name: name.to_owned(), steps }
}

/// The kiosk and all who come to it.
pub struct Lobby {
    theatre: Theatre,
    visits: Vec<Visit>,
    day: DateTime<FixedOffset>,
    played: BTreeMap<String, usize>,
    papers: usize,
    /// Visits that ended before their time: a finger that lands while the screen changes under it does nothing, as it should,
    /// and these patients do not try again.
    stumbled: Vec<String>,
    process: u32,
}

impl Lobby {
    pub fn open() -> Self {
        let theatre = open_set(|setting| {
            setting.size = SIZE;
            setting.schedule_refresh_s = Some(SCHEDULE_REFRESH_S);
            if let Some(program) = env::var_os("SOAK_PROGRAM") {
                setting.program = PathBuf::from(program);
            }
        });
        theatre.stage.terminal.set_up(|setup| setup.away_ms = AWAY_MS);
        let folder = theatre.folder.path().join("data/store");
        let pin = Request::StaffPin { whose: None, pin: Pin::read(PIN).expect("digits") };
        socket::ask(&folder, &pin).expect("the kiosk runs").expect("an answer");
        let process = theatre.stage.kiosk_id().expect("a kiosk");
        let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/soak.txt");
        let visits = read(&fs::read_to_string(table).expect("the visits"));
        let day = DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").expect("a time");
        Self { theatre, visits, day, played: BTreeMap::new(), papers: 0, stumbled: Vec::new(), process }
    }

    pub fn process(&self) -> u32 {
        self.process
    }

    /// The visit of this number, counted from 1.
    pub fn visit(&mut self, number: usize) {
        let place = (number - 1) % self.visits.len();
        if place == 0 {
            self.begin_day();
        }
        let (name, steps) = (self.visits[place].name.clone(), self.visits[place].steps.clone());
        let done = steps.iter().try_for_each(|step| self.step(step));
        if steps.iter().any(|step| matches!(step, Step::TerminalOut)) {
            self.plug_terminal_in();
        }
        self.theatre.stage.printer.plug_in().expect("a line");
        self.theatre.stage.terminal.no_cards();
        self.papers += self.theatre.stage.printer.take_papers().len();
        match done {
            Ok(()) => *self.played.entry(name).or_default() += 1,
            Err(error) => self.stumble(format!("visit {number}, {name}: {error:#}"), number),
        }
    }

    /// The kiosk is left alone until it is back at its first screen. More than one in a hundred is no finger's fault.
    fn stumble(&mut self, why: String, visits: usize) {
        println!("{why}");
        self.stumbled.push(why);
        assert!(self.stumbled.len() <= 2 + visits / 100, "{}\n{}", self.stumbled.join("\n"), self.end_of_log());
        let steps = [Step::Play("hospital up\npaper in".into()), Step::Pass(600_000), Step::Play(IDLE.into())];
        let done = steps.iter().try_for_each(|step| self.step(step));
        done.unwrap_or_else(|error| panic!("it does not come back: {error:#}\n{}", self.end_of_log()));
    }

    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Play(script) => self.theatre.try_play(script)?,
            Step::PrinterOut => self.theatre.stage.printer.unplug(),
            Step::TerminalOut => self.theatre.stage.terminal.unplug(),
            Step::Pass(ms) => drop(self.theatre.stage.order(&Order::Wait { ms: *ms })?),
        }
        Ok(())
    }

    /// Who comes next finds a terminal that the kiosk has found again.
    fn plug_terminal_in(&mut self) {
        let before = self.theatre.log_bytes();
        self.theatre.stage.terminal.plug_in();
        for _ in 0..LINE_LOOKS_MAX {
            if self.theatre.log_after(before).contains("the card terminal's line is open") {
                return;
            }
            std::thread::sleep(LINE_LOOK);
        }
        panic!("the card terminal was not found again\n{}", self.end_of_log());
    }

    /// Hospital, kiosk and their clocks go on together. The days are all Wednesdays: somebody works.
    fn begin_day(&mut self) {
        let hospital = self.theatre.stage.hospital.as_ref().expect("ours");
        hospital.set_clock_ahead_s(self.day.signed_duration_since(chrono::Utc::now()).num_seconds());
        hospital.begin_day(self.day.date_naive()).expect("appointments");
        self.theatre.stage.set_clock(self.day).expect("a clock");
        self.day = self.day.checked_add_days(Days::new(7)).expect("a day");
    }

    pub fn sum(&self) -> String {
        let folder = self.folder();
        let bytes = |name: &str| fs::metadata(folder.join(name)).map_or(0, |file| file.len());
        let kept_kib = (bytes("kiosk.db") + bytes("kiosk.db-wal")) / 1024;
        format!(
            "{} papers; {} stumbled; {} lines logged; {kept_kib} KiB kept; {:?}",
            self.papers,
            self.stumbled.len(),
            self.theatre.log().lines().count(),
            self.played
        )
    }

    fn folder(&self) -> PathBuf {
        self.theatre.folder.path().join("data/store")
    }

    /// The whole mix came, each of it left its mark, and the log is no longer than it should be.
    pub fn nothing_went_wrong(&mut self) {
        assert!(!self.theatre.stage.kiosk_ended(), "the kiosk ended\n{}", self.end_of_log());
        let log = self.theatre.log();
        assert!(!log.contains("panicked"), "{log}");
        let visits = self.played.values().sum::<usize>();
        let rounds = (visits / self.visits.len()).saturating_sub(self.stumbled.len());
        let played = |visit: &Visit| self.played.get(&visit.name).copied().unwrap_or(0);
        assert!(rounds > 0 && self.visits.iter().all(|visit| played(visit) >= rounds), "{}", self.sum());
        assert!(self.papers * 4 >= visits, "hardly any paper: {}", self.sum());
        for line in ["whole=true", "the card terminal's line is gone", "outcome=Paid", "outcome=NotPaid"] {
            let said = log.lines().filter(|said| said.contains(line)).count();
            assert!(said >= rounds, "{said} lines of {line:?} in {rounds} rounds\n{}", self.end_of_log());
        }
        // The schedule is read by the clock, however many come.
        let lines = log.lines().filter(|line| !line.contains("today's schedule")).count();
        assert!(lines <= visits * LOG_LINES_A_VISIT, "{lines} lines were logged in {visits} visits");
        let verify = socket::ask(
            &self.folder(),
            &Request::AuditVerify { json: false, anchors: Vec::new(), hospital_silent: None },
        )
        .expect("the kiosk runs");
        println!("the trail of what staff did: {}", verify.expect("an unbroken chain").join("\n"));
        let trail = socket::ask(&self.folder(), &Request::AuditRows { after: 0, from: None }).expect("the kiosk runs");
        let log_ins = trail.expect("a trail").iter().filter(|row| row.contains("log-in")).count();
        assert!(log_ins > 0, "nobody logged in");
    }

    fn end_of_log(&self) -> String {
        let log = self.theatre.log();
        let lines = log.lines().collect::<Vec<_>>();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
