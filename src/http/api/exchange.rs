//! `/v1/tokens/exchange`: an API token for a bearer token of an hour.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Api;
use super::answer::Refused;
use super::caller::credentials;

/// Basic, with an empty user and the API token as its password.
pub async fn exchange(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Refused> {
    api.limits.address(&headers, &extensions)?;
    let secret = credentials(&headers, "basic")
        .and_then(password)
        .ok_or(Refused::Unauthorized("Authentication required"))?;
    let bearer = api.engine.exchange_token(&api.keys, &secret).await;
    let bearer = bearer.map_err(|error| Refused::access("Token", error))?;
    Ok(Json(json!({ "token": bearer })))
}

fn password(credentials: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64.decode(credentials).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    user.is_empty().then(|| password.to_owned())
}
