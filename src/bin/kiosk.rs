//! The product: the touchscreen app, and the commands a technician needs. It contains no simulator.

use clap::{Parser, Subcommand};
use hospital_kiosk::app::clock::SystemClock;
use hospital_kiosk::app::effects::Press;
use hospital_kiosk::app::screens::{self, KioskWindow};
use hospital_kiosk::app::{closed, log, press, pulse, reload, vital};
use hospital_kiosk::assembly::{self, Hooks};
use hospital_kiosk::commands::{self, Answer, CANNOT, Refusal, Streams, YES, check, quote, socket};
use hospital_kiosk::config::{self, Config};
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::money::Currency;
use hospital_kiosk::domain::session::Input;
use hospital_kiosk::ports::InForce;
use hospital_kiosk::store::{self, OnDamage};
use hospital_kiosk::wiping::Wiping;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Whatever this program knew of a patient is overwritten when it is given back.
#[global_allocator]
static MEMORY: Wiping = Wiping;

/// Self-service kiosk for hospitals: check-in, documents, card payment, receipts.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    /// The configuration; else `$KIOSK_CONFIG`, /etc/hospital-kiosk/kiosk.toml, config/kiosk.toml.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The touchscreen app.
    Run {
        /// Print `first-frame <ms since process start>` once the first picture is on the screen.
        #[arg(long)]
        first_frame: bool,
    },
    /// Every fault of the configuration, with its place and what to write instead.
    Check(check::Check),
    /// Lines present, and what answers on each. Nothing that moves money or paper is sent.
    Devices {
        #[arg(long)]
        json: bool,
    },
    /// Make this kiosk's keys, and tell what the hospital's administrator must register.
    Enroll(commands::enroll::Enroll),
    /// What a document costs and when it is ready.
    Quote(quote::QuoteArgs),
    /// Hex lines on standard input, one answer a line.
    Decode {
        /// smartro, zvt (serial blocks), zvt-apdu (without their frames) or escpos.
        #[arg(long)]
        protocol: String,
        #[arg(long)]
        json: bool,
    },
    /// Requests to the hospital: waiting, sent, parked.
    Queue {
        #[command(subcommand)]
        what: QueueCommand,
    },
    /// Today's appointments, kept for check-in without the hospital's server.
    Schedule {
        #[command(subcommand)]
        what: ScheduleCommand,
    },
    /// Who may enter the staff area of the screen.
    Staff {
        #[command(subcommand)]
        what: commands::staff::Command,
    },
    /// Whether the store is sound, or was damaged and set aside.
    Store {
        #[command(subcommand)]
        what: StoreCommand,
    },
    /// What staff did, in a chain that shows if a row was changed.
    Audit {
        #[command(subcommand)]
        what: commands::audit::Command,
    },
    /// What the payment journal knows, and what staff do about it.
    Payments {
        #[command(subcommand)]
        what: PaymentsCommand,
    },
    /// The receipt of a payment once more, marked as a duplicate.
    Reprint(ReprintArgs),
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct ReprintArgs {
    /// By its number (K3-0047), the same with its day (2026-11-25/K3-0047), or its identifier.
    #[arg(long)]
    payment: Option<String>,
    /// The last payment that was paid.
    #[arg(long)]
    last: bool,
}

