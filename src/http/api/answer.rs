//! What is answered: JSON with a root, and every error in the shape of the contract.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::domain::access::Barred;
use crate::domain::calendar::Instant;
use crate::engine::access::AccessError;

/// Why a request is refused.
#[derive(Debug)]
pub enum Refused {
    /// 400: it cannot be read. What is wrong, and where.
    Malformed(String),
    /// 401: nobody is let in by it.
    Unauthorized(&'static str),
    /// 402, 403: the account may not, as it stands.
    Barred(Barred),
    /// 403: the token is not good for it.
    Forbidden(String),
    /// 404: there is no such resource of this account, whether or not another has it.
    NotFound(&'static str),
    /// 405: not in this way.
    Method,
    /// 413: too much at once.
    TooLarge,
    /// 422: a field is wrong.
    Field(&'static str, String),
    /// 429: too often; in so many seconds again.
    TooOften(u64),
    /// 500: it is our fault; the log has why.
    Internal(String),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = match &self {
            Self::Malformed(error) => json!({ "error": error, "code": "bad_request" }),
            Self::Unauthorized(error) => json!({ "error": error }),
            Self::Barred(Barred::Unpaid) => json!({
                "name": "payment_required",
                "error": Barred::Unpaid.to_string(),
                "url": "/v1/account/invoices",
            }),
            Self::Barred(barred) => json!({ "error": barred.to_string(), "code": code(*barred) }),
            Self::Forbidden(error) => json!({ "error": error, "code": "forbidden" }),
            Self::NotFound(resource) => json!({ "resource": resource, "error": "not found" }),
            Self::Method => json!({ "error": "method not allowed" }),
            Self::TooLarge => json!({ "error": "the request is too large", "code": "too_large" }),
            Self::Field(field, message) => json!({ "errors": { *field: [message] } }),
            Self::TooOften(_) => json!({ "error": "Retry later" }),
            Self::Internal(error) => {
                tracing::error!(error, "request failed");
                json!({ "error": "internal error" })
            }
        };
        let mut response = (status, Json(body)).into_response();
        if let Self::TooOften(seconds) = self {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Refused {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) | Self::Barred(Barred::Deleted) => StatusCode::UNAUTHORIZED,
            Self::Barred(Barred::Unpaid) => StatusCode::PAYMENT_REQUIRED,
            Self::Barred(Barred::Leaving | Barred::ByStaff) | Self::Forbidden(_) => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Field(..) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A refusal of the engine's about a resource.
    pub fn access(resource: &'static str, error: AccessError) -> Self {
        match error {
            AccessError::NotLetIn => Self::Unauthorized("Authentication failed"),
            AccessError::Unknown => Self::NotFound(resource),
            AccessError::Name(reason) => Self::Field("name", reason.to_string()),
            AccessError::NameTaken => Self::Field("name", "has already been taken".to_owned()),
            AccessError::Content(reason) => Self::Field("content", reason.to_string()),
            AccessError::KeyTaken => Self::Field("content", "has already been taken".to_owned()),
            AccessError::Leaving => Self::Barred(Barred::Leaving),
            AccessError::Expiry => Self::Field("expires_at", "is in the past".to_owned()),
            AccessError::TooMany => Self::Field("base", AccessError::TooMany.to_string()),
            error @ (AccessError::Scope | AccessError::Lacks(_)) => {
                Self::Forbidden(error.to_string())
            }
            error @ (AccessError::Store(_)
            | AccessError::Chance(_)
            | AccessError::Claims(_)
            | AccessError::NoKey) => Self::Internal(error.to_string()),
        }
    }
}

const fn code(barred: Barred) -> &'static str {
    match barred {
        Barred::Deleted => "account_deleted",
        Barred::Leaving => "account_leaving",
        Barred::ByStaff => "account_suspended",
        Barred::Unpaid => "payment_required",
    }
}

/// RFC 3339 in UTC with milliseconds.
///
/// # Errors
/// When the database holds a time that no calendar has.
pub fn time(at: Instant) -> Result<Value, Refused> {
    let utc = DateTime::<Utc>::from_timestamp_micros(at.0)
        .ok_or_else(|| Refused::Internal(format!("{} is no time", at.0)))?;
    Ok(Value::String(
        utc.to_rfc3339_opts(SecondsFormat::Millis, true),
    ))
}

/// The same, or `null`.
pub fn time_or_null(at: Option<Instant>) -> Result<Value, Refused> {
    at.map_or(Ok(Value::Null), time)
}
