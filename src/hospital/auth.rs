//! Who the kiosk is: SMART Backend Services (HL7 SMART App Launch 2.2, "Client Authentication: Asymmetric") with ES384,
//! and a client certificate where a gateway asks for one. No secret is shared with the hospital: it registers public keys.
//!
//! ES384 comes from `ring`, which TLS links anyway: its fixed-size ECDSA signature *is* the JWS form (RFC 7518, 3.4), so a
//! token library would only add a second set of curves to the program.

pub mod keys;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::SigningKey;
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

/// SMART allows five minutes at most; a server's clock may be a little behind the one that we measured.
const ASSERTION_LIFETIME_S: i64 = 240;
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The signed statement that asks for a token; good once. `now_s` is the server's time in seconds since 1970.
///
/// # Errors
/// The key does not sign, in words.
pub fn assertion(key: &SigningKey, client_id: &str, token_url: &str, now_s: i64) -> Result<Zeroizing<String>, String> {
    let header = json!({ "alg": "ES384", "kid": key.id(), "typ": "JWT" });
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "exp": now_s + ASSERTION_LIFETIME_S,
        "jti": Uuid::new_v4(),
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    Ok(Zeroizing::new(format!("{signed}.{signature}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    }

    #[test]
    fn an_assertion_says_who_to_whom_for_how_long_and_never_the_same_twice() {
        let key = SigningKey::read(keys::fresh_key().expect("a key").as_bytes()).expect("a key");
        let made = || assertion(&key, "k3", "https://h.example/token", 1_000).expect("signed");
        let one = made();
        let parts: Vec<&str> = one.split('.').collect();
        assert_eq!(parts.len(), 3);
        let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
        assert_eq!((&header["alg"], &header["kid"]), (&"ES384".into(), &key.id().into()));
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["aud"]),
            (&"k3".into(), &"k3".into(), &"https://h.example/token".into())
        );
        assert_eq!(claims["exp"], 1_240);
        let public = key.public_jwk();
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(public[name].as_str().expect("text")).expect("base64url");
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let verifier = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
        verifier.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature).expect("our own signature");
        assert_ne!(decoded(made().split('.').nth(1).expect("claims"))["jti"], claims["jti"]);
    }
}
