//! The rules of the house (README, "The map"), as a test; and a test of the test, by planted violations.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// What a room may name with `crate::`, and which words it may not say at all.
struct Room {
    /// Path prefixes under `src/`, most specific first in [`ROOMS`].
    path: &'static str,
    may_name: &'static [&'static str],
    never_says: &'static [&'static str],
}

const EVERYTHING: &[&str] = &["*"];
const NO_SLINT: &[&str] = &["slint::", "i_slint"];
const PURE: &[&str] = &[
    "slint::",
    "i_slint",
    "tokio::",
    "rusqlite::",
    "reqwest::",
    "serde_json",
    "::now()",
    "async ",
    ".await",
    "f64",
    "f32",
    "HashMap",
    "HashSet",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "println!",
    "SystemTime",
    "Instant",
];
const ADAPTER: &[&str] = &["slint::", "i_slint"];

const ROOMS: &[Room] = &[
    Room { path: "domain", may_name: &["domain"], never_says: PURE },
    Room { path: "ports.rs", may_name: &["domain"], never_says: &["slint::", "tokio::", "rusqlite::", "serde_json"] },
    Room { path: "ports", may_name: &["domain"], never_says: &["slint::", "tokio::", "rusqlite::", "serde_json"] },
    Room { path: "line", may_name: &["line"], never_says: ADAPTER },
    Room { path: "keyfile.rs", may_name: &[], never_says: ADAPTER },
    Room { path: "wiping.rs", may_name: &[], never_says: ADAPTER },
    Room { path: "terminal", may_name: &["terminal", "line", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "printer", may_name: &["printer", "line", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "scanner", may_name: &["scanner", "line", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "hospital", may_name: &["hospital", "keyfile", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "store", may_name: &["store", "keyfile", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "config", may_name: &["config", "ports", "domain"], never_says: ADAPTER },
    Room {
        path: "app/screens",
        may_name: &["app", "ports", "domain", "config"],
        never_says: &["i_slint", "rusqlite::", "reqwest::"],
    },
    Room {
        path: "app/press.rs",
        may_name: &["app", "ports", "domain", "config"],
        never_says: &["i_slint", "rusqlite::", "reqwest::"],
    },
    Room { path: "app", may_name: &["app", "ports", "domain", "config"], never_says: NO_SLINT },
    Room {
        path: "commands",
        may_name: &[
            "commands", "ports", "domain", "config", "terminal", "printer", "scanner", "line", "store", "hospital",
            "keyfile",
        ],
        never_says: NO_SLINT,
    },
    Room { path: "watch.rs", may_name: &["watch", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "watch", may_name: &["watch", "ports", "domain", "config"], never_says: ADAPTER },
    Room { path: "assembly.rs", may_name: EVERYTHING, never_says: &["rehearsal", "slint::", "i_slint"] },
    Room { path: "rehearsal", may_name: EVERYTHING, never_says: &["app::effects"] },
    Room { path: "bin/kiosk.rs", may_name: EVERYTHING, never_says: &["rehearsal", "i_slint"] },
    Room { path: "bin", may_name: EVERYTHING, never_says: &[] },
    Room { path: "lib.rs", may_name: EVERYTHING, never_says: &[] },
];

/// One broken rule, as `path:line: what`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let Some(room) = ROOMS.iter().find(|room| path == room.path || path.starts_with(&format!("{}/", room.path))) else {
        return vec![format!("{path}:1: no room of the house; give it one in tests/house.rs and in the README's map")];
    };
    let code = product_code(text);
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        for word in room.never_says.iter().filter(|word| says(line, word)) {
            found.push(format!("{path}:{number}: `{}` may not say `{}`", room.path, word.trim()));
        }
        for other in named_rooms(line).filter(|other| room.may_name != EVERYTHING && !room.may_name.contains(other)) {
            found.push(format!("{path}:{number}: `{}` may not name `{other}`", room.path));
        }
    }
    let length = code.trim_end().lines().count();
    if length > FILE_LINES_MAX {
        found.push(format!(
            "{path}:{length}: a file of {length} lines; cut it by what the user asks for (limit {FILE_LINES_MAX})"
        ));
    }
    found.extend(
        long_functions(&code)
            .into_iter()
            .map(|(line, length)| format!("{path}:{line}: a function of {length} lines (limit {FUNCTION_LINES_MAX})")),
    );
    found
}

/// `word` at the beginning of a path or name: `slint::` does not stand in `i_slint::`.
fn says(line: &str, word: &str) -> bool {
    if word.starts_with("::") {
        return line.contains(word);
    }
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
}

/// The rooms after `crate::`, also those of `crate::{one, other::thing}`.
fn named_rooms(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").flat_map(|(at, found)| {
        let rest = &line[at + found.len()..];
        let parts = rest.strip_prefix('{').map_or_else(|| vec![rest], |inside| inside.split(',').collect());
        parts.into_iter().map(|part| {
            part.trim().split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap_or_default()
        })
    })
}

/// The text without comments, string contents and the unit tests at its end; line numbers stay.
fn product_code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        out.push_str(&without_strings_and_comments(line));
        out.push('\n');
    }
    out
}

