//! Does the screen stutter while the day's schedule is read? The real app, drawn into a buffer by the software renderer, is
//! touched at the pace of a quick finger while it reads a whole day of 15,000 appointments over and over; the same touches
//! without reading are the measure. Nothing is asserted about time: machines differ.
//!
//!     cargo bench --bench frames              optimised
//!     cargo test --bench frames               as the tests are built
//!
//! `FRAMES_JOURNEYS` and `FRAMES_ROUNDS` make it longer or shorter.

#[path = "../stage.rs"]
#[expect(dead_code, reason = "of the tests' stage only the opening is needed")]
mod stage;

use hospital_kiosk::config;
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::ports::ScheduleCache;
use hospital_kiosk::rehearsal::child::{Order, Say};
use hospital_kiosk::rehearsal::headless::Box2;
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};
use hospital_kiosk::rehearsal::people::{MAIN, MAIN_SLIP, PATIENT_SYSTEM, SLIP_SYSTEM};
use hospital_kiosk::store;
use serde_json::{Value, json};
use stage::Theatre;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

const APPOINTMENTS: usize = 15_000;
/// Those who come to the kiosk have so many visits on that day that their list is paged.
const VISITS: usize = 8;
const WALKERS: usize = 400;
const PATIENCE: Duration = Duration::from_mins(2);
/// A screen at 60 pictures a second, one at 30, and what a finger takes for "at once".
const LATE_MS: [f64; 3] = [16.7, 33.3, 100.0];
/// `/proc` counts CPU time so.
const TICK_MS: f64 = 10.0;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Refresh {
    Never,
    Unchanged,
    Changed,
}

impl Refresh {
    const ALL: [Self; 3] = [Self::Never, Self::Unchanged, Self::Changed];

    fn words(self) -> &'static str {
        match self {
            Self::Never => "no reading",
            Self::Unchanged => "reading whole days, nothing changed",
            Self::Changed => "reading whole days, every row changed",
        }
    }
}

/// Of one way of refreshing, over all rounds.
#[derive(Default)]
struct Figures {
    /// By what was touched, in milliseconds from the press to the finished buffer.
    touches: BTreeMap<&'static str, Vec<f64>>,
    /// From the press to the screen that shows what was looked up: at the hospital, and in the store.
    answers: BTreeMap<&'static str, Vec<f64>>,
    lasted_s: f64,
    days: usize,
    rows: usize,
    kiosk_cpu_ms: f64,
    our_cpu_ms: f64,
}

