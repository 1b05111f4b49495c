//! A thousand kiosks after an outage: the product's own sender in each, on made-up time, against one server that can take
//! only so much. `KIOSK_FLEET=10000` plays more of them.

use super::fixture::{StoppedClock, ends};
use super::light::{LightStore, NoCache};
use chrono::NaiveDate;
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::domain::reason::{Delay, LineTrouble};
use hospital_kiosk::hospital::sync::{self, Ends, Signals, SyncSettings, random_below};
use hospital_kiosk::ports::{Answer, Believed, Deliveries, NoSchedule, Outbox, ScheduleNews, Schedules};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const OUTAGE: Duration = Duration::from_hours(8);
/// 200 requests a kiosk in a day of 24 hours.
const REQUESTS: u64 = 67;
const BIN_S: u64 = 60;
/// As `config/kiosk.toml` advises for hundreds of kiosks.
const FLEET: SyncSettings = SyncSettings {
    retry_base_ms: 2_000,
    retry_cap_ms: 900_000,
    network_return_wait_ms: 900_000,
    schedule_refresh_s: 300,
};

/// What was gone for eight hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outage {
    /// No connection at all.
    Network,
    /// A gateway answers 503 for the server behind it.
    Gateway,
    /// The same, with `Retry-After: 120`.
    Maintenance,
    /// The kiosks themselves: all boot within a minute, with their queues full.
    Power,
}

/// The one server. Beyond its capacity it answers 429.
struct Server {
    outage: Outage,
    back: Instant,
    capacity_per_s: u64,
    delivered: AtomicU64,
    /// Seconds since the return of every request that reached it, deliveries and schedules alike, refused ones too.
    came: Mutex<Vec<u64>>,
    this_second: Mutex<(u64, u64)>,
    last_done_s: AtomicU64,
}

impl Server {
    /// Whether it can be served; noted from the return on.
    fn knock(&self, now: Instant) -> bool {
        let second = now.duration_since(self.back).as_secs();
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push(second);
        let mut this = self.this_second.lock().unwrap_or_else(PoisonError::into_inner);
        if this.0 != second {
            *this = (second, 0);
        }
        this.1 += 1;
        this.1 <= self.capacity_per_s
    }

    fn down(&self) -> Delivery {
        let (after_s, maybe_delivered) = match self.outage {
            Outage::Network | Outage::Power => (None, false),
            Outage::Gateway => (None, true),
            Outage::Maintenance => (Some(120), true),
        };
        Delivery::Later { reason: Delay::Line(LineTrouble::NotSent), after_s, maybe_delivered, away: true }
    }
}

impl Server {
    /// One request over the network, with so many in it.
    async fn take(&self, now: Instant, requests: usize) -> Delivery {
        if !self.knock(now) {
            return Delivery::Busy { after_s: None };
        }
        let requests = u64::try_from(requests).expect("few");
        tokio::time::sleep(Duration::from_millis((40 + random_below(40)) * requests)).await;
        self.delivered.fetch_add(requests, Ordering::Relaxed);
        self.last_done_s.fetch_max(self.back.elapsed().as_secs(), Ordering::Relaxed);
        Delivery::Done { note: None }
    }
}

impl Deliveries for Server {
    fn deliver<'a>(&'a self, _: &'a QueuedRequest) -> Answer<'a, Delivery> {
        Box::pin(async move {
            let now = Instant::now();
            if now < self.back {
                return self.down();
            }
            self.take(now, 1).await
        })
    }

    fn together_max(&self) -> usize {
        10
    }

    fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        queued.len()
    }

    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>> {
        Box::pin(async move {
            let now = Instant::now();
            let delivery = if now < self.back { self.down() } else { self.take(now, queued.len()).await };
            Ok(vec![delivery; queued.len()])
        })
    }
}

