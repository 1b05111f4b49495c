//! The kiosk in a process of its own, steered by one JSON object a line on its standard input: so that a power cut can
//! be a real SIGKILL and a restart on the same data.

use super::clock::DemoClock;
use super::headless::{self, Box2};
use crate::app::event_loop::Inputs;
use crate::app::screens::ui::App;
use crate::app::screens::{KioskHandle, KioskWindow};
use crate::app::{press, pulse, vital};
use crate::assembly::{self, Hooks};
use crate::config::Config;
use crate::domain::attempt::PaymentState;
use crate::domain::finished::{Finished, JourneyKind, Outcome};
use crate::domain::moment::Tick;
use crate::domain::paper::Paper;
use crate::ports::{Believed, Clock, InForce};
use crate::store::OnDamage;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the stage asks of the child.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Order {
    Tap {
        id: String,
    },
    /// One key after the other, and then one look.
    Type {
        keys: String,
    },
    /// Two touches of the same control before the screen can change: a nervous finger.
    TapTwice {
        id: String,
    },
    /// A touch at a place, whatever is there.
    Touch {
        x: f32,
        y: f32,
    },
    /// A touch that is known to change the screen: timed however late its frame comes.
    Finger {
        x: f32,
        y: f32,
        /// The window changes by itself, as when a list is paged, and no view comes of it.
        by_window: bool,
    },
    /// Many touches at random places, a few milliseconds apart.
    Touches {
        seed: u64,
        count: u32,
    },
    Key {
        key: String,
    },
    /// Kiosk time passes, deadline by deadline.
    Wait {
        ms: u64,
    },
    Clock {
        at: DateTime<FixedOffset>,
    },
    Shot {
        path: PathBuf,
    },
    /// The process ends itself, as by a pulled plug, as soon as the journal holds this of a payment and before anything
    /// else happens.
    CutAt {
        step: PaymentState,
    },
    Texts,
    /// Where a control is, for fingers that cannot ask for it.
    Place {
        id: String,
    },
    /// A part breaks as by a mistake in it: `desk`, `window`, `sender` (when it next delivers), or a thread of that name.
    Break {
        part: String,
    },
    /// A part stands still for ever: `desk` or `window`.
    Stop {
        part: String,
    },
    Quit,
}

/// What the child says: one answer to each order, and events in between.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum Say {
    Done {
        touch_to_frame_ms: Option<f64>,
    },
    Texts {
        texts: Vec<String>,
    },
    Place(Box2),
    Refused {
        why: String,
    },
    Ready {
        first_frame_ms: f64,
    },
    Finished {
        kind: JourneyKind,
        outcome: Outcome,
        charged: i64,
        claim: Option<String>,
        request: Option<Uuid>,
    },
    Delivered {
        request: Uuid,
    },
    /// A paper was drawn; `raster` identifies its picture.
    Pressed {
        raster: String,
        words: Words,
    },
}

/// What a drawn paper says, which its picture no longer tells.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Words {
    pub texts: Vec<String>,
    /// What its QR code must say, if it has one.
    pub code: Option<String>,
}

