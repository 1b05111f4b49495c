//! The command line as a technician's script meets it: a real process, its exit status, its JSON.

use crate::stage::open;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::outbox::{Act, Delivery, Request};
use hospital_kiosk::domain::patient::PatientNumber;
use hospital_kiosk::domain::reason::ParkReason;
use hospital_kiosk::ports::{JournalLines, SingleRequests};
use hospital_kiosk::rehearsal::printer::SimPrinter;
use hospital_kiosk::rehearsal::terminal::SimTerminal;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// One JSON object a line.
    pub fn json(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(read).collect()
    }

    pub fn only(&self) -> Value {
        let all = self.json();
        assert_eq!(all.len(), 1, "{}\n{}", self.out, self.err);
        all[0].clone()
    }

    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn kiosk(arguments: &[&str]) -> Ran {
    fed(arguments, b"")
}

/// Trust R18: commands open the store and read card data too.
#[test]
fn no_command_leaves_a_core_file() {
    // From a shell that allows them, where the machine does.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c 8 2>/dev/null; exec \"$0\" decode --protocol smartro", env!("CARGO_BIN_EXE_kiosk")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().expect("kiosk starts");
    let mut input = process.stdin.take().expect("input");
    input.write_all(b"06\n").expect("it reads");
    // It has answered a line, so it is at work; it waits for the next.
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("output")).read_line(&mut line).expect("an answer");
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).expect("limits");
    drop(input);
    let _ = process.wait();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "soft and hard: {core}");
}

fn fed(arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    command.current_dir(root()).args(arguments).env_remove("KIOSK_CONFIG").env_remove("CREDENTIALS_DIRECTORY");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("kiosk starts");
    // Beside reading what it says: a long input with long answers would wait for ever. A command that refuses its
    // arguments does not read.
    let (mut stdin, input) = (process.stdin.take().expect("input"), input.to_vec());
    let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = process.wait_with_output().expect("kiosk ends");
    feeding.join().expect("fed");
    Ran {
        code: output.status.code().expect("ended by itself"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// The shipped configuration with `changes` to its keys (`store.folder`), its hospital in place.
pub fn config(folder: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let shipped = fs::read_to_string(root().join("config/kiosk.toml")).expect("shipped");
    let hospital = root().join("config/hospital/onsaemi").display().to_string();
    let mut section = String::new();
    let mut text = String::new();
    for line in shipped.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        }
        let key = format!("{section}.{}", line.split('=').next().unwrap_or_default().trim());
        let own = [("kiosk.hospital_folder", hospital.as_str())];
        match changes.iter().chain(&own).find(|(changed, _)| *changed == key) {
            Some((_, value)) => {
                let name = line.split('=').next().unwrap_or_default().trim();
                text.extend([name, " = \"", *value, "\"\n"]);
            }
            None => text.extend([line, "\n"]),
        }
    }
    let path = folder.join("kiosk.toml");
    fs::write(&path, text).expect("configuration");
    path
}

/// A configuration whose store is `folder`.
pub fn stored(folder: &Path, store: &Path) -> String {
    let key = folder.join("key/store.key").display().to_string();
    let changes = [("store.folder", store.to_str().expect("text")), ("store.key_file", key.as_str())];
    config(folder, &changes).display().to_string()
}

/// `case` and frame of the recorded table.
fn frames() -> Vec<(String, String)> {
    let table = fs::read_to_string(root().join("tests/data/smartro.tsv")).expect("table");
    let row = |line: &str| {
        let cells = line.split('\t').collect::<Vec<_>>();
        (cells[0].to_owned(), cells[2].to_owned())
    };
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(row).collect()
}

#[test]
fn decode_reads_every_recorded_frame_and_gives_the_same_bytes_back() {
    let frames = frames();
    let input = frames.iter().flat_map(|(case, frame)| ["# ", case, "\n\n", frame, "\n"]).collect::<String>();
    let ran = fed(&["decode", "--protocol", "smartro", "--json"], input.as_bytes()).exits(0);
    let answers = ran.json();
    assert_eq!(answers.len(), frames.len());
    for ((case, frame), answer) in frames.iter().zip(&answers) {
        let keys = answer.as_object().expect("object").keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(keys, ["ok", "protocol", "command", "fields", "reencoded"], "{case}");
        assert_eq!((&answer["ok"], &answer["protocol"]), (&Value::Bool(true), &Value::from("smartro")), "{case}");
        assert_eq!(answer["reencoded"].as_str(), Some(frame.as_str()), "{case}");
        assert_eq!(answer["fields"]["terminal_id"], "KIOSK1114915545", "{case}");
    }
    let commands = answers.iter().filter_map(|answer| answer["command"].as_str()).collect::<String>();
    assert_eq!(commands, "BCC@@@@AELMRVabbS");
    let text = fed(&["decode", "--protocol", "smartro"], input.as_bytes()).exits(0);
    assert_eq!(text.out.lines().count(), frames.len());
}

#[test]
fn decode_takes_bare_bytes_capitals_and_blanks() {
    let (_, frame) = &frames()[0];
    let spaced = frame.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase() + " ");
    let input = format!("06\r\n  15  \n{}\n", spaced.collect::<String>());
    let answers = fed(&["decode", "--protocol", "smartro", "--json"], input.as_bytes()).exits(0).json();
    let commands = answers.iter().map(|answer| &answer["command"]).collect::<Vec<_>>();
    assert_eq!(commands, ["ACK", "NAK", "B"]);
    let again = answers.iter().map(|answer| answer["reencoded"].as_str().expect("hex")).collect::<Vec<_>>();
    assert_eq!(again, ["06", "15", frame.as_str()]);
}

