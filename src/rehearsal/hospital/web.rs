//! HTTP in front of the shelf: paths, headers, faults.

use super::line::{Cut, SimListener};
use super::query::{parse_query, spared};
use super::rules::Refusal;
use super::shelf::{Shelf, UNDER_ITS_OWN_ID};
use super::{Fault, SLOW_MS, Shared, rules};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;

pub async fn serve(listener: SimListener, shared: Arc<Shared>) {
    let router = Router::new().fallback(handle).layer(DefaultBodyLimit::max(BODY_MAX_BYTES)).with_state(shared);
    if let Err(error) = axum::serve(listener, router.into_make_service_with_connect_info::<Cut>()).await {
        tracing::error!(%error, "the simulated hospital stopped");
    }
}

struct Asked<'a> {
    method: &'a str,
    /// `Patient`, `Patient/h1`, `Patient/_search`, empty for a transaction.
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response<Body> {
    let path = uri.path().strip_prefix("/fhir").unwrap_or_default().trim_matches('/').to_owned();
    let asked = Asked {
        method: method.as_str(),
        path: &path,
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
    };
    if let Some(answer) = at_the_gate(&shared, uri.path(), &asked) {
        return dated(answer, &shared, asked.method);
    }
    dated(inside(&shared, &cut, &asked).await, &shared, asked.method)
}

/// The token server, and whoever comes without its token.
fn at_the_gate(shared: &Shared, path: &str, asked: &Asked<'_>) -> Option<Response<Body>> {
    let now_s = shared.now().timestamp();
    let mut guard = shared.guard();
    let guard = guard.as_mut()?;
    let json = |(status, value): (u16, Value)| respond(status, "application/json", value.to_string(), &[]);
    if asked.path == ".well-known/smart-configuration" {
        return Some(json((200, guard.smart_configuration())));
    }
    if path == "/auth/token" {
        return Some(json(guard.token(&parse_query(&String::from_utf8_lossy(asked.body)), now_s)));
    }
    let open = asked.path == "metadata" || guard.lets_in(asked.header("authorization"), now_s);
    (!open).then(|| outcome(401, "who are you?"))
}

/// The server's own `Date`; without it the library writes the machine's.
fn dated(mut answer: Response<Body>, shared: &Shared, method: &str) -> Response<Body> {
    let age_s = if method == "GET" { shared.cached_s.load(Ordering::Relaxed) } else { 0 };
    let date = (shared.now() - TimeDelta::seconds(age_s)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if age_s > 0 && shared.cache_says_so.load(Ordering::Relaxed) {
        answer.headers_mut().insert(header::AGE, age_s.into());
    }
    if let Ok(date) = header::HeaderValue::from_str(&date) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}

async fn inside(shared: &Shared, cut: &Cut, asked: &Asked<'_>) -> Response<Body> {
    shared.shelf().note_request(asked.method, asked.path);
    if let Some((status, page)) = written_out(shared, asked) {
        return respond(status, "application/fhir+json", page, &[]);
    }
    let fault = shared.fault();
    if fault == Fault::Slow {
        tokio::time::sleep(Duration::from_millis(SLOW_MS)).await;
    }
    if let Some(answer) = instead(&fault, asked) {
        return answer;
    }
    if fault == Fault::Overtaken && asked.writes() {
        shared.shelf().overtake();
        shared.set_fault(Fault::Up);
    }
    let answer = work(&mut shared.shelf(), asked);
    let loses = matches!(fault, Fault::LoseAnswers | Fault::TakesApart { loses_answers: true, .. });
    if loses && asked.writes() {
        cut.now();
    }
    match answer {
        Ok(done) => done.into_response(),
        Err(Refusal { status, said: Some(said), .. }) => {
            let body = if said.is_null() { String::new() } else { said.to_string() };
            respond(status, "application/fhir+json", body, &[])
        }
        Err(refusal) => outcome(refusal.status, &refusal.text),
    }
}

fn written_out(shared: &Shared, asked: &Asked<'_>) -> Option<(u16, String)> {
    if (asked.method, asked.path) != ("GET", "Appointment") {
        return None;
    }
    shared.day().as_mut()?.answer(&parse_query(asked.query))
}

/// The answer of a hospital that does not even look at the request.
fn instead(fault: &Fault, asked: &Asked<'_>) -> Option<Response<Body>> {
    match fault {
        Fault::Reject => Some(outcome(503, "closed for repairs")),
        Fault::Html => Some(respond(
            200,
            "text/html",
            "<!doctype html><title>Welcome to the hospital's guest network</title>".into(),
            &[],
        )),
        Fault::Answer { status, retry_after } if asked.writes() => {
            let extra: Vec<(&str, &str)> = retry_after.iter().map(|value| ("retry-after", value.as_str())).collect();
            Some(respond(
                *status,
                "application/fhir+json",
                json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]})
                    .to_string(),
                &extra,
            ))
        }
        Fault::WrongResource => Some(respond(
            200,
            "application/fhir+json",
            json!({"resourceType": "Basic", "code": {"text": "?"}}).to_string(),
            &[],
        )),
        Fault::Up
        | Fault::Down
        | Fault::Slow
        | Fault::LoseAnswers
        | Fault::Answer { .. }
        | Fault::TakesApart { .. }
        | Fault::IgnoresSearch
        | Fault::Overtaken => None,
    }
}

