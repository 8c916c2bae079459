//! `/v1/account/billing/operations`: what moved the account's money.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use crate::documents::wording::movement_title;
use crate::domain::access::{Scope, Touch};
use crate::domain::account::Language;
use crate::engine::overview::Operation as Moved;
use crate::http::answer::Refused;
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::time::Time;

#[derive(Serialize, ToSchema)]
pub struct Operation {
    id: String,
    created_at: Time,
    /// In minor units: what was paid is positive, what was taken or given back is negative.
    amount: i64,
    currency: String,
    /// `card`, `sepa`, `paypal`, `credit`, or `house` for what the house gave.
    source: String,
    /// In the account's language.
    description: String,
    invoice_id: Option<String>,
    invoice_url: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Operations {
    #[serde(rename = "billing-operations")]
    operations: Vec<Operation>,
    meta: Meta,
}

/// List what moved the account's money
///
/// Payments, prepaid credit, refunds and disputes; the latest first.
#[utoipa::path(
    get,
    path = "/v1/account/billing/operations",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    params(PageParams),
    responses((status = 200, body = Operations), Refused)
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Operations>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let page = paged.read()?;
    let account = caller.account();
    let profile = api
        .engine
        .profile(account)
        .await
        .map_err(Refused::internal)?;
    let listed = api
        .engine
        .account_operations(account, page.limit(), page.offset());
    let (operations, of_all) = listed.await.map_err(Refused::internal)?;
    let operations = operations
        .into_iter()
        .map(|moved| operation(moved, profile.language))
        .collect::<Result<_, _>>()?;
    Ok(Json(Operations {
        operations,
        meta: page.meta(of_all),
    }))
}

fn operation(moved: Moved, language: Language) -> Result<Operation, Refused> {
    let invoice = moved.invoice.map(|number| number.to_string());
    Ok(Operation {
        id: moved.id.to_string(),
        created_at: Time::of(moved.at)?,
        amount: moved.amount_minor,
        currency: moved.currency.code().to_owned(),
        source: moved.source.code().to_owned(),
        description: movement_title(&moved.movement, language).to_owned(),
        invoice_url: invoice
            .as_ref()
            .map(|number| format!("/v1/account/invoices/{number}")),
        invoice_id: invoice,
    })
}
