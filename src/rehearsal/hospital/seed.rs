//! The demo's patients on somebody else's server, each on its own (a server may take few entries in a transaction, or none),
//! looked for and then created conditionally, so that a second run makes no second set.

use super::super::people;
use crate::hospital::wire::{address_in, matches_identifier};
use chrono::NaiveDate;
use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_mins(1);
const FHIR_JSON: &str = "application/fhir+json";

/// What is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeded {
    pub created: usize,
    /// Were there from an earlier run.
    pub found: usize,
    /// The server creates nothing conditionally: two runs at once would make two sets.
    pub only_looked_for: bool,
}

/// Creates the demo's patients, their appointments of `day` and the kiosk's Device on the FHIR server at `url`.
///
/// # Errors
/// In words: the server cannot be reached, answers no FHIR, refuses, or already holds patients that are not ours (unless
/// `beside_others`).
pub async fn seed_into(url: &str, day: NaiveDate, beside_others: bool) -> Result<Seeded, String> {
    let server = Server { client: client()?, base: url.trim_end_matches('/').to_owned() };
    if !beside_others && server.holds_others().await? {
        return Err("the server already holds other patients: is this a real hospital? --seed-into puts the demo's patients beside them".to_owned());
    }
    let statement = server.get("metadata").await?.1;
    let mut seeded = Seeded { created: 0, found: 0, only_looked_for: false };
    let mut addresses = BTreeMap::new();
    let bundle = people::seed_bundle(day);
    for entry in bundle["entry"].as_array().into_iter().flatten() {
        let kind = entry["request"]["url"].as_str().unwrap_or_default();
        let mut resource = entry["resource"].clone();
        point_to(&mut resource, &addresses);
        let wish =
            Wish { kind, resource: &resource, once: entry["request"]["ifNoneExist"].as_str().unwrap_or_default() };
        let put = match server.put(&wish, !declines(&statement, kind)).await {
            // Requests name the kiosk by its serial number.
            Err(_) if kind == "Device" => continue,
            put => put?,
        };
        seeded.created += usize::from(put.is_new);
        seeded.found += usize::from(!put.is_new);
        seeded.only_looked_for |= !put.conditionally;
        addresses.insert(entry["fullUrl"].as_str().unwrap_or_default().to_owned(), put.address);
    }
    Ok(seeded)
}

/// It says that it creates no such resource conditionally; silence is tried.
fn declines(statement: &Value, kind: &str) -> bool {
    let all = statement["rest"].as_array().into_iter().flatten();
    let mut resources = all.flat_map(|rest| rest["resource"].as_array().into_iter().flatten());
    resources.any(|resource| resource["type"] == kind && resource["conditionalCreate"] == false)
}

