//! Work that nobody at the kiosk waits for, out of the way of those who do: 15,000 appointments are half a second of
//! computing, and a kiosk with two cores draws its screen with one of them (`make bench` measures what a finger notices).
//! The store is held for a short part of it at a time (`store/schedule.rs`).

use rustix::process::{getpriority_process, setpriority_process};

/// Of Linux's 19: a tenth of a core while somebody touches the screen, all of it while nobody does.
const NICENESS: i32 = 10;

/// Does `work` on a thread of low priority and waits for what it finds; `None` if it panicked. The thread is its own,
/// because a thread without privileges never gets its priority back.
pub async fn unhurried<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let on_its_own = || {
        let thread = std::thread::Builder::new().name("kiosk-unhurried".to_owned()).spawn(|| {
            give_precedence();
            work()
        });
        thread.ok()?.join().ok()
    };
    // The pool's thread only waits: a stopped clock of the tests knows that something is still under way.
    tokio::task::spawn_blocking(on_its_own).await.ok().flatten()
}

/// On Linux the priority is the calling thread's own. Where it cannot be had, the work is done all the same.
fn give_precedence() {
    if getpriority_process(None).is_ok_and(|now| now < NICENESS) {
        let _ = setpriority_process(None, NICENESS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_work_is_out_of_the_way() {
        let before = getpriority_process(None).unwrap();
        assert_eq!(unhurried(|| getpriority_process(None).unwrap()).await, Some(before.max(NICENESS)));
        let of_the_pool = tokio::task::spawn_blocking(|| getpriority_process(None).unwrap()).await.unwrap();
        assert_eq!((getpriority_process(None).unwrap(), of_the_pool), (before, before));
    }

    #[tokio::test]
    async fn a_panic_is_no_answer() {
        assert_eq!(unhurried(|| -> u8 { panic!("on purpose") }).await, None);
    }
}
