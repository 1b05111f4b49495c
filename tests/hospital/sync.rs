//! The one sender, with a store in memory.

use super::fixture::{
    StoppedClock, card, client, day, documents, eventually, hospital, not_the_senders, settings, ten_o_clock,
};
use chrono::{DateTime, FixedOffset, NaiveDate};
use hospital_kiosk::domain::outbox::{Delivery, PaymentOfRequest, QueueState, QueuedRequest, Request};
use hospital_kiosk::domain::patient::{Appointment, Patient, PatientNumber};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::sync::{self, Signals, SyncSettings};
use hospital_kiosk::ports::{HospitalServer, Outbox, Store, StoreError};
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

#[derive(Default)]
struct MemoryStore {
    rows: Mutex<Vec<QueuedRequest>>,
    schedule: Mutex<Option<(NaiveDate, usize)>>,
    /// `trying` was durable before each send.
    tries: Mutex<Vec<i64>>,
}

impl MemoryStore {
    fn rows(&self) -> Vec<QueuedRequest> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn states(&self) -> Vec<QueueState> {
        self.rows().iter().map(|row| row.state).collect()
    }

    fn with<T>(&self, sequence: i64, work: impl FnOnce(&mut QueuedRequest) -> T) -> Option<T> {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter_mut()
            .find(|row| row.sequence == sequence)
            .map(work)
    }
}

impl Store for MemoryStore {
    fn queue(&self, request: &Request, bundle: &[u8]) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = i64::try_from(rows.len()).unwrap_or(0) + 1;
        let state = QueueState::Waiting;
        rows.push(QueuedRequest {
            sequence,
            request: request.clone(),
            bundle: bundle.to_vec(),
            tries: 0,
            maybe_delivered: false,
            state,
            in_part: None,
            taken: Vec::new(),
        });
        Ok(())
    }

    fn next_request(&self) -> Result<Option<QueuedRequest>, StoreError> {
        self.next_request_except(&[])
    }

    fn next_request_except(&self, visits: &[Uuid]) -> Result<Option<QueuedRequest>, StoreError> {
        let rows = self.rows();
        let free = |row: &&QueuedRequest| {
            let visit = row.request.visit;
            let earlier = rows.iter().any(|other| {
                other.sequence < row.sequence && other.request.visit == visit && other.state != QueueState::Sent
            });
            row.state == QueueState::Waiting && !earlier && !visits.contains(&visit)
        };
        Ok(rows.iter().find(free).cloned())
    }

    fn trying(&self, sequence: i64) -> Result<(), StoreError> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).push(sequence);
        self.with(sequence, |row| {
            row.tries += 1;
            row.maybe_delivered = true;
        });
        Ok(())
    }

    fn tried(&self, sequence: i64, delivery: &Delivery, _: DateTime<FixedOffset>) -> Result<(), StoreError> {
        self.with(sequence, |row| {
            row.in_part = delivery.undelivered().and_then(|reason| reason.in_part()).max(row.in_part);
            match delivery {
                Delivery::Done { .. } => row.state = QueueState::Sent,
                Delivery::Park { .. } => row.state = QueueState::Parked,
                Delivery::Later { maybe_delivered, .. } => row.maybe_delivered = *maybe_delivered,
                Delivery::Part { taken, .. } => (row.maybe_delivered, row.taken) = (false, taken.clone()),
                Delivery::Hold { .. } | Delivery::Busy { .. } => {}
            }
        });
        Ok(())
    }

    fn cache_schedule(&self, day: NaiveDate, rows: &[(Patient, Appointment)]) -> Result<(), StoreError> {
        *self.schedule.lock().unwrap_or_else(PoisonError::into_inner) = Some((day, rows.len()));
        Ok(())
    }

    fn wipe_schedule_except(&self, _: NaiveDate) -> Result<(), StoreError> {
        Ok(())
    }

    not_the_senders!();
}

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
            Arc::clone(&self.store) as Arc<dyn Store>,
            Arc::clone(&self.client) as Arc<dyn HospitalServer>,
            // The wait at the start is short beside the life of a sender that is killed every 15 ms.
            SyncSettings { network_return_wait_ms: 2, ..SyncSettings::from(&settings("")) },
            Arc::clone(&self.wake),
            Arc::new(StoppedClock),
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

    fn all_sent(&self) -> bool {
        self.store.states().iter().all(|state| *state == QueueState::Sent)
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
    eventually("the schedule", || *bench.store.schedule.lock().expect("the schedule") == Some((day(), 11))).await;
    assert_eq!(*bench.online.lock().expect("the list"), [true], "told once");
    assert_eq!(bench.store.tries.lock().expect("the tries").len(), 6);
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
        bench.store.states() == [QueueState::Parked, QueueState::Waiting, QueueState::Sent]
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
    eventually("it was tried", || bench.store.rows()[0].tries > 1).await;
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
    eventually("it was tried", || bench.store.rows()[0].tries > 2).await;
    assert_eq!(bench.store.states(), [QueueState::Waiting, QueueState::Waiting]);
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
            bench.store.rows().iter().filter(|row| row.state == QueueState::Parked).for_each(|row| {
                bench.store.with(row.sequence, |row| row.state = QueueState::Waiting);
                bench.wake.queued();
            });
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
