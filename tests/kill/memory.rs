//! Trust R11: what is left in the memory of the product, `kiosk run` in a window, of somebody who was looked up and is gone.
//!
//! The process forbids others of its user to look (`PR_SET_DUMPABLE`); root may, so this runs as root, as CI does.

use super::product::{Deed, Shop, TO_DOCUMENTS, TO_PAY, targets_of};
use hospital_kiosk::rehearsal::people;
use hospital_kiosk::rehearsal::terminal::CardAction;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A connection to the hospital's server is kept so long when nobody uses it, with what came over it last; and then some.
const FORGOTTEN: Duration = Duration::from_secs(90);

/// Then they leave.
const LEAVE: Deed = Deed::Click("Start over");
/// What is typed instead.
const NUMBER: [&str; 9] = ["7", "3", "5", "1", "9", "2", "6", "4", "Return"];
const BIRTH_DATE: [&str; 9] = ["1", "9", "6", "6", "0", "6", "0", "6", "Return"];

/// Everything that names this patient, in every spelling that the kiosk meets.
const NEEDLES: [&str; 9] = [
    "73519264",
    "1966-06-06",
    "19660606",
    "Zephyrine",
    "Quuxmann",
    "660606-2345999",
    "02-555-0199",
    "9 Nowhere Lane",
    "Z\u{2022}\u{2022}\u{2022}",
];

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "zephyrine",
        "active": true,
        "identifier": [
            { "system": people::PATIENT_SYSTEM, "value": NEEDLES[0] },
            { "system": "urn:rrn", "value": NEEDLES[5] }
        ],
        "name": [{ "use": "official", "family": NEEDLES[4], "given": [NEEDLES[3]] }],
        "telecom": [{ "system": "phone", "value": NEEDLES[6] }],
        "address": [{ "line": [NEEDLES[7]] }],
        "birthDate": NEEDLES[1],
        "meta": { "versionId": "1" }
    })
}

/// Where a needle was found: the mapping, and what stands around it.
fn found(pid: u32) -> Vec<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("its map");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("root may read it");
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let name = words.nth(3).unwrap_or("anonymous");
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        let Some((from, to)) = range.split_once('-').map(|(from, to)| (number(from), number(to))) else { continue };
        if !rights.starts_with("rw") || name == "[vvar]" {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).expect("a length")];
        if memory.read_exact_at(&mut bytes, from).is_err() {
            continue;
        }
        for needle in NEEDLES {
            for (at, _) in bytes.windows(needle.len()).enumerate().filter(|(_, part)| *part == needle.as_bytes()) {
                let around = &bytes[at.saturating_sub(40)..(at + 60).min(bytes.len())];
                found.push(format!("{needle} at {:x} in {name}: {}", from + at as u64, around.escape_ascii()));
            }
        }
    }
    found
}

#[test]
#[ignore = "needs Xvfb, xdotool and root: `make kill` installs and runs this"]
fn after_a_visit_nothing_of_the_patient_is_in_the_memory_of_the_product() {
    gone_after(&[LEAVE], |_| {});
}

/// What is ordered goes through the store, the queue, the terminal and the printer.
#[test]
#[ignore = "needs Xvfb, xdotool and root: `make kill` installs and runs this"]
fn after_a_paid_order_nothing_of_the_patient_is_in_the_memory_of_the_product() {
    gone_after(TO_PAY, |shop| {
        shop.terminal.card(CardAction::Approve);
        let end = Instant::now() + FORGOTTEN;
        while shop.hospital.count("Task") == 0 {
            assert!(Instant::now() < end, "the order never came\n{}", shop.log());
            sleep(Duration::from_millis(200));
        }
    });
}

/// Somebody is looked up, and `then` goes on from the list of documents.
fn gone_after(then: &[Deed], end_of_visit: impl Fn(&Shop)) {
    let targets = targets_of(TO_DOCUMENTS.iter().chain(then));
    let mut shop = Shop::open(11);
    shop.hospital.hold(vec![patient()]);
    shop.power_on();
    let pid = shop.pid();
    let mut typed = [&NUMBER[..], &BIRTH_DATE].into_iter();
    let (there, on) = targets.split_at(TO_DOCUMENTS.len());
    for (deed, target) in TO_DOCUMENTS.iter().zip(there) {
        match deed {
            Deed::Click(_) => shop.screen.click(target),
            Deed::Keys("1", _) => shop.screen.keys(target, typed.next().expect("two numbers are typed")),
            Deed::Keys(_, names) => shop.screen.keys(target, names),
        }
        .unwrap_or_else(|why| panic!("{why}\n{}", shop.log()));
    }
    let during = found(pid);
    assert!(
        during.iter().any(|place| place.starts_with(NEEDLES[0])),
        "it is looked for in the right place: {during:#?}"
    );
    for target in on {
        shop.screen.click(target).unwrap_or_else(|why| panic!("{why}\n{}", shop.log()));
    }
    end_of_visit(&shop);

    let end = Instant::now() + FORGOTTEN;
    let mut left = found(pid);
    println!("at the end of the visit: {} places", left.len());
    while !left.is_empty() && Instant::now() < end {
        sleep(Duration::from_secs(2));
        left = found(pid);
    }
    assert!(left.is_empty(), "{} places:\n{}", left.len(), left.join("\n"));
}
