//! The hospital's words as plain values: no clock, no IO, no async, no float, no widget.

pub mod clock;
pub mod closing;
pub mod document;
pub mod enquiry;
pub mod facility;
pub mod format;
pub mod hours;
pub mod journey;
pub mod language;
pub mod ledger;
pub mod limits;
pub mod moment;
pub mod money;
pub mod outbox;
pub mod paper;
pub mod patient;
pub mod payment;
pub mod person;
pub mod reason;
pub mod screen;
pub mod session;
pub mod set_aside;
pub mod staff;
pub(crate) mod till;
pub mod trail;
pub mod undo;
pub mod zone;

pub use till::resolve;
