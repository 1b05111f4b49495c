//! The demo's own hospital: a small FHIR R4 server on loopback that is as strict as the strictest real ones, and fails
//! on demand.
//!
//! Strict means: a transaction is all or nothing and runs in the given order; a reference to a later entry, to nothing,
//! or an unknown element is refused; every string that equals a `fullUrl` is rewritten (as Medplum does); an unknown
//! search parameter is refused; a stale `If-Match` is 412 and none is 428; a conditional create with two matches is 412; a
//! search is answered as it was answered before, unless it asks for `no-cache` (as HAPI FHIR does for a minute).

mod guard;
mod line;
mod long_day;
mod manners;
mod proxy;
mod query;
mod rules;
mod seed;
mod shelf;
mod web;

pub use guard::Guard;
pub use manners::{Location, Manners, Minimal};
pub use proxy::{Fates, FaultyProxy, Odds};
pub use seed::{Seeded, seed_into};

use super::people;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use line::Line;
use long_day::LongDay;
use serde_json::Value;
use shelf::Shelf;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the hospital misbehaves; from one request to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    Up,
    /// Connections are refused, open ones drop.
    Down,
    /// Every answer takes [`SLOW_MS`].
    Slow,
    /// 503 to everything.
    Reject,
    /// A gateway's HTML page with status 200 to everything.
    Html,
    /// Writes are done, and the connection breaks before the answer.
    LoseAnswers,
    /// Writes are not done and answered so.
    Answer { status: u16, retry_after: Option<String> },
    /// A transaction is taken apart as a batch, and entries of this type are not taken: 200 with this status inside.
    /// `addresses_first`: what points to a refused entry points to where it would have been.
    TakesApart { refused: &'static str, status: u16, loses_answers: bool, addresses_first: bool },
    /// A search answers with the wrong kind of resource.
    WrongResource,
    /// Search parameters are ignored: every search finds everything.
    IgnoresSearch,
    /// Just before an appointment is written, hospital staff write it; once.
    Overtaken,
}

pub const SLOW_MS: u64 = 3_000;

/// Runs until dropped.
pub struct SimHospital {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    line: Line,
    shelf: Mutex<Shelf>,
    fault: Mutex<Fault>,
    /// Where it asks who comes.
    guard: Mutex<Option<Guard>>,
    /// Where a whole day is so long that it was written out beforehand.
    day: Mutex<Option<LongDay>>,
    /// How far the hospital's clock is ahead of the machine's.
    ahead_s: AtomicI64,
    /// How old the answers to a GET are, out of a cache in front of it; whether it says so.
    cached_s: AtomicI64,
    cache_says_so: AtomicBool,
}

impl Shared {
    fn guard(&self) -> MutexGuard<'_, Option<Guard>> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn day(&self) -> MutexGuard<'_, Option<LongDay>> {
        self.day.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.ahead_s.load(Ordering::Relaxed))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_fault(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn fault(&self) -> Fault {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SimHospital {
    /// With the demo's patients and their appointments of `day`.
    ///
    /// # Errors
    /// No port, no thread, or the seed broke the server's own rules.
    pub fn start(day: NaiveDate) -> io::Result<Self> {
        let hospital = Self::start_empty()?;
        hospital.begin_day(day)?;
        Ok(hospital)
    }

    /// The demo's patients have appointments on this day too. What happened on the days before is forgotten.
    ///
    /// # Errors
    /// The seed broke the server's own rules.
    pub fn begin_day(&self, day: NaiveDate) -> io::Result<()> {
        let mut resources = self.shared.shelf();
        resources.forget_days();
        resources.transaction(&people::seed_bundle(day)).map_err(|refusal| io::Error::other(refusal.text))?;
        resources.forget_history();
        Ok(())
    }

    /// Nobody in it yet.
    ///
    /// # Errors
    /// No port or no thread.
    pub fn start_empty() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("hospital")
            .enable_all()
            .build()?;
        let (line, listener, address) = line::open(runtime.handle())?;
        let shared = Arc::new(Shared {
            line,
            shelf: Mutex::default(),
            fault: Mutex::default(),
            guard: Mutex::default(),
            day: Mutex::default(),
            ahead_s: AtomicI64::new(0),
            cached_s: AtomicI64::new(0),
            cache_says_so: AtomicBool::new(false),
        });
        runtime.spawn(web::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, runtime: Some(runtime) })
    }

    /// The FHIR base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/fhir", self.address)
    }

