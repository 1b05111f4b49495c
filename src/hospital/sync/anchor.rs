//! Leaves the head of the trail outside this machine, where nobody who holds the store's key can change it: at the hospital's
//! server where that takes it, and in the log. Every ten minutes in which something was written, at the day's end, and soon
//! after a start. It is no part of the queue: nothing of a patient waits for it, and only the newest head counts.

use super::{Link, on_pool};
use crate::domain::trail::TrailHead;
use crate::ports::{Anchors, Clock, NoAnchor, StoreError, Trail};
use chrono::NaiveDate;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const LOOK_EVERY: Duration = Duration::from_secs(15);
const ANCHOR_EVERY: Duration = Duration::from_mins(10);
/// A server that will not have it is asked again after this.
const REFUSED: Duration = Duration::from_hours(1);

/// What the hospital remembers of the trail, beside what this machine has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    NotYet,
    Sound,
    /// It is told nothing new: a search asks for the newest heads, and what tells of the change must stay among them.
    Unsound,
}

/// Whether the hospital has the newest head.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    There,
    /// There is none, or the server has not said that it takes such. Nothing was asked of it.
    NotYet,
    Refused,
}

impl Left {
    const fn look_again_after(self) -> Duration {
        match self {
            Self::There => ANCHOR_EVERY,
            Self::NotYet => Duration::ZERO,
            Self::Refused => REFUSED,
        }
    }
}

pub struct Anchorer<'a> {
    pub(super) trail: &'a Arc<dyn Trail>,
    pub(super) server: &'a dyn Anchors,
    pub(super) clock: &'a dyn Clock,
    pub(super) link: &'a Link,
}

impl Anchorer<'_> {
    pub(super) async fn run(&self) {
        let mut due = Instant::now();
        let mut day: Option<NaiveDate> = None;
        let mut compared = Compared::NotYet;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let today = self.clock.now().wall.date_naive();
            if day.replace(today) != Some(today) {
                self.tell().await;
                due = Instant::now();
            }
            if Instant::now() < due || self.link.is_away() {
                continue;
            }
            // Before it is told anything new. Only a server that took one is asked what it has.
            if compared == Compared::NotYet && self.read(Trail::last_anchor).await.flatten().is_some() {
                compared = self.compare().await;
            }
            let left = if compared == Compared::Unsound { Left::Refused } else { self.leave().await };
            if compared == Compared::NotYet && left == Left::There {
                compared = self.compare().await;
            }
            due = Instant::now() + left.look_again_after();
        }
    }

    /// The system's journal is outside the store as well.
    async fn tell(&self) {
        if let Some(head) = self.read(Trail::trail_head).await.filter(|head| head.sequence > 0) {
            tracing::info!(%head, "the trail's head; `kiosk audit verify --since` compares with it");
        }
    }

    async fn leave(&self) -> Left {
        let head = self.read(Trail::trail_head).await.filter(|head| head.sequence > 0);
        let Some(head) = head else { return Left::NotYet };
        let left = self.read(Trail::last_anchor).await.flatten();
        if left.is_some_and(|left| left.head == head) {
            return Left::There;
        }
        let at = self.clock.now().wall;
        match self.server.leave_head(&head, at).await {
            Ok(()) => {
                let kept: TrailHead = head.clone();
                if let Err(error) = on_pool(self.trail, move |trail| trail.anchored(&kept, at)).await {
                    tracing::warn!(%error, "that the hospital has the trail's head could not be written down");
                }
                tracing::debug!(%head, "the hospital has the trail's head");
                Left::There
            }
            // Perhaps only not yet: it has not told what it takes.
            Err(NoAnchor::NotTaken) => Left::NotYet,
            Err(NoAnchor::Later(reason)) => {
                tracing::warn!(reason, "the hospital did not take the trail's head");
                Left::Refused
            }
        }
    }

    /// Once after a start: an earlier state of the store may have been put back while the kiosk was off.
    async fn compare(&self) -> Compared {
        let Ok(heads) = self.server.heads_left().await else { return Compared::NotYet };
        match on_pool(self.trail, move |trail| trail.check_trail(&heads)).await {
            Ok(check) if !check.is_sound() => {
                tracing::error!(
                    "the trail is not what it was: `kiosk audit verify` says what; an earlier state of the store may have been put back"
                );
                return Compared::Unsound;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the trail could not be checked"),
        }
        Compared::Sound
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&(dyn Trail + 'static)) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        on_pool(self.trail, read).await.ok()
    }
}
