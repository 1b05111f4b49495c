//! `kiosk devices` and `kiosk check --devices`: what is plugged in and what answers. Nothing here moves money or paper. A
//! configured line is opened and asked as the running kiosk would; an unknown one by ESC/POS first (`DLE EOT`), then by
//! every card protocol's harmless question.

mod trouble;

use super::check::DeviceAnswer;
use super::{Answer, socket};
use crate::config::{Config, Printer, Terminal};
use crate::domain::moment::{Moment, Tick};
use crate::domain::printer::PrinterState;
use crate::domain::trail::Anchor;
use crate::domain::zone::Zone;
use crate::hospital::client::Client;
use crate::ports::{Believed, Clock};
use crate::{printer, scanner, terminal};
use chrono::{NaiveDateTime, Utc};
use serde_json::json;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

const RUNNING: &str = "the running kiosk has the devices; stop it first (`systemctl stop hospital-kiosk`)";

/// Every line present and every line configured, with what answers on it.
///
/// # Errors
/// A kiosk runs here and holds the devices.
pub fn list(config: &Config, as_json: bool) -> Answer {
    if socket::is_running(&config.store.folder) {
        return Err(super::usage(RUNNING));
    }
    let lines = candidates(config);
    if lines.is_empty() && !as_json {
        return Ok(vec!["no serial line is present; plug a device in, then look again".to_owned()]);
    }
    Ok(lines.iter().map(|line| tell(line, answering(config, line), as_json)).collect())
}

fn tell(line: &str, says: io::Result<Option<String>>, as_json: bool) -> String {
    let answers = matches!(says, Ok(Some(_)));
    let says = says.unwrap_or_else(|error| Some(trouble::why(line, &error)));
    if as_json {
        return json!({ "port": line, "answers": answers, "device": says }).to_string();
    }
    format!("{line}  {}", says.unwrap_or_else(|| "nothing that is known answers".to_owned()))
}

