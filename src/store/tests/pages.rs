//! What a thief with the key would find: every page of the database and every frame of its log, decrypted one by one
//! (<https://www.zetetic.net/sqlcipher/design/>: AES-256-CBC, the IV and an HMAC-SHA512 at each page's end, the salt in
//! the first 16 bytes of the first).

use super::{MARKER, at, opened, pay, request};
use crate::domain::outbox::{Act, Delivery, PaymentOfRequest, QueuedRequest, Request};
use crate::domain::reason::ParkReason;
use crate::ports::{JournalLines, QueueList, SingleRequests};
use crate::store::{SqliteStore, database, key};
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut, KeyIvInit};
use std::fs;
use std::path::Path;
use uuid::Uuid;

const KEY: [u8; 32] = [7; 32];
const PAGE: usize = 4096;
const RESERVED: usize = 80;
const SALT: usize = 16;
/// Of the log and of each frame in it (`SQLite`'s file format, 4.1).
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

fn store(folder: &Path) -> SqliteStore {
    opened(folder, &key::Secret::Key(zeroize::Zeroizing::new(KEY)))
}

/// A page's content; the first page's without its salt.
fn decrypt(page: &[u8], is_first: bool) -> Vec<u8> {
    let (content, reserved) = page.split_at(PAGE - RESERVED);
    let mut plain = content[if is_first { SALT } else { 0 }..].to_vec();
    let cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(&KEY, &reserved[..16]).unwrap();
    cipher.decrypt_padded_mut::<NoPadding>(&mut plain).unwrap();
    plain
}

/// Every page and frame that is there, in the clear, with its name.
fn all_pages(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let database = fs::read(folder.join("kiosk.db")).unwrap();
    let log = fs::read(folder.join("kiosk.db-wal")).unwrap_or_default();
    let mut pages: Vec<(String, Vec<u8>)> = (1..)
        .zip(database.chunks_exact(PAGE))
        .map(|(number, page)| (format!("page {number}"), decrypt(page, number == 1)))
        .collect();
    for (number, frame) in (1..).zip(log.get(LOG_HEADER..).unwrap_or_default().chunks_exact(FRAME_HEADER + PAGE)) {
        let of = u32::from_be_bytes(frame[..4].try_into().unwrap());
        pages.push((format!("frame {number} of page {of}"), decrypt(&frame[FRAME_HEADER..], of == 1)));
    }
    pages
}

fn with_marker(folder: &Path) -> Vec<String> {
    let has = |page: &[u8]| page.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
    all_pages(folder).into_iter().filter(|(_, page)| has(page)).map(|(name, _)| name).collect()
}

fn deliver(store: &SqliteStore, next: &QueuedRequest) {
    store.end_try(next.sequence, &Delivery::Done { note: None }, at()).unwrap();
}

fn close_by_hand(store: &SqliteStore, next: &QueuedRequest) {
    store.end_try(next.sequence, &Delivery::Park { reason: ParkReason::FoundTwice }, at()).unwrap();
    assert!(store.close_by_hand(next.request.id, "seen there", at()).unwrap());
}

type End = fn(&SqliteStore, &QueuedRequest);

/// A paid request, a free one and an arrival, each come to this `end`; what is found before and after.
fn queue_and(end: End, store: &SqliteStore, folder: &Path) -> (Vec<String>, Vec<String>) {
    pay(store);
    let bundle = format!("{{\"value\":\"{MARKER}\"}}").repeat(700);
    store.queue(&Request { id: Uuid::from_u128(3), ..request(PaymentOfRequest::Free) }, bundle.as_bytes()).unwrap();
    let act = Act::Arrival {
        appointment_ref: format!("Appointment/{MARKER}"),
        version_seen: "1".into(),
        ticket: "K3-012".into(),
        insurance: None,
        see_desk: false,
    };
    store.queue(&Request { id: Uuid::from_u128(4), act, ..request(PaymentOfRequest::Free) }, &[]).unwrap();
    let before = with_marker(folder);
    while let Some(next) = store.next_request().unwrap() {
        store.begin_try(next.sequence).unwrap();
        end(store, &next);
    }
    assert!(database::truncate_log(&store.connection()), "the log was emptied");
    (before, with_marker(folder))
}

#[test]
fn delivered_requests_are_in_no_decrypted_page_and_no_frame_of_the_log() {
    are_in_no_page_and_no_frame(deliver);
}

#[test]
fn nor_are_those_that_people_entered_by_hand() {
    are_in_no_page_and_no_frame(close_by_hand);
}

fn are_in_no_page_and_no_frame(end: End) {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (before, after) = queue_and(end, &store, folder.path());
    assert!(before.iter().any(|name| name.starts_with("frame")), "the search finds what is there: {before:?}");
    assert_eq!(after, Vec::<String>::new());
    let pages = all_pages(folder.path());
    // Page size 4096 in the database's own header: this is the clear text and no noise.
    assert_eq!(&pages[0].1[..2], [0x10, 0]);
    assert!(pages.len() > 8, "the freed pages are still in the file: {}", pages.len());
    assert_eq!(fs::metadata(folder.path().join("kiosk.db-wal")).map_or(0, |log| log.len()), 0);
}

/// The same check with the pragma off: it must find them, or it could find nothing.
#[test]
fn without_secure_delete_the_same_check_finds_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.connection().execute_batch("PRAGMA secure_delete = OFF").unwrap();
    let (_, after) = queue_and(deliver, &store, folder.path());
    assert!(after.iter().any(|name| name.starts_with("page")), "{after:?}");
}

/// Identifier, kind, time, what may hold content, visit.
type Kept = (String, String, Option<String>, Option<String>, String);

#[test]
fn only_identifier_time_and_kind_stay() {
    what_stays(deliver, None);
    what_stays(close_by_hand, Some("closed by staff: seen there"));
}

fn what_stays(end: End, note: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let _ = queue_and(end, &store, folder.path());
    let connection = store.connection();
    let mut statement = connection
        .prepare(
            "SELECT id, kind, delivered_at, coalesce(request, bundle, note), visit FROM outbox WHERE state = 'sent'",
        )
        .unwrap();
    let rows: Vec<Kept> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert_eq!(rows.len(), 3);
    for (id, kind, delivered_at, content, visit) in rows {
        assert!(Uuid::parse_str(&id).is_ok() && ["documents", "arrival"].contains(&kind.as_str()));
        assert_eq!((delivered_at, content.as_deref(), visit), (Some(at().to_rfc3339()), note, String::new()));
    }
}
