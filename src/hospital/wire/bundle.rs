//! From a request to the transaction bundle that carries it, frozen when it is queued.
//!
//! Entries are dependency-first, because some servers run them in the given order. `ifNoneExist` names our identifier
//! and nothing else, because some servers allow only that. A `fullUrl` never equals an identifier's value, because
//! some servers rewrite every string that equals a `fullUrl`.

use super::money::{money, part_tax};
use super::{
    Bundle, BundleEntry, BundleRequest, Capabilities, ChargeItem, CodeableConcept, Coding, Identifier, InputValue,
    Invoice, InvoiceLine, PaymentNotice, PriceComponent, Quantity, Reference, Resource, Task, TaskInput,
};
use crate::config::Hospital;
use crate::domain::attempt::CardTransaction;
use crate::domain::document::{OrderItem, OrderLine};
use crate::domain::facility::Facility;
use crate::domain::money::{Amount, Currency};
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::patient::{Patient, PatientNumber};
use uuid::Uuid;

/// Name of the one Task of a request; its identifier is what a reconciling look-up asks for.
pub(super) const TASK: &str = "task";
const INVOICE: &str = "invoice";
const PAYMENT: &str = "payment";

/// The identifier value of one entry: the same at every try, different for every request and entry.
#[must_use]
pub fn entry_id(request: Uuid, entry: &str) -> Uuid {
    Uuid::new_v5(&request, entry.as_bytes())
}

/// A string that no identifier equals.
pub(super) fn full_url(request: Uuid, entry: &str) -> String {
    format!("urn:uuid:{}", Uuid::new_v5(&request, format!("fullUrl/{entry}").as_bytes()))
}

/// What is frozen when a request is queued; `None` for an arrival, whose patch is built when it is sent.
#[must_use]
pub fn frozen_bundle(request: &Request, settings: &Hospital, facility: &Facility, can: Capabilities) -> Option<Bundle> {
    document_bundle(request, settings, facility, can)
        .or_else(|| super::cancellation::cancellation_bundle(request, settings, facility, can))
}

/// The transaction bundle of a document request; `None` for any other.
#[must_use]
pub fn document_bundle(
    request: &Request,
    settings: &Hospital,
    facility: &Facility,
    can: Capabilities,
) -> Option<Bundle> {
    let Act::Documents { claim, lines, total, currency, consent_version, payment } = &request.act else {
        return None;
    };
    let currency = Currency { code: currency.clone(), minor_digits: facility.currency.minor_digits };
    let order =
        Order { request, settings, facility, can, claim, lines, total: *total, currency, consent_version, payment };
    Some(Bundle { resource_type: "Bundle", kind: "transaction", entry: order.entries() })
}

struct Order<'a> {
    request: &'a Request,
    settings: &'a Hospital,
    facility: &'a Facility,
    can: Capabilities,
    claim: &'a str,
    lines: &'a [OrderLine],
    total: Amount,
    currency: Currency,
    consent_version: &'a str,
    payment: &'a PaymentOfRequest,
}

