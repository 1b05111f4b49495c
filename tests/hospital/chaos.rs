//! The whole line, broken on purpose: the product's own client, sender and encrypted store in a process that is killed
//! again and again, behind a line that loses answers, in front of a server. Each request is there once; what the server
//! will never take is parked; order within a visit holds.
//!
//! `make test` plays it small against the demo's hospital, `make peers` against sekmet-fhir and HAPI FHIR. By hand, larger:
//! `KIOSK_CHAOS=10000,100 cargo test --test tests chaos::a_bad_line -- --nocapture`, and with `PEER_FHIR_URL=…` the same for
//! `chaos::nor_do_they -- --include-ignored --nocapture`

use super::fixture::{StoppedClock, card, client_with, day, documents, ends, hospital, settings};
use hospital_kiosk::config;
use hospital_kiosk::domain::outbox::{Act, QueueState, Request};
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::hospital::sync::{self, Signals, SyncSettings, random_below};
use hospital_kiosk::hospital::wire::entry_id;
use hospital_kiosk::ports::{Believed, Bundles, JournalLines, Outbox, QueueList, SingleRequests, StoreError};
use hospital_kiosk::rehearsal::hospital::{FaultyProxy, Manners, Odds, seed_into};
use hospital_kiosk::rehearsal::people;
use hospital_kiosk::store;
use hospital_kiosk::store::SqliteStore;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Half of all requests go wrong somehow; a slow answer is slower than [`SEND_TIMEOUT_MS`].
const ODDS: Odds = Odds { lost_after: 20, lost_before: 10, busy: 10, reject: 10, slow: 1, slow_ms: 1_500 };
const SEND_TIMEOUT_MS: u64 = 1_000;
const TIMES: SyncSettings =
    SyncSettings { retry_base_ms: 4, retry_cap_ms: 40, network_return_wait_ms: 4, schedule_refresh_s: 3_600 };

const CHILD: &str = "KIOSK_TEST_CHAOS_CHILD";
/// Three requests of each visit follow each other.
const A_VISIT: u128 = 3;
/// Every so many requests one is of a patient nobody knows: the server will never take it.
const POISON_EVERY: u128 = 50;

fn is_poison(number: u128) -> bool {
    number % POISON_EVERY == 7
}

/// Parked, or behind a parked one of its own visit.
fn is_stuck(number: u128) -> bool {
    let first = number / A_VISIT * A_VISIT;
    (first..=number).any(is_poison)
}

fn request(number: u128) -> Request {
    let mut request = documents(number, card());
    request.visit = Uuid::from_u128(5_000_000_000 + number / A_VISIT);
    if let Act::Documents { claim, .. } = &mut request.act {
        // Never given twice: a server with a unique index on identifiers sees to it.
        *claim = format!("K3-261125-{number:04}-0");
    }
    if is_poison(number) {
        request.patient = PatientNumber("99999999".to_owned());
    }
    request
}

fn store_settings(root: &Path, size_max_mib: u32) -> config::Store {
    config::Store { size_max_mib, ..config::Store::at(root.join("data"), root.join("keys/store.key")) }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "@{line}").and_then(|()| out.flush()).expect("somebody listens");
}

/// Queues the rest of the requests and says each once it is durable; a full disk is said and waited out.
fn produce(store: &SqliteStore, server: &dyn Bundles, numbers: std::ops::RangeInclusive<u128>, wake: &Signals) {
    for number in numbers {
        let request = request(number);
        loop {
            match store.queue(&request, &server.freeze(&request)) {
                Ok(()) => break,
                Err(StoreError::DiskFull) => {
                    say("full");
                    std::thread::sleep(Duration::from_millis(20));
                }
                // Killed between the write and the word, and frozen differently by now: it is there.
                Err(error) if error.to_string().contains("already queued") => break,
                Err(error) => panic!("{error}"),
            }
        }
        say(&format!("queued {number}"));
        wake.queued();
    }
}

/// Not a test of its own: the kiosk that is killed.
#[test]
fn child_that_queues_and_delivers_until_it_is_killed() {
    let Ok(orders) = std::env::var(CHILD) else { return };
    let [root, url, from, to, size_max_mib, entries_max] =
        orders.split('|').collect::<Vec<_>>().try_into().expect("orders");
    let opened =
        store::open_with_credentials(&store_settings(Path::new(root), size_max_mib.parse().expect("MiB")), None)
            .expect("the store");
    assert_eq!(opened.notice, None, "a kill damages nothing");
    let store = Arc::new(opened.store);
    let transaction_entries_max = entries_max.parse().expect("a number");
    let hospital = config::Hospital { send_timeout_ms: SEND_TIMEOUT_MS, transaction_entries_max, ..settings(url) };
    let client = client_with(&hospital);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let wake = Arc::new(Signals::default());
    runtime.spawn(sync::run(
        ends(&store, &client),
        TIMES,
        Arc::clone(&wake),
        Arc::new(Believed(StoppedClock)),
        Arc::new(|_| {}),
        Arc::new(|_| {}),
    ));
    say("ready");
    produce(store.as_ref(), client.as_ref(), from.parse().expect("a number")..=to.parse().expect("a number"), &wake);
    while store.next_request().expect("a store").is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
    say("over");
}

