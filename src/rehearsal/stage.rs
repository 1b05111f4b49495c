//! The stage of a rehearsal: simulated devices and hospital, and the kiosk as a child process that can lose its power.

use super::child::{Order, Say, Words};
use super::hospital::SimHospital;
use super::printer::SimPrinter;
use super::scanner::SimScanner;
use super::terminal::{CardAction, SimTerminal, zvt};
use crate::commands::socket;
use crate::domain::money::Amount;
use crate::ports::Raster;
use anyhow::{Context, bail};
use chrono::{DateTime, Duration as WallDuration, FixedOffset};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a rehearsal is played with.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The `demo` program, which is also the kiosk's child process.
    pub program: PathBuf,
    pub out: PathBuf,
    pub data: PathBuf,
    pub config: PathBuf,
    pub seed: u64,
    pub size: (u32, u32),
    pub window: bool,
    /// Somebody else's FHIR server instead of ours.
    pub hospital_url: Option<String>,
    /// Another time between two readings of the day's schedule than the configuration's.
    pub schedule_refresh_s: Option<u64>,
    pub wall: DateTime<FixedOffset>,
    pub protocol: Protocol,
    /// How long a script waits for what it expects.
    pub patience: Duration,
}

pub struct Stage {
    setting: Setting,
    /// Unused where `zvt` is.
    pub terminal: SimTerminal,
    /// In its place, where the setting asks for it.
    pub zvt: Option<SimTerminal<zvt::Model>>,
    pub printer: SimPrinter,
    pub scanner: SimScanner,
    pub hospital: Option<SimHospital>,
    kiosk: Option<Kiosk>,
    /// Wall time at `since`; moves on with real time and with waits.
    wall: DateTime<FixedOffset>,
    since: Instant,
    pub heard: Arc<Mutex<Heard>>,
    pub peak_rss_kib: u64,
    pub touch_to_frame_ms: Vec<f64>,
}

/// Everything the kiosk said of itself, over all its lives.
#[derive(Default)]
pub struct Heard {
    pub finished: Vec<Say>,
    pub delivered: BTreeSet<Uuid>,
    /// Words of each picture that was drawn.
    pub pressed: BTreeMap<String, Words>,
    pub first_frame_ms: Option<f64>,
}

/// Which simulated card terminal stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    #[default]
    Smartro,
    Zvt,
}

impl Protocol {
    /// As `[terminal] protocol` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smartro => "smartro",
            Self::Zvt => "zvt",
        }
    }
}

struct Kiosk {
    process: Child,
    orders: ChildStdin,
    answers: mpsc::Receiver<Say>,
}

/// A kiosk's screen stands higher than a desk's: its window is drawn at half size.
const WINDOW_SCALE: &str = "0.5";

/// A kiosk that says nothing for this long is stuck.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

impl Stage {
    /// The last four digits of the newest payment's number.
    ///
    /// # Errors
    /// There is none, or the kiosk does not answer.
    pub fn newest_payment(&self) -> anyhow::Result<String> {
        let asked = socket::ask(&self.setting.data.join("store"), &socket::Request::PaymentsList { json: true });
        let told = asked.context("the kiosk does not run")?.map_err(|refusal| anyhow::anyhow!(refusal.why))?;
        let newest: serde_json::Value = serde_json::from_str(told.last().context("nobody has paid")?)?;
        let number = newest["number"].as_str().context("a payment without a number")?;
        Ok(number.chars().skip(number.chars().count().saturating_sub(4)).collect())
    }

    /// Sets up the devices and starts the kiosk.
    ///
    /// # Errors
    /// A folder, pty or socket that cannot be had; a kiosk that does not start.
    pub fn open(setting: Setting) -> anyhow::Result<Self> {
        let lines = setting.data.join("lines");
        for folder in [&setting.out, &setting.data, &lines] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let hospital = match setting.hospital_url {
            Some(_) => None,
            None => Some(SimHospital::start(setting.wall.date_naive())?),
        };
        let (terminal, zvt) = match setting.protocol {
            Protocol::Smartro => ("terminal", None),
            Protocol::Zvt => {
                ("no-terminal", Some(SimTerminal::run(&lines.join("terminal"), zvt::Model::new(setting.seed))?))
            }
        };
        let mut stage = Self {
            terminal: SimTerminal::start(&lines.join(terminal), setting.seed)?,
            zvt,
            printer: SimPrinter::start(&lines.join("printer"))?,
            scanner: SimScanner::start(&lines.join("scanner"))?,
            hospital,
            kiosk: None,
            wall: setting.wall,
            since: Instant::now(),
            heard: Arc::default(),
            peak_rss_kib: 0,
            touch_to_frame_ms: Vec::new(),
            setting,
        };
        stage.power_on()?;
        Ok(stage)
    }

