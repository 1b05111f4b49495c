//! 06 31 at the simulated ZVT terminal: the amount goes to the card that is shown. The command names no sale; its card
//! company knows by the card which one was paid with it.

use super::says::Record;
use super::{Model, number};
use crate::domain::money::Amount;

impl Model {
    pub(super) fn pay_out(&mut self, record: Record) {
        let sold = |number_of: &str| self.records.iter().find(|known| number(known) == number_of);
        let paid_with_it = self.bookings.iter().rev().find_map(|booking| {
            let sale = sold(&booking.approval_number)?;
            (sale.amount == record.amount && sale.card == record.card).then(|| sale.clone())
        });
        if let Some(sale) = paid_with_it {
            self.give_back(&sale);
        } else {
            self.strangers.push(Amount(record.amount));
            self.gave_back += 1;
            self.gave_of_before += record.amount;
        }
        self.before_last = self.last.replace(record);
    }

    pub(super) fn give_back(&mut self, sale: &Record) {
        self.bookings.retain(|booking| booking.approval_number != number(sale));
        self.undone.push(sale.receipt);
        self.gave_back += 1;
        if !self.is_of_today(sale) {
            self.gave_of_before += sale.amount;
        }
    }

    /// How often it gave money back, whose ever it was.
    #[must_use]
    pub const fn gave_back(&self) -> usize {
        self.gave_back
    }
}
