//! `/finance/v1/collections` and `/finance/v1/reconciliations`: money taken, and what
//! was out finished.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::payment::PaymentMethod;
use crate::engine::desk::asked::{CollectionAsked, ScopeAsked};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{Desk, Operator, ReasonGiven};
use crate::http::time::Day;
use crate::views::collection::CollectionView;
use crate::views::reconciliation::ReconciliationView;

/// What is to be charged; whatever is due where nothing is named.
#[derive(Deserialize, ToSchema)]
pub struct CollectionOrder {
    /// Only invoices of this month, such as 2026-10.
    period: Option<String>,
    /// Only invoices of this account.
    account: Option<String>,
    /// Only the invoice of this number.
    invoice: Option<String>,
    /// Only invoices for which a payment failed on this day or later.
    failed_since: Option<Day>,
    /// Only by `credit`, `sepa` or `card`.
    method: Option<String>,
    /// Whether it is only told what would be charged.
    dry_run: Option<bool>,
    /// Wanted where anything is charged.
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct CollectionRoot {
    collection: CollectionView,
}

#[derive(Serialize, ToSchema)]
pub struct ReconciliationRoot {
    reconciliation: ReconciliationView,
}

/// Charge invoices
///
/// As `quittance collect`: an invoice that is paid, or for which a payment is out, is
/// not charged, so that asking again charges nothing twice.
#[utoipa::path(
    post,
    path = "/finance/v1/collections",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    request_body = CollectionOrder,
    responses((status = 200, body = CollectionRoot), Refused)
)]
pub async fn collect(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    body: Body,
) -> Result<Json<CollectionRoot>, Refused> {
    let operator = operator.allow(Role::Operator)?;
    let order: CollectionOrder = body.read("collection")?;
    let asked = asked(&order)?;
    let request = desk.engine.collection(&asked).await?;
    let plan = desk.engine.plan_collection(&request).await?;
    if order.dry_run == Some(true) {
        let collection = CollectionView::new(&plan, None);
        return Ok(Json(CollectionRoot { collection }));
    }
    let decider = operator.decides(order.reason.as_deref())?;
    let engine = Arc::clone(&desk.engine);
    let words = asked.scope.words();
    let outcome = desk.shutdown.unbroken(async move {
        let written = engine.write_deed(decider.person(), "collect", &words);
        written.await.map_err(Refused::internal)?;
        Ok::<_, Refused>(engine.collect(&request, &|| {}).await?)
    });
    let outcome = outcome.await??;
    let collection = CollectionView::new(&plan, Some(&outcome));
    Ok(Json(CollectionRoot { collection }))
}

/// Finish what has no known outcome
///
/// As `quittance reconcile`, of payments, refunds, purchases and disputes. What could
/// not be finished is among the problems.
#[utoipa::path(
    post,
    path = "/finance/v1/reconciliations",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    request_body = ReasonGiven,
    responses((status = 200, body = ReconciliationRoot), Refused)
)]
pub async fn reconcile(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    body: Body,
) -> Result<Json<ReconciliationRoot>, Refused> {
    let operator = operator.allow(Role::Operator)?;
    let decider = operator.decides_in(&body, "reconciliation")?;
    let engine = Arc::clone(&desk.engine);
    let done = desk.shutdown.unbroken(async move {
        let written = engine.write_deed(decider.person(), "reconcile", "whatever is out");
        written.await.map_err(Refused::internal)?;
        Ok::<_, Refused>(engine.reconcile().await)
    });
    let reconciliation = ReconciliationView::from(&done.await??);
    Ok(Json(ReconciliationRoot { reconciliation }))
}

fn asked(order: &CollectionOrder) -> Result<CollectionAsked, Refused> {
    let period = order.period.as_deref().map(str::parse).transpose();
    let invoice = order.invoice.as_deref().map(str::parse).transpose();
    let only = order.method.as_deref().map(|code| {
        PaymentMethod::from_code(code)
            .ok_or_else(|| Refused::field("method", "is none of credit, sepa, card"))
    });
    if order.account.is_some() && order.invoice.is_some() {
        return Err(Refused::field(
            "invoice",
            "is named already: leave the account out",
        ));
    }
    Ok(CollectionAsked {
        scope: ScopeAsked {
            account: order.account.clone(),
            invoice: invoice.map_err(|error| invalid("invoice", error))?,
            period: period.map_err(|error| invalid("period", error))?,
        },
        failed_since: order.failed_since.map(|day| day.0),
        only: only.transpose()?,
    })
}

fn invalid(field: &'static str, error: impl ToString) -> Refused {
    Refused::field(field, error.to_string())
}
