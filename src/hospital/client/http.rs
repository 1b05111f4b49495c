//! Bytes over HTTP: no redirects, no proxy from the environment, bounded answers, and troubles told apart by whether
//! the server may have acted. No URL, query or body ever gets into a message.

use super::super::auth::keys::{Keys, Purpose, Which};
use super::super::unhurried::unhurried;
use super::skew::Skew;
use super::token::{NoToken, Tokens};
use crate::config;
use chrono::Utc;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, IF_MATCH, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;
use zeroize::Zeroizing;

const FHIR_JSON: &str = "application/fhir+json";
const JSON_PATCH: &str = "application/json-patch+json";
/// A page of a schedule is far smaller; a larger answer is not for us.
const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// A page of a schedule, which no patient waits for; the answer to a look-up is shorter.
const LONG_BODY_BYTES: usize = 96 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Nobody is asked to wait longer by a header.
const RETRY_AFTER_MAX_S: u64 = 24 * 3600;

pub struct Http {
    client: reqwest::Client,
    base: Url,
    /// Where the hospital asks who we are.
    pub tokens: Option<Tokens>,
    pub skew: Arc<Skew>,
}

/// An answer, read to its end.
pub struct HttpAnswer {
    pub status: u16,
    pub retry_after_s: Option<u64>,
    /// `versionId` out of the `ETag`.
    pub version: Option<String>,
    pub location: Option<String>,
    /// `None` if the body is no JSON object: an HTML page, an empty body.
    pub json: Option<Value>,
}

impl HttpAnswer {
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

/// No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No connection: the server has seen nothing.
    NotSent,
    /// No connection: its certificate is not to be trusted.
    NotTrusted,
    /// No connection: it does not take our certificate, or wants one.
    NotLetIn,
    /// It broke on the way: the server may have acted.
    NoAnswer,
    TimedOut,
    TooLarge,
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotSent => "the hospital server cannot be reached",
            Self::NotTrusted => {
                "the hospital server's certificate is not trusted: is [hospital] ca_file the hospital's CA, is the name in url the server's, is the time right?"
            }
            Self::NotLetIn => {
                "the hospital server does not take this kiosk's certificate, or asks for one: look at [identity] certificate_file"
            }
            Self::NoAnswer => "the connection broke before the answer",
            Self::TimedOut => "no answer within the time limit",
            Self::TooLarge => "the answer was too large",
        })
    }
}

impl Trouble {
    #[must_use]
    pub const fn maybe_delivered(self) -> bool {
        match self {
            Self::NotSent | Self::NotTrusted | Self::NotLetIn => false,
            Self::NoAnswer | Self::TimedOut | Self::TooLarge => true,
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        if let Some(trouble) = tls_error(error).and_then(Self::of_tls) {
            trouble
        } else if error.is_connect() || error.is_builder() {
            Self::NotSent
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::NoAnswer
        }
    }

    /// Only what a technician can mend; everything else is a line that broke.
    fn of_tls(error: &rustls::Error) -> Option<Self> {
        use rustls::AlertDescription as Alert;
        match error {
            rustls::Error::InvalidCertificate(_) => Some(Self::NotTrusted),
            rustls::Error::AlertReceived(
                Alert::CertificateRequired
                | Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError
                | Alert::HandshakeFailure,
            ) => Some(Self::NotLetIn),
            _ => None,
        }
    }
}

/// What TLS said, wherever in the chain of causes it is.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // As a source it would pass over the very error that it holds.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    None
}