struct Kiosk {
    child: Child,
    says: Receiver<String>,
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        // Already dead is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Kiosk {
    fn start(root: &Path, url: &str, numbers: (u128, u128), size_max_mib: u32, entries_max: usize) -> Self {
        let (from, to) = numbers;
        let mut child = Command::new(std::env::current_exe().expect("the test binary"))
            .args(["child_that_queues_and_delivers_until_it_is_killed", "--nocapture"])
            .env(CHILD, format!("{}|{url}|{from}|{to}|{size_max_mib}|{entries_max}", root.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let out = BufReader::new(child.stdout.take().expect("its words"));
        let (sender, says) = channel();
        std::thread::spawn(move || {
            // The harness writes its own words on the same line.
            for line in out.lines().map_while(Result::ok) {
                if let Some((_, word)) = line.split_once('@')
                    && sender.send(word.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { child, says }
    }
}

/// What the parent heard of all the children.
#[derive(Default)]
struct Heard {
    queued: u128,
    full: u32,
    over: bool,
}

impl Heard {
    /// Listens for a `life` or until the child's end; the clock starts when it is at work, on a full disk when it has met it.
    fn listen(&mut self, kiosk: &Kiosk, life: Duration, on_a_full_disk: bool) {
        let mut until = Instant::now() + Duration::from_mins(1);
        loop {
            match kiosk.says.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(word) if word == "ready" && on_a_full_disk => {}
                Ok(word) if word == "ready" => until = Instant::now() + life,
                Ok(word) if word == "full" => {
                    self.full += 1;
                    until = until.min(Instant::now() + life);
                }
                Ok(word) if word == "over" => {
                    self.over = true;
                    return;
                }
                Ok(word) => {
                    let number = word.strip_prefix("queued ").and_then(|number| number.parse().ok()).expect("a number");
                    self.queued = self.queued.max(number);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// Plays it all; `life_ms` is how long a kiosk lives at most before it is killed. A kiosk that knows of `entries_max` sends no
/// more in one transaction.
fn play(upstream: &str, requests: u128, kills: u32, life_ms: u64, entries_max: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(seed_into(upstream, day(), true)).expect("seeded");
    let proxy = FaultyProxy::start(upstream, ODDS, 20_261_125).expect("a bad line");
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a disk");
    let (mut heard, started) = (Heard::default(), Instant::now());
    for kill in 0..kills {
        // Once, in the middle, the disk is full: the database may not grow by a page.
        let is_full = kill == kills / 3;
        let size_max_mib = if is_full { 0 } else { 4_096 };
        // Requests come little by little, so that there are some to queue until the last kill.
        let to = (requests * u128::from(kill + 1) / u128::from(kills)).max(heard.queued);
        let kiosk = Kiosk::start(disk.path(), &proxy.url(), (heard.queued + 1, to), size_max_mib, entries_max);
        heard.listen(&kiosk, Duration::from_millis(random_below(life_ms)), is_full);
        drop(kiosk);
    }
    heard.over = false;
    let kiosk = Kiosk::start(disk.path(), &proxy.url(), (heard.queued + 1, requests), 4_096, entries_max);
    heard.listen(&kiosk, Duration::from_mins(20), false);
    assert!(heard.over && heard.queued == requests, "the last kiosk finished; {} queued", heard.queued);
    drop(kiosk);
    assert!(heard.full > 0, "the disk was full for a while");
    println!("chaos: {requests} requests, {kills} kills, {:?}, {:?}", started.elapsed(), proxy.fates());
    stuck_are_parked_and_nothing_else(disk.path(), requests);
    in_order_within_a_visit(&proxy.taken(), requests);
    runtime.block_on(everything_is_there_once(upstream, requests));
}

fn stuck_are_parked_and_nothing_else(root: &Path, requests: u128) {
    let store = store::open_with_credentials(&store_settings(root, 4_096), None).expect("the store").store;
    let left: BTreeMap<Uuid, QueueState> = store
        .requests()
        .expect("rows")
        .into_iter()
        .filter(|row| row.state != QueueState::Sent)
        .map(|row| (row.id, row.state))
        .collect();
    let expected = (1..=requests).filter(|number| is_stuck(*number)).map(|number| {
        (Uuid::from_u128(number), if is_poison(number) { QueueState::Parked } else { QueueState::Waiting })
    });
    assert_eq!(left, expected.collect(), "the poison is parked, and only its own visit waits behind it");
    println!("chaos: {} parked", left.values().filter(|state| **state == QueueState::Parked).count());
}

/// First times only: a replay comes later and makes nothing.
fn in_order_within_a_visit(taken: &[String], requests: u128) {
    let number_of: BTreeMap<String, u128> =
        (1..=requests).map(|number| (entry_id(Uuid::from_u128(number), "task").to_string(), number)).collect();
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for number in taken.iter().filter_map(|id| number_of.get(id)).copied().filter(|number| seen.insert(*number)) {
        let before = last.insert(number / A_VISIT, number).unwrap_or(0);
        assert!(before < number, "{number} came after {before}");
    }
}

/// 0 duplicates, 0 missing, as the server itself lists them.
async fn everything_is_there_once(upstream: &str, requests: u128) {
    let names = [("Task", vec!["task"]), ("Invoice", vec!["invoice"]), ("ChargeItem", vec!["charge-1", "charge-2"])];
    for (kind, entries) in names {
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        for id in identifiers(upstream, kind).await {
            *found.entry(id).or_default() += 1;
        }
        let wanted: Vec<String> = (1..=requests)
            .filter(|number| !is_stuck(*number))
            .flat_map(|number| entries.iter().map(move |entry| entry_id(Uuid::from_u128(number), entry).to_string()))
            .collect();
        let missing = wanted.iter().filter(|id| !found.contains_key(*id)).count();
        let duplicates = found.values().filter(|count| **count > 1).count();
        println!("chaos: {} of {kind} on the server: {duplicates} duplicates, {missing} missing", found.len());
        assert_eq!((missing, duplicates, found.len()), (0, 0, wanted.len()), "{kind}");
    }
}

/// Every identifier of ours, page by page.
async fn identifiers(base: &str, kind: &str) -> Vec<String> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (mut url, mut found) = (format!("{base}/{kind}?_count=200"), Vec::new());
    loop {
        let page = client
            .get(&url)
            .header("Accept", "application/fhir+json")
            .header("Cache-Control", "no-cache")
            .send()
            .await
            .expect("an answer");
        let page: serde_json::Value = serde_json::from_slice(&page.bytes().await.expect("a body")).expect("JSON");
        let resources = page["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]);
        let ours = resources
            .flat_map(|resource| resource["identifier"].as_array().into_iter().flatten())
            .filter(|identifier| identifier["system"] == people::REQUEST_SYSTEM)
            .filter_map(|identifier| identifier["value"].as_str().map(str::to_owned));
        found.extend(ours);
        let next = page["link"].as_array().into_iter().flatten().find(|link| link["relation"] == "next");
        match next.and_then(|link| link["url"].as_str()) {
            Some(link) if link.starts_with("http") => link.clone_into(&mut url),
            Some(link) => url = format!("{base}/{}", link.trim_start_matches('/')),
            None => return found,
        }
    }
}

/// `KIOSK_CHAOS=requests,kills`.
fn size() -> Option<(u128, u32)> {
    let size = std::env::var("KIOSK_CHAOS").ok()?;
    let (requests, kills) = size.split_once(',').expect("requests,kills");
    Some((requests.parse().expect("a number"), kills.parse().expect("a number")))
}

/// About as long as the deliveries between two kills take.
fn life_ms(requests: u128, kills: u32) -> u64 {
    (u64::try_from(requests).expect("few") * 80 / u64::from(kills.max(1))).max(200)
}

#[test]
fn a_bad_line_and_a_killed_kiosk_lose_nothing_and_double_nothing() {
    let hospital = hospital();
    match size() {
        None => play(&hospital.url(), 90, 6, 400, 0),
        Some((requests, kills)) => play(&hospital.url(), requests, kills, life_ms(requests, kills), 0),
    }
}

/// Each request goes in two parts or more; each kiosk learns that anew, by a refusal, and dies between the parts.
#[test]
fn a_small_server_gets_each_request_in_parts_and_once() {
    let hospital = hospital();
    hospital.manners(Manners::small_and_plain(2));
    match size() {
        None => play(&hospital.url(), 60, 6, 500, 0),
        Some((requests, kills)) => play(&hospital.url(), requests, kills, life_ms(requests, kills) * 2, 0),
    }
    assert!(hospital.bundles().iter().all(|bundle| bundle["entry"].as_array().is_some_and(|part| part.len() <= 2)));
}

#[test]
#[ignore = "needs a third-party FHIR server: make peers"]
fn nor_do_they_at_somebody_elses_server() {
    let url = std::env::var("PEER_FHIR_URL").expect("PEER_FHIR_URL");
    let (requests, kills) = size().unwrap_or((300, 20));
    play(&url, requests, kills, life_ms(requests, kills), 0);
}

#[test]
#[ignore = "needs a third-party FHIR server: make peers"]
fn in_parts_too_at_somebody_elses_server() {
    let url = std::env::var("PEER_FHIR_URL").expect("PEER_FHIR_URL");
    let (requests, kills) = size().unwrap_or((60, 6));
    play(&url, requests, kills, life_ms(requests, kills) * 3, 1);
}
