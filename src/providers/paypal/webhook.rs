//! Events: PayPal itself says whether it sent one. What an event tells of its
//! object is not believed: the object is read anew.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::PayPal;
use super::call::{Call, decode, refusal};
use crate::providers::CallError;

/// An event that PayPal sent, for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayPalEvent {
    pub id: String,
    /// Such as `PAYMENT.CAPTURE.COMPLETED`.
    pub kind: String,
    pub subject: EventSubject,
}

/// What an event is about, by PayPal's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSubject {
    Order(String),
    Capture(String),
    /// A refund by the house, or by hand at PayPal.
    Refund(String),
    /// PayPal took the money back; it is read as a refund.
    Reversal(String),
    Dispute(String),
    /// Nothing that the house acts on.
    Other,
    /// Something that it would act on, without an id.
    Unnamed,
}

/// An event cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Answer with 400: sending it again changes nothing.
    #[error("the event cannot be read: {0}")]
    Unreadable(&'static str),
    /// Answer with 401.
    #[error("PayPal says that it did not send this event")]
    NotSigned,
    /// Answer with 503: PayPal sends it again.
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Deserialize)]
struct EventBody {
    id: String,
    event_type: String,
    #[serde(default)]
    resource: ResourceBody,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceBody {
    id: Option<String>,
    order_id: Option<String>,
    dispute_id: Option<String>,
}

#[derive(Deserialize)]
struct VerificationBody {
    verification_status: String,
}

/// The headers that carry the signature, and what the request calls them.
const SIGNATURE: [(&str, &str); 5] = [
    ("auth_algo", "paypal-auth-algo"),
    ("cert_url", "paypal-cert-url"),
    ("transmission_id", "paypal-transmission-id"),
    ("transmission_sig", "paypal-transmission-sig"),
    ("transmission_time", "paypal-transmission-time"),
];

impl PayPal {
    /// Asks PayPal whether it sent an event, and reads what it is about.
    ///
    /// # Errors
    /// When it is unreadable, was not sent by PayPal, or PayPal does not answer.
    pub async fn receive(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<PayPalEvent, EventError> {
        let text = std::str::from_utf8(body).map_err(|_| EventError::Unreadable("not UTF-8"))?;
        let event = event_of(text)?;
        let mut signature = json!({"webhook_id": self.webhook_id});
        for (field, name) in SIGNATURE {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            let value = value.ok_or(EventError::Unreadable("a signature header is missing"))?;
            signature[field] = Value::from(value);
        }
        let reply = self
            .call(&Call {
                method: Method::POST,
                path: "/v1/notifications/verify-webhook-signature".to_owned(),
                body: Some(with_event(&signature, text)?),
                key: None,
            })
            .await?;
        if !reply.is_success() {
            return Err(refusal(&reply).into());
        }
        let verification: VerificationBody = decode(&reply)?;
        if verification.verification_status != "SUCCESS" {
            return Err(EventError::NotSigned);
        }
        Ok(event)
    }
}

/// The signature covers the event's bytes, so they go back as they came, not
/// written anew.
fn with_event(signature: &Value, event: &str) -> Result<String, EventError> {
    let text = signature.to_string();
    let open = text
        .strip_suffix('}')
        .ok_or(EventError::Unreadable("the signature"))?;
    Ok(format!("{open},\"webhook_event\":{event}}}"))
}

fn event_of(text: &str) -> Result<PayPalEvent, EventError> {
    let body: EventBody = serde_json::from_str(text)
        .map_err(|_| EventError::Unreadable("not an event of PayPal's"))?;
    if body.id.is_empty() || body.id.len() > 100 || body.event_type.len() > 100 {
        return Err(EventError::Unreadable("its id or type is too long"));
    }
    let id = body.resource.id;
    let subject = match body.event_type.as_str() {
        "CHECKOUT.ORDER.APPROVED" | "CHECKOUT.ORDER.COMPLETED" => id.map(EventSubject::Order),
        "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => body.resource.order_id.map(EventSubject::Order),
        "PAYMENT.CAPTURE.COMPLETED"
        | "PAYMENT.CAPTURE.PENDING"
        | "PAYMENT.CAPTURE.DENIED"
        | "PAYMENT.CAPTURE.DECLINED" => id.map(EventSubject::Capture),
        "PAYMENT.CAPTURE.REFUNDED" => id.map(EventSubject::Refund),
        "PAYMENT.CAPTURE.REVERSED" => id.map(EventSubject::Reversal),
        "CUSTOMER.DISPUTE.CREATED" | "CUSTOMER.DISPUTE.UPDATED" | "CUSTOMER.DISPUTE.RESOLVED" => {
            body.resource.dispute_id.map(EventSubject::Dispute)
        }
        _ => Some(EventSubject::Other),
    };
    Ok(PayPalEvent {
        subject: subject.unwrap_or(EventSubject::Unnamed),
        id: body.id,
        kind: body.event_type,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_goes_back_as_it_came() {
        let event = "{ \"id\":\"WH-1\" ,\n \"n\": 1.50 }";
        let text = with_event(&json!({"webhook_id": "W"}), event).unwrap();
        assert!(text.contains(event), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["webhook_id"], "W");
        assert_eq!(read["webhook_event"]["id"], "WH-1");
    }

    #[test]
    fn each_kind_has_its_subject() {
        let table = [
            ("CHECKOUT.ORDER.APPROVED", EventSubject::Order("R1".into())),
            (
                "PAYMENT.CAPTURE.COMPLETED",
                EventSubject::Capture("R1".into()),
            ),
            ("PAYMENT.CAPTURE.DENIED", EventSubject::Capture("R1".into())),
            (
                "PAYMENT.CAPTURE.REFUNDED",
                EventSubject::Refund("R1".into()),
            ),
            (
                "PAYMENT.CAPTURE.REVERSED",
                EventSubject::Reversal("R1".into()),
            ),
            (
                "CUSTOMER.DISPUTE.CREATED",
                EventSubject::Dispute("D1".into()),
            ),
            (
                "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
                EventSubject::Order("O1".into()),
            ),
            ("BILLING.PLAN.CREATED", EventSubject::Other),
        ];
        for (kind, subject) in table {
            let text = json!({"id": "WH-1", "event_type": kind,
                "resource": {"id": "R1", "dispute_id": "D1", "order_id": "O1"}});
            let event = event_of(&text.to_string()).unwrap();
            assert_eq!(event.subject, subject, "{kind}");
        }
        let unnamed = r#"{"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED"}"#;
        assert_eq!(event_of(unnamed).unwrap().subject, EventSubject::Unnamed);
        for wrong in [
            "",
            "[]",
            r#"{"event_type": "X", "resource": {}}"#,
            r#"{"id": "", "event_type": "X", "resource": {}}"#,
            r#"{"id": "WH-1", "event_type": "X"}}"#,
        ] {
            assert!(event_of(wrong).is_err(), "{wrong}");
        }
    }
}