/// Runs the kiosk until the standard input ends or `Quit`. With `window` it is a real window and only time can be steered.
///
/// # Errors
/// What kept the kiosk from starting.
pub fn run(config: &Config, wall: DateTime<FixedOffset>, window: bool) -> anyhow::Result<()> {
    let started = Instant::now();
    if !window {
        headless::start().map_err(anyhow::Error::msg)?;
    }
    vital::end_with_any_part();
    let prepared = assembly::prepare();
    let facility = InForce::from(config.facility.clone());
    let taps = prepared.desk.clone();
    let kiosk_window = KioskWindow::new(&config.display, facility.clone(), move |tap| {
        taps.send(crate::domain::session::Input::Tapped(tap));
    })?;
    if !window {
        // A script is faster than a finger and waits for the screen it wants.
        kiosk_window.set_double_tap_guard(Duration::ZERO);
    }
    let shown = Arc::new(AtomicU64::new(0));
    let clock = Arc::new(Believed(DemoClock::new(wall)));
    let plug = Plug::default();
    let running = assembly::start(
        config,
        &facility,
        prepared,
        hooks(config, &kiosk_window, &shown, clock.clone(), &plug),
        OnDamage::SetAside,
    )?;
    let _socket = crate::commands::socket::serve(
        &config.store.folder,
        running.store.clone(),
        Arc::new(running.desk.clone()),
        running.outbox.clone(),
    );
    let handle = kiosk_window.handle();
    let steering = Steering {
        handle: handle.clone(),
        desk: running.desk.clone(),
        runtime: running.runtime.handle().clone(),
        clock,
        shown,
        plug,
        window,
    };
    if window {
        let pulse = handle.clone();
        pulse::start(running.desk.clone(), move |within| pulse.draws(within));
    }
    std::thread::spawn(move || {
        steering.wait_for_first_view(started);
        steering.obey();
        handle.quit();
    });
    kiosk_window.run()?;
    running.runtime.shutdown_background();
    Ok(())
}

/// What goes wrong in this process by order.
#[derive(Clone, Default)]
struct Plug {
    /// The step of the journal at which it loses its power.
    step: Arc<Mutex<Option<PaymentState>>>,
    sender_breaks: Arc<AtomicBool>,
}

impl Plug {
    fn pull_at(&self, step: PaymentState) {
        *super::stage::lock(&self.step) = Some(step);
    }

    /// SIGKILL, so that nothing is flushed and nothing is said.
    fn reached(&self, step: PaymentState) {
        if *super::stage::lock(&self.step) == Some(step) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}

fn hooks(
    config: &Config,
    window: &KioskWindow,
    shown: &Arc<AtomicU64>,
    clock: Arc<Believed<DemoClock>>,
    plug: &Plug,
) -> Hooks {
    let width_dots = config.printer.width_dots;
    let (handle, shown) = (window.handle(), shown.clone());
    let (at_entry, at_delivery) = (plug.clone(), plug.clone());
    let (minutes, blank) = (handle.clone(), handle.clone());
    Hooks {
        clock,
        show: Arc::new(move |view, wall| {
            handle.show(view, wall);
            shown.fetch_add(1, Ordering::SeqCst);
        }),
        wipe: Arc::new(move || blank.wipe()),
        set_clock: Arc::new(move |wall| minutes.set_clock(wall)),
        press: Arc::new(move |paper, facility| {
            let pressed = press::press_with_texts(paper, facility, width_dots)?;
            let words = Words { texts: pressed.texts, code: code_of(paper) };
            say(&Say::Pressed { raster: super::stage::picture_id(&pressed.raster), words });
            Ok(pressed.raster)
        }),
        finished: Arc::new(|finished: &Finished| {
            say(&Say::Finished {
                kind: finished.kind,
                outcome: finished.outcome,
                charged: finished.charged.0,
                claim: finished.claim.clone(),
                request: finished.request,
            });
        }),
        recorded: Arc::new(move |entry| {
            if let Some(step) = entry.state() {
                at_entry.reached(step);
            }
        }),
        delivered: Arc::new(move |request| {
            at_delivery.reached(PaymentState::Settled);
            assert!(!at_delivery.sender_breaks.load(Ordering::SeqCst), "the sender breaks, as it was told to");
            say(&Say::Delivered { request });
        }),
    }
}

fn code_of(paper: &Paper) -> Option<String> {
    match paper {
        Paper::Receipt(receipt) => Some(receipt.claim.clone()),
        Paper::Ticket(_) | Paper::Slip(_) => None,
    }
}

/// One line on the standard output; a stage that is gone is not an error of the kiosk.
fn say(what: &Say) {
    if let Ok(line) = serde_json::to_string(what) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

struct Steering {
    handle: KioskHandle,
    desk: Inputs,
    runtime: tokio::runtime::Handle,
    clock: Arc<Believed<DemoClock>>,
    shown: Arc<AtomicU64>,
    plug: Plug,
    window: bool,
}

/// How long a tap may take to change the screen before it counts as having changed nothing.
const SETTLE: Duration = Duration::from_millis(80);
/// For a control that may be touched only after a while, as a service whose device gets ready.
const GREY: Duration = Duration::from_secs(10);
/// A view that was to come and is not there by then will not come.
const VIEW_TIMEOUT: Duration = Duration::from_secs(20);

fn finger_at(x: f32, y: f32) -> impl FnOnce(&App) -> Result<(), String> + Send + 'static {
    move |app| {
        headless::touch(app, x, y);
        Ok(())
    }
}

impl Steering {
    fn wait_for_first_view(&self, started: Instant) {
        while self.shown.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !self.window {
            let _ = self.on_main(headless::draw);
        }
        say(&Say::Ready { first_frame_ms: started.elapsed().as_secs_f64() * 1000.0 });
    }

