//! A serial line.
//!
//! The traps that made this file: `write_all` of the serialport crate hangs when the peer stops reading, `flush`
//! (tcdrain) has no time-out, a pty answers ENOTTY to modem lines. So the descriptor is non-blocking, writes go out
//! in small pieces against a deadline, and nothing is ever flushed.

use super::{Line, WRITE_PIECE_BYTES, or_silence};
use serialport::{DataBits, Parity, SerialPort, StopBits, TTYPort};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Speed and frame of a line; 8 data bits, no parity, no flow control, as every device we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    pub baud: u32,
    pub two_stop_bits: bool,
}

pub struct SerialLine {
    port: TTYPort,
    baud: u32,
}

impl SerialLine {
    /// Opens `path` (a device, or a symlink such as `/dev/serial/by-id/…`).
    ///
    /// # Errors
    /// The system's reason: not there, in use, no permission.
    pub fn open(path: &str, settings: LineSettings) -> io::Result<Self> {
        let stop_bits = if settings.two_stop_bits { StopBits::Two } else { StopBits::One };
        let port = serialport::new(path, settings.baud)
            .data_bits(DataBits::Eight)
            .parity(Parity::None)
            .stop_bits(stop_bits)
            .timeout(Duration::from_millis(100))
            .open_native()?;
        set_non_blocking(&port)?;
        Ok(Self { port, baud: settings.baud })
    }
}

impl Line for SerialLine {
    fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.port.set_timeout(timeout.max(Duration::from_millis(1)))?;
        match self.port.read(buffer) {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            other => or_silence(other),
        }
    }

    fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        self.port.set_timeout(timeout.max(Duration::from_millis(1)))?;
        or_silence(self.port.write(&bytes[..bytes.len().min(WRITE_PIECE_BYTES)]))
    }

    /// Nobody can tell before it is used.
    fn check(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Ten bits a byte.
    fn time_on_wire(&self, bytes: usize) -> Duration {
        Duration::from_millis(bytes as u64 * 10_000 / u64::from(self.baud.max(1)))
    }
}

#[expect(unsafe_code, reason = "the crate lends its descriptor only as a number; it outlives the borrow")]
fn set_non_blocking(port: &TTYPort) -> io::Result<()> {
    // SAFETY: `port` owns the descriptor and lives longer than this borrow.
    let descriptor = unsafe { BorrowedFd::borrow_raw(port.as_raw_fd()) };
    let flags = rustix::fs::fcntl_getfl(descriptor)?;
    rustix::fs::fcntl_setfl(descriptor, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}
