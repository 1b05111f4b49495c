//! One try of one frozen bundle.

use super::super::wire;
use super::Client;
use super::answer::{self, Verdict};
use super::http::Trouble;
use crate::domain::outbox::{Delivery, QueuedRequest};
use serde_json::Value;

/// What a look for our own Task found.
enum Look {
    None,
    Ours {
        more_than_one: bool,
    },
    /// The server could not be asked.
    Failed(Delivery),
}

impl Client {
    pub(super) async fn deliver_bundle(&self, queued: &QueuedRequest) -> Delivery {
        let Some(entries) = entry_count(&queued.bundle) else {
            return Delivery::Park { reason: "the stored bundle cannot be read".to_owned() };
        };
        if queued.maybe_delivered {
            match self.look(queued).await {
                Look::Ours { more_than_one } => return found(more_than_one),
                Look::Failed(delivery) => return delivery,
                Look::None => {}
            }
        }
        match self.http.transaction(queued.bundle.clone(), self.send_timeout()).await {
            Err(trouble) => answer::trouble(trouble),
            Ok(answer) => match answer::of_transaction(&answer, entries) {
                Verdict::Settled(delivery) => delivery,
                Verdict::Look => self.after_412(queued).await,
            },
        }
    }

    /// More than one match somewhere: never sent again blindly.
    async fn after_412(&self, queued: &QueuedRequest) -> Delivery {
        match self.look(queued).await {
            Look::Ours { .. } => found(true),
            Look::Failed(delivery) => delivery,
            Look::None => Delivery::Park {
                reason: "the server finds one of our identifiers, or the patient, more than once (412)".to_owned(),
            },
        }
    }

    async fn look(&self, queued: &QueuedRequest) -> Look {
        let id = wire::entry_id(queued.request.id, "task").to_string();
        let token = format!("{}|{id}", self.settings.request_system);
        match self.http.get("Task", &[("identifier", &token)], self.send_timeout()).await {
            Err(trouble) => Look::Failed(uncertain(trouble)),
            Ok(answer) => match answer.resource("Bundle") {
                Some(bundle) => count_ours(bundle, &self.settings.request_system, &id),
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
                    other @ (Delivery::Done { .. } | Delivery::Hold { .. }) => other,
                }),
            },
        }
    }
}

fn count_ours(bundle: &Value, system: &str, id: &str) -> Look {
    match wire::bundle_entries(bundle, "Task").filter(|task| wire::matches_identifier(task, system, id)).count() {
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

fn entry_count(bundle: &[u8]) -> Option<usize> {
    serde_json::from_slice::<Value>(bundle).ok()?["entry"].as_array().map(Vec::len)
}
