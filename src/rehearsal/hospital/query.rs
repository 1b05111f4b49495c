//! What a search of the simulated hospital asks for, and what matches it.

use super::rules::{Refusal, refuse};
use chrono::DateTime;
use serde_json::{Value, json};

pub type Query = Vec<(String, String)>;

/// Only the elements asked for, of whatever type, and what R4 makes mandatory.
pub fn spared(resource: &Value, query: &Query) -> Value {
    let Some((_, elements)) = query.iter().find(|(name, _)| name == "_elements") else { return resource.clone() };
    let mandatory = ["resourceType", "id", "meta", "status", "intent", "participant"];
    let mut spared = resource.clone();
    if let Some(map) = spared.as_object_mut() {
        map.retain(|name, _| {
            let name = name.trim_start_matches('_');
            mandatory.contains(&name) || elements.split(',').any(|element| element == name)
        });
    }
    spared["meta"]["tag"] =
        json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]);
    spared
}

pub fn is_at(resource: &Value, reference: &str) -> bool {
    reference.split_once('/').is_some_and(|(kind, id)| resource["resourceType"] == kind && resource["id"] == id)
}

pub fn patient_references(resource: &Value) -> impl Iterator<Item = &str> {
    let actors = resource["participant"].as_array().into_iter().flatten().map(|participant| &participant["actor"]);
    actors.chain([&resource["for"], &resource["subject"]]).filter_map(|reference| reference["reference"].as_str())
}

pub fn has_identifier(resource: &Value, token: &str) -> bool {
    let Some((system, value)) = token.split_once('|') else { return false };
    let matches =
        |identifier: &Value| identifier["system"] == system && (value.is_empty() || identifier["value"] == value);
    resource["identifier"].as_array().is_some_and(|list| list.iter().any(matches))
}

pub fn matches(resource: &Value, name: &str, value: &str) -> Result<bool, Refusal> {
    Ok(match name {
        "identifier" => has_identifier(resource, value),
        "_id" => resource["id"] == value,
        "status" => value.split(',').any(|status| resource["status"] == status),
        "birthdate" => resource["birthDate"] == value,
        "patient" | "subject" => patient_references(resource).any(|reference| reference == value),
        "date" => {
            in_range(resource["start"].as_str().or_else(|| resource["date"].as_str()).unwrap_or_default(), value)?
        }
        "_lastUpdated" => in_range(resource["meta"]["lastUpdated"].as_str().unwrap_or_default(), value)?,
        "altid" => resource["agent"].as_array().into_iter().flatten().any(|agent| agent["altId"] == value),
        "_sort" | "_count" | "_offset" | "_include" | "_elements" => true,
        _ => return refuse(400, format!("unknown search parameter {name}")),
    })
}

/// `ge2026-11-25T00:00:00+09:00` and `lt…`; without a zone it is refused, because nobody knows whose day is meant.
pub fn in_range(found: &str, condition: &str) -> Result<bool, Refusal> {
    let (prefix, limit) = condition.split_at_checked(2).unwrap_or_default();
    let Ok(limit) = DateTime::parse_from_rfc3339(limit) else { return refuse(400, "a date needs its zone") };
    let Ok(found) = DateTime::parse_from_rfc3339(found) else { return Ok(false) };
    match prefix {
        "ge" => Ok(found >= limit),
        "lt" => Ok(found < limit),
        _ => refuse(400, "ge and lt only"),
    }
}

pub fn next_link(kind: &str, query: &Query, offset: usize) -> String {
    let kept = query.iter().filter(|(name, _)| name != "_offset");
    let parts: Vec<String> =
        kept.map(|(name, value)| format!("{name}={}", crate::hospital::wire::encode(value))).collect();
    format!("{kind}?{}&_offset={offset}", parts.join("&"))
}

/// Form or query text to pairs, decoded.
pub fn parse_query(text: &str) -> Query {
    let url = reqwest::Url::parse(&format!("http://localhost/?{text}"));
    url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}
