use super::ui::{App, StaffTroubleData, TroubleKind};
use super::words::{Words, int};
use crate::domain::format;
use crate::domain::screen::staff::{StaffTrouble, Trouble, Witness};
use chrono::{DateTime, FixedOffset};
use slint::{ComponentHandle, SharedString};

pub(super) fn show(app: &App, words: &Words, screen: &StaffTrouble) {
    let global = app.global::<StaffTroubleData>();
    let when = |at: &DateTime<FixedOffset>| words.line(&format::moment(*at, words.language));
    let (ours, theirs, reason) = match &screen.trouble {
        Trouble::Journal { reason } | Trouble::CannotStart { reason } | Trouble::CannotWrite { reason } => {
            (SharedString::new(), SharedString::new(), words.line(reason))
        }
        Trouble::Clock { ours, theirs, .. } => (when(ours), when(theirs), SharedString::new()),
        Trouble::ClockUnset { ours } => (when(ours), SharedString::new(), SharedString::new()),
        Trouble::SetAside(told) => {
            let few = |count: u64| int(u32::try_from(count).unwrap_or(u32::MAX));
            global.set_payments(few(told.payments));
            global.set_requests(few(told.requests));
            global.set_unread(few(told.unread));
            global.set_nothing(told.nothing);
            (when(&told.at), SharedString::new(), words.line(&told.file))
        }
    };
    global.set_ours(ours);
    global.set_theirs(theirs);
    global.set_reason(reason);
    global.set_can_accept(screen.can_accept);
    global.set_needs_technician(screen.needs_technician);
    global.set_not_kept(screen.not_kept);
    global.set_kind(kind(Some(&screen.trouble)));
}

pub(super) const fn kind(trouble: Option<&Trouble>) -> TroubleKind {
    match trouble {
        None => TroubleKind::None,
        Some(Trouble::Journal { .. }) => TroubleKind::Journal,
        Some(Trouble::Clock { witness: Witness::Hospital, .. }) => TroubleKind::ClockHospital,
        Some(Trouble::Clock { witness: Witness::Store, .. }) => TroubleKind::ClockStore,
        Some(Trouble::ClockUnset { .. }) => TroubleKind::ClockUnset,
        Some(Trouble::CannotStart { .. }) => TroubleKind::CannotStart,
        Some(Trouble::CannotWrite { .. }) => TroubleKind::CannotWrite,
        Some(Trouble::SetAside(_)) => TroubleKind::SetAside,
    }
}
