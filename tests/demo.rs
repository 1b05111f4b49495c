//! The built-in patients of `demo`, played for real; and nobody's data in any log.

use std::path::Path;
use std::process::Command;

/// Numbers, birth dates and names of the demo's people, as they would stand in a log.
const PERSONAL: [&str; 8] =
    ["10293847", "20481632", "1958-04-12", "19580412", "1985-11-03", "19851103", "홍길동", "John Smith"];

#[test]
fn the_built_in_patients_get_what_they_came_for() {
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("out");
    let run = Command::new(env!("CARGO_BIN_EXE_demo"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--headless", "--out"])
        .arg(&out)
        .arg("--keep-data")
        .arg(folder.path().join("data"))
        .env("RUST_LOG", "debug")
        .output()
        .expect("demo runs");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).expect("summary")).expect("json");
    let journeys = summary["journeys"].as_array().expect("journeys");
    assert!(journeys.len() >= 6, "{summary:#}");
    assert!(journeys.iter().all(|journey| journey["synced"] == true), "{summary:#}");
    for list in ["receipts", "bundles", "screens"] {
        let paths = summary[list].as_array().expect("list");
        assert!(!paths.is_empty(), "no {list}");
        assert!(paths.iter().all(|path| out.join(path.as_str().expect("path")).is_file()), "{paths:?}");
    }
    nobody_in(&std::fs::read_to_string(out.join("kiosk.log")).expect("log"), "kiosk.log");
    nobody_in(&said, "standard output");
    nobody_in_files(&folder.path().join("data"));
}

fn nobody_in(text: &str, what: &str) {
    for personal in PERSONAL {
        assert!(!text.contains(personal), "{what} contains somebody's {personal:?}");
    }
}

/// What is on disk is encrypted: no file of the data folder holds a person in the clear.
fn nobody_in_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry")) {
        let kind = entry.file_type().expect("type");
        if kind.is_dir() {
            nobody_in_files(&entry.path());
        } else if kind.is_file() {
            nobody_in(
                &String::from_utf8_lossy(&std::fs::read(entry.path()).expect("file")),
                &entry.path().display().to_string(),
            );
        }
    }
}