    /// Arms the next payment at the terminal that stands there, or the one that waits for a card now.
    pub fn card(&self, action: CardAction) {
        match &self.zvt {
            Some(zvt) => zvt.with(|model| model.card(action)),
            None => self.terminal.card(action),
        }
    }

    /// What stands in the card company's books, minor units.
    #[must_use]
    pub fn booked(&self) -> Amount {
        self.zvt.as_ref().map_or_else(|| self.terminal.booked(), |zvt| zvt.with(|model| model.booked()))
    }

    /// # Errors
    /// The kiosk does not start or does not show its first screen.
    pub fn power_on(&mut self) -> anyhow::Result<()> {
        self.plug_in()?;
        match self.answer()? {
            Say::Ready { .. } => Ok(()),
            other => bail!("the kiosk began with {other:?}"),
        }
    }

    /// Power for so short a time that the kiosk may not even have begun.
    ///
    /// # Errors
    /// The process cannot be had.
    pub fn power_flicker(&mut self, on_for: Duration) -> anyhow::Result<()> {
        self.plug_in()?;
        std::thread::sleep(on_for);
        self.power_off();
        Ok(())
    }

    fn plug_in(&mut self) -> anyhow::Result<()> {
        let log = fs::File::options().create(true).append(true).open(self.setting.out.join("kiosk.log"))?;
        let url = match (&self.setting.hospital_url, &self.hospital) {
            (Some(url), _) => url.clone(),
            (None, Some(hospital)) => hospital.url(),
            (None, None) => bail!("no hospital"),
        };
        let mut command = Command::new(&self.setting.program);
        command.arg("kiosk-child").arg("--config").arg(&self.setting.config).arg("--data").arg(&self.setting.data);
        command.arg("--hospital").arg(url).arg("--at").arg(self.wall_now().to_rfc3339());
        command.arg("--protocol").arg(self.setting.protocol.word());
        command.arg("--size").arg(format!("{}x{}", self.setting.size.0, self.setting.size.1));
        if let Some(seconds) = self.setting.schedule_refresh_s {
            command.arg("--schedule-refresh-s").arg(seconds.to_string());
        }
        // As config/hospital-kiosk.service has it.
        command.env("MALLOC_ARENA_MAX", "2");
        if self.setting.window {
            command.arg("--window");
            if std::env::var_os("SLINT_SCALE_FACTOR").is_none() {
                command.env("SLINT_SCALE_FACTOR", WINDOW_SCALE);
            }
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let (Some(orders), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("no pipes to the kiosk")
        };
        let (sender, answers) = mpsc::channel();
        let heard = self.heard.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(said) = serde_json::from_str(&line) {
                    listen(said, &heard, &sender);
                }
            }
        });
        self.kiosk = Some(Kiosk { process, orders, answers });
        Ok(())
    }

    /// SIGKILL, as when the plug is pulled: nothing is flushed, nothing is said.
    pub fn power_off(&mut self) {
        self.note_memory();
        if let Some(mut kiosk) = self.kiosk.take() {
            let _ = kiosk.process.kill();
            let _ = kiosk.process.wait();
        }
    }

    /// # Errors
    /// The kiosk refused, died, or does not answer.
    pub fn order(&mut self, order: &Order) -> anyhow::Result<Say> {
        let line = serde_json::to_string(order)?;
        let Some(kiosk) = self.kiosk.as_mut() else { bail!("the kiosk has no power") };
        if let Err(error) = writeln!(kiosk.orders, "{line}") {
            self.reap();
            return Err(error).context("the kiosk ended; see kiosk.log");
        }
        let said = self.answer()?;
        match &said {
            Say::Refused { why } => bail!("{why}"),
            Say::Done { touch_to_frame_ms: Some(ms) } => self.touch_to_frame_ms.push(*ms),
            _ => {}
        }
        Ok(said)
    }

    fn answer(&mut self) -> anyhow::Result<Say> {
        let Some(kiosk) = self.kiosk.as_ref() else { bail!("the kiosk has no power") };
        match kiosk.answers.recv_timeout(ANSWER_TIMEOUT) {
            Ok(said) => Ok(said),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("the kiosk is stuck; see kiosk.log"),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                self.reap();
                bail!("the kiosk ended; see kiosk.log")
            }
        }
    }

    /// Waits for a kiosk that closed its pipes: a process that dies closes them a moment before it counts as ended, and what
    /// asks [`Self::kiosk_ended`] next shall not be told that it lives.
    fn reap(&mut self) {
        let Some(kiosk) = self.kiosk.as_mut() else { return };
        let end = Instant::now() + ANSWER_TIMEOUT;
        while matches!(kiosk.process.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Kiosk time passes by `ms`; devices get real time, at most a few seconds of it.
    ///
    /// # Errors
    /// The kiosk does not answer.
    pub fn wait(&mut self, ms: u64) -> anyhow::Result<()> {
        let real_ms = ms.min(2_000);
        std::thread::sleep(Duration::from_millis(real_ms));
        self.order(&Order::Wait { ms: ms - real_ms })?;
        self.wall += WallDuration::milliseconds(i64::try_from(ms - real_ms)?);
        Ok(())
    }

    /// # Errors
    /// The kiosk does not answer.
    pub fn set_clock(&mut self, at: DateTime<FixedOffset>) -> anyhow::Result<()> {
        self.wall = at;
        self.since = Instant::now();
        self.order(&Order::Clock { at }).map(drop)
    }

    fn wall_now(&self) -> DateTime<FixedOffset> {
        self.wall + WallDuration::from_std(self.since.elapsed()).unwrap_or_default()
    }

    /// Texts on the screen now.
    ///
    /// # Errors
    /// The kiosk does not answer.
    pub fn texts(&mut self) -> anyhow::Result<Vec<String>> {
        match self.order(&Order::Texts)? {
            Say::Texts { texts } => Ok(texts),
            other => bail!("expected texts, got {other:?}"),
        }
    }

    /// The words of every paper that came out, in order; a picture nobody drew has none.
    #[must_use]
    pub fn paper_words(&self) -> Vec<Words> {
        let heard = lock(&self.heard);
        self.printer
            .papers()
            .iter()
            .map(|paper| heard.pressed.get(&picture_id(paper)).cloned().unwrap_or_default())
            .collect()
    }

    pub fn note_memory(&mut self) {
        if let Some(kiosk) = &self.kiosk {
            let status = fs::read_to_string(format!("/proc/{}/status", kiosk.process.id())).unwrap_or_default();
            let peak = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok());
            self.peak_rss_kib = self.peak_rss_kib.max(peak.unwrap_or(0));
        }
    }

    /// From the next power-on.
    pub fn refresh_schedule_every_s(&mut self, seconds: u64) {
        self.setting.schedule_refresh_s = Some(seconds);
    }

    /// The kiosk's process, while it has power.
    #[must_use]
    pub fn kiosk_id(&self) -> Option<u32> {
        self.kiosk.as_ref().map(|kiosk| kiosk.process.id())
    }

    /// True once the kiosk's window was closed or its process ended.
    pub fn kiosk_ended(&mut self) -> bool {
        self.kiosk.as_mut().is_none_or(|kiosk| kiosk.process.try_wait().is_ok_and(|status| status.is_some()))
    }

    #[must_use]
    pub fn patience(&self) -> Duration {
        self.setting.patience
    }

    #[must_use]
    pub fn out(&self) -> &Path {
        &self.setting.out
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.power_off();
    }
}

