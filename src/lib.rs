//! A self-service kiosk for hospitals.
//!
//! A patient's journey is a pure value that turns inputs into effects; a shell carries the inputs in and the
//! effects out; everything that can break lives behind a few small traits. The rooms, and what each may know:
//!
//! | room | may name |
//! |---|---|
//! | [`domain`] | nothing but itself: no clock, no IO, no async, no float, no widget |
//! | [`ports`] | domain |
//! | [`terminal`] [`printer`] [`scanner`] [`hospital`] [`store`] [`config`] | ports, domain, [`line`], [`keyfile`], their own section of config |
//! | [`app`] | ports, domain, config; only `app/screens` and `app/press.rs` say slint |
//! | [`commands`] | what the command line does, without its arguments |
//! | [`watch`] | ports, domain, config: what a monitor may read |
//! | [`assembly`] | puts the rooms together, for the product and for the rehearsal |
//! | [`rehearsal`] | everything but the app's internals: simulated devices speaking the real bytes |
//!
//! `tests/house.rs` enforces the table.

pub mod app;
#[cfg(feature = "window")]
pub mod assembly;
pub mod commands;
pub mod config;
pub mod domain;
pub mod hospital;
pub mod keyfile;
pub mod line;
pub mod ports;
pub mod printer;
pub mod rehearsal;
pub mod scanner;
pub mod store;
pub mod terminal;
pub mod watch;
pub mod wiping;
