//! The log: lines on the standard error, for the supervisor's journal. `RUST_LOG` says how much.
//!
//! A line that says the same again and again (a plug with a loose contact, a disk that is full) is written a few times a
//! minute and no more: what fills a disk or hides the other lines is no log.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Filter, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// The same line so often in a [`SPAN`].
const SAME_MAX: u32 = 10;
const SPAN: Duration = Duration::from_mins(1);
/// Different lines that are remembered in a span; those beyond are written.
const LINES_MAX: usize = 512;

/// Lines that wait for whoever reads the log; more are lost, and the kiosk goes on.
const WAITING_MAX: usize = 4_096;

/// Writes what waits when it is dropped.
static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// The log goes on as long as this is kept: dropped, it writes what waits.
pub struct Log(());

impl Drop for Log {
    fn drop(&mut self) {
        finish();
    }
}

/// Once a process.
#[must_use = "what was said last is written when it is dropped"]
pub fn to_stderr() -> Log {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let (out, writer) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_MAX)
        .thread_name("log")
        .finish(std::io::stderr());
    *WRITER.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    let repeats = Repeats { span: Mutex::default(), out: Some(out.clone()) };
    let lines = fmt::layer().with_writer(out).with_ansi(false).with_filter(repeats);
    tracing_subscriber::registry().with(level).with(lines).init();
    Log(())
}

/// Before the process ends without dropping its [`Log`]: what was said last says why. Waits a second at most.
pub fn finish() {
    drop(WRITER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Leaves out what was said too often. What differs in a word, as in the number of a request, is another line.
#[derive(Default)]
struct Repeats {
    span: Mutex<Span>,
    out: Option<NonBlocking>,
}

#[derive(Default)]
struct Span {
    began: Option<Instant>,
    said: BTreeMap<String, u32>,
}

impl Repeats {
    fn is_news(&self, line: &str, now: Instant) -> bool {
        let mut span = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        if span.began.is_none_or(|began| now.duration_since(began) >= SPAN) {
            *span = Span { began: Some(now), said: BTreeMap::new() };
        }
        if !span.said.contains_key(line) && span.said.len() >= LINES_MAX {
            return true;
        }
        let count = span.said.entry(line.to_owned()).or_default();
        *count = count.saturating_add(1);
        if *count == SAME_MAX {
            let told = format!("the next line was written {SAME_MAX} times; for a minute it is left out\n");
            let _ = self.out.clone().map(|mut out| out.write_all(told.as_bytes()));
        }
        *count <= SAME_MAX
    }
}

impl<S: Subscriber> Filter<S> for Repeats {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.is_news(&line.0, Instant::now())
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_is_written_a_few_times_a_minute() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let written = |line: &str, at: Instant| (0..1000).filter(|_| repeats.is_news(line, at)).count();
        assert_eq!(written("the printer's line is gone", start), 10);
        assert_eq!(written("the printer's line is gone", start + SPAN / 2), 0);
        assert_eq!(written("the printer's line is gone", start + SPAN), 10, "it still is");
    }

    #[test]
    fn lines_that_differ_are_all_written_and_few_are_remembered() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let line = |request: usize| format!("the hospital has the request id={request}");
        assert_eq!((0..100_000).filter(|request| repeats.is_news(&line(*request), start)).count(), 100_000);
        assert_eq!(repeats.span.lock().unwrap().said.len(), LINES_MAX);
    }
}
