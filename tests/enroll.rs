//! `kiosk enroll` as a technician meets it, and what a running kiosk gives away of its memory: nothing.

use crate::commands::{Ended, config, first_line, kiosk};
use crate::watch::{get, value};
use hospital_kiosk::domain::numbers::Counters;
use hospital_kiosk::ports::JournalLines;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A configuration with its store and its keys in `folder`.
fn settings(folder: &Path, keys: &str) -> String {
    settings_and(folder, keys, &[])
}

fn settings_and(folder: &Path, keys: &str, more: &[(&str, String)]) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let changes = [
        ("store.folder", at("store")),
        ("store.key_file", at("store-key/key")),
        ("identity.key_folder", at(keys)),
        ("hospital.url", "http://127.0.0.1:9/fhir".to_owned()),
    ];
    let changes = changes.iter().chain(more).map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>();
    config(folder, &changes).display().to_string()
}

fn enroll(path: &str, arguments: &[&str]) -> Value {
    kiosk(&[&["--config", path, "enroll", "--json"], arguments].concat()).exits(0).only()
}

#[test]
fn enrolling_makes_a_key_once_and_tells_only_its_public_half() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = settings(folder.path(), "keys");
    let first = enroll(&path, &[]);
    assert_eq!(first, enroll(&path, &[]), "again, the same");
    assert_eq!(first["token_endpoint_auth_method"], "private_key_jwt");
    let key = &first["jwks"]["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["kid"]),
        (&"EC".into(), &"P-384".into(), &"ES384".into(), &first["kid"])
    );
    assert!(key.get("d").is_none() && !first.to_string().contains("PRIVATE"), "{first}");
    assert!(first["certificate_request"].is_null() && first["next_kid"].is_null());
    let file = folder.path().join("keys/signing-key.pem");
    assert_eq!(fs::metadata(&file).expect("the key").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder.path().join("keys")).expect("the folder").permissions().mode() & 0o777, 0o700);

    let rotated = enroll(&path, &["--rotate", "--tls"]);
    assert_eq!(rotated["kid"], first["kid"], "the old key serves on");
    assert_eq!(rotated["jwks"]["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(rotated["jwks"]["keys"][1]["kid"], rotated["next_kid"]);
    assert_eq!(rotated["jwks"], enroll(&path, &["--rotate", "--tls"])["jwks"], "one next key at a time");
    assert!(rotated["certificate_request"].as_str().is_some_and(|pem| pem.contains("CERTIFICATE REQUEST")));

    let words = kiosk(&["--config", &path, "enroll"]).exits(0).out;
    for said in ["JWKS", "client id", "Both keys must be registered", "kiosk check --devices"] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let text = fs::read_to_string(&path).expect("the configuration");
    assert!(!text.contains("PRIVATE"), "no secret in the configuration");

    // Others could read it: it is used no more.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert!(kiosk(&["--config", &path, "enroll"]).exits(2).err.contains("chmod 600"));
}

#[test]
fn keys_are_not_made_where_a_copied_disk_would_carry_them() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("store")).expect("a folder");
    let ran = kiosk(&["--config", &settings(folder.path(), "store/keys"), "enroll"]).exits(2);
    assert!(ran.err.contains("inside the data folder"), "{}", ran.err);
    assert!(!folder.path().join("store/keys/signing-key.pem").exists());
}

/// `kiosk run` on a screen of its own, when its first picture is there; `None` without Xvfb.
fn running(path: &str) -> Option<(Ended, Ended)> {
    let mut screen = Command::new("Xvfb");
    screen.args(["-displayfd", "1", "-screen", "0", "1080x1920x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(screen) = screen.spawn() else {
        println!("skipped: Xvfb is not installed");
        return None;
    };
    let mut screen = Ended(screen);
    let display = first_line(&mut screen.0);
    let mut run = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    run.args(["--config", path, "run", "--first-frame"]).env("DISPLAY", format!(":{}", display.trim()));
    run.env_remove("WAYLAND_DISPLAY").env_remove("CREDENTIALS_DIRECTORY").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = Ended(run.spawn().expect("kiosk starts"));
    assert!(first_line(&mut run.0).starts_with("first-frame"));
    Some((run, screen))
}

#[test]
fn a_running_kiosk_leaves_no_core_file_and_is_watched_where_the_configuration_says() {
    let folder = tempfile::tempdir().expect("folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let path = settings_and(folder.path(), "keys", &[("watch.address", free.to_string())]);
    let Some((run, _screen)) = running(&path) else { return };
    let limits = fs::read_to_string(format!("/proc/{}/limits", run.0.id())).expect("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "soft and hard: {core}");
    // proc(5): what is not dumpable belongs to root, whoever runs it. For root itself this proves nothing.
    let owner = fs::metadata(format!("/proc/{}/mem", run.0.id())).expect("its memory");
    assert_eq!(owner.uid(), 0);

    let text = get(free, "/metrics").expect("an answer");
    assert_eq!(value(&text, "kiosk_queue_waiting"), Some("0"), "{text}");
    assert!(text.contains("kiosk_info{kiosk=\"K3\",version=\"0.1.0\",database=\""), "{text}");
}

/// Read by curl from a real kiosk that is closed because of its clock, and whose disk goes.
#[test]
fn a_monitor_is_told_why_a_kiosk_is_closed() {
    let folder = tempfile::tempdir().expect("folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let path = settings_and(folder.path(), "keys", &[("watch.address", free.to_string())]);
    let store = hospital_kiosk::assembly::load_config(Path::new(&path)).expect("a configuration").store;
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(40)).fixed_offset();
    let counters = Counters { day: ahead.date_naive(), tickets: 1, claims: 0, attempts: 0 };
    let opened = hospital_kiosk::store::open_with_credentials(&store, None).expect("a store").store;
    opened.save_counters(&counters, ahead).expect("kept");
    drop(opened);
    // Somebody else sits at its address when it starts.
    let squatter = std::net::TcpListener::bind(free).expect("still free");
    let Some((_run, _screen)) = running(&path) else { return };
    drop(squatter);
    let told = || {
        let text = get(free, "/metrics").unwrap_or_default();
        let names = ["kiosk_store_readable", "kiosk_store_writable", "kiosk_clock_believed", "kiosk_in_service"];
        names.map(|name| value(&text, name).unwrap_or("nothing").to_owned())
    };
    let end = Instant::now() + Duration::from_mins(2);
    while told() != ["1", "1", "0", "0"] {
        assert!(Instant::now() < end, "{:?}", told());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::rename(&store.folder, folder.path().join("away")).expect("taken away");
    assert_eq!(told(), ["1", "0", "0", "0"], "at once, though nothing was to be written");
}
