//! A terminal that does not show what is typed. Whatever ends the program or stops it meanwhile, it shows again what is typed
//! into it then: a technician's shell that hides what they type looks broken.

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

/// A shell's word for a program that a signal ended.
const BY_SIGNAL: i32 = 128;

/// Shows again when it is dropped.
pub(super) struct Hidden(Arc<Line>);

struct Line {
    terminal: OwnedFd,
    /// How it was; `None` while it is so.
    shown: Mutex<Option<Termios>>,
}

impl Hidden {
    /// `None`: this is no terminal, or one that cannot hide anything.
    pub(super) fn on(input: impl AsFd) -> Option<Self> {
        if !isatty(&input) {
            return None;
        }
        let terminal = input.as_fd().try_clone_to_owned().ok()?;
        let line = Arc::new(Line { terminal, shown: Mutex::default() });
        let watched = line.clone();
        // Before anything is hidden. Without it nothing would be shown again after ^C: then it is not hidden either.
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || watch(&watched, &ready)).ok()?;
        is_ready.recv().ok()?;
        line.hide()?;
        Some(Self(line))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.show(OptionalActions::Now);
    }
}

impl Line {
    fn was(&self) -> MutexGuard<'_, Option<Termios>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hide(&self) -> Option<()> {
        let mut was = self.was();
        let shown = tcgetattr(&self.terminal).ok()?;
        let mut mode = shown.clone();
        mode.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&self.terminal, OptionalActions::Now, &mode).ok()?;
        *was = Some(shown);
        Some(())
    }

    /// True if it was hidden. A terminal that is gone needs no echo.
    fn show(&self, when: OptionalActions) -> bool {
        let was = self.was().take();
        if let Some(shown) = &was {
            let _ = tcsetattr(&self.terminal, when, shown);
        }
        was.is_some()
    }
}

/// The signals that end a program or stop it. They are taken until the process ends: what is taken once is never the
/// system's again.
fn listeners() -> io::Result<[Listener; 5]> {
    Ok([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
        signal(SignalKind::quit())?,
        signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?,
    ])
}

fn watch(line: &Line, ready: &std::sync::mpsc::Sender<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let Ok([mut interrupt, mut terminate, mut hangup, mut quit, mut stop]) = listeners() else { return };
        let _ = ready.send(());
        loop {
            let ends = tokio::select! {
                _ = interrupt.recv() => Some(Signal::INT),
                _ = terminate.recv() => Some(Signal::TERM),
                _ = hangup.recv() => Some(Signal::HUP),
                _ = quit.recv() => Some(Signal::QUIT),
                _ = stop.recv() => None,
            };
            // What was typed and not read must not become the shell's next line, to be shown there.
            let was_hidden = line.show(OptionalActions::Flush);
            if let Some(signal) = ends {
                std::process::exit(BY_SIGNAL + signal.as_raw());
            }
            // ^Z. This thread may run on for a moment, so what comes next waits until the program is told to go on.
            let Ok(mut go_on) = signal(SignalKind::from_raw(Signal::CONT.as_raw())) else { continue };
            if kill_process(getpid(), Signal::STOP).is_ok() {
                let _ = go_on.recv().await;
            }
            if was_hidden {
                let _ = line.hide();
            }
        }
    });
}
