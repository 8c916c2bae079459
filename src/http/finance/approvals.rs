//! `/finance/v1/approvals`: what waits for a second person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::calendar::PeriodKey;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{Desk, Operator, ReasonGiven};
use crate::http::path::Id;
use crate::views::debtor::DebtorView;

#[derive(Serialize, ToSchema)]
pub struct Approvals {
    approvals: Waiting,
}

#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// Accounts whose data would be deleted for their debt.
    deletions: Vec<DebtorView>,
    /// Accounts whose invoice is held back.
    parked: Vec<HeldBack>,
}

#[derive(Serialize, ToSchema)]
pub struct HeldBack {
    account: String,
    period: String,
    reason: String,
}

/// Which month of the account is released, and why.
#[derive(Deserialize, ToSchema)]
pub struct ReleaseAsked {
    /// Such as 2026-10.
    period: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ApprovedDeletionRoot {
    deletion: ApprovedDeletion,
}

#[derive(Serialize, ToSchema)]
pub struct ApprovedDeletion {
    account: String,
    /// What it owes.
    owed_minor: i64,
    currency: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct ReleasedRoot {
    release: Released,
}

#[derive(Serialize, ToSchema)]
pub struct Released {
    account: String,
    period: String,
    /// `null` where nothing is due, or it is held back again.
    invoice: Option<String>,
}

/// List what waits for an approval
#[utoipa::path(
    get,
    path = "/finance/v1/approvals",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = Approvals), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
) -> Result<Json<Approvals>, Refused> {
    operator.allow(Role::Viewer)?;
    let waiting = desk.engine.waiting().await?;
    let parked = waiting.parked.into_iter();
    let approvals = Waiting {
        deletions: waiting.deletions.iter().map(DebtorView::of).collect(),
        parked: parked
            .map(|(period, parked)| HeldBack {
                account: parked.external_id,
                period: period.to_string(),
                reason: parked.reason,
            })
            .collect(),
    };
    Ok(Json(Approvals { approvals }))
}

/// Approve that the data of a suspended account is deleted when its day comes
///
/// Approved once, it is 409 to approve it again.
#[utoipa::path(
    post,
    path = "/finance/v1/approvals/deletions/{id}",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("approver"))),
    params(("id" = String, Path, description = "The account")),
    request_body = ReasonGiven,
    responses((status = 201, body = ApprovedDeletionRoot), Refused)
)]
pub async fn approve_deletion(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<(StatusCode, Json<ApprovedDeletionRoot>), Refused> {
    let operator = operator.allow(Role::Approver)?;
    let decider = operator.decides_in(&body, "approval")?;
    let account = desk.engine.account_named(&id).await?;
    let owed = desk.engine.approve_deletion(account, decider.person());
    let owed = owed.await?;
    let deletion = ApprovedDeletion {
        account: id,
        owed_minor: owed.minor,
        currency: owed.currency.code(),
    };
    Ok((StatusCode::CREATED, Json(ApprovedDeletionRoot { deletion })))
}

/// Bill an account in spite of the sanity bounds
///
/// The total that was held back; one that grew since is held back again.
#[utoipa::path(
    post,
    path = "/finance/v1/approvals/parked/{id}",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("approver"))),
    params(("id" = String, Path, description = "The account")),
    request_body = ReleaseAsked,
    responses((status = 201, body = ReleasedRoot), Refused)
)]
pub async fn release(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<(StatusCode, Json<ReleasedRoot>), Refused> {
    let operator = operator.allow(Role::Approver)?;
    let asked: ReleaseAsked = body.read("release")?;
    let period = asked.period.unwrap_or_default();
    let period: PeriodKey = period
        .parse()
        .map_err(|_| Refused::field("period", "is no month such as 2026-10"))?;
    let decider = operator.decides(asked.reason.as_deref())?;
    let (engine, account) = (Arc::clone(&desk.engine), id.clone());
    let number = desk.shutdown.unbroken(async move {
        let released = engine.release(period, &account, decider.person());
        released.await
    });
    let number = number.await??;
    let release = Released {
        account: id,
        period: period.to_string(),
        invoice: number.map(|number| number.to_string()),
    };
    Ok((StatusCode::CREATED, Json(ReleasedRoot { release })))
}
