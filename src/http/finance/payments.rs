//! `/finance/v1/payments`: attempts to take money, and what is given back of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::ids::{AttemptId, RefundId};
use crate::engine::desk::asked::ScopeAsked;
use crate::engine::refund::RefundError;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{Desk, Operator};
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::path::Id;
use crate::http::query::Query;
use crate::views::payment::{PaymentStoryView, PaymentView};
use crate::views::refund::RefundView;

/// The name that whoever asks gives what it asks for.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

#[derive(Serialize, ToSchema)]
pub struct Payments {
    payments: Vec<PaymentView>,
    meta: Meta,
}

#[derive(Serialize, ToSchema)]
pub struct PaymentRoot {
    payment: PaymentStoryView,
}

/// What is to be given back.
#[derive(Deserialize, ToSchema)]
pub struct RefundAsked {
    /// In minor units.
    amount_minor: Option<i64>,
    /// Whether the invoice is owed and charged again; without, it stays paid.
    reopen: Option<bool>,
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct RefundRoot {
    refund: RefundView,
}

/// List attempts to take money
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/finance/v1/payments",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(
        ("period" = Option<String>, Query, description = "Only of invoices of this month, such as 2026-10"),
        ("account" = Option<String>, Query, description = "Only of this account"),
        ("invoice" = Option<String>, Query, description = "Only of the invoice of this number"),
        PageParams,
    ),
    responses((status = 200, body = Payments), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    query: Query,
    paged: Paged,
) -> Result<Json<Payments>, Refused> {
    operator.allow(Role::Viewer)?;
    let page = paged.read()?;
    let asked = ScopeAsked {
        account: query.parsed("account")?,
        invoice: query.parsed("invoice")?,
        period: query.parsed("period")?,
    };
    let (attempts, of_all) = desk.engine.payments(&asked, page.bounds()).await?;
    Ok(Json(Payments {
        payments: attempts.iter().map(PaymentView::from).collect(),
        meta: page.meta(of_all),
    }))
}

/// Show a payment
///
/// What became of it, what it moved, and what was given or taken back.
#[utoipa::path(
    get,
    path = "/finance/v1/payments/{id}",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(("id" = String, Path)),
    responses((status = 200, body = PaymentRoot), Refused)
)]
pub async fn show(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
) -> Result<Json<PaymentRoot>, Refused> {
    operator.allow(Role::Viewer)?;
    let story = desk.engine.payment_story(attempt(&id)?).await;
    let story = story.map_err(Refused::internal)?;
    let story = story.ok_or(Refused::NotFound("Payment"))?;
    Ok(Json(PaymentRoot {
        payment: PaymentStoryView::from(story),
    }))
}

/// Give a card payment back, or a part of it
///
/// The header `Idempotency-Key` names the refund: asked for again under it, by the same
/// key of the house, it is the one that was made, and nothing more is given back. 202
/// says that Stripe did not answer: the refund stands, and reconciling goes on with it.
#[utoipa::path(
    post,
    path = "/finance/v1/payments/{id}/refunds",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 200 bytes of plain text"),
    ),
    request_body = RefundAsked,
    responses(
        (status = 201, body = RefundRoot),
        (status = 202, body = RefundRoot, description = "It is not known yet what became of it."),
        Refused
    )
)]
pub async fn refund(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<RefundRoot>), Refused> {
    let operator = operator.allow(Role::Operator)?;
    let asked: RefundAsked = body.read("refund")?;
    let amount_minor = asked.amount_minor.filter(|minor| *minor > 0);
    let amount_minor = amount_minor
        .ok_or_else(|| Refused::field("amount_minor", "is no amount in minor units such as 500"))?;
    let name = named(&operator.key().id, &headers)?;
    let decider = operator.decides(asked.reason.as_deref())?;
    let payment = attempt(&id)?;
    let reopens = asked.reopen.unwrap_or(false);
    let engine = Arc::clone(&desk.engine);
    let refunded = desk.shutdown.unbroken(async move {
        let by = decider.person();
        let refund = engine.refund_payment_as(name, payment, amount_minor, reopens, by);
        match refund.await {
            Ok(refund) => Ok((StatusCode::CREATED, refund)),
            Err(RefundError::Open { refund, source }) => {
                tracing::warn!(%refund, error = %source, "a refund has no answer yet");
                let stands = engine.refund_of_id(refund).await?;
                Ok((StatusCode::ACCEPTED, stands))
            }
            Err(error) => Err(error),
        }
    });
    let (status, refund) = refunded.await??;
    let refund = RefundView::from(&refund);
    Ok((status, Json(RefundRoot { refund })))
}

/// The refund that this key of the house calls so.
fn named(key: &str, headers: &HeaderMap) -> Result<RefundId, Refused> {
    let name = headers.get(IDEMPOTENCY_KEY);
    let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
    if name.is_empty() || name.len() > 200 {
        return Err(Refused::field(
            IDEMPOTENCY_KEY,
            "must be 1 to 200 bytes of plain text: the same whenever you ask for this refund again",
        ));
    }
    let digest = Sha256::digest(format!("refund {key} {name}").as_bytes());
    let (half, _) = digest.split_at(16);
    let half = <[u8; 16]>::try_from(half).map_err(Refused::internal)?;
    Ok(RefundId::named(half))
}

fn attempt(id: &str) -> Result<AttemptId, Refused> {
    id.parse().map_err(|_| Refused::NotFound("Payment"))
}
