//! Journeys as scripts (`tests/data/journeys/*.txt`), their edges as tables, their promises as properties.

mod edges;
mod facility;
mod guesses;
mod properties;
mod receipts;
mod script;
mod summary;
