//! One try of one frozen bundle, or of several together.

use super::super::wire;
use super::Client;
use super::answer::{self, Verdict};
use super::http::Trouble;
use crate::domain::outbox::{CAME_APART, Delivery, QueuedRequest};
use serde_json::{Value, json};
use std::sync::PoisonError;

/// What a look for our own Task found.
enum Look {
    None,
    Ours {
        more_than_one: bool,
    },
    /// It is there, but points to what is not: the server took the bundle apart and kept a part of it.
    InPart,
    /// The server could not be asked.
    Failed(Delivery),
}

impl Client {
    pub(super) async fn deliver_bundle(&self, queued: &QueuedRequest) -> Delivery {
        let Some(entries) = entries(&queued.bundle) else {
            return Delivery::Park { reason: "the stored bundle cannot be read".to_owned() };
        };
        let once = entries.iter().all(is_conditional);
        // What is there stays as it is and what is missing is added; a look would prove nothing.
        let apart = once && self.came_apart(queued);
        if !apart && (queued.maybe_delivered || !once) {
            match self.look_for_task(queued).await {
                Look::Ours { more_than_one } => return found(more_than_one),
                Look::Failed(delivery) => return delivery,
                Look::None | Look::InPart => {}
            }
        }
        match self.transaction(queued.bundle.clone(), entries.len()).await {
            Verdict::Settled(delivery) => delivery,
            Verdict::Look if apart => matches_several(),
            Verdict::Look => self.after_412(queued).await,
        }
    }

    /// Some servers give every entry its address before any of them is kept, so that a Task may look whole beside what was
    /// refused (Medplum, as a batch).
    fn came_apart(&self, queued: &QueuedRequest) -> bool {
        queued.note.as_deref().is_some_and(|note| note.starts_with(CAME_APART))
            || queued.maybe_delivered && self.known.lock().unwrap_or_else(PoisonError::into_inner).takes_apart
    }

    async fn transaction(&self, bundle: Vec<u8>, entries: usize) -> Verdict {
        let verdict = match self.http.transaction(bundle, self.send_timeout()).await {
            Err(trouble) => Verdict::Settled(answer::trouble(trouble)),
            Ok(answer) => answer::of_transaction(&answer, entries),
        };
        if let Verdict::Settled(Delivery::Park { reason } | Delivery::Later { reason, .. }) = &verdict
            && reason.starts_with(CAME_APART)
        {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).takes_apart = true;
        }
        verdict
    }

    /// Several frozen bundles as one.
    pub(super) async fn deliver_bundles(&self, queued: &[QueuedRequest]) -> Result<Vec<Delivery>, String> {
        let entries = queued.iter().map(|queued| entries(&queued.bundle)).collect::<Option<Vec<_>>>();
        let entries = entries.map(|each| each.concat()).filter(|entries| entries.iter().all(is_conditional));
        let entries = entries.ok_or("one of several has to be looked for before it is sent")?;
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        let verdict = self.transaction(bundle.to_string().into_bytes(), entries.len()).await;
        answer::of_several(verdict, queued.len())
    }

    /// More than one match somewhere: never sent again blindly.
    async fn after_412(&self, queued: &QueuedRequest) -> Delivery {
        match self.look_for_task(queued).await {
            Look::Ours { .. } => found(true),
            Look::Failed(delivery) => delivery,
            Look::None | Look::InPart => matches_several(),
        }
    }

    /// The Task comes last in its bundle and names all of it: at a server that keeps all or nothing it is proof of all, and
    /// at most others what is missing is left unresolved in it. Only Tasks are asked for, because a kiosk may read nothing
    /// else of what it wrote (`[identity] scope`).
    async fn look_for_task(&self, queued: &QueuedRequest) -> Look {
        let id = wire::entry_id(queued.request.id, "task").to_string();
        let token = format!("{}|{id}", self.settings.request_system);
        match self.http.get("Task", &[("identifier", &token)], self.send_timeout()).await {
            Err(trouble) => Look::Failed(uncertain(trouble)),
            Ok(answer) => match answer.resource("Bundle") {
                Some(bundle) => ours(bundle, &self.settings.request_system, &id),
                None if answer.is_success() => {
                    Look::Failed(later("the server answered a search with something else", answer.retry_after_s))
                }
                None => Look::Failed(match answer::of_refusal(&answer) {
                    // Not the request was refused but the question: it stays uncertain, never parked.
                    Delivery::Park { .. } => {
                        later("the server refuses to say whether it has the request", answer.retry_after_s)
                    }
                    Delivery::Later { reason, after_s, .. } => {
                        Delivery::Later { reason, after_s, maybe_delivered: true }
                    }
                    other @ (Delivery::Done { .. } | Delivery::Hold { .. } | Delivery::Busy { .. }) => other,
                }),
            },
        }
    }
}

fn ours(bundle: &Value, system: &str, id: &str) -> Look {
    let tasks = wire::bundle_entries(bundle, "Task").filter(|task| wire::matches_identifier(task, system, id));
    let tasks = tasks.collect::<Vec<_>>();
    match tasks.as_slice() {
        [] => Look::None,
        [task] if wire::points_into_its_bundle(task) => Look::InPart,
        several => Look::Ours { more_than_one: several.len() > 1 },
    }
}

fn matches_several() -> Delivery {
    Delivery::Park {
        reason: "the server finds one of our identifiers, or the patient, more than once (412)".to_owned(),
    }
}

fn found(more_than_one: bool) -> Delivery {
    let note =
        more_than_one.then(|| "the hospital has it more than once: put a unique index on the identifier".to_owned());
    Delivery::Done { note }
}

/// The look itself failed; the request before it may still have arrived.
fn uncertain(trouble: Trouble) -> Delivery {
    later(&trouble.to_string(), None)
}

fn later(reason: &str, after_s: Option<u64>) -> Delivery {
    Delivery::Later { reason: reason.to_owned(), after_s, maybe_delivered: true }
}

fn entries(bundle: &[u8]) -> Option<Vec<Value>> {
    let mut bundle: Value = serde_json::from_slice(bundle).ok()?;
    match bundle["entry"].take() {
        Value::Array(entries) => Some(entries),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// It is created only once; any other needs a look before it is sent.
fn is_conditional(entry: &Value) -> bool {
    entry["request"]["ifNoneExist"].is_string()
}
