//! Puts the rooms together: the same kiosk for the product and for the rehearsal, which only brings another clock,
//! another window and other ends of the wires.

use crate::app::clock::SystemClock;
use crate::app::effects::{Effects, Ports, Press, Recorded, SetClock, ShowView, TellHealth, WipeScreens};
use crate::app::event_loop::{self, EventLoop, Inputs};
use crate::app::lanes::Inside;
use crate::app::screens;
use crate::app::vital::vital;
use crate::config::{self, Config, Fault, Known};
use crate::domain::attempt::DeclineCause;
use crate::domain::facility::Facility;
use crate::domain::finished::Finished;
use crate::domain::screen::Screen;
use crate::domain::session::{Input, Session};
use crate::domain::terminal::TerminalReport;
use crate::hospital::client::Client;
use crate::hospital::sync::{self, Ends, Signals, SyncSettings};
use crate::ports::{CardTerminal, HospitalServer, InForce, KioskClock, Outbox, Printer, Scanner, Store};
use crate::store::{self, OnDamage};
use crate::watch::{self, Line, Presence, Sources};
use crate::wiping;
use crate::{printer, scanner, terminal};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// What the shell around the kiosk wants to be told of.
#[derive(Clone)]
pub struct Hooks {
    pub clock: Arc<dyn KioskClock>,
    pub show: ShowView,
    pub wipe: WipeScreens,
    pub set_clock: SetClock,
    pub press: Press,
    pub finished: Arc<dyn Fn(&Finished) + Send + Sync>,
    /// A line of the journal is durable.
    pub recorded: Recorded,
    /// A request reached the hospital.
    pub delivered: Arc<dyn Fn(Uuid) + Send + Sync>,
}

/// A kiosk at work. Dropping it ends its tasks.
pub struct Running {
    pub desk: Inputs,
    pub store: Arc<dyn Store>,
    pub terminal: Arc<dyn CardTerminal>,
    pub outbox: Arc<dyn Outbox>,
    pub runtime: Runtime,
    _scanner: Option<Arc<dyn Scanner>>,
}

/// Reads the configuration against what was built in: the complete languages and the terminal protocols.
///
/// # Errors
/// Every fault that was found.
pub fn load_config(path: &Path) -> Result<Config, Vec<Fault>> {
    let protocols = terminal::PROTOCOLS.iter().map(|protocol| protocol.name).collect::<Vec<_>>();
    config::load(path, &Known { languages: screens::COMPLETE_LANGUAGES, protocols: &protocols })
}

/// How a configuration with faults can be shown at all.
#[must_use]
pub fn config_to_show(path: &Path) -> (config::Display, Facility) {
    let protocols = terminal::PROTOCOLS.iter().map(|protocol| protocol.name).collect::<Vec<_>>();
    config::to_show(path, &Known { languages: screens::COMPLETE_LANGUAGES, protocols: &protocols })
}

/// Whether what kept this kiosk from starting is over: all that [`start`] may refuse is tried, and a damaged store set aside as
/// by the kiosk at work, which this is.
#[must_use]
pub fn can_start(path: &Path) -> bool {
    let Ok(config) = load_config(path) else { return false };
    let Ok(opened) = store::open(&config.store, OnDamage::SetAside) else { return false };
    if let Some(notice) = opened.notice {
        tracing::error!("{notice}");
    }
    let facility = InForce::from(config.facility);
    let clock = Arc::new(SystemClock::of(facility.clone()));
    Client::with_identity(&config.hospital, &config.identity, facility, clock).is_ok()
}

/// The channel to the desk exists before the window does, so that the window can send taps from its first frame.
pub struct Prepared {
    pub desk: Inputs,
    inputs: Inside,
}

#[must_use]
pub fn prepare() -> Prepared {
    let (desk, inputs) = event_loop::channel();
    Prepared { desk, inputs }
}

