//! Undos of which nobody knows what they gave back.
//!
//! Without the card an undo names its sale by a number, and some terminals give back their last sale whatever is named.
//! In doubt, or told to have hit another one, it may have given back whatever could have been that last sale: of the day
//! on which it was sent, of the day of its own sale, and of the day before these, for a terminal's day that nobody closes
//! goes on over midnight. For those sales two things follow, also when they are given back on a later day:
//! - that a terminal refuses to give one back, or that the order never left, does not prove that it stands: the money may
//!   be with the card-holder already
//! - a command that names no sale (ZVT 06 31 gives the amount to whichever card is shown) must not leave: the terminal
//!   cannot say "already reversed" to it, and would give the money back twice
//!
//! With the card an undo strays only where the terminal says so: the money goes to the card that is shown, or the sale is
//! found by that card too. In doubt it is a question of its own payment, of whatever day, and of no other.

use crate::domain::attempt::AttemptId;
use chrono::{Days, NaiveDate};
use std::collections::{BTreeSet, VecDeque};

/// More than people have open; of those before nobody has asked for long.
const UNDOS_MAX: usize = 256;

#[derive(Default)]
pub(in crate::domain::till) struct Strayed {
    undos: VecDeque<Stray>,
    /// Sales that people found to stand, since the last undo strayed.
    standing: BTreeSet<AttemptId>,
}

struct Stray {
    undo: AttemptId,
    /// The first and last day of what it may have hit.
    from: NaiveDate,
    to: NaiveDate,
}

impl Strayed {
    /// Sent on the second day, to give back a sale of the first.
    pub fn add(&mut self, undo: AttemptId, sold: NaiveDate, sent: NaiveDate) {
        self.found_again(undo);
        if self.undos.len() >= UNDOS_MAX {
            self.undos.pop_front();
        }
        let first = sold.min(sent);
        let from = first.checked_sub_days(Days::new(1)).unwrap_or(first);
        self.undos.push_back(Stray { undo, from, to: sold.max(sent) });
        self.standing.clear();
    }

    /// It hit its own sale after all.
    pub fn found_again(&mut self, undo: AttemptId) {
        self.undos.retain(|known| known.undo != undo);
    }

    /// People found out that this sale was not given back. Over a restart only the latest undo of the sale tells that: else
    /// they are asked once more.
    pub fn stands(&mut self, sale: AttemptId) {
        if !self.undos.is_empty() {
            self.standing.insert(sale);
        }
    }

    /// Whether one of them may have given back this sale of that day.
    pub fn may_have_hit(&self, sale: AttemptId, day: NaiveDate) -> bool {
        !self.standing.contains(&sale) && self.undos.iter().any(|known| known.from <= day && day <= known.to)
    }
}
