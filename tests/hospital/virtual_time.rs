//! When the sender sends: hours of waiting on tokio's stopped clock, against a hospital that answers by the table.

use super::fixture::{StoppedClock, ends};
use super::light::{LightStore, NoCache};
use chrono::{NaiveDate, TimeDelta};
use hospital_kiosk::domain::clock::Standing;
use hospital_kiosk::domain::moment::Moment;
use hospital_kiosk::domain::outbox::{Delivery, QueuedRequest};
use hospital_kiosk::domain::reason::{Delay, KeptOut, LineTrouble, ParkReason, Parts, Together};
use hospital_kiosk::hospital::sync::{self, Ends, Signals, SyncSettings};
use hospital_kiosk::ports::{
    Answer, Believed, Clock, Deliveries, KioskClock, NoSchedule, Outbox, ScheduleNews, Schedules,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// As shipped.
const SETTINGS: SyncSettings = SyncSettings {
    retry_base_ms: 2_000,
    retry_cap_ms: 900_000,
    network_return_wait_ms: 10_000,
    schedule_refresh_s: 300,
};

type Rule = Box<dyn Fn(i64, usize) -> Delivery + Send + Sync>;

/// Answers as `rule` says to (sequence, tries so far of whatever request), and notes when.
struct Table {
    started: Instant,
    rule: Rule,
    tries: Mutex<Vec<(u64, i64)>>,
    /// The schedule can be read.
    reachable: AtomicBool,
    /// The question for the schedule is refused, and how often it came.
    refuses_the_day: AtomicBool,
    days_asked: AtomicUsize,
    at_once: AtomicUsize,
    /// How many it may be given at once, and how many it was given each time.
    together_max: AtomicUsize,
    sizes: Mutex<Vec<usize>>,
    /// How many of them fit into one transaction.
    fitting: AtomicUsize,
    several_in_doubt: AtomicBool,
}

impl Table {
    fn new(rule: impl Fn(i64, usize) -> Delivery + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            rule: Box::new(rule),
            tries: Mutex::default(),
            reachable: AtomicBool::new(true),
            refuses_the_day: AtomicBool::new(false),
            days_asked: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            together_max: AtomicUsize::new(1),
            sizes: Mutex::default(),
            fitting: AtomicUsize::new(usize::MAX),
            several_in_doubt: AtomicBool::new(false),
        })
    }

    fn tries(&self) -> Vec<(u64, i64)> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sizes(&self) -> Vec<usize> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn try_once(&self, queued: &[QueuedRequest]) -> Delivery {
        assert_eq!(self.at_once.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        let now = u64::try_from(self.started.elapsed().as_millis()).expect("short");
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).push(queued.len());
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.push((now, queued[0].sequence));
        (self.rule)(queued[0].sequence, tries.len() - 1)
    }

    /// Milliseconds between tries.
    fn gaps(&self) -> Vec<u64> {
        self.tries().windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }
}

impl Deliveries for Table {
    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery> {
        Box::pin(self.try_once(std::slice::from_ref(queued)))
    }

    fn together_max(&self) -> usize {
        self.together_max.load(Ordering::SeqCst)
    }

    fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        queued.len().min(self.fitting.load(Ordering::SeqCst))
    }

    /// Refused as a whole where the rule parks the first.
    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>> {
        Box::pin(async move {
            assert!(queued.iter().all(|queued| !queued.maybe_delivered), "what may be there is looked for, alone");
            let delivery = self.try_once(queued).await;
            match delivery {
                _ if self.several_in_doubt.load(Ordering::SeqCst) => Ok(vec![later(None, true); queued.len()]),
                Delivery::Park { reason } => Err(Delay::Together(Together::Refused(reason))),
                same => Ok(vec![same; queued.len()]),
            }
        })
    }
}

impl Schedules for Table {
    fn tell_time(&self) -> Answer<'_, ()> {
        Box::pin(async {})
    }

    fn schedule_since<'a>(&'a self, _: NaiveDate, _: Option<&'a str>) -> Answer<'a, Result<ScheduleNews, NoSchedule>> {
        self.days_asked.fetch_add(1, Ordering::SeqCst);
        if self.refuses_the_day.load(Ordering::SeqCst) {
            return Box::pin(async { Err(NoSchedule::Answered("400".to_owned())) });
        }
        Box::pin(async {
            if self.reachable.load(Ordering::SeqCst) {
                Ok(ScheduleNews { whole: true, ..ScheduleNews::default() })
            } else {
                Err(NoSchedule::Away("away".to_owned()))
            }
        })
    }
}

