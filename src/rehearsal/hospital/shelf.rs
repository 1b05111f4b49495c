//! The resources of the simulated hospital, their versions, searches and transactions. Small and in memory.

use super::super::people;
use super::manners::Manners;
use super::query::{Query, has_identifier, is_at, matches, next_link, parse_query, patient_references, spared};
use super::rules::{self, Refusal, refuse};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Searches.
const REMEMBERED_MAX: usize = 100;
/// The hospital's clerk counts the pages.
const QUOTE_AFTER: Duration = Duration::from_millis(300);

#[derive(Default)]
pub struct Shelf {
    resources: Vec<Kept>,
    next_id: u64,
    /// Searches find everything.
    pub ignores_search: bool,
    /// A bundle is run entry by entry, and those of this type are answered so.
    pub takes_apart: Option<(&'static str, u16, bool)>,
    bundles: Vec<Value>,
    /// What resources were before they changed.
    history: Vec<Value>,
    requests: Vec<(String, String)>,
    pub lacking: Vec<&'static str>,
    pub manners: Manners,
    /// What searches found when they were first asked, by their question.
    remembered: BTreeMap<String, Value>,
}

#[derive(Clone)]
struct Kept {
    value: Value,
    created: Instant,
    /// What a quote will say.
    pages: Option<u32>,
    /// Not part of the seed.
    arrived: bool,
}

/// The one type that a client may put under an id of its own.
pub const UNDER_ITS_OWN_ID: &str = "AuditEvent";

impl Shelf {
    pub fn note_request(&mut self, method: &str, path: &str) {
        self.requests.push((method.to_owned(), path.to_owned()));
    }

    pub fn requests(&self, method: &str, path: &str) -> usize {
        self.requests.iter().filter(|(by, to)| by == method && to.starts_with(path)).count()
    }

    /// The seed is no news.
    pub fn forget_history(&mut self) {
        self.bundles.clear();
        self.requests.clear();
        for kept in &mut self.resources {
            kept.arrived = false;
        }
    }

    /// Of the days before only people and machines are left.
    pub fn forget_days(&mut self) {
        self.resources.retain(|kept| ["Patient", "Device"].iter().any(|kind| kept.value["resourceType"] == **kind));
        self.history.clear();
    }

    /// Resources as they are, ids and all: they were there before.
    pub fn put(&mut self, resources: Vec<Value>) {
        let kept = |value| Kept { value, created: Instant::now(), pages: None, arrived: false };
        self.resources.extend(resources.into_iter().map(kept));
    }

    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.of(kind).cloned().collect()
    }

    pub fn arrived(&self, kind: &str) -> Vec<Value> {
        self.resources
            .iter()
            .filter(|kept| kept.arrived && kept.value["resourceType"] == kind)
            .map(|kept| kept.value.clone())
            .collect()
    }

    pub fn bundles(&self) -> Vec<Value> {
        self.bundles.clone()
    }

    pub fn by_identifier(&self, kind: &str, system: &str, value: &str) -> Vec<Value> {
        self.of(kind).filter(|resource| has_identifier(resource, &format!("{system}|{value}"))).cloned().collect()
    }

    pub fn change(&mut self, kind: &str, system: &str, value: &str, change: impl FnOnce(&mut Value)) {
        let token = format!("{system}|{value}");
        let found = self
            .resources
            .iter_mut()
            .find(|kept| kept.value["resourceType"] == kind && has_identifier(&kept.value, &token));
        if let Some(kept) = found {
            self.history.push(kept.value.clone());
            change(&mut kept.value);
            next_version(&mut kept.value);
        }
    }