    fn obey(&self) {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            match serde_json::from_str(&line) {
                Ok(Order::Quit) => return,
                Ok(order) => say(&self.carry_out(order).unwrap_or_else(|why| Say::Refused { why })),
                Err(error) => say(&Say::Refused { why: error.to_string() }),
            }
        }
    }

    fn carry_out(&self, order: Order) -> Result<Say, String> {
        match order {
            Order::Tap { id } => {
                self.wait_enabled(&id)?;
                self.touch(SETTLE, move |app| headless::tap(app, &id))
            }
            Order::Type { keys } => {
                for key in keys.chars() {
                    self.press(SETTLE, move |app| headless::tap(app, &key.to_string()))?;
                }
                self.on_main(headless::draw)?;
                Ok(Say::Done { touch_to_frame_ms: None })
            }
            Order::TapTwice { id } => {
                self.touch(SETTLE, move |app| headless::tap(app, &id).and_then(|()| headless::tap(app, &id)))
            }
            Order::Touch { x, y } => self.touch(SETTLE, finger_at(x, y)),
            Order::Finger { x, y, by_window: false } => self.touch(VIEW_TIMEOUT, finger_at(x, y)),
            Order::Finger { x, y, by_window: true } => {
                let pressed = Instant::now();
                self.on_main(finger_at(x, y))??;
                self.on_main(headless::draw)?;
                Ok(Say::Done { touch_to_frame_ms: Some(pressed.elapsed().as_secs_f64() * 1000.0) })
            }
            Order::Touches { seed, count } => self.random_touches(seed, count),
            Order::Key { key } => self.touch(SETTLE, move |app| headless::key(app, &key)),
            Order::Wait { ms } => {
                let clock = self.clock.clone();
                let set: Arc<dyn Fn(Tick) + Send + Sync> = Arc::new(move |tick| clock.0.skip_to(tick));
                self.runtime.block_on(self.desk.pass(ms, set));
                Ok(Say::Done { touch_to_frame_ms: None })
            }
            Order::Clock { at } => {
                self.clock.0.set_wall(at);
                self.handle.set_clock(self.clock.now().wall);
                Ok(Say::Done { touch_to_frame_ms: None })
            }
            Order::Shot { path } => {
                self.on_main(move |app| headless::snapshot(app, &path))?.map(|()| Say::Done { touch_to_frame_ms: None })
            }
            Order::CutAt { step } => {
                self.plug.pull_at(step);
                Ok(Say::Done { touch_to_frame_ms: None })
            }
            Order::Texts => Ok(Say::Texts { texts: self.on_main(headless::texts)? }),
            Order::Place { id } => {
                self.on_main(move |app| headless::find(app, &id))?.map(|found| Say::Place(found.area))
            }
            Order::Break { part } => self.break_part(&part),
            Order::Stop { part } => self.trouble(&part, || {
                loop {
                    std::thread::park();
                }
            }),
            Order::Quit => Ok(Say::Done { touch_to_frame_ms: None }),
        }
    }