#[test]
fn decode_refuses_what_is_no_frame_and_says_where() {
    let (_, frame) = &frames()[0];
    let bytes = frame.len() / 2;
    let wrong_check = format!("{}ff", &frame[..frame.len() - 2]);
    let cases = [
        ("hello".to_owned(), 0),
        ("0".to_owned(), 0),
        ("02 4".to_owned(), 1),
        ("+6".to_owned(), 0),
        ("카드".to_owned(), 0),
        ("00".to_owned(), 0),
        ("0606".to_owned(), 0),
        ("02".to_owned(), 1),
        (frame[..20].to_owned(), 10),
        (frame[..frame.len() - 2].to_owned(), bytes - 1),
        (format!("{frame}06"), bytes),
        (wrong_check, bytes - 1),
        (format!("02{}", "ff".repeat(40_000)), 40_001),
    ];
    let input = cases.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect::<String>() + frame + "\n";
    let answers = fed(&["decode", "--protocol", "smartro", "--json"], input.as_bytes()).exits(1).json();
    assert_eq!(answers.len(), cases.len() + 1, "one answer a line");
    for ((line, at), answer) in cases.iter().zip(&answers) {
        let shown = line.chars().take(40).collect::<String>();
        assert_eq!(answer["ok"], false, "{shown}");
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{shown}: {answer}");
        assert_eq!(answer["at"], *at, "{shown}: {answer}");
    }
    assert_eq!(answers[cases.len()]["ok"], true, "a refused line does not spoil the next");
}

#[test]
fn decode_never_panics_on_cut_or_flipped_frames() {
    let mut input = Vec::new();
    for (_, frame) in frames() {
        for end in (0..frame.len()).step_by(7) {
            input.extend_from_slice(format!("{}\n", &frame[..end]).as_bytes());
        }
        for at in (0..frame.len()).step_by(5) {
            let mut flipped = frame.clone().into_bytes();
            flipped[at] = if flipped[at] == b'f' { b'0' } else { b'f' };
            input.extend_from_slice(&flipped);
            input.push(b'\n');
        }
    }
    input.extend_from_slice(&[0xFF, 0xFE, 0x00, b'\n', 0x80]);
    for protocol in ["smartro", "zvt", "zvt-apdu", "escpos"] {
        let ran = fed(&["decode", "--protocol", protocol, "--json"], &input).exits(1);
        assert!(ran.json().iter().all(|answer| answer["ok"].is_boolean()));
        fed(&["decode", "--protocol", protocol], &input).exits(1);
    }
}

#[test]
fn decode_reads_a_printers_answers() {
    let lines = ["100401 12", "100402 32", "100404 72", "1d7201 00"];
    let ran = fed(&["decode", "--protocol", "escpos", "--json"], (lines.join("\n") + "\n").as_bytes()).exits(0);
    for (line, answer) in lines.iter().zip(ran.json()) {
        assert_eq!(answer["reencoded"], *line);
        assert_eq!(answer["protocol"], "escpos");
        assert_eq!(answer["command"], line.split(' ').next().expect("request"));
        assert!(answer["fields"].as_object().is_some_and(|fields| !fields.is_empty()), "{answer}");
    }
    let wrong = "100401\n100401 12 12\n100401 ff\n414243 00\nzz 12\n100401 1\n";
    let answers = fed(&["decode", "--protocol", "escpos", "--json"], wrong.as_bytes()).exits(1).json();
    assert_eq!(answers.len(), 6);
    assert!(answers.iter().all(|answer| answer["ok"] == false && answer["at"].is_u64()), "{answers:?}");
}

/// From logs, Wireshark, .NET, C, Python and PowerShell; more spellings stand beside the reader itself.
#[test]
fn decode_reads_a_recording_as_people_paste_it() {
    let spellings = [
        "06-01-07-04-00-00-00-00-12-50",
        "0x060x 00x1 0x070x 00x4 0x000x 00x0 0x000x 00x0 0x120x 50",
        "\u{feff}06 01 07 04 00 00 00 00 12 50",
        "0x06, 0x01, 0x07, 0x04, 0x00, 0x00, 0x00, 0x00, 0x12, 0x50",
        "2026-11-25 10:00:01.123 TX: 06:01:07:04:00:00:00:00:12:50",
        r"b'\x06\x01\x07\x04\x00\x00\x00\x00\x12P'",
        "00000000: 0601 0704 0000 0000 1250                   .......P",
        "00000000  06 01 07 04 00 00 00 00\n00000008  12 50",
    ];
    let input = spellings.join("\n# next\n") + "\n";
    let answers = fed(&["decode", "--protocol", "zvt-apdu", "--json"], input.as_bytes()).exits(0).json();
    assert_eq!(answers.len(), spellings.len(), "a dump of two rows is one answer");
    for (line, answer) in spellings.iter().zip(&answers) {
        assert_eq!(answer["reencoded"], "06010704000000001250", "{line}");
    }
    let utf16 =
        "\u{feff}06 01 07 04 00 00 00 00 12 50\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    fed(&["decode", "--protocol", "zvt-apdu", "--json"], &utf16).exits(0);
    for line in ["10 04 04 72", "100404 72", "10-04-04 -> 72", "0x10 0x04 0x04 0x72"] {
        let answer = fed(&["decode", "--protocol", "escpos", "--json"], line.as_bytes()).exits(0).only();
        assert_eq!(answer["reencoded"], "100404 72", "{line}");
    }
    let refused = fed(&["decode", "--protocol", "zvt-apdu"], b"06 0l\n06 O1\n").exits(1);
    assert_eq!(refused.out.matches("bytes are read as").count(), 1, "told once: {}", refused.out);
    assert_eq!(refused.out.lines().count(), 2, "{}", refused.out);
}

