//! The platform, told what to do by signed webhooks as the Standard Webhooks
//! specification has them (standardwebhooks.com, version 1): the headers
//! `webhook-id`, `webhook-timestamp` and `webhook-signature`, the last an
//! HMAC-SHA256 over `id.timestamp.payload`.
//!
//! An order may come twice, after a crash between being given and being recorded;
//! its id is then the same.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;

use super::http::{TransportError, client, told};
use crate::config::{PlatformSettings, SecretError};
use crate::domain::calendar::Instant;

const PREFIX: &str = "whsec_";
/// The specification: between 24 and 64 bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const MICROS_PER_S: i64 = 1_000_000;
/// How far the platform's clock and ours may be apart (the specification's own
/// libraries: five minutes).
const TOLERANCE_S: u64 = 5 * 60;
/// What is read of an answer; nothing in it counts.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The connection to the platform cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("platform.secret: {0}")]
    Secret(#[from] SecretError),
    #[error("platform.secret must be whsec_ and the base64 of 24 to 64 bytes (Standard Webhooks)")]
    SecretForm,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The platform has it.
    Taken,
    /// The platform will not take it.
    Refused(String),
    /// The platform does not take it now, or its answer was lost.
    Again {
        problem: String,
        /// Not before, if it says so.
        after: Option<Duration>,
    },
    /// The platform is not reached at all.
    Unreachable(String),
}

/// Whoever has the key signs in our name.
pub struct SigningKey(SecretSlice<u8>);

impl SigningKey {
    /// # Errors
    /// When the secret is not `whsec_` and the base64 of 24 to 64 bytes.
    pub fn new(secret: &SecretString) -> Result<Self, OpenError> {
        let text = secret.expose_secret();
        let encoded = text.strip_prefix(PREFIX).ok_or(OpenError::SecretForm)?;
        let bytes = BASE64.decode(encoded).map_err(|_| OpenError::SecretForm)?;
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(OpenError::SecretForm);
        }
        Ok(Self(SecretSlice::from(bytes)))
    }

    /// The `webhook-signature` of a payload.
    ///
    /// # Errors
    /// Never: HMAC takes keys of every length.
    pub fn sign(&self, id: &str, at_s: i64, payload: &str) -> Result<String, OpenError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .map_err(|_| OpenError::SecretForm)?;
        mac.update(format!("{id}.{at_s}.").as_bytes());
        mac.update(payload.as_bytes());
        let signature = BASE64.encode(mac.finalize().into_bytes());
        Ok(format!("v1,{signature}"))
    }
}

/// A webhook of the platform's as it came.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`: seconds since 1970 UTC.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, with spaces between.
    pub signature: &'a str,
    pub body: &'a [u8],
}

/// A webhook is not the platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("webhook-id, webhook-timestamp or webhook-signature is missing")]
    Header,
    #[error("webhook-timestamp is no number of seconds")]
    Timestamp,
    #[error(
        "webhook-timestamp is more than 5 minutes off: it is late, repeated, or a clock is wrong"
    )]
    Time,
    #[error("no signature fits")]
    Signature,
}

impl SigningKey {
    /// Whether a webhook was signed with this key, within five minutes of now.
    ///
    /// # Errors
    /// When it was not. Signatures are compared in constant time.
    pub fn verify(&self, delivery: &Delivery<'_>, now: Instant) -> Result<(), Rejected> {
        let (id, timestamp) = (delivery.id, delivery.timestamp);
        if id.is_empty() || timestamp.is_empty() || delivery.signature.is_empty() {
            return Err(Rejected::Header);
        }
        let at_s: i64 = timestamp.parse().map_err(|_| Rejected::Timestamp)?;
        let now_s = now.0.div_euclid(MICROS_PER_S);
        if at_s.abs_diff(now_s) > TOLERANCE_S {
            return Err(Rejected::Time);
        }
        let fits = |signature: &str| {
            let encoded = signature.strip_prefix("v1,")?;
            let bytes = BASE64.decode(encoded).ok()?;
            let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(delivery.body);
            mac.verify_slice(&bytes).ok()
        };
        // While a key is changed, it is signed with both.
        let mut signatures = delivery.signature.split_ascii_whitespace();
        if signatures.any(|signature| fits(signature).is_some()) {
            Ok(())
        } else {
            Err(Rejected::Signature)
        }
    }
}

/// Connections to the platform.
pub struct Platform {
    client: reqwest::Client,
    url: String,
    key: SigningKey,
}

impl Platform {
    /// # Errors
    /// When the secret is not there or is none.
    pub fn open(settings: &PlatformSettings) -> Result<Self, OpenError> {
        Ok(Self {
            client: client(settings.timeout, "the platform")?,
            url: settings.url.clone(),
            key: SigningKey::new(&settings.secret.read()?)?,
        })
    }