/// Opens the store and every device, and sets the desk to work.
///
/// # Errors
/// In words a technician can act on.
pub fn start(
    config: &Config,
    facility: &InForce,
    prepared: Prepared,
    hooks: Hooks,
    on_damage: OnDamage,
) -> anyhow::Result<Running> {
    let Prepared { desk, inputs } = prepared;
    let store = open_store(config, facility, on_damage)?;
    let runtime = runtime()?;
    let client = Arc::new(
        Client::with_identity(&config.hospital, &config.identity, facility.clone(), hooks.clock.clone())
            .map_err(anyhow::Error::msg)?,
    );
    let hospital: Arc<dyn HospitalServer> = client.clone();
    let (terminal_seen, hospital_seen) = (Arc::new(Presence::default()), Arc::new(Presence::default()));
    let terminal = terminal::start(
        &config.terminal,
        noting_terminal(&terminal_seen, to_desk(&desk, Input::Terminal)),
        hooks.clock.clone(),
    )
    .map_err(anyhow::Error::msg)?;
    let printer: Arc<dyn Printer> = printer::start(&config.printer, to_desk(&desk, Input::Printer));
    let scanner = scanner::start(&config.scanner, facility.clone(), to_desk(&desk, Input::Scanned));
    hear_clock(&*hooks.clock, &desk);
    let (outbox, service) = (Arc::new(Signals::default()), Arc::new(Presence::default()));
    let (store_writes, clock) = (Arc::new(Presence::default()), Arc::new(Presence::default()));
    let ports = Ports {
        facility: facility.clone(),
        clock: hooks.clock.clone(),
        store: store.clone(),
        terminal: terminal.clone(),
        printer: printer.clone(),
        scanner: scanner.clone(),
        look_ups: client.clone(),
        bundles: client.clone(),
        show: noting_service(&service, hooks.show),
        health: noting_health(&store_writes, &clock),
        wipe: giving_memory_back(hooks.wipe),
        set_clock: hooks.set_clock,
        press: hooks.press,
        finished: hooks.finished,
        recorded: hooks.recorded,
        outbox: outbox.clone(),
    };
    let effects = Effects::new(ports, desk.clone(), runtime.handle().clone());
    runtime.spawn(vital("desk", EventLoop::new(Session::new(facility.now()), effects).run(inputs)));
    let online = noting_hospital(&hospital_seen, to_desk(&desk, Input::HospitalOnline));
    let settings = SyncSettings::from(&config.hospital);
    let sender =
        sync::run(Ends::of(&store, &hospital), settings, outbox.clone(), hooks.clock.clone(), online, hooks.delivered);
    runtime.spawn(vital("sender", sender));
    let sources = Sources {
        facility: facility.clone(),
        terminal_protocol: config.terminal.protocol.clone(),
        database_format: store::FORMAT,
        started: Instant::now(),
        store: store.clone(),
        printer,
        scanner: scanner.clone(),
        terminal: terminal_seen,
        hospital: hospital_seen,
        service,
        store_writes,
        clock,
        line: line_of(client, outbox.clone()),
    };
    be_watched(config, runtime.handle(), sources);
    Ok(Running { desk, store, terminal, outbox, runtime, _scanner: scanner })
}

/// A thread that was lent out for a write ends soon after it: by its default of ten seconds, whatever comes every few
/// seconds keeps alive as many as were ever busy at a time, each with its stack.
const LENT_FOR: Duration = Duration::from_secs(1);

fn runtime() -> std::io::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_keep_alive(LENT_FOR).thread_name("kiosk").enable_all().build()
}

fn open_store(config: &Config, facility: &InForce, on_damage: OnDamage) -> anyhow::Result<Arc<dyn Store>> {
    let opened = store::open(&config.store, on_damage)?;
    if let Some(notice) = opened.notice {
        tracing::error!("{notice}");
    }
    opened.store.keep_time_of(facility.clone());
    Ok(Arc::new(opened.store))
}

fn giving_memory_back(wipe: WipeScreens) -> WipeScreens {
    Arc::new(move || {
        wipe();
        wiping::give_back();
    })
}

/// Staff's own screens say nothing of it.
fn noting_service(seen: &Arc<Presence>, next: ShowView) -> ShowView {
    let seen = seen.clone();
    Arc::new(move |view, wall| {
        if let Screen::Idle | Screen::OutOfService { .. } = &view.screen {
            seen.set(view.screen == Screen::Idle);
        }
        next(view, wall);
    })
}

fn noting_health(store_writes: &Arc<Presence>, clock: &Arc<Presence>) -> TellHealth {
    let (store_writes, clock) = (store_writes.clone(), clock.clone());
    Arc::new(move |health| {
        store_writes.set(health.can_write);
        clock.set(health.clock_believed);
    })
}

