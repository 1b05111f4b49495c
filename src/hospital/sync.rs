//! The one sender of a kiosk: every queued request reaches the hospital, exactly once in effect.
//!
//! Each try is made durable before it is made, so that a kiosk that dies in between looks first when it is back. There
//! is no attempt limit: only the hospital's refusal parks a request, and only its own visit waits behind it.
//!
//! What has piled up travels several requests to a bundle, which is faster (`tests/hospital/rates.rs` measures it). Only
//! requests that were never refused and cannot have arrived yet go together, each of another visit; whatever the server has
//! against one of them sends each of them alone, after a look, for the rest of the day. What is too large for one transaction
//! of the server goes in parts, one after the other, each written down before the next.

mod anchor;
mod back_off;
mod by_hand;
mod ends;
mod schedule;
mod signals;

pub use back_off::{back_off_ms, named_wait_ms, random_below};
pub use by_hand::ByHand;
pub use ends::Ends;
pub use signals::Signals;

use back_off::{random, share};

use crate::config;
use crate::domain::clock::Standing;
use crate::domain::outbox::{Delivery, QueuedRequest};
use crate::ports::{Deliveries, KioskClock, Queue, Retention, StoreError};
use chrono::{NaiveDate, TimeDelta};
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

/// Runs until dropped. `wake` says that something was queued. All waiting is on tokio's clock, so that tests can stop it.
pub async fn run(
    ends: Ends,
    settings: SyncSettings,
    wake: Arc<Signals>,
    clock: Arc<dyn KioskClock>,
    online: OnlineCallback,
    delivered: DeliveredCallback,
) {
    let link = Link {
        online,
        is_online: AtomicBool::new(false),
        was_told: AtomicBool::new(false),
        is_back: AtomicBool::new(false),
        returned: Notify::new(),
    };
    let started = tokio::time::Instant::now();
    let now_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let clock = clock.as_ref();
    let sender = Sender {
        means: Means { now_ms: &now_ms, random: &random, on_pool: true },
        queue: &ends.queue,
        retention: &ends.retention,
        server: ends.deliveries.as_ref(),
        settings,
        wake: &wake,
        clock,
        link: &link,
        delivered: &delivered,
    };
    let schedule = async {
        if let Some((cache, server)) = &ends.schedule {
            schedule::Refresher { cache, server: server.as_ref(), settings, clock, link: &link }.run().await;
        }
    };
    let anchor = async {
        if let Some((trail, server)) = &ends.trail {
            anchor::Anchorer { trail, server: server.as_ref(), clock, link: &link }.run().await;
        }
    };
    tokio::join!(sender.run(), schedule, anchor);
}

/// Whether the hospital can be reached, as the sender and the schedule find out between them.
struct Link {
    online: OnlineCallback,
    is_online: AtomicBool,
    was_told: AtomicBool,
    /// It was away and is back: the sender owes a wait before it goes on.
    is_back: AtomicBool,
    /// The schedule found the server back while the sender was still waiting.
    returned: Notify,
}

impl Link {
    fn is_away(&self) -> bool {
        self.was_told.load(Ordering::Relaxed) && !self.is_online.load(Ordering::Relaxed)
    }

    /// What the schedule finds out: it wakes the sender.
    fn seen(&self, now: bool) {
        if self.heard(now) {
            self.returned.notify_one();
        }
    }

    /// What the sender finds out itself. True if the server is back.
    fn heard(&self, now: bool) -> bool {
        let before = self.is_online.swap(now, Ordering::Relaxed);
        let told = self.was_told.swap(true, Ordering::Relaxed);
        if before != now || !told {
            (self.online)(now);
        }
        let back = now && !before && told;
        if back {
            self.is_back.store(true, Ordering::Relaxed);
        }
        back
    }
}

/// How long to look at the queue again when nobody woke us: a safety net, not the way it works.
const IDLE_MS: u64 = 30_000;
/// With more visits in their own back-off than this it is the server that is ill: nothing is sent until one is due. Also
/// the limit of what is remembered, however many rows wait.
const WAITING_VISITS_MAX: usize = 128;
/// A server that cannot manage several in its time would cost that time again and again.
const DOUBTS_TOGETHER_MAX: u32 = 2;
const TOGETHER_MAX_BYTES: usize = 256 * 1024;

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
    queue: &'a Arc<dyn Queue>,
    retention: &'a Arc<dyn Retention>,
    server: &'a dyn Deliveries,
    settings: SyncSettings,
    wake: &'a Signals,
    clock: &'a dyn KioskClock,
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
    /// The day on which what is too old was last cleared away.
    tidied: Option<NaiveDate>,
    /// The server refused several together, or left [`DOUBTS_TOGETHER_MAX`] in doubt: for the day each goes alone.
    alone: bool,
    /// Tries of several in a row of which nobody knows what became.
    doubts_together: u32,
}