struct Kiosk {
    store: Arc<LightStore>,
    wake: Arc<Signals>,
    online: Arc<Mutex<Vec<bool>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Kiosk {
    fn start(table: &Arc<Table>, settings: SyncSettings, waiting: &[u128]) -> Self {
        Self::at(Arc::new(Believed(StoppedClock)), table, settings, waiting)
    }

    fn at(clock: Arc<dyn KioskClock>, table: &Arc<Table>, settings: SyncSettings, waiting: &[u128]) -> Self {
        let (store, wake, online) = (Arc::new(LightStore::default()), Arc::<Signals>::default(), Arc::default());
        for visit in waiting {
            store.add(*visit);
        }
        let told: Arc<Mutex<Vec<bool>>> = Arc::clone(&online);
        let task = tokio::spawn(sync::run(
            Ends { schedule: Some((Arc::new(NoCache), table.clone())), ..ends(&store, table) },
            settings,
            Arc::clone(&wake),
            clock,
            Arc::new(move |now| told.lock().unwrap_or_else(PoisonError::into_inner).push(now)),
            Arc::new(|_| {}),
        ));
        Self { store, wake, online, task }
    }

    fn online(&self) -> Vec<bool> {
        self.online.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const DONE: Delivery = Delivery::Done { note: None };

fn later(after_s: Option<u64>, maybe_delivered: bool) -> Delivery {
    Delivery::Later { reason: Delay::Line(LineTrouble::NoAnswer), after_s, maybe_delivered, away: true }
}

fn busy(after_s: Option<u64>) -> Delivery {
    Delivery::Busy { after_s }
}

async fn hours(count: u64) {
    tokio::time::sleep(Duration::from_secs(count * 3_600)).await;
}

/// Of a machine whose clock is believed as it stands, and is put right by so much.
struct Corrected {
    standing: Standing,
    correction_s: i64,
}

impl Clock for Corrected {
    fn now(&self) -> Moment {
        let now = StoppedClock.now();
        Moment { wall: now.wall + TimeDelta::seconds(self.correction_s), ..now }
    }
}

impl KioskClock for Corrected {
    fn heard(&self, _: i64) {}

    fn standing(&self) -> Standing {
        self.standing
    }

    fn correction_s(&self) -> i64 {
        self.correction_s
    }

    fn wants_answer(&self) -> bool {
        false
    }

    fn on_change(&self, _: Box<dyn Fn(Standing) + Send + Sync>) {}

    fn accept(&self) {}
}

/// A hospital's clock that is years ahead is believed after a while; nothing is erased by it, nor by a clock that nobody confirms.
#[tokio::test(start_paused = true)]
async fn only_what_is_too_old_by_both_clocks_is_forgotten() {
    const YEAR_S: i64 = 365 * 86_400;
    for (standing, correction_s, forgotten_s) in [
        (Standing::Agreed, 0, Some(0)),
        (Standing::Agreed, 11 * YEAR_S, Some(0)),
        (Standing::Agreed, -YEAR_S, Some(-YEAR_S)),
        (Standing::Accepted { ahead_s: 9 * YEAR_S }, 0, Some(0)),
        (Standing::Unheard, 0, None),
        (Standing::Disputed { ahead_s: YEAR_S }, 0, None),
    ] {
        let clock = Arc::new(Corrected { standing, correction_s });
        let kiosk = Kiosk::at(clock, &Table::new(|_, _| DONE), SETTINGS, &[]);
        hours(1).await;
        let forgot = kiosk.store.rows().forgot.clone();
        let wanted = forgotten_s.map(|s| StoppedClock.now().wall + TimeDelta::seconds(s));
        assert_eq!(forgot, Vec::from_iter(wanted), "{standing:?} {correction_s}");
    }
}

/// A background question that fails alone, and deliveries that an answer could not settle.
#[tokio::test(start_paused = true)]
async fn what_the_server_answers_it_is_there_for() {
    let odd = || Delivery::Later {
        reason: Delay::Status { status: 409, issues: String::new() },
        after_s: None,
        maybe_delivered: true,
        away: false,
    };
    let table = Table::new(move |_, _| odd());
    table.refuses_the_day.store(true, Ordering::SeqCst);
    let kiosk = Kiosk::start(&table, SETTINGS, &[1, 2, 3]);
    hours(10).await;
    assert_eq!(kiosk.online(), [true]);
    let (asked, most) = (table.days_asked.load(Ordering::SeqCst), 10 * 3_600 / 270 + 1);
    assert!((100..=most).contains(&asked), "as often as a schedule that is read, {asked} times");
}

/// It was away, and what it answers first is a refusal: it is back.
#[tokio::test(start_paused = true)]
async fn a_refusal_ends_an_outage() {
    let table = Table::new(|_, _| later(None, false));
    table.reachable.store(false, Ordering::SeqCst);
    let kiosk = Kiosk::start(&table, SETTINGS, &[]);
    hours(1).await;
    table.refuses_the_day.store(true, Ordering::SeqCst);
    hours(1).await;
    assert_eq!(kiosk.online(), [false, true]);
}

#[tokio::test(start_paused = true)]
async fn waits_double_with_full_jitter_to_a_quarter_of_an_hour_and_never_end() {
    let table = Table::new(|_, _| later(None, false));
    table.reachable.store(false, Ordering::SeqCst);
    let _kiosk = Kiosk::start(&table, SETTINGS, &[1, 2, 3]);
    hours(400).await;
    let gaps = table.gaps();
    for (failures, gap) in gaps.iter().enumerate() {
        let ceiling = (2_000_u64 << failures.min(20)).min(900_000) + 50;
        assert!((50..=ceiling).contains(gap), "{gap} ms after {} failures", failures + 1);
    }
    let late: Vec<u64> = gaps.iter().skip(20).copied().collect();
    let mean = late.iter().sum::<u64>() / late.len() as u64;
    assert!(late.len() > 2_500, "no attempt limit: {}", late.len());
    assert!((425_000..475_000).contains(&mean), "full jitter: the mean is half the cap, found {mean} ms");
    assert!(late.iter().any(|gap| *gap < 90_000) && late.iter().any(|gap| *gap > 810_000), "from nothing to the cap");
}

#[tokio::test(start_paused = true)]
async fn the_time_the_server_names_wins_over_everything() {
    for (answer, named_ms) in
        [(busy(Some(120)), 120_000), (later(Some(7), true), 7_000), (later(Some(900), true), 900_000)]
    {
        let told = answer.clone();
        let table = Table::new(move |_, tries| if tries == 0 { told.clone() } else { DONE });
        let kiosk = Kiosk::start(&table, SETTINGS, &[1, 2]);
        tokio::time::sleep(Duration::from_secs(12)).await;
        for _ in 0..5 {
            kiosk.wake.queued();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        hours(2).await;
        assert!(kiosk.store.is_empty());
        let first = table.gaps()[0];
        assert!((named_ms..=named_ms + 10_050).contains(&first), "{first} ms after {answer:?}");
    }
}

/// Trust R10: a maintenance page that names a day.
#[tokio::test(start_paused = true)]
async fn a_header_holds_the_queue_no_longer_than_any_other_wait() {
    for answer in [busy(Some(86_400)), later(Some(86_400), true), later(Some(u64::MAX), false)] {
        let told = answer.clone();
        let table = Table::new(move |_, tries| if tries == 0 { told.clone() } else { DONE });
        let kiosk = Kiosk::start(&table, SETTINGS, &[1, 2]);
        hours(1).await;
        assert!(kiosk.store.is_empty(), "{answer:?}");
        assert!((900_000..=910_050).contains(&table.gaps()[0]), "{:?} after {answer:?}", table.gaps());
    }
}

/// Trust R10: whatever a queue waits for, staff can have it tried, and can see until when it is held.
#[tokio::test(start_paused = true)]
async fn staff_wake_a_queue_that_is_held() {
    for answer in [
        busy(Some(86_400)),
        later(Some(86_400), true),
        later(None, true),
        later(None, false),
        Delivery::Hold { reason: KeptOut::Server { status: 401, issues: String::new() } },
    ] {
        let told = answer.clone();
        let table = Table::new(move |_, _| told.clone());
        table.reachable.store(false, Ordering::SeqCst);
        let kiosk = Kiosk::start(&table, SETTINGS, &[1]);
        // Far into the longest waits; then at the beginning of one.
        hours(1).await;
        let last = |table: &Table| table.tries().len();
        let before = last(&table);
        while last(&table) == before {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(kiosk.wake.held_until().is_some(), "{answer:?}");
        let (mut woken, mut waited) = (0, 0);
        for _ in 0..20 {
            let before = last(&table);
            kiosk.wake.try_now();
            tokio::time::sleep(Duration::from_millis(60)).await;
            (woken, waited) = (woken + usize::from(last(&table) == before + 1), waited + 1);
        }
        assert_eq!(woken, waited, "one try each time it is wanted: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_network_is_back_there_is_one_fresh_wait_and_then_a_drain() {
    let (mut shortest, mut longest) = (u64::MAX, 0);
    for _ in 0..40 {
        let back = Arc::new(AtomicBool::new(false));
        let is_back = Arc::clone(&back);
        let table = Table::new(move |_, _| if is_back.load(Ordering::SeqCst) { DONE } else { later(None, false) });
        table.reachable.store(false, Ordering::SeqCst);
        let kiosk =
            Kiosk::start(&table, SyncSettings { network_return_wait_ms: 900_000, ..SETTINGS }, &[1, 2, 3, 4, 5, 6]);
        hours(8).await;
        let tries_before = table.tries().len();
        let at = u64::try_from(table.started.elapsed().as_millis()).expect("short");
        table.reachable.store(true, Ordering::SeqCst);
        back.store(true, Ordering::SeqCst);
        hours(1).await;
        assert!(kiosk.store.is_empty());
        let after: Vec<u64> = table.tries()[tries_before..].iter().map(|(when, _)| when - at).collect();
        let probe_and_wait = after[1] - after[0] > 50;
        let drain_from = if probe_and_wait { after[1] } else { after[0] };
        assert!(after[5] - drain_from <= 5 * 50, "a drain without a pause: {after:?}");
        assert!(drain_from <= 1_230_000 + 50, "the schedule's look finds it within 30 s and its spread: {after:?}");
        (shortest, longest) = (shortest.min(drain_from), longest.max(drain_from));
        assert_eq!(kiosk.online(), [false, true]);
    }
    assert!(longest - shortest > 300_000, "by chance: {shortest} to {longest} ms");
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_start_waits_by_chance_too_and_what_comes_later_does_not() {
    let mut waits = Vec::new();
    for _ in 0..40 {
        let table = Table::new(|_, _| DONE);
        let kiosk = Kiosk::start(&table, SETTINGS, &[1, 2]);
        tokio::time::sleep(Duration::from_secs(20)).await;
        waits.push(table.tries()[0].0);
        assert!(kiosk.store.is_empty());
        kiosk.store.add(3);
        kiosk.wake.queued();
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(kiosk.store.is_empty(), "a patient's request leaves at once");
    }
    assert!(waits.iter().all(|wait| *wait <= 10_050) && waits.iter().max() > waits.iter().min(), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn one_sick_request_holds_its_own_visit_only_whatever_its_sickness() {
    for sickness in [
        later(None, true),
        later(Some(60), true),
        Delivery::Park { reason: ParkReason::Status { status: 422, issues: String::new() } },
    ] {
        let sick = sickness.clone();
        let table = Table::new(move |sequence, _| if sequence == 1 { sick.clone() } else { DONE });
        let visits: Vec<u128> = [7, 7].into_iter().chain(100..300).collect();
        let kiosk = Kiosk::start(&table, SETTINGS, &visits);
        hours(1).await;
        let left: Vec<u128> = kiosk.store.rows().waiting.values().map(|(visit, _)| *visit).collect();
        assert!(left.iter().all(|visit| *visit == 7) && !left.is_empty(), "{} left after {sickness:?}", left.len());
        assert!(!table.tries().iter().any(|(_, sequence)| *sequence == 2), "its own visit stays in order");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_there_and_costs_no_wait_for_the_network() {
    let table = Table::new(|_, tries| if tries.is_multiple_of(3) { busy(None) } else { DONE });
    let visits: Vec<u128> = (0..90).collect();
    let kiosk = Kiosk::start(&table, SyncSettings { network_return_wait_ms: 900_000, ..SETTINGS }, &visits);
    hours(1).await;
    assert!(kiosk.store.is_empty());
    assert_eq!(kiosk.online(), [true]);
    let slowest = table.gaps().into_iter().max();
    assert!(slowest <= Some(2_050), "the first step of the back-off at most: {slowest:?}");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_hold_everything_and_park_nothing() {
    let table = Table::new(|_, _| Delivery::Hold { reason: KeptOut::Server { status: 401, issues: String::new() } });
    let kiosk = Kiosk::start(&table, SETTINGS, &[1, 2, 3]);
    hours(100).await;
    assert!(kiosk.store.rows().parked.is_empty());
    let tried = |which: i64| table.tries().iter().filter(|(_, sequence)| *sequence == which).count();
    assert!([1, 2, 3].iter().all(|sequence| tried(*sequence) > 5), "each has its turn");
    assert!(table.gaps().iter().all(|gap| (2_000..=900_050).contains(gap)), "{:?}", table.gaps());
}

/// A gateway that looks into what is sent may let through all but one.
#[tokio::test(start_paused = true)]
async fn one_that_is_held_holds_no_other_up() {
    let held = Delivery::Hold { reason: KeptOut::Server { status: 403, issues: String::new() } };
    let table = Table::new(move |sequence, tries| if sequence == 1 && tries < 300 { held.clone() } else { DONE });
    let kiosk = Kiosk::start(&table, SETTINGS, &[1, 2, 3, 4, 5]);
    hours(2).await;
    let left: Vec<u128> = kiosk.store.rows().waiting.values().map(|(visit, _)| *visit).collect();
    assert_eq!(left, [1]);
    assert!(kiosk.store.rows().parked.is_empty());
    hours(100).await;
    assert!(kiosk.store.is_empty(), "it goes when it is let through");
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_the_sending_until_there_is_room() {
    let table = Table::new(|_, _| DONE);
    let kiosk = Kiosk::start(&table, SETTINGS, &[]);
    kiosk.store.rows().full = true;
    (1..=5).for_each(|visit| kiosk.store.add(visit));
    kiosk.wake.queued();
    hours(1).await;
    assert_eq!(table.tries(), [], "a try that cannot be written down is not made");
    kiosk.store.rows().full = false;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(kiosk.store.is_empty());
}

/// A hundred thousand rows: one is in memory at a time, and what is remembered of the sick has a limit. Only the first
/// thousands are drained here; `store::tests` looks into the real queue.
#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_rows_are_taken_one_by_one() {
    const ROWS: u128 = 100_000;
    let table = Table::new(|sequence, tries| if tries < 1_000 && sequence <= 500 { later(None, true) } else { DONE });
    let visits: Vec<u128> = (1..=ROWS).collect();
    let kiosk = Kiosk::start(&table, SETTINGS, &visits);
    while table.tries().len() < 3_000 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    let tried = table.tries().len() as u64;
    let (loaded, most) = {
        let rows = kiosk.store.rows();
        (rows.loaded, rows.stepped_over_most)
    };
    // One more was read at the start, to see whether there is anything, and one may be on its way.
    assert!((tried..=tried + 2).contains(&loaded), "{loaded} rows read for {tried} tries");
    assert!(most <= 129, "{most} visits remembered");
}

/// What piled up goes ten at a time while all is well. After a refusal each goes alone for the day; after a doubt those ten
/// go alone, and what was never sent goes together again.
#[tokio::test(start_paused = true)]
async fn what_piled_up_travels_together_and_alone_after_trouble() {
    let refused = Delivery::Park { reason: ParkReason::Status { status: 422, issues: String::new() } };
    for (first, sizes) in [
        (DONE, vec![10, 10, 5]),
        (busy(Some(1)), vec![10, 1, 10, 10, 4]),
        (refused, [vec![10], vec![1; 25]].concat()),
        (later(None, true), [vec![10, 1, 10, 4], vec![1; 10]].concat()),
        (later(None, false), vec![10, 1, 10, 10, 4]),
    ] {
        let told = first.clone();
        let table = Table::new(move |_, tries| if tries == 0 { told.clone() } else { DONE });
        table.together_max.store(10, Ordering::SeqCst);
        let visits: Vec<u128> = (1..=25).collect();
        // A back-off long enough that what is sick comes last, and no wait by chance at the start.
        let settings = SyncSettings { network_return_wait_ms: 0, ..SETTINGS };
        let kiosk = Kiosk::start(&table, settings, &visits);
        hours(1).await;
        assert!(kiosk.store.is_empty(), "{first:?}");
        let mut found = table.sizes();
        if matches!(first, Delivery::Later { maybe_delivered: true, .. }) {
            // By chance one of the ten may be due before the rest: only how many went how is fixed.
            found[1..].sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(found[0], 10);
            assert!(found.iter().filter(|size| **size == 1).count() >= 10, "each of the ten alone: {found:?}");
            assert_eq!(found[1..].iter().sum::<usize>(), 25);
            continue;
        }
        assert_eq!(found, sizes, "{first:?}");
        kiosk.store.add(99);
        kiosk.store.add(98);
        kiosk.wake.queued();
        hours(1).await;
        let later = if matches!(first, Delivery::Park { .. }) { vec![1, 1] } else { vec![2] };
        assert_eq!(table.sizes()[found.len()..], later, "{first:?}");
    }
}

/// Twenty parts are twenty tries without a pause, before everything else; trouble on the way waits as any other does, and
/// several that were too many together are fewer at once.
#[tokio::test(start_paused = true)]
async fn parts_follow_each_other_without_a_pause() {
    let part =
        |count: usize| Delivery::Part { taken: vec![None; count], parts: Parts::There { there: count, all: 20 } };
    let table = Table::new(move |sequence, tries| match (sequence, tries) {
        (1, 0..=9) => part(tries + 1),
        (1, 10) => later(None, false),
        (1, 11..=20) => part(tries),
        (2, 22) => part(0),
        _ => DONE,
    });
    table.together_max.store(10, Ordering::SeqCst);
    let settings = SyncSettings { network_return_wait_ms: 0, ..SETTINGS };
    let kiosk = Kiosk::start(&table, settings, &[1]);
    hours(1).await;
    assert!(kiosk.store.is_empty());
    let gaps = table.gaps();
    let without_trouble = [&gaps[..10], &gaps[12..]].concat();
    assert_eq!((gaps.len(), without_trouble), (21, vec![50; 19]));
    assert!((100..=2_200).contains(&(gaps[10] + gaps[11])), "the first step of the back-off at most: {gaps:?}");
    (2..=6).for_each(|visit| kiosk.store.add(visit));
    table.fitting.store(2, Ordering::SeqCst);
    kiosk.wake.queued();
    hours(1).await;
    assert!(kiosk.store.is_empty());
    assert_eq!(table.sizes()[22..], [2, 2, 2, 1], "the first two once more");
    assert!(table.gaps()[22..].iter().all(|gap| *gap == 50), "{:?}", table.gaps());
    assert_eq!(kiosk.online(), [true, false, true]);
}

/// A server too slow for ten at a time costs its time-out twice and then never again that day.
#[tokio::test(start_paused = true)]
async fn several_that_end_in_doubt_twice_go_alone() {
    let table = Table::new(|_, _| DONE);
    table.together_max.store(10, Ordering::SeqCst);
    table.several_in_doubt.store(true, Ordering::SeqCst);
    let visits: Vec<u128> = (1..=60).collect();
    let kiosk = Kiosk::start(&table, SyncSettings { network_return_wait_ms: 0, ..SETTINGS }, &visits);
    hours(1).await;
    assert!(kiosk.store.is_empty());
    let sizes = table.sizes();
    assert_eq!(sizes.iter().filter(|size| **size > 1).count(), 2, "{sizes:?}");
}
