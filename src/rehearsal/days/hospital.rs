//! The hospital's server as a plain value: what it stored, by identifier, and how it behaves today. The kiosk's own client
//! asks it, without a network between them: what it sends, in which parts, and what the answers mean is the product's code.

mod kept;

use super::chance::Chance;
use super::facility;
use super::faults::{Allowed, Fault, Fired};
use super::power::Power;
use crate::config;
use crate::domain::facility::Facility;
use crate::domain::moment::{Moment, Tick};
use crate::domain::money::Amount;
use crate::domain::outbox::{Delivery, QueuedRequest, Request};
use crate::domain::patient::Appointment;
use crate::domain::question::{Question, Reply};
use crate::domain::reason::{Delay, LineTrouble, ParkReason};
use crate::hospital::client::answer::{self, Verdict};
use crate::hospital::client::{Client, Content, HttpAnswer, InPlace};
use crate::hospital::wire::{self, Capabilities};
use crate::ports::{Answer, Believed, Bundles, Clock, Deliveries};
use chrono::{DateTime, Utc};
use kept::{Kept, searchset};
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
    books: Arc<Mutex<Books>>,
    /// Forgets with each restart what it learnt of the server.
    client: Mutex<Arc<Client>>,
}

struct Books {
    kept: Kept,
    /// The frozen entries of every request that was tried.
    orders: BTreeMap<Uuid, Vec<Value>>,
    mood: Option<Fault>,
    small: Option<Small>,
    /// What was taken in but is processed only now and then.
    late: Vec<(u64, Vec<Value>)>,
    now_ms: u64,
    /// How long the last delivery took.
    took_ms: u64,
    chance: Chance,
    fired: Fired,
    request_system: String,
    send_timeout_ms: u64,
}

/// A server that takes few entries in one transaction, all day.
#[derive(Debug, Clone, Copy)]
struct Small {
    entries_max: usize,
    says: TooMany,
    /// It tells where it keeps what it took.
    tells_addresses: bool,
}

/// How it refuses more.
#[derive(Debug, Clone, Copy)]
enum TooMany {
    HowMany,
    TooCostly,
    WithoutReason,
    Stumbles,
    /// By the status alone, as a gateway does.
    ByStatus,
    Page,
}

const WITH_EVERYTHING: Capabilities = Capabilities {
    audit_event: false,
    audit_event_put: false,
    charge_item: true,
    invoice: true,
    payment_notice: true,
    device: false,
    json_patch: true,
    conditional_create: true,
};

struct Unasked;

impl Clock for Unasked {
    fn now(&self) -> Moment {
        Moment { tick: Tick(0), wall: DateTime::<Utc>::UNIX_EPOCH.fixed_offset(), fresh: Uuid::nil() }
    }
}

