//! One test binary; one module per promise.

mod demo;
mod house;
mod power;
mod stage;
mod touches;
