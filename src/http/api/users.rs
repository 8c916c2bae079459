//! `/v1/users`: who the account is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Refused, time, time_or_null};
use super::caller::Caller;
use crate::domain::access::{Scope, Touch};
use crate::engine::access::User;

pub async fn show(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Value>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let user = api.engine.user(caller.account()).await;
    let user = user.map_err(|error| Refused::access("User", error))?;
    Ok(Json(json!({ "user": shown(&user)? })))
}

fn shown(user: &User) -> Result<Value, Refused> {
    let profile = &user.profile;
    Ok(json!({
        "id": profile.account,
        "username": profile.username,
        "fullname": profile.full_name,
        "email": profile.email,
        "company": profile.company,
        "created_at": time(user.created_at)?,
        "free_trial_started_at": time(user.created_at)?,
        "free_trial_end_time": time(user.trial_ends_at)?,
        "suspended_at": time_or_null(user.suspension.map(|suspension| suspension.suspended_at))?,
        "suspension_reason": user.suspension.map(|suspension| suspension.cause.code()),
        // Values must be booleans, or the Go client cannot read them.
        "flags": {},
        "unconfirmed_email": null,
        "preferences": { "locale": profile.language.code() },
        "github": null,
    }))
}
