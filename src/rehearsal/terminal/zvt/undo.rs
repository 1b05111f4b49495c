//! What the simulated ZVT terminal gives back: the sale that was named, if it keeps to the specification.

use super::manners::{Manner, Naming};
use super::says::Record;
use super::{Fault, Model, number, says};

const ALREADY_REVERSED: u8 = 0xb4;
const NOT_POSSIBLE: u8 = 0xb5;

impl Model {
    pub(super) fn reverse(&mut self, receipt: i64, now_ms: u64) {
        let found = match self.manners.reverses_last {
            Some(_) => self.last_of_today(receipt),
            None => self.named(receipt),
        };
        let silent = self.takes(Fault::SilentAfterUndo);
        let sale = match found {
            Ok(sale) => sale,
            Err(code) => {
                let failed = self.failed(code);
                return self.answer_with([failed], now_ms);
            }
        };
        if i64::from(sale.receipt) != receipt {
            self.shows(Manner::ReversesLast);
            self.astray.push(number(&sale));
        }
        self.give_back(&sale);
        let told = self.tell_reversal(&sale);
        if silent {
            self.send_block(says::OK);
            return self.fall_silent(now_ms);
        }
        self.send_block(says::OK);
        self.queue.push_back(told);
        self.print(&["** STORNO **"]);
        self.queue.push_back(says::DONE.to_vec());
        self.say_next(now_ms);
    }

    fn named(&self, receipt: i64) -> Result<Record, u8> {
        match self.records.iter().find(|record| i64::from(record.receipt) == receipt) {
            Some(record) if self.undone.contains(&record.receipt) => Err(ALREADY_REVERSED),
            Some(record) if !self.setup.finds_closed && !self.is_of_today(record) => Err(NOT_POSSIBLE),
            Some(record) if self.stands(record) => Ok(record.clone()),
            Some(_) | None => Err(NOT_POSSIBLE),
        }
    }

    /// Whatever stands last, of the day that is not closed yet.
    fn last_of_today(&self, receipt: i64) -> Result<Record, u8> {
        let last = self.records.iter().rev().find(|record| self.is_of_today(record) && self.stands(record));
        last.cloned().ok_or_else(|| match self.named(receipt) {
            Ok(_) => NOT_POSSIBLE,
            Err(code) => code,
        })
    }

    fn stands(&self, record: &Record) -> bool {
        self.bookings.iter().any(|booking| booking.approval_number == number(record))
    }

    fn tell_reversal(&mut self, sale: &Record) -> Vec<u8> {
        let record = Record { original_trace: Some(sale.trace), card: sale.card, ..self.record(0, sale.amount) };
        let (kept, told) = match self.manners.reverses_last.unwrap_or(Naming::Trace) {
            Naming::Trace => (record.clone(), self.result(&record)),
            Naming::Receipt => {
                let named = Record { receipt: sale.receipt, original_trace: None, ..record };
                (named.clone(), self.result(&named))
            }
            Naming::Bare => (record, says::bare_result()),
        };
        self.before_last = self.last.replace(kept);
        told
    }

    /// "Goods failed" is taken for its last sale.
    pub(super) fn undo_last(&mut self) {
        if let Ok(sale) = self.last_of_today(0) {
            self.give_back(&sale);
            self.tell_reversal(&sale);
        }
    }
}
