//! The whole trail, read from its beginning to its end, a part at a time: it may be a million rows long.

use super::chain::{ChainKey, plain_link};
use super::{CUT, HEAD, Mark, SEAL, mark, rows, youngest};
use crate::domain::trail::{Anchor, AnchorVerdict, TrailCheck, TrailFault, TrailHead};
use crate::ports::AuditRow;
use rusqlite::{Connection, OptionalExtension};

/// Whoever waits for the store meanwhile is a patient.
const ROWS_AT_ONCE: usize = 2_000;

/// A trail being read.
pub struct Walk {
    check: TrailCheck,
    /// Where it ended when the walk began: what is written meanwhile is not looked at.
    end: i64,
    /// The hash of the row before the next.
    before: String,
    next: i64,
}

impl Walk {
    pub fn begin(connection: &Connection, key: &ChainKey) -> rusqlite::Result<Self> {
        let end = youngest(connection)?.unwrap_or_default();
        let cut = connection.query_row("SELECT sequence, hash FROM audit_cut", [], |row| {
            Ok(TrailHead { sequence: row.get(0)?, hash: row.get(1)? })
        });
        let cut = cut.optional()?.unwrap_or_default();
        let (sealed_by, sealed) = match mark(connection, key, SEAL)? {
            Mark::Ours(seal) => (Some(seal.sequence).filter(|sequence| *sequence > cut.sequence), true),
            Mark::None => (None, true),
            Mark::Another => (None, false),
        };
        let fault = if !sealed || !begins(connection, key, &cut)? {
            Some(TrailFault::Beginning)
        } else if ends(connection, key, &end)? {
            None
        } else {
            Some(TrailFault::CutOff { last: end.sequence })
        };
        let check =
            TrailCheck { rows: 0, gone: cut.sequence, head: end.clone(), sealed_by, fault, anchors: Vec::new() };
        Ok(Self { check, end: end.sequence, before: cut.hash, next: cut.sequence + 1 })
    }

    /// The next part. True if there may be more.
    pub fn step(&mut self, connection: &Connection, key: &ChainKey) -> rusqlite::Result<bool> {
        let part = rows(connection, self.next - 1, None, ROWS_AT_ONCE)?;
        let more = part.len() == ROWS_AT_ONCE;
        for row in part.into_iter().take_while(|row| row.sequence <= self.end) {
            if row.sequence != self.next || self.link(key, &row) != row.hash {
                // What does not fit says more than where it ends.
                self.check.fault = Some(TrailFault::Row(row.sequence));
                return Ok(false);
            }
            self.check.rows += 1;
            self.next += 1;
            self.before = row.hash;
        }
        Ok(more && self.next <= self.end)
    }

    fn link(&self, key: &ChainKey, row: &AuditRow) -> String {
        let is_plain = self.check.sealed_by.is_some_and(|seal| row.sequence < seal);
        if is_plain { plain_link(&self.before, row) } else { key.link(&self.before, row) }
    }

    /// What `anchors` say of it.
    pub fn end(mut self, connection: &Connection, anchors: Vec<Anchor>) -> rusqlite::Result<TrailCheck> {
        for anchor in anchors {
            let verdict = self.verdict(connection, &anchor.head)?;
            self.check.anchors.push((anchor, verdict));
        }
        Ok(self.check)
    }

    fn verdict(&self, connection: &Connection, head: &TrailHead) -> rusqlite::Result<AnchorVerdict> {
        verdict(connection, self.check.gone, head)
    }
}

fn verdict(connection: &Connection, gone: i64, head: &TrailHead) -> rusqlite::Result<AnchorVerdict> {
    let hash: Option<String> = connection
        .query_row("SELECT hash FROM audit WHERE sequence = ?1", [head.sequence], |row| row.get(0))
        .optional()?;
    let cut: Option<String> = connection
        .query_row("SELECT hash FROM audit_cut WHERE sequence = ?1", [head.sequence], |row| row.get(0))
        .optional()?;
    Ok(match hash.or(cut) {
        Some(hash) if hash == head.hash => AnchorVerdict::Holds,
        Some(_) => AnchorVerdict::Differs,
        None if head.sequence <= gone => AnchorVerdict::WentByAge,
        None => AnchorVerdict::Missing,
    })
}

/// The rows before the first went by `forget_before`.
fn begins(connection: &Connection, key: &ChainKey, cut: &TrailHead) -> rusqlite::Result<bool> {
    Ok(match mark(connection, key, CUT)? {
        Mark::Ours(marked) => marked == *cut,
        Mark::None => *cut == TrailHead::default(),
        Mark::Another => false,
    })
}

fn ends(connection: &Connection, key: &ChainKey, end: &TrailHead) -> rusqlite::Result<bool> {
    Ok(match mark(connection, key, HEAD)? {
        Mark::Ours(marked) => marked == *end,
        Mark::None => *end == TrailHead::default(),
        Mark::Another => false,
    })
}
