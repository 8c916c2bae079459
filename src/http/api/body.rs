//! What is asked: JSON, with a root as the Go client and the documents have it, or
//! without as the npm client sends keys and tokens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use chrono::DateTime;
use serde_json::{Map, Value};

use super::Api;
use super::answer::Refused;
use crate::domain::calendar::Instant;

/// A request's body, not looked at yet: who asks is looked at before.
pub struct Body(Bytes);

impl FromRequest<Arc<Api>> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Refused> {
        match Bytes::from_request(request, api).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if is_too_large(&rejection) => Err(Refused::TooLarge),
            Err(rejection) => Err(Refused::Malformed(rejection.body_text())),
        }
    }
}

fn is_too_large(rejection: &BytesRejection) -> bool {
    rejection.status() == StatusCode::PAYLOAD_TOO_LARGE
}

/// The fields of a resource.
pub struct Fields(Map<String, Value>);

impl Body {
    /// The fields below a root, or the body's own where it has none.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn fields(&self, root: &str) -> Result<Fields, Refused> {
        let mut body: Map<String, Value> = serde_json::from_slice(&self.0)
            .map_err(|error| Refused::Malformed(format!("the body is no JSON object: {error}")))?;
        match body.remove(root) {
            None => Ok(Fields(body)),
            Some(Value::Object(fields)) => Ok(Fields(fields)),
            Some(_) => Err(Refused::Malformed(format!("{root:?} is no JSON object"))),
        }
    }
}

impl Fields {
    /// A text; empty where it is left out or `null`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&mut self, field: &'static str) -> Result<String, Refused> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Refused::Field(field, "is not a string".to_owned())),
        }
    }

    /// A list of texts; `None` where it is left out or `null`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn texts(&mut self, field: &'static str) -> Result<Option<Vec<String>>, Refused> {
        let wrong = || Refused::Field(field, "is not a list of strings".to_owned());
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => Ok(text),
                    _ => Err(wrong()),
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(wrong()),
        }
    }

    /// A time; `None` where it is left out or `null`.
    ///
    /// # Errors
    /// When it is not RFC 3339.
    pub fn time(&mut self, field: &'static str) -> Result<Option<Instant>, Refused> {
        let wrong = || {
            let reason = "is not a time such as 2026-11-30T12:00:00Z";
            Refused::Field(field, reason.to_owned())
        };
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => DateTime::parse_from_rfc3339(&text)
                .map(|time| Some(Instant::from(time.to_utc())))
                .map_err(|_| wrong()),
            Some(_) => Err(wrong()),
        }
    }
}