impl Http {
    pub fn new(url: &str, ca_file: Option<&Path>, identity: &config::Identity) -> Result<Self, String> {
        static PROVIDER: Once = Once::new();
        let base = base_url(url)?;
        // An error only says that the program has installed one already.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut own = Vec::new();
        if let Some(file) = ca_file {
            let pem = std::fs::read(file).map_err(|error| format!("[hospital] ca_file {}: {error}", file.display()))?;
            own = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| format!("[hospital] ca_file {} holds no PEM certificate", file.display()))?;
        }
        let client = match &identity.certificate_file {
            None => builder(&base, own)
                .build()
                .map_err(|error| format!("[hospital] url: no TLS on this machine: {error}"))?,
            Some(file) => with_certificate(file, &Keys::new(identity), || builder(&base, own.clone()))?,
        };
        let skew = Arc::new(Skew::default());
        let tokens = (!identity.client_id.is_empty())
            .then(|| Tokens::new(client.clone(), base.clone(), identity, Arc::clone(&skew)));
        Ok(Self { client, base, tokens, skew })
    }

    /// With our token where one is asked for; a refused token is asked for anew, once.
    async fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<HttpAnswer, Trouble> {
        let Some(tokens) = &self.tokens else { return exchange(request, timeout, &self.skew).await };
        let again = request.try_clone();
        let bearer = match tokens.bearer(timeout).await {
            Ok(bearer) => bearer,
            Err(none) => return none.into_answer(),
        };
        let answer = exchange(request.header(AUTHORIZATION, bearer.clone()), timeout, &self.skew).await?;
        let Some(again) = again.filter(|_| answer.status == 401) else { return Ok(answer) };
        tokens.forget(&bearer).await;
        match tokens.bearer(timeout).await {
            Ok(fresh) => exchange(again.header(AUTHORIZATION, fresh), timeout, &self.skew).await,
            Err(none) => none.into_answer(),
        }
    }

    /// `path` below the base URL, `query` encoded.
    fn url(&self, path: &str, query: &[(&str, &str)]) -> Option<Url> {
        let mut url = if path.is_empty() { self.base.clone() } else { self.base.join(path).ok()? };
        if path.is_empty() {
            let trimmed = url.path().trim_end_matches('/').to_owned();
            url.set_path(&trimmed);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        is_below(&url, &self.base).then_some(url)
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Result<RequestBuilder, Trouble> {
        let url = self.url(path, query).ok_or(Trouble::NotSent)?;
        Ok(self.client.request(method, url).header("Accept", FHIR_JSON))
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)], timeout: Duration) -> Result<HttpAnswer, Trouble> {
        self.send(self.request(Method::GET, path, query)?, timeout).await
    }

    /// A further page, if it is on the same server.
    pub async fn get_page(&self, link: &str, timeout: Duration) -> Result<HttpAnswer, Trouble> {
        let url = self.base.join(link).ok().filter(|url| url.origin() == self.base.origin()).ok_or(Trouble::NotSent)?;
        self.send(self.client.get(url).header("Accept", FHIR_JSON), timeout).await
    }

    /// A search in the body, so that no patient number gets into a server's access log.
    pub async fn search(
        &self,
        resource: &str,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<HttpAnswer, Trouble> {
        let body = form(query);
        let request = self.request(Method::POST, &format!("{resource}/_search"), &[])?;
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body), timeout).await
    }

    /// A transaction; with `minimal` an answer without the resources is enough.
    pub async fn transaction(&self, bundle: Vec<u8>, minimal: bool, timeout: Duration) -> Result<HttpAnswer, Trouble> {
        let request = self.request(Method::POST, "", &[])?;
        let request = if minimal { request.header("Prefer", "return=minimal") } else { request };
        self.send(request.header(CONTENT_TYPE, FHIR_JSON).body(bundle), timeout).await
    }

    /// A conditional create outside a transaction.
    pub async fn create_once(
        &self,
        resource: &str,
        body: Vec<u8>,
        if_none_exist: &str,
        timeout: Duration,
    ) -> Result<HttpAnswer, Trouble> {
        let request = self.request(Method::POST, resource, &[])?.header("If-None-Exist", if_none_exist);
        self.send(request.header(CONTENT_TYPE, FHIR_JSON).header("Prefer", "return=representation").body(body), timeout)
            .await
    }

    pub async fn json_patch(
        &self,
        path: &str,
        operations: &Value,
        version: Option<&str>,
        timeout: Duration,
    ) -> Result<HttpAnswer, Trouble> {
        let request =
            self.request(Method::PATCH, path, &[])?.header(CONTENT_TYPE, JSON_PATCH).body(operations.to_string());
        self.send(if_match(request, version), timeout).await
    }

    pub async fn put(
        &self,
        path: &str,
        resource: &Value,
        version: Option<&str>,
        timeout: Duration,
    ) -> Result<HttpAnswer, Trouble> {
        let request = self.request(Method::PUT, path, &[])?.header(CONTENT_TYPE, FHIR_JSON).body(resource.to_string());
        self.send(if_match(request, version), timeout).await
    }
}

fn if_match(request: RequestBuilder, version: Option<&str>) -> RequestBuilder {
    match version {
        Some(version) => request.header(IF_MATCH, format!("W/\"{version}\"")),
        None => request,
    }
}

