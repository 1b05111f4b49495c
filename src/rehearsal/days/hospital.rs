//! The hospital's server as a plain value: what it stored, by identifier, and how it behaves today. What its answers
//! mean is judged by the kiosk's own code (`hospital/client/answer.rs`).

use super::chance::Chance;
use super::facility;
use super::faults::{Fault, Fired};
use super::power::Power;
use crate::config;
use crate::domain::facility::Facility;
use crate::domain::money::Amount;
use crate::domain::outbox::{Delivery, QueuedRequest, Request};
use crate::domain::patient::{Appointment, Patient};
use crate::domain::session::{Question, Reply};
use crate::hospital::client::answer::{self, Verdict};
use crate::hospital::client::{Content, HttpAnswer, Trouble};
use crate::hospital::wire::{self, Capabilities};
use crate::ports::{Answer, HospitalServer, NoSchedule};
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// What the server keeps of a request, read from the bundle it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub approval_number: Option<String>,
    pub amount: Option<Amount>,
    /// Identifier of the Task that this one asks to abort, as [`wire::entry_id`] makes it.
    pub aborts: Option<String>,
    /// How often it came.
    pub times: u32,
}

pub struct Hospital {
    settings: config::Hospital,
    facility: Arc<Facility>,
    power: Power,
    books: Mutex<Books>,
}

struct Books {
    stored: BTreeMap<Uuid, Stored>,
    mood: Option<Fault>,
    /// What was taken in but is processed only now and then: by (when, request).
    late: Vec<(u64, Uuid, Stored)>,
    now_ms: u64,
    /// How long the last delivery took.
    took_ms: u64,
    chance: Chance,
    fired: Fired,
}

const WITH_EVERYTHING: Capabilities = Capabilities {
    charge_item: true,
    invoice: true,
    payment_notice: true,
    device: false,
    json_patch: true,
    conditional_create: true,
};

impl Hospital {
    #[must_use]
    pub fn new(facility: Arc<Facility>, power: Power, chance: Chance) -> Self {
        let books = Books {
            stored: BTreeMap::new(),
            mood: None,
            late: Vec::new(),
            now_ms: 0,
            took_ms: 0,
            chance,
            fired: Fired::default(),
        };
        Self { settings: facility::hospital(), facility, power, books: Mutex::new(books) }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_mood(&self, mood: Option<Fault>) {
        self.books().mood = mood;
    }

    pub fn set_time(&self, now_ms: u64) {
        let mut books = self.books();
        books.now_ms = now_ms;
        let (due, later): (Vec<_>, Vec<_>) = books.late.drain(..).partition(|(at, _, _)| *at <= now_ms);
        books.late = later;
        for (_, id, stored) in due {
            books.store(id, stored);
        }
    }

    #[must_use]
    pub fn took_ms(&self) -> u64 {
        self.books().took_ms
    }

    #[must_use]
    pub fn stored(&self) -> BTreeMap<Uuid, Stored> {
        self.books().stored.clone()
    }

    pub fn take_fired(&self) -> Fired {
        std::mem::take(&mut self.books().fired)
    }

    /// The answer to a look-up and after how long it is there; `None`: there will be none, the cache is asked.
    pub fn look_up(&self, question: &Question, today: impl Fn() -> Appointment) -> (u64, Option<Reply>) {
        let mut books = self.books();
        match books.mood {
            Some(fault @ (Fault::HospitalDown | Fault::HospitalFails)) => {
                books.fired.note(fault);
                return (40, None);
            }
            Some(Fault::HospitalSlow) => {
                books.fired.note(Fault::HospitalSlow);
                let limit_ms = self.settings.look_up_timeout_ms;
                let took_ms = books.chance.between(1_000, limit_ms * 2);
                if took_ms >= limit_ms {
                    return (limit_ms, None);
                }
                return (took_ms, Some(answer_to(question, today)));
            }
            _ => {}
        }
        (books.chance.between(20, 400), Some(answer_to(question, today)))
    }

    fn try_once(&self, queued: &QueuedRequest) -> Delivery {
        let id = queued.request.id;
        let mut books = self.books();
        books.took_ms = books.chance.between(20, 600);
        if queued.maybe_delivered {
            // The look for our own Task (`hospital/client/deliver.rs`).
            match books.mood {
                Some(fault @ (Fault::HospitalDown | Fault::HospitalFails | Fault::AnswerLost)) => {
                    books.fired.note(fault);
                    let reason = "the look for it failed".to_owned();
                    return Delivery::Later { reason, after_s: None, maybe_delivered: true, away: true };
                }
                _ if books.stored.contains_key(&id) => return Delivery::Done { note: None },
                _ => {}
            }
        }
        let (entries, stored) = stored_of(&queued.bundle, &self.settings);
        books.transaction(vec![(id, stored)], entries, self.settings.send_timeout_ms)
    }

    /// In one transaction; `Err` if it is refused as a whole (`hospital/client/deliver.rs`).
    fn try_together(&self, queued: &[QueuedRequest]) -> Result<Vec<Delivery>, String> {
        let mut books = self.books();
        books.took_ms = books.chance.between(20, 600);
        let read = queued.iter().map(|queued| (queued.request.id, stored_of(&queued.bundle, &self.settings)));
        let (mut entries, mut all) = (0, Vec::new());
        for (id, (count, stored)) in read {
            entries += count;
            all.push((id, stored));
        }
        let delivery = books.transaction(all, entries, self.settings.send_timeout_ms);
        answer::of_several(Verdict::Settled(delivery), queued.len())
    }
}

impl Books {
    /// Conditional create: an identifier that is known changes nothing.
    fn store(&mut self, id: Uuid, stored: Stored) {
        let kept = self.stored.entry(id).or_insert(stored);
        kept.times += 1;
    }

