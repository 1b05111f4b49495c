//! Why a device cannot be opened, told to a technician who stands before it, with what to do about it.

use rustix::fs::OFlags;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const BUSY: i32 = 16;
const NO_DEVICE: [i32; 2] = [6, 19];

/// The reason behind `error`, of a line as `[terminal]`, `[printer]` and `[scanner]` name it.
#[must_use]
pub fn why(port: &str, error: &io::Error) -> String {
    match port.strip_prefix("tcp:") {
        Some(address) => network(address, error),
        None => file(Path::new(port), error),
    }
}

fn network(address: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!(
                "{address} is there, but nothing listens: is it the device's own address, and its port (a printer's is \
                 mostly 9100, a ZVT terminal's 20007)?"
            )
        }
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            format!("nothing answers at {address}: is the device switched on and in this network?")
        }
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            format!("{address} hangs up: another computer may have the device; only one can at a time")
        }
        ErrorKind::InvalidInput => format!(
            "{address} is no address: write tcp:HOST:PORT, as tcp:192.168.0.20:9100 (a printer) or tcp:192.168.0.21:20007 (a ZVT terminal)"
        ),
        _ => format!("{address} cannot be found ({error}): write its number, as tcp:192.168.0.20:9100"),
    }
}

/// The serial crate keeps little of the system's reason, so the file is opened once more, as plainly as can be.
fn file(path: &Path, error: &io::Error) -> String {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let opened = File::options().read(true).write(true).custom_flags(flags).open(path);
    let plain = match opened {
        Err(plain) => plain,
        Ok(file) if rustix::termios::isatty(&file) => return unknown(error),
        Ok(_) => return "this is not a serial line: write the device's own file".to_owned(),
    };
    match plain.raw_os_error() {
        Some(BUSY) => busy(path),
        Some(code) if NO_DEVICE.contains(&code) => {
            "there is no device behind this file: it was unplugged, or its driver is not loaded; plug it in again"
                .to_owned()
        }
        _ => match plain.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => missing(path),
            ErrorKind::PermissionDenied => forbidden(path),
            ErrorKind::IsADirectory => "this is a folder: write the device's own file".to_owned(),
            _ => unknown(&plain),
        },
    }
}

fn unknown(error: &io::Error) -> String {
    format!("it cannot be opened ({error}): plug it in again; if that does not help, another cable or another socket")
}

fn missing(path: &Path) -> String {
    if let Ok(target) = fs::read_link(path) {
        return format!("this name leads to {}, which is not there: plug the device in again", target.display());
    }
    // The name of the shipped rule, or one that changes with every plug.
    if path.starts_with("/dev/usb") || path == Path::new("/dev/receipt-printer") {
        let others = usb_printers();
        let there = if others.is_empty() { String::new() } else { format!(", and there is {}", others.join(", ")) };
        return format!(
            "no such device{there}: is the printer plugged in and switched on? It needs the driver usblp (`modprobe \
             usblp`); the rule in config/70-hospital-kiosk.rules gives it a name that stays"
        );
    }
    "no such device: is it plugged in and switched on? `kiosk devices` lists what is there".to_owned()
}

fn usb_printers() -> Vec<String> {
    let entries = fs::read_dir("/dev/usb").into_iter().flatten().flatten();
    let mut found = entries.map(|entry| entry.path().display().to_string()).collect::<Vec<_>>();
    found.sort();
    found
}

fn forbidden(path: &Path) -> String {
    let group = fs::metadata(path).ok().and_then(|meta| group_of(meta.gid(), &fs::read_to_string("/etc/group").ok()?));
    match group {
        Some(group) => format!(
            "permission denied: it belongs to the group {group}; run this as the kiosk's own user, who has to be in it \
             (`usermod -aG {group} USER`, then log in again)"
        ),
        None => "permission denied: run this as the kiosk's own user, and let that user read and write it".to_owned(),
    }
}