#[test]
fn decode_reads_zvt_in_blocks_and_without() {
    let input = "06\n15\n10028000001003f51f\n10 02 06 01 07 04 00 00 00 00 01 54 10 03 BC FA\n";
    let answers = fed(&["decode", "--protocol", "zvt", "--json"], input.as_bytes()).exits(0).json();
    let commands = answers.iter().map(|answer| &answer["command"]).collect::<Vec<_>>();
    assert_eq!(commands, ["ACK", "NAK", "8000", "0601"]);
    assert_eq!(answers[3]["reencoded"], "1002060107040000000001541003bcfa");
    let answers = fed(&["decode", "--protocol", "zvt-apdu", "--json"], b"06010704000000000154\n040f\n").exits(1).json();
    let expected = "{\"ok\":true,\"protocol\":\"zvt-apdu\",\"command\":\"0601\",\"fields\":{\"amount\":154},\"reencoded\":\"06010704000000000154\"}";
    assert_eq!(answers[0].to_string(), expected);
    assert_eq!((&answers[1]["ok"], &answers[1]["at"]), (&Value::Bool(false), &Value::from(2)));
}

#[test]
fn decode_knows_its_protocols() {
    for unknown in ["morse", "", "SMARTRO"] {
        let ran = fed(&["decode", "--protocol", unknown, "--json"], b"06\n").exits(2);
        for known in ["smartro", "zvt", "zvt-apdu", "escpos"] {
            assert!(ran.err.contains(known), "{}", ran.err);
        }
        assert!(ran.out.is_empty());
    }
}

const QUOTE_KEYS: [&str; 10] =
    ["document", "orderable", "today", "reason", "ready_at", "amount", "currency", "lines", "tax", "collect_until"];

#[test]
fn quote_answers_with_every_key_whether_yes_or_no() {
    let wednesday = ["--at", "2026-11-25T10:00:00+09:00", "--json"];
    let cases: [(&[&str], i32, &str, i64); 5] = [
        (&["--document", "REC", "--pages", "6"], 0, "null", 5100),
        (&["--document", "CF_VISIT"], 0, "null", 3000),
        (&["--document", "REC"], 1, "\"bad-pages\"", -1),
        (&["--document", "DX_GENERAL_EN"], 1, "\"doctor-writes\"", -1),
        (&["--document", "NOPE"], 1, "\"unknown-document\"", -1),
    ];
    for (arguments, exit, reason, amount) in cases {
        let all = [&["quote"], arguments, &wednesday].concat();
        let answer = kiosk(&all).exits(exit).only();
        let keys = answer.as_object().expect("object").keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(keys, QUOTE_KEYS, "{arguments:?}");
        assert_eq!(answer["orderable"], exit == 0, "{answer}");
        assert_eq!(answer["reason"].to_string(), reason, "{answer}");
        assert_eq!(answer["currency"], "KRW");
        if exit == 0 {
            assert_eq!(answer["amount"], amount, "{answer}");
            assert_eq!(answer["tax"], "exempt");
            for key in ["text", "unit", "count", "amount"] {
                assert!(!answer["lines"][0][key].is_null(), "{key}: {answer}");
            }
        }
        let text = kiosk(&all[..all.len() - 1]).exits(exit);
        assert_eq!(text.err.is_empty(), exit == 0, "a refusal says what to do next");
    }
}