    fn store_all(&mut self, all: Vec<(Uuid, Stored)>) {
        for (id, stored) in all {
            self.store(id, stored);
        }
    }

    /// All of it or nothing.
    fn transaction(&mut self, all: Vec<(Uuid, Stored)>, entries: usize, limit_ms: u64) -> Delivery {
        if let Some(fault) = self.mood {
            self.fired.note(fault);
        }
        match self.mood {
            Some(Fault::HospitalDown) => answer::trouble(Trouble::NotSent),
            Some(Fault::AnswerLost) => {
                self.store_all(all);
                self.took_ms = limit_ms;
                let trouble = if self.chance.percent(50) { Trouble::NoAnswer } else { Trouble::TimedOut };
                answer::trouble(trouble)
            }
            Some(Fault::HospitalSlow) => {
                let took_ms = self.chance.between(2_000, limit_ms * 2);
                if took_ms >= limit_ms {
                    self.took_ms = limit_ms;
                    let at = self.now_ms + took_ms;
                    self.late.extend(all.into_iter().map(|(id, stored)| (at, id, stored)));
                    return answer::trouble(Trouble::TimedOut);
                }
                self.took_ms = took_ms;
                self.store_all(all);
                judged(&all_done(entries), entries)
            }
            Some(Fault::HospitalFails) => {
                if self.chance.percent(50) {
                    self.store_all(all);
                }
                let status = self.chance.pick(&[500, 502, 503, 504]).unwrap_or(500);
                judged(&http(status, None, None), entries)
            }
            Some(Fault::HospitalBusy) => {
                let after_s = self.chance.percent(70).then(|| self.chance.between(1, 20));
                judged(&http(429, after_s, None), entries)
            }
            Some(Fault::PartRefused) => {
                // A server that runs the transaction as a batch: our Task, the last entry, is not there.
                judged(&http(200, None, Some(answers(entries, "503 Service Unavailable"))), entries)
            }
            _ => {
                self.store_all(all);
                judged(&all_done(entries), entries)
            }
        }
    }
}

fn judged(answer: &HttpAnswer, entries: usize) -> Delivery {
    match answer::of_transaction(answer, entries) {
        Verdict::Settled(delivery) => delivery,
        Verdict::Look => Delivery::Park { reason: "412".to_owned() },
    }
}

fn http(status: u16, retry_after_s: Option<u64>, json: Option<Value>) -> HttpAnswer {
    HttpAnswer { retry_after_s, json, content: Content::Resource, ..HttpAnswer::bare(status) }
}

fn all_done(entries: usize) -> HttpAnswer {
    http(200, None, Some(answers(entries, "201 Created")))
}

/// Every entry but the last was created; the last was answered `last`.
fn answers(entries: usize, last: &str) -> Value {
    let status = |at| if at + 1 == entries { last } else { "201 Created" };
    let entry: Vec<Value> = (0..entries).map(|at| json!({"response": {"status": status(at)}})).collect();
    json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entry})
}

