//! The one event loop: its clock moves, and what it cannot know it does not guess.

use chrono::{DateTime, FixedOffset, TimeDelta};
use hospital_kiosk::app::effects::{Effects, Health, Ports};
use hospital_kiosk::app::event_loop::{self, EventLoop, Inputs};
use hospital_kiosk::config;
use hospital_kiosk::domain::clock::Standing;
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::numbers::Counters;
use hospital_kiosk::domain::outbox::Request;
use hospital_kiosk::domain::patient::ScannedCode;
use hospital_kiosk::domain::person::Role;
use hospital_kiosk::domain::printer::{PrintJob, PrinterState};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::domain::screen::staff::{StaffScreen, StaffTap, Trouble};
use hospital_kiosk::domain::screen::{Screen, Tap};
use hospital_kiosk::domain::session::{Input, Session};
use hospital_kiosk::domain::staff::Pin;
use hospital_kiosk::domain::terminal::TerminalCommand;
use hospital_kiosk::hospital::sync::Signals;
use hospital_kiosk::ports::{
    Answer, Bundles, CardTerminal, Clock, JournalLines, KioskClock, LookUps, Printer, Raster, Store,
};
use hospital_kiosk::rehearsal::days::facility::facility;
use hospital_kiosk::store;
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

struct Nothing;

impl CardTerminal for Nothing {
    fn command(&self, _: TerminalCommand) {}
}

impl Printer for Nothing {
    fn print(&self, _: PrintJob, _: Raster) {}
    fn clear(&self) {}
    fn state(&self) -> PrinterState {
        PrinterState::Online
    }
}

impl LookUps for Nothing {
    fn ask(&self, _: Question) -> Answer<'_, Reply> {
        Box::pin(std::future::ready(Reply::Unreachable))
    }
}

impl Bundles for Nothing {
    fn freeze(&self, _: &Request) -> Vec<u8> {
        Vec::new()
    }
}

/// Goes with the runtime's stopped time; 10:00:20 at the beginning.
struct Virtual {
    started: tokio::time::Instant,
    set_by_s: AtomicI64,
    standing: Mutex<Standing>,
    looked_at: AtomicU32,
}

impl Clock for Virtual {
    fn now(&self) -> Moment {
        self.looked_at.fetch_add(1, Ordering::SeqCst);
        let tick = u64::try_from(self.started.elapsed().as_millis()).expect("short");
        let begin: DateTime<FixedOffset> = "2026-11-25T10:00:20+09:00".parse().expect("a time");
        let set_by = TimeDelta::seconds(self.set_by_s.load(Ordering::SeqCst));
        let wall = begin + set_by + TimeDelta::milliseconds(i64::try_from(tick).expect("short"));
        Moment { tick: Tick(tick), wall, fresh: Uuid::new_v4() }
    }
}

impl KioskClock for Virtual {
    fn heard(&self, _: i64) {}

    fn standing(&self) -> Standing {
        *self.standing.lock().expect("standing")
    }

    fn correction_s(&self) -> i64 {
        0
    }

    fn wants_answer(&self) -> bool {
        false
    }

    fn on_change(&self, _: Box<dyn Fn(Standing) + Send + Sync>) {}

    fn accept(&self) {}
}

struct Kiosk {
    desk: Inputs,
    clock: Arc<Virtual>,
    shown: Arc<Mutex<Vec<Screen>>>,
    minutes: Arc<Mutex<Vec<String>>>,
    health: Arc<Mutex<Option<Health>>>,
    wiped: Arc<AtomicU32>,
}

