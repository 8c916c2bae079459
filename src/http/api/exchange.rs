//! `/v1/tokens/exchange`: an API token for a bearer token of an hour.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::credentials;
use super::refusal::refused;
use crate::http::answer::Refused;

#[derive(Serialize, ToSchema)]
pub struct Exchanged {
    /// A JWT, good for an hour: `Authorization: Bearer` it.
    token: String,
}

/// Exchange an API token for a bearer token
///
/// Basic, with an empty user and the API token as its password.
#[utoipa::path(
    post,
    path = "/v1/tokens/exchange",
    tag = "tokens",
    security(("basic" = [])),
    responses((status = 200, body = Exchanged), Refused)
)]
pub async fn exchange(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Exchanged>, Refused> {
    api.limits.address(&headers, &extensions)?;
    let secret = credentials(&headers, "basic")
        .and_then(password)
        .ok_or(Refused::Unauthorized("Authentication required"))?;
    let bearer = api.engine.exchange_token(&api.keys, &secret).await;
    let token = bearer.map_err(|error| refused("Token", error))?;
    Ok(Json(Exchanged { token }))
}

fn password(credentials: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64.decode(credentials).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    user.is_empty().then(|| password.to_owned())
}
