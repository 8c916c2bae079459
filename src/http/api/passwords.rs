//! `/v1/users/password`, `/v1/users/unlock` and `/v1/users/confirm_email`: for whoever
//! has a link, or asks for one.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusal::refused;
use super::{Api, evenly};
use crate::engine::access::{AccessError, NewPassword};
use crate::http::answer::Refused;
use crate::http::body::Body;

#[derive(Deserialize, ToSchema)]
pub struct ForgottenPassword {
    email: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct PasswordReset {
    /// Of the link that was mailed.
    reset_password_token: Option<String>,
    /// Of 12 to 256 characters.
    password: Option<String>,
    password_confirmation: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct MailedLink {
    /// Of the link that was mailed.
    token: Option<String>,
}

/// Ask for a new password
///
/// Whoever has the address is mailed a link; nobody is told whether anybody has.
#[utoipa::path(
    post,
    path = "/v1/users/password",
    tag = "sign-in",
    request_body = ForgottenPassword,
    responses((status = 204), Refused)
)]
pub async fn ask(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<StatusCode, Refused> {
    api.limits.address(&headers, &extensions)?;
    let from = api.limits.address_of(&headers, &extensions);
    let asked: ForgottenPassword = body.read("user")?;
    let email = asked
        .email
        .filter(|email| !email.trim().is_empty())
        .ok_or_else(|| Refused::field("email", "can't be blank"))?;
    // Answered as late where there is somebody to write to as where there is nobody.
    let floor = tokio::time::sleep(super::FLOOR);
    let mailed = api.engine.ask_password_reset(&email, from).await;
    floor.await;
    mailed.map_err(|error| refused("User", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set a new password
#[utoipa::path(
    put,
    path = "/v1/users/password",
    tag = "sign-in",
    request_body = PasswordReset,
    responses((status = 204), Refused)
)]
pub async fn reset(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<StatusCode, Refused> {
    api.limits.address(&headers, &extensions)?;
    let asked: PasswordReset = body.read("user")?;
    let new = NewPassword {
        password: &asked.password.unwrap_or_default(),
        confirmation: &asked.password_confirmation.unwrap_or_default(),
    };
    let token = asked.reset_password_token.unwrap_or_default();
    let from = api.limits.address_of(&headers, &extensions);
    let reset = evenly(api.engine.reset_password(&token, new, from)).await;
    reset.map_err(|error| match error {
        AccessError::Link => Refused::field("reset_password_token", "is invalid"),
        error => refused("User", error),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unlock the account
///
/// After too many wrong passwords, by the link that was mailed.
#[utoipa::path(
    post,
    path = "/v1/users/unlock",
    tag = "sign-in",
    request_body = MailedLink,
    responses((status = 204), Refused)
)]
pub async fn unlock(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<StatusCode, Refused> {
    api.limits.address(&headers, &extensions)?;
    let asked: MailedLink = body.read("user")?;
    let from = api.limits.address_of(&headers, &extensions);
    let token = asked.token.unwrap_or_default();
    let unlocked = evenly(api.engine.unlock(&token, from)).await;
    unlocked.map_err(|error| refused("User", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirm another address
///
/// By the link that was mailed there.
#[utoipa::path(
    post,
    path = "/v1/users/confirm_email",
    tag = "sign-in",
    request_body = MailedLink,
    responses((status = 204), Refused)
)]
pub async fn confirm_email(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<StatusCode, Refused> {
    api.limits.address(&headers, &extensions)?;
    let asked: MailedLink = body.read("user")?;
    let confirmed = evenly(api.engine.confirm_email(&asked.token.unwrap_or_default())).await;
    confirmed.map_err(|error| refused("User", error))?;
    Ok(StatusCode::NO_CONTENT)
}