fn candidates(config: &Config) -> Vec<String> {
    let mut found = BTreeSet::new();
    for folder in ["/dev/serial/by-id", "/dev/usb"] {
        found.extend(entries(Path::new(folder)));
    }
    let named = |name: &str| ["ttyUSB", "ttyACM"].iter().any(|start| name.starts_with(start));
    let linked = found.iter().filter_map(|path| path.canonicalize().ok()).collect::<BTreeSet<_>>();
    found.extend(
        entries(Path::new("/dev")).into_iter().filter(|path| {
            path.file_name().is_some_and(|name| named(&name.to_string_lossy())) && !linked.contains(path)
        }),
    );
    let configured = [&config.terminal.port, &config.printer.port, &config.scanner.port];
    found.extend(configured.into_iter().filter(|port| !port.is_empty()).map(PathBuf::from));
    found.into_iter().map(|path| path.display().to_string()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// A configured line is asked as what it is configured as: another's bytes may do harm there.
fn answering(config: &Config, line: &str) -> io::Result<Option<String>> {
    if is_same(&config.scanner.port, line) {
        let opened = scanner::open(&crate::config::Scanner { port: line.to_owned(), ..config.scanner.clone() });
        return opened.map(|_| Some("the code reader that is configured; it cannot be asked".to_owned()));
    }
    let ours = is_same(&config.terminal.port, line);
    // Only the configured line's terminal may take it for its own.
    let protocol = if ours { config.terminal.protocol.clone() } else { String::new() };
    let terminal = Terminal { port: line.to_owned(), protocol, ..config.terminal.clone() };
    let paper = Printer { port: line.to_owned(), ..config.printer.clone() };
    if !ours && let Some(found) = printer::probe::probe(&paper)? {
        return Ok(Some(printer_words(found).unwrap_or_else(|why| why)));
    }
    if is_same(&config.printer.port, line) {
        return Ok(None);
    }
    // The configured terminal is asked as that and as nothing else, answer or not: it takes another's bytes for a broken
    // message.
    let own =
        |protocol: &&terminal::Protocol| !ours || terminal.protocol.is_empty() || protocol.name == terminal.protocol;
    for protocol in terminal::PROTOCOLS.iter().filter(own) {
        if let Some(says) = (protocol.probe)(&terminal, line, now(config))? {
            return Ok(Some(says.unwrap_or_else(|why| why)));
        }
    }
    Ok(None)
}

/// On the hospital's wall, where the terminal's clock is compared with it.
fn now(config: &Config) -> NaiveDateTime {
    config.facility.zone.at(&Utc::now()).naive_local()
}

/// One device may have several names.
fn is_same(configured: &str, line: &str) -> bool {
    let real = |path: &str| Path::new(path).canonicalize().ok();
    !configured.is_empty() && (configured == line || real(configured).is_some_and(|path| Some(path) == real(line)))
}

/// The configured devices, each asked where it should be.
#[must_use]
pub fn ask(config: &Config) -> Vec<DeviceAnswer> {
    if socket::is_running(&config.store.folder) {
        return vec![told("kiosk", "", Err(RUNNING.to_owned()))];
    }
    vec![ask_terminal(config), ask_printer(config), ask_scanner(config), ask_hospital(config)]
}

fn ask_terminal(config: &Config) -> DeviceAnswer {
    let port = &config.terminal.port;
    let found = terminal::PROTOCOLS.iter().find(|protocol| protocol.name == config.terminal.protocol);
    let Some(protocol) = found.filter(|_| !port.is_empty()) else { return none("terminal", port) };
    let says = match (protocol.probe)(&config.terminal, port, now(config)) {
        Ok(Some(says)) => says,
        Ok(None) => {
            Err("no answer: is it switched on, is this its cable, is the identifier the one it was registered with?"
                .to_owned())
        }
        Err(error) => Err(trouble::why(port, &error)),
    };
    told("terminal", port, says)
}

fn ask_printer(config: &Config) -> DeviceAnswer {
    let port = &config.printer.port;
    if port.is_empty() {
        return none("printer", port);
    }
    let says = match printer::probe::probe(&config.printer) {
        Ok(Some(found)) => printer_words(found),
        Ok(None) => Err(
            "no answer: is it switched on, has it paper, is the speed the one on its self-test print, does it tell its state?"
                .to_owned(),
        ),
        Err(error) => Err(trouble::why(port, &error)),
    };
    told("printer", port, says)
}

/// `Err` if the kiosk would not print there now.
fn printer_words(found: printer::probe::Found) -> Result<String, String> {
    let name = "ESC/POS printer";
    match found.state {
        PrinterState::Online | PrinterState::PaperLow if !found.proves => Err(format!(
            "{name}, but it does not say when a paper has come out (`GS r 1`): no receipt would count as printed"
        )),
        PrinterState::Online => Ok(name.to_owned()),
        PrinterState::PaperLow => Ok(format!("{name}; its paper will soon be used up")),
        PrinterState::PaperOut => Err(format!("{name}, but it has no paper: put a roll in")),
        PrinterState::CoverOpen => Err(format!("{name}, but its cover is open: close it")),
        PrinterState::Offline => {
            Err(format!("{name}, but it reports an error: switch it off and on, look for jammed paper"))
        }
    }
}

fn ask_scanner(config: &Config) -> DeviceAnswer {
    let port = &config.scanner.port;
    if port.is_empty() {
        return none("scanner", port);
    }
    let opened = scanner::open(&config.scanner).map_err(|error| trouble::why(port, &error));
    told("scanner", port, opened.map(|_| "present; a scanner cannot be asked, hold a code before it".to_owned()))
}

fn ask_hospital(config: &Config) -> DeviceAnswer {
    let asked = check_hospital(config);
    let ok = asked.is_ok();
    let says = asked.unwrap_or_else(|why| why);
    DeviceAnswer { device: "hospital".to_owned(), port: config.hospital.url.clone(), ok, says }
}

fn check_hospital(config: &Config) -> Result<String, String> {
    at_hospital(config, async |client| client.check().await)
}

/// What the hospital's server was given of the trail.
///
/// # Errors
/// Why that is not known, in words.
pub fn heads_at_hospital(config: &Config) -> Result<Vec<Anchor>, String> {
    at_hospital(config, async |client| client.heads_left().await)
}

fn at_hospital<T>(config: &Config, ask: impl AsyncFnOnce(&Client) -> Result<T, String>) -> Result<T, String> {
    let clock = Arc::new(Believed(Standing(config.facility.zone.clone())));
    let client = Client::with_identity(&config.hospital, &config.identity, Arc::new(config.facility.clone()), clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("this machine cannot open connections: {error}"))?.block_on(ask(&client))
}

/// A clock for one question.
struct Standing(Zone);

impl Clock for Standing {
    fn now(&self) -> Moment {
        Moment { tick: Tick(0), wall: self.0.at(&Utc::now()), fresh: Uuid::new_v4() }
    }
}

fn none(device: &str, port: &str) -> DeviceAnswer {
    told(device, port, Ok("none is configured".to_owned()))
}

/// With what spoils even a line that answers.
fn told(device: &str, port: &str, says: Result<String, String>) -> DeviceAnswer {
    let ok = says.is_ok();
    let says = says.unwrap_or_else(|why| why);
    let caution = trouble::caution(port).filter(|_| ok);
    let says = caution.map_or_else(|| says.clone(), |caution| format!("{says}; but {caution}"));
    DeviceAnswer { device: device.to_owned(), port: port.to_owned(), ok, says }
}
