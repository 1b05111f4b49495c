//! A running kiosk owns its store; commands ask it over a 0600 socket in the data folder, one JSON object each way.

use super::staff::Somebody;
use super::{Answer, Refusal, audit, payments, queue, schedule, staff, store as books, totals, usage};
use crate::domain::money::Currency;
use crate::domain::order::StaffOrder;
use crate::domain::person::{Role, StaffNumber};
use crate::domain::staff::Pin;
use crate::domain::terminal::UndoWay;
use crate::domain::trail::Anchor;
use crate::ports::{Outbox, StaffOrders, Store};
use chrono::{DateTime, FixedOffset, Local, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    QueueList {
        json: bool,
    },
    QueueSummary {
        json: bool,
    },
    QueueShow {
        id: Uuid,
        json: bool,
    },
    QueueRetry {
        id: Uuid,
        json: bool,
    },
    QueueClose {
        id: Uuid,
        evidence: String,
        json: bool,
    },
    ScheduleWipe {
        json: bool,
    },
    PaymentsList {
        json: bool,
    },
    PaymentsShow {
        id: String,
        json: bool,
    },
    /// From the shell of the user the kiosk runs as: who can read the data folder can set the PIN.
    StaffPin {
        whose: Option<Somebody>,
        #[serde(with = "pin_text")]
        pin: Pin,
    },
    StaffAdd {
        name: String,
        role: Role,
        number: Option<StaffNumber>,
        json: bool,
    },
    StaffRole {
        whose: Somebody,
        role: Role,
    },
    StaffRemove {
        whose: Somebody,
    },
    StaffReview {
        json: bool,
    },
    StaffList {
        json: bool,
    },
    /// A JSON object each, and not all of them at once: [`audit::ROWS_AT_ONCE`].
    AuditRows {
        after: i64,
        from: Option<NaiveDate>,
    },
    AuditVerify {
        json: bool,
        anchors: Vec<Anchor>,
        hospital_silent: Option<String>,
    },
    StoreShow {
        json: bool,
    },
    StoreAcknowledge,
    PaymentsAsk {
        id: String,
        json: bool,
    },
    PaymentsSettle {
        id: String,
        paid: bool,
        evidence: String,
        json: bool,
    },
    PaymentsCancel {
        id: String,
        with_card: bool,
        json: bool,
    },
    /// The amounts in the answer's text are in this currency.
    PaymentsTotals {
        json: bool,
        currency: Currency,
    },
    /// Of the last payment, if no other is named.
    Reprint {
        id: Option<String>,
    },
}

impl Request {
    /// It tells what payments, queue or trail hold.
    const fn reads_books(&self) -> bool {
        match self {
            Self::QueueList { .. }
            | Self::QueueSummary { .. }
            | Self::QueueShow { .. }
            | Self::PaymentsList { .. }
            | Self::PaymentsShow { .. }
            | Self::AuditRows { .. }
            | Self::AuditVerify { .. } => true,
            Self::QueueRetry { .. }
            | Self::QueueClose { .. }
            | Self::ScheduleWipe { .. }
            | Self::StaffPin { .. }
            | Self::StaffAdd { .. }
            | Self::StaffRole { .. }
            | Self::StaffRemove { .. }
            | Self::StaffReview { .. }
            | Self::StaffList { .. }
            | Self::StoreShow { .. }
            | Self::StoreAcknowledge
            | Self::PaymentsAsk { .. }
            | Self::PaymentsSettle { .. }
            | Self::PaymentsCancel { .. }
            | Self::PaymentsTotals { .. }
            | Self::Reprint { .. } => false,
        }
    }

    /// Only a kiosk at work can do it: it has the devices, and the one till.
    #[must_use]
    pub const fn needs_desk(&self) -> bool {
        match self {
            Self::PaymentsAsk { .. }
            | Self::PaymentsSettle { .. }
            | Self::PaymentsCancel { .. }
            | Self::PaymentsTotals { .. }
            | Self::Reprint { .. } => true,
            Self::QueueList { .. }
            | Self::QueueSummary { .. }
            | Self::QueueShow { .. }
            | Self::QueueRetry { .. }
            | Self::QueueClose { .. }
            | Self::ScheduleWipe { .. }
            | Self::PaymentsList { .. }
            | Self::PaymentsShow { .. }
            | Self::StaffPin { .. }
            | Self::StaffAdd { .. }
            | Self::StaffRole { .. }
            | Self::StaffRemove { .. }
            | Self::StaffReview { .. }
            | Self::StaffList { .. }
            | Self::AuditRows { .. }
            | Self::AuditVerify { .. }
            | Self::StoreShow { .. }
            | Self::StoreAcknowledge => false,
        }
    }
}

mod pin_text {
    use crate::domain::staff::Pin;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use zeroize::Zeroizing;

