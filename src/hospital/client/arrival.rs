//! An arrival: look at the appointment as it is now, then change its status against exactly that version.

use super::super::wire;
use super::Client;
use super::answer;
use super::http::HttpAnswer;
use crate::domain::outbox::{Delivery, Request};
use crate::domain::patient::InsuranceAnswer;
use crate::domain::reason::{BeforeServer, Delay, KeptOut, LineTrouble, Meanwhile, Told};
use chrono::Timelike;
use serde_json::{Value, json};

/// What a patient's check-in leaves on the appointment.
pub struct Arrival<'a> {
    pub appointment_ref: &'a str,
    /// What the patient saw.
    pub version_seen: &'a str,
    pub ticket: &'a str,
    pub insurance: Option<InsuranceAnswer>,
    pub see_desk: bool,
}

/// Somebody else may change it between our look and our change; after this many rounds the next try is later.
const ROUNDS_MAX: u32 = 3;

/// The appointment as it stands.
enum Now {
    /// With what the server may call this very version of it.
    Booked {
        resource: Box<Value>,
        tags: Vec<String>,
    },
    Over(Delivery),
}

impl Client {
    pub(super) async fn deliver_arrival(&self, request: &Request, arrival: &Arrival<'_>) -> Delivery {
        let mut patching = self.capabilities().json_patch;
        let mut refused = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let (resource, tags) = match self.appointment_now(request, arrival).await {
                Now::Over(delivery) => return delivery,
                Now::Booked { resource, tags } => (resource, tags),
            };
            let was_patch = patching;
            let tag = tags.iter().find(|tag| !refused.contains(*tag)).or(tags.first());
            match self.change(arrival, &resource, tag.map(String::as_str), patching).await {
                Err(trouble) => return answer::trouble(trouble),
                Ok(answer) if answer.is_success() => {
                    // A captive portal answers 200 too: only the appointment itself is proof, and the next look finds it.
                    if answer
                        .resource("Appointment")
                        .is_some_and(|now| now["status"] == self.settings.arrival_status.as_str())
                    {
                        return Delivery::Done { note: self.moved_within_the_day(arrival, &resource).await };
                    }
                    return self.proof_by_look(request, arrival).await;
                }
                // A patch may be refused for being a patch: look again, then put the whole appointment.
                Ok(answer)
                    if was_patch && !answer.is_page() && matches!(answer.status, 400 | 404 | 405 | 415 | 422 | 501) =>
                {
                    patching = false;
                }
                Ok(answer) if matches!(answer.status, 409 | 412) && !answer.is_page() => refused.extend(tag.cloned()),
                Ok(answer) => return self.refused(request, arrival, &answer).await,
            }
        }
        again(Delay::AppointmentChanging, None)
    }

    async fn change(
        &self,
        arrival: &Arrival<'_>,
        resource: &Value,
        tag: Option<&str>,
        patching: bool,
    ) -> Result<HttpAnswer, LineTrouble> {
        let changes = arrival.changes(
            resource,
            &self.settings.arrival_status,
            &format!("{}/ticket", self.settings.request_system),
        );
        if patching {
            return self.http.json_patch(arrival.appointment_ref, &changes.patch, tag, self.send_timeout()).await;
        }
        self.http.put(arrival.appointment_ref, &changes.resource, tag, self.send_timeout()).await
    }

    async fn appointment_now(&self, request: &Request, arrival: &Arrival<'_>) -> Now {
        let answer = match self.http.get(arrival.appointment_ref, &[], self.send_timeout()).await {
            Ok(answer) => answer,
            Err(trouble) => return Now::Over(answer::trouble(trouble)),
        };
        // Only the FHIR server itself can say so: a wrong address answers 404 to everything.
        let is_outcome = answer.json.as_ref().is_some_and(|json| json["resourceType"] == "OperationOutcome");
        if answer.status == 410 || (answer.status == 404 && is_outcome) {
            return Now::Over(arrival.done(Meanwhile::Deleted));
        }
        let Some(resource) = answer.resource("Appointment") else {
            return Now::Over(self.no_appointment(&answer).await);
        };
        let tags = tags(wire::version_of(resource), answer.etag.clone());
        match resource["status"].as_str() {
            Some("booked") if self.moved(request, resource) => Now::Over(arrival.done(Meanwhile::OtherDay)),
            Some("booked") => Now::Booked { resource: Box::new(resource.clone()), tags },
            Some("arrived" | "checked-in" | "fulfilled") => Now::Over(self.arrived_already(arrival, resource).await),
            Some("cancelled") => Now::Over(arrival.done(Meanwhile::Cancelled)),
            Some("proposed" | "pending" | "noshow" | "waitlist" | "entered-in-error") => {
                Now::Over(arrival.done(Meanwhile::NotBooked))
            }
            // Nothing is said of a status that R4 does not know.
            _ => Now::Over(again(Delay::AppointmentUnreadable, answer.retry_after_s)),
        }
    }

    /// What is not known to be the FHIR server's own word parks nothing, until that server says something at all.
    async fn no_appointment(&self, answer: &HttpAnswer) -> Delivery {
        if answer.is_page() && answer.is_success() {
            return again(Delay::Before(BeforeServer(answer.status)), answer.retry_after_s);
        }
        if answer.is_success() || answer.status == 412 && !answer.is_page() {
            return again(Delay::NoAppointment, answer.retry_after_s);
        }
        let delivery = answer::of_refusal(answer);
        if answer.is_fhir() || !matches!(delivery, Delivery::Park { .. }) || self.is_there().await {
            return delivery;
        }
        Delivery::Hold { reason: KeptOut::Before(BeforeServer(answer.status)) }
    }

    /// A FHIR server answers at the configured base.
    async fn is_there(&self) -> bool {
        let answer = self.http.get("metadata", &[], self.send_timeout()).await;
        answer.is_ok_and(|answer| answer.is_fhir())
    }

    /// By an earlier try of ours, which left its ticket; else by the desk, and then the patient holds a number that is on
    /// no appointment.
    async fn arrived_already(&self, arrival: &Arrival<'_>, resource: &Value) -> Delivery {
        let ticket_system = format!("{}/ticket", self.settings.request_system);
        if wire::matches_identifier(resource, &ticket_system, arrival.ticket) {
            return Delivery::Done { note: self.moved_within_the_day(arrival, resource).await };
        }
        arrival.done(Meanwhile::AtDesk)
    }

    /// The patient was told a time or a place that is no longer true. The version they saw says so, where the server keeps
    /// it (FHIR R4, vread); where it does not, nothing is claimed.
    async fn moved_within_the_day(&self, arrival: &Arrival<'_>, now: &Value) -> Option<Told> {
        if arrival.version_seen.is_empty() || wire::version_of(now).as_deref() == Some(arrival.version_seen) {
            return None;
        }
        let path = format!("{}/_history/{}", arrival.appointment_ref, arrival.version_seen);
        let answer = self.read(&path, "id,meta,status,start,participant", self.send_timeout()).await.ok()?;
        let seen = answer.resource("Appointment")?;
        let time = |appointment: &Value| {
            let start = wire::start(appointment)?;
            self.facility.now().zone.at(&start).time().with_second(0)?.with_nanosecond(0)
        };
        let meanwhile = match (time(seen)?, time(now)?) {
            (from, to) if from != to => Meanwhile::OtherTime { from, to },
            _ if seen["participant"] != now["participant"] => Meanwhile::OtherPlace,
            _ => return None,
        };
        Some(arrival.told(meanwhile))
    }

    fn moved(&self, request: &Request, resource: &Value) -> bool {
        wire::start(resource).is_some_and(|start| {
            let zone = &self.facility.now().zone;
            zone.at(&start).date_naive() != zone.at(&request.made_at).date_naive()
        })
    }

    /// A success without the appointment in it.
    async fn proof_by_look(&self, request: &Request, arrival: &Arrival<'_>) -> Delivery {
        match self.appointment_now(request, arrival).await {
            Now::Over(delivery) => delivery,
            Now::Booked { .. } => again(Delay::NothingChanged, None),
        }
    }

    /// A replay is often answered by a refusal: if the appointment has what we want, that is success.
    async fn refused(&self, request: &Request, arrival: &Arrival<'_>, answer: &HttpAnswer) -> Delivery {
        let delivery = answer::of_refusal(answer);
        if !matches!(delivery, Delivery::Park { .. }) {
            return delivery;
        }
        match self.appointment_now(request, arrival).await {
            Now::Over(over @ Delivery::Done { .. }) => over,
            Now::Over(over) if !answer.is_fhir() => over,
            Now::Over(_) | Now::Booked { .. } => delivery,
        }
    }
}

