//! `/finance/v1/unpaid`: who owes what since when, and what keeps the next step back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::ids::AccountId;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{Desk, Operator, ReasonGiven};
use crate::http::path::Id;
use crate::http::query::Query;
use crate::http::time::Day;
use crate::views::debtor::DebtorView;

/// How many are told at once.
const PAGE: i64 = 100;

#[derive(Serialize, ToSchema)]
pub struct Unpaid {
    unpaid: Vec<DebtorView>,
    /// Where the list goes on; `null` at its end.
    next: Option<String>,
}

/// Until when the steps are held, and why.
#[derive(Deserialize, ToSchema)]
pub struct HoldAsked {
    /// The first day without the hold, such as 2026-12-24.
    until: Option<Day>,
    reason: Option<String>,
}

/// List who does not pay
///
/// Each as `quittance dunning list --json` prints it, by the house's own key.
#[utoipa::path(
    get,
    path = "/finance/v1/unpaid",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(
        ("account" = Option<String>, Query, description = "Only this account"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses((status = 200, body = Unpaid), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    query: Query,
) -> Result<Json<Unpaid>, Refused> {
    operator.allow(Role::Viewer)?;
    let engine = &desk.engine;
    if let Some(account) = query.value("account")? {
        let account = engine.account_named(&account).await?;
        let debtor = engine.debtor(account).await?;
        return Ok(Json(Unpaid {
            unpaid: debtor.iter().map(DebtorView::of).collect(),
            next: None,
        }));
    }
    let after = query.parsed::<i64>("after")?.map(AccountId);
    let (debtors, last) = engine.debtors_after(after, PAGE).await?;
    Ok(Json(Unpaid {
        unpaid: debtors.iter().map(DebtorView::of).collect(),
        next: last.map(|account| account.to_string()),
    }))
}

/// Hold the steps of an account until a day
///
/// It is charged all the same. A hold before it is replaced.
#[utoipa::path(
    put,
    path = "/finance/v1/unpaid/{id}/hold",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    params(("id" = String, Path, description = "The account")),
    request_body = HoldAsked,
    responses((status = 204), Refused)
)]
pub async fn hold(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<StatusCode, Refused> {
    let operator = operator.allow(Role::Operator)?;
    let asked: HoldAsked = body.read("hold")?;
    let until = asked
        .until
        .ok_or_else(|| Refused::field("until", "can't be blank"))?
        .0;
    let decider = operator.decides(asked.reason.as_deref())?;
    let account = desk.engine.account_named(&id).await?;
    let held = desk.engine.hold_dunning(account, until, decider.person());
    held.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let the steps of an account go on
#[utoipa::path(
    post,
    path = "/finance/v1/unpaid/{id}/lift",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    params(("id" = String, Path, description = "The account")),
    request_body = ReasonGiven,
    responses((status = 204), Refused)
)]
pub async fn lift(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<StatusCode, Refused> {
    let operator = operator.allow(Role::Operator)?;
    let decider = operator.decides_in(&body, "lift")?;
    let account = desk.engine.account_named(&id).await?;
    let lifted = desk.engine.lift_dunning_hold(account, decider.person());
    lifted.await?;
    Ok(StatusCode::NO_CONTENT)
}
