//! The three kinds of wire a receipt printer hangs on. None of them blocks for longer than it was told.

use crate::config;
use crate::serial::{LineSettings, SerialLine};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

pub enum Line {
    Serial(SerialLine),
    /// `/dev/usb/lp0`: opened non-blocking, for the driver blocks for ever when the paper is out.
    File(File),
    Tcp(TcpStream),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Small pieces, so that a full buffer never swallows a deadline.
const WRITE_PIECE_BYTES: usize = 512;
/// A plain file is always "ready" and always at its end.
const END_OF_FILE_PAUSE: Duration = Duration::from_millis(10);

impl Line {
    /// Opens what the settings name.
    ///
    /// # Errors
    /// The system's reason: not there, in use, no permission.
    pub fn open(settings: &config::Printer) -> io::Result<Self> {
        if let Some(address) = settings.port.strip_prefix("tcp:") {
            return open_tcp(address).map(Self::Tcp);
        }
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let file = File::options().read(true).write(true).custom_flags(flags.cast_signed()).open(&settings.port)?;
        if !rustix::termios::isatty(&file) {
            return Ok(Self::File(file));
        }
        drop(file);
        SerialLine::open(&settings.port, LineSettings { baud: settings.baud, two_stop_bits: false }).map(Self::Serial)
    }

    /// Reads what is there, waiting at most `timeout`; `Ok(0)` is silence.
    ///
    /// # Errors
    /// The line is gone: drop this and open again.
    pub fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        match self {
            Self::Serial(line) => line.read_some(buffer, timeout),
            Self::File(file) => {
                wait_for(file, PollFlags::IN, timeout)?;
                let count = quiet(file.read(buffer))?;
                if count == 0 {
                    std::thread::sleep(timeout.min(END_OF_FILE_PAUSE));
                }
                Ok(count)
            }
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
                match stream.read(buffer) {
                    Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
                    other => quiet(other),
                }
            }
        }
    }

    /// Writes what the line takes, waiting at most `timeout`; `Ok(0)` = the printer is not reading now.
    ///
    /// # Errors
    /// The line is gone.
    pub fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(WRITE_PIECE_BYTES)];
        match self {
            Self::Serial(line) => line.write_some(piece, timeout),
            Self::File(file) => {
                wait_for(file, PollFlags::OUT, timeout)?;
                quiet(file.write(piece))
            }
            Self::Tcp(stream) => {
                stream.set_write_timeout(Some(timeout.max(Duration::from_millis(1))))?;
                quiet(stream.write(piece))
            }
        }
    }
}

/// How long `bytes` are on the wire at least: ten bits a byte on a serial line, nothing worth counting elsewhere.
#[must_use]
pub fn time_on_wire(line: &Line, bytes: usize, baud: u32) -> Duration {
    match line {
        Line::Serial(_) => Duration::from_millis(bytes as u64 * 10_000 / u64::from(baud.max(1))),
        Line::File(_) | Line::Tcp(_) => Duration::ZERO,
    }
}

fn open_tcp(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in address.to_socket_addrs()?.take(4) {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn wait_for(file: &File, what: PollFlags, timeout: Duration) -> io::Result<()> {
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(60);
    let wait = Timespec { tv_sec: seconds, tv_nsec: timeout.subsec_nanos().into() };
    poll(&mut [PollFd::new(file, what)], Some(&wait))?;
    Ok(())
}

fn quiet(result: io::Result<usize>) -> io::Result<usize> {
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
