use super::ui::{App, DoneData, DoneWay, PrintNote};
use super::words::{Words, int};
use crate::domain::screen::{DoneHow, DoneScreen, PrintState};
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, done: &DoneScreen) {
    let global = app.global::<DoneData>();
    let (how, amount, (four, number), desk) = match &done.how {
        DoneHow::Paid { amount, last_four, number } => {
            (DoneWay::Paid, Some(*amount), (last_four.as_str(), number.as_str()), None)
        }
        DoneHow::Free => (DoneWay::Free, None, ("", ""), None),
        DoneHow::Unpaid { amount, desk } => (DoneWay::Unpaid, *amount, ("", ""), Some(desk)),
    };
    global.set_how(how);
    global.set_amount(amount.map(|amount| words.money(amount)).unwrap_or_default());
    global.set_last_four(four.into());
    global.set_payment(number.into());
    global.set_pay_desk(desk.map(|desk| words.text(desk)).unwrap_or_default());
    global.set_claim(done.claim.as_str().into());
    global.set_collect_at(words.text(&done.collect_at));
    global.set_ready(words.span(done.ready_at, done.collect_until));
    global.set_bring(words.text(&done.bring));
    global.set_printing(print_note(done.printing));
    global.set_can_reprint(done.can_reprint);
    global.set_left(int(done.seconds_left));
    global.set_total(int(done.seconds_total));
}

pub(super) const fn print_note(state: PrintState) -> PrintNote {
    match state {
        PrintState::Idle => PrintNote::Idle,
        PrintState::Printing => PrintNote::Printing,
        PrintState::Printed => PrintNote::Printed,
        PrintState::NoPaper => PrintNote::NoPaper,
        PrintState::NoPrinter => PrintNote::NoPrinter,
    }
}
