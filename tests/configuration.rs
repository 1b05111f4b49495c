//! The configuration: what ships is sound, each kind of fault is told with its place, and every field has its
//! commented key.

use hospital_kiosk::commands::check::{Check, DeviceAnswer, run};
use hospital_kiosk::commands::{CANNOT, NO, Streams, YES};
use hospital_kiosk::config::{Fault, Known, find, load};
use hospital_kiosk::domain::language::Language;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub const KNOWN: Known<'_> = Known { languages: &[Language::Ko, Language::En], protocols: &["smartro"] };

pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/kiosk.toml")
}

/// A copy of the shipped configuration to be spoilt.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    fs::create_dir_all(folder.path().join("hospital/onsaemi")).expect("a folder");
    fs::copy(from.join("kiosk.toml"), folder.path().join("kiosk.toml")).expect("a copy");
    for entry in fs::read_dir(from.join("hospital/onsaemi")).expect("the hospital's folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        fs::copy(&path, folder.path().join("hospital/onsaemi").join(name)).expect("a copy");
    }
    folder
}

fn faults_of(folder: &Path) -> Vec<Fault> {
    load(&folder.join("kiosk.toml"), &KNOWN).err().unwrap_or_default()
}

fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte];
    let last = before.rsplit('\n').next().unwrap_or_default();
    (before.split('\n').count(), last.chars().count() + 1)
}

#[test]
fn what_ships_is_sound() {
    let config = load(&shipped(), &KNOWN).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let codes: Vec<&str> = config.facility.documents.iter().map(|document| document.code.as_str()).collect();
    assert_eq!(codes, ["REC", "IMG_CD", "CF_VISIT", "CF_ADMIT", "RECEIPT", "DX_GENERAL_EN"]);
    assert_eq!(config.facility.holidays.len(), 46);
    assert!(config.hospital.ca_file.is_none());
    assert_eq!(config.facility.timing.in_doubt_ms, 20_000);
}

/// What is wrong with one line of the table, if anything.
fn spoil(line: &str) -> Result<(), String> {
    let fields: Vec<String> =
        line.split(" | ").map(|field| field.replace("\\n", "\n").replace("(nothing)", "")).collect();
    let [file, from, to, place, what, instead] = fields.try_into().map_err(|_| "not six fields".to_owned())?;
    let folder = copy();
    let path = folder.path().join(&file);
    let before = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    if !before.contains(&from) {
        return Err("nothing to spoil".to_owned());
    }
    let after = before.replacen(&from, &to, 1);
    fs::write(&path, &after).map_err(|error| error.to_string())?;
    let faults = faults_of(folder.path());
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let says = |fault: &&Fault| format!("{}: {}", fault.what, fault.why).contains(&what);
    let fault = faults.iter().find(says).ok_or_else(|| format!("not told, but {told:#?}"))?;
    let byte = match place.as_str() {
        "CODE-TWICE" => after.match_indices("\"CF_VISIT\"").nth(1).map(|(byte, _)| byte),
        text => after.find(text),
    };
    let expected = position(&after, byte.ok_or("no such place")?);
    let good = (fault.line, fault.column) == expected && fault.file == path && fault.instead.contains(instead.trim());
    let follows_from_it = file.ends_with("hospital.toml") && what.contains("catalogue");
    let alone = faults.len() == 1 || follows_from_it || line.contains("[scaner]");
    if good && alone { Ok(()) } else { Err(format!("expected {expected:?}, told {told:#?}")) }
}

#[test]
fn each_fault_of_the_table_is_told_with_its_place() {
    let table = include_str!("data/faults.txt");
    let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let wrong: Vec<String> =
        lines.iter().filter_map(|line| spoil(line).err().map(|why| format!("{line}\n  {why}"))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines.len() > 40, "{} cases read", lines.len());
}

#[test]
fn all_faults_of_all_files_are_told_at_once_in_order() {
    let folder = copy();
    let kiosk = fs::read_to_string(folder.path().join("kiosk.toml")).expect("a file");
    let spoilt = kiosk.replace("width_px = 1080", "width_px = 1").replace("baud = 9600", "baud = 1");
    fs::write(folder.path().join("kiosk.toml"), spoilt.replace("has_cutter = true", "has_cutter = 1")).expect("a file");
    fs::write(folder.path().join("hospital/onsaemi/desks.toml"), "[desk.help]\nname = 3\n[desk.x]\n").expect("a file");
    fs::write(folder.path().join("hospital/onsaemi/hours.toml"), "[hours.desk\nmonday = =\n").expect("a file");
    let faults = faults_of(folder.path());
    let of = |name: &str| -> Vec<(usize, usize)> {
        faults.iter().filter(|fault| fault.file.ends_with(name)).map(|fault| (fault.line, fault.column)).collect()
    };
    assert_eq!(of("kiosk.toml").len(), 3);
    assert_eq!(of("desks.toml"), [(2, 8), (3, 1)]);
    assert_eq!(of("hours.toml").first(), Some(&(1, 12)), "{faults:#?}");
    assert!(of("kiosk.toml").is_sorted() && of("hours.toml").is_sorted());
}

