//! `/v1/contracts`: what customers accept.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::refusal;
use crate::domain::access::{Scope, Touch};
use crate::domain::account::Language;
use crate::domain::contract::{Texts, Unacceptable};
use crate::engine::contract::{ContractError, StandingContract};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::http::time::Time;

/// A text in both languages.
#[derive(Serialize, ToSchema)]
pub struct LocalizedText {
    en: String,
    fr: String,
}

#[derive(Serialize, ToSchema)]
pub struct ContractDocument {
    name: LocalizedText,
    short: LocalizedText,
    /// Where it is read in a browser.
    web: LocalizedText,
    pdf: LocalizedText,
}

#[derive(Serialize, ToSchema)]
pub struct ContractAccepted {
    on: Time,
    /// `en` or `fr`: the language that it was read in.
    locale: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct ContractRefused {
    on: Time,
    reason: String,
}

/// A version of a contract.
#[derive(Serialize, ToSchema)]
pub struct Contract {
    id: String,
    version: String,
    /// Whether no newer version replaced it.
    latest: bool,
    /// `platform` or `hds`.
    required_for: Vec<&'static str>,
    published_at: Time,
    /// From when on it has to be accepted.
    enroll_at: Option<Time>,
    next_version_id: Option<String>,
    /// What is accepted before it.
    depends_on_id: Option<String>,
    name: LocalizedText,
    short: LocalizedText,
    documents: Vec<ContractDocument>,
    accepted: Option<ContractAccepted>,
    /// Always `null`: who does not accept says nothing.
    refused: Option<ContractRefused>,
}

#[derive(Serialize, ToSchema)]
pub struct Contracts {
    contracts: Vec<Contract>,
}

#[derive(Serialize, ToSchema)]
pub struct ContractRoot {
    contract: Contract,
}

#[derive(Deserialize, ToSchema)]
pub struct ContractAcceptance {
    /// `en` or `fr`: the language that it was read in.
    locale: Option<String>,
}

/// List the contracts that stand
#[utoipa::path(
    get,
    path = "/v1/contracts",
    tag = "contracts",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    responses((status = 200, body = Contracts), Refused)
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Contracts>, Refused> {
    listed(&api, caller, true).await
}

/// List the versions that were replaced
#[utoipa::path(
    get,
    path = "/v1/contracts/history",
    tag = "contracts",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    responses((status = 200, body = Contracts), Refused)
)]
pub async fn history(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<Contracts>, Refused> {
    listed(&api, caller, false).await
}

async fn listed(api: &Api, caller: Caller, is_latest: bool) -> Result<Json<Contracts>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let all = api.engine.contracts(caller.account()).await;
    let contracts = all
        .map_err(refused)?
        .into_iter()
        .filter(|standing| standing.is_latest == is_latest)
        .map(contract)
        .collect::<Result<_, _>>()?;
    Ok(Json(Contracts { contracts }))
}

/// Show a version of a contract
#[utoipa::path(
    get,
    path = "/v1/contracts/{id}",
    tag = "contracts",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    params(("id" = String, Path)),
    responses((status = 200, body = ContractRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<ContractRoot>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let found = api.engine.contract(caller.account(), &id).await;
    let contract = contract(found.map_err(refused)?)?;
    Ok(Json(ContractRoot { contract }))
}

/// Accept a contract
///
/// Its version that stands. Accepted again, it stays as it was.
#[utoipa::path(
    post,
    path = "/v1/contracts/{id}/accept",
    tag = "contracts",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    params(("id" = String, Path)),
    request_body = ContractAcceptance,
    responses((status = 200, body = ContractRoot), Refused)
)]
pub async fn accept(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    body: Body,
) -> Result<Json<ContractRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let asked: ContractAcceptance = body.read("contract")?;
    // What is not there cannot be accepted in any language.
    let known = api.engine.contract(caller.account(), &id).await;
    known.map_err(refused)?;
    let locale: Option<Language> = asked.locale.and_then(|locale| locale.parse().ok());
    let locale = locale.ok_or_else(|| Refused::field("locale", "is neither en nor fr"))?;
    let accepted = api
        .engine
        .accept_contract(caller.account(), &id, locale, caller.person());
    let contract = contract(accepted.await.map_err(refused)?)?;
    Ok(Json(ContractRoot { contract }))
}

fn contract(standing: StandingContract) -> Result<Contract, Refused> {
    let version = standing.contract;
    let accepted: Option<Result<_, Refused>> = standing.accepted.map(|accepted| {
        Ok(ContractAccepted {
            on: Time::of(accepted.accepted_at)?,
            locale: accepted.locale.code(),
        })
    });
    Ok(Contract {
        id: version.id,
        version: version.version,
        latest: standing.is_latest,
        required_for: version
            .required_for
            .iter()
            .map(|requirement| requirement.code())
            .collect(),
        published_at: Time::of(version.published_at)?,
        enroll_at: Time::of_any(version.enroll_at)?,
        next_version_id: standing.next,
        depends_on_id: standing.depends_on,
        name: version.name.into(),
        short: version.short.into(),
        documents: version
            .documents
            .into_iter()
            .map(|document| ContractDocument {
                name: document.name.into(),
                short: document.short.into(),
                web: document.web.into(),
                pdf: document.pdf.into(),
            })
            .collect(),
        accepted: accepted.transpose()?,
        refused: None,
    })
}

impl From<Texts> for LocalizedText {
    fn from(texts: Texts) -> Self {
        Self {
            en: texts.en,
            fr: texts.fr,
        }
    }
}

fn refused(error: ContractError) -> Refused {
    match error {
        ContractError::Access(error) => refusal::refused("Contract", error),
        ContractError::Unacceptable(Unacceptable::Unknown) => Refused::NotFound("Contract"),
        ContractError::Unacceptable(why @ (Unacceptable::Superseded | Unacceptable::Dependent)) => {
            Refused::Conflict(why.to_string())
        }
    }
}
