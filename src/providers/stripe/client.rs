//! Requests as `stripe_core` builds them, over the transport all providers share.

use axum::body::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use stripe_client_core::{
    CustomizedStripeRequest, IdempotencyKey, RequestStrategy, StripeClient, StripeClientErr,
    StripeMethod, VERSION,
};

use super::PROVIDER;
use crate::config::StripeSettings;
use crate::providers::CallError;
use crate::providers::http::{Dialect, Http, Reply, Request, TransportError, Way, secret_header};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

const DIALECT: Dialect = Dialect {
    provider: PROVIDER,
    request_id: "request-id",
    should_retry: Some("stripe-should-retry"),
    replayed: Some("idempotent-replayed"),
};

/// Stripe cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the secret key of Stripe is not there: {0}")]
    Secret(#[from] crate::config::SecretError),
    #[error("the secret key of Stripe has characters that no key has")]
    KeyFormat,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The transport with our key and the version the types are generated for.
pub(super) struct Client {
    http: Http,
    headers: HeaderMap,
}

/// What came instead of an object.
#[derive(Debug)]
pub(super) enum Failure {
    Call(CallError),
    Api(Box<ApiError>),
}

/// An error that Stripe tells (docs.stripe.com/api/errors).
#[derive(Debug)]
pub(super) struct ApiError {
    pub status: u16,
    pub kind: String,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: String,
    /// The payment intent that it is about.
    pub intent: Option<ErrorIntent>,
    /// Whether an earlier request may have been carried out nevertheless.
    pub leaves_doubt: bool,
    request_id: String,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: ErrorFields,
}

#[derive(Debug, Deserialize)]
struct ErrorFields {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
    payment_intent: Option<ErrorIntent>,
}

/// As much of a payment intent as an error is needed for.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorIntent {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub status: String,
}

impl Client {
    pub fn open(settings: &StripeSettings, way: &Way) -> Result<Self, SetupError> {
        let key = settings.secret_key.read()?;
        let bearer = secret_header(&format!("Bearer {}", key.expose_secret()))
            .map_err(|_| SetupError::KeyFormat)?;
        let version = HeaderValue::from_str(VERSION.as_str()).map_err(|_| SetupError::KeyFormat)?;
        let headers = HeaderMap::from_iter([
            (reqwest::header::AUTHORIZATION, bearer),
            (STRIPE_VERSION, version),
        ]);
        Ok(Self {
            http: Http::new(settings.calls.clone(), DIALECT, way)?,
            headers,
        })
    }
}

/// Done once, however often it is sent.
pub(super) fn under(key: &str) -> Result<RequestStrategy, CallError> {
    let key =
        IdempotencyKey::new(key).map_err(|error| refused("idempotency_key", error.to_string()))?;
    Ok(RequestStrategy::Idempotent(key))
}

/// Done twice it is the same, so that it needs no key. How often it is tried is
/// the transport's.
pub(super) const REPEATABLE: RequestStrategy = RequestStrategy::Retry(1);

impl StripeClient for Client {
    type Err = Failure;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Failure> {
        let (request, config) = request.into_pieces();
        let mut headers = self.headers.clone();
        let mut repeatable = matches!(request.method, StripeMethod::Get);
        match config.request_strategy {
            Some(RequestStrategy::Idempotent(key)) => {
                let key = HeaderValue::from_str(key.as_str())
                    .map_err(|error| refused("idempotency_key", error.to_string()))?;
                headers.insert(IDEMPOTENCY_KEY, key);
                repeatable = true;
            }
            Some(RequestStrategy::Retry(_) | RequestStrategy::ExponentialBackoff(_)) => {
                repeatable = true;
            }
            Some(RequestStrategy::Once) | None => {}
        }
        // The ids in it are ours or come from Stripe; another address is none of it.
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
        if !request.path.bytes().all(is_plain) {
            let reason = "an id has characters that no id of Stripe has".to_owned();
            return Err(refused("id", reason).into());
        }
        if request.body.is_some() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
        }
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let request = Request {
            method,
            path: format!("/v1{}", request.path),
            query: request.query.filter(|query| !query.is_empty()),
            headers,
            body: request.body,
            repeatable,
        };
        let reply = self.http.send(&request).await?;
        if reply.is_success() {
            Ok(reply.body.into())
        } else {
            Err(api_error(&reply))
        }
    }
}

fn api_error(reply: &Reply) -> Failure {
    let status = reply.status;
    let request_id = reply.request_id.as_deref().unwrap_or("none").to_owned();
    match serde_json::from_slice::<ErrorBody>(&reply.body) {
        Ok(ErrorBody { error }) => Failure::Api(Box::new(ApiError {
            status,
            kind: error.kind.unwrap_or_default(),
            code: error.code,
            decline_code: error.decline_code,
            message: error.message.unwrap_or_default(),
            intent: error.payment_intent,
            leaves_doubt: reply.after_lost_try && !reply.is_replayed,
            request_id,
        })),
        Err(error) => lost(format!(
            "status {status}, request {request_id}, with an error that cannot be read: {error}"
        ))
        .into(),
    }
}

impl ApiError {
    /// The code that Stripe's documentation lists, or the type of error.
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or(&self.kind)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Call(error) => return error,
            Failure::Api(error) => error,
        };
        let ApiError {
            status, request_id, ..
        } = error.as_ref();
        let place = format!("status {status}, request {request_id}");
        // An earlier request stands under the key, and this answer is not its.
        let is_of_another = *status == 409 || error.kind == "idempotency_error";
        match status {
            400..=499 if is_of_another || error.leaves_doubt => {
                lost(format!("{} ({place})", error.code()))
            }
            // Its message is for developers, and may repeat a part of the key or
            // what is known of people: code and request lead to it at Stripe.
            401 | 403 => Self::Denied {
                provider: PROVIDER,
                reason: place,
            },
            400..=499 => refused(error.code(), place),
            _ => lost(place),
        }
    }
}

impl StripeClientErr for Failure {
    fn deserialize_err(message: impl std::fmt::Display) -> Self {
        lost(format!("an object that cannot be read: {message}")).into()
    }
}

pub(super) fn lost(reason: String) -> CallError {
    CallError::Lost {
        provider: PROVIDER,
        reason,
    }
}

/// An answer that is read, and that nobody may book.
pub(super) fn unbookable(reference: impl ToString, reason: impl Into<String>) -> CallError {
    CallError::Unbookable {
        provider: PROVIDER,
        reference: reference.to_string(),
        reason: reason.into(),
    }
}

pub(super) fn refused(code: &str, reason: String) -> CallError {
    CallError::Refused {
        provider: PROVIDER,
        code: code.to_owned(),
        reason,
    }
}
