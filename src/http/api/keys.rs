//! `/v1/keys`: SSH keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Refused, time};
use super::body::Body;
use super::caller::{Allowed, Caller};
use super::path::Id;
use crate::domain::access::{Scope, Touch};
use crate::domain::account::BillingProfile;
use crate::engine::access::AccessError;
use crate::store::rows::StoredKey;

pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Value>, Refused> {
    let caller = caller.allow(Scope::KeysRead, Touch::Read)?;
    let owner = owner(&api, &caller).await?;
    let keys = api.engine.keys(caller.account()).await.map_err(refused)?;
    let keys = keys
        .iter()
        .map(|stored| key(stored, &owner))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "keys": keys })))
}

pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, Refused> {
    let caller = caller.allow(Scope::KeysRead, Touch::Read)?;
    let owner = owner(&api, &caller).await?;
    let keys = api.engine.keys(caller.account()).await.map_err(refused)?;
    let stored = keys.iter().find(|key| key.id == id);
    let stored = stored.ok_or(Refused::NotFound("Key"))?;
    Ok(Json(json!({ "key": key(stored, &owner)? })))
}

pub async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let caller = caller.allow(Scope::KeysWrite, Touch::Change)?;
    let mut fields = body.fields("key")?;
    let (name, content) = (fields.text("name")?, fields.text("content")?);
    let owner = owner(&api, &caller).await?;
    let added = api
        .engine
        .add_key(caller.account(), &name, &content, caller.person());
    let added = added.await.map_err(refused)?;
    let body = json!({ "key": key(&added, &owner)? });
    Ok((StatusCode::CREATED, Json(body)))
}

pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Refused> {
    let caller = caller.allow(Scope::KeysWrite, Touch::Change)?;
    let deleted = api
        .engine
        .delete_key(caller.account(), &id, caller.person());
    deleted.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: AccessError) -> Refused {
    Refused::access("Key", error)
}

async fn owner(api: &Api, caller: &Allowed) -> Result<BillingProfile, Refused> {
    let profile = api.engine.profile(caller.account()).await;
    profile.map_err(|error| Refused::Internal(error.to_string()))
}

fn key(key: &StoredKey, owner: &BillingProfile) -> Result<Value, Refused> {
    Ok(json!({
        "id": key.id,
        "name": key.name,
        "content": key.content,
        "fingerprint": key.fingerprint,
        "created_at": time(key.created_at)?,
        "owner": {
            "id": owner.account,
            "email": owner.email,
            "username": owner.username,
        },
    }))
}