fn group_of(id: u32, groups: &str) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut cells = line.split(':');
        let name = cells.next()?;
        (cells.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

fn busy(path: &Path) -> String {
    let holders = holders(path);
    if holders.iter().any(|(_, name)| name == "ModemManager") {
        return format!("ModemManager has it and types into it: {MODEM_MANAGER}");
    }
    match holders.first() {
        Some((id, name)) => format!("another program has it: {name} (process {id}); end it first"),
        None => format!("another program has it; `sudo fuser -v {}` tells which: end it first", path.display()),
    }
}

const MODEM_MANAGER: &str = "copy config/70-hospital-kiosk.rules to /etc/udev/rules.d/, then `udevadm control --reload` and plug the device in again";

/// What of this machine spoils a line that can be opened: a program that takes every serial line for a modem.
#[must_use]
pub fn caution(port: &str) -> Option<String> {
    let name = Path::new(port).canonicalize().ok()?;
    let is_usb = name.file_name()?.to_string_lossy().starts_with("ttyACM")
        || name.file_name()?.to_string_lossy().starts_with("ttyUSB");
    let device = fs::metadata(&name).ok()?.rdev();
    let known =
        fs::read_to_string(format!("/run/udev/data/c{}:{}", rustix::fs::major(device), rustix::fs::minor(device)));
    let left_alone = known.is_ok_and(|known| is_left_alone(&known));
    let runs = || processes().any(|process| name_of(&process).as_deref() == Some("ModemManager"));
    (is_usb && !left_alone && runs()).then(|| format!("ModemManager runs and may type into it: {MODEM_MANAGER}"))
}

/// What udev knows of a device, as `ModemManager` reads it.
fn is_left_alone(known: &str) -> bool {
    known.lines().any(|line| matches!(line, "E:ID_MM_DEVICE_IGNORE=1" | "E:ID_MM_PORT_IGNORE=1"))
}

/// Programs that have the file open, as far as this user may see.
fn holders(path: &Path) -> Vec<(u32, String)> {
    let Ok(device) = path.canonicalize() else { return Vec::new() };
    let has = |process: &PathBuf| {
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|file| file == device)
    };
    let told = |process: PathBuf| Some((process.file_name()?.to_str()?.parse().ok()?, name_of(&process)?));
    processes().filter(has).filter_map(told).filter(|(id, _)| *id != std::process::id()).collect()
}

fn processes() -> impl Iterator<Item = PathBuf> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit)))
}

fn name_of(process: &Path) -> Option<String> {
    fs::read_to_string(process.join("comm")).ok().map(|name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_device_away_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().expect("folder");
        let error = || io::Error::from(ErrorKind::NotFound);
        let plain = folder.path().join("file");
        fs::write(&plain, "").expect("file");
        std::os::unix::fs::symlink(folder.path().join("gone"), folder.path().join("link")).expect("link");
        let told = |path: &Path| why(&path.display().to_string(), &error());
        assert!(told(&folder.path().join("absent")).contains("plugged in"), "{}", told(&folder.path().join("absent")));
        assert!(told(&folder.path().join("link")).contains("leads to"), "{}", told(&folder.path().join("link")));
        assert!(told(&plain).contains("not a serial line"), "{}", told(&plain));
        assert!(told(folder.path()).contains("a folder"), "{}", told(folder.path()));
        assert!(["/dev/usb/lp99", "/dev/receipt-printer"].iter().all(|port| why(port, &error()).contains("usblp")));
        assert!(why("tcp:127.0.0.1:1", &ErrorKind::ConnectionRefused.into()).contains("nothing listens"));
        assert!(why("tcp:10.0.0.1:9100", &ErrorKind::TimedOut.into()).contains("switched on"));
        assert!(why("tcp:printer", &ErrorKind::InvalidInput.into()).contains("tcp:HOST:PORT"));
    }

    #[test]
    fn who_has_a_line_is_found_out() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("held");
        fs::write(&path, "").expect("file");
        let held = File::open(&path).expect("file");
        let mut other = std::process::Command::new("sleep").arg("60").stdin(held).spawn().expect("sleep");
        let found = holders(&path);
        other.kill().and_then(|()| other.wait().map(drop)).expect("ended");
        assert_eq!(found, [(other.id(), "sleep".to_owned())]);
    }

    #[test]
    fn groups_and_udevs_words_are_read() {
        let groups = "root:x:0:\ndialout:x:20:kiosk\nlp:x:7:\n";
        assert_eq!((group_of(20, groups).as_deref(), group_of(8, groups)), (Some("dialout"), None));
        assert!(
            is_left_alone("S:serial/by-id/x\nE:ID_MM_DEVICE_IGNORE=1\n") && !is_left_alone("E:ID_MM_CANDIDATE=1\n")
        );
    }
}
