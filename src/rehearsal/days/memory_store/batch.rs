//! A batch: all of its lines, or none.

use super::{Done, Tables, Time};
use crate::domain::closing::ClosingRecord;
use crate::domain::payment::{AttemptId, Entry, PaymentRecord};
use crate::domain::session::{Counters, Line, TriesKept};
use crate::domain::undo::UndoEntry;
use crate::ports::Frozen;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// What a batch may change, as it was: to copy all of a long day for each would take longer than the day.
struct Before {
    payments: usize,
    touched: Vec<(usize, PaymentRecord)>,
    undos: usize,
    /// `None`: no line is about one.
    closings: Option<Vec<ClosingRecord>>,
    outbox: usize,
    numbers: BTreeMap<NaiveDate, Counters>,
    last_number_at: Option<Time>,
    /// A line counts one.
    counted: bool,
    tries: Option<TriesKept>,
}

impl Tables {
    pub(super) fn commit(&mut self, lines: &[Frozen<'_>], at: Time) -> Done<()> {
        let before = self.before(lines);
        let done = lines.iter().try_for_each(|line| self.put(line, at));
        if done.is_err() {
            self.restore(before);
        }
        done
    }

    fn put(&mut self, Frozen { line, bundle }: &Frozen<'_>, at: Time) -> Done<()> {
        match line {
            Line::Entry(entry) => self.record(entry, bundle, at),
            Line::Request(request) => self.enqueue(request, bundle),
            Line::Counters(counters) => {
                let kept = self.numbers.entry(counters.day).or_insert(*counters);
                *kept = kept.or_more(*counters);
                self.last_number_at = Some(at);
                Ok(())
            }
            Line::Tries(tried) => {
                tried.keep(&mut self.tries);
                Ok(())
            }
            // Nobody here knows the staff's PIN, and no database is damaged.
            Line::Audit(_) | Line::SetAsideRead => Ok(()),
        }
    }

    fn before(&self, lines: &[Frozen<'_>]) -> Before {
        let entries =
            || lines.iter().filter_map(|frozen| if let Line::Entry(entry) = frozen.line { Some(entry) } else { None });
        let counted = lines.iter().any(|frozen| matches!(frozen.line, Line::Tries(_)));
        let closed = entries().any(|entry| matches!(entry, Entry::Closing(_)));
        Before {
            payments: self.payments.len(),
            touched: entries()
                .filter_map(|entry| self.about(entry))
                .map(|at| (at, self.payments[at].clone()))
                .collect(),
            undos: self.undos.len(),
            closings: closed.then(|| self.closings.clone()),
            outbox: self.outbox.len(),
            numbers: self.numbers.clone(),
            last_number_at: self.last_number_at,
            counted,
            tries: if counted { self.tries.clone() } else { None },
        }
    }

    /// The payment that this entry changes, if it is there.
    fn about(&self, entry: &Entry) -> Option<usize> {
        let of = |attempt: AttemptId| self.payments.iter().rposition(|payment| payment.attempt == attempt);
        match entry {
            Entry::Closing(_) => None,
            Entry::Undo(UndoEntry::Intent { of: attempt, .. })
            | Entry::Intent { attempt, .. }
            | Entry::Sent { attempt }
            | Entry::Answered { attempt, .. }
            | Entry::Committed { attempt, .. }
            | Entry::NotPaid { attempt, .. }
            | Entry::InDoubt { attempt, .. }
            | Entry::NeedsStaff { attempt, .. }
            | Entry::Evidence { attempt, .. }
            | Entry::ReceiptPrinted { attempt } => of(*attempt),
            Entry::Undo(entry) => {
                let undone =
                    |payment: &PaymentRecord| payment.undo.as_ref().is_some_and(|undo| undo.undo == entry.undo());
                self.payments.iter().rposition(undone)
            }
        }
    }

    fn restore(&mut self, before: Before) {
        self.payments.truncate(before.payments);
        // The first copy of each is the one from before.
        for (at, payment) in before.touched.into_iter().rev() {
            self.payments[at] = payment;
        }
        self.undos.truncate(before.undos);
        if let Some(closings) = before.closings {
            self.closings = closings;
        }
        self.outbox.truncate(before.outbox);
        self.undelivered.retain(|_, at| *at < before.outbox);
        (self.numbers, self.last_number_at) = (before.numbers, before.last_number_at);
        if before.counted {
            self.tries = before.tries;
        }
    }
}
