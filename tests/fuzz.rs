//! The parsers of everything that comes from outside, fed with what nobody would send: never a panic, never an offset
//! out of bounds, the same bytes back where they were understood, and nothing personal in what is said of a refusal.
//!
//! The same targets three ways: proptest with shrinking in every `cargo test`; the same for `FUZZ_SECONDS` each by
//! `FUZZ_SECONDS=600 cargo test --no-default-features --test tests fuzz::`; and guided by coverage in `tests/fuzz/guided`.

mod targets;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::fmt;
use std::time::{Duration, Instant};
use targets::Target;

/// Of one target in every `cargo test`.
const CASES: u32 = 1_000;
/// Between two looks at the clock.
const CASES_AT_ONCE: u32 = 5_000;
const EDITS_MAX: usize = 8;
const LONGEST_NOISE_BYTES: usize = 2_000;

/// What is done to a seed; small numbers of small things shrink to the one that matters.
#[derive(Debug, Clone)]
enum Edit {
    Put(usize, Vec<u8>),
    Cut(usize, usize),
    Flip(usize, u8),
    Repeat(usize, usize, usize),
    /// The rest is that of another seed.
    Splice(usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let any_place = || any::<prop::sample::Index>().prop_map(|at| at.index(1 << 16));
    let word = prop::sample::select(targets::WORDS).prop_map(|word| word.as_bytes().to_vec());
    let put = prop_oneof![prop::collection::vec(any::<u8>(), 0..8), word];
    let edit = prop_oneof![
        (any_place(), put).prop_map(|(at, bytes)| Edit::Put(at, bytes)),
        (any_place(), 0..40_usize).prop_map(|(at, count)| Edit::Cut(at, count)),
        (any_place(), any::<u8>()).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        (any_place(), 0..60_usize, 0..60_usize).prop_map(|(at, count, times)| Edit::Repeat(at, count, times)),
        (any_place(), any_place()).prop_map(|(at, other)| Edit::Splice(at, other)),
    ];
    prop::collection::vec(edit, 0..EDITS_MAX)
}

fn edited(seeds: &[Vec<u8>], which: usize, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seeds[which % seeds.len()].clone();
    for edit in edits {
        let place = |at: usize| at % (bytes.len() + 1);
        match edit {
            Edit::Put(at, more) => {
                let at = place(*at);
                bytes.splice(at..at, more.iter().copied());
            }
            Edit::Cut(at, count) => {
                let at = place(*at);
                bytes.drain(at..bytes.len().min(at + count));
            }
            Edit::Flip(at, bits) => {
                let at = place(*at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Edit::Repeat(at, count, times) => {
                let at = place(*at);
                let piece = bytes[at..bytes.len().min(at + count)].repeat(*times);
                bytes.splice(at..at, piece);
            }
            Edit::Splice(at, other) => {
                let rest = &seeds[other % seeds.len()];
                bytes.truncate(place(*at));
                bytes.extend_from_slice(&rest[bytes.len().min(rest.len())..]);
            }
        }
    }
    bytes
}

/// Bytes that a failure shows as they would be written in a test.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "b\"{}\"", self.0.escape_ascii())
    }
}

fn inputs(target: &Target) -> BoxedStrategy<Input> {
    let noise = prop::collection::vec(any::<u8>(), 0..LONGEST_NOISE_BYTES).prop_map(Input);
    let seeds = (target.seeds)();
    if seeds.is_empty() {
        return noise.boxed();
    }
    let near = (any::<prop::sample::Index>(), edits())
        .prop_map(move |(which, edits)| Input(edited(&seeds, which.index(1 << 16), &edits)));
    prop_oneof![1 => noise, 6 => near].boxed()
}

fn feed(target: &Target, cases: u32) -> u64 {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&inputs(target), |input| {
        (target.run)(&input.0);
        Ok::<(), TestCaseError>(())
    });
    if let Err(broken) = outcome {
        panic!("{}: {broken}", target.name);
    }
    u64::from(cases)
}

fn seconds() -> Option<u64> {
    std::env::var("FUZZ_SECONDS").ok().map(|text| text.parse().expect("FUZZ_SECONDS is a whole number"))
}

fn fuzz(name: &str) {
    let target = targets::find(name).expect("a target of this name");
    let Some(seconds) = seconds() else {
        feed(target, CASES);
        return;
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut fed = 0;
    while Instant::now() < end {
        fed += feed(target, CASES_AT_ONCE);
    }
    println!("{name}: {fed} inputs in {seconds} s");
}

macro_rules! fuzzed {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        #[test]
        fn every_target_is_fuzzed() {
            assert_eq!([$(stringify!($name)),*].as_slice(), targets::ALL.iter().map(|target| target.name).collect::<Vec<_>>());
        }
    };
}

fuzzed! { smartro_frame smartro_stream zvt_block zvt_apdu zvt_tlv zvt_stream zvt_network printer_status recording scanner_line fhir_delivery fhir_reading fhir_primitive
http_body page_link time_zone configuration store_columns script }

/// Each once led to a finding, or stands for a kind of input that no seed has.
#[test]
fn what_was_found_stays_mended() {
    for target in targets::ALL {
        for input in target.found {
            (target.run)(input);
        }
        for seed in (target.seeds)() {
            (target.run)(&seed);
        }
    }
}
