//! The simulated ZVT terminal's day: it counts what stands, tells it at 06 50 and counts from nothing afterwards.

use super::says::Record;
use super::{Fault, Model, number, says};
use crate::domain::money::Amount;
use crate::rehearsal::terminal::Booking;

const RECEIPTS: u32 = 10_000;

impl Model {
    pub(super) fn close_day(&mut self, now_ms: u64) {
        let of_today = |booking: &&Booking| booking.approval_number > format!("{:06}", self.closed_to);
        let standing: Vec<&Booking> = self.bookings.iter().filter(of_today).collect();
        let amount = Amount(standing.iter().map(|booking| booking.amount.0).sum());
        let count = u32::try_from(standing.len()).unwrap_or(u32::MAX);
        let (first, last) = ((self.closed_to + 1) % RECEIPTS, self.trace % RECEIPTS);
        self.days.push((count, amount));
        self.closed_to = self.trace;
        if self.takes(Fault::SilentAfterClosing) {
            self.send_block(says::OK);
            return self.fall_silent(now_ms);
        }
        let told = says::totals(u8::try_from(count).unwrap_or(u8::MAX), amount.0, first, last);
        self.answer_with([told, says::DONE.to_vec()], now_ms);
    }

    pub(super) const fn is_of_today(&self, record: &Record) -> bool {
        record.trace > self.closed_to
    }

    /// Somebody sells at the terminal itself: no kiosk knows of it.
    pub fn sell_by_hand(&mut self, amount: Amount) -> String {
        let record = self.record(0, amount.0);
        let number = number(&record);
        self.book(record);
        number
    }
}
