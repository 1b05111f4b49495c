//! Watching a fleet with what hospitals run already: Prometheus text on loopback, off unless the configuration names an
//! address. Counts, times and states; never a patient, a payment or a number that leads to one.
//!
//! OpenTelemetry's OTLP would send the same by itself, but a kiosk that opens connections to a collector is one more thing
//! to let through a hospital's walls; collectors read this text as well.

mod metrics;

pub use metrics::{Seen, text};

use crate::domain::printer::PrinterState;
use crate::ports::{InForce, Printer, Scanner, Software, Store};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::Utc;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// More scrapes at once are told to come again.
const SCRAPES_MAX: usize = 4;
/// Others wait in the system's queue.
const CONNECTIONS_MAX: usize = 16;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The least that hyper takes.
const HEAD_BYTES_MAX: usize = 8_192;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const ACCEPT_AGAIN: Duration = Duration::from_millis(500);
const UNKNOWN: u8 = 2;

/// Whether something is there, as it last told.
pub struct Presence(AtomicU8);

impl Default for Presence {
    fn default() -> Self {
        Self(AtomicU8::new(UNKNOWN))
    }
}

impl Presence {
    pub fn set(&self, there: bool) {
        self.0.store(u8::from(there), Ordering::Relaxed);
    }

    /// `None`: it has told nothing yet.
    #[must_use]
    pub fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => None,
            there => Some(there == 1),
        }
    }
}

/// What is heard on the line to the hospital.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pub skew_s: Option<i64>,
    /// The hospital's server, and what stands before it, take who this kiosk is.
    pub let_in: Option<bool>,
    /// These are seconds since 1970.
    pub heard_at_s: Option<i64>,
    pub schedule_at_s: Option<i64>,
    /// Nothing is sent before, although something waits.
    pub held_until_s: Option<i64>,
    /// What the hospital's server says it is.
    pub software: Option<Software>,
}

/// Where the figures come from.
pub struct Sources {
    /// Has this machine's short name, as on its tickets.
    pub facility: InForce,
    pub terminal_protocol: String,
    /// Of the store.
    pub database_format: usize,
    pub started: Instant,
    pub store: Arc<dyn Store>,
    pub printer: Arc<dyn Printer>,
    pub scanner: Option<Arc<dyn Scanner>>,
    pub terminal: Arc<Presence>,
    pub hospital: Arc<Presence>,
    /// Patients can be served.
    pub service: Arc<Presence>,
    /// What was to be written down last could be.
    pub store_writes: Arc<Presence>,
    /// This machine's is believed; nobody is served while it is not.
    pub clock: Arc<Presence>,
    pub line: Arc<dyn Fn() -> Line + Send + Sync>,
}

struct Watched {
    sources: Arc<Sources>,
    scrapes: Semaphore,
}

/// Answers `GET /metrics` until the runtime ends. The port is taken before this returns.
///
/// # Errors
/// The address is taken, or not this machine's.
pub fn serve(runtime: &Handle, address: SocketAddr, sources: Arc<Sources>) -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let watched = Arc::new(Watched { sources, scrapes: Semaphore::new(SCRAPES_MAX) });
    let router = Router::new().route("/metrics", get(scrape)).with_state(watched);
    runtime.spawn(answer(listener, router));
    Ok(address)
}

/// Any program of this machine may ask: none may take the kiosk's memory or descriptors by asking.
async fn answer(listener: tokio::net::TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => TokioIo::new(stream),
            Err(error) => {
                tracing::warn!(%error, "a connection of whoever watches could not be taken");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(HEAD_BYTES_MAX)
                .keep_alive(false)
                .serve_connection(stream, service);
            // Whoever reads too slowly, or sends no head, is let go.
            let _ = tokio::time::timeout(ANSWER_TIMEOUT, connection).await;
            drop(place);
        });
    }
}

async fn scrape(State(watched): State<Arc<Watched>>) -> Response {
    let Ok(_one_of_few) = watched.scrapes.try_acquire() else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let asked = watched.clone();
    // The store blocks on the disk.
    match tokio::task::spawn_blocking(move || text(&asked.sources.look())).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Sources {
    fn look(&self) -> Seen {
        let tally = self.store.tally().inspect_err(|error| tracing::warn!(%error, "the store cannot be counted")).ok();
        let staff_locked = self.store.locked(Utc::now().fixed_offset()).ok();
        let line = (self.line)();
        Seen {
            kiosk: self.facility.now().kiosk_prefix.clone(),
            terminal_protocol: self.terminal_protocol.clone(),
            database_format: self.database_format,
            now: Utc::now(),
            uptime_s: self.started.elapsed().as_secs(),
            tally,
            // The disk may have filled up since something was written.
            store_writable: self.store_writes.get().map(|writes| writes && self.store.check_writable(false).is_ok()),
            staff_locked,
            printer: self.printer.state(),
            scanner_online: self.scanner.as_ref().map(|scanner| scanner.is_there()),
            terminal_online: self.terminal.get(),
            hospital_online: self.hospital.get(),
            in_service: self.service.get(),
            clock_believed: self.clock.get(),
            line,
        }
    }
}

/// Every state with its word.
pub(crate) const PRINTER_STATES: [(PrinterState, &str); 5] = [
    (PrinterState::Online, "online"),
    (PrinterState::PaperLow, "paper-low"),
    (PrinterState::PaperOut, "paper-out"),
    (PrinterState::CoverOpen, "cover-open"),
    (PrinterState::Offline, "offline"),
];
