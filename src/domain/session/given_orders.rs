//! Orders about payments that somebody gave at this screen and whose end the trail does not have yet. They outlive the page
//! that they were given on: whoever gave one may have gone when the terminal answers.

use crate::domain::order::StaffAnswer;
use crate::domain::payment::PaymentRecord;
use crate::domain::person::Who;
use crate::domain::staff::{AuditEntry, StaffAct};
use uuid::Uuid;

/// More at once would need as many payments in doubt; the oldest is let go, and its row says that it was ordered.
const GIVEN_MAX: usize = 64;

#[derive(Default)]
pub struct GivenOrders(Vec<Given>);

struct Given {
    order_id: Uuid,
    visit: Uuid,
    who: Who,
    act: StaffAct,
    number: String,
    was: String,
}

impl GivenOrders {
    pub(crate) fn gave(&mut self, order_id: Uuid, visit: Uuid, who: Who, act: StaffAct, about: &PaymentRecord) {
        if self.0.len() >= GIVEN_MAX {
            self.0.remove(0);
        }
        self.0.push(Given { order_id, visit, who, act, number: about.number.clone(), was: about.standing() });
    }

    /// The row of the trail that an order's end is, and the visit that it was given in. Not of one from the shell, which
    /// writes its own.
    pub(super) fn ended(&mut self, order_id: Uuid, answer: &StaffAnswer) -> Option<(Uuid, AuditEntry)> {
        if *answer == StaffAnswer::Begun {
            return None;
        }
        let at = self.0.iter().position(|given| given.order_id == order_id)?;
        let given = self.0.remove(at);
        let became = answer.leaves(&given.was);
        let entry = AuditEntry::new(given.who, given.act, given.number, answer.words());
        Some((given.visit, entry.changing(given.was, became)))
    }
}
