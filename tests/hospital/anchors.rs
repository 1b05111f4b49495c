//! The head of the trail at the hospital: left there when it may be, told back, and compared.

use super::fixture::{StoppedClock, client, day, ends, hospital, schedule, settings, ten_o_clock};
use hospital_kiosk::commands::audit;
use hospital_kiosk::config;
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::domain::person::Who;
use hospital_kiosk::domain::reason::Delay;
use hospital_kiosk::domain::staff::{AuditEntry, StaffAct};
use hospital_kiosk::domain::trail::{Anchor, AnchorPlace, TrailHead};
use hospital_kiosk::hospital::sync::{self, Ends, SyncSettings};
use hospital_kiosk::ports::{Anchors, Answer, Believed, Deliveries, NoAnchor, Trail};
use hospital_kiosk::store::{SqliteStore, open_with_credentials};
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

fn head(sequence: i64) -> TrailHead {
    TrailHead { sequence, hash: format!("{sequence:064x}") }
}

#[tokio::test]
async fn a_head_is_put_once_under_its_own_id_and_told_back() {
    let hospital = hospital();
    let client = client(&hospital.url());
    let leave = async |sequence| Anchors::leave_head(&*client, &head(sequence), ten_o_clock()).await;
    assert_eq!(leave(7).await, Err(NoAnchor::NotTaken), "it has not said what it takes");
    schedule(&client, day()).await.expect("a day");
    for sequence in [7, 7, 8] {
        assert_eq!(leave(sequence).await, Ok(()));
    }
    assert_eq!((hospital.count("AuditEvent"), hospital.requests("POST", "AuditEvent")), (2, 0));
    let mut told = client.heads_left().await.expect("heads");
    told.sort_by_key(|anchor| anchor.head.sequence);
    let heads: Vec<_> = told.iter().map(|anchor| anchor.head.clone()).collect();
    assert_eq!(heads, [head(7), head(8)]);
    assert!(told.iter().all(|anchor| anchor.place == AnchorPlace::Hospital && anchor.at == Some(ten_o_clock())));
    // Another kiosk's are not ours.
    let mut other = settings(&hospital.url());
    other.device_serial = "K9".to_owned();
    let facility = Arc::new(super::fixture::facility());
    let other = hospital_kiosk::hospital::client::Client::new(&other, facility, Arc::new(Believed(StoppedClock)))
        .expect("a client");
    assert_eq!(other.heads_left().await, Ok(Vec::new()));
}

#[tokio::test]
async fn where_no_id_may_be_named_it_is_created_and_where_it_is_not_kept_nothing_is_sent() {
    let hospital = hospital();
    hospital.lacks("updateCreate");
    let without_ids = client(&hospital.url());
    schedule(&without_ids, day()).await.expect("a day");
    assert_eq!(Anchors::leave_head(&*without_ids, &head(7), ten_o_clock()).await, Ok(()));
    assert_eq!((hospital.count("AuditEvent"), hospital.requests("POST", "AuditEvent")), (1, 1));
    hospital.lacks("AuditEvent");
    let refused = client(&hospital.url());
    schedule(&refused, day()).await.expect("a day");
    assert_eq!(Anchors::leave_head(&*refused, &head(8), ten_o_clock()).await, Err(NoAnchor::NotTaken));
    assert_eq!(hospital.requests("POST", "AuditEvent"), 1);
}

/// A hospital that only remembers heads.
#[derive(Default)]
struct Remembers {
    heads: Mutex<Vec<Anchor>>,
    asked: AtomicU32,
}

impl Remembers {
    fn heads(&self) -> Vec<Anchor> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Deliveries for Remembers {
    fn deliver<'a>(&'a self, _: &'a QueuedRequest) -> Answer<'a, Delivery> {
        Box::pin(std::future::ready(Delivery::Done { note: None }))
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

impl Anchors for Remembers {
    fn leave_head<'a>(
        &'a self,
        head: &'a TrailHead,
        at: chrono::DateTime<chrono::FixedOffset>,
    ) -> Answer<'a, Result<(), NoAnchor>> {
        let anchor = Anchor { place: AnchorPlace::Hospital, head: head.clone(), at: Some(at) };
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).push(anchor);
        Box::pin(std::future::ready(Ok(())))
    }