impl Hospital {
    /// # Errors
    /// There is no client.
    pub fn new(facility: Arc<Facility>, power: Power, chance: Chance) -> Result<Self, String> {
        let settings = facility::hospital();
        let books = Arc::new(Mutex::new(Books {
            kept: Kept::default(),
            orders: BTreeMap::new(),
            mood: None,
            small: None,
            late: Vec::new(),
            now_ms: 0,
            took_ms: 0,
            chance,
            fired: Fired::default(),
            request_system: settings.request_system.clone(),
            send_timeout_ms: settings.send_timeout_ms,
        }));
        let client = Mutex::new(Arc::new(client(&settings, &facility, &books)?));
        Ok(Self { settings, facility, power, books, client })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    fn client(&self) -> Arc<Client> {
        Arc::clone(&lock(&self.client))
    }

    /// The kiosk was built anew.
    ///
    /// # Errors
    /// There is no client.
    pub fn forgotten(&self) -> Result<(), String> {
        *lock(&self.client) = Arc::new(client(&self.settings, &self.facility, &self.books)?);
        Ok(())
    }

    pub fn set_mood(&self, mood: Option<Fault>) {
        self.books().mood = mood;
    }

    /// What it is like all day, by dice of their own: a day on which it takes everything is what it was without them.
    pub fn take_on(&self, seed: u64, allowed: &Allowed) {
        let mut chance = Chance::new(seed ^ 0x736d_616c_6c65_7221);
        let is_small = chance.percent(40);
        let entries_max = usize::try_from(chance.between(1, 6)).unwrap_or(1);
        let ways = [
            TooMany::HowMany,
            TooMany::TooCostly,
            TooMany::WithoutReason,
            TooMany::Stumbles,
            TooMany::ByStatus,
            TooMany::Page,
        ];
        let says = chance.pick(&ways).unwrap_or(TooMany::HowMany);
        let small = Small { entries_max, says, tells_addresses: chance.percent(70) };
        self.books().small = (is_small && allowed.has(Fault::SmallServer)).then_some(small);
    }

    pub fn set_time(&self, now_ms: u64) {
        let mut books = self.books();
        books.now_ms = now_ms;
        let (due, later): (Vec<_>, Vec<_>) = books.late.drain(..).partition(|(at, _)| *at <= now_ms);
        books.late = later;
        for (_, entries) in due {
            books.take(&entries);
        }
    }

    #[must_use]
    pub fn took_ms(&self) -> u64 {
        self.books().took_ms
    }

    /// The requests whose Task is here.
    #[must_use]
    pub fn stored(&self) -> BTreeMap<Uuid, Stored> {
        let books = self.books();
        books.orders.keys().filter_map(|id| Some((*id, books.stored(*id)?))).collect()
    }

    /// What is wrong with what arrived of each request that was tried; under `None` what belongs to none of them.
    #[must_use]
    pub fn faults(&self) -> Vec<(Option<Uuid>, Option<String>)> {
        let books = self.books();
        let each = books.orders.iter().map(|(id, entries)| (Some(*id), books.kept.fault_in(entries)));
        let stranger = books.kept.stranger(books.orders.values()).map(|what| format!("nobody ordered {what}"));
        each.chain([(None, stranger)]).collect()
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

    fn begins(&self, queued: &[QueuedRequest]) {
        let mut books = self.books();
        books.took_ms = books.chance.between(20, 600);
        for queued in queued.iter().filter(|queued| !queued.bundle.is_empty()) {
            books.orders.insert(queued.request.id, entries_of(&queued.bundle));
        }
    }

    async fn try_once(&self, queued: &QueuedRequest) -> Delivery {
        self.begins(std::slice::from_ref(queued));
        if queued.bundle.is_empty() {
            return self.books().arrival(queued);
        }
        self.client().deliver(queued).await
    }

    async fn try_together(&self, queued: &[QueuedRequest]) -> Result<Vec<Delivery>, Delay> {
        self.begins(queued);
        self.client().deliver_together(queued).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn client(settings: &config::Hospital, facility: &Arc<Facility>, books: &Arc<Mutex<Books>>) -> Result<Client, String> {
    let books = Arc::clone(books);
    let in_place: InPlace = Arc::new(move |method, url, body| lock(&books).asked(method, url, body));
    Client::in_place(settings, Arc::clone(facility), Arc::new(Believed(Unasked)), in_place)
}

impl Books {
    /// One request of the kiosk's client.
    fn asked(&mut self, method: &str, url: &reqwest::Url, body: &[u8]) -> Result<HttpAnswer, LineTrouble> {
        if method == "POST" {
            return self.transaction(entries_of(body));
        }
        if let Some(fault @ (Fault::HospitalDown | Fault::HospitalFails | Fault::AnswerLost)) = self.mood {
            self.fired.note(fault);
            return Err(LineTrouble::NoAnswer);
        }
        let asked = url.query_pairs().find(|(name, _)| name == "identifier").map(|(_, token)| token.into_owned());
        let id = asked.as_deref().and_then(|token| token.split_once('|')).map_or("", |(_, id)| id);
        Ok(http(200, None, Some(searchset(self.kept.find(id)))))
    }

    /// All of it or nothing, and nothing of what is too much at once.
    fn take(&mut self, entries: &[Value]) -> HttpAnswer {
        if let Some(small) = self.small.filter(|small| entries.len() > small.entries_max) {
            self.fired.note(Fault::SmallServer);
            return small.refuses(entries.len());
        }
        let addresses = self.kept.transaction(entries);
        let tells = self.small.is_none_or(|small| small.tells_addresses);
        all_done(addresses.iter().map(|address| tells.then_some(address.as_str())))
    }

    fn transaction(&mut self, entries: Vec<Value>) -> Result<HttpAnswer, LineTrouble> {
        if let Some(fault) = self.mood {
            self.fired.note(fault);
        }
        match self.mood {
            Some(Fault::HospitalDown) => Err(LineTrouble::NotSent),
            Some(Fault::AnswerLost) => {
                self.take(&entries);
                self.took_ms = self.send_timeout_ms;
                Err(if self.chance.percent(50) { LineTrouble::NoAnswer } else { LineTrouble::TimedOut })
            }
            Some(Fault::HospitalSlow) => {
                let took_ms = self.chance.between(2_000, self.send_timeout_ms * 2);
                if took_ms >= self.send_timeout_ms {
                    self.took_ms = self.send_timeout_ms;
                    self.late.push((self.now_ms + took_ms, entries));
                    return Err(LineTrouble::TimedOut);
                }
                self.took_ms = took_ms;
                Ok(self.take(&entries))
            }
            Some(Fault::HospitalFails) => {
                if self.chance.percent(50) {
                    self.take(&entries);
                }
                let status = self.chance.pick(&[500, 502, 503, 504]).unwrap_or(500);
                Ok(http(status, None, None))
            }
            Some(Fault::HospitalBusy) => {
                let after_s = self.chance.percent(70).then(|| self.chance.between(1, 20));
                Ok(http(429, after_s, None))
            }
            Some(Fault::PartRefused) => {
                // A server that runs the transaction as a batch: our Task, the last entry, is not there.
                let last = "503 Service Unavailable";
                let statuses =
                    (1..=entries.len()).map(|at| (if at == entries.len() { last } else { "201 Created" }, None));
                Ok(http(200, None, Some(answers(statuses))))
            }
            _ => Ok(self.take(&entries)),
        }
    }

    /// A check-in has no bundle: that it came is all there is of it.
    fn arrival(&mut self, queued: &QueuedRequest) -> Delivery {
        let id = queued.request.id.to_string();
        if queued.maybe_delivered {
            match self.mood {
                Some(fault @ (Fault::HospitalDown | Fault::HospitalFails | Fault::AnswerLost)) => {
                    self.fired.note(fault);
                    let reason = Delay::Line(LineTrouble::NoAnswer);
                    return Delivery::Later { reason, after_s: None, maybe_delivered: true, away: true };
                }
                _ if self.kept.find(&id).is_some() => return Delivery::Done { note: None },
                _ => {}
            }
        }
        let entry = json!({"request": {"url": "Appointment"}, "resource": {"identifier": [{"value": id}]}});
        self.orders.insert(queued.request.id, vec![entry.clone()]);
        match self.transaction(vec![entry]) {
            Err(trouble) => answer::trouble(trouble),
            Ok(answer) => match answer::of_transaction(&answer, 1) {
                Verdict::Settled(delivery) => delivery,
                Verdict::Look => Delivery::Park { reason: ParkReason::FoundTwice },
            },
        }
    }

    /// `None` while its Task, which comes last, is not here.
    fn stored(&self, request: Uuid) -> Option<Stored> {
        let find = |name| self.kept.find(&wire::entry_id(request, name).to_string());
        let (task, notice) = (find("task")?, find("payment"));
        let system = format!("{}/approval", self.request_system);
        let approval_number = notice.and_then(|notice| wire::first_identifier(notice, &system)).map(str::to_owned);
        let amount = notice.and_then(|notice| notice["amount"]["value"].as_i64()).map(Amount);
        let is_abort = task["code"]["coding"][0]["code"] == "abort";
        let aborts = task["focus"]["identifier"]["value"].as_str().filter(|_| is_abort).map(str::to_owned);
        let times = self.kept.times(&wire::entry_id(request, "task").to_string());
        Some(Stored { approval_number, amount, aborts, times })
    }
}

impl Small {
    fn refuses(self, entries: usize) -> HttpAnswer {
        let most = self.entries_max;
        let outcome = |status, issue: Value| {
            http(status, None, Some(json!({"resourceType": "OperationOutcome", "issue": [issue]})))
        };
        match self.says {
            TooMany::HowMany => {
                outcome(422, json!({"diagnostics": format!("a transaction has at most {most} entries, not {entries}")}))
            }
            TooMany::TooCostly => outcome(400, json!({"severity": "error", "code": "too-costly"})),
            TooMany::WithoutReason => outcome(400, json!({"severity": "error", "code": "processing"})),
            TooMany::Stumbles => outcome(500, json!({"details": {"text": "too many entries in the transaction"}})),
            TooMany::ByStatus => HttpAnswer::bare(413),
            TooMany::Page => HttpAnswer { content: Content::Page, ..HttpAnswer::bare(413) },
        }
    }
}

fn http(status: u16, retry_after_s: Option<u64>, json: Option<Value>) -> HttpAnswer {
    HttpAnswer { retry_after_s, json, content: Content::Resource, ..HttpAnswer::bare(status) }
}

fn all_done<'a>(addresses: impl Iterator<Item = Option<&'a str>>) -> HttpAnswer {
    http(200, None, Some(answers(addresses.map(|address| ("201 Created", address)))))
}

fn answers<'a>(entries: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Value {
    let entry: Vec<Value> = entries
        .map(|(status, address)| match address {
            Some(address) => json!({"response": {"status": status, "location": format!("{address}/_history/1")}}),
            None => json!({"response": {"status": status}}),
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entry})
}

fn entries_of(bundle: &[u8]) -> Vec<Value> {
    let mut bundle: Value = serde_json::from_slice(bundle).unwrap_or(Value::Null);
    bundle["entry"].as_array_mut().map(std::mem::take).unwrap_or_default()
}

fn answer_to(question: &Question, today: impl Fn() -> Appointment) -> Reply {
    match question {
        Question::FindPatient { number, birth_date, .. } => {
            let known = (0..facility::PATIENTS).map(facility::patient);
            let mut found = known.filter(|patient| patient.number == *number && patient.birth_date == *birth_date);
            found.next().map_or(Reply::NotFound, |patient| Reply::Found(Box::new(patient)))
        }
        Question::Appointments { .. } => Reply::Appointments { offline: false, list: vec![today()], complete: true },
        Question::Slip { .. } => Reply::NotFound,
        Question::Quote { item, .. } => Reply::Quoted { code: item.code.clone(), pages: 6 },
    }
}

impl Bundles for Hospital {
    fn freeze(&self, request: &Request) -> Vec<u8> {
        let bundle = wire::frozen_bundle(request, &self.settings, &self.facility, WITH_EVERYTHING);
        bundle.and_then(|bundle| serde_json::to_vec(&bundle).ok()).unwrap_or_default()
    }
}

impl Deliveries for Hospital {
    fn deliver<'a>(&'a self, queued: &'a QueuedRequest) -> Answer<'a, Delivery> {
        Box::pin(async move {
            if !self.power.boundary("before delivery") {
                let reason = Delay::Line(LineTrouble::NotSent);
                return Delivery::Later { reason, after_s: None, maybe_delivered: false, away: true };
            }
            let delivery = self.try_once(queued).await;
            self.power.boundary("after delivery");
            delivery
        })
    }

    fn together_max(&self) -> usize {
        4
    }

    fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        Deliveries::fitting(&*self.client(), queued)
    }

    fn deliver_together<'a>(&'a self, queued: &'a [QueuedRequest]) -> Answer<'a, Result<Vec<Delivery>, Delay>> {
        Box::pin(async move {
            if !self.power.boundary("before delivery") {
                let reason = Delay::Line(LineTrouble::NotSent);
                let off = Delivery::Later { reason, after_s: None, maybe_delivered: false, away: true };
                return Ok(vec![off; queued.len()]);
            }
            let deliveries = self.try_together(queued).await;
            self.power.boundary("after delivery");
            deliveries
        })
    }
}
