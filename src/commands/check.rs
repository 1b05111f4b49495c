//! `kiosk check`: every fault of the configuration, and with `--devices` what the devices answer.

use super::{CANNOT, NO, Streams, YES, socket};
use crate::config::{Config, Fault};
use crate::store;
use serde_json::{Value, json};
use std::io;
use std::path::Path;

#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Check {
    /// Ask the devices too; nothing is charged or printed
    #[arg(long)]
    pub devices: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What one device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAnswer {
    /// `terminal`, `printer`, `scanner`, `hospital`.
    pub device: String,
    pub port: String,
    pub ok: bool,
    /// In words for a technician, with what to do if it is not ok.
    pub says: String,
}

/// The key of a store that is there is looked at as well: with another one this kiosk would not start.
///
/// # Errors
/// Its faults, beside a sound configuration.
pub fn with_key(mut config: Config, path: &Path) -> Result<Config, Vec<Fault>> {
    let place = |why: String, instead: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().position(|line| line.trim_start().starts_with("key_file")).map_or(1, |line| line + 1);
        let (file, what, instead) = (path.to_owned(), "the key of [store]".to_owned(), instead.to_owned());
        Fault { file, line, column: 1, what, why, instead }
    };
    // A kiosk that runs has opened it, with a key that need not be seen from here.
    if socket::is_running(&config.store.folder) {
        return Ok(config);
    }
    match store::key_fits(&config.store) {
        Ok(true) => Ok(config),
        Ok(false) => {
            let why = "it cannot be seen from this shell, and was not compared with the store".to_owned();
            config.warnings.push(place(why, "ask as the user and with the credentials that the kiosk runs with"));
            Ok(config)
        }
        Err(error) => Err(vec![place(error.to_string(), "the key that this store was made with")]),
    }
}

/// Answers the command. `loaded` is the outcome of `config::load(path)`; `ask` asks the devices and is called only for
/// `--devices` and a sound configuration. 2 if there is no configuration at all.
///
/// # Errors
/// The stream is closed.
pub fn run(
    args: Check,
    path: &Path,
    loaded: &Result<Config, Vec<Fault>>,
    ask: &mut dyn FnMut(&Config) -> Vec<DeviceAnswer>,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    match loaded {
        Err(faults) => tell_faults(args, path, faults, streams),
        Ok(config) => {
            let answers = if args.devices { ask(config) } else { Vec::new() };
            tell_sound(args, path, config, &answers, streams)
        }
    }
}

fn row(fault: &Fault) -> Value {
    let file = fault.file.display().to_string();
    json!({ "file": file, "line": fault.line, "column": fault.column, "what": fault.what, "why": fault.why, "instead": fault.instead })
}

fn tell_faults(args: Check, path: &Path, faults: &[Fault], streams: &mut Streams<'_>) -> io::Result<u8> {
    for fault in faults {
        if args.json {
            writeln!(streams.out, "{}", row(fault))?;
        } else {
            writeln!(streams.out, "{fault}")?;
        }
    }
    if args.json {
        writeln!(streams.out, "{}", json!({ "ok": false, "faults": faults.len() }))?;
    }
    let count = faults.len();
    let noun = if count == 1 { "fault" } else { "faults" };
    writeln!(streams.err, "{count} {noun}: mend the lines named and run `kiosk check` again.")?;
    Ok(if path.is_file() { NO } else { CANNOT })
}

fn tell_sound(
    args: Check,
    path: &Path,
    config: &Config,
    answers: &[DeviceAnswer],
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    let facility = &config.facility;
    let ok = answers.iter().all(|answer| answer.ok);
    for warning in &config.warnings {
        if args.json {
            let mut row = row(warning);
            row["warning"] = json!(true);
            writeln!(streams.out, "{row}")?;
        } else {
            writeln!(streams.err, "warning: {warning}")?;
        }
    }
    for answer in answers {
        let DeviceAnswer { device, port, ok, says } = answer;
        if args.json {
            writeln!(streams.out, "{}", json!({ "device": device, "port": port, "ok": ok, "says": says }))?;
        } else {
            let state = if *ok { "ok" } else { "NOT OK" };
            writeln!(streams.out, "{device} at {port}: {state}: {says}")?;
        }
    }
    if args.json {
        writeln!(streams.out, "{}", json!({ "ok": ok, "faults": 0 }))?;
    } else {
        let languages: Vec<&str> = facility.languages.iter().map(|language| language.code()).collect();
        let name = facility.name.get(facility.desk_language);
        let (kiosk, documents, languages) = (&facility.kiosk_prefix, facility.documents.len(), languages.join(" "));
        writeln!(streams.out, "{}: no faults", path.display())?;
        writeln!(streams.out, "{kiosk} of {name}: {documents} documents, languages {languages}")?;
    }
    Ok(if ok { YES } else { NO })
}