    fn heads_left(&self) -> Answer<'_, Result<Vec<Anchor>, String>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(self.heads())))
    }
}

fn act(store: &dyn Trail) {
    store.audit(&AuditEntry::new(Who::Shell, StaffAct::Ask, "K3-0001", "ordered"), ten_o_clock()).expect("written");
}

/// Until it is so; the clock is tokio's.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("it never came");
}

/// With the real sender, and the attack that needs no key: what the hospital was told shows it.
#[tokio::test(start_paused = true)]
async fn the_newest_head_reaches_the_hospital_and_yesterdays_file_is_found_by_it() {
    let root = tempfile::tempdir().expect("folder");
    let settings_of = |name: &str| config::Store::at(root.path().join(name), root.path().join("key/store.key"));
    let copied = |from: &str, to: &str| {
        std::fs::create_dir(root.path().join(to)).expect("folder");
        for file in std::fs::read_dir(root.path().join(from)).expect("folder").flatten() {
            std::fs::copy(file.path(), root.path().join(to).join(file.file_name())).expect("copied");
        }
    };
    let store = Arc::new(open_with_credentials(&settings_of("data"), None).expect("a store").store);
    let server = Arc::new(Remembers::default());
    let start = |store: Arc<SqliteStore>| {
        let settings = SyncSettings::from(&settings("http://127.0.0.1:9"));
        let sender = sync::run(
            Ends { trail: Some((store.clone(), server.clone())), ..ends(&store, &server) },
            settings,
            Arc::default(),
            Arc::new(Believed(StoppedClock)),
            Arc::new(|_| {}),
            Arc::new(|_| {}),
        );
        tokio::spawn(sender)
    };
    let running = start(store.clone());
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(server.heads(), Vec::new(), "nothing was written, so there is nothing to tell");
    act(&*store);
    until(|| server.heads().len() == 1).await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(server.heads().len(), 1, "what did not change is not told again");
    for _ in 0..3 {
        act(&*store);
    }
    until(|| server.heads().len() == 2).await;
    assert_eq!(server.heads()[1].head, store.trail_head().expect("a head"), "the newest counts");
    assert_eq!(store.last_anchor().expect("read").map(|anchor| anchor.head), Some(server.heads()[1].head.clone()));
    running.abort();
    copied("data", "yesterday");
    let running = start(store.clone());
    act(&*store);
    until(|| server.heads().len() == 3).await;
    running.abort();
    let sound = audit::verify(&*store, &server.heads(), None, true).expect("sound");
    let value: Value = serde_json::from_str(&sound[0]).expect("JSON");
    assert_eq!((&value["ok"], &value["anchored_outside"]), (&true.into(), &true.into()), "{value}");
    let yesterday = open_with_credentials(&settings_of("yesterday"), None).expect("a store").store;
    assert!(audit::verify(&yesterday, &[], None, false).is_ok(), "nothing inside tells");
    let found = audit::verify(&yesterday, &server.heads(), None, true).expect_err("rolled back");
    assert!(found.lines[0].contains("\"verdict\":\"missing\"") && found.why.contains("the hospital has"), "{found:?}");
    // The kiosk itself sees it at its start, and does not push what tells of it out of the hospital's newest.
    let yesterday = Arc::new(yesterday);
    yesterday.audit(&AuditEntry::new(Who::Shell, StaffAct::Ask, "K3-0002", "ordered"), ten_o_clock()).expect("written");
    let asked = server.asked.load(Ordering::Relaxed);
    let running = start(yesterday.clone());
    until(|| server.asked.load(Ordering::Relaxed) > asked).await;
    tokio::time::sleep(Duration::from_hours(3)).await;
    running.abort();
    assert_eq!(server.heads().len(), 3, "a head of the changed trail was left");
}
