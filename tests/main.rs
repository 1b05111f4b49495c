//! One test binary; one module per promise.

mod configuration;
mod demo;
mod house;
mod power;
mod quotes;
mod stage;
mod store;
mod touches;
