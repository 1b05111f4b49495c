//! A hundred thousand requests wait: the kiosk's memory does not know it.

use super::*;
use hospital_kiosk::commands::queue;
use hospital_kiosk::domain::outbox::Delivery;
use hospital_kiosk::domain::reason::Delay;
use hospital_kiosk::ports::{Queue, SingleRequests};
use rusqlite::Connection;
use std::process::Command;

const CHILD: &str = "KIOSK_TEST_LONG_QUEUE_CHILD";
const LISTING: &str = "KIOSK_TEST_LONG_QUEUE_LISTED";
/// What a few pages of cache and an allocator's mood may differ by.
const MORE_KIB_MAX: u64 = 12 * 1024;
/// `config/hospital-kiosk.service` allows the kiosk 512 MiB.
const LIST_KIB_MAX: u64 = 160 * 1024;

/// Not a test of its own: opens the store, works on the queue as a sender does, and tells the most memory it ever had.
#[test]
fn child_that_works_on_a_long_queue() {
    let Some(root) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let settings = config::Store::at(root.join("data"), root.join("keys/store.key"));
    let store = open_with_credentials(&settings, None).unwrap().store;
    let reason = Delay::Status { status: 503, issues: String::new() };
    let (mut step_over, later) =
        (Vec::new(), Delivery::Later { reason, after_s: None, maybe_delivered: true, away: true });
    for turn in 0..60 {
        let next = store.next_requests(&step_over, 1).unwrap().remove(0);
        store.begin_try(next.sequence).unwrap();
        let delivery = if turn % 2 == 0 { later.clone() } else { Delivery::Done { note: None } };
        store.end_try(next.sequence, &delivery, at()).unwrap();
        step_over.push(next.request.visit);
    }
    if std::env::var_os(LISTING).is_some() {
        let started = std::time::Instant::now();
        let lines = queue::list(&store, true, &chrono::Utc::now()).unwrap();
        println!("outbox: {} rows listed in {:?}", lines.len(), started.elapsed());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("@peak {}", peak.trim().trim_end_matches(" kB"));
}

/// Bundles of a real one's size, written past the product in one go: a hundred thousand flushes would take minutes.
fn fill(disk: &Disk, rows: u32) {
    drop(disk.open());
    let connection = Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"; PRAGMA synchronous = OFF", key.trim())).unwrap();
    let request = serde_json::to_string(&request(1, 1, PaymentOfRequest::Free)).unwrap();
    connection
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO outbox (id, visit, kind, state, queued_at, request, bundle)
             SELECT printf('00000000-0000-0000-0000-%012x', i), printf('00000000-0000-0000-0001-%012x', i), 'documents',
                 'waiting', ?2,
                 json_set(?3, '$.id', printf('00000000-0000-0000-0000-%012x', i),
                     '$.visit', printf('00000000-0000-0000-0001-%012x', i)),
                 zeroblob(3000) FROM n",
            rusqlite::params![rows, at().to_rfc3339(), request],
        )
        .unwrap();
}

fn peak_kib(rows: u32, listing: bool) -> u64 {
    let disk = Disk::new();
    fill(&disk, rows);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["child_that_works_on_a_long_queue", "--nocapture"]).env(CHILD, disk.root.path());
    if listing {
        child.env(LISTING, "yes");
    }
    let out = child.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().filter(|line| line.starts_with("outbox:")).for_each(|line| println!("{line}"));
    let peak = text.split("@peak ").nth(1).unwrap_or_else(|| panic!("{text}"));
    peak.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_hundred_thousand_waiting_requests_take_no_more_memory_than_a_hundred() {
    let (short, long) = (peak_kib(100, false), peak_kib(100_000, false));
    println!("outbox: peak memory {short} KiB with 100 rows, {long} KiB with 100000");
    assert!(long < short + MORE_KIB_MAX, "{short} KiB with 100 rows, {long} KiB with 100000");
}

/// Staff's list of all of them is the one thing that grows with the queue, and only while it is told.
#[test]
fn the_list_of_a_hundred_thousand_fits_beside_the_kiosk() {
    let listed = peak_kib(100_000, true);
    println!("outbox: peak memory {listed} KiB with 100000 rows listed");
    assert!(listed < LIST_KIB_MAX, "{listed} KiB");
}
