//! What reaches the sender from outside, and what it tells of itself.

use crate::ports::Outbox;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;

const NOT_HELD: i64 = i64::MIN;

/// One a sender.
pub struct Signals {
    queued: Notify,
    now: Notify,
    /// In seconds since 1970.
    held_until_s: AtomicI64,
}

impl Default for Signals {
    fn default() -> Self {
        Self { queued: Notify::new(), now: Notify::new(), held_until_s: AtomicI64::new(NOT_HELD) }
    }
}

impl Outbox for Signals {
    fn queued(&self) {
        self.queued.notify_one();
    }

    fn try_now(&self) {
        self.now.notify_one();
    }

    fn held_until(&self) -> Option<DateTime<Utc>> {
        let until_s = Some(self.held_until_s.load(Ordering::Relaxed)).filter(|until| *until != NOT_HELD)?;
        DateTime::from_timestamp(until_s, 0)
    }
}

impl Signals {
    /// Until something was queued.
    pub(super) async fn something_new(&self) {
        self.queued.notified().await;
    }

    /// Until staff want it tried; also where they said so while a try was under way.
    pub(super) async fn staff_want_it(&self) {
        self.now.notified().await;
    }

    /// Nothing is tried for so long, by the machine's own clock, although something waits; `None`: nothing holds it.
    pub(super) fn hold(&self, ms: Option<u64>) {
        let wait = ms.map(|ms| TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX / 1_000_000)));
        let until = wait.and_then(|wait| Utc::now().checked_add_signed(wait));
        self.held_until_s.store(until.map_or(NOT_HELD, |until| until.timestamp()), Ordering::Relaxed);
    }
}
