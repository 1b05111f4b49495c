//! The kiosk's own key pairs: files of mode 0600 in `identity.key_folder`, or systemd credentials of the same name without
//! the ending. A key is read when it is used and forgotten after.
//!
//! | file | what |
//! |---|---|
//! | `signing-key.pem` | signs the requests for tokens |
//! | `signing-key.next.pem` | made by `kiosk enroll --rotate`; takes the place of the first when the server takes it |
//! | `tls-key.pem`, `tls-key.next.pem` | the same for the client certificate |

use crate::{config, keyfile};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::path::PathBuf;
use zeroize::Zeroizing;

const COORDINATE_BYTES: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Signing,
    Tls,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing-key",
            Self::Tls => "tls-key",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Current,
    /// Made, and not yet seen to work.
    Next,
}

/// Where the keys are.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: PathBuf,
    credentials: Option<PathBuf>,
}

impl Keys {
    #[must_use]
    pub fn new(settings: &config::Identity) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { folder: settings.key_folder.clone(), credentials }
    }

    #[must_use]
    pub fn path(&self, purpose: Purpose, which: Which) -> PathBuf {
        self.folder.join(match which {
            Which::Current => format!("{}.pem", purpose.name()),
            Which::Next => format!("{}.next.pem", purpose.name()),
        })
    }

    /// PEM text; `None` where there is none. The next key is always a file: a sealed one cannot be made from here.
    ///
    /// # Errors
    /// It is there and cannot be read, or others can; in words.
    pub fn pem(&self, purpose: Purpose, which: Which) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let sealed = self.sealed(purpose).filter(|_| which == Which::Current);
        if let Some(path) = sealed {
            return keyfile::read_credential(&path).map(Some);
        }
        let path = self.path(purpose, which);
        if path.exists() { keyfile::read(&path).map(Some) } else { Ok(None) }
    }

    fn sealed(&self, purpose: Purpose) -> Option<PathBuf> {
        self.credentials.as_ref().map(|folder| folder.join(purpose.name())).filter(|path| path.exists())
    }

    /// # Errors
    /// As [`Self::pem`], or it is no such key.
    pub fn signing(&self, which: Which) -> Result<Option<SigningKey>, String> {
        let Some(pem) = self.pem(Purpose::Signing, which)? else { return Ok(None) };
        let named = |why| format!("{}: {why}", self.path(Purpose::Signing, which).display());
        SigningKey::read(&pem).map(Some).map_err(named)
    }

    /// Makes a key where there is none; what is there stays.
    ///
    /// # Errors
    /// The disk, in words.
    pub fn make(&self, purpose: Purpose, which: Which) -> Result<(), String> {
        let path = self.path(purpose, which);
        if self.pem(purpose, which)?.is_some() {
            return Ok(());
        }
        keyfile::make_parent(&path)?;
        keyfile::write(&path, fresh_key()?.as_bytes())
    }

    /// The next key was seen to work: it is the current one from now on. A sealed one stays until its owner replaces it.
    ///
    /// # Errors
    /// The disk, in words.
    pub fn promote(&self, purpose: Purpose) -> Result<(), String> {
        if self.sealed(purpose).is_some() {
            return Ok(());
        }
        let (next, current) = (self.path(purpose, Which::Next), self.path(purpose, Which::Current));
        let renamed = fs::rename(&next, &current).and_then(|()| keyfile::sync_folder(&current));
        renamed.map_err(|error| format!("cannot rename {}: {error}", next.display()))
    }
}

/// A new P-384 key as PEM text.
///
/// # Errors
/// The system gives no random numbers.
pub fn fresh_key() -> Result<Zeroizing<String>, String> {
    let pair =
        KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(|error| format!("no key can be made: {error}"))?;
    Ok(Zeroizing::new(pair.serialize_pem()))
}

/// A certificate request (PKCS #10, PEM) for the hospital's CA: `name` is the kiosk, nothing else is asked for.
///
/// # Errors
/// `pem` is no key.
pub fn certificate_request(pem: &[u8], name: &str) -> Result<String, String> {
    let text = std::str::from_utf8(pem).map_err(|_| "the key is no PEM text".to_owned())?;
    let pair = KeyPair::from_pem(text).map_err(|_| "it holds no private key (PKCS #8, PEM)".to_owned())?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let request = params.serialize_request(&pair).and_then(|request| request.pem());
    request.map_err(|error| format!("no certificate request can be made: {error}"))
}

/// SHA-256 of the first certificate of a PEM file, as RFC 8705 writes it (`x5t#S256`), and in hexadecimal.
///
/// # Errors
/// There is no certificate in it.
pub fn thumbprint(pem: &[u8]) -> Result<(String, String), String> {
    let der = CertificateDer::from_pem_slice(pem).map_err(|_| "it holds no PEM certificate".to_owned())?;
    let hash = digest(&SHA256, &der);
    let hex: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    Ok((URL_SAFE_NO_PAD.encode(hash), hex.join(":")))
}

/// An ES384 key.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
}

/// A key in a log would be worth as much as the file.
impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({}, redacted)", self.id)
    }
}

impl SigningKey {
    /// # Errors
    /// `pem` is no P-384 key.
    pub fn read(pem: &[u8]) -> Result<Self, String> {
        let refuse = || "it holds no P-384 private key (PKCS #8, PEM)".to_owned();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| refuse())?;
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new());
        let pair = pair.map_err(|_| refuse())?;
        let id = thumbprint_of_key(&pair);
        Ok(Self { pair, id })
    }

    /// The key's own thumbprint (RFC 7638): the same wherever it is computed.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// # Errors
    /// The system gives no random numbers.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        Ok(signature.map_err(|_| "the system gives no random numbers for a signature".to_owned())?.as_ref().to_vec())
    }

    /// What the hospital registers.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let (x, y) = coordinates(&self.pair);
        json!({ "kty": "EC", "crv": "P-384", "alg": "ES384", "key_ops": ["verify"], "kid": self.id, "x": x, "y": y })
    }
}

/// The public point without the byte that says "not compressed" (SEC 1, 2.3.3).
fn coordinates(pair: &EcdsaKeyPair) -> (String, String) {
    let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at_checked(COORDINATE_BYTES).unwrap_or_default();
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

fn thumbprint_of_key(pair: &EcdsaKeyPair) -> String {
    let (x, y) = coordinates(pair);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!(r#"{{"crv":"P-384","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes()))
}
