//! The one sender of a kiosk: every queued request reaches the hospital, exactly once in effect.
//!
//! Each try is made durable before it is made, so that a kiosk that dies in between looks first when it is back. There
//! is no attempt limit: only the hospital's refusal parks a request, and only its own visit waits behind it.

mod back_off;
mod by_hand;
mod schedule;

pub use back_off::{back_off_ms, random_below};
pub use by_hand::ByHand;

use crate::config;
use crate::domain::outbox::{Delivery, QueuedRequest};
use crate::ports::{Clock, HospitalServer, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// The times of `[hospital]` that the sender and the schedule go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncSettings {
    pub retry_base_ms: u64,
    pub retry_cap_ms: u64,
    /// Upper end of the fresh random wait when the network returns.
    pub network_return_wait_ms: u64,
    pub schedule_refresh_s: u64,
}

impl From<&config::Hospital> for SyncSettings {
    fn from(hospital: &config::Hospital) -> Self {
        Self {
            retry_base_ms: hospital.retry_base_ms,
            retry_cap_ms: hospital.retry_cap_ms,
            network_return_wait_ms: hospital.network_return_wait_ms,
            schedule_refresh_s: hospital.schedule_refresh_s,
        }
    }
}

/// Told `true` and `false` on change only.
pub type OnlineCallback = Arc<dyn Fn(bool) + Send + Sync>;
/// Told the id of each request that the hospital has.
pub type DeliveredCallback = Arc<dyn Fn(Uuid) + Send + Sync>;

/// Runs until dropped. `wake` says that something was queued or that the server was seen alive.
pub async fn run(
    store: Arc<dyn Store>,
    server: Arc<dyn HospitalServer>,
    settings: SyncSettings,
    wake: Arc<Notify>,
    clock: Arc<dyn Clock>,
    online: OnlineCallback,
    delivered: DeliveredCallback,
) {
    let link =
        Link { online, is_online: AtomicBool::new(false), was_told: AtomicBool::new(false), returned: Notify::new() };
    let started = std::time::Instant::now();
    let now_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let random = || random_below(u64::MAX);
    let sender = Sender {
        means: Means { now_ms: &now_ms, random: &random, on_pool: true },
        store: &store,
        server: server.as_ref(),
        settings,
        wake: &wake,
        clock: clock.as_ref(),
        link: &link,
        delivered: &delivered,
    };
    let schedule =
        schedule::Refresher { store: &store, server: server.as_ref(), settings, clock: clock.as_ref(), link: &link };
    tokio::join!(sender.run(), schedule.run());
}

/// Whether the hospital can be reached, as the sender and the schedule find out between them.
struct Link {
    online: OnlineCallback,
    is_online: AtomicBool,
    was_told: AtomicBool,
    /// The schedule found the server back while the sender was still waiting.
    returned: Notify,
}

impl Link {
    fn is_away(&self) -> bool {
        self.was_told.load(Ordering::Relaxed) && !self.is_online.load(Ordering::Relaxed)
    }

    fn seen(&self, now: bool) {
        let before = self.is_online.swap(now, Ordering::Relaxed);
        let told = self.was_told.swap(true, Ordering::Relaxed);
        if before != now || !told {
            (self.online)(now);
        }
        if now && !before && told {
            self.returned.notify_one();
        }
    }
}

/// How long to look at the queue again when nobody woke us: a safety net, not the way it works.
const IDLE_MS: u64 = 30_000;
/// More visits in their own back-off than this are not stepped over: then it is the server that is ill.
const WAITING_VISITS_MAX: usize = 16;

/// Time, chance and the way to the disk: the machine's own, or made up for a rehearsal.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Monotonic.
    pub now_ms: &'a (dyn Fn() -> u64 + Sync),
    pub random: &'a (dyn Fn() -> u64 + Sync),
    /// The store blocks on the disk and is called on a thread of its own.
    pub on_pool: bool,
}

struct Sender<'a> {
    means: Means<'a>,
    store: &'a Arc<dyn Store>,
    server: &'a dyn HospitalServer,
    settings: SyncSettings,
    wake: &'a Notify,
    clock: &'a dyn Clock,
    link: &'a Link,
    delivered: &'a DeliveredCallback,
}

/// What the sender remembers between tries; none of it matters after a restart.
#[derive(Default)]
struct Memory {
    /// Tries in a row that did not get through, of whatever request.
    failures: u32,
    /// Visits whose request failed on its own, how often, and until when they wait.
    waiting: BTreeMap<Uuid, (u32, u64)>,
}

/// What to do before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    AtOnce,
    /// The server named the time, or the disk is in trouble: nothing shortens it.
    Wait(u64),
    /// A sign of life shortens it.
    UntilBack(u64),
}

