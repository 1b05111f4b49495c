//! The product itself, `kiosk run` in a window with real keys and a real pointer, killed while a payment runs.

use super::books::{Books, End, Tally};
use super::window::{Screen, Target, picture, replaced, with_value};
use super::{Dice, number, on_several};
use crate::stage::{Theatre, open};
use chrono::{DateTime, FixedOffset, NaiveDate, Timelike, Utc};
use hospital_kiosk::rehearsal::child::{Order, Say};
use hospital_kiosk::rehearsal::hospital::SimHospital;
use hospital_kiosk::rehearsal::people;
use hospital_kiosk::rehearsal::printer::SimPrinter;
use hospital_kiosk::rehearsal::scanner::SimScanner;
use hospital_kiosk::rehearsal::terminal::{CardAction, SimTerminal};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const ROUNDS: u64 = 20;

/// One thing a hand does: what it waits to see, and what it presses there.
pub enum Deed {
    Click(&'static str),
    /// X names of keys, pressed while this control is to be seen.
    Keys(&'static str, &'static [&'static str]),
}

/// From the idle screen to the documents of somebody found, by the pointer and by the keypad.
pub const TO_DOCUMENTS: &[Deed] = &[
    Deed::Keys("Touch to start", &["Return"]),
    Deed::Click("English"),
    Deed::Click("Documents"),
    Deed::Click("For me"),
    Deed::Keys("1", &["1", "0", "2", "9", "3", "8", "4", "7", "Return"]),
    Deed::Keys("1", &["1", "9", "5", "8", "0", "4", "1", "2", "Return"]),
];
/// From there to "I agree".
pub const TO_PAY: &[Deed] = &[
    Deed::Click("Visit confirmation"),
    Deed::Click("Next"),
    Deed::Click("Next"),
    Deed::Click("Pay"),
    Deed::Click("I agree"),
];

#[test]
#[ignore = "needs Xvfb and xdotool: `make kill` installs them and runs this"]
fn the_product_killed_in_its_window_charges_once_and_loses_nothing() {
    let rounds = number("KILL_PRODUCT_ROUNDS").unwrap_or(ROUNDS);
    let targets = targets();
    let tally = on_several("kill (product)", rounds, |seed, rounds| one_kiosk(seed, rounds, &targets));
    assert_eq!(tally.rounds, rounds);
    if rounds >= ROUNDS {
        assert!(tally.charged > 0 && tally.charged < rounds, "only one outcome: the moments test nothing");
    }
}

fn one_kiosk(seed: u64, rounds: u64, targets: &[Target]) -> Tally {
    let mut dice = Dice(seed);
    let mut shop = Shop::open(seed);
    let mut books = Books::new(&shop.store(), &shop.terminal);
    let mut tally = Tally::default();
    shop.power_on();
    for round in 1..=rounds {
        let card = dice.one_of(&[CardAction::Approve, CardAction::Approve, CardAction::Decline, CardAction::Silence]);
        let (card_after_ms, kill_after_ms) = (dice.below(300), dice.below(1_500));
        let end =
            one_round(&mut shop, &mut books, targets, card, card_after_ms, kill_after_ms).unwrap_or_else(|broken| {
                panic!("seed {seed} round {round}: {broken}\n{card:?}, killed after {kill_after_ms} ms\n{}", shop.log())
            });
        tally.kills += 1;
        tally.add(&format!("{card:?}"), &end);
    }
    books
        .compare_with_hospital(&shop.terminal, &shop.hospital)
        .unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    tally
}

fn one_round(
    shop: &mut Shop,
    books: &mut Books,
    targets: &[Target],
    card: CardAction,
    card_after_ms: u64,
    kill_after_ms: u64,
) -> Result<End, String> {
    shop.terminal.no_cards();
    for (deed, target) in TO_DOCUMENTS.iter().chain(TO_PAY).zip(targets) {
        match deed {
            Deed::Click(_) => shop.screen.click(target)?,
            Deed::Keys(_, names) => shop.screen.keys(target, names)?,
        }
    }
    let card_ms = card_after_ms.min(kill_after_ms);
    sleep(Duration::from_millis(card_ms));
    shop.terminal.card(card);
    sleep(Duration::from_millis(kill_after_ms - card_ms));
    shop.power_off();
    shop.power_on();
    books.close_round(&shop.terminal)
}

fn targets() -> Vec<Target> {
    targets_of(TO_DOCUMENTS.iter().chain(TO_PAY))
}

/// Where every control of a walk is and what it looks like: asked of the same screens, drawn headless.
pub fn targets_of<'a>(walk: impl IntoIterator<Item = &'a Deed>) -> Vec<Target> {
    let mut theatre = open();
    let targets = walk.into_iter().map(|deed| target_of(&mut theatre, deed)).collect();
    theatre.stage.power_off();
    targets
}

fn target_of(theatre: &mut Theatre, deed: &Deed) -> Target {
    let (Deed::Click(id) | Deed::Keys(id, _)) = deed;
    let area = loop {
        match theatre.stage.order(&Order::Place { id: (*id).to_owned() }) {
            Ok(Say::Place(area)) => break area,
            Ok(other) => panic!("{id}: {other:?}"),
            Err(error) => assert!(!theatre.stage.kiosk_ended(), "{id}: {error:#}"),
        }
        sleep(Duration::from_millis(50));
    };
    let file = theatre.folder.path().join("target.png");
    theatre.stage.order(&Order::Shot { path: file.clone() }).expect("a screenshot");
    match deed {
        Deed::Click(id) => theatre.play(&format!("tap \"{id}\"")),
        Deed::Keys(_, names) => theatre.play(&names.iter().map(|name| on_keypad(name)).collect::<String>()),
    }
    Target { id: (*id).to_owned(), area, picture: picture(&file) }
}

fn on_keypad(name: &str) -> String {
    if name == "Return" { "key enter\n".to_owned() } else { format!("type \"{name}\"\n") }
}

/// A stage for a kiosk that knows nothing of stages.
pub struct Shop {
    pub terminal: SimTerminal,
    pub hospital: SimHospital,
    pub screen: Screen,
    config: PathBuf,
    kiosk: Option<Child>,
    folder: tempfile::TempDir,
    _printer: SimPrinter,
    _scanner: SimScanner,
}

impl Shop {
    pub fn open(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let lines = folder.path().join("lines");
        fs::create_dir_all(&lines).expect("folder");
        let morning = Morning::now();
        let hospital = SimHospital::start(morning.day).expect("a hospital");
        let config = morning.configuration(folder.path(), &hospital.url());
        Self {
            terminal: SimTerminal::start(&lines.join("terminal"), seed).expect("a terminal"),
            _printer: SimPrinter::start(&lines.join("printer")).expect("a printer"),
            _scanner: SimScanner::start(&lines.join("scanner")).expect("a scanner"),
            hospital,
            screen: Screen::open(),
            config,
            kiosk: None,
            folder,
        }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub fn power_on(&mut self) {
        let log =
            fs::File::options().create(true).append(true).open(self.folder.path().join("kiosk.log")).expect("log");
        let kiosk = Command::new(env!("CARGO_BIN_EXE_kiosk"))
            .arg("--config")
            .arg(&self.config)
            .arg("run")
            .env("DISPLAY", &self.screen.display)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kiosk run");
        self.kiosk = Some(kiosk);
    }

    fn power_off(&mut self) {
        if let Some(mut kiosk) = self.kiosk.take() {
            let ended = kiosk.try_wait().expect("a process");
            assert!(ended.is_none(), "the kiosk ended by itself: {ended:?}\n{}", self.log());
            let _ = kiosk.kill();
            let _ = kiosk.wait();
        }
    }

    pub fn pid(&self) -> u32 {
        self.kiosk.as_ref().expect("a kiosk runs").id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("kiosk.log")).unwrap_or_default()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(mut kiosk) = self.kiosk.take() {
            let _ = kiosk.kill();
            let _ = kiosk.wait();
        }
    }
}

/// The product takes the machine's clock, so the hospital is put where it is morning now, and works every day.
struct Morning {
    day: NaiveDate,
    offset_hours: i32,
}

impl Morning {
    fn now() -> Self {
        let utc = Utc::now();
        let hour = i32::try_from(utc.hour()).expect("an hour");
        let offset_hours = if hour > 22 { 34 - hour } else { 10 - hour };
        let offset = FixedOffset::east_opt(offset_hours * 3600).expect("a time zone");
        let there: DateTime<FixedOffset> = utc.with_timezone(&offset);
        Self { day: there.date_naive(), offset_hours }
    }

    /// The shipped configuration with the lines, the server and the data of this stage.
    fn configuration(&self, folder: &Path, url: &str) -> PathBuf {
        let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config");
        let hospital = folder.join("hospital");
        fs::create_dir_all(&hospital).expect("folder");
        for entry in
            fs::read_dir(shipped.join("hospital/onsaemi")).expect("the hospital").map(|entry| entry.expect("entry"))
        {
            let text = fs::read_to_string(entry.path()).expect("a text");
            let name = entry.file_name();
            let text = match name.to_str() {
                Some("hospital.toml") => {
                    let offset = format!("utc_offset = \"{:+03}:00\"", self.offset_hours);
                    replaced(&text, "time_zone = \"Asia/Seoul\"", &offset)
                }
                Some("hours.toml") => every_day(&text),
                _ => text,
            };
            fs::write(hospital.join(name), text).expect("a copy");
        }
        let mut text = fs::read_to_string(shipped.join("kiosk.toml")).expect("kiosk.toml");
        let line = |name: &str| folder.join("lines").join(name).display().to_string();
        let in_folder = |name: &str| folder.join(name).display().to_string();
        let changes = [
            ("hospital/onsaemi", in_folder("hospital")),
            ("/dev/serial/by-id/card-terminal", line("terminal")),
            ("https://fhir.onsaemi.example/r4", url.to_owned()),
            ("https://onsaemi.example/id/patient", people::PATIENT_SYSTEM.to_owned()),
            ("https://onsaemi.example/id/kiosk-request", people::REQUEST_SYSTEM.to_owned()),
            ("https://onsaemi.example/id/device", people::DEVICE_SYSTEM.to_owned()),
            ("K3-2026-0001", people::DEVICE_SERIAL.to_owned()),
            ("https://onsaemi.example/code/document", people::DOCUMENT_SYSTEM.to_owned()),
            ("https://onsaemi.example/id/appointment", people::SLIP_SYSTEM.to_owned()),
            ("/var/lib/hospital-kiosk", in_folder("store")),
            ("/var/lib/hospital-kiosk-key/store-key", in_folder("key/store.key")),
        ];
        for (from, to) in changes {
            text = replaced(&text, &format!("\"{from}\""), &format!("\"{to}\""));
        }
        text = replaced(&text, "\nport = \"/dev/receipt-printer\"", &format!("\nport = \"{}\"", line("printer")));
        text = replaced(&text, "\nport = \"\"", &format!("\nport = \"{}\"", line("scanner")));
        text = with_value(&text, "retry_base_ms", "300");
        text = with_value(&text, "retry_cap_ms", "2000");
        text = with_value(&text, "network_return_wait_ms", "300");
        text = with_value(&text, "ack_timeout_ms", "300");
        let path = folder.join("kiosk.toml");
        fs::write(&path, text).expect("kiosk.toml");
        path
    }
}

/// Open on Sundays and holidays.
fn every_day(hours: &str) -> String {
    let (week, _) = hours.split_once("[holidays]").expect("holidays at the end");
    format!("{}[holidays]\n", week.replace("\"closed\"", "\"08:00-18:00\"").replace("-13:00\"", "-18:00\""))
}
