//! `/finance/v1/runs`: the months that were billed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::calendar::PeriodKey;
use crate::http::answer::Refused;
use crate::http::desk::{Desk, Operator};
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::path::Id;
use crate::http::query::Query;
use crate::store::rows::OutcomeKind;
use crate::views::outcome::OutcomeView;
use crate::views::run::RunView;

#[derive(Serialize, ToSchema)]
pub struct Runs {
    runs: Vec<RunView>,
}

#[derive(Serialize, ToSchema)]
pub struct RunRoot {
    run: RunView,
}

#[derive(Serialize, ToSchema)]
pub struct Outcomes {
    outcomes: Vec<OutcomeView>,
    meta: Meta,
}

/// List runs
///
/// Each as `quittance run status --json` prints it.
#[utoipa::path(
    get,
    path = "/finance/v1/runs",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = Runs), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
) -> Result<Json<Runs>, Refused> {
    operator.allow(Role::Viewer)?;
    let statuses = desk.engine.run_statuses().await?;
    let runs = statuses.iter().map(|status| RunView::new(status, None));
    Ok(Json(Runs {
        runs: runs.collect(),
    }))
}

/// Show a run
///
/// Where it stands, its sums, and whom it holds back.
#[utoipa::path(
    get,
    path = "/finance/v1/runs/{id}",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(("id" = String, Path, description = "The month, such as 2026-10")),
    responses((status = 200, body = RunRoot), Refused)
)]
pub async fn show(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
) -> Result<Json<RunRoot>, Refused> {
    operator.allow(Role::Viewer)?;
    let status = desk.engine.run_status(month(&id)?).await?;
    Ok(Json(RunRoot {
        run: RunView::new(&status, None),
    }))
}

/// List the outcomes of a run
#[utoipa::path(
    get,
    path = "/finance/v1/runs/{id}/outcomes",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(
        ("id" = String, Path, description = "The month, such as 2026-10"),
        ("outcome" = Option<String>, Query, description = "Only `invoiced`, `nothing_due` or `parked`"),
        PageParams,
    ),
    responses((status = 200, body = Outcomes), Refused)
)]
pub async fn outcomes(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    query: Query,
    paged: Paged,
) -> Result<Json<Outcomes>, Refused> {
    operator.allow(Role::Viewer)?;
    let page = paged.read()?;
    let kind = match query.value("outcome")? {
        None => None,
        Some(code) => Some(OutcomeKind::from_code(&code).ok_or_else(|| {
            Refused::field("outcome", "is none of invoiced, nothing_due, parked")
        })?),
    };
    let listed = desk.engine.outcomes(month(&id)?, kind, page.bounds());
    let (outcomes, of_all) = listed.await?;
    Ok(Json(Outcomes {
        outcomes: outcomes.into_iter().map(OutcomeView::from).collect(),
        meta: page.meta(of_all),
    }))
}

/// What is no month was never run.
fn month(id: &str) -> Result<PeriodKey, Refused> {
    id.parse().map_err(|_| Refused::NotFound("Run"))
}