fn main() {
    let journeys = number("FRAMES_JOURNEYS").unwrap_or(12);
    let rounds = number("FRAMES_ROUNDS").unwrap_or(2);
    let mut theatre = stage::open();
    theatre.stage.power_off();
    let hospital = theatre.stage.hospital.as_ref().expect("our own hospital");
    let crowd = Crowd::of(hospital);
    let mut figures: BTreeMap<Refresh, Figures> = BTreeMap::new();
    let mut hand = Hand { walkers: (0..WALKERS).cycle(), places: BTreeMap::new(), dice: 7 };
    for round in 1..=rounds {
        for refresh in Refresh::ALL {
            println!("frames: round {round} of {rounds}, {} …", refresh.words());
            one_life(&mut theatre, &mut hand, refresh, journeys, figures.entry(refresh).or_default());
            assert_eq!(kept_rows(&theatre, &crowd), crowd.rows(), "the whole day is in the kiosk's store");
        }
    }
    report(&figures, &crowd);
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// The kiosk is switched on, and patients come one after the other.
fn one_life(theatre: &mut Theatre, hand: &mut Hand, refresh: Refresh, journeys: usize, figures: &mut Figures) {
    let hospital = theatre.stage.hospital.as_ref().expect("our own hospital");
    hospital.set(Fault::Up);
    hospital.write_out_day(if refresh == Refresh::Changed { 2 } else { 1 });
    theatre.stage.refresh_schedule_every_s(if refresh == Refresh::Never { 3_600 } else { 1 });
    let read_before = days_in_log(theatre).len();
    theatre.stage.power_on().expect("the kiosk starts");
    let kiosk = theatre.stage.kiosk_id().expect("a kiosk");
    await_calm_after(theatre, read_before, kiosk, refresh);
    let (began, before) = (Instant::now(), (cpu_ms(kiosk), cpu_ms(std::process::id()), days_in_log(theatre).len()));
    for journey in 0..journeys {
        let offline = journey % 2 == 1;
        // The hospital answers nothing but the day: look-ups and check-ins go to the store, which the reading fills.
        let hospital = theatre.stage.hospital.as_ref().expect("our own hospital");
        hospital.set(if offline { Fault::Reject } else { Fault::Up });
        hand.check_in(theatre, offline, figures);
    }
    figures.lasted_s += began.elapsed().as_secs_f64();
    figures.kiosk_cpu_ms += cpu_ms(kiosk) - before.0;
    figures.our_cpu_ms += cpu_ms(std::process::id()) - before.1;
    let read = &days_in_log(theatre)[before.2..];
    figures.days += read.len();
    figures.rows += read.iter().sum::<usize>();
    theatre.stage.power_off();
}

/// A kiosk that was switched on reads the day first. Without further reading the touches begin when that is done; else in
/// the middle of it.
fn await_calm_after(theatre: &Theatre, read_before: usize, kiosk: u32, refresh: Refresh) {
    let end = Instant::now() + PATIENCE;
    while days_in_log(theatre).len() == read_before {
        assert!(Instant::now() < end, "the day was not read\n{}", theatre.log());
        sleep(Duration::from_millis(50));
    }
    if refresh != Refresh::Never {
        return;
    }
    loop {
        let before = cpu_ms(kiosk);
        sleep(Duration::from_secs(1));
        if cpu_ms(kiosk) - before <= 2.0 * TICK_MS {
            return;
        }
        assert!(Instant::now() < end, "the kiosk is never at rest");
    }
}

/// Rows of every whole day that the kiosk says it read.
fn days_in_log(theatre: &Theatre) -> Vec<usize> {
    let log = theatre.log();
    let days = log.lines().filter(|line| line.contains("today's schedule was read") && line.contains("whole=true"));
    days.filter_map(|line| line.split("rows=").nth(1)?.split(' ').next()?.parse().ok()).collect()
}

fn kept_rows(theatre: &Theatre, crowd: &Crowd) -> usize {
    let data = theatre.folder.path().join("data");
    let settings = config::Store::at(data.join("store"), data.join("key/store.key"));
    let store = store::open_with_credentials(&settings, None).expect("the kiosk's store").store;
    let day = "2026-11-25".parse().expect("a day");
    let kept = |number: &String| {
        store.cached_appointments(day, &PatientNumber(number.clone())).expect("a store that reads").len()
    };
    crowd.numbers.iter().map(kept).sum()
}

/// User and system time of a process and all its threads.
fn cpu_ms(process: u32) -> f64 {
    let books = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = books.rsplit(") ").next().unwrap_or_default();
    after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK_MS
}

/// The patients of the long day, copies of the demo's main patient.
struct Crowd {
    numbers: Vec<String>,
    visits: usize,
}

impl Crowd {
    /// The hospital holds and tells them from now on.
    fn of(hospital: &SimHospital) -> Self {
        let main = hospital.find("Patient", PATIENT_SYSTEM, MAIN).expect("the main patient");
        let slip = MAIN_SLIP.trim_start_matches("A:");
        let visit = hospital.find("Appointment", SLIP_SYSTEM, slip).expect("the main appointment");
        let (mut resources, mut visits) = (Vec::new(), 0);
        let people = WALKERS + APPOINTMENTS - WALKERS * VISITS;
        for person in 0..people {
            let mut patient = main.clone();
            patient["id"] = json!(format!("crowd-{person}"));
            patient["identifier"][0]["value"] = json!(patient_number(person));
            patient["birthDate"] = json!(BORN);
            resources.push(patient);
            for nth in 0..if person < WALKERS { VISITS } else { 1 } {
                resources.push(visit_of(&visit, person, nth));
                visits += 1;
            }
        }
        hospital.hold(resources);
        Self { numbers: (0..people).map(patient_number).collect(), visits }
    }

    fn rows(&self) -> usize {
        self.visits
    }
}

const BORN: &str = "1958-04-12";

fn patient_number(person: usize) -> String {
    (50_000_000 + person).to_string()
}

/// The first at 10:30, which can be checked in at ten, the others in the afternoon.
fn visit_of(template: &Value, person: usize, nth: usize) -> Value {
    let mut visit = template.clone();
    visit["id"] = json!(format!("crowd-{person}-{nth}"));
    visit["identifier"] = json!([{"system": SLIP_SYSTEM, "value": format!("CROWD-{person}-{nth}")}]);
    visit["participant"][0]["actor"]["reference"] = json!(format!("Patient/crowd-{person}"));
    if nth > 0 {
        visit["start"] = json!(format!("2026-11-25T{}:00:00+09:00", 13 + nth / 2));
        visit["end"] = json!(format!("2026-11-25T{}:15:00+09:00", 13 + nth / 2));
    }
    visit
}

/// One quick finger.
struct Hand {
    walkers: std::iter::Cycle<std::ops::Range<usize>>,
    /// Where the keys of a pad are, once they were looked for.
    places: BTreeMap<(&'static str, String), Box2>,
    dice: u64,
}

impl Hand {
    fn check_in(&mut self, theatre: &mut Theatre, offline: bool, figures: &mut Figures) {
        let walker = self.walkers.next().expect("they come again and again");
        for id in ["Touch to start", "English", "Check in"] {
            self.touch(theatre, id, "another screen", figures);
        }
        self.type_in(theatre, "number", &patient_number(walker), figures);
        self.touch(theatre, "Next", "another screen", figures);
        self.type_in(theatre, "birth date", &BORN.replace('-', ""), figures);
        let asked = self.touch(theatre, "Next", "another screen", figures);
        find(theatre, "Yes");
        let answers = figures.answers.entry(if offline { "in the store" } else { "at the hospital" }).or_default();
        answers.push(asked.elapsed().as_secs_f64() * 1000.0);
        self.touch(theatre, "Yes", "another screen", figures);
        for id in ["Down", "Up", "Down"] {
            self.touch(theatre, id, "a list's next page", figures);
        }
        self.touch(theatre, "Check in", "check-in, written durably", figures);
        self.touch(theatre, "Finish", "another screen", figures);
    }

    fn type_in(&mut self, theatre: &mut Theatre, pad: &'static str, digits: &str, figures: &mut Figures) {
        for digit in digits.chars() {
            let key = (pad, digit.to_string());
            let place = self.places.get(&key).copied().unwrap_or_else(|| find(theatre, &key.1));
            self.places.insert(key, place);
            self.press(theatre, place, "a digit", figures);
        }
    }

    /// Tells when it was pressed.
    fn touch(&mut self, theatre: &mut Theatre, id: &str, what: &'static str, figures: &mut Figures) -> Instant {
        let place = find(theatre, id);
        self.press(theatre, place, what, figures)
    }

    fn press(&mut self, theatre: &mut Theatre, place: Box2, what: &'static str, figures: &mut Figures) -> Instant {
        sleep(Duration::from_millis(20 + self.roll(100)));
        let finger = Order::Finger {
            x: place.x + place.width / 2.0,
            y: place.y + place.height / 2.0,
            by_window: what == "a list's next page",
        };
        let pressed = Instant::now();
        match theatre.stage.order(&finger) {
            Ok(Say::Done { touch_to_frame_ms: Some(ms) }) => figures.touches.entry(what).or_default().push(ms),
            other => panic!("{what}: {other:?}\n{}", theatre.log()),
        }
        pressed
    }

    /// xorshift64: the same pauses in every run.
    fn roll(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 11) % below
    }
}

/// Waits until the control can be seen.
fn find(theatre: &mut Theatre, id: &str) -> Box2 {
    let end = Instant::now() + PATIENCE;
    loop {
        match theatre.stage.order(&Order::Place { id: id.to_owned() }) {
            Ok(Say::Place(place)) => return place,
            Ok(other) => panic!("{id}: {other:?}"),
            Err(error) => assert!(Instant::now() < end, "{error:#}\n{}", theatre.log()),
        }
        sleep(Duration::from_millis(2));
    }
}

fn report(figures: &BTreeMap<Refresh, Figures>, crowd: &Crowd) {
    let build = if cfg!(debug_assertions) { "our code as the tests are built" } else { "optimised" };
    println!("\nframes: a day of {} appointments, {build}; press to finished buffer in ms", crowd.rows());
    for (refresh, found) in figures {
        println!(
            "frames: {}: {} days of {} rows read in {:.0} s; the kiosk used {:.0} % of a core, hospital and devices {:.0} %",
            refresh.words(),
            found.days,
            found.rows.checked_div(found.days).unwrap_or(0),
            found.lasted_s,
            found.kiosk_cpu_ms / found.lasted_s / 10.0,
            found.our_cpu_ms / found.lasted_s / 10.0
        );
        for (what, times) in &found.touches {
            println!("  {what:<28} {}", line(times));
        }
        println!("  {:<28} {}", "all touches", line(&all(found)));
        for (place, times) in &found.answers {
            println!("  {:<28} {}", format!("looked up {place}"), line(times));
        }
    }
    let Some(still) = figures.get(&Refresh::Never).map(all) else { return };
    for (refresh, found) in figures.iter().filter(|(refresh, _)| **refresh != Refresh::Never) {
        let ratio = |percent| rank(&all(found), percent) / rank(&still, percent);
        println!(
            "frames: {} / {}: p50 {:.2}, p95 {:.2}, p99 {:.2}, longest {:.2}",
            refresh.words(),
            Refresh::Never.words(),
            ratio(50),
            ratio(95),
            ratio(99),
            ratio(100)
        );
    }
}

fn all(figures: &Figures) -> Vec<f64> {
    figures.touches.values().flatten().copied().collect()
}

fn line(times: &[f64]) -> String {
    let late = LATE_MS.map(|limit| format!("{} over {limit}", times.iter().filter(|ms| **ms > limit).count()));
    let [p50, p95, p99, longest] = [50, 95, 99, 100].map(|percent| rank(times, percent));
    format!(
        "{:>5}: p50 {p50:6.1}  p95 {p95:6.1}  p99 {p99:6.1}  longest {longest:6.1}   {}",
        times.len(),
        late.join(", ")
    )
}

fn rank(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
