//! A frozen bundle in parts, for a server that takes few entries in one transaction.
//!
//! The entries stay in their order, which is the order of dependence, so that the Task is in the last part. A part is cut from
//! the frozen bytes and from what the server said of the parts before it, and is the same each time. What it points to in an
//! earlier part (`urn:uuid:…` means nothing outside its own bundle) becomes the address that the server told, `ChargeItem/4711`,
//! which every server takes; where it told none, the entry's identifier (a logical reference, R4 2.3.0.1). Conditional
//! references would do both, and some servers refuse them.

use crate::domain::outbox::Taken;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The entries of a frozen bundle.
pub struct Frozen(Vec<Value>);

impl Frozen {
    /// `None` if it cannot be read.
    #[must_use]
    pub fn read(bundle: &[u8]) -> Option<Self> {
        let mut bundle: Value = serde_json::from_slice(bundle).ok()?;
        match bundle["entry"].take() {
            Value::Array(entries) => Some(Self(entries)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
        }
    }

    #[must_use]
    pub fn entries(&self) -> &[Value] {
        &self.0
    }

    /// Each of them is created only once; others need a look before they are sent.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.0.iter().all(|entry| entry["request"]["ifNoneExist"].is_string())
    }

    /// The entries after those that are `taken`, at most `most` of them and at least one, if there is one.
    #[must_use]
    pub fn part(&self, taken: &[Taken], most: usize) -> Vec<Value> {
        let earlier = self.addresses(taken);
        let rest = self.0.get(taken.len()..).unwrap_or_default();
        let mut part = rest.iter().take(most.max(1)).cloned().collect::<Vec<_>>();
        for entry in &mut part {
            point_outside(&mut entry["resource"], &earlier);
        }
        part
    }

    /// What stands for each entry that is there, by its `fullUrl`.
    fn addresses(&self, taken: &[Taken]) -> BTreeMap<&str, Value> {
        let address = |(entry, taken): (&Value, &Taken)| match taken {
            Some(address) => json!({ "reference": address }),
            None => {
                json!({"type": entry["request"]["url"], "identifier": entry["resource"]["identifier"][0]})
            }
        };
        let known = self.0.iter().zip(taken);
        known.filter_map(|(entry, taken)| Some((entry["fullUrl"].as_str()?, address((entry, taken))))).collect()
    }
}

/// A transaction of these entries.
#[must_use]
pub fn transaction(entries: &[Value]) -> Vec<u8> {
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}).to_string().into_bytes()
}

fn point_outside(value: &mut Value, earlier: &BTreeMap<&str, Value>) {
    match value {
        Value::Object(map) => {
            let known = map.get("reference").and_then(Value::as_str).and_then(|reference| earlier.get(reference));
            if let Some(address) = known.and_then(Value::as_object) {
                map.remove("reference");
                map.extend(address.clone());
            }
            map.values_mut().for_each(|inner| point_outside(inner, earlier));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_outside(item, earlier)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where the server keeps each of `entries`, from its answer: the `location` (whole or relative, with its version or without),
/// else the resource itself, else the entry's `fullUrl`. An address of another kind of resource is none.
#[must_use]
pub fn addresses(answer: &Value, entries: &[Value]) -> Vec<Taken> {
    let answers = answer["entry"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |(at, entry): (usize, &Value)| {
        let (kind, answer) = (entry["request"]["url"].as_str()?, answers.get(at)?);
        let resource = &answer["resource"];
        let id = resource["id"].as_str().filter(|id| resource["resourceType"] == kind && is_id(id));
        address_in(answer["response"]["location"].as_str().unwrap_or_default(), kind)
            .or_else(|| Some(format!("{kind}/{}", id?)))
            .or_else(|| address_in(answer["fullUrl"].as_str()?, kind))
    };
    entries.iter().enumerate().map(of).collect()
}

/// `Task/7` out of `https://host/fhir/Task/7/_history/1`, `Task/7`, `/fhir/Task/7`.
#[must_use]
pub fn address_in(url: &str, kind: &str) -> Taken {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let steps = path.split('/').collect::<Vec<_>>();
    let (_, id) = steps.windows(2).map(|pair| (pair[0], pair[1])).rfind(|(step, id)| *step == kind && is_id(id))?;
    Some(format!("{kind}/{id}"))
}

/// R4 `id`, and no step of a path.
fn is_id(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (1..=64).contains(&text.len()) && letters && ![".", ".."].contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_every_form() {
        for (url, address) in [
            ("ChargeItem/4711", Some("ChargeItem/4711")),
            ("ChargeItem/4711/_history/1", Some("ChargeItem/4711")),
            ("/fhir/r4/ChargeItem/4711", Some("ChargeItem/4711")),
            ("https://h.example/fhir/ChargeItem/a-b.c/_history/3", Some("ChargeItem/a-b.c")),
            ("https://ChargeItem/fhir/ChargeItem/1?x=ChargeItem/2#ChargeItem/3", Some("ChargeItem/1")),
            ("Invoice/4711", None),
            ("ChargeItem/", None),
            ("ChargeItem/_history", None),
            ("ChargeItem/4 7", None),
            ("ChargeItem/../Patient/7", None),
            ("ChargeItem/.", None),
            ("urn:uuid:92c9b038-7cd3-545f-a161-97c7fc88802e", None),
            ("", None),
        ] {
            assert_eq!(address_in(url, "ChargeItem").as_deref(), address, "{url}");
        }
    }

    #[test]
    fn addresses_come_from_whatever_the_server_tells() {
        let entry = |kind: &str| json!({"request": {"url": kind}});
        let entries = ["ChargeItem", "ChargeItem", "Invoice", "Invoice", "Task", "Task"].map(entry);
        let answer = json!({"entry": [
            {"response": {"status": "201", "location": "ChargeItem/1/_history/1"}},
            {"response": {"status": "200"}, "resource": {"resourceType": "ChargeItem", "id": "2"}},
            {"response": {"status": "200"}, "fullUrl": "https://h.example/fhir/Invoice/3"},
            {"response": {"status": "200", "location": "ChargeItem/4"}},
            {"response": {"status": "200"}, "fullUrl": "urn:uuid:0e106f14-13da-5d39-8dd1-0f46bdfb6826"}]});
        let wanted = [Some("ChargeItem/1"), Some("ChargeItem/2"), Some("Invoice/3"), None, None, None];
        assert_eq!(addresses(&answer, &entries), wanted.map(|address| address.map(str::to_owned)));
    }
}
