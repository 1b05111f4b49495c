//! An `AuditEvent` that tells the head of the kiosk's own trail (FHIR R4 6.4.1). Nothing of a patient or of staff is in it.

use super::{CodeableConcept, KIOSK_CODES};
use crate::config::Hospital;
use crate::domain::trail::TrailHead;
use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde_json::{Value, json};
use uuid::Uuid;

/// DICOM PS3.16, CID 400: what a machine does by itself.
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const APPLICATION_ACTIVITY: &str = "110100";
/// What an entity is to an event (R4 4.4.1.340): a repository of events.
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SECURITY_RESOURCE: &str = "13";

/// The same head has the same id, however often it is told.
#[must_use]
pub fn trail_event_id(settings: &Hospital, head: &TrailHead) -> Uuid {
    let kiosk = Uuid::new_v5(&Uuid::NAMESPACE_URL, settings.device_system.as_bytes());
    Uuid::new_v5(&kiosk, format!("{} {head}", settings.device_serial).as_bytes())
}

#[must_use]
pub fn trail_event(settings: &Hospital, head: &TrailHead, at: DateTime<FixedOffset>) -> Value {
    let kiosk = json!(super::bundle::device(settings));
    json!({
        "resourceType": "AuditEvent",
        "type": {"system": DICOM, "code": APPLICATION_ACTIVITY, "display": "Application Activity"},
        "subtype": [{"system": KIOSK_CODES, "code": "trail-head"}],
        "action": "E",
        "recorded": at.to_rfc3339_opts(SecondsFormat::Millis, false),
        "outcome": "0",
        "agent": [{
            "type": CodeableConcept::kiosk("kiosk"),
            "who": kiosk,
            "altId": settings.device_serial,
            "requestor": true,
        }],
        "source": {"observer": kiosk},
        "entity": [{
            "role": {"system": OBJECT_ROLE, "code": SECURITY_RESOURCE, "display": "Security Resource"},
            "name": head.to_string(),
        }],
    })
}