    fn break_part(&self, part: &str) -> Result<Say, String> {
        let breaks = || panic!("it breaks, as it was told to");
        match part {
            "desk" | "window" => return self.trouble(part, breaks),
            "sender" => self.plug.sender_breaks.store(true, Ordering::SeqCst),
            thread => {
                let thread = std::thread::Builder::new().name(thread.to_owned()).spawn(breaks);
                let _ = thread.map_err(|error| error.to_string())?.join();
            }
        }
        Ok(Say::Done { touch_to_frame_ms: None })
    }

    fn trouble(&self, part: &str, trouble: impl Fn() + Send + Sync + 'static) -> Result<Say, String> {
        match part {
            "desk" => {
                let desk = self.desk.clone();
                self.runtime.spawn(async move { desk.pass(0, Arc::new(move |_| trouble())).await });
            }
            "window" => self.handle.in_window(move |_| trouble()),
            other => return Err(format!("`{other}` is neither desk nor window")),
        }
        Ok(Say::Done { touch_to_frame_ms: None })
    }

    /// Presses, waits until the kiosk showed something, and times the press to the finished buffer.
    fn touch(
        &self,
        settle: Duration,
        press: impl FnOnce(&App) -> Result<(), String> + Send + 'static,
    ) -> Result<Say, String> {
        let pressed = Instant::now();
        if !self.press(settle, press)? {
            return Ok(Say::Done { touch_to_frame_ms: None });
        }
        self.on_main(headless::draw)?;
        Ok(Say::Done { touch_to_frame_ms: Some(pressed.elapsed().as_secs_f64() * 1000.0) })
    }

    /// Whether the kiosk showed something for it.
    fn press(
        &self,
        settle: Duration,
        press: impl FnOnce(&App) -> Result<(), String> + Send + 'static,
    ) -> Result<bool, String> {
        let before = self.shown.load(Ordering::SeqCst);
        let pressed = Instant::now();
        self.on_main(press)??;
        while self.shown.load(Ordering::SeqCst) == before {
            if pressed.elapsed() > settle {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(true)
    }

    /// A patient does not touch what is grey at once: a machine that gets ready again is waited for. What stays grey is
    /// touched all the same, as by a finger that does not know.
    fn wait_enabled(&self, id: &str) -> Result<(), String> {
        let end = Instant::now() + GREY;
        loop {
            let name = id.to_owned();
            if self.on_main(move |app| headless::find(app, &name))??.enabled || Instant::now() > end {
                return Ok(());
            }
            std::thread::sleep(SETTLE);
        }
    }

    /// Each touch is given a moment to reach the desk and come back as a screen.
    fn random_touches(&self, seed: u64, count: u32) -> Result<Say, String> {
        let mut state = seed | 1;
        let mut next = || {
            // xorshift64: any even spread will do, and the same seed touches the same places.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f32::from(u16::try_from(state >> 48).unwrap_or(0)) / f32::from(u16::MAX)
        };
        for _ in 0..count {
            let (x, y) = (next(), next());
            self.on_main(move |app| {
                let (width, height) = headless::size(app);
                headless::touch(app, x * width, y * height);
            })?;
            std::thread::sleep(Duration::from_millis(3));
        }
        self.on_main(headless::draw)?;
        Ok(Say::Done { touch_to_frame_ms: None })
    }

    /// Runs `work` where the window lives and waits for what it found.
    fn on_main<T: Send + 'static>(&self, work: impl FnOnce(&App) -> T + Send + 'static) -> Result<T, String> {
        let (sender, receiver) = mpsc::channel();
        self.handle.in_window(move |app| {
            let _ = sender.send(work(app));
        });
        receiver.recv_timeout(Duration::from_secs(20)).map_err(|_| "the window does not answer".to_owned())
    }
}
