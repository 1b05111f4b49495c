//! The unit that is shipped: what it forbids, and the kiosk alive under it. systemd itself is not asked, its filter is
//! computed from the file.

pub mod filter;

use crate::stage::{TO_CONSENT, Theatre, open};
use filter::{Act, Unit, calls, install, number, programs};
use std::time::{Duration, Instant};

pub const SHIPPED: &str = include_str!("../config/hospital-kiosk.service");

/// Does `work` on a thread under what `text` forbids; what it starts is under it too.
pub fn under<T: Send + 'static>(text: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let programs = programs(&Unit::read(text));
    let thread = std::thread::spawn(move || {
        install(&programs);
        work()
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[test]
fn the_filter_is_what_systemd_makes_of_the_unit() {
    let with = |lines: &str| calls(&Unit::read(&format!("\n[Service]\n{lines}\n[Install]\n")));
    let act = |lines: &str, call: &str| with(lines)[&number(call)];
    let kills = "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources";
    let says_no = format!("{kills}\nSystemCallErrorNumber=EPERM");
    let says_no_to_some = "SystemCallFilter=@system-service\nSystemCallFilter=~@resources:EPERM mlock";
    let table = [
        (kills, "read", Act::Allow),
        (kills, "prlimit64", Act::Allow),
        (kills, "setpriority", Act::Kill),
        (kills, "setrlimit", Act::Kill),
        (kills, "chown", Act::Kill),
        (kills, "ptrace", Act::Kill),
        (says_no.as_str(), "read", Act::Allow),
        (says_no.as_str(), "setpriority", Act::Errno(1)),
        (says_no.as_str(), "ptrace", Act::Errno(1)),
        (says_no_to_some, "setpriority", Act::Errno(1)),
        (says_no_to_some, "mlock", Act::Kill),
        (says_no_to_some, "chown", Act::Allow),
    ];
    for (lines, call, wanted) in table {
        assert_eq!(act(lines, call), wanted, "{call} under\n{lines}");
    }
}

/// The kernel, too, makes of it what it should.
#[test]
fn what_is_forbidden_is_answered_and_what_is_not_works() {
    under(SHIPPED, || {
        let nice = rustix::process::setpriority_process(None, 10);
        assert_eq!(nice, Err(rustix::io::Errno::PERM));
        assert!(std::net::TcpListener::bind("127.0.0.1:0").is_ok());
        assert_eq!(filter::socket_error(libc::AF_PACKET), Some(libc::EAFNOSUPPORT));
        assert_eq!(filter::socket_error(libc::AF_NETLINK), None, "udev");
        std::thread::spawn(|| ()).join().expect("a thread");
    });
}

/// Until the schedule was read, a ticket and a receipt came out and the card was charged.
fn a_morning() -> (Theatre, String) {
    let mut theatre = open();
    let played = theatre.try_play(&format!(
        "scan \"A:AS-40021\"\ntap \"Yes\"\ntap \"Check in\"\nexpect-paper \"K3-001\"\ntap \"Finish\"\n\
         {TO_CONSENT}card approve\ntap \"I agree\"\nexpect \"Paid\"\nexpect-paper \"₩3,000\"\n\
         expect-hospital Task 1\ntap \"Finish\""
    ));
    let mut said = played.map_or_else(|error| format!("{error:#}"), |()| String::new());
    let end = Instant::now() + Duration::from_secs(30);
    while said.is_empty() && !theatre.log().contains("today's schedule was read") {
        if Instant::now() > end {
            "the schedule was not read".clone_into(&mut said);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    (theatre, said)
}

#[test]
fn the_kiosk_lives_under_the_filter_of_its_unit() {
    under(SHIPPED, || {
        let (mut theatre, said) = a_morning();
        assert!(said.is_empty() && !theatre.stage.kiosk_ended(), "{said}\n{}", theatre.log());
        assert!(!theatre.log().contains("may be swapped out"), "{}", theatre.log());
    });
}

/// The same filter without an error to answer with: what the test above is there to find.
#[test]
fn a_filter_that_kills_would_be_noticed() {
    let text = SHIPPED.replace("\nSystemCallErrorNumber=EPERM\n", "\n");
    assert_ne!(text, SHIPPED);
    let ended = under(&text, || match std::panic::catch_unwind(a_morning) {
        Ok((mut theatre, said)) => !said.is_empty() && theatre.stage.kiosk_ended(),
        Err(_) => true,
    });
    assert!(ended, "the kiosk never makes a call that the unit forbids: is the list still the right one?");
}

/// What the unit promises must be what the program needs, word for word.
#[test]
fn the_unit_asks_for_what_the_program_was_tried_with() {
    let unit = Unit::read(SHIPPED);
    let one = |key: &str| unit.all(key).last().unwrap_or_default().to_owned();
    assert_eq!(one("Type"), "notify");
    assert_eq!(unit.all("ExecStartPre").count(), 0, "a bad configuration is told by `run` itself");
    let watchdog_s: u64 = one("WatchdogSec").parse().expect("seconds");
    assert!((30..=120).contains(&watchdog_s), "{watchdog_s}");
    assert!(one("RestrictAddressFamilies").split_whitespace().any(|family| family == "AF_NETLINK"), "udev");
    let locked_mib = one("LimitMEMLOCK").strip_suffix('M').and_then(|mib| mib.parse::<u64>().ok()).expect("MiB");
    assert!(locked_mib >= 32, "the store keeps its memory out of swap");
    assert_eq!(one("MemorySwapMax"), "0");
    for key in ["NoNewPrivileges", "PrivateTmp", "MemoryDenyWriteExecute", "RestrictNamespaces", "LockPersonality"] {
        assert!(unit.is_on(key), "{key}");
    }
}
