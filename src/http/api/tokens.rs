//! `/v1/tokens`: API tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Asker, Caller};
use super::{evenly, refusal};
use crate::domain::access::{Scope, Scopes, Touch};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::engine::access::{AccessError, Issued, TokenRequest};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::http::time::Time;
use crate::store::rows::{ByPerson, StoredToken};

#[derive(Serialize, ToSchema)]
pub struct Token {
    id: String,
    name: String,
    created_at: Time,
    last_used_at: Option<Time>,
    /// Until when it is good; `null` for as long as it is there.
    expires_at: Option<Time>,
    /// What it is good for; `null` for everything.
    scopes: Option<Vec<String>>,
}

/// A token with its secret, which is told this one time.
#[derive(Serialize, ToSchema)]
pub struct IssuedToken {
    #[serde(flatten)]
    token: Token,
    #[serde(rename = "token")]
    secret: String,
    issued_at: Time,
}

#[derive(Serialize, ToSchema)]
pub struct Tokens {
    tokens: Vec<Token>,
}

#[derive(Serialize, ToSchema)]
pub struct TokenRoot {
    token: Token,
}

#[derive(Serialize, ToSchema)]
pub struct IssuedTokenRoot {
    token: IssuedToken,
}

#[derive(Deserialize, ToSchema)]
pub struct NewToken {
    name: Option<String>,
    /// Such as `billing:read`; left out, what the asking token is good for.
    scopes: Option<Vec<String>>,
    expires_at: Option<Time>,
}

/// List API tokens
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("tokens:read"))),
    responses((status = 200, body = Tokens), Refused)
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Tokens>, Refused> {
    let caller = caller.allow(Scope::TokensRead, Touch::Read)?;
    let tokens = api.engine.tokens(caller.account()).await;
    let tokens = tokens.map_err(refused)?;
    let tokens = tokens.iter().map(token).collect::<Result<_, _>>()?;
    Ok(Json(Tokens { tokens }))
}

/// Show an API token
#[utoipa::path(
    get,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("tokens:read"))),
    params(("id" = String, Path)),
    responses((status = 200, body = TokenRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<TokenRoot>, Refused> {
    let caller = caller.allow(Scope::TokensRead, Touch::Read)?;
    let tokens = api.engine.tokens(caller.account()).await.map_err(refused)?;
    let found = tokens.iter().find(|token| token.id == id);
    let token = token(found.ok_or(Refused::NotFound("Token"))?)?;
    Ok(Json(TokenRoot { token }))
}

/// Create an API token
///
/// Its secret is told this one time. This is also how a customer signs in: Basic, with
/// an address or username and the password; and `X-Authorization-OTP`, a code, where
/// two-factor authentication is on.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "tokens",
    security(("bearer" = []), ("basic" = [])),
    extensions(("x-scope" = json!("tokens:write"))),
    request_body = NewToken,
    responses((status = 201, body = IssuedTokenRoot), Refused)
)]
pub async fn create(
    State(api): State<Arc<Api>>,
    asker: Asker,
    body: Body,
) -> Result<(StatusCode, Json<IssuedTokenRoot>), Refused> {
    match asker {
        Asker::Bearer(caller) => {
            let caller = caller.allow(Scope::TokensWrite, Touch::Change)?;
            create_for(
                &api,
                caller.account(),
                caller.scopes(),
                caller.person(),
                &body,
            )
            .await
        }
        Asker::Password {
            name,
            password,
            proof,
            from,
        } => {
            let signed_in = api.engine.sign_in(&name, &password, proof.as_ref(), from);
            let signed_in = evenly(signed_in).await;
            let account = signed_in.map_err(refused)?;
            create_for(&api, account, &Scopes::All, BY_PASSWORD, &body).await
        }
    }
}

/// Whoever signs in.
const BY_PASSWORD: ByPerson<'_> = ByPerson {
    actor: "customer",
    reason: "by password",
};

async fn create_for(
    api: &Api,
    account: AccountId,
    held: &Scopes,
    by: ByPerson<'_>,
    body: &Body,
) -> Result<(StatusCode, Json<IssuedTokenRoot>), Refused> {
    let asked: NewToken = body.read("token")?;
    let scopes = match asked.scopes {
        // Whoever asks for nothing gets what it has.
        None => held.clone(),
        Some(codes) => Scopes::of(codes.iter().map(String::as_str))
            .map_err(|error| Refused::field("scopes", error.to_string()))?,
    };
    if !held.cover(&scopes) {
        return Err(refused(AccessError::Scope));
    }
    let request = TokenRequest {
        name: &asked.name.unwrap_or_default(),
        scopes: &scopes,
        expires_at: asked.expires_at.map(Instant::from),
    };
    let created = api.engine.create_token(account, request, by);
    let issued = created.await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(with_secret(issued)?)))
}

/// Renew an API token
///
/// It has a new id and a new secret; the old one is good for nothing from now on.
#[utoipa::path(
    method(patch, put),
    path = "/v1/tokens/{id}/renew",
    tag = "tokens",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("tokens:write"))),
    params(("id" = String, Path)),
    responses((status = 200, body = IssuedTokenRoot), Refused)
)]
pub async fn renew(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<IssuedTokenRoot>, Refused> {
    let caller = caller.allow(Scope::TokensWrite, Touch::Change)?;
    let (account, by) = (caller.account(), caller.person());
    let renewed = api.engine.renew_token(account, &id, caller.scopes(), by);
    let issued = renewed.await.map_err(refused)?;
    Ok(Json(with_secret(issued)?))
}

/// Delete an API token
///
/// Every bearer token it was exchanged for is good for nothing from now on.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("tokens:write"))),
    params(("id" = String, Path)),
    responses((status = 204), Refused)
)]
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
    refusal::refused("Token", error)
}

fn token(token: &StoredToken) -> Result<Token, Refused> {
    let scopes = token.scopes.stored();
    Ok(Token {
        id: token.id.clone(),
        name: token.name.clone(),
        created_at: Time::of(token.created_at)?,
        last_used_at: Time::of_any(token.last_used_at)?,
        expires_at: Time::of_any(token.expires_at)?,
        scopes: scopes.map(|codes| codes.split(' ').map(str::to_owned).collect()),
    })
}

fn with_secret(issued: Issued) -> Result<IssuedTokenRoot, Refused> {
    Ok(IssuedTokenRoot {
        token: IssuedToken {
            issued_at: Time::of(issued.token.created_at)?,
            token: token(&issued.token)?,
            secret: issued.secret,
        },
    })
}
