//! A child with sticky hands: a thousand random touches on every screen. No panic, no stuck screen, always a way back.

use crate::stage::{TO_CONSENT, open};
use hospital_kiosk::rehearsal::child::Order;

const START: &str = "tap \"Touch to start\"\ntap \"English\"\n";
const TOUCHES: u32 = 1000;

#[test]
fn random_touches_never_break_a_screen() {
    let prefixes = [
        ("idle", String::new()),
        ("language", "tap \"Touch to start\"".to_owned()),
        ("services", START.to_owned()),
        ("number", format!("{START}tap \"Check in\"")),
        ("birth date", format!("{START}tap \"Check in\"\ntype \"10293847\"\ntap \"Next\"")),
        (
            "appointments",
            format!(
                "{START}tap \"Check in\"\ntype \"20481632\"\ntap \"Next\"\ntype \"19851103\"\ntap \"Next\"\ntap \"No\""
            ),
        ),
        (
            "documents",
            format!(
                "{START}tap \"Documents\"\ntap \"For me\"\ntype \"10293847\"\ntap \"Next\"\ntype \"19580412\"\ntap \"Next\""
            ),
        ),
        ("consent", TO_CONSENT.to_owned()),
        ("payment", format!("{TO_CONSENT}tap \"I agree\"")),
        ("information", format!("{START}tap \"Information\"")),
        ("help", format!("{START}tap \"Help\"")),
        ("staff's door", "key staff".to_owned()),
    ];
    let mut theatre = open();
    for (seed, (screen, prefix)) in (1..).zip(&prefixes) {
        theatre.play(prefix);
        theatre
            .stage
            .order(&Order::Touches { seed, count: TOUCHES })
            .unwrap_or_else(|error| panic!("{screen}: {error:#}\n{}", theatre.log()));
        back_to_idle(&mut theatre, screen);
    }
    assert_eq!(theatre.stage.terminal.booked().0, 0, "nobody presented a card");
    assert!(!theatre.log().contains("panicked"), "{}", theatre.log());
}

/// Whatever was touched, an abandoned kiosk is back at its first screen by itself.
fn back_to_idle(theatre: &mut crate::stage::Theatre, screen: &str) {
    for _ in 0..20 {
        theatre.stage.wait(60_000).expect("time passes");
        let texts = theatre.stage.texts().expect("texts").join(" | ");
        if texts.contains("Check-in and documents") {
            return;
        }
    }
    panic!("{screen}: stuck at {}", theatre.stage.texts().expect("texts").join(" | "));
}
