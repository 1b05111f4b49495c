//! What a process holds, as Linux tells it.

use std::fmt;
use std::fs;

/// What the store's memory grows by when it does (`store/memory.rs`), a few times in the life of a kiosk.
const PIECE_KIB: u64 = 256;

/// Of a process at one moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    anonymous_kib: u64,
    mappings: u64,
    threads: u64,
    descriptors: u64,
}

impl Held {
    fn by(process: u32) -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).expect("a living process");
        let status = read("status");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|value| value.split_whitespace().next()?.parse().ok())
                .unwrap_or_else(|| panic!("{name}: {status}"))
        };
        Self {
            anonymous_kib: field("RssAnon"),
            mappings: read("maps").lines().count() as u64,
            threads: field("Threads"),
            descriptors: fs::read_dir(format!("/proc/{process}/fd")).expect("descriptors").count() as u64,
        }
    }
}

/// The least that was held at any moment of a window: what is in use for a moment comes and goes, what is left behind stays.
#[derive(Default)]
pub struct Floor(Option<Held>);

impl Floor {
    pub fn lower(&mut self, process: u32) {
        let now = Held::by(process);
        let before = self.0.unwrap_or(now);
        self.0 = Some(Held {
            anonymous_kib: now.anonymous_kib.min(before.anonymous_kib),
            mappings: now.mappings.min(before.mappings),
            threads: now.threads.min(before.threads),
            descriptors: now.descriptors.min(before.descriptors),
        });
    }
}

/// The floors, one window after the other.
#[derive(Default)]
pub struct Curve(Vec<(usize, Held)>);

impl Curve {
    pub fn add(&mut self, visits: usize, floor: &Floor) {
        self.0.push((visits, floor.0.expect("something was measured")));
    }

    pub fn last_line(&self) -> String {
        self.0.last().map_or_else(String::new, |(visits, held)| line(*visits, held))
    }

    /// Within 2 % of the first window, each of them; less than one is none. Of memory one piece more: the store takes its memory in such.
    pub fn is_flat(&self) -> Result<(), String> {
        let (_, first) = self.0.first().expect("a window");
        for (visits, held) in &self.0 {
            for (what, before, now, piece) in [
                ("anonymous memory (KiB)", first.anonymous_kib, held.anonymous_kib, PIECE_KIB),
                ("mappings", first.mappings, held.mappings, 0),
                ("threads", first.threads, held.threads, 0),
                ("descriptors", first.descriptors, held.descriptors, 0),
            ] {
                if now > before + before / 50 + piece {
                    return Err(format!("{what} grew from {before} to {now} in {visits} visits"));
                }
            }
        }
        Ok(())
    }
}

fn line(visits: usize, held: &Held) -> String {
    let Held { anonymous_kib, mappings, threads, descriptors } = held;
    format!("{visits:>7} {anonymous_kib:>14} {mappings:>9} {threads:>8} {descriptors:>12}")
}

impl fmt::Display for Curve {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, " visits  anonymous KiB  mappings  threads  descriptors")?;
        self.0.iter().try_for_each(|(visits, held)| writeln!(out, "{}", line(*visits, held)))
    }
}

#[test]
fn a_curve_that_rises_is_not_flat() {
    let held = |anonymous_kib, threads| Held { anonymous_kib, mappings: 300, threads, descriptors: 20 };
    let curve = |all: &[Held]| Curve(all.iter().map(|held| (100, *held)).collect());
    assert!(curve(&[held(30_000, 9), held(30_800, 9), held(29_000, 8)]).is_flat().is_ok());
    assert!(curve(&[held(30_000, 9), held(30_900, 9)]).is_flat().is_err());
    assert!(curve(&[held(30_000, 9), held(30_000, 10)]).is_flat().is_err());
}
