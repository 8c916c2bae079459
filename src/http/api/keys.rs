//! `/v1/keys`: SSH keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Allowed, Caller};
use super::refusal;
use crate::domain::access::{Scope, Touch};
use crate::domain::account::BillingProfile;
use crate::engine::access::AccessError;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::http::time::Time;
use crate::store::rows::StoredKey;

#[derive(Serialize, ToSchema)]
pub struct Key {
    id: String,
    name: String,
    content: String,
    /// MD5 of the key, as colon-separated hex digits.
    fingerprint: String,
    created_at: Time,
    owner: Owner,
}

/// Whose it is.
#[derive(Clone, Serialize, ToSchema)]
pub struct Owner {
    id: String,
    email: String,
    username: String,
}

#[derive(Serialize, ToSchema)]
pub struct Keys {
    keys: Vec<Key>,
}

#[derive(Serialize, ToSchema)]
pub struct KeyRoot {
    key: Key,
}

#[derive(Deserialize, ToSchema)]
pub struct NewKey {
    name: Option<String>,
    /// As in a `.pub` file: ed25519, ecdsa, or rsa of at least 2048 bits.
    content: Option<String>,
}

/// List SSH keys
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "keys",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("keys:read"))),
    responses((status = 200, body = Keys), Refused)
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Keys>, Refused> {
    let caller = caller.allow(Scope::KeysRead, Touch::Read)?;
    let owner = owner(&api, &caller).await?;
    let keys = api.engine.keys(caller.account()).await.map_err(refused)?;
    let keys = keys
        .iter()
        .map(|stored| key(stored, owner.clone()))
        .collect::<Result<_, _>>()?;
    Ok(Json(Keys { keys }))
}

/// Show an SSH key
#[utoipa::path(
    get,
    path = "/v1/keys/{id}",
    tag = "keys",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("keys:read"))),
    params(("id" = String, Path)),
    responses((status = 200, body = KeyRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<KeyRoot>, Refused> {
    let caller = caller.allow(Scope::KeysRead, Touch::Read)?;
    let owner = owner(&api, &caller).await?;
    let keys = api.engine.keys(caller.account()).await.map_err(refused)?;
    let stored = keys.iter().find(|key| key.id == id);
    let stored = stored.ok_or(Refused::NotFound("Key"))?;
    let key = key(stored, owner)?;
    Ok(Json(KeyRoot { key }))
}

/// Add an SSH key
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "keys",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("keys:write"))),
    request_body = NewKey,
    responses((status = 201, body = KeyRoot), Refused)
)]
pub async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<KeyRoot>), Refused> {
    let caller = caller.allow(Scope::KeysWrite, Touch::Change)?;
    let asked: NewKey = body.read("key")?;
    let name = asked.name.unwrap_or_default();
    let content = asked.content.unwrap_or_default();
    let owner = owner(&api, &caller).await?;
    let added = api
        .engine
        .add_key(caller.account(), &name, &content, caller.person());
    let added = added.await.map_err(refused)?;
    let key = key(&added, owner)?;
    Ok((StatusCode::CREATED, Json(KeyRoot { key })))
}

/// Delete an SSH key
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    tag = "keys",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("keys:write"))),
    params(("id" = String, Path)),
    responses((status = 204), Refused)
)]
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
    refusal::refused("Key", error)
}

impl Owner {
    pub fn of(profile: &BillingProfile) -> Self {
        Self {
            id: profile.account.clone(),
            email: profile.email.clone(),
            username: profile.username.clone(),
        }
    }
}

async fn owner(api: &Api, caller: &Allowed) -> Result<Owner, Refused> {
    let profile = api.engine.profile(caller.account()).await;
    let profile = profile.map_err(Refused::internal)?;
    Ok(Owner::of(&profile))
}

fn key(key: &StoredKey, owner: Owner) -> Result<Key, Refused> {
    Ok(Key {
        id: key.id.clone(),
        name: key.name.clone(),
        content: key.content.clone(),
        fingerprint: key.fingerprint.clone(),
        created_at: Time::of(key.created_at)?,
        owner,
    })
}