impl Kiosk {
    fn start(store: Arc<dyn Store>) -> Self {
        let (desk, inputs) = event_loop::channel();
        let started = tokio::time::Instant::now();
        let clock = Arc::new(Virtual {
            started,
            set_by_s: AtomicI64::new(0),
            standing: Mutex::new(Standing::Agreed),
            looked_at: AtomicU32::new(0),
        });
        let (shown, minutes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let facility: Arc<Facility> = Arc::new(facility(false));
        let health = Arc::new(Mutex::new(None));
        let wiped = Arc::new(AtomicU32::new(0));
        let count = wiped.clone();
        let (screens, faces, healthy) = (shown.clone(), minutes.clone(), health.clone());
        let ports = Ports {
            facility: facility.clone().into(),
            clock: clock.clone(),
            store,
            terminal: Arc::new(Nothing),
            printer: Arc::new(Nothing),
            scanner: None,
            look_ups: Arc::new(Nothing),
            bundles: Arc::new(Nothing),
            health: Arc::new(move |told| *healthy.lock().expect("health") = Some(told)),
            show: Arc::new(move |view, _| screens.lock().expect("screens").push(view.screen)),
            wipe: Arc::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
            }),
            set_clock: Arc::new(move |wall| faces.lock().expect("faces").push(wall.format("%H:%M").to_string())),
            press: Arc::new(|_, _| Err("no paper here".to_owned())),
            finished: Arc::new(|_| {}),
            recorded: Arc::new(|_| {}),
            outbox: Arc::new(Signals::default()),
        };
        let effects = Effects::new(ports, desk.clone(), tokio::runtime::Handle::current());
        tokio::spawn(EventLoop::new(Session::new(facility), effects).run(inputs));
        Self { desk, clock, shown, minutes, health, wiped }
    }

    async fn wait_s(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn screens(&self) -> Vec<Screen> {
        self.shown.lock().expect("screens").clone()
    }

    fn minutes(&self) -> Vec<String> {
        std::mem::take(&mut *self.minutes.lock().expect("faces"))
    }

    async fn tap(&self, tap: Tap) {
        self.desk.send(Input::Tapped(tap));
        self.wait_s(0).await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_on_the_screen_moves_once_a_minute() {
    let folder = tempfile::tempdir().expect("a folder");
    let kiosk = Kiosk::start(store_in(folder.path()));
    kiosk.wait_s(1).await;
    let before = kiosk.clock.looked_at.load(Ordering::SeqCst);
    kiosk.wait_s(600).await;
    let faces: Vec<String> = (1..=10).map(|minute| format!("10:{minute:02}")).collect();
    assert_eq!(kiosk.minutes(), faces);
    assert_eq!(kiosk.screens(), [Screen::Idle], "nothing else was drawn");
    let looks = kiosk.clock.looked_at.load(Ordering::SeqCst) - before;
    assert!(looks <= 10 * 6, "{looks} looks at the clock in ten minutes at rest");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_is_shown_within_the_minute() {
    let folder = tempfile::tempdir().expect("a folder");
    let kiosk = Kiosk::start(store_in(folder.path()));
    kiosk.wait_s(5).await;
    kiosk.clock.set_by_s.store(2 * 3600 + 10, Ordering::SeqCst);
    kiosk.wait_s(60).await;
    assert_eq!(kiosk.minutes().last().map(String::as_str), Some("12:01"));
    kiosk.clock.set_by_s.store(-3600, Ordering::SeqCst);
    kiosk.wait_s(61).await;
    assert_eq!(kiosk.minutes().last().map(String::as_str), Some("09:02"));
}

fn store_in(folder: &Path) -> Arc<dyn Store> {
    let settings = config::Store::at(folder.join("data"), folder.join("keys/store.key"));
    Arc::new(store::open_with_credentials(&settings, None).expect("a store").store)
}

/// A store on the disk, and a way to take its journal out of it and put it back.
fn store_that_breaks(folder: &Path) -> (Arc<dyn Store>, Connection) {
    let store = store_in(folder);
    let beside = Connection::open(folder.join("data/kiosk.db")).expect("the database");
    let key = std::fs::read_to_string(folder.join("keys/store.key")).expect("a key");
    beside.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).expect("the key fits");
    (store, beside)
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_serves_nobody_and_keeps_no_touch() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, beside) = store_that_breaks(folder.path());
    beside.execute_batch("ALTER TABLE payments RENAME TO elsewhere").expect("taken out");
    let kiosk = Kiosk::start(store);
    kiosk.wait_s(1).await;
    assert!(matches!(kiosk.screens().as_slice(), [Screen::OutOfService { .. }]), "{:?}", kiosk.screens());
    for tap in [Tap::Start, Tap::Next, Tap::Help, Tap::Start] {
        kiosk.tap(tap).await;
    }
    kiosk.desk.send(Input::Scanned(ScannedCode::AppointmentSlip("AS-1".to_owned())));
    kiosk.wait_s(12).await;
    assert_eq!(kiosk.screens().len(), 1, "{:?}", kiosk.screens());
    // Staff are told why at the door, for the PIN may lie in the same store.
    kiosk.tap(Tap::Staff(StaffTap::Enter)).await;
    let told = kiosk.screens().pop();
    let Some(Screen::Staff(screen)) = told else { panic!("{told:?}") };
    let StaffScreen::Pin { trouble: Some(Trouble::Journal { reason }), .. } = *screen else { panic!("{screen:?}") };
    assert!(!reason.is_empty());
    kiosk.tap(Tap::Back).await;
    // It opens by itself, and shows no patient what the one before touched.
    beside.execute_batch("ALTER TABLE elsewhere RENAME TO payments").expect("put back");
    let before = kiosk.screens().len();
    kiosk.wait_s(6).await;
    assert_eq!(kiosk.screens()[before..], [Screen::Idle]);
    kiosk.tap(Tap::Start).await;
    assert!(matches!(kiosk.screens().last(), Some(Screen::Language { .. })), "{:?}", kiosk.screens());
}

/// What a monitor is told is so: a disk that takes nothing, a clock that nobody believes, each alone.
#[tokio::test(start_paused = true)]
async fn what_the_kiosk_cannot_do_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    let (store, _beside) = store_that_breaks(folder.path());
    std::fs::rename(&data, &away).expect("taken away");
    let kiosk = Kiosk::start(store.clone());
    let health = |kiosk: &Kiosk| kiosk.health.lock().expect("health").expect("told");
    kiosk.wait_s(1).await;
    assert_eq!(health(&kiosk), Health { can_write: false, clock_believed: true });
    std::fs::rename(&away, &data).expect("put back");
    kiosk.wait_s(6).await;
    assert_eq!(health(&kiosk), Health { can_write: true, clock_believed: true });
    // Found within the minute, not with the next patient.
    std::fs::rename(&data, &away).expect("taken away");
    kiosk.wait_s(61).await;
    assert_eq!(health(&kiosk), Health { can_write: false, clock_believed: true });
    std::fs::rename(&away, &data).expect("put back");

    let closed = Health { can_write: true, clock_believed: false };
    let day = "2026-12-24".parse().expect("a day");
    let counters = Counters { day, tickets: 1, claims: 0, attempts: 0 };
    store.save_counters(&counters, "2026-12-24T10:00:00+09:00".parse().expect("a time")).expect("kept");
    for (standing, set_by_s) in
        [(Standing::Unheard, 0), (Standing::Unheard, -1_795_600_000), (Standing::Disputed { ahead_s: 172_800 }, 0)]
    {
        let kiosk = Kiosk::start(store.clone());
        kiosk.clock.set_by_s.store(set_by_s, Ordering::SeqCst);
        *kiosk.clock.standing.lock().expect("standing") = standing;
        kiosk.wait_s(1).await;
        assert_eq!(health(&kiosk), closed, "{standing:?}");
        *kiosk.clock.standing.lock().expect("standing") = Standing::Agreed;
        kiosk.wait_s(61).await;
        assert_eq!(health(&kiosk), Health { can_write: true, clock_believed: true }, "{standing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_is_wiped_with_each_visit() {
    let folder = tempfile::tempdir().expect("a folder");
    let kiosk = Kiosk::start(store_in(folder.path()));
    kiosk.wait_s(1).await;
    for visits in 1..=2 {
        kiosk.tap(Tap::Start).await;
        assert!(matches!(kiosk.screens().last(), Some(Screen::Language { .. })), "{:?}", kiosk.screens());
        assert_eq!(kiosk.wiped.load(Ordering::SeqCst), visits - 1, "not before it is over");
        kiosk.tap(Tap::StartOver).await;
        assert_eq!(kiosk.wiped.load(Ordering::SeqCst), visits);
    }
}

/// Somebody at the door whose fellow moves the clock of the machine.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_moved_opens_no_locked_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _beside) = store_that_breaks(folder.path());
    let book = &store;
    let at = |text: &str| text.parse::<DateTime<FixedOffset>>().expect("a time");
    let kim = book.add_person("Kim", Role::Technician, None, at("2026-11-25T09:00:00+09:00")).expect("added");
    let pin = |digits: &str| Pin::read(digits).expect("a PIN");
    book.set_pin(Some(kim.number), &pin("40718"), at("2026-11-25T09:00:00+09:00")).expect("set");
    for minute in 0..5 {
        let at = at("2026-11-25T09:56:00+09:00") + TimeDelta::minutes(minute);
        book.try_pin(Some(kim.number), &pin("40719"), at).expect("tried");
    }
    let kiosk = Kiosk::start(store.clone());
    kiosk.wait_s(1).await;
    let locked_until = || store.persons().expect("persons")[0].locked_until;
    assert_eq!(locked_until(), Some(at("2026-11-25T10:15:00+09:00")));
    for (set_by_s, until) in [(86_400, "2026-11-26T10:15:00+09:00"), (-7_200, "2026-11-25T08:15:00+09:00")] {
        kiosk.clock.set_by_s.store(set_by_s, Ordering::SeqCst);
        kiosk.tap(Tap::Staff(StaffTap::Enter)).await;
        for _ in 0..100 {
            if locked_until().map(|at| at.timestamp()) == Some(at(until).timestamp()) {
                break;
            }
            kiosk.wait_s(0).await;
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(locked_until(), Some(at(until)), "{set_by_s}");
        kiosk.tap(Tap::Back).await;
    }
}