    pub fn set(&self, fault: Fault) {
        self.shared.line.set_down(fault == Fault::Down);
        self.shared.shelf().ignores_search = fault == Fault::IgnoresSearch;
        self.shared.shelf().takes_apart = match fault {
            Fault::TakesApart { refused, status, addresses_first, .. } => Some((refused, status, addresses_first)),
            _ => None,
        };
        self.shared.set_fault(fault);
    }

    /// Resources of a type that came over the wire, without the seed and without questions (`document-quote` Tasks).
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.resources(kind).iter().filter(|resource| !rules::is_quote(resource)).count()
    }

    /// Everything of a type that came over the wire, as it stands now.
    #[must_use]
    pub fn resources(&self, kind: &str) -> Vec<Value> {
        self.shared.shelf().arrived(kind)
    }

    /// One resource, seeded or not (`Appointment`, by identifier).
    #[must_use]
    pub fn find(&self, kind: &str, system: &str, value: &str) -> Option<Value> {
        self.shared.shelf().by_identifier(kind, system, value).into_iter().next()
    }

    /// The different transaction bundles, as they came.
    #[must_use]
    pub fn bundles(&self) -> Vec<Value> {
        self.shared.shelf().bundles()
    }

    /// How many requests of a method came to a path that begins so, answered or not.
    #[must_use]
    pub fn requests(&self, method: &str, path: &str) -> usize {
        self.shared.shelf().requests(method, path)
    }

    /// Changes a resource behind the kiosk's back, as hospital staff would.
    pub fn change(&self, kind: &str, system: &str, value: &str, change: impl FnOnce(&mut Value)) {
        self.shared.shelf().change(kind, system, value, change);
    }

    /// From now on only a client that signs with one of `jwks` gets a token, and only tokens get an answer. `origin` is
    /// what stands before `/auth/token`, where that is not this server's own address.
    pub fn asks_who_comes(&self, client_id: &str, jwks: Value, origin: Option<String>) {
        let origin = origin.unwrap_or_else(|| format!("http://{}", self.address));
        *self.shared.guard() = Some(Guard::new(origin, client_id.to_owned(), jwks));
    }

    /// Asks or changes the guard that [`Self::asks_who_comes`] put up; `None` where there is none.
    pub fn guard<T>(&self, ask: impl FnOnce(&mut Guard) -> T) -> Option<T> {
        self.shared.guard().as_mut().map(ask)
    }

    /// How its server takes transactions and answers them, from now on.
    pub fn manners(&self, manners: Manners) {
        self.shared.shelf().manners = manners;
    }

    /// Resources that were there before, as they are.
    pub fn hold(&self, resources: Vec<Value>) {
        self.shared.shelf().put(resources);
    }

    /// From now on whoever asks for a whole day gets the appointments as they stand now, in pages written here and now: what
    /// a hospital does with its own machine is not to be paid by this one. It is answered through every fault but `Down`;
    /// what changed is not told. With more than one of `turns` every appointment has another version each time.
    pub fn write_out_day(&self, turns: usize) {
        let appointments = self.shared.shelf().all("Appointment");
        let patients = self.shared.shelf().all("Patient");
        *self.shared.day() = Some(LongDay::write(appointments, &patients, turns));
    }

    /// How often the written day was read to its end.
    #[must_use]
    pub fn days_read(&self) -> u64 {
        self.shared.day().as_ref().map_or(0, |day| day.read_to_end)
    }

    /// Its clock goes so many seconds ahead of the machine's.
    pub fn set_clock_ahead_s(&self, seconds: i64) {
        self.shared.ahead_s.store(seconds, Ordering::Relaxed);
    }

    /// From now on a cache in front of it answers every GET, with answers that are so old.
    pub fn answers_out_of_a_cache(&self, age_s: i64, says_so: bool) {
        self.shared.cached_s.store(age_s, Ordering::Relaxed);
        self.shared.cache_says_so.store(says_so, Ordering::Relaxed);
    }

    /// Nothing changed within the last two hours.
    pub fn age(&self) {
        self.shared.shelf().age();
    }

    /// Removes a resource, as some hospitals do.
    pub fn delete(&self, kind: &str, system: &str, value: &str) {
        self.shared.shelf().delete(kind, system, value);
    }

    /// Declare no `PaymentNotice` (or another type, `patch`, `conditionalCreate`) in `/metadata`, and refuse it.
    pub fn lacks(&self, kind: &'static str) {
        self.shared.shelf().lacking.push(kind);
    }
}

impl Drop for SimHospital {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
