//! A kiosk that cannot start: it shows patients that it is out of service, in all its languages in turn, and whoever presses
//! long why, for nobody's PIN can be looked at. It tries again by itself, and the supervisor is told that it is alive: a
//! process that ended instead would leave a black screen and a circle of starts.

use super::screens::{COMPLETE_LANGUAGES, KioskHandle, KioskWindow};
use super::{log, pulse};
use crate::config::Display;
use crate::domain::facility::Facility;
use crate::domain::language::Language;
use crate::domain::screen::staff::{StaffScreen, StaffTap, StaffTrouble, Trouble};
use crate::domain::screen::{Modes, Screen, Tap, View};
use std::cell::{OnceCell, RefCell};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two tries to start.
const PAUSE: Duration = Duration::from_secs(10);
/// Each language stands so long.
const LANGUAGE: Duration = Duration::from_secs(8);
/// Nobody has to close what staff have read.
const READ: Duration = Duration::from_mins(2);
/// A screen holds no more.
const LINES_MAX: usize = 6;
const LETTERS_MAX: usize = 480;

struct Shown {
    facility: Arc<Facility>,
    reason: String,
    turn: usize,
    /// Since when staff read why.
    staff: Option<Instant>,
}

impl Shown {
    fn languages(&self) -> &[Language] {
        if self.facility.languages.is_empty() { COMPLETE_LANGUAGES } else { &self.facility.languages }
    }

    /// False if nothing changes.
    fn tap(&mut self, tap: Tap) -> bool {
        if tap == Tap::Staff(StaffTap::Enter) {
            self.staff = Some(Instant::now());
        } else if matches!(tap, Tap::Back | Tap::Finish | Tap::StartOver) {
            self.staff = None;
        } else {
            return false;
        }
        true
    }

    fn turn(&mut self) {
        self.turn += 1;
        self.staff.take_if(|since| since.elapsed() > READ);
    }

    fn view(&self) -> View {
        let languages = self.languages();
        let screen = if self.staff.is_some() {
            let trouble = Trouble::CannotStart { reason: self.reason.clone() };
            let (can_accept, needs_technician, not_kept) = (false, false, false);
            Screen::Staff(Box::new(StaffScreen::Trouble(StaffTrouble {
                trouble,
                can_accept,
                needs_technician,
                not_kept,
            })))
        } else {
            Screen::OutOfService { desk: self.facility.desk_name(&self.facility.help_desk) }
        };
        let language = match self.staff {
            Some(_) => languages.first().copied(),
            None => languages.get(self.turn % languages.len().max(1)).copied(),
        };
        View {
            language: language.unwrap_or(self.facility.desk_language),
            modes: Modes::default(),
            step: None,
            start_over: false,
            screen,
        }
    }
}

/// Shows `reason` until `can_start`, and then begins anew as the same process. Comes back only with why that was not to be: no
/// display to show it on, or the window is gone.
pub fn until_it_can_start(
    display: &Display,
    facility: Facility,
    reason: &str,
    can_start: impl Fn() -> bool + Send + 'static,
) -> anyhow::Error {
    let shown = try_to_show(display, facility, reason, can_start);
    shown.err().unwrap_or_else(|| anyhow::anyhow!("the window is gone"))
}

fn try_to_show(
    display: &Display,
    facility: Facility,
    reason: &str,
    can_start: impl Fn() -> bool + Send + 'static,
) -> anyhow::Result<()> {
    let facility = Arc::new(facility);
    let shown = Shown { facility: facility.clone(), reason: short(reason), turn: 0, staff: None };
    let shown = Rc::new(RefCell::new(shown));
    let window: Rc<OnceCell<KioskHandle>> = Rc::default();
    let (tapped, tapped_in) = (shown.clone(), window.clone());
    let opened = KioskWindow::new(display, facility.clone(), move |tap| {
        if tapped.borrow_mut().tap(tap) {
            show(&tapped, &tapped_in);
        }
    })?;
    let _ = window.set(opened.handle());
    show(&shown, &window);
    let _turning = opened.every(LANGUAGE, move || {
        shown.borrow_mut().turn();
        show(&shown, &window);
    });
    let pulse = opened.handle();
    pulse::of_window(move |within| pulse.draws(within));
    std::thread::Builder::new().name("start".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(PAUSE);
            if can_start() {
                begin_anew();
            }
        }
    })?;
    Ok(opened.run()?)
}

fn show(shown: &RefCell<Shown>, window: &OnceCell<KioskHandle>) {
    let shown = shown.borrow();
    if let Some(window) = window.get() {
        window.show(shown.view(), shown.facility.zone.at(&chrono::Utc::now()));
    }
}

/// The same process, so that the supervisor sees no end.
fn begin_anew() {
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let mut again = Command::new("/proc/self/exe");
    again.args(arguments);
    if let Some(name) = name {
        again.arg0(name);
    }
    tracing::info!("what kept this kiosk from starting is over: it starts");
    log::finish();
    let error = again.exec();
    let _ =
        writeln!(std::io::stderr(), "it could not be started anew, and ends, to be started by the supervisor: {error}");
    std::process::exit(1);
}

/// What a screen can hold of it; all of it is in the log.
fn short(reason: &str) -> String {
    let lines: Vec<&str> = reason.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut text = lines.iter().take(LINES_MAX).copied().collect::<Vec<_>>().join("\n");
    let cut = text.chars().count() > LETTERS_MAX;
    if cut {
        text = text.chars().take(LETTERS_MAX).collect();
    }
    if cut || lines.len() > LINES_MAX {
        text.push_str(" …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_to_what_a_screen_holds() {
        assert_eq!(short("one\n\n two"), "one\n two");
        let many = short(&"line\n".repeat(40));
        assert!(many.lines().count() == LINES_MAX && many.ends_with('…'), "{many}");
        let long = short(&"ㅎ".repeat(2_000));
        assert_eq!(long.chars().count(), LETTERS_MAX + 2);
    }
}
