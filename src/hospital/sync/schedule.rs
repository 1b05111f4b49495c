//! Today's schedule, read again and again so that check-in works when the line does not; gone at midnight.

use super::{Link, SyncSettings, with_store};
use crate::ports::{Clock, HospitalServer, Store};
use chrono::NaiveDate;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often midnight is looked for, and how soon a failed refresh is tried again.
const TICK: Duration = Duration::from_secs(30);

pub struct Refresher<'a> {
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) server: &'a dyn HospitalServer,
    pub(super) settings: SyncSettings,
    pub(super) clock: &'a dyn Clock,
    pub(super) link: &'a Link,
}

impl Refresher<'_> {
    pub(super) async fn run(&self) {
        let every = Duration::from_secs(self.settings.schedule_refresh_s.max(1));
        let mut kept: Option<NaiveDate> = None;
        let mut due = Instant::now();
        loop {
            let day = self.clock.now().wall.date_naive();
            if kept != Some(day) {
                self.wipe_except(day).await;
                kept = Some(day);
                due = Instant::now();
            }
            if Instant::now() >= due {
                due = Instant::now() + if self.refresh(day).await { every } else { every.min(TICK) };
            }
            tokio::time::sleep_until(due.min(Instant::now() + TICK)).await;
        }
    }

    async fn refresh(&self, day: NaiveDate) -> bool {
        match self.server.schedule(day).await {
            Ok(rows) => {
                self.link.seen(true);
                tracing::info!(appointments = rows.len(), "today's schedule was read");
                if let Err(error) = with_store(self.store, move |store| store.cache_schedule(day, &rows)).await {
                    tracing::warn!(%error, "today's schedule could not be kept");
                }
                true
            }
            Err(reason) => {
                self.link.seen(false);
                tracing::info!(reason, "today's schedule could not be read");
                false
            }
        }
    }

    async fn wipe_except(&self, day: NaiveDate) {
        if let Err(error) = with_store(self.store, move |store| store.wipe_schedule_except(day)).await {
            tracing::warn!(%error, "yesterday's schedule could not be wiped");
        }
    }
}
