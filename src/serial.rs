//! One serial line, never blocking for ever. Shared by every device on a wire.
//!
//! The traps that made this file: `write_all` of the serialport crate hangs when the peer stops reading, `flush`
//! (tcdrain) has no time-out, a pty answers ENOTTY to modem lines. So the descriptor is non-blocking, writes go out
//! in small pieces against a deadline, and nothing is ever flushed.

use serialport::{DataBits, Parity, SerialPort, StopBits, TTYPort};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Speed and frame of a line; 8 data bits, no parity, no flow control, as every device we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    pub baud: u32,
    pub two_stop_bits: bool,
}

pub struct SerialLine {
    port: TTYPort,
}

/// Pieces small enough that a full pty buffer never swallows the deadline.
const WRITE_PIECE_BYTES: usize = 512;

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
        Ok(Self { port })
    }

    /// Reads what is there, waiting at most `timeout`. `Ok(0)` is silence; a hang-up is an error.
    ///
    /// # Errors
    /// The line is gone (`BrokenPipe`, `EIO`): drop this and open again.
    pub fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.port.set_timeout(timeout.max(Duration::from_millis(1)))?;
        match self.port.read(buffer) {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            Ok(count) => Ok(count),
            Err(error) if is_silence(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Writes what the line takes, waiting at most `timeout`; `Ok(0)` = the peer is not reading now.
    ///
    /// # Errors
    /// The system's reason: the line is gone.
    pub fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        self.port.set_timeout(timeout.max(Duration::from_millis(1)))?;
        match self.port.write(&bytes[..bytes.len().min(WRITE_PIECE_BYTES)]) {
            Ok(count) => Ok(count),
            Err(error) if is_silence(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Writes all of `bytes` or fails with `TimedOut`; how much left the kiosk is then unknown.
    ///
    /// # Errors
    /// `TimedOut` if the peer does not read, else the system's reason.
    pub fn write_within(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<()> {
        let end = Instant::now() + timeout;
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = end.checked_duration_since(Instant::now()).ok_or(io::ErrorKind::TimedOut)?;
            self.port.set_timeout(left.max(Duration::from_millis(1)))?;
            let piece = &rest[..rest.len().min(WRITE_PIECE_BYTES)];
            match self.port.write(piece) {
                Ok(count) => rest = &rest[count..],
                Err(error) if is_silence(&error) => std::thread::sleep(Duration::from_millis(2)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[expect(unsafe_code, reason = "the crate lends its descriptor only as a number; it outlives the borrow")]
fn set_non_blocking(port: &TTYPort) -> io::Result<()> {
    // SAFETY: `port` owns the descriptor and lives longer than this borrow.
    let descriptor = unsafe { BorrowedFd::borrow_raw(port.as_raw_fd()) };
    let flags = rustix::fs::fcntl_getfl(descriptor)?;
    rustix::fs::fcntl_setfl(descriptor, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}
