//! What one input makes durable, and how it goes on from there.
//!
//! Nothing of what a batch is for has happened before it is kept: the session stays as it was, and both ways on are in the
//! batch itself. So there is nothing to step back behind, and nothing to guess from what was to be written.

use super::Effect;
use crate::domain::journey;
use crate::domain::line::Line;
use crate::domain::till;

/// What follows from one input.
#[derive(Debug)]
#[must_use = "what was decided is carried out by whoever gets it"]
pub enum Output {
    /// To be written and flushed, whole or not at all, before anything else happens: [`Session::kept`] or
    /// [`Session::not_kept`] says what follows.
    ///
    /// [`Session::kept`]: super::Session::kept
    /// [`Session::not_kept`]: super::Session::not_kept
    Commit(Box<Batch>),
    /// To be carried out in order. Nothing more comes of this input.
    Then(Vec<Effect>),
}

/// At most one leaves for each input, and after it failed.
#[derive(Debug)]
pub struct Batch {
    /// All durable, or none.
    pub lines: Vec<Line>,
    pub(super) if_kept: IfKept,
    pub(super) if_not_kept: IfNotKept,
    /// The patient was waiting for something when the input came.
    pub(super) was_busy: bool,
}

#[derive(Debug)]
pub(crate) enum IfKept {
    Till(till::Kept),
    Visit(journey::Kept),
    /// Nothing waits for it.
    GoOn,
}

#[derive(Debug)]
pub(crate) enum IfNotKept {
    Till(till::NotKept),
    /// The patient, or staff, hear that it could not be written down.
    Visit(journey::NotKept),
    /// It is missing, and does no harm: a receipt printed twice is only paper.
    GoOn,
}

/// What is decided in one input and not yet written down.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Numbers given so far, and what else goes with whatever comes.
    lines: Vec<Line>,
    ways: Option<(IfKept, IfNotKept)>,
}

impl Draft {
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub fn close(&mut self, lines: impl IntoIterator<Item = Line>, if_kept: IfKept, if_not_kept: IfNotKept) {
        debug_assert!(self.ways.is_none(), "one batch for each input");
        self.lines.extend(lines);
        self.ways = Some((if_kept, if_not_kept));
    }

    /// Something must be durable before this input can go on.
    pub const fn is_closed(&self) -> bool {
        self.ways.is_some()
    }

    pub fn take(&mut self, was_busy: bool) -> Option<Box<Batch>> {
        let lines = std::mem::take(&mut self.lines);
        let (if_kept, if_not_kept) = match self.ways.take() {
            Some(ways) => ways,
            None if lines.is_empty() => return None,
            None => (IfKept::GoOn, IfNotKept::GoOn),
        };
        Some(Box::new(Batch { lines, if_kept, if_not_kept, was_busy }))
    }
}
