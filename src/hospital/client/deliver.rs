//! One try of one frozen bundle.

use super::super::wire;
use super::Client;
use super::answer::{self, Verdict};
use super::http::Trouble;
use crate::domain::outbox::{CAME_APART, Delivery, QueuedRequest};
use serde_json::Value;
use std::sync::PoisonError;

/// What a look for our own Task found.
enum Look {
    None,
    Ours {
        more_than_one: bool,
    },
    /// The server could not be asked.
    Failed(Delivery),
}

/// What must be known of a frozen entry to find it again.
struct Entry {
    kind: String,
    /// The identifier's value in `request_system`.
    id: String,
    conditional: bool,
}

impl Client {
    pub(super) async fn deliver_bundle(&self, queued: &QueuedRequest) -> Delivery {
        let Some(entries) = read_entries(&queued.bundle) else {
            return Delivery::Park { reason: "the stored bundle cannot be read".to_owned() };
        };
        if queued.maybe_delivered || entries.iter().any(|entry| !entry.conditional) {
            match self.look(queued, &entries).await {
                Look::Ours { more_than_one } => return found(more_than_one),
                Look::Failed(delivery) => return delivery,
                Look::None => {}
            }
        }
        match self.http.transaction(queued.bundle.clone(), self.send_timeout()).await {
            Err(trouble) => answer::trouble(trouble),
            Ok(answer) => match answer::of_transaction(&answer, entries.len()) {
                Verdict::Settled(delivery) => {
                    if came_apart(&delivery) {
                        self.known.lock().unwrap_or_else(PoisonError::into_inner).takes_apart = true;
                    }
                    delivery
                }
                Verdict::Look => self.after_412(queued).await,
            },
        }
    }

    /// More than one match somewhere: never sent again blindly.
    async fn after_412(&self, queued: &QueuedRequest) -> Delivery {
        match self.look_for_task(queued).await {
            Look::Ours { .. } => found(true),
            Look::Failed(delivery) => delivery,
            Look::None => Delivery::Park {
                reason: "the server finds one of our identifiers, or the patient, more than once (412)".to_owned(),
            },
        }
    }

    /// The Task comes last in its bundle and is proof of all of it, except where bundles come apart: there each entry is
    /// looked for, and what is missing is added by the replay.
    async fn look(&self, queued: &QueuedRequest, entries: &[Entry]) -> Look {
        let task = self.look_for_task(queued).await;
        let apart = self.known.lock().unwrap_or_else(PoisonError::into_inner).takes_apart
            || queued.note.as_deref().is_some_and(|note| note.starts_with(CAME_APART));
        if !apart || !matches!(task, Look::Ours { .. }) {
            return task;
        }
        for entry in entries.iter().filter(|entry| entry.kind != "Task") {
            match self.look_for(&entry.kind, &entry.id).await {
                Look::Ours { .. } => {}
                missing_or_failed @ (Look::None | Look::Failed(_)) => return missing_or_failed,
            }
        }
        task
    }

    async fn look_for_task(&self, queued: &QueuedRequest) -> Look {
        self.look_for("Task", &wire::entry_id(queued.request.id, "task").to_string()).await
    }

    async fn look_for(&self, kind: &str, id: &str) -> Look {
        let token = format!("{}|{id}", self.settings.request_system);
        match self.http.get(kind, &[("identifier", &token)], self.send_timeout()).await {
            Err(trouble) => Look::Failed(uncertain(trouble)),
            Ok(answer) => match answer.resource("Bundle") {
                Some(bundle) => count_ours(bundle, kind, &self.settings.request_system, id),
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

fn came_apart(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Park { reason } | Delivery::Later { reason, .. } if reason.starts_with(CAME_APART))
}

fn count_ours(bundle: &Value, kind: &str, system: &str, id: &str) -> Look {
    match wire::bundle_entries(bundle, kind).filter(|found| wire::matches_identifier(found, system, id)).count() {
        0 => Look::None,
        count => Look::Ours { more_than_one: count > 1 },
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

fn read_entries(bundle: &[u8]) -> Option<Vec<Entry>> {
    let bundle: Value = serde_json::from_slice(bundle).ok()?;
    let read = |entry: &Value| {
        let resource = &entry["resource"];
        Some(Entry {
            kind: resource["resourceType"].as_str()?.to_owned(),
            id: resource["identifier"][0]["value"].as_str()?.to_owned(),
            conditional: entry["request"]["ifNoneExist"].is_string(),
        })
    };
    bundle["entry"].as_array()?.iter().map(read).collect()
}