fn without_strings_and_comments(line: &str) -> String {
    let mut out = String::new();
    let mut letters = line.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => drop(letters.next()),
            '"' if !out.ends_with('\'') => quoted = !quoted,
            '/' if !quoted && letters.peek() == Some(&'/') => break,
            _ if !quoted => out.push(letter),
            _ => {}
        }
    }
    out
}

/// `(first line, length)` of every function over the limit; rustfmt puts its end on the same column as its beginning.
fn long_functions(code: &str) -> Vec<(usize, usize)> {
    let lines = code.lines().collect::<Vec<_>>();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
            "const fn ",
            "pub const fn ",
        ];
        if !is_function.iter().any(|start| head.starts_with(start)) {
            continue;
        }
        // What a trait only declares has no lines of its own.
        let signature = lines[index..].iter().find(|line| line.ends_with(['{', '}', ';']));
        if signature.is_some_and(|line| line.ends_with(';')) {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[index..].iter().position(|line| *line == end).map_or(1, |length| length + 1);
        if length > FUNCTION_LINES_MAX {
            found.push((index + 1, length));
        }
    }
    found
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()) {
        if entry.is_dir() {
            found.extend(files(&entry, extension));
        } else if entry.extension().is_some_and(|found| found == extension) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_room_keeps_to_its_own() {
    let src = root().join("src");
    let mut found = Vec::new();
    for file in files(&src, "rs") {
        let path = file.strip_prefix(&src).expect("inside").to_string_lossy().into_owned();
        found.extend(violations(&path, &fs::read_to_string(&file).expect("text")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn planted_violations_are_found() {
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES_MAX));
    let planted = [
        ("domain/journey/check_in.rs", "use tokio::sync::mpsc;\n"),
        ("domain/payment.rs", "let at = Utc::now();\n"),
        ("domain/money.rs", "let price: f64 = 1.0;\n"),
        ("domain/session.rs", "use crate::ports::Clock;\n"),
        ("terminal/smartro/driver.rs", "use crate::printer::device;\n"),
        ("printer/device.rs", "use slint::Image;\n"),
        ("app/event_loop.rs", "use slint::Weak;\n"),
        ("app/effects.rs", "use crate::store::SqliteStore;\n"),
        ("bin/kiosk.rs", "use hospital_kiosk::rehearsal::stage;\n"),
        ("domain/outbox.rs", "use crate::{domain::money, hospital};\n"),
        ("attic/old.rs", "fn main() {}\n"),
        ("domain/hours.rs", &long),
        ("domain/fees.rs", &"const A: u8 = 1;\n".repeat(FILE_LINES_MAX + 1)),
    ];
    for (path, text) in planted {
        assert!(!violations(path, text).is_empty(), "not found: {path}: {}", &text[..text.len().min(60)]);
    }
}

#[test]
fn innocent_text_is_not_accused() {
    let text = "//! Never tokio::, never slint::.\nconst WORDS: &str = \"use tokio::sync\";\nfn short() {}\n#[cfg(test)]\nmod tests { use tokio::test; }\n";
    assert_eq!(violations("domain/money.rs", text), Vec::<String>::new());
    let declared = "    fn one(\n        &self,\n    ) -> u8;\n".repeat(FUNCTION_LINES_MAX);
    let text = format!("trait Long {{\n{declared}    fn last(&self) {{\n    }}\n}}\n");
    assert_eq!(violations("domain/money.rs", &text), Vec::<String>::new());
}

/// Where the sentences of older versions are read, once.
const OLDER: &str = "store/older";
/// What our own sentences are called where they are carried.
const SENTENCES: [&str; 6] = ["reason", "note", "why", "words", "evidence", "undelivered"];
const TESTS: [&str; 8] =
    ["starts_with", "ends_with", "contains", "strip_prefix", "strip_suffix", "split_once", "find", "matches"];

/// What is decided is never read back out of a sentence: a reason is a type, and its words are made last. This finds what can
/// be told from one line: a sentence by its usual names that is looked into, words that something is compared with, and SQL
/// that looks into texts.
fn reads_sentences(path: &str, text: &str) -> Vec<String> {
    if path.starts_with(OLDER) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, (code, whole)) in (1..).zip(product_code(text).lines().zip(text.lines())) {
        let looked_into = TESTS.iter().flat_map(|test| code.match_indices(&format!(".{test}(")).collect::<Vec<_>>());
        let of_ours = |(at, test): &(usize, &str)| {
            SENTENCES.contains(&sentence_before(&code[..*at])) || code[at + test.len()..].contains(".words()")
        };
        if looked_into.into_iter().any(|found| of_ours(&found)) {
            found
                .push(format!("{path}:{number}: a sentence of our own is read: keep what it says as a type beside it"));
        }
        // The names of SQLite's own tables begin with `sqlite_`.
        if path.starts_with("store/") && whole.contains(" LIKE ") && !whole.contains("'sqlite_%'") {
            found.push(format!("{path}:{number}: SQL looks into a text: give what it says a column of its own"));
        }
    }
    found
}

/// The name before a call, without what only borrows or copies it: `note` of `row.note.as_deref().unwrap_or_default()`.
fn sentence_before(code: &str) -> &str {
    const BORROWS: [&str; 7] =
        ["as_deref()", "as_str()", "as_ref()", "to_string()", "unwrap_or_default()", "clone()", "0"];
    let mut path = code;
    while let Some(rest) = BORROWS.iter().find_map(|call| path.strip_suffix(call)?.strip_suffix('.')) {
        path = rest;
    }
    let name = path.trim_end_matches("()");
    let start = name.rfind(|letter: char| !(letter.is_alphanumeric() || letter == '_')).map_or(0, |at| at + 1);
    &name[start..]
}

#[test]
fn nobody_reads_our_own_sentences() {
    let src = root().join("src");
    let mut found = Vec::new();
    for file in files(&src, "rs") {
        let path = file.strip_prefix(&src).expect("inside").to_string_lossy().into_owned();
        found.extend(reads_sentences(&path, &fs::read_to_string(&file).expect("text")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    // Lines that stood in this house.
    for (path, line) in [
        ("hospital/client/deliver.rs", "queued.note.as_deref().is_some_and(|note| note.starts_with(CAME_APART))"),
        ("hospital/client/answer.rs", "if reason.starts_with(CAME_APART) =>"),
        ("commands/queue.rs", "let has = |status: &str| note.contains(&format!(\"({status})\"));"),
        ("domain/reason.rs", "Self::ALL.into_iter().find(|reason| text.starts_with(reason.words()))"),
        ("domain/journey/staff/known.rs", "if let Some((status, _)) = note.strip_prefix(REFUSED) {"),
        ("store/tally.rs", "         WHERE note NOT LIKE ?3\","),
    ] {
        assert_eq!(reads_sentences(path, line).len(), 1, "not found: {line}");
    }
    for (path, line) in [
        ("store/older/outbox.rs", "if note.starts_with(TWICE) {"),
        ("store/salvage.rs", "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"),
        ("hospital/client/outcome.rs", "if place.starts_with(WHERE) {"),
    ] {
        assert_eq!(reads_sentences(path, line), Vec::<String>::new());
    }
}

#[test]
fn every_screen_has_its_two_files() {
    let names = |folder: &str, extension: &str| {
        files(&root().join(folder), extension)
            .iter()
            .map(|file| file.file_stem().expect("name").to_string_lossy().into_owned())
            .filter(|name| name != "mod")
            .collect::<Vec<_>>()
    };
    let slint = names("ui/screens", "slint");
    let rust = names("src/app/screens", "rs");
    for screen in &rust {
        let helper = ["fonts", "keys", "paper", "taps", "words"].contains(&screen.as_str());
        assert!(helper || slint.contains(screen), "src/app/screens/{screen}.rs has no ui/screens/{screen}.slint");
    }
    for screen in &slint {
        let text = fs::read_to_string(root().join(format!("ui/screens/{screen}.slint"))).expect("slint");
        // A screen without data of its own has nothing to map.
        assert!(
            !text.contains("export global") || rust.contains(screen),
            "ui/screens/{screen}.slint has no src/app/screens/{screen}.rs"
        );
    }
}

#[test]
fn the_product_has_no_simulator_in_its_tree() {
    let kiosk = fs::read_to_string(root().join("src/bin/kiosk.rs")).expect("kiosk.rs");
    assert!(!kiosk.contains("rehearsal"));
}