impl Order<'_> {
    fn entries(&self) -> Vec<BundleEntry> {
        let mut entries = Vec::new();
        if self.can.charge_item {
            entries.extend(self.priced_lines().map(|(sequence, line, amount)| {
                self.entry(&charge_name(sequence), self.charge_item(sequence, line, amount))
            }));
        }
        if self.has_invoice() {
            entries.push(self.entry(INVOICE, Resource::Invoice(self.invoice())));
        }
        if let PaymentOfRequest::Card { attempt_number, transaction } = self.payment
            && self.can.payment_notice
        {
            entries
                .push(self.entry(PAYMENT, Resource::PaymentNotice(self.payment_notice(attempt_number, transaction))));
        }
        entries.push(self.entry(TASK, Resource::Task(self.task())));
        entries
    }

    /// Only what was paid here is invoiced here: the desk bills the rest from its charge items.
    fn has_invoice(&self) -> bool {
        self.can.invoice && matches!(self.payment, PaymentOfRequest::Card { .. })
    }

    /// Free lines, and lines whose price only the hospital will know, are no charge. The sequence is that of the
    /// Task's inputs, which name every line.
    fn priced_lines(&self) -> impl Iterator<Item = (u32, &OrderLine, Amount)> {
        let charge = |(sequence, line): (u32, _)| Some((sequence, line, charge_of(line)?));
        (1..).zip(self.lines).filter_map(charge)
    }

    fn entry(&self, name: &str, resource: Resource) -> BundleEntry {
        let id = entry_id(self.request.id, name);
        BundleEntry {
            full_url: full_url(self.request.id, name),
            request: BundleRequest {
                method: "POST",
                url: resource.name(),
                if_none_exist: self
                    .can
                    .conditional_create
                    .then(|| format!("identifier={}", encode(&format!("{}|{id}", self.settings.request_system)))),
            },
            resource,
        }
    }

    fn identifier(&self, name: &str) -> Identifier {
        Identifier { system: self.settings.request_system.clone(), value: entry_id(self.request.id, name).to_string() }
    }

    /// Numbers made elsewhere or shown to people are kept out of `request_system`, which may carry a unique index.
    fn number(&self, kind: &str, value: &str) -> Identifier {
        Identifier { system: format!("{}/{kind}", self.settings.request_system), value: value.to_owned() }
    }

    fn patient(&self) -> Reference {
        let reference = self
            .request
            .patient_ref
            .clone()
            .unwrap_or_else(|| conditional_patient(self.settings, &self.request.patient));
        Reference { reference: Some(reference), ..Reference::default() }
    }

    fn link(&self, name: &str) -> Reference {
        Reference { reference: Some(full_url(self.request.id, name)), ..Reference::default() }
    }

    fn document(&self, code: &str) -> CodeableConcept {
        CodeableConcept {
            coding: vec![Coding { system: self.settings.document_system.clone(), code: code.to_owned() }],
            text: None,
        }
    }

    fn charge_item(&self, sequence: u32, line: &OrderLine, amount: Amount) -> Resource {
        Resource::ChargeItem(ChargeItem {
            identifier: vec![self.identifier(&charge_name(sequence))],
            status: "billable",
            code: self.document(&line.code),
            subject: self.patient(),
            occurrence_date_time: self.request.made_at.to_rfc3339(),
            quantity: Quantity { value: line.count },
            price_override: money(amount, &self.currency),
        })
    }

    fn invoice(&self) -> Invoice {
        let net: i64 = self.priced_lines().map(|(_, line, amount)| part_tax(amount, line.tax).0.0).sum();
        Invoice {
            identifier: vec![self.identifier(INVOICE)],
            status: "balanced",
            subject: self.patient(),
            date: self.request.made_at.to_rfc3339(),
            line_item: self
                .priced_lines()
                .map(|(sequence, line, amount)| self.invoice_line(sequence, line, amount))
                .collect(),
            total_net: money(Amount(net), &self.currency),
            total_gross: money(self.total, &self.currency),
        }
    }

    fn invoice_line(&self, sequence: u32, line: &OrderLine, amount: Amount) -> InvoiceLine {
        let (net, tax) = part_tax(amount, line.tax);
        let mut price_component = vec![PriceComponent { kind: "base", amount: money(net, &self.currency) }];
        if !tax.is_zero() {
            price_component.push(PriceComponent { kind: "tax", amount: money(tax, &self.currency) });
        }
        let by_reference = self.can.charge_item;
        InvoiceLine {
            sequence,
            charge_item_reference: by_reference.then(|| self.link(&charge_name(sequence))),
            charge_item_codeable_concept: (!by_reference).then(|| self.document(&line.code)),
            price_component,
        }
    }

    fn payment_notice(&self, attempt_number: &str, transaction: &CardTransaction) -> PaymentNotice {
        // Settled by staff the company's number may not be known; ours is.
        let approval = if transaction.approval_number.is_empty() {
            self.number("attempt", attempt_number)
        } else {
            self.number("approval", &transaction.approval_number)
        };
        let paid = Coding {
            system: "http://terminology.hl7.org/CodeSystem/paymentstatus".to_owned(),
            code: "paid".to_owned(),
        };
        PaymentNotice {
            identifier: vec![self.identifier(PAYMENT), approval.clone()],
            status: "active",
            request: self.has_invoice().then(|| self.link(INVOICE)),
            created: self.request.made_at.to_rfc3339(),
            payment: Reference {
                kind: Some("PaymentReconciliation"),
                identifier: Some(approval.clone()),
                display: Some(approval.value.clone()),

                ..Reference::default()
            },
            payment_date: self.request.made_at.date_naive().to_string(),
            recipient: Reference {
                kind: Some("Organization"),
                display: Some(self.facility.name.get(self.facility.desk_language).to_owned()),
                ..Reference::default()
            },
            amount: money(transaction.amount, &self.currency),
            payment_status: CodeableConcept { coding: vec![paid], text: None },
        }
    }

    /// It names every other entry: staff find them from it, and a Task in which they are left unresolved shows a server
    /// that did not keep them.
    fn task(&self) -> Task {
        Task {
            identifier: vec![self.identifier(TASK), self.number("claim", self.claim)],
            status: "requested",
            intent: "order",
            code: CodeableConcept::kiosk("document-request"),
            focus: self.has_invoice().then(|| self.link(INVOICE)),
            patient: Some(self.patient()),
            authored_on: self.request.made_at.to_rfc3339(),
            requester: device(self.settings),
            input: self.inputs(),
        }
    }

    fn inputs(&self) -> Vec<TaskInput> {
        let mut inputs = Vec::new();
        for (sequence, line) in (1..).zip(self.lines) {
            inputs.extend(self.line_inputs(sequence, line));
        }
        inputs.push(input("consent", InputValue::Text(self.consent_version.to_owned())));
        inputs.push(input("consent-language", InputValue::Code(self.request.language.code().to_owned())));
        inputs.push(input("consent-time", InputValue::Time(self.request.made_at.to_rfc3339())));
        inputs.extend(self.payment_inputs());
        inputs
    }

    fn line_inputs(&self, sequence: u32, line: &OrderLine) -> Vec<TaskInput> {
        let mut inputs = vec![
            numbered("document", sequence, InputValue::Concept(self.document(&line.code))),
            numbered("copies", sequence, InputValue::Count(line.copies.max(1))),
            numbered("language", sequence, InputValue::Code(line.language.code().to_owned())),
        ];
        if let Some(amount) = charge_of(line) {
            inputs.push(if self.can.charge_item {
                numbered("charge", sequence, InputValue::Link(self.link(&charge_name(sequence))))
            } else {
                numbered("amount", sequence, InputValue::Money(money(amount, &self.currency)))
            });
        }
        inputs
    }

    /// Whether it is paid, always; how it was paid, where the server keeps no `PaymentNotice`.
    fn payment_inputs(&self) -> Vec<TaskInput> {
        let status = match self.payment {
            PaymentOfRequest::Free => "free",
            PaymentOfRequest::Unpaid => "unpaid",
            PaymentOfRequest::Card { .. } => "paid",
        };
        let mut inputs = vec![input("payment-status", InputValue::Code(status.to_owned()))];
        if let PaymentOfRequest::Card { attempt_number, transaction } = self.payment {
            inputs.push(input("payment-attempt", InputValue::Text(attempt_number.clone())));
            if self.can.payment_notice {
                inputs.push(input("payment", InputValue::Link(self.link(PAYMENT))));
            } else {
                if !transaction.approval_number.is_empty() {
                    inputs.push(input("payment-approval", InputValue::Text(transaction.approval_number.clone())));
                }
                inputs.push(input("payment-amount", InputValue::Money(money(transaction.amount, &self.currency))));
            }
        }
        inputs
    }
}