    /// Staff wrote every appointment a moment ago.
    pub fn overtake(&mut self) {
        for kept in self.resources.iter_mut().filter(|kept| kept.value["resourceType"] == "Appointment") {
            kept.value["description"] = json!("written by staff");
            next_version(&mut kept.value);
        }
    }

    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().map(|kept| &kept.value).filter(move |value| value["resourceType"] == kind)
    }

    pub fn read(&mut self, kind: &str, id: &str) -> Result<Value, Refusal> {
        let Some(kept) =
            self.resources.iter_mut().find(|kept| kept.value["resourceType"] == kind && kept.value["id"] == id)
        else {
            return refuse(404, format!("no {kind}/{id}"));
        };
        answer_quote(kept);
        Ok(kept.value.clone())
    }

    /// A version that is no more.
    pub fn read_version(&self, kind: &str, id: &str, version: &str) -> Result<Value, Refusal> {
        let found = self
            .history
            .iter()
            .find(|old| old["resourceType"] == kind && old["id"] == id && old["meta"]["versionId"] == version);
        found.cloned().map_or_else(|| refuse(404, format!("no version {version}")), Ok)
    }

    /// Everything was last changed two hours ago.
    pub fn age(&mut self) {
        let then =
            (chrono::Utc::now() - chrono::TimeDelta::hours(2)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        for kept in &mut self.resources {
            kept.value["meta"]["lastUpdated"] = json!(then);
        }
    }

    /// As if it had never been (a DELETE at the hospital).
    pub fn delete(&mut self, kind: &str, system: &str, value: &str) {
        let token = format!("{system}|{value}");
        self.resources.retain(|kept| kept.value["resourceType"] != kind || !has_identifier(&kept.value, &token));
    }

    /// What a search finds; as at HAPI FHIR (there for a minute) what it found before, unless the question wants it fresh.
    pub fn found(&mut self, kind: &str, query: &str, fresh: bool) -> Result<Value, Refusal> {
        let question = format!("{kind}?{query}");
        if let Some(found) = self.remembered.get(&question).filter(|_| !fresh) {
            return Ok(found.clone());
        }
        let found = self.search(kind, &parse_query(query))?;
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.insert(question, found.clone());
        Ok(found)
    }

    fn search(&self, kind: &str, query: &Query) -> Result<Value, Refusal> {
        if !rules::kinds().any(|known| known == kind) {
            return refuse(404, format!("no such resource type: {kind}"));
        }
        let mut found: Vec<&Value> = Vec::new();
        for resource in self.of(kind) {
            if self.ignores_search {
                found.push(resource);
                continue;
            }
            if self.lacking.contains(&"_lastUpdated") && query.iter().any(|(name, _)| name == "_lastUpdated") {
                return refuse(400, "unknown search parameter _lastUpdated");
            }
            if query.iter().try_fold(true, |so_far, (name, value)| {
                Ok::<bool, Refusal>(so_far && matches(resource, name, value)?)
            })? {
                found.push(resource);
            }
        }
        if query.iter().any(|(name, value)| (name.as_str(), value.as_str()) == ("_sort", "-date")) {
            found.sort_by(|one, other| other["recorded"].as_str().cmp(&one["recorded"].as_str()));
        }
        Ok(self.page(&found, kind, query))
    }

    fn page(&self, found: &[&Value], kind: &str, query: &Query) -> Value {
        let number =
            |name: &str| query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<usize>().ok());
        let (count, offset) = (number("_count").unwrap_or(20).min(1000), number("_offset").unwrap_or(0));
        let page: Vec<&Value> = found.iter().skip(offset).take(count).copied().collect();
        let mut entry: Vec<Value> = page
            .iter()
            .map(|resource| json!({"resource": spared(resource, query), "search": {"mode": "match"}}))
            .collect();
        if query.iter().any(|(name, _)| name == "_include") {
            let mut included: BTreeMap<&str, &Value> = BTreeMap::new();
            for reference in page.iter().flat_map(|resource| patient_references(resource)) {
                included.extend(
                    self.of("Patient").filter(|patient| is_at(patient, reference)).map(|patient| (reference, patient)),
                );
            }
            let spared = |patient: &&Value| json!({"resource": spared(patient, query), "search": {"mode": "include"}});
            entry.extend(included.values().map(spared));
        }
        let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": found.len()});
        if !entry.is_empty() {
            bundle["entry"] = json!(entry);
        }
        if offset + count < found.len() {
            bundle["link"] = json!([{"relation": "next", "url": next_link(kind, query, offset + count)}]);
        }
        bundle
    }

    /// 201 and what was made, or 200 and what was there.
    pub fn create(
        &mut self,
        kind: &str,
        mut resource: Value,
        if_none_exist: Option<&str>,
    ) -> Result<(u16, Value), Refusal> {
        if self.lacking.contains(&kind) {
            return refuse(404, format!("this hospital keeps no {kind}"));
        }
        rules::check(&resource, kind)?;
        if let Some(condition) = if_none_exist {
            if self.lacking.contains(&"conditionalCreate") {
                return refuse(400, "this hospital creates nothing conditionally");
            }
            let mut found = self.matching(kind, condition)?;
            match found.len() {
                0 => {}
                1 => return Ok((200, found.remove(0))),
                count => return refuse(412, format!("{count} of {kind} match")),
            }
        }
        self.check_references(&resource)?;
        self.next_id += 1;
        resource["id"] = json!(format!("h{}", self.next_id));
        resource["meta"] = json!({"versionId": "1", "lastUpdated": now()});
        let pages = rules::is_quote(&resource).then(|| self.record_pages(&resource));
        self.resources.push(Kept { value: resource.clone(), created: Instant::now(), pages, arrived: true });
        Ok((201, resource))
    }

    /// The hospital knows how thick each demo patient's record is.
    fn record_pages(&self, task: &Value) -> u32 {
        let reference = task["for"]["reference"].as_str().unwrap_or_default();
        let patient = self.of("Patient").find(|patient| is_at(patient, reference)).unwrap_or(&Value::Null);
        let identifiers = patient["identifier"].as_array();
        let number =
            identifiers.into_iter().flatten().find(|identifier| identifier["system"] == people::PATIENT_SYSTEM);
        people::record_pages(number.and_then(|number| number["value"].as_str()).unwrap_or_default())
    }

    fn matching(&self, kind: &str, condition: &str) -> Result<Vec<Value>, Refusal> {
        let query = parse_query(condition);
        if query.is_empty() || query.iter().any(|(name, _)| name != "identifier") {
            return refuse(400, "a condition must be an identifier and nothing else");
        }
        let all = query.iter().map(|(_, value)| value).collect::<Vec<_>>();
        Ok(self.of(kind).filter(|resource| all.iter().all(|token| has_identifier(resource, token))).cloned().collect())
    }

    /// Every reference to a resource here must lead somewhere.
    fn check_references(&self, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("reference").and_then(Value::as_str)
                    && self.takes_apart.is_none()
                    && !self.resources.iter().any(|kept| is_at(&kept.value, reference))
                {
                    return refuse(400, "a reference leads nowhere (dependency-first?)");
                }
                map.values().try_for_each(|inner| self.check_references(inner))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.check_references(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    pub fn replace(
        &mut self,
        kind: &str,
        id: &str,
        mut resource: Value,
        if_match: Option<&str>,
    ) -> Result<Value, Refusal> {
        rules::check(&resource, kind)?;
        self.check_references(&resource)?;
        let Some(kept) =
            self.resources.iter_mut().find(|kept| kept.value["resourceType"] == kind && kept.value["id"] == id)
        else {
            return if kind == UNDER_ITS_OWN_ID {
                self.put_new(kind, id, resource)
            } else {
                refuse(404, format!("no {kind}/{id}"))
            };
        };
        if kind == UNDER_ITS_OWN_ID {
            // Told once more.
            return Ok(kept.value.clone());
        }
        let version = kept.value["meta"]["versionId"].as_str().unwrap_or_default();
        let Some(wanted) = if_match else { return refuse(428, "say which version you mean") };
        if wanted.trim_start_matches("W/").trim_matches('"') != version {
            return refuse(412, "it has changed meanwhile");
        }
        resource["id"] = kept.value["id"].clone();
        resource["meta"] = kept.value["meta"].clone();
        self.history.push(std::mem::replace(&mut kept.value, resource));
        next_version(&mut kept.value);
        Ok(kept.value.clone())
    }

    fn put_new(&mut self, kind: &str, id: &str, mut resource: Value) -> Result<Value, Refusal> {
        if self.lacking.contains(&kind) || self.lacking.contains(&"updateCreate") {
            return refuse(405, format!("no {kind} is made under an id of the client's"));
        }
        resource["id"] = json!(id);
        resource["meta"] = json!({"versionId": "1", "lastUpdated": now()});
        let kept = Kept { value: resource.clone(), created: Instant::now(), pages: None, arrived: true };
        self.resources.push(kept);
        Ok(resource)
    }

    /// RFC 6902, as far as a kiosk goes.
    pub fn patch(&mut self, kind: &str, id: &str, patch: &Value, if_match: Option<&str>) -> Result<Value, Refusal> {
        let mut resource = self.read(kind, id)?;
        let Some(operations) = patch.as_array() else { return refuse(400, "a patch is a list") };
        for operation in operations {
            patch_one(&mut resource, operation)?;
        }
        self.replace(kind, id, resource, if_match)
    }

    /// All or nothing, in the given order.
    pub fn transaction(&mut self, bundle: &Value) -> Result<Value, Refusal> {
        if bundle["resourceType"] == "Bundle" && bundle["type"] == "batch" && bundle["entry"].is_null() {
            return Ok(json!({"resourceType": "Bundle", "type": "batch-response"}));
        }
        if bundle["resourceType"] != "Bundle" || bundle["type"] != "transaction" {
            return refuse(400, "a transaction Bundle was expected");
        }
        self.manners.refuse_more(bundle)?;
        if !self.bundles.contains(bundle) {
            self.bundles.push(bundle.clone());
        }
        // A transaction only adds.
        let before = (self.resources.len(), self.next_id);
        let result = self.run(bundle["entry"].as_array().map_or(&[][..], Vec::as_slice));
        if result.is_err() {
            self.resources.truncate(before.0);
            self.next_id = before.1;
        }
        result
    }

    fn run(&mut self, entries: &[Value]) -> Result<Value, Refusal> {
        let mut made: BTreeMap<String, String> = BTreeMap::new();
        let mut responses = Vec::new();
        for entry in entries {
            let (Some(url), "POST", Some(full_url)) = (
                entry["request"]["url"].as_str(),
                entry["request"]["method"].as_str().unwrap_or_default(),
                entry["fullUrl"].as_str(),
            ) else {
                return refuse(400, "an entry needs a fullUrl and a POST");
            };
            if let Some((_, status, addresses_first)) = self.takes_apart.filter(|(refused, ..)| *refused == url) {
                if addresses_first {
                    made.insert(full_url.to_owned(), format!("{url}/never-made"));
                }
                responses.push(json!({"response": {"status": status.to_string()}}));
                continue;
            }
            let mut resource = entry["resource"].clone();
            self.resolve(&mut resource, &made)?;
            let (status, kept) = self.create(url, resource, entry["request"]["ifNoneExist"].as_str())?;
            let path = format!("{url}/{}", kept["id"].as_str().unwrap_or_default());
            if made.insert(full_url.to_owned(), path.clone()).is_some() {
                return refuse(400, "a fullUrl is there twice");
            }
            responses.push(self.manners.entry_answer(status, &path));
        }
        Ok(json!({"resourceType": "Bundle", "type": "transaction-response", "entry": responses}))
    }

    /// Every string that equals a fullUrl becomes the address of what was made; conditional references are looked up.
    fn resolve(&self, value: &mut Value, made: &BTreeMap<String, String>) -> Result<(), Refusal> {
        match value {
            Value::String(text) => {
                if let Some(path) = made.get(text) {
                    text.clone_from(path);
                } else if let Some(condition) = text.strip_prefix("Patient?") {
                    *text = self.one_patient(condition)?;
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.resolve(item, made)),
            Value::Object(map) => map.values_mut().try_for_each(|inner| self.resolve(inner, made)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn one_patient(&self, condition: &str) -> Result<String, Refusal> {
        let found = self.matching("Patient", condition)?;
        match found.as_slice() {
            [patient] => Ok(format!("Patient/{}", patient["id"].as_str().unwrap_or_default())),
            [] => refuse(404, "a conditional reference matches nobody"),
            _ => refuse(412, "a conditional reference matches several"),
        }
    }
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn next_version(resource: &mut Value) {
    let version =
        resource["meta"]["versionId"].as_str().and_then(|version| version.parse::<u64>().ok()).unwrap_or(0) + 1;
    resource["meta"] = json!({"versionId": version.to_string(), "lastUpdated": now()});
}

/// A quote is answered a moment after it was asked.
fn answer_quote(kept: &mut Kept) {
    if !rules::is_quote(&kept.value) || kept.value["status"] != "requested" || kept.created.elapsed() < QUOTE_AFTER {
        return;
    }
    let Some(pages) = kept.pages else { return };
    kept.value["output"] = json!([{"type": {"text": "pages"}, "valuePositiveInt": pages}]);
    kept.value["status"] = json!("completed");
    next_version(&mut kept.value);
}

fn patch_one(resource: &mut Value, operation: &Value) -> Result<(), Refusal> {
    let path = operation["path"].as_str().unwrap_or_default();
    let value = operation["value"].clone();
    let (parent, last) = path.rsplit_once('/').unwrap_or_default();
    let Some(inside) = resource.pointer_mut(parent) else { return refuse(422, "a patch leads nowhere") };
    match (operation["op"].as_str(), inside) {
        (Some("test"), Value::Object(map)) if map.get(last) == Some(&value) => Ok(()),
        (Some("replace"), Value::Object(map)) if map.contains_key(last) => {
            map.insert(last.to_owned(), value);
            Ok(())
        }
        (Some("add"), Value::Object(map)) => {
            map.insert(last.to_owned(), value);
            Ok(())
        }
        (Some("add"), Value::Array(items)) if last == "-" => {
            items.push(value);
            Ok(())
        }
        (Some("test"), _) => refuse(422, "a test failed"),
        _ => refuse(422, "a patch that cannot be done"),
    }
}
