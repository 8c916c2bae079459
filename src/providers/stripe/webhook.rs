//! Events: hints that something changed. Of a signed event only its id, type and
//! the object's id are read; whoever handles it re-reads the object.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use crate::domain::calendar::Instant;

/// How old a signature may be, or how far ahead, in seconds
/// (docs.stripe.com/webhooks, "Preventing replay attacks").
pub const TOLERANCE_S: i64 = 300;
const MICROS_PER_S: i64 = 1_000_000;

/// An event that Stripe signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `evt_...`; the same when the event is sent again.
    pub id: String,
    /// Such as `payment_intent.succeeded`.
    pub kind: String,
    pub object: EventObject,
    /// Whether it is about real money.
    pub livemode: bool,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventObject {
    /// Such as `payment_intent`.
    pub kind: String,
    pub id: String,
}

/// An event that is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("the signature has no {0}")]
    Incomplete(&'static str),
    #[error("the signature's time {0:?} is no time")]
    Time(String),
    #[error("the signature is of {signed_s}, more than {TOLERANCE_S} s from {now_s}")]
    Expired { signed_s: i64, now_s: i64 },
    #[error("no signature is of this payload and secret")]
    Signature,
    #[error("the event cannot be read: {0}")]
    Payload(String),
}

#[derive(Deserialize)]
struct RawEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    livemode: bool,
    data: RawData,
}

#[derive(Deserialize)]
struct RawData {
    object: RawObject,
}

#[derive(Deserialize)]
struct RawObject {
    id: String,
    object: String,
}

/// Checks the `Stripe-Signature` of a payload, to the byte as it came, and reads
/// the event. Several signatures are there while a secret is being replaced; one
/// has to be right.
///
/// # Errors
/// When it is not signed with the secret, not lately, or no event.
pub fn verify(
    payload: &[u8],
    signature: &str,
    secret: &SecretString,
    now: Instant,
) -> Result<StripeEvent, WebhookError> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in signature.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) => signatures.push(value),
            // Other schemes are not trusted: v0 is a test's.
            _ => {}
        }
    }
    let time = time.ok_or(WebhookError::Incomplete("time"))?;
    let signed_s: i64 = time
        .parse()
        .map_err(|_| WebhookError::Time(time.to_owned()))?;
    if signatures.is_empty() {
        return Err(WebhookError::Incomplete("v1 signature"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_err(|_| WebhookError::Signature)?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(payload);
    let is_right = signatures
        .iter()
        .filter_map(|text| bytes_of(text))
        // In constant time.
        .any(|bytes| mac.clone().verify_slice(&bytes).is_ok());
    if !is_right {
        return Err(WebhookError::Signature);
    }
    let now_s = now.0.div_euclid(MICROS_PER_S);
    if signed_s.abs_diff(now_s) > TOLERANCE_S.unsigned_abs() {
        return Err(WebhookError::Expired { signed_s, now_s });
    }
    let event: RawEvent = serde_json::from_slice(payload)
        .map_err(|error| WebhookError::Payload(error.to_string()))?;
    Ok(StripeEvent {
        id: event.id,
        kind: event.kind,
        object: EventObject {
            kind: event.data.object.object,
            id: event.data.object.id,
        },
        livemode: event.livemode,
    })
}

/// 64 hex digits.
fn bytes_of(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