/// How many entries a bundle has and what it says of money. Empty for an arrival, which has no bundle.
fn stored_of(bundle: &[u8], settings: &config::Hospital) -> (usize, Stored) {
    let bundle: Value = serde_json::from_slice(bundle).unwrap_or(Value::Null);
    let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
    let notice = entries.iter().map(|entry| &entry["resource"]).find(|of| of["resourceType"] == "PaymentNotice");
    let system = format!("{}/approval", settings.request_system);
    let approval_number = notice.and_then(|notice| {
        let numbers = notice["identifier"].as_array()?;
        numbers.iter().find(|number| number["system"] == *system)?["value"].as_str().map(str::to_owned)
    });
    let amount = notice.and_then(|notice| notice["amount"]["value"].as_i64()).map(Amount);
    let task = entries.iter().map(|entry| &entry["resource"]).find(|of| of["resourceType"] == "Task");
    let abort = task.filter(|task| task["code"]["coding"][0]["code"] == "abort");
    let aborts = abort.and_then(|task| task["focus"]["identifier"]["value"].as_str()).map(str::to_owned);
    (entries.len().max(1), Stored { approval_number, amount, aborts, times: 0 })
}

fn answer_to(question: &Question, today: impl Fn() -> Appointment) -> Reply {
    match question {
        Question::FindPatient { number, birth_date } => {
            let known = (0..facility::PATIENTS).map(facility::patient);
            let mut found = known.filter(|patient| patient.number == *number && patient.birth_date == *birth_date);
            found.next().map_or(Reply::NotFound, |patient| Reply::Found(Box::new(patient)))
        }
        Question::Appointments { .. } => Reply::Appointments { offline: false, list: vec![today()], complete: true },
        Question::Slip { .. } => Reply::NotFound,
        Question::Quote { item, .. } => Reply::Quoted { code: item.code.clone(), pages: 6 },
    }
}

impl HospitalServer for Hospital {
    fn ask(&self, _question: Question) -> Answer<'_, Reply> {
        // The rehearsed kiosk asks by `look_up`, which has time in it.
        Box::pin(std::future::ready(Reply::Unreachable))
    }

    fn freeze(&self, request: &Request) -> Vec<u8> {
        let bundle = wire::frozen_bundle(request, &self.settings, &self.facility, WITH_EVERYTHING);
        bundle.and_then(|bundle| serde_json::to_vec(&bundle).ok()).unwrap_or_default()
    }

    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery> {
        let delivery = if self.power.boundary("before delivery") {
            let delivery = self.try_once(queued);
            self.power.boundary("after delivery");
            delivery
        } else {
            Delivery::Later { reason: "the power is off".to_owned(), after_s: None, maybe_delivered: false, away: true }
        };
        Box::pin(std::future::ready(delivery))
    }

    fn together_max(&self) -> usize {
        4
    }

    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, String>> {
        let deliveries = if self.power.boundary("before delivery") {
            let deliveries = self.try_together(queued);
            self.power.boundary("after delivery");
            deliveries
        } else {
            let reason = "the power is off".to_owned();
            Ok(vec![Delivery::Later { reason, after_s: None, maybe_delivered: false, away: true }; queued.len()])
        };
        Box::pin(std::future::ready(deliveries))
    }

    fn schedule(&self, _day: NaiveDate) -> Answer<'_, Result<Vec<(Patient, Appointment)>, NoSchedule>> {
        Box::pin(std::future::ready(Err(NoSchedule::Answered("not rehearsed".to_owned()))))
    }
}
