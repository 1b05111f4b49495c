//! `kiosk devices` and `kiosk check --devices`: what is plugged in and what answers. Nothing here moves money or paper:
//! ESC/POS is asked first (`DLE EOT`), then every card protocol its harmless question.

use super::check::DeviceAnswer;
use super::{Answer, socket};
use crate::config::{Config, Terminal};
use crate::domain::moment::{Moment, Tick};
use crate::hospital::client::Client;
use crate::ports::Clock;
use crate::{printer, terminal};
use chrono::{FixedOffset, Utc};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
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

fn tell(line: &str, says: Option<String>, as_json: bool) -> String {
    if as_json {
        return json!({ "port": line, "answers": says.is_some(), "device": says }).to_string();
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
    found
        .extend(configured.into_iter().filter(|port| !port.is_empty() && !port.starts_with("tcp:")).map(PathBuf::from));
    found.into_iter().map(|path| path.display().to_string()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn answering(config: &Config, line: &str) -> Option<String> {
    printer::probe::probe(line, config.printer.baud).or_else(|| {
        // Only the configured line's terminal may take it for its own.
        let protocol = if config.terminal.port == line { config.terminal.protocol.clone() } else { String::new() };
        let with_id = Terminal { port: line.to_owned(), protocol, ..config.terminal.clone() };
        let found = terminal::PROTOCOLS.iter().find_map(|protocol| (protocol.probe)(&with_id, line));
        found.map(|says| says.unwrap_or_else(|why| why))
    })
}

/// The configured devices, each asked where it should be.
#[must_use]
pub fn ask(config: &Config) -> Vec<DeviceAnswer> {
    if socket::is_running(&config.store.folder) {
        return vec![answer("kiosk", "", None, RUNNING)];
    }
    vec![ask_terminal(config), ask_printer(config), ask_scanner(config), ask_hospital(config)]
}

fn ask_terminal(config: &Config) -> DeviceAnswer {
    let port = &config.terminal.port;
    let found = terminal::PROTOCOLS.iter().find(|protocol| protocol.name == config.terminal.protocol);
    let says = found.and_then(|protocol| (protocol.probe)(&config.terminal, port));
    if let Some(Err(why)) = says {
        return DeviceAnswer { device: "terminal".to_owned(), port: port.clone(), ok: false, says: why };
    }
    let says = says.and_then(Result::ok);
    answer(
        "terminal",
        port,
        says,
        "no answer: is it switched on, is this its cable, is the identifier the one it was registered with?",
    )
}

fn ask_printer(config: &Config) -> DeviceAnswer {
    let port = &config.printer.port;
    let says = match port.strip_prefix("tcp:") {
        Some(address) => reaches(address).then(|| "a printer listens there".to_owned()),
        None => printer::probe::probe(port, config.printer.baud),
    };
    answer(
        "printer",
        port,
        says,
        "no answer: is it switched on, has it paper, is the speed the one on its self-test print?",
    )
}

fn ask_scanner(config: &Config) -> DeviceAnswer {
    let port = &config.scanner.port;
    let says = Path::new(port).exists().then(|| "present; a scanner cannot be asked, hold a code before it".to_owned());
    answer("scanner", port, says, "not present: plug it in")
}

fn ask_hospital(config: &Config) -> DeviceAnswer {
    let asked = check_hospital(config);
    let ok = asked.is_ok();
    let says = asked.unwrap_or_else(|why| why);
    DeviceAnswer { device: "hospital".to_owned(), port: config.hospital.url.clone(), ok, says }
}

fn check_hospital(config: &Config) -> Result<String, String> {
    let clock = Arc::new(Standing(config.facility.offset));
    let client = Client::with_identity(&config.hospital, &config.identity, Arc::new(config.facility.clone()), clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("this machine cannot open connections: {error}"))?.block_on(client.check())
}

/// A clock for one question.
struct Standing(FixedOffset);

impl Clock for Standing {
    fn now(&self) -> Moment {
        Moment { tick: Tick(0), wall: Utc::now().with_timezone(&self.0), fresh: Uuid::new_v4() }
    }
}

fn reaches(address: &str) -> bool {
    let addresses = address.to_socket_addrs().into_iter().flatten();
    addresses.take(4).any(|address| std::net::TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok())
}

fn answer(device: &str, port: &str, says: Option<String>, otherwise: &str) -> DeviceAnswer {
    let ok = says.is_some();
    let unset = port.is_empty() && device != "kiosk";
    let says = says.unwrap_or_else(|| if unset { "none is configured".to_owned() } else { otherwise.to_owned() });
    DeviceAnswer { device: device.to_owned(), port: port.to_owned(), ok: ok || unset, says }
}
