//! What staff ordered. Its row in the trail is durable first; then it is done.

use super::{Page, Staff};
use crate::domain::journey::{Kept, NotKept};
use crate::domain::line::Line;
use crate::domain::order::StaffOrder;
use crate::domain::paper::{DoubtSlip, Paper};
use crate::domain::screen::staff::{ParkedDone, StaffResult};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, IfKept, IfNotKept};
use crate::domain::staff::{AuditEntry, StaffAct, StaffCommand};
use crate::domain::terminal::UndoWay;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) enum Act {
    /// About the payment that is open on the page.
    Order {
        act: StaffAct,
        order: StaffOrder,
    },
    PrintSlip,
    /// About a request that the hospital refused.
    Request {
        request: Uuid,
        command: StaffCommand,
        done: ParkedDone,
    },
    TryNow,
    /// `own`: it was this machine's own last entry that said otherwise.
    AcceptClock {
        own: bool,
    },
    OpenPayments,
}

/// The row first, and with it what must be durable as well.
pub(super) fn commit(entry: AuditEntry, with: Option<Line>, act: Act, kiosk: &mut Kiosk) {
    let lines = std::iter::once(Line::Audit(entry)).chain(with);
    kiosk.commit(lines, IfKept::Visit(Kept::Staff(act)), IfNotKept::Visit(NotKept::Request));
}

impl Staff {
    pub(super) fn order(&self, act: StaffAct, order: StaffOrder, kiosk: &mut Kiosk) {
        let Some(opened) = self.opened() else { return };
        let result = match &order {
            StaffOrder::Ask => "ordered".to_owned(),
            StaffOrder::Settle { evidence, .. } => format!("ordered: {evidence}"),
            StaffOrder::Cancel { way: UndoWay::WithoutCard } => "ordered: without the card".to_owned(),
            StaffOrder::Cancel { way: UndoWay::WithCard } => "ordered: with the card".to_owned(),
            StaffOrder::Reprint => "ordered: the receipt".to_owned(),
        };
        let entry = AuditEntry::new(self.who(), act, opened.record.number.clone(), result);
        commit(entry.changing(opened.record.standing(), ""), None, Act::Order { act, order }, kiosk);
    }

    pub(super) fn order_slip(&self, kiosk: &mut Kiosk) {
        let Some(opened) = self.opened() else { return };
        let entry = AuditEntry::new(self.who(), StaffAct::PrintSlip, opened.record.number.clone(), "ordered");
        commit(entry, None, Act::PrintSlip, kiosk);
    }

    pub(super) fn commit(&self, (act, about, said): (StaffAct, String, &str), then: Act, kiosk: &mut Kiosk) {
        commit(AuditEntry::new(self.who(), act, about, said), None, then, kiosk);
    }

    /// Its row is in the trail.
    pub fn kept(&mut self, act: Act, kiosk: &mut Kiosk) {
        match act {
            Act::Order { act, order } => self.ordered(act, order, kiosk),
            Act::PrintSlip => self.print_slip(kiosk),
            Act::Request { request, command, done } => {
                kiosk.emit(Effect::StaffArea { visit: self.visit, command });
                self.done.push((request, done));
                self.page = Page::Queue;
            }
            Act::TryNow => {
                kiosk.emit(Effect::StaffArea { visit: self.visit, command: StaffCommand::TryNow });
                self.look(kiosk);
            }
            Act::AcceptClock { own } => {
                kiosk.own_accepted = own;
                kiosk.emit(Effect::AcceptClock);
            }
            Act::OpenPayments => kiosk.set_aside = None,
        }
    }

    fn ordered(&mut self, act: StaffAct, order: StaffOrder, kiosk: &mut Kiosk) {
        let (visit, who) = (self.visit, self.who());
        let (Page::Payment(opened) | Page::Again { opened, .. }) = &mut self.page else { return };
        let order_id = kiosk.now.fresh_id("order");
        kiosk.emit(Effect::Staff { order_id, attempt: opened.record.attempt, order });
        opened.result = Some(StaffResult::Running);
        opened.ordered = Some(order_id);
        kiosk.given_orders.gave(order_id, visit, who, act, &opened.record);
        self.page = Page::Payment(opened.clone());
    }

    fn print_slip(&self, kiosk: &mut Kiosk) {
        let Some(opened) = self.opened() else { return };
        let slip = DoubtSlip {
            language: kiosk.facility.desk_language,
            at: kiosk.wall(),
            attempt_number: opened.record.number.clone(),
            amount: opened.record.amount,
            desk: kiosk.cashier_desk(),
        };
        kiosk.print(Paper::Slip(slip), None);
    }
}