    pub fn serialize<S: Serializer>(pin: &Pin, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Zeroizing::new(String::from_utf8_lossy(pin.digits()).into_owned()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Pin, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        Pin::read(&text).ok_or_else(|| D::Error::custom("no PIN"))
    }
}

#[derive(Serialize, Deserialize)]
struct Reply {
    exit: u8,
    lines: Vec<String>,
    /// Unless `exit` is 0.
    #[serde(default)]
    why: String,
}

const REQUEST_BYTES_MAX: u64 = 16 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);
/// A hundred thousand waiting requests take seconds to be listed.
const LIST_LIMIT: Duration = Duration::from_mins(1);

/// # Errors
/// As the command itself.
pub fn answer(store: &dyn Store, request: &Request) -> Answer {
    let answer = answer_alone(store, request);
    if request.reads_books() { books::with_warning(store, answer) } else { answer }
}

fn answer_alone(store: &dyn Store, request: &Request) -> Answer {
    match request {
        Request::QueueList { json } => queue::list(store, *json, &Utc::now()),
        Request::QueueSummary { json } => queue::summary(store, *json, &Utc::now(), None),
        Request::QueueShow { id, json } => queue::show(store, *id, *json),
        Request::QueueRetry { id, json } => queue::retry(store, *id, *json),
        Request::QueueClose { id, evidence, json } => {
            queue::close(store, *id, evidence, *json, Local::now().fixed_offset())
        }
        Request::ScheduleWipe { json } => schedule::wipe(store, *json),
        Request::PaymentsList { json } => payments::list(store, *json),
        Request::PaymentsShow { id, json } => payments::show(store, id, *json),
        Request::StaffPin { .. }
        | Request::StaffAdd { .. }
        | Request::StaffRole { .. }
        | Request::StaffRemove { .. }
        | Request::StaffReview { .. }
        | Request::StaffList { .. } => about_persons(store, request, Local::now().fixed_offset()),
        Request::AuditRows { after, from } => audit::rows(store, *after, *from),
        Request::AuditVerify { json, anchors, hospital_silent } => {
            audit::verify(store, anchors, hospital_silent.as_deref(), *json)
        }
        Request::StoreShow { json } => books::show(store, *json),
        Request::StoreAcknowledge => books::acknowledge(store, Local::now().fixed_offset()),
        Request::PaymentsAsk { .. }
        | Request::PaymentsSettle { .. }
        | Request::PaymentsCancel { .. }
        | Request::PaymentsTotals { .. }
        | Request::Reprint { .. } => Err(usage("only a kiosk at work can do that")),
    }
}

fn about_persons(store: &dyn Store, request: &Request, at: DateTime<FixedOffset>) -> Answer {
    match request {
        Request::StaffPin { whose, pin } => staff::set_pin(store, whose.as_ref(), pin, at),
        Request::StaffAdd { name, role, number, json } => staff::add(store, name, *role, *number, *json, at),
        Request::StaffRole { whose, role } => staff::role(store, whose, *role, at),
        Request::StaffRemove { whose } => staff::remove(store, whose, at),
        Request::StaffReview { json } => staff::review(store, store, *json, at),
        Request::StaffList { json } => staff::list(store, *json, at),
        _others => Err(usage("this is about no person")),
    }
}

/// As [`answer`], by a kiosk at work; `patience` as in [`payments::order`].
///
/// # Errors
/// As the command itself.
pub fn answer_at_work(store: &dyn Store, desk: &dyn StaffOrders, request: &Request, patience: Duration) -> Answer {
    match request {
        Request::PaymentsAsk { id, json } => payments::order(store, desk, id, &StaffOrder::Ask, *json, patience),
        Request::PaymentsSettle { id, paid, evidence, json } => {
            let order = StaffOrder::Settle { paid: *paid, evidence: evidence.clone() };
            payments::order(store, desk, id, &order, *json, patience)
        }
        Request::PaymentsCancel { id, with_card, json } => {
            let way = if *with_card { UndoWay::WithCard } else { UndoWay::WithoutCard };
            payments::order(store, desk, id, &StaffOrder::Cancel { way }, *json, patience)
        }
        Request::PaymentsTotals { json, currency } => totals::run(store, desk, currency, *json, patience),
        Request::Reprint { id } => payments::reprint(store, desk, id.as_deref(), patience),
        Request::QueueList { .. }
        | Request::QueueSummary { .. }
        | Request::QueueShow { .. }
        | Request::QueueRetry { .. }
        | Request::QueueClose { .. }
        | Request::ScheduleWipe { .. }
        | Request::PaymentsList { .. }
        | Request::PaymentsShow { .. }
        | Request::StaffPin { .. }
        | Request::StaffAdd { .. }
        | Request::StaffRole { .. }
        | Request::StaffRemove { .. }
        | Request::StaffReview { .. }
        | Request::StaffList { .. }
        | Request::AuditRows { .. }
        | Request::AuditVerify { .. }
        | Request::StoreShow { .. } => answer(store, request),
        Request::StoreAcknowledge => {
            let done = answer(store, request);
            if done.is_ok() {
                desk.payments_opened();
            }
            done
        }
    }
}

