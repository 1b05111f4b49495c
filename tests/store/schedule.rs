//! Today's appointments: changed in place, a few hundred rows at a time, and found by one row.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::ports::{ScheduleMark, ScheduleNews};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn rows(numbers: std::ops::Range<usize>) -> Vec<(Patient, Appointment)> {
    numbers.map(|number| (patient(number), appointment(number, "10:30", None))).collect()
}

fn whole(rows: Vec<(Patient, Appointment)>, mark: &str) -> ScheduleNews {
    ScheduleNews { whole: true, rows, gone: Vec::new(), mark: Some(mark.into()) }
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
        store.save_counters(&Counters { tickets: served, ..Counters::default() }).unwrap();
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