fn listen(said: Say, heard: &Mutex<Heard>, answers: &mpsc::Sender<Say>) {
    let mut heard = lock(heard);
    match said {
        Say::Finished { .. } => heard.finished.push(said),
        Say::Delivered { request } => drop(heard.delivered.insert(request)),
        Say::Pressed { raster, words } => drop(heard.pressed.insert(raster, words)),
        Say::Ready { first_frame_ms } => {
            heard.first_frame_ms.get_or_insert(first_frame_ms);
            let _ = answers.send(said);
        }
        Say::Done { .. } | Say::Texts { .. } | Say::Place(_) | Say::Refused { .. } => drop(answers.send(said)),
    }
}

/// A poisoned lock only means that a thread panicked while it listened; what was heard stays true.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Identifies a picture by its dots, without the blank rows that a tear feed adds or takes.
#[must_use]
pub fn picture_id(raster: &Raster) -> String {
    let bytes_per_row = (raster.width_dots / 8) as usize;
    let rows = raster.rows.chunks(bytes_per_row.max(1)).collect::<Vec<_>>();
    let first = rows.iter().position(|row| row.iter().any(|byte| *byte != 0)).unwrap_or(0);
    let last = rows.iter().rposition(|row| row.iter().any(|byte| *byte != 0)).map_or(0, |at| at + 1);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &rows[first.min(last)..last].concat()).to_string()
}