impl Sender<'_> {
    async fn run(&self) {
        let mut memory = Memory::default();
        loop {
            match self.step(&mut memory).await {
                Next::AtOnce => {}
                Next::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Next::UntilBack(ms) => self.wait_until_back(ms).await,
            }
        }
    }

    /// One request at most.
    async fn step(&self, memory: &mut Memory) -> Next {
        let queued = match self.next(memory).await {
            Ok(Some(queued)) => queued,
            Ok(None) => return Next::UntilBack(memory.earliest_ms((self.means.now_ms)()).unwrap_or(IDLE_MS)),
            Err(error) => return self.store_trouble(&error),
        };
        let sequence = queued.sequence;
        if let Err(error) = self.with_store(move |store| store.trying(sequence)).await {
            return self.store_trouble(&error);
        }
        let delivery = self.server.deliver(&queued).await;
        log(&queued, &delivery);
        let (kept, at) = (delivery.clone(), self.clock.now().wall);
        if let Err(error) = self.with_store(move |store| store.tried(sequence, &kept, at)).await {
            // Still marked as maybe delivered: the next try looks first.
            return self.store_trouble(&error);
        }
        self.after(memory, &queued, &delivery)
    }

    async fn next(&self, memory: &mut Memory) -> Result<Option<QueuedRequest>, StoreError> {
        let step_over = memory.still_waiting((self.means.now_ms)());
        self.with_store(move |store| store.next_request_except(&step_over)).await
    }

    fn after(&self, memory: &mut Memory, queued: &QueuedRequest, delivery: &Delivery) -> Next {
        let visit = queued.request.visit;
        match delivery {
            Delivery::Done { .. } | Delivery::Park { .. } => {
                memory.waiting.remove(&visit);
                let came_back = self.link.is_away();
                memory.failures = 0;
                self.link.seen(true);
                if matches!(delivery, Delivery::Done { .. }) {
                    (self.delivered)(queued.request.id);
                }
                // Everybody's network returns at the same moment: not everybody at once.
                if came_back {
                    Next::Wait(self.random_below(self.settings.network_return_wait_ms))
                } else {
                    Next::AtOnce
                }
            }
            Delivery::Hold { .. } => {
                self.link.seen(true);
                Next::UntilBack(self.failed(memory).max(self.settings.retry_base_ms))
            }
            Delivery::Later { after_s: Some(seconds), .. } => {
                let _ = self.failed(memory);
                Next::Wait(seconds.saturating_mul(1000).saturating_add(self.random_below(self.settings.retry_base_ms)))
            }
            // Nothing got through: it is not this request's fault.
            Delivery::Later { after_s: None, maybe_delivered: false, .. } => {
                self.link.seen(false);
                Next::UntilBack(self.failed(memory))
            }
            Delivery::Later { after_s: None, maybe_delivered: true, .. } => {
                // Once may be this request's own trouble; twice in a row is the server's.
                if memory.failures > 0 {
                    self.link.seen(false);
                }
                let own = memory.waiting.get(&visit).map_or(0, |(failures, _)| *failures) + 1;
                let wait_ms = back_off_ms(self.settings, own, (self.means.random)());
                memory.waiting.insert(visit, (own, (self.means.now_ms)().saturating_add(wait_ms)));
                Next::UntilBack(self.failed(memory))
            }
        }
    }

    fn failed(&self, memory: &mut Memory) -> u64 {
        memory.failures = memory.failures.saturating_add(1);
        back_off_ms(self.settings, memory.failures, (self.means.random)())
    }

    fn random_below(&self, limit_ms: u64) -> u64 {
        back_off::share(limit_ms, (self.means.random)())
    }

    fn store_trouble(&self, error: &StoreError) -> Next {
        tracing::error!(%error, "the outbox cannot be written; nothing is sent until it can");
        Next::Wait(self.settings.retry_base_ms.max(1000))
    }

    /// Ends early when something was queued or the server was seen: then, if it was away, after a fresh random wait.
    async fn wait_until_back(&self, ms: u64) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(ms)) => {}
            () = self.wake.notified() => self.pause_if_away().await,
            () = self.link.returned.notified() => {
                tokio::time::sleep(Duration::from_millis(random_below(self.settings.network_return_wait_ms))).await;
            }
        }
    }

    async fn pause_if_away(&self) {
        if self.link.is_away() {
            tokio::time::sleep(Duration::from_millis(random_below(self.settings.network_return_wait_ms))).await;
        }
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.means.on_pool { with_store(self.store, work).await } else { work(self.store.as_ref()) }
    }
}

/// The store blocks on the disk; the network's threads must not.
async fn with_store<T: Send + 'static>(
    store: &Arc<dyn Store>,
    work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(store.as_ref()))
        .await
        .unwrap_or_else(|error| Err(StoreError::Other(error.to_string())))
}

impl Memory {
    /// Visits to step over; those whose time has come keep their count.
    fn still_waiting(&self, now_ms: u64) -> Vec<Uuid> {
        let list: Vec<Uuid> =
            self.waiting.iter().filter(|(_, (_, due))| *due > now_ms).map(|(visit, _)| *visit).collect();
        if list.len() > WAITING_VISITS_MAX { Vec::new() } else { list }
    }

    fn earliest_ms(&self, now_ms: u64) -> Option<u64> {
        let due = self.waiting.values().map(|(_, due)| *due).filter(|due| *due > now_ms).min()?;
        Some((due - now_ms).saturating_add(1).min(IDLE_MS))
    }
}

fn log(queued: &QueuedRequest, delivery: &Delivery) {
    let (id, kind) = (queued.request.id, queued.request.act.kind());
    match delivery {
        Delivery::Done { note: None } => tracing::info!(%id, kind, "the hospital has the request"),
        Delivery::Done { note: Some(note) } => {
            tracing::warn!(%id, kind, note, "the hospital has the request; staff should look");
        }
        Delivery::Later { reason, after_s, .. } => tracing::info!(%id, kind, reason, after_s, "the request waits"),
        Delivery::Park { reason } => tracing::error!(%id, kind, reason, "the request is parked: staff must look"),
        Delivery::Hold { reason } => {
            tracing::error!(%id, kind, reason, "the hospital refuses this kiosk: everything waits");
        }
    }
}