fn charge_of(line: &OrderLine) -> Option<Amount> {
    line.amount.filter(|amount| !amount.is_zero())
}

fn charge_name(sequence: u32) -> String {
    format!("charge-{sequence}")
}

pub(super) fn input(kind: &str, value: InputValue) -> TaskInput {
    TaskInput { id: kind.to_owned(), kind: CodeableConcept::kiosk(kind), value }
}

fn numbered(kind: &str, sequence: u32, value: InputValue) -> TaskInput {
    TaskInput { id: format!("{kind}-{sequence}"), kind: CodeableConcept::kiosk(kind), value }
}

/// The kiosk by its serial number: a logical reference, which needs no resource on the server.
pub(super) fn device(settings: &Hospital) -> Reference {
    Reference {
        kind: Some("Device"),
        identifier: Some(Identifier { system: settings.device_system.clone(), value: settings.device_serial.clone() }),
        ..Reference::default()
    }
}

/// The kiosk itself, created once.
#[must_use]
pub fn device_resource(settings: &Hospital) -> serde_json::Value {
    serde_json::json!({
        "resourceType": "Device",
        "identifier": [{"system": settings.device_system, "value": settings.device_serial}],
        "status": "active",
        "type": CodeableConcept::kiosk("kiosk"),
    })
}

pub(super) fn conditional_patient(settings: &Hospital, number: &PatientNumber) -> String {
    format!("Patient?identifier={}", encode(&format!("{}|{}", settings.patient_system, number.0)))
}

/// The question "how many pages?", sent on its own. Its identifier is kept out of `request_system`: it orders nothing.
#[must_use]
pub fn quote_task(
    id: Uuid,
    patient: &Patient,
    item: &OrderItem,
    settings: &Hospital,
    authored_on: &chrono::DateTime<chrono::FixedOffset>,
) -> Resource {
    let of = match &patient.server_ref {
        Some(reference) => Reference { reference: Some(reference.clone()), ..Reference::default() },
        None => Reference {
            kind: Some("Patient"),
            identifier: Some(Identifier { system: settings.patient_system.clone(), value: patient.number.0.clone() }),
            ..Reference::default()
        },
    };
    let document = CodeableConcept {
        coding: vec![Coding { system: settings.document_system.clone(), code: item.code.clone() }],
        text: None,
    };
    Resource::Task(Task {
        identifier: vec![Identifier { system: format!("{}/quote", settings.request_system), value: id.to_string() }],
        status: "requested",
        intent: "order",
        code: CodeableConcept::kiosk("document-quote"),
        focus: None,
        patient: Some(of),
        authored_on: authored_on.to_rfc3339(),
        requester: device(settings),
        input: vec![
            numbered("document", 1, InputValue::Concept(document)),
            numbered("copies", 1, InputValue::Count(item.copies.max(1))),
            numbered("language", 1, InputValue::Code(item.language.code().to_owned())),
        ],
    })
}

/// Percent-encoding for the value of a search parameter (RFC 3986 unreserved characters stay).
#[must_use]
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
