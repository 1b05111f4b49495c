//! The demo's patients on somebody else's server, created conditionally so that a second run makes no second set.

use super::super::people;
use chrono::NaiveDate;
use serde_json::Value;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_mins(1);

/// What is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeded {
    pub created: usize,
    /// Were there from an earlier run.
    pub found: usize,
}

/// Creates the demo's patients, their appointments of `day` and the kiosk's Device on the FHIR server at `url`.
///
/// # Errors
/// In words: the server cannot be reached, answers no FHIR, refuses, or already holds patients that are not ours (unless
/// `beside_others`).
pub async fn seed_into(url: &str, day: NaiveDate, beside_others: bool) -> Result<Seeded, String> {
    let base = url.trim_end_matches('/');
    let client = client()?;
    if !beside_others && holds_others(&client, base).await? {
        return Err("the server already holds other patients: is this a real hospital? --seed-into puts the demo's patients beside them".to_owned());
    }
    let bundle = people::seed_bundle(day).to_string();
    let request =
        client.post(base).header("Content-Type", "application/fhir+json").header("Accept", "application/fhir+json");
    let answer = json(request.body(bundle)).await?;
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["response"]["status"].as_str())
        .collect();
    if let Some(refused) = statuses.iter().find(|status| !status.starts_with('2')) {
        return Err(format!("the server refused a part of the demo's patients: {refused}"));
    }
    let created = statuses.iter().filter(|status| status.starts_with("201")).count();
    Ok(Seeded { created, found: statuses.len() - created })
}

fn client() -> Result<reqwest::Client, String> {
    // An error only says that one is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(TIMEOUT);
    builder.build().map_err(|error| error.to_string())
}

/// A look at the first page is enough: the demo's own patients all fit on it.
async fn holds_others(client: &reqwest::Client, base: &str) -> Result<bool, String> {
    let answer =
        json(client.get(format!("{base}/Patient?_count=50")).header("Accept", "application/fhir+json")).await?;
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
        !identifiers.is_some_and(|list| list.iter().any(|identifier| identifier["system"] == people::PATIENT_SYSTEM))
    };
    Ok(patients.into_iter().any(foreign) || answer["total"].as_u64().is_some_and(|total| total > 50))
}

async fn json(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let answer =
        request.send().await.map_err(|error| format!("the server cannot be reached: {}", error.without_url()))?;
    let status = answer.status();
    let body =
        answer.bytes().await.map_err(|error| format!("the server's answer broke off: {}", error.without_url()))?;
    let value: Value =
        serde_json::from_slice(&body).map_err(|_| format!("the server answered {status}, and no JSON"))?;
    if status.is_success() {
        return Ok(value);
    }
    Err(format!("the server answered {status}: {}", value["issue"][0]["diagnostics"].as_str().unwrap_or("no reason")))
}
