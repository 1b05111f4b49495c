//! Whose time it is: what the hospital's answers say of the machine's clock, and what follows from it.

use super::fixture::{ends_and_schedule, eventually, facility, hospital, settings};
use super::identity::{Enrolled, finds_the_patient, guarded};
use chrono::{NaiveDate, TimeDelta, Utc};
use hospital_kiosk::app::clock::SystemClock;
use hospital_kiosk::domain::clock::Standing;
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::hospital::sync::{self, SyncSettings};
use hospital_kiosk::ports::{Clock, KioskClock, ScheduleCache};
use hospital_kiosk::rehearsal::days::memory_store::MemoryStore;
use hospital_kiosk::rehearsal::hospital::{Guard, SimHospital};
use std::sync::Arc;

const DAY_S: i64 = 86_400;

fn refusals(hospital: &SimHospital) -> usize {
    hospital.guard(|guard| guard.refusals.len()).expect("a guard")
}

#[tokio::test]
async fn a_discovery_document_out_of_a_cache_does_not_date_the_assertion() {
    for says_so in [true, false] {
        let enrolled = Enrolled::new();
        let hospital = guarded(&enrolled);
        hospital.answers_out_of_a_cache(3_600, says_so);
        let client = enrolled.client(&hospital.url());
        assert!(finds_the_patient(&client).await, "says so: {says_so}");
        assert_eq!(refusals(&hospital), 0, "says so: {says_so}");
        assert!(client.clock_skew_s().is_some_and(|skew_s| skew_s.abs() <= 2), "what was posted tells the time");
    }
}

#[tokio::test]
async fn a_refused_assertion_is_tried_once_more_by_the_other_clock() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    hospital.set_clock_ahead_s(3_600);
    let client = enrolled.client(&hospital.url());
    assert!(finds_the_patient(&client).await);
    assert_eq!(refusals(&hospital), 1, "our own clock first");
    hospital.guard(Guard::revoke);
    assert!(finds_the_patient(&client).await);
    assert_eq!(refusals(&hospital), 1, "the server's own time is known now");
    hospital.set_clock_ahead_s(0);
    hospital.guard(Guard::revoke);
    assert!(finds_the_patient(&client).await, "uncorrected again");
    assert_eq!(refusals(&hospital), 2);
}

#[tokio::test]
async fn an_assertion_is_never_dated_more_than_a_day_from_our_own_clock() {
    for ahead_s in [2 * DAY_S, -2 * DAY_S, 400 * DAY_S] {
        let enrolled = Enrolled::new();
        let hospital = guarded(&enrolled);
        hospital.set_clock_ahead_s(ahead_s);
        let client = enrolled.client(&hospital.url());
        assert!(!finds_the_patient(&client).await);
        assert_eq!(refusals(&hospital), 1, "another try would be the same");
        assert!(client.clock_skew_s().is_some_and(|skew_s| (skew_s - ahead_s).abs() <= 2), "and it is known why");
    }
}

#[tokio::test]
async fn a_date_that_cannot_be_says_nothing_of_our_clock() {
    let client = |hospital: &SimHospital| super::fixture::client(&hospital.url());
    for ahead_s in [-57 * 365 * DAY_S, 73 * 365 * DAY_S] {
        let hospital = hospital();
        hospital.set_clock_ahead_s(ahead_s);
        let client = client(&hospital);
        assert!(finds_the_patient(&client).await, "it serves");
        assert_eq!(client.clock_skew_s(), None);
        let said = client.check().await.expect("all else is well");
        assert!(said.contains("does not tell its time"), "{said}");
    }
}

struct Kiosk {
    hospital: SimHospital,
    store: Arc<MemoryStore>,
    clock: Arc<SystemClock>,
    /// The hospital's own.
    day: NaiveDate,
    task: tokio::task::JoinHandle<()>,
}

impl Kiosk {
    /// With the sender and the schedule at work, at a hospital whose clock is `ahead_s` ahead.
    fn start(ahead_s: i64) -> Self {
        let zone = Zone::named("Asia/Seoul").expect("a zone");
        let day = zone.at(&(Utc::now() + TimeDelta::seconds(ahead_s))).date_naive();
        let hospital = SimHospital::start(day).expect("a hospital");
        hospital.set_clock_ahead_s(ahead_s);
        let clock = Arc::new(SystemClock::new(zone));
        let settings = settings(&hospital.url());
        let client = Arc::new(Client::new(&settings, Arc::new(facility()), clock.clone()).expect("a client"));
        let store = Arc::new(MemoryStore::default());
        let task = tokio::spawn(sync::run(
            ends_and_schedule(&store, &client),
            SyncSettings::from(&settings),
            Arc::default(),
            clock.clone(),
            Arc::new(|_| {}),
            Arc::new(|_| {}),
        ));
        Self { hospital, store, clock, day, task }
    }

    fn knows_the_day(&self) -> bool {
        self.store.cached_slip(self.day, "AS-40021").expect("a store").is_some()
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_to_a_day_apart_the_hospitals_day_is_asked_for() {
    // Of 23 hours more and 23 hours less one is another day, at any time of the day.
    for hours in [0, 23, -23] {
        let kiosk = Kiosk::start(hours * 3_600);
        eventually("the hospital's own day is kept", || kiosk.knows_the_day()).await;
        assert_eq!(kiosk.clock.standing(), Standing::Agreed);
        assert_eq!(kiosk.clock.now().wall.date_naive(), kiosk.day, "{hours}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_day_apart_no_day_is_asked_for() {
    for days in [2, -2, 400] {
        let kiosk = Kiosk::start(days * DAY_S);
        eventually("neither clock is believed", || matches!(kiosk.clock.standing(), Standing::Disputed { .. })).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(kiosk.hospital.requests("GET", "Appointment"), 0, "{days}");
        assert!(!kiosk.knows_the_day());
        // A technician says that ours is right: then ours holds.
        kiosk.clock.accept();
        assert!(matches!(kiosk.clock.standing(), Standing::Accepted { .. }));
        assert_ne!(kiosk.clock.now().wall.date_naive(), kiosk.day);
    }
}
