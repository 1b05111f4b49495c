//! The same kiosk on simulated devices: in a window with a panel beside it, or headless with scripted patients.

use anyhow::{Context, bail};
use chrono::{DateTime, FixedOffset};
use clap::{Args, Parser, Subcommand};
use hospital_kiosk::app::{log, screens};
use hospital_kiosk::assembly;
use hospital_kiosk::config::{self, Config};
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::screen::Modes;
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::rehearsal::{child, gallery, hospital, panel, people, play, script, scripts, stage};
use hospital_kiosk::wiping::Wiping;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// As the kiosk's: what is measured here of its memory is true of it too.
#[global_allocator]
static MEMORY: Wiping = Wiping;

/// The hospital kiosk on simulated devices. Nothing here can move real money.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    play: Play,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Play {
    /// Play without a window even where there is a display.
    #[arg(long)]
    headless: bool,
    /// Play this script instead of the built-in patients.
    #[arg(long)]
    script: Option<PathBuf>,
    /// Where summary.json, screens, receipts and bundles go.
    #[arg(long, default_value = "demo-out")]
    out: PathBuf,
    /// Somebody else's FHIR R4 server instead of the demo's own.
    #[arg(long)]
    hospital: Option<String>,
    /// Put the demo's patients on that server even if it holds others.
    #[arg(long, requires = "hospital")]
    seed_into: bool,
    /// Seed of everything the simulated devices decide by chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Screen size in pixels.
    #[arg(long, default_value = "1080x1920", value_parser = size)]
    size: (u32, u32),
    /// Keep the kiosk's data in this folder; else it is thrown away.
    #[arg(long)]
    keep_data: Option<PathBuf>,
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Draws every screen in every state.
    Screens {
        #[arg(long)]
        out: PathBuf,
        /// `all` or a code such as `ko`.
        #[arg(long, default_value = "all")]
        language: String,
        /// normal, large, contrast, low-reach or all.
        #[arg(long, default_value = "normal")]
        mode: String,
        #[arg(long, default_value = "1080x1920", value_parser = size)]
        size: (u32, u32),
    },
    /// The kiosk itself, started by the stage.
    #[command(hide = true)]
    KioskChild {
        #[arg(long)]
        config: PathBuf,
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        hospital: String,
        #[arg(long)]
        at: DateTime<FixedOffset>,
        #[arg(long, value_parser = size)]
        size: (u32, u32),
        #[arg(long)]
        window: bool,
        #[arg(long)]
        schedule_refresh_s: Option<u64>,
        /// Which simulated card terminal stands there.
        #[arg(long, default_value = "smartro")]
        protocol: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => run_stage(&cli.play),
        Some(Command::Screens { out, language, mode, size }) => {
            draw_screens(&out, &language, &mode, size).map(|()| true)
        }
        Some(Command::KioskChild { config, data, hospital, at, size, window, schedule_refresh_s, protocol }) => {
            let _log = log::to_stderr();
            demo_config(&config, &data, &hospital, size)
                .and_then(|mut config| {
                    config.terminal.protocol = protocol;
                    let hospital = &mut config.hospital;
                    hospital.schedule_refresh_s = schedule_refresh_s.unwrap_or(hospital.schedule_refresh_s);
                    child::run(&config, at, window)
                })
                .map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run_stage(asked: &Play) -> anyhow::Result<bool> {
    let display = std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty());
    let window = display && !asked.headless && asked.script.is_none();
    let config_path = config::find(asked.config.clone());
    let config = load(&config_path)?;
    let wall = demo_wall(&config.facility.zone);
    if let Some(url) = &asked.hospital {
        println!(
            "Putting the demo's own patients and appointments on {url}, one by one (conditionally, under the demo's \
             identifier system)."
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seeded = runtime
            .block_on(hospital::seed_into(url, wall.date_naive(), asked.seed_into))
            .map_err(anyhow::Error::msg)?;
        println!("{} created, {} were there.", seeded.created, seeded.found);
        if seeded.only_looked_for {
            println!(
                "This server creates nothing conditionally: each was looked for first. Two demos started there at the \
                 same moment would make two sets."
            );
        }
    }
    let keeper = tempfile_folder()?;
    let data = asked.keep_data.clone().unwrap_or_else(|| keeper.path.clone());
    let setting = stage::Setting {
        program: std::env::current_exe()?,
        out: asked.out.clone(),
        data,
        config: config_path,
        seed: asked.seed,
        size: asked.size,
        window,
        hospital_url: asked.hospital.clone(),
        schedule_refresh_s: None,
        protocol: stage::Protocol::Smartro,
        wall,
        patience: play::PATIENCE,
    };
    if window {
        return panel::run(setting).map(|()| true);
    }
    play_headless(setting, asked.script.as_deref())
}

fn play_headless(setting: stage::Setting, script: Option<&Path>) -> anyhow::Result<bool> {
    let scripts = match script {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            vec![(path.display().to_string(), text)]
        }
        None => scripts::BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    };
    let mut parsed = Vec::new();
    for (name, text) in scripts {
        match script::parse(&text) {
            Ok(lines) => parsed.push((name, lines)),
            Err(faults) => bail!("{name}:\n  {}", faults.join("\n  ")),
        }
    }
    let out = setting.out.clone();
    let mut stage = stage::Stage::open(setting)?;
    let mut failures = Vec::new();
    for (name, lines) in parsed {
        match play::play(&mut stage, &lines) {
            Ok(()) => println!("ok    {name}"),
            Err(error) => {
                println!("FAIL  {name}: {error:#}");
                failures.push(format!("{name}: {error:#}"));
                break;
            }
        }
    }
    let summary = play::sum_up(&mut stage, failures)?;
    println!(
        "{} journeys, {} papers, {} bundles, {} screens; see {}",
        summary.journeys.len(),
        summary.receipts.len(),
        summary.bundles.len(),
        summary.screens.len(),
        out.join("summary.json").display()
    );
    Ok(summary.failures.is_empty())
}

fn draw_screens(out: &Path, language: &str, mode: &str, size: (u32, u32)) -> anyhow::Result<()> {
    let languages = match language {
        "all" => screens::COMPLETE_LANGUAGES.to_vec(),
        code => {
            vec![Language::from_code(code).with_context(|| format!("`{code}` is not a language; use ko, en or all"))?]
        }
    };
    let written = gallery::render(out, &languages, &modes(mode)?, size, DIAGONAL_INCH).map_err(anyhow::Error::msg)?;
    println!("{} screens in {}", written.len(), out.display());
    Ok(())
}

/// Of the panel that the sizes of `design/look.md` are given for.
const DIAGONAL_INCH: f32 = 24.0;

fn modes(word: &str) -> anyhow::Result<Vec<(&'static str, Modes)>> {
    let plain = Modes::default();
    let all = [
        ("normal", plain),
        ("large", Modes { large: true, ..plain }),
        ("contrast", Modes { contrast: true, ..plain }),
        ("low-reach", Modes { low_reach: true, ..plain }),
    ];
    let chosen = all.into_iter().filter(|(name, _)| word == "all" || word == *name).collect::<Vec<_>>();
    if chosen.is_empty() {
        bail!("`{word}` is not a mode; use normal, large, contrast, low-reach or all");
    }
    Ok(chosen)
}

fn load(path: &Path) -> anyhow::Result<Config> {
    assembly::load_config(path).map_err(|faults| {
        let lines = faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        anyhow::anyhow!("the configuration has faults:\n  {}", lines.join("\n  "))
    })
}

/// The configuration with every device at our end of a pty, the hospital where the stage says, and data in `data`.
fn demo_config(path: &Path, data: &Path, hospital: &str, size: (u32, u32)) -> anyhow::Result<Config> {
    let mut config = load(path)?;
    let line = |name: &str| data.join("lines").join(name).display().to_string();
    config.terminal.port = line("terminal");
    config.printer.port = line("printer");
    config.scanner.port = line("scanner");
    hospital.clone_into(&mut config.hospital.url);
    people::use_systems(&mut config.hospital);
    config.hospital.retry_base_ms = 300;
    config.hospital.retry_cap_ms = 2_000;
    config.hospital.network_return_wait_ms = 300;
    config.store.folder = data.join("store");
    config.store.key_file = data.join("key").join("store.key");
    (config.display.width_px, config.display.height_px) = size;
    config.display.fullscreen = false;
    Ok(config)
}

/// The demo's day: the next Wednesday at 10:00 hospital time (today, if it is one), so that it works on a Sunday night.
fn demo_wall(zone: &Zone) -> DateTime<FixedOffset> {
    use chrono::{Datelike, Days, NaiveTime, Utc, Weekday};
    let today = zone.at(&Utc::now()).date_naive();
    let ahead = (7 + Weekday::Wed.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7;
    let day = today.checked_add_days(Days::new(ahead.into())).unwrap_or(today);
    let ten = NaiveTime::from_hms_opt(10, 0, 0).unwrap_or_default();
    zone.first(day.and_time(ten))
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let (width, height) = text.split_once('x').ok_or("write WIDTHxHEIGHT, as in 1080x1920")?;
    let parse = |text: &str| text.parse().ok().filter(|pixels| (400..=8000).contains(pixels));
    parse(width).zip(parse(height)).ok_or_else(|| "write WIDTHxHEIGHT, each 400 to 8000 pixels".to_owned())
}

/// A folder of this run, gone at the end.
struct Scratch {
    path: PathBuf,
}

fn tempfile_folder() -> anyhow::Result<Scratch> {
    let path = std::env::temp_dir().join(format!("kiosk-demo-{}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    Ok(Scratch { path })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