/// What to do before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    AtOnce,
    /// The server named the time, or the disk is in trouble: only staff shorten it.
    Wait(u64),
    /// A sign of life shortens it too.
    UntilBack(u64),
}

impl Sender<'_> {
    async fn run(&self) {
        let mut memory = Memory::default();
        // The power, too, returns everywhere at the same moment.
        if self.next(&memory).await.is_ok_and(|waiting| !waiting.is_empty()) {
            self.wait_by_chance().await;
        }
        loop {
            let next = self.step(&mut memory).await;
            self.wake.hold(match next {
                Next::AtOnce => None,
                Next::Wait(ms) => Some(ms),
                Next::UntilBack(ms) => memory.holds((self.means.now_ms)()).then_some(ms),
            });
            let wanted = match next {
                Next::AtOnce => false,
                Next::Wait(ms) => self.wait(ms).await,
                Next::UntilBack(ms) => self.wait_until_back(ms).await,
            };
            let is_back = self.link.is_back.swap(false, Ordering::Relaxed);
            if wanted || (is_back && self.wait_by_chance().await) {
                memory.hold_nothing();
            }
        }
    }

    async fn wait_by_chance(&self) -> bool {
        self.wait(share(self.settings.network_return_wait_ms, (self.means.random)())).await
    }

    /// True if staff ended it.
    async fn wait(&self, ms: u64) -> bool {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(ms)) => false,
            () = self.wake.staff_want_it() => true,
        }
    }

    /// One try at most, of one request or of several together.
    async fn step(&self, memory: &mut Memory) -> Next {
        self.tidy(memory).await;
        let queued = match self.next(memory).await {
            Ok(queued) if queued.is_empty() => {
                return Next::UntilBack(memory.earliest_ms((self.means.now_ms)()).unwrap_or(IDLE_MS));
            }
            Ok(queued) => queued,
            Err(error) => return self.store_trouble(&error),
        };
        let sequences: Vec<i64> = queued.iter().map(|queued| queued.sequence).collect();
        if let Err(error) = self.with(self.queue, move |queue| queue.begin_tries(&sequences)).await {
            return self.store_trouble(&error);
        }
        let (deliveries, refused) = self.deliver(&queued).await;
        let tried: Vec<(QueuedRequest, Delivery)> = queued.into_iter().zip(deliveries).collect();
        for (queued, delivery) in &tried {
            log(queued, delivery);
        }
        let kept: Vec<(i64, Delivery)> =
            tried.iter().map(|(queued, delivery)| (queued.sequence, delivery.clone())).collect();
        let at = self.clock.now().wall;
        if let Err(error) = self.with(self.queue, move |queue| queue.end_tries(&kept, at)).await {
            // Still marked as maybe delivered: the next try looks first.
            return self.store_trouble(&error);
        }
        if refused {
            // Of none of them anything is known yet.
            memory.alone = true;
            return Next::AtOnce;
        }
        for (queued, delivery) in &tried {
            self.settle(memory, queued, delivery);
        }
        let Some((_, delivery)) = tried.first() else { return Next::AtOnce };
        if tried.len() > 1 {
            let in_doubt = matches!(delivery, Delivery::Later { after_s: None, maybe_delivered: true, .. });
            memory.doubts_together = if in_doubt { memory.doubts_together.saturating_add(1) } else { 0 };
            memory.alone |= memory.doubts_together >= DOUBTS_TOGETHER_MAX;
        }
        self.pace(memory, delivery)
    }

    /// What became of each, and whether several were refused as a whole.
    async fn deliver(&self, queued: &[QueuedRequest]) -> (Vec<Delivery>, bool) {
        if let [one] = queued {
            return (vec![self.server.deliver(one).await], false);
        }
        match self.server.deliver_together(queued).await {
            Ok(deliveries) => (deliveries, false),
            Err(reason) => {
                let each = Delivery::Later { reason, after_s: None, maybe_delivered: true, away: false };
                (vec![each; queued.len()], true)
            }
        }
    }

    async fn tidy(&self, memory: &mut Memory) {
        let now = self.clock.now().wall;
        // What a clock calls old that nobody has confirmed may be of yesterday.
        let certain = matches!(self.clock.standing(), Standing::Agreed | Standing::Accepted { .. });
        if !certain || memory.tidied.replace(now.date_naive()) == Some(now.date_naive()) {
            return;
        }
        (memory.alone, memory.doubts_together) = (false, 0);
        // Too old by both clocks: of one that is wrong by months nothing comes back.
        let ahead = TimeDelta::try_seconds(self.clock.correction_s().max(0)).unwrap_or_default();
        let earlier = now.checked_sub_signed(ahead).unwrap_or(now);
        if let Err(error) = self.with(self.retention, move |store| store.forget_old(earlier)).await {
            tracing::warn!(%error, "what is kept too long could not be cleared away");
        }
    }

    /// What the next try carries.
    async fn next(&self, memory: &Memory) -> Result<Vec<QueuedRequest>, StoreError> {
        let step_over = memory.still_waiting((self.means.now_ms)());
        if step_over.len() > WAITING_VISITS_MAX {
            return Ok(Vec::new());
        }
        // While there is trouble as little as possible is left in doubt.
        let most = if memory.alone || memory.failures > 0 { 1 } else { self.server.together_max() };
        let found = self.with(self.queue, move |queue| queue.next_requests(&step_over, most)).await?;
        let mut found = that_go_together(found);
        if found.len() > 1 {
            found.truncate(self.server.fitting(&found).max(1));
        }
        Ok(found)
    }

    /// What a try means for the request's own visit.
    fn settle(&self, memory: &mut Memory, queued: &QueuedRequest, delivery: &Delivery) {
        let visit = queued.request.visit;
        match delivery {
            Delivery::Done { .. } => {
                memory.waiting.remove(&visit);
                (self.delivered)(queued.request.id);
            }
            Delivery::Park { .. } | Delivery::Part { .. } => drop(memory.waiting.remove(&visit)),
            // Then another visit first: this one alone may be what the server cannot do.
            Delivery::Later { after_s: Some(seconds), .. } => {
                let longest = named_wait_ms(self.settings, *seconds, u64::MAX);
                self.step_over(memory, visit, longest.saturating_add(self.settings.retry_base_ms));
            }
            // Mostly all are kept out together; but a gateway may have something against this one alone.
            Delivery::Later { after_s: None, maybe_delivered: true, .. } | Delivery::Hold { .. } => {
                self.step_over(memory, visit, 0);
            }
            // Nothing got through: it is not this request's fault.
            Delivery::Later { after_s: None, maybe_delivered: false, .. } | Delivery::Busy { .. } => {}
        }
    }

    /// What a try means for the next one, whatever that will be.
    fn pace(&self, memory: &mut Memory, delivery: &Delivery) -> Next {
        match delivery {
            Delivery::Done { .. } | Delivery::Park { .. } | Delivery::Part { .. } => {
                memory.failures = 0;
                self.link.heard(true);
                // Everybody's network returns at the same moment: not everybody at once.
                if self.link.is_back.swap(false, Ordering::Relaxed) {
                    Next::Wait(share(self.settings.network_return_wait_ms, (self.means.random)()))
                } else {
                    Next::AtOnce
                }
            }
            Delivery::Hold { .. } => {
                self.link.heard(true);
                Next::UntilBack(self.failed(memory).max(self.settings.retry_base_ms))
            }
            Delivery::Busy { after_s, .. } => {
                self.link.heard(true);
                let ms = self.failed(memory);
                Next::Wait(after_s.map_or(ms, |seconds| named_wait_ms(self.settings, seconds, (self.means.random)())))
            }
            Delivery::Later { after_s: Some(seconds), .. } => {
                let _ = self.failed(memory);
                Next::Wait(named_wait_ms(self.settings, *seconds, (self.means.random)()))
            }
            Delivery::Later { after_s: None, maybe_delivered, away, .. } => {
                // Once may be this request's own trouble; twice in a row is the server's. What it answers it is there for.
                if !away {
                    self.link.heard(true);
                } else if !maybe_delivered || memory.failures > 0 {
                    self.link.heard(false);
                }
                Next::UntilBack(self.failed(memory))
            }
        }
    }

    /// The visit's own back-off, after `ms`.
    fn step_over(&self, memory: &mut Memory, visit: Uuid, ms: u64) {
        let own = memory.waiting.get(&visit).map_or(0, |(failures, _)| *failures).saturating_add(1);
        let wait_ms = ms.saturating_add(back_off_ms(self.settings, own, (self.means.random)()));
        memory.waiting.insert(visit, (own, (self.means.now_ms)().saturating_add(wait_ms)));
    }

    fn failed(&self, memory: &mut Memory) -> u64 {
        memory.failures = memory.failures.saturating_add(1);
        back_off_ms(self.settings, memory.failures, (self.means.random)())
    }

    fn store_trouble(&self, error: &StoreError) -> Next {
        tracing::error!(%error, "the outbox cannot be written; nothing is sent until it can");
        Next::Wait(self.settings.retry_base_ms.max(1000))
    }

    /// Ends early when something was queued or the server was seen. While it is away, what is queued is no reason to knock
    /// once more: the schedule's look finds it back. True if staff ended it.
    async fn wait_until_back(&self, ms: u64) -> bool {
        tokio::select! {
            wanted = self.wait(ms) => wanted,
            () = self.wake.something_new(), if !self.link.is_away() => false,
            () = self.link.returned.notified() => false,
        }
    }

    async fn with<S: ?Sized + Send + Sync + 'static, T: Send + 'static>(
        &self,
        store: &Arc<S>,
        work: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.means.on_pool { on_pool(store, work).await } else { work(store) }
    }
}