/// What `If-Match` may have to say, likeliest first. FHIR's own form is weak (R4 3.1.0.1.3); some servers compare byte for byte
/// with the strong `ETag` that they sent, and what compresses on the way may have changed that.
fn tags(version: Option<String>, etag: Option<String>) -> Vec<String> {
    let of_version = version.map(|version| format!("W/\"{version}\""));
    let same = |tag: &String| of_version.as_ref().is_none_or(|of| of.strip_prefix("W/") == Some(tag));
    let mut tags: Vec<String> = match etag {
        Some(etag) if same(&etag) => [Some(etag), of_version].into_iter().flatten().collect(),
        etag => [of_version, etag].into_iter().flatten().collect(),
    };
    tags.dedup();
    tags
}

struct Changes {
    patch: Value,
    resource: Value,
}

impl Arrival<'_> {
    fn done(&self, meanwhile: Meanwhile) -> Delivery {
        Delivery::Done { note: Some(self.told(meanwhile)) }
    }

    /// The ticket is all that leads staff to the patient: it names nobody.
    fn told(&self, meanwhile: Meanwhile) -> Told {
        Told::Appointment { meanwhile, ticket: self.ticket.to_owned() }
    }

    /// The same change twice: as a patch, and as the whole appointment for servers that cannot patch.
    fn changes(&self, resource: &Value, target: &str, ticket_system: &str) -> Changes {
        let mut patch = vec![
            json!({"op": "test", "path": "/status", "value": "booked"}),
            json!({"op": "replace", "path": "/status", "value": target}),
        ];
        let mut changed = resource.clone();
        changed["status"] = json!(target);
        let ticket = json!({"system": ticket_system, "value": self.ticket});
        append(&mut patch, &mut changed, "identifier", ticket);
        if let Some(answer) = self.insurance {
            append(
                &mut patch,
                &mut changed,
                "extension",
                json!({"url": wire::INSURANCE_ANSWER, "valueCode": insurance_code(answer)}),
            );
        }
        if self.see_desk {
            append(&mut patch, &mut changed, "extension", json!({"url": wire::SEE_DESK, "valueBoolean": true}));
        }
        Changes { patch: Value::Array(patch), resource: changed }
    }
}

