//! `/v1/account/budget`: what the customer means to spend in a month. It is mailed once
//! for each of 50, 80 and 100 % of it; nothing is stopped by that.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Allowed, Caller};
use crate::domain::access::{Scope, Touch};
use crate::engine::budget::BudgetError;
use crate::http::answer::Refused;
use crate::http::body::Body;

/// What is meant to be spent in a month.
#[derive(Deserialize, ToSchema)]
pub struct BudgetAsked {
    /// In minor units of the account's currency, with VAT: 10000 is 100.00 EUR.
    amount: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct AccountBudget {
    /// In minor units, with VAT.
    amount: i64,
    currency: &'static str,
    /// The current month, such as 2026-11.
    period: String,
    /// What it comes to so far, as its invoice would be.
    spent: i64,
    /// The largest of 50, 80 and 100 that is reached; 0 below.
    reached_percent: i16,
}

#[derive(Serialize, ToSchema)]
pub struct AccountBudgetRoot {
    budget: AccountBudget,
}

/// Show the budget
#[utoipa::path(
    get,
    path = "/v1/account/budget",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    responses((status = 200, body = AccountBudgetRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<AccountBudgetRoot>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    standing(&api, &caller).await
}

/// Set the budget
///
/// In place of one before. It is mailed once for each of 50, 80 and 100 % of a month's.
#[utoipa::path(
    put,
    path = "/v1/account/budget",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write"))),
    request_body = BudgetAsked,
    responses((status = 200, body = AccountBudgetRoot), Refused)
)]
pub async fn set(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<Json<AccountBudgetRoot>, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Change)?;
    let asked: BudgetAsked = body.read("budget")?;
    let amount = asked
        .amount
        .ok_or_else(|| Refused::field("amount", "can't be blank"))?;
    let set = api
        .engine
        .set_budget(caller.account(), amount, caller.person());
    set.await.map_err(refused)?;
    standing(&api, &caller).await
}

/// Remove the budget
#[utoipa::path(
    delete,
    path = "/v1/account/budget",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write"))),
    responses((status = 204), Refused)
)]
pub async fn remove(State(api): State<Arc<Api>>, caller: Caller) -> Result<StatusCode, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Change)?;
    let removed = api.engine.remove_budget(caller.account(), caller.person());
    removed.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn standing(api: &Api, caller: &Allowed) -> Result<Json<AccountBudgetRoot>, Refused> {
    let standing = api.engine.budget(caller.account()).await.map_err(refused)?;
    Ok(Json(AccountBudgetRoot {
        budget: AccountBudget {
            amount: standing.budget.amount_minor,
            currency: standing.currency.code(),
            period: standing.period.to_string(),
            spent: standing.spent_minor,
            reached_percent: standing.budget.reached_percent(standing.spent_minor),
        },
    }))
}

fn refused(error: BudgetError) -> Refused {
    match error {
        BudgetError::None => Refused::NotFound("Budget"),
        error @ BudgetError::Amount => Refused::field("amount", error.to_string()),
        error @ (BudgetError::Store(_) | BudgetError::Estimate(_)) => Refused::internal(error),
    }
}
