//! The power goes at ten different moments of a payment. The four promises of money hold after the restart.

use crate::stage::{TO_CONSENT, open};
use hospital_kiosk::commands::socket::{self, Request};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Milliseconds after "I agree": before the terminal is ready, while the card is in, at the answer, after it.
const MOMENTS_MS: [u64; 10] = [5, 40, 90, 160, 260, 400, 600, 900, 1400, 2200];

#[test]
fn a_power_cut_at_any_moment_of_a_payment_keeps_the_four_promises() {
    let mut charged = 0;
    for moment_ms in MOMENTS_MS {
        charged += u32::from(cut_after(moment_ms));
    }
    assert!(charged > 0, "no payment went through before the power went: the moments are too early to test anything");
    assert!(charged < 10, "every payment went through: the moments are too late to test anything");
}

/// True if the card company booked.
fn cut_after(moment_ms: u64) -> bool {
    let mut theatre = open();
    theatre.play(TO_CONSENT);
    theatre.play("card approve\ntap \"I agree\"");
    std::thread::sleep(Duration::from_millis(moment_ms));
    theatre.play("power cut");
    let payments = settled(&theatre.folder.path().join("data/store"));
    let booked = theatre.stage.terminal.booked().0;
    let states = payments.iter().map(|payment| payment["state"].as_str().unwrap_or_default()).collect::<Vec<_>>();
    let paid = states.iter().filter(|state| ["committed", "settled"].contains(*state)).count();
    let staff = states.iter().filter(|state| **state == "needs-staff").count();
    // Never twice.
    assert!(booked == 0 || booked == 3000, "booked {booked} after a cut at {moment_ms} ms");
    // Never lost: what was booked is attached to one request or on the staff list.
    assert!(booked == 0 || paid + staff == 1, "cut at {moment_ms} ms: booked, but {states:?}");
    // Never guessed: nothing counts as paid that was not booked.
    assert!(booked > 0 || paid == 0, "cut at {moment_ms} ms: not booked, but {states:?}");
    if paid == 1 {
        let hospital = theatre.stage.hospital.as_ref().expect("ours");
        let end = Instant::now() + Duration::from_secs(20);
        while hospital.count("Task") < 1 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!((hospital.count("Task"), hospital.count("Invoice")), (1, 1), "cut at {moment_ms} ms");
    }
    booked > 0
}

/// The payments once none is open any more.
fn settled(folder: &std::path::Path) -> Vec<Value> {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let answer =
            socket::ask(folder, &Request::PaymentsList { json: true }).expect("the kiosk runs").expect("a list");
        let payments = answer.iter().map(|line| serde_json::from_str(line).expect("json")).collect::<Vec<Value>>();
        let open = |payment: &Value| {
            ["intent", "sent", "answered", "in-doubt"].contains(&payment["state"].as_str().unwrap_or_default())
        };
        if !payments.iter().any(open) {
            return payments;
        }
        assert!(Instant::now() < end, "still open after a minute: {payments:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
