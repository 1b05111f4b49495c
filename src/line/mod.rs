//! The wires that devices hang on, behind one trait: a serial line, a network connection, a device's own file. None of them
//! blocks for longer than it was told. A reader that types as a keyboard is none of them: its keys come in by the window.
//!
//! `port`, as the configuration names it: `tcp:HOST:PORT`, or a path: a serial line, best `/dev/serial/by-id/…`, or, for a
//! device that takes one, a file such as `/dev/usb/lp0`.

mod file;
mod serial;
mod tcp;

use file::FileLine;
use rustix::fs::OFlags;
pub use serial::{LineSettings, SerialLine};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};
use tcp::TcpLine;

/// What stands before the address of a network connection.
pub const NETWORK: &str = "tcp:";
/// Pieces small enough that a full buffer never swallows the deadline.
const WRITE_PIECE_BYTES: usize = 512;
/// Between two tries at a line that takes nothing.
const FULL_PAUSE: Duration = Duration::from_millis(2);

pub trait Line: Send {
    /// Reads what is there, waiting at most `timeout`. `Ok(0)` is silence; a hang-up is an error.
    ///
    /// # Errors
    /// The line is gone (`BrokenPipe`, `EIO`): drop this and open again.
    fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize>;

    /// Writes what the line takes, waiting at most `timeout`; `Ok(0)` = the device is not reading now. An error means that
    /// nothing of these bytes has left.
    ///
    /// # Errors
    /// The system's reason: the line is gone.
    fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize>;

    /// What can be known of the line without reading or writing.
    ///
    /// # Errors
    /// The other end has hung up.
    fn check(&mut self) -> io::Result<()>;

    /// How long so many bytes are on the wire at least.
    fn time_on_wire(&self, bytes: usize) -> Duration;
}

/// What a device needs of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A serial line or a network connection.
    Stream,
    /// The same, without a memory: what was not delivered when the line is closed never is.
    ForgetfulStream,
    /// Any line; a file that is no stream (a USB printer's) does as well.
    Anything,
}

/// Opens `port`.
///
/// # Errors
/// The system's reason: not there, in use, no permission.
pub fn open(port: &str, settings: LineSettings, needs: Needs) -> io::Result<Box<dyn Line>> {
    if let Some(address) = port.strip_prefix(NETWORK) {
        return Ok(Box::new(match needs {
            Needs::ForgetfulStream => TcpLine::open_forgetful(address)?,
            Needs::Stream | Needs::Anything => TcpLine::open(address)?,
        }));
    }
    if needs == Needs::Anything {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let file = File::options().read(true).write(true).custom_flags(flags.cast_signed()).open(port)?;
        if !rustix::termios::isatty(&file) {
            return Ok(Box::new(FileLine::new(file)));
        }
    }
    Ok(Box::new(SerialLine::open(port, settings)?))
}

/// Writes all of `bytes` or fails with `TimedOut`; how much left the kiosk is then unknown.
///
/// # Errors
/// `TimedOut` if the device does not read, else the system's reason.
pub fn write_within(line: &mut dyn Line, bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let end = Instant::now() + timeout;
    let mut rest = bytes;
    while !rest.is_empty() {
        let left = end.checked_duration_since(Instant::now()).ok_or(io::ErrorKind::TimedOut)?;
        rest = &rest[write_some_within(line, rest, left)?..];
    }
    Ok(())
}

/// Writes the first of `bytes` and tells how many; if it fails, not one of them has left the kiosk.
///
/// # Errors
/// `TimedOut` if the device does not read, else the system's reason.
pub fn write_some_within(line: &mut dyn Line, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
    let end = Instant::now() + timeout;
    while !bytes.is_empty() {
        let left = end.checked_duration_since(Instant::now()).ok_or(io::ErrorKind::TimedOut)?;
        match line.write_some(bytes, left)? {
            0 => std::thread::sleep(FULL_PAUSE),
            count => return Ok(count),
        }
    }
    Ok(0)
}

/// Nothing came or went in time: that is no fault of the line.
fn or_silence(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
            ) =>
        {
            Ok(0)
        }
        other => other,
    }
}
