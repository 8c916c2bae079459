//! `/finance/v1/bank-facts`: what the bank told and a person has to look at.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::engine::bank::report::key_from_text;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{Desk, Operator, ReasonGiven};
use crate::http::path::Id;
use crate::views::bank::BankFactView;

/// How many are told: closing some makes room for the next.
const LISTED_MAX: i64 = 1_000;

#[derive(Serialize, ToSchema)]
pub struct BankFacts {
    bank_facts: Vec<BankFactView>,
}

/// List what the bank told and a person has to look at
///
/// The first 1,000.
#[utoipa::path(
    get,
    path = "/finance/v1/bank-facts",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = BankFacts), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
) -> Result<Json<BankFacts>, Refused> {
    operator.allow(Role::Viewer)?;
    let facts = desk.engine.unmatched_facts(LISTED_MAX).await?;
    Ok(Json(BankFacts {
        bank_facts: facts.iter().map(BankFactView::from).collect(),
    }))
}

/// Record that a person has dealt with such a fact
#[utoipa::path(
    post,
    path = "/finance/v1/bank-facts/{id}/close",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    params(("id" = String, Path, description = "Its key, as the list has it")),
    request_body = ReasonGiven,
    responses((status = 204), Refused)
)]
pub async fn close(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<StatusCode, Refused> {
    let operator = operator.allow(Role::Operator)?;
    let decider = operator.decides_in(&body, "close")?;
    let key = key_from_text(&id).ok_or(Refused::NotFound("BankFact"))?;
    desk.engine.close_fact(&key, decider.person()).await?;
    Ok(StatusCode::NO_CONTENT)
}
