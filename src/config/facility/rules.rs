//! `[check_in]`, `[payment]` and `[timing]` of `hospital.toml`.

use crate::config::read::{Or, Section};
use crate::domain::facility::{CheckInRules, PaymentRules, Timing};
use crate::domain::money::Amount;

pub(super) fn check_in(section: Section<'_>) -> CheckInRules {
    let rules = CheckInRules {
        before_min: section.whole("before_min", 0..=1_440, Or::Default(180)),
        after_min: section.whole("after_min", 0..=1_440, Or::Default(60)),
        ask_insurance: section.flag("ask_insurance", Or::Default(false)),
        id_check_age: section.whole("id_check_age", 0..=150, Or::Needed("19")),
        id_check_months: section.whole("id_check_months", 0..=120, Or::Needed("6")),
        alone_age: section.whole("alone_age", 0..=30, Or::Needed("14")),
        wrong_tries_max: section.whole("wrong_tries_max", 1..=10, Or::Default(3)),
        machine_tries_max: section.whole("machine_tries_max", 1..=1_000, Or::Default(20)),
        offline_tries_max: section.whole("offline_tries_max", 1..=1_000, Or::Default(3)),
        ticket_clinic: section.flag("ticket_clinic", Or::Default(false)),
        unfinished_visits_max: section.whole("unfinished_visits_max", 1..=100, Or::Default(5)),
    };
    section.finish();
    rules
}

pub(super) fn payment(section: Section<'_>) -> PaymentRules {
    let has_limit = section.has("signature_limit");
    let limit = Amount(section.whole("signature_limit", 0..=1_000_000_000, Or::Default(0)));
    let rules = PaymentRules {
        signature_limit: has_limit.then_some(limit),
        offline_fixed_price: section.flag("offline_fixed_price", Or::Default(true)),
        card_ms: section.whole::<u64>("card_s", 10..=300, Or::Default(60)) * 1_000,
        doubtful_declines: declines(&section),
        last_transaction_survives_reboot: section.flag("last_transaction_survives_reboot", Or::Default(false)),
    };
    section.finish();
    rules
}

/// No default: a missing code would turn a host time-out into "not paid".
fn declines(section: &Section<'_>) -> Vec<String> {
    section.value("doubtful_declines", Or::Needed("[\"0C\"]"), Vec::new(), |value| {
        let codes: Option<Vec<String>> = value.as_array().and_then(|items| {
            items.iter().map(|item| item.get_ref().as_str().filter(|code| is_code(code)).map(str::to_owned)).collect()
        });
        codes.filter(|codes| codes.len() <= 64).ok_or_else(|| "a list of decline codes, as [\"0C\"]".to_owned())
    })
}

fn is_code(code: &str) -> bool {
    (1..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub(super) fn timing(section: Section<'_>) -> Timing {
    let ms = |key, range, seconds| section.whole::<u64>(key, range, Or::Default(seconds)) * 1_000;
    let timing = Timing {
        idle_ms: ms("idle_s", 20..=600, 60),
        // 20 s is the least a warning may last (accessibility rule T26).
        warning_ms: ms("warning_s", 20..=120, 20),
        done_ms: ms("done_s", 5..=120, 20),
        quote_ms: ms("quote_s", 1..=60, 15),
        // A patient is asked to wait for at most 20 s before a slip says what to do.
        in_doubt_ms: ms("in_doubt_s", 1..=20, 20),
    };
    section.finish();
    timing
}
