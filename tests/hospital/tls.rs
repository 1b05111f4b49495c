//! TLS with the hospital's own CA, and client certificates, against a real TLS server made for the test.

use super::fixture::{StoppedClock, facility, hospital, settings};
use super::identity::{CLIENT_ID, Enrolled, finds_the_patient};
use hospital_kiosk::config::{Hospital, Identity};
use hospital_kiosk::hospital::auth::keys::{Purpose, Which, certificate_request, thumbprint};
use hospital_kiosk::hospital::client::Client;
use hospital_kiosk::ports::Believed;
use hospital_kiosk::rehearsal::hospital::SimHospital;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The hospital's own certificate authority.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Ca {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn certify(&self, name: &str, key: &KeyPair, usage: ExtendedKeyUsagePurpose) -> String {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![usage];
        params.signed_by(key, &self.issuer).expect("a certificate").pem()
    }
}

/// Ends TLS in front of a hospital; `wants` is the CA whose client certificates it asks for.
async fn front(hospital: &SimHospital, ca: &Ca, name: &str, wants: Option<&Ca>) -> u16 {
    let key = KeyPair::generate().expect("a key");
    let certificate = ca.certify(name, &key, ExtendedKeyUsagePurpose::ServerAuth);
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().expect("protocols");
    let builder = match wants {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).expect("a certificate")).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).expect("a configuration")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let behind = hospital.url()["http://".len()..].trim_end_matches("/fhir").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let (Ok(mut outside), Ok(mut inside)) =
                    (acceptor.accept(stream).await, TcpStream::connect(behind).await)
                else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

/// A folder with the files a technician puts there.
struct Files(tempfile::TempDir);

impl Files {
    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

fn files() -> Files {
    Files(tempfile::tempdir().expect("a folder"))
}

fn try_client(port: u16, ca_file: Option<PathBuf>, identity: &Identity) -> Result<Client, String> {
    let settings = Hospital { ca_file, ..settings(&format!("https://localhost:{port}/fhir")) };
    Client::with_identity(&settings, identity, Arc::new(facility()), Arc::new(Believed(StoppedClock)))
}

fn client(port: u16, ca_file: Option<PathBuf>, identity: &Identity) -> Client {
    try_client(port, ca_file, identity).expect("a client")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hospitals_own_ca_is_trusted_when_it_is_named() {
    let (ca, other, files, hospital) = (Ca::new(), Ca::new(), files(), hospital());
    let port = front(&hospital, &ca, "localhost", None).await;
    let nobody = Identity::default();
    let named = |ca: &Ca| Some(files.put("ca.pem", &ca.pem));
    let with_ca = client(port, named(&ca), &nobody);
    assert!(finds_the_patient(&with_ca).await);
    assert!(with_ca.check().await.expect("all is well").contains("FHIR 4.0"));
    for stranger in [client(port, None, &nobody), client(port, named(&other), &nobody)] {
        assert!(!finds_the_patient(&stranger).await);
        let why = stranger.check().await.expect_err("not trusted");
        assert!(why.contains("not trusted") && why.contains("ca_file"), "{why}");
    }
    let port = front(&hospital, &ca, "another.example", None).await;
    let why = client(port, named(&ca), &nobody).check().await.expect_err("another name");
    assert!(why.contains("not trusted"), "{why}");
    assert_eq!(hospital.requests("POST", "Patient"), 2, "nobody else was asked for a patient");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_lets_in_the_certificate_of_our_key_and_no_other() {
    let (ca, files, hospital, enrolled) = (Ca::new(), files(), hospital(), Enrolled::new());
    let port = front(&hospital, &ca, "localhost", Some(&ca)).await;
    let ca_file = files.put("ca.pem", &ca.pem);
    let keys = enrolled.keys();
    let bare = Identity { client_id: String::new(), ..enrolled.identity() };
    let why = client(port, Some(ca_file.clone()), &bare).check().await.expect_err("no certificate");
    assert!(why.contains("certificate_file"), "{why}");

    keys.make(Purpose::Tls, Which::Current).expect("a key");
    let pair = |which| {
        let pem = keys.pem(Purpose::Tls, which).expect("readable").expect("a key");
        KeyPair::from_pem(std::str::from_utf8(&pem).expect("text")).expect("a key")
    };
    let certify = |key: &KeyPair| ca.certify("K3-2026-0001", key, ExtendedKeyUsagePurpose::ClientAuth);
    let certificate_file = Some(files.put("kiosk.pem", &certify(&pair(Which::Current))));
    let identity = Identity { certificate_file, ..bare };
    assert!(finds_the_patient(&client(port, Some(ca_file.clone()), &identity)).await);

    // A certificate of somebody else's key is refused before anything is sent.
    files.put("kiosk.pem", &certify(&KeyPair::generate().expect("a key")));
    let why = try_client(port, Some(ca_file.clone()), &identity).err().expect("refused");
    assert!(why.contains("kiosk enroll --tls"), "{why}");

    // The next key's certificate brings the next key into its place.
    keys.make(Purpose::Tls, Which::Next).expect("a key");
    let next = pair(Which::Next).serialize_pem();
    files.put("kiosk.pem", &certify(&pair(Which::Next)));
    assert!(finds_the_patient(&client(port, Some(ca_file.clone()), &identity)).await);
    assert_eq!(pair(Which::Current).serialize_pem(), next);
    assert!(keys.pem(Purpose::Tls, Which::Next).expect("readable").is_none());

    // Both at once: the certificate for the gateway, the token for the server behind it.
    let jwks = json!({ "keys": [enrolled.jwk(Which::Current)] });
    hospital.asks_who_comes(CLIENT_ID, jwks, Some(format!("https://localhost:{port}")));
    let both = Identity { client_id: CLIENT_ID.to_owned(), ..identity.clone() };
    assert!(!finds_the_patient(&client(port, Some(ca_file.clone()), &identity)).await);
    assert!(finds_the_patient(&client(port, Some(ca_file), &both)).await);
}

/// OpenSSL, which we did not write, reads the request and the certificate as we do.
#[test]
fn a_certificate_request_is_one_for_openssl_too() {
    let openssl = |arguments: &[&str]| std::process::Command::new("openssl").args(arguments).output();
    if openssl(&["version"]).is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    let (files, enrolled) = (files(), Enrolled::new());
    enrolled.keys().make(Purpose::Tls, Which::Current).expect("a key");
    let pem = enrolled.keys().pem(Purpose::Tls, Which::Current).expect("readable").expect("a key");
    let request = files.put("request.pem", &certificate_request(&pem, "K3-2026-0001").expect("a request"));
    let read =
        openssl(&["req", "-verify", "-noout", "-subject", "-in", request.to_str().expect("text")]).expect("runs");
    let said = String::from_utf8_lossy(&[read.stdout, read.stderr].concat()).into_owned();
    assert!(read.status.success() && said.contains("K3-2026-0001"), "{said}");

    let ca = files.put("ca.pem", &Ca::new().pem);
    let read =
        openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in", ca.to_str().expect("text")]).expect("runs");
    let (_, hex) = thumbprint(&std::fs::read(&ca).expect("a file")).expect("a certificate");
    assert!(String::from_utf8_lossy(&read.stdout).contains(&hex), "{hex}");
}
