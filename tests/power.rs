//! The power goes at ten different moments of a payment. The four promises of money hold after the restart.

use crate::stage::{TO_CONSENT, Theatre, open};
use hospital_kiosk::commands::socket::{self, Request};
use serde_json::Value;
use std::time::{Duration, Instant};

/// When the power goes. How far a payment gets in so many milliseconds is a matter of the machine; the first moment is
/// before any charge and the last after one on every machine.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The terminal waits for a card that nobody holds out.
    WithoutCard,
    /// Milliseconds after "I agree": before the terminal is ready, while the card is in, at the answer, after it.
    After(u64),
    /// The card company has booked.
    Booked,
}

const PATIENCE: Duration = Duration::from_mins(1);

const MOMENTS: [Moment; 10] = {
    use Moment::{After, Booked, WithoutCard};
    [WithoutCard, After(5), After(40), After(90), After(160), After(260), After(400), After(700), After(1400), Booked]
};

#[test]
fn a_power_cut_at_any_moment_of_a_payment_keeps_the_four_promises() {
    let mut charged = 0;
    for moment in MOMENTS {
        charged += u32::from(cut_at(moment));
    }
    println!("{charged} of {} were charged", MOMENTS.len());
    assert!(charged > 0 && charged < 10, "only one outcome: the moments test nothing");
}

/// True if the card company booked.
fn cut_at(moment: Moment) -> bool {
    let mut theatre = open();
    theatre.play(TO_CONSENT);
    match moment {
        Moment::WithoutCard => theatre.play("tap \"I agree\"\nexpect \"Insert your card\""),
        Moment::After(ms) => {
            theatre.play("card approve\ntap \"I agree\"");
            std::thread::sleep(Duration::from_millis(ms));
        }
        Moment::Booked => {
            theatre.play("card approve\ntap \"I agree\"");
            let end = Instant::now() + PATIENCE;
            while theatre.stage.terminal.booked().0 == 0 && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    theatre.play("power cut");
    promises_hold(&theatre, &format!("{moment:?}"))
}

/// The journal's own steps, which mean the same on a fast machine and on a slow one.
#[test]
fn a_power_cut_at_each_step_of_the_journal_keeps_the_four_promises() {
    for (step, charged) in
        [("intent", false), ("sent", false), ("answered", true), ("committed", true), ("settled", true)]
    {
        let mut theatre = open();
        theatre.play(TO_CONSENT);
        theatre.play(&format!("card approve\npower cut at {step}\ntap \"I agree\"\nexpect \"Check-in and documents\""));
        assert_eq!(promises_hold(&theatre, step), charged, "cut at {step}");
    }
}

/// The line that asks for it may stand before the touch that begins the payment or after it.
#[test]
fn a_power_cut_at_a_step_is_set_before_the_payment_can_be_past_it() {
    let mut theatre = open();
    theatre.play(TO_CONSENT);
    theatre.play(
        "card approve\ntap \"I agree\"\nexpect-money charged 3000\npower cut at answered\nexpect \"Check-in and documents\"",
    );
    assert!(promises_hold(&theatre, "answered"));
    let error = theatre.try_play("power cut at sent\nexpect \"Check-in and documents\"").expect_err("nobody pays");
    assert!(format!("{error:#}").contains("never came to be `sent`"), "{error:#}");
}

/// True if the card company booked.
fn promises_hold(theatre: &Theatre, moment: &str) -> bool {
    let payments = settled(&theatre.folder.path().join("data/store"));
    let booked = theatre.stage.terminal.booked().0;
    let states = payments.iter().map(|payment| payment["state"].as_str().unwrap_or_default()).collect::<Vec<_>>();
    let paid = states.iter().filter(|state| ["committed", "settled"].contains(*state)).count();
    let staff = states.iter().filter(|state| **state == "needs-staff").count();
    // Never twice.
    assert!(booked == 0 || booked == 3000, "booked {booked} after a cut at {moment}");
    // Never lost: what was booked is attached to one request or on the staff list.
    assert!(booked == 0 || paid + staff == 1, "cut at {moment}: booked, but {states:?}");
    // Never guessed: nothing counts as paid that was not booked.
    assert!(booked > 0 || paid == 0, "cut at {moment}: not booked, but {states:?}");
    if paid == 1 {
        let hospital = theatre.stage.hospital.as_ref().expect("ours");
        let end = Instant::now() + PATIENCE;
        while hospital.count("Task") < 1 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!((hospital.count("Task"), hospital.count("Invoice")), (1, 1), "cut at {moment}");
    }
    booked > 0
}

/// The payments once none is open any more.
fn settled(folder: &std::path::Path) -> Vec<Value> {
    let end = Instant::now() + PATIENCE;
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
