//! How fast a full queue is emptied: ratios of one run, printed and never asserted. At `PEER_FHIR_URL` (`make peers`), else at
//! the demo's hospital: `cargo test --test tests hospital::rates -- --include-ignored --nocapture --test-threads 1`

use super::fixture::{StoppedClock, card, client_with, day, documents, ends, hospital, queued, settings};
use hospital_kiosk::config;
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::domain::reason::Delay;
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::sync::{self, SyncSettings};
use hospital_kiosk::ports::{Answer, Believed, Deliveries, JournalLines, SingleRequests};
use hospital_kiosk::rehearsal::hospital::{SimHospital, seed_into};
use hospital_kiosk::store;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const REQUESTS: u32 = 100;
/// Each is measured so often, in turns: a server gets slower as it fills.
const ROUNDS: u32 = 3;
const TIMES: SyncSettings =
    SyncSettings { retry_base_ms: 4, retry_cap_ms: 40, network_return_wait_ms: 0, schedule_refresh_s: 3_600 };

struct Rig {
    client: Arc<Client>,
    runtime: Runtime,
    url: String,
    made: u32,
    _own: Option<SimHospital>,
}

/// The client as if it could not send several requests together.
struct OneByOne(Arc<Client>);

impl Deliveries for OneByOne {
    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery> {
        self.0.deliver(queued)
    }

    fn together_max(&self) -> usize {
        1
    }

    fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        queued.len()
    }

    fn deliver_together<'a>(&'a self, _: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>> {
        unreachable!("one at a time")
    }
}

impl Rig {
    fn new() -> Self {
        let peer = std::env::var("PEER_FHIR_URL").ok();
        let own = peer.is_none().then(hospital);
        let url = peer.unwrap_or_else(|| own.as_ref().expect("one of the two").url());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        if own.is_none() {
            runtime.block_on(seed_into(&url, day(), true)).expect("seeded");
        }
        Self { client: client_with(&settings(&url)), runtime, url, made: 0, _own: own }
    }

    /// Fresh ones, each of its own visit.
    fn requests(&mut self) -> Vec<QueuedRequest> {
        let first = self.made;
        self.made += REQUESTS;
        let fresh = |number: u32| documents(7_000_000_000 + u128::from(number), card());
        (first..self.made).map(|number| queued(fresh(number), &*self.client)).collect()
    }

    /// The client without queue or disk.
    fn bare(&mut self) -> Duration {
        let requests = self.requests();
        let started = Instant::now();
        self.runtime.block_on(async {
            for request in &requests {
                assert_eq!(self.client.deliver(request).await, Delivery::Done { note: None });
            }
        });
        started.elapsed()
    }

    /// Out of the encrypted queue, with a durable write before and after each.
    fn drained(&mut self, server: &Arc<impl Deliveries + 'static>) -> Duration {
        let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a disk");
        let settings = config::Store::at(disk.path().join("data"), disk.path().join("keys/store.key"));
        let store = Arc::new(store::open_with_credentials(&settings, None).expect("the store").store);
        for QueuedRequest { request, bundle, .. } in self.requests() {
            store.queue(&request, &bundle).expect("queued");
        }
        let last = Arc::new(Mutex::new(Instant::now()));
        let delivered = Arc::clone(&last);
        let started = Instant::now();
        let sender = self.runtime.spawn(sync::run(
            ends(&store, server),
            TIMES,
            Arc::default(),
            Arc::new(Believed(StoppedClock)),
            Arc::new(|_| {}),
            Arc::new(move |_| *delivered.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now()),
        ));
        while store.next_request().expect("a store").is_some() {
            std::thread::sleep(Duration::from_millis(20));
        }
        sender.abort();
        last.lock().unwrap_or_else(PoisonError::into_inner).duration_since(started)
    }

    /// Several requests in one transaction, over a bare HTTP connection.
    fn in_batches_of(&mut self, size: usize) -> Duration {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let requests = self.requests();
        let started = Instant::now();
        self.runtime.block_on(async {
            for part in requests.chunks(size) {
                let entries = part.iter().flat_map(|request| entries(&request.bundle)).collect::<Vec<_>>();
                let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
                let asked = http.post(&self.url).header("Content-Type", "application/fhir+json");
                let answer =
                    asked.header("Prefer", "return=minimal").body(bundle.to_string()).send().await.expect("one");
                let answer: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
                let statuses = answer["entry"].as_array().expect("entries").iter();
                let taken = statuses.filter(|entry| entry["response"]["status"].as_str().is_some_and(is_success));
                assert_eq!(taken.count(), entries.len(), "{answer}");
            }
        });
        started.elapsed()
    }
}

fn is_success(status: &str) -> bool {
    status.starts_with('2')
}

fn entries(bundle: &[u8]) -> Vec<Value> {
    let bundle: Value = serde_json::from_slice(bundle).expect("ours");
    bundle["entry"].as_array().cloned().expect("entries")
}

fn rate(time: Duration) -> f64 {
    f64::from(REQUESTS * ROUNDS) / time.as_secs_f64()
}

/// What the kiosk costs: the same client sends the same kind of bundles by itself and out of the queue.
#[test]
#[ignore = "a measurement: make peers"]
fn the_drain_rate_as_a_ratio_to_the_bare_client() {
    let mut rig = Rig::new();
    let (mut bare, mut drained, mut one_by_one) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        bare += rig.bare();
        drained += rig.drained(&rig.client.clone());
        one_by_one += rig.drained(&Arc::new(OneByOne(Arc::clone(&rig.client))));
    }
    for (how, time) in [("as it is", drained), ("one by one", one_by_one)] {
        let ratio = rate(time) / rate(bare);
        println!(
            "drain: {:.1} requests/s out of the queue, {how}; the bare client {:.1}/s: ratio {ratio:.2}",
            rate(time),
            rate(bare)
        );
    }
}

/// Whether several requests in one bundle would be faster, and how much of the way there is the bundle's size alone.
#[test]
#[ignore = "a measurement: make peers"]
fn what_batches_would_bring() {
    let mut rig = Rig::new();
    let sizes = [1, 5, 20];
    let mut times = [Duration::ZERO; 3];
    for _ in 0..ROUNDS {
        for (time, size) in times.iter_mut().zip(sizes) {
            *time += rig.in_batches_of(size);
        }
    }
    for (time, size) in times.into_iter().zip(sizes) {
        println!("batches: {size} requests in a bundle: {:.1} requests/s", rate(time));
    }
}
