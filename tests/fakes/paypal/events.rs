//! Events, signed so that only their own bytes verify. The test delivers them.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::state::State;

/// The webhook whose events are signed.
pub const WEBHOOK_ID: &str = "1JE4291016473214C";

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentEvent {
    pub kind: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl SentEvent {
    /// As a server gets them.
    pub fn header_map(&self) -> HeaderMap {
        let pair = |(name, value): &(&'static str, String)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        };
        self.headers.iter().map(pair).collect()
    }
}

impl State {
    pub fn tell(&mut self, kind: &str, resource_type: &str, resource: Value) {
        let id = self.id("WH-");
        let event = json!({
            "id": id, "event_version": "1.0", "create_time": "2026-11-02T08:00:00Z",
            "resource_type": resource_type, "resource_version": "2.0", "event_type": kind,
            "summary": "Something happened", "resource": resource,
        });
        self.contract.event(&event);
        // Not as a serializer of the house would write it.
        let body = serde_json::to_vec_pretty(&event).unwrap();
        let transmission = format!("t{id}");
        let time = "2026-11-02T08:00:01Z".to_owned();
        let signature = signature(&transmission, &time, WEBHOOK_ID, &body);
        self.events.push(SentEvent {
            kind: kind.to_owned(),
            headers: vec![
                ("paypal-transmission-id", transmission),
                ("paypal-transmission-time", time),
                ("paypal-transmission-sig", signature),
                (
                    "paypal-cert-url",
                    "https://api.paypal.com/v1/notifications/certs/CERT-1".to_owned(),
                ),
                ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            ],
            body,
        });
    }
}

/// PayPal signs `id|time|webhook|crc32(body)` by RSA; here a digest of the bytes
/// does as well.
pub fn signature(transmission: &str, time: &str, webhook: &str, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{transmission}|{time}|{webhook}|"));
    digest.update(body);
    let hex: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("s{hex}")
}

/// Whether a request to verify holds the very bytes that were signed.
pub fn verifies(request: &[u8]) -> bool {
    let text = std::str::from_utf8(request).unwrap();
    let Ok(parsed) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let field = |name: &str| parsed[name].as_str().unwrap_or_default().to_owned();
    let Some((_, event)) = text.split_once("\"webhook_event\":") else {
        return false;
    };
    let event = event.strip_suffix('}').unwrap_or(event);
    let expected = signature(
        &field("transmission_id"),
        &field("transmission_time"),
        WEBHOOK_ID,
        event.as_bytes(),
    );
    field("webhook_id") == WEBHOOK_ID && field("transmission_sig") == expected
}
