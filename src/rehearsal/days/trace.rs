//! The day, line by line, for `--trace`. Nothing in it comes from outside the seed, so two runs give the same bytes.

use super::rig::Note;
use crate::domain::line::Line;
use crate::domain::payment::Entry;
use crate::domain::session::{Effect, Input};
use std::fmt::Write as _;

pub struct Trace {
    to: To,
    kept: String,
}

/// Where the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Nowhere,
    Report,
    Stdout,
}

/// Of a value as Rust prints it: a restart tells the whole journal.
const WORDS_MAX: usize = 300;

impl Trace {
    #[must_use]
    pub const fn new(to: To) -> Self {
        Self { to, kept: String::new() }
    }

    #[must_use]
    pub const fn is_on(&self) -> bool {
        !matches!(self.to, To::Nowhere)
    }

    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.kept)
    }

    pub fn line(&mut self, now_ms: u64, what: impl FnOnce() -> String) {
        match self.to {
            To::Nowhere => {}
            // Writing to a string cannot fail.
            To::Report => drop(writeln!(self.kept, "{now_ms:>9} {}", short(&what()))),
            To::Stdout => println!("{now_ms:>9} {}", short(&what())),
        }
    }

    pub fn input(&mut self, now_ms: u64, input: &Input) {
        self.line(now_ms, || format!("> {input:?}"));
    }

    pub fn effect(&mut self, now_ms: u64, effect: &Effect) {
        self.line(now_ms, || match effect {
            Effect::Show(view) => format!("  show {:?}", view.screen),
            other => format!("  {other:?}"),
        });
    }

    pub fn durable(&mut self, now_ms: u64, line: &Line) {
        self.line(now_ms, || match line {
            Line::Entry(entry) => format!("  record {}", entry_words(entry)),
            other => format!("  keep {other:?}"),
        });
    }

    pub fn note(&mut self, now_ms: u64, note: &Note) {
        self.line(now_ms, || format!("! {note:?}"));
    }

    pub fn bytes(&mut self, now_ms: u64, who: &str, bytes: &[u8]) {
        let words: String = bytes.iter().take(80).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        self.line(now_ms, || format!("~ {who} {words}"));
    }
}

fn entry_words(entry: &Entry) -> String {
    match entry {
        Entry::Intent { attempt, number, amount, .. } => format!("Intent {number} {} {}", amount.0, attempt.0),
        Entry::Answered { transaction, booking, .. } => format!("Answered {transaction:?} {booking:?}"),
        Entry::Committed { transaction, .. } => format!("Committed {transaction:?}"),
        other @ (Entry::Sent { .. }
        | Entry::NotPaid { .. }
        | Entry::InDoubt { .. }
        | Entry::NeedsStaff { .. }
        | Entry::Evidence { .. }
        | Entry::Undo(_)
        | Entry::Closing(_)
        | Entry::ReceiptPrinted { .. }) => format!("{other:?}"),
    }
}

fn short(words: &str) -> &str {
    let end = words.char_indices().map(|(at, _)| at).nth(WORDS_MAX).unwrap_or(words.len());
    &words[..end]
}
