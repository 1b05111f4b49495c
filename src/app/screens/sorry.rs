use super::ui::{App, SorryData, SorryReason};
use super::words::Words;
use crate::domain::language::LocalText;
use crate::domain::screen::SorryWhy;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, why: SorryWhy, desk: &LocalText, retry: bool) {
    let global = app.global::<SorryData>();
    global.set_why(match why {
        SorryWhy::NotFound => SorryReason::NotFound,
        SorryWhy::TooManyTries => SorryReason::TooManyTries,
        SorryWhy::NoAppointmentToday => SorryReason::NoAppointmentToday,
        SorryWhy::TooEarly => SorryReason::TooEarly,
        SorryWhy::TooLate => SorryReason::TooLate,
        SorryWhy::OtherSite => SorryReason::OtherSite,
        SorryWhy::UnderAge => SorryReason::UnderAge,
        SorryWhy::Offline => SorryReason::Offline,
        SorryWhy::Unreadable => SorryReason::Unreadable,
        SorryWhy::Ambiguous => SorryReason::Ambiguous,
        SorryWhy::SomebodyElse => SorryReason::SomebodyElse,
        SorryWhy::NothingOrderable => SorryReason::NothingOrderable,
        SorryWhy::CannotRecord => SorryReason::CannotRecord,
    });
    global.set_desk(words.text(desk));
    global.set_retry(retry);
}
