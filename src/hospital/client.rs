//! One try of one thing: a look-up, a quote, a delivery. Waiting and repeating belong to `sync`.

pub mod answer;
mod arrival;
pub mod body;
mod check;
mod day;
mod deliver;
mod door;
mod http;
pub mod links;
mod look_up;
pub mod outcome;
mod schedule;
mod search;
mod skew;
mod slips;
mod token;
mod trail;
mod trouble;

use super::wire::{self, Capabilities};
use crate::config;
use crate::domain::clock::Standing;
use crate::domain::outbox::{Act, Delivery, QueuedRequest, Request};
use crate::domain::question::{Question, Reply};
use crate::domain::reason::Delay;
use crate::domain::trail::{Anchor, TrailHead};
use crate::ports::{
    Anchors, Answer, Bundles, Deliveries, InForce, KioskClock, LookUps, NoAnchor, NoSchedule, ScheduleNews, Schedules,
    Software,
};
use chrono::{DateTime, FixedOffset, NaiveDate};
use http::Http;
pub use http::{Content, HttpAnswer, InPlace};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The hospital's FHIR server as one kiosk sees it.
pub struct Client {
    http: Http,
    settings: config::Hospital,
    facility: InForce,
    clock: Arc<dyn KioskClock>,
    known: Mutex<Known>,
}

/// What the server last said of itself.
#[derive(Default)]
struct Known {
    can: Capabilities,
    software: Option<Software>,
    /// It was seen to run a transaction as a batch: a Task found there proves nothing of what belongs to it.
    takes_apart: bool,
    /// More entries in one transaction it refused, and took fewer.
    entries_max: Option<usize>,
    /// Asked for `return=minimal` it answers with nothing.
    says_nothing: bool,
    read_at: Option<Instant>,
    /// It refuses `_elements`.
    refuses_elements: bool,
    /// How it takes the question for a day.
    way: schedule::Way,
    /// When the schedule was last read, in seconds since 1970.
    schedule_at_s: Option<i64>,
}

impl Known {
    fn is_due(&self, now: Instant) -> bool {
        self.read_at.is_none_or(|at| now.duration_since(at) >= CAPABILITIES_MAX_AGE)
    }
}

/// Requests in one transaction: `tests/hospital/rates.rs` measures what more of them would bring.
const TOGETHER_MAX: usize = 10;
/// As many as make a clock certain.
const CLOCK_ANSWERS: usize = 3;
/// A server's abilities change with its updates.
const CAPABILITIES_MAX_AGE: Duration = Duration::from_hours(24);

impl Client {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// A URL that is no `https://` (or loopback `http://`) URL, a certificate file that cannot be read; in words for
    /// a technician.
    pub fn new(
        settings: &config::Hospital,
        facility: impl Into<InForce>,
        clock: Arc<dyn KioskClock>,
    ) -> Result<Self, String> {
        Self::with_identity(settings, &config::Identity::default(), facility, clock)
    }

    /// [`Self::new`], for a hospital that asks who the kiosk is.
    ///
    /// # Errors
    /// As [`Self::new`]; also a client certificate that belongs to none of our keys.
    pub fn with_identity(
        settings: &config::Hospital,
        identity: &config::Identity,
        facility: impl Into<InForce>,
        clock: Arc<dyn KioskClock>,
    ) -> Result<Self, String> {
        let http = Http::new(&settings.url, settings.ca_file.as_deref(), identity)?;
        http.skew.tell(clock.clone());
        Ok(Self { http, settings: settings.clone(), facility: facility.into(), clock, known: Mutex::default() })
    }

