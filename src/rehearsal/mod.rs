//! Simulated devices and people: the same bytes as the real ones, faulty on demand. Never part of `kiosk`.

pub mod child;
pub mod clock;
pub mod gallery;
pub mod headless;
pub mod hospital;
pub mod panel;
pub mod people;
pub mod picture;
pub mod play;
pub mod printer;
pub mod pty;
pub mod scanner;
pub mod script;
pub mod scripts;
pub mod stage;
pub mod terminal;
