//! The real process loses its power (SIGKILL) at random moments of real payments over ptys, and is started again on
//! the same data. The card company's own books, the journal and the hospital must agree: 0 double, 0 lost.
//!
//! `KILL_SEED` repeats the plan of a run (a fresh one is made and printed otherwise; the moments themselves are real
//! time), `KILL_ROUNDS` says how many, `KILL_WORKERS` how many kiosks at once. `make kill` is what CI runs.

mod books;
mod child;
mod memory;
mod product;
mod window;

use books::Tally;
use std::env;

/// A plan of random decisions: splitmix64, the same seed, the same plan.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("an index")].clone()
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")))
}

fn seed() -> u64 {
    number("KILL_SEED").unwrap_or_else(|| u64::from(getrandom::u32().expect("a seed")))
}

/// Rounds on several kiosks at once, each on its own stage; what they saw is summed up and printed.
fn on_several(name: &str, rounds: u64, work: impl Fn(u64, u64) -> Tally + Sync) -> Tally {
    let (seed, workers) = (seed(), number("KILL_WORKERS").unwrap_or(2).clamp(1, rounds));
    println!("{name}: {rounds} rounds, KILL_SEED={seed} KILL_WORKERS={workers}");
    let share = |worker: u64| rounds / workers + u64::from(worker < rounds % workers);
    let tally = std::thread::scope(|scope| {
        let work = &work;
        let running = (0..workers)
            .map(|worker| scope.spawn(move || work(seed.wrapping_add(worker << 32), share(worker))))
            .collect::<Vec<_>>();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    println!("{name}: KILL_SEED={seed}\n{tally}");
    tally
}
