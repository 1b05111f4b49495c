//! Bytes over HTTP: no redirects, no proxy from the environment, bounded answers, and troubles told apart by whether
//! the server may have acted. No URL, query or body ever gets into a message.

use super::super::auth::keys::{Keys, Purpose, Which};
use super::super::unhurried::unhurried;
use super::super::wire::Next;
pub use super::body::Content;
use super::body::{self, BODY_MAX_BYTES, Form, Unread};
use super::door::Door;
use super::links::{Base, Trail};
use super::skew::{self, Skew};
use super::token::{NoToken, Tokens};
use super::trouble;
use crate::config;
use crate::domain::reason::LineTrouble;
use chrono::Utc;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MATCH, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

pub use super::links::is_safe;

const FHIR_JSON: &str = "application/fhir+json";
const JSON_PATCH: &str = "application/json-patch+json";
/// A page of a schedule, which no patient waits for; the answer to a look-up is shorter. What is compressed is longer than
/// it looks.
const LONG_BODY_BYTES: usize = 96 * 1024;
const LONG_PACKED_BYTES: usize = 12 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No version and no address is longer.
const HEADER_BYTES_MAX: usize = 4_096;
/// Nobody is asked to wait longer by a header; the sender's own cap is shorter still.
const RETRY_AFTER_MAX_S: u64 = 24 * 3600;

/// Answers in place of a network, for a rehearsal: to a method, an address and a body.
pub type InPlace = Arc<dyn Fn(&str, &Url, &[u8]) -> Result<HttpAnswer, LineTrouble> + Send + Sync>;

pub struct Http {
    client: reqwest::Client,
    in_place: Option<InPlace>,
    base: Base,
    /// Where transactions go since the server said that its base has moved.
    moved: Mutex<Option<Url>>,
    /// The last server, other than the configured one, that a link named.
    elsewhere: Mutex<String>,
    /// Where the hospital asks who we are.
    pub tokens: Option<Tokens>,
    pub skew: Arc<Skew>,
    pub door: Door,
}

/// An answer, read to its end.
pub struct HttpAnswer {
    pub status: u16,
    pub retry_after_s: Option<u64>,
    /// As it came, to be given back so: the server compares it.
    pub etag: Option<String>,
    pub location: Option<String>,
    /// `None` if the body is no JSON object that can be read: an HTML page, an empty body. The log says which.
    pub json: Option<Value>,
    pub content: Content,
}

impl HttpAnswer {
    /// An answer with nothing in it.
    #[must_use]
    pub const fn bare(status: u16) -> Self {
        Self { status, retry_after_s: None, etag: None, location: None, json: None, content: Content::Nothing }
    }

    /// The FHIR server itself said it.
    #[must_use]
    pub fn is_fhir(&self) -> bool {
        self.content == Content::Resource
    }

    /// A web page: whatever it says, it is nothing that a FHIR server says of a request.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.content == Content::Page
    }

    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body of a success, if it is this resource.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Value> {
        self.json.as_ref().filter(|json| self.is_success() && json["resourceType"] == name)
    }
}