impl Asked<'_> {
    fn writes(&self) -> bool {
        self.method != "GET" && !self.path.ends_with("_search")
    }

    /// RFC 9111, 5.2.1.4.
    fn wants_it_fresh(&self) -> bool {
        self.header("cache-control").is_some_and(|told| told.contains("no-cache"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(self.body).map_err(|_| Refusal {
            status: 400,
            text: "the body is no JSON".to_owned(),
            said: None,
        })
    }
}

struct Done {
    status: u16,
    value: Value,
}

impl Done {
    fn into_response(self) -> Response<Body> {
        let etag = self.value["meta"]["versionId"].as_str().map(|version| format!("W/\"{version}\""));
        let made = self.value["id"].as_str().zip(self.value["resourceType"].as_str()).filter(|_| self.status == 201);
        let location = made.map(|(id, kind)| format!("{kind}/{id}/_history/1"));
        let extra = [("etag", etag), ("location", location)];
        let extra: Vec<(&str, &str)> =
            extra.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let body = if self.status == 204 { String::new() } else { self.value.to_string() };
        respond(self.status, "application/fhir+json", body, &extra)
    }
}

fn work(shelf: &mut Shelf, asked: &Asked<'_>) -> Result<Done, Refusal> {
    let parts: Vec<&str> = asked.path.split('/').filter(|part| !part.is_empty()).collect();
    let ok = |value| Ok(Done { status: 200, value });
    match (asked.method, parts.as_slice()) {
        ("POST", []) => {
            let done = shelf.transaction(&asked.json()?)?;
            Ok(Done { status: shelf.manners.status_of(asked.header("prefer")), value: done })
        }
        ("GET", ["metadata"]) => ok(statement(&shelf.lacking)),
        ("GET", [kind]) => ok(shelf.found(kind, asked.query, asked.wants_it_fresh())?),
        ("POST", [kind, "_search"]) => {
            ok(shelf.found(kind, &String::from_utf8_lossy(asked.body), asked.wants_it_fresh())?)
        }
        ("GET", [kind, id, "_history", version]) => ok(shelf.read_version(kind, id, version)?),
        ("GET", [kind, id]) => ok(spared(&shelf.read(kind, id)?, &parse_query(asked.query))),
        ("POST", [kind]) => {
            let (status, value) = shelf.create(kind, asked.json()?, asked.header("if-none-exist"))?;
            Ok(Done { status, value })
        }
        ("PUT", [kind, id]) => ok(shelf.replace(kind, id, asked.json()?, asked.header("if-match"))?),
        ("PATCH", [kind, id]) if shelf.lacking.contains(&"patch") => {
            rules::refuse(405, format!("{kind}/{id} cannot be patched here"))
        }
        ("PATCH", [kind, id]) if asked.header("content-type") == Some("application/json-patch+json") => {
            ok(shelf.patch(kind, id, &asked.json()?, asked.header("if-match"))?)
        }
        ("PATCH", _) => rules::refuse(415, "only JSON Patch"),
        _ => rules::refuse(405, "not here"),
    }
}

fn statement(lacking: &[&str]) -> Value {
    let interactions = |kind: &str| {
        let mut codes = vec!["read", "create", "update", "search-type"];
        if kind == "Appointment" && !lacking.contains(&"patch") {
            codes.push("patch");
        }
        codes.into_iter().map(|code| json!({"code": code})).collect::<Vec<_>>()
    };
    let resource: Vec<Value> = rules::kinds()
        .filter(|kind| !lacking.contains(kind))
        .map(|kind| json!({"type": kind, "interaction": interactions(kind), "conditionalCreate": !lacking.contains(&"conditionalCreate"), "updateCreate": kind == UNDER_ITS_OWN_ID && !lacking.contains(&"updateCreate"), "searchParam": [{"name": "identifier", "type": "token"}]}))
        .collect();
    json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
        "fhirVersion": "4.0.1", "format": ["json"], "patchFormat": ["application/json-patch+json"],
        "rest": [{"mode": "server", "resource": resource, "interaction": [{"code": "transaction"}]}],
    })
}

fn outcome(status: u16, text: &str) -> Response<Body> {
    let body = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing", "diagnostics": text}]});
    respond(status, "application/fhir+json", body.to_string(), &[])
}

fn respond(status: u16, kind: &str, body: String, extra: &[(&str, &str)]) -> Response<Body> {
    let mut answer = Response::builder()
        .status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(header::CONTENT_TYPE, kind);
    for (name, value) in extra {
        answer = answer.header(*name, *value);
    }
    answer.body(Body::from(body)).unwrap_or_default()
}
