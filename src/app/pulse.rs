//! Tells the supervisor (systemd, `Type=notify`) that the kiosk is ready, and then again and again that it is alive: only
//! when the desk has answered *and* the window has drawn a picture that was asked for. Without a supervisor it does nothing.

use super::event_loop::Inputs;
use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// Between two signs of life, where the supervisor's patience allows so long.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// One try at getting ready.
const FIRST_TRY: Duration = Duration::from_secs(2);

/// Asks a part for a sign of life and waits for it at most so long.
pub type Ask = Box<dyn Fn(Duration) -> bool + Send>;

/// Starts the thread `pulse`. `window` asks for a picture and tells whether it was drawn.
pub fn start(desk: Inputs, window: impl Fn(Duration) -> bool + Send + 'static) {
    of(vec![("desk", Box::new(move |within| desk.answers(within))), ("window", Box::new(window))]);
}

/// The same of a kiosk that has no desk: it cannot start, and shows that.
pub fn of_window(window: impl Fn(Duration) -> bool + Send + 'static) {
    of(vec![("window", Box::new(window))]);
}

fn of(parts: Vec<(&'static str, Ask)>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none_or(|socket| socket.is_empty()) {
        return;
    }
    let patience = sd_notify::watchdog_enabled();
    let tell = |state: NotifyState<'_>| {
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::error!(%error, "the supervisor cannot be told that this kiosk is alive");
        }
    };
    let thread =
        std::thread::Builder::new().name("pulse".to_owned()).spawn(move || beat(&parts, patience, &tell, &|| true));
    if let Err(error) = thread {
        tracing::error!(%error, "no thread to tell the supervisor with");
    }
}

/// `patience` is how long the supervisor waits for a sign of life before it ends the process; none: it only wants to be told
/// of the start. Goes on while `go_on` says so.
fn beat(
    parts: &[(&'static str, Ask)],
    patience: Option<Duration>,
    tell: &dyn Fn(NotifyState<'_>),
    go_on: &dyn Fn() -> bool,
) {
    while go_on() && !all_answer(parts, FIRST_TRY) {}
    if !go_on() {
        return;
    }
    tell(NotifyState::Ready);
    let Some(patience) = patience else { return };
    // A pause, each part's answer, and something to spare.
    let pause = (patience / 4).min(PAUSE_MAX);
    while go_on() {
        let begun = Instant::now();
        if all_answer(parts, pause) {
            tell(NotifyState::Watchdog);
        }
        std::thread::sleep(pause.saturating_sub(begun.elapsed()));
    }
}

fn all_answer(parts: &[(&'static str, Ask)], within: Duration) -> bool {
    parts.iter().all(|(part, ask)| {
        let answered = ask(within);
        if !answered {
            tracing::error!(part, within_ms = within.as_millis(), "no sign of life: the supervisor is not told of any");
        }
        answered
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::event_loop::{Message, channel};
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const PATIENCE: Duration = Duration::from_millis(8);

    /// What the supervisor is told in `rounds` looks at parts of which those named are alive.
    fn told(alive: &[&'static str], rounds: usize, patience: Option<Duration>) -> Vec<String> {
        let parts: Vec<(&'static str, Ask)> = ["desk", "window"]
            .into_iter()
            .map(|part| {
                let answers = alive.contains(&part);
                (part, Box::new(move |_| answers) as Ask)
            })
            .collect();
        let (heard, left) = (RefCell::new(Vec::new()), RefCell::new(rounds));
        let go_on = || {
            let mut left = left.borrow_mut();
            *left = left.saturating_sub(1);
            *left > 0
        };
        beat(&parts, patience, &|state| heard.borrow_mut().push(state.to_string()), &go_on);
        heard.into_inner()
    }

    #[test]
    fn it_is_told_only_while_the_desk_and_the_window_are_alive() {
        let all = told(&["desk", "window"], 6, Some(PATIENCE));
        assert_eq!(all[0].trim(), "READY=1");
        assert!(all.len() > 2 && all[1..].iter().all(|line| line.trim() == "WATCHDOG=1"), "{all:?}");
        for alive in [&["desk"][..], &["window"], &[]] {
            assert_eq!(told(alive, 6, Some(PATIENCE)), Vec::<String>::new(), "{alive:?}");
        }
    }

    #[test]
    fn a_supervisor_without_a_watchdog_hears_of_the_start_only() {
        assert_eq!(told(&["desk", "window"], 6, None).len(), 1);
    }

    /// Ready once, and then the window stops.
    #[test]
    fn a_part_that_stops_later_ends_the_signs_of_life() {
        let left = Arc::new(AtomicU32::new(3));
        let window: Ask =
            Box::new(move |_| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok());
        let parts: Vec<(&'static str, Ask)> = vec![("desk", Box::new(|_| true)), ("window", window)];
        let (heard, rounds) = (RefCell::new(Vec::new()), RefCell::new(20));
        let go_on = || {
            *rounds.borrow_mut() -= 1;
            *rounds.borrow() > 0
        };
        beat(&parts, Some(PATIENCE), &|state| heard.borrow_mut().push(state.to_string()), &go_on);
        assert_eq!(heard.into_inner().len(), 3, "READY and two signs of life");
    }

    #[tokio::test]
    async fn a_desk_that_reads_nothing_does_not_answer() {
        let (desk, mut inputs) = channel();
        let asked = desk.clone();
        let answer = tokio::task::spawn_blocking(move || asked.answers(Duration::from_mins(1)));
        match inputs.next().await {
            Some(Message::Pulse { seen }) => seen.send(()).expect("somebody waits"),
            _ => panic!("something else came"),
        }
        assert!(answer.await.expect("no panic"));
        assert!(!desk.answers(Duration::from_millis(1)), "it was not read");
        drop(inputs);
        assert!(!desk.answers(Duration::from_mins(1)), "it is gone");
    }
}
