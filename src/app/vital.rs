//! A kiosk of which a part is dead must not look well: when such a part panics, or ends by itself, the process ends with it
//! and is started again, which the journal of payments is made for.
//!
//! What may fail alone: drawing a paper, answering a command or a monitor, one look-up, one reading of the schedule.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// The window's thread, and those that own a device. Of the threads that tasks share, the tasks are named by [`vital`].
pub const THREADS: &[&str] = &["main", "card-terminal", "printer", "scanner"];

static ARMED: AtomicBool = AtomicBool::new(false);

std::thread_local! {
    /// The vital task that this thread is working at.
    static PART: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// From now on the process ends with any of its vital parts. For a kiosk at work, not for a command or a test.
pub fn end_with_any_part() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        let thread = std::thread::current();
        let of_thread = || THREADS.iter().copied().find(|name| thread.name() == Some(name));
        if let Some(part) = PART.try_with(Cell::get).ok().flatten().or_else(of_thread) {
            end(part, "panicked");
        }
    }));
    ARMED.store(true, Ordering::SeqCst);
}

/// SIGABRT, at once: no destructor of a half broken process gets to run. The supervisor starts it again.
fn end(part: &str, how: &str) -> ! {
    tracing::error!(part, how, "a part that the kiosk cannot do without: the process ends, to be started again");
    super::log::finish();
    std::process::abort();
}

/// `work` as a task that the kiosk cannot do without.
pub async fn vital(part: &'static str, work: impl Future<Output = ()> + Send) {
    Named { part, work: Box::pin(work) }.await;
    if ARMED.load(Ordering::SeqCst) {
        end(part, "ended by itself");
    }
}

struct Named<'a> {
    part: &'static str,
    work: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl Future for Named<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let _at_work = AtWork { before: PART.replace(Some(self.part)) };
        self.work.as_mut().poll(context)
    }
}

struct AtWork {
    before: Option<&'static str>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        PART.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_is_named_while_it_is_worked_at_and_no_longer() {
        let named = || PART.get();
        vital("desk", async {
            assert_eq!(named(), Some("desk"));
            tokio::task::yield_now().await;
            vital("sender", async { assert_eq!(named(), Some("sender")) }).await;
            assert_eq!(named(), Some("desk"));
        })
        .await;
        assert_eq!(named(), None);
    }

    #[tokio::test]
    async fn a_panic_takes_the_name_away() {
        let broken = tokio::spawn(vital("desk", async { panic!("on purpose") }));
        assert!(broken.await.is_err_and(|error| error.is_panic()));
        assert_eq!(PART.get(), None);
    }
}