#[test]
fn check_is_silent_about_what_ships_and_exact_about_what_is_broken() {
    let ran = kiosk(&["check"]).exits(0);
    assert!(ran.out.contains("no faults") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    assert_eq!(kiosk(&["check", "--json"]).exits(0).only(), serde_json::json!({ "ok": true, "faults": 0 }));

    let folder = tempfile::tempdir().expect("folder");
    let path = config(folder.path(), &[("terminal.protocol", "smatro"), ("hospital.url", "ftp://x")]);
    let named = path.to_str().expect("text");
    let text = fs::read_to_string(&path).expect("text");
    let line = 1 + text.lines().position(|line| line.starts_with("protocol")).expect("the line");
    let ran = kiosk(&["check", "--config", named]).exits(1);
    let place = format!("{named}:{line}:12: ");
    assert!(
        ran.out.lines().any(|found| found.starts_with(&place) && found.contains("smartro")),
        "{place}\n{}",
        ran.out
    );
    let rows = kiosk(&["--config", named, "check", "--json"]).exits(1).json();
    assert_eq!(rows.len(), 3, "two faults and the sum: {rows:?}");
    for key in ["file", "line", "column", "what", "why", "instead"] {
        assert!(!rows[0][key].is_null(), "{key}: {}", rows[0]);
    }
    assert_eq!((&rows[0]["line"], &rows[0]["column"]), (&Value::from(line), &Value::from(12)));
    assert_eq!(rows[2], serde_json::json!({ "ok": false, "faults": 2 }));

    let missing = folder.path().join("nowhere.toml");
    kiosk(&["check", "--config", missing.to_str().expect("text")]).exits(2);
    fs::write(&path, b"\xff\xfe [kiosk\n").expect("garbage");
    kiosk(&["check", "--config", named]).exits(1);
    // Commands that need a sound configuration cannot run without one.
    for command in
        [&["quote", "--document", "REC"][..], &["queue", "list"], &["payments", "list"], &["devices"], &["run"]]
    {
        let ran = kiosk(&[&["--config", named], command].concat()).exits(2);
        assert!(ran.err.contains(named) && ran.err.contains("kiosk check"), "{command:?}: {}", ran.err);
    }
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn queue_and_payments_of_an_empty_store() {
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &folder.path().join("store"));
    let with = |arguments: &[&str]| kiosk(&[&["--config", path.as_str()], arguments].concat());
    assert_eq!(with(&["queue", "list"]).exits(0).out, "0 requests\n");
    assert_eq!(with(&["payments", "list"]).exits(0).out, "0 payments\n");
    assert_eq!(with(&["queue", "list", "--json"]).exits(0).out, "");
    assert_eq!(with(&["payments", "list", "--json"]).exits(0).out, "");
    for unknown in [
        &["queue", "show", NOBODY][..],
        &["queue", "show", NOBODY, "--json"],
        &["queue", "retry", NOBODY],
        &["queue", "retry", NOBODY, "--json"],
        &["queue", "close", NOBODY, "--evidence", "seen there"],
        &["queue", "close", NOBODY, "--evidence", "", "--json"],
        &["payments", "show", "K3-0001"],
        &["payments", "show", NOBODY, "--json"],
    ] {
        let ran = with(unknown).exits(1);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{unknown:?}: {} {}", ran.out, ran.err);
    }
}

/// One request, which the hospital refused; no kiosk runs.
fn with_a_parked_request(path: &str) -> String {
    let config = hospital_kiosk::assembly::load_config(Path::new(path)).expect("a configuration");
    let store = hospital_kiosk::store::open_with_credentials(&config.store, None).expect("a store").store;
    let at = chrono::DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").expect("time");
    let request = Request {
        id: uuid::Uuid::from_u128(7),
        visit: uuid::Uuid::from_u128(8),
        made_at: at,
        language: Language::Ko,
        patient: PatientNumber("10293847".into()),
        patient_ref: None,
        act: Act::Arrival {
            appointment_ref: "Appointment/1".into(),
            version_seen: "1".into(),
            ticket: "K3-012".into(),
            insurance: None,
            see_desk: false,
        },
    };
    store.queue(&request, &[]).expect("queued");
    store.begin_try(1).expect("tried");
    let reason = ParkReason::Status { status: 422, issues: "value Task.input".to_owned() };
    store.end_try(1, &Delivery::Park { reason }, at).expect("parked");
    request.id.to_string()
}

/// No command may pass empty books off as the kiosk's, or set anything aside.
#[test]
fn a_damaged_store_and_a_wrong_key_are_said_and_left_as_they_are() {
    let folder = tempfile::tempdir().expect("folder");
    let store = folder.path().join("store");
    let path = stored(folder.path(), &store);
    with_a_parked_request(&path);
    let asked: [&[&str]; 6] = [
        &["payments", "list"],
        &["queue", "list", "--summary"],
        &["queue", "retry", NOBODY],
        &["audit", "verify"],
        &["audit", "export"],
        &["payments", "show", "K3-0001"],
    ];
    let files = || {
        let all = fs::read_dir(&store).expect("files").map(|entry| entry.expect("file").path());
        all.map(|file| (file.clone(), fs::read(&file).expect("content"))).collect::<std::collections::BTreeMap<_, _>>()
    };
    let refused = |words: &str| {
        let before = files();
        for command in asked {
            let ran = kiosk(&[&["--config", path.as_str()], command].concat()).exits(2);
            assert!(ran.out.is_empty() && ran.err.contains(words), "{command:?}: {} {}", ran.out, ran.err);
        }
        assert_eq!(files(), before);
    };
    let config = hospital_kiosk::assembly::load_config(Path::new(&path)).expect("a configuration");
    let right = fs::read(&config.store.key_file).expect("key");
    fs::write(&config.store.key_file, "ab".repeat(32)).expect("another key");
    refused("this is not the key");
    let checked = kiosk(&["--config", &path, "check"]).exits(1);
    let line =
        1 + fs::read_to_string(&path).expect("text").lines().position(|line| line.starts_with("key_file")).expect("it");
    assert!(
        checked.out.starts_with(&format!("{path}:{line}:1: the key of [store]: this is not the key")),
        "{}",
        checked.out
    );
    assert!(!checked.out.contains("no faults"), "{}", checked.out);
    let checked = kiosk(&["--config", &path, "check", "--json"]).exits(1).json();
    assert_eq!((&checked[0]["line"], &checked[1]["faults"]), (&line.into(), &1.into()), "{checked:?}");
    fs::remove_file(&config.store.key_file).expect("no key");
    assert!(kiosk(&["--config", &path, "check"]).exits(1).out.contains("is missing"));
    assert!(!config.store.key_file.exists(), "to look makes none");
    fs::write(&config.store.key_file, "ab".repeat(32)).expect("exposed");
    fs::set_permissions(&config.store.key_file, fs::Permissions::from_mode(0o644)).expect("exposed");
    assert!(kiosk(&["--config", &path, "check"]).exits(1).out.contains("others may read"));
    fs::set_permissions(&config.store.key_file, fs::Permissions::from_mode(0o600)).expect("as it was");
    fs::write(&config.store.key_file, right).expect("the right key");
    let database = store.join("kiosk.db");
    let whole = fs::read(&database).expect("database");
    for at in [50, 4096 * 3 + 99] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&database, bytes).expect("one bit");
        refused("damaged");
    }
    fs::write(&database, whole).expect("as it was");
    let summary = kiosk(&["--config", &path, "queue", "list", "--summary", "--json"]).exits(0).only();
    assert_eq!(summary["parked"], 1);
    assert!(kiosk(&["--config", &path, "check"]).exits(0).out.contains("no faults"));
}

