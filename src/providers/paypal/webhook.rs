//! Events: PayPal itself says whether it sent one. What an event tells of its
//! object is not believed: the object is read anew.
//!
//! Anybody can send something here, and PayPal answers only so many questions: so
//! whatever can be seen without asking is seen first, few are asked at once, and
//! they have a limit of requests of their own.

use chrono::DateTime;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::PayPal;
use super::call::{Call, decode, refusal};
use crate::config::CallPolicy;
use crate::providers::CallError;
use crate::providers::http::{Dialect, Http, TransportError, Way};

/// Verifications at the same time. Whatever comes beyond is sent again.
const VERIFICATIONS_AT_ONCE: usize = 8;

/// Whom certificates belong to that sign events.
const CERTIFICATE_HOST: &str = "paypal.com";

/// The connections over which PayPal is asked whether it sent an event.
pub struct Verifying {
    http: Http,
    places: Semaphore,
}

impl Verifying {
    pub fn open(calls: CallPolicy, dialect: Dialect, way: &Way) -> Result<Self, TransportError> {
        // PayPal sends the event again.
        let calls = CallPolicy { tries: 1, ..calls };
        Ok(Self {
            http: Http::new(calls, dialect, way)?,
            places: Semaphore::new(VERIFICATIONS_AT_ONCE),
        })
    }
}

/// Something that has the form of an event of PayPal's.
#[derive(Debug)]
pub struct UnverifiedEvent<'a> {
    event: PayPalEvent,
    /// What the headers hold, as PayPal is asked about it.
    signature: Value,
    text: &'a str,
}

impl UnverifiedEvent<'_> {
    /// What PayPal would call it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.event.id
    }
}

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
    /// Answer with 429: PayPal sends it again.
    #[error("too many events are being verified")]
    Busy,
    /// Answer with 500: PayPal sends it again.
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

/// A header that carries a part of the signature.
struct Part {
    /// As the request to verify calls it.
    field: &'static str,
    header: &'static str,
    /// As the document "Webhooks v1" bounds it (`verify_webhook_signature`).
    length_max: usize,
    is_sane: fn(&str) -> bool,
}

const SIGNATURE: [Part; 5] = [
    Part {
        field: "auth_algo",
        header: "paypal-auth-algo",
        length_max: 100,
        is_sane: |text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    },
    Part {
        field: "cert_url",
        header: "paypal-cert-url",
        length_max: 500,
        is_sane: is_of_paypal,
    },
    Part {
        field: "transmission_id",
        header: "paypal-transmission-id",
        length_max: 50,
        is_sane: is_graphic,
    },
    Part {
        field: "transmission_sig",
        header: "paypal-transmission-sig",
        length_max: 500,
        is_sane: is_graphic,
    },
    // How old it may be is said nowhere: PayPal sends an event again for days, and
    // one that was handled before is known by its id. So any time will do.
    Part {
        field: "transmission_time",
        header: "paypal-transmission-time",
        length_max: 100,
        is_sane: |text| DateTime::parse_from_rfc3339(text).is_ok(),
    },
];

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a certificate is one of PayPal's: any other could be anybody's.
fn is_of_paypal(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let is_host = |host: &str| {
        let above = host.strip_suffix(CERTIFICATE_HOST);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    };
    url.scheme() == "https"
        && url.host_str().is_some_and(is_host)
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Reads what has the form of an event, and asks nobody.
///
/// # Errors
/// [`EventError::Unreadable`] when PayPal can never have sent it.
pub fn read_event<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<UnverifiedEvent<'a>, EventError> {
    let mut signature = json!({});
    for part in &SIGNATURE {
        let value = headers.get(part.header);
        let value = value.and_then(|value| value.to_str().ok());
        let value = value.ok_or(EventError::Unreadable("a signature header is missing"))?;
        if value.is_empty() || value.len() > part.length_max || !(part.is_sane)(value) {
            return Err(EventError::Unreadable(
                "a signature header is none of PayPal's",
            ));
        }
        signature[part.field] = Value::from(value);
    }
    let text = std::str::from_utf8(body).map_err(|_| EventError::Unreadable("not UTF-8"))?;
    Ok(UnverifiedEvent {
        event: event_of(text)?,
        signature,
        text,
    })
}

impl PayPal {
    /// Asks PayPal whether it sent an event.
    ///
    /// # Errors
    /// When PayPal did not, does not answer, or is asked about others already.
    pub async fn verify(&self, event: UnverifiedEvent<'_>) -> Result<PayPalEvent, EventError> {
        let UnverifiedEvent {
            event,
            mut signature,
            text,
        } = event;
        let places = &self.verifying.places;
        let _place = places.try_acquire().map_err(|_| EventError::Busy)?;
        signature["webhook_id"] = Value::from(self.webhook_id.as_str());
        let call = Call {
            method: Method::POST,
            path: "/v1/notifications/verify-webhook-signature".to_owned(),
            body: Some(with_event(&signature, text)?),
            key: None,
        };
        let reply = self.call_over(&self.verifying.http, &call).await?;
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
    fn only_paypals_certificates_sign() {
        let table = [
            ("https://api.paypal.com/v1/notifications/certs/CERT-1", true),
            (
                "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
                true,
            ),
            ("https://paypal.com/cert", true),
            ("http://api.paypal.com/cert", false),
            ("https://evilpaypal.com/cert", false),
            ("https://api.paypal.com.evil.example/cert", false),
            ("https://evil.example/api.paypal.com", false),
            ("https://api.paypal.com@evil.example/cert", false),
            ("https://evil@api.paypal.com/cert", false),
            ("https://api.paypal.com:8443/cert", false),
            ("https://paypal.com.", false),
            ("api.paypal.com/cert", false),
            ("", false),
        ];
        for (url, expected) in table {
            assert_eq!(is_of_paypal(url), expected, "{url}");
        }
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
