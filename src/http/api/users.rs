//! `/v1/users`: who the account is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Allowed, Caller};
use super::refusal::refused;
use crate::domain::access::profile::ProfileChange;
use crate::domain::access::{Scope, Touch};
use crate::engine::access::{AccountChange, NewPassword, User as Account};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::http::time::Time;

#[derive(Serialize, ToSchema)]
pub struct User {
    id: String,
    /// The same: the platform has no other id of it.
    uuid: String,
    username: String,
    fullname: String,
    email: String,
    company: String,
    location: String,
    email_newsletter: bool,
    created_at: Time,
    free_trial_started_at: Time,
    free_trial_end_time: Time,
    suspended_at: Option<Time>,
    suspension_reason: Option<String>,
    /// Values are booleans: the Go client reads no others.
    flags: BTreeMap<String, bool>,
    unconfirmed_email: Option<String>,
    /// Always: nobody has an account before they accepted the terms.
    tos_accepted: bool,
    preferences: Preferences,
    github: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Preferences {
    /// A name of the IANA's database.
    time_zone: String,
    /// `en` or `fr`: of mails and invoices.
    locale: String,
    /// `light` or `dark`.
    theme: String,
}

#[derive(Serialize, ToSchema)]
pub struct UserRoot {
    user: User,
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
pub struct UserChange {
    /// Letters without accents, digits, hyphens, underscores and dots.
    username: Option<String>,
    fullname: Option<String>,
    company: Option<String>,
    location: Option<String>,
    email_newsletter: Option<bool>,
    preferences: Option<PreferencesChange>,
    /// It is `unconfirmed_email` until the link that is mailed there is used. Where
    /// there is a password, `current_password` goes with it.
    email: Option<String>,
    /// Needed to change the password, and for another `email` where there is a password.
    current_password: Option<String>,
    /// Of 12 to 256 characters.
    password: Option<String>,
    password_confirmation: Option<String>,
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
pub struct PreferencesChange {
    time_zone: Option<String>,
    /// `en` or `fr`.
    locale: Option<String>,
    /// `light` or `dark`.
    theme: Option<String>,
}

/// Show the account
#[utoipa::path(
    get,
    path = "/v1/users/self",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    responses((status = 200, body = UserRoot), Refused)
)]
pub async fn show(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<UserRoot>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let user = api.engine.user(caller.account()).await;
    let user = user.map_err(|error| refused("User", error))?;
    answer(&api, user)
}

/// Change the profile
///
/// The next invoice prints it; those that are issued stay as they are.
#[utoipa::path(
    patch,
    path = "/v1/account/profile",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = UserChange,
    responses((status = 200, body = UserRoot), Refused)
)]
pub async fn update_profile(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<Json<UserRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    change(&api, &caller, &body).await
}

/// Change the account
///
/// Another password makes every bearer token from before worth nothing, the one that
/// asks for it too; API tokens stay.
#[utoipa::path(
    put,
    path = "/v1/users/account",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = UserChange,
    responses((status = 200, body = UserRoot), Refused)
)]
pub async fn update_account(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<Json<UserRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    change(&api, &caller, &body).await
}

/// Change the account by its id
#[utoipa::path(
    method(patch, put),
    path = "/v1/users/{id}",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    params(("id" = String, Path)),
    request_body = UserChange,
    responses((status = 200, body = UserRoot), Refused)
)]
pub async fn update(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    body: Body,
) -> Result<Json<UserRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    if id != caller.external_id() {
        return Err(Refused::NotFound("User"));
    }
    change(&api, &caller, &body).await
}

/// Clients ask for any of it on any of the three routes.
async fn change(api: &Api, caller: &Allowed, body: &Body) -> Result<Json<UserRoot>, Refused> {
    let asked: UserChange = body.read("user")?;
    let (new, again) = (
        asked.password.as_deref(),
        asked.password_confirmation.as_deref(),
    );
    let password = (new.is_some() || again.is_some()).then(|| NewPassword {
        password: new.unwrap_or_default(),
        confirmation: again.unwrap_or_default(),
    });
    let current_password = asked.current_password.as_deref();
    let preferences = asked.preferences.as_ref();
    let profile = ProfileChange {
        username: asked.username.as_deref(),
        full_name: asked.fullname.as_deref(),
        company: asked.company.as_deref(),
        location: asked.location.as_deref(),
        email_newsletter: asked.email_newsletter,
        email: asked.email.as_deref(),
        time_zone: preferences.and_then(|preferences| preferences.time_zone.as_deref()),
        locale: preferences.and_then(|preferences| preferences.locale.as_deref()),
        theme: preferences.and_then(|preferences| preferences.theme.as_deref()),
    };
    let wanted = AccountChange {
        profile,
        current_password,
        password,
    };
    let changed = api
        .engine
        .change_account(caller.account(), &wanted, caller.person());
    let user = changed.await.map_err(|error| refused("User", error))?;
    answer(api, user)
}

pub fn answer(api: &Api, account: Account) -> Result<Json<UserRoot>, Refused> {
    let user = user(api, account)?;
    Ok(Json(UserRoot { user }))
}

/// An account as clients know it.
///
/// # Errors
/// When a time is out of range.
pub fn user(api: &Api, user: Account) -> Result<User, Refused> {
    let (profile, settings) = (user.profile, user.settings);
    let zone = settings
        .time_zone
        .unwrap_or_else(|| api.engine.config.zone());
    Ok(User {
        id: profile.account.clone(),
        uuid: profile.account,
        username: profile.username,
        fullname: profile.full_name,
        email: profile.email,
        company: profile.company,
        location: settings.location,
        email_newsletter: settings.email_newsletter,
        created_at: Time::of(user.created_at)?,
        free_trial_started_at: Time::of(user.created_at)?,
        free_trial_end_time: Time::of(user.trial_ends_at)?,
        suspended_at: Time::of_any(user.suspension.map(|suspension| suspension.suspended_at))?,
        suspension_reason: user
            .suspension
            .map(|suspension| suspension.cause.code().to_owned()),
        flags: BTreeMap::new(),
        unconfirmed_email: settings.unconfirmed_email,
        tos_accepted: true,
        preferences: Preferences {
            time_zone: zone.name().to_owned(),
            locale: profile.language.code().to_owned(),
            theme: settings.theme.code().to_owned(),
        },
        github: None,
    })
}
