//! The one test binary: a module per promise.

mod terminal_dialogue;
mod terminal_faults;
mod terminal_line;
mod terminal_vectors;
