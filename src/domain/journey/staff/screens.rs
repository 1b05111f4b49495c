//! What staff see of the staff area's state.

use super::door::Asked;
use super::known::{known, note, parked_why};
use super::{Opened, Page, Staff};
use crate::domain::order::StaffRefusal;
use crate::domain::payment::PaymentRecord;
use crate::domain::screen::Screen;
use crate::domain::screen::staff::{
    NoteRow, ParkedRow, PinOf, StaffChoice, StaffHome, StaffPayment, StaffPaymentScreen, StaffQueue, StaffRequest,
    StaffResult, StaffScreen, Trouble,
};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::staff::{Noted, PAYMENTS_LISTED_MAX, Parked};
use crate::domain::till::Till;
use chrono::{DateTime, FixedOffset};

/// Rows of a list on the screen: a row is named by a small number. More stand in `kiosk payments list`. Of what was paid
/// half are today's.
const ROWS_MAX: usize = 2 * PAYMENTS_LISTED_MAX;

impl Staff {
    #[must_use]
    pub fn screen(&self, kiosk: &Kiosk, till: &Till) -> Screen {
        Screen::Staff(Box::new(match &self.page {
            Page::Door(door) => pin(door.what(), &door.asked, kiosk.told_to_staff()),
            Page::Again { again, .. } => pin(PinOf::Again, &again.asked, None),
            Page::Home => StaffScreen::Home(self.home(kiosk)),
            Page::Payments { paid } => StaffScreen::Payments {
                paid: *paid,
                rows: self.payments(*paid).iter().take(ROWS_MAX).map(row).collect(),
            },
            Page::Payment(opened) => StaffScreen::Payment(payment(opened, kiosk, till)),
            Page::Choice { opened, what, chosen } => StaffScreen::Choice(StaffChoice {
                what: *what,
                number: opened.record.number.clone(),
                amount: opened.record.amount,
                chosen: *chosen,
            }),
            Page::Queue => StaffScreen::Queue(self.queue(kiosk)),
            Page::Request { parked, asked, chosen } => {
                StaffScreen::Request(StaffRequest { row: self.parked(parked), asked: *asked, chosen: *chosen })
            }
            Page::Trouble => match self.trouble(kiosk) {
                Some(trouble) => StaffScreen::Trouble(trouble),
                None => StaffScreen::Home(self.home(kiosk)),
            },
        }))
    }

    fn home(&self, kiosk: &Kiosk) -> StaffHome {
        let devices = &kiosk.devices;
        let queue = self.lists.as_ref().map(|lists| &lists.queue);
        StaffHome {
            trouble: kiosk.told_to_staff(),
            terminal_online: devices.terminal_online,
            terminal_trouble: devices.terminal_trouble.as_ref().map(|trouble| trouble.words.clone()),
            printer: devices.printer,
            hospital_online: devices.hospital_online,
            unfinished: self.lists.as_ref().map(|lists| u32::try_from(lists.payments.len()).unwrap_or(u32::MAX)),
            paid: self
                .payments(true)
                .iter()
                .filter(|paid| paid.day(&kiosk.facility.zone) == kiosk.today())
                .count()
                .try_into()
                .unwrap_or(u32::MAX),
            waiting: queue.map_or(0, |queue| queue.waiting),
            parked: queue.map_or(0, |queue| queue.parked),
        }
    }

    fn queue(&self, kiosk: &Kiosk) -> StaffQueue {
        let queue = self.lists.as_ref().map(|lists| lists.queue.clone()).unwrap_or_default();
        let minutes = |since: DateTime<FixedOffset>| u32::try_from((kiosk.wall() - since).num_minutes()).unwrap_or(0);
        let note = |row: &Noted| NoteRow { arrival: row.kind == "arrival", at: row.delivered_at, what: note(row) };
        StaffQueue {
            waiting: queue.waiting,
            oldest_min: queue.oldest.map(minutes),
            last_delivered: queue.last_delivered,
            held_until: queue.held_until.filter(|until| queue.waiting > 0 && *until > kiosk.wall()),
            parked: queue.parked,
            rows: queue.parked_rows.iter().take(ROWS_MAX).map(|parked| self.parked(parked)).collect(),
            notes: queue.noted_rows.iter().take(ROWS_MAX).map(note).collect(),
            not_kept: self.not_kept,
            unreadable: self.lists.is_none(),
        }
    }

    fn parked(&self, parked: &Parked) -> ParkedRow {
        ParkedRow {
            arrival: parked.kind == "arrival",
            queued_at: parked.queued_at,
            why: parked_why(parked),
            done: self.done(parked.id),
        }
    }
}

fn pin(what: PinOf, asked: &Asked, trouble: Option<Trouble>) -> StaffScreen {
    StaffScreen::Pin { what, typed: asked.typed(), gate: asked.gate, checking: asked.is_checking(), trouble }
}

fn row(record: &PaymentRecord) -> StaffPayment {
    let card = record.transaction.as_ref();
    StaffPayment {
        number: record.number.clone(),
        at: record.started_at,
        amount: record.amount,
        masked_card: card.map(|card| card.masked_card.clone()).unwrap_or_default(),
        approval_number: card.map(|card| card.approval_number.clone()).unwrap_or_default(),
        known: known(record),
    }
}

fn payment(opened: &Opened, kiosk: &Kiosk, till: &Till) -> StaffPaymentScreen {
    let free = !till.is_open();
    StaffPaymentScreen {
        payment: row(&opened.record),
        result: opened
            .result
            .or((!free && opened.may_settle()).then_some(StaffResult::Refused(StaffRefusal::AnotherOpen))),
        can_ask: free && opened.may_ask() && kiosk.devices.terminal_online != Some(false),
        can_settle: free && opened.may_settle(),
        can_give_back: free && opened.may_give_back() && kiosk.devices.terminal_online != Some(false),
        can_print: kiosk.cannot_print().is_none() && kiosk.can_print_again(),
        printing: kiosk.print_state(),
    }
}
