//! What an older version wrote into the trail, and its one PIN.

use super::super::audit::ChainKey;
use super::super::{door, key::Secret, schema};
use super::*;
use crate::domain::person::Role;
use crate::domain::staff::{Gate, Pin};
use crate::domain::trail::{Anchor, AnchorPlace, AnchorVerdict, TrailFault, TrailHead};
use crate::ports::{AuditRow, StaffBook, Trail};
use ring::digest;
use std::fmt::Write as _;

/// As it was before there was a key.
fn plain_link(before: &str, row: &AuditRow) -> String {
    let mut bytes = Vec::new();
    let sequence = row.sequence.to_string();
    for part in [before, &sequence, &row.at, &row.who, &row.act, &row.about, &row.result] {
        bytes.extend(part.len().to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    digest::digest(&digest::SHA256, &bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Three rows of an older version, its PIN, and the head of its trail.
fn older(folder: &Path) -> TrailHead {
    let before = schema::STEPS.iter().position(|step| step.contains("CREATE TABLE audit_marks")).unwrap();
    assert!(memory::take_over());
    let mut connection = Connection::open(folder.join("kiosk.db")).unwrap();
    schema::migrate(&mut connection, &schema::STEPS[..before]).unwrap();
    let pin = door::hash(&Pin::read("40718").unwrap()).unwrap();
    connection
        .execute("INSERT INTO staff (only_row, pin_hash, set_at) VALUES (1, ?1, ?2)", [&pin, &at().to_rfc3339()])
        .unwrap();
    let mut head = TrailHead::default();
    for sequence in 1..=3 {
        let mut row = AuditRow {
            sequence,
            at: at().to_rfc3339(),
            who: "staff".into(),
            act: "ask".into(),
            about: format!("K3-{sequence:04}"),
            result: "ordered".into(),
            hash: String::new(),
            was: String::new(),
            became: String::new(),
        };
        row.hash = plain_link(&head.hash, &row);
        let AuditRow { at, who, act, about, result, hash, .. } = &row;
        let sql = "INSERT INTO audit (sequence, at, who, act, about, result, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        connection.execute(sql, rusqlite::params![sequence, at, who, act, about, result, hash]).unwrap();
        head = TrailHead { sequence, hash: row.hash };
    }
    head
}

#[test]
fn a_trail_of_an_older_version_is_sealed_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let old = older(folder.path());
    let store = plain(folder.path());
    let given = Anchor { place: AnchorPlace::Given, head: old.clone(), at: None };
    let check = store.check_trail(&[given]).unwrap();
    assert_eq!((check.rows, check.sealed_by, check.is_sound()), (4, Some(4), true));
    assert_eq!(check.anchors[0].1, AnchorVerdict::Holds, "a head of before is still good");
    let seal = store.trail(3, None, 9).unwrap().pop().unwrap();
    assert_eq!((seal.who.as_str(), seal.act.as_str(), seal.was), ("kiosk", "seal", old.to_string()));
    assert!(seal.at.ends_with("+09:00"), "{}", seal.at);
    store.audit(&AuditEntry::new(Who::Shell, StaffAct::Ask, "K3-0009", "ordered"), at()).unwrap();
    assert!(store.check_trail(&[]).unwrap().is_sound());
    drop(store);
    assert_eq!(plain(folder.path()).check_trail(&[]).unwrap().rows, 5, "it is sealed once");
}

/// From then on its rows cannot be linked anew either.
#[test]
fn what_an_older_version_wrote_cannot_be_changed_behind_the_seal() {
    let folder = tempfile::tempdir().unwrap();
    older(folder.path());
    let store = plain(folder.path());
    let mut rows = store.trail(0, None, 9).unwrap();
    rows[1].result = "nothing was done".into();
    store.connection().execute_batch("DROP TRIGGER audit_stays").unwrap();
    for index in 1..3 {
        rows[index].hash = plain_link(&rows[index - 1].hash.clone(), &rows[index]);
        let AuditRow { sequence, result, hash, .. } = &rows[index];
        let sql = "UPDATE audit SET result = ?2, hash = ?3 WHERE sequence = ?1";
        store.connection().execute(sql, rusqlite::params![sequence, result, hash]).unwrap();
    }
    assert_eq!(store.check_trail(&[]).unwrap().fault, Some(TrailFault::Row(4)));
}

#[test]
fn the_one_pin_of_an_older_version_becomes_one_person() {
    let folder = tempfile::tempdir().unwrap();
    older(folder.path());
    let store = plain(folder.path());
    let persons = store.persons().unwrap();
    let [only] = persons.as_slice() else { panic!("{persons:?}") };
    assert_eq!((only.name.as_str(), only.role, only.granted_by.as_str()), ("staff", Role::Technician, "older version"));
    assert_eq!(store.gate(at()).unwrap(), Gate::Closed, "no number is asked for");
    let pin = Pin::read("40718").unwrap();
    assert!(matches!(store.try_pin(None, &pin, at()).unwrap(), Gate::Open(_)));
    assert!(matches!(store.try_pin(Some(only.number), &pin, at()).unwrap(), Gate::Open(_)));
}

/// A key of another purpose, or of another store, links nothing of this one.
#[test]
fn the_keys_are_the_stores_and_each_for_one_thing() {
    let keys = [Secret::Plain, Secret::Key(zeroize::Zeroizing::new([7; 32]))];
    let tags: Vec<_> = keys
        .iter()
        .flat_map(|secret| [secret.derive(b"one"), secret.derive(b"other")])
        .map(|key| ring::hmac::sign(&key, b"").as_ref().to_vec())
        .collect();
    let different: std::collections::BTreeSet<_> = tags.iter().collect();
    assert_eq!(different.len(), 4);
    let _ = ChainKey::of(&keys[0]);
}