/// `utc_offset` was replaced by `time_zone`.
#[test]
fn a_key_that_was_replaced_is_still_read_and_told() {
    let folder = copy();
    let path = folder.path().join("hospital/onsaemi/hospital.toml");
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, text.replacen("time_zone = \"Asia/Seoul\"", "utc_offset = \"+05:30\"", 1)).expect("a file");
    let kiosk = folder.path().join("kiosk.toml");
    let config = load(&kiosk, &KNOWN).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let midnight = config.facility.zone.day_begins("2026-07-15".parse().expect("a day"));
    assert_eq!(midnight.to_rfc3339(), "2026-07-15T00:00:00+05:30");
    let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    assert_eq!((warning.what.as_str(), warning.instead.as_str()), ("utc_offset", "time_zone = \"Europe/Berlin\""));
    assert!(warning.line > 1 && warning.file == path);
    let (code, out, _) = check(&kiosk, Check { devices: false, json: true }, &[]);
    assert_eq!(code, YES);
    let row: serde_json::Value = serde_json::from_str(out.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&row["warning"], &row["what"]), (&serde_json::json!(true), &serde_json::json!("utc_offset")));
    assert!(load(&shipped(), &KNOWN).expect("sound").warnings.is_empty());
}

/// Trust R18: on the network a printer is open to everybody there, and so are receipts.
#[test]
fn a_printer_on_the_network_is_warned_about() {
    for (port, warned) in [
        ("tcp:192.0.2.10:9100", true),
        ("tcp:printer.hospital.example:9100", true),
        ("tcp:127.0.0.1:9100", false),
        ("tcp:localhost:9100", false),
        ("tcp:[::1]:9100", false),
        ("/dev/usb/lp0", false),
    ] {
        let folder = copy();
        let path = folder.path().join("kiosk.toml");
        let text = fs::read_to_string(&path).expect("a file");
        let line = format!("port = \"{port}\"");
        fs::write(&path, text.replacen("port = \"/dev/receipt-printer\"", &line, 1)).expect("a file");
        let config = load(&path, &KNOWN).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let told: Vec<&str> = config.warnings.iter().map(|warning| warning.what.as_str()).collect();
        assert_eq!(told, if warned { vec!["printer.port"] } else { Vec::new() }, "{port}");
    }
}

/// The same of a card terminal, and of codes. What a Smartro terminal would say over a network is written nowhere.
#[test]
fn a_terminal_and_a_reader_on_the_network_are_warned_about() {
    let with = |protocol: &str, terminal: &str, scanner: &str| {
        let folder = copy();
        let path = folder.path().join("kiosk.toml");
        let text = fs::read_to_string(&path).expect("a file");
        let text = text.replacen("protocol = \"smartro\"", &format!("protocol = \"{protocol}\""), 1);
        let text = text.replacen("/dev/serial/by-id/card-terminal\"", &format!("{terminal}\""), 1);
        fs::write(&path, text.replacen("\nport = \"\"", &format!("\nport = \"{scanner}\""), 1)).expect("a file");
        let told = |faults: &[Fault]| faults.iter().map(|fault| fault.what.clone()).collect::<Vec<_>>();
        load(&path, &Known { protocols: &["smartro", "zvt"], ..KNOWN })
            .map(|config| told(&config.warnings))
            .map_err(|faults| told(&faults))
    };
    let (ours, local) = ("tcp:192.0.2.11:20007", "tcp:127.0.0.1:20007");
    assert_eq!(with("zvt", ours, ""), Ok(vec!["terminal.port".to_owned()]));
    assert_eq!(with("zvt", local, "tcp:192.0.2.12:4001"), Ok(vec!["scanner.port".to_owned()]));
    assert_eq!(with("zvt", local, "tcp:[::1]:4001"), Ok(Vec::new()));
    for (protocol, terminal) in [("smartro", local), ("zvt", "tcp:192.0.2.11"), ("zvt", "tcp::20007")] {
        assert_eq!(with(protocol, terminal, ""), Err(vec!["terminal.port".to_owned()]), "{protocol} {terminal}");
    }
    assert_eq!(with("smartro", "/dev/null", "tcp:"), Err(vec!["scanner.port".to_owned()]));
}

