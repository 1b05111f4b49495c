//! Journeys as scripts (`tests/data/journeys/*.txt`), their edges as tables, their promises as properties.

mod edges;
pub mod facility;
mod guesses;
mod keeping;
mod properties;
mod receipts;
mod script;
mod summary;