/// The base with a slash at its end, so that `join` keeps its path.
fn base_url(url: &str) -> Result<Url, String> {
    let mut base = Url::parse(url).map_err(|error| {
        format!("[hospital] url `{url}`: {error}; write for example https://fhir.hospital.example/r4")
    })?;
    match base.scheme() {
        "https" | "http" if is_safe(&base) => {}
        "http" => {
            return Err(format!(
                "[hospital] url `{url}`: patients' data needs https://; http:// is only for this machine itself"
            ));
        }
        other => return Err(format!("[hospital] url `{url}`: `{other}` is not https")),
    }
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    base.set_query(None);
    base.set_fragment(None);
    Ok(base)
}

/// References come from the server; one with `..` or another host in it must not lead us away.
fn is_below(url: &Url, base: &Url) -> bool {
    url.origin() == base.origin() && format!("{}/", url.path()).starts_with(base.path())
}

impl NoToken {
    /// As the FHIR server itself would put it: everything is held, nothing is parked.
    fn into_answer(self) -> Result<HttpAnswer, Trouble> {
        match self {
            // Whatever broke on the way to the token: the request itself never left.
            Self::Unreachable(trouble) if trouble.maybe_delivered() => Err(Trouble::NotSent),
            Self::Unreachable(trouble) => Err(trouble),
            Self::Refused(_) => {
                Ok(HttpAnswer { status: 401, retry_after_s: None, version: None, location: None, json: None })
            }
        }
    }
}

fn builder(base: &Url, own: Vec<reqwest::Certificate>) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
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

/// Encrypted, or this very machine.
pub fn is_safe(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// One request, one answer, and what the answer says of the two clocks.
pub async fn exchange(request: RequestBuilder, timeout: Duration, skew: &Skew) -> Result<HttpAnswer, Trouble> {
    let sent = Utc::now();
    let mut response = request.timeout(timeout).send().await.map_err(|error| Trouble::of(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    skew.heard(Utc::now());
    if let Some(date) = text(&headers, &DATE) {
        skew.note(date, sent, Utc::now());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| if error.is_timeout() { Trouble::TimedOut } else { Trouble::NoAnswer })?
    {
        if body.len() + chunk.len() > BODY_MAX_BYTES {
            return Err(Trouble::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpAnswer {
        status,
        retry_after_s: text(&headers, &RETRY_AFTER).and_then(|value| retry_after_s(value, text(&headers, &DATE))),
        version: text(&headers, &ETAG).map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned()),
        location: text(&headers, &LOCATION).map(str::to_owned),
        json: read(body).await,
    })
}

async fn read(body: Vec<u8>) -> Option<Value> {
    let read = |body: &[u8]| serde_json::from_slice(body).ok().filter(Value::is_object);
    if body.len() < LONG_BODY_BYTES { read(&body) } else { unhurried(move || read(&body)).await.flatten() }
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
    let until = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let now = chrono::DateTime::parse_from_rfc2822(server_date?).ok()?;
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
            ("Wed, 25 Nov 2026 01:02:00 GMT", None, None),
            ("soon", date, None),
            ("-1", date, None),
        ] {
            assert_eq!(retry_after_s(value, date), seconds, "{value}");
        }
    }

    #[test]
    fn only_https_or_loopback() {
        for (url, accepted) in [
            ("https://fhir.hospital.example/r4", true),
            ("http://127.0.0.1:8080/fhir", true),
            ("http://localhost/fhir/", true),
            ("http://fhir.hospital.example/r4", false),
            ("ftp://fhir.hospital.example", false),
            ("fhir.hospital.example", false),
            ("", false),
        ] {
            assert_eq!(Http::new(url, None, &config::Identity::default()).is_ok(), accepted, "{url}");
        }
    }

    #[test]
    fn paths_stay_below_the_base() {
        let http = Http::new("https://h.example/r4", None, &config::Identity::default()).expect("a client");
        for (path, url) in [
            ("", Some("https://h.example/r4")),
            ("Patient/7", Some("https://h.example/r4/Patient/7")),
            ("https://h.example/r4/Patient/7", Some("https://h.example/r4/Patient/7")),
            ("../admin", None),
            ("https://evil.example/r4/Patient/7", None),
            ("//evil.example/r4/x", None),
        ] {
            assert_eq!(http.url(path, &[]).as_ref().map(Url::as_str), url, "{path}");
        }
        let url = http.url("Appointment", &[("date", "ge2026-11-25T00:00:00+09:00")]).expect("a url");
        assert_eq!(url.query(), Some("date=ge2026-11-25T00%3A00%3A00%2B09%3A00"));
    }
}
