//! `/v1/tokens/exchange`: an API token for a bearer token of an hour.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::user_and_password;
use super::refusal::refused;
use crate::http::answer::Refused;
use crate::http::credentials;

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
    let secret = credentials::of(&headers, "basic")
        .and_then(user_and_password)
        .and_then(|(user, password)| user.is_empty().then_some(password))
        .ok_or(Refused::Unauthorized("Authentication required"))?;
    let bearer = api.engine.exchange_token(&api.keys, &secret).await;
    let token = bearer.map_err(|error| refused("Token", error))?;
    Ok(Json(Exchanged { token }))
}
