//! The configuration: one file and one struct per section, each key commented in `config/kiosk.toml`; the hospital
//! itself (documents, fees, hours, desks, texts) is a folder of its own files. Whatever is wrong is told all at once.

mod display;
mod facility;
mod fault;
mod hospital;
mod identity;
mod line;
mod near;
mod printer;
mod read;
mod scanner;
mod store;
mod terminal;
mod texts;
mod watch;

pub use display::Display;
pub use fault::Fault;
pub use hospital::Hospital;
pub use identity::Identity;
pub use printer::Printer;
pub use scanner::Scanner;
pub use store::Store;
pub use terminal::Terminal;
pub use watch::Watch;

use crate::domain::facility::Facility;
use crate::domain::language::Language;
use fault::Faults;
use read::{Or, Section};
use std::path::{Path, PathBuf};

/// Everything a kiosk needs to know before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub facility: Facility,
    pub display: Display,
    pub terminal: Terminal,
    pub printer: Printer,
    pub scanner: Scanner,
    pub hospital: Hospital,
    pub identity: Identity,
    pub store: Store,
    pub watch: Watch,
    /// Keys that are read still and were replaced by others.
    pub warnings: Vec<Fault>,
}

/// What this program was built with, which a configuration can only choose from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Languages whose catalogue in `ui/lang` is complete.
    pub languages: &'a [Language],
    /// Names of the card terminal protocols.
    pub protocols: &'a [&'a str],
}

/// Where the configuration is: `cli`, else `$KIOSK_CONFIG`, else `/etc/hospital-kiosk/kiosk.toml` if it is there,
/// else `config/kiosk.toml` of the working directory.
#[must_use]
pub fn find(cli: Option<PathBuf>) -> PathBuf {
    let named = cli.or_else(|| std::env::var_os("KIOSK_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from));
    let installed = || Some(PathBuf::from("/etc/hospital-kiosk/kiosk.toml")).filter(|path| path.exists());
    named.or_else(installed).unwrap_or_else(|| PathBuf::from("config/kiosk.toml"))
}

/// Reads `kiosk.toml` and the hospital's folder named in it. Relative paths count from the folder of `kiosk.toml`.
///
/// # Errors
/// Every fault of every file, in the order of the files and of the lines in them.
pub fn load(path: &Path, known: &Known<'_>) -> Result<Config, Vec<Fault>> {
    let faults = Faults::default();
    let config = read_kiosk(path, known, &faults);
    let faults = faults.into_sorted();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        Some(_) | None => Err(faults),
    }
}

/// What can be shown of a configuration that has faults: how large the screen is, and whose it is.
#[must_use]
pub fn to_show(path: &Path, known: &Known<'_>) -> (Display, Facility) {
    let config = read_kiosk(path, known, &Faults::default());
    config.map_or_else(|| (Display::default(), facility::empty()), |config| (config.display, config.facility))
}

fn read_kiosk(path: &Path, known: &Known<'_>, faults: &Faults) -> Option<Config> {
    let file = read::open(path, faults)?;
    let table = read::parse(&file, faults);
    let root = Section::root(&file, table.get_ref(), faults);
    let kiosk = root.table("kiosk");
    let folder = kiosk.file_path("hospital_folder", Or::Needed("\"hospital/name\""))?;
    let mut facility = facility::read(&folder, known, faults);
    read_machine(&kiosk, &mut facility);
    kiosk.finish();
    let (card_ms, quote_ms) = (facility.payment.card_ms, facility.timing.quote_ms);
    let terminal = Terminal::read(root.table("terminal"), known.protocols, &facility.currency.code, card_ms);
    let store = Store::read(root.table("store"));
    let kept = facility::Kept {
        delivered: store.keep_delivered_days,
        payments: store.keep_payments_days,
        audit: store.keep_audit_days,
    };
    kept.fill(&mut facility);
    let config = Config {
        facility,
        display: Display::read(root.table("display")),
        terminal,
        printer: Printer::read(root.table("printer")),
        scanner: Scanner::read(root.table("scanner")),
        hospital: Hospital::read(root.table("hospital"), quote_ms),
        identity: Identity::read(root.table("identity")),
        store,
        watch: Watch::read(root.table("watch")),
        warnings: faults.take_warnings(),
    };
    root.finish();
    Some(config)
}

/// What of the facility is this machine's own: its name and its place.
fn read_machine(kiosk: &Section<'_>, facility: &mut Facility) {
    facility.kiosk_prefix = kiosk.word("prefix", "\"K3\"");
    let prefix = &facility.kiosk_prefix;
    let plain = prefix.len() <= 4 && prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !plain {
        kiosk.fault("prefix", "it begins every ticket and claim number", "1 to 4 letters A-Z and digits, as \"K3\"");
    }
    facility.kiosk_place = kiosk.local_text("place", &facility.languages);
}