/// Trust R18: with the password of a ZVT terminal money is given back.
#[test]
fn a_password_that_everybody_can_read_is_warned_about() {
    for (password, mode, warned) in [
        ("000000", 0o644, false),
        ("135790", 0o644, true),
        ("135790", 0o604, true),
        ("135790", 0o640, false),
        ("135790", 0o600, false),
    ] {
        let folder = copy();
        let path = folder.path().join("kiosk.toml");
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, text.replacen("password = \"000000\"", &format!("password = \"{password}\""), 1))
            .expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        let config = load(&path, &KNOWN).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let told: Vec<&str> = config.warnings.iter().map(|warning| warning.what.as_str()).collect();
        assert_eq!(told, if warned { vec!["terminal.password"] } else { Vec::new() }, "{password} {mode:o}");
        assert!(config.warnings.iter().all(|warning| !warning.to_string().contains(password)), "it is not told");
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let folder = copy();
    fs::remove_file(folder.path().join("hospital/onsaemi/fees.toml")).expect("removed");
    let faults = faults_of(folder.path());
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].file.ends_with("fees.toml") && faults[0].what.contains("cannot be read"));
    assert!(faults_of(Path::new("/nowhere")).first().is_some_and(|fault| fault.why.contains("No such file")));
}

#[test]
fn any_text_at_all_is_read_without_a_panic() {
    let folder = copy();
    let path = folder.path().join("kiosk.toml");
    for text in [
        "",
        "\u{feff}",
        "a",
        "=",
        "[[[",
        "kiosk = 1",
        "[kiosk]\nplace = 1",
        "kiosk = []",
        "a.b.c = 1\na = 2",
        "x = \"\\u",
    ] {
        fs::write(&path, text).expect("a file");
        assert!(!faults_of(folder.path()).is_empty(), "{text:?}");
    }
    fs::write(&path, [0xff, 0xfe, 0x00]).expect("a file");
    assert!(!faults_of(folder.path()).is_empty());
}

/// Notepad, PowerShell and Excel write such files; whoever sets a kiosk up may have nothing else.
#[test]
fn a_file_saved_by_windows_is_read_or_told_how_to_be_saved() {
    let folder = copy();
    let path = folder.path().join("kiosk.toml");
    let text = fs::read_to_string(&path).expect("a file");
    let windows = text.replace('\n', "\r\n");
    let units = |order: fn(u16) -> [u8; 2]| windows.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for bytes in [
        format!("\u{feff}{text}").into_bytes(),
        format!("\u{feff}{windows}").into_bytes(),
        windows.clone().into_bytes(),
        [&[0xFF, 0xFE][..], &units(u16::to_le_bytes)].concat(),
        [&[0xFE, 0xFF][..], &units(u16::to_be_bytes)].concat(),
    ] {
        fs::write(&path, &bytes).expect("a file");
        assert_eq!(faults_of(folder.path()), [], "{:02x?}", &bytes[..4]);
    }
    let (before, _) = text.split_once("1층").expect("Korean");
    let korean = [before.as_bytes(), &[b'1', 0xC3, 0xFE], &text.as_bytes()[before.len() + "1층".len()..]].concat();
    fs::write(&path, korean).expect("a file");
    let faults = faults_of(folder.path());
    let expected = position(&text, before.len() + 1);
    assert_eq!((faults.len(), faults[0].line, faults[0].column), (1, expected.0, expected.1), "{faults:?}");
    assert!(faults[0].instead.contains("as UTF-8"), "{faults:?}");
}

#[test]
fn a_number_or_text_of_another_country_is_told_how_it_is_written() {
    for (from, to, instead) in [
        ("diagonal_inch = 24.0", "diagonal_inch = 24,0", "a point for decimals"),
        ("size_max_mib = 4096", "size_max_mib = 4,096", "nothing between thousands"),
        ("prefix = \"K3\"", "prefix = “K3”", "straight quotes"),
        ("diagonal_inch = 24.0", "diagonal_inch = \"24,0\"", "inches from"),
    ] {
        let folder = copy();
        let path = folder.path().join("kiosk.toml");
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, text.replacen(from, to, 1)).expect("a file");
        let faults = faults_of(folder.path());
        assert!(faults.iter().any(|fault| fault.instead.contains(instead)), "{to}: {faults:?}");
    }
}

