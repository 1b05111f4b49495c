//! The words of FHIR R4 that the kiosk writes. Only what is emitted is modelled; what is read stays
//! `serde_json::Value`, so that fields we do not know survive a read-modify-write.

mod audit;
mod bundle;
mod cancellation;
mod capability;
mod money;
mod parts;
mod patient;
mod primitive;
mod read;
mod search;

pub use audit::{trail_event, trail_event_id};
pub use bundle::{device_resource, document_bundle, encode, entry_id, frozen_bundle, quote_task};
pub use capability::{Capabilities, describe, software};
pub use parts::{Frozen, address_in, addresses, transaction};
pub use patient::{Person, Record, read_record};
pub use primitive::{ID_BYTES_MAX, id, instant, whole};
pub use read::{
    Booking, Party, bundle_entries, first_identifier, hides_identifier, is_resource, local_text, matches_identifier,
    pages_of, patients_of, points_into_its_bundle, quote_is_over, read_booking, relative, start, version_of,
};
pub use search::{Found, Next};

use serde::Serialize;

/// Code system of the words below: the product's own, the same at every hospital.
pub const KIOSK_CODES: &str = "https://hospital-kiosk.example/fhir/CodeSystem/kiosk";
/// Code system of what a Task asks to be done with its focus (R4 4.4.1.420).
pub const TASK_CODES: &str = "http://hl7.org/fhir/CodeSystem/task-code";
/// `Patient.extension`: the day on which the hospital last saw this patient's identity papers.
pub const IDENTITY_VERIFIED_ON: &str = "https://hospital-kiosk.example/fhir/StructureDefinition/identity-verified-on";
/// `Appointment.extension`: the site's name, where a hospital has several.
pub const SITE: &str = "https://hospital-kiosk.example/fhir/StructureDefinition/site";
/// `Appointment.extension`: when the patient arrived.
pub const ARRIVED_AT: &str = "https://hospital-kiosk.example/fhir/StructureDefinition/arrived-at";
/// `Appointment.extension`: the answer about insurance that the patient gave at the kiosk.
pub const INSURANCE_ANSWER: &str = "https://hospital-kiosk.example/fhir/StructureDefinition/insurance-answer";
/// `Appointment.extension`: the patient was sent to the desk first.
pub const SEE_DESK: &str = "https://hospital-kiosk.example/fhir/StructureDefinition/see-desk";

#[derive(Serialize)]
pub struct Bundle {
    #[serde(rename = "resourceType")]
    pub resource_type: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub entry: Vec<BundleEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleEntry {
    pub full_url: String,
    pub resource: Resource,
    pub request: BundleRequest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleRequest {
    pub method: &'static str,
    pub url: &'static str,
    /// Left out where the server cannot create conditionally: then the sender looks before it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_none_exist: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "resourceType")]
pub enum Resource {
    ChargeItem(ChargeItem),
    Invoice(Invoice),
    PaymentNotice(PaymentNotice),
    Task(Task),
}

impl Resource {
    /// The URL a new one is posted to.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ChargeItem(_) => "ChargeItem",
            Self::Invoice(_) => "Invoice",
            Self::PaymentNotice(_) => "PaymentNotice",
            Self::Task(_) => "Task",
        }
    }
}

#[derive(Clone, Serialize)]
pub struct Identifier {
    pub system: String,
    pub value: String,
}

#[derive(Clone, Serialize)]
pub struct Coding {
    pub system: String,
    pub code: String,
}

#[derive(Clone, Serialize)]
pub struct CodeableConcept {
    pub coding: Vec<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl CodeableConcept {
    /// One of the product's own words.
    #[must_use]
    pub fn kiosk(code: &str) -> Self {
        Self { coding: vec![Coding { system: KIOSK_CODES.to_owned(), code: code.to_owned() }], text: None }
    }
}

#[derive(Clone, Default, Serialize)]
pub struct Reference {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

#[derive(Clone, Serialize)]
pub struct Money {
    pub value: serde_json::Number,
    pub currency: String,
}

#[derive(Serialize)]
pub struct Quantity {
    pub value: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeItem {
    pub identifier: Vec<Identifier>,
    pub status: &'static str,
    pub code: CodeableConcept,
    pub subject: Reference,
    pub occurrence_date_time: String,
    pub quantity: Quantity,
    pub price_override: Money,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    pub identifier: Vec<Identifier>,
    pub status: &'static str,
    pub subject: Reference,
    pub date: String,
    /// An empty list is no JSON that FHIR knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub line_item: Vec<InvoiceLine>,
    pub total_net: Money,
    pub total_gross: Money,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvoiceLine {
    pub sequence: u32,
    /// By reference, or in words where the server keeps no `ChargeItem`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_item_reference: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_item_codeable_concept: Option<CodeableConcept>,
    pub price_component: Vec<PriceComponent>,
}

#[derive(Serialize)]
pub struct PriceComponent {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub amount: Money,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentNotice {
    pub identifier: Vec<Identifier>,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Reference>,
    pub created: String,
    pub payment: Reference,
    pub payment_date: String,
    pub recipient: Reference,
    pub amount: Money,
    pub payment_status: CodeableConcept,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub identifier: Vec<Identifier>,
    pub status: &'static str,
    pub intent: &'static str,
    pub code: CodeableConcept,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus: Option<Reference>,
    /// Absent where the kiosk has forgotten whose it was.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub patient: Option<Reference>,
    pub authored_on: String,
    pub requester: Reference,
    pub input: Vec<TaskInput>,
}

/// `id` ties the inputs of one ordered line together: `document-1`, `copies-1`, `language-1`.
#[derive(Serialize)]
pub struct TaskInput {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: CodeableConcept,
    #[serde(flatten)]
    pub value: InputValue,
}

#[derive(Serialize)]
pub enum InputValue {
    #[serde(rename = "valueCode")]
    Code(String),
    #[serde(rename = "valueString")]
    Text(String),
    #[serde(rename = "valuePositiveInt")]
    Count(u32),
    #[serde(rename = "valueDateTime")]
    Time(String),
    #[serde(rename = "valueMoney")]
    Money(Money),
    #[serde(rename = "valueCodeableConcept")]
    Concept(CodeableConcept),
    #[serde(rename = "valueReference")]
    Link(Reference),
}
