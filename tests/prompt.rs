//! A PIN is asked for at a terminal without showing it, and whatever ends or stops the command there, the terminal shows again
//! what is typed into it next.

use crate::commands::Ended;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Terminal {
    hand: File,
    line: File,
}

impl Terminal {
    fn new() -> Self {
        let hand = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&hand).expect("granted");
        unlockpt(&hand).expect("unlocked");
        let name = ptsname(&hand, Vec::new()).expect("its name").into_string().expect("text");
        let line = File::options().read(true).write(true).open(name).expect("its line");
        Self { hand: hand.into(), line }
    }

    fn shows(&self) -> bool {
        tcgetattr(&self.line).expect("its mode").local_modes.contains(LocalModes::ECHO)
    }

    fn until_it_shows(&self, shows: bool, what: &str) {
        until(what, || self.shows() == shows);
    }

    /// The command, once it hides what is typed.
    fn asks(&self) -> Ended {
        assert!(self.shows(), "as it was");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk"));
        command
            .args(["--config", "/nowhere/kiosk.toml", "staff", "pin"])
            .stdin(self.line.try_clone().expect("its line"));
        let command = Ended(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kiosk starts"));
        self.until_it_shows(false, "the prompt");
        command
    }
}

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !there() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_terminal_shows_what_is_typed_again_whatever_ends_its_command() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let terminal = Terminal::new();
        let mut asks = terminal.asks();
        kill_process(Pid::from_child(&asks.0), signal).expect("sent");
        let status = asks.0.wait().expect("ended");
        assert!(terminal.shows(), "{signal:?}");
        assert!(status.code() == Some(128 + signal.as_raw()) || status.signal() == Some(signal.as_raw()), "{status}");
    }
    let mut terminal = Terminal::new();
    let mut asks = terminal.asks();
    terminal.hand.write_all(b"407\n").expect("typed");
    assert_eq!(asks.0.wait().expect("ended").code(), Some(1), "no PIN");
    assert!(terminal.shows());
}

#[test]
fn a_command_that_is_stopped_shows_and_one_that_goes_on_hides_again() {
    let mut terminal = Terminal::new();
    let mut asks = terminal.asks();
    let pid = Pid::from_child(&asks.0);
    kill_process(pid, Signal::TSTP).expect("sent");
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", asks.0.id())).expect("its state");
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    until("it stops", || state() == Some('T'));
    assert!(terminal.shows(), "somebody else types here now");
    kill_process(pid, Signal::CONT).expect("sent");
    terminal.until_it_shows(false, "it goes on");
    terminal.hand.write_all(b"40718293\n40718293\n").expect("typed");
    // The PIN is taken; then there is no configuration.
    assert_eq!(asks.0.wait().expect("ended").code(), Some(2));
    assert!(terminal.shows());
}
