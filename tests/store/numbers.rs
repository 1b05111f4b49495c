//! Ticket, claim and attempt numbers: never given twice, whatever the clock does. The same rule in both stores.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::domain::document::claim;
use hospital_kiosk::domain::numbers::{Numbered, Numbers};
use hospital_kiosk::ports::{Journal, JournalLines, Retention};
use hospital_kiosk::rehearsal::days::memory_store::MemoryStore;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Step {
    Jump {
        seconds: i64,
    },
    Give(Numbered),
    /// Given, and the power goes before anybody sees it; it may be on the disk.
    GiveInVain(Numbered, bool),
    Restart,
}

const DAY: i64 = 86_400;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let numbered = || prop_oneof![Just(Numbered::Ticket), Just(Numbered::Claim), Just(Numbered::Attempt)];
    let jump = prop_oneof![
        -90_i64..90,
        (-3_i64..4).prop_map(|days| days * DAY),
        (-2_i64..3).prop_map(|years| years * 365 * DAY),
        (-2_i64..3).prop_map(|leaps| leaps * 1_461 * DAY),
        Just(73 * 365 * DAY),
        Just(-73 * 365 * DAY),
    ];
    let step = prop_oneof![
        3 => jump.prop_map(|seconds| Step::Jump { seconds }),
        6 => numbered().prop_map(Step::Give),
        1 => (numbered(), any::<bool>()).prop_map(|(what, kept)| Step::GiveInVain(what, kept)),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..80)
}

/// What the number is called by: a claim by what stands on the paper alone, the others with their day.
fn name(what: Numbered, counters: Counters) -> String {
    match what {
        Numbered::Ticket => format!("{} ticket {}", counters.day, counters.tickets),
        Numbered::Claim => claim::number("K3", counters.day, counters.claims),
        Numbered::Attempt => format!("{} attempt {}", counters.day, counters.attempts),
    }
}

fn play<S: Journal>(mut store: S, steps: Vec<Step>, reopen: impl Fn(S) -> S) -> Result<(), TestCaseError> {
    let (mut numbers, mut wall, mut given) = (Numbers::default(), at(), BTreeSet::new());
    for step in steps {
        match step {
            Step::Jump { seconds } => wall += TimeDelta::seconds(seconds),
            Step::Give(what) => {
                let counters = numbers.give(what, wall.date_naive());
                store.save_counters(&counters, wall).unwrap();
                let name = name(what, counters);
                prop_assert!(given.insert(name.clone()), "{} was given twice", name);
            }
            Step::GiveInVain(what, kept) => {
                let counters = numbers.give(what, wall.date_naive());
                if kept {
                    store.save_counters(&counters, wall).unwrap();
                }
                store = reopen(store);
                numbers = Numbers::new(&store.counters().unwrap().days);
            }
            Step::Restart => {
                store = reopen(store);
                numbers = Numbers::new(&store.counters().unwrap().days);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_number_is_given_twice_whatever_the_clock_does(steps in steps()) {
        play(MemoryStore::default(), steps, |store| store)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_number_is_given_twice_by_the_store_on_the_disk(steps in steps()) {
        let disk = Disk::new();
        play(disk.open(), steps, |store| {
            drop(store);
            disk.open()
        })?;
    }
}

fn on(day: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(&format!("{day}T10:00:00+09:00")).unwrap()
}

/// R7 of a stranger's review: forward, back, forward again.
#[test]
fn a_day_that_comes_back_goes_on_where_it_ended() {
    let mut numbers = Numbers::default();
    let mut claim = |day: &str| name(Numbered::Claim, numbers.give(Numbered::Claim, on(day).date_naive()));
    let given = ["2026-12-02", "2026-12-01", "2026-12-02", "2027-12-02", "2026-12-02"].map(&mut claim);
    assert_eq!(
        given.map(|claim| claim[..11].to_owned()),
        ["K3-1202-001", "K3-1201-001", "K3-1202-002", "K3-1202-003", "K3-1202-004"]
    );
}

/// What counts is what was written last: one wrong day is over with the next right one.
#[test]
fn the_last_number_is_the_last_written_and_not_the_latest_dated() {
    let disk = Disk::new();
    let stores: [Box<dyn Journal>; 2] = [Box::new(disk.open()), Box::new(MemoryStore::default())];
    for store in stores {
        assert_eq!(store.counters().unwrap(), Given::default());
        for day in ["2026-11-25", "2099-01-01", "2026-11-26"] {
            let counters = Counters { day: on(day).date_naive(), tickets: 1, ..Counters::default() };
            store.save_counters(&counters, on(day)).unwrap();
            assert_eq!(store.counters().unwrap().last_at, Some(on(day)), "{day}");
        }
        assert_eq!(store.counters().unwrap().days.len(), 3);
    }
}

#[test]
fn no_count_goes_back_whatever_is_saved() {
    let disk = Disk::new();
    let stores: [Box<dyn Journal>; 2] = [Box::new(disk.open()), Box::new(MemoryStore::default())];
    for store in stores {
        let counters = |tickets, claims, attempts| Counters { day: day(), tickets, claims, attempts };
        store.save_counters(&counters(5, 1, 7), at()).unwrap();
        store.save_counters(&counters(4, 2, 0), at()).unwrap();
        assert_eq!(store.counters().unwrap().days, [counters(5, 2, 7)]);
    }
}

/// A store clears away what is old, by a clock that may be wrong: numbers stay.
#[test]
fn what_is_cleared_away_are_never_the_numbers() {
    let disk = Disk::new();
    let store = disk.open();
    store.save_counters(&Counters { day: day(), tickets: 5, ..Counters::default() }, at()).unwrap();
    store.forget_old(on("2099-01-01")).unwrap();
    assert_eq!(store.counters().unwrap().days[0].tickets, 5);
}
