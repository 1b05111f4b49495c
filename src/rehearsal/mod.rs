//! Simulated devices and people: the same bytes as the real ones, faulty on demand. Never part of `kiosk`.

pub mod gallery;
pub mod headless;
pub mod pty;