impl Http {
    pub fn new(url: &str, ca_file: Option<&Path>, identity: &config::Identity) -> Result<Self, String> {
        let base = Base::parse(url)?;
        provide();
        let mut own = Vec::new();
        if let Some(file) = ca_file {
            let pem = std::fs::read(file).map_err(|error| format!("[hospital] ca_file {}: {error}", file.display()))?;
            own = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| format!("[hospital] ca_file {} holds no PEM certificate", file.display()))?;
        }
        let client = match &identity.certificate_file {
            None => builder(base.below(), own)
                .build()
                .map_err(|error| format!("[hospital] url: no TLS on this machine: {error}"))?,
            Some(file) => with_certificate(file, &Keys::new(identity), || builder(base.below(), own.clone()))?,
        };
        let skew = Arc::new(Skew::default());
        let tokens = (!identity.client_id.is_empty())
            .then(|| Tokens::new(client.clone(), base.below().clone(), identity, Arc::clone(&skew)));
        Ok(Self { tokens, skew, ..Self::over(client, base) })
    }

    fn over(client: reqwest::Client, base: Base) -> Self {
        Self {
            client,
            in_place: None,
            base,
            moved: Mutex::default(),
            elsewhere: Mutex::default(),
            tokens: None,
            skew: Arc::default(),
            door: Door::default(),
        }
    }

    /// Without a network, and each at once.
    pub fn in_place(url: &str, answers: InPlace) -> Result<Self, String> {
        static REQUESTS: OnceLock<Result<reqwest::Client, String>> = OnceLock::new();
        let base = Base::parse(url)?;
        provide();
        let plain =
            || reqwest::Client::builder().no_proxy().tls_certs_only([]).build().map_err(|error| error.to_string());
        let client = REQUESTS.get_or_init(plain).clone()?;
        Ok(Self { in_place: Some(answers), ..Self::over(client, base) })
    }

    /// With our token where one is asked for; a refused token is asked for anew, once.
    async fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<HttpAnswer, LineTrouble> {
        self.exchanged(request, timeout).await.inspect(|answer| self.door.answered(answer))
    }

    async fn exchanged(&self, request: RequestBuilder, timeout: Duration) -> Result<HttpAnswer, LineTrouble> {
        if let Some(answers) = &self.in_place {
            let request = request.build().map_err(|error| trouble::of_error(&error))?;
            let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
            return answers(request.method().as_str(), request.url(), body);
        }
        let Some(tokens) = &self.tokens else { return exchange(request, timeout, Some(&self.skew)).await };
        let again = request.try_clone();
        let bearer = match tokens.bearer(timeout).await {
            Ok(bearer) => bearer,
            Err(none) => return none.into_answer(),
        };
        let answer = exchange(request.header(AUTHORIZATION, bearer.clone()), timeout, Some(&self.skew)).await?;
        let Some(again) = again.filter(|_| answer.status == 401) else { return Ok(answer) };
        tokens.forget(&bearer).await;
        match tokens.bearer(timeout).await {
            Ok(fresh) => exchange(again.header(AUTHORIZATION, fresh), timeout, Some(&self.skew)).await,
            Err(none) => none.into_answer(),
        }
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Result<RequestBuilder, LineTrouble> {
        let url = self.base.url(path, query).ok_or(LineTrouble::NotFollowed)?;
        Ok(self.asking(method, url))
    }

    fn asking(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url).header("Accept", FHIR_JSON)
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)], timeout: Duration) -> Result<HttpAnswer, LineTrouble> {
        self.send(self.request(Method::GET, path, query)?, timeout).await
    }

    /// Beside the patients' business: what becomes of it says nothing of whether this kiosk is let in.
    pub async fn aside(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        resource: Option<&Value>,
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        let request = self.request(method, path, query)?;
        let request = match resource {
            Some(resource) => request.header(CONTENT_TYPE, FHIR_JSON).body(resource.to_string()),
            None => request,
        };
        self.exchanged(request, timeout).await
    }

    pub fn trail(&self, name: &str) -> Trail {
        Trail::new(&self.base, name)
    }

    /// A further page, wherever below the configured base it is; `None` if that page was there before.
    pub async fn get_page(
        &self,
        trail: &mut Trail,
        next: &Next,
        timeout: Duration,
    ) -> Option<Result<HttpAnswer, LineTrouble>> {
        let step = trail.step(&self.base, next)?;
        if let Some(elsewhere) = step.elsewhere {
            self.note_elsewhere(elsewhere);
        }
        let mut last = Err(LineTrouble::NotFollowed);
        for url in step.targets {
            last = self.send(self.asking(Method::GET, url.clone()), timeout).await;
            match &last {
                Ok(answer) if answer.resource("Bundle").is_some() => {
                    trail.moved_on(url);
                    break;
                }
                // Not this place; perhaps another.
                Ok(answer) if answer.is_success() || matches!(answer.status, 301..=308 | 400 | 403..=405 | 410) => {}
                Ok(_) | Err(_) => break,
            }
        }
        Some(last)
    }

    fn note_elsewhere(&self, host: String) {
        let mut known = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != host {
            tracing::warn!(
                host,
                "the links of the hospital's server lead to another name: its further pages are asked for at hospital.url; its public address should be set there"
            );
            *known = host;
        }
    }

    /// A search in the body, so that no patient number gets into a server's access log.
    pub async fn search(
        &self,
        resource: &str,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        let body = form(query);
        let request = self.request(Method::POST, &format!("{resource}/_search"), &[])?;
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body), timeout).await
    }

    /// A transaction; with `minimal` an answer without the resources is enough. Where the server says that its base has moved, nothing is
    /// sent again here: what was sent is looked for first, and the next try goes to the new place.
    pub async fn transaction(
        &self,
        bundle: Vec<u8>,
        minimal: bool,
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        let moved = self.moved();
        let url = moved.clone().unwrap_or_else(|| self.base.written().clone());
        let request = self.client.post(url).header("Accept", FHIR_JSON);
        let request = if minimal { request.header("Prefer", "return=minimal") } else { request };
        let answer = self.send(request.header(CONTENT_TYPE, FHIR_JSON).body(bundle), timeout).await?;
        match answer.status {
            // For good, and the request stays a POST (RFC 9110, 15.4.2 and 15.4.9). 302 and 303 say nothing of that.
            301 | 308 if moved.is_none() => self.learn_move(answer.location.as_deref().unwrap_or_default()),
            301 | 308 | 404 | 405 | 410 if moved.is_some() => *self.moved_lock() = None,
            _ => {}
        }
        Ok(answer)
    }

    /// Where transactions go since the server said that its base has moved.
    pub fn moved(&self) -> Option<Url> {
        self.moved_lock().clone()
    }

    fn moved_lock(&self) -> std::sync::MutexGuard<'_, Option<Url>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn_move(&self, location: &str) {
        let Some(url) = self.base.moved(location) else {
            tracing::error!("the hospital's base has moved to where no request is sent: look at hospital.url");
            return;
        };
        tracing::warn!(path = url.path(), "the hospital's base has moved: write hospital.url so");
        *self.moved_lock() = Some(url);
    }

    /// A conditional create outside a transaction.
    pub async fn create_once(
        &self,
        resource: &str,
        body: Vec<u8>,
        if_none_exist: &str,
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        let request = self.request(Method::POST, resource, &[])?.header("If-None-Exist", if_none_exist);
        self.send(request.header(CONTENT_TYPE, FHIR_JSON).header("Prefer", "return=representation").body(body), timeout)
            .await
    }

    pub async fn json_patch(
        &self,
        path: &str,
        operations: &Value,
        tag: Option<&str>,
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        let request =
            self.request(Method::PATCH, path, &[])?.header(CONTENT_TYPE, JSON_PATCH).body(operations.to_string());
        self.send(if_match(request, tag), timeout).await
    }

    pub async fn put(
        &self,
        path: &str,
        resource: &Value,
        tag: Option<&str>,
        timeout: Duration,
    ) -> Result<HttpAnswer, LineTrouble> {
        let request = self.request(Method::PUT, path, &[])?.header(CONTENT_TYPE, FHIR_JSON).body(resource.to_string());
        self.send(if_match(request, tag), timeout).await
    }
}

