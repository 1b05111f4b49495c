//! Today's appointments: changed in place, a few hundred rows at a time, and found by one row.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::ports::{JournalLines, ScheduleCache, ScheduleMark, ScheduleNews, WholeSchedule};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn rows(numbers: std::ops::Range<usize>) -> Vec<(Patient, Appointment)> {
    numbers.map(|number| (patient(number), appointment(number, "10:30", None))).collect()
}

fn whole(rows: Vec<(Patient, Appointment)>, mark: &str) -> ScheduleNews {
    ScheduleNews { whole: true, rows, mark: Some(mark.into()), ..ScheduleNews::default() }
}

fn kept(store: &SqliteStore, numbers: std::ops::Range<usize>) -> usize {
    let found = |number: &usize| !store.cached_appointments(day(), &patient(*number).number).unwrap().is_empty();
    numbers.filter(found).count()
}

#[test]
fn news_change_what_they_name_and_a_whole_day_changes_all() {
    let disk = Disk::new();
    let store = disk.open();
    assert_eq!(store.schedule_mark(day()).unwrap(), None);
    store.update_schedule(day(), &whole(rows(0..1_200), "m1"), at()).unwrap();
    assert_eq!(store.schedule_mark(day()).unwrap(), Some(ScheduleMark { mark: "m1".into(), whole_at: at() }));
    let cancelled = Appointment { state: AppointmentState::Cancelled, ..appointment(7, "11:00", Some("S7")) };
    let news = ScheduleNews {
        whole: false,
        rows: vec![(patient(7), cancelled.clone())],
        gone: vec!["Appointment/8".into(), "Appointment/99999".into()],
        mark: Some("m2".into()),
        ..ScheduleNews::default()
    };
    for _ in 0..2 {
        store.update_schedule(day(), &news, at() + TimeDelta::hours(1)).unwrap();
        assert_eq!(store.cached_appointments(day(), &patient(7).number).unwrap(), std::slice::from_ref(&cancelled));
        assert_eq!(kept(&store, 0..1_200), 1_199);
        let mark = store.schedule_mark(day()).unwrap();
        assert_eq!(mark, Some(ScheduleMark { mark: "m2".into(), whole_at: at() }), "the day was not pulled anew");
    }
    store.update_schedule(day(), &whole(rows(600..700), "m3"), at()).unwrap();
    assert_eq!(kept(&store, 0..1_200), 100);
    store.cache_schedule(day(), &rows(0..3)).unwrap();
    assert_eq!(store.schedule_mark(day()).unwrap(), None, "without a mark the next pull is whole");
}

#[test]
fn a_wipe_takes_the_mark_along_and_news_of_a_wiped_day_leave_none() {
    let disk = Disk::new();
    let store = disk.open();
    store.update_schedule(day(), &whole(rows(0..1_200), "m1"), at()).unwrap();
    store.wipe_schedule_except(NaiveDate::MIN).unwrap();
    assert_eq!((kept(&store, 0..1_200), store.schedule_mark(day()).unwrap()), (0, None));
    let news = ScheduleNews { rows: rows(0..1), mark: Some("m2".into()), ..ScheduleNews::default() };
    store.update_schedule(day(), &news, at()).unwrap();
    assert_eq!(store.schedule_mark(day()).unwrap(), None);
}

