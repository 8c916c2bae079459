//! `POST /v1/users`: accounts that customers make for themselves; and
//! `/v1/users/stop_free_trial`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::refusal::refused;
use super::users::{UserRoot, answer};
use crate::domain::access::profile::ProfileChange;
use crate::domain::access::sign_up::SignUp;
use crate::domain::access::{Scope, Touch};
use crate::http::answer::Refused;
use crate::http::body::Body;

#[derive(Deserialize, ToSchema)]
pub struct NewUser {
    /// Letters without accents, digits, hyphens, underscores and dots.
    username: Option<String>,
    /// It is `unconfirmed_email` until the link that is mailed there is used.
    email: Option<String>,
    /// Of 12 to 256 characters.
    password: Option<String>,
    password_confirmation: Option<String>,
    /// An invoice needs this or `company`.
    fullname: Option<String>,
    company: Option<String>,
    /// ISO 3166-1, such as `FR`.
    country: Option<String>,
    /// ISO 4217, such as `EUR`: it cannot change.
    currency: Option<String>,
    address_line1: Option<String>,
    address_zip: Option<String>,
    address_city: Option<String>,
    vat_number: Option<String>,
    /// `en` or `fr`; by country where it is left out.
    locale: Option<String>,
    #[serde(default)]
    email_newsletter: bool,
    #[serde(default)]
    tos_accepted: bool,
}

/// Sign up
#[utoipa::path(
    post,
    path = "/v1/users",
    tag = "sign-in",
    request_body = NewUser,
    responses((status = 201, body = UserRoot), Refused)
)]
pub async fn create(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<(StatusCode, Json<UserRoot>), Refused> {
    api.limits.address(&headers, &extensions)?;
    let asked: NewUser = body.read("user")?;
    let (country, currency) = (
        asked.country.unwrap_or_default(),
        asked.currency.unwrap_or_default(),
    );
    let address_line1 = asked.address_line1.unwrap_or_default();
    let postal_code = asked.address_zip.unwrap_or_default();
    let city = asked.address_city.unwrap_or_default();
    let vat_number = asked.vat_number.unwrap_or_default();
    let password = asked.password.unwrap_or_default();
    let said = SignUp {
        profile: ProfileChange {
            username: asked.username.as_deref(),
            full_name: asked.fullname.as_deref(),
            company: asked.company.as_deref(),
            email: asked.email.as_deref(),
            email_newsletter: Some(asked.email_newsletter),
            locale: asked.locale.as_deref(),
            ..ProfileChange::default()
        },
        password: &password,
        confirmation: asked.password_confirmation.as_deref(),
        country: &country,
        currency: &currency,
        address_line1: &address_line1,
        postal_code: &postal_code,
        city: &city,
        vat_number: &vat_number,
        is_tos_accepted: asked.tos_accepted,
    };
    let made = api.engine.sign_up(&said).await;
    let user = made.map_err(|error| refused("User", error))?;
    Ok((StatusCode::CREATED, answer(&api, user)?))
}

/// End the free trial now
///
/// What is used afterwards is billed; nothing before changes.
#[utoipa::path(
    post,
    path = "/v1/users/stop_free_trial",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    responses((status = 200, body = UserRoot), Refused)
)]
pub async fn stop_free_trial(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<UserRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let stopped = api
        .engine
        .stop_free_trial(caller.account(), caller.person());
    let user = stopped.await.map_err(|error| refused("User", error))?;
    answer(&api, user)
}
