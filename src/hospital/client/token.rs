//! Access tokens (SMART Backend Services): asked for when they are needed, kept until they end or are refused, in memory
//! only. Neither token nor assertion gets into a log, an error or a `Debug`.

use super::super::auth::keys::{Keys, SigningKey, Which};
use super::super::auth::{ASSERTION_TYPE, assertion};
use super::http::{self, HttpAnswer};
use super::skew::Skew;
use crate::config;
use crate::domain::clock::BELIEVED_S;
use crate::domain::reason::{BeforeServer, LineTrouble};
use chrono::Utc;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// A token server moves with an update at most.
const DISCOVERY_MAX_AGE: Duration = Duration::from_hours(24);
/// A token is not used in its last seconds; one that lives shorter than that is used once.
const LAST_SECONDS: Duration = Duration::from_secs(30);
/// Where the server does not say: SMART's own limit.
const LIFETIME_S: u64 = 300;
const LIFETIME_MAX_S: u64 = 24 * 3600;
/// Below this difference another try would be the same.
const ANOTHER_TIME_S: u64 = 30;
/// How soon a key that is not registered yet is tried again.
const NEXT_KEY_RETRY: Duration = Duration::from_mins(10);

pub struct Tokens {
    client: reqwest::Client,
    base: Url,
    settings: config::Identity,
    keys: Keys,
    /// Of the token server, by its answers to what is posted to it: no cache gives those.
    skew: Skew,
    /// Of the FHIR server, which cannot be asked without a token.
    hospital: Arc<Skew>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    endpoint: Option<(Url, Instant)>,
    token: Option<Token>,
    next_refused_at: Option<Instant>,
}

struct Token {
    header: HeaderValue,
    good_until: Instant,
    key: String,
}

/// Why there is none.
pub enum NoToken {
    Unreachable(LineTrouble),
    /// In words for staff: everything waits until it is mended.
    Refused(String),
}

impl Tokens {
    pub fn new(client: reqwest::Client, base: Url, settings: &config::Identity, hospital: Arc<Skew>) -> Self {
        let keys = Keys::new(settings);
        let (settings, skew) = (settings.clone(), Skew::default());
        Self { client, base, settings, keys, skew, hospital, state: Mutex::default() }
    }

