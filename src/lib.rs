//! A self-service kiosk for hospitals.
//!
//! A patient's journey is a pure value that turns inputs into effects; a shell carries the inputs in and the
//! effects out; everything that can break lives behind a few small traits. The rooms, and what each may know:
//!
//! | room | may name |
//! |---|---|
//! | [`domain`] | nothing but itself: no clock, no IO, no async, no float, no widget |
//! | [`ports`] | domain |
//! | `terminal` `printer` `hospital` `store` `config` | ports, domain, their own section of config |
//! | `app` | ports, domain, config; only `app/screens` and `app/press.rs` say slint |
//! | `rehearsal` | everything but the app's internals: simulated devices speaking the real bytes |
//!
//! `tests/house.rs` enforces the table.

pub mod config;
pub mod domain;
pub mod hospital;
pub mod ports;
pub mod rehearsal;
pub mod serial;
