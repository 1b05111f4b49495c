//! The product. Never contains a simulator.

use clap::{Parser, Subcommand};
use hospital_kiosk::commands::{self, CANNOT, Streams, check, quote};
use hospital_kiosk::config::{self, Known};
use hospital_kiosk::domain::language::Language;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// A self-service kiosk for hospitals
#[derive(Parser)]
#[command(name = "kiosk", version)]
struct Cli {
    /// Configuration; else `$KIOSK_CONFIG`, /etc/hospital-kiosk/kiosk.toml, config/kiosk.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every fault of the configuration, with its place and what to write instead
    Check(check::Check),
    /// What a document costs and when it is ready
    Quote(quote::QuoteArgs),
}

const KNOWN: Known<'_> = Known { languages: &[Language::Ko, Language::En], protocols: &["smartro"] };

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let mut streams = Streams { out: &mut out, err: &mut err };
    ExitCode::from(answer(cli, &mut streams).unwrap_or(CANNOT))
}

fn answer(cli: Cli, streams: &mut Streams<'_>) -> io::Result<u8> {
    let path = config::find(cli.config);
    let loaded = config::load(&path, &KNOWN);
    match (cli.command, loaded) {
        (Command::Check(args), loaded) => check::run(args, &path, &loaded, &mut |_| Vec::new(), streams),
        (Command::Quote(args), Ok(config)) => {
            quote::run(&args, &config.facility, chrono::Utc::now().fixed_offset(), streams)
        }
        (Command::Quote(_), Err(faults)) => commands::refuse_faulty(&faults, streams),
    }
}
