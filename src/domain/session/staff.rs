//! The staff area's door and its messages.

use super::Effect;
use super::run::{Core, Stage};
use crate::domain::journey::staff::Staff;
use crate::domain::journey::{Journey, Leaving};
use crate::domain::staff::{StaffCommand, StaffReply};
use uuid::Uuid;

impl Core {
    /// Whoever stood here has left: staff were called, or it is staff. Never while money moves.
    pub(super) fn enter_staff(&mut self) {
        let inside = matches!(self.stage, Stage::Journey(Journey::Staff(_)));
        if !inside && !self.is_paying() {
            self.end(Leaving::ByPatient);
            self.stage = Stage::Journey(Journey::Staff(Box::new(Staff::new(&mut self.kiosk))));
        }
    }

    pub(super) fn staff_told(&mut self, visit: Uuid, reply: StaffReply) {
        if let Some((Journey::Staff(staff), kiosk, _)) = self.journey_mut() {
            staff.told(visit, reply, kiosk);
        }
    }

    /// To whoever gave the order: on this screen, in the shell, or both gone.
    pub(super) fn answer_staff(&mut self) {
        for (order_id, answer) in self.kiosk.take_answers() {
            // The money's own journal is the truth, and is durable: this row must not undo it where it cannot be written.
            if let Some((visit, entry)) = self.kiosk.given_orders.ended(order_id, &answer) {
                self.kiosk.emit(Effect::StaffArea { visit, command: StaffCommand::Note(entry) });
            }
            if let Some((Journey::Staff(staff), kiosk, _)) = self.journey_mut() {
                staff.answered(order_id, &answer, kiosk);
            }
            self.kiosk.emit(Effect::StaffAnswer { order_id, answer });
        }
    }
}
