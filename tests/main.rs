//! One test binary; one module per promise.

#![cfg_attr(feature = "window", expect(clippy::cast_precision_loss, reason = "pixels are small numbers"))]

#[cfg(feature = "window")]
mod alive;
mod catalogue;
#[cfg(feature = "window")]
mod commands;
mod configuration;
mod days;
#[cfg(feature = "window")]
mod demo;
#[cfg(feature = "window")]
mod enroll;
mod event_loop;
mod fuzz;
mod hospital;
mod journeys;
#[cfg(feature = "window")]
mod kill;
mod limits;
mod manners;
#[cfg(feature = "window")]
mod paper;
#[cfg(feature = "window")]
mod payments;
#[cfg(feature = "window")]
mod power;
mod printer_dialogue;
#[cfg(feature = "window")]
mod printing;
#[cfg(feature = "window")]
mod prompt;
mod quotes;
#[cfg(feature = "window")]
mod rough;
#[cfg(feature = "window")]
mod screens;
#[cfg(feature = "window")]
mod soak;
#[cfg(feature = "window")]
mod staff;
#[cfg(feature = "window")]
mod stage;
mod store;
mod strangers;
mod terminal_dialogue;
mod terminal_faults;
mod terminal_line;
mod terminal_undo;
mod terminal_vectors;
mod totals;
#[cfg(feature = "window")]
mod touches;
#[cfg(all(feature = "window", target_arch = "x86_64"))]
mod unit;
mod watch;
mod zvt_dialogue;
mod zvt_faults;
mod zvt_line;
mod zvt_network;
mod zvt_vectors;
