//! `kiosk enroll`: makes the kiosk's own keys, and tells what the hospital's administrator must register. Running it again
//! tells the same again; only `--rotate` makes another key, and the old one stays until the hospital takes the new one.

use super::{Answer, usage};
use crate::config::Config;
use crate::hospital::auth::keys::{self, Keys, Purpose, Which};
use crate::keyfile;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Enroll {
    /// Make the next key. The old one is used until the hospital's server takes the new one.
    #[arg(long)]
    pub rotate: bool,
    /// Also a key for a client certificate (mutual TLS), and the request for the hospital's CA.
    #[arg(long)]
    pub tls: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// # Errors
/// A key cannot be made or read, in words for a technician.
pub fn run(config: &Config, args: Enroll) -> Answer {
    let found = enrolled(config, args).map_err(usage)?;
    Ok(if args.json { vec![found.to_string()] } else { in_words(&found, config) })
}

fn enrolled(config: &Config, args: Enroll) -> Result<Value, String> {
    let keys = Keys::new(&config.identity);
    let path = keys.path(Purpose::Signing, Which::Current);
    keyfile::make_parent(&path)?;
    if config.store.folder.exists() {
        keyfile::refuse_inside(&config.store.folder, &path)?;
    }
    make(&keys, Purpose::Signing, args.rotate)?;
    let with_tls = args.tls || config.identity.certificate_file.is_some();
    if with_tls {
        make(&keys, Purpose::Tls, args.rotate)?;
    }
    let current = keys.signing(Which::Current)?.ok_or("the key that was just made is gone")?;
    let next = keys.signing(Which::Next)?;
    let public: Vec<Value> =
        [Some(&current), next.as_ref()].into_iter().flatten().map(keys::SigningKey::public_jwk).collect();
    let client_id = Some(&config.identity.client_id).filter(|id| !id.is_empty());
    Ok(json!({
        "client_id": client_id,
        "client_name": config.hospital.device_serial,
        "grant_type": "client_credentials",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES384",
        "scope": config.identity.scope,
        "kid": current.id(),
        "next_kid": next.as_ref().map(keys::SigningKey::id),
        "jwks": { "keys": public },
        "certificate_request": if with_tls { Some(request(&keys, &config.hospital.device_serial)?) } else { None },
        "certificate_thumbprint": thumbprint(config)?,
        "key_folder": config.identity.key_folder.display().to_string(),
    }))
}

fn make(keys: &Keys, purpose: Purpose, rotate: bool) -> Result<(), String> {
    keys.make(purpose, Which::Current)?;
    if rotate { keys.make(purpose, Which::Next) } else { Ok(()) }
}

/// For the newest key: that is the one whose certificate is still to come.
fn request(keys: &Keys, name: &str) -> Result<String, String> {
    let next = keys.pem(Purpose::Tls, Which::Next)?;
    let pem = next.map_or_else(|| keys.pem(Purpose::Tls, Which::Current), |pem| Ok(Some(pem)))?;
    keys::certificate_request(&pem.ok_or("the key that was just made is gone")?, name)
}

fn thumbprint(config: &Config) -> Result<Option<Value>, String> {
    let Some(file) = &config.identity.certificate_file else { return Ok(None) };
    let pem = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let (x5t, hex) = keys::thumbprint(&pem).map_err(|why| format!("{}: {why}", file.display()))?;
    Ok(Some(json!({ "x5t#S256": x5t, "sha256": hex })))
}

fn in_words(found: &Value, config: &Config) -> Vec<String> {
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![
        format!("The keys of this kiosk are in {}. Their private halves never leave this machine.", text("key_folder")),
        String::new(),
        "The hospital's administrator registers:".to_owned(),
        format!("  client        {} (a kiosk, no person)", text("client_name")),
        "  it signs in   SMART Backend Services: client_credentials, private_key_jwt, ES384".to_owned(),
        format!("  it may        {}", text("scope")),
        "  its public keys (JWKS), as one line:".to_owned(),
        found["jwks"].to_string(),
    ];
    if let Some(request) = found["certificate_request"].as_str() {
        lines.push("  the request for its client certificate, for the hospital's CA:".to_owned());
        lines.extend(request.lines().map(str::to_owned));
    }
    if let Some(hex) = found["certificate_thumbprint"]["sha256"].as_str() {
        lines.push(format!("  its client certificate has the SHA-256 thumbprint {hex}"));
    }
    lines.push(String::new());
    lines.extend(what_next(found, config));
    lines
}

fn what_next(found: &Value, config: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    if config.identity.client_id.is_empty() {
        lines.push("Then write the client id that the hospital gave into [identity] client_id.".to_owned());
    }
    if found["certificate_request"].is_string() && config.identity.certificate_file.is_none() {
        lines.push(
            "Put the certificate that the hospital issued beside, and name it in [identity] certificate_file."
                .to_owned(),
        );
    }
    if let Some(next) = found["next_kid"].as_str() {
        lines.push(format!(
            "The new key is {next}. Both keys must be registered until the kiosk signs in with the new one; it then drops the old one by itself."
        ));
    }
    lines.push("`kiosk check --devices` says whether the hospital's server takes this kiosk.".to_owned());
    lines
}