fn hear_clock(clock: &dyn KioskClock, desk: &Inputs) {
    let desk = desk.clone();
    clock.on_change(Box::new(move |standing| desk.send(Input::Clock(standing))));
}

fn line_of(client: Arc<Client>, outbox: Arc<dyn Outbox>) -> Arc<dyn Fn() -> Line + Send + Sync> {
    Arc::new(move || Line {
        skew_s: client.clock_skew_s(),
        let_in: client.is_let_in(),
        heard_at_s: client.heard_at_s(),
        schedule_at_s: client.schedule_at_s(),
        software: client.software(),
        held_until_s: outbox.held_until().map(|until| until.timestamp()),
    })
}

/// An address that is taken is tried again after this.
const WATCH_AGAIN: Duration = Duration::from_secs(30);

/// A kiosk that cannot be watched still serves.
fn be_watched(config: &Config, runtime: &tokio::runtime::Handle, sources: Sources) {
    let Some(address) = config.watch.address else { return };
    let (handle, sources) = (runtime.clone(), Arc::new(sources));
    runtime.spawn(async move {
        loop {
            match watch::serve(&handle, address, sources.clone()) {
                Ok(address) => return tracing::info!(%address, "this kiosk can be watched"),
                // Whoever sits there may answer in this kiosk's name: it is said again and again.
                Err(error) => tracing::error!(%error, "this kiosk cannot be watched: [watch] address is taken"),
            }
            tokio::time::sleep(WATCH_AGAIN).await;
        }
    });
}

fn noting_hospital(seen: &Arc<Presence>, next: Arc<dyn Fn(bool) + Send + Sync>) -> Arc<dyn Fn(bool) + Send + Sync> {
    let seen = seen.clone();
    Arc::new(move |online| {
        seen.set(online);
        next(online);
    })
}

fn noting_terminal(
    seen: &Arc<Presence>,
    next: Arc<dyn Fn(TerminalReport) + Send + Sync>,
) -> Arc<dyn Fn(TerminalReport) + Send + Sync> {
    let seen = seen.clone();
    Arc::new(move |report| {
        if let TerminalReport::Online(online) = &report {
            seen.set(*online);
        }
        tell_trouble(&report);
        next(report);
    })
}

/// A terminal that takes no payments is nobody's fault in front of the screen, and must not be known to them alone.
fn tell_trouble(report: &TerminalReport) {
    match report {
        TerminalReport::NotReady { reason } => tracing::warn!("the card terminal is not ready: {reason}"),
        TerminalReport::Answered { transaction, .. } => {
            let Some(decline) = &transaction.decline else { return };
            match decline.cause {
                DeclineCause::Terminal | DeclineCause::Busy | DeclineCause::Untold => {
                    tracing::warn!("the card terminal refused a payment: {}", decline.words());
                }
                // Of the patient and the card company: only that it was so.
                DeclineCause::CardCompany | DeclineCause::Balance | DeclineCause::Card | DeclineCause::NoCard => {
                    tracing::info!("a payment was refused: {}", decline.code);
                }
            }
        }
        TerminalReport::NoAnswer { reason, .. } | TerminalReport::NeverSent { reason, .. } => {
            tracing::warn!("a payment without an answer: {reason}");
        }
        TerminalReport::Withdrawn { reason, .. } => tracing::warn!("a payment was taken back: {reason}"),
        TerminalReport::Online(_)
        | TerminalReport::Prepared { .. }
        | TerminalReport::CardStillIn
        | TerminalReport::CardSeen
        | TerminalReport::CardRemoved
        | TerminalReport::Confirmed { .. }
        | TerminalReport::Outcome { .. }
        | TerminalReport::Undone { .. }
        | TerminalReport::Totals(_)
        | TerminalReport::NoTotals { .. } => {}
    }
}

fn to_desk<T: 'static>(
    desk: &Inputs,
    wrap: impl Fn(T) -> Input + Send + Sync + 'static,
) -> Arc<dyn Fn(T) + Send + Sync> {
    let desk = desk.clone();
    Arc::new(move |report| desk.send(wrap(report)))
}
