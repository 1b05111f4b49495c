//! A connection to a device on the network.

use super::{Line, WRITE_PIECE_BYTES, or_silence};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Of the addresses that a name has.
const ADDRESSES_TRIED: usize = 4;

pub(super) struct TcpLine {
    stream: TcpStream,
}

impl TcpLine {
    /// Connects to `address`, `host:port`.
    ///
    /// # Errors
    /// The system's reason: nothing answers or listens there, no such name.
    pub(super) fn open(address: &str) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in address.to_socket_addrs()?.take(ADDRESSES_TRIED) {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => return Ok(Self { stream }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Line for TcpLine {
    fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            other => or_silence(other),
        }
    }

    fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        or_silence(self.stream.write(&bytes[..bytes.len().min(WRITE_PIECE_BYTES)]))
    }

    /// Nothing worth counting.
    fn time_on_wire(&self, _bytes: usize) -> Duration {
        Duration::ZERO
    }
}