/// Adds to a list that may not be there yet.
fn append(patch: &mut Vec<Value>, resource: &mut Value, list: &str, item: Value) {
    if let Some(items) = resource[list].as_array_mut() {
        patch.push(json!({"op": "add", "path": format!("/{list}/-"), "value": item}));
        items.push(item);
    } else {
        patch.push(json!({"op": "add", "path": format!("/{list}"), "value": [item]}));
        resource[list] = json!([item]);
    }
}

const fn insurance_code(answer: InsuranceAnswer) -> &'static str {
    match answer {
        InsuranceAnswer::Yes => "yes",
        InsuranceAnswer::No => "no",
        InsuranceAnswer::NotSure => "not-sure",
    }
}

/// The server is there, and this did not work.
const fn again(reason: Delay, after_s: Option<u64>) -> Delivery {
    Delivery::Later { reason, after_s, maybe_delivered: true, away: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_tests_then_replaces_then_adds() {
        let arrival = Arrival {
            appointment_ref: "Appointment/1",
            version_seen: "1",
            ticket: "K3-12",
            insurance: Some(InsuranceAnswer::NotSure),
            see_desk: true,
        };
        let before = json!({"status": "booked", "identifier": [{"system": "s", "value": "1"}], "unknown": 1});
        let changes = arrival.changes(&before, "checked-in", "t");
        assert_eq!(
            changes.patch,
            json!([
                {"op": "test", "path": "/status", "value": "booked"},
                {"op": "replace", "path": "/status", "value": "checked-in"},
                {"op": "add", "path": "/identifier/-", "value": {"system": "t", "value": "K3-12"}},
                {"op": "add", "path": "/extension", "value": [{"url": wire::INSURANCE_ANSWER, "valueCode": "not-sure"}]},
                {"op": "add", "path": "/extension/-", "value": {"url": wire::SEE_DESK, "valueBoolean": true}},
            ])
        );
        assert_eq!(changes.resource["status"], "checked-in");
        assert_eq!(changes.resource["unknown"], 1, "what we do not know survives");
        assert_eq!(changes.resource["extension"].as_array().map(Vec::len), Some(2));
    }
}
