//! Bearer tokens: JWTs (RFC 7519) signed with HMAC-SHA-256, good for an hour.
//!
//! Written here, because what the libraries for it bring along for one HMAC is RSA
//! with an open advisory or a second TLS library's cryptography in C, and because
//! they ask the machine for the time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};

use super::AccessError;
use crate::domain::calendar::Instant;
use crate::vault::Signer;

/// The contract: valid one hour.
const VALID_S: i64 = 60 * 60;
const MICROS_PER_S: i64 = 1_000_000;
/// Ours have less than half of that; nothing longer is looked at.
const BYTES_MAX: usize = 2_048;

/// The keys by their ids: the newest signs, each verifies.
#[derive(Clone)]
pub struct BearerKeys(Vec<(String, Signer)>);

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    /// Which key signed: the id of the vault's key it comes from.
    kid: String,
}

/// What a bearer token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The platform's id of the account.
    pub sub: String,
    /// The API token it was exchanged for: without it, it is good for nothing.
    pub jti: String,
    /// The version of what its account is signed in to with: it is raised when a
    /// password changes.
    #[serde(default)]
    pub ver: i64,
    /// Seconds since 1970 UTC.
    pub iat: i64,
    pub exp: i64,
}

impl BearerKeys {
    #[must_use]
    pub const fn new(keys: Vec<(String, Signer)>) -> Self {
        Self(keys)
    }

    /// A token for an account, by one of its API tokens.
    ///
    /// # Errors
    /// When there is no key.
    pub fn issue(
        &self,
        account: &str,
        token: &str,
        version: i64,
        now: Instant,
    ) -> Result<String, AccessError> {
        let (kid, signer) = self.0.last().ok_or(AccessError::NoKey)?;
        let header = Header {
            alg: "HS256".to_owned(),
            typ: "JWT".to_owned(),
            kid: kid.clone(),
        };
        let now_s = now.0.div_euclid(MICROS_PER_S);
        let claims = Claims {
            sub: account.to_owned(),
            jti: token.to_owned(),
            ver: version,
            iat: now_s,
            exp: now_s.saturating_add(VALID_S),
        };
        let header = BASE64URL.encode(serde_json::to_vec(&header)?);
        let claims = BASE64URL.encode(serde_json::to_vec(&claims)?);
        let signature = signer.sign(&[header.as_bytes(), b".", claims.as_bytes()]);
        Ok(format!("{header}.{claims}.{}", BASE64URL.encode(signature)))
    }

    /// What a token says that was signed here and still is good; `None` for any other.
    #[must_use]
    pub fn read(&self, token: &str, now: Instant) -> Option<Claims> {
        if token.len() > BYTES_MAX {
            return None;
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let head: Header = serde_json::from_slice(&BASE64URL.decode(header).ok()?).ok()?;
        // The algorithm is ours to say, not the token's (RFC 8725, section 3.1).
        if head.alg != "HS256" {
            return None;
        }
        let (_, signer) = self.0.iter().find(|(kid, _)| *kid == head.kid)?;
        let signature = BASE64URL.decode(signature).ok()?;
        if !signer.verify(&[header.as_bytes(), b".", claims.as_bytes()], &signature) {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&BASE64URL.decode(claims).ok()?).ok()?;
        (now.0.div_euclid(MICROS_PER_S) < claims.exp).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Instant = Instant(1_795_766_400_000_000);

    fn keys(ids: &[(&str, u8)]) -> BearerKeys {
        let keys = ids.iter();
        BearerKeys::new(
            keys.map(|(id, byte)| ((*id).to_owned(), Signer::new(&[*byte; 32])))
                .collect(),
        )
    }

    fn later(seconds: i64) -> Instant {
        Instant(NOW.0 + seconds * MICROS_PER_S)
    }

    #[test]
    fn a_token_is_good_for_an_hour() {
        let keys = keys(&[("a", 1)]);
        let token = keys.issue("acc-1", "t-1", 0, NOW).unwrap();
        let claims = keys.read(&token, NOW).unwrap();
        assert_eq!((claims.sub.as_str(), claims.jti.as_str()), ("acc-1", "t-1"));
        assert_eq!(claims.exp - claims.iat, 3_600);
        assert_eq!(keys.read(&token, later(3_599)), Some(claims));
        assert_eq!(keys.read(&token, later(3_600)), None);
    }

    #[test]
    fn a_key_that_is_replaced_still_verifies_until_it_is_gone() {
        let old = keys(&[("a", 1)]).issue("acc-1", "t-1", 0, NOW).unwrap();
        assert!(keys(&[("a", 1), ("b", 2)]).read(&old, NOW).is_some());
        assert_eq!(keys(&[("b", 2)]).read(&old, NOW), None);
        // Another key of the same name.
        assert_eq!(keys(&[("a", 3)]).read(&old, NOW), None);
        let new = keys(&[("a", 1), ("b", 2)])
            .issue("acc-1", "t-1", 0, NOW)
            .unwrap();
        assert!(keys(&[("b", 2)]).read(&new, NOW).is_some());
    }

    #[test]
    fn a_token_that_says_how_it_is_to_be_read_is_not_believed() {
        let keys = keys(&[("a", 1)]);
        let token = keys.issue("acc-1", "t-1", 0, NOW).unwrap();
        let (_, rest) = token.split_once('.').unwrap();
        let (claims, _) = rest.split_once('.').unwrap();
        for header in [
            r#"{"alg":"none","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"RS256","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"b"}"#,
            r#"{"alg":"HS256"}"#,
        ] {
            let header = BASE64URL.encode(header);
            assert_eq!(keys.read(&format!("{header}.{rest}"), NOW), None);
            assert_eq!(keys.read(&format!("{header}.{claims}."), NOW), None);
        }
        assert_eq!(keys.read(&format!("{token}.x"), NOW), None);
        assert_eq!(keys.read(&"a.".repeat(2_000), NOW), None);
    }

    proptest! {
        /// Whatever is changed of it: it is not ours any more.
        #[test]
        fn an_altered_token_is_not_read(at in 0_usize..200, with in "[a-zA-Z0-9_.-]") {
            let keys = keys(&[("a", 1)]);
            let token = keys.issue("acc-1", "t-1", 0, NOW).unwrap();
            let at = at % token.len();
            let mut altered = token.clone();
            altered.replace_range(at..=at, &with);
            prop_assume!(altered != token);
            prop_assert_eq!(keys.read(&altered, NOW), None);
        }

        #[test]
        fn no_text_is_a_panic(text in "[a-zA-Z0-9_.=-]{0,200}") {
            prop_assert_eq!(keys(&[("a", 1)]).read(&text, NOW), None);
        }
    }
}
