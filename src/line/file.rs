//! A device's own file, as `/dev/usb/lp0`: opened non-blocking, for its driver blocks for ever when the paper is out.

use super::{Line, WRITE_PIECE_BYTES, or_silence};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

/// A plain file is always "ready" and always at its end.
const END_OF_FILE_PAUSE: Duration = Duration::from_millis(10);

pub(super) struct FileLine {
    file: File,
}

impl FileLine {
    /// `file` was opened non-blocking.
    pub(super) const fn new(file: File) -> Self {
        Self { file }
    }
}

impl Line for FileLine {
    fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        wait_for(&self.file, PollFlags::IN, timeout)?;
        let count = or_silence(self.file.read(buffer))?;
        if count == 0 {
            std::thread::sleep(timeout.min(END_OF_FILE_PAUSE));
        }
        Ok(count)
    }

    fn write_some(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        wait_for(&self.file, PollFlags::OUT, timeout)?;
        or_silence(self.file.write(&bytes[..bytes.len().min(WRITE_PIECE_BYTES)]))
    }

    /// Nobody can tell before it is used.
    fn check(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing worth counting.
    fn time_on_wire(&self, _bytes: usize) -> Duration {
        Duration::ZERO
    }
}

fn wait_for(file: &File, what: PollFlags, timeout: Duration) -> io::Result<()> {
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(60);
    let wait = Timespec { tv_sec: seconds, tv_nsec: timeout.subsec_nanos().into() };
    poll(&mut [PollFd::new(file, what)], Some(&wait))?;
    Ok(())
}