/// The store blocks on the disk; the network's threads must not.
async fn on_pool<S: ?Sized + Send + Sync + 'static, T: Send + 'static>(
    store: &Arc<S>,
    work: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store))
        .await
        .unwrap_or_else(|error| Err(StoreError::Other(error.to_string())))
}

impl Memory {
    /// Visits to step over; those whose time has come keep their count.
    fn still_waiting(&self, now_ms: u64) -> Vec<Uuid> {
        self.waiting.iter().filter(|(_, (_, due))| *due > now_ms).map(|(visit, _)| *visit).collect()
    }

    /// Something waits for its time to come.
    fn holds(&self, now_ms: u64) -> bool {
        self.failures > 0 || self.waiting.values().any(|(_, due)| *due > now_ms)
    }

    /// Every visit's time has come; how often it failed is remembered.
    fn hold_nothing(&mut self) {
        self.waiting.values_mut().for_each(|(_, due)| *due = 0);
    }

    fn earliest_ms(&self, now_ms: u64) -> Option<u64> {
        let due = self.waiting.values().map(|(_, due)| *due).filter(|due| *due > now_ms).min()?;
        Some((due - now_ms).saturating_add(1).min(IDLE_MS))
    }
}

/// The first, and what may be sent in one bundle with it: a body that any gateway takes (nginx: 1 MiB).
fn that_go_together(mut found: Vec<QueuedRequest>) -> Vec<QueuedRequest> {
    let sociable =
        |queued: &QueuedRequest| !queued.maybe_delivered && queued.taken.is_empty() && !queued.bundle.is_empty();
    if !found.first().is_some_and(sociable) {
        found.truncate(1);
        return found;
    }
    let mut bytes = 0;
    found.retain(|queued| {
        let fits = sociable(queued) && (bytes == 0 || bytes + queued.bundle.len() <= TOGETHER_MAX_BYTES);
        bytes += if fits { queued.bundle.len() } else { 0 };
        fits
    });
    found
}

fn log(queued: &QueuedRequest, delivery: &Delivery) {
    let (id, kind) = (queued.request.id, queued.request.act.kind());
    let reason = delivery.undelivered().map(|reason| reason.to_string()).unwrap_or_default();
    let reason = reason.as_str();
    match delivery {
        Delivery::Done { note: None } => tracing::info!(%id, kind, "the hospital has the request"),
        Delivery::Done { note: Some(note) } => {
            tracing::warn!(%id, kind, note = note.to_string(), "the hospital has the request; staff should look");
        }
        Delivery::Part { taken, .. } => {
            tracing::info!(%id, kind, taken = taken.len(), note = reason, "the request goes in parts");
        }
        Delivery::Later { after_s, .. } | Delivery::Busy { after_s } => {
            tracing::info!(%id, kind, reason, after_s, "the request waits");
        }
        Delivery::Park { .. } => tracing::error!(%id, kind, reason, "the request is parked: staff must look"),
        Delivery::Hold { .. } => {
            tracing::error!(%id, kind, reason, "this kiosk is kept out at the hospital: the request is held");
        }
    }
}
