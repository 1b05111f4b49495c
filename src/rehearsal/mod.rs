//! Simulated devices and people: the same bytes as the real ones, faulty on demand. Never part of `kiosk`.

pub mod hospital;
pub mod people;
pub mod pty;
