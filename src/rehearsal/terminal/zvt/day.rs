//! The simulated ZVT terminal's day: it counts what stands, less what it gave back of days before, tells it at 06 50 and
//! counts from nothing afterwards. Its figures have no sign.

use super::manners::{Manner, Turnover};
use super::says::Record;
use super::{Fault, Model, number, says};
use crate::domain::money::Amount;
use crate::rehearsal::terminal::Booking;

const RECEIPTS: u32 = 10_000;

impl Model {
    pub(super) fn close_day(&mut self, now_ms: u64) {
        let of_today = |booking: &&Booking| booking.approval_number > format!("{:06}", self.closed_to);
        let standing: Vec<&Booking> = self.bookings.iter().filter(of_today).collect();
        let sold = standing.iter().map(|booking| booking.amount.0).sum::<i64>();
        let count = u32::try_from(standing.len()).unwrap_or(u32::MAX);
        let amount = Amount(sold - std::mem::take(&mut self.gave_of_before));
        let (first, last) = ((self.closed_to + 1) % RECEIPTS, self.trace % RECEIPTS);
        self.stood.push(amount);
        let (count, amount) = self.turnover(count, amount);
        let amount = Amount(amount.0.max(0));
        self.days.push((count, amount));
        self.closed_to = self.trace;
        if self.takes(Fault::SilentAfterClosing) {
            self.send_block(says::OK);
            return self.fall_silent(now_ms);
        }
        self.send_block(says::OK);
        self.print(&["** KASSENSCHNITT **"]);
        let told = says::totals(u8::try_from(count).unwrap_or(u8::MAX), amount.0, first, last);
        self.queue.extend([told, says::DONE.to_vec()]);
        self.say_next(now_ms);
    }

    /// What it adds up of the day, where `count` and `stands` are what stands of it.
    fn turnover(&mut self, count: u32, stands: Amount) -> (u32, Amount) {
        let of_today = |booking: &&Booking| booking.approval_number > format!("{:06}", self.closed_to);
        let (sales, gross) = (self.books.iter().filter(of_today))
            .fold((0, 0), |(count, sum), booking| (count + 1, sum + booking.amount.0));
        let added = match self.manners.counts_reversals {
            Some(Turnover::Gross) => (sales, gross),
            Some(Turnover::Added) => (2 * sales - count, 2 * gross - stands.0),
            None => return (count, stands),
        };
        if gross != stands.0 {
            self.shows(Manner::CountsReversals);
        }
        (added.0, Amount(added.1))
    }

    pub(super) const fn is_of_today(&self, record: &Record) -> bool {
        record.trace > self.closed_to
    }

    /// Somebody sells at the terminal itself: no kiosk knows of it.
    pub fn sell_by_hand(&mut self, amount: Amount) -> String {
        let record = self.record(0, amount.0);
        let number = number(&record);
        self.book(record, 0);
        number
    }
}