#[derive(Subcommand)]
enum QueueCommand {
    List {
        #[arg(long)]
        json: bool,
        /// Only how many wait and since when, the last success, and what is parked.
        #[arg(long)]
        summary: bool,
    },
    Show {
        id: Uuid,
        #[arg(long)]
        json: bool,
    },
    /// Send a parked request again after its fault was mended.
    Retry {
        id: Uuid,
        #[arg(long)]
        json: bool,
    },
    /// End a parked request that people entered at the hospital by hand: it is never sent again, what it held of the
    /// patient is erased, and a card payment of it counts as told to the hospital.
    Close {
        id: Uuid,
        /// How it is known that the hospital has it; kept in the list and in the audit trail. No patient's name, number or
        /// birth date, please.
        #[arg(long)]
        evidence: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum ScheduleCommand {
    /// Erase today's appointments from this kiosk; a running kiosk fetches them again when it next asks.
    Wipe {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum StoreCommand {
    /// What came over from a damaged store: 0 it is sound, 1 it was damaged and payments are closed.
    Show {
        #[arg(long)]
        json: bool,
    },
    /// It was read of, and the payments were looked at: payments are open again.
    Acknowledge,
}

#[derive(Subcommand)]
enum PaymentsCommand {
    List {
        #[arg(long)]
        json: bool,
    },
    /// By its number (K3-0047), the same with its day (2026-11-25/K3-0047), or its identifier.
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Ask the terminal once more what became of a payment that needs staff.
    Ask {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Write down what people found out about a payment that needs staff.
    Settle {
        id: String,
        #[arg(long = "as", value_enum)]
        outcome: Outcome,
        /// How it was found out; kept in the journal.
        #[arg(long)]
        evidence: String,
        #[arg(long)]
        json: bool,
    },
    /// Close the terminal's day and compare what it booked with the journal: 0 they agree, 1 they differ, 2 there are no
    /// totals.
    Totals {
        #[arg(long)]
        json: bool,
    },
    /// Give the money of a payment back: of today, or of an earlier day with the card.
    Cancel {
        id: String,
        /// The card is presented again.
        #[arg(long)]
        with_card: bool,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Outcome {
    Paid,
    NotPaid,
}

fn main() -> ExitCode {
    let started = Instant::now();
    let cli = Cli::parse();
    let path = config::find(cli.config);
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut streams = Streams { out: &mut out, err: &mut err };
    // Most commands open the store, and what they print is from it.
    if let Err(why) = no_core_dumps() {
        return ExitCode::from(tell(Err(commands::usage(why)), &mut streams).unwrap_or(CANNOT));
    }
    let exit = match cli.command {
        Command::Run { first_frame } => tell(run(&path, first_frame.then_some(started)), &mut streams),
        Command::Check(args) => {
            let loaded = assembly::load_config(&path).and_then(|config| check::with_key(config, &path));
            check::run(args, &path, &loaded, &mut commands::devices::ask, &mut streams)
        }
        Command::Quote(args) => match assembly::load_config(&path) {
            Ok(config) => {
                quote::run(&args, &config.facility, config.facility.zone.at(&chrono::Utc::now()), &mut streams)
            }
            Err(faults) => commands::refuse_faulty(&faults, &mut streams),
        },
        Command::Decode { protocol, json } => commands::decode::run(&protocol, json, io::stdin().lock(), &mut streams),
        Command::Devices { json } => {
            tell(load(&path).and_then(|config| commands::devices::list(&config, json)), &mut streams)
        }
        Command::Enroll(args) => {
            tell(load(&path).and_then(|config| commands::enroll::run(&config, args)), &mut streams)
        }
        Command::Queue { what } => tell(ask_store(&path, &queue_request(what)), &mut streams),
        Command::Schedule { what: ScheduleCommand::Wipe { json } } => {
            tell(ask_store(&path, &socket::Request::ScheduleWipe { json }), &mut streams)
        }
        Command::Staff { what } => {
            let request = commands::staff::request(what, &mut io::stdin().lock(), streams.err);
            tell(request.and_then(|request| ask_store(&path, &request)), &mut streams)
        }
        Command::Store { what } => {
            let request = match what {
                StoreCommand::Show { json } => socket::Request::StoreShow { json },
                StoreCommand::Acknowledge => socket::Request::StoreAcknowledge,
            };
            tell(ask_store(&path, &request), &mut streams)
        }
        Command::Audit { what } => tell(audit(&path, what), &mut streams),
        Command::Payments { what } => {
            let ask = |config: Config| ask_store_of(&config, &payments_request(what, &config.facility.currency));
            tell(load(&path).and_then(ask), &mut streams)
        }
        Command::Reprint(ReprintArgs { payment, last }) => {
            let id = payment.filter(|_| !last);
            tell(ask_store(&path, &socket::Request::Reprint { id }), &mut streams)
        }
    };
    // A closed pipe (`| head`) ends the command; there is nobody left to tell.
    ExitCode::from(exit.unwrap_or(CANNOT))
}

fn tell(answer: Answer, streams: &mut Streams<'_>) -> io::Result<u8> {
    match answer {
        Ok(lines) => lines.iter().try_for_each(|line| writeln!(streams.out, "{line}")).map(|()| YES),
        Err(Refusal { exit, why, lines }) => {
            lines.iter().try_for_each(|line| writeln!(streams.out, "{line}"))?;
            writeln!(streams.err, "{why}").map(|()| exit)
        }
    }
}

fn queue_request(what: QueueCommand) -> socket::Request {
    match what {
        QueueCommand::List { json, summary: true } => socket::Request::QueueSummary { json },
        QueueCommand::List { json, summary: false } => socket::Request::QueueList { json },
        QueueCommand::Show { id, json } => socket::Request::QueueShow { id, json },
        QueueCommand::Retry { id, json } => socket::Request::QueueRetry { id, json },
        QueueCommand::Close { id, evidence, json } => socket::Request::QueueClose { id, evidence, json },
    }
}

fn payments_request(what: PaymentsCommand, currency: &Currency) -> socket::Request {
    match what {
        PaymentsCommand::List { json } => socket::Request::PaymentsList { json },
        PaymentsCommand::Show { id, json } => socket::Request::PaymentsShow { id, json },
        PaymentsCommand::Ask { id, json } => socket::Request::PaymentsAsk { id, json },
        PaymentsCommand::Settle { id, outcome, evidence, json } => {
            socket::Request::PaymentsSettle { id, paid: outcome == Outcome::Paid, evidence, json }
        }
        PaymentsCommand::Totals { json } => socket::Request::PaymentsTotals { json, currency: currency.clone() },
        PaymentsCommand::Cancel { id, with_card, json } => socket::Request::PaymentsCancel { id, with_card, json },
    }
}

/// A long trail is asked for in parts: the store is opened once.
fn audit(path: &std::path::Path, what: commands::audit::Command) -> Answer {
    let config = load(path)?;
    let hospital = || commands::devices::heads_at_hospital(&config);
    if socket::is_running(&config.store.folder) {
        return commands::audit::run(what, &|request| ask_store_of(&config, request), hospital);
    }
    let store = open_store(&config)?;
    commands::audit::run(what, &|request| socket::answer(&store, request), hospital)
}

fn ask_store(path: &std::path::Path, request: &socket::Request) -> Answer {
    ask_store_of(&load(path)?, request)
}

/// The running kiosk answers over its socket; with none running the store is opened here, and for staff's orders all
/// of a kiosk but its window.
fn ask_store_of(config: &Config, request: &socket::Request) -> Answer {
    if let Some(answer) = socket::ask(&config.store.folder, request) {
        return answer;
    }
    if request.needs_desk() {
        return without_window(config, request);
    }
    socket::answer(&open_store(config)?, request)
}

fn open_store(config: &Config) -> Result<store::SqliteStore, Refusal> {
    let opened = store::open(&config.store, OnDamage::Refuse).map_err(commands::usage)?;
    opened.store.keep_time_of(config.facility.clone().into());
    Ok(opened.store)
}

/// How long a kiosk that was started for one order may take to reach its terminal.
const STARTING: Duration = Duration::from_secs(30);

fn without_window(config: &Config, request: &socket::Request) -> Answer {
    let facility = InForce::from(config.facility.clone());
    let hooks = Hooks {
        clock: Arc::new(SystemClock::of(facility.clone())),
        show: Arc::new(|_, _| {}),
        wipe: Arc::new(|| {}),
        set_clock: Arc::new(|_| {}),
        press: press_of(config),
        finished: Arc::new(|_| {}),
        recorded: Arc::new(|_| {}),
        delivered: Arc::new(|_| {}),
    };
    let running = assembly::start(config, &facility, assembly::prepare(), hooks, OnDamage::Refuse)
        .map_err(|error| commands::usage(format!("{error:#}")))?;
    let answer = socket::answer_at_work(&*running.store, &running.desk, request, STARTING);
    running.runtime.shutdown_timeout(Duration::from_secs(2));
    answer
}

fn press_of(config: &Config) -> Press {
    let width_dots = config.printer.width_dots;
    Arc::new(move |paper, facility| press::press(paper, facility, width_dots))
}

fn load(path: &std::path::Path) -> Result<Config, Refusal> {
    assembly::load_config(path).map_err(|faults| {
        let lines = faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        commands::usage(format!("{}\n`kiosk check` shows the same list", lines.join("\n")))
    })
}

fn run(path: &std::path::Path, first_frame: Option<Instant>) -> Answer {
    one_pixel_is_one_pixel();
    let _log = log::to_stderr();
    vital::end_with_any_part();
    screens::fonts_installed().map_err(commands::usage)?;
    let config = match load(path) {
        Ok(config) => config,
        Err(refusal) => {
            let (display, facility) = assembly::config_to_show(path);
            return out_of_service(path, &display, facility, refusal);
        }
    };
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let Err(error) = run_window(path, &config, first_frame) else { return Ok(Vec::new()) };
    let refusal = commands::usage(format!("{error:#}"));
    // Beside a kiosk at work, or where there is no display, there is nobody to show it to.
    if !error.is::<CannotStart>() || socket::is_running(&config.store.folder) {
        return Err(refusal);
    }
    out_of_service(path, &config.display, config.facility, refusal)
}

/// There is a display to show it on.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct CannotStart(anyhow::Error);

/// Nobody must find a black screen. Without a display the refusal is all there is.
fn out_of_service(path: &std::path::Path, display: &config::Display, facility: Facility, refusal: Refusal) -> Answer {
    tracing::error!("{}", refusal.why);
    let path = path.to_owned();
    let error = closed::until_it_can_start(display, facility, &refusal.why, move || assembly::can_start(&path));
    tracing::error!("it cannot be shown: {error:#}");
    Err(refusal)
}

/// Keys and patients are in this memory: no core file, no crash handler, no debugger of another user gets a copy. The limit
/// alone would not do: a handler in `core_pattern` is started in spite of it (core(5)).
fn no_core_dumps() -> Result<(), String> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
    let cannot = |error: rustix::io::Errno| format!("core dumps cannot be turned off: {error}");
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A supervisor that set the limit may forbid to set it again.
    if getrlimit(Resource::Core) != none {
        setrlimit(Resource::Core, none).map_err(cannot)?;
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(cannot)
}

/// Sizes are millimetres of the configured screen: no desktop's guess at a scale may come between.
#[expect(unsafe_code, reason = "setting a variable is sound while there is one thread, and this is before the first")]
fn one_pixel_is_one_pixel() {
    if std::env::var_os("SLINT_SCALE_FACTOR").is_none() {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::set_var("SLINT_SCALE_FACTOR", "1") };
    }
}

fn run_window(path: &std::path::Path, config: &Config, first_frame: Option<Instant>) -> anyhow::Result<()> {
    let prepared = assembly::prepare();
    let taps = prepared.desk.clone();
    let facility = InForce::from(config.facility.clone());
    let window = KioskWindow::new(&config.display, facility.clone(), move |tap| taps.send(Input::Tapped(tap)))?;
    if let Some(started) = first_frame {
        window.on_first_frame(move || println!("first-frame {}", started.elapsed().as_millis()));
    }
    let (handle, blank, minutes) = (window.handle(), window.handle(), window.handle());
    let hooks = Hooks {
        clock: Arc::new(SystemClock::of(facility.clone())),
        show: Arc::new(move |view, wall| handle.show(view, wall)),
        wipe: Arc::new(move || blank.wipe()),
        set_clock: Arc::new(move |wall| minutes.set_clock(wall)),
        press: press_of(config),
        finished: Arc::new(|_| {}),
        recorded: Arc::new(|_| {}),
        delivered: Arc::new(|request| tracing::info!(%request, "delivered")),
    };
    let running = assembly::start(config, &facility, prepared, hooks, OnDamage::SetAside).map_err(CannotStart)?;
    let _socket = socket::serve(
        &config.store.folder,
        running.store.clone(),
        Arc::new(running.desk.clone()),
        running.outbox.clone(),
    );
    let path = path.to_owned();
    reload::on_hangup(move || assembly::load_config(&path), running.desk.clone(), running.runtime.handle())?;
    let pulse = window.handle();
    pulse::start(running.desk.clone(), move |within| pulse.draws(within));
    window.run()?;
    // Nothing here ends it: somebody took the window away, and a process without one must not stay.
    running.runtime.shutdown_background();
    anyhow::bail!("the window is gone")
}
