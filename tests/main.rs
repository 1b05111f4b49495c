//! One test binary; one module per promise.

#![expect(clippy::cast_precision_loss, reason = "pixels are small numbers")]

mod commands;
mod configuration;
mod demo;
mod hospital;
mod house;
mod journeys;
mod paper;
mod power;
mod printing;
mod quotes;
mod rough;
mod screens;
mod stage;
mod store;
mod terminal_dialogue;
mod terminal_faults;
mod terminal_line;
mod terminal_vectors;
mod touches;
