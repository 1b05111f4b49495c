//! Whole days of the kiosk on made-up time (`src/rehearsal/days`): fixed seeds, so that a failure is a bug report.

use hospital_kiosk::rehearsal::days::faults::{Allowed, Fault, PERSONALITIES, REFUNDS};
use hospital_kiosk::rehearsal::days::shelf::Kind;
use hospital_kiosk::rehearsal::days::trace::To;
use hospital_kiosk::rehearsal::days::{DayReport, Protocol, Setting, play};
use std::collections::{BTreeMap, BTreeSet};

fn setting(faults: Allowed) -> Setting {
    with(Protocol::Smartro, faults)
}

fn with(protocol: Protocol, faults: Allowed) -> Setting {
    Setting { faults, store: Kind::Memory, protocol, trace: To::Report, payments: None, cut_after: None }
}

fn day(seed: u64, setting: &Setting) -> DayReport {
    play(seed, setting).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

fn times(day: &DayReport, fault: Fault) -> u64 {
    day.fired.counts().find(|(known, _)| *known == fault).map_or(0, |(_, times)| times)
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for protocol in Protocol::ALL {
        let setting = with(*protocol, Allowed::all());
        for seed in [1, 2] {
            let (one, other) = (day(seed, &setting), day(seed, &setting));
            assert!(one.trace.len() > 10_000, "seed {seed}");
            assert_eq!(one, other, "seed {seed}");
        }
        assert_ne!(day(1, &setting).trace, day(2, &setting).trace);
    }
}

/// A ZVT terminal over connections that end within a message, in either direction: the same promises.
#[test]
fn days_over_the_network_keep_the_promises() {
    let mut fired = 0;
    let faults = [Fault::LossToTerminal, Fault::CorruptionToTerminal, Fault::LossToKiosk, Fault::TruncationToKiosk];
    for seed in 1..25 {
        let setting = Setting { trace: To::Nowhere, ..with(Protocol::ZvtNetwork, Allowed::all()) };
        let day = day(seed, &setting);
        assert_eq!(day.broken, [], "seed {seed}");
        fired += faults.iter().map(|fault| times(&day, *fault)).sum::<u64>();
    }
    assert!(fired > 20, "{fired} connections ended");
}

/// What keeps the in-memory store honest: the real one tells the same story, line for line.
#[test]
fn the_store_in_memory_tells_the_same_day_as_the_real_one() {
    for seed in [1, 3] {
        let memory = day(seed, &Setting { payments: Some(12), ..setting(Allowed::all()) });
        let real = day(seed, &Setting { payments: Some(12), store: Kind::Sqlite, ..setting(Allowed::all()) });
        assert!(memory.payments >= 12, "seed {seed}");
        for (mine, theirs) in memory.trace.lines().zip(real.trace.lines()) {
            assert_eq!(mine, theirs, "seed {seed}");
        }
        assert_eq!(memory, real, "seed {seed}");
    }
}

#[test]
fn a_day_without_faults_is_a_day_of_paid_requests() {
    for (seed, protocol) in (1..4).flat_map(|seed| Protocol::ALL.iter().map(move |protocol| (seed, *protocol))) {
        let day = day(seed, &with(protocol, Allowed::none()));
        assert!(day.payments >= 20, "seed {seed}");
        assert_eq!(day.broken, [], "seed {seed}");
        let paid = day.trace.lines().filter(|line| line.contains("record Committed")).count();
        assert_eq!(u64::try_from(paid), Ok(day.payments), "seed {seed}");
        assert!(day.fired.counts().all(|(_, times)| times == 0), "seed {seed}");
    }
}

#[test]
fn the_promises_hold_whatever_fails() {
    let smartro = SEEDS.map(|seed| (seed, Protocol::Smartro));
    let zvt = ZVT_SEEDS.map(|seed| (seed, Protocol::Zvt));
    for (seed, protocol) in smartro.into_iter().chain(zvt) {
        let day = day(seed, &Setting { trace: To::Nowhere, ..with(protocol, plain()) });
        assert_eq!(day.broken, [], "seed {seed} of {}", protocol.word());
    }
}

/// Every fault of a terminal that keeps to its specification, on days without a night and without a refund.
fn plain() -> Allowed {
    Allowed::parse("all,-personalities,-refunds").expect("words that are known")
}

/// Days that found something, at a terminal without ways of its own: 10 a kiosk that took no payment until its next restart, 13 and 20 an older sale taken for
/// ours, 22 and 27 a booking given to two payments by staff, 23 and 40 an older refusal taken for ours, 2000531 an older
/// unclaimed sale taken for ours after the terminal fell back to it, 2001489 a later payment's sale given to an earlier one.
const SEEDS: [u64; 14] = [10, 13, 20, 22, 23, 27, 40, 84, 116, 158, 293, 1_741, 2_000_531, 2_001_489];
/// 61 and 1001809 a reversal taken for a sale, 1501 and 1000314 an older refusal taken for ours, 1005570 another payment's
/// sale given back.
const ZVT_SEEDS: [u64; 8] = [8, 30, 61, 762, 1_501, 1_000_314, 1_001_809, 1_005_570];

/// Money goes back to cards, on the same day and after a night, to the right card and to another, whatever else fails.
#[test]
fn the_promises_hold_when_money_goes_back_to_a_card_on_a_later_day() {
    for (protocol, seeds) in
        [(Protocol::Smartro, REFUND_SEEDS), (Protocol::Zvt, REFUND_SEEDS), (Protocol::ZvtNetwork, REFUND_SEEDS)]
    {
        let mut fired = BTreeMap::new();
        for seed in seeds {
            let day = day(seed, &Setting { trace: To::Nowhere, ..with(protocol, Allowed::all()) });
            assert_eq!(day.broken, [], "seed {seed} of {}", protocol.word());
            for fault in REFUNDS {
                *fired.entry(fault.word()).or_insert(0) += times(&day, fault);
            }
        }
        assert!(fired.values().all(|times| *times > 0), "{}: {fired:?}", protocol.word());
    }
}

/// ZVT: 1 an amount given to a card although it was never booked.
const REFUND_SEEDS: [u64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 97, 300];

/// The power goes at the first, the second, the third … boundary of a payment, a night and a refund, until it gets through.
#[test]
fn a_refund_of_the_day_before_and_a_power_cut_at_every_boundary() {
    let faults = Allowed::parse("night,staff-refund,refund-of-the-day-before").unwrap();
    for protocol in Protocol::ALL {
        let setting = Setting { payments: Some(1), ..with(*protocol, faults.clone()) };
        let reversed = |day: &DayReport| day.trace.matches("record Undo(Reversed").count();
        let seed = (1..200).find(|seed| {
            let day = day(*seed, &setting);
            times(&day, Fault::RefundOfBefore) > 0 && reversed(&day) == 1
        });
        let seed = seed.expect("a day on which a payment of the day before is given back");
        let (mut boundary, mut given_back) = (0, 0);
        loop {
            let day = day(seed, &Setting { cut_after: Some(boundary), ..setting.clone() });
            assert_eq!(day.broken, [], "{}, seed {seed}, boundary {boundary}", protocol.word());
            given_back += reversed(&day);
            if times(&day, Fault::PowerCut) == 0 {
                break;
            }
            boundary += 1;
        }
        assert!(boundary > 60 && given_back > 20, "{}: {given_back} of {boundary}", protocol.word());
    }
}

#[test]
fn the_promises_hold_at_terminals_with_ways_of_their_own() {
    let faults = Allowed::parse("all,-no-approval-number,-refunds").unwrap();
    for seed in OWN_WAYS_SEEDS {
        let setting = Setting { trace: To::Nowhere, ..with(Protocol::Zvt, faults.clone()) };
        assert_eq!(day(seed, &setting).broken, [], "seed {seed}");
    }
}

/// 11, 25, 81, 150 and 212 an undo believed although another sale was given back; 26, 72, 86 and 106 a status that was
/// taken for a sale, refused, and so undid one; 18, 40, 49 and 63 a wrong PIN taken for the end; 69 an older result that
/// was agreed to while our own waited.
const OWN_WAYS_SEEDS: [u64; 14] = [11, 18, 25, 26, 40, 49, 63, 69, 72, 81, 86, 106, 150, 212];

/// What has to happen for some of them to show.
const OCCASIONS: &str = "declined,cancels,silence,reboot-loses-last,staff-cancel,staff-totals";
const OCCASION_SEEDS: u64 = 100;

#[test]
fn every_personality_takes_effect() {
    let mut known = BTreeSet::new();
    for protocol in Protocol::ALL {
        for personality in protocol.personalities() {
            let faults = Allowed::parse(&format!("{},{OCCASIONS}", personality.word())).unwrap();
            let setting = Setting { payments: Some(20), trace: To::Nowhere, ..with(*protocol, faults) };
            let shows = (1..=OCCASION_SEEDS).any(|seed| times(&day(seed, &setting), personality) > 0);
            assert!(shows, "{} of {}", personality.word(), protocol.word());
            known.insert(personality);
        }
    }
    assert_eq!(known, BTreeSet::from(PERSONALITIES));
}

/// In how many parts an order goes, whatever else fails on the way: all of it is there, once.
#[test]
fn orders_reach_a_server_that_takes_few_entries_whole() {
    let bad = "hospital-answer-lost,hospital-slow,hospital-5xx,hospital-down,power-cut,disk-full";
    let mut refusals = 0;
    for others in ["", bad] {
        let faults = Allowed::parse(format!("hospital-takes-few-entries,{others}").trim_end_matches(',')).unwrap();
        for seed in 1..16 {
            let day = day(seed, &Setting { payments: Some(12), trace: To::Nowhere, ..setting(faults.clone()) });
            assert_eq!(day.broken, [], "seed {seed} with {others}");
            refusals += times(&day, Fault::SmallServer);
        }
    }
    assert!(refusals > 10, "{refusals}");
}

/// What it dislikes is not asked of it for ever, and what it does not tell is not waited for.
#[test]
fn a_terminal_with_a_way_of_its_own_still_sells() {
    for protocol in Protocol::ALL {
        for personality in protocol.personalities() {
            let faults = Allowed::parse(personality.word()).unwrap();
            for seed in 1..4 {
                let day = day(seed, &Setting { payments: Some(10), ..with(*protocol, faults.clone()) });
                let paid = day.trace.lines().filter(|line| line.contains("record Committed")).count();
                let what = format!("seed {seed}, {} of {}", personality.word(), protocol.word());
                assert_eq!(day.broken, [], "{what}");
                assert!(day.payments >= 10 && paid >= 4, "{what}: {paid} of {} were paid", day.payments);
            }
        }
    }
}

#[test]
fn without_personalities_no_terminal_has_any() {
    for (seed, protocol) in (1..6).flat_map(|seed| Protocol::ALL.iter().map(move |protocol| (seed, *protocol))) {
        for faults in [plain(), Allowed::none()] {
            let day = day(seed, &Setting { payments: Some(8), trace: To::Nowhere, ..with(protocol, faults) });
            let shown: Vec<Fault> = PERSONALITIES.into_iter().filter(|fault| times(&day, *fault) > 0).collect();
            assert_eq!(shown, [], "seed {seed} of {}", protocol.word());
        }
    }
}

/// The power goes at the first, the second, the third … boundary, until a payment gets through.
#[test]
fn one_payment_and_a_power_cut_at_every_boundary() {
    for (seed, protocol) in [(5, Protocol::Smartro), (6, Protocol::Smartro), (5, Protocol::Zvt), (6, Protocol::Zvt)] {
        let mut boundary = 0;
        loop {
            let setting = Setting { payments: Some(1), cut_after: Some(boundary), ..with(protocol, Allowed::none()) };
            let day = day(seed, &setting);
            assert_eq!(day.broken, [], "seed {seed}, boundary {boundary}");
            if times(&day, Fault::PowerCut) == 0 {
                break;
            }
            boundary += 1;
        }
        assert!(boundary > 40, "seed {seed}: a payment has more boundaries than {boundary}");
    }
}

#[test]
fn faults_are_named_on_the_command_line() {
    assert!(Allowed::parse("all").is_ok_and(|all| Fault::ALL.iter().all(|fault| all.has(*fault))));
    assert!(Allowed::parse("none").is_ok_and(|none| none == Allowed::none()));
    let some = Allowed::parse("disk-full, power-cut").unwrap();
    let (less, only) = (plain(), Allowed::parse("personalities,-pin-twice").unwrap());
    assert!(REFUNDS.iter().all(|fault| !less.has(*fault)));
    assert!(less.has(Fault::DiskFull) && PERSONALITIES.iter().all(|fault| !less.has(*fault)));
    assert!(only.has(Fault::BooksEarly) && !only.has(Fault::PinTwice) && !only.has(Fault::DiskFull));
    assert!(
        [&less, &only, &Allowed::all(), &Allowed::none()]
            .into_iter()
            .all(|one| Allowed::parse(&one.words()).as_ref() == Ok(one))
    );
    assert!(some.has(Fault::DiskFull) && some.has(Fault::PowerCut) && !some.has(Fault::Silence));
    assert!(Allowed::parse("rain").is_err_and(|why| why.contains("power-cut")));
}
