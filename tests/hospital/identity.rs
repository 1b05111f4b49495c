//! Who the kiosk is: against a token server that believes nothing.

use super::fixture::{StoppedClock, card, documents, facility, hospital, number, queued, settings};
use hospital_kiosk::config::Identity;
use hospital_kiosk::domain::outbox::Delivery;
use hospital_kiosk::domain::patient::BirthDate;
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::hospital::auth::keys::{Keys, Purpose, Which};
use hospital_kiosk::hospital::auth::{ASSERTION_TYPE, assertion};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::{Believed, Deliveries, LookUps};
use hospital_kiosk::rehearsal::hospital::{Fault, Guard, SimHospital};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};

pub const CLIENT_ID: &str = "kiosk-k3";

/// A kiosk with keys of its own, in a folder that goes with it.
pub struct Enrolled {
    folder: tempfile::TempDir,
}

impl Enrolled {
    pub fn new() -> Self {
        let enrolled = Self { folder: tempfile::tempdir().expect("a folder") };
        enrolled.keys().make(Purpose::Signing, Which::Current).expect("a key");
        enrolled
    }

    pub fn identity(&self) -> Identity {
        Identity { client_id: CLIENT_ID.to_owned(), key_folder: self.folder.path().to_owned(), ..Identity::default() }
    }

    pub fn keys(&self) -> Keys {
        Keys::new(&self.identity())
    }

    pub fn jwk(&self, which: Which) -> Value {
        self.keys().signing(which).expect("a readable key").expect("a key").public_jwk()
    }

    pub fn client(&self, url: &str) -> Client {
        Client::with_identity(&settings(url), &self.identity(), Arc::new(facility()), Arc::new(Believed(StoppedClock)))
            .expect("a client")
    }
}

pub fn guarded(enrolled: &Enrolled) -> SimHospital {
    let hospital = hospital();
    hospital.asks_who_comes(CLIENT_ID, json!({ "keys": [enrolled.jwk(Which::Current)] }), None);
    hospital
}

pub async fn finds_the_patient(client: &Client) -> bool {
    let birth_date = BirthDate("1958-04-12".parse().expect("a date"));
    matches!(client.ask(Question::FindPatient { number: number(), birth_date, by_card: false }).await, Reply::Found(_))
}

fn issued(hospital: &SimHospital) -> usize {
    hospital.guard(|guard| guard.issued).expect("a guard")
}

#[tokio::test]
async fn a_token_is_kept_and_asked_for_anew_when_it_is_refused() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    let client = enrolled.client(&hospital.url());
    for _ in 0..3 {
        assert!(finds_the_patient(&client).await);
    }
    assert_eq!(issued(&hospital), 1);
    hospital.guard(Guard::revoke);
    let request = queued(documents(1, card()), &client);
    assert_eq!(client.deliver(&request).await, Delivery::Done { note: None });
    assert_eq!((issued(&hospital), hospital.count("Task")), (2, 1));
    let said = client.check().await.expect("all is well");
    assert!(said.contains(CLIENT_ID) && said.contains("clock"), "{said}");
}

#[tokio::test]
async fn a_token_is_not_used_in_its_last_seconds() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    hospital.guard(|guard| guard.lifetime_s = 20);
    let client = enrolled.client(&hospital.url());
    for asked in 1..=3 {
        assert!(finds_the_patient(&client).await);
        assert_eq!(issued(&hospital), asked);
    }
}

#[tokio::test]
async fn a_kiosk_the_hospital_does_not_know_holds_everything_and_parks_nothing() {
    let (enrolled, other) = (Enrolled::new(), Enrolled::new());
    let hospital = guarded(&other);
    let client = enrolled.client(&hospital.url());
    let request = queued(documents(1, card()), &client);
    for _ in 0..3 {
        assert!(matches!(client.deliver(&request).await, Delivery::Hold { .. }));
    }
    assert!(!finds_the_patient(&client).await);
    assert_eq!((issued(&hospital), hospital.count("Task")), (0, 0));
    let why = client.check().await.expect_err("not registered");
    assert!(why.contains("invalid_client") && why.contains("kiosk enroll"), "{why}");
    // Registered now: what was held goes out.
    hospital.guard(|guard| guard.jwks = json!({ "keys": [enrolled.jwk(Which::Current)] }));
    assert_eq!(client.deliver(&request).await, Delivery::Done { note: None });
}

#[tokio::test]
async fn a_kiosk_without_keys_says_so() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    let bare = Enrolled { folder: tempfile::tempdir().expect("a folder") };
    let client = bare.client(&hospital.url());
    assert!(matches!(client.deliver(&queued(documents(1, card()), &client)).await, Delivery::Hold { .. }));
    assert!(client.check().await.expect_err("no key").contains("kiosk enroll"));
}

#[tokio::test]
async fn a_token_server_in_trouble_delays_and_holds_nothing() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    let client = enrolled.client(&hospital.url());
    hospital.set(Fault::Down);
    let request = queued(documents(1, card()), &client);
    let delivery = client.deliver(&request).await;
    assert!(matches!(delivery, Delivery::Later { maybe_delivered: false, .. }), "{delivery:?}");
}

