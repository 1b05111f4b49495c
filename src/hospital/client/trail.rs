//! The head of the kiosk's trail at the hospital, as an `AuditEvent` (FHIR R4 6.4.1): whoever writes the trail anew, or puts an
//! earlier state of the store back, cannot change what the hospital was told.
//!
//! An `AuditEvent` has no identifier, so a repeat would be another one: where the server lets a client name an id it is put
//! under one that follows from the head. Elsewhere it is created, and a repeat does no harm.

use super::super::wire::{self, Found};
use super::Client;
use super::answer;
use super::search;
use crate::domain::trail::{Anchor, AnchorPlace, TrailHead};
use crate::ports::NoAnchor;
use chrono::{DateTime, FixedOffset};
use reqwest::Method;
use serde_json::Value;

/// Heads asked for: the newest, and some before it.
const HEADS: &str = "20";

impl Client {
    pub(super) async fn leave_head(&self, head: &TrailHead, at: DateTime<FixedOffset>) -> Result<(), NoAnchor> {
        let can = self.capabilities();
        if !can.audit_event {
            return Err(NoAnchor::NotTaken);
        }
        let mut event = wire::trail_event(&self.settings, head, at);
        let (method, path) = if can.audit_event_put {
            let id = wire::trail_event_id(&self.settings, head).to_string();
            event["id"] = Value::from(id.as_str());
            (Method::PUT, format!("AuditEvent/{id}"))
        } else {
            (Method::POST, "AuditEvent".to_owned())
        };
        let answer = self.http.aside(method, &path, &[], Some(&event), self.send_timeout()).await;
        match answer.map_err(|trouble| NoAnchor::Later(trouble.to_string()))? {
            answer if answer.is_success() && !answer.is_page() => Ok(()),
            answer => {
                let reason = answer::of_refusal(&answer).undelivered().map(|reason| reason.to_string());
                Err(NoAnchor::Later(reason.unwrap_or_else(|| format!("it answered {}", answer.status))))
            }
        }
    }

    /// What the hospital was given, as it tells it itself; the newest first.
    ///
    /// # Errors
    /// Why that is not known, in words.
    pub async fn heads_left(&self) -> Result<Vec<Anchor>, String> {
        let serial = self.settings.device_serial.as_str();
        let query = [("altid", serial), ("_sort", "-date"), ("_count", HEADS)];
        let answer = self.http.aside(Method::GET, "AuditEvent", &query, None, self.look_up_timeout()).await;
        let page = search::resource(answer, "Bundle").map_err(|missing| missing.to_string())?;
        // A server that does not know what it was asked for may answer with everybody's.
        let own = Found::read(&page, "AuditEvent");
        let own = own.matches.iter().filter(|event| event["agent"][0]["altId"] == serial);
        Ok(own.filter_map(|event| read(event)).collect())
    }
}

fn read(event: &Value) -> Option<Anchor> {
    let head = event["entity"].as_array()?.iter().find_map(|entity| entity["name"].as_str()?.parse().ok())?;
    let at = event["recorded"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    Some(Anchor { place: AnchorPlace::Hospital, head, at })
}
