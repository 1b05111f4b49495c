//! Simulated devices and people: the same bytes as the real ones, faulty on demand. Never part of `kiosk`.

pub mod picture;
pub mod printer;
pub mod pty;
pub mod scanner;
