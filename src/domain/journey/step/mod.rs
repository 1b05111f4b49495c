//! What several journeys have in common: who it is, what is typed. A journey says which steps, in which order; a step is a
//! plain value inside it, takes the same inputs, and tells it when it is over.

pub mod entry;
pub mod identify;