#[test]
fn after_a_damaged_store_was_set_aside_no_list_says_all_is_well() {
    let folder = tempfile::tempdir().expect("folder");
    let store = folder.path().join("store");
    let path = stored(folder.path(), &store);
    with_a_parked_request(&path);
    let with = |arguments: &[&str]| kiosk(&[&["--config", path.as_str()], arguments].concat());
    assert_eq!(with(&["store", "show", "--json"]).exits(0).only()["set_aside"], Value::Null);
    assert!(with(&["store", "acknowledge"]).exits(1).err.contains("nothing was done"));
    let database = store.join("kiosk.db");
    let mut bytes = fs::read(&database).expect("database");
    bytes[50] ^= 1;
    fs::write(&database, bytes).expect("one bit");
    // The kiosk at work sets it aside.
    let config = hospital_kiosk::assembly::load_config(Path::new(&path)).expect("a configuration");
    drop(hospital_kiosk::store::open_with_credentials(&config.store, None).expect("a store"));
    for command in [&["payments", "list"][..], &["queue", "list"], &["audit", "verify"], &["audit", "export"]] {
        let ran = with(command).exits(1);
        assert!(ran.err.contains("kiosk.db.damaged-1") && ran.err.contains("kiosk store acknowledge"), "{}", ran.err);
    }
    assert_eq!(with(&["queue", "list", "--summary", "--json"]).exits(1).only()["parked"], 1);
    let told = with(&["store", "show", "--json"]).exits(1).only();
    assert_eq!(
        (&told["set_aside"], &told["requests"], &told["nothing"]),
        (&"kiosk.db.damaged-1".into(), &1.into(), &false.into())
    );
    with(&["store", "acknowledge"]).exits(0);
    assert_eq!(with(&["queue", "list", "--summary", "--json"]).exits(0).only()["parked"], 1);
    assert!(with(&["audit", "export"]).exits(0).out.contains("open-payments"));
}

#[test]
fn a_refused_request_is_closed_from_the_shell() {
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &folder.path().join("store"));
    let id = with_a_parked_request(&path);
    let with = |arguments: &[&str]| kiosk(&[&["--config", path.as_str()], arguments].concat());
    let shown = with(&["queue", "show", &id]).exits(0).out;
    assert!(shown.contains(&format!("kiosk queue close {id} --evidence")), "{shown}");
    assert!(with(&["queue", "close", &id, "--evidence", " "]).exits(1).err.contains("--evidence TEXT"));
    assert_eq!(with(&["queue", "list", "--summary", "--json"]).exits(0).only()["parked"], 1);
    let closed = with(&["queue", "close", &id, "--evidence", "the desk showed it", "--json"]).exits(0).only();
    assert_eq!((&closed["id"], &closed["closed"]), (&id.as_str().into(), &true.into()));
    let summary = with(&["queue", "list", "--summary", "--json"]).exits(0).only();
    assert_eq!((&summary["parked"], &summary["notes"]), (&0.into(), &Value::Array(Vec::new())));
    let row = with(&["queue", "show", &id, "--json"]).exits(0).only();
    assert_eq!((&row["state"], &row["note"]), (&"sent".into(), &"closed by staff: the desk showed it".into()));
    assert!(with(&["queue", "close", &id, "--evidence", "again"]).exits(1).err.contains("is over already"));
    let trail = with(&["audit", "export"]).exits(0).out;
    assert_eq!(trail.matches("close-request").count(), 2, "{trail}");
    with(&["audit", "verify"]).exits(0);
}

