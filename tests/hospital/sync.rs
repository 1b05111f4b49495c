//! The one sender, with a store in memory.

use super::fixture::{
    StoppedClock, card, client, day, documents, ends_and_schedule, eventually, hospital, settings, ten_o_clock,
};
use hospital_kiosk::domain::outbox::{PaymentOfRequest, QueueState, Request};
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::sync::{self, Signals, SyncSettings};
use hospital_kiosk::ports::{Believed, Bundles, JournalLines, Outbox};
use hospital_kiosk::rehearsal::days::memory_store::MemoryStore;
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

struct Bench {
    hospital: SimHospital,
    client: Arc<Client>,
    store: Arc<MemoryStore>,
    wake: Arc<Signals>,
    online: Arc<Mutex<Vec<bool>>>,
    delivered: Arc<Mutex<Vec<Uuid>>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Bench {
    fn new() -> Self {
        let hospital = hospital();
        let client = client(&hospital.url());
        Self {
            hospital,
            client,
            store: Arc::default(),
            wake: Arc::default(),
            online: Arc::default(),
            delivered: Arc::default(),
            task: None,
        }
    }

    fn queue(&self, request: &Request) {
        self.store.queue(request, &self.client.freeze(request)).expect("queued");
        self.wake.queued();
    }

    fn start(&mut self) {
        let (online, delivered) = (Arc::clone(&self.online), Arc::clone(&self.delivered));
        self.task = Some(tokio::spawn(sync::run(
            ends_and_schedule(&self.store, &self.client),
            // The wait at the start is short beside the life of a sender that is killed every 15 ms.
            SyncSettings { network_return_wait_ms: 2, ..SyncSettings::from(&settings("")) },
            Arc::clone(&self.wake),
            Arc::new(Believed(StoppedClock)),
            Arc::new(move |now| online.lock().unwrap_or_else(PoisonError::into_inner).push(now)),
            Arc::new(move |id| delivered.lock().unwrap_or_else(PoisonError::into_inner).push(id)),
        )));
    }

    async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    fn states(&self) -> Vec<QueueState> {
        self.store.queued().iter().map(|row| row.state).collect()
    }

    fn all_sent(&self) -> bool {
        self.states().iter().all(|state| *state == QueueState::Sent)
    }

    /// The shell hears of a delivery only once it is kept: a moment after [`Self::all_sent`].
    async fn told_of(&self, requests: usize) {
        eventually("told of each", || self.delivered.lock().expect("the list").len() >= requests).await;
        assert_eq!(self.delivered.lock().expect("the list").len(), requests, "told once of each");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_queued_arrives_once_and_the_schedule_is_kept() {
    let mut bench = Bench::new();
    for id in 1..=5 {
        bench.queue(&documents(id, card()));
    }
    bench.start();
    eventually("all sent", || bench.all_sent()).await;
    bench.queue(&documents(6, PaymentOfRequest::Free));
    eventually("the one queued later too", || bench.all_sent()).await;
    assert_eq!(bench.hospital.count("Task"), 6);
    bench.told_of(6).await;
    eventually("the schedule", || bench.store.scheduled() == Some((day(), 11))).await;
    assert_eq!(*bench.online.lock().expect("the list"), [true], "told once");
    assert_eq!(bench.store.queued().iter().map(|row| row.tries).sum::<u32>(), 6);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_request_holds_only_its_own_visit() {
    let mut bench = Bench::new();
    let poison = Request { patient: PatientNumber("99999999".to_owned()), ..documents(1, PaymentOfRequest::Free) };
    let behind = Request { visit: poison.visit, ..documents(2, PaymentOfRequest::Free) };
    for request in [&poison, &behind, &documents(3, card())] {
        bench.queue(request);
    }
    bench.start();
    eventually("the other visit is served", || {
        bench.states() == [QueueState::Parked, QueueState::Waiting, QueueState::Sent]
    })
    .await;
    assert_eq!(bench.hospital.count("Task"), 1);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_delays_and_loses_nothing() {
    let mut bench = Bench::new();
    bench.hospital.set(Fault::Down);
    // Queued first: a sender that has found nothing to send and knows the server away does not knock for what comes later.
    for id in 1..=3 {
        bench.queue(&documents(id, card()));
    }
    bench.start();
    eventually("it was tried", || bench.store.queued()[0].tries > 1).await;
    bench.hospital.set(Fault::Up);
    eventually("all sent", || bench.all_sent()).await;
    assert_eq!(bench.hospital.count("Task"), 3);
    assert_eq!(bench.online.lock().expect("the list").first(), Some(&false));
    eventually("told that it is back", || bench.online.lock().expect("the list").last() == Some(&true)).await;
    bench.stop().await;
}

/// Lost answers, rejections, garbage and a sender killed again and again: one Task for each request, whatever happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_sender_and_a_bad_line_make_no_second_task() {
    const REQUESTS: u128 = 40;
    let mut bench = Bench::new();
    for id in 1..=REQUESTS {
        bench.queue(&documents(id, card()));
    }
    let faults = [
        Fault::LoseAnswers,
        Fault::Up,
        Fault::Html,
        Fault::Up,
        Fault::Answer { status: 503, retry_after: None },
        Fault::Down,
        Fault::Up,
    ];
    for round in 0..28 {
        bench.hospital.set(faults[round % faults.len()].clone());
        bench.start();
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        bench.stop().await;
    }
    bench.hospital.set(Fault::Up);
    bench.start();
    eventually("all sent", || bench.all_sent()).await;
    let counts = ["Task", "Invoice", "ChargeItem"].map(|kind| bench.hospital.count(kind) as u128);
    assert_eq!(counts, [REQUESTS, REQUESTS, 2 * REQUESTS]);
    bench.stop().await;
    assert_eq!(ten_o_clock().date_naive(), day());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_hold_everything_and_park_nothing() {
    let mut bench = Bench::new();
    bench.hospital.set(Fault::Answer { status: 401, retry_after: None });
    for id in 1..=2 {
        bench.queue(&documents(id, card()));
    }
    bench.start();
    eventually("it was tried", || bench.store.queued()[0].tries > 2).await;
    assert_eq!(bench.states(), [QueueState::Waiting, QueueState::Waiting]);
    bench.hospital.set(Fault::Up);
    eventually("all sent", || bench.all_sent()).await;
    bench.stop().await;
}

/// Ten to a bundle; whatever becomes of one, each arrives once and alone is looked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_piled_up_travels_together_and_arrives_once() {
    let apart = |refused, status, loses_answers, addresses_first| Fault::TakesApart {
        refused,
        status,
        loses_answers,
        addresses_first,
    };
    let faults = [
        (Fault::Up, 3),
        (Fault::LoseAnswers, 1),
        (Fault::Answer { status: 503, retry_after: None }, 1),
        (Fault::Answer { status: 422, retry_after: None }, 1),
        (apart("Invoice", 422, false, false), 1),
        (apart("ChargeItem", 503, true, false), 1),
        (apart("PaymentNotice", 422, false, true), 1),
        (apart("Invoice", 503, false, true), 12),
    ];
    for (fault, bundles) in faults {
        let mut bench = Bench::new();
        super::fixture::acquainted(&bench.client).await;
        for id in 1..=25 {
            bench.queue(&documents(id, card()));
        }
        let before = bench.hospital.requests("POST", "");
        bench.hospital.set(fault.clone());
        bench.start();
        eventually("the first came", || bench.hospital.requests("POST", "") >= before + bundles).await;
        if fault != Fault::Up {
            // What was refused at first is not refused for good: staff mended it meanwhile.
            bench.hospital.set(Fault::Up);
        }
        eventually("all sent", || {
            if bench.states().contains(&QueueState::Parked) {
                bench.store.retry_parked();
                bench.wake.queued();
            }
            bench.all_sent()
        })
        .await;
        let counts = ["Task", "Invoice", "PaymentNotice", "ChargeItem"].map(|kind| bench.hospital.count(kind));
        assert_eq!(counts, [25, 25, 25, 50], "{fault:?}");
        bench.told_of(25).await;
        if fault == Fault::Up {
            assert_eq!(bench.hospital.requests("POST", "") - before, 3, "ten, ten and five");
        }
        bench.stop().await;
    }
}
