//! What is answered: JSON with a root, and every error in the shape of the contract.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::access::Barred;

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
    /// 409: it is not as it would have to be.
    Conflict(String),
    /// 413: too much at once.
    TooLarge,
    /// 415: written in no way that is read. In which it is.
    MediaType(&'static str),
    /// 422: a field is wrong.
    Field(Cow<'static, str>, String),
    /// 422: fields are wrong.
    Fields(Vec<(Cow<'static, str>, String)>),
    /// 429: too often; in so many seconds again.
    TooOften(u64),
    /// 503: somebody we need for it does not answer; the log has who.
    Unavailable(String),
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
            Self::Conflict(error) => json!({ "error": error }),
            Self::TooLarge => json!({ "error": "the request is too large", "code": "too_large" }),
            Self::MediaType(error) => json!({ "error": error, "code": "unsupported_media_type" }),
            Self::Field(field, message) => json!({ "errors": { field.as_ref(): [message] } }),
            Self::Fields(fields) => {
                let mut errors = BTreeMap::<_, Vec<_>>::new();
                for (field, message) in fields {
                    errors.entry(field).or_default().push(message);
                }
                json!({ "errors": errors })
            }
            Self::TooOften(_) => json!({ "error": "Retry later" }),
            Self::Unavailable(error) => {
                tracing::warn!(error, "request put off");
                json!({ "error": "not available at the moment: try again in a few minutes" })
            }
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
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Field(..) | Self::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Our fault, whatever it was; nobody but the log is told.
    pub fn internal(error: impl Display) -> Self {
        Self::Internal(error.to_string())
    }

    /// A field that is wrong, and why.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Field(Cow::Borrowed(field), message.into())
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