#[test]
fn a_running_kiosk_answers_for_its_store() {
    let mut theatre = open();
    theatre.play(crate::stage::TO_CONSENT);
    theatre.play("card approve\ntap \"I agree\"\nexpect \"Paid\"\nexpect-hospital Task 1\ntap \"Finish\"");
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &theatre.folder.path().join("data/store"));
    let with = |arguments: &[&str]| kiosk(&[&["--config", path.as_str()], arguments].concat());

    let payment = with(&["payments", "list", "--json"]).exits(0).only();
    let keys = payment.as_object().expect("object").keys().map(String::as_str).collect::<Vec<_>>();
    let wanted = [
        "id",
        "number",
        "state",
        "amount",
        "started_at",
        "card",
        "approval_number",
        "claim",
        "receipt_printed",
        "reason",
        "evidence",
        "needs_staff",
        "undo",
    ];
    assert_eq!(keys, wanted);
    assert_eq!(payment["amount"], 3000);
    assert!(["committed", "settled"].contains(&payment["state"].as_str().expect("state")), "{payment}");
    assert_eq!(payment["approval_number"], theatre.stage.terminal.bookings()[0].approval_number.as_str());
    for key in ["id", "number"] {
        let shown = with(&["payments", "show", payment[key].as_str().expect("text"), "--json"]).exits(0).only();
        assert_eq!((&shown["id"], &shown["amount"]), (&payment["id"], &payment["amount"]));
    }
    with(&["payments", "show", "K9-9999"]).exits(1);

    let request = with(&["queue", "list", "--json"]).exits(0).only();
    assert_eq!(request["kind"], "documents");
    let id = request["id"].as_str().expect("id");
    assert_eq!(with(&["queue", "show", id, "--json"]).exits(0).only()["id"], id);
    with(&["queue", "show", id]).exits(0);
    with(&["queue", "retry", id]).exits(1);
    assert!(with(&["queue", "close", id, "--evidence", "seen there"]).exits(1).err.contains("nothing was done"));
    with(&["queue", "show", NOBODY]).exits(1);
    // Its devices are its own.
    let ran = with(&["devices", "--json"]).exits(2);
    assert!(ran.err.contains("the running kiosk has the devices"), "{}", ran.err);
    let asked = with(&["check", "--devices", "--json"]).exits(1).json();
    assert_eq!(asked[0]["device"], "kiosk", "{asked:?}");
    assert!(!theatre.log().contains("panicked"), "{}", theatre.log());
}

/// Who answers on simulated lines, and nothing else: no charge, no dot of paper.
#[test]
fn devices_are_named_and_nothing_is_charged_or_printed() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    let terminal = SimTerminal::start(&at("terminal"), 7).expect("terminal");
    let printer = SimPrinter::start(&at("printer")).expect("printer");
    let (terminal_port, printer_port) = (at("terminal").display().to_string(), at("printer").display().to_string());
    let store = at("store").display().to_string();
    let changes = [
        ("terminal.port", terminal_port.as_str()),
        ("printer.port", printer_port.as_str()),
        ("store.folder", store.as_str()),
        ("hospital.url", "http://127.0.0.1:9/fhir"),
    ];
    let path = config(folder.path(), &changes).display().to_string();
    let rows = kiosk(&["--config", &path, "devices", "--json"]).exits(0).json();
    let device = |port: &str| rows.iter().find(|row| row["port"] == port).unwrap_or_else(|| panic!("{port}: {rows:?}"));
    assert!(device(&terminal_port)["device"].as_str().is_some_and(|says| says.contains("Smartro")), "{rows:?}");
    assert!(device(&printer_port)["device"].as_str().is_some_and(|says| says.contains("ESC/POS")), "{rows:?}");
    assert_eq!(device(&terminal_port)["answers"], true);
    let text = kiosk(&["--config", &path, "devices"]).exits(0);
    assert!(text.out.contains("Smartro") && text.out.contains("ESC/POS"), "{}", text.out);

    // The hospital of this configuration does not exist: the answer is no, and says which.
    let asked = kiosk(&["--config", &path, "check", "--devices", "--json"]).exits(1).json();
    let said =
        asked.iter().map(|row| (row["device"].as_str().unwrap_or("sum"), row["ok"].as_bool())).collect::<Vec<_>>();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(
        said,
        [("terminal", yes), ("printer", yes), ("scanner", yes), ("hospital", no), ("sum", no)],
        "{asked:?}"
    );

    assert_eq!((terminal.booked().0, terminal.charges_seen()), (0, 0));
    assert!(terminal.requests_seen().iter().all(|job| *job == b'A'), "{:?}", terminal.requests_seen());
    assert_eq!((printer.papers().len(), printer.rows_uncut()), (0, 0));
    assert_eq!(printer.faults(), Vec::<String>::new());
}

