//! A batch: all of its lines, or none.

use super::write::Before;
use super::{Done, Tables, Time};
use crate::domain::ledger::{self, Refusal};
use crate::domain::line::Line;
use crate::ports::Frozen;

impl Tables {
    pub(super) fn commit(&mut self, lines: &[Frozen<'_>], at: Time) -> Done<()> {
        self.all(lines, |tables, line| tables.put(line, at))
    }

    /// All of it, one after the other, or nothing. What is refused has changed nothing, so the last one is never taken back.
    pub(super) fn all<T>(&mut self, all: &[T], one: impl Fn(&mut Self, &T) -> Result<(), Refusal>) -> Done<()> {
        self.before.clear();
        let done = all.iter().enumerate().try_for_each(|(at, each)| {
            self.remembers = at + 1 < all.len();
            one(self, each)
        });
        self.remembers = false;
        if done.is_err() {
            self.take_back();
        }
        Ok(done?)
    }

    fn put(&mut self, Frozen { line, bundle }: &Frozen<'_>, at: Time) -> Result<(), Refusal> {
        match line {
            Line::Entry(entry) => self.write(ledger::record(entry, bundle, at, self)?),
            Line::Request(request) => self.write(ledger::queue(request, bundle, self)?),
            Line::Counters(counters) => {
                let day = counters.day;
                self.remember(|tables| Before::Numbers(day, tables.numbers.get(&day).copied(), tables.last_number_at));
                let kept = self.numbers.entry(day).or_insert(*counters);
                *kept = kept.or_more(*counters);
                self.last_number_at = Some(at);
            }
            Line::Tries(tried) => {
                self.remember(|tables| Before::Tries(tables.tries.clone()));
                tried.keep(&mut self.tries);
            }
            // Nobody here knows the staff's PIN, and no database is damaged.
            Line::Audit(_) | Line::SetAsideRead => {}
        }
        Ok(())
    }
}
