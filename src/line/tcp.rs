//! A connection to a device on the network.

use super::{Line, WRITE_PIECE_BYTES};
use rustix::net::sockopt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Of the addresses that a name has.
const ADDRESSES_TRIED: usize = 4;
/// What was written and not delivered for so long ends the connection; so does a device that is silent for `QUIET` and then
/// does not answer the system's own questions for as long.
const UNDELIVERED: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_secs(10);
const QUIET_AGAIN: Duration = Duration::from_secs(3);

pub(super) struct TcpLine {
    stream: TcpStream,
}

impl TcpLine {
    /// Connects to `address`, `host:port`.
    ///
    /// # Errors
    /// The system's reason: nothing answers or listens there, no such name.
    pub(super) fn open(address: &str) -> io::Result<Self> {
        let mut last = io::Error::from(ErrorKind::NotFound);
        for address in address.to_socket_addrs()?.take(ADDRESSES_TRIED) {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => return Ok(Self { stream }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The same, for a device that obeys at once: a line without a memory. What it has not got is given up after a while and
    /// thrown away with the connection; else the system would deliver a command minutes later, when the cable is back.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_forgetful(address: &str) -> io::Result<Self> {
        let line = Self::open(address)?;
        line.stream.set_nodelay(true)?;
        sockopt::set_socket_linger(&line.stream, Some(Duration::ZERO))?;
        sockopt::set_tcp_user_timeout(&line.stream, u32::try_from(UNDELIVERED.as_millis()).unwrap_or(u32::MAX))?;
        sockopt::set_socket_keepalive(&line.stream, true)?;
        sockopt::set_tcp_keepidle(&line.stream, QUIET)?;
        sockopt::set_tcp_keepintvl(&line.stream, QUIET_AGAIN)?;
        Ok(line)
    }
}

impl Line for TcpLine {
    fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        match self.stream.read(buffer) {
            Ok(0) => Err(ErrorKind::BrokenPipe.into()),
            other => or_silence(other),
        }
    }

    fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        or_silence(self.stream.write(&bytes[..bytes.len().min(WRITE_PIECE_BYTES)]))
    }

    fn check(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        match seen {
            Ok(0) => Err(ErrorKind::BrokenPipe.into()),
            other => or_silence(other).map(drop),
        }
    }

    /// Nothing worth counting.
    fn time_on_wire(&self, _bytes: usize) -> Duration {
        Duration::ZERO
    }
}

/// Unlike on other lines `TimedOut` is not ours: the system has given the connection up.
fn or_silence(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
        other => other,
    }
}
