//! `/v1/account/billing/credit-purchases`: prepaid credit, bought with PayPal.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::payment_methods::ChargedInvoice;
use super::refusal::{call_refused, provider_refused};
use crate::domain::access::{Barred, Scope, Touch};
use crate::domain::ids::PurchaseId;
use crate::domain::money::Money;
use crate::domain::payment::purchase::NotSold;
use crate::engine::purchase::{Progress, PurchaseError};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::http::time::Time;
use crate::providers::paypal::PayPal;
use crate::store::rows::StoredPurchase;

/// What is listed of one account: more than a year of one a day.
const LISTED_MAX: i64 = 500;

#[derive(Deserialize, ToSchema)]
pub struct NewCreditPurchase {
    /// In minor units of the account's currency: 5000 is 50.00 EUR; at least 5.00.
    amount: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct CreditPurchase {
    id: String,
    /// In minor units.
    amount: i64,
    currency: &'static str,
    /// `pending` while it is not known, `succeeded` once it is credited, `declined`, or
    /// `returned`.
    state: &'static str,
    /// Where the customer approves it, while it waits for that.
    approve_url: Option<String>,
    created_at: Time,
}

#[derive(Serialize, ToSchema)]
pub struct CreditPurchases {
    credit_purchases: Vec<CreditPurchase>,
}

#[derive(Serialize, ToSchema)]
pub struct CreditPurchaseRoot {
    credit_purchase: CreditPurchase,
    /// What the credit paid at once.
    invoices: Vec<ChargedInvoice>,
}

/// List purchases of credit
///
/// The newest 500, the oldest of them first.
#[utoipa::path(
    get,
    path = "/v1/account/billing/credit-purchases",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    responses((status = 200, body = CreditPurchases), Refused)
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<CreditPurchases>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let listed = api.engine.purchases(caller.account(), LISTED_MAX).await;
    let listed = listed.map_err(Refused::internal)?;
    let credit_purchases = listed
        .iter()
        .map(|listed| purchase(listed, None))
        .collect::<Result<_, _>>()?;
    Ok(Json(CreditPurchases { credit_purchases }))
}

/// Buy credit
///
/// The customer approves it at the address that comes back, and is charged once that is
/// captured.
#[utoipa::path(
    post,
    path = "/v1/account/billing/credit-purchases",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    request_body = NewCreditPurchase,
    responses((status = 201, body = CreditPurchaseRoot), Refused)
)]
pub async fn buy(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<CreditPurchaseRoot>), Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let asked: NewCreditPurchase = body.read("credit_purchase")?;
    let amount = asked
        .amount
        .ok_or_else(|| Refused::field("amount", "can't be blank"))?;
    let (engine, account) = (Arc::clone(&api.engine), caller.account());
    let bought = api.shutdown.unbroken(async move {
        let paypal = paypal(&engine)?;
        let credit = engine.credit(account).await.map_err(Refused::internal)?;
        let amount = Money::new(amount, credit.currency);
        let bought = engine.buy_credit(paypal, account, amount).await;
        bought.map_err(refused)
    });
    let answer = progress(&bought.await??)?;
    Ok((StatusCode::CREATED, answer))
}

/// Capture credit that the customer approved
///
/// It is credited once however often it is asked for, and pays what is unpaid. A
/// purchase that nobody approved yet stays as it is.
#[utoipa::path(
    post,
    path = "/v1/account/billing/credit-purchases/{id}/capture",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    params(("id" = String, Path)),
    responses((status = 200, body = CreditPurchaseRoot), Refused)
)]
pub async fn capture(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<CreditPurchaseRoot>, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let id: PurchaseId = id
        .parse()
        .map_err(|_| Refused::NotFound("CreditPurchase"))?;
    let (engine, account) = (Arc::clone(&api.engine), caller.account());
    let captured = api.shutdown.unbroken(async move {
        engine.own_purchase(account, id).await.map_err(refused)?;
        let captured = engine.advance_purchase(paypal(&engine)?, id).await;
        captured.map_err(refused)
    });
    progress(&captured.await??)
}

fn paypal(engine: &crate::engine::run::Engine) -> Result<&PayPal, Refused> {
    let paypal = engine.providers.paypal(&engine.config);
    paypal.map_err(|error| provider_refused("credit is not sold here", &error))
}

fn progress(progress: &Progress) -> Result<Json<CreditPurchaseRoot>, Refused> {
    Ok(Json(CreditPurchaseRoot {
        credit_purchase: purchase(&progress.purchase, progress.approve_url.clone())?,
        invoices: progress.invoices.iter().map(ChargedInvoice::from).collect(),
    }))
}

fn purchase(
    stored: &StoredPurchase,
    approve_url: Option<String>,
) -> Result<CreditPurchase, Refused> {
    Ok(CreditPurchase {
        id: stored.id.to_string(),
        amount: stored.amount.minor,
        currency: stored.amount.currency.code(),
        state: match stored.state.code() {
            // Whatever is under way looks the same to a customer.
            "created" | "submitted" | "unknown" => "pending",
            known => known,
        },
        approve_url,
        created_at: Time::of(stored.created_at)?,
    })
}

fn refused(error: PurchaseError) -> Refused {
    match error {
        PurchaseError::NotSold(NotSold::TooSmall { least, .. }) => {
            Refused::field("amount", format!("must be at least {least}"))
        }
        PurchaseError::NotSold(NotSold::TooLarge { most, .. }) => {
            Refused::field("amount", format!("must be at most {most}"))
        }
        PurchaseError::Leaving => Refused::Barred(Barred::Leaving),
        PurchaseError::NoPurchase(_) => Refused::NotFound("CreditPurchase"),
        PurchaseError::Call(error) | PurchaseError::Open { source: error, .. } => {
            call_refused(&error)
        }
        error @ (PurchaseError::Store(_)
        | PurchaseError::Provider(_)
        | PurchaseError::Collect(_)
        | PurchaseError::OtherCurrency { .. }
        | PurchaseError::Refund(_)
        | PurchaseError::Unbookable { .. }
        | PurchaseError::TakenAfterAll { .. }
        | PurchaseError::Event { .. }
        | PurchaseError::Ledger(_)
        | PurchaseError::Chance(_)) => Refused::internal(error),
    }
}
