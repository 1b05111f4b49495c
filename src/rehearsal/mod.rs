//! Simulated devices and people: the same bytes as the real ones, faulty on demand. Never part of `kiosk`.

#[cfg(feature = "window")]
pub mod child;
pub mod clock;
pub mod days;
#[cfg(feature = "window")]
pub mod gallery;
#[cfg(feature = "window")]
pub mod headless;
pub mod hospital;
#[cfg(feature = "window")]
pub mod panel;
pub mod people;
pub mod picture;
#[cfg(feature = "window")]
pub mod play;
pub mod printer;
pub mod pty;
pub mod scanner;
pub mod script;
pub mod scripts;
#[cfg(feature = "window")]
pub mod stage;
pub mod terminal;
