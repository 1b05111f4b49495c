use super::ui::{App, Later, PayWay, ReviewData, ReviewLine};
use super::words::{Words, int, rows};
use crate::domain::document::{OrderLine, Unit};
use crate::domain::screen::{AtDeskWhy, LaterWhy, PayHow, Review};
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, review: &Review) {
    let global = app.global::<ReviewData>();
    let lines = review.lines.iter().map(|order| line(words, order)).collect();
    global.set_lines(rows(global.get_lines(), lines));
    // A sum that lacks a price is no total: the desk tells it.
    let unknown = review.lines.iter().any(|line| line.amount.is_none());
    global.set_total(if unknown { "".into() } else { words.money(review.total) });
    global.set_how(match review.how {
        PayHow::Free => PayWay::Free,
        PayHow::Card => PayWay::Card,
        PayHow::AtDesk(AtDeskWhy::NoQuote) => PayWay::NoQuote,
        PayHow::AtDesk(AtDeskWhy::Offline) => PayWay::Offline,
        PayHow::AtDesk(AtDeskWhy::Signature) => PayWay::Signature,
        PayHow::AtDesk(AtDeskWhy::NoTerminal) => PayWay::NoTerminal,
        PayHow::AtDesk(AtDeskWhy::PaymentBeingChecked) => PayWay::PaymentBeingChecked,
        PayHow::AtDesk(AtDeskWhy::PaymentsClosed) => PayWay::PaymentsClosed,
    });
    global.set_collect_at(words.text(&review.collect_at));
    global.set_ready(words.span(review.ready_at, review.collect_until));
    global.set_later(match review.later {
        None => Later::No,
        Some(LaterWhy::Closed) => Later::Closed,
        Some(LaterWhy::Holiday) => Later::Holiday,
        Some(LaterWhy::TooLate) => Later::TooLate,
    });
    global.set_bring(words.text(&review.bring));
}

/// Name, how much of it as the receipt says it, the paper's language, amount; no amount reads "at the desk". A disc speaks no language.
fn line(words: &Words, order: &OrderLine) -> ReviewLine {
    ReviewLine {
        name: words.text(&order.name),
        unit: match order.unit {
            Unit::Copy => 0,
            Unit::Page => 1,
            Unit::Disc => 2,
        },
        count: int(order.count),
        copies: int(order.copies),
        language: match order.unit {
            Unit::Copy | Unit::Page => words.line(order.language.name_in(words.language)),
            Unit::Disc => "".into(),
        },
        amount: order.amount.map_or_else(|| "".into(), |amount| words.money(amount)),
    }
}
