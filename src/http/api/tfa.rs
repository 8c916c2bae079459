//! `/v1/client/tfa`: two-factor authentication.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::refusal;
use super::users::{self, User};
use crate::domain::access::totp::{Code, Proof};
use crate::domain::access::{Scope, Touch};
use crate::engine::access::AccessError;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::store::rows::StoredFactor;

/// The one kind of second factor there is.
const TOTP: &str = "totp";

#[derive(Serialize, ToSchema)]
pub struct Tfa {
    uuid: Option<String>,
    /// Whether signing in asks for a code.
    enabled: bool,
    /// `totp`, once it was asked for.
    provider: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
pub struct TfaRoot {
    tfa: Tfa,
}

#[derive(Serialize, ToSchema)]
pub struct TfaAsked {
    #[serde(flatten)]
    tfa: Tfa,
    /// `otpauth://`: what a phone reads as a QR code. It is told this one time.
    uri: String,
}

#[derive(Serialize, ToSchema)]
pub struct TfaAskedRoot {
    tfa: TfaAsked,
}

#[derive(Serialize, ToSchema)]
pub struct TfaValidated {
    /// Each lets in once instead of a code. They are told this one time.
    codes: Vec<String>,
    user: User,
}

#[derive(Serialize, ToSchema)]
pub struct TfaValidatedRoot {
    tfa: TfaValidated,
}

#[derive(Deserialize, ToSchema)]
pub struct NewTfa {
    /// `totp`.
    provider: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct TfaAttempt {
    attempt: Option<Attempt>,
}

/// Six digits, of which a number lacks the zeros that they begin with; or a recovery
/// code.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Attempt {
    Number(u64),
    Text(String),
}

/// Show two-factor authentication
#[utoipa::path(
    get,
    path = "/v1/client/tfa",
    tag = "two-factor authentication",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    responses((status = 200, body = TfaRoot), Refused)
)]
pub async fn show(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<TfaRoot>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let factor = api.engine.second_factor(caller.account()).await;
    let factor = factor.map_err(refused)?;
    let tfa = Tfa::of(factor.as_ref());
    Ok(Json(TfaRoot { tfa }))
}

/// Ask for two-factor authentication
///
/// Nothing is asked for yet: validate a code of it before.
#[utoipa::path(
    post,
    path = "/v1/client/tfa",
    tag = "two-factor authentication",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = NewTfa,
    responses((status = 201, body = TfaAskedRoot), Refused)
)]
pub async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<TfaAskedRoot>), Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let asked: NewTfa = body.read("tfa")?;
    if asked.provider.as_deref() != Some(TOTP) {
        return Err(Refused::field("provider", "is none but totp"));
    }
    let asked = api
        .engine
        .ask_second_factor(caller.account(), caller.person());
    let (factor, uri) = asked.await.map_err(refused)?;
    let tfa = TfaAsked {
        tfa: Tfa::of(Some(&factor)),
        uri,
    };
    Ok((StatusCode::CREATED, Json(TfaAskedRoot { tfa })))
}

/// Turn two-factor authentication on
#[utoipa::path(
    post,
    path = "/v1/client/tfa/validate",
    tag = "two-factor authentication",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = TfaAttempt,
    responses((status = 200, body = TfaValidatedRoot), Refused)
)]
pub async fn validate(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TfaValidatedRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let proof = proof(&body)?;
    let (account, by) = (caller.account(), caller.person());
    let enabled = api.engine.enable_second_factor(account, proof.as_ref(), by);
    let codes = enabled.await.map_err(refused)?;
    let user = api.engine.user(account).await.map_err(refused)?;
    let tfa = TfaValidated {
        codes: codes.iter().map(|code| code.shown()).collect(),
        user: users::user(&api, user)?,
    };
    Ok(Json(TfaValidatedRoot { tfa }))
}

/// Turn two-factor authentication off
#[utoipa::path(
    delete,
    path = "/v1/client/tfa",
    tag = "two-factor authentication",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = TfaAttempt,
    responses((status = 204), Refused)
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<StatusCode, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let proof = proof(&body)?;
    let (account, by) = (caller.account(), caller.person());
    let disabled = api
        .engine
        .disable_second_factor(account, proof.as_ref(), by);
    disabled.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn proof(body: &Body) -> Result<Option<Proof>, Refused> {
    let asked: TfaAttempt = body.read("tfa")?;
    Ok(match asked.attempt {
        Some(Attempt::Number(number)) => Code::of_number(number).map(Proof::Code),
        Some(Attempt::Text(text)) => Proof::typed(&text),
        None => None,
    })
}

impl Tfa {
    fn of(factor: Option<&StoredFactor>) -> Self {
        Self {
            uuid: factor.map(|factor| factor.id.clone()),
            enabled: factor.is_some_and(|factor| factor.enabled_at.is_some()),
            provider: factor.map(|_| TOTP),
        }
    }
}

fn refused(error: AccessError) -> Refused {
    refusal::refused("TFA", error)
}
