//! Look-ups that may be guesses: kept for the day, durable, no number among them; the same rule in both stores.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::domain::tries::{Machine, Tried, TriesKept};
use hospital_kiosk::ports::{Journal, JournalLines, Retention};
use hospital_kiosk::rehearsal::days::memory_store::MemoryStore;

fn tried(day: u64, wrong: Option<(u128, u32)>, gone: Option<u128>) -> Tried {
    let at = at() + TimeDelta::days(i64::try_from(day).unwrap());
    Tried {
        day: at.date_naive(),
        salt: Uuid::from_u128(day.into()),
        at,
        machine: Machine { wrong: 7, wrong_by_cache: 2, unfinished: vec![Uuid::from_u128(9)], slow: true },
        wrong: wrong.map(|(key, count)| (Uuid::from_u128(key), count)),
        gone: gone.map(Uuid::from_u128),
        counts: true,
    }
}

fn book(kept: Option<&TriesKept>) -> Vec<(u128, u32)> {
    kept.map(|kept| kept.book.iter().map(|(key, count)| (key.as_u128(), *count)).collect()).unwrap_or_default()
}

#[test]
fn tries_outlive_a_power_cut_and_end_with_their_day() {
    let disk = Disk::new();
    let (sqlite, memory) = (disk.open(), MemoryStore::default());
    assert_eq!(sqlite.tries().unwrap(), None);
    for (tried, wanted) in [
        (tried(0, Some((1, 1)), None), vec![(1, 1)]),
        (tried(0, Some((2, 1)), None), vec![(1, 1), (2, 1)]),
        (tried(0, Some((1, 2)), None), vec![(1, 2), (2, 1)]),
        (tried(0, None, None), vec![(1, 2), (2, 1)]),
        (tried(0, Some((3, 1)), Some(2)), vec![(1, 2), (3, 1)]),
        (tried(0, Some((1, 0)), None), vec![(3, 1)]),
        (tried(1, Some((4, 1)), None), vec![(4, 1)]),
    ] {
        sqlite.save_tries(&tried).unwrap();
        memory.save_tries(&tried).unwrap();
        let kept = disk.crash_copy().open().tries().unwrap();
        assert_eq!(kept, memory.tries().unwrap());
        assert_eq!(book(kept.as_ref()), wanted);
        assert_eq!(kept.map(|kept| (kept.at, kept.machine)), Some((tried.at, tried.machine)));
    }
    sqlite.forget_old(at() + TimeDelta::days(1)).unwrap();
    assert_eq!(book(sqlite.tries().unwrap().as_ref()), [(4, 1)], "today's stay");
    sqlite.forget_old(at() + TimeDelta::days(2)).unwrap();
    assert_eq!(sqlite.tries().unwrap(), None, "yesterday's go");
}
