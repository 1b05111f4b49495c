//! What the simulated hospital refuses: the R4 rules for the resources that a kiosk sends or is seeded with.

use serde_json::Value;

/// An HTTP status and why.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub text: String,
    /// Instead of an outcome with this text.
    pub said: Option<Value>,
}

pub fn refuse<T>(status: u16, text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status, text: text.into(), said: None })
}

struct Rule {
    kind: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    statuses: &'static [&'static str],
}

/// Elements of every resource.
const COMMON: &[&str] = &["resourceType", "id", "meta", "language", "extension", "identifier", "status"];

const RULES: &[Rule] = &[
    Rule {
        kind: "Patient",
        required: &["identifier"],
        optional: &["active", "name", "gender", "birthDate"],
        statuses: &[],
    },
    Rule {
        kind: "Appointment",
        required: &["status", "participant"],
        optional: &["serviceType", "start", "end", "appointmentType", "basedOn", "description"],
        statuses: &[
            "proposed",
            "pending",
            "booked",
            "arrived",
            "fulfilled",
            "cancelled",
            "noshow",
            "entered-in-error",
            "checked-in",
            "waitlist",
        ],
    },
    Rule {
        kind: "AuditEvent",
        required: &["type", "recorded", "agent", "source"],
        optional: &["subtype", "action", "outcome", "entity"],
        statuses: &[],
    },
    Rule {
        kind: "Device",
        required: &[],
        optional: &["type"],
        statuses: &["active", "inactive", "entered-in-error", "unknown"],
    },
    Rule {
        kind: "Task",
        required: &["status", "intent"],
        optional: &["code", "focus", "for", "authoredOn", "lastModified", "requester", "input", "output"],
        statuses: &[
            "draft",
            "requested",
            "received",
            "accepted",
            "rejected",
            "ready",
            "cancelled",
            "in-progress",
            "on-hold",
            "failed",
            "completed",
            "entered-in-error",
        ],
    },
    Rule {
        kind: "ChargeItem",
        required: &["status", "code", "subject"],
        optional: &["occurrenceDateTime", "quantity", "priceOverride"],
        statuses: &["planned", "billable", "not-billable", "aborted", "billed", "entered-in-error", "unknown"],
    },
    Rule {
        kind: "Invoice",
        required: &["status"],
        optional: &["subject", "date", "lineItem", "totalNet", "totalGross"],
        statuses: &["draft", "issued", "balanced", "cancelled", "entered-in-error"],
    },
    Rule {
        kind: "PaymentNotice",
        required: &["status", "created", "payment", "recipient", "amount"],
        optional: &["request", "paymentDate", "paymentStatus"],
        statuses: &["active", "cancelled", "draft", "entered-in-error"],
    },
];

/// The types this hospital keeps.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.kind)
}

pub fn check(resource: &Value, kind: &str) -> Result<(), Refusal> {
    let Some(rule) = RULES.iter().find(|rule| rule.kind == kind) else {
        return refuse(404, format!("no such resource type: {kind}"));
    };
    if resource["resourceType"] != kind {
        return refuse(400, format!("a {kind} was expected"));
    }
    if let Some(missing) = rule.required.iter().find(|name| resource[**name].is_null()) {
        return refuse(400, format!("{kind}.{missing} is required"));
    }
    for name in resource.as_object().into_iter().flatten().map(|(name, _)| name.as_str()) {
        if !COMMON.contains(&name) && !rule.required.contains(&name) && !rule.optional.contains(&name) {
            return refuse(400, format!("{kind}.{name} is unknown"));
        }
    }
    if let Some(status) = resource["status"].as_str()
        && !rule.statuses.contains(&status)
    {
        return refuse(422, format!("{kind}.status cannot be {status}"));
    }
    check_values(resource, kind)
}

/// Empty values, money, dates and times, wherever they stand.
fn check_values(value: &Value, path: &str) -> Result<(), Refusal> {
    match value {
        Value::Null => refuse(400, format!("{path} is null")),
        Value::String(text) if text.trim().is_empty() => refuse(400, format!("{path} is empty")),
        Value::Array(items) if items.is_empty() => refuse(400, format!("{path} is an empty list")),
        Value::Array(items) => items.iter().try_for_each(|item| check_values(item, path)),
        Value::Object(map) if map.is_empty() => refuse(400, format!("{path} is an empty object")),
        Value::Object(map) => {
            for (name, inner) in map {
                check_values(inner, &format!("{path}.{name}"))?;
                check_named(name, inner, path)?;
            }
            Ok(())
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn check_named(name: &str, value: &Value, path: &str) -> Result<(), Refusal> {
    let text = value.as_str().unwrap_or_default();
    let fine = match name {
        "currency" => text.len() == 3 && text.chars().all(|c| c.is_ascii_uppercase()),
        "start" | "end" => value.is_object() || chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "authoredOn" | "occurrenceDateTime" | "date" | "created" | "valueDateTime" => {
            chrono::DateTime::parse_from_rfc3339(text).is_ok()
        }
        "birthDate" | "paymentDate" | "valueDate" => text.parse::<chrono::NaiveDate>().is_ok(),
        "priceOverride" | "totalNet" | "totalGross" | "amount" | "valueMoney" => {
            value["value"].is_number() && value["currency"].is_string()
        }
        "valuePositiveInt" => value.as_u64().is_some_and(|count| count > 0),
        _ => true,
    };
    if fine { Ok(()) } else { refuse(400, format!("{path}.{name} is malformed")) }
}

/// A question, not an order.
pub fn is_quote(resource: &Value) -> bool {
    resource["resourceType"] == "Task" && resource["code"]["coding"][0]["code"] == "document-quote"
}
