//! One request with its token, and what a refusal means.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{PROVIDER, PayPal, lost};
use crate::providers::CallError;
use crate::providers::http::{Http, Reply, Request};

/// A request before it has a token.
pub struct Call<'a> {
    pub method: Method,
    pub path: String,
    pub body: Option<String>,
    /// The idempotency key (`PayPal-Request-Id`) of what changes something.
    pub key: Option<&'a str>,
}

impl Call<'_> {
    /// A question.
    pub const fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
            key: None,
        }
    }
}

impl PayPal {
    /// Sends a request. A token that is refused is fetched anew, once.
    pub async fn call(&self, call: &Call<'_>) -> Result<Reply, CallError> {
        self.call_over(&self.http, call).await
    }

    /// As [`Self::call`], over connections with a limit of their own.
    pub async fn call_over(&self, http: &Http, call: &Call<'_>) -> Result<Reply, CallError> {
        let bearer = self.tokens.bearer(&self.http).await?;
        let request = request_of(call, bearer.clone())?;
        let first = http.send(&request).await?;
        if first.status != 401 {
            return Ok(first);
        }
        self.tokens.forget(&bearer).await;
        let after_lost_try = first.after_lost_try;
        let again = async {
            let bearer = self.tokens.bearer(&self.http).await?;
            http.send(&request_of(call, bearer)?).await
        };
        match again.await {
            Ok(mut reply) => {
                reply.after_lost_try |= after_lost_try;
                Ok(reply)
            }
            // A try before the token ran out may have been carried out.
            Err(error) if after_lost_try => Err(lost(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Reads an object; `None` where there is none.
    pub async fn read<T: DeserializeOwned>(&self, path: String) -> Result<Option<T>, CallError> {
        let reply = self.call(&Call::get(path)).await?;
        match reply.status {
            404 => Ok(None),
            200..=299 => decode(&reply).map(Some),
            _ => Err(refusal(&reply)),
        }
    }
}

fn request_of(call: &Call<'_>, bearer: HeaderValue) -> Result<Request, CallError> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    if let Some(key) = call.key {
        let key = HeaderValue::from_str(key)
            .map_err(|_| refused_here("INVALID_REQUEST_ID", "the key is no header"))?;
        headers.insert("paypal-request-id", key);
        // Otherwise an answer holds an id and a status alone.
        headers.insert("prefer", HeaderValue::from_static("return=representation"));
    }
    if call.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(Request {
        method: call.method.clone(),
        path: call.path.clone(),
        query: None,
        headers,
        body: call.body.clone(),
        // Everything is a question or under a key.
        repeatable: true,
    })
}

/// What PayPal says of a refusal. Its words may name a value that was sent; the
/// code and PayPal's own id of the request are enough to find out.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    name: Option<String>,
    /// Of `/v1/oauth2/token`.
    error: Option<String>,
    details: Vec<ErrorDetail>,
}

#[derive(Deserialize)]
struct ErrorDetail {
    issue: Option<String>,
}

/// The code of a refusal: the first detail's issue, or the error's name.
pub fn issue(reply: &Reply) -> String {
    let body: ErrorBody = serde_json::from_slice(&reply.body).unwrap_or_default();
    let detail = body.details.into_iter().find_map(|detail| detail.issue);
    let code = detail.or(body.name).or(body.error);
    code.unwrap_or_else(|| format!("status {}", reply.status))
}

/// What a reply that is no success means.
pub fn refusal(reply: &Reply) -> CallError {
    let code = issue(reply);
    let request_id = reply.request_id.as_deref().unwrap_or("none");
    let reason = format!("status {}, debug id {request_id}", reply.status);
    // An earlier try may have been carried out, or the same key is being worked
    // on (409), or the answer is none that a provider gives.
    let is_refusal = matches!(reply.status, 400..=499) && reply.status != 409;
    if reply.after_lost_try || !is_refusal {
        return lost(format!("{code}: {reason}"));
    }
    match reply.status {
        401 | 403 => CallError::Denied {
            provider: PROVIDER,
            reason: format!("{code}: {reason}"),
        },
        _ => CallError::Refused {
            provider: PROVIDER,
            code,
            reason,
        },
    }
}

/// A request that PayPal would refuse, so that it is not sent.
pub fn refused_here(code: &str, reason: impl Into<String>) -> CallError {
    CallError::Refused {
        provider: PROVIDER,
        code: code.to_owned(),
        reason: reason.into(),
    }
}

/// The object of a success.
pub fn decode<T: DeserializeOwned>(reply: &Reply) -> Result<T, CallError> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        let request_id = reply.request_id.as_deref().unwrap_or("none");
        // serde's words name the place and the kind of what was read there.
        let place = format!("line {}, column {}", error.line(), error.column());
        lost(format!(
            "status {}, debug id {request_id}: not as documented at {place}",
            reply.status
        ))
    })
}

/// An id as a part of a path.
pub fn segment(id: &str) -> Result<&str, CallError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Err(refused_here("INVALID_RESOURCE_ID", "not an id of PayPal's"));
    }
    Ok(id)
}
