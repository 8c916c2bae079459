//! `/v1/events`: what happened to the account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::keys::Owner;
use super::refusal::refused;
use crate::domain::access::{Scope, Touch};
use crate::http::answer::Refused;
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::time::Time;

#[derive(Serialize, ToSchema)]
pub struct Event {
    id: String,
    created_at: Time,
    /// Such as `new_key`.
    #[serde(rename = "type")]
    kind: String,
    user: Owner,
    /// The app it happened to, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<String>,
    /// The same: the platform has no other id of it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    /// What is particular about it. Amounts are in the currency's own unit, such as euros.
    #[schema(value_type = Object)]
    type_data: serde_json::Value,
}

#[derive(Serialize, ToSchema)]
pub struct EventList {
    events: Vec<Event>,
    meta: Meta,
}

/// List what happened
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    params(PageParams),
    responses((status = 200, body = EventList), Refused)
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<EventList>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let page = paged.read()?;
    let found = api
        .engine
        .events(caller.account(), page.offset(), page.limit());
    let found = found.await.map_err(|error| refused("Event", error))?;
    let user = Owner::of(&found.profile);
    let events = found.events.into_iter().map(|event| {
        let app = event.data["app_name"].as_str().map(ToOwned::to_owned);
        Ok(Event {
            id: event.id,
            created_at: Time::of(event.at)?,
            kind: event.kind,
            user: user.clone(),
            app_name: app.clone(),
            app_id: app,
            type_data: event.data,
        })
    });
    Ok(Json(EventList {
        events: events.collect::<Result<_, Refused>>()?,
        meta: page.meta(found.total),
    }))
}
