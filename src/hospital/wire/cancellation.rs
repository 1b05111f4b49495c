//! A payment was given back: a Task that asks to abort the one that carried the request (`Task.code` `abort`, R4 task-code).
//! The first Task is named by its identifier, so that this needs no answer to it.

use super::bundle::{TASK, conditional_patient, device, encode, entry_id, full_url, input};
use super::money::money;
use super::{
    Bundle, BundleEntry, BundleRequest, Capabilities, CodeableConcept, Coding, Identifier, InputValue, Reference,
    Resource, TASK_CODES, Task,
};
use crate::config::Hospital;
use crate::domain::facility::Facility;
use crate::domain::money::Currency;
use crate::domain::outbox::{Act, Request};

/// `None` for any other act.
pub(super) fn cancellation_bundle(
    request: &Request,
    settings: &Hospital,
    facility: &Facility,
    can: Capabilities,
) -> Option<Bundle> {
    let Act::Cancellation { of, claim, amount, currency, attempt_number } = &request.act else { return None };
    let currency = Currency { code: currency.clone(), minor_digits: facility.currency.minor_digits };
    let own =
        |request| Identifier { system: settings.request_system.clone(), value: entry_id(request, TASK).to_string() };
    let identifier = own(request.id);
    let mine = format!("identifier={}", encode(&format!("{}|{}", identifier.system, identifier.value)));
    let if_none_exist = can.conditional_create.then_some(mine);
    let task = Task {
        identifier: vec![identifier],
        status: "requested",
        intent: "order",
        code: CodeableConcept {
            coding: vec![Coding { system: TASK_CODES.to_owned(), code: "abort".to_owned() }],
            text: None,
        },
        focus: Some(Reference { kind: Some("Task"), identifier: Some(own(*of)), ..Reference::default() }),
        patient: patient(request, settings),
        authored_on: request.made_at.to_rfc3339(),
        requester: device(settings),
        input: vec![
            input("claim", InputValue::Text(claim.clone())),
            input("payment-status", InputValue::Code("reversed".to_owned())),
            input("payment-attempt", InputValue::Text(attempt_number.clone())),
            input("payment-amount", InputValue::Money(money(*amount, &currency))),
        ],
    };
    let entry = BundleEntry {
        full_url: full_url(request.id, TASK),
        resource: Resource::Task(task),
        request: BundleRequest { method: "POST", url: "Task", if_none_exist },
    };
    Some(Bundle { resource_type: "Bundle", kind: "transaction", entry: vec![entry] })
}

/// Nobody where the journal has forgotten the patient because the request was delivered: the first Task knows.
fn patient(request: &Request, settings: &Hospital) -> Option<Reference> {
    let conditional = || (!request.patient.0.is_empty()).then(|| conditional_patient(settings, &request.patient));
    let reference = request.patient_ref.clone().or_else(conditional)?;
    Some(Reference { reference: Some(reference), ..Reference::default() })
}
