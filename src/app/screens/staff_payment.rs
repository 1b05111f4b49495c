use super::done::print_note;
use super::staff_payments::item;
use super::ui::{App, StaffOutcome, StaffPaymentData};
use super::words::Words;
use crate::domain::order::StaffRefusal;
use crate::domain::screen::staff::{StaffPaymentScreen, StaffResult};
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, screen: &StaffPaymentScreen) {
    let global = app.global::<StaffPaymentData>();
    global.set_item(item(words, &screen.payment));
    global.set_outcome(match screen.result {
        None => StaffOutcome::None,
        Some(StaffResult::Running) => StaffOutcome::Running,
        Some(StaffResult::Paid) => StaffOutcome::Paid,
        Some(StaffResult::NotPaid) => StaffOutcome::NotPaid,
        Some(StaffResult::GivenBack) => StaffOutcome::GivenBack,
        Some(StaffResult::NotGivenBack) => StaffOutcome::NotGivenBack,
        Some(StaffResult::StillUnknown) => StaffOutcome::StillUnknown,
        Some(StaffResult::Refused(refusal)) => refused(refusal),
    });
    global.set_can_ask(screen.can_ask);
    global.set_can_settle(screen.can_settle);
    global.set_can_give_back(screen.can_give_back);
    global.set_can_print(screen.can_print);
    global.set_printing(print_note(screen.printing));
}

const fn refused(refusal: StaffRefusal) -> StaffOutcome {
    match refusal {
        StaffRefusal::AnotherOpen => StaffOutcome::TerminalTaken,
        StaffRefusal::TerminalAway | StaffRefusal::TerminalNotReady => StaffOutcome::TerminalAway,
        StaffRefusal::NothingToUndo(_) => StaffOutcome::NothingToUndo,
        // The words are the same: ask the card company.
        StaffRefusal::NotToday | StaffRefusal::DayClosed => StaffOutcome::NotToday,
        StaffRefusal::UndoUnsettled => StaffOutcome::UndoUnsettled,
        // The last two answer `kiosk reprint`, which no screen orders.
        StaffRefusal::UnknownPayment
        | StaffRefusal::NotForStaff(_)
        | StaffRefusal::NoReceipt(_)
        | StaffRefusal::PrinterAway => StaffOutcome::NotForStaff,
        StaffRefusal::NoEvidence | StaffRefusal::CannotRecord => StaffOutcome::NotKept,
    }
}
