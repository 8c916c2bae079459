//! `/v1/users/delete`: an account that leaves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::{Api, evenly};
use crate::domain::access::{Scope, Touch};
use crate::domain::account::Language;
use crate::domain::deletion::DeletionState;
use crate::engine::deletion::{Consent, DeletionError};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::deletion::said;
use crate::http::path::Id;
use crate::http::time::Time;

#[derive(Serialize, ToSchema)]
pub struct Deletion {
    id: String,
    /// `asked`, `settling` until nothing is owed, `erasing` while the platform removes
    /// everything, and `done`.
    state: &'static str,
    /// Until when the link that was mailed works.
    expires_at: Option<Time>,
    /// The number of the invoice of what was used until now, where there is one.
    final_invoice: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct DeletionRoot {
    deletion: Deletion,
}

#[derive(Deserialize, ToSchema)]
pub struct NewDeletion {
    /// Credit that was bought and is not used keeps an account, unless it is given up.
    #[serde(default)]
    give_up_credit: bool,
}

#[derive(Deserialize, ToSchema)]
pub struct DeletionConfirmation {
    /// Of the link that was mailed.
    token: Option<String>,
    /// Why, in up to 255 characters.
    reason: Option<String>,
    /// More about it, in up to 2,000 characters.
    details: Option<String>,
}

/// Ask for the account to be deleted
///
/// A link is mailed that confirms it. Asked again, the link before works no more.
#[utoipa::path(
    post,
    path = "/v1/users/delete",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = Option<NewDeletion>,
    responses((status = 201, body = DeletionRoot), Refused)
)]
pub async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<DeletionRoot>), Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Leave)?;
    let asked: NewDeletion = body.read_any("deletion")?;
    let asked = api
        .engine
        .ask_deletion(caller.account(), asked.give_up_credit, caller.person());
    let asked = asked.await.map_err(refused)?;
    let deletion = Deletion {
        id: asked.no.to_string(),
        state: DeletionState::Asked.code(),
        expires_at: Some(Time::of(asked.link_until)?),
        final_invoice: None,
    };
    Ok((StatusCode::CREATED, Json(DeletionRoot { deletion })))
}

/// Confirm that the account is to be deleted
///
/// By the link that was mailed. Apps stop at once, what was used this month is billed,
/// and once that is paid, everything goes.
#[utoipa::path(
    post,
    path = "/v1/users/delete/{id}/confirm",
    tag = "sign-in",
    params(("id" = String, Path)),
    request_body = DeletionConfirmation,
    responses((status = 200, body = DeletionRoot), Refused)
)]
pub async fn confirm(
    State(api): State<Arc<Api>>,
    Id(id): Id,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Json<DeletionRoot>, Refused> {
    api.limits.address(&headers, &extensions)?;
    let asked: DeletionConfirmation = body.read("deletion")?;
    let no: i64 = id.parse().map_err(|_| refused(DeletionError::Link))?;
    let engine = Arc::clone(&api.engine);
    let confirmed = api.shutdown.unbroken(async move {
        let consent = Consent {
            token: &asked.token.unwrap_or_default(),
            no: Some(no),
            reason: asked.reason.as_deref(),
            details: asked.details.as_deref(),
        };
        // Every way that money moves lies behind it: kept on the heap.
        let confirmed = Box::pin(engine.confirm_deletion(consent)).await;
        confirmed.map_err(refused)
    });
    let confirmed = evenly(async { confirmed.await? }).await?;
    let deletion = Deletion {
        id,
        state: confirmed.state.code(),
        expires_at: None,
        final_invoice: confirmed.final_invoice.map(|number| number.to_string()),
    };
    Ok(Json(DeletionRoot { deletion }))
}

fn refused(error: DeletionError) -> Refused {
    match error {
        DeletionError::Link => Refused::field("token", "is invalid"),
        DeletionError::Said(field, reason) => Refused::field(field, reason),
        DeletionError::Refused(reasons) => Refused::Fields(
            reasons
                .iter()
                .map(|reason| ("base".into(), said(Language::English, reason)))
                .collect(),
        ),
        error @ (DeletionError::FinalInvoice(_)
        | DeletionError::NoMail
        | DeletionError::Already(_)
        | DeletionError::NotAsked
        | DeletionError::TooLate) => Refused::Conflict(error.to_string()),
        error => Refused::internal(error),
    }
}