/// On the network too, where nobody but the configured address is asked.
#[test]
fn a_card_terminal_on_the_network_is_named() {
    use hospital_kiosk::rehearsal::terminal::zvt::Model;
    let folder = tempfile::tempdir().expect("folder");
    let mut model = Model::new(7);
    model.setup.network = true;
    let (terminal, address) = SimTerminal::listen(model).expect("terminal");
    let port = format!("tcp:{address}");
    let store = folder.path().join("store").display().to_string();
    let changes = [
        ("terminal.protocol", "zvt"),
        ("terminal.port", port.as_str()),
        ("printer.port", ""),
        ("store.folder", store.as_str()),
        ("hospital.url", "http://127.0.0.1:9/fhir"),
    ];
    let path = config(folder.path(), &changes).display().to_string();
    let rows = kiosk(&["--config", &path, "devices", "--json"]).exits(0).json();
    let listed = rows.iter().find(|row| row["port"] == port.as_str()).unwrap_or_else(|| panic!("{rows:?}"));
    assert!(listed["device"].as_str().is_some_and(|says| says.contains("registered for KRW")), "{rows:?}");
    let asked = kiosk(&["--config", &path, "check", "--devices", "--json"]).exits(1).json();
    let told = asked.iter().find(|row| row["device"] == "terminal").unwrap_or_else(|| panic!("{asked:?}"));
    assert_eq!((&told["ok"], &told["port"]), (&serde_json::json!(true), &serde_json::json!(port)), "{told}");
    assert_eq!(terminal.with(|model| model.charges_seen()), 0);
    drop(terminal);
    let asked = kiosk(&["--config", &path, "check", "--devices", "--json"]).exits(1).json();
    let told = asked.iter().find(|row| row["device"] == "terminal").unwrap_or_else(|| panic!("{asked:?}"));
    assert!(told["says"].as_str().is_some_and(|says| says.contains("nothing listens")), "{told}");
}

/// Not "no answer": a device that is not there, is something else or is not reached is told as that, with what to do.
#[test]
fn a_device_that_is_not_there_is_told_as_that() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("file"), "").expect("file");
    std::os::unix::fs::symlink(at("ttyACM7"), at("by-id")).expect("link");
    let ask = |terminal: &str, printer: &str, scanner: &str| {
        let (store, file) = (at("store"), at("file"));
        let changes = [
            ("terminal.port", terminal),
            ("printer.port", printer),
            ("scanner.port", scanner),
            ("store.folder", store.as_str()),
            ("hospital.url", "http://127.0.0.1:9/fhir"),
        ];
        let path = config(folder.path(), &changes).display().to_string();
        let rows = kiosk(&["--config", &path, "check", "--devices", "--json"]).exits(1).json();
        let said = |name: &str| {
            let row = rows.iter().find(|row| row["device"] == name).unwrap_or_else(|| panic!("{name}: {rows:?}"));
            assert_eq!(row["ok"], false, "{row} {file}");
            row["says"].as_str().expect("text").to_owned()
        };
        (said("terminal"), said("printer"), said("scanner"))
    };
    let (terminal, printer, scanner) = ask(&at("by-id"), &at("lp0"), &at("file"));
    assert!(terminal.contains("leads to") && terminal.contains("ttyACM7"), "{terminal}");
    assert!(printer.contains("no such device"), "{printer}");
    assert!(scanner.contains("not a serial line"), "{scanner}");
    let (terminal, printer, _) = ask(&at("absent"), "tcp:127.0.0.1:9", &at("absent"));
    assert!(terminal.contains("plugged in"), "{terminal}");
    assert!(printer.contains("nothing listens"), "{printer}");
}

#[test]
fn every_command_helps_and_wrong_usage_is_2() {
    let commands: [&[&str]; 29] = [
        &[],
        &["run"],
        &["check"],
        &["devices"],
        &["quote"],
        &["decode"],
        &["queue"],
        &["queue", "list"],
        &["queue", "show"],
        &["queue", "retry"],
        &["queue", "close"],
        &["schedule", "wipe"],
        &["enroll"],
        &["payments"],
        &["payments", "list"],
        &["payments", "show"],
        &["staff"],
        &["staff", "pin"],
        &["staff", "list"],
        &["staff", "add"],
        &["staff", "role"],
        &["staff", "remove"],
        &["staff", "review"],
        &["audit", "export"],
        &["audit", "verify"],
        &["payments", "ask"],
        &["payments", "settle"],
        &["payments", "cancel"],
        &["reprint"],
    ];
    for command in commands {
        let ran = kiosk(&[command, &["--help"]].concat()).exits(0);
        assert!(ran.out.contains("Usage: kiosk"), "{command:?}: {}", ran.out);
    }
    assert!(kiosk(&["--version"]).exits(0).out.starts_with("hospital-kiosk "));
    let wrong: [&[&str]; 22] = [
        &[],
        &["fly"],
        // Never as an argument, which everybody on the machine can read.
        &["staff", "pin", "40718293"],
        &["decode"],
        &["quote"],
        &["quote", "--document", "REC", "--pages", "six"],
        &["quote", "--document", "REC", "--at", "tomorrow"],
        &["quote", "--document", "REC", "--language", "tlh"],
        &["queue"],
        &["queue", "show"],
        &["queue", "show", "1"],
        &["queue", "retry", "K3-0001"],
        &["queue", "close", "00000000-0000-0000-0000-000000000001"],
        &["payments"],
        &["payments", "show"],
        &["payments", "ask"],
        &["payments", "settle", "K3-0001", "--as", "paid"],
        &["payments", "settle", "K3-0001", "--as", "maybe", "--evidence", "x"],
        &["payments", "cancel"],
        &["reprint"],
        &["reprint", "--last", "--payment", "K3-0001"],
        &["check", "--config"],
    ];
    for command in wrong {
        let ran = kiosk(command).exits(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{command:?}: {}", ran.out);
    }
}

/// Ends its process when dropped.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn run_tells_when_its_first_picture_is_on_the_screen() {
    let mut screen = Command::new("Xvfb");
    screen.args(["-displayfd", "1", "-screen", "0", "1080x1920x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(screen) = screen.spawn() else {
        println!("skipped: Xvfb is not installed");
        return;
    };
    let mut screen = Ended(screen);
    let display = first_line(&mut screen.0);
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &folder.path().join("store"));
    let mut run = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    run.args(["--config", &path, "run", "--first-frame"]).env("DISPLAY", format!(":{}", display.trim()));
    run.env_remove("WAYLAND_DISPLAY").env_remove("CREDENTIALS_DIRECTORY").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = Ended(run.spawn().expect("kiosk starts"));
    let said = first_line(&mut run.0);
    let ms = said.trim().strip_prefix("first-frame ").and_then(|ms| ms.parse::<u64>().ok());
    assert!(ms.is_some(), "said {said:?}");
    assert!(run.0.try_wait().expect("a state").is_none(), "it keeps running");
    let ran = kiosk(&["--config", &path, "queue", "list"]).exits(0);
    assert_eq!(ran.out, "0 requests\n", "it answers over its socket");
}

