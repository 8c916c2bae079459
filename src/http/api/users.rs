//! `/v1/users`: who the account is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::refusal::refused;
use crate::domain::access::{Scope, Touch};
use crate::engine::access::User as Account;
use crate::http::answer::Refused;
use crate::http::time::Time;

#[derive(Serialize, ToSchema)]
pub struct User {
    id: String,
    username: String,
    fullname: String,
    email: String,
    company: String,
    created_at: Time,
    free_trial_started_at: Time,
    free_trial_end_time: Time,
    suspended_at: Option<Time>,
    suspension_reason: Option<String>,
    /// Values are booleans: the Go client reads no others.
    flags: BTreeMap<String, bool>,
    unconfirmed_email: Option<String>,
    preferences: Preferences,
    github: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Preferences {
    /// `en` or `fr`: of mails and invoices.
    locale: String,
}

#[derive(Serialize, ToSchema)]
pub struct UserRoot {
    user: User,
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
    let user = shown(user)?;
    Ok(Json(UserRoot { user }))
}

fn shown(user: Account) -> Result<User, Refused> {
    let profile = user.profile;
    Ok(User {
        id: profile.account,
        username: profile.username,
        fullname: profile.full_name,
        email: profile.email,
        company: profile.company,
        created_at: Time::of(user.created_at)?,
        free_trial_started_at: Time::of(user.created_at)?,
        free_trial_end_time: Time::of(user.trial_ends_at)?,
        suspended_at: Time::of_any(user.suspension.map(|suspension| suspension.suspended_at))?,
        suspension_reason: user
            .suspension
            .map(|suspension| suspension.cause.code().to_owned()),
        flags: BTreeMap::new(),
        unconfirmed_email: None,
        preferences: Preferences {
            locale: profile.language.code().to_owned(),
        },
        github: None,
    })
}