#[tokio::test]
async fn the_old_key_serves_until_the_new_one_works() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    enrolled.keys().make(Purpose::Signing, Which::Next).expect("the next key");
    let (old, new) = (enrolled.jwk(Which::Current), enrolled.jwk(Which::Next));
    assert_ne!(old["kid"], new["kid"]);

    assert!(finds_the_patient(&enrolled.client(&hospital.url())).await, "the old key");
    assert_eq!(enrolled.jwk(Which::Current), old);
    assert!(enrolled.client(&hospital.url()).check().await.expect("signed in").contains("not registered"));

    hospital.guard(|guard| guard.jwks = json!({ "keys": [old, new] }));
    assert!(finds_the_patient(&enrolled.client(&hospital.url())).await, "the new key");
    assert_eq!(enrolled.jwk(Which::Current), new, "it took the old one's place");
    assert!(enrolled.keys().signing(Which::Next).expect("readable").is_none());
}

/// The administrator removed the old key before the kiosk had tried the new one again.
#[tokio::test]
async fn a_key_refused_a_moment_ago_is_tried_before_giving_up() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    enrolled.keys().make(Purpose::Signing, Which::Next).expect("the next key");
    let client = enrolled.client(&hospital.url());
    assert!(finds_the_patient(&client).await);
    hospital.guard(|guard| {
        guard.jwks = json!({ "keys": [enrolled.jwk(Which::Next)] });
        guard.revoke();
    });
    assert!(finds_the_patient(&client).await);
}

/// The token server of the tests is itself tested: a thief with yesterday's assertion, or one meant for somebody else.
#[tokio::test]
async fn stolen_forged_and_misdirected_assertions_are_refused() {
    let (enrolled, thief) = (Enrolled::new(), Enrolled::new());
    let hospital = guarded(&enrolled);
    assert!(finds_the_patient(&enrolled.client(&hospital.url())).await);
    let origin = hospital.url().replace("/fhir", "");
    let url = format!("{origin}/auth/token");
    let key = enrolled.keys().signing(Which::Current).expect("readable").expect("a key");
    let forger = thief.keys().signing(Which::Current).expect("readable").expect("a key");
    let now = chrono::Utc::now().timestamp();
    let made = |key, client: &str, url: &str, now| assertion(key, client, url, now).expect("signed").to_string();
    let stolen = hospital.guard(|guard| guard.last_assertion.clone()).flatten().expect("an assertion");
    let mut bent = made(&key, CLIENT_ID, &url, now);
    let (at, other) = (bent.len() - 20, if bent.as_bytes()[bent.len() - 20] == b'A' { "B" } else { "A" });
    bent.replace_range(at..=at, other);
    let http = reqwest::Client::new();
    for (what, tried) in [
        ("used before", stolen),
        ("no such key", made(&forger, CLIENT_ID, &url, now)),
        ("meant for another server", made(&key, CLIENT_ID, "https://elsewhere.example/token", now)),
        ("not this client", made(&key, "somebody", &url, now)),
        ("expired, or good for too long", made(&key, CLIENT_ID, &url, now - 1_000)),
        ("expired, or good for too long", made(&key, CLIENT_ID, &url, now + 1_000)),
        ("a forged signature", bent),
    ] {
        let form = format!(
            "grant_type=client_credentials&scope=x&client_assertion_type={ASSERTION_TYPE}&client_assertion={tried}"
        );
        let sent = http.post(&url).header("content-type", "application/x-www-form-urlencoded").body(form).send().await;
        assert_eq!(sent.expect("an answer").status(), 400, "{what}");
        assert_eq!(hospital.guard(|guard| guard.refusals.last().copied()).flatten(), Some(what));
    }
}

#[tokio::test]
async fn a_wrong_clock_is_measured_told_and_lived_with() {
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    for (ahead_s, word) in [(3_600, "behind"), (-3_600, "ahead")] {
        hospital.set_clock_ahead_s(ahead_s);
        let client = enrolled.client(&hospital.url());
        assert_eq!(client.clock_skew_s(), None, "nothing was heard yet");
        assert!(finds_the_patient(&client).await, "the assertion carries the hospital's time");
        let skew_s = client.clock_skew_s().expect("measured");
        assert!((skew_s - ahead_s).abs() <= 2, "{skew_s}");
        let why = client.check().await.expect_err("too far");
        assert!(why.contains(word) && why.contains("set the time"), "{why}");
    }
}

/// Everything that is logged, at the finest level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_key_nor_assertion_nor_token_is_logged() {
    // With one subscriber only, a line first reached by another test's thread would be switched off for this one too.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let enrolled = Enrolled::new();
    let hospital = guarded(&enrolled);
    let client = enrolled.client(&hospital.url());
    assert!(finds_the_patient(&client).await);
    hospital.guard(Guard::revoke);
    hospital.set_clock_ahead_s(100);
    assert!(finds_the_patient(&client).await);
    hospital.guard(|guard| {
        guard.jwks = json!({ "keys": [] });
        guard.revoke();
    });
    assert!(!finds_the_patient(&client).await);
    let text = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    assert!(text.contains("no token") && text.contains("clock"), "something was logged: {text}");
    let assertion = hospital.guard(|guard| guard.last_assertion.clone()).flatten().expect("an assertion");
    let pem = enrolled.keys().pem(Purpose::Signing, Which::Current).expect("readable").expect("a key");
    let pem = String::from_utf8(pem.to_vec()).expect("text");
    let secret_line = pem.lines().nth(1).expect("a line");
    for secret in
        [assertion.as_str(), assertion.rsplit('.').next().expect("a signature"), secret_line, "Bearer", "token-"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let key = enrolled.keys().signing(Which::Current).expect("readable").expect("a key");
    assert!(format!("{key:?}").contains("redacted"));
}