    /// [`Self::new`] without a network, for a rehearsal.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn in_place(
        settings: &config::Hospital,
        facility: impl Into<InForce>,
        clock: Arc<dyn KioskClock>,
        answers: InPlace,
    ) -> Result<Self, String> {
        let http = Http::in_place(&settings.url, answers)?;
        Ok(Self { http, settings: settings.clone(), facility: facility.into(), clock, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What bundles are frozen for: the last statement read, else the cautious set.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.known().can
    }

    /// What the server last said it was; `None` before it said anything.
    #[must_use]
    pub fn software(&self) -> Option<Software> {
        self.known().software.clone()
    }

    /// Asks for nothing but the server's time, until the clock is certain of it or asking brings nothing.
    async fn ask_the_time(&self) {
        for _ in 0..CLOCK_ANSWERS {
            let heard_at_s = self.http.skew.heard_at_s();
            if !self.clock.wants_answer() || self.http.get("metadata", &[], self.look_up_timeout()).await.is_err() {
                return;
            }
            let disputed = matches!(self.clock.standing(), Standing::Disputed { .. });
            if disputed || (heard_at_s.is_some() && self.http.skew.seconds().is_none()) {
                return;
            }
        }
    }

    fn look_up_timeout(&self) -> Duration {
        Duration::from_millis(self.settings.look_up_timeout_ms)
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_millis(self.settings.send_timeout_ms)
    }

    /// Reads `/metadata` at start and once a day; trouble leaves things as they were, and the next refresh of the schedule
    /// tries again.
    async fn learn(&self) {
        if !self.known().is_due(Instant::now()) {
            return;
        }
        let answer = self.http.get("metadata", &[], self.send_timeout()).await;
        let statement = match search::resource(answer, "CapabilityStatement") {
            Ok(statement) => statement,
            Err(missing) => {
                tracing::info!(%missing, "the hospital server did not tell what it can do");
                return;
            }
        };
        let Some(can) = Capabilities::read(&statement) else {
            tracing::info!("the hospital server told what it can do, and it cannot be read");
            return;
        };
        tracing::info!(?can, "the hospital server told what it can do");
        {
            let mut known = self.known();
            (known.can, known.read_at) = (can, Some(Instant::now()));
            known.software = Some(wire::software(&statement));
            // Its updates may have mended these, too.
            (known.refuses_elements, known.way) = (false, schedule::Way::default());
        }
        if can.device {
            self.introduce().await;
        }
    }

    /// The kiosk as a `Device`, once. Requests name it by its serial number, so a refusal does no harm.
    async fn introduce(&self) {
        let device = wire::device_resource(&self.settings);
        let query = format!(
            "identifier={}",
            wire::encode(&format!("{}|{}", self.settings.device_system, self.settings.device_serial))
        );
        match self.http.create_once("Device", device.to_string().into_bytes(), &query, self.send_timeout()).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => {
                tracing::warn!(status = answer.status, "the hospital server does not take this kiosk as a Device");
            }
            Err(trouble) => tracing::warn!(%trouble, "the kiosk could not introduce itself"),
        }
    }

    async fn answer(&self, question: Question) -> Reply {
        match question {
            Question::FindPatient { number, birth_date, .. } => self.find_patient(&number, birth_date).await,
            Question::Appointments { patient } => self.appointments(&patient).await,
            Question::Slip { code } => self.slip(&code).await,
            Question::Quote { patient, item } => self.quote(&patient, &item).await,
        }
    }
}

impl LookUps for Client {
    fn ask(&self, question: Question) -> Answer<'_, Reply> {
        Box::pin(async move {
            let limit = match question {
                Question::Quote { .. } => Duration::from_millis(self.settings.quote_timeout_ms),
                Question::FindPatient { .. } | Question::Appointments { .. } | Question::Slip { .. } => {
                    self.look_up_timeout()
                }
            };
            tokio::time::timeout(limit, self.answer(question)).await.unwrap_or(Reply::Unreachable)
        })
    }
}

impl Bundles for Client {
    fn freeze(&self, request: &Request) -> Vec<u8> {
        let Some(bundle) = wire::frozen_bundle(request, &self.settings, &self.facility.now(), self.capabilities())
        else {
            return Vec::new();
        };
        serde_json::to_vec(&bundle).unwrap_or_else(|error| {
            tracing::error!(%error, request = %request.id, "a bundle could not be written");
            Vec::new()
        })
    }
}

impl Deliveries for Client {
    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery> {
        Box::pin(async move {
            let delivery = match &queued.request.act {
                Act::Arrival { appointment_ref, version_seen, ticket, insurance, see_desk } => {
                    let arrival = arrival::Arrival {
                        appointment_ref,
                        version_seen,
                        ticket,
                        insurance: *insurance,
                        see_desk: *see_desk,
                    };
                    self.deliver_arrival(&queued.request, &arrival).await
                }
                Act::Documents { .. } | Act::Cancellation { .. } => self.deliver_bundle(queued).await,
            };
            self.http.door.tried(&delivery);
            delivery
        })
    }

    fn together_max(&self) -> usize {
        if self.capabilities().conditional_create { TOGETHER_MAX } else { 1 }
    }

    fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        Self::fitting(self, queued)
    }

    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>> {
        Box::pin(async move {
            let deliveries = self.deliver_bundles(queued).await;
            if let Ok([first, ..]) = deliveries.as_deref() {
                self.http.door.tried(first);
            }
            deliveries
        })
    }
}

impl Schedules for Client {
    fn tell_time(&self) -> Answer<'_, ()> {
        Box::pin(self.ask_the_time())
    }

    fn schedule_since<'a>(
        &'a self,
        day: NaiveDate,
        mark: Option<&'a str>,
    ) -> Answer<'a, Result<ScheduleNews, NoSchedule>> {
        // The sender's own refresh is the one caller that is never cancelled and never twice at once: it learns too.
        Box::pin(async move { tokio::join!(self.schedule_news(day, mark), self.learn()).0 })
    }
}

impl Anchors for Client {
    fn leave_head<'a>(&'a self, head: &'a TrailHead, at: DateTime<FixedOffset>) -> Answer<'a, Result<(), NoAnchor>> {
        Box::pin(Self::leave_head(self, head, at))
    }

    fn heads_left(&self) -> Answer<'_, Result<Vec<Anchor>, String>> {
        Box::pin(Self::heads_left(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_are_read_at_start_and_every_day() {
        let now = Instant::now();
        let hours = |count| now + Duration::from_hours(count);
        assert!(Known::default().is_due(now), "at start, and after every try that failed");
        let known = Known { read_at: Some(now), ..Known::default() };
        assert_eq!([0, 1, 23, 24, 48].map(|count| known.is_due(hours(count))), [false, false, false, true, true]);
    }
}
