//! The end of the terminal's day, on staff's order. It moves no card-holder's money, but the terminal counts from nothing
//! afterwards and cannot be asked again: `Asked` is durable before it, and while it runs no payment begins. It never
//! begins beside a payment that is open or in doubt: that one would be in neither day's totals for sure.
//!
//! A payment that is with staff does not stand in its way: what the terminal counts is what helps them to find out.

use super::operation::Operation;
use crate::domain::closing::{ClosingEnd, ClosingEntry, ClosingId};
use crate::domain::limits::CLOSING_LIMIT_MS;
use crate::domain::moment::Tick;
use crate::domain::order::{StaffAnswer, StaffRefusal};
use crate::domain::payment::Entry;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::TerminalCommand;
use crate::domain::terminal::TerminalDay;
use uuid::Uuid;

pub(super) struct EndOfDay {
    id: ClosingId,
    pub order_id: Uuid,
    operation: Operation<Limit, ClosingEnd>,
}

/// It is never waited for without an end.
struct Limit(Tick);

impl EndOfDay {
    pub fn open(order_id: Uuid, kiosk: &mut Kiosk) -> Self {
        let id = ClosingId(kiosk.now.fresh_id("closing"));
        let asked = Entry::Closing(ClosingEntry::Asked { closing: id });
        Self { id, order_id, operation: Operation::open([asked], kiosk) }
    }

    /// What the terminal told, or why it told nothing.
    pub fn ended(&mut self, end: ClosingEnd, kiosk: &mut Kiosk) {
        if self.operation.running().is_some() {
            let entry = Entry::Closing(ClosingEntry::Ended { closing: self.id, end: end.clone() });
            self.operation.end(vec![entry], end, kiosk);
        }
    }

    /// `Begun`, or how it ended.
    pub fn kept(&mut self, kiosk: &mut Kiosk) -> StaffAnswer {
        match &self.operation {
            Operation::Ending(ending) => self.told(ending.end.clone(), true),
            Operation::Opening | Operation::Running(_) => {
                self.operation = Operation::Running(Limit(kiosk.tick().plus_ms(CLOSING_LIMIT_MS)));
                kiosk.emit(Effect::Terminal(TerminalCommand::EndOfDay));
                StaffAnswer::Begun
            }
        }
    }

    /// The journal says `Asked`, and that is true: whoever waits hears all the same what the terminal told.
    pub fn not_kept(&self) -> StaffAnswer {
        match &self.operation {
            Operation::Ending(ending) => self.told(ending.end.clone(), false),
            Operation::Opening | Operation::Running(_) => StaffAnswer::Refused(StaffRefusal::CannotRecord),
        }
    }

    const fn told(&self, end: ClosingEnd, kept: bool) -> StaffAnswer {
        StaffAnswer::DayEnded { closing: self.id, end, kept }
    }

    pub fn time(&mut self, kiosk: &mut Kiosk) {
        if self.deadline().is_some_and(|limit| kiosk.tick() >= limit) {
            let reason = "the card terminal did not answer in time".to_owned();
            self.ended(ClosingEnd::Untold { day: TerminalDay::Unknown, reason }, kiosk);
        }
    }

    pub fn deadline(&self) -> Option<Tick> {
        self.operation.running().map(|limit| limit.0)
    }
}
