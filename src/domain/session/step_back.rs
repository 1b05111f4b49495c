//! What the session keeps of each list of effects, to step back behind it if that cannot be made durable.

use super::run::Core;
use super::{Effect, Input, TerminalCommand};
use crate::domain::payment::Entry;
use uuid::Uuid;

/// The session before the last list, and what that list wanted to make durable.
pub(super) struct StepBack {
    pub before: Core,
    pub entries: Vec<Entry>,
    /// The staff order that asked for it.
    pub ticket: Option<Uuid>,
    /// The terminal was to be made ready for a payment, as soon as its number was kept.
    pub payment_begins: bool,
}

/// `None` if nothing in the list can fail in a way that matters: a receipt printed twice is only paper.
pub(super) fn step_back(before: Core, ticket: Option<Uuid>, effects: &[Effect]) -> Option<Box<StepBack>> {
    let mut entries = Vec::new();
    let (mut matters, mut numbered, mut payment_begins) = (false, false, false);
    for effect in effects {
        match effect {
            Effect::Record(entry) if !matches!(entry, Entry::ReceiptPrinted { .. }) => {
                entries.push(entry.clone());
                matters = true;
            }
            Effect::Queue(_) | Effect::Audit(_) | Effect::AcknowledgeSetAside => matters = true,
            Effect::SaveTries(tried) => matters |= tried.counts,
            Effect::SaveCounters(_) => (matters, numbered) = (true, true),
            Effect::Terminal(TerminalCommand::Prepare) => payment_begins |= numbered,
            Effect::Record(_)
            | Effect::Show(_)
            | Effect::Terminal(_)
            | Effect::Print { .. }
            | Effect::ClearPrinter
            | Effect::Ask { .. }
            | Effect::StaffArea { .. }
            | Effect::FindPayment { .. }
            | Effect::Finish(_)
            | Effect::Staff { .. }
            | Effect::StaffAnswer { .. }
            | Effect::AcceptClock
            | Effect::Facility(_)
            | Effect::Wipe => {}
        }
    }
    matters.then(|| Box::new(StepBack { before, entries, ticket, payment_begins }))
}

/// The question to the hospital that it answers.
pub(super) const fn answered_by(input: &Input) -> Option<Uuid> {
    if let Input::Hospital { id, .. } = input { Some(*id) } else { None }
}

pub(super) const fn ticket_of(input: &Input) -> Option<Uuid> {
    match input {
        Input::Staff { ticket, .. } | Input::CloseDay { ticket } => Some(*ticket),
        Input::Restarted { .. }
        | Input::Unreadable { .. }
        | Input::SetAside(_)
        | Input::CannotWrite(_)
        | Input::Clock(_)
        | Input::Tapped(_)
        | Input::Scanned(_)
        | Input::Facility(_)
        | Input::Terminal(_)
        | Input::Printer(_)
        | Input::Hospital { .. }
        | Input::HospitalOnline(_)
        | Input::StaffArea { .. }
        | Input::Enquired { .. }
        | Input::RecordFailed { .. }
        | Input::Deadline => None,
    }
}