    /// The value of `Authorization`.
    pub async fn bearer(&self, timeout: Duration) -> Result<HeaderValue, NoToken> {
        // One asks, the others wait for its answer.
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| token.good_until > Instant::now()) {
            return Ok(token.header.clone());
        }
        let token = self.fetch(&mut state, timeout).await.inspect_err(|none| match none {
            NoToken::Unreachable(trouble) => tracing::info!(%trouble, "no token"),
            NoToken::Refused(why) => {
                tracing::error!(why, "no token: nothing is sent to the hospital until this is mended");
            }
        })?;
        let header = token.header.clone();
        state.token = Some(token);
        Ok(header)
    }

    /// The server refused it: the next request asks for another.
    pub async fn forget(&self, refused: &HeaderValue) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.header == refused) {
            state.token = None;
        }
    }

    /// For `kiosk check`: who we are, or why not.
    pub async fn introduction(&self, timeout: Duration) -> Result<String, NoToken> {
        self.bearer(timeout).await?;
        let state = self.state.lock().await;
        let key = state.token.as_ref().map_or("", |token| token.key.as_str());
        let waiting = matches!(self.keys.signing(Which::Next), Ok(Some(_)));
        let next = if waiting { "; the next key is not registered at the hospital yet" } else { "" };
        Ok(format!("signed in as {} with key {key}{next}", self.settings.client_id))
    }

    async fn fetch(&self, state: &mut State, timeout: Duration) -> Result<Token, NoToken> {
        let endpoint = self.endpoint(state, timeout).await?;
        let mut refused = None;
        for which in order(state.next_refused_at) {
            let Some(key) = self.keys.signing(which).map_err(NoToken::Refused)? else { continue };
            match self.ask(&endpoint, &key, timeout).await {
                Ok(token) => {
                    self.accepted(which, state);
                    return Ok(token);
                }
                Err(NoToken::Refused(why)) if which == Which::Next => {
                    tracing::info!(why, "the next key does not work yet");
                    state.next_refused_at = Some(Instant::now());
                }
                Err(NoToken::Refused(why)) => refused = Some(why),
                Err(unreachable @ NoToken::Unreachable(_)) => return Err(unreachable),
            }
        }
        // It may have moved.
        state.endpoint = None;
        let no_key = || "this kiosk has no key of its own: run `kiosk enroll`".to_owned();
        Err(NoToken::Refused(refused.unwrap_or_else(no_key)))
    }

    fn accepted(&self, which: Which, state: &mut State) {
        if which == Which::Current {
            return;
        }
        state.next_refused_at = None;
        match self.keys.promote(super::super::auth::keys::Purpose::Signing) {
            Ok(()) => tracing::info!("the hospital takes the new key; the old one can be removed there"),
            Err(why) => {
                tracing::warn!(why, "the hospital takes the new key, but it could not take the old one's place");
            }
        }
    }

    /// SMART App Launch 2.2, "Well-Known Uniform Resource Identifiers".
    async fn endpoint(&self, state: &mut State, timeout: Duration) -> Result<Url, NoToken> {
        if let Some((endpoint, read_at)) = &state.endpoint
            && read_at.elapsed() < DISCOVERY_MAX_AGE
        {
            return Ok(endpoint.clone());
        }
        let url = self
            .base
            .join(".well-known/smart-configuration")
            .map_err(|_| NoToken::Unreachable(LineTrouble::NotSent))?;
        let request = self.client.get(url).header("Accept", "application/json");
        let answer = http::exchange(request, timeout, None).await.map_err(NoToken::Unreachable)?;
        if matches!(answer.status, 429 | 500..=599) {
            return Err(NoToken::Unreachable(LineTrouble::NotSent));
        }
        if answer.is_page() || matches!(answer.status, 300..=399 | 401 | 403) {
            return Err(NoToken::Refused(format!(
                "where to sign in could not be read (.well-known/smart-configuration): {}",
                BeforeServer(answer.status)
            )));
        }
        let found =
            answer.json.as_ref().filter(|_| answer.is_success()).and_then(|json| json["token_endpoint"].as_str());
        let endpoint = found.and_then(|text| Url::parse(text).ok()).filter(http::is_safe).ok_or_else(|| {
            NoToken::Refused(
                "the hospital server names no https token endpoint in .well-known/smart-configuration: if it asks for no token, leave [identity] client_id empty".to_owned(),
            )
        })?;
        state.endpoint = Some((endpoint.clone(), Instant::now()));
        Ok(endpoint)
    }

    /// A refusal may mean no more than that the assertion's times are wrong to the server: then once more, by the clock that
    /// its answer told, or by ours where that was not tried.
    async fn ask(&self, endpoint: &Url, key: &SigningKey, timeout: Duration) -> Result<Token, NoToken> {
        let tried_s = self.ahead_s();
        let answer = self.post(endpoint, key, timeout, tried_s).await?;
        if !may_be_the_time(&answer) {
            return self.granted_or_why(&answer, key);
        }
        if let Some(seconds) = self.skew.seconds() {
            self.hospital.note(seconds);
        }
        let other = [self.ahead_s(), 0].into_iter().find(|other| other.abs_diff(tried_s) > ANOTHER_TIME_S);
        let Some(other) = other else { return self.granted_or_why(&answer, key) };
        let answer = self.post(endpoint, key, timeout, other).await?;
        self.granted_or_why(&answer, key)
    }

    /// By its own answers; before it was heard, or where it is more than a day away, as the hospital's clock is believed.
    fn ahead_s(&self) -> i64 {
        let heard = self.skew.seconds().filter(|seconds| seconds.unsigned_abs() <= BELIEVED_S.unsigned_abs());
        heard.unwrap_or_else(|| self.hospital.believed_s())
    }

    async fn post(
        &self,
        endpoint: &Url,
        key: &SigningKey,
        timeout: Duration,
        ahead_s: i64,
    ) -> Result<HttpAnswer, NoToken> {
        let now_s = Utc::now().timestamp().saturating_add(ahead_s);
        let assertion = assertion(key, &self.settings.client_id, endpoint.as_str(), now_s).map_err(NoToken::Refused)?;
        let form = http::form(&[
            ("grant_type", "client_credentials"),
            ("scope", &self.settings.scope),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ]);
        let request = self
            .client
            .post(endpoint.clone())
            .header("Accept", "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        http::exchange(request, timeout, Some(&self.skew)).await.map_err(NoToken::Unreachable)
    }

    fn granted_or_why(&self, answer: &HttpAnswer, key: &SigningKey) -> Result<Token, NoToken> {
        if let Some(token) = granted(answer, key.id()) {
            return Ok(token);
        }
        Err(match answer.status {
            // Its own trouble, not ours.
            408 | 429 | 500..=599 => NoToken::Unreachable(LineTrouble::NotSent),
            status if answer.is_page() || matches!(status, 300..=399) => {
                NoToken::Refused(format!("at the hospital's token server: {}", BeforeServer(status)))
            }
            status => NoToken::Refused(format!(
                "the hospital's token server refuses this kiosk ({status}{}): is client id {} registered there with key {} (`kiosk enroll` shows both)?",
                error_code(answer),
                self.settings.client_id,
                key.id()
            )),
        })
    }
}

/// What a server says of an assertion that it takes for expired or not yet good (RFC 7521, 4.2.1); some say nothing.
fn may_be_the_time(answer: &HttpAnswer) -> bool {
    matches!(answer.status, 400 | 401)
        && !answer.is_page()
        && matches!(error_code(answer).trim(), "" | "invalid_client" | "invalid_grant")
}

/// A key that was refused a moment ago is tried last, but before giving up.
fn order(next_refused_at: Option<Instant>) -> [Which; 2] {
    if next_refused_at.is_some_and(|at| at.elapsed() < NEXT_KEY_RETRY) {
        [Which::Current, Which::Next]
    } else {
        [Which::Next, Which::Current]
    }
}

fn granted(answer: &HttpAnswer, key: &str) -> Option<Token> {
    let json = answer.json.as_ref().filter(|_| answer.is_success())?;
    let is_bearer = json["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    let text = Zeroizing::new(format!("Bearer {}", json["access_token"].as_str().filter(|_| is_bearer)?));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    let lifetime = Duration::from_secs(json["expires_in"].as_u64().unwrap_or(LIFETIME_S).min(LIFETIME_MAX_S));
    Some(Token { header, good_until: Instant::now() + lifetime.saturating_sub(LAST_SECONDS), key: key.to_owned() })
}

/// ` invalid_client`: a word of RFC 6749, 5.2, never the server's free text.
fn error_code(answer: &HttpAnswer) -> String {
    let code = answer.json.as_ref().and_then(|json| json["error"].as_str()).unwrap_or_default();
    let is_word =
        !code.is_empty() && code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { format!(" {code}") } else { String::new() }
}
