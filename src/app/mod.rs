//! The shell around the pure session: one event loop, the carrying out of effects, the window and the paper.

pub mod clock;
#[cfg(feature = "window")]
pub mod closed;
pub mod effects;
pub mod event_loop;
pub mod lanes;
pub mod log;
mod look_ups;
#[cfg(feature = "window")]
pub mod press;
pub mod pulse;
pub mod reload;
#[cfg(feature = "window")]
pub mod screens;
pub mod shell;
mod staff;
pub mod vital;
