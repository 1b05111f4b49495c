//! The simulated hospital's token server (SMART Backend Services): it believes nothing. Signature, key id, client, audience,
//! life time and single use are all looked at; whoever comes to the FHIR server without its token is sent away.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// SMART's limit for the life of an assertion.
const ASSERTION_MAX_S: i64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub struct Guard {
    /// `https://host:port`, in front of `/auth/token`.
    pub origin: String,
    pub client_id: String,
    /// The keys the hospital's administrator registered.
    pub jwks: Value,
    pub lifetime_s: i64,
    /// Token and until when, in seconds since 1970.
    tokens: BTreeMap<String, i64>,
    used: BTreeSet<String>,
    pub issued: usize,
    /// The last assertion that was taken, for a thief to try again.
    pub last_assertion: Option<String>,
    pub refusals: Vec<&'static str>,
}

impl Guard {
    #[must_use]
    pub fn new(origin: String, client_id: String, jwks: Value) -> Self {
        Self {
            origin,
            client_id,
            jwks,
            lifetime_s: 300,
            tokens: BTreeMap::new(),
            used: BTreeSet::new(),
            issued: 0,
            last_assertion: None,
            refusals: Vec::new(),
        }
    }

    fn token_url(&self) -> String {
        format!("{}/auth/token", self.origin)
    }

    #[must_use]
    pub fn smart_configuration(&self) -> Value {
        json!({
            "token_endpoint": self.token_url(),
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES384"],
            "grant_types_supported": ["client_credentials"],
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        })
    }

    /// Whether `Authorization` is one of ours and still good.
    #[must_use]
    pub fn lets_in(&self, authorization: Option<&str>, now_s: i64) -> bool {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| self.tokens.get(token)).is_some_and(|until| *until > now_s)
    }

    pub fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// Status and body of the answer to a request for a token.
    pub fn token(&mut self, form: &[(String, String)], now_s: i64) -> (u16, Value) {
        match self.granted(form, now_s) {
            Ok(token) => {
                self.issued += 1;
                (
                    200,
                    json!({ "access_token": token, "token_type": "bearer", "expires_in": self.lifetime_s, "scope": "system/*.rs" }),
                )
            }
            Err(why) => {
                self.refusals.push(why);
                (400, json!({ "error": "invalid_client", "error_description": why }))
            }
        }
    }

    fn granted(&mut self, form: &[(String, String)], now_s: i64) -> Result<String, &'static str> {
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if field("grant_type") != Some("client_credentials") || field("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err("not client_credentials by assertion");
        }
        if field("scope").is_none_or(str::is_empty) {
            return Err("no scope");
        }
        let assertion = field("client_assertion").unwrap_or_default();
        let claims = self.signed_claims(assertion)?;
        if claims["iss"] != self.client_id.as_str() || claims["sub"] != self.client_id.as_str() {
            return Err("not this client");
        }
        if claims["aud"] != self.token_url() {
            return Err("meant for another server");
        }
        let expires = claims["exp"].as_i64().unwrap_or(0);
        if expires <= now_s || expires > now_s + ASSERTION_MAX_S {
            return Err("expired, or good for too long");
        }
        let once = claims["jti"].as_str().filter(|id| !id.is_empty()).ok_or("no jti")?;
        if !self.used.insert(once.to_owned()) {
            return Err("used before");
        }
        self.last_assertion = Some(assertion.to_owned());
        let token = format!("token-{}", uuid::Uuid::new_v4());
        self.tokens.insert(token.clone(), now_s + self.lifetime_s);
        Ok(token)
    }

    fn signed_claims(&self, assertion: &str) -> Result<Value, &'static str> {
        let [header, claims, signature] = assertion.split('.').collect::<Vec<_>>()[..] else { return Err("no JWT") };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "no base64url");
        let read = |part: &str| serde_json::from_slice::<Value>(&bytes(part)?).map_err(|_| "no JSON");
        let head = read(header)?;
        if head["alg"] != "ES384" {
            return Err("not ES384");
        }
        let keys = self.jwks["keys"].as_array().map_or(&[][..], Vec::as_slice);
        let key = keys.iter().find(|key| key["kid"] == head["kid"]).ok_or("no such key")?;
        let coordinate = |name: &str| bytes(key[name].as_str().unwrap_or_default());
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        let signed = format!("{header}.{claims}");
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)
            .verify(signed.as_bytes(), &bytes(signature)?)
            .map_err(|_| "a forged signature")?;
        read(claims)
    }
}
