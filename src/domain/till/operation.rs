//! One money operation, whatever it does: a charge, an undo, the end of the terminal's day.
//!
//! ```text
//! Opening ─kept─▶ Running ─▶ Ending ─kept─▶ over, or running on in doubt
//!    └ not kept: nothing left   └ not kept: the same lines again, until they are durable
//! ```
//! Its intent is durable before its one command leaves, and its end before anybody hears of it.

use super::{Kept, NotKept};
use crate::domain::attempt::AttemptId;
use crate::domain::line::Line;
use crate::domain::moment::Tick;
use crate::domain::payment::Entry;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{IfKept, IfNotKept};

const RETRY_FIRST_MS: u64 = 1_000;
const RETRY_MOST_MS: u64 = 30_000;

/// `R`: what it waits for while it runs. `E`: what it comes to.
pub(super) enum Operation<R, E> {
    /// `Intent` and `Sent` are being written: not a byte has left.
    Opening,
    Running(R),
    Ending(Ending<R, E>),
}

/// How it ended, or that nobody knows: on its way into the journal.
pub(super) struct Ending<R, E> {
    pub lines: Vec<Entry>,
    pub end: E,
    /// What ran when that became known; nothing once it could not be written.
    pub before: Option<R>,
    /// `None`: it is being written now.
    retry_at: Option<Tick>,
    /// Waited before the last try; 0 before the first.
    wait_ms: u64,
}

impl<R, E> Operation<R, E> {
    pub fn open(lines: impl IntoIterator<Item = Entry>, kiosk: &mut Kiosk) -> Self {
        commit(lines, Kept::Work, NotKept::Work, kiosk);
        Self::Opening
    }

    /// What the journal knew at start comes to this; it is written at the next wake-up.
    pub const fn known(lines: Vec<Entry>, end: E, now: Tick) -> Self {
        Self::Ending(Ending { lines, end, before: None, retry_at: Some(now), wait_ms: RETRY_FIRST_MS })
    }

    pub fn end(&mut self, lines: Vec<Entry>, end: E, kiosk: &mut Kiosk) {
        self.end_by_order(lines, end, (Kept::Work, NotKept::Work), kiosk);
    }

    /// As [`Self::end`], of what staff ordered: it goes on otherwise.
    pub fn end_by_order(&mut self, lines: Vec<Entry>, end: E, ways: (Kept, NotKept), kiosk: &mut Kiosk) {
        let (before, wait_ms) = match std::mem::replace(self, Self::Opening) {
            Self::Running(running) => (Some(running), 0),
            Self::Ending(ending) => (ending.before, ending.wait_ms),
            Self::Opening => (None, 0),
        };
        commit(lines.iter().cloned(), ways.0, ways.1, kiosk);
        *self = Self::Ending(Ending { lines, end, before, retry_at: None, wait_ms });
    }

    pub const fn running(&self) -> Option<&R> {
        if let Self::Running(running) = self { Some(running) } else { None }
    }

    pub const fn running_mut(&mut self) -> Option<&mut R> {
        if let Self::Running(running) = self { Some(running) } else { None }
    }

    pub const fn ending(&self) -> Option<&Ending<R, E>> {
        if let Self::Ending(ending) = self { Some(ending) } else { None }
    }

    /// Another end than the one that cannot be written.
    pub fn instead(&mut self, lines: Vec<Entry>, end: E) {
        if let Self::Ending(ending) = self {
            (ending.lines, ending.end) = (lines, end);
        }
    }

    /// The end could not be written: a little later each time.
    pub fn try_later(&mut self, now: Tick) {
        if let Self::Ending(ending) = self {
            ending.before = None;
            ending.wait_ms = (ending.wait_ms * 2).clamp(RETRY_FIRST_MS, RETRY_MOST_MS);
            ending.retry_at = Some(now.plus_ms(ending.wait_ms));
        }
    }

    pub const fn retry_at(&self) -> Option<Tick> {
        if let Self::Ending(ending) = self { ending.retry_at } else { None }
    }

    /// Writes the end once more, when its time has come.
    pub fn retry(&mut self, kiosk: &mut Kiosk) {
        let now = kiosk.tick();
        if let Self::Ending(ending) = self
            && ending.retry_at.is_some_and(|at| now >= at)
        {
            ending.retry_at = None;
            commit(ending.lines.iter().cloned(), Kept::Work, NotKept::Work, kiosk);
        }
    }
}

/// The till's lines, and how it goes on from there.
pub(super) fn commit(lines: impl IntoIterator<Item = Entry>, kept: Kept, not_kept: NotKept, kiosk: &mut Kiosk) {
    kiosk.commit(lines.into_iter().map(Line::Entry), IfKept::Till(kept), IfNotKept::Till(not_kept));
}

/// Lines about what is over already; tried until they are durable, or are refused for ever.
#[derive(Default)]
pub(super) struct Untold(std::collections::VecDeque<(Entry, Tick)>);

impl Untold {
    /// Written at the next wake-up.
    pub fn push(&mut self, entry: Entry, now: Tick) {
        self.0.push_back((entry, now));
    }

    pub fn try_later(&mut self, entry: Entry, now: Tick) {
        self.0.push_front((entry, now.plus_ms(RETRY_MOST_MS)));
    }

    pub fn forget(&mut self, id: AttemptId) {
        self.0.retain(|(entry, _)| !is_of(entry, id));
    }

    pub fn has_of(&self, id: AttemptId) -> bool {
        self.0.iter().any(|(entry, _)| is_of(entry, id))
    }

    pub fn deadline(&self) -> Option<Tick> {
        self.0.front().map(|(_, due)| *due)
    }

    pub fn tell(&mut self, kiosk: &mut Kiosk) {
        if self.deadline().is_some_and(|due| kiosk.tick() >= due)
            && let Some((entry, _)) = self.0.pop_front()
        {
            tell(entry, kiosk);
        }
    }
}

/// What people have to know of this payment.
fn is_of(entry: &Entry, id: AttemptId) -> bool {
    matches!(entry, Entry::NeedsStaff { attempt, .. } if *attempt == id)
}

/// Now.
pub(super) fn tell(entry: Entry, kiosk: &mut Kiosk) {
    commit([entry.clone()], Kept::Told, NotKept::Told(entry), kiosk);
}