/// Whether a kiosk runs on this data folder.
#[must_use]
pub fn is_running(folder: &Path) -> bool {
    UnixStream::connect(path(folder)).is_ok()
}

/// `None` when no kiosk runs on this data folder.
#[must_use]
pub fn ask(folder: &Path, request: &Request) -> Option<Answer> {
    let mut stream = UnixStream::connect(path(folder)).ok()?;
    Some(
        exchange(&mut stream, request)
            .unwrap_or_else(|error| Err(usage(format!("the running kiosk does not answer ({error}); try again")))),
    )
}

fn exchange(stream: &mut UnixStream, request: &Request) -> std::io::Result<Answer> {
    let long = matches!(request, Request::QueueList { .. } | Request::AuditVerify { .. });
    let limit = if long {
        LIST_LIMIT
    } else if request.needs_desk() {
        payments::ANSWER_LIMIT + TIMEOUT
    } else {
        TIMEOUT
    };
    stream.set_read_timeout(Some(limit))?;
    // It may hold a PIN.
    let asked = Zeroizing::new(serde_json::to_string(request)?);
    writeln!(stream, "{}", *asked)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let reply: Reply = serde_json::from_str(&line)?;
    let Reply { exit, lines, why } = reply;
    Ok(if exit == 0 { Ok(lines) } else { Err(Refusal { exit, why, lines }) })
}

/// Removes the socket when the kiosk ends.
pub struct Serving {
    path: PathBuf,
}

/// Commands that are answered at the same time.
const COMMANDS_MAX: usize = 16;

/// Answers on a thread of its own until the process ends. A socket that cannot be had is logged: the kiosk works without.
/// `outbox` is told when a command gave it something to send, or staff want what waits to be tried.
#[must_use]
pub fn serve(folder: &Path, store: Arc<dyn Store>, desk: Arc<dyn StaffOrders>, outbox: Arc<dyn Outbox>) -> Serving {
    let path = path(folder);
    // The store's lock says that no other kiosk lives here: what is left of a socket is from a power cut.
    let _ = std::fs::remove_file(&path);
    match UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }) {
        Ok(listener) => on_a_thread(move || {
            let places = Arc::new(());
            for stream in listener.incoming() {
                let Some(stream) = stream.ok().filter(|_| Arc::strong_count(&places) <= COMMANDS_MAX) else {
                    // Whoever asks so much has no right to an answer, and what is short must not be looked for without a rest.
                    std::thread::sleep(Duration::from_millis(100));
                    continue;
                };
                let (store, desk, outbox, place) = (store.clone(), desk.clone(), outbox.clone(), places.clone());
                // An order may take minutes; others are answered meanwhile.
                on_a_thread(move || {
                    if let Err(error) = serve_one(stream, &*store, &*desk, &*outbox) {
                        tracing::warn!("a command could not be answered: {error}");
                    }
                    drop(place);
                });
            }
        }),
        Err(error) => tracing::warn!("commands cannot reach this kiosk while it runs: {error}"),
    }
    Serving { path }
}

/// One that may fail alone: a command then ends without an answer, and the kiosk goes on.
fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name("commands".to_owned()).spawn(work) {
        tracing::warn!(%error, "no thread to answer commands");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve_one(
    mut stream: UnixStream,
    store: &dyn Store,
    desk: &dyn StaffOrders,
    outbox: &dyn Outbox,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut line = Zeroizing::new(String::new());
    BufReader::new((&stream).take(REQUEST_BYTES_MAX)).read_line(&mut line)?;
    // Somebody only looked whether a kiosk is there.
    if line.is_empty() {
        return Ok(());
    }
    let request = serde_json::from_str::<Request>(&line).map_err(usage);
    let reply = match request.and_then(|request| told(store, desk, outbox, &request)) {
        Ok(lines) => Reply { exit: 0, lines, why: String::new() },
        Err(Refusal { exit, why, lines }) => Reply { exit, lines, why },
    };
    writeln!(stream, "{}", serde_json::to_string(&reply)?)
}

/// What the sender has a part in, and the rest.
fn told(store: &dyn Store, desk: &dyn StaffOrders, outbox: &dyn Outbox, request: &Request) -> Answer {
    match request {
        Request::QueueSummary { json } => {
            books::with_warning(store, queue::summary(store, *json, &Utc::now(), outbox.held_until()))
        }
        Request::QueueRetry { id, json } => queue::retry_at_work(store, outbox, *id, *json),
        // A visit's next request may go free.
        Request::QueueClose { .. } => answer_at_work(store, desk, request, Duration::ZERO).inspect(|_| outbox.queued()),
        other => answer_at_work(store, desk, other, Duration::ZERO),
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("kiosk.sock")
}