    /// Gives an order: once, without waiting for a better time.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub async fn give(&self, id: &str, payload: &str, now: Instant) -> Result<Given, OpenError> {
        let at_s = now.0.div_euclid(MICROS_PER_S);
        let signature = self.key.sign(id, at_s, payload)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", &at_s.to_string()),
            ("webhook-signature", &signature),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| OpenError::SecretForm)?;
            headers.insert(name, value);
        }
        let request = self
            .client
            .post(&self.url)
            .headers(headers)
            .body(payload.to_owned());
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let unreachable = error.is_connect() || error.is_builder();
                let reason = told(&error.without_url());
                tracing::warn!(id, reason, "the platform does not answer");
                return Ok(if unreachable {
                    Given::Unreachable(reason)
                } else {
                    Given::Again {
                        problem: reason,
                        after: None,
                    }
                });
            }
        };
        let status = response.status().as_u16();
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after(value, now));
        tracing::debug!(id, status, "the platform answered");
        // Read to the end, so that the connection is kept; what it says does not count.
        let mut bytes = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes += chunk.len();
            if bytes > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(meaning(status, after))
    }
}

/// What an answer means. Another address (3xx) is one to be put into the settings:
/// an order is not taken where somebody else points.
fn meaning(status: u16, after: Option<Duration>) -> Given {
    match status {
        200..=299 => Given::Taken,
        408 | 425 | 429 | 500.. => Given::Again {
            problem: format!("status {status}"),
            after,
        },
        _ => Given::Refused(format!("status {status}")),
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
fn retry_after(value: &str, now: Instant) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value.trim()).ok()?;
    let micros = date.timestamp_micros().checked_sub(now.0)?;
    u64::try_from(micros).ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signs_as_the_specification_does() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = SigningKey::new(&secret).unwrap();
        let signature = key
            .sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
            )
            .unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_webhook_is_taken_from_whoever_has_the_key_and_in_time() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = SigningKey::new(&secret).unwrap();
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let (id, time) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let body = r#"{"test": 2432232314}"#;
        let both = format!("v1,AAAA v2,x {right}");
        // (id, timestamp, signature, body, seconds later, what becomes of it)
        let table = [
            (id, time, right, body, 0, Ok(())),
            (id, time, both.as_str(), body, 0, Ok(())),
            (id, time, right, body, 300, Ok(())),
            (id, time, right, body, -300, Ok(())),
            (id, time, right, body, 301, Err(Rejected::Time)),
            (id, time, right, body, -301, Err(Rejected::Time)),
            ("msg_2", time, right, body, 0, Err(Rejected::Signature)),
            (id, "1614265331", right, body, 0, Err(Rejected::Signature)),
            (id, time, right, "{}", 0, Err(Rejected::Signature)),
            (id, time, "v1,AAAA", body, 0, Err(Rejected::Signature)),
            (id, time, "v1,???", body, 0, Err(Rejected::Signature)),
            (id, time, &right[3..], body, 0, Err(Rejected::Signature)),
            (id, "soon", right, body, 0, Err(Rejected::Timestamp)),
            ("", time, right, body, 0, Err(Rejected::Header)),
            (id, "", right, body, 0, Err(Rejected::Header)),
            (id, time, "", body, 0, Err(Rejected::Header)),
        ];
        for (id, timestamp, signature, body, later_s, expected) in table {
            let delivery = Delivery {
                id,
                timestamp,
                signature,
                body: body.as_bytes(),
            };
            let now = Instant((1_614_265_330 + later_s) * MICROS_PER_S);
            assert_eq!(
                key.verify(&delivery, now),
                expected,
                "{delivery:?} {later_s}"
            );
        }
    }

    #[test]
    fn a_secret_has_its_form() {
        let of = |bytes: usize| format!("{PREFIX}{}", BASE64.encode(vec![7; bytes]));
        for (secret, right) in [
            (of(24), true),
            (of(64), true),
            (of(23), false),
            (of(65), false),
            ("whsec_???".to_owned(), false),
            (BASE64.encode([7; 32]), false),
        ] {
            let key = SigningKey::new(&SecretString::from(secret.clone()));
            assert_eq!(key.is_ok(), right, "{secret}");
        }
    }

    #[test]
    fn every_answer_has_its_meaning() {
        let again = |status: u16| Given::Again {
            problem: format!("status {status}"),
            after: None,
        };
        for status in [200, 202, 204] {
            assert_eq!(meaning(status, None), Given::Taken);
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(meaning(status, None), again(status));
        }
        for status in [301, 307, 400, 401, 404, 409, 410, 422] {
            let refused = Given::Refused(format!("status {status}"));
            assert_eq!(meaning(status, None), refused);
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Instant(1_793_600_000_000_000);
        let table = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 02 Nov 2026 06:14:20 GMT", Some(60)),
            ("Mon, 02 Nov 2020 06:14:20 GMT", None),
            ("soon", None),
            ("-1", None),
        ];
        for (value, expected) in table {
            let after = retry_after(value, now).map(|after| after.as_secs());
            assert_eq!(after, expected, "{value}");
        }
    }
}
