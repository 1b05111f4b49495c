//! A bad line to any FHIR server: between the kiosk's own client and a server that we did not write, it loses requests
//! before they arrive and answers after the work was done, answers 429 and 503 itself, and is slow. Seeded.

use super::line::{self, Cut, Line, SimListener};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::connect_info::ConnectInfo;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Of a hundred requests, so many meet each fate; the rest pass.
#[derive(Debug, Clone, Copy)]
pub struct Odds {
    pub lost_after: u32,
    pub lost_before: u32,
    pub busy: u32,
    pub reject: u32,
    pub slow: u32,
    /// How long a slow answer takes; longer than the client waits, and it is one more answer lost after the work.
    pub slow_ms: u64,
}

/// How many met which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fates {
    pub passed: u64,
    pub lost_after: u64,
    pub lost_before: u64,
    pub busy: u64,
    pub rejected: u64,
    pub slow: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pass,
    LoseAfter,
    LoseBefore,
    Busy,
    Reject,
    Slow,
}

/// Runs until dropped.
pub struct FaultyProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    upstream: String,
    odds: Odds,
    client: reqwest::Client,
    notes: Mutex<Notes>,
    _line: Line,
}

struct Notes {
    state: u64,
    fates: Fates,
    /// Identifiers of the Tasks in the order in which the server took them.
    taken: Vec<String>,
}

impl Shared {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn draw(&mut self, odds: Odds) -> Fate {
        // xorshift64: any even spread will do, and the same seed draws the same fates.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let mut rest = u32::try_from((self.state >> 11) % 100).unwrap_or(0);
        let fates = &mut self.fates;
        for (share, fate, count) in [
            (odds.lost_after, Fate::LoseAfter, &mut fates.lost_after),
            (odds.lost_before, Fate::LoseBefore, &mut fates.lost_before),
            (odds.busy, Fate::Busy, &mut fates.busy),
            (odds.reject, Fate::Reject, &mut fates.rejected),
            (odds.slow, Fate::Slow, &mut fates.slow),
        ] {
            if rest < share {
                *count += 1;
                return fate;
            }
            rest -= share;
        }
        fates.passed += 1;
        Fate::Pass
    }

    fn take(&mut self, bundle: &[u8]) {
        let Ok(bundle) = serde_json::from_slice::<Value>(bundle) else { return };
        let tasks = bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]);
        let ids = tasks
            .filter(|resource| resource["resourceType"] == "Task")
            .filter_map(|task| task["identifier"][0]["value"].as_str().map(str::to_owned));
        self.taken.extend(ids);
    }
}

impl FaultyProxy {
    /// In front of the FHIR base URL `upstream`.
    ///
    /// # Errors
    /// No port or no thread.
    pub fn start(upstream: &str, odds: Odds, seed: u64) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bad-line")
            .enable_all()
            .build()?;
        let (line, listener, address) = line::open(runtime.handle())?;
        // An error only says that one is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build();
        let notes = Notes { state: seed | 1, fates: Fates::default(), taken: Vec::new() };
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            odds,
            client: client.map_err(io::Error::other)?,
            notes: Mutex::new(notes),
            _line: line,
        });
        runtime.spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, runtime: Some(runtime) })
    }

    /// The base URL a kiosk is given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/fhir", self.address)
    }

    #[must_use]
    pub fn fates(&self) -> Fates {
        self.shared.notes().fates
    }

    /// Identifiers of the Tasks in the order in which the server took them, replays among them.
    #[must_use]
    pub fn taken(&self) -> Vec<String> {
        self.shared.notes().taken.clone()
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: SimListener, shared: Arc<Shared>) {
    let router = Router::new().fallback(handle).with_state(shared);
    if let Err(error) = axum::serve(listener, router.into_make_service_with_connect_info::<Cut>()).await {
        tracing::error!(%error, "the bad line stopped");
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let fate = shared.notes().draw(shared.odds);
    match fate {
        Fate::LoseBefore => {
            cut.now();
            return refuse(StatusCode::BAD_GATEWAY, None);
        }
        Fate::Busy => return refuse(StatusCode::TOO_MANY_REQUESTS, Some("0")),
        Fate::Reject => return refuse(StatusCode::SERVICE_UNAVAILABLE, None),
        Fate::Pass | Fate::LoseAfter | Fate::Slow => {}
    }
    let answer = forward(&shared, &method, &uri, &headers, body).await;
    if fate == Fate::Slow {
        tokio::time::sleep(Duration::from_millis(shared.odds.slow_ms)).await;
    }
    if fate == Fate::LoseAfter {
        cut.now();
    }
    answer.unwrap_or_else(|_| refuse(StatusCode::BAD_GATEWAY, None))
}

async fn forward(
    shared: &Shared,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> reqwest::Result<Response<Body>> {
    let path = uri.path().strip_prefix("/fhir").unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut request = shared.client.request(method.clone(), format!("{}{path}{query}", shared.upstream));
    for name in ["accept", "content-type", "if-match", "if-none-exist", "prefer", "authorization", "cache-control"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.body(body.clone()).send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let content = answer.bytes().await?;
    if *method == Method::POST && path.trim_matches('/').is_empty() && status.is_success() {
        shared.notes().take(&body);
    }
    let mut out = Response::builder().status(status);
    for name in ["content-type", "etag", "location", "retry-after", "date"] {
        if let Some(value) = headers.get(name) {
            out = out.header(name, value);
        }
    }
    Ok(out.body(Body::from(content)).unwrap_or_default())
}

fn refuse(status: StatusCode, retry_after: Option<&str>) -> Response<Body> {
    let mut answer = Response::builder().status(status);
    if let Some(seconds) = retry_after {
        answer = answer.header("retry-after", seconds);
    }
    answer.body(Body::empty()).unwrap_or_default()
}
