use super::ui::{App, NotPaidData, NotPaidReason};
use super::words::Words;
use crate::domain::language::LocalText;
use crate::domain::screen::NotPaidWhy;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, why: NotPaidWhy, desk: &LocalText, retry: bool) {
    let global = app.global::<NotPaidData>();
    global.set_why(match why {
        NotPaidWhy::Declined => NotPaidReason::Declined,
        NotPaidWhy::NoBalance => NotPaidReason::NoBalance,
        NotPaidWhy::NoCard => NotPaidReason::NoCard,
        NotPaidWhy::Cancelled => NotPaidReason::Cancelled,
        NotPaidWhy::CardNotTaken => NotPaidReason::CardNotTaken,
        NotPaidWhy::NotAccepted => NotPaidReason::NotAccepted,
        NotPaidWhy::TerminalNotReady => NotPaidReason::TerminalNotReady,
        NotPaidWhy::TerminalTrouble => NotPaidReason::TerminalTrouble,
        NotPaidWhy::TakenBack => NotPaidReason::TakenBack,
        NotPaidWhy::CannotRecord => NotPaidReason::CannotRecord,
        NotPaidWhy::Checked => NotPaidReason::Checked,
    });
    global.set_desk(words.text(desk));
    global.set_retry(retry);
}