/// What stands for itself in one bundle stands where the server put it.
fn point_to(value: &mut Value, addresses: &BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                match inner.as_str().and_then(|text| addresses.get(text)).filter(|_| name == "reference") {
                    Some(address) => *inner = Value::from(address.as_str()),
                    None => point_to(inner, addresses),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_to(item, addresses)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One resource that should be there once.
struct Wish<'a> {
    kind: &'a str,
    resource: &'a Value,
    /// `identifier=…`, encoded.
    once: &'a str,
}

struct Put {
    /// `Patient/7`.
    address: String,
    is_new: bool,
    conditionally: bool,
}

struct Server {
    client: reqwest::Client,
    base: String,
}

impl Server {
    async fn put(&self, wish: &Wish<'_>, may_condition: bool) -> Result<Put, String> {
        let found = self.look_for(wish).await?;
        if let Some(Some(address)) = found {
            return Ok(Put { address, is_new: false, conditionally: may_condition });
        }
        let was_looked_for = found.is_some();
        if may_condition {
            let (status, location, body) = self.create(wish, true).await?;
            if (200..300).contains(&status) {
                let is_new = status == 201;
                let address = self.address_of(wish, location.as_deref(), &body).await?;
                return Ok(Put { address, is_new, conditionally: true });
            }
            if status == 412 || !was_looked_for {
                return Err(refused(wish.kind, status, &body));
            }
        }
        if !was_looked_for {
            let kind = wish.kind;
            return Err(format!("the server neither finds a {kind} by its identifier nor creates one conditionally"));
        }
        let (status, location, body) = self.create(wish, false).await?;
        if !(200..300).contains(&status) {
            return Err(refused(wish.kind, status, &body));
        }
        let address = self.address_of(wish, location.as_deref(), &body).await?;
        Ok(Put { address, is_new: true, conditionally: false })
    }

    /// `None` if the server cannot search for it; then where it is, if it is there.
    async fn look_for(&self, wish: &Wish<'_>) -> Result<Option<Option<String>>, String> {
        let (status, answer) = self.get(&format!("{}?{}", wish.kind, wish.once)).await?;
        if status >= 500 || status == 401 || status == 403 {
            return Err(refused(wish.kind, status, &answer));
        }
        if answer["resourceType"] != "Bundle" {
            return Ok(None);
        }
        let identifier = &wish.resource["identifier"][0];
        let (system, value) = (&identifier["system"], &identifier["value"]);
        let ours = |resource: &&Value| {
            resource["resourceType"] == wish.kind
                && matches_identifier(resource, system.as_str().unwrap_or_default(), value.as_str().unwrap_or_default())
        };
        let entries = answer["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]);
        let ids: Vec<&str> = entries.filter(ours).filter_map(|resource| resource["id"].as_str()).collect();
        match ids.as_slice() {
            [] => Ok(Some(None)),
            [id, rest @ ..] if rest.iter().all(|other| other == id) => Ok(Some(Some(format!("{}/{id}", wish.kind)))),
            _ => Err(format!("the server holds one of the demo's {}s more than once: remove them there", wish.kind)),
        }
    }

    async fn address_of(&self, wish: &Wish<'_>, location: Option<&str>, body: &Value) -> Result<String, String> {
        let told = location.and_then(|location| address_in(location, wish.kind));
        let body_id = body["id"].as_str().filter(|_| body["resourceType"] == wish.kind);
        if let Some(address) = told.or_else(|| Some(format!("{}/{}", wish.kind, body_id?))) {
            return Ok(address);
        }
        let looked_for = self.look_for(wish).await?.flatten();
        looked_for.ok_or_else(|| format!("the server does not tell where it put a {}", wish.kind))
    }

    /// The status, the `Location` and the body, if it is JSON.
    async fn create(&self, wish: &Wish<'_>, once: bool) -> Result<(u16, Option<String>, Value), String> {
        let request = self.client.post(format!("{}/{}", self.base, wish.kind)).header("Content-Type", FHIR_JSON);
        let request = if once { request.header("If-None-Exist", wish.once) } else { request };
        let request = request.header("Prefer", "return=representation").body(wish.resource.to_string());
        let answer = send(request).await?;
        let (status, location) = (answer.status().as_u16(), answer.headers().get("location"));
        let location = location.and_then(|location| location.to_str().ok()).map(str::to_owned);
        Ok((status, location, body(answer).await?.unwrap_or(Value::Null)))
    }

    async fn get(&self, path: &str) -> Result<(u16, Value), String> {
        let answer = send(self.client.get(format!("{}/{path}", self.base))).await?;
        let status = answer.status();
        let value = body(answer).await?.ok_or_else(|| format!("the server answered {status}, and no JSON"))?;
        Ok((status.as_u16(), value))
    }

    /// A look at the first page is enough: the demo's own patients all fit on it.
    async fn holds_others(&self) -> Result<bool, String> {
        let (status, answer) = self.get("Patient?_count=50").await?;
        if !(200..300).contains(&status) {
            return Err(refused("Patient", status, &answer));
        }
        if answer["resourceType"] != "Bundle" {
            return Err("the server answers a search with something that is no FHIR bundle".to_owned());
        }
        let patients = answer["entry"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| &entry["resource"])
            .filter(|resource| resource["resourceType"] == "Patient");
        let foreign = |patient: &Value| {
            let identifiers = patient["identifier"].as_array();
            !identifiers
                .is_some_and(|list| list.iter().any(|identifier| identifier["system"] == people::PATIENT_SYSTEM))
        };
        Ok(patients.into_iter().any(foreign) || answer["total"].as_u64().is_some_and(|total| total > 50))
    }
}

fn client() -> Result<reqwest::Client, String> {
    // An error only says that one is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    // Not what the server found a minute ago.
    let fresh = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-cache"))]);
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(TIMEOUT);
    let builder = builder.default_headers(fresh);
    builder.build().map_err(|error| error.to_string())
}

async fn send(request: reqwest::RequestBuilder) -> Result<reqwest::Response, String> {
    let answer = request.header("Accept", FHIR_JSON).send().await;
    answer.map_err(|error| format!("the server cannot be reached: {}", error.without_url()))
}

/// `None` if it is no JSON.
async fn body(answer: reqwest::Response) -> Result<Option<Value>, String> {
    let body =
        answer.bytes().await.map_err(|error| format!("the server's answer broke off: {}", error.without_url()))?;
    Ok(serde_json::from_slice(&body).ok())
}

/// In the server's own words: nobody's data was sent but the demo's.
fn refused(kind: &str, status: u16, answer: &Value) -> String {
    let issue = &answer["issue"][0];
    let said =
        [&issue["details"]["text"], &issue["diagnostics"], &issue["details"]["coding"][0]["display"], &issue["code"]];
    let why = said.into_iter().find_map(Value::as_str).unwrap_or("no reason");
    format!("the server answered {status} to a {kind} of the demo: {why}")
}
