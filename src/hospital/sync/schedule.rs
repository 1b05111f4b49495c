//! Today's schedule, pulled at opening and every few minutes, so that check-in works when the line does not; gone at
//! midnight. Mostly only what changed is pulled; the whole day at its beginning and every few hours, because what was
//! deleted at the hospital is in no list of changes.

use super::super::unhurried::unhurried;
use super::{Link, SyncSettings, on_pool, random_below};
use crate::domain::clock::Standing;
use crate::ports::{KioskClock, NoSchedule, ScheduleCache, ScheduleNews, Schedules, StoreError};
use chrono::{NaiveDate, TimeDelta};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often midnight is looked for, and how soon at least a failed refresh is tried again.
const TICK: Duration = Duration::from_secs(30);
const WHOLE_EVERY: TimeDelta = TimeDelta::hours(4);

pub struct Refresher<'a> {
    pub(super) cache: &'a Arc<dyn ScheduleCache>,
    pub(super) server: &'a dyn Schedules,
    pub(super) settings: SyncSettings,
    pub(super) clock: &'a dyn KioskClock,
    pub(super) link: &'a Link,
}

impl Refresher<'_> {
    pub(super) async fn run(&self) {
        let every = Duration::from_secs(self.settings.schedule_refresh_s.max(1));
        // A fleet looks for its server at different times, or all of it would come in the minute of its return.
        let spread = every.min(Duration::from_millis(self.settings.network_return_wait_ms));
        let mut kept: Option<NaiveDate> = None;
        let mut due = Instant::now();
        loop {
            // Which day it is comes first.
            if Instant::now() >= due || (self.clock.wants_answer() && !self.link.is_away()) {
                self.server.tell_time().await;
            }
            let day = self.clock.now().wall.date_naive();
            if kept != Some(day) {
                self.wipe_except(day).await;
                // Midnight comes to all kiosks of a hospital at once: not all of them ask for the whole day at once.
                due = Instant::now() + if kept.is_some() { by_chance(every) } else { Duration::ZERO };
                kept = Some(day);
            }
            if matches!(self.clock.standing(), Standing::Disputed { .. }) {
                // No day is asked for that may be the wrong one.
                due = Instant::now() + TICK;
            }
            if Instant::now() >= due {
                // Never quite the same time, so that kiosks switched on together drift apart.
                let next = every.saturating_sub(by_chance(every / 10));
                due = Instant::now() + if self.refresh(day).await { next } else { every.min(TICK) + by_chance(spread) };
            }
            tokio::time::sleep_until(due.min(Instant::now() + TICK)).await;
        }
    }

    /// False if the server is away: then it is looked for again soon. What it refuses, it is not asked for more often.
    async fn refresh(&self, day: NaiveDate) -> bool {
        let mark = self.mark(day).await;
        match self.server.schedule_since(day, mark.as_deref()).await {
            Ok(news) => {
                let there = !news.cut_short.as_ref().is_some_and(NoSchedule::is_away);
                self.link.seen(there);
                tell(&news);
                if let Err(error) = self.keep(day, news).await {
                    tracing::warn!(%error, "today's schedule could not be kept");
                }
                there
            }
            Err(NoSchedule::Away(reason)) => {
                self.link.seen(false);
                tracing::info!(reason, "today's schedule could not be read");
                false
            }
            // This question fails alone; the patients' go on.
            Err(NoSchedule::Answered(reason)) => {
                self.link.seen(true);
                tracing::warn!(reason, "today's schedule could not be read; the hospital's server is there");
                true
            }
        }
    }

    /// From where to go on; `None` where the whole day is due.
    async fn mark(&self, day: NaiveDate) -> Option<String> {
        let mark = on_pool(self.cache, move |cache| cache.schedule_mark(day)).await.ok().flatten()?;
        let age = self.clock.now().wall - mark.whole_at;
        (age >= TimeDelta::zero() && age < WHOLE_EVERY).then_some(mark.mark)
    }

    async fn keep(&self, day: NaiveDate, news: ScheduleNews) -> Result<(), StoreError> {
        let at = self.clock.now().wall;
        let cache = Arc::clone(self.cache);
        let kept = unhurried(move || cache.update_schedule(day, &news, at)).await;
        kept.unwrap_or_else(|| Err(StoreError::Other("the thread that keeps the schedule ended early".to_owned())))
    }

    async fn wipe_except(&self, day: NaiveDate) {
        if let Err(error) = on_pool(self.cache, move |cache| cache.wipe_schedule_except(day)).await {
            tracing::warn!(%error, "yesterday's schedule could not be wiped");
        }
    }
}

fn tell(news: &ScheduleNews) {
    let (rows, gone, whole) = (news.rows.len(), news.gone.len(), news.whole);
    match &news.cut_short {
        None => tracing::info!(rows, gone, whole, "today's schedule was read"),
        Some(why) => tracing::warn!(rows, %why, "a part of today's schedule was read; it is kept for use offline"),
    }
    if news.unreadable > 0 {
        tracing::warn!(
            unreadable = news.unreadable,
            "today's schedule has what cannot be read; those patients go to the desk"
        );
    }
}

fn by_chance(longest: Duration) -> Duration {
    Duration::from_millis(random_below(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)))
}
