//! What the rehearsed hospital keeps: resources by their identifier, each created once, and of a transaction all or nothing.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Prefix of a reference within one bundle: outside it means nothing.
const INSIDE: &str = "urn:uuid:";

#[derive(Default)]
pub struct Kept {
    /// By the first identifier's value.
    resources: BTreeMap<String, Resource>,
}

struct Resource {
    value: Value,
    /// `Task/7`.
    address: String,
    /// How often it came.
    times: u32,
}

impl Kept {
    /// Conditional create: what is known stays as it is. The address of each.
    pub fn transaction(&mut self, entries: &[Value]) -> Vec<String> {
        let mut addresses = Vec::new();
        let mut inside = BTreeMap::new();
        for entry in entries {
            let (kind, id) = (entry["request"]["url"].as_str().unwrap_or_default(), identifier(&entry["resource"]));
            let fresh = || format!("{kind}/{}", self.resources.len() + addresses.len() + 1);
            let address = self.resources.get(&id).map_or_else(fresh, |known| known.address.clone());
            inside.insert(entry["fullUrl"].as_str().unwrap_or_default().to_owned(), address.clone());
            addresses.push(address);
        }
        for (entry, address) in entries.iter().zip(&addresses) {
            let mut value = entry["resource"].clone();
            point(&mut value, &inside);
            let fresh = Resource { value, address: address.clone(), times: 0 };
            self.resources.entry(identifier(&entry["resource"])).or_insert(fresh).times += 1;
        }
        addresses
    }

    pub fn find(&self, identifier: &str) -> Option<&Value> {
        self.resources.get(identifier).map(|resource| &resource.value)
    }

    pub fn times(&self, identifier: &str) -> u32 {
        self.resources.get(identifier).map_or(0, |resource| resource.times)
    }

    /// What is wrong with what is here of an order whose frozen entries these are: nothing, if all of it is here or none.
    pub fn fault_in(&self, entries: &[Value]) -> Option<String> {
        let ids: Vec<String> = entries.iter().map(|entry| identifier(&entry["resource"])).collect();
        let here: Vec<&Resource> = ids.iter().filter_map(|id| self.resources.get(id)).collect();
        if here.is_empty() {
            return None;
        }
        if here.len() < ids.len() {
            return Some(format!("{} of its {} entries arrived", here.len(), ids.len()));
        }
        let addresses: BTreeSet<&str> = self.resources.values().map(|resource| resource.address.as_str()).collect();
        here.iter().find_map(|resource| {
            let mut lost = None;
            references(&resource.value, &mut |reference| {
                let own = !reference.starts_with("Patient/") && !reference.starts_with("Patient?");
                if own && !addresses.contains(reference) {
                    lost = Some(format!("{} points to {reference}, which is not there", resource.address));
                }
            });
            lost
        })
    }

    /// A resource that none of these orders has.
    pub fn stranger<'a>(&'a self, orders: impl Iterator<Item = &'a Vec<Value>>) -> Option<&'a str> {
        let known: BTreeSet<String> = orders.flatten().map(|entry| identifier(&entry["resource"])).collect();
        self.resources.iter().find(|(id, _)| !known.contains(*id)).map(|(_, resource)| resource.address.as_str())
    }
}

/// As a search for it is answered.
pub fn searchset(found: Option<&Value>) -> Value {
    let entry: Vec<Value> = found.iter().map(|resource| json!({ "resource": resource })).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entry})
}

fn identifier(resource: &Value) -> String {
    resource["identifier"][0]["value"].as_str().unwrap_or_default().to_owned()
}

fn point(value: &mut Value, inside: &BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("reference")
                && let Some(address) = inside.get(reference).filter(|_| reference.starts_with(INSIDE))
            {
                address.clone_into(reference);
            }
            map.values_mut().for_each(|inner| point(inner, inside));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, inside)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn references(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("reference").and_then(Value::as_str) {
                each(reference);
            }
            map.values().for_each(|inner| references(inner, each));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
