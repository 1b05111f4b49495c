//! The same sender for a rehearsal: one step at a time, on made-up time, never waiting for anything.

use super::{DeliveredCallback, Link, Means, Memory, Next, OnlineCallback, Sender, Signals, SyncSettings};
use crate::ports::{Deliveries, KioskClock, Queue, Retention};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

/// What the sender remembers between its steps; a restart begins with a new one.
pub struct ByHand {
    memory: Memory,
    link: Link,
    wake: Signals,
    settings: SyncSettings,
    delivered: DeliveredCallback,
}

impl ByHand {
    #[must_use]
    pub fn new(settings: SyncSettings, online: OnlineCallback, delivered: DeliveredCallback) -> Self {
        let link = Link {
            online,
            is_online: AtomicBool::new(false),
            was_told: AtomicBool::new(false),
            is_back: AtomicBool::new(false),
            returned: Notify::new(),
        };
        Self { memory: Memory::default(), link, wake: Signals::default(), settings, delivered }
    }

    /// One request at most. `server` has to answer at once; `None` if it did not, and its try is then abandoned.
    pub fn step(
        &mut self,
        (queue, retention): (&Arc<dyn Queue>, &Arc<dyn Retention>),
        server: &dyn Deliveries,
        clock: &dyn KioskClock,
        means: Means<'_>,
    ) -> Option<Next> {
        let sender = Sender {
            means: Means { on_pool: false, ..means },
            queue,
            retention,
            server,
            settings: self.settings,
            wake: &self.wake,
            clock,
            link: &self.link,
            delivered: &self.delivered,
        };
        let step = pin!(sender.step(&mut self.memory));
        match step.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(next) => Some(next),
            Poll::Pending => None,
        }
    }

    /// The server is known to be away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.link.is_away()
    }
}
