//! The far end of a serial line: a pty whose near end the kiosk opens through a stable symlink, as it would open
//! `/dev/serial/by-id/…`. Unplugging drops the pty (the kiosk sees a hang-up); plugging in makes a new one.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Pty {
    master: File,
    /// Held open so that the line does not hang up while the kiosk closes and reopens it.
    _near: File,
    link: PathBuf,
}

impl Pty {
    /// A new pty in raw mode, reachable through the symlink `link` (replaced if it exists).
    ///
    /// # Errors
    /// No pty to be had, or the link cannot be made.
    pub fn open(link: &Path) -> io::Result<Self> {
        // Not for the kiosk's child process: with a copy of this end there it would never see a hang-up.
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let near_path = PathBuf::from(name.to_string_lossy().into_owned());
        let near = File::options().read(true).write(true).open(&near_path)?;
        let mut mode = rustix::termios::tcgetattr(&near)?;
        mode.make_raw();
        rustix::termios::tcsetattr(&near, rustix::termios::OptionalActions::Now, &mode)?;
        fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&near_path, link)?;
        Ok(Self { master: File::from(master), _near: near, link: link.to_owned() })
    }

    /// What the kiosk sent, waiting at most `timeout`; `Ok(0)` is silence.
    ///
    /// # Errors
    /// The pty is gone.
    pub fn read_some(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        let wait = rustix::event::Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(60),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut ready, Some(&wait))? == 0 {
            return Ok(0);
        }
        match self.master.read(buffer) {
            Ok(count) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Sends to the kiosk; bytes that nobody reads are dropped once the line's buffer is full, as on a real wire.
    ///
    /// # Errors
    /// The pty is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.master.write_all(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.link);
    }
}
