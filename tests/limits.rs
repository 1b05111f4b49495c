//! Limits that lie within each other: what answers must be quicker than what waits for it, at every setting that the
//! configuration takes.

use crate::configuration::{KNOWN, shipped};
use hospital_kiosk::commands::payments;
use hospital_kiosk::config;
use hospital_kiosk::domain::limits::{
    ANSWER_LIMIT_MS, ANSWER_MARGIN_MS, ASK_LIMIT_MS, CLOSING_LIMIT_MS, GO_ON_LIMIT_MS, LOOK_UP_LIMIT_MS, LOST_MS,
    PREPARE_LIMIT_MS,
};
use hospital_kiosk::terminal::{smartro, zvt};
use std::fs;
use std::path::PathBuf;

/// The longest time for a card that `hospital.toml` takes, in milliseconds.
const CARD_MOST_MS: u64 = 300_000;

/// The shipped configuration with one line of one of its files replaced; its faults.
fn with(changes: &[(&str, &str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("folder");
    let from = shipped().parent().expect("config/").to_owned();
    let copy = |name: &str| {
        let mut text = fs::read_to_string(from.join(name)).expect("shipped");
        for (_, key, value) in changes.iter().filter(|(file, ..)| name.ends_with(file)) {
            let line = text.lines().find(|line| line.starts_with(&format!("{key} = "))).expect("the key").to_owned();
            text = text.replace(&line, &format!("{key} = {value}"));
        }
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        fs::write(&path, text).expect("written");
        path
    };
    for name in ["hospital", "desks", "hours", "fees", "documents"] {
        copy(&format!("hospital/onsaemi/{name}.toml"));
    }
    let path: PathBuf = copy("kiosk.toml");
    match config::load(&path, &KNOWN) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|fault| format!("{} {}: {}", fault.what, fault.why, fault.instead)).collect(),
    }
}

#[test]
fn a_patient_waits_longer_than_any_look_up_may_take() {
    let at = |ms: u64| with(&[("kiosk.toml", "look_up_timeout_ms", &ms.to_string())]);
    let longest =
        (1..=30).map(|seconds| seconds * 1_000).filter(|ms| at(*ms).is_empty()).max().expect("some are taken");
    assert!(longest < LOOK_UP_LIMIT_MS, "{longest} ms are taken");
    let told = at(25_000).join("\n");
    assert!(told.contains("look_up_timeout_ms") && told.contains("20 s"), "{told}");
}

#[test]
fn a_quote_is_not_asked_for_longer_than_a_patient_waits_for_it() {
    let at = |quote_s: &str, timeout_ms: &str| {
        with(&[("hospital.toml", "quote_s", quote_s), ("kiosk.toml", "quote_timeout_ms", timeout_ms)])
    };
    assert_eq!(at("15", "15000"), Vec::<String>::new());
    assert_eq!(at("60", "60000"), Vec::<String>::new());
    let told = at("10", "15000").join("\n");
    assert!(told.contains("quote_timeout_ms") && told.contains("timing.quote_s"), "{told}");
    const { assert!(60_000 < LOST_MS && LOOK_UP_LIMIT_MS < LOST_MS, "an answer that may still come is not lost") };
}

#[test]
fn a_terminal_has_answered_before_the_till_gives_up() {
    let at = |card_s: u64, answer_ms: u64| {
        let (card, answer) = (card_s.to_string(), answer_ms.to_string());
        with(&[("hospital.toml", "card_s", &card), ("kiosk.toml", "answer_timeout_ms", &answer)])
    };
    assert_eq!(at(60, 200_000), Vec::<String>::new());
    let told = at(60, 200_001).join("\n");
    assert!(told.contains("answer_timeout_ms") && told.contains("in doubt"), "{told}");
    assert_eq!(at(300, 440_000), Vec::<String>::new());
    assert!(!at(300, 600_000).is_empty());
    let smartro = smartro::dialogue::Limits::new(3_000, 90_000);
    let zvt = zvt::dialogue::Limits::new(3_000, 90_000);
    assert!(smartro.card_grace_ms + smartro.reply_ms < ANSWER_MARGIN_MS);
    assert!(zvt.card_grace_ms + zvt.reply_ms < ANSWER_MARGIN_MS);
}

#[test]
fn every_other_work_of_a_terminal_lies_within_the_tills_wait() {
    let smartro = smartro::dialogue::Limits::new(3_000, 90_000);
    let zvt = zvt::dialogue::Limits::new(3_000, 90_000);
    for (card_out_ms, reply_ms, ask_ms) in
        [(smartro.card_out_ms, smartro.reply_ms, smartro.ask_ms), (zvt.card_out_ms, zvt.reply_ms, zvt.ask_ms)]
    {
        assert!(card_out_ms + reply_ms < PREPARE_LIMIT_MS && ask_ms < ASK_LIMIT_MS);
    }
    assert!(zvt.go_on_ms < GO_ON_LIMIT_MS && zvt.decide_ms < GO_ON_LIMIT_MS);
    assert!(zvt.work_ms < CLOSING_LIMIT_MS);
    assert!(zvt.work_ms < ANSWER_LIMIT_MS);
}

#[test]
fn a_command_waits_for_whatever_it_ordered() {
    let patience = u64::try_from(payments::ANSWER_LIMIT.as_millis()).expect("minutes");
    for work in [PREPARE_LIMIT_MS + CARD_MOST_MS + ANSWER_LIMIT_MS, PREPARE_LIMIT_MS + CLOSING_LIMIT_MS] {
        assert!(work < patience, "{work} ms of work, {patience} ms of patience");
    }
    let beyond = with(&[("hospital.toml", "card_s", &(CARD_MOST_MS / 1_000 + 1).to_string())]);
    assert!(!beyond.is_empty(), "card_s goes further than this test knows");
}

#[test]
fn the_end_of_a_code_is_known_before_the_reader_may_repeat_it() {
    assert_eq!(with(&[("kiosk.toml", "code_gap_ms", "1000")]), Vec::<String>::new());
    assert!(!with(&[("kiosk.toml", "code_gap_ms", "1500")]).is_empty());
}