impl Schedules for Server {
    fn tell_time(&self) -> Answer<'_, ()> {
        Box::pin(async {})
    }

    fn schedule_since<'a>(&'a self, _: NaiveDate, _: Option<&'a str>) -> Answer<'a, Result<ScheduleNews, NoSchedule>> {
        Box::pin(async {
            let now = Instant::now();
            if now < self.back || !self.knock(now) {
                return Err(NoSchedule::Away("away".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(ScheduleNews { whole: true, ..ScheduleNews::default() })
        })
    }
}

/// Patients come by chance through the whole outage, and a few are there at its beginning.
async fn kiosk(server: Arc<Server>, settings: SyncSettings) {
    let (store, wake) = (Arc::new(LightStore::default()), Arc::<Signals>::default());
    if server.outage == Outage::Power {
        tokio::time::sleep_until(server.back + Duration::from_millis(random_below(60_000))).await;
        (0..REQUESTS).for_each(|visit| store.add(visit.into()));
    } else {
        tokio::time::sleep(Duration::from_millis(random_below(60_000))).await;
    }
    let sender = tokio::spawn(sync::run(
        Ends { schedule: Some((Arc::new(NoCache), server.clone())), ..ends(&store, &server) },
        settings,
        Arc::clone(&wake),
        Arc::new(Believed(StoppedClock)),
        Arc::new(|_| {}),
        Arc::new(|_| {}),
    ));
    if server.outage != Outage::Power {
        let between_ms = u64::try_from(OUTAGE.as_millis()).expect("hours") / REQUESTS;
        for visit in 0..REQUESTS {
            store.add(visit.into());
            wake.queued();
            tokio::time::sleep(Duration::from_millis(between_ms - 1_000 + random_below(1_000))).await;
        }
    }
    while !store.is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    sender.abort();
}

struct Drain {
    requests: u64,
    seconds: u64,
    most_in_a_bin: u64,
    /// The fullest bin's rate in hundredths of the drain's mean.
    percent: u64,
}

async fn play(outage: Outage, kiosks: u64, settings: SyncSettings, capacity_per_s: u64) -> Drain {
    let server = Arc::new(Server {
        outage,
        back: Instant::now() + OUTAGE,
        capacity_per_s,
        delivered: AtomicU64::new(0),
        came: Mutex::default(),
        this_second: Mutex::default(),
        last_done_s: AtomicU64::new(0),
    });
    let all: Vec<_> = (0..kiosks).map(|_| tokio::spawn(kiosk(Arc::clone(&server), settings))).collect();
    for one in all {
        one.await.expect("a kiosk that ends when it has drained");
    }
    assert_eq!(server.delivered.load(Ordering::Relaxed), kiosks * REQUESTS, "all drained, each once");
    let seconds = server.last_done_s.load(Ordering::Relaxed) + 1;
    let mut bins = vec![0_u64; usize::try_from(seconds.div_ceil(BIN_S)).expect("few")];
    for second in server.came.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        if let Some(bin) = usize::try_from(second / BIN_S).ok().and_then(|bin| bins.get_mut(bin)) {
            *bin += 1;
        }
    }
    let (requests, most_in_a_bin) = (bins.iter().sum::<u64>(), bins.iter().copied().max().unwrap_or(0));
    let percent = most_in_a_bin * seconds * 100 / (BIN_S * requests);
    println!(
        "fleet: {kiosks} kiosks, {outage:?}, wait {} s, server {capacity_per_s}/s: {requests} requests in {seconds} s, fullest minute {most_in_a_bin}, {percent} % of the mean",
        settings.network_return_wait_ms / 1000
    );
    Drain { requests, seconds, most_in_a_bin, percent }
}

fn fleet() -> u64 {
    std::env::var("KIOSK_FLEET").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000)
}

async fn bound_holds(outage: Outage, kiosks: u64) {
    // One node takes hundreds a second: 0.3 a kiosk for a thousand of them.
    let drain = play(outage, kiosks, FLEET, kiosks * 3 / 10).await;
    assert!(drain.percent <= 300, "the fullest minute is {} % of the mean", drain.percent);
    assert!(drain.seconds > 2 * BIN_S, "a bound on bins says something only of a drain of several: {}", drain.seconds);
    assert!(drain.requests >= drain.most_in_a_bin);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_kiosks_after_the_network_came_back() {
    bound_holds(Outage::Network, fleet()).await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_kiosks_after_the_power_came_back() {
    bound_holds(Outage::Power, fleet()).await;
}

/// Fewer of them: these outages cost the kiosk more work while they last.
#[tokio::test(start_paused = true)]
async fn kiosks_after_a_gateways_503_and_after_maintenance() {
    for outage in [Outage::Gateway, Outage::Maintenance] {
        bound_holds(outage, fleet() / 5).await;
    }
}
