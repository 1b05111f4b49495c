//! Seeded simulation of whole kiosk days, and an oracle that checks the four promises about money after each.

use clap::{Parser, ValueEnum};
use hospital_kiosk::rehearsal::days::faults::Allowed;
use hospital_kiosk::rehearsal::days::report::Sum;
use hospital_kiosk::rehearsal::days::shelf::Kind;
use hospital_kiosk::rehearsal::days::trace::To;
use hospital_kiosk::rehearsal::days::{DayReport, Protocol, Setting, play};
use std::process::ExitCode;
use std::time::Instant;

/// Rehearse kiosk days: the same seed gives the same day, step by step. Exit status 1 at the first broken promise.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Days from A up to but not B.
    #[arg(long, value_parser = seeds, value_name = "A..B")]
    seeds: Seeds,
    /// Names with commas between; also all, none, personalities, refunds; -NAME takes one away.
    #[arg(long, default_value = "all", value_parser = Allowed::parse)]
    faults: Allowed,
    #[arg(long, value_enum, default_value = "memory")]
    store: StoreKind,
    /// Which terminal stands there: smartro, zvt, or all of these in turn; or zvt-network.
    #[arg(long, default_value = "all")]
    protocol: String,
    /// One JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Every step of every day.
    #[arg(long)]
    trace: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum StoreKind {
    Memory,
    Sqlite,
}

#[derive(Clone, Copy)]
struct Seeds {
    from: u64,
    to: u64,
}

fn seeds(text: &str) -> Result<Seeds, String> {
    let parsed = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parsed {
        Some((from, to)) if from < to => Ok(Seeds { from, to }),
        Some(_) | None => Err("write A..B with A smaller than B, such as 1..100".to_owned()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match rehearse(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("rehearse: {error}");
            ExitCode::from(2)
        }
    }
}

/// `false` at the first broken promise.
fn rehearse(cli: &Cli) -> Result<bool, String> {
    let protocols = protocols(&cli.protocol)?;
    let kind = match cli.store {
        StoreKind::Memory => Kind::Memory,
        StoreKind::Sqlite => Kind::Sqlite,
    };
    let trace = if cli.trace { To::Stdout } else { To::Nowhere };
    let started = Instant::now();
    let mut sum = Sum::default();
    let mut kept = true;
    for seed in cli.seeds.from..cli.seeds.to {
        let protocol = turn_of(seed, &protocols);
        let setting =
            Setting { faults: cli.faults.clone(), store: kind, protocol, trace, payments: None, cut_after: None };
        let day = play(seed, &setting).map_err(|error| format!("seed {seed}: {error}"))?;
        sum.add(&day);
        if !day.broken.is_empty() {
            say_broken(seed, protocol, &cli.faults, &day);
            kept = false;
            break;
        }
    }
    say(cli, &sum, rate(sum.payments, started));
    Ok(kept)
}

fn protocols(word: &str) -> Result<Vec<Protocol>, String> {
    let known = || Protocol::KNOWN.iter().map(|protocol| protocol.word()).collect::<Vec<_>>().join(" or ");
    match Protocol::KNOWN.iter().find(|protocol| protocol.word() == word) {
        Some(protocol) => Ok(vec![*protocol]),
        None if word == "all" => Ok(Protocol::ALL.to_vec()),
        None => Err(format!("--protocol {word} is unknown: write all, {}", known())),
    }
}

/// The seed decides, so that it names one exact day.
fn turn_of(seed: u64, protocols: &[Protocol]) -> Protocol {
    let count = u64::try_from(protocols.len()).unwrap_or(1);
    protocols[usize::try_from(seed % count).unwrap_or(0)]
}

fn say_broken(seed: u64, protocol: Protocol, faults: &Allowed, day: &DayReport) {
    for broken in &day.broken {
        println!("seed {seed} ({}): {} is broken: {}", protocol.word(), broken.promise.word(), broken.what);
    }
    let faults = if *faults == Allowed::all() { String::new() } else { format!(" --faults {}", faults.words()) };
    println!("replay: rehearse --seeds {seed}..{} --protocol {}{faults} --trace", seed + 1, protocol.word());
}

fn rate(payments: u64, started: Instant) -> u64 {
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    payments.saturating_mul(1_000) / ms
}

fn say(cli: &Cli, sum: &Sum, rate: u64) {
    if cli.json {
        println!("{}", sum.json((!cli.trace).then_some(rate)));
    } else {
        println!("{}", sum.words(rate));
    }
}
