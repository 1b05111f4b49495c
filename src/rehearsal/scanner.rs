//! A simulated code reader at the far end of a pty.

use super::pty::Pty;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

pub struct SimScanner {
    line: Mutex<Pty>,
}

impl SimScanner {
    /// # Errors
    /// No pty to be had, or the link cannot be made.
    pub fn start(link: &Path) -> io::Result<Self> {
        Ok(Self { line: Mutex::new(Pty::open(link)?) })
    }

    /// Reads a code, as if it had been held under the light.
    ///
    /// # Errors
    /// The pty is gone.
    pub fn scan(&self, code: &str) -> io::Result<()> {
        self.send(format!("{code}\r\n").as_bytes())
    }

    /// Bytes as they are, for readers that send noise.
    ///
    /// # Errors
    /// The pty is gone.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).send(bytes)
    }
}
