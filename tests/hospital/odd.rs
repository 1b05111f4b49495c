//! A FHIR server that answers whatever a test wants: for what real servers do and the simulated hospital does not.

use super::fixture::{StoppedClock, day, facility, settings};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use hospital_kiosk::domain::patient::{BirthDate, Patient, PatientNumber};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::{Believed, LookUps};
use hospital_kiosk::rehearsal::people;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// What came over the wire.
#[derive(Clone)]
pub struct Asked {
    pub method: String,
    /// With the base.
    pub path: String,
    /// Of the URL, or of a form in the body.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn told(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The elements asked for leave something out.
    pub fn spares(&self) -> bool {
        self.told("_elements").is_some()
    }

    /// Below the base `/fhir`.
    pub fn is(&self, path: &str) -> bool {
        self.path.strip_prefix("/fhir/").is_some_and(|rest| rest.trim_end_matches("/_search") == path)
    }
}

#[derive(Clone)]
pub struct Told {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

pub fn told(status: u16, value: &Value) -> Told {
    Told { status, headers: vec![("content-type", "application/fhir+json".to_owned())], body: value.to_string().into() }
}

pub fn refused(status: u16) -> Told {
    told(status, &json!({"resourceType": "OperationOutcome", "issue": [outcome_issue("error")]}))
}

pub fn outcome_issue(severity: &str) -> Value {
    json!({"severity": severity, "code": "processing", "diagnostics": "Hong 10293847"})
}

pub fn html(status: u16) -> Told {
    Told {
        status,
        headers: vec![("content-type", "text/html".to_owned())],
        body: b"<!doctype html><title>Welcome</title>".to_vec(),
    }
}

/// Matches, without links.
pub fn searchset(resources: &[Value]) -> Value {
    let entry: Vec<Value> =
        resources.iter().map(|resource| json!({"resource": resource, "search": {"mode": "match"}})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entry})
}

pub fn with_next(mut bundle: Value, link: &str) -> Value {
    bundle["link"] = json!([{"relation": "next", "url": link}]);
    bundle
}

type Rule = Arc<dyn Fn(&Asked) -> Told + Send + Sync>;

/// At `/fhir`, until the test's runtime ends.
pub struct Odd {
    pub origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Odd {
    pub async fn start(rule: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let state: (Arc<Mutex<Vec<Asked>>>, Rule) = (Arc::clone(&asked), Arc::new(rule));
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, asked }
    }

    pub fn url(&self) -> String {
        format!("{}/fhir", self.origin)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn count(&self, which: impl Fn(&Asked) -> bool) -> usize {
        self.asked().iter().filter(|asked| which(asked)).count()
    }

    pub fn client(&self) -> Client {
        client_at(&self.url())
    }
}

pub fn client_at(url: &str) -> Client {
    Client::new(&settings(url), Arc::new(facility()), Arc::new(Believed(StoppedClock))).expect("a client")
}

async fn answer(
    State((seen, rule)): State<(Arc<Mutex<Vec<Asked>>>, Rule)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = if headers.get("content-type").is_some_and(|kind| kind == "application/x-www-form-urlencoded") {
        String::from_utf8_lossy(&body).into_owned()
    } else {
        uri.query().unwrap_or_default().to_owned()
    };
    let pairs = reqwest::Url::parse(&format!("http://localhost/?{form}")).expect("a query");
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: pairs.query_pairs().into_owned().collect(),
        headers,
        body: body.to_vec(),
    };
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let told = rule(&asked);
    let mut answer = Response::builder().status(told.status);
    for (name, value) in told.headers {
        answer = answer.header(name, value);
    }
    answer.body(Body::from(told.body)).expect("an answer")
}

/// Born 1958-04-12, with the number that the tests ask for.
pub fn hong(id: &str) -> Value {
    json!({
        "resourceType": "Patient", "id": id, "active": true, "birthDate": "1958-04-12",
        "identifier": [{"system": people::PATIENT_SYSTEM, "value": people::MAIN}],
        "name": [{"use": "official", "family": "홍", "given": ["길동"]}],
    })
}

/// Of `Patient/1`, at half past ten.
pub fn visit(id: &str) -> Value {
    json!({
        "resourceType": "Appointment", "id": id, "status": "booked", "start": format!("{}T10:30:00+09:00", day()),
        "meta": {"versionId": "1", "lastUpdated": "2026-11-24T01:00:00Z"},
        "identifier": [{"system": people::SLIP_SYSTEM, "value": "AS-1"}],
        "participant": [{"actor": {"reference": "Patient/1"}, "status": "accepted"}],
    })
}

pub fn born() -> BirthDate {
    BirthDate("1958-04-12".parse().expect("a date"))
}

pub fn number(text: &str) -> PatientNumber {
    PatientNumber(text.to_owned())
}

pub async fn find(client: &Client, text: &str) -> Reply {
    client.ask(Question::FindPatient { number: number(text), birth_date: born(), by_card: false }).await
}

pub fn found() -> Patient {
    Patient {
        number: number(people::MAIN),
        birth_date: born(),
        masked_name: "홍○동".to_owned(),
        server_ref: Some("Patient/1".to_owned()),
        offline: false,
        identity_verified_on: None,
    }
}

pub async fn visits(client: &Client) -> Reply {
    client.ask(Question::Appointments { patient: Box::new(found()) }).await
}

/// The reply's own name: what it says of a patient stays out of a test's output, too.
pub fn word(reply: &Reply) -> String {
    format!("{reply:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
