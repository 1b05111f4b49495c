//! Puts the rooms together: the same kiosk for the product and for the rehearsal, which only brings another clock,
//! another window and other ends of the wires.

use crate::app::desk::{self, Desk, DeskSender};
use crate::app::effects::{Effects, Ports, Press, ShowView};
use crate::app::screens;
use crate::config::{self, Config, Fault, Known};
use crate::domain::session::{Finished, Input, Reply, Session};
use crate::hospital::client::Client;
use crate::hospital::sync::{self, SyncSettings};
use crate::ports::{CardTerminal, Clock, HospitalServer, Printer, Scanner, Store};
use crate::{printer, scanner, store, terminal};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use uuid::Uuid;

/// What the shell around the kiosk wants to be told of.
#[derive(Clone)]
pub struct Hooks {
    pub clock: Arc<dyn Clock>,
    pub show: ShowView,
    pub press: Press,
    pub finished: Arc<dyn Fn(&Finished) + Send + Sync>,
    /// A request reached the hospital.
    pub delivered: Arc<dyn Fn(Uuid) + Send + Sync>,
}

/// A kiosk at work. Dropping it ends its tasks.
pub struct Running {
    pub desk: DeskSender,
    pub store: Arc<dyn Store>,
    pub terminal: Arc<dyn CardTerminal>,
    pub outbox: Arc<Notify>,
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

/// The channel to the desk exists before the window does, so that the window can send taps from its first frame.
pub struct Prepared {
    pub desk: DeskSender,
    inputs: tokio::sync::mpsc::Receiver<desk::Message>,
}

#[must_use]
pub fn prepare() -> Prepared {
    let (desk, inputs) = desk::channel();
    Prepared { desk, inputs }
}

/// Opens the store and every device, and sets the desk to work.
///
/// # Errors
/// In words a technician can act on.
pub fn start(config: &Config, prepared: Prepared, hooks: Hooks) -> anyhow::Result<Running> {
    let Prepared { desk, inputs } = prepared;
    let facility = Arc::new(config.facility.clone());
    let opened = store::open(&config.store)?;
    if let Some(notice) = opened.notice {
        tracing::error!("{notice}");
    }
    let store: Arc<dyn Store> = Arc::new(opened.store);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("kiosk").enable_all().build()?;
    let hospital: Arc<dyn HospitalServer> =
        Arc::new(Client::new(&config.hospital, facility.clone(), hooks.clock.clone()).map_err(anyhow::Error::msg)?);
    let terminal = terminal::start(&config.terminal, to_desk(&desk, Input::Terminal), hooks.clock.clone())
        .map_err(anyhow::Error::msg)?;
    let printer: Arc<dyn Printer> = printer::start(&config.printer, to_desk(&desk, Input::Printer));
    let scanner = scanner::start(&config.scanner, facility.number_digits, to_desk(&desk, Input::Scanned));
    let outbox = Arc::new(Notify::new());
    let ports = Ports {
        facility: facility.clone(),
        clock: hooks.clock.clone(),
        store: store.clone(),
        terminal: terminal.clone(),
        printer,
        hospital: hospital.clone(),
        show: hooks.show,
        press: hooks.press,
        finished: hooks.finished,
        outbox: outbox.clone(),
    };
    let effects = Effects::new(ports, desk.clone(), runtime.handle().clone());
    runtime.spawn(Desk::new(Session::new(facility), effects).run(inputs));
    let online = to_desk(&desk, |online| Input::Hospital(Reply::Online(online)));
    let settings = SyncSettings::from(&config.hospital);
    runtime.spawn(sync::run(store.clone(), hospital, settings, outbox.clone(), hooks.clock, online, hooks.delivered));
    Ok(Running { desk, store, terminal, outbox, runtime, _scanner: scanner })
}

fn to_desk<T: 'static>(
    desk: &DeskSender,
    wrap: impl Fn(T) -> Input + Send + Sync + 'static,
) -> Arc<dyn Fn(T) + Send + Sync> {
    let desk = desk.clone();
    Arc::new(move |report| desk.send(wrap(report)))
}