fn provide() {
    static PROVIDER: Once = Once::new();
    // An error only says that the program has installed one already.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn if_match(request: RequestBuilder, tag: Option<&str>) -> RequestBuilder {
    match tag {
        Some(tag) => request.header(IF_MATCH, tag),
        None => request,
    }
}

impl NoToken {
    /// As the FHIR server itself would put it: everything is held, nothing is parked.
    fn into_answer(self) -> Result<HttpAnswer, LineTrouble> {
        match self {
            // Whatever broke on the way to the token: the request itself never left.
            Self::Unreachable(trouble) if trouble.maybe_delivered() => Err(LineTrouble::NotSent),
            Self::Unreachable(trouble) => Err(trouble),
            Self::Refused(_) => Ok(HttpAnswer::bare(401)),
        }
    }
}

fn builder(base: &Url, own: Vec<reqwest::Certificate>) -> reqwest::ClientBuilder {
    // A server may give its answer of a moment ago once more (HAPI FHIR does for a minute), and a gateway that keeps answers
    // would tell of appointments, and of a time, that are no more.
    let fixed = HeaderMap::from_iter([
        (ACCEPT_ENCODING, HeaderValue::from_static(body::CODINGS)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]);
    let builder = reqwest::Client::builder()
        .default_headers(fixed)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(4);
    // Plain HTTP needs no roots, and a machine without any must still run on loopback.
    if base.scheme() == "http" { builder.tls_certs_only(own) } else { builder.tls_certs_merge(own) }
}

/// A client with the certificate in `file`, and whichever of our keys belongs to it: after a change of keys the new
/// certificate brings the next key into its place.
fn with_certificate(
    file: &Path,
    keys: &Keys,
    builder: impl Fn() -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, String> {
    let named = |why: &dyn fmt::Display| format!("[identity] certificate_file {}: {why}", file.display());
    let certificate = std::fs::read(file).map_err(|error| named(&error))?;
    for which in [Which::Next, Which::Current] {
        let Some(key) = keys.pem(Purpose::Tls, which).map_err(|why| named(&why))? else { continue };
        let both = Zeroizing::new([certificate.as_slice(), b"\n", &key].concat());
        let identity = reqwest::Identity::from_pem(&both).map_err(|_| named(&"it holds no PEM certificate"))?;
        // A key that is another certificate's is refused here.
        if let Ok(client) = builder().identity(identity).build() {
            if which == Which::Next {
                keys.promote(Purpose::Tls)?;
            }
            return Ok(client);
        }
    }
    Err(named(
        &"none of this kiosk's keys belongs to it: `kiosk enroll --tls` makes one and the request for its certificate",
    ))
}

/// Pairs as `application/x-www-form-urlencoded`.
pub fn form(pairs: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("http://localhost") else { return String::new() };
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// One request, one answer, and what the answer says of the two clocks. `None` where a cache may answer and not say so.
pub async fn exchange(
    request: RequestBuilder,
    timeout: Duration,
    skew: Option<&Skew>,
) -> Result<HttpAnswer, LineTrouble> {
    let sent = Utc::now();
    let mut response = request.timeout(timeout).send().await.map_err(|error| trouble::of_error(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    if let Some(skew) = skew {
        skew.answered(&headers, sent, Utc::now());
    }
    let success = response.status().is_success();
    let form = Form::of(&headers);
    // What is no success says enough by its status; a server that has refused a long request may break the line at once.
    let cut = |trouble, why| {
        if success { Err(trouble) } else { Ok(answer(status, &headers, None, form.content(Err(&why)))) }
    };
    let too_large = |length: u64| length > u64::try_from(BODY_MAX_BYTES).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    if response.content_length().is_some_and(too_large) {
        return cut(LineTrouble::TooLarge, Unread::TooLarge);
    }
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => {
                let trouble = if error.is_timeout() { LineTrouble::TimedOut } else { LineTrouble::NoAnswer };
                return cut(trouble, Unread::Broken);
            }
        };
        if body.len() + chunk.len() > BODY_MAX_BYTES {
            return cut(LineTrouble::TooLarge, Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let bytes = body.len();
    let read = read(body, form.clone()).await;
    let content = form.content(read.as_ref());
    match read {
        Ok(json) => Ok(answer(status, &headers, Some(json), content)),
        Err(Unread::TooLarge) if success => Err(LineTrouble::TooLarge),
        Err(why) => {
            if success && why != Unread::Empty {
                tracing::warn!(status, kind = form.kind(), bytes, %why, "an answer of the hospital's server cannot be read");
            }
            Ok(answer(status, &headers, None, content))
        }
    }
}

fn answer(status: u16, headers: &HeaderMap, json: Option<Value>, content: Content) -> HttpAnswer {
    HttpAnswer {
        status,
        retry_after_s: text(headers, &RETRY_AFTER).and_then(|value| retry_after_s(value, text(headers, &DATE))),
        etag: text(headers, &ETAG).filter(|tag| tag.len() <= HEADER_BYTES_MAX).map(str::to_owned),
        location: text(headers, &LOCATION).filter(|place| place.len() <= HEADER_BYTES_MAX).map(str::to_owned),
        json,
        content,
    }
}

async fn read(packed: Vec<u8>, form: Form) -> Result<Value, Unread> {
    let long = if form.is_compressed() { LONG_PACKED_BYTES } else { LONG_BODY_BYTES };
    if packed.len() < long {
        return body::read(packed, &form);
    }
    unhurried(move || body::read(packed, &form)).await.unwrap_or(Err(Unread::NotJson))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds, or an HTTP date measured against the server's own clock (RFC 9110, 10.2.3).
fn retry_after_s(value: &str, server_date: Option<&str>) -> Option<u64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(seconds.min(RETRY_AFTER_MAX_S));
    }
    let (until, now) = (skew::http_date(value)?, skew::http_date(server_date?)?);
    Some(u64::try_from((until - now).num_seconds()).unwrap_or(0).min(RETRY_AFTER_MAX_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = Some("Wed, 25 Nov 2026 01:00:00 GMT");
        for (value, date, seconds) in [
            ("120", None, Some(120)),
            (" 5 ", None, Some(5)),
            ("99999999", None, Some(RETRY_AFTER_MAX_S)),
            ("Wed, 25 Nov 2026 01:02:00 GMT", date, Some(120)),
            ("Wed, 25 Nov 2026 00:59:00 GMT", date, Some(0)),
            ("Wednesday, 25-Nov-26 01:02:00 GMT", date, Some(120)),
            ("Wed Nov 25 01:02:00 2026", date, Some(120)),
            ("Wed, 25 Nov 2026 01:02:00 GMT", None, None),
            ("soon", date, None),
            ("-1", date, None),
        ] {
            assert_eq!(retry_after_s(value, date), seconds, "{value}");
        }
    }
}