/// `section.field` of every struct in src/config/<section>.rs.
fn fields() -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for section in ["display", "terminal", "printer", "scanner", "hospital", "identity", "store", "watch"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/config/{section}.rs"));
        let source = fs::read_to_string(path).expect("a source file");
        let body = source.split("pub struct ").nth(1).and_then(|rest| rest.split("\n}").next()).expect("a struct");
        let names = body.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next());
        fields.extend(names.map(|name| format!("{section}.{name}")));
    }
    fields.extend(["hospital_folder", "prefix", "place"].map(|name| format!("kiosk.{name}")));
    fields
}

/// `section.key` of kiosk.toml with its line and the comment over it.
fn keys() -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(shipped()).expect("kiosk.toml");
    let (mut section, mut comment, mut keys) = (String::new(), String::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        }
        if let Some(words) = line.strip_prefix("# ") {
            comment = format!("{comment} {words}");
        } else {
            if let Some((key, _)) = line.split_once(" = ") {
                keys.insert(format!("{section}.{key}"), (line.to_owned(), comment.clone()));
            }
            comment.clear();
        }
    }
    keys
}

#[test]
fn every_field_has_a_commented_key_and_every_key_a_field() {
    let keys = keys();
    assert_eq!(keys.keys().cloned().collect::<BTreeSet<_>>(), fields());
    for (key, (_, comment)) in &keys {
        assert!(comment.contains("Default ") || comment.contains("Needed"), "{key} tells no default: {comment}");
    }
}

#[test]
fn a_key_left_out_is_a_fault_if_needed_and_else_its_documented_default() {
    for (key, (line, comment)) in keys() {
        let (section, _) = key.split_once('.').expect("a section");
        let folder = copy();
        let path = folder.path().join("kiosk.toml");
        let text = fs::read_to_string(&path).expect("a file");
        let head = text.find(&format!("[{section}]")).expect("a section");
        let with = |replacement: &str| {
            let (before, after) = text.split_at(head);
            fs::write(&path, format!("{before}{}", after.replacen(&line, replacement, 1))).expect("a file");
            load(&path, &KNOWN)
        };
        let without = with("");
        if comment.contains("Needed") {
            assert!(without.is_err(), "{key} is said to be needed");
            continue;
        }
        let default = comment.split("Default ").nth(1).expect("a default").split(" (").next().expect("a value");
        let (name, _) = line.split_once(" = ").expect("a key");
        let written = with(&format!("{name} = {}", default.trim_end_matches('.')));
        assert!(without.is_ok() && without == written, "{key}: default {default} is not what holds");
    }
}

#[test]
fn the_configuration_named_on_the_command_line_wins() {
    assert_eq!(find(Some(PathBuf::from("a.toml"))), PathBuf::from("a.toml"));
}

fn check(path: &Path, args: Check, answers: &[DeviceAnswer]) -> (u8, String, usize) {
    let (mut out, mut err, mut asked) = (Vec::new(), Vec::new(), 0);
    let mut ask = |_: &hospital_kiosk::config::Config| {
        asked += 1;
        answers.to_vec()
    };
    let mut streams = Streams { out: &mut out, err: &mut err };
    let code = run(args, path, &load(path, &KNOWN), &mut ask, &mut streams).expect("a writer");
    (code, String::from_utf8(out).expect("text"), asked)
}

#[test]
fn check_answers_by_its_exit_status_too() {
    let plain = Check { devices: false, json: false };
    assert_eq!(check(&shipped(), plain, &[]).0, YES);
    assert_eq!(check(Path::new("/nowhere/kiosk.toml"), plain, &[]).0, CANNOT);
    let folder = copy();
    let path = folder.path().join("kiosk.toml");
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, text.replacen("prefix = \"K3\"", "prefix = \"k\"", 1)).expect("a file");
    let (code, out, asked) = check(&path, Check { devices: true, json: true }, &[]);
    assert_eq!((code, asked), (NO, 0), "{out}");
    let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows[0]["what"], "kiosk.prefix");
    assert!(rows[0]["line"].is_u64() && rows[0]["column"].is_u64() && rows[0]["instead"].is_string());
    assert_eq!(rows[1], serde_json::json!({ "ok": false, "faults": 1 }));
}

