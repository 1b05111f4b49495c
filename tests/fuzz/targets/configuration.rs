//! The configuration's files, edited by somebody in a hurry: every fault has its place, and nothing panics.

use hospital_kiosk::config::{Config, Fault, Known, load};
use hospital_kiosk::domain::language::Language;
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const FILES: [(&str, &str); 6] = [
    ("kiosk.toml", include_str!("../../../config/kiosk.toml")),
    ("hospital/onsaemi/hospital.toml", include_str!("../../../config/hospital/onsaemi/hospital.toml")),
    ("hospital/onsaemi/desks.toml", include_str!("../../../config/hospital/onsaemi/desks.toml")),
    ("hospital/onsaemi/hours.toml", include_str!("../../../config/hospital/onsaemi/hours.toml")),
    ("hospital/onsaemi/fees.toml", include_str!("../../../config/hospital/onsaemi/fees.toml")),
    ("hospital/onsaemi/documents.toml", include_str!("../../../config/hospital/onsaemi/documents.toml")),
];

const KNOWN: Known<'_> = Known { languages: &[Language::Ko, Language::En], protocols: &["smartro", "zvt"] };

/// As it ships, for targets that need one.
pub fn shipped() -> Config {
    load(&Folder::new().path.join("kiosk.toml"), &KNOWN).expect("the shipped configuration")
}

thread_local! {
    static FOLDER: RefCell<Option<Folder>> = const { RefCell::new(None) };
}

/// A sound configuration, in which one file at a time is spoilt.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        // Memory, where there is one: each input is six files read.
        let root =
            Some(Path::new("/dev/shm")).filter(|path| path.is_dir()).map_or_else(std::env::temp_dir, Path::to_owned);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("kiosk-fuzz-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("hospital/onsaemi")).expect("a folder");
        for (name, text) in FILES {
            fs::write(path.join(name), text).expect("a file");
        }
        Self { path }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The first byte chooses the file, the rest is what stands in it.
pub fn files(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let (name, shipped) = FILES[usize::from(*choice) % FILES.len()];
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(Folder::new);
        let path = folder.path.join(name);
        fs::write(&path, text).expect("a file");
        let faults = load(&folder.path.join("kiosk.toml"), &KNOWN).err().unwrap_or_default();
        fs::write(&path, shipped).expect("a file");
        for fault in &faults {
            has_a_place(fault, &path, text);
        }
    });
}

fn has_a_place(fault: &Fault, spoilt: &Path, text: &[u8]) {
    let told = fault.to_string();
    assert!(fault.line >= 1 && fault.column >= 1, "{told}");
    assert!(!fault.what.is_empty() && !fault.why.is_empty() && !fault.instead.is_empty(), "{told}");
    assert!(!told.contains('\n'), "a fault is one line: {told:?}");
    if fault.file != spoilt {
        return;
    }
    if [&b"\xFF\xFE"[..], b"\xFE\xFF"].iter().any(|mark| text.starts_with(mark)) {
        return; // UTF-16, whose lines are others.
    }
    let text = String::from_utf8_lossy(text);
    let line = text.split('\n').nth(fault.line - 1);
    let fits = line.is_some_and(|line| fault.column <= line.chars().count() + 1);
    assert!(fits, "no such place: {told}");
}

pub fn texts() -> Vec<Vec<u8>> {
    let numbered = FILES.iter().enumerate();
    numbered.map(|(at, (_, text))| [&[u8::try_from(at).expect("few")], text.as_bytes()].concat()).collect()
}

/// A bracket mistyped as an equals sign leaves a key without a name, whose fault had none either; a key with a line
/// break; a value over several lines, which its fault repeated.
pub const FOUND: &[&[u8]] = &[
    b"\x02\n\n=desk.registration]\nname = 1\n",
    b"\x00\"a\\nb\" = 1\n",
    b"\x04[[fee]]\ncode = \"REC_PAGE_1_5\"\nprice = '''\n 0\ncap = 0\n'''\n",
];