#[test]
fn the_staff_pin_comes_from_standard_input_and_is_in_the_trail() {
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &folder.path().join("store"));
    let with = |command: &[&str], input: &[u8]| fed(&[&["--config", path.as_str()], command].concat(), input);
    assert!(with(&["staff", "list"], b"").exits(0).out.contains("kiosk staff pin"));
    assert!(with(&["staff", "pin"], b"40718293\n40718294\n").exits(1).err.contains("nothing was changed"));
    assert!(with(&["staff", "pin"], b"1234\n1234\n").exits(1).err.contains("choose another"));
    with(&["staff", "pin"], b"40718293\n40718293\n").exits(0);
    let listed = with(&["staff", "list"], b"").exits(0).out;
    assert!(listed.starts_with("staff  PIN set") && listed.contains("technician, staff number"), "{listed}");
    let trail = with(&["audit", "export", "--json"], b"").exits(0).out;
    assert!(trail.contains("set-pin") && trail.contains("shell") && !trail.contains("40718293"), "{trail}");
    assert!(with(&["audit", "verify"], b"").exits(0).out.starts_with("2 rows"));
}

/// By the real command: who may do what, and a trail that was cut short.
#[test]
fn staff_are_added_changed_reviewed_and_removed_by_command() {
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &folder.path().join("store"));
    let with = |command: &[&str], input: &[u8]| fed(&[&["--config", path.as_str()], command].concat(), input);
    let added = with(&["staff", "add", "Kim", "--role", "attendant", "--json"], b"").exits(0).out;
    let kim: Value = serde_json::from_str(&added).expect("JSON");
    assert_eq!((&kim["who"], &kim["role"], &kim["pin"]), (&"Kim".into(), &"attendant".into(), &"none".into()));
    with(&["staff", "add", "Lee", "--role", "technician", "--number", "0047"], b"").exits(0);
    assert!(with(&["staff", "add", "Kim", "--role", "attendant"], b"").exits(1).err.contains("is there already"));
    assert!(with(&["staff", "add", "Park", "--role", "doctor"], b"").exits(2).err.contains("attendant or technician"));
    assert!(with(&["staff", "pin"], b"40718293\n40718293\n").exits(1).err.contains("say whose"));
    with(&["staff", "pin", "Kim"], b"40718293\n40718293\n").exits(0);
    with(&["staff", "pin", "--number", "0047"], b"5566778\n5566778\n").exits(0);
    with(&["staff", "role", "Kim", "--role", "technician"], b"").exits(0);
    with(&["staff", "remove", "Lee"], b"").exits(0);
    assert!(with(&["staff", "remove", "Lee"], b"").exits(1).err.contains("no person Lee"));
    let review = with(&["staff", "review", "--json"], b"").exits(0).out;
    let rows: Vec<Value> = review.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((rows.len(), &rows[0]["role"], &rows[0]["granted_by"]), (2, &"technician".into(), &"shell".into()));
    assert!(rows[1]["removed_at"].is_string(), "{review}");
    let exported = with(&["audit", "export", "--json"], b"").exits(0).out;
    assert!(!exported.contains("Kim") && exported.contains("review-rights"), "{exported}");
    let last: Value = serde_json::from_str(exported.lines().last().expect("a row")).expect("JSON");
    let head = format!("{}:{}", last["sequence"], last["hash"].as_str().expect("a hash"));
    let sound = with(&["audit", "verify", "--since", &head, "--json"], b"").exits(0).out;
    assert!(sound.contains("\"anchored_outside\":true"), "{sound}");
    let later = format!("{}:{}", last["sequence"].as_i64().expect("a number") + 1, "a".repeat(64));
    let cut = with(&["audit", "verify", "--since", &later], b"").exits(1);
    assert!(cut.err.contains("the trail ends before row"), "{}", cut.err);
    assert!(with(&["audit", "verify", "--since", "12"], b"").exits(2).err.contains("SEQUENCE:HASH"));
    assert!(with(&["audit", "verify"], b"").exits(0).out.contains("no head from outside was compared"));
}

/// What a child says first, waiting at most half a minute for it.
pub fn first_line(child: &mut Child) -> String {
    let output = child.stdout.take().expect("output");
    let (sender, line) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = BufReader::new(output).read_line(&mut text);
        let _ = sender.send(text);
    });
    line.recv_timeout(Duration::from_secs(30)).expect("it says something")
}
