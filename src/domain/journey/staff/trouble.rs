//! Why the machine or its payments are closed, and what staff may do about it here: say that its clock is right, or that they
//! have read what became of a damaged database.

use super::act::{self, Act};
use super::{Page, Staff};
use crate::domain::journey::Flow;
use crate::domain::line::Line;
use crate::domain::person::Role;
use crate::domain::screen::Tap;
use crate::domain::screen::staff::{StaffTap, StaffTrouble, Trouble, Witness};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::staff::{AuditEntry, StaffAct};

impl Staff {
    pub(super) fn tap_trouble(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if tap == Tap::Back {
            self.open(Page::Home, kiosk);
        } else if tap == Tap::Staff(StaffTap::AcceptClock)
            && self.may(Role::Technician)
            && let Some(trouble) = kiosk.trouble().filter(can_accept)
        {
            let own = matches!(trouble, Trouble::Clock { witness: Witness::Store, .. });
            self.commit((StaffAct::AcceptClock, String::new(), &said(&trouble)), Act::AcceptClock { own }, kiosk);
        } else if tap == Tap::Staff(StaffTap::OpenPayments)
            && let Some(told) = &kiosk.set_aside
        {
            let entry = AuditEntry::new(self.who(), StaffAct::OpenPayments, told.file.clone(), told.to_string());
            act::commit(entry, Some(Line::SetAsideRead), Act::OpenPayments, kiosk);
        }
        Flow::Stay
    }

    /// It may be over while staff read of it.
    pub(super) fn trouble(&self, kiosk: &Kiosk) -> Option<StaffTrouble> {
        let trouble = kiosk.told_to_staff()?;
        let (can_accept, may) = (can_accept(&trouble), self.may(Role::Technician));
        Some(StaffTrouble {
            can_accept: can_accept && may,
            needs_technician: can_accept && !may,
            not_kept: self.not_kept,
            trouble,
        })
    }
}

/// Nobody can say that a clock is right which shows a year before this program.
const fn can_accept(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Clock { .. })
}

fn said(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Clock { ours, witness, theirs } => {
            let whose = match witness {
                Witness::Hospital => "the hospital's",
                Witness::Store => "the last entry's",
            };
            format!("{} is right, not {whose} {}", ours.to_rfc3339(), theirs.to_rfc3339())
        }
        Trouble::Journal { .. }
        | Trouble::ClockUnset { .. }
        | Trouble::CannotStart { .. }
        | Trouble::CannotWrite { .. }
        | Trouble::SetAside(_) => String::new(),
    }
}
