//! The store after a long time: what it keeps goes by `keep_*` and by a day's visits, not by how long the kiosk has stood.

use super::*;
use chrono::Days;
use hospital_kiosk::commands::audit;
use hospital_kiosk::domain::closing::{ClosingEnd, ClosingEntry, ClosingId};
use hospital_kiosk::domain::outbox::Delivery;
use hospital_kiosk::domain::person::Who;
use hospital_kiosk::domain::staff::{AuditEntry, StaffAct};
use hospital_kiosk::domain::terminal::TerminalDay;
use hospital_kiosk::ports::{
    Journal, JournalLines, QueueList, Retention, ScheduleCache, ScheduleNews, SingleRequests, Trail,
};

const KEEP_DELIVERED_DAYS: u32 = 12;
const KEEP_PAYMENTS_DAYS: u32 = 25;
const KEEP_AUDIT_DAYS: u32 = 40;
/// Well beyond the longest of them.
const DAYS: u64 = 100;

const PAID_A_DAY: u64 = 4;
const REFUSED_A_DAY: u64 = 2;
const FREE_A_DAY: u64 = 6;
const APPOINTMENTS: usize = 60;
const ACTS_A_DAY: u64 = 8;

/// Bytes of a row and its indices, more than the largest of these tests has.
const PAYMENT_BYTES: u64 = 6_000;
const REQUEST_BYTES: u64 = 1_000;
const APPOINTMENT_BYTES: u64 = 1_500;
const ACT_BYTES: u64 = 400;
const CLOSING_BYTES: u64 = 800;
/// Of the numbers that were given; the one row that is never forgotten.
const DAY_BYTES: u64 = 200;
/// Pages that are begun and not full, and those of tables that hold little.
const SPARE_BYTES: u64 = 200_000;

/// The most that can be there on any day: today's are there beside those of the days they are kept. Of the ends of the
/// terminal's day two are kept however old they are.
fn bound() -> u64 {
    let payments = (PAID_A_DAY + REFUSED_A_DAY) * (u64::from(KEEP_PAYMENTS_DAYS) + 2);
    let requests = (PAID_A_DAY + FREE_A_DAY) * (u64::from(KEEP_DELIVERED_DAYS) + 2);
    // Yesterday's appointments go after today's came.
    let appointments = 2 * APPOINTMENTS as u64;
    let acts = ACTS_A_DAY * (u64::from(KEEP_AUDIT_DAYS) + 2);
    let closings = u64::from(KEEP_PAYMENTS_DAYS) + 4;
    payments * PAYMENT_BYTES
        + requests * REQUEST_BYTES
        + appointments * APPOINTMENT_BYTES
        + acts * ACT_BYTES
        + closings * CLOSING_BYTES
        + DAYS * DAY_BYTES
        + SPARE_BYTES
}

#[test]
fn a_store_does_not_grow_with_the_years() {
    let disk = Disk::new();
    let mut settings = disk.settings();
    settings.keep_delivered_days = KEEP_DELIVERED_DAYS;
    settings.keep_payments_days = KEEP_PAYMENTS_DAYS;
    settings.keep_audit_days = KEEP_AUDIT_DAYS;
    let store = open_with_credentials(&settings, None).unwrap().store;
    let mut sizes = Vec::new();
    for day in 0..DAYS {
        a_day(&store, day);
        sizes.push(fs::metadata(disk.database()).unwrap().len() + log_bytes(&disk));
    }
    let largest = *sizes.iter().max().unwrap();
    assert!(largest <= bound(), "{largest} bytes, and {} are the most: {sizes:?}", bound());
    let longest = usize::try_from(KEEP_AUDIT_DAYS).unwrap() + 2;
    let settled = *sizes[..longest].iter().max().unwrap();
    assert!(largest <= settled + settled / 10, "it grew after the longest time was over: {sizes:?}");
    let payments = store.payments().unwrap().len() as u64;
    assert!(payments <= (PAID_A_DAY + REFUSED_A_DAY) * (u64::from(KEEP_PAYMENTS_DAYS) + 1), "{payments} payments");
    let requests = store.requests().unwrap().len() as u64;
    assert!(requests <= (PAID_A_DAY + FREE_A_DAY) * (u64::from(KEEP_DELIVERED_DAYS) + 1), "{requests} requests");
    let acts = super::trail::rows(&store).len() as u64;
    assert!(acts <= ACTS_A_DAY * (u64::from(KEEP_AUDIT_DAYS) + 1), "{acts} acts of staff");
    assert_eq!(audit::verify(&store, &[], None, false).map(|_| ()), Ok(()));
}

fn log_bytes(disk: &Disk) -> u64 {
    fs::metadata(disk.folder().join("kiosk.db-wal")).map_or(0, |log| log.len())
}

/// As the kiosk goes through it: the schedule, the visits, what is too old.
fn a_day(store: &SqliteStore, day: u64) {
    let now = at().checked_add_days(Days::new(day)).unwrap();
    let date = now.date_naive();
    let rows = (0..APPOINTMENTS).map(|number| (patient(number), appointment(number, "10:30", None))).collect();
    let news = ScheduleNews { whole: true, rows, mark: Some("now".into()), ..ScheduleNews::default() };
    store.update_schedule(date, &news, now).unwrap();
    store.wipe_schedule_except(date).unwrap();
    let first = u128::from(day * 100 + 1);
    for number in first..first + u128::from(PAID_A_DAY) {
        for entry in [intent(number), sent(number), answered(number), committed(number)] {
            store.record(&entry, BUNDLE, now).unwrap();
        }
    }
    for number in first + 20..first + 20 + u128::from(REFUSED_A_DAY) {
        for entry in [intent(number), sent(number), not_paid(number)] {
            store.record(&entry, BUNDLE, now).unwrap();
        }
    }
    for number in first + 50..first + 50 + u128::from(FREE_A_DAY) {
        store.queue(&request(number, number, PaymentOfRequest::Unpaid), BUNDLE).unwrap();
    }
    while let Some(next) = store.next_request().unwrap() {
        store.begin_try(next.sequence).unwrap();
        store.end_try(next.sequence, &Delivery::Done { note: None }, now).unwrap();
    }
    for number in 0..ACTS_A_DAY {
        let about = Uuid::from_u128(number.into()).to_string();
        let entry = AuditEntry::new(Who::Shell, StaffAct::MarkPaid, about, "the card company said so by telephone");
        store.audit(&entry, now).unwrap();
    }
    let closing = ClosingId(Uuid::from_u128(day.into()));
    let reason = "the terminal did not answer".to_owned();
    let end = ClosingEnd::Untold { day: TerminalDay::Closed, reason };
    for entry in [ClosingEntry::Asked { closing }, ClosingEntry::Ended { closing, end }] {
        store.record(&Entry::Closing(entry), &[], now).unwrap();
    }
    store.save_counters(&Counters { day: date, tickets: 9, claims: 9, attempts: 9 }, now).unwrap();
    store.forget_old(now).unwrap();
}
