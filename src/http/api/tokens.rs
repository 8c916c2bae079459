//! `/v1/tokens`: API tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Refused, time, time_or_null};
use super::body::Body;
use super::caller::Caller;
use super::path::Id;
use crate::domain::access::{Scope, Scopes, Touch};
use crate::engine::access::{AccessError, Issued, TokenRequest};
use crate::store::rows::StoredToken;

pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Value>, Refused> {
    let caller = caller.allow(Scope::TokensRead, Touch::Read)?;
    let tokens = api.engine.tokens(caller.account()).await;
    let tokens = tokens.map_err(refused)?;
    let tokens = tokens.iter().map(token).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "tokens": tokens })))
}

/// With `scopes`, the token is good for those only; with `expires_at`, until then.
pub async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let caller = caller.allow(Scope::TokensWrite, Touch::Change)?;
    let mut fields = body.fields("token")?;
    let name = fields.text("name")?;
    let expires_at = fields.time("expires_at")?;
    let scopes = match fields.texts("scopes")? {
        // Whoever asks for nothing gets what it has.
        None => caller.scopes().clone(),
        Some(codes) => Scopes::of(codes.iter().map(String::as_str))
            .map_err(|error| Refused::Field("scopes", error.to_string()))?,
    };
    if !caller.scopes().cover(&scopes) {
        return Err(refused(AccessError::Scope));
    }
    let request = TokenRequest {
        name: &name,
        scopes: &scopes,
        expires_at,
    };
    let created = api
        .engine
        .create_token(caller.account(), request, caller.person());
    let issued = created.await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(with_secret(&issued)?)))
}

pub async fn renew(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, Refused> {
    let caller = caller.allow(Scope::TokensWrite, Touch::Change)?;
    let (account, by) = (caller.account(), caller.person());
    let renewed = api.engine.renew_token(account, &id, caller.scopes(), by);
    let issued = renewed.await.map_err(refused)?;
    Ok(Json(with_secret(&issued)?))
}

pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Refused> {
    let caller = caller.allow(Scope::TokensWrite, Touch::Change)?;
    let deleted = api
        .engine
        .delete_token(caller.account(), &id, caller.person());
    deleted.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: AccessError) -> Refused {
    Refused::access("Token", error)
}

fn token(token: &StoredToken) -> Result<Value, Refused> {
    let scopes = token.scopes.stored();
    let scopes: Option<Vec<&str>> = scopes.as_deref().map(|codes| codes.split(' ').collect());
    Ok(json!({
        "id": token.id,
        "name": token.name,
        "created_at": time(token.created_at)?,
        "last_used_at": time_or_null(token.last_used_at)?,
        "expires_at": time_or_null(token.expires_at)?,
        "scopes": scopes,
    }))
}

fn with_secret(issued: &Issued) -> Result<Value, Refused> {
    let mut shown = token(&issued.token)?;
    shown["token"] = Value::String(issued.secret.clone());
    shown["issued_at"] = time(issued.token.created_at)?;
    Ok(json!({ "token": shown }))
}