#[test]
fn a_device_that_does_not_answer_makes_the_answer_no() {
    let silent =
        DeviceAnswer { device: "printer".into(), port: "/dev/usb/lp0".into(), ok: false, says: "nothing".into() };
    let asking = Check { devices: true, json: false };
    let (code, out, asked) = check(&shipped(), asking, &[silent]);
    assert_eq!((code, asked), (NO, 1));
    assert!(out.contains("printer at /dev/usb/lp0: NOT OK: nothing"), "{out}");
}

/// Nobody writes by hand how long something is kept, and a new text holds from its day on.
#[test]
fn what_is_said_of_personal_data_is_what_is_kept() {
    let folder = copy();
    let path = folder.path().join("kiosk.toml");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains("keep_payments_days = 90"), "the key is elsewhere");
    fs::write(&path, text.replacen("keep_payments_days = 90", "keep_payments_days = 41", 1)).expect("a file");
    let hospital = folder.path().join("hospital/onsaemi/hospital.toml");
    let text = fs::read_to_string(&hospital).expect("a file");
    let with = |next: &str| {
        fs::write(&hospital, format!("{text}next = {next}\n")).expect("a file");
        load(&path, &KNOWN)
    };
    let next = r#"{ version = "2027-01", announced = "2026-12-25", effective_from = "2027-01-01", text = { ko = "{payments_days}", en = "{payments_days}" } }"#;
    let facility = with(next).unwrap_or_else(|faults| panic!("{}", faults[0])).facility;
    let said = |day: &str| {
        let (version, text, since) = facility.consent_on(day.parse().expect("a day"));
        (version.to_owned(), text.get(Language::En).to_owned(), since.map(|day| day.to_string()))
    };
    let (version, text, since) = said("2026-12-31");
    assert_eq!((version.as_str(), since.as_deref()), ("2026-11", Some("2026-11-01")));
    assert!(text.contains("the payment after 41") && !text.contains('{'), "{text}");
    assert_eq!(said("2027-01-01"), ("2027-01".to_owned(), "41".to_owned(), Some("2027-01-01".to_owned())));
    for wrong in ["{days}", "{payments_days", "}"] {
        let faults = with(&next.replace("ko = \"{payments_days}\"", &format!("ko = \"{wrong}\""))).expect_err(wrong);
        assert!(faults[0].instead.contains("{payments_days}"), "{faults:?}");
    }
    assert!(with(&next.replace("2027-01-01", "next year")).is_err());
}

#[test]
fn a_new_privacy_text_is_announced_seven_days_before() {
    let folder = copy();
    let path = folder.path().join("kiosk.toml");
    let hospital = folder.path().join("hospital/onsaemi/hospital.toml");
    let text = fs::read_to_string(&hospital).expect("a file");
    let announced = |day: &str| {
        let next = format!(
            r#"next = {{ version = "2027-01", {day} effective_from = "2027-01-01", text = {{ ko = "새", en = "new" }} }}"#
        );
        fs::write(&hospital, format!("{text}{next}\n")).expect("a file");
        load(&path, &KNOWN)
    };
    let facility = announced(r#"announced = "2026-12-25","#).unwrap_or_else(|faults| panic!("{}", faults[0])).facility;
    let told = |day: &str| facility.privacy.announced_on(day.parse().expect("a day")).is_some();
    let days = ["2026-12-24", "2026-12-25", "2026-12-31", "2027-01-01"].map(told);
    assert_eq!(days, [false, true, true, false]);
    for (late, why) in [("2026-12-26", "6 days"), ("2027-01-01", "0 days"), ("2027-02-01", "0 days")] {
        let faults = announced(&format!(r#"announced = "{late}","#)).expect_err(late);
        assert!(faults[0].why.contains(why) && faults[0].instead.contains("7 days before"), "{faults:?}");
    }
    assert!(announced("").expect_err("it is needed")[0].to_string().contains("announced"));
}

/// A pipe in a file's place would be waited for, and a device has no end.
#[test]
fn what_is_no_file_is_not_read() {
    let folder = copy();
    let hours = folder.path().join("hospital/onsaemi/hours.toml");
    fs::remove_file(&hours).expect("removed");
    rustix::fs::mknodat(rustix::fs::CWD, &hours, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .expect("a pipe");
    let faults = load(&folder.path().join("kiosk.toml"), &KNOWN).expect_err("a pipe");
    assert!(faults.iter().any(|fault| fault.to_string().contains("it is no file")), "{faults:?}");
    fs::remove_file(&hours).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", &hours).expect("a link");
    let faults = load(&folder.path().join("kiosk.toml"), &KNOWN).expect_err("a device");
    assert!(faults.iter().any(|fault| fault.to_string().contains("it is no file")), "{faults:?}");
}
