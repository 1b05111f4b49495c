//! The end of the terminal's day, on staff's order. It moves no card-holder's money, but the terminal counts from nothing
//! afterwards and cannot be asked again: `Asked` is durable before it, and while it runs no payment begins. It never
//! begins beside a payment that is open or in doubt: that one would be in neither day's totals for sure.
//!
//! A payment that is with staff does not stand in its way: what the terminal counts is what helps them to find out.

use super::{News, Till};
use crate::domain::closing::{Batch, ClosingEnd, ClosingEntry, ClosingId};
use crate::domain::limits::CLOSING_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::payment::Entry;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, StaffAnswer, StaffRefusal, TerminalCommand};
use uuid::Uuid;

#[derive(Clone)]
pub(super) struct Closing {
    id: ClosingId,
    ticket: Uuid,
    limit: Tick,
}

impl Till {
    pub fn close_day(&mut self, ticket: Uuid, kiosk: &mut Kiosk) {
        if self.is_open() {
            return self.refuse(ticket, StaffRefusal::AnotherOpen);
        }
        if kiosk.devices.terminal_online != Some(true) {
            return self.refuse(ticket, StaffRefusal::TerminalAway);
        }
        let closing = ClosingId(kiosk.now.fresh_id("closing"));
        self.closing = Some(Closing { id: closing, ticket, limit: kiosk.tick().plus_ms(CLOSING_LIMIT_MS) });
        self.answers.push((ticket, StaffAnswer::Begun));
        kiosk.emit(Effect::Record(Entry::Closing(ClosingEntry::Asked { closing })));
        kiosk.emit(Effect::Terminal(TerminalCommand::EndOfDay));
    }

    pub(super) fn day_ended(&mut self, end: ClosingEnd, kiosk: &mut Kiosk) -> Option<News> {
        let Closing { id: closing, ticket, .. } = self.closing.take()?;
        kiosk.emit(Effect::Record(Entry::Closing(ClosingEntry::Ended { closing, end: end.clone() })));
        self.answers.push((ticket, StaffAnswer::DayEnded { closing, end, kept: true }));
        None
    }

    /// The journal says `Asked`, and that is true: whoever waits still hears what the terminal told.
    pub(super) fn day_not_kept(&mut self, entry: &ClosingEntry) {
        let ClosingEntry::Ended { closing, end } = entry else { return };
        if let Some(Closing { ticket, .. }) = self.closing.take() {
            let (closing, end) = (*closing, end.clone());
            self.answers.push((ticket, StaffAnswer::DayEnded { closing, end, kept: false }));
        }
    }

    /// Never beside an undo: one of the two is open at a time.
    pub(super) fn closing_time(&mut self, kiosk: &mut Kiosk) {
        if self.closing.as_ref().is_some_and(|closing| kiosk.tick() >= closing.limit) {
            let reason = "the card terminal did not answer in time".to_owned();
            let _ = self.day_ended(ClosingEnd::Untold { batch: Batch::Unknown, reason }, kiosk);
        }
    }

    pub(super) fn closing_deadline(&self) -> Option<Tick> {
        self.closing.as_ref().map(|closing| closing.limit)
    }
}
