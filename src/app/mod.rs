//! The shell around the pure session: one event loop, the carrying out of effects, the window and the paper.

pub mod clock;
pub mod desk;
pub mod effects;
#[cfg(feature = "window")]
pub mod press;
#[cfg(feature = "window")]
pub mod screens;
mod staff;