/// 15,000 rows are 30 transactions; whoever wants the store meanwhile gets it between them.
#[test]
fn a_whole_day_keeps_nobody_waiting_to_its_end() {
    let disk = Disk::new();
    let store = Arc::new(disk.open());
    let (writer, done) = (store.clone(), Arc::new(AtomicBool::new(false)));
    let ended = done.clone();
    let filling = std::thread::spawn(move || {
        writer.update_schedule(day(), &whole(rows(0..15_000), "m"), at()).unwrap();
        ended.store(true, Ordering::SeqCst);
    });
    let mut served = 0;
    while !done.load(Ordering::SeqCst) {
        store.save_counters(&Counters { tickets: served, ..Counters::default() }, at()).unwrap();
        if !done.load(Ordering::SeqCst) {
            served += 1;
        }
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    filling.join().unwrap();
    assert!(served >= 10, "{served} writes between the parts");
    assert_eq!(
        store
            .cached_patient(day(), &patient(14_999).number, patient(14_999).birth_date)
            .unwrap()
            .map(|found| found.number),
        Some(patient(14_999).number)
    );
}

/// CPU time of this thread, by the kernel's own books.
fn cpu() -> Duration {
    let books = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(books.split_whitespace().next().unwrap().parse().unwrap())
}

fn look_up(store: &SqliteStore, number: usize) {
    let who = patient(number);
    assert!(store.cached_patient(day(), &who.number, who.birth_date).unwrap().is_some());
    assert_eq!(store.cached_appointments(day(), &who.number).unwrap().len(), 1);
}

/// What a look-up costs in a day of 15,000, and how long it waits while the whole day is read anew.
#[test]
#[ignore = "a measurement: cargo test --test tests store::schedule -- --include-ignored --nocapture"]
fn what_a_look_up_costs_and_waits_in_a_day_of_15000() {
    const LOOK_UPS: u32 = 3_000;
    let disk = Disk::new();
    let store = Arc::new(disk.open());
    let anew = |version: &str| {
        let row = |(who, visit): (Patient, Appointment)| (who, Appointment { version: version.into(), ..visit });
        whole(rows(0..15_000).into_iter().map(row).collect(), version)
    };
    store.update_schedule(day(), &anew("1"), at()).unwrap();
    let (before, mut number) = (cpu(), 0);
    for _ in 0..LOOK_UPS {
        number = (number + 7_919) % 15_000;
        look_up(&store, number);
    }
    println!(
        "schedule: {:?} of CPU for each of {LOOK_UPS} look-ups among 15000 rows",
        cpu().saturating_sub(before) / LOOK_UPS
    );

    for (what, news) in [
        ("the whole day anew, every row changed", anew("2")),
        ("the whole day anew, nothing changed", anew("2")),
        ("300 changes", ScheduleNews { whole: false, rows: rows(0..300), ..anew("3") }),
    ] {
        let (writer, done) = (store.clone(), Arc::new(AtomicBool::new(false)));
        let ended = done.clone();
        let started = Instant::now();
        let refresh = std::thread::spawn(move || {
            let before = cpu();
            writer.update_schedule(day(), &news, at()).unwrap();
            ended.store(true, Ordering::SeqCst);
            cpu().saturating_sub(before)
        });
        let mut waits = Vec::new();
        while !done.load(Ordering::SeqCst) {
            number = (number + 7_919) % 15_000;
            let asked = Instant::now();
            look_up(&store, number);
            waits.push(asked.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        let spent = refresh.join().unwrap();
        waits.sort();
        let (half, last) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        println!(
            "schedule: {what}: {:?}, {spent:?} of CPU; a look-up meanwhile takes {half:?}, the slowest of {} {last:?}",
            started.elapsed(),
            waits.len()
        );
    }
}

/// A mother and her child, and a patient with an old number and a new one.
#[test]
fn an_appointment_is_kept_for_each_of_its_patients() {
    let disk = Disk::new();
    let store = disk.open();
    let visit = |version: &str| Appointment { version: version.into(), ..appointment(1, "10:30", Some("S1")) };
    let rows = |numbers: &[usize]| numbers.iter().map(|number| (patient(*number), visit("1"))).collect::<Vec<_>>();
    let elder = Patient { birth_date: BirthDate(NaiveDate::from_ymd_opt(1950, 1, 1).unwrap()), ..patient(3) };
    let mut all = rows(&[1, 2]);
    all.push((elder, visit("1")));
    store.update_schedule(day(), &whole(all, "m1"), at()).unwrap();
    assert_eq!(kept(&store, 0..9), 3);
    let (whose, _) = store.cached_slip(day(), "S1").unwrap().expect("one appointment, whoever holds its slip");
    assert_eq!(whose.number, patient(3).number, "the eldest");

    let less = ScheduleNews { rows: rows(&[2]), mark: Some("m2".into()), ..ScheduleNews::default() };
    store.update_schedule(day(), &less, at()).unwrap();
    assert_eq!((kept(&store, 0..9), kept(&store, 2..3)), (1, 1), "whoever is no longer one of them is gone");
    let gone = ScheduleNews { gone: vec!["Appointment/1".into()], ..ScheduleNews::default() };
    store.update_schedule(day(), &gone, at()).unwrap();
    assert_eq!(kept(&store, 0..9), 0);
    let two = vec![(patient(1), visit("1")), (patient(2), appointment(2, "11:30", Some("S1")))];
    store.update_schedule(day(), &whole(two, "m3"), at()).unwrap();
    assert_eq!(store.cached_slip(day(), "S1").unwrap(), None, "two appointments with one slip are nobody's");
}

/// What was read of a day before it broke off takes nothing away.
#[test]
fn a_part_of_a_day_adds_to_what_is_kept() {
    let disk = Disk::new();
    let store = disk.open();
    store.update_schedule(day(), &whole(rows(0..10), "m1"), at()).unwrap();
    let part = ScheduleNews { rows: rows(20..30), ..ScheduleNews::default() };
    store.update_schedule(day(), &part, at()).unwrap();
    assert_eq!((kept(&store, 0..40), store.schedule_mark(day()).unwrap()), (20, None), "and the next pull is whole");
}
